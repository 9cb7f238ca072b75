package telemetry

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/veriproof/notary/sdk/receipt"
)

func seed(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// signed returns the checked receipt of a manifest that change has changed.
func signed(t *testing.T, key ed25519.PrivateKey, change func(*receipt.Manifest)) Receipt {
	t.Helper()
	m := receipt.Manifest{
		V: "1", Origin: receipt.Origin{Epoch: receipt.Epoch{1}, Mode: "enforce"}, SealedBy: receipt.Sealer{Epoch: receipt.Epoch{1}},
		Seq: 7, Prev: receipt.Hash{2}, Handle: receipt.Handle{3}, Part: 2, Leaves: 3, FirstSeq: 11, LastSeq: 19,
		HostClock: receipt.HostClock{OpenedUnixNano: 5, SealedUnixNano: 6}, Reason: receipt.ReasonEnd,
	}
	if change != nil {
		change(&m)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r, err := CheckReceipt(receipt.Sign(b, key), public(key))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestCompare: two receipts are of one part by epoch, handle and number, and each other
// member in which they differ is named.
func TestCompare(t *testing.T) {
	type M = receipt.Manifest
	for name, test := range map[string]struct {
		change func(*M)
		same   bool
		fields []string
	}{
		"the same":          {nil, true, nil},
		"another epoch":     {func(m *M) { m.Origin.Epoch[1]++; m.SealedBy.Epoch[1]++ }, false, nil},
		"another session":   {func(m *M) { m.Handle[31]++; m.Root[0]++ }, false, nil},
		"another part":      {func(m *M) { m.Part++ }, false, nil},
		"runtime data":      {func(m *M) { m.Origin.RuntimeData[9]++ }, true, []string{"origin.runtime_data"}},
		"plugin set, mode":  {func(m *M) { m.Origin.PluginSet[0]++; m.Origin.Mode = "shadow" }, true, []string{"origin.plugin_set", "origin.mode"}},
		"sealer":            {func(m *M) { m.SealedBy.RuntimeData[0]++ }, true, []string{"sealed_by.runtime_data"}},
		"recovered":         {func(m *M) { m.SealedBy.Epoch[0]++; m.Reason = receipt.ReasonRecovered }, true, []string{"sealed_by.epoch", "reason"}},
		"number":            {func(m *M) { m.Seq++ }, true, []string{"seq"}},
		"the one before":    {func(m *M) { m.Prev[0]++ }, true, []string{"prev"}},
		"leaves and root":   {func(m *M) { m.Leaves--; m.Root[31]++ }, true, []string{"leaves", "root"}},
		"key of the data":   {func(m *M) { m.DEKCommitment[0]++ }, true, []string{"dek_commitment"}},
		"place in journal":  {func(m *M) { m.FirstSeq++; m.LastSeq++ }, true, []string{"first_seq", "last_seq"}},
		"the host's clocks": {func(m *M) { m.HostClock.OpenedUnixNano--; m.HostClock.SealedUnixNano++ }, true, []string{"host_clock.opened_unix_nano", "host_clock.sealed_unix_nano"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := signed(t, seed(1), nil), signed(t, seed(1), test.change)
			same, err := Compare(a, b)
			var e *Equivocation
			if same != test.same || errors.As(err, &e) != (test.fields != nil) {
				t.Fatalf("of the same part: %v, %v", same, err)
			}
			if e == nil {
				return
			}
			if !slices.Equal(e.Fields, test.fields) || e.Receipts[0].JWS != a.JWS || e.Receipts[1].JWS != b.JWS || e.Part != partOf(a.Manifest) {
				t.Errorf("%+v, want %q", e, test.fields)
			}
			for _, f := range test.fields {
				if !strings.Contains(err.Error(), f) {
					t.Errorf("%v does not name %s", err, f)
				}
			}
			if strings.Contains(err.Error(), a.Manifest.Handle.String()) {
				t.Errorf("%v names the session", err)
			}
		})
	}
	if _, err := Compare(signed(t, seed(1), nil), Receipt{JWS: "a.b.c"}); !errors.Is(err, ErrReceipt) {
		t.Errorf("a receipt that was not checked: %v", err)
	}
}

// TestKeep: a receipt is kept once, as it was signed, for nobody else to read; a second
// one of the part is kept beside it and told, now and whenever either comes again.
func TestKeep(t *testing.T) {
	dir, key := t.TempDir(), public(seed(1))
	a := signed(t, seed(1), nil)
	b := signed(t, seed(1), func(m *receipt.Manifest) { m.Root[0]++ })
	next := signed(t, seed(1), func(m *receipt.Manifest) { m.Part++ })
	part := partOf(a.Manifest)
	if _, err := ReadReceipts(dir, part, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is kept: %v", err)
	}
	for range 2 {
		if err := keepNew(dir, nil, []Receipt{a, next}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(partFolder(dir, part), "*"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != a.commitment.String()+".jws" {
		t.Fatalf("%q, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if i, _ := os.Stat(files[0]); err != nil || string(text) != a.JWS || i.Mode() != 0o600 {
		t.Errorf("%q with mode %v, %v", text, i.Mode(), err)
	}
	if r, err := ReadReceipts(dir, part, key); err != nil || len(r) != 1 || r[0].JWS != a.JWS {
		t.Errorf("%+v, %v", r, err)
	}
	// The part behind one with two receipts is kept, too.
	last := signed(t, seed(1), func(m *receipt.Manifest) { m.Part += 2 })
	for _, now := range [][]Receipt{{b, next, last}, {a, next, last}} {
		var e *Equivocation
		if err := keepNew(dir, []Receipt{{}, next}, now); !errors.As(err, &e) || !slices.Equal(e.Fields, []string{"root"}) {
			t.Errorf("two receipts for one part: %v", err)
		}
	}
	if r, err := ReadReceipts(dir, partOf(last.Manifest), key); err != nil || len(r) != 1 {
		t.Errorf("behind it: %d receipts, %v", len(r), err)
	}
	var e *Equivocation
	if r, err := ReadReceipts(dir, part, key); !errors.As(err, &e) || len(r) != 2 {
		t.Errorf("two receipts for one part, read again: %d, %v", len(r), err)
	}
	// What is as it was when last asked for is not written again.
	if err := keepNew(filepath.Join(dir, "missing"), []Receipt{a}, []Receipt{a}); err != nil {
		t.Error(err)
	}
	if err := keepNew(filepath.Join(dir, "missing"), nil, []Receipt{a}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

// TestKeepAtOnce: of clients that keep two different receipts at once, one at least hears of it.
func TestKeepAtOnce(t *testing.T) {
	a := signed(t, seed(1), nil)
	b := signed(t, seed(1), func(m *receipt.Manifest) { m.Root[0]++ })
	for range 20 {
		dir := t.TempDir()
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = keep(dir, []Receipt{a, b}[i%2]) })
		}
		wg.Wait()
		var e *Equivocation
		if err := errors.Join(errs...); !errors.As(err, &e) {
			t.Fatalf("nobody heard of it: %v", err)
		}
		if r, _ := ReadReceipts(dir, e.Part, public(seed(1))); len(r) != 2 {
			t.Fatalf("%d receipts are kept", len(r))
		}
	}
}

// TestKeptFileChanged: a file that is not the receipt that its folder and name say is told,
// is never written over, and hides no other.
func TestKeptFileChanged(t *testing.T) {
	a := signed(t, seed(1), nil)
	b := signed(t, seed(1), func(m *receipt.Manifest) { m.Root[0]++ })
	other := signed(t, seed(1), func(m *receipt.Manifest) { m.Part++ })
	flipped := []byte(a.JWS)
	flipped[len(flipped)-5] ^= 1
	for name, text := range map[string]string{
		"empty": "", "cut": a.JWS[:len(a.JWS)-1], "a line": a.JWS + "\n", "flipped": string(flipped),
		"another key": signed(t, seed(2), nil).JWS, "another part": other.JWS, "another commitment": b.JWS,
		"without end": strings.Repeat("a", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			dir, part := t.TempDir(), partOf(a.Manifest)
			if err := keep(dir, a); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(partFolder(dir, part), filename(a))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := keep(dir, a); !errors.Is(err, ErrReceipt) || !strings.Contains(err.Error(), filename(a)) {
					t.Errorf("kept again: %v", err)
				}
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != text {
				t.Errorf("it was written over: %v", err)
			}
			if err := keep(dir, b); !errors.Is(err, ErrReceipt) {
				t.Errorf("another beside it: %v", err)
			}
			if r, err := ReadReceipts(dir, part, public(seed(1))); !errors.Is(err, ErrReceipt) || len(r) != 1 || r[0].JWS != b.JWS {
				t.Errorf("%d receipts, %v", len(r), err)
			}
		})
	}
	t.Run("in another's folder", func(t *testing.T) {
		dir, part := t.TempDir(), partOf(a.Manifest)
		if err := write(partFolder(dir, part), filename(other), other.JWS); err != nil {
			t.Fatal(err)
		}
		if r, err := ReadReceipts(dir, part, public(seed(1))); !errors.Is(err, ErrReceipt) || len(r) != 0 {
			t.Errorf("%d receipts, %v", len(r), err)
		}
	})
	t.Run("left by a crash", func(t *testing.T) {
		dir, part := t.TempDir(), partOf(a.Manifest)
		if err := errors.Join(os.Mkdir(partFolder(dir, part), 0o700), os.WriteFile(filepath.Join(partFolder(dir, part), ".new-1"), []byte(a.JWS[:9]), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReceipts(dir, part, public(seed(1))); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("nothing but the rest of a crash: %v", err)
		}
		if err := keep(dir, a); err != nil {
			t.Error(err)
		}
	})
}
