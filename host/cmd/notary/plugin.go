package main

import (
	"context"
	"crypto/sha256"
	"errors"
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
		return a.measure(ctx, rest[1:], *asJSON)
	}
	return usageError("plugin: unknown verb %.40q, want inspect or measure", rest[0])
}

// An inspected module is what "plugin inspect" tells.
type inspected struct {
	File     string        `json:"file"`
	SHA256   string        `json:"sha256"`
	Bytes    int           `json:"bytes"`
	Manifest *abi.Manifest `json:"manifest,omitempty"`
	Imports  []string      `json:"imports"`
	Refused  string        `json:"refused,omitempty"`
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

func inspect(ctx context.Context, name string) (*inspected, error) {
	module, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	i := &inspected{File: name, SHA256: fmt.Sprintf("%x", sha256.Sum256(module)), Bytes: len(module), Imports: []string{}}
	if i.Imports, err = pluginhost.Imports(module); err != nil {
		i.Refused = err.Error()
		return i, nil
	}
	if i.Manifest, err = abi.ReadManifest(module); err != nil {
		i.Refused = err.Error()
		return i, nil
	}
	if _, err := load(ctx, [][]byte{module}); err != nil {
		i.Refused = err.Error()
	}
	return i, nil
}

func (a *app) printInspected(i *inspected) {
	a.title(i.File)
	var t table
	t.row("sha256", i.SHA256)
	t.row("size", fmt.Sprintf("%d bytes", i.Bytes))
	if m := i.Manifest; m != nil {
		t.row("name, version", m.Name+" "+m.Version)
		t.row("kind, abi", fmt.Sprintf("%v, %v", m.Kind, m.ABI))
		t.row("labels", strings.Join(m.Labels, " "))
		t.row("capabilities", fmt.Sprint(m.Capabilities))
		t.row("memory", fmt.Sprintf("%d pages of 64 KiB", m.Limits.MemoryPages))
	}
	t.row("imports", strings.Join(i.Imports, " "))
	if i.Refused != "" {
		t.row("verdict", a.paint(red, "refused: ")+i.Refused)
	} else {
		t.row("verdict", a.paint(green, "would be loaded"))
	}
	t.print(a.stdout)
}

func (a *app) measure(ctx context.Context, files []string, asJSON bool) error {
	var modules [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		modules = append(modules, b)
	}
	set, err := load(ctx, modules)
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

// load measures modules with empty configurations and default limits.
func load(ctx context.Context, modules [][]byte) (*measured, error) {
	var sources []pluginhost.Source
	for _, m := range modules {
		manifest, err := abi.ReadManifest(m)
		if err != nil {
			return nil, err
		}
		sources = append(sources, pluginhost.Source{Name: manifest.Name, Kind: manifest.Kind, Module: m})
	}
	set, err := measureSet(ctx, sources)
	var e *pluginhost.LoadError
	if errors.As(err, &e) {
		return nil, e.Err
	}
	return set, err
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
