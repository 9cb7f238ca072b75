package ingest

import (
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A line is a listener to whom connections come by a channel.
type line struct {
	coming chan net.Conn
	closed chan struct{}
	close  func()
}

func newLine() *line {
	l := &line{coming: make(chan net.Conn, 16), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

func (l *line) Accept() (net.Conn, error) {
	select {
	case conn := <-l.coming:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *line) Close() error   { l.close(); return nil }
func (l *line) Addr() net.Addr { return &net.TCPAddr{} }

// come has somebody connect. Closed is closed when the server closes the connection.
func (l *line) come() (closed chan struct{}) {
	ours, theirs := net.Pipe()
	closed = make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = ours.Read(make([]byte, 1))
	}()
	l.coming <- theirs
	return closed
}

// TestCrowd: who gives way to the newcomer for whom there is no room, and when.
func TestCrowd(t *testing.T) {
	const most = 3
	for _, c := range []struct {
		name    string
		settled []int // who has shown who he is
		leaves  int   // who leaves after half of the time that strangers have, if any
		out     int   // who has to give way, if anybody
		after   time.Duration
	}{
		{"the oldest of strangers", nil, -1, 0, grace},
		{"the oldest of strangers, and not a known sender", []int{0}, -1, 1, grace},
		{"the only stranger", []int{0, 1}, -1, 2, grace},
		{"nobody, as one leaves", nil, 1, -1, grace / 2},
		{"nobody, as one of the known leaves", []int{0, 1, 2}, 1, -1, grace / 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLine()
				crowd := newCrowd(l, most, &turns{free: 1})
				var closed []chan struct{}
				var in []net.Conn
				for range most {
					closed = append(closed, l.come())
					conn, err := crowd.Accept()
					if err != nil {
						t.Fatal(err)
					}
					in = append(in, conn)
				}
				for _, i := range c.settled {
					in[i].(*member).settle()
				}
				if c.leaves >= 0 {
					time.AfterFunc(grace/2, func() { in[c.leaves].Close() })
				}
				start := time.Now()
				l.come()
				last, err := crowd.Accept()
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != c.after {
					t.Errorf("the newcomer waited %v, want %v", took, c.after)
				}
				synctest.Wait()
				for i := range in {
					select {
					case <-closed[i]:
						if i != c.out && i != c.leaves {
							t.Errorf("%d was closed", i)
						}
					default:
						if i == c.out {
							t.Errorf("%d is open", i)
						}
					}
				}
				for _, conn := range append(in, last) {
					conn.Close() // and again, which counts once
				}
				if crowd.open != 0 || crowd.strangers.Len() != 0 {
					t.Errorf("%d connections and %d strangers are left of none", crowd.open, crowd.strangers.Len())
				}
			})
		})
	}
}

// TestCrowdCloses: an Accept that waits for room ends with the listener, and its
// connection, too.
func TestCrowdCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		crowd := newCrowd(l, 1, &turns{free: 1})
		l.come()
		first, err := crowd.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		first.(*member).settle()
		closed := l.come()
		time.AfterFunc(time.Hour, func() { crowd.Close() })
		if _, err := crowd.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		<-closed
	})
}
