package bundle_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/receipt"
)

// each calls f for the numbers below n, on all processors.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// TestEveryByte: no bundle with a byte changed, added or taken away is verified.
// NOTARY_LONG tries all bytes; otherwise a sample, with another start in each
// file.
func TestEveryByte(t *testing.T) {
	w := getWorld(t)
	data := encode(t, bundleOf(t, w, w.a, newSession(t, w, w.a)))
	step := 61
	if long() {
		step = 1
	}
	each(len(data)/step, func(i int) {
		for name, changed := range edits(data, i*step, long()) {
			if r := verify(t, w, changed); r.Verdict == attestation.Verified {
				t.Errorf("byte %d %s: %s", i*step, name, r.Verdict)
			}
			if !long() && i%4 > 0 {
				continue
			}
			r, err := bundle.VerifyReader(bytes.NewReader(changed), int64(len(changed)), w.policy, bundle.Options{AllowSimulated: true}, nil)
			if err != nil || r.Verdict == attestation.Verified {
				t.Errorf("byte %d %s, read piece by piece: %v, %v", i*step, name, r, err)
			}
		}
	})
	each(40, func(i int) {
		if r := verify(t, w, data[:len(data)*i/40]); r.Verdict == attestation.Verified {
			t.Errorf("cut to %d in 40: %s", i, r.Verdict)
		}
	})
	if r := verify(t, w, append(bytes.Clone(data), 0)); r.Verdict == attestation.Verified {
		t.Error("a byte added and verified")
	}
}

// long says that there is time to try everything.
func long() bool { return os.Getenv("NOTARY_LONG") != "" }

// edits are the ways to change one byte of data, by what is done to it, or one of
// them, if not all are wanted. What is put in is white space, a digit, a zero or
// the byte that stands there: what parsers of text and binary formats are most
// tolerant of.
func edits(data []byte, at int, all bool) map[string][]byte {
	out := map[string][]byte{}
	add := func(n int, name string, f func(b []byte) []byte) {
		if all || at/8%4 == n {
			out[name] = f(bytes.Clone(data))
		}
	}
	add(0, "changed", func(b []byte) []byte { b[at] ^= 1 << (at % 7); return b })
	add(1, "added", func(b []byte) []byte {
		return slices.Insert(b, at, [...]byte{'\n', ' ', '0', 0, b[at], '=', '\r', '\v'}[at%8])
	})
	add(2, "doubled", func(b []byte) []byte { return slices.Insert(b, at, b[at]) })
	add(3, "removed", func(b []byte) []byte { return slices.Delete(b, at, at+1) })
	return out
}

// TestEveryPart: nor is one that was packed again with a changed part, so that
// its encoding and manifest.json are in order. maa-jwks.json is data that no
// check rests on.
func TestEveryPart(t *testing.T) {
	w := getWorld(t)
	sealer, step := w.a, 997
	if long() {
		sealer, step = w.b, 5 // twice the parts: those under origin/ too
	}
	data := encode(t, bundleOf(t, w, sealer, newSession(t, w, sealer)))
	type place struct {
		part string
		at   int
	}
	var places []place
	parts := unzip(t, data)
	for name, part := range parts {
		if name == "manifest.json" || strings.HasSuffix(name, "maa-jwks.json") {
			continue
		}
		for at := len(name) % 7; at < len(part); at += step {
			places = append(places, place{name, at})
		}
		if len(part) > 0 {
			places = append(places, place{name, len(part) - 1})
		}
	}
	each(len(places), func(i int) {
		p := places[i]
		for name, changed := range edits(parts[p.part], p.at, long()) {
			b, err := bundle.Parse(data)
			if err != nil {
				t.Error(err)
				return
			}
			setPart(b, p.part, changed)
			again, err := b.Encode()
			if err != nil {
				t.Error(err)
				return
			}
			if r, err := bundle.Verify(again, w.policy, bundle.Options{AllowSimulated: true}); err != nil || r.Verdict == attestation.Verified {
				t.Errorf("%s, byte %d %s: %s, %v", p.part, p.at, name, r.Verdict, err)
			}
		}
	})
}

