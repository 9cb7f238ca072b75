package ingest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
)

// connected returns two ends of a connection of a crowd, of which ours is the server's.
func connected(t *testing.T, c *crowd) (ours *member, theirs net.Conn) {
	t.Helper()
	server, theirs := net.Pipe()
	c.Listener.(*line).coming <- server
	conn, err := c.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); theirs.Close() })
	return conn.(*member), theirs
}

// TestStrangersWorkInTurns: what one stranger sends waits while another works, until that
// one reads or writes, leaves, or has had his time; it does not wait on a connection in
// good standing.
func TestStrangersWorkInTurns(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration // of a millisecond, in which the first works
		then  func(first *member)
	}{
		{"reads on", time.Millisecond, func(m *member) { _, _ = m.Read(make([]byte, 1)) }},
		{"writes", time.Millisecond, func(m *member) { _, _ = m.Write([]byte{1}) }},
		{"leaves", time.Millisecond, func(m *member) { m.Close() }},
		{"waits for something else", longestTurn, func(*member) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				aside := &turns{free: 1}
				crowd := newCrowd(newLine(), 8, aside)
				first, other := connected(t, crowd)
				send(t, other)
				receive(t, first)
				start := time.Now()
				time.AfterFunc(time.Millisecond, func() { c.then(first) })

				known, other := connected(t, crowd)
				known.work.good.Store(true)
				send(t, other)
				receive(t, known)
				if took := time.Since(start); took != 0 {
					t.Errorf("a connection in good standing waited %v", took)
				}
				second, other := connected(t, crowd)
				send(t, other)
				receive(t, second)
				if took := time.Since(start); took != c.after {
					t.Errorf("the second stranger waited %v, want %v", took, c.after)
				}
				second.Close()
				first.Close()
				if aside.free != 1 {
					t.Errorf("%d turns are left of 1", aside.free)
				}
			})
		})
	}
}

// TestTurnsGiveWay: a turn, and each step of one that takes longer, begins with giving way to
// other threads. Who leaves the queue, or is in good standing, does not.
func TestTurnsGiveWay(t *testing.T) {
	gave := 0
	aside := &turns{free: 1, giveWay: func() { gave++ }}
	conn, other := connected(t, newCrowd(newLine(), 8, aside))
	read := func() { send(t, other); receive(t, conn) }
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		do   func()
		want int
	}{
		{"a stranger's bytes", read, 1},
		{"a step", func() { aside.yield("a", "b") }, 1},
		{"leaves the queue", func() { _ = aside.take(gone, "a", "b") }, 0},
		{"in good standing", func() { conn.work.good.Store(true); read() }, 0},
	} {
		gave = 0
		if c.do(); gave != c.want {
			t.Errorf("%s: gave way %d times, want %d", c.name, gave, c.want)
		}
	}
}

// TestStrangersFramesInSips: of a stranger's heads little is read at a time, each time in a turn
// that others who wait have had before. Messages, what belongs to their frames, and who is in good
// standing are read as they come.
func TestStrangersFramesInSips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a turn does not end by itself meanwhile
		aside := &turns{free: 1}
		w, end := newWork(aside, &net.TCPAddr{})
		conn := &sipping{Conn: readiness{}, work: w}
		begun := 0
		aside.giveWay = func() { begun++ }
		for i, c := range []struct {
			room, want int
			turn       bool // it needs another one
		}{
			{readBuffer, sip, true},
			{9, 9, true},
			{readBuffer, sip, true},
			{16 << 10, 16 << 10, false}, // of a message
			{readBuffer, readBuffer, false},
			{readBuffer, readBuffer, false},
			{9, 9, false},
			{readBuffer, readBuffer, false},
			{readBuffer, sip, true}, // too much for heads and ends of frames
			{2 * readBuffer, 2 * readBuffer, false},
			{readBuffer, readBuffer, false},
		} {
			begun = 0
			n, err := conn.Read(make([]byte, c.room))
			if turn := begun == 1; n != c.want || err != nil || turn != c.turn {
				t.Errorf("read %d: %d bytes, %v, another turn: %t; want %d, %t", i, n, err, turn, c.want, c.turn)
			}
			if aside.free != 0 {
				t.Errorf("read %d: it has no turn", i)
			}
		}
		end()
		if aside.free != 1 {
			t.Errorf("%d turns are left of 1", aside.free)
		}
		w.good.Store(true)
		if n, err := conn.Read(make([]byte, readBuffer)); n != readBuffer || err != nil {
			t.Errorf("in good standing %d bytes are read, %v", n, err)
		}
	})
}

