package objects

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
)

// memory is a Service in memory, over the handles of a test host.
type memory struct {
	host  *plugintest.Host
	sets  [2]map[string]string
	tags  map[string]int
	asked int
	fail  int // the request that fails, counted from 1; its work is done if lost
	lost  bool
	pages int // the names of a page, at most
}

func newMemory() *memory {
	return &memory{host: plugintest.NewHost(), sets: [2]map[string]string{{}, {}}, tags: map[string]int{}, pages: 1 << 20}
}

// do runs one request, or fails it.
func (m *memory) do(work func() abi.StoStatus) abi.StoStatus {
	if m.asked++; m.asked != m.fail {
		return work()
	}
	if m.lost {
		work()
	}
	return abi.StoUnavailable
}

func (m *memory) bytes(handles []uint32) string {
	var b strings.Builder
	for _, h := range handles {
		b.Write(m.host.Bytes(h))
	}
	return b.String()
}

func (m *memory) tag(p Place, name string) string { return fmt.Sprint(p, name, m.tags[name]) }

func (m *memory) Create(p Place, name string, handles []uint32) abi.StoStatus {
	return m.do(func() abi.StoStatus {
		if _, exists := m.sets[p][name]; exists {
			return abi.StoConflict
		}
		m.sets[p][name] = m.bytes(handles)
		return abi.StoOK
	})
}

func (m *memory) Read(p Place, name string) (o Object, status abi.StoStatus) {
	status = m.do(func() abi.StoStatus {
		b, exists := m.sets[p][name]
		if !exists {
			return abi.StoNotFound
		}
		if o = (Object{Length: uint32(len(b)), Tag: m.tag(p, name)}); len(b) > 0 {
			o.Handle = m.host.Handle([]byte(b))
		}
		return abi.StoOK
	})
	return o, status
}

func (m *memory) Replace(p Place, name, tag string, handles []uint32) abi.StoStatus {
	return m.do(func() abi.StoStatus {
		if m.tag(p, name) != tag {
			return abi.StoConflict
		}
		m.tags[name]++
		m.sets[p][name] = m.bytes(handles)
		return abi.StoOK
	})
}

func (m *memory) List(p Place, q *Query) (page *Page, status abi.StoStatus) {
	status = m.do(func() abi.StoStatus {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(m.sets[p])) {
			rest, ok := strings.CutPrefix(name, q.Prefix)
			if !ok {
				continue
			}
			if before, _, found := strings.Cut(rest, q.Delimiter); q.Delimiter != "" && found {
				name = q.Prefix + before + q.Delimiter
			}
			names = append(names, name)
		}
		names = slices.DeleteFunc(slices.Compact(names), func(n string) bool { return n < q.Next })
		page = &Page{Names: names}
		if most := min(q.Most, m.pages); len(names) > most {
			page.Names, page.Next = names[:most], names[most]
		}
		return abi.StoOK
	})
	return page, status
}

type wrapped struct {
	epoch   [16]byte
	session [32]byte
	part    uint32
}

type place struct {
	epoch [16]byte
	seq   uint64
}

// bench is an adapter and what it should hold.
type bench struct {
	m      *memory
	a      *Adapter
	chunks map[place]string
	keys   map[wrapped]string
	where  map[wrapped]place
}

func newBench() *bench {
	m := newMemory()
	return &bench{m: m, a: New(m, m.host), chunks: map[place]string{}, keys: map[wrapped]string{}, where: map[wrapped]place{}}
}

func (b *bench) put(p place, entries string, keys map[wrapped]string) abi.StoStatus {
	defer b.m.host.EndCall()
	request := &abi.Put{Entries: []abi.Entry{{Handle: b.m.host.Handle([]byte(entries)), Length: uint32(len(entries)), Epoch: p.epoch, Seq: p.seq}}}
	order := func(x, y wrapped) int {
		return cmp.Or(cmp.Compare(string(x.session[:]), string(y.session[:])), cmp.Compare(x.part, y.part))
	}
	for _, k := range slices.SortedFunc(maps.Keys(keys), order) {
		request.Keys = append(request.Keys, abi.Key{Handle: b.m.host.Handle([]byte(keys[k])), Length: uint32(len(keys[k])), Epoch: k.epoch, Session: k.session, Part: k.part})
	}
	return b.a.Put(request)
}

