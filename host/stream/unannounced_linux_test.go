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

// setClock has the time stand still, until what it returns is called to let some go by.
func setClock(t *testing.T) (pass func(time.Duration)) {
	paused.Store(0) // a test before this one may have had a pause
	at := zero
	now = func() time.Time { return at }
	t.Cleanup(func() {
		now = time.Now
		paused.Store(0)
	})
	return func(d time.Duration) { at = at.Add(d) }
}

// TestPause: after a call that took long calls are announced, until there was none for a while.
func TestPause(t *testing.T) {
	pass := setClock(t)
	try := func(what string, patience time.Duration, announced bool, took time.Duration) {
		t.Helper()
		c := begin(patience)
		if (c.alarm == nil) != announced {
			t.Errorf("%s: announced is %v", what, !announced)
		}
		pass(took)
		c.end()
	}
	try("the first call", time.Minute, false, pause)
	try("one on another machine's disk", 0, true, 0)
	try("one after quick ones", time.Minute, false, pause+1)
	try("one after a pause", time.Minute, true, 0)
	try("another after a pause", time.Minute, true, 0)
	pass(calm)
	try("one a while after a pause", time.Minute, false, 0)
}

// TestAgain: calls that follow one another have one alarm, unless one pauses, or it was set
// long ago; what counts as a pause is one of them and not all together.
func TestAgain(t *testing.T) {
	pass := setClock(t)
	c := begin(time.Minute)
	step := func(what string, took time.Duration, shared, announced bool) {
		t.Helper()
		before := c
		pass(took)
		c = c.again()
		if (c.alarm == nil) != announced || shared && c.alarm != before.alarm {
			t.Errorf("%s: announced is %v, with the same alarm %v", what, c.alarm == nil, c.alarm == before.alarm)
		}
		if !announced && c.set.Equal(before.set) != shared {
			t.Errorf("%s: the alarm is shared is %v", what, !shared)
		}
		if !c.began.Equal(now()) {
			t.Errorf("%s: the next call began %v before", what, now().Sub(c.began))
		}
	}
	for range time.Second / pause {
		step("a quick one", pause, true, false)
	}
	step("one of an alarm of long ago", pause, false, false)
	step("a quick one behind it", pause, true, false)
	step("a pause", pause+1, false, true)
	until := paused.Load()
	for range 9 {
		step("one that is announced", pause, false, true)
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
