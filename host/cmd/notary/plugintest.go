package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/plugintrial"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/golden"
)

const pluginTestUsage = `usage: notary plugin test [OPTIONS] MODULE|DIR

Runs a redactor as a notary does, in WebAssembly, with its limits and checks, and
tells what a notary must keep to itself: which text, which edit, how much fuel.
A directory is built first.

It tries the golden texts, one JSON object a line, with the spans expected in it,

  {"name":"door","text":"Opened for B-204417.","spans":[{"label":"BADGE","text":"B-204417"}]}

and what every redactor has to bear: nothing at all, 64 KiB of one character,
random bytes made UTF-8, mixtures of the golden texts and of pieces of them, a text
of 1 MiB, and messages that are no request. Edits must be in order, in bounds and on
UTF-8 borders, and the same again, on another instance, and whatever else is in the
batch. Then it measures: MB/s on this machine, and fuel per KiB, which is the same on
every machine.

OPTIONS
  --golden FILE     golden texts; by default golden.jsonl or testdata/golden.jsonl of
                    DIR, and for a MODULE none
  --config FILE     the plugin's own configuration; by default it is empty
  --context         the redactor means to look at the other fields of a batch; this
                    counts for nothing if its manifest says "context":"field"
  --fuel N          the limit of a call, as in the configuration (limits.fuel)
  --max-fuel-kib N  fail if the golden texts or prose take more fuel per KiB
  --time D          how long each text is measured; by default 200ms
  --json            print JSON

EXAMPLES
  notary plugin test redact-badge
  notary plugin test --golden texts.jsonl --config pii.json build/plugins/redact-pii.wasm

EXIT STATUS
  0  all golden texts and properties hold
  1  usage, or something does not hold
  3  the module would be refused
`

func pluginTest(ctx context.Context, a *app, args []string) error {
	f := a.flags("plugin test", pluginTestUsage)
	goldenFile := f.String("golden", "", "")
	configFile := f.String("config", "", "")
	withContext := f.Bool("context", false, "")
	fuel := f.Uint64("fuel", 0, "")
	maxFuel := f.Uint64("max-fuel-kib", 0, "")
	each := f.Duration("time", 200*time.Millisecond, "")
	asJSON := f.Bool("json", false, "")
	rest, err := parse(f, args, 1, 1)
	if err != nil {
		return err
	}
	module, dir, err := pluginModule(ctx, rest[0])
	if err != nil {
		return err
	}
	vectors, goldenName, err := readGolden(*goldenFile, dir)
	if err != nil {
		return err
	}
	config, err := readOptional(*configFile)
	if err != nil {
		return err
	}
	t, err := plugintrial.Open(ctx, module, config, pluginhost.Limits{Fuel: *fuel})
	if err != nil {
		return refusedAs(rest[0], module, *configFile, err)
	}
	defer t.Close(context.WithoutCancel(ctx))
	report, err := t.Run(ctx, vectors, plugintrial.Options{Context: *withContext, MaxFuelPerKiB: *maxFuel})
	if err != nil {
		return err
	}
	if report.Speeds, err = t.Measure(ctx, vectors, *each); err != nil {
		return err
	}
	if *asJSON {
		err = a.json(report)
	} else {
		fmt.Fprintf(a.stdout, "%s %s, sha256 %x, %d bytes\n", report.Name, report.Version, sha256.Sum256(module), len(module))
		a.printTrial(report, goldenName)
	}
	if err != nil || report.OK() {
		return err
	}
	return &exitError{status: exitUsage, err: fmt.Errorf("%s: %s", report.Name, report.Summary())}
}

// refusedBy is the error of a module that a notary would not load.
func refusedBy(err error) error {
	return &exitError{status: exitUnacceptable, err: err, hint: "\"notary plugin inspect FILE\" says more"}
}

// refusedAs is the same for what was to be tried alone. What is no plugin's module has only the
// name of its file, and a configuration, which is in configFile, helps a redactor only.
func refusedAs(name string, module []byte, configFile string, err error) error {
	m, no := abi.ReadManifest(module)
	switch {
	case no != nil:
		return &exitError{status: exitUnacceptable, err: fmt.Errorf("%s: %w", name, err), hint: pluginHelp + "; \"notary plugin inspect FILE\" says more"}
	case configFile == "" && m.Kind == abi.KindRedactor:
		return &exitError{status: exitUnacceptable, err: err, hint: "if it needs a configuration, --config FILE gives it; \"notary plugin inspect FILE\" says more"}
	}
	return refusedBy(err)
}

// readGolden reads the golden texts: those of the file, or those that a plugin's
// directory holds, if any.
func readGolden(file, dir string) ([]golden.Vector, string, error) {
	names := []string{file}
	if file == "" {
		if dir == "" {
			return nil, "", nil
		}
		names = []string{filepath.Join(dir, "golden.jsonl"), filepath.Join(dir, "testdata", "golden.jsonl")}
	}
	for _, name := range names {
		f, err := os.Open(name)
		if file == "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		defer f.Close()
		vectors, err := golden.Read(f)
		if err != nil {
			return nil, "", hinted(fmt.Errorf("%s: %w", name, err), "one JSON object a line, with the keys name, text, key and spans")
		}
		return vectors, name, nil
	}
	return nil, "", nil
}

func readOptional(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	return os.ReadFile(file)
}

func (a *app) printTrial(r *plugintrial.Report, goldenName string) {
	a.title("golden texts")
	if goldenName == "" {
		fmt.Fprintln(a.stdout, "  none: --golden FILE gives them")
	} else {
		fmt.Fprintf(a.stdout, "  %d of %d as expected\n", r.Golden-len(r.Misses), r.Golden)
	}
	for _, m := range r.Misses {
		fmt.Fprintf(a.stdout, "  %s  %s:%d %s\n", a.mark("fail"), goldenName, m.Line, m.Name)
		fmt.Fprintf(a.stdout, "        text  %.400q\n", m.Text)
		fmt.Fprintf(a.stdout, "        want  %s\n", m.Want)
		fmt.Fprintf(a.stdout, "        got   %s\n", m.Got)
	}
	a.title("properties")
	var t table
	for _, p := range r.Properties {
		t.row(a.mark(p.Status()), p.Name, p.Detail())
	}
	t.print(a.stdout)
	a.title("speed")
	a.speeds(r.Speeds)
	for _, w := range r.Warnings {
		fmt.Fprintf(a.stdout, "\n%s %s\n", a.paint(yellow, "warning:"), w)
	}
}

func (a *app) speeds(all []plugintrial.Speed) {
	t := table{right: map[int]bool{1: true, 2: true, 3: true, 4: true}}
	t.row("64 KiB of", "MB/s", "µs a call", "fuel/KiB", "of the limit")
	for _, s := range all {
		t.row(s.Text, fmt.Sprintf("%.1f", s.MBPerSecond), fmt.Sprintf("%.0f", s.NanosPerCall/1000), fmt.Sprint(s.FuelPerKiB),
			strings.TrimSpace(fmt.Sprintf("%.1f %%", s.OfLimit*100)))
	}
	t.print(a.stdout)
}