func (b *bench) get(s *abi.Selector) (string, uint64, abi.StoStatus) {
	defer b.m.host.EndCall()
	item, status := b.a.Get(s)
	if status != abi.StoOK {
		return "", 0, status
	}
	return string(b.m.host.Bytes(item.Handle)), item.Seq, status
}

func (b *bench) erase(k wrapped, hint uint64) abi.StoStatus {
	defer b.m.host.EndCall()
	return b.a.Delete(&abi.Selector{What: abi.WhatKey, Epoch: k.epoch, Session: k.session, Part: k.part, Seq: hint})
}

// TestAgainstModel runs random operations against maps, with seqs near and far from
// each other and pages of a few names.
func TestAgainstModel(t *testing.T) {
	seqs := rapid.OneOf(rapid.Uint64Range(0, 40), rapid.Uint64Range(0, 1<<13), rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1<<63 - 1, 1 << 63, 1<<64 - 1}))
	rapid.Check(t, func(t *rapid.T) {
		b := newBench()
		b.m.pages = rapid.IntRange(1, 4).Draw(t, "pages")
		epochs := [][16]byte{{}, {1}, {1, 15: 1}, {0xff, 15: 0xff}}
		epoch := func() [16]byte { return rapid.SampledFrom(epochs).Draw(t, "epoch") }
		anyKey := func() wrapped {
			return wrapped{epoch(), [32]byte{rapid.Byte().Draw(t, "session") % 4}, rapid.Uint32Range(0, 2).Draw(t, "part")}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				p := place{epoch(), seqs.Draw(t, "seq")}
				keys := map[wrapped]string{}
				for range rapid.IntRange(0, 2).Draw(t, "keys") {
					k := anyKey()
					k.epoch = p.epoch
					if _, exists := b.where[k]; !exists {
						keys[k] = rapid.StringN(1, 9, -1).Draw(t, "dek")
					}
				}
				text := rapid.StringN(1, 9, -1).Draw(t, "entries")
				want := abi.StoOK
				if _, exists := b.chunks[p]; exists {
					want, keys = abi.StoConflict, nil
				}
				if got := b.put(p, text, keys); got != want {
					t.Fatalf("put: status %d, want %d", got, want)
				}
				if want == abi.StoOK {
					b.chunks[p] = text
				}
				for k, v := range keys {
					b.keys[k], b.where[k] = v, p
				}
			},
			"chunk": func(t *rapid.T) {
				p := place{epoch(), seqs.Draw(t, "seq")}
				best, found := place{}, false
				for q := range b.chunks {
					if q.epoch == p.epoch && q.seq <= p.seq && (!found || q.seq > best.seq) {
						best, found = q, true
					}
				}
				got, seq, status := b.get(&abi.Selector{What: abi.WhatEntry, Epoch: p.epoch, Seq: p.seq})
				if found != (status == abi.StoOK) || !found && status != abi.StoNotFound || found && (got != b.chunks[best] || seq != best.seq) {
					t.Fatalf("chunk of %d: %q at %d, status %d; want %q at %d", p.seq, got, seq, status, b.chunks[best], best.seq)
				}
			},
			"key": func(t *rapid.T) {
				k := anyKey()
				hint := rapid.SampledFrom([]uint64{0, b.where[k].seq, b.where[k].seq + 2, 1, 1 << 60}).Draw(t, "hint")
				want, exists := b.keys[k]
				got, _, status := b.get(&abi.Selector{What: abi.WhatKey, Epoch: k.epoch, Session: k.session, Part: k.part, Seq: hint})
				if exists != (status == abi.StoOK) || !exists && status != abi.StoNotFound || got != want {
					t.Fatalf("key: %q, status %d; want %q", got, status, want)
				}
			},
			"erase": func(t *rapid.T) {
				k := anyKey()
				_, exists := b.keys[k]
				status := b.erase(k, rapid.SampledFrom([]uint64{0, b.where[k].seq}).Draw(t, "hint"))
				if exists != (status == abi.StoOK) || !exists && status != abi.StoNotFound {
					t.Fatalf("erase: status %d, the key exists: %v", status, exists)
				}
				delete(b.keys, k)
			},
			"": func(t *rapid.T) { b.heads(t) },
		})
	})
}

