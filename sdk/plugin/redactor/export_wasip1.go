package redactor

import (
	"errors"

	"github.com/veriproof/notary/sdk/plugin/internal/guest"
)

var input guest.Buffer

// inputRoom is allocated before the image is taken: a batch of 64 KiB of text
// with a thousand fields fits without growing.
const inputRoom = 128 << 10

//go:wasmexport rdx_abi_v1
func rdxABIv1() {}

//go:wasmexport rdx_alloc
func rdxAlloc(n uint32) uint32 {
	b := input.Alloc(n)
	if b == nil {
		return 0
	}
	return guest.Address(b)
}

//go:wasmexport rdx_configure
func rdxConfigure(ptr, n uint32) int32 {
	config, ok := input.At(ptr, n)
	if !ok {
		return statusMalformed
	}
	if err := instance.configure(append([]byte(nil), config...)); err != nil {
		var coded Coded
		if errors.As(err, &coded) {
			return coded.Code()
		}
		return statusMalformed
	}
	input.Alloc(inputRoom)
	return statusOK
}

//go:wasmexport rdx_redact
func rdxRedact(ptr, n uint32) uint64 {
	request, ok := input.At(ptr, n)
	if !ok {
		return 0
	}
	reply := instance.redact(request)
	return uint64(guest.Address(reply))<<32 | uint64(len(reply))
}
