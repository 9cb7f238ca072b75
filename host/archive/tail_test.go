package archive_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// fence ends an epoch in the name of by, at a seq, behind a chain value.
func (w *writer) fence(by *writer, seq uint64, before receipt.Hash) receipt.Hash {
	body, err := format.EncodeBody(format.FenceBody{By: by.epoch, RuntimeData: sha256.Sum256(by.data)})
	must(err)
	e := &format.Entry{Header: format.Header{Epoch: w.epoch, Seq: seq, Kind: format.KindFence, Body: sha256.Sum256(body)}, Body: body}
	e.Chain = e.Header.Chain(before)
	e.Signature = format.SignPosition(by.key, w.epoch, e.Seq, e.Chain)
	must(w.store.Put(context.Background(), journal.Group{Epoch: w.epoch, FirstSeq: seq, Entries: []journal.Sealed{e.Append(nil)}}))
	return e.Chain
}

// TestTail: an epoch of entries 0 to 7, of which each from 2 on is a group, with some
// gone and perhaps fences: what is an end that a crash can leave, and what is damage.
func TestTail(t *testing.T) {
	auditor := identity(t)
	for _, tt := range []struct {
		name    string
		allowed int
		keep    []uint64 // of the groups from 2 on
		fences  []uint64 // by two notaries in turn; the first replaces a group
		next    uint64
		free    uint64
		orphans []uint64 // each of one entry
		damaged bool
	}{
		{name: "nothing is gone", allowed: 3, keep: []uint64{2, 3, 4, 5, 6, 7}, next: 8, free: 8},
		{name: "one is gone, one is behind", allowed: 3, keep: []uint64{2, 3, 5}, next: 4, free: 4, orphans: []uint64{5}},
		{name: "one is gone, two are behind", allowed: 3, keep: []uint64{2, 3, 5, 6}, next: 4, free: 4, orphans: []uint64{5, 6}},
		{name: "two are gone, perhaps one", allowed: 3, keep: []uint64{2, 3, 6}, next: 4, free: 4, orphans: []uint64{6}},
		{name: "more than can be under way", allowed: 3, keep: []uint64{2, 3, 5, 6, 7}, next: 4, damaged: true},
		{name: "two that are apart", allowed: 3, keep: []uint64{2, 3, 5, 7}, next: 4, damaged: true},
		{name: "read by who writes one at a time", allowed: 1, keep: []uint64{2, 3, 5}, next: 4, free: 4, orphans: []uint64{5}},
		{name: "the first groups are gone", allowed: 3, keep: []uint64{3, 4}, next: 2, free: 2, orphans: []uint64{3, 4}},

		{name: "fenced", allowed: 3, keep: []uint64{2, 3}, fences: []uint64{4}, next: 5, free: 5},
		{name: "fenced, and behind it what was under way", allowed: 3, keep: []uint64{2, 3, 5, 6}, fences: []uint64{4}, next: 5, free: 7, orphans: []uint64{5, 6}},
		{name: "fenced, and some way behind it", allowed: 3, keep: []uint64{2, 3, 7}, fences: []uint64{4}, next: 5, free: 5, orphans: []uint64{7}},
		{name: "fenced, and more than can be under way", allowed: 3, keep: []uint64{2, 3, 5, 6, 7}, fences: []uint64{4}, next: 5, damaged: true},
		{name: "fenced twice", allowed: 3, keep: []uint64{2, 3}, fences: []uint64{4, 5}, next: 6, free: 6},
		{name: "fenced again behind what was under way", allowed: 3, keep: []uint64{2, 3, 5}, fences: []uint64{4, 6}, next: 7, free: 7, orphans: []uint64{5}},
		{name: "fenced again before it", allowed: 3, keep: []uint64{2, 3, 6, 7}, fences: []uint64{4, 5}, next: 6, free: 8, orphans: []uint64{6, 7}},
		{name: "fenced again where it was not the first free place", allowed: 3, keep: []uint64{2, 3, 6}, fences: []uint64{4, 7}, next: 5, damaged: true},
		{name: "a fence that is not where the journal ends", allowed: 3, keep: []uint64{2}, fences: []uint64{4}, next: 3, damaged: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := journaltest.New()
			store.Allow(tt.allowed)
			w := newWriter(store, 1, auditor)
			authors := []*writer{newWriter(store, 2, auditor), newWriter(store, 3, auditor)}
			chains := map[uint64]receipt.Hash{1: w.chain}
			for seq := uint64(2); seq < 8; seq++ {
				e := w.entry(format.KindCheckpoint, []byte("{}"))
				chains[seq] = e.Chain
				w.put(true, e)
			}
			store.Rewrite(w.epoch, func(chunks []journal.Chunk) []journal.Chunk {
				return slices.DeleteFunc(chunks, func(c journal.Chunk) bool { return c.FirstSeq > 0 && !slices.Contains(tt.keep, c.FirstSeq) })
			})
			var before receipt.Hash
			for i, seq := range tt.fences {
				if i == 0 {
					before = chains[seq-1]
				}
				before = w.fence(authors[i], seq, before)
			}
			e := scan(t, store).Epoch(w.epoch)
			var orphans []archive.Range
			for _, seq := range tt.orphans {
				orphans = append(orphans, archive.Range{First: seq, Last: seq})
			}
			if e.Next != tt.next || !slices.Equal(e.Orphans, orphans) || (e.Err != nil) != tt.damaged || !tt.damaged && e.Free != tt.free {
				t.Errorf("ends before %d, the next fence at %d, orphans %v, error %v", e.Next, e.Free, e.Orphans, e.Err)
			}
			if tt.damaged && !errors.Is(e.Err, format.ErrChain) {
				t.Errorf("damage is told as %v", e.Err)
			}
			if len(tt.fences) > 0 && !tt.damaged && (e.Ended != format.KindFence || e.EndSeq != tt.fences[0]) {
				t.Errorf("ended by %v at %d", e.Ended, e.EndSeq)
			}
		})
	}
}

