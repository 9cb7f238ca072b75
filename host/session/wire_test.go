//go:build postgres

package session_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/veriproof/notary/host/internal/pgserver"
)

// A wire lies between one notary and the server. The statement after arm meets with
// what was asked for.
type wire struct {
	dir  string // of a socket of its own
	late *sync.WaitGroup

	mu       sync.Mutex
	armed    outcome // "" if nothing is to be done
	listener net.Listener
	open     map[net.Conn]bool // of the notary
	over     bool
}

func newWire(t *testing.T, s *pgserver.Server, late *sync.WaitGroup) *wire {
	t.Helper()
	w := &wire{dir: t.TempDir(), late: late, open: make(map[net.Conn]bool)}
	name := fmt.Sprintf(".s.PGSQL.%d", s.Port)
	var err error
	if w.listener, err = net.Listen("unix", filepath.Join(w.dir, name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.end)
	go func() {
		for {
			near, err := w.listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", filepath.Join(s.Socket, name))
			if err != nil || !w.add(near) {
				near.Close()
				continue
			}
			go w.carry(near, far)
		}
	}()
	return w
}

func (w *wire) add(near net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[near] = true
	return !w.over
}

// end closes all connections, as those of a process that is killed are.
func (w *wire) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.listener.Close()
	for near := range w.open {
		near.Close()
	}
}

// arm is for the next statement: none else may be under way.
func (w *wire) arm(o outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = o
}

// struck says whether a statement has come since arm, and disarms.
func (w *wire) struck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	met := w.armed == ""
	w.armed = ""
	return met
}

// take returns what is to become of what the notary sends, if it is a statement with its
// arguments: Bind, in one flight with Execute and Sync.
func (w *wire) take(b []byte) outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b[0] != 'B' || w.armed == "" {
		return fine
	}
	o := w.armed
	w.armed = ""
	return o
}

func (w *wire) carry(near, far net.Conn) {
	lose := make(chan struct{}) // closed: what the server answers from now on gets lost
	var answers sync.WaitGroup
	answers.Go(func() { w.answer(near, far, lose) })
	buf := make([]byte, 64<<10)
	unheard := false
	for !unheard {
		n, err := near.Read(buf)
		if err != nil {
			break
		}
		switch o := w.take(buf[:n]); o {
		case fails:
			near.Close()
			far.Close()
		case failsButPersists:
			close(lose)
			_, _ = far.Write(buf[:n])
		case hangs, persistsLate:
			w.late.Add(1)
			defer w.late.Done()
			all := bytes.NewBuffer(bytes.Clone(buf[:n]))
			_, _ = io.Copy(all, near) // until the notary gives up
			if o == persistsLate {
				_, _ = far.Write(all.Bytes())
			}
			unheard = true
		default:
			_, _ = far.Write(buf[:n])
		}
	}
	// A server does what it has got before it sees the end.
	if half, ok := far.(*net.UnixConn); ok {
		_ = half.CloseWrite()
	}
	answers.Wait()
	near.Close()
	far.Close()
}

// answer carries what the server says. The answer that is to get lost is complete, so that
// its statement is committed: ReadyForQuery is what ends it.
func (w *wire) answer(near, far net.Conn, lose <-chan struct{}) {
	defer near.Close()
	buf := make([]byte, 64<<10)
	var tail []byte
	for {
		n, err := far.Read(buf)
		if err != nil {
			return
		}
		select {
		case <-lose:
			tail = append(tail, buf[:n]...)
			if end := tail[max(0, len(tail)-6):]; len(end) == 6 && bytes.HasPrefix(end, []byte{'Z', 0, 0, 0, 5}) {
				return
			}
		default:
			if _, err := near.Write(buf[:n]); err != nil {
				// Nobody hears it, and the server is to come to its end all the same.
				continue
			}
		}
	}
}
