package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/veriproof/notary/host/pluginhost/fuel"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// shapes are functions of n parts each that could be hard on a compiler.
var shapes = map[string]func(n int) fn{
	"loops": func(n int) fn {
		return fn{code: slices.Concat(bytes.Repeat([]byte{opLoop, 0x40, opEnd}, n))}
	},
	"nested loops": func(n int) fn {
		return fn{code: slices.Concat(bytes.Repeat([]byte{opLoop, 0x40}, n), bytes.Repeat(end, n))}
	},
	"loops over 100 locals": func(n int) fn {
		var b []byte
		for i := range n {
			b = append(b, slices.Concat([]byte{opLoop, 0x40}, localGet(i%100), i32Const(1), []byte{0x6a, 0x21, byte((i + 1) % 100), opEnd})...)
		}
		return fn{locals: 100, code: b}
	},
	"ifs over 100 locals": func(n int) fn {
		var b []byte
		for i := range n {
			b = append(b, slices.Concat(localGet(i%100), []byte{opIf, 0x40}, i32Const(1), []byte{0x21, byte((i + 1) % 100), opEnd})...)
		}
		return fn{locals: 100, code: b}
	},
	"table to one label": func(n int) fn {
		return fn{code: slices.Concat([]byte{opBlock, 0x40}, i32Const(1), leb([]byte{0x0e}, n), make([]byte, n+1), end)}
	},
	"table to all labels": func(n int) fn {
		b := slices.Concat(bytes.Repeat([]byte{opBlock, 0x40}, n), i32Const(1), leb([]byte{0x0e}, n-1))
		for i := range n {
			b = leb(b, i)
		}
		return fn{code: append(b, bytes.Repeat(end, n)...)}
	},
	"calls": func(n int) fn { return fn{code: bytes.Repeat(callTo(0), n)} },
	"fills": func(n int) fn {
		return fn{code: bytes.Repeat(slices.Concat(i32Const(0), i32Const(0), i32Const(0), memoryFill), n)}
	},
	"straight code": func(n int) fn {
		return fn{locals: 1, code: bytes.Repeat(slices.Concat(localGet(0), i32Const(1), []byte{0x6a, 0x21, 0}), n)}
	},
	"deep stack": func(n int) fn {
		var b []byte
		for i := range n {
			b = append(append(b, i32Const(int32(i))...), load8...)
		}
		return fn{code: slices.Concat(b, bytes.Repeat([]byte{0x6a}, n-1), drop)}
	},
	"long vectors": func(n int) fn {
		return fn{code: bytes.Repeat(slices.Concat([]byte{0xfd, 12}, make([]byte, 16), drop), n)}
	},
}

const opBlock = 0x02

// shaped is a guest with one function of a shape.
func shaped(shape func(int) fn, n int) []byte {
	g := redactor("a", noEdits)
	f := shape(n)
	f.typ = funcType{"", ""}
	g.funcs["aa"] = fn{} // what is called
	g.funcs["zz"] = f
	return g.build()
}

// TestBombsAreRefused: of each shape there is a size that is compiled, and one, within what a
// module may have of bytes, that is not.
func TestBombsAreRefused(t *testing.T) {
	for name, shape := range shapes {
		if _, s := scored(t, shaped(shape, 250)); s > maxFunctionScore {
			t.Errorf("250 of %s are refused, score %d", name, s)
		}
		if binary := shaped(shape, 150_000); len(binary) <= 4<<20 {
			if _, s := scored(t, binary); s <= maxFunctionScore {
				t.Errorf("150,000 of %s are compiled, score %d", name, s)
			}
		} else {
			t.Errorf("150,000 of %s are over 4 MiB: the test shows nothing", name)
		}
	}
}

// BenchmarkScore holds the compiler's work against the score that stands for it.
func BenchmarkScore(b *testing.B) {
	for _, name := range sortedNames(shapes) {
		for _, n := range []int{500, 1000, 4000, 16000} {
			m, s := scored(b, shaped(shapes[name], n))
			if s > maxFunctionScore {
				continue // refused
			}
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for b.Loop() {
					p := &plugin{kind: abi.KindRedactor, limits: Limits{MemoryPages: 16}}
					if err := p.compile(context.Background(), m); err != nil {
						b.Fatal(err)
					}
					p.runtime.Close(context.Background())
				}
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(s)/1e6, "Mscore")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s), "ns/score")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/float64(s), "B/score")
			})
		}
	}
}

// scored reads a module and finds the greatest score of its functions.
func scored(t testing.TB, binary []byte) (*module, uint64) {
	parsed, err := fuel.Parse(binary)
	if err != nil {
		t.Fatal(err)
	}
	m := &module{Module: parsed, manifest: &abi.Manifest{WASI: abi.WASINone}}
	var most uint64
	for i := range m.Functions {
		most = max(most, score(&m.Functions[i]))
	}
	return m, most
}

func sortedNames[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
