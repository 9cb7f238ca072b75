package commitlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"github.com/transparency-dev/formats/proof"
	"github.com/veriproof/notary/sdk/receipt"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "example.org/notary-log"

func open(t testing.TB, dir string) *POSIX {
	t.Helper()
	l, err := OpenPOSIX(dir, origin, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func commitment(i int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("commitment"), uint64(i)))
}

func submit(t testing.TB, l Log, c [32]byte) ([]byte, uint64) {
	t.Helper()
	p, index, err := l.Submit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p, index
}

// submitAll submits commitments [from, to) at once, and returns their proofs.
func submitAll(t testing.TB, l Log, from, to int) [][]byte {
	t.Helper()
	proofs := make([][]byte, to-from)
	var wg sync.WaitGroup
	for i := range proofs {
		wg.Go(func() {
			p, _, err := l.Submit(t.Context(), commitment(from+i))
			if err != nil {
				t.Error(err)
			}
			proofs[i] = p
		})
	}
	wg.Wait()
	return proofs
}

func TestSubmitGivesAProofThatOthersAccept(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir())
	proofs := submitAll(t, l, 0, 300) // across the width of one tile
	seen := map[uint64]bool{}
	for i, p := range proofs {
		verify(t, l.VerifierKey(), commitment(i), p)
		index, err := receipt.ProofIndex(p)
		if err != nil || index >= 300 || seen[index] {
			t.Errorf("commitment %d has index %d (seen %v), %v", i, index, seen[index], err)
		}
		seen[index] = true
	}
	p, index := submit(t, l, commitment(300))
	if index != 300 {
		t.Errorf("index %d after 300 entries", index)
	}
	verify(t, l.VerifierKey(), commitment(300), p)
}

func TestProofOfAnotherCommitmentOrKeyIsRefused(t *testing.T) {
	t.Parallel()
	l, other := open(t, t.TempDir()), open(t, t.TempDir())
	p, _ := submit(t, l, commitment(1))
	q, _ := submit(t, other, commitment(1))
	for name, f := range verifiers {
		if f(l.VerifierKey(), commitment(2), p) == nil {
			t.Errorf("%s accepts the proof for another commitment", name)
		}
		if f(other.VerifierKey(), commitment(1), p) == nil || f(l.VerifierKey(), commitment(1), q) == nil {
			t.Errorf("%s accepts the proof of another log of the same name", name)
		}
	}
}

// TestEveryByteOfAProof changes each byte in each bit (T41). What base64 allows
// torchwood and formats to overlook are the unused bits of the last character
// of a hash or signature: the changed proof then says the very same.
func TestEveryByteOfAProof(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir())
	p := submitAll(t, l, 0, 5)[3]
	c, vkey := commitment(3), l.VerifierKey()
	for i := range p {
		for bit := range 8 {
			bent := bytes.Clone(p)
			bent[i] ^= 1 << bit
			for name, f := range verifiers {
				if f(vkey, c, bent) == nil && !sameStatement(p, bent) {
					t.Errorf("%s accepts byte %d (%q) changed to %q", name, i, p[i], bent[i])
				}
			}
		}
	}
}

// sameStatement says whether two proofs decode to the same index, path and
// checkpoint text.
func sameStatement(a, b []byte) bool {
	var pa, pb proof.TLogProof
	if pa.Unmarshal(a) != nil || pb.Unmarshal(b) != nil {
		return false
	}
	textA, _, _ := bytes.Cut(pa.Checkpoint, []byte("\n\n"))
	textB, _, _ := bytes.Cut(pb.Checkpoint, []byte("\n\n"))
	pa.Checkpoint, pb.Checkpoint = textA, textB
	return bytes.Equal(pa.Marshal(), pb.Marshal())
}

// TestExtraLineIsNotOurs: the format has a line that nothing authenticates. A
// proof of ours has none, and our verifier takes none.
func TestExtraLineIsNotOurs(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir())
	c := commitment(1)
	p, _ := submit(t, l, c)
	if bytes.Contains(p, []byte("\nextra ")) {
		t.Error("the proof has an extra line")
	}
	head, rest, _ := strings.Cut(string(p), "\n")
	bent := []byte(head + "\nextra aGVsbG8=\n" + rest)
	if err := withReceipt(l.VerifierKey(), c, bent); !errors.Is(err, receipt.ErrProof) {
		t.Errorf("extra line: %v, want ErrProof", err)
	}
}

func TestResubmissionIsHarmless(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	c := commitment(1)
	p, first := submit(t, l, c)
	q, again := submit(t, l, c)
	if first != again {
		t.Errorf("the same commitment got index %d, then %d", first, again)
	}
	verify(t, l.VerifierKey(), c, p)
	verify(t, l.VerifierKey(), c, q)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// What a new process does not remember it logs a second time.
	l = open(t, dir)
	r, _ := submit(t, l, c)
	verify(t, l.VerifierKey(), c, r)
}

func TestReopenContinues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	vkey := l.VerifierKey()
	p, _ := submit(t, l, commitment(0))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if l.VerifierKey() != vkey {
		t.Error("reopening made another key")
	}
	q, index := submit(t, l, commitment(1))
	if index != 1 {
		t.Errorf("index %d after reopening a log of one", index)
	}
	verify(t, vkey, commitment(0), p)
	verify(t, vkey, commitment(1), q)
	info, err := os.Stat(filepath.Join(dir, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v, want mode 0600", info.Mode(), err)
	}
}

func TestCancelledSubmit(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("caller left")
	cancel(why)
	if p, _, err := l.Submit(ctx, commitment(1)); !errors.Is(err, why) || p != nil {
		t.Errorf("Submit = %q, %v, want the cause", p, err)
	}
	p, _ := submit(t, l, commitment(1))
	verify(t, l.VerifierKey(), commitment(1), p)
}

func TestCloseFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir())
	type result struct {
		proof []byte
		err   error
	}
	results := make(chan result, 50)
	var started sync.WaitGroup
	for i := range cap(results) {
		started.Add(1)
		go func() {
			started.Done()
			p, _, err := l.Submit(context.Background(), commitment(i))
			if err == nil {
				err = withTorchwood(l.VerifierKey(), commitment(i), p)
			}
			results <- result{p, err}
		}()
	}
	started.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range cap(results) {
		if r := <-results; r.err != nil && !errors.Is(r.err, ErrClosed) {
			t.Error(r.err)
		}
	}
	if _, _, err := l.Submit(t.Context(), commitment(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Submit after Close: %v, want ErrClosed", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestDirectoryLost: Tessera panics where it cannot open its lock file; we must
// have said so before.
func TestDirectoryLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	submit(t, l, commitment(0))
	away := filepath.Join(dir, "tree", ".away")
	if err := os.Rename(filepath.Join(dir, stateDir), away); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Submit(t.Context(), commitment(1)); !errors.Is(err, ErrDirectory) {
		t.Errorf("Submit without a state directory: %v, want ErrDirectory", err)
	}
	if err := os.Rename(away, filepath.Join(dir, stateDir)); err != nil {
		t.Fatal(err)
	}
	p, _ := submit(t, l, commitment(1))
	verify(t, l.VerifierKey(), commitment(1), p)
}

// TestCheckpointUnreadable: an entry is in the tree but no checkpoint can be
// published. The outcome is unknown and says so; later the same commitment gets
// the proof of that entry.
func TestCheckpointUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	submit(t, l, commitment(0))
	path := filepath.Join(dir, treeDir, "checkpoint")
	if err := errors.Join(os.Rename(path, path+".away"), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Submit(t.Context(), commitment(1)); !errors.Is(err, ErrDirectory) || !strings.Contains(err.Error(), "outcome unknown") {
		t.Errorf("Submit without a checkpoint: %v, want ErrDirectory and outcome unknown", err)
	}
	if err := errors.Join(os.Remove(path), os.Rename(path+".away", path)); err != nil {
		t.Fatal(err)
	}
	p, index := submit(t, l, commitment(1))
	if index != 1 {
		t.Errorf("index %d, want that of the entry whose outcome was unknown", index)
	}
	verify(t, l.VerifierKey(), commitment(1), p)
}

// TestDamagedTile: entries share the tiles that their proofs are made of. Of those that are
// proved together only the ones whose tile is damaged have no proof.
func TestDamagedTile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	var early, late int // in the full tile, and in the next
	for i, p := range submitAll(t, l, 0, 300) {
		if index, err := receipt.ProofIndex(p); err != nil {
			t.Fatal(err)
		} else if index < 256 {
			early = i
		} else {
			late = i
		}
	}
	path := filepath.Join(dir, treeDir, "tile", "0", "000")
	tile, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(tile)
	damaged[len(damaged)-1] ^= 1
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, _, err := l.Submit(t.Context(), commitment(early)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("Submit of an entry in a damaged tile: %v, want ErrCorrupt", err)
		}
	})
	wg.Go(func() {
		p, _, err := l.Submit(t.Context(), commitment(late))
		if err != nil {
			t.Errorf("Submit of an entry beside a damaged tile: %v", err)
			return
		}
		verify(t, l.VerifierKey(), commitment(late), p)
	})
	wg.Wait()
	if err := os.WriteFile(path, tile, 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := submit(t, l, commitment(early))
	verify(t, l.VerifierKey(), commitment(early), p)
}

func TestSignerNeverForks(t *testing.T) {
	t.Parallel()
	k, err := makeKey(filepath.Join(t.TempDir(), keyFile), origin)
	if err != nil {
		t.Fatal(err)
	}
	m := &monotonic{Signer: k.Signer}
	text := func(n int64, root byte) []byte {
		return []byte(torchwood.Checkpoint{Origin: origin, Tree: tlog.Tree{N: n, Hash: tlog.Hash{root}}}.String())
	}
	for _, tt := range []struct {
		name string
		n    int64
		root byte
		ok   bool
	}{
		{"first", 3, 1, true},
		{"the same again", 3, 1, true},
		{"grown", 5, 2, true},
		{"shrunk", 4, 3, false},
		{"same size, other root", 5, 3, false},
		{"goes on", 6, 4, true},
	} {
		if _, err := m.Sign(text(tt.n, tt.root)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, err := m.Sign([]byte("not a checkpoint\n")); err == nil {
		t.Error("signs what is no checkpoint")
	}
}

// TestQuiet: what the libraries have to say goes to the logger that was given,
// and nothing to stderr.
func TestQuiet(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = w
	var said bytes.Buffer
	l, err := OpenPOSIX(t.TempDir(), origin, Options{Logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err == nil {
		_, _, err = l.Submit(t.Context(), commitment(0))
		err = errors.Join(err, l.Close())
	}
	os.Stderr = stderr
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || len(b) > 0 {
		t.Errorf("stderr has %q, %v", b, err)
	}
	if !strings.Contains(said.String(), "Initializing directory") {
		t.Errorf("the logger did not get Tessera's report: %q", said.String())
	}
}

func BenchmarkSubmit(b *testing.B) {
	for _, inFlight := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("inFlight=%d", inFlight), func(b *testing.B) {
			l := open(b, b.TempDir())
			next := 0
			for b.Loop() {
				submitAll(b, l, next, next+inFlight)
				next += inFlight
			}
			b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
