package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

const pluginMeasureUsage = `usage: notary plugin measure [--json | --claims] MODULE...

Prints what will stand in the runtime data, and so in the MAA token under
x-ms-runtime.notary, for modules loaded in the order given, with empty configurations
and default limits: what a policy pins and what a key's release policy asks for. It
runs nothing and asks nobody.

For the digests under a configuration file use "notary config check --json".

OPTIONS
  --json     print JSON
  --claims   print the claims as the token has them

EXAMPLES
  notary plugin measure build/plugins/redact-pii.wasm build/plugins/store-dir.wasm
  notary plugin measure --claims build/plugins/*.wasm

EXIT STATUS
  0  every module would be loaded
  1  usage, or a file could not be read
  3  a module would be refused
`

func pluginMeasure(_ context.Context, a *app, args []string) error {
	f := a.flags("plugin measure", pluginMeasureUsage)
	asJSON := f.Bool("json", false, "")
	asClaims := f.Bool("claims", false, "")
	files, err := parse(f, args, 1, 64)
	if err != nil {
		return err
	}
	var sources []pluginhost.Source
	endpoints := map[string][]string{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		manifest, err := abi.ReadManifest(b)
		if err != nil {
			return refusedBy(fmt.Errorf("%s: %w", name, err))
		}
		sources = append(sources, pluginhost.Source{Name: manifest.Name, Kind: manifest.Kind, Module: b})
		endpoints[manifest.Name] = manifest.Endpoints
	}
	plugins, digest, err := pluginhost.Measure(sources)
	if err != nil {
		return refusedBy(err)
	}
	set := newMeasured(plugins, digest, sources)
	claims := map[string]any{"plugin_set": set.digest, "plugins": set.plugins}
	switch {
	case *asClaims:
		return a.json(map[string]any{"x-ms-runtime": map[string]any{"notary": claims}})
	case *asJSON:
		return a.json(claims)
	}
	var t table
	t.row("plugin set", set.digest)
	for _, m := range set.names {
		p := set.plugins[m]
		t.row(m, fmt.Sprintf("%s, order %s", p.Kind, p.Order))
		t.row("  wasm", p.Wasm)
		t.row("  config", p.Config)
		t.row("  limits", p.Limits)
		if e := endpoints[m]; len(e) > 0 {
			t.row("  endpoints", strings.Join(e, " "))
		}
	}
	t.print(a.stdout)
	return nil
}

// measureSet loads plugins as a notary would and unloads them again. A storage
// adapter gets no storage.
func measureSet(ctx context.Context, sources []pluginhost.Source, rules map[string]pluginhost.Rule) (*measured, error) {
	set, err := pluginhost.Load(ctx, sources, pluginhost.Options{WithoutStorage: true, Rules: rules})
	if err != nil {
		return nil, err
	}
	defer set.Close(ctx)
	return newMeasured(set.Plugins(), set.Digest(), sources), nil
}

// A measured set is what stands in the runtime data.
type measured struct {
	digest  string
	plugins map[string]runtimedata.Plugin
	names   []string // in order
}

func newMeasured(plugins map[string]runtimedata.Plugin, digest [32]byte, sources []pluginhost.Source) *measured {
	m := &measured{digest: fmt.Sprintf("%x", digest), plugins: plugins}
	for _, s := range sources {
		m.names = append(m.names, s.Name)
	}
	return m
}
