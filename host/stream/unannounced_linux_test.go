//go:build amd64 || arm64

package stream

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
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
	paused.Store(0) // a test before this one may have had a pause
	defer paused.Store(0)
	try := func(what string, patience time.Duration, announced bool, took time.Duration) {
		t.Helper()
		c := begin(patience)
		if (c.alarm == nil) != announced {
			t.Errorf("%s: announced is %v", what, !announced)
		}
		c.began = time.Now().Add(-took)
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

// TestAgain: calls that follow one another have one alarm, unless one pauses, or it was set
// long ago; what counts as a pause is one of them and not all together.
func TestAgain(t *testing.T) {
	paused.Store(0)
	defer paused.Store(0)
	c := begin(time.Minute)
	step := func(what string, took, sinceSet time.Duration, shared, announced bool) {
		t.Helper()
		now := time.Now()
		before := c.alarm
		c.began, c.set = now.Add(-took), now.Add(-sinceSet)
		was := c.set
		c = c.again()
		if (c.alarm == nil) != announced || shared && c.alarm != before {
			t.Errorf("%s: announced is %v, with the same alarm %v", what, c.alarm == nil, c.alarm == before)
		}
		if got := c.set.Equal(was); got != shared && !announced {
			t.Errorf("%s: the alarm is shared is %v", what, got)
		}
		if time.Since(c.began) > pause {
			t.Errorf("%s: the next call began with an earlier one", what)
		}
	}
	for range 9 {
		step("a quick one", pause*9/10, pause, true, false)
	}
	step("one of an alarm of long ago", 0, 2*time.Second, false, false)
	step("a quick one behind it", 0, 0, true, false)
	step("a pause", 2*pause, 2*pause, false, true)
	until := paused.Load()
	for range 9 {
		step("one that is announced", pause*9/10, 0, false, true)
	}
	c.end()
	if paused.Load() != until {
		t.Error("quick calls put the end of a pause off")
	}
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
	for range cap(alarms) {
		a := <-alarms
		for i, id := range a.timers {
			var left unix.ItimerSpec
			if _, _, e := syscall.Syscall(unix.SYS_TIMER_GETTIME, uintptr(id), uintptr(unsafe.Pointer(&left)), 0); e != 0 || left != (unix.ItimerSpec{}) {
				t.Errorf("an alarm that was stopped has %v until %v: %v", left.Value, signals[i], e)
			}
		}
		alarms <- a
	}
	if len(alarms) != cap(alarms) {
		t.Errorf("%d alarms are kept, there is room for %d", len(alarms), cap(alarms))
	}
}

// hangs names a pipe for a process that hangs, and hangsDeaf has it not hear SIGABRT.
const (
	hangs     = "STREAM_TEST_HANGS"
	hangsDeaf = "STREAM_TEST_HANGS_DEAF"
)

// TestHangingWrite: a call that never ends, of which the runtime does not know, has
// everything wait for it. The kernel ends the process, also if it cannot tell of it.
func TestHangingWrite(t *testing.T) {
	if path := os.Getenv(hangs); path != "" {
		hang(t, path)
	}
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, deaf := range []string{"", "deaf"} {
		child := exec.Command(os.Args[0], "-test.run=^TestHangingWrite$")
		child.Env = append(os.Environ(), hangs+"="+path, hangsDeaf+"="+deaf)
		var out bytes.Buffer
		child.Stdout, child.Stderr = &out, &out
		err := child.Run()
		status, _ := child.ProcessState.Sys().(syscall.WaitStatus)
		if killed := status.Signaled() && status.Signal() == syscall.SIGKILL; killed != (deaf != "") || killed == strings.Contains(out.String(), "SIGABRT") {
			t.Errorf("a process that hangs, %q, ends with %v:\n%s", deaf, err, out.Bytes())
		}
	}
}

// hang has the only processor in writes to a pipe that nobody reads.
func hang(t *testing.T, path string) {
	if os.Getenv(hangsDeaf) != "" {
		signal.Ignore(syscall.SIGABRT)
		lastWord = 50 * time.Millisecond
	}
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
