package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// T60: an endless loop in every processor does not stop the process. If guests did not give
// way, the first collection would wait for all of them, and none or one would end before.
func TestT60EndlessGuestsGiveWay(t *testing.T) {
	g := redactor("endless", noEdits).set(abi.ExportRdxRedact, 0, endless, i64Const(0))
	g.limits.Fuel = 4_000_000_000 // a second, about
	width := 2 * runtime.GOMAXPROCS(0)
	s := load(t, Options{Concurrency: width}, g)
	var wg sync.WaitGroup
	errs := make([]error, width)
	for i := range width {
		wg.Go(func() { _, errs[i] = s.Redact(context.Background(), fields("text")) })
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	collections := 0
	for running := true; running; collections++ {
		runtime.GC()
		select {
		case <-ended:
			running = false
		default:
		}
	}
	if collections < 10 {
		t.Errorf("%d collections while guests were running", collections)
	}
	for _, err := range errs {
		var pe *PluginError
		if !errors.As(err, &pe) || pe.Reason != ReasonFuel {
			t.Errorf("error %v, want fuel", err)
		}
	}
}

// TestBudget: a short message gets less fuel than a long one, and none gets more than the
// limit.
func TestBudget(t *testing.T) {
	l := Limits{Fuel: 1 << 20}
	for n, want := range map[int]uint64{0: 1 << 18, 32 << 10: 1<<18 + 3<<17, 64 << 10: 1 << 20, 1 << 30: 1 << 20} {
		if got := l.of(n); got != want {
			t.Errorf("%d bytes get %d, want %d", n, got, want)
		}
	}
}

// BenchmarkDelay reports what endless guests in every processor do to a goroutine that
// sleeps for a millisecond and then collects garbage, beside what goroutines do that
// are as busy.
func BenchmarkDelay(b *testing.B) {
	g := redactor("endless", noEdits).set(abi.ExportRdxRedact, 0, endless, i64Const(0))
	g.limits.Fuel = 1 << 28
	s := load(b, Options{}, g)
	b.Run("guests", func(b *testing.B) {
		delay(b, func() { _, _ = s.plugins[0].redact(context.Background(), &batch{}) })
	})
	b.Run("goroutines", func(b *testing.B) {
		delay(b, func() {
			for i := 0; i < 1<<20; i++ {
				runtime.KeepAlive(i)
			}
		})
	})
}

func delay(b *testing.B, busy func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					busy()
				}
			}
		})
	}
	var late, collections []time.Duration
	for b.Loop() {
		begin := time.Now()
		timer := time.NewTimer(time.Millisecond)
		<-timer.C
		late = append(late, time.Since(begin)-time.Millisecond)
		begin = time.Now()
		runtime.GC()
		collections = append(collections, time.Since(begin))
	}
	close(stop)
	wg.Wait()
	for name, d := range map[string][]time.Duration{"late": late, "gc": collections} {
		slices.Sort(d)
		b.ReportMetric(float64(d[len(d)/2].Microseconds()), name+"-p50-us")
		b.ReportMetric(float64(d[len(d)*99/100].Microseconds()), name+"-p99-us")
		b.ReportMetric(float64(d[len(d)-1].Microseconds()), name+"-max-us")
	}
}

// BenchmarkMetering is the price of metering, slices included: the built-in redactors and a
// Go guest on batches, metered against as they are, in turns, in processor time. It is told
// for the best tenth of calls, and as the median over all turns. With NOTARY_DATA also on the
// recorded exchanges there, which are dense JSON.
func BenchmarkMetering(b *testing.B) {
	prose := batchText(64, 1<<10)
	for _, name := range []string{"redact-pii", "redact-secrets"} {
		b.Run(name, func(b *testing.B) { benchmarkMetering(b, builtInModule(b, name), prose) })
		b.Run(name+" exchanges", func(b *testing.B) { benchmarkMetering(b, builtInModule(b, name), exchanges(b)) })
	}
	b.Run("go", func(b *testing.B) { benchmarkMetering(b, goSource(b).Module, prose) })
}

