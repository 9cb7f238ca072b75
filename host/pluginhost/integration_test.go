package pluginhost

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// mask replaces what edits cover.
func mask(in []Field, edits []Edit) []string {
	out := make([]string, len(in))
	at := make([]int, len(in))
	for _, e := range edits {
		out[e.Field] += string(in[e.Field].Text[at[e.Field]:e.Start]) + e.Quote + "[" + e.Label + "]" + e.Quote
		at[e.Field] = e.End
	}
	for i := range in {
		out[i] += string(in[i].Text[at[i]:])
	}
	return out
}

// TestGoRedactor: a standard Go guest finds addresses wherever they stand
// in texts of several windows, the same ones each time and in many goroutines
// at once.
func TestGoRedactor(t *testing.T) {
	s := loadGo(t)
	// An address across each border of two windows, at every phase of it.
	long := strings.Repeat("prose. ", (window-40)/7)
	in := fields("mail ada@example.com now", "", long+" bob@example.com "+long+" eve@example.com "+long, "é bob@example.com")
	want, err := s.Redact(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	masked := strings.Join(mask(in, want), "|")
	if strings.Contains(masked, "@example.com") || !strings.HasPrefix(masked, "mail [EMAIL] now||prose") || !strings.HasSuffix(masked, "|é [EMAIL]") {
		t.Fatalf("%d edits; text begins %.60q", len(want), masked)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				if got, err := s.Redact(t.Context(), in); err != nil || !slices.Equal(got, want) {
					t.Errorf("%d edits, error %v; before %d edits", len(got), err, len(want))
				}
			}
		})
	}
	wg.Wait()
	for at := window - 60; at < window+20; at++ {
		text := strings.Repeat(" ", at) + "ada.lovelace@example.com" + strings.Repeat(" ", window)
		got, err := s.Redact(t.Context(), fields(text))
		if err != nil || len(got) != 1 || got[0].Start != at || got[0].End != at+24 {
			t.Fatalf("address at %d: edits %v, error %v", at, got, err)
		}
	}
}

// TestEscapesHideNothing: what an escape of JSON stands for is found, in JSON at any
// level and in what is left of JSON, and JSON stays JSON.
func TestEscapesHideNothing(t *testing.T) {
	s := loadBuiltIn(t)
	for text, want := range map[string]string{
		`{"to":"ada\u0040example.com","n":1}`:                                               `{"to":"[EMAIL]","n":1}`,
		`{"ada@example.com":"\u0061da@example.com"}`:                                        `{"[EMAIL]":"[EMAIL]"}`,
		`{"args":"{\"to\":\"ada\\u0040example.com\"}"}`:                                     `{"args":"{\"to\":\"[EMAIL]\"}"}`,
		`["\nada@example.com\n4111 1111 1111 1111\n"]`:                                      `["\n[EMAIL]\n[CARD]\n"]`,
		`{"card":4111111111111111}`:                                                         `{"card":"[CARD]"}`,
		`{"args":"{\"card\":4111111111111111}"}`:                                            `{"args":"{\"card\":\"[CARD]\"}"}`,
		`{"card":4111111111111111,"cut":"off\nada@example.com`:                              `{"card":[CARD],"cut":"off[EMAIL]`,
		`{"a":"off","b":"ada\u0040example.com\" and`:                                        `{"a":"off","b":"[EMAIL]`, // the quote is in the string that was cut off
		`{"m":"body: {\"to\":\"ada\\u0040example.com\"}"}`:                                  `{"m":"body: {\"to\":\"[EMAIL]\"}"}`,
		`{"m":"{\"to\":\"ada\\u0040example.com\"}\n{\"n\":1}"}`:                             `{"m":"{\"to\":\"[EMAIL]\"}\n{\"n\":1}"}`,
		`{"m":"{\"to\":\"ada\\u0040example.com\",\"n\":\"cut"}`:                             `{"m":"{\"to\":\"[EMAIL]\",\"n\":\"cut"}`,
		`["out: {\"key\":\"AKIA\\/Q\"}","body: {\"note\":\"card\\n4111 1111 1111 1111\"}"]`: `["out: {\"key\":\"AKIA\\/Q\"}","body: {\"note\":\"card[CARD]\"}"]`,
	} {
		in := fields(text)
		edits, err := s.Redact(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got := mask(in, edits)[0]; got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	// A value found in one field is found in another, whatever the escapes.
	in := fields("ada@example.com", `["\u0061da\u0040example.com"]`)
	edits, err := s.Redact(t.Context(), in)
	if err != nil || mask(in, edits)[1] != `["[EMAIL]"]` {
		t.Errorf("%v, %v", mask(in, edits), err)
	}
}

// A bare guest runs on the engine as it is: no metering, no image.
type bare struct {
	mod   api.Module
	alloc api.Function
	run   api.Function
	ctx   context.Context
}

func newBare(t testing.TB, module []byte, cfg wazero.RuntimeConfig) *bare {
	t.Helper()
	ctx := withCall(context.Background(), &call{clock: clockSetup})
	r := wazero.NewRuntimeWithConfig(ctx, cfg)
	t.Cleanup(func() { r.Close(ctx) })
	if err := instantiateHost(ctx, r, abi.ImportWASI, wasiFunctions); err != nil {
		t.Fatal(err)
	}
	mod, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithStartFunctions(abi.ExportInitialize))
	if err != nil {
		t.Fatal(err)
	}
	b := &bare{mod, mod.ExportedFunction(abi.ExportRdxAlloc), mod.ExportedFunction(abi.ExportRdxRedact), ctx}
	if _, err := mod.ExportedFunction(abi.ExportRdxConfigure).Call(ctx, b.input(t, nil), 0); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bare) input(t testing.TB, message []byte) uint64 {
	at, err := b.alloc.Call(b.ctx, uint64(len(message)+abi.Tail))
	if err != nil || !b.mod.Memory().Write(uint32(at[0]), append(slices.Clone(message), make([]byte, abi.Tail)...)) {
		t.Fatal("no buffer", err)
	}
	return at[0]
}

func (b *bare) redact(t testing.TB, request []byte) []byte {
	packed, err := b.run.Call(b.ctx, b.input(t, request), uint64(len(request)))
	if err != nil {
		t.Fatal(err)
	}
	ptr, n := abi.Unpack(packed[0])
	reply, _ := b.mod.Memory().Read(ptr, n)
	return reply
}

// BenchmarkEngine is the Go redactor on the bare engine, and on the
// engine with its own deadline checks, for comparison with BenchmarkRedact64K.
func BenchmarkEngine(b *testing.B) {
	src := goSource(b)
	request := requestOf(b, &split(batchText(64, 1<<10), nil)[0])
	for _, deadline := range []bool{false, true} {
		b.Run(fmt.Sprintf("deadline=%v", deadline), func(b *testing.B) {
			g := newBare(b, src.Module, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(deadline))
			var cancel context.CancelFunc
			g.ctx, cancel = context.WithCancel(g.ctx)
			defer cancel()
			b.SetBytes(64 << 10)
			for b.Loop() {
				g.redact(b, request)
			}
		})
	}
}
