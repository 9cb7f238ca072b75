package storedir_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// model is what the storage should hold.
type model struct {
	s      *store
	next   [3]uint64 // next seq per epoch
	chunks map[place][]string
	sent   map[place]map[key]string // the keys each put was made with
	keys   map[key]string
	where  map[key]uint64
}

type place struct {
	epoch int
	seq   uint64
}

func newModel(s *store) *model {
	return &model{
		s: s, chunks: map[place][]string{}, sent: map[place]map[key]string{},
		keys: map[key]string{}, where: map[key]uint64{},
	}
}

func epochOf(i int) [16]byte { return [16]byte{byte(i), 15: byte(7 * i)} }

func (m *model) put(t *rapid.T) {
	e := rapid.IntRange(0, 2).Draw(t, "epoch")
	p := place{e, m.next[e]}
	entries := rapid.SliceOfN(rapid.StringN(1, 8, -1), 1, 5).Draw(t, "entries")
	keys := map[key]string{}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		k := key{epochOf(e), [32]byte{rapid.Byte().Draw(t, "session")}, rapid.Uint32Range(0, 2).Draw(t, "part")}
		if _, exists := m.where[k]; !exists {
			keys[k] = rapid.StringN(0, -1, abi.MaxSlot).Draw(t, "dek")
		}
	}
	if got := m.s.put(epochOf(e), p.seq, entries, keys); got != abi.StoOK {
		t.Fatalf("put: status %d", got)
	}
	m.chunks[p], m.sent[p] = entries, keys
	for k, v := range keys {
		m.keys[k], m.where[k] = v, p.seq
	}
	m.next[e] += uint64(len(entries))
}

// retry repeats a put, with the same bytes or others: both conflict.
func (m *model) retry(t *rapid.T) {
	if len(m.chunks) == 0 {
		return
	}
	p := rapid.SampledFrom(m.places()).Draw(t, "place")
	entries := m.chunks[p]
	if rapid.Bool().Draw(t, "other") {
		entries = []string{"forged"}
	}
	if got := m.s.put(epochOf(p.epoch), p.seq, entries, m.sent[p]); got != abi.StoConflict {
		t.Fatalf("retry: status %d", got)
	}
}

func (m *model) places() []place {
	var out []place
	for p := range m.chunks {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b place) int { return a.epoch<<32 + int(a.seq) - b.epoch<<32 - int(b.seq) })
	return out
}

func (m *model) chunk(t *rapid.T) {
	e := rapid.IntRange(0, 2).Draw(t, "epoch")
	seq := rapid.Uint64Range(0, m.next[e]+2).Draw(t, "seq")
	want, first, found := "", uint64(0), false
	for _, p := range m.places() {
		if p.epoch == e && p.seq <= seq {
			first, found, want = p.seq, true, ""
			for _, s := range m.chunks[p] {
				want += s
			}
		}
	}
	got, at, status := m.s.get(abi.Selector{What: abi.WhatEntry, Epoch: epochOf(e), Seq: seq})
	if found != (status == abi.StoOK) || found && (got != want || at != first) {
		t.Fatalf("chunk of %d: %q at %d, status %d; want %q at %d", seq, got, at, status, want, first)
	}
}

// anyKey draws a key that was stored, or one that never was, and a hint: right,
// too high, too low, or none.
func (m *model) anyKey(t *rapid.T) (key, uint64) {
	var all []key
	for k := range m.where {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b key) int {
		return int(a.epoch[0])<<16 + int(a.session[0])<<4 + int(a.part) - int(b.epoch[0])<<16 - int(b.session[0])<<4 - int(b.part)
	})
	all = append(all, key{epoch: epochOf(1), part: 99})
	k := rapid.SampledFrom(all).Draw(t, "key")
	return k, rapid.SampledFrom([]uint64{0, m.where[k], m.where[k] + 2, 1, 1 << 60}).Draw(t, "hint")
}

func (m *model) key(t *rapid.T) {
	k, hint := m.anyKey(t)
	want, exists := m.keys[k]
	got, status := m.s.key(k, hint)
	if exists != (status == abi.StoOK) || got != want {
		t.Fatalf("key: %q, status %d; want %q, %v", got, status, want, exists)
	}
}

func (m *model) erase(t *rapid.T) {
	k, hint := m.anyKey(t)
	_, exists := m.keys[k]
	if status := m.s.erase(k, hint); exists != (status == abi.StoOK) {
		t.Fatalf("erase: status %d, key exists: %v", status, exists)
	}
	delete(m.keys, k)
}

func (m *model) heads(t *rapid.T) {
	var want []abi.Item
	for e := range 3 {
		last, found := uint64(0), false
		for _, p := range m.places() {
			if p.epoch == e {
				last, found = p.seq, true
			}
		}
		if found {
			want = append(want, abi.Item{Epoch: epochOf(e), Seq: last})
		}
	}
	if got := m.s.epochs([16]byte{}, true); !slices.Equal(got, want) {
		t.Fatalf("epochs %v, want %v", got, want)
	}
}
