package journal

import (
	"bytes"
	"crypto/aes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestNonce (T36): the nonce is a function of the segment number that gives no
// value twice, and a part's key is its own, so that no key meets a nonce twice
// as long as no number is taken twice.
func TestNonce(t *testing.T) {
	if got := hex.EncodeToString(segmentNonce(0x0102030405060708)); got != "000000000102030405060708" {
		t.Errorf("nonce %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		if bytes.Equal(segmentNonce(a), segmentNonce(b)) != (a == b) {
			t.Fatalf("segments %d and %d", a, b)
		}
		if n := segmentNonce(a); len(n) != 12 || binary.BigEndian.Uint64(n[4:]) != a || !bytes.Equal(n[:4], make([]byte, 4)) {
			t.Fatalf("nonce %x of segment %d", n, a)
		}
	})
}

// TestT36NoNonceTwice: ten million segments of a part have ten million nonces, and the
// last number of all does not wrap to the first.
func TestT36NoNonceTwice(t *testing.T) {
	before := segmentNonce(0)
	for n := uint64(1); n < 10_000_000; n++ {
		// Greater than the one before is different from all before.
		nonce := segmentNonce(n)
		if bytes.Compare(nonce, before) <= 0 {
			t.Fatalf("nonce %x of segment %d follows %x", nonce, n, before)
		}
		before = nonce
	}
	if last := segmentNonce(math.MaxUint64); bytes.Compare(last, before) <= 0 || len(last) != 12 {
		t.Fatalf("nonce %x of the last segment", last)
	}
}

