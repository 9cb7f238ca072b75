//go:build amd64 || arm64

package stream

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestPause: after a call that took long calls are announced, until there was none for a while.
func TestPause(t *testing.T) {
	defer paused.Store(0)
	try := func(what string, patience time.Duration, announced bool, took time.Duration) {
		t.Helper()
		c := begin(patience)
		if (c.alarm == nil) != announced {
			t.Errorf("%s: announced is %v", what, !announced)
		}
		c.began = c.began.Add(-took)
		c.end()
	}
	try("the first call", time.Minute, false, 0)
	try("one on another machine's disk", 0, true, 0)
	try("one after quick ones", time.Minute, false, 2*pause)
	try("one after a pause", time.Minute, true, 0)
	try("another after a pause", time.Minute, true, 0)
	paused.Add(-int64(calm))
	try("one a while after a pause", time.Minute, false, 0)
}

// TestAlarmsAtOnce: each call has its own, and no more are kept than are of use.
func TestAlarmsAtOnce(t *testing.T) {
	seen := make(map[int32]bool)
	var at []*alarm
	for range 2 * cap(alarms) {
		a := setAlarm(time.Minute)
		if a == nil {
			t.Fatal("the kernel gives none")
		}
		for _, id := range a.timers {
			if seen[id] {
				t.Fatalf("timer %d is of two", id)
			}
			seen[id] = true
		}
		at = append(at, a)
	}
	for _, a := range at {
		a.stop()
	}
	if len(alarms) != cap(alarms) {
		t.Errorf("%d alarms are kept, there is room for %d", len(alarms), cap(alarms))
	}
}

// hangs names a pipe for a process that hangs.
const hangs = "STREAM_TEST_HANGS"

// TestHangingWrite: a call that never ends, of which the runtime does not know, has
// everything wait for it. The kernel ends the process.
func TestHangingWrite(t *testing.T) {
	if path := os.Getenv(hangs); path != "" {
		hang(t, path)
	}
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestHangingWrite$")
	child.Env = append(os.Environ(), hangs+"="+path)
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	err := child.Run()
	if err == nil || !strings.Contains(out.String(), "SIGABRT") {
		t.Errorf("a process that hangs ends with %v:\n%s", err, out.Bytes())
	}
}

// hang has the only processor in writes to a pipe that nobody reads.
func hang(t *testing.T, path string) {
	runtime.GOMAXPROCS(1)
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd, b := pipe.Fd(), make([]byte, 1<<20) // more than there is room for
	begin(50 * time.Millisecond)
	for { // the runtime's own signals end such a call
		syscall.RawSyscall6(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0)
	}
}
