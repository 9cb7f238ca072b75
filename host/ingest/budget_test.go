package ingest

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWhoGivesWay: which message that is still arriving is ended when another needs room.
func TestWhoGivesWay(t *testing.T) {
	const all = 100
	type has struct {
		tenant, connection string
		held               int64
		received           bool
		age                time.Duration
	}
	for name, c := range map[string]struct {
		have  []has
		needs has
		loses int // of those that have, -1 if there is no room
	}{
		"the connection that has most":           {[]has{{"a", "1", 40, false, 0}, {"a", "2", 60, false, 0}}, has{"a", "3", 20, false, 0}, 1},
		"its oldest":                             {[]has{{"a", "1", 40, false, 0}, {"a", "2", 30, false, 2}, {"a", "2", 30, false, 1}}, has{"a", "3", 20, false, 0}, 1},
		"the tenant that has most":               {[]has{{"a", "1", 40, false, 0}, {"b", "2", 30, false, 0}, {"b", "3", 30, false, 0}}, has{"a", "4", 5, false, 0}, 1},
		"none who has less":                      {[]has{{"a", "1", 50, false, 0}, {"a", "2", 50, false, 0}}, has{"a", "3", 51, false, 0}, -1},
		"none of the same connection":            {[]has{{"a", "1", 50, false, 0}, {"a", "1", 50, false, 0}}, has{"a", "1", 10, false, 0}, -1},
		"none that has been received":            {[]has{{"a", "1", 100, true, time.Hour}}, has{"a", "2", 1, false, 0}, -1},
		"what has been received counts":          {[]has{{"a", "1", 70, true, 0}, {"a", "1", 10, false, 0}, {"a", "2", 20, false, 0}}, has{"a", "3", 10, false, 0}, 1},
		"who has less, to a received message":    {[]has{{"a", "1", 60, false, 0}, {"a", "2", 30, true, 0}}, has{"a", "3", 90, true, 0}, 0},
		"none to a received one of who has more": {[]has{{"a", "1", 40, false, 0}, {"a", "2", 60, true, 0}}, has{"a", "2", 10, true, 0}, -1},
		"one that is slow, whoever it is":        {[]has{{"a", "4", 0, false, 2 * grace}, {"a", "1", 30, false, 0}, {"a", "2", 70, true, 0}}, has{"a", "5", 90, false, 0}, 0},
		"none that is hardly slower":             {[]has{{"a", "1", 10, false, grace}, {"a", "2", 90, true, 0}}, has{"a", "3", 90, false, 0}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			b := newBudget(all)
			connections := make(map[string]*share)
			take := func(h has) (*lease, error) {
				if connections[h.connection] == nil {
					connections[h.connection] = new(share)
				}
				l, err := b.lease(h.tenant, connections[h.connection], now.Add(-h.age), 0)
				if err != nil {
					t.Fatal(err)
				}
				l.arrives(func(error) {})
				if h.received {
					if err := l.arrived(); err != nil {
						t.Fatal(err)
					}
				}
				return l, nil
			}
			var have []*lease
			for _, h := range c.have {
				l, _ := take(h)
				if err := l.resize(h.held); err != nil {
					t.Fatal(err)
				}
				have = append(have, l)
			}
			l, _ := take(c.needs)
			loses := -1
			for i, x := range have {
				if x == b.weigh(l, c.needs.held) {
					loses = i
				}
			}
			if loses != c.loses {
				t.Errorf("%d gives way, want %d", loses, c.loses)
			}
		})
	}
}

// TestGivingWay: who needs room gets it when the other has given it back, or from the next
// one if that takes long, and who has to give way gets no more.
func TestGivingWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(100)
		arriving := func(tenant string, cut func(error)) *lease {
			l, err := b.lease(tenant, new(share), time.Now(), 50)
			if err != nil {
				t.Fatal(err)
			}
			l.arrives(cut)
			return l
		}
		hangs := arriving("a", func(error) {})
		var leaves *lease
		leaves = arriving("b", func(err error) {
			if err != errNoRoom {
				t.Errorf("ended for %v", err)
			}
			go leaves.release()
		})
		if err := hangs.resize(60); err != errNoRoom {
			t.Errorf("more than the other has: %v", err)
		}
		begin := time.Now()
		l, err := b.lease("c", new(share), begin, 20)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != parting {
			t.Errorf("took %v, want to wait %v for the one that hangs", took, parting)
		}
		if err := hangs.resize(1); err != errNoRoom {
			t.Errorf("who gives way resizes: %v", err)
		}
		if err := hangs.arrived(); err != errNoRoom {
			t.Errorf("who gives way has arrived: %v", err)
		}
		hangs.release()
		l.release()
		if b.free != 100 || len(b.arriving) != 0 {
			t.Errorf("%d are free in the end, %d arrive", b.free, len(b.arriving))
		}
		for name, s := range b.tenants {
			if s.held != 0 {
				t.Errorf("tenant %s has %d in the end", name, s.held)
			}
		}
	})
}