// exchanges are requests to language models, and their answers.
func exchanges(b *testing.B) []Field {
	dir := os.Getenv("NOTARY_DATA")
	if dir == "" {
		b.Skip("NOTARY_DATA names no directory")
	}
	file, err := os.Open(filepath.Join(dir, "otlp", "exchanges.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var out []Field
	for d := json.NewDecoder(file); d.More(); {
		var x struct{ Request, Response string }
		if err := d.Decode(&x); err != nil {
			b.Fatal(err)
		}
		out = append(out, Field{Text: []byte(x.Request)}, Field{Text: []byte(x.Response)})
	}
	return out
}

func benchmarkMetering(b *testing.B, module []byte, fields []Field) {
	m, err := parseModule(module)
	if err != nil {
		b.Fatal(err)
	}
	metered, err := m.Meter(metering)
	if err != nil {
		b.Fatal(err)
	}
	var requests [][]byte
	for _, batch := range split(fields, nil) {
		request := requestOf(b, &batch)
		requests = append(requests, request)
	}
	guests := []*bareGuest{newBareGuest(b, module), newBareGuest(b, metered)}
	rounds := make([][]float64, 2) // in us, of all requests
	var ratios []float64
	for b.Loop() {
		took := [2]float64{}
		for _, request := range requests {
			one := [2]float64{}
			for i, g := range guests {
				one[i] = float64(g.redact(b, request).Nanoseconds()) / 1e3
				took[i] += one[i]
			}
			ratios = append(ratios, one[1]/one[0])
		}
		for i := range rounds {
			rounds[i] = append(rounds[i], took[i])
		}
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "times-median")
	tenth := len(rounds[0]) / 10
	for i, name := range []string{"plain-us", "metered-us"} {
		slices.Sort(rounds[i])
		b.ReportMetric(rounds[i][tenth], name)
	}
	b.ReportMetric(rounds[1][tenth]/rounds[0][tenth], "times-best-tenth")
}

// processor returns the processor time of this process.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A bareGuest is a guest without the host's care for it.
type bareGuest struct {
	mod api.Module
	ctx context.Context
}

func newBareGuest(b *testing.B, module []byte) *bareGuest {
	b.Helper()
	ctx := withCall(b.Context(), &call{ctx: b.Context(), clock: clockSetup, budget: maxFuel})
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2).WithMemoryLimitPages(256))
	b.Cleanup(func() { r.Close(context.Background()) })
	if err := errors.Join(instantiateFree(ctx, r), instantiateYield(ctx, r)); err != nil {
		b.Fatal(err)
	}
	mod, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		b.Fatal(err)
	}
	g := &bareGuest{mod, ctx}
	if mod.ExportedFunction(abi.ExportInitialize) != nil {
		g.call(b, abi.ExportInitialize)
	}
	g.call(b, abi.ExportRdxConfigure, g.call(b, abi.ExportRdxAlloc, abi.Tail), 0)
	return g
}

// instantiateFree makes the denied WASI without charges, as the guest may have no fuel.
func instantiateFree(ctx context.Context, r wazero.Runtime) error {
	h := r.NewHostModuleBuilder(abi.ImportWASI)
	for name, f := range wasiFunctions {
		if name == "random_get" {
			f.run = succeed
		}
		h.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
			f.run(callOf(ctx), mod, stack)
		}), valueTypes(f.typ.Params), valueTypes(f.typ.Results)).Export(name)
	}
	_, err := h.Instantiate(ctx)
	return err
}

func (g *bareGuest) call(b *testing.B, export string, args ...uint64) uint64 {
	b.Helper()
	r, err := g.mod.ExportedFunction(export).Call(g.ctx, args...)
	if err != nil {
		b.Fatal(err)
	}
	if len(r) == 0 {
		return 0
	}
	return r[0]
}

// redact gives the guest a batch and returns how long the call took.
func (g *bareGuest) redact(b *testing.B, request []byte) time.Duration {
	at := g.call(b, abi.ExportRdxAlloc, uint64(len(request)+abi.Tail))
	g.mod.Memory().Write(uint32(at), request)
	begin := processor(b)
	if g.call(b, abi.ExportRdxRedact, at, uint64(len(request))) == 0 {
		b.Fatal("the guest fails")
	}
	return processor(b) - begin
}
