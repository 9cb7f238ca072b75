package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

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
	// Refused is why, in one line; Problems are the reasons one by one.
	Refused  string   `json:"refused,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

func (i *inspected) refuse(err error) {
	i.Refused, i.Problems = err.Error(), problemsOf(err)
}

// problemsOf takes apart an error that holds several.
func problemsOf(err error) []string {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if many, ok := e.(interface{ Unwrap() []error }); ok {
			var out []string
			for _, one := range many.Unwrap() {
				out = append(out, problemsOf(one)...)
			}
			return out
		}
	}
	return []string{oneLine(err.Error())}
}

const pluginInspectUsage = `usage: notary plugin inspect [OPTIONS] MODULE...

Shows what a module is without trusting it: hash, manifest, imports, exports, what
it takes of the limits, and whether this notary would load it. If not, everything
that is wrong is told, with the export, import or field and how to mend it. Only a
module that nothing speaks against is then started, with an empty configuration and
no storage.

A redactor that imports nothing, or only what standard Go does, which is answered
with nothing, has no way out. That is what "imports" shows, and no test could.

MODULE is a file, or an artifact in an OCI registry, oci://REGISTRY/REPOSITORY@sha256:DIGEST.

OPTIONS
  --credentials FILE   for the registry, in the form of Docker's config.json
  --json               print JSON

EXAMPLES
  notary plugin inspect build/plugins/redact-pii.wasm
  notary plugin inspect --json build/plugins/*.wasm | jq -r '.[].sha256'

EXIT STATUS
  0  every module would be loaded
  1  usage, or a file could not be read
  3  a module would be refused
`

func pluginInspect(ctx context.Context, a *app, args []string) error {
	f := a.flags("plugin inspect", pluginInspectUsage)
	credentials := f.String("credentials", "", "")
	asJSON := f.Bool("json", false, "")
	files, err := parse(f, args, 1, 64)
	if err != nil {
		return err
	}
	return a.inspectAll(ctx, files, *credentials, *asJSON)
}

func (a *app) inspectAll(ctx context.Context, files []string, credentials string, asJSON bool) error {
	var all []inspected
	var refused error
	for _, name := range files {
		i, err := inspect(ctx, name, credentials)
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
func inspect(ctx context.Context, name, credentials string) (*inspected, error) {
	module, err := readModule(ctx, name, credentials)
	if err != nil {
		return nil, err
	}
	i := &inspected{File: name, SHA256: fmt.Sprintf("%x", sha256.Sum256(module)), Bytes: len(module)}
	x, err := pluginhost.Inspect(module)
	if err != nil {
		i.refuse(err)
		return i, nil
	}
	i.Manifest, i.Imports, i.Exports, i.Functions = x.Manifest, x.Imports, x.Exports, x.Functions
	i.MemoryPages, i.Score, i.MaxScore = x.MemoryPages, x.Score, x.MaxScore
	if err = x.Refusal; err == nil {
		_, err = measureSet(ctx, []pluginhost.Source{{Name: x.Manifest.Name, Kind: x.Manifest.Kind, Module: module}}, nil)
	}
	if err != nil {
		i.refuse(err)
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
		if m.Context == abi.ContextField {
			t.row("context", "the field: of texts that are alike it is given one")
		}
		t.row("capabilities", orElse(strings.Join(m.Capabilities, " "), "none: it has no way out"))
		if len(m.Endpoints) > 0 {
			t.row("endpoints", strings.Join(m.Endpoints, " "))
		}
		if len(m.SQL) > 0 {
			t.row("statements", fmt.Sprintf("%d, and %d of its schema", len(m.SQL), len(m.Schema)))
		}
		t.row("memory", fmt.Sprintf("%d pages of 64 KiB, at most %d", i.MemoryPages, m.Limits.MemoryPages))
		t.row("fuel", fmt.Sprintf("%d a call, if the configuration says nothing else", uint64(pluginhost.DefaultFuel)))
		t.row("compile score", fmt.Sprintf("%d of at most %d", i.Score, i.MaxScore))
	}
	t.row("imports", orElse(strings.Join(i.Imports, " "), "none"))
	t.row("exports", orElse(strings.Join(i.Exports, " "), "none"))
	for _, p := range i.Problems {
		t.row("verdict", a.paint(red, "refused: ")+p)
	}
	if i.Refused == "" {
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
