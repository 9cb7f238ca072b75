package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

const pluginUsage = `usage: notary plugin inspect FILE...
       notary plugin measure FILE...

inspect shows what a module is and whether this notary would load it: hash,
manifest, imports, limits, and the reason if it is refused.

measure prints what will stand in the runtime data, and so in the MAA token, for
modules loaded in the order given, with empty configurations and default limits.
For the digests under a configuration file use "notary config check".

OPTIONS
  --json   print JSON

EXAMPLES
  notary plugin inspect build/plugins/redact-pii.wasm
  notary plugin measure build/plugins/redact-pii.wasm build/plugins/store-dir.wasm

EXIT STATUS
  0  every module would be loaded
  1  usage, or a file could not be read
  3  a module would be refused
`

var pluginCommand = command{name: "plugin", brief: "inspects and measures plugin modules", usage: pluginUsage, run: runPlugin}

func runPlugin(ctx context.Context, a *app, args []string) error {
	f := a.flags("plugin", pluginUsage)
	asJSON := f.Bool("json", false, "")
	rest, err := parse(f, args, 2, 64)
	if err != nil {
		return err
	}
	switch rest[0] {
	case "inspect":
		return a.inspectAll(ctx, rest[1:], *asJSON)
	case "measure":
		return a.measure(rest[1:], *asJSON)
	}
	return usageError("plugin: unknown verb %.40q, want inspect or measure", rest[0])
}

// An inspected module is what "plugin inspect" tells.
type inspected struct {
	File        string       `json:"file"`
	SHA256      string       `json:"sha256"`
	Bytes       int          `json:"bytes"`
	Manifest    abi.Manifest `json:"manifest"`
	Imports     []string     `json:"imports"`
	Exports     []string     `json:"exports"`
	Functions   int          `json:"functions"`
	MemoryPages uint32       `json:"memory_pages"`
	Score       uint64       `json:"compile_score"`
	MaxScore    uint64       `json:"max_compile_score"`
	Refused     string       `json:"refused,omitempty"`
}

func (a *app) inspectAll(ctx context.Context, files []string, asJSON bool) error {
	var all []inspected
	var refused error
	for _, name := range files {
		i, err := inspect(ctx, name)
		if err != nil {
			return err
		}
		if i.Refused != "" {
			refused = &exitError{status: exitUnacceptable, err: fmt.Errorf("%s would be refused: %s", name, i.Refused)}
		}
		all = append(all, *i)
	}
	if asJSON {
		if err := a.json(all); err != nil {
			return err
		}
		return refused
	}
	for i := range all {
		a.printInspected(&all[i])
	}
	return refused
}

// inspect reads a module without running it, and then, if nothing speaks
// against it, loads it with an empty configuration to see that it starts.
func inspect(ctx context.Context, name string) (*inspected, error) {
	module, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	i := &inspected{File: name, SHA256: fmt.Sprintf("%x", sha256.Sum256(module)), Bytes: len(module)}
	x, err := pluginhost.Inspect(module)
	if err != nil {
		i.Refused = err.Error()
		return i, nil
	}
	i.Manifest, i.Imports, i.Exports, i.Functions = x.Manifest, x.Imports, x.Exports, x.Functions
	i.MemoryPages, i.Score, i.MaxScore = x.MemoryPages, x.Score, x.MaxScore
	if err = x.Refusal; err == nil {
		_, err = measureSet(ctx, []pluginhost.Source{{Name: x.Manifest.Name, Kind: x.Manifest.Kind, Module: module}})
	}
	if err != nil {
		i.Refused = err.Error()
	}
	return i, nil
}

func (a *app) printInspected(i *inspected) {
	a.title(i.File)
	var t table
	t.row("sha256", i.SHA256)
	t.row("size", fmt.Sprintf("%d bytes, %d functions", i.Bytes, i.Functions))
	if m := i.Manifest; m.Name != "" {
		t.row("name, version", m.Name+" "+m.Version)
		t.row("kind, abi", fmt.Sprintf("%v, %v", m.Kind, m.ABI))
		t.row("labels", orElse(strings.Join(m.Labels, " "), "none"))
		t.row("capabilities", orElse(strings.Join(m.Capabilities, " "), "none: it has no way out"))
		t.row("memory", fmt.Sprintf("%d pages of 64 KiB, at most %d", i.MemoryPages, m.Limits.MemoryPages))
		t.row("compile score", fmt.Sprintf("%d of at most %d", i.Score, i.MaxScore))
	}
	t.row("imports", orElse(strings.Join(i.Imports, " "), "none"))
	t.row("exports", orElse(strings.Join(i.Exports, " "), "none"))
	if i.Refused != "" {
		t.row("verdict", a.paint(red, "refused: ")+oneLine(i.Refused))
	} else {
		t.row("verdict", a.paint(green, "would be loaded"))
	}
	t.print(a.stdout)
}

func orElse(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}

func (a *app) measure(files []string, asJSON bool) error {
	var modules [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		modules = append(modules, b)
	}
	set, err := measureModules(modules)
	if err != nil {
		return &exitError{status: exitUnacceptable, err: err, hint: "\"notary plugin inspect FILE\" says more"}
	}
	if asJSON {
		return a.json(map[string]any{"plugin_set": set.digest, "plugins": set.plugins})
	}
	var t table
	t.row("plugin set", set.digest)
	for _, m := range set.names {
		p := set.plugins[m]
		t.row(m, fmt.Sprintf("%s, order %s", p.Kind, p.Order))
		t.row("  wasm", p.Wasm)
		t.row("  config", p.Config)
		t.row("  limits", p.Limits)
	}
	t.print(a.stdout)
	return nil
}

// measureModules measures modules, with empty configurations and default
// limits, without running them.
func measureModules(modules [][]byte) (*measured, error) {
	var sources []pluginhost.Source
	m := new(measured)
	for _, b := range modules {
		manifest, err := abi.ReadManifest(b)
		if err != nil {
			return nil, err
		}
		sources = append(sources, pluginhost.Source{Name: manifest.Name, Kind: manifest.Kind, Module: b})
		m.names = append(m.names, manifest.Name)
	}
	plugins, digest, err := pluginhost.Measure(sources)
	if err != nil {
		return nil, err
	}
	m.plugins, m.digest = plugins, fmt.Sprintf("%x", digest)
	return m, nil
}

// measureSet loads plugins as a notary would and unloads them again. A storage
// adapter gets a directory that nothing is written to.
func measureSet(ctx context.Context, sources []pluginhost.Source) (*measured, error) {
	dir, err := os.MkdirTemp("", "notary-measure-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	set, err := pluginhost.Load(ctx, sources, pluginhost.Options{BlobDir: dir})
	if err != nil {
		return nil, err
	}
	defer set.Close(ctx)
	m := &measured{digest: fmt.Sprintf("%x", set.Digest()), plugins: set.Plugins()}
	for _, s := range sources {
		m.names = append(m.names, s.Name)
	}
	return m, nil
}

// A measured set is what stands in the runtime data.
type measured struct {
	digest  string
	plugins map[string]runtimedata.Plugin
	names   []string // in order
}
