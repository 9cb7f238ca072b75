package pluginhost

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// writes are all the ways in which a guest writes, as code of the vandal: operands are in
// the command that it executes, at a (4), b (8) and c (12).
var writes = [][]byte{
	slices.Concat(operand(4), operand(8), []byte{0x3a, 0, 0}),                                     // i32.store8
	slices.Concat(operand(4), operand(8), []byte{0x3b, 0, 0}),                                     // i32.store16
	slices.Concat(operand(4), operand(8), []byte{0x36, 0, 0}),                                     // i32.store
	slices.Concat(operand(4), operand(8), []byte{0xad, 0x3c, 0, 0}),                               // i64.store8
	slices.Concat(operand(4), operand(8), []byte{0xad, 0x3d, 0, 0}),                               // i64.store16
	slices.Concat(operand(4), operand(8), []byte{0xad, 0x3e, 0, 0}),                               // i64.store32
	slices.Concat(operand(4), operand(8), []byte{0xad, 0x37, 0, 0x81, 0x20}),                      // i64.store, 4097 behind
	slices.Concat(operand(4), operand(8), []byte{0xbe, 0x38, 0, 0}),                               // f32.store
	slices.Concat(operand(4), operand(8), []byte{0xad, 0xbf, 0x39, 0, 0}),                         // f64.store
	slices.Concat(operand(4), operand(8), []byte{0xfd, 0x11, 0xfd, 0x0b, 0, 0}),                   // v128.store
	slices.Concat(operand(4), operand(8), []byte{0xfd, 0x11, 0xfd, 0x58, 0, 0, 15}),               // v128.store8_lane
	slices.Concat(operand(4), operand(8), []byte{0xfd, 0x11, 0xfd, 0x5b, 0, 0, 1}),                // v128.store64_lane
	slices.Concat(operand(4), operand(8), operand(12), []byte{0xfc, 11, 0}),                       // memory.fill
	slices.Concat(operand(4), operand(8), operand(12), []byte{0xfc, 10, 0, 0}),                    // memory.copy
	slices.Concat(operand(4), i32Const(0), operand(12), []byte{0xfc, 8, 3, 0}),                    // memory.init
	slices.Concat(operand(8), []byte{0x24, 0}),                                                    // global.set
	slices.Concat(operand(8), []byte{0xad, 0x24, 1}),                                              //
	slices.Concat(operand(8), i32Const(1), []byte{0x71}, memoryGrow, drop),                        // memory.grow of 0 or 1
	slices.Concat(operand(4), i32Const(0), []byte{0x36, 0, 0}, operand(4), load8, drop),           // a store of zeros, and a load
	slices.Concat(operand(4), operand(4), []byte{0x2d, 0, 0}, i32Const(-1), []byte{0x73}, store8), // flips what stands there
}

func operand(at byte) []byte { return []byte{0x20, 0, 0x28, 0, at} }

// vandal is a guest that executes the commands of its request, whatever they are.
func vandal() *guest {
	g := redactor("vandal", noEdits)
	g.globals = [][]byte{mutableI32, {typeI64, 1, 0x42, 0, opEnd}}
	g.passive = bytes.Repeat([]byte("never"), 2000)
	g.data[0x2ff0] = bytes.Repeat([]byte{0xee}, 0x3000)
	g.data[7<<16] = bytes.Repeat([]byte{1}, 1<<16)
	code := []byte{opLoop, 0x40}
	for i, w := range writes {
		code = slices.Concat(code, operand(0), i32Const(int32(i)), []byte{0x46, opIf, 0x40}, w, end)
	}
	code = slices.Concat(code,
		localGet(0), i32Const(16), []byte{0x6a, 0x21, 0}, // the next command
		localGet(1), i32Const(16), []byte{0x6b, 0x22, 1}, i32Const(0), []byte{0x4a, 0x0d, 0}, end) // while there are any
	return g.set(abi.ExportRdxRedact, 0, code, i64Const(abi.Pack(atReply, uint32(len(noEdits)))))
}

// TestImageIsPutBack: whatever a guest has written in a call, and wherever a trap has stopped
// it, memory and globals are byte for byte those of the image afterwards; or the memory has
// another size, and the instance is refused. The same with memory that is mapped and memory
// of the engine's.
func TestImageIsPutBack(t *testing.T) {
	for _, mapped := range []bool{true, false} {
		name := map[bool]string{true: "mapped", false: "compared"}[mapped]
		t.Run(name, func(t *testing.T) {
			s := load(t, Options{}, vandal())
			p := s.plugins[0]
			if !mapped {
				if err := p.image.close(); err != nil {
					t.Fatal(err)
				}
				p.image.file = nil
			} else if p.image.file == nil {
				if runtime.GOOS == "linux" {
					t.Log("the kernel does not tell of pages: mapped memory is not tested here")
				}
				return
			}
			rapid.Check(t, func(rt *rapid.T) { vandalise(rt, p) })
		})
	}
}

func vandalise(t *rapid.T, p *plugin) {
	in, err := p.fromImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { in.mod.Close(t.Context()) }()
	for range rapid.IntRange(1, 12).Draw(t, "calls") {
		request := commands(t)
		ctx := withCall(t.Context(), &call{ctx: t.Context(), clock: clockCall})
		_, reason := in.exchange(ctx, abi.ExportRdxRedact, p.limits.Fuel, request)
		grown := in.memory.Size() != uint32(len(p.image.memory))
		restored := in.restore(&p.image)
		if restored == grown {
			t.Fatalf("restored: %v, grown: %v, the call ended with %q", restored, grown, reason)
		}
		if grown {
			in.mod.Close(t.Context())
			if in, err = p.fromImage(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		sameAsImage(t, in, &p.image)
	}
}

// commands draws a request of commands. Addresses are anywhere, and often near the border
// of a page, of the image's data or of the memory.
func commands(t *rapid.T) []byte {
	address := rapid.Custom(func(t *rapid.T) uint32 {
		near := rapid.SampledFrom([]uint32{0, 4096, 0x2ff0, 0x5ff0, 1 << 16, 0x2a000, 7 << 16, 8 << 16}).Draw(t, "near")
		return near + uint32(rapid.IntRange(-40, 40).Draw(t, "off"))
	})
	anywhere := rapid.OneOf(address, rapid.Uint32Range(0, 8<<16), rapid.Uint32())
	length := rapid.OneOf(rapid.Uint32Range(0, 64), rapid.Uint32Range(0, 20_000), anywhere)
	var request []byte
	for range rapid.IntRange(1, 10).Draw(t, "commands") {
		op := rapid.IntRange(0, len(writes)-1).Draw(t, "op")
		request = append(request, u32s(uint32(op), anywhere.Draw(t, "a"), anywhere.Draw(t, "b"), length.Draw(t, "c"))...)
	}
	return request
}

func sameAsImage(t *rapid.T, in *instance, img *image) {
	memory, _ := in.memory.Read(0, in.memory.Size())
	if len(memory) != len(img.memory) {
		t.Fatalf("memory of %d bytes, the image has %d", len(memory), len(img.memory))
	}
	for i := range memory {
		if memory[i] != img.memory[i] {
			t.Fatalf("byte %#x is %#x, %#x in the image", i, memory[i], img.memory[i])
		}
	}
	for i, g := range in.globals {
		if g.Get() != img.globals[i] {
			t.Fatalf("global %d is %d, %d in the image", i, g.Get(), img.globals[i])
		}
	}
}
