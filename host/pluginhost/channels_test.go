package pluginhost

import (
	"fmt"
	"slices"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// firstByte is code that leaves the first byte of the first field on the stack.
var firstByte = slices.Concat(localGet(0), localGet(0), []byte{0x28, 2, 32}, []byte{0x6a}, load8)

// TestNoWordInErrorsOrCounters: whatever a guest makes of a text, in its status, its
// choice of a failure, its fuel, its score, what the host tells outside of the edits
// is the same for any two texts.
func TestNoWordInErrorsOrCounters(t *testing.T) {
	for name, guest := range map[string]*guest{
		// The reply's status is the byte.
		"status": redactor("spy", noEdits).set(abi.ExportRdxRedact, 0,
			i32Const(atReply+4), firstByte, store32, i64Const(abi.Pack(atReply, 16))),
		// The reply's length, and so what is wrong with it, is the byte.
		"reply": redactor("spy", noEdits).set(abi.ExportRdxRedact, 0,
			firstByte, []byte{0xad}, i64Const(atReply<<32), []byte{0x84}), // i64.extend_i32_u, i64.or
		// The guest fills as much memory as the byte says.
		"fuel": redactor("spy", noEdits).set(abi.ExportRdxRedact, 0,
			i32Const(1024), i32Const(0), firstByte, i32Const(6), []byte{0x74}, memoryFill, packOther),
		// The score is the byte.
		"score": redactor("spy", oneEdit).set(abi.ExportRdxRedact, 0,
			i32Const(atReply+16+14), firstByte, store8, i64Const(abi.Pack(atReply, 32))),
	} {
		if name == "fuel" {
			guest.data[atOther] = noEdits
		}
		var told []string
		for _, text := range []string{"Aunt Ann", "zebra-12"} {
			s := load(t, Options{Concurrency: 1}, guest)
			edits, err := s.Redact(t.Context(), fields(text))
			if (err == nil) != (name == "fuel" || name == "score") {
				t.Fatalf("%s: %v, %v", name, edits, err)
			}
			told = append(told, fmt.Sprintf("%v %+v", err, s.Counters()))
		}
		if told[0] != told[1] {
			t.Errorf("%s: %s\nand %s", name, told[0], told[1])
		}
	}
}

// TestClockIsTheSameInEveryCall: what a guest reads from its clock depends on how
// often it has looked in this call, and on nothing outside of it.
func TestClockIsTheSameInEveryCall(t *testing.T) {
	g := redactor("clock", noEdits)
	g.manifest.WASI = abi.WASIDeny
	const name = "clock_time_get"
	g.imports = []fn{{name: abi.ImportWASI + "\x00" + name, typ: wasiFunctions[name].typ}}
	look := slices.Concat(i32Const(0), i64Const(0), i32Const(1024), callTo(0), drop, i32Const(1024), []byte{0x29, 3, 0}) // i64.load
	g.set(abi.ExportRdxRedact, 0,
		look, i64Const(clockCall+clockStep), []byte{0x52, opIf, 0x40}, unreachable, end, // i64.ne
		look, i64Const(clockCall+2*clockStep), []byte{0x52, opIf, 0x40}, unreachable, end,
		i64Const(abi.Pack(atReply, 16)))
	s := load(t, Options{Concurrency: 1}, g)
	for i := range 3 {
		if _, err := s.Redact(t.Context(), fields("x")); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
}
