package journal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func TestEntryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := entry(journal.Kind(rapid.Uint8Range(1, 11).Draw(t, "kind")), rapid.String().Draw(t, "body"))
		in.Handle = receipt.Handle(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "handle"))
		in.Part, in.Segment = rapid.Uint32().Draw(t, "part"), rapid.Uint64().Draw(t, "segment")
		in = chainOf(fixedKey(0), receipt.Epoch{1}, in)[0]
		if !rapid.Bool().Draw(t, "signed") {
			in.Signature = nil
		}
		if rapid.Bool().Draw(t, "retired") {
			in.Body = nil
		}
		after := rapid.SliceOf(rapid.Byte()).Draw(t, "what follows")
		out, rest, err := journal.Decode(append(in.Append(nil), after...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, *out); diff != "" {
			t.Fatal(diff)
		}
		if !bytes.Equal(rest, after) {
			t.Fatalf("%d bytes follow, want %d", len(rest), len(after))
		}
	})
}

// TestJournalEveryByte: an auditor who knows the epoch's key notices any byte
// that is changed, and any cut.
// TestFrame: in place an entry has the same encoding.
func TestFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body")
		e := journal.Entry{Header: journal.Header{Seq: rapid.Uint64().Draw(t, "seq"), Kind: journal.KindSegment, Body: sha256.Sum256(body)}, Body: body}
		if rapid.Bool().Draw(t, "signed") {
			e.Signature = bytes.Repeat([]byte{7}, 64)
		}
		want := e.Append(nil)
		e.Body = nil // Frame does not look at it
		if got := e.Frame(append(make([]byte, journal.Overhead), body...)); !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x", got, want)
		}
	})
}

func TestJournalEveryByte(t *testing.T) {
	entries := fixedJournal()
	entries[2].Body = []byte("{}")
	entries = chainOf(fixedKey(0), fixedPart().Epoch, entries...)
	good := encode(entries)
	check := func(b []byte) error {
		r := &journal.Reader{Epoch: fixedPart().Epoch, Key: public(fixedKey(0))}
		n, err := read(b, r)
		if err == nil && (n != 3 || r.Signed() != 3) {
			err = errors.New("entries are missing")
		}
		return err
	}
	if err := check(good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for _, bits := range []byte{1, 2, 0x80} {
			b := bytes.Clone(good)
			b[i] ^= bits
			if check(b) == nil {
				t.Errorf("byte %d changed by %#x and accepted", i, bits)
			}
		}
		if check(good[:i]) == nil {
			t.Errorf("cut at %d and accepted", i)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	e := fixedJournal()[1]
	good := e.Append(nil)
	const flags, length = 102 + 32, 102 + 32 + 1
	with := func(at int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[at:], b)
		return c
	}
	signed := fixedJournal()[2]
	for name, b := range map[string][]byte{
		"empty":             nil,
		"header only":       good[:102],
		"format":            with(0, 2),
		"kind 0":            with(25, 0),
		"kind 14":           with(25, 14),
		"unknown flag":      with(flags, 4),
		"no length":         good[:length+3],
		"cut body":          good[:len(good)-1],
		"lying length":      with(length, 0xff, 0xff, 0xff, 0xff),
		"over the limit":    with(length, binary.BigEndian.AppendUint32(nil, journal.MaxBody+1)...),
		"shorter body":      with(length, 0, 0, 0, 1),
		"other body":        with(len(good)-1, 'x'),
		"cut signature":     signed.Append(nil)[:length+10],
		"signature as body": with(flags, 1),
	} {
		if _, _, err := journal.Decode(b); !errors.Is(err, journal.ErrEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range fixedJournal() {
		f.Add(e.Append(nil))
		e.Body = nil
		f.Add(e.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, rest, err := journal.Decode(b)
		if err != nil {
			return
		}
		if again := e.Append(nil); !bytes.Equal(append(again, rest...), b) {
			t.Fatal("accepted an encoding that Append does not make")
		}
	})
}

func TestKindString(t *testing.T) {
	for k, want := range map[journal.Kind]string{journal.KindEpoch: "epoch", journal.KindClose: "close", journal.KindErased: "erased", 0: "kind 0", 14: "kind 14"} {
		if k.String() != want {
			t.Errorf("kind %d is %q, want %q", uint8(k), k, want)
		}
	}
}

// TestBodies: each body type survives its encoding, and no unknown member, other
// type or second value is read.
func TestBodies(t *testing.T) {
	sealed := []journal.SealedSecret{{Recipient: receipt.Hash{1}, Ciphertext: []byte{2}}}
	evidence := journal.EvidenceBody{Report: []byte{1}, Chain: []byte{2}, UVM: []byte{3}, CCEPolicy: []byte{4}, Token: "t", JWKS: []byte{5}}
	for _, c := range []struct{ in, out any }{
		{&evidence, new(journal.EvidenceBody)},
		{&journal.EpochBody{
			Format: "1", RuntimeData: []byte("{}"), Evidence: evidence, Config: []byte("c"), PluginConfigs: map[string][]byte{"p": []byte("q")},
			Lookup: sealed, Heads: []journal.EpochHead{{Epoch: receipt.Epoch{1}, Seq: 2, Chain: receipt.Hash{3}}}, OpenedUnixNano: 4,
		}, new(journal.EpochBody)},
		{&journal.WrapKeyBody{Number: 1, Sealed: sealed}, new(journal.WrapKeyBody)},
		{&journal.ProofBody{Commitment: receipt.Hash{1}, Index: 2, Proof: []byte("p")}, new(journal.ProofBody)},
		{&journal.CheckpointBody{Seq: 1, Chain: receipt.Hash{2}, Random: receipt.Hash{3}}, new(journal.CheckpointBody)},
		{&journal.FenceBody{By: receipt.Epoch{1}, RuntimeData: receipt.Hash{2}}, new(journal.FenceBody)},
		{&journal.CloseBody{Manifests: 1, Last: receipt.Hash{2}}, new(journal.CloseBody)},
	} {
		b, err := journal.EncodeBody(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.ParseBody(b, c.out); err != nil {
			t.Errorf("%T: %v", c.in, err)
		}
		if diff := cmp.Diff(c.in, c.out, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		for _, bad := range []string{"", "[]", string(b) + "{}", `{"unknown":1}`, string(b[:len(b)-1])} {
			if err := journal.ParseBody([]byte(bad), c.out); !errors.Is(err, journal.ErrBody) {
				t.Errorf("%T from %.40q: %v", c.in, bad, err)
			}
		}
	}
}

func FuzzParseBody(f *testing.F) {
	f.Add([]byte(`{"format":"1","runtime_data":"e30=","plugin_configs":{},"lookup":[],"heads":[]}`))
	f.Add([]byte(`{"commitment":"00","index":1,"proof":""}`))
	f.Add([]byte(`{"number":1,"sealed":null}`))
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, v := range []any{
			new(journal.EpochBody), new(journal.EvidenceBody), new(journal.WrapKeyBody), new(journal.ProofBody),
			new(journal.CheckpointBody), new(journal.FenceBody), new(journal.CloseBody),
		} {
			if journal.ParseBody(b, v) == nil {
				if _, err := journal.EncodeBody(v); err != nil {
					panic(err)
				}
			}
		}
	})
}
