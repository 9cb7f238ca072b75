package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/veriproof/notary/sdk/plugin/build"
)

const pluginBuildUsage = `usage: notary plugin build [-o DIR] [--once] DIR...

Makes the modules of plugins, so that anybody can make them again: the same source
and the same Go version give the same bytes on every machine. Each is built twice,
here and from a copy of the source in another directory, and the two are compared;
what a module digest is good for begins with that.

DIR holds manifest.json and either a Go main package or module.wasm, a module of
any language as its linker has made it. Of the latter only custom sections are
removed and the manifest is put in.

OPTIONS
  -o DIR   where NAME.wasm and NAME.wasm.sha256 go; by default build
  --once   do not build a second time

EXAMPLES
  notary plugin build redact-badge
  notary plugin build -o build/plugins plugins/redact-pii plugins/store-dir
  sha256sum -c build/redact-badge.wasm.sha256      (in the directory build)

EXIT STATUS
  0  all modules were made
  1  usage, the compiler refused, or two builds gave different bytes
`

func pluginBuild(ctx context.Context, a *app, args []string) error {
	f := a.flags("plugin build", pluginBuildUsage)
	out := f.String("o", "build", "")
	once := f.Bool("once", false, "")
	dirs, err := parse(f, args, 1, 64)
	if err != nil {
		return err
	}
	make := build.Twice
	if *once {
		make = build.Module
	}
	for _, dir := range dirs {
		m, err := build.ReadManifest(dir)
		if err != nil {
			return buildError(dir, err)
		}
		module, err := make(ctx, dir)
		if err != nil {
			return buildError(dir, err)
		}
		digest, err := build.Write(*out, m.Name, module)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s  %s\n", digest, filepath.Join(*out, m.Name+".wasm"))
	}
	return nil
}

// buildError says what an author does next.
func buildError(dir string, err error) error {
	var difference *build.DifferenceError
	switch {
	case errors.As(err, &difference):
		return hinted(err, "look for generated code, and for files that are read while it builds; \"go tool nm\" of both builds shows where they part")
	case errors.Is(err, exec.ErrNotFound):
		return hinted(err, "install Go 1.26 or later; it compiles to WebAssembly by itself")
	case errors.Is(err, fs.ErrNotExist):
		return hinted(err, "%s is to be a plugin's directory; \"notary plugin new NAME\" writes one", dir)
	}
	return err
}

const pluginHelp = "name a module, such as build/plugins/redact-pii.wasm, or the directory of a plugin"

// pluginModule reads a module, or builds the plugin in a directory. Then dir is
// that directory.
func pluginModule(ctx context.Context, path string) (module []byte, dir string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", hinted(err, "%s; \"notary plugin new NAME\" writes one", pluginHelp)
	}
	if !info.IsDir() {
		module, err = os.ReadFile(path)
		return module, "", err
	}
	if module, err = build.Module(ctx, path); err != nil {
		return nil, "", buildError(path, err)
	}
	return module, path, nil
}
