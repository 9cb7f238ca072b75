package session

import (
	"slices"
	"testing"
	"time"

	"github.com/veriproof/notary/sdk/receipt"
)

// small returns a notary that has nothing but its room.
func small(most int64) *Notary {
	return &Notary{
		room: ledger{most: most, of: make(map[string]int64)},
		open: make(map[receipt.Handle]*part), nextPart: make(map[receipt.Handle]uint32), recent: make(map[receipt.Handle][]recent),
	}
}

// remember has a sealed part be kept for its marks.
func (n *Notary) remember(p *part, at time.Time) {
	p.sealed, p.kept = true, true
	n.recent[p.id.Handle] = append(n.recent[p.id.Handle], recent{p, at})
}

// TestRoomIsMadeByExports: who makes room is one of the exports, which an orderly end waits for
// first. It may have begun to wait for what is in the background already, and such a count must not begin
// anew then.
func TestRoomIsMadeByExports(t *testing.T) {
	n := small(16 * leastRoom)
	old := &part{tenant: "acme"}
	old.held.Store(12 * leastRoom)
	n.room.put("acme", -old.held.Load())
	n.remember(old, time.Now())
	n.mu.Lock() // nobody can give way yet
	n.exports.Add(1)
	if err := n.reserve("acme", []*group{{}}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { n.tasks.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("an export has begun something in the background")
	}
	n.mu.Unlock()
	n.exports.Done()
	n.exports.Wait()
	if held := n.room.shares()["acme"]; held != leastRoom {
		t.Errorf("%d bytes are held when all exports have ended, want %d", held, leastRoom)
	}
}

// TestAnyPartIsForgotten: a part that follows others refers to those of them that are still kept,
// also if it was a later one that was forgotten: a clock that was set back makes that look older.
func TestAnyPartIsForgotten(t *testing.T) {
	n := small(1 << 20)
	first, second, now := &part{}, &part{}, time.Now()
	n.remember(first, now)
	n.remember(second, now.Add(-time.Hour))
	p := &part{before: n.before(receipt.Handle{})}
	n.open[receipt.Handle{}] = p
	n.forgetPart(second)
	if !slices.Equal(p.before, []*part{first}) {
		t.Error("the part follows another one than that which is kept")
	}
}
