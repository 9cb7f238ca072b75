package ingest

import "testing"

func TestPoolSizes(t *testing.T) {
	p := new(pool)
	for _, size := range []int{0, 1, 1023, 1024, 1025, 32 << 10, 1<<24 - 1, 1 << 24, 1<<24 + 1} {
		for range 2 {
			b := p.Get(size)
			if len(*b) != size {
				t.Errorf("asked for %d bytes, got %d", size, len(*b))
			}
			*b = (*b)[:size/2] // a user may hand back a prefix
			p.Put(b)
		}
	}
	foreign := make([]byte, 1500)
	p.Put(&foreign) // of no class: not kept
	if b := p.Get(1500); cap(*b) < 1500 || len(*b) != 1500 {
		t.Errorf("got %d of %d bytes", len(*b), cap(*b))
	}
}

// A body given back holds nothing of the sender's any more.
func TestBodyIsCleared(t *testing.T) {
	text := []byte("jo.canary@mail.example")
	b := body{buf: &text}
	got := b.bytes()
	b.free()
	b.free()
	for _, c := range got {
		if c != 0 {
			t.Fatalf("%q is left", got)
		}
	}
	if b.bytes() != nil {
		t.Error("a freed body has bytes")
	}
}

func TestCodecTakesNothingElse(t *testing.T) {
	if _, err := (rawCodec{}).Marshal("text"); err == nil {
		t.Error("marshalled a string")
	}
	if err := (rawCodec{}).Unmarshal(nil, new(string)); err == nil {
		t.Error("unmarshalled into a string")
	}
}
