package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// A written record is one that a test has appended.
type written struct {
	first, last uint64
	body        []byte
	slots       [][]byte // nil = erased
	erasing     map[int]bool
}

// A world is a stream on a disk that fails and loses power, and what must be there.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	disk  *fakeDisk
	dir   *Dir
	acked []*written
	// maybe was appended, and nobody was told that it is there.
	maybe *written
	faults
}

// faults are what goes wrong, of a hundred calls that change something.
type faults struct{ fail, cut, die int }

const worldKey = "epoch"

func (w *world) boot() {
	w.dir = newDir(w.disk)
	w.dir.segmentSize = 6000
	w.disk.fault = func(string) error {
		switch n := w.rng.IntN(100); {
		case n < w.cut:
			w.disk = w.disk.crash()
			return errCut
		case n < w.cut+w.die:
			w.disk = w.disk.die()
			return errCut
		case n < w.cut+w.die+w.fail:
			return [...]error{errInjected, full}[w.rng.IntN(2)]
		}
		return nil
	}
}

// quiet runs f without faults.
func (w *world) quiet(f func()) {
	fault := w.disk.fault
	w.disk.fault = nil
	f()
	w.disk.fault = fault
}

func (w *world) next() uint64 {
	if len(w.acked) == 0 {
		return 7
	}
	return w.acked[len(w.acked)-1].last + 1
}

func (w *world) random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.rng.Uint32())
	}
	return b
}

// append appends a record and, as the journal's writer does, tries it again byte for
// byte while the outcome is unknown, unless the process ends.
func (w *world) append() {
	r := &written{first: w.next(), body: w.random(w.rng.IntN(3000)), erasing: map[int]bool{}}
	r.last = r.first + uint64(w.rng.IntN(3))
	for range w.rng.IntN(4) {
		r.slots = append(r.slots, w.random(16+w.rng.IntN(MaxSlot-15)))
	}
	w.maybe = r
	for {
		err := w.dir.Append(worldKey, r.first, r.last, [][]byte{r.body}, r.slots)
		switch {
		case err == nil:
			w.acked, w.maybe = append(w.acked, r), nil
			return
		case errors.Is(err, errCut):
			w.restart()
			return
		case errors.Is(err, fs.ErrExist):
			w.t.Fatalf("append of %d, which was never there: %v", r.first, err)
		case errors.Is(err, ErrDamaged) || errors.Is(err, ErrGap):
			w.t.Fatal(err)
		}
	}
}

// restart is the next process: it finds all that was acknowledged, and what was not
// either whole or not at all.
func (w *world) restart() {
	w.boot()
	w.quiet(w.check)
	if w.maybe == nil {
		return
	}
	// Somebody else takes the number, as a fence does, or finds it taken.
	r := w.maybe
	fence := &written{first: r.first, last: r.first, body: []byte("fence"), erasing: map[int]bool{}}
	for {
		err := w.dir.Append(worldKey, fence.first, fence.last, [][]byte{fence.body}, nil)
		switch {
		case err == nil:
			w.acked, w.maybe = append(w.acked, fence), nil
			return
		case errors.Is(err, fs.ErrExist):
			if got, e := w.dir.Body(worldKey, r.first); e != nil || !bytes.Equal(got, r.body) && !bytes.Equal(got, fence.body) {
				w.t.Fatalf("the number %d is taken by something else: %v", r.first, e)
			} else if bytes.Equal(got, fence.body) {
				r = fence
			}
			w.acked, w.maybe = append(w.acked, r), nil
			return
		case errors.Is(err, errCut):
			w.boot() // whose fence stands there is found out by the next try
		case errors.Is(err, ErrDamaged) || errors.Is(err, ErrGap):
			w.t.Fatal(err)
		}
	}
}

func (w *world) erase() {
	if len(w.acked) == 0 {
		return
	}
	r := w.acked[w.rng.IntN(len(w.acked))]
	if len(r.slots) == 0 {
		return
	}
	n := w.rng.IntN(len(r.slots))
	secret := r.slots[n]
	r.erasing[n] = true
	for {
		err := w.dir.Erase(worldKey, r.first, n)
		switch {
		case err == nil || errors.Is(err, fs.ErrNotExist):
			r.slots[n] = nil
			if secret != nil {
				w.gone(secret)
			}
			return
		case errors.Is(err, errCut):
			w.boot()
			if w.rng.IntN(2) == 0 {
				continue
			}
			return // half done
		case errors.Is(err, ErrGap) || errors.Is(err, fs.ErrExist) || errors.Is(err, ErrDamaged):
			w.t.Fatal(err)
		}
		if w.rng.IntN(2) == 0 {
			return // it is left as it failed
		}
	}
}

