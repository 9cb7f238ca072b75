package receipt_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/receipt"
)

func mustEncode(t testing.TB, m receipt.Manifest) []byte {
	t.Helper()
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hash32(t *rapid.T, label string) receipt.Hash {
	return receipt.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
}

func TestManifestRoundTrip(t *testing.T) {
	reasons := []receipt.Reason{receipt.ReasonEnd, receipt.ReasonIdle, receipt.ReasonAge, receipt.ReasonSize, receipt.ReasonShutdown}
	rapid.Check(t, func(t *rapid.T) {
		m := fixedManifest()
		m.Reason = rapid.SampledFrom(reasons).Draw(t, "reason")
		m.Origin.Mode = rapid.SampledFrom([]string{"enforce", "shadow", "none"}).Draw(t, "mode")
		m.Root, m.DEKCommitment = hash32(t, "root"), hash32(t, "dek commitment")
		m.Leaves = rapid.Uint64Range(1, 1<<53-1).Draw(t, "leaves")
		m.FirstSeq = rapid.Uint64Range(0, 1<<52).Draw(t, "first")
		m.LastSeq = m.FirstSeq + rapid.Uint64Range(0, 1<<51).Draw(t, "more")
		m.Part = rapid.Uint32().Draw(t, "part")
		m.HostClock.OpenedUnixNano = rapid.Int64().Draw(t, "opened")
		m.HostClock.SealedUnixNano = rapid.Int64Range(m.HostClock.OpenedUnixNano, math.MaxInt64).Draw(t, "sealed")
		b, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		out, err := receipt.ParseManifest(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, *out); diff != "" {
			t.Fatal(diff)
		}
		if len(b) > receipt.MaxManifest {
			t.Fatalf("%d bytes", len(b))
		}
	})
}

func TestManifestCheck(t *testing.T) {
	for name, change := range map[string]func(m *receipt.Manifest){
		"version":                func(m *receipt.Manifest) { m.V = "2" },
		"mode":                   func(m *receipt.Manifest) { m.Origin.Mode = "off" },
		"reason":                 func(m *receipt.Manifest) { m.Reason = "because" },
		"no leaves":              func(m *receipt.Manifest) { m.Leaves = 0 },
		"first after last":       func(m *receipt.Manifest) { m.FirstSeq = m.LastSeq + 1 },
		"opened after sealed":    func(m *receipt.Manifest) { m.HostClock.OpenedUnixNano = m.HostClock.SealedUnixNano + 1 },
		"number over 2^53":       func(m *receipt.Manifest) { m.Leaves = 1 << 53 },
		"first with predecessor": func(m *receipt.Manifest) { m.Seq = 0 },
		"later without":          func(m *receipt.Manifest) { m.Prev = receipt.Hash{} },
		"recovered by itself":    func(m *receipt.Manifest) { m.Reason = receipt.ReasonRecovered },
		"ended by another":       func(m *receipt.Manifest) { m.SealedBy.Epoch[0] ^= 1 },
	} {
		m := fixedManifest()
		change(&m)
		if _, err := m.Encode(); !errors.Is(err, receipt.ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManifestOneEncoding: no second spelling of a statement is a statement.
func TestManifestOneEncoding(t *testing.T) {
	good := string(mustEncode(t, fixedManifest()))
	if _, err := receipt.ParseManifest([]byte(good)); err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("vector has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, s := range map[string]string{
		"empty":             "",
		"null":              "null",
		"space":             replace(`"v":"1"`, `"v": "1"`),
		"newline after":     good + "\n",
		"second value":      good + good,
		"unknown member":    replace(`{"v":"1"`, `{"x":0,"v":"1"`),
		"repeated member":   replace(`"part":2`, `"part":1,"part":2`),
		"member's case":     replace(`"part"`, `"Part"`),
		"escaped character": replace(`"end"`, `"\u0065nd"`),
		"upper-case hex":    replace(`a1a2a3`, `A1a2a3`),
		"short hash":        replace(`a1a2a3`, `a1a2`),
		"null hash":         replace(`"prev":"`+fixedManifest().Prev.String()+`"`, `"prev":null`),
		"number as text":    replace(`"part":2`, `"part":"2"`),
		"number as float":   replace(`"part":2`, `"part":2.0`),
		"exponent":          replace(`"part":2`, `"part":2e0`),
		"negative":          replace(`"part":2`, `"part":-2`),
		"too large":         replace(`"part":2`, `"part":4294967296`),
		"other order":       replace(`"seq":7,"prev":"`+fixedManifest().Prev.String()+`"`, `"prev":"`+fixedManifest().Prev.String()+`","seq":7`),
		"very long":         replace(`{"v":"1"`, `{"x":"`+strings.Repeat("x", receipt.MaxManifest)+`","v":"1"`),
		"deep":              strings.Repeat("[", receipt.MaxManifest),
	} {
		if _, err := receipt.ParseManifest([]byte(s)); !errors.Is(err, receipt.ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(mustEncode(f, fixedManifest()))
	f.Add([]byte(`{"v":"1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := receipt.ParseManifest(b)
		if err != nil {
			return
		}
		if again, err := m.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q is encoded as %q, %v", b, again, err)
		}
	})
}

// TestIDs: hashes, epochs and handles have one text form each.
func TestIDs(t *testing.T) {
	h, e, handle := receipt.Hash(seq(0, 32)), receipt.Epoch(seq(0xf0, 16)), receipt.Handle(seq(1, 32))
	for _, c := range []struct {
		text string
		into interface {
			fmt.Stringer
			UnmarshalText([]byte) error
		}
	}{{h.String(), new(receipt.Hash)}, {e.String(), new(receipt.Epoch)}, {handle.String(), new(receipt.Handle)}} {
		if err := c.into.UnmarshalText([]byte(c.text)); err != nil || c.into.String() != c.text {
			t.Errorf("%s: %v, %v", c.text, c.into, err)
		}
		for _, bad := range []string{"", c.text[1:], c.text + "0", c.text + "00", strings.Repeat("F", len(c.text)), strings.Repeat("g", len(c.text))} {
			if err := c.into.UnmarshalText([]byte(bad)); err == nil {
				t.Errorf("%q accepted", bad)
			}
		}
	}
}

func TestSummary(t *testing.T) {
	in := fixedSummary()
	b, err := in.Encode()
	if err != nil {
		t.Fatal(err)
	}
	out, err := receipt.ParseSummary(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, *out); diff != "" {
		t.Error(diff)
	}
	for name, s := range map[string]string{
		"empty": "", "format": `{"format":"2"}`, "none": `{}`, "unknown member": `{"format":"1","x":1}`, "two values": `{"format":"1"}{}`,
	} {
		if _, err := receipt.ParseSummary([]byte(s)); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}
