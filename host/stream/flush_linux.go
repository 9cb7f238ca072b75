package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A flusher asks the kernel for an fdatasync and waits for its end by the network poller:
// io_submit(2) with an eventfd. A thread that is blocked in fdatasync(2) for a
// millisecond is taken its processor by the runtime, which looks out for such threads
// every 20 µs, wakes another one for what was left, and has to find a processor for the
// first when it returns. With hundreds of commits a second that costs as much as the call.
//
// But what was submitted is done by a thread of the kernel, which has to do it on the
// processor on which it was: if a thread of ours goes on working there it waits for up to
// tens of milliseconds. So in a flood the call is made (see Open).
//
// It is used by one call at a time.
type flusher struct {
	context uintptr // aio_context_t
	eventFD int
	done    *os.File                          // the same, known to the poller
	wait    func(func(fd uintptr) bool) error // of done: calls until that is true
	once    func(fd uintptr) bool             // took, made once
	failed  syscall.Errno
}

// flushers are those that no call uses. What has no room here is closed.
var flushers = make(chan *flusher, 4)

// controlBlock is struct iocb of a machine that is little endian, by the fields that are
// used.
type controlBlock struct {
	_       [16]byte // aio_data, aio_key, aio_rw_flags
	opcode  uint16
	_       uint16 // aio_reqprio
	fd      uint32
	_       [32]byte // aio_buf, aio_nbytes, aio_offset, aio_reserved2
	flags   uint32
	eventFD uint32
}

// ioEvent is struct io_event.
type ioEvent struct {
	_      [16]byte // data, obj
	result int64
	_      int64 // res2
}

const (
	opDataSync  = 3 // IOCB_CMD_FDSYNC
	flagEventFD = 1 // IOCB_FLAG_RESFD
)

// newFlusher fails where the kernel has no such calls, or whoever confines the process
// does not allow them.
func newFlusher() (*flusher, error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, errors.ErrUnsupported
	}
	f := new(flusher)
	if _, _, e := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&f.context)), 0); e != 0 {
		return nil, fmt.Errorf("io_setup: %w", e)
	}
	var err error
	if f.eventFD, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		f.close()
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	f.done = os.NewFile(uintptr(f.eventFD), "eventfd")
	conn, err := f.done.SyscallConn()
	if err != nil {
		f.close()
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	f.wait, f.once = conn.Read, f.took
	return f, nil
}

// took takes the count out of the eventfd; false if there is none yet. That does not
// block, so the runtime is not told of the call, as little as of the others here.
func (f *flusher) took(fd uintptr) bool {
	var count [8]byte
	for f.failed = syscall.EINTR; f.failed == syscall.EINTR; {
		_, _, f.failed = syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&count)), uintptr(len(count)))
	}
	return f.failed != syscall.EAGAIN
}

func (f *flusher) close() {
	if f.done != nil {
		f.done.Close()
	}
	unix.Syscall(unix.SYS_IO_DESTROY, f.context, 0, 0)
}

// datasync is fdatasync(2) of the file. Taken is false if the kernel did not take the
// call, so that nothing has been done. What fails otherwise than by the call's own
// syscall.Errno leaves it unknown whether the call has ended: then the flusher is broken.
func (f *flusher) datasync(file *os.File) (taken bool, err error) {
	block := &controlBlock{opcode: opDataSync, fd: uint32(file.Fd()), flags: flagEventFD, eventFD: uint32(f.eventFD)}
	blocks := [1]*controlBlock{block}
	n, _, e := syscall.RawSyscall(unix.SYS_IO_SUBMIT, f.context, 1, uintptr(unsafe.Pointer(&blocks)))
	runtime.KeepAlive(file)
	if e != 0 || n != 1 {
		return false, e
	}
	if err := f.wait(f.once); err != nil {
		return true, fmt.Errorf("%w: eventfd: %w", errFlusher, err)
	}
	if f.failed != 0 {
		return true, fmt.Errorf("%w: eventfd: %w", errFlusher, f.failed)
	}
	var ended [1]ioEvent
	n, _, e = syscall.RawSyscall6(unix.SYS_IO_GETEVENTS, f.context, 1, 1, uintptr(unsafe.Pointer(&ended)), 0, 0)
	if e != 0 || n != 1 {
		return true, fmt.Errorf("%w: io_getevents gives %d events: %w", errFlusher, n, e)
	}
	if r := ended[0].result; r < 0 {
		return true, syscall.Errno(-r)
	}
	return true, nil
}

var errFlusher = errors.New("the end of an fdatasync is not known")

// datasync is fdatasync(2): the bytes and the size, and no times. It is called, or submitted.
func datasync(f *os.File, called bool) error {
	sync := submit
	if called {
		sync = fdatasync
	}
	if err := sync(f); err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}

// submit has a flusher do it, if the kernel lets one.
func submit(file *os.File) error {
	f := acquire()
	if f == nil {
		return fdatasync(file)
	}
	taken, err := f.datasync(file)
	if errors.Is(err, errFlusher) {
		return err // it is left as it is: to close it might wait for the disk for ever
	}
	release(f)
	if !taken {
		return fdatasync(file)
	}
	return err
}

func acquire() *flusher {
	select {
	case f := <-flushers:
		return f
	default:
	}
	f, err := newFlusher()
	if err != nil {
		return nil
	}
	return f
}

func release(f *flusher) {
	select {
	case flushers <- f:
	default:
		f.close()
	}
}

func fdatasync(f *os.File) error {
	return ignoringEINTR(func() error { return syscall.Fdatasync(int(f.Fd())) })
}
