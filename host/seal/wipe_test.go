package seal_test

import (
	"sync"
	"testing"

	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestHandleBesideWipe: an end that was given up wipes the keys beside exports that have not
// noticed. No handle is of half a key.
func TestHandleBesideWipe(t *testing.T) {
	auditor, err := journal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		ring, err := seal.NewRing(receipt.Epoch{1}, []*journal.Recipient{auditor.Recipient()})
		if err != nil {
			t.Fatal(err)
		}
		handle := func() receipt.Handle { return ring.Handle("acme", []byte("s-1")) }
		before := handle()
		var during [8]receipt.Handle
		var wg sync.WaitGroup
		for i := range during {
			wg.Go(func() {
				for during[i] = before; during[i] == before; {
					during[i] = handle()
				}
			})
		}
		ring.Wipe()
		wg.Wait()
		for _, h := range during {
			if h != handle() {
				t.Fatal("a handle of neither key")
			}
		}
	}
}