// gone: what was erased is on the disk in no file, whatever the next crash leaves.
func (w *world) gone(secret []byte) {
	for name, n := range w.disk.durable {
		if bytes.Contains(n.durable, secret[:16]) {
			w.t.Fatalf("%s still holds what was erased", name)
		}
	}
}

// check reads everything, in a process of its own that only reads.
func (w *world) check() {
	t, d := w.t, newDir(w.disk)
	t.Helper()
	for i, r := range w.acked {
		for _, number := range []uint64{r.first, r.last} {
			got, err := d.Find(worldKey, number)
			if err != nil || got != (Record{r.first, r.last, len(r.body), len(r.slots)}) {
				t.Fatalf("record %d of %d: Find(%d) = %+v, %v; want %d to %d", i, len(w.acked), number, got, err, r.first, r.last)
			}
		}
		if body, err := d.Body(worldKey, r.first); err != nil || !bytes.Equal(body, r.body) {
			t.Fatalf("record %d: %d bytes, %v", r.first, len(body), err)
		}
		for n, want := range r.slots {
			got, err := d.Slot(worldKey, r.first, n)
			switch {
			case want == nil:
				if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrErasing) {
					t.Fatalf("slot %d of %d was erased: %v", n, r.first, err)
				}
			case r.erasing[n]:
				switch {
				case err == nil && !bytes.Equal(got, want):
					t.Fatalf("slot %d of %d holds other bytes", n, r.first)
				case errors.Is(err, fs.ErrNotExist):
					w.gone(want) // nobody erases again what is said to be erased
				case err != nil && !errors.Is(err, ErrErasing):
					t.Fatalf("slot %d of %d: %v", n, r.first, err)
				}
			case err != nil || !bytes.Equal(got, want):
				t.Fatalf("slot %d of %d: %v", n, r.first, err)
			}
		}
	}
	got, err := d.Find(worldKey, math.MaxUint64)
	switch {
	case len(w.acked) == 0 && w.maybe == nil:
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("an empty stream has %+v, %v", got, err)
		}
	case errors.Is(err, fs.ErrNotExist) && len(w.acked) == 0:
	case err != nil:
		t.Fatalf("the last record: %v", err)
	case got.First == w.next() && w.maybe == nil:
		t.Fatalf("record %d was never appended", got.First)
	case got.First > w.next():
		t.Fatalf("record %d was never appended", got.First)
	}
}

// TestCrashes: at whatever call the power is cut, the process killed or the disk fails,
// nothing that was acknowledged is lost or changed, nothing that was erased is left,
// and no torn end is taken for damage. NOTARY_SEEDS says how many runs; a run that
// failed is repeated by NOTARY_SEED.
func TestCrashes(t *testing.T) {
	seeds, only := uint64(600), os.Getenv("NOTARY_SEED")
	if n, err := strconv.ParseUint(os.Getenv("NOTARY_SEEDS"), 10, 32); err == nil {
		seeds = n
	}
	for s := range seeds {
		if only != "" && only != fmt.Sprint(s) {
			continue
		}
		rng := rand.New(rand.NewPCG(s, 0))
		w := &world{t: t, rng: rng, disk: newFakeDisk(rng), faults: faults{fail: rng.IntN(20), cut: rng.IntN(6), die: rng.IntN(6)}}
		w.boot()
		ok := t.Run(fmt.Sprint("seed", s), func(t *testing.T) {
			w.t = t
			for range 40 {
				if w.rng.IntN(5) == 0 {
					w.erase()
				} else {
					w.append()
				}
				if w.rng.IntN(10) == 0 {
					w.disk = w.disk.die()
					w.boot()
				}
			}
			w.quiet(w.check)
			w.disk = w.disk.crash()
			w.boot()
			w.quiet(w.check)
		})
		if !ok {
			t.Fatalf("NOTARY_SEED=%d repeats it", s)
		}
	}
}
