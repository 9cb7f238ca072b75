package guest

import (
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

func TestBuffer(t *testing.T) {
	var b Buffer
	if _, ok := b.At(0, 0); ok {
		t.Error("a buffer that was never allocated has an address")
	}
	for _, n := range []uint32{0, 1, 15, 16, 17, 1000, 3, 70000} {
		m := b.Alloc(n)
		if len(m) != int(n) || Address(b.mem)%abi.Align != 0 || Address(b.mem) == 0 {
			t.Fatalf("Alloc(%d): %d bytes at %#x", n, len(m), Address(b.mem))
		}
		if got, ok := b.At(Address(m), n); !ok || len(got) != int(n) {
			t.Errorf("At does not find the %d bytes", n)
		}
	}
	if _, ok := b.At(Address(b.mem)+16, 1); ok {
		t.Error("At accepts an address inside the buffer")
	}
	if _, ok := b.At(Address(b.mem), uint32(len(b.mem))+1); ok {
		t.Error("At accepts more than was allocated")
	}
	if b.Alloc(abi.MaxMessage+abi.Tail+1) != nil {
		t.Error("Alloc gives more than a message may have")
	}
}