// TestForeignBehindGap: what another than the epoch's notary put behind a gap, or what
// was changed there, is no group that was under way.
func TestForeignBehindGap(t *testing.T) {
	for name, change := range map[string]func(*writer, *format.Entry){
		"another key": func(_ *writer, e *format.Entry) {
			e.Signature = format.SignPosition(make([]byte, 64), e.Epoch, e.Seq, e.Chain)
		},
		"no signature":    func(_ *writer, e *format.Entry) { e.Signature = nil },
		"another epoch":   func(_ *writer, e *format.Entry) { e.Epoch[0]++ },
		"another place":   func(_ *writer, e *format.Entry) { e.Seq++ },
		"a second begin":  func(_ *writer, e *format.Entry) { e.Kind = format.KindEpoch },
		"a changed chain": func(_ *writer, e *format.Entry) { e.Chain[0] ^= 1 },
	} {
		store := journaltest.New()
		store.Allow(3)
		w := newWriter(store, 1, identity(t))
		w.entry(format.KindCheckpoint, []byte("{}")) // is not there
		e := w.entry(format.KindCheckpoint, []byte("{}"))
		e.Signature = format.SignPosition(w.key, w.epoch, e.Seq, e.Chain)
		at := e.Seq
		change(w, e)
		must(store.Put(t.Context(), journal.Group{Epoch: w.epoch, FirstSeq: at, Entries: []journal.Sealed{e.Append(nil)}}))
		if got := scan(t, store).Epoch(w.epoch); got.Err == nil || len(got.Orphans) > 0 || got.Next != 2 {
			t.Errorf("%s: ends before %d, orphans %v, error %v", name, got.Next, got.Orphans, got.Err)
		}
	}
}

// TestCrashLoop: notaries that die again and again while they recover an epoch leave a
// fence each. However many these are, the next one still finds where its own goes.
func TestCrashLoop(t *testing.T) {
	for _, orphan := range []bool{false, true} {
		store := journaltest.New()
		store.Allow(3)
		w, by := newWriter(store, 1, identity(t)), newWriter(store, 2, identity(t))
		head := w.chain
		w.entry(format.KindCheckpoint, []byte("{}")) // is not there
		if behind := w.entry(format.KindCheckpoint, []byte("{}")); orphan {
			w.put(true, behind)
		}
		const fences = 300
		for i := range uint64(fences) {
			seq := 2 + i
			if orphan && i > 0 {
				seq++ // the group that was under way is in its place
			}
			head = w.fence(by, seq, head)
		}
		e := scan(t, store).Epoch(w.epoch)
		if e.Err != nil || len(e.Recoverers) != fences || (len(e.Orphans) == 1) != orphan || e.Free != e.Next {
			t.Errorf("orphan %v: %d recoverers, orphans %v, the next fence at %d, error %v", orphan, len(e.Recoverers), e.Orphans, e.Free, e.Err)
		}
	}
}

// A lateStore has a chunk only when it was asked for it once.
type lateStore struct {
	*journaltest.Store
	late  uint64
	asked bool
}

func (s *lateStore) Get(ctx context.Context, epoch [16]byte, seq uint64) (journal.Chunk, error) {
	if seq == s.late && !s.asked {
		s.asked = true
		return s.Store.Get(ctx, epoch, seq-1)
	}
	return s.Store.Get(ctx, epoch, seq)
}

// TestLateGroup: of several groups under way one gets there only while the epoch is read,
// when it was looked for already. That is no damage.
func TestLateGroup(t *testing.T) {
	for late := uint64(2); late < 5; late++ {
		s := &lateStore{Store: journaltest.New(), late: late}
		s.Allow(3)
		w := newWriter(s.Store, 1, identity(t))
		for range 3 {
			w.put(true, w.entry(format.KindCheckpoint, []byte("{}")))
		}
		a, err := archive.Scan(t.Context(), s, archive.Options{})
		must(err)
		if e := a.Epoch(w.epoch); e.Err != nil || e.Next != 5 || !s.asked {
			t.Errorf("%d is late: ends before %d, error %v", late, e.Next, e.Err)
		}
	}
}