// heads compares the list of epochs, and that nothing of an erased key is left.
func (b *bench) heads(t *rapid.T) {
	last := map[[16]byte]uint64{}
	for p := range b.chunks {
		last[p.epoch] = max(last[p.epoch], p.seq)
	}
	var want []abi.Item
	for _, epoch := range slices.SortedFunc(maps.Keys(last), func(x, y [16]byte) int { return cmp.Compare(string(x[:]), string(y[:])) }) {
		want = append(want, abi.Item{Epoch: epoch, Seq: last[epoch]})
	}
	got, status := b.a.List(&abi.Selector{What: abi.WhatEpochs, First: true})
	if status != abi.StoOK || !slices.Equal(got, want) {
		t.Fatalf("epochs %v, status %d; want %v", got, status, want)
	}
}

// TestManyEpochs: an answer has some, and the next goes on behind its last.
func TestManyEpochs(t *testing.T) {
	b := newBench()
	b.m.pages = 10
	const n = 3*maxHeads + 5
	for i := range n {
		b.put(place{[16]byte{14: byte(i >> 8), 15: byte(i)}, uint64(i)}, "x", nil)
	}
	s := abi.Selector{What: abi.WhatEpochs, First: true}
	seen := 0
	for {
		items, status := b.a.List(&s)
		if status != abi.StoOK || len(items) > maxHeads {
			t.Fatalf("%d items, status %d", len(items), status)
		}
		if len(items) == 0 {
			break
		}
		for _, it := range items {
			if it.Epoch != [16]byte{14: byte(seen >> 8), 15: byte(seen)} || it.Seq != uint64(seen) {
				t.Fatalf("epoch %d is %v", seen, it)
			}
			seen++
		}
		s.Epoch, s.First = items[len(items)-1].Epoch, false
	}
	if seen != n {
		t.Errorf("%d epochs, want %d", seen, n)
	}
}

// TestRequests: what a journal does often takes few requests.
func TestRequests(t *testing.T) {
	b := newBench()
	epoch := [16]byte{1}
	k := wrapped{epoch, [32]byte{1}, 0}
	for i := range uint64(2000) {
		keys := map[wrapped]string{}
		if i == 700 {
			keys[k] = "dek"
		}
		b.put(place{epoch, 5 * i}, "x", keys)
	}
	for name, tc := range map[string]struct {
		most int
		do   func()
	}{
		"put":                   {1, func() { b.put(place{epoch, 10_000}, "x", nil) }},
		"put with a key":        {2, func() { b.put(place{epoch, 10_001}, "x", map[wrapped]string{{epoch, [32]byte{2}, 0}: "dek"}) }},
		"the chunk at its seq":  {1, func() { b.get(&abi.Selector{What: abi.WhatEntry, Epoch: epoch, Seq: 5000}) }},
		"the last chunk":        {3, func() { b.get(&abi.Selector{What: abi.WhatEntry, Epoch: epoch, Seq: 1 << 40}) }},
		"a chunk of a seq":      {4, func() { b.get(&abi.Selector{What: abi.WhatEntry, Epoch: epoch, Seq: 5003}) }},
		"a key where it should": {3, func() { b.get(&abi.Selector{What: abi.WhatKey, Epoch: epoch, Session: k.session, Seq: 3502}) }},
	} {
		b.m.asked = 0
		if tc.do(); b.m.asked > tc.most {
			t.Errorf("%s takes %d requests, want at most %d", name, b.m.asked, tc.most)
		}
	}
}

// TestFaults fails every request once, with and without its effect, and wants an
// honest answer and a retry that succeeds.
func TestFaults(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for at := 1; ; at++ {
			b := newBench()
			p := place{[16]byte{1}, 3}
			k := wrapped{p.epoch, [32]byte{1}, 0}
			keys := map[wrapped]string{k: "dek", {p.epoch, [32]byte{2}, 0}: "other"}
			b.m.fail, b.m.lost = at, lost
			first := b.put(p, "x", keys)
			if b.m.asked < at {
				break
			}
			if first != abi.StoUnavailable {
				t.Fatalf("put with a fault at %d: status %d", at, first)
			}
			if retry := b.put(p, "x", keys); retry != abi.StoOK && retry != abi.StoConflict {
				t.Fatalf("fault at %d: retry gives %d", at, retry)
			}
			got, _, status := b.get(&abi.Selector{What: abi.WhatEntry, Epoch: p.epoch, Seq: 3})
			dek, _, keyStatus := b.get(&abi.Selector{What: abi.WhatKey, Epoch: k.epoch, Session: k.session, Seq: 3})
			if status != abi.StoOK || got != "x" || keyStatus != abi.StoOK || dek != "dek" {
				t.Fatalf("fault at %d: entry %q (%d), key %q (%d)", at, got, status, dek, keyStatus)
			}
		}
		for at := 1; ; at++ {
			b := newBench()
			p := place{[16]byte{1}, 3}
			k := wrapped{p.epoch, [32]byte{1}, 0}
			b.put(p, "x", map[wrapped]string{k: "dek"})
			b.m.asked, b.m.fail, b.m.lost = 0, at, lost
			status := b.erase(k, 3)
			if b.m.asked < at {
				break
			}
			if status != abi.StoUnavailable {
				t.Fatalf("erasure with a fault at %d: status %d", at, status)
			}
			if again := b.erase(k, 3); again != abi.StoOK && again != abi.StoNotFound {
				t.Fatalf("erasure again after a fault at %d: status %d", at, again)
			}
			for name, object := range b.m.sets[Keys] {
				if strings.Contains(object, "dek") {
					t.Fatalf("fault at %d: %s holds the key", at, name)
				}
			}
		}
	}
}

