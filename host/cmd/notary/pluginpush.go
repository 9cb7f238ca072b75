package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"

	"github.com/veriproof/notary/host/artifact"
)

const pluginPushUsage = `usage: notary plugin push [--credentials FILE] MODULE oci://REGISTRY/REPOSITORY

Stores a module in an OCI registry and prints the reference by which a configuration
names it, and the digest to pin beside it. The reference is by digest: no tag is made
and none is taken, since whoever has the registry can move a tag. The same module
gets the same reference wherever and whenever it is pushed.

A registry on the loopback interface is spoken to in plain HTTP, any other in HTTPS.

OPTIONS
  --credentials FILE   for the registry, in the form of Docker's config.json; no
                       helper program is run

EXAMPLES
  notary plugin push build/redact-badge.wasm oci://registry.example.org/notary/redact-badge

EXIT STATUS
  0  stored
  1  usage, a file could not be read, or the registry did not take it
`

func pluginPush(ctx context.Context, a *app, args []string) error {
	f := a.flags("plugin push", pluginPushUsage)
	credentials := f.String("credentials", "", "")
	rest, err := parse(f, args, 2, 2)
	if err != nil {
		return err
	}
	module, err := os.ReadFile(rest[0])
	if err != nil {
		return err
	}
	target, err := artifact.ParseTarget(rest[1])
	if err != nil {
		return usageError("plugin push: %w", err)
	}
	ref, err := artifact.Push(ctx, target, module, artifact.Options{Credentials: *credentials})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "    wasm: %v\n    sha256: %x\n", ref, sha256.Sum256(module))
	return nil
}

// readModule reads a module from a file, or from a registry.
func readModule(ctx context.Context, name, credentials string) ([]byte, error) {
	if !artifact.IsReference(name) {
		return os.ReadFile(name)
	}
	ref, err := artifact.Parse(name)
	if err != nil {
		return nil, err
	}
	return artifact.Fetch(ctx, ref, artifact.Options{Credentials: credentials})
}
