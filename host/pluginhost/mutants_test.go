package pluginhost

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// mutationSeeds are the modules that mutants descend from.
func mutationSeeds(t testing.TB) [][]byte {
	wasi := redactor("a", noEdits)
	wasi.manifest.WASI = abi.WASIDeny
	wasi.imports = []fn{{name: abi.ImportWASI + "\x00sched_yield", typ: funcType{"", i32}}}
	wasi.globals = [][]byte{mutableI32}
	wasi.tables, wasi.elements = []byte{1, 0x70, 0, 2}, []byte{1, 0, 0x41, 0, opEnd, 1, 2}
	wasi.start, wasi.funcs["begin"] = "begin", fn{code: slices.Concat(i32Const(0), i32Const(0), i32Const(0), memoryFill)}
	loops := redactor("a", oneEdit)
	bomb(loops, 40, 30, 3)
	seeds := [][]byte{redactor("a", oneEdit).build(), wasi.build(), loops.build()}
	// A module of a real compiler, under the name that all have here.
	star, err := os.ReadFile(filepath.Join("..", "..", "sdk", "plugin", "testdata", "star", "module.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	star, err = abi.AppendManifest(star, &abi.Manifest{
		ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Labels: []string{"RUN", "STAR"},
		Limits: abi.Limits{MemoryPages: 16}, Name: "a", Version: "1.0.0", WASI: abi.WASINone,
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(seeds, star)
}

// mutate changes a module in one to four places: bits, bytes, numbers that are lengths or
// indices for all we know, and pieces that are taken out, doubled or moved.
func mutate(rng *rand.Rand, seed []byte) []byte {
	b := slices.Clone(seed)
	for range 1 + rng.IntN(3) {
		end := len(b) // mostly in front of the manifest, which is JSON
		if at := bytes.Index(b, []byte(abi.ManifestSection)); at > 16 && rng.IntN(8) > 0 {
			end = at
		}
		if end < 16 {
			return b
		}
		i := 8 + rng.IntN(end-8)
		n := min(1+rng.IntN(12), len(b)-i)
		switch rng.IntN(18) {
		case 0:
			b[i] ^= 1 << rng.IntN(8)
		case 1, 8, 9, 10, 11, 12:
			b[i] = byte(rng.Uint32())
		case 3: // a number, grown in place
			b = slices.Replace(b, i, i+1, binary.AppendUvarint(nil, uint64(rng.Uint32()>>rng.IntN(32)))...)
		case 4:
			b = slices.Delete(b, i, i+n)
		case 5:
			b = slices.Insert(b, i, b[i:i+n]...)
		case 6, 7:
			copy(b[8+rng.IntN(len(b)-8):], slices.Clone(b[i:i+n]))
		default: // an opcode that is looked at, more likely
			b[i] = []byte{0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0e, 0x10, 0x11, 0x20, 0x23, 0x24, 0x40, 0xd2, 0xfc, 0xfd}[rng.IntN(16)]
		}
	}
	return b
}

// T66: mutants of modules through the loader: no panic, nothing compiled that is over the
// bounds or was not valid before, and no edits with an error. NOTARY_MUTANTS says how many,
// and takes them from another seed; FuzzLoad goes on from the same modules.
func TestT66MutatedModules(t *testing.T) {
	n, from := 1500, uint64(0)
	if more, err := strconv.Atoi(os.Getenv("NOTARY_MUTANTS")); err == nil {
		n, from = more, uint64(time.Now().UnixNano())
	}
	seeds := mutationSeeds(t)
	rng := rand.New(rand.NewPCG(66, from))
	loaded := 0
	var longest time.Duration
	var score uint64
	for i := range n {
		module := mutate(rng, seeds[i%len(seeds)])
		begin := time.Now()
		if loads(t, module) {
			loaded++
			if in, err := Inspect(module); err == nil {
				score = max(score, in.Score)
			}
		}
		longest = max(longest, time.Since(begin))
	}
	t.Logf("seed %d: %d mutants, %d loaded, longest %v, greatest score %d", from, n, loaded, longest, score)
	if loaded < n/50 {
		t.Errorf("%d of %d mutants loaded, too few to tell", loaded, n)
	}
}

// loads gives a module to the loader and holds what comes out of it.
func loads(t *testing.T, module []byte) bool {
	s, err := Load(t.Context(), []Source{{Name: "a", Kind: abi.KindRedactor, Module: module, Limits: Limits{Fuel: 100_000}}}, Options{Concurrency: 1})
	if err != nil {
		if s != nil {
			t.Fatal("a set with an error")
		}
		return false
	}
	defer s.Close(t.Context())
	if in, err := Inspect(module); err != nil || in.Refusal != nil || in.Score > maxScore || in.MemoryPages > 16 {
		t.Fatalf("loaded, and inspected: %+v, %v", in, err)
	}
	// The metered module being valid, the module itself has to be: the
	// host's globals and locals must not have mended it.
	plain := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(16))
	defer plain.Close(t.Context())
	if _, err := plain.CompileModule(t.Context(), module); err != nil {
		t.Fatalf("an invalid module is loaded: %v\n%x", err, module)
	}
	edits, err := s.Redact(t.Context(), fields("text of a batch", "é"))
	if err != nil && edits != nil {
		t.Fatal("edits with an error")
	}
	return true
}

func FuzzLoad(f *testing.F) {
	for _, seed := range mutationSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, module []byte) { loads(t, module) })
}
