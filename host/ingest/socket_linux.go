//go:build linux && !race

package ingest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// A socket is a TCP connection whose system calls the runtime is not told of. They do not
// block, so that nothing is gained by it: the runtime would look out every 20 µs for a
// thread that does, be woken for that whenever all processors had been idle, and take away
// the processor of each that the kernel has interrupted in a call. With thousands of
// calls a second that took up to a sixteenth of the processor time. The race detector learns
// from the calls of package syscall who waits for whom, so it gets these (socket_other.go).
type socket struct {
	net.Conn
	in, out direction
}

// quick returns conn with system calls of its own if it is of TCP.
func quick(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	s := &socket{Conn: conn}
	s.in.set("read", syscall.SYS_READ, raw.Read)
	s.out.set("write", syscall.SYS_WRITE, raw.Write)
	return s
}

// Read implements net.Conn.
func (s *socket) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := s.in.do(b)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write implements net.Conn.
func (s *socket) Write(b []byte) (done int, err error) {
	for done < len(b) && err == nil {
		var n int
		n, err = s.out.do(b[done:])
		done += n
	}
	return done, err
}

// A direction of a socket does one call at a time.
type direction struct {
	name  string
	trap  uintptr
	ready func(func(fd uintptr) bool) error // of syscall.RawConn: has it called until it is true
	once  func(fd uintptr) bool             // try, made once

	mu  sync.Mutex
	b   []byte
	n   int
	err syscall.Errno
}

func (d *direction) set(name string, trap uintptr, ready func(func(uintptr) bool) error) {
	d.name, d.trap, d.ready, d.once = name, trap, ready, d.try
}

func (d *direction) do(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.b = b
	err := d.ready(d.once)
	d.b = nil
	if err != nil {
		return 0, err
	}
	if d.err != 0 {
		return 0, &net.OpError{Op: d.name, Net: "tcp", Err: os.NewSyscallError(d.name, d.err)}
	}
	return d.n, nil
}

// try makes the call; false if there is nothing to read, or no room to write.
func (d *direction) try(fd uintptr) bool {
	for {
		n, _, err := syscall.RawSyscall(d.trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(d.b))), uintptr(len(d.b)))
		switch err {
		case 0:
			d.n, d.err = int(n), 0
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			d.n, d.err = 0, err
			return true
		}
	}
}
