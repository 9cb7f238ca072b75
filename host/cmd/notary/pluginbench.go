package main

import (
	"context"
	"fmt"
	"time"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/plugintrial"
)

const pluginBenchUsage = `usage: notary plugin bench [OPTIONS] MODULE|DIR...

Measures redactors on batches of 64 KiB through the call path of a notary: hand
over, run metered, check the reply, put the instance back. Also what a call costs that
has nothing to do, and what it costs to load the module.

MB/s depend on the machine and on what else it does; compare modules in one run.
Fuel depends on neither.

OPTIONS
  --golden FILE   golden texts to measure on, too
  --config FILE   the plugin's own configuration; by default it is empty
  --time D        how long each text is measured; by default 1s
  --json          print JSON

EXAMPLES
  notary plugin bench build/plugins/redact-pii.wasm redact-badge

EXIT STATUS
  0  measured
  1  usage, or a call failed
  3  a module would be refused
`

// A benched module is what "plugin bench" tells.
type benched struct {
	Name      string              `json:"name"`
	File      string              `json:"file"`
	Bytes     int                 `json:"bytes"`
	LoadMS    float64             `json:"load_ms"`
	EmptyCall float64             `json:"empty_call_ns"`
	Speeds    []plugintrial.Speed `json:"speeds"`
}

func pluginBench(ctx context.Context, a *app, args []string) error {
	f := a.flags("plugin bench", pluginBenchUsage)
	goldenFile := f.String("golden", "", "")
	configFile := f.String("config", "", "")
	each := f.Duration("time", time.Second, "")
	asJSON := f.Bool("json", false, "")
	files, err := parse(f, args, 1, 64)
	if err != nil {
		return err
	}
	config, err := readOptional(*configFile)
	if err != nil {
		return err
	}
	var all []benched
	for _, file := range files {
		b, err := bench(ctx, file, *goldenFile, *configFile, config, *each)
		if err != nil {
			return err
		}
		all = append(all, *b)
	}
	if *asJSON {
		return a.json(all)
	}
	for _, b := range all {
		a.title(b.Name)
		fmt.Fprintf(a.stdout, "  %s: %d bytes, loaded in %.0f ms; a call with nothing to do %.1f µs\n\n", b.File, b.Bytes, b.LoadMS, b.EmptyCall/1000)
		a.speeds(b.Speeds)
	}
	return nil
}

func bench(ctx context.Context, file, goldenFile, configFile string, config []byte, each time.Duration) (*benched, error) {
	module, dir, err := pluginModule(ctx, file)
	if err != nil {
		return nil, err
	}
	vectors, _, err := readGolden(goldenFile, dir)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	t, err := plugintrial.Open(ctx, module, config, pluginhost.Limits{})
	if err != nil {
		return nil, refusedAs(file, module, configFile, err)
	}
	defer t.Close(context.WithoutCancel(ctx))
	b := &benched{Name: t.Name(), File: file, Bytes: len(module), LoadMS: float64(time.Since(start).Microseconds()) / 1000}
	if b.Speeds, err = t.Measure(ctx, vectors, each); err != nil {
		return nil, err
	}
	b.EmptyCall, err = t.EmptyCall(ctx, each/4)
	return b, err
}
