package pluginhost_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A module that is not the pinned one is refused before anything of it is read.
func Example() {
	pin := [32]byte{1}
	_, err := pluginhost.Load(context.Background(), []pluginhost.Source{{
		Name: "redact-pii", Kind: abi.KindRedactor, Module: []byte("\x00asm\x01\x00\x00\x00"), SHA256: &pin,
	}}, pluginhost.Options{})
	var pinned *pluginhost.PinError
	fmt.Println(errors.As(err, &pinned))
	// Output: true
}
