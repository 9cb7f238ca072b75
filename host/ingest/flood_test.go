package ingest

import (
	"crypto/tls"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestFloodIsSeen: while somebody waits who is not in good standing, and shortly after.
func TestFloodIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var flood Flood
		s, err := New(Config{
			Certificate: tls.Certificate{Certificate: [][]byte{{1}}}, Flood: &flood,
			Senders: Senders{Keys: []Key{{Tenant: "a", Hash: HashKey("k")}}}, Exporter: struct{ Exporter }{},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Shutdown(t.Context())
		steps := []struct {
			name string
			do   func()
			want bool
		}{
			{"nobody", func() {}, false},
			{"as many as may", func() {
				for s.aside.free > 0 {
					s.aside.join("a")
				}
			}, false},
			{"one more", func() { s.aside.join("b") }, true},
			{"a moment later", func() { time.Sleep(ebb - time.Nanosecond) }, true},
			{"later", func() { time.Sleep(2 * time.Nanosecond) }, false},
			{"one goes on behind another", func() { go s.aside.yield("a"); synctest.Wait() }, true},
			{"much later", func() { time.Sleep(time.Hour) }, false},
		}
		for _, step := range steps {
			if step.do(); flood.On() != step.want {
				t.Errorf("%s: flood is %v", step.name, !step.want)
			}
		}
		s.aside.leave() // who has yielded ends
		synctest.Wait()
	})
}

// TestFloodSpares: there is a processor to spare in each flood, until its end, and none while exports keep
// those busy that strangers do not have.
func TestFloodSpares(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	synctest.Test(t, func(t *testing.T) {
		having, times := false, 0
		flood := Flood{Spare: func() func() {
			if having {
				t.Error("a second one to spare")
			}
			having, times = true, times+1
			n := runtime.GOMAXPROCS(0)
			runtime.GOMAXPROCS(n + 1)
			return func() {
				runtime.GOMAXPROCS(n)
				having = false
			}
		}}
		seen := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(ebb / 4) {
				flood.see()
			}
			synctest.Wait()
		}
		steps := []struct {
			name    string
			exports int64
			do      func()
			having  bool
			times   int
		}{
			{"none", 0, func() { time.Sleep(time.Minute) }, false, 0},
			{"it begins", 0, func() { seen(time.Millisecond) }, true, 1},
			{"it goes on", 0, func() { seen(time.Minute) }, true, 1},
			{"an export, for a moment", 1, func() { seen(look) }, true, 1},
			{"exports all the time", 1, func() { seen(2 * time.Second) }, false, 1},
			{"and more", 5, func() { seen(time.Minute) }, false, 1},
			{"none again", 0, func() { seen(4 * time.Second) }, true, 2},
			{"it is over", 0, func() { time.Sleep(2 * ebb) }, false, 2},
			{"another", 0, func() { seen(time.Second) }, true, 3},
			{"as long as exports were at work all the time", 5, func() { seen(2 * time.Second); time.Sleep(2 * ebb) }, false, 3},
			{"and one begins behind it", 5, func() { seen(look) }, false, 3},
			{"over again", 0, func() { time.Sleep(2 * ebb) }, false, 3},
		}
		for _, step := range steps {
			flood.atWork.Store(step.exports)
			step.do()
			synctest.Wait()
			if having != step.having || times != step.times {
				t.Errorf("%s: %v, %d times, want %v, %d", step.name, having, times, step.having, step.times)
			}
			if n := flood.Processors(); n != 2 {
				t.Errorf("%s: %d processors", step.name, n)
			}
		}
	})
}

// TestExportsAtWorkAreCounted: each, until it only waits.
func TestExportsAtWorkAreCounted(t *testing.T) {
	flood := new(Flood)
	s := &Server{cfg: Config{Flood: flood}.orDefault()}
	s.turns.free = s.cfg.MaxExports
	ctx, done, err := s.turn(t.Context(), "tenant", "connection", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, another, err := s.turn(t.Context(), "tenant", "connection", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []func(){func() {}, func() { Waiting(ctx) }, done, another} {
		if step(); flood.atWork.Load() != [...]int64{2, 1, 1, 0}[i] {
			t.Errorf("step %d: %d are at work", i, flood.atWork.Load())
		}
	}
}