// TestPadding: Padmé's bounds (PURBs, section 4): never shorter, at most 12 %
// longer, monotone, and a padded length is its own padded length.
func TestPadding(t *testing.T) {
	for n, want := range map[int]int{0: 256, 1: 256, 256: 256, 257: 272, 300: 304, 1000: 1024, 1025: 1088, 5000: 5120, 65537: 67584, 1 << 20: 1 << 20} {
		if got := padded(n); got != want {
			t.Errorf("padded(%d) = %d, want %d", n, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(257, 1<<30).Draw(t, "n")
		p := padded(n)
		if p < n || float64(p) > 1.12*float64(n) || padded(p) != p || padded(n-1) > p {
			t.Fatalf("padded(%d) = %d", n, p)
		}
	})
}

// TestPaddingIsZero: the padding is inside the ciphertext and tells nothing of
// what the buffer held before.
func TestPaddingIsZero(t *testing.T) {
	c := &Content{Tenant: "acme", Records: []receipt.Record{{Kind: receipt.Span, Bytes: []byte("record")}}}
	b, n := c.pad(nil, new(contexts)), len(c.encode(nil, new(contexts)))
	if !bytes.Equal(b[n:], make([]byte, len(b)-n)) || len(b) != padded(n) {
		t.Errorf("%d bytes, padded to %d", n, len(b))
	}
}

// FuzzParseContent: the plaintext of a segment comes from whoever had the key;
// whatever it is, it is read within its bounds and read back as it was.
func FuzzParseContent(f *testing.F) {
	c := &Content{Tenant: "acme", Session: []byte("s"), Records: []receipt.Record{
		{Kind: receipt.Span, Resource: []byte("r"), Scope: []byte("s"), Edits: receipt.EncodeEdits(nil), Bytes: []byte("record")},
		{Kind: receipt.Closing, Bytes: []byte("{}")},
	}}
	f.Add(c.pad(nil, new(contexts)))
	f.Add(c.encode(nil, new(contexts)))
	f.Add([]byte{0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseContent(b)
		if err != nil {
			if !errors.Is(err, ErrSegment) {
				t.Fatal(err)
			}
			return
		}
		again, err := parseContent(c.pad(nil, new(contexts)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.encode(nil, new(contexts)), c.encode(nil, new(contexts))) {
			t.Fatal("content changed on its way")
		}
	})
}

// TestExpand compares with HKDF-Expand as RFC 5869 section 2.3 defines it for
// one block.
func TestExpand(t *testing.T) {
	key := [32]byte{1, 2, 3}
	info := transcript.New("veriproof-notary/example/v1").Uint64(4)
	m := hmac.New(sha256.New, key[:])
	m.Write(info.Encode())
	m.Write([]byte{1})
	if got := expand(&key, info); !bytes.Equal(got[:], m.Sum(nil)) {
		t.Errorf("expand gives %x", *got)
	}
}

// TestKeyCommitment (T37): AES-GCM does not bind its key. The test makes one
// ciphertext that opens under the segment keys of two parts and shows that the
// commitment refuses it for one of them.
func TestKeyCommitment(t *testing.T) {
	id := receipt.PartID{Part: 1}
	dek1, dek2 := &[32]byte{1}, &[32]byte{2}
	k1, k2 := DeriveKeys(dek1, id), DeriveKeys(dek2, id)
	raw1, raw2 := expand(dek1, ofPart(transcript.New("veriproof-notary/segment-key/v1"), id)), expand(dek2, ofPart(transcript.New("veriproof-notary/segment-key/v1"), id))
	aad, nonce := segmentAAD(id, 7), segmentNonce(7)
	sealed := twoKeys(t, raw1, raw2, nonce, aad)
	for i, k := range []*PartKeys{k1, k2} {
		if _, err := k.segment.Open(nil, nonce, sealed, aad); err != nil {
			t.Fatalf("the ciphertext does not open under key %d, so the test shows nothing: %v", i+1, err)
		}
	}
	s := &Segment{DEKCommitment: k1.Commitment, Leaves: make([]receipt.Hash, 1), Ciphertext: sealed}
	if _, err := k2.OpenSegment(7, s); !errors.Is(err, ErrSegment) {
		t.Errorf("opened under a second key: %v", err)
	}
}

// twoKeys makes a one-block GCM ciphertext (NIST SP 800-38D) that is authentic
// under both keys: the tag is linear in the block, so the block for which both
// tags agree is the solution of one equation in GF(2^128).
func twoKeys(t *testing.T, raw1, raw2 *[32]byte, nonce, aad []byte) []byte {
	t.Helper()
	h1, mask1 := hashKey(t, raw1, nonce)
	h2, mask2 := hashKey(t, raw2, nonce)
	// tag = mask + A(h) + C·h² + L·h, where A is over the AAD and L the lengths.
	rest := mask1.xor(mask2).xor(known(h1, aad)).xor(known(h2, aad))
	block := rest.mul(h1.mul(h1).xor(h2.mul(h2)).inverse())
	tag := mask1.xor(known(h1, aad)).xor(block.mul(h1).mul(h1))
	return append(block[:], tag[:]...)
}

// known is the part of GHASH over aad and one block that does not depend on
// the block.
func known(h field, aad []byte) field {
	var y field
	for b := aad; len(b) > 0; b = b[min(16, len(b)):] {
		var x field
		copy(x[:], b)
		y = y.xor(x).mul(h)
	}
	y = y.mul(h).mul(h) // places of the block and of the lengths
	var lengths field
	binary.BigEndian.PutUint64(lengths[:8], uint64(len(aad))*8)
	binary.BigEndian.PutUint64(lengths[8:], 128)
	return y.xor(lengths.mul(h))
}

func hashKey(t *testing.T, raw *[32]byte, nonce []byte) (h, mask field) {
	t.Helper()
	block, err := aes.NewCipher(raw[:])
	if err != nil {
		t.Fatal(err)
	}
	block.Encrypt(h[:], h[:])
	copy(mask[:], nonce)
	mask[15] = 1
	block.Encrypt(mask[:], mask[:])
	return h, mask
}

// A field is an element of GF(2^128) as GCM writes it: the leftmost bit is the
// coefficient of x^0.
type field [16]byte

func (a field) xor(b field) (c field) {
	for i := range a {
		c[i] = a[i] ^ b[i]
	}
	return c
}

func (a field) mul(b field) (c field) {
	for i := range 128 {
		if a[i/8]>>(7-i%8)&1 == 1 {
			c = c.xor(b)
		}
		carry := b[15] & 1
		for j := 15; j > 0; j-- {
			b[j] = b[j]>>1 | b[j-1]<<7
		}
		b[0] >>= 1
		b[0] ^= 0xe1 * carry
	}
	return c
}

// inverse is a^(2^128-2).
func (a field) inverse() field {
	square, out := a, field{0x80}
	for range 127 {
		square = square.mul(square)
		out = out.mul(square)
	}
	return out
}

// wycheproof calls run for each test of a Wycheproof file, where NOTARY_DATA
// names the development data; without it there is nothing to add to the tests
// above.
func wycheproof[G any](t *testing.T, file string, run func(group G) (n int)) {
	t.Helper()
	dir := os.Getenv("NOTARY_DATA")
	if dir == "" {
		return
	}
	b, err := os.ReadFile(filepath.Join(dir, "crypto", "wycheproof", file))
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		NumberOfTests int
		TestGroups    []G
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range f.TestGroups {
		n += run(g)
	}
	if n == 0 {
		t.Errorf("%s: no test of %d is about what the notary uses", file, f.NumberOfTests)
	}
}

// hexBytes decodes from hex in JSON.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func TestWycheproofAESGCM(t *testing.T) {
	type group struct {
		IvSize, KeySize, TagSize int
		Tests                    []struct {
			TcID                       int
			Key, Iv, Aad, Msg, Ct, Tag hexBytes
			Result                     string
		}
	}
	wycheproof(t, "aes_gcm_test.json", func(g group) (n int) {
		if g.IvSize != 96 || g.KeySize != 256 || g.TagSize != 128 {
			return 0
		}
		for _, c := range g.Tests {
			a := gcm((*[32]byte)(c.Key))
			msg, err := a.Open(nil, c.Iv, append(bytes.Clone(c.Ct), c.Tag...), c.Aad)
			if ok := err == nil && bytes.Equal(msg, c.Msg); ok != (c.Result == "valid") {
				t.Errorf("case %d is %s: %v", c.TcID, c.Result, err)
			}
		}
		return len(g.Tests)
	})
}

func TestWycheproofHKDF(t *testing.T) {
	type group struct {
		Tests []struct {
			TcID                 int
			Ikm, Salt, Info, Okm hexBytes
			Size                 int
			Result               string
		}
	}
	wycheproof(t, "hkdf_sha256_test.json", func(g group) (n int) {
		for _, c := range g.Tests {
			prk, err := hkdf.Extract(sha256.New, c.Ikm, c.Salt)
			if err != nil {
				t.Fatal(err)
			}
			okm, err := hkdf.Expand(sha256.New, prk, string(c.Info), c.Size)
			if ok := err == nil && bytes.Equal(okm, c.Okm); ok != (c.Result == "valid") {
				t.Errorf("case %d is %s: %v", c.TcID, c.Result, err)
			}
		}
		return len(g.Tests)
	})
}

func TestWycheproofEd25519(t *testing.T) {
	type group struct {
		PublicKey struct{ Pk hexBytes }
		Tests     []struct {
			TcID     int
			Msg, Sig hexBytes
			Result   string
		}
	}
	wycheproof(t, "ed25519_test.json", func(g group) (n int) {
		for _, c := range g.Tests {
			if ok := ed25519.Verify(ed25519.PublicKey(g.PublicKey.Pk), c.Msg, c.Sig); ok != (c.Result == "valid") {
				t.Errorf("case %d is %s", c.TcID, c.Result)
			}
		}
		return len(g.Tests)
	})
}

// TestEncodeInPlace: a body that is made around its ciphertext is that which is made of
// parts, also after a change, and from a ciphertext that lies elsewhere.
func TestEncodeInPlace(t *testing.T) {
	keys := DeriveKeys(&[32]byte{1}, receipt.PartID{})
	s := keys.SealSegment(3, receipt.Hash{4}, &Content{Tenant: "t", Records: []receipt.Record{{Kind: receipt.Span, Bytes: []byte("one")}, {Kind: receipt.Span, Bytes: []byte("two")}}})
	whole := func() []byte {
		return (&Segment{DEKCommitment: s.DEKCommitment, WrappedDEK: s.WrappedDEK, Leaves: s.Leaves, Ciphertext: s.Ciphertext}).Encode()
	}
	check := func(what string) {
		t.Helper()
		want := whole()
		for range 2 {
			if !bytes.Equal(s.Encode(), want) {
				t.Errorf("%s: another body than of the parts", what)
			}
		}
	}
	check("sealed")
	if &s.Encode()[len(s.Encode())-1] != &s.Ciphertext[len(s.Ciphertext)-1] {
		t.Error("the ciphertext was copied")
	}
	s.WrappedDEK[0]++
	s.Leaves[1][0]++
	s.Ciphertext[5]++
	check("changed")
	s.Leaves = s.Leaves[:1]
	check("fewer leaves")
	s.Leaves = append(s.Leaves, s.Leaves[0], s.Leaves[0])
	check("more leaves")
	s.Leaves = s.Leaves[:2]
	s.Ciphertext = bytes.Clone(s.Ciphertext)
	check("another ciphertext")
	s.Ciphertext = nil
	check("no ciphertext")
}