// TestTextAroundCertificates: a chain has one spelling, here and under origin/.
func TestTextAroundCertificates(t *testing.T) {
	w := getWorld(t)
	const end = "-----END CERTIFICATE-----\n"
	for name, f := range map[string]func(pem string) string{
		"text before":  func(s string) string { return "any text at all\n" + s },
		"text between": func(s string) string { return strings.Replace(s, end, end+"hidden\n", 1) },
		"text behind":  func(s string) string { return s + "hidden\n" },
		"line behind":  func(s string) string { return s + "\n" },
		"line between": func(s string) string { return strings.Replace(s, end, end+"\n", 1) },
		"CRLF":         func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"tab in line":  func(s string) string { return strings.Replace(s, "MII", "M\tII", 1) },
		"header": func(s string) string {
			return strings.Replace(s, "CERTIFICATE-----\n", "CERTIFICATE-----\nX: y\n\n", 1)
		},
		"root first": func(s string) string {
			certs := strings.SplitAfter(s, end)
			return certs[2] + certs[0] + certs[1]
		},
		"no line end": func(s string) string { return strings.TrimSuffix(s, "\n") },
	} {
		for sealer, chain := range map[*notary]func(b *bundle.Bundle) *[]byte{
			w.a: func(b *bundle.Bundle) *[]byte { return &b.Sealer.VCEKChain },
			w.b: func(b *bundle.Bundle) *[]byte { return &b.Origin.VCEKChain },
		} {
			b := bundleOf(t, w, sealer, newSession(t, w, sealer))
			p := chain(b)
			changed := f(string(*p))
			if changed == string(*p) {
				t.Fatalf("%s changes nothing", name)
			}
			*p = []byte(changed)
			if r := verify(t, w, encode(t, b)); r.Verdict != attestation.Failed {
				t.Errorf("%s, sealer %v: %s", name, sealer.epoch, r.Verdict)
			}
		}
	}
}

