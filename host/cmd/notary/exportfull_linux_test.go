package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestExportToFullDisk: what has no room is told once, with what to do, and not for each
// of the parts.
func TestExportToFullDisk(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		&os.PathError{Op: "write", Path: "all", Err: syscall.ENOSPC}: true, syscall.EDQUOT: true, syscall.EROFS: true,
		&os.PathError{Op: "open", Path: "all", Err: syscall.EACCES}: false, nil: false,
	} {
		if noRoom(err) != want {
			t.Errorf("%v is for all files: %t", err, !want)
		}
	}
	m := sample(t)
	// A file system of one page, in a name space of mounts that ends with the shell.
	script := `mount -t tmpfs -o size=4k none "$1" || exit 77; shift; exec "$@"`
	cmd := exec.Command("/bin/sh", "-c", script, "sh", t.TempDir(), m.bin.notary,
		"export", "--unjournaled", "--config", m.path("notary.yaml"), "-o", "")
	cmd.Args[len(cmd.Args)-1] = cmd.Args[4]
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 77 {
		t.Logf("no file system can be mounted here, so the command is not seen to meet a full one: %v %s", err, stderr.String())
		return
	}
	if status := cmd.ProcessState.ExitCode(); status != exitUsage || stdout.Len() > 0 || strings.Count(stderr.String(), "no space left on device") != 1 ||
		!strings.Contains(stderr.String(), "after 0 of 3 session parts") || !strings.Contains(stderr.String(), "hint: make room ") {
		t.Errorf("export to a full disk: status %d\n%s%s", status, stdout.String(), stderr.String())
	}
}
