package transcript_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/attestation/transcript"
)

func ExampleNew() {
	sum := transcript.New("veriproof-notary/example/v1").String("a").Uint64(1).Sum()
	fmt.Println(hex.EncodeToString(sum[:8]))
	// Output: 1064adc5e9aba6ea
}

// TestInjective: two lists of fields have the same transcript only if they are
// the same list, or moving a byte from one field to its neighbour would give a
// second meaning to a signature.
func TestInjective(t *testing.T) {
	encode := func(fields [][]byte) string {
		tr := transcript.New("d")
		for _, f := range fields {
			tr.Bytes(f)
		}
		return string(tr.Encode())
	}
	lists := rapid.SliceOfN(rapid.SliceOfN(rapid.ByteRange(0, 2), 0, 4), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := lists.Draw(t, "a"), lists.Draw(t, "b")
		same := fmt.Sprint(a) == fmt.Sprint(b)
		if got := encode(a) == encode(b); got != same {
			t.Fatalf("lists %v and %v: same encoding is %v", a, b, got)
		}
	})
}

// TestShortTakesNoHeap: the hash and the MAC of a transcript of up to 256 bytes take no
// memory of the heap. Each record has some.
func TestShortTakesNoHeap(t *testing.T) {
	text, key := make([]byte, 256-2*4-1), [32]byte{1}
	var sum, mac [32]byte
	if n := testing.AllocsPerRun(100, func() {
		sum, mac = transcript.New("d").Bytes(text).Sum(), transcript.New("d").Bytes(text).MAC(&key)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if sum == mac {
		t.Error("a MAC without a key")
	}
}

// TestMAC: HMAC-SHA-256, of short and of long transcripts.
func TestMAC(t *testing.T) {
	for n := range 600 {
		tr, key := transcript.New("d").Bytes(make([]byte, n)), [32]byte{1, byte(n), 31: 0xff}
		m := hmac.New(sha256.New, key[:])
		m.Write(tr.Encode())
		if got, want := tr.MAC(&key), [32]byte(m.Sum(nil)); got != want {
			t.Errorf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

func TestEncoding(t *testing.T) {
	got := hex.EncodeToString(transcript.New("d").Bytes(nil).String("xy").Uint64(258).Encode())
	const want = "0000000164" + "00000000" + "000000027879" + "000000080000000000000102"
	if got != want {
		t.Errorf("encoding = %s, want %s", got, want)
	}
}
