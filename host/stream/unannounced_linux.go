//go:build amd64 || arm64

package stream

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls that copy bytes into the kernel's memory, or give that back, end within some
// microseconds as a rule. So the runtime is not told of them: its watch for threads that block
// would be woken by each that follows a moment in which there was nothing to do, and look
// some fifty times in vain.
//
// But such a call may wait. The kernel has who writes pause while more waits to be written
// back than it allows, and the call keeps a processor from all else for as long. After a
// pause calls are announced, until there was none for a while. And a disk that hangs, or that
// somebody has frozen, may never let one end: then the collector waits for that processor,
// all wait for the collector, and nobody is left to notice. So the kernel looks at the time,
// and ends the process by SIGABRT, of which the runtime tells, and then by SIGKILL, in
// case it cannot; not so the first process of a container, which has no SIGKILL from within.
const (
	pause = 20 * time.Millisecond // longer than a thread waits for a processor
	calm  = 10 * time.Second      // after a pause
)

// lastWord is how long there is from SIGABRT to SIGKILL.
var lastWord = 10 * time.Second

// local reports whether files of a directory are on a disk of this machine, or in memory, so
// that calls on them may go unannounced.
func local(dir *os.File) bool {
	var s syscall.Statfs_t
	if err := ignoringEINTR(func() error { return syscall.Fstatfs(int(dir.Fd()), &s) }); err != nil {
		return false
	}
	switch s.Type {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true
	}
	return false
}

// pwritev is pwritev(2).
func (c call) pwritev(f *os.File, parts [][]byte, at int64) (int, error) {
	if c.alarm == nil {
		return unix.Pwritev(int(f.Fd()), parts, at)
	}
	vectors := make([]unix.Iovec, 0, 32)
	for _, b := range parts {
		if len(b) > 0 {
			vectors = append(vectors, unix.Iovec{Base: &b[0], Len: uint64(len(b))})
		}
	}
	n, _, failed := syscall.RawSyscall6(unix.SYS_PWRITEV, f.Fd(), uintptr(unsafe.Pointer(unsafe.SliceData(vectors))), uintptr(len(vectors)), uintptr(at), 0, 0)
	runtime.KeepAlive(f)
	if failed != 0 {
		return 0, failed
	}
	return int(n), nil
}

// forget tells the kernel by posix_fadvise(2) that a range is not needed.
func forget(f *os.File, from, n int64, patience time.Duration) {
	c := begin(patience)
	defer c.end()
	if c.alarm == nil {
		_ = unix.Fadvise(int(f.Fd()), from, n, unix.FADV_DONTNEED)
		return
	}
	syscall.RawSyscall6(unix.SYS_FADVISE64, f.Fd(), uintptr(from), uintptr(n), unix.FADV_DONTNEED, 0, 0)
	runtime.KeepAlive(f)
}

// A call that has begun, of some that follow one another. Without an alarm they are to be
// announced.
type call struct {
	alarm    *alarm
	set      time.Time // when the alarm was
	began    time.Time
	patience time.Duration
}

// now is the time; tests have another. zero is when the clock of paused began.
var (
	now  = time.Now
	zero = time.Now()
)

// paused is when calls may be unannounced again, after zero.
var paused atomic.Int64

func begin(patience time.Duration) call {
	c := call{began: now(), patience: patience}
	if patience > 0 && int64(c.began.Sub(zero)) >= paused.Load() {
		c.alarm, c.set = setAlarm(patience), c.began
	}
	return c
}

// again ends a call and begins the next one. They share an alarm for a second, or half of the
// patience, if none pauses: to set one takes as long as to write some thousand bytes.
func (c call) again() call {
	at := now()
	if c.alarm == nil || at.Sub(c.began) > pause || at.Sub(c.set) > min(time.Second, c.patience/2) {
		c.end()
		return begin(c.patience)
	}
	c.began = at
	return c
}

func (c call) end() {
	if c.alarm != nil {
		c.alarm.stop()
	}
	if at := now(); at.Sub(c.began) > pause {
		paused.Store(int64(at.Add(calm).Sub(zero)))
	}
}

// An alarm ends the process when its time is over: two of timer_create(2), for the signals.
type alarm struct{ timers [2]int32 }

var signals = [2]syscall.Signal{syscall.SIGABRT, syscall.SIGKILL}

// alarms are those that are not set. What has no room here is deleted.
var alarms = make(chan *alarm, 4)

// setAlarm returns nil if the kernel gives none.
func setAlarm(after time.Duration) *alarm {
	var a *alarm
	select {
	case a = <-alarms:
	default:
		a = newAlarm()
	}
	if a != nil && !(a.set(0, after) && a.set(1, after+lastWord)) {
		a.delete()
		return nil
	}
	return a
}

func newAlarm() *alarm {
	a := new(alarm)
	for i, sig := range signals {
		event := sigevent{signal: int32(sig)}
		if _, _, e := syscall.RawSyscall(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&a.timers[i]))); e != 0 {
			if i > 0 {
				deleteTimer(a.timers[0])
			}
			return nil
		}
	}
	return a
}

func (a *alarm) stop() {
	if a.set(0, 0) && a.set(1, 0) {
		select {
		case alarms <- a:
			return
		default:
		}
	}
	a.delete()
}

// set has timer i expire after a time, or never if that is 0.
func (a *alarm) set(i int, after time.Duration) bool {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(after))}
	_, _, e := syscall.RawSyscall6(unix.SYS_TIMER_SETTIME, uintptr(a.timers[i]), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	return e == 0
}

func (a *alarm) delete() {
	for _, id := range a.timers {
		deleteTimer(id)
	}
}

func deleteTimer(id int32) { syscall.RawSyscall(unix.SYS_TIMER_DELETE, uintptr(id), 0, 0) }

// sigevent is struct sigevent, by the fields that are used: a signal to the process.
type sigevent struct {
	_      uint64 // sigev_value
	signal int32
	_      int32 // sigev_notify: SIGEV_SIGNAL
	_      [48]byte
}
