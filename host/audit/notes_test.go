package audit_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

var errCut = errors.New("the audit was interrupted")

// A cut store is a storage that can be read so often and then no more.
type cut struct {
	journal.Store
	left, reads int
}

func (c *cut) InFlight() int { return journal.InFlight(c.Store) }

func (c *cut) Get(ctx context.Context, epoch [16]byte, seq uint64) (journal.Chunk, error) {
	if c.left--; c.left < 0 {
		return journal.Chunk{}, errCut
	}
	c.reads++
	return c.Store.Get(ctx, epoch, seq)
}

// noted audits a store with the notes in a file.
func noted(t *testing.T, name string, store journal.Store, o audit.Options) (*audit.Report, error) {
	t.Helper()
	var err error
	if o.Notes, err = archive.OpenNotes(name, time.Unix(1_800_000_000, 0)); err != nil {
		return nil, err
	}
	report, err := audit.Run(t.Context(), store, o)
	if closed := o.Notes.Close(); closed != nil {
		t.Fatal(closed)
	}
	return report, err
}

// same compares a report of an audit that was gone on with and that of a fresh one.
func same(t *testing.T, fresh, resumed *audit.Report) {
	t.Helper()
	r := *resumed
	r.Reused, r.Checks = 0, slices.Clone(r.Checks)
	for i := range r.Checks {
		r.Checks[i].Detail, _, _ = strings.Cut(r.Checks[i].Detail, "; not read again: ")
	}
	f := *fresh
	f.Checks = slices.Clone(f.Checks)
	for i := range f.Checks {
		f.Checks[i].Detail, _, _ = strings.Cut(f.Checks[i].Detail, "; not read again: ")
	}
	if d := cmp.Diff(&f, &r); d != "" {
		t.Errorf("the report is another than without interruption: %s", d)
	}
}

// interrupted audits with an interruption before each read of storage, or each few, and
// another later, and wants the report of the audit that was not interrupted.
func interrupted(t *testing.T, store journal.Store, o audit.Options, fresh *audit.Report, step int) {
	t.Helper()
	for n := step - 1; ; n += step {
		name := filepath.Join(t.TempDir(), "notes")
		c := &cut{Store: store, left: n}
		if _, err := noted(t, name, c, o); err == nil {
			return
		} else if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		if _, err := noted(t, name, &cut{Store: store, left: n + 3}, o); err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		report, err := noted(t, name, store, o)
		if err != nil {
			t.Fatalf("interrupted before read %d: %v", n, err)
		}
		same(t, fresh, report)
	}
}

// TestInterrupted: an audit that goes on says the same as one that was not
// interrupted, says what it did not read again, and does not read it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	o := audit.Options{Log: w.log, Believe: believe, Positions: w.positions}
	fresh, err := audit.Run(t.Context(), w.store, o)
	must(err)
	interrupted(t, w.store, o, fresh, 1)

	name := filepath.Join(t.TempDir(), "notes")
	all := &cut{Store: w.store, left: 1 << 20}
	_, err = noted(t, name, all, o)
	must(err)
	again := &cut{Store: w.store, left: 1 << 20}
	report, err := noted(t, name, again, o)
	must(err)
	same(t, fresh, report)
	if again.reads >= all.reads || report.Reused == 0 || report.Reused > report.Entries {
		t.Errorf("%d reads of storage, %d before; %d of %d entries not read again", again.reads, all.reads, report.Reused, report.Entries)
	}
	if d := report.Checks[0].Detail; !strings.Contains(d, " that an interrupted audit has read since 2027-01-15T08:00:00Z") {
		t.Errorf("the report does not say since when: %s", d)
	}
}

