package plugintrial_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/plugintrial"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
	"github.com/veriproof/notary/sdk/plugin/golden"
)

// star is the reference redactor of the ABI's document, written in C: it marks
// runs of stars.
func star(ctx context.Context) ([]byte, error) {
	return build.Module(ctx, filepath.Join("..", "..", "sdk", "plugin", "testdata", "star"))
}

func open(t *testing.T, limits pluginhost.Limits) *plugintrial.Trial {
	t.Helper()
	module, err := star(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	trial, err := plugintrial.Open(t.Context(), module, nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trial.Close(context.Background()) })
	return trial
}

func vectors(lines ...string) []golden.Vector {
	out, err := golden.Read(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		panic(err)
	}
	return out
}

func Example() {
	ctx := context.Background()
	module, err := star(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := plugintrial.Open(ctx, module, nil, pluginhost.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close(ctx)
	report, err := t.Run(ctx, vectors(`{"text":"a**b","spans":[{"label":"RUN","text":"*"}]}`), plugintrial.Options{})
	fmt.Println(report.OK(), err)
	for _, m := range report.Misses {
		fmt.Printf("line %d: want %s, got %s\n", m.Line, m.Want, m.Got)
	}
	// Output:
	// false <nil>
	// line 1: want RUN *, got RUN **
}

// TestGoodRedactor: everything holds, and each property was tried.
func TestGoodRedactor(t *testing.T) {
	trial := open(t, pluginhost.Limits{})
	v := vectors(`{"text":"a**b★","spans":[{"label":"RUN","text":"**"},{"label":"STAR","text":"★"}]}`, "", `{"text":"ab","spans":[]}`)
	r, err := trial.Run(t.Context(), v, plugintrial.Options{MaxFuelPerKiB: 1 << 20})
	if err != nil || !r.OK() || r.Golden != 2 || len(r.Properties) != 6 || len(r.Warnings) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, p := range r.Properties {
		if p.Status() != "ok" || p.Tried == 0 {
			t.Errorf("%+v", p)
		}
	}
	speeds, err := trial.Measure(t.Context(), v, time.Nanosecond)
	if err != nil || len(speeds) < 3 {
		t.Fatalf("%v, %v", speeds, err)
	}
	for _, s := range speeds {
		if s.MBPerSecond <= 0 || s.NanosPerCall <= 0 || s.FuelPerKiB == 0 || s.OfLimit <= 0 || s.OfLimit > 1 {
			t.Errorf("%+v", s)
		}
	}
	if ns, err := trial.EmptyCall(t.Context(), time.Nanosecond); err != nil || ns <= 0 {
		t.Errorf("an empty call takes %v ns, %v", ns, err)
	}
}

// TestContextOfTheManifest: a redactor whose manifest says that it looks at each field alone is
// held to it, whatever options say. The score of the reference redactor depends on the group.
func TestContextOfTheManifest(t *testing.T) {
	module, err := star(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := abi.ReadManifest(module)
	if err != nil {
		t.Fatal(err)
	}
	m.Context = abi.ContextField
	lying, err := build.Pack(module, m)
	if err != nil {
		t.Fatal(err)
	}
	honest, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", "redact-pii"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		module []byte
		ok     bool
	}{{lying, false}, {honest, true}} {
		trial, err := plugintrial.Open(t.Context(), c.module, nil, pluginhost.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer trial.Close(context.Background())
		r, err := trial.Run(t.Context(), vectors(`{"text":"a**b","spans":[]}`, `{"text":"ann@example.com","spans":[]}`), plugintrial.Options{Context: true})
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(r.Properties, func(p plugintrial.Property) bool { return strings.Contains(p.Name, "as the manifest says") })
		if at < 0 || (r.Properties[at].Status() == "ok") != c.ok || !c.ok && !strings.Contains(r.Properties[at].Failed, `take "context" out of the manifest`) {
			t.Errorf("%s: %+v", r.Name, r.Properties)
		}
	}
}

// TestTooLittleFuel: a redactor that runs out of fuel fails what it fails, and is
// told why; one that comes close is warned of.
func TestTooLittleFuel(t *testing.T) {
	v := vectors(`{"text":"a*b","spans":[{"label":"RUN","text":"*"}]}`)
	r, err := open(t, pluginhost.Limits{Fuel: 80_000}).Run(t.Context(), v, plugintrial.Options{})
	if err != nil || r.OK() || len(r.Misses) != 0 || !strings.Contains(r.Properties[0].Failed, "fuel") {
		t.Errorf("%+v, %v", r, err)
	}
	if want := "0 of 1 golden texts and 2 of 5 properties do not hold"; r.Summary() != want {
		t.Errorf("summary %q, want %q", r.Summary(), want)
	}
	r, err = open(t, pluginhost.Limits{Fuel: 20_000_000}).Run(t.Context(), v, plugintrial.Options{MaxFuelPerKiB: 1})
	if err != nil || r.OK() || !strings.Contains(r.Properties[len(r.Properties)-1].Failed, "it takes ") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestNotARedactor: what a notary would not load is not tried.
func TestNotARedactor(t *testing.T) {
	for name, module := range map[string][]byte{"garbage": []byte("x"), "no manifest": []byte("\x00asm\x01\x00\x00\x00")} {
		if _, err := plugintrial.Open(t.Context(), module, nil, pluginhost.Limits{}); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	module, err := star(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var load *pluginhost.LoadError
	if _, err := plugintrial.Open(t.Context(), module, []byte("{}"), pluginhost.Limits{}); !errors.As(err, &load) {
		t.Errorf("a configuration that the redactor refuses: %v", err)
	}
}

// TestEveryRedactorHere tries the redactors of this project that are not written in
// Go on their golden texts.
func TestEveryRedactorHere(t *testing.T) {
	dir := filepath.Join("..", "..", "examples", "redactor-assemblyscript")
	module, err := build.Module(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "golden.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := golden.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	trial, err := plugintrial.Open(t.Context(), module, nil, pluginhost.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer trial.Close(context.Background())
	if r, err := trial.Run(t.Context(), v, plugintrial.Options{}); err != nil || !r.OK() || r.Golden == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
