package ingest

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// grace is how long a connection has for its sender to show who he is before it has to
// give way to another. It also bounds how many handshakes a second are begun while there
// is no room: as many as there may be connections.
const grace = time.Second

// A crowd is a listener with a bounded number of open connections: each costs memory,
// whoever it is. When there is no room for one more, the oldest stranger gives way: a
// connection on which nobody has shown yet who he is, for at least grace. So who opens
// connections and does nothing with them, or has no credentials, cannot keep senders out.
// Without such a stranger the newcomer waits for one, or until a connection is closed.
//
// One goroutine at a time may call Accept.
type crowd struct {
	net.Listener
	most   int
	aside  *turns        // of members that are not in good standing
	left   chan struct{} // says that a connection was closed
	closed chan struct{}
	close  func() error

	mu        sync.Mutex
	open      int
	strangers list.List // of members, the oldest first
}

func newCrowd(l net.Listener, most int, aside *turns) *crowd {
	c := &crowd{Listener: l, most: most, aside: aside, left: make(chan struct{}, 1), closed: make(chan struct{})}
	c.close = sync.OnceValue(func() error {
		close(c.closed)
		return l.Close()
	})
	return c
}

// Close implements net.Listener. An Accept that waits for room ends.
func (c *crowd) Close() error { return c.close() }

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	m := &member{Conn: quick(conn), crowd: c}
	m.work, m.end = newWork(c.aside, conn.RemoteAddr())
	m.leave = sync.OnceFunc(m.depart)
	for !c.admit(m) {
		if err := c.makeRoom(); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return m, nil
}

func (c *crowd) admit(m *member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == c.most {
		return false
	}
	c.open++
	m.since, m.stranger = time.Now(), c.strangers.PushBack(m)
	return true
}

// makeRoom closes the oldest stranger's connection if that is old enough, and otherwise
// waits until it is or another one is closed.
func (c *crowd) makeRoom() error {
	var expires <-chan time.Time // never, while there is no stranger
	if oldest := c.oldest(); oldest != nil {
		left := grace - time.Since(oldest.since)
		if left <= 0 {
			oldest.Close()
			return nil
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		expires = timer.C
	}
	select {
	case <-expires:
	case <-c.left:
	case <-c.closed:
		return net.ErrClosed
	}
	return nil
}

func (c *crowd) oldest() *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.strangers.Front(); first != nil {
		return first.Value.(*member)
	}
	return nil
}

// A member is a connection of a crowd.
type member struct {
	net.Conn
	crowd    *crowd
	since    time.Time
	leave    func()
	work     *work
	end      func()
	room     share         // of the budget
	stranger *list.Element // nil once a sender has shown who he is
}

// Close implements net.Conn.
func (m *member) Close() error {
	m.leave()
	m.end()
	return m.Conn.Close()
}

func (m *member) depart() {
	m.settle()
	m.crowd.mu.Lock()
	m.crowd.open--
	m.crowd.mu.Unlock()
	select {
	case m.crowd.left <- struct{}{}:
	default: // said already
	}
}

// settle makes a member that is no stranger any more.
func (m *member) settle() {
	m.crowd.mu.Lock()
	defer m.crowd.mu.Unlock()
	if m.stranger != nil {
		m.crowd.strangers.Remove(m.stranger)
		m.stranger = nil
	}
}

// isStranger reports whether nobody has shown who he is.
func (m *member) isStranger() bool {
	m.crowd.mu.Lock()
	defer m.crowd.mu.Unlock()
	return m.stranger != nil
}

// maxRefusals bounds those that are being written to strangers at a time.
const maxRefusals = 128

// Refusals are those that are being written to strangers. Where there are too many the connection is
// closed that the oldest is for: who takes what he is told has it in a moment, however many do not.
type refusals struct {
	mu      sync.Mutex
	waiting list.List // of members, the oldest first
}

// begin counts one more, until its end is called.
func (r *refusals) begin(m *member) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.waiting.PushBack(m)
	if r.waiting.Len() > maxRefusals {
		// Whose connection has become a tenant's since then keeps it, with his exports.
		if old := r.waiting.Remove(r.waiting.Front()).(*member); old.isStranger() {
			old.Close()
		}
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.waiting.Remove(one) // if it has not gone yet
	}
}

type memberKey struct{}

// withConnection is for http.Server.ConnContext.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return context.WithValue(ctx, memberKey{}, conn)
}

// memberOf returns the connection that a request came on, nil if it is of no crowd.
func memberOf(ctx context.Context) *member {
	conn := ctx.Value(memberKey{})
	if info := infoOf(ctx); info.raw != nil {
		conn = info.raw
	}
	m, _ := conn.(*member)
	return m
}

// shareOf returns what of the budget the connection has that a request came on.
func shareOf(ctx context.Context) *share {
	if m := memberOf(ctx); m != nil {
		return &m.room
	}
	return new(share)
}

// settle has the connection stay that a request came on, whose sender has shown who he is.
func settle(ctx context.Context) {
	if m := memberOf(ctx); m != nil {
		m.settle()
	}
}
