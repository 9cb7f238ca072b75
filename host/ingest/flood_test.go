package ingest

import (
	"crypto/tls"
	"slices"
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

// TestFloodBegins: who is told of floods is told once of each, and of its end.
func TestFloodBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		flood := Flood{Begins: func() func() {
			told = append(told, "begins")
			return func() { told = append(told, "over") }
		}}
		for range 2 {
			for range 5 { // for longer than it is taken to last beyond what is seen of it
				flood.see()
				time.Sleep(ebb / 2)
				synctest.Wait()
				if told[len(told)-1] != "begins" {
					t.Fatalf("while it is seen: %v", told)
				}
			}
			time.Sleep(3 * ebb)
			synctest.Wait()
		}
		if want := []string{"begins", "over", "begins", "over"}; !slices.Equal(told, want) {
			t.Errorf("%v, want %v", told, want)
		}
	})
}
