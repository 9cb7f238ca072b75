// Command build compiles plugins to WebAssembly modules, reproducibly.
//
//	go run ./plugins/build -o build/plugins plugins/redact-pii plugins/store-dir
//
// For each plugin directory it writes NAME.wasm and NAME.wasm.sha256 and prints
// the digest. Exit status: 0 all were built, 1 one was not, 2 wrong use.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/veriproof/notary/sdk/plugin/build"
)

func main() {
	out := flag.String("o", "build/plugins", "directory for the modules")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: build [-o DIR] PLUGIN-DIR...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, dirs []string) error {
	toolchain, err := build.Toolchain(ctx)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		m, err := build.ReadManifest(dir)
		if err != nil {
			return err
		}
		module, err := build.Module(ctx, dir)
		if err != nil {
			return err
		}
		digest, err := build.Write(out, m.Name, module)
		if err != nil {
			return err
		}
		fmt.Printf("%s  %s.wasm  %s, %d bytes, %s\n", digest, m.Name, m.Version, len(module), toolchain)
	}
	return nil
}
