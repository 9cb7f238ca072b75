package storage

import (
	"errors"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/internal/guest"
)

var input guest.Buffer

// inputRoom is allocated before the image is taken: a put of a thousand
// entries fits without growing.
const inputRoom = 128 << 10

const refused = 1 // as code has it

//go:wasmexport sto_abi_v1
func stoABIv1() {}

//go:wasmexport sto_alloc
func stoAlloc(n uint32) uint32 {
	b := input.Alloc(n)
	if b == nil {
		return 0
	}
	return guest.Address(b)
}

//go:wasmexport sto_configure
func stoConfigure(ptr, n uint32) int32 {
	config, ok := input.At(ptr, n)
	if !ok {
		return refused
	}
	if err := instance.configure(append([]byte(nil), config...)); err != nil {
		return code(err)
	}
	input.Alloc(inputRoom)
	return 0
}

//go:wasmexport sto_migrate
func stoMigrate() int32 {
	if instance.adapter == nil {
		return refused
	}
	return code(instance.adapter.Migrate())
}

//go:wasmexport sto_init
func stoInit() int32 { return code(instance.init()) }

//go:wasmexport sto_put
func stoPut(ptr, n uint32) uint64 { return call(abi.OpPut, ptr, n) }

//go:wasmexport sto_get
func stoGet(ptr, n uint32) uint64 { return call(abi.OpGet, ptr, n) }

//go:wasmexport sto_list
func stoList(ptr, n uint32) uint64 { return call(abi.OpList, ptr, n) }

//go:wasmexport sto_delete
func stoDelete(ptr, n uint32) uint64 { return call(abi.OpDelete, ptr, n) }

func call(op abi.Op, ptr, n uint32) uint64 {
	request, ok := input.At(ptr, n)
	if !ok {
		return 0
	}
	reply := instance.call(op, request)
	return abi.Pack(guest.Address(reply), uint32(len(reply)))
}

// code is what an export returns for an error.
func code(err error) int32 {
	var c Code
	switch {
	case err == nil:
		return 0
	case errors.As(err, &c) && c != 0:
		return int32(c)
	}
	return 1
}
