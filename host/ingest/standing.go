package ingest

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
)

// longestTurn is how long a connection keeps its turn if it neither reads nor writes
// meanwhile: what waits for something else holds up nobody. A handshake takes less.
const longestTurn = 2 * time.Millisecond

// Work is what a connection's reads cause: that from the end of one to the next read or
// write. While the connection is not in good standing, which is when the last export on
// it was taken, it works in turns with all others that are not, on half of the
// processors: handshakes, frames, heads and bodies cost the notary something before it is
// known what they are worth.
//
// The other half is for those whose exports are taken. Where all processors are busy the
// Go runtime also looks no more often than every 10 ms at what the network and the disk
// have for it, and an export waits for them several times. And while a thread works on the
// kernel may have another one wait for that one's processor, and not move it to an idle
// one: so each turn begins with giving way (see giveWay).
type work struct {
	good  atomic.Bool // standing
	turns *turns
	path  []string
	ctx   context.Context // ends with the connection

	mu    sync.Mutex
	turn  bool // it has one
	timer *time.Timer
}

// newWork returns that of a connection, and what ends it.
func newWork(t *turns, remote net.Addr) (w *work, end func()) {
	host, port, _ := net.SplitHostPort(remote.String()) // of no network: all in one lane
	w = &work{turns: t, path: []string{"", host, port}}
	ctx, cancel := context.WithCancel(context.Background())
	w.ctx = ctx
	return w, func() {
		cancel()
		w.pause()
	}
}

// begin waits for a turn, unless the connection is in good standing or has ended.
func (w *work) begin() {
	if w.good.Load() || w.turns.take(w.ctx, w.path...) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn = true
	if w.timer == nil {
		w.timer = time.AfterFunc(longestTurn, w.pause)
	} else {
		w.timer.Reset(longestTurn)
	}
}

// pause gives the turn back, if there is one.
func (w *work) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.turn {
		w.turn = false
		w.timer.Stop()
		w.turns.leave()
	}
}

// Read implements net.Conn.
func (m *member) Read(b []byte) (int, error) {
	m.work.pause()
	n, err := m.Conn.Read(b)
	if err == nil {
		m.work.begin()
	}
	return n, err
}

// Write implements net.Conn.
func (m *member) Write(b []byte) (int, error) {
	m.work.pause()
	return m.Conn.Write(b)
}

// sip is how much is read at a time of frames' heads on a gRPC connection that is not in
// good standing: some six streams that are opened and reset.
const sip = 256

// A sipping connection is one of gRPC, over its TLS, of which a stranger's heads are read few at a
// time. Each stream that is opened is a goroutine, however soon it is reset (CVE-2023-44487),
// and a record of TLS opens hundreds: who needs no turn would stand in one queue with all of them.
// So between sips the turn is given up, and what the frames before have begun goes first.
//
// Bytes of messages open no streams. What gRPC reads past its buffer are some, and what is read into
// it next are heads and ends of their frames: with a sip for each of these a large message would
// hardly ever arrive beside others who work.
type sipping struct {
	net.Conn
	work   *work
	credit int // of bytes that are no sip; gRPC reads with one goroutine
}

// afterMessage is the credit that bytes of a message give.
const afterMessage = 4 * readBuffer

// Read implements net.Conn.
func (s *sipping) Read(b []byte) (int, error) {
	if s.work.good.Load() {
		return s.Conn.Read(b)
	}
	if len(b) <= readBuffer && s.credit < len(b) {
		b = b[:min(len(b), sip)]
		s.work.pause()
		runtime.Gosched()
		s.work.begin()
	}
	n, err := s.Conn.Read(b)
	if len(b) > readBuffer {
		s.credit = min(n, afterMessage)
	} else {
		s.credit = max(0, s.credit-n)
	}
	return n, err
}

// judge gives the connection that a request came on its standing, by what became of the
// request. That there was no room, or no time, is not held against it.
func judge(ctx context.Context, refused *Error) {
	m := memberOf(ctx)
	switch {
	case m == nil:
	case refused == nil:
		m.work.good.Store(true)
	case !refused.Retry(), refused.Code == codes.Canceled: // so is a stream that is reset at once
		m.work.good.Store(false)
	}
}
