package sha256x2

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
)

// TestMain tests nothing where there is nothing to test: no caller gets here.
func TestMain(m *testing.M) {
	if !Available() {
		fmt.Println("this machine has no such instructions, so that sealing hashes with crypto/sha256")
		return
	}
	os.Exit(m.Run())
}

func sums(messages []Message) [][32]byte {
	var h Hasher
	out := make([][32]byte, len(messages))
	h.Sum(messages, out)
	return out
}

func TestVectors(t *testing.T) {
	for text, want := range map[string]string{
		"":    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	} {
		for _, got := range sums([]Message{{Body: []byte(text)}, {Head: []byte(text)}, {Body: []byte(text)}}) {
			if hex.EncodeToString(got[:]) != want {
				t.Errorf("%q: %x", text, got)
			}
		}
	}
}

// TestAgainstStandardLibrary hashes messages of all lengths around the borders of blocks,
// in heads and bodies, beside others of all kinds.
func TestAgainstStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 1<<16)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	piece := func(most int) []byte {
		n := random.IntN(most + 1)
		at := random.IntN(len(text) - n)
		return text[at : at+n]
	}
	var all []Message
	for head := 0; head <= MaxHead; head++ {
		for _, body := range []int{0, 1, 54, 55, 56, 61, 62, 63, 64, 65, 126, 127, 128, 200} {
			all = append(all, Message{Head: text[:head], Body: text[1000 : 1000+body]})
		}
	}
	for range 3000 {
		most := []int{0, 70, 300, 3000, 60000}[random.IntN(5)]
		all = append(all, Message{Head: piece(MaxHead), Body: piece(most)})
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	before := make([]Message, len(all))
	copy(before, all)
	for i, got := range sums(all) {
		m := &all[i]
		if want := sha256.Sum256(bytes.Join([][]byte{m.Head, m.Body}, nil)); got != want {
			t.Fatalf("message %d, head of %d and body of %d bytes: %x, want %x", i, len(m.Head), len(m.Body), got, want)
		}
	}
	for n := range 5 { // none, one, and an odd one out
		for i, got := range sums(all[:n]) {
			if want := sha256.Sum256(bytes.Join([][]byte{all[i].Head, all[i].Body}, nil)); got != want {
				t.Errorf("%d messages: number %d is %x", n, i, got)
			}
		}
	}
}

// TestBefore goes on after blocks that were done before.
func TestBefore(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef"), 40)
	for _, n := range []uint64{1, 2, 7} {
		state, other := Initial, Initial
		blocks(&state, &other, &text[0], &text[64], int(n))
		for i, got := range sums([]Message{{Before: &state, Blocks: n, Head: text[64*n : 64*n+7], Body: text[64*n+7:]}, {Before: &other, Blocks: n, Body: text[64*n+64:]}}) {
			if want := sha256.Sum256(text[64*i:]); got != want {
				t.Errorf("%d blocks before, message %d: %x, want %x", n, i, got, want)
			}
		}
	}
}

// TestKeyed is HMAC-SHA-256 as crypto/hmac has it.
func TestKeyed(t *testing.T) {
	for i := range 50 {
		key := sha256.Sum256([]byte{byte(i)})
		text := bytes.Repeat([]byte{byte(i)}, 5*i)
		inner, outer := Keyed(&key)
		first := sums([]Message{{Before: &inner, Blocks: 1, Body: text}})
		got := sums([]Message{{Before: &outer, Blocks: 1, Body: first[0][:]}})[0]
		h := hmac.New(sha256.New, key[:])
		h.Write(text)
		if want := h.Sum(nil); !bytes.Equal(got[:], want) {
			t.Errorf("key %d: %x, want %x", i, got, want)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	messages := []Message{{Head: make([]byte, 130), Body: make([]byte, 2000)}, {Body: make([]byte, 100)}, {Head: make([]byte, 1)}}
	out := make([][32]byte, len(messages))
	var h Hasher
	if n := testing.AllocsPerRun(100, func() { h.Sum(messages, out) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	h.Clear()
	if !reflect.DeepEqual(h, Hasher{}) {
		t.Error("something is left after Clear")
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("abc"), []byte(""), []byte("0123456789"), uint8(2))
	f.Fuzz(func(t *testing.T, a, b, c []byte, cut uint8) {
		n := min(int(cut), MaxHead, len(a))
		all := []Message{{Head: a[:n], Body: a[n:]}, {Body: b}, {Body: c}}
		for i, got := range sums(all) {
			if want := sha256.Sum256([][]byte{a, b, c}[i]); got != want {
				t.Fatalf("message %d: %x, want %x", i, got, want)
			}
		}
	})
}

func BenchmarkSum(b *testing.B) {
	text := make([]byte, 50*2300)
	messages := make([]Message, 50)
	for i := range messages {
		messages[i] = Message{Head: text[:130], Body: text[2300*i : 2300*i+2300]}
	}
	out := make([][32]byte, 50)
	b.Run("two", func(b *testing.B) {
		b.SetBytes(50 * 2430)
		var h Hasher
		for b.Loop() {
			h.Sum(messages, out)
		}
	})
	b.Run("one", func(b *testing.B) {
		b.SetBytes(50 * 2430)
		h := sha256.New()
		for b.Loop() {
			for i := range messages {
				h.Reset()
				h.Write(messages[i].Head)
				h.Write(messages[i].Body)
				h.Sum(out[i][:0])
			}
		}
	})
}

// TestTwins holds them against crypto/hmac, at all lengths, one after the other in the same
// memory.
func TestTwins(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var twins Twins
	for n := 8; n <= MaxTwin; n++ {
		key, messages := [32]byte{}, [2][]byte{make([]byte, n), make([]byte, n)}
		for _, b := range [][]byte{key[:], messages[0], messages[1]} {
			for i := range b {
				b[i] = byte(random.Uint32())
			}
		}
		twins.Set(&key, messages)
		for range 3 {
			last := random.Uint64()
			var got [2][32]byte
			twins.Sum(last, &got[0], &got[1])
			for i, m := range messages {
				binary.BigEndian.PutUint64(m[n-8:], last)
				h := hmac.New(sha256.New, key[:])
				h.Write(m)
				if want := [32]byte(h.Sum(nil)); got[i] != want {
					t.Fatalf("%d bytes: %x, want %x", n, got[i], want)
				}
			}
		}
	}
}
