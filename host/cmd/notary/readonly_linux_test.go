package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadersWriteNothing runs what only reads a notary's directories where opening a file
// for writing is death, and to see that it is, also commands that write. Afterwards each
// file and directory is as it was, with the time of its last change.
func TestReadersWriteNothing(t *testing.T) {
	t.Parallel()
	m := *sample(t)
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	m.dir = to
	readOnly(t, m.path("data"))
	before := snapshot(t, m.dir)
	out := t.TempDir()
	for _, args := range [][]string{
		{"audit", "--config", "notary.yaml", "--policy", "policy.yaml"},
		{"audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--positions", "positions.txt", "--log", "data/log/tree", "--json"},
		{"session", "list", "--config", "notary.yaml", "--identity", "recipient.pem"},
		{"verify", "--policy", "policy.yaml", "good.bundle"},
	} {
		if status, text := m.confined(t, noFiles, args...); status.ExitStatus() != exitOK {
			t.Errorf("notary %v where nothing can be written: signal %v, status %d\n%s", args, status.Signal(), status.ExitStatus(), text)
		}
	}
	for _, args := range [][]string{
		{"audit", "--config", "notary.yaml", "--policy", "policy.yaml", "-o", filepath.Join(out, "checkpoint")},
		{"audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--keep", filepath.Join(out, "kept")},
		{"audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--resume", filepath.Join(out, "notes")},
		{"keygen", "-o", filepath.Join(out, "key.pem")},
	} {
		if status, text := m.confined(t, noFiles, args...); status.Signal() != syscall.SIGSYS {
			t.Errorf("notary %v was not killed for what it wrote: status %#x\n%s", args, int(status), text)
		}
	}
	if files, err := os.ReadDir(out); err != nil || len(files) > 0 {
		t.Errorf("%d files were written, %v", len(files), err)
	}
	// Without the filter, but for whom the mode of a file does not hold: what an audit makes is
	// beside what it reads.
	if status, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--keep", filepath.Join(out, "kept"), "-o", filepath.Join(out, "checkpoint")); status != exitOK {
		t.Errorf("audit: %d\n%s%s", status, stdout, stderr)
	} else if strings.Contains(stdout+stderr, "entries of the journal,") {
		t.Errorf("progress is shown where there is no terminal\n%s%s", stdout, stderr)
	}
	if after := snapshot(t, m.dir); !maps.Equal(before, after) {
		for name := range after {
			if before[name] != after[name] {
				t.Errorf("%s is %s and was %s", name, after[name], before[name])
			}
		}
		t.Errorf("%d files and directories, before %d", len(after), len(before))
	}
}

// readOnly takes the right to write from all below a directory, for who is not root.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	change := func(and, or fs.FileMode) {
		if err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			return os.Chmod(name, info.Mode().Perm()&and|or)
		}); err != nil {
			t.Error(err)
		}
	}
	change(0o555, 0)
	t.Cleanup(func() { change(0o777, 0o200) }) // so that it can be removed
}

// snapshot has mode, time of the last change, and content of all below a directory.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var sum [32]byte
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(b)
		}
		all[name] = fmt.Sprintf("%v, %d, %x", info.Mode(), info.ModTime().UnixNano(), sum[:8])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