// TestUncovered: what the package comment lists as covered by no check can be
// changed by anybody, and changes nothing of what is found. A change of this list
// is one of that comment.
func TestUncovered(t *testing.T) {
	w := getWorld(t)
	for name, c := range map[string]struct {
		end    func(s *session)
		change func(b *bundle.Bundle)
	}{
		"maa-jwks.json":          {nil, func(b *bundle.Bundle) { b.Sealer.JWKS = []byte("anything") }},
		"no maa-jwks.json":       {nil, func(b *bundle.Bundle) { b.Sealer.JWKS = nil }},
		"unprotected header":     {nil, func(b *bundle.Bundle) { b.Sealer.UVM = withUnprotected(t, b.Sealer.UVM) }},
		"length of five bytes":   {nil, func(b *bundle.Bundle) { b.Sealer.UVM = slices.Replace(bytes.Clone(b.Sealer.UVM), 2, 3, 0x5a, 0, 0) }},
		"S of the report":        {nil, func(b *bundle.Bundle) { b.Sealer.Report = otherS(b.Sealer.Report) }},
		"signature on the proof": {nil, func(b *bundle.Bundle) { b.Proof = cosigned(b.Proof) }},
		"signature on the end":   {nil, func(b *bundle.Bundle) { b.EpochEndProof = cosigned(b.EpochEndProof) }},
		"fence": {fence(w.b), func(b *bundle.Bundle) {
			b.EpochEnd = bytes.Clone(b.EpochEnd)
			b.EpochEnd[32+135] ^= 1 // in the signature, FORMATS.md section 10.1
		}},
	} {
		s := newSession(t, w, w.a)
		if c.end != nil {
			c.end(s)
		}
		b := bundleOf(t, w, w.a, s)
		before := encode(t, b)
		c.change(b)
		after := encode(t, b)
		if bytes.Equal(before, after) {
			t.Fatalf("%s: nothing has changed", name)
		}
		one, two := verify(t, w, before), verify(t, w, after)
		if one.Verdict != attestation.Verified || two.Verdict != attestation.Verified {
			report(t, two)
			t.Errorf("%s: %s, and changed %s", name, one.Verdict, two.Verdict)
		}
		one.SHA256, two.SHA256 = receipt.Hash{}, receipt.Hash{}
		one.Checks[0].Detail, two.Checks[0].Detail = "", "" // the length of the file
		if diff := cmp.Diff(one, two); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// withUnprotected gives a COSE_Sign1 a header parameter that nobody signed.
func withUnprotected(t *testing.T, cose []byte) []byte {
	t.Helper()
	if cose[0] != 0xd2 || cose[1] != 0x84 || cose[2] != 0x59 {
		t.Fatalf("COSE_Sign1 begins with %x", cose[:3])
	}
	at := 5 + int(cose[3])<<8 + int(cose[4])
	if cose[at] != 0xa0 {
		t.Fatalf("unprotected header begins with %x", cose[at])
	}
	return slices.Replace(bytes.Clone(cose), at, at+1, 0xa1, 0x18, 99, 0x63, 'a', 'n', 'y')
}

// otherS replaces S of a report's ECDSA signature (72 bytes at 0x2e8, little
// endian) by n - S, which verifies as well.
func otherS(report []byte) []byte {
	out := bytes.Clone(report)
	field := out[0x2e8 : 0x2e8+72]
	slices.Reverse(field)
	s := new(big.Int).SetBytes(field)
	s.Sub(elliptic.P384().Params().N, s).FillBytes(field)
	slices.Reverse(field)
	return out
}

// cosigned adds a signature by a key that no policy names.
func cosigned(proof []byte) []byte {
	return append(bytes.Clone(proof), "— witness.example/w "+base64.StdEncoding.EncodeToString(seq(0xd0, 4+64))+"\n"...)
}

// TestMixtures: parts of good bundles, put together anew, are verified only if
// they are again what belongs together. NOTARY_LONG tries more.
func TestMixtures(t *testing.T) {
	w := getWorld(t)
	good := goodBundles(t, w)
	n := 60
	if long() {
		n = 10_000
	}
	each(n, func(i int) {
		m := mixture(rand.New(rand.NewPCG(uint64(i), 1)), good)
		data, err := m.Encode()
		if err != nil {
			t.Error(err)
			return
		}
		if r := verify(t, w, data); r.Verdict != attestation.Verified {
			return
		}
		if !slices.ContainsFunc(good, func(g *bundle.Bundle) bool {
			return bytes.Equal(g.Receipt, m.Receipt) && sameEvidence(&g.Sealer, &m.Sealer) && sameEvidence(g.Origin, m.Origin)
		}) {
			t.Errorf("mixture %d is verified", i)
		}
	})
}

// goodBundles are two sessions of one epoch, one of another, and one that the
// second epoch recovered from the first.
func goodBundles(t *testing.T, w *world) []*bundle.Bundle {
	t.Helper()
	second, third := newSession(t, w, w.a), newSession(t, w, w.a)
	second.manifest.Handle = receipt.Handle{9}
	third.manifest.Origin, third.manifest.SealedBy = w.b.origin(), w.b.sealer()
	third.end.epoch, third.end.key = w.b.epoch, w.b.key
	ofB := bundleOf(t, w, w.a, third)
	ofB.Sealer, ofB.Receipt = w.b.att, []byte(receipt.Sign(manifestOf(t, third), w.b.key))
	good := []*bundle.Bundle{
		bundleOf(t, w, w.a, newSession(t, w, w.a)), bundleOf(t, w, w.a, second), ofB, bundleOf(t, w, w.b, newSession(t, w, w.b)),
	}
	for i, g := range good {
		if r := verify(t, w, encode(t, g)); r.Verdict != attestation.Verified {
			report(t, r)
			t.Fatalf("bundle %d: %s", i, r.Verdict)
		}
	}
	return good
}

// mixture takes most parts from one bundle and some from others.
func mixture(r *rand.Rand, good []*bundle.Bundle) *bundle.Bundle {
	pick := func() *bundle.Bundle { return good[r.IntN(len(good))] }
	one := pick()
	other := func(odds int) *bundle.Bundle {
		if r.IntN(odds) == 0 {
			return pick()
		}
		return one
	}
	m := &bundle.Bundle{
		Sealer: mixedEvidence(r, other), Receipt: other(4).Receipt, Proof: other(4).Proof, Records: other(4).Records,
	}
	if r.IntN(2) == 0 {
		end := other(2)
		m.EpochEnd, m.EpochEndProof = end.EpochEnd, end.EpochEndProof
	}
	if one.Origin != nil || r.IntN(3) == 0 {
		origin := mixedEvidence(r, other)
		m.Origin = &origin
	}
	return m
}

func mixedEvidence(r *rand.Rand, other func(odds int) *bundle.Bundle) bundle.Attestation {
	from := func() *bundle.Attestation {
		b := other(6)
		if b.Origin != nil && r.IntN(2) == 0 {
			return b.Origin
		}
		return &b.Sealer
	}
	return bundle.Attestation{
		RuntimeData: from().RuntimeData, Config: from().Config, PluginConfigs: from().PluginConfigs, Token: from().Token,
		JWKS: from().JWKS, Report: from().Report, VCEKChain: from().VCEKChain, UVM: from().UVM, CCEPolicy: from().CCEPolicy,
	}
}

func sameEvidence(x, y *bundle.Attestation) bool {
	if x == nil || y == nil {
		return x == y
	}
	return bytes.Equal(x.RuntimeData, y.RuntimeData) && bytes.Equal(x.Token, y.Token) && bytes.Equal(x.Report, y.Report)
}
