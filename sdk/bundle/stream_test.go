package bundle_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/merkle"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// streamed takes a bundle's records out, as a source of them.
func streamed(b *bundle.Bundle) (*bundle.Bundle, bundle.Records) {
	records := b.Records
	without := *b
	without.Records = nil
	return &without, func(yield func(uint64, []byte) error) error {
		for _, i := range slices.Sorted(maps.Keys(records)) {
			if err := yield(i, records[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

func write(t *testing.T, b *bundle.Bundle, records bundle.Records) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.Write(&out, records); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestWrite: a bundle that is written piece by piece has the bytes of Encode.
func TestWrite(t *testing.T) {
	b, records := streamed(small())
	want := encode(t, small())
	if !bytes.Equal(write(t, b, records), want) || !bytes.Equal(write(t, small(), nil), want) {
		t.Error("other bytes than Encode")
	}
}

func TestWriteRefuses(t *testing.T) {
	b, _ := streamed(small())
	one := func(index uint64, data string) bundle.Records {
		return func(yield func(uint64, []byte) error) error { return yield(index, []byte(data)) }
	}
	calls := 0
	for name, records := range map[string]bundle.Records{
		"falling indexes": func(yield func(uint64, []byte) error) error {
			return errors.Join(yield(2, nil), yield(1, nil))
		},
		"the same twice":  func(yield func(uint64, []byte) error) error { return errors.Join(yield(2, nil), yield(2, nil)) },
		"too many leaves": one(100_000_000, ""),
		"its own error":   func(func(uint64, []byte) error) error { return io.ErrUnexpectedEOF },
		"another the second time": func(yield func(uint64, []byte) error) error {
			calls++
			return yield(1, fmt.Append(nil, calls))
		},
		"fewer the second time": func(yield func(uint64, []byte) error) error {
			if calls++; calls%2 == 0 {
				return nil
			}
			return yield(1, nil)
		},
		"more the second time": func(yield func(uint64, []byte) error) error {
			if calls++; calls%2 == 1 {
				return nil
			}
			return yield(1, nil)
		},
	} {
		calls = calls / 2 * 2
		if err := b.Write(io.Discard, records); err == nil {
			t.Errorf("%s is written", name)
		}
	}
	if err := small().Write(io.Discard, one(1, "x")); !errors.Is(err, bundle.ErrBundle) {
		t.Errorf("records given twice: %v", err)
	}
	if err := b.Write(noSpace{}, nil); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type noSpace struct{}

func (noSpace) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestManyFiles: more than 65,535 files are counted in ZIP64's records, which other
// tools read, and of which no byte can be another.
func TestManyFiles(t *testing.T) {
	b := small()
	b.Records = nil
	fixed := len(unzip(t, encode(t, b)))
	for _, n := range []int{1<<16 - 1 - fixed, 1<<16 - fixed} {
		data := write(t, b, func(yield func(uint64, []byte) error) error {
			for i := range uint64(n) {
				if err := yield(i, []byte("x")); err != nil {
					return err
				}
			}
			return nil
		})
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil || len(r.File) != n+fixed {
			t.Fatalf("archive/zip: %d files, %v", len(r.File), err)
		}
		if zip64 := bytes.Contains(data[len(data)-98:], []byte("PK\x06\x06")); zip64 != (len(r.File) > 65535) {
			t.Errorf("%d files, ZIP64: %t", len(r.File), zip64)
		}
		parsed, err := bundle.Parse(data)
		if err != nil || len(parsed.Records) != n {
			t.Fatalf("%d files: %v", len(r.File), err)
		}
		if !bytes.Equal(encode(t, parsed), data) {
			t.Error("Encode gives other bytes")
		}
		for at := len(data) - 95; at < len(data) && n > 1<<16-1-fixed; at += 31 {
			changed := bytes.Clone(data)
			changed[at] ^= 1
			if _, err := bundle.Parse(changed); !errors.Is(err, bundle.ErrBundle) {
				t.Errorf("byte %d from the end changed: %v", len(data)-at, err)
			}
		}
	}
}

// TestVectorsLarge: the files on both sides of ZIP64's border, by their digests.
func TestVectorsLarge(t *testing.T) {
	var list []map[string]any
	for _, n := range []int{1<<16 - 1 - 4, 1<<16 - 4} {
		b := &bundle.Bundle{Sealer: bundle.Attestation{RuntimeData: []byte("d"), Config: []byte("c")}, Receipt: []byte("r")}
		data := write(t, b, func(yield func(uint64, []byte) error) error {
			for i := range uint64(n) {
				if err := yield(i, []byte("x")); err != nil {
					return err
				}
			}
			return nil
		})
		size := binary.LittleEndian.Uint32(data[18:]) // of manifest.json
		manifest := data[30+len("manifest.json"):][:size]
		list = append(list, map[string]any{"records": n, "bytes": len(data), "sha256": digest(data), "manifest_sha256": digest(manifest)})
	}
	golden(t, "testdata/bundle-large.json", list)
}

// TestVerifyReader: read piece by piece, a bundle has the verdict and the checks that it
// has in memory, and the records come one by one.
func TestVerifyReader(t *testing.T) {
	w := getWorld(t)
	for name, change := range map[string]func(b *bundle.Bundle){
		"good":         func(*bundle.Bundle) {},
		"no log proof": func(b *bundle.Bundle) { b.Proof = nil },
		"false record": func(b *bundle.Bundle) {
			b.Records[0] = bytes.Replace(b.Records[0], []byte(`"kind":1`), []byte(`"kind":2`), 1)
		},
		"other receipt": func(b *bundle.Bundle) { b.Receipt[len(b.Receipt)-5] ^= 1 },
		"no record":     func(b *bundle.Bundle) { b.Records = nil },
	} {
		b := bundleOf(t, w, w.b, newSession(t, w, w.b))
		change(b)
		data := encode(t, b)
		want := verify(t, w, data)
		checks, records := []attestation.Check{}, []bundle.Record{}
		got, err := bundle.VerifyReader(bytes.NewReader(data), int64(len(data)), w.policy, bundle.Options{AllowSimulated: true}, func(c attestation.Check, r *bundle.Record) error {
			checks = append(checks, c)
			if r != nil {
				records = append(records, *r)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ofRecords := slices.DeleteFunc(slices.Clone(want.Checks), func(c attestation.Check) bool { return !strings.HasPrefix(c.Name, "record.") })
		others := slices.DeleteFunc(slices.Clone(want.Checks), func(c attestation.Check) bool {
			return strings.HasPrefix(c.Name, "record.") && c.Status == attestation.Pass
		})
		if diff := cmp.Diff(append([]attestation.Check{}, ofRecords...), checks) + cmp.Diff(want.Records, records) + cmp.Diff(others, got.Checks); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got.Verdict != want.Verdict || got.SHA256 != want.SHA256 || attestation.ExitStatus(got.Checks) != attestation.ExitStatus(want.Checks) {
			t.Errorf("%s: verdict %s, in memory %s", name, got.Verdict, want.Verdict)
		}
	}
	data := encode(t, bundleOf(t, w, w.a, newSession(t, w, w.a)))
	stop := errors.New("stop")
	if _, err := bundle.VerifyReader(bytes.NewReader(data), int64(len(data)), w.policy, bundle.Options{}, func(attestation.Check, *bundle.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a caller who stops: %v", err)
	}
	if _, err := bundle.VerifyReader(bytes.NewReader(data), int64(len(data)+1), w.policy, bundle.Options{}, nil); err != nil {
		t.Errorf("a file that is shorter than it was said to be: %v", err)
	}
	if _, err := bundle.VerifyReader(broken{}, int64(len(data)), w.policy, bundle.Options{}, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that fails: %v", err)
	}
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

// TestChangingFile: a record that is another when it is read again is not believed.
func TestChangingFile(t *testing.T) {
	w := getWorld(t)
	s := newSession(t, w, w.a)
	data := encode(t, bundleOf(t, w, w.a, s))
	other := encode(t, func() *bundle.Bundle {
		b := bundleOf(t, w, w.a, s)
		b.Records[0] = bytes.Replace(b.Records[0], []byte(`"kind":1`), []byte(`"kind":2`), 1)
		return b
	}())
	r := &twoFaced{first: data, then: other}
	got, err := bundle.VerifyReader(r, int64(len(data)), w.policy, bundle.Options{AllowSimulated: true}, nil)
	if err != nil || got.Verdict != attestation.Failed || !strings.Contains(check(t, got, "record.00000000").Detail, "changed while it was read") {
		t.Errorf("%s, %v", got.Verdict, err)
	}
}

// twoFaced is another file once it was read to its end.
type twoFaced struct {
	first, then []byte
	read        bool
}

func (f *twoFaced) ReadAt(b []byte, at int64) (int, error) {
	data := f.first
	if f.read {
		data = f.then
	}
	n := copy(b, data[at:])
	f.read = f.read || at+int64(n) == int64(len(data))
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// TestManyBadRecords: a bundle full of nonsense does not make a result full of it.
func TestManyBadRecords(t *testing.T) {
	w := getWorld(t)
	b := bundleOf(t, w, w.a, newSession(t, w, w.a))
	for i := range uint64(500) {
		b.Records[i] = []byte("nonsense")
	}
	data := encode(t, b)
	seen := 0
	r, err := bundle.VerifyReader(bytes.NewReader(data), int64(len(data)), w.policy, bundle.Options{AllowSimulated: true}, func(attestation.Check, *bundle.Record) error { seen++; return nil })
	if err != nil || r.Verdict != attestation.Failed || seen != 500 {
		t.Fatalf("%s, %d records, %v", r.Verdict, seen, err)
	}
	n := 0
	for _, c := range r.Checks {
		if strings.HasPrefix(c.Name, "record.") {
			n++
		}
	}
	if n != 100 {
		t.Errorf("%d checks of records in the result", n)
	}
}

// bigSession has n records of 600 bytes, made as they are asked for.
func bigSession(t *testing.T, w *world, n int) (*session, bundle.Records) {
	t.Helper()
	s := newSession(t, w, w.a)
	keys := journal.DeriveKeys((*[32]byte)(seq(1, 32)), receipt.PartID{Epoch: w.a.epoch, Handle: s.manifest.Handle})
	none := receipt.EncodeEdits(nil)
	record := func(i int) receipt.Record {
		text := make([]byte, 600)
		for at := 0; at < len(text); at += 8 {
			binary.BigEndian.PutUint64(text[at:], uint64(i*len(text)+at))
		}
		return receipt.Record{Kind: receipt.Log, Resource: []byte("resource"), Scope: []byte("scope"), Bytes: text, Edits: none}
	}
	var tree merkle.Tree
	for i := range n {
		r := record(i)
		tree.Append(r.LeafHash(keys.Salt(0, uint32(i)), receipt.EditCommitment(keys.EditKey(0, uint32(i)), none)))
	}
	s.manifest.Leaves, s.manifest.Root = uint64(n), tree.Root()
	return s, func(yield func(uint64, []byte) error) error {
		for i := range n {
			r, key := record(i), keys.EditKey(0, uint32(i))
			path, err := tree.Path(uint64(i))
			if err != nil {
				return err
			}
			o := &receipt.Opening{
				Index: uint64(i), Kind: r.Kind, Salt: keys.Salt(0, uint32(i)), EditCommitment: receipt.EditCommitment(key, none),
				Resource: r.Resource, Scope: r.Scope, Record: r.Bytes, EditKey: &key, Edits: none, Path: path,
			}
			data, err := o.Encode()
			if err == nil {
				err = yield(uint64(i), data)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// boundedMemory writes and verifies a bundle of bigRecords in a process of its own. Without the race
// detector it takes from the machine less than half of the bundle's size.
func boundedMemory(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "big.bundle")
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestBigBundle$", "-test.v")
	cmd.Env = append(os.Environ(), bigVariable+"="+name)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestBigBundle")) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

const bigVariable = "NOTARY_TEST_BIG_BUNDLE"

// TestBigBundle is that process; without the variable there is nothing to do.
func TestBigBundle(t *testing.T) {
	name := os.Getenv(bigVariable)
	if name == "" {
		return
	}
	w := getWorld(t)
	s, records := bigSession(t, w, bigRecords)
	b := bundleOf(t, w, w.a, s)
	b.Records = nil
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	if err := errors.Join(b.Write(out, records), out.Flush()); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	r, err := bundle.VerifyReader(f, info.Size(), w.policy, bundle.Options{AllowSimulated: true}, func(c attestation.Check, _ *bundle.Record) error {
		if c.Status == attestation.Pass {
			n++
		}
		return nil
	})
	if err != nil || r.Verdict != attestation.Verified || n != bigRecords {
		report(t, r)
		t.Fatalf("%d records, %v", n, err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("a bundle of %d MB took %d MB from the machine", info.Size()>>20, m.Sys>>20)
	if int64(m.Sys) > info.Size()/2 && !raceDetector {
		t.Errorf("%d MB were taken for a bundle of %d MB", m.Sys>>20, info.Size()>>20)
	}
}