// TestNotesOfAKilledAudit: whatever a kill or a disk leaves of the notes, the report is
// right, or nothing is reported.
func TestNotesOfAKilledAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	o := audit.Options{Log: w.log, Believe: believe}
	name := filepath.Join(t.TempDir(), "notes")
	fresh, err := noted(t, name, w.store, o)
	must(err)
	raw, err := os.ReadFile(name)
	must(err)
	for n := 0; n < len(raw); n += 1 + n/8 {
		must(os.WriteFile(name, raw[:n], 0o600))
		report, err := noted(t, name, w.store, o)
		if err != nil {
			if n > 0 && n < 32 && errors.Is(err, archive.ErrNotes) {
				continue // not even the line that says what it is
			}
			t.Fatalf("cut off at %d: %v", n, err)
		}
		same(t, fresh, report)
		if whole, err := os.ReadFile(name); err != nil || n >= 40 && !bytes.Equal(whole, raw) {
			t.Fatalf("cut off at %d, the notes are other than without: %v", n, err)
		}
	}
	for n := 39; n < len(raw); n += 1 + n/8 { // behind the time
		bad := bytes.Clone(raw)
		bad[n] ^= 0x20
		must(os.WriteFile(name, bad, 0o600))
		report, err := noted(t, name, w.store, o)
		if err != nil {
			t.Fatalf("byte %d changed: %v", n, err)
		}
		same(t, fresh, report)
	}
}

// TestStorageChangedBehindNotes: what was noted is not read again, but for the head of
// each epoch; where that is another, nothing is reported.
func TestStorageChangedBehindNotes(t *testing.T) {
	t.Parallel()
	base := newWorld(t.Context())
	one, three := receipt.Epoch{1}, receipt.Epoch{3}
	for _, tt := range []struct {
		name string
		do   func(w *world)
		want error
	}{
		{"an epoch is gone", func(w *world) {
			w.store.Rewrite(three, func([]journal.Chunk) []journal.Chunk { return nil })
		}, archive.ErrNotes},
		{"an end is gone", func(w *world) {
			w.store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk { return c[:2] })
		}, archive.ErrNotes},
		{"an older storage", func(w *world) { w.yesterday.restore(w.store) }, archive.ErrNotes},
		{"another history", func(w *world) {
			w.store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk { return []journal.Chunk{rewritten(w, three, c[0])} })
		}, archive.ErrNotes},
		// The limit, as it is documented.
		{"an entry in the middle", func(w *world) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk { return slices.Delete(c, 2, 3) })
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := *base
			w.store = base.today.memory()
			o := audit.Options{Log: w.log, Believe: believe}
			name := filepath.Join(t.TempDir(), "notes")
			_, err := noted(t, name, w.store, o)
			must(err)
			tt.do(&w)
			report, err := noted(t, name, w.store, o)
			if !errors.Is(err, tt.want) || err == nil && report.Reused == 0 {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestNotesRefused: a file that is something else stays as it is, and two audits do not
// write to one.
func TestNotesRefused(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "notes")
	for _, other := range []string{"-", "a policy, which is longer than what notes begin with"} {
		must(os.WriteFile(name, []byte(other), 0o600))
		if _, err := archive.OpenNotes(name, time.Now()); !errors.Is(err, archive.ErrNotes) {
			t.Errorf("%q: %v", other, err)
		}
		if got, _ := os.ReadFile(name); string(got) != other {
			t.Errorf("%q was changed to %q", other, got)
		}
	}
	must(os.Remove(name))
	n, err := archive.OpenNotes(name, time.Now())
	must(err)
	defer n.Close()
	if _, err := archive.OpenNotes(name, time.Now()); !errors.Is(err, archive.ErrNotes) {
		t.Errorf("a second one has them: %v", err)
	}
}

// A blink is a store of which one read fails, and the next does not.
type blink struct {
	journal.Store
	left int
}

func (b *blink) Get(ctx context.Context, epoch [16]byte, seq uint64) (journal.Chunk, error) {
	if b.left--; b.left == 0 {
		return journal.Chunk{}, errCut
	}
	return b.Store.Get(ctx, epoch, seq)
}

// TestStorageBlinks: an audit of which any one read failed ends with that error. One
// that went on would not compare what that read was for, and be clean nevertheless.
func TestStorageBlinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	for n := 1; ; n++ {
		b := &blink{Store: w.store, left: n}
		_, err := audit.Run(t.Context(), b, audit.Options{Log: w.log, Believe: believe})
		if b.left > 0 {
			must(err)
			return
		}
		if !errors.Is(err, errCut) {
			t.Errorf("read %d failed, and the audit went on: %v", n, err)
		}
	}
}