// TestCorruptKeys answers unavailable, not "not found", for an object that cannot be
// read: not found would be taken for erased.
func TestCorruptKeys(t *testing.T) {
	k := wrapped{[16]byte{1}, [32]byte{1}, 0}
	bytes := record(k.epoch, k.session, 9, 1<<31)
	for n := range len(bytes) + 1 {
		b := newBench()
		b.m.sets[Keys][nameOf(keysKind, k.epoch, 0)] = string(bytes[:n])
		want := abi.StoUnavailable
		if n == 0 {
			want = abi.StoNotFound
		}
		if _, _, got := b.get(&abi.Selector{What: abi.WhatKey, Epoch: k.epoch, Session: k.session}); got != want {
			t.Errorf("%d bytes: status %d, want %d", n, got, want)
		}
	}
}

// TestForeignObjects: what is not ours is passed over.
func TestForeignObjects(t *testing.T) {
	b := newBench()
	epoch := [16]byte{0xab}
	for _, name := range []string{"e-", "e-0", "e-zz-", "e-" + strings.Repeat("g", 32) + "-x", prefixOf(entriesKind, epoch) + "0", prefixOf(entriesKind, epoch) + "000000000000000g", "lost"} {
		b.m.sets[Entries][name] = "x"
	}
	b.put(place{epoch, 1}, "ours", nil)
	if got, status := b.a.List(&abi.Selector{What: abi.WhatEpochs, First: true}); status != abi.StoOK || !slices.Equal(got, []abi.Item{{Epoch: epoch, Seq: 1}}) {
		t.Errorf("epochs %v, status %d", got, status)
	}
	if got, _, status := b.get(&abi.Selector{What: abi.WhatEntry, Epoch: epoch, Seq: 99}); status != abi.StoOK || got != "ours" {
		t.Errorf("chunk %q, status %d", got, status)
	}
}

// TestRefused: requests that are none.
func TestRefused(t *testing.T) {
	b := newBench()
	for _, what := range []abi.What{0, abi.WhatEpochs, 9} {
		if _, status := b.a.Get(&abi.Selector{What: what}); status != abi.StoBadRequest {
			t.Errorf("get %d: status %d", what, status)
		}
		if status := b.a.Delete(&abi.Selector{What: what}); status != abi.StoBadRequest {
			t.Errorf("delete %d: status %d", what, status)
		}
	}
	if _, status := b.a.List(&abi.Selector{What: abi.WhatEntry}); status != abi.StoBadRequest {
		t.Errorf("list: status %d", status)
	}
	if status := b.put(place{}, "x", map[wrapped]string{{}: ""}); status != abi.StoBadRequest {
		t.Errorf("a key without bytes: status %d", status)
	}
}

// TestNames: names are in the order of falling seqs.
func TestNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epoch := [16]byte(binary.BigEndian.AppendUint64(make([]byte, 8), rapid.Uint64().Draw(t, "epoch")))
		x, y := rapid.Uint64().Draw(t, "x"), rapid.Uint64().Draw(t, "y")
		a, b := nameOf('k', epoch, x), nameOf('k', epoch, y)
		if cmp.Compare(a, b) != cmp.Compare(y, x) || !abi.ValidBlobKey([]byte(a)) {
			t.Fatalf("%s of %d, %s of %d", a, x, b, y)
		}
		if e, seq, ok := parseName(a); !ok || e != epoch || seq != x {
			t.Fatalf("%s is read as %x, %d, %v", a, e, seq, ok)
		}
	})
}
