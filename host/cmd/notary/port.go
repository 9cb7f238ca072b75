package main

import (
	"errors"
	"net"
	"sync"
)

// A port is a listening socket that outlives the epochs that serve on it. Each takes
// a view; when that is retired or closed the next one's gets the connections, and none
// is lost in between. Only closing the port closes the socket.
type port struct {
	l        net.Listener
	accepted chan accepted
	gone     chan struct{} // closed when the socket is
}

// An accepted is what one call of Accept gave. A server that runs out of files gets
// the error, and waits before it asks again.
type accepted struct {
	conn net.Conn
	err  error
}

func listenPort(addr string) (*port, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &port{l: l, accepted: make(chan accepted), gone: make(chan struct{})}
	go p.accept()
	return p, nil
}

// accept hands connections to whoever waits for one. It has at most one in hand.
func (p *port) accept() {
	defer close(p.gone)
	for {
		c, err := p.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		p.accepted <- accepted{c, err}
	}
}

// Addr returns the socket's address.
func (p *port) Addr() net.Addr { return p.l.Addr() }

// Close closes the socket, and with it every view.
func (p *port) Close() error {
	err := p.l.Close()
	for {
		select {
		case a := <-p.accepted:
			if a.err == nil {
				a.conn.Close() // nobody has served it
			}
		case <-p.gone:
			return err
		}
	}
}

// view returns a listener on the port.
func (p *port) view() *portView {
	return &portView{port: p, retired: make(chan struct{}), closed: make(chan struct{})}
}

type portView struct {
	port            *port
	retire, once    sync.Once
	retired, closed chan struct{}
}

func (v *portView) Accept() (net.Conn, error) {
	select {
	case <-v.retired: // also when a connection is there: it is for the next view
		<-v.closed
		return nil, net.ErrClosed
	default:
	}
	select {
	case <-v.retired:
		<-v.closed
		return nil, net.ErrClosed
	case <-v.port.gone:
		return nil, net.ErrClosed
	case a := <-v.port.accepted:
		return a.conn, a.err
	}
}

func (v *portView) Addr() net.Addr { return v.port.Addr() }

// Retire takes no more connections. To its server it looks as if nobody came.
func (v *portView) Retire() { v.retire.Do(func() { close(v.retired) }) }

func (v *portView) Close() error {
	v.Retire()
	v.once.Do(func() { close(v.closed) })
	return nil
}
