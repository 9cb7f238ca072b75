package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTurns: in which order those get a place who wait for the only one.
func TestTurns(t *testing.T) {
	for _, test := range []struct {
		name        string
		joins, want []string // tenant and connection of each
	}{
		{"one connection, in its order", []string{"a1", "a1", "a1"}, []string{"a1", "a1", "a1"}},
		{"a tenant who comes late", []string{"a1", "a1", "a1", "b1"}, []string{"a1", "b1", "a1", "a1"}},
		{"a connection that comes late", []string{"a1", "a1", "a1", "a2"}, []string{"a1", "a2", "a1", "a1"}},
		{"many connections are one tenant", []string{"a1", "a2", "a3", "b1", "b1"}, []string{"a1", "b1", "a2", "b1", "a3"}},
		{"connections of two tenants with one name", []string{"a1", "b1", "a1", "b1"}, []string{"a1", "b1", "a1", "b1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			turns := turns{free: 1}
			turns.join("x", "x")
			var waiting []*place
			for _, who := range test.joins {
				waiting = append(waiting, turns.join(who[:1], who[1:]))
			}
			var got []string
			for range test.joins {
				turns.leave()
				i := slices.IndexFunc(waiting, ready)
				if i < 0 {
					t.Fatal("nobody has the place")
				}
				got = append(got, waiting[i].path[0]+waiting[i].path[1])
				waiting = slices.Delete(waiting, i, i+1)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestYield: who yields works again after those who were there before, and at once if
// nobody was.
func TestYield(t *testing.T) {
	turns := turns{free: 1}
	turns.join("a", "1")
	turns.yield("a", "1")
	b, c := turns.join("b", "1"), turns.join("a", "2")
	back := make(chan struct{})
	go func() {
		turns.yield("a", "1")
		close(back)
	}()
	<-b.ready
	turns.leave()
	<-c.ready
	select {
	case <-back:
		t.Error("two work at a time")
	default:
	}
	turns.leave()
	<-back
	turns.leave()
	if turns.free != 1 || !turns.waiting.empty() {
		t.Errorf("%d places are free of 1", turns.free)
	}
}

func ready(p *place) bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// TestTurnsAreKept: whoever comes, leaves or gives up, there are as many at work as there
// are places or exports, and in the end nothing is left.
func TestTurnsAreKept(t *testing.T) {
	gone, cancel := context.WithCancelCause(context.Background())
	late := errors.New("too late")
	cancel(late)
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 3).Draw(t, "places")
		turns := turns{free: places}
		var all []*place
		check := func() {
			working := 0
			for _, p := range all {
				if ready(p) {
					working++
				}
			}
			if working != min(places, len(all)) || turns.free != places-working {
				t.Fatalf("%d of %d at work, %d of %d places free", working, len(all), turns.free, places)
			}
		}
		leave := func(i int) {
			p := all[i]
			all = slices.Delete(all, i, i+1)
			if ready(p) {
				turns.leave()
			} else if err := turns.wait(gone, p); !errors.Is(err, late) {
				t.Fatalf("gave up with %v", err)
			}
			check()
		}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			if len(all) > 0 && rapid.Bool().Draw(t, "leaves") {
				leave(rapid.IntRange(0, len(all)-1).Draw(t, "who"))
				continue
			}
			tenant, connection := rapid.IntRange(0, 2).Draw(t, "tenant"), rapid.IntRange(0, 2).Draw(t, "connection")
			all = append(all, turns.join(fmt.Sprint(tenant), fmt.Sprint(connection)))
			check()
		}
		for len(all) > 0 {
			leave(0)
		}
		if !turns.waiting.empty() || len(turns.waiting.named) != 0 {
			t.Fatal("a lane is left")
		}
	})
}