// TestOthersGoBetweenSips: what came of a stranger's frames goes before he reads on.
func TestOthersGoBetweenSips(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that who does not give way goes on
	w, end := newWork(&turns{free: 1}, &net.TCPAddr{})
	defer end()
	conn := &sipping{Conn: readiness{}, work: w}
	var began atomic.Bool
	go began.Store(true)
	for range 10 { // nearly always the first is enough; the scheduler looks elsewhere now and then
		if _, err := conn.Read(make([]byte, readBuffer)); err != nil {
			t.Fatal(err)
		}
	}
	if !began.Load() {
		t.Error("ten reads, and what came of the frames before has not begun")
	}
}

// readiness is a connection on which there is always something.
type readiness struct{ net.Conn }

func (readiness) Read(b []byte) (int, error) { return len(b), nil }

// TestAddressesTakeTurns: many strangers from one address have one's share of the turns.
func TestAddressesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aside := &turns{free: 1}
		aside.join("someone", "else")
		var order []string
		for _, from := range []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "198.51.100.7:1"} {
			w, end := newWork(aside, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from)))
			go func() {
				w.begin()
				order = append(order, from)
				end()
			}()
			synctest.Wait()
		}
		aside.leave()
		synctest.Wait()
		if want := []string{"192.0.2.1:1", "198.51.100.7:1", "192.0.2.1:2", "192.0.2.1:3"}; !slices.Equal(order, want) {
			t.Errorf("%v, want %v", order, want)
		}
	})
}

// TestStrangerLeavesTheQueue: a connection that is closed while it waits for its turn takes
// none.
func TestStrangerLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aside := &turns{free: 1}
		aside.join("someone", "else")
		conn, other := connected(t, newCrowd(newLine(), 8, aside))
		send(t, other)
		time.AfterFunc(time.Hour, func() { conn.Close() })
		receive(t, conn)
		if !aside.waiting.empty() {
			t.Error("it waits still")
		}
		aside.leave()
		if aside.free != 1 {
			t.Errorf("%d turns are left of 1", aside.free)
		}
	})
}

func send(t *testing.T, conn net.Conn) {
	t.Helper()
	go conn.Write([]byte{0}) //nolint:errcheck // the other end says what came
}

func receive(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

// TestStanding: what becomes of an export, and of the standing of its connection.
func TestStanding(t *testing.T) {
	for _, c := range []struct {
		name    string
		refused *Error
		before  bool
		want    bool
	}{
		{"taken", nil, false, true},
		{"taken again", nil, true, true},
		{"invalid", Invalid("", nil), true, false},
		{"too large", TooLarge("", nil), true, false},
		{"not authenticated", unauthenticated(""), true, false},
		{"not permitted", Denied("", nil), true, false},
		{"taken back", classify(context.Canceled), true, false},
		{"no room", errNoRoom, true, true},
		{"no room for a stranger", errNoRoom, false, false},
		{"not in time", classify(context.DeadlineExceeded), true, true},
		{"not done", classify(errors.New("disk")), true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &member{work: new(work)}
			m.work.good.Store(c.before)
			judge(withConnection(t.Context(), m), c.refused)
			if got := m.work.good.Load(); got != c.want {
				t.Errorf("good standing %v, want %v", got, c.want)
			}
		})
	}
	judge(t.Context(), &Error{Code: codes.Canceled}) // of no crowd
}
