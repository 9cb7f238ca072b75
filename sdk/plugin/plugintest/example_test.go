package plugintest_test

import (
	"errors"
	"fmt"

	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// A storage adapter is tried against the notary's side of the capabilities: bodies
// are handles, which end with the call, and what was put is read back by key.
func ExampleHost() {
	host := plugintest.NewHost()
	body := host.Handle([]byte("ciphertext"))
	if err := host.Put([]byte("e-0"), []uint32{body}, false); err != nil {
		fmt.Println(err)
		return
	}
	// A position is taken once: this is what makes a second notary lose.
	fmt.Println(errors.Is(host.Put([]byte("e-0"), []uint32{body}, false), storage.ErrExist))
	host.EndCall()

	handle, length, err := host.Get([]byte("e-0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d bytes: %s\n", length, host.Bytes(handle))
	// Output:
	// true
	// 10 bytes: ciphertext
}
