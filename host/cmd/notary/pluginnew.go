package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/mod/modfile"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

const pluginNewUsage = `usage: notary plugin new [--dir DIR] [--notary DIR] NAME

Writes a redactor in Go into a new directory: detection, configuration, manifest,
golden texts, tests. It builds and passes at once; from there on change one thing
at a time.

NAME is what the configuration and the attestation will call it, [a-z0-9-]{1,40}, such as
redact-badge.

Inside a checkout of the notary, or in any Go module that requires
github.com/veriproof/notary, that is all. Elsewhere the plugin becomes a module
of its own, and --notary says where the checkout is that the kit is taken from.
Nothing is fetched: neither the kit nor the plugin needs another module.

OPTIONS
  --dir DIR      the new directory; by default NAME in the current one
  --notary DIR   a checkout of the notary, for a module of its own

EXAMPLES
  notary plugin new redact-badge --dir plugins/redact-badge
  notary plugin new redact-badge --notary ../notary
  notary plugin test redact-badge

EXIT STATUS
  0  written
  1  usage, or a file could not be written; nothing that was there is changed
`

//go:embed template
var pluginTemplate embed.FS

const notaryModule = "github.com/veriproof/notary"

func pluginNew(_ context.Context, a *app, args []string) error {
	f := a.flags("plugin new", pluginNewUsage)
	dir := f.String("dir", "", "")
	notary := f.String("notary", "", "")
	rest, err := parse(f, args, 1, 1)
	if err != nil {
		return err
	}
	name := rest[0]
	if !abi.ValidName(name) {
		return usageError("plugin new: name %.60q is not [a-z0-9-]{1,40}", name)
	}
	if *dir == "" {
		*dir = name
	}
	files, err := pluginFiles(name)
	if err != nil {
		return err
	}
	mod, err := goMod(name, *dir, *notary)
	if err != nil {
		return err
	}
	if mod != nil {
		files["go.mod"] = mod
	}
	if err := writeFiles(*dir, files); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s is written; it passes:\n\n  notary plugin test %s\n\nchange scan.go and golden.jsonl\n", *dir, *dir)
	return nil
}

// pluginFiles fills the template in.
func pluginFiles(name string) (map[string][]byte, error) {
	label := labelOf(name)
	data := map[string]string{"Name": name, "Label": label, "Const": camel(label)}
	t, err := template.ParseFS(pluginTemplate, "template/*.tmpl")
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, f := range t.Templates() {
		var out bytes.Buffer
		if err := f.Execute(&out, data); err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(f.Name(), ".tmpl")
		if name == "gitignore" {
			name = "." + name
		}
		files[name] = out.Bytes()
	}
	return files, nil
}

// labelOf makes the first label of a plugin's name: BADGE of redact-badge.
func labelOf(name string) string {
	word := strings.Trim(strings.TrimPrefix(name, "redact-"), "-")
	word = strings.ToUpper(strings.ReplaceAll(word, "-", "_"))
	if word == "" {
		word = "REFERENCE"
	}
	return strings.TrimRight(word[:min(len(word), 32)], "_")
}

// camel makes an identifier's end of a label.
func camel(label string) string {
	var out strings.Builder
	for word := range strings.SplitSeq(label, "_") {
		if word != "" {
			out.WriteString(word[:1] + strings.ToLower(word[1:]))
		}
	}
	return out.String()
}

// goMod returns the go.mod of a plugin that is a module of its own, or nil if it
// lies in a module from which it can have the kit.
func goMod(name, dir, notary string) ([]byte, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	file, around, err := moduleAround(filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	if notary == "" {
		switch {
		case around == nil:
			return nil, hinted(fmt.Errorf("plugin new: %s lies in no Go module that has the plugin kit", dir), "give --notary DIR, a checkout of the notary, from which the plugin takes it")
		case around.Module.Mod.Path != notaryModule && !requires(around, notaryModule):
			return nil, hinted(fmt.Errorf("plugin new: %s does not require %s", file, notaryModule), "add it there, or give --notary DIR for a module of its own")
		}
		return nil, nil
	}
	checkout, err := filepath.Abs(notary)
	if err != nil {
		return nil, err
	}
	kit, err := readMod(filepath.Join(checkout, "go.mod"))
	if err != nil {
		return nil, usageError("plugin new: --notary: %w", err)
	}
	if kit.Module == nil || kit.Module.Mod.Path != notaryModule || kit.Go == nil {
		return nil, usageError("plugin new: --notary %s is not the notary's module, %s", notary, notaryModule)
	}
	// As it was given: a relative path goes on to work when both are moved.
	if !filepath.IsAbs(notary) {
		if checkout, err = filepath.Rel(dir, checkout); err != nil {
			return nil, err
		}
		checkout = filepath.ToSlash(checkout) // it begins with ../: a checkout is not in an empty directory
	}
	own := new(modfile.File)
	for _, err := range []error{
		own.AddModuleStmt(name), own.AddGoStmt(kit.Go.Version),
		own.AddRequire(notaryModule, "v0.0.0"), own.AddReplace(notaryModule, "", checkout, ""),
	} {
		if err != nil {
			return nil, fmt.Errorf("go.mod: %w", err)
		}
	}
	return own.Format()
}

func requires(m *modfile.File, path string) bool {
	return slices.ContainsFunc(m.Require, func(r *modfile.Require) bool { return r.Mod.Path == path })
}

// moduleAround finds the go.mod of the module that a directory lies in, or nil.
func moduleAround(dir string) (string, *modfile.File, error) {
	for {
		file := filepath.Join(dir, "go.mod")
		m, err := readMod(file)
		if err == nil && m.Module != nil {
			return file, m, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", nil, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", nil, nil
		}
		dir = up
	}
}

func readMod(file string) (*modfile.File, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return modfile.ParseLax(file, text, nil)
}

// writeFiles writes files into a directory that does not exist yet, or is empty.
func writeFiles(dir string, files map[string][]byte) error {
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return hinted(fmt.Errorf("%s is there, and not empty", dir), "give another --dir; nothing is ever written over")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
