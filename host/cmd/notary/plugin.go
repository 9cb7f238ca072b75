package main

import (
	"context"
)

const pluginUsage = `usage: notary plugin new     [OPTIONS] NAME
       notary plugin test    [OPTIONS] MODULE|DIR
       notary plugin build   [OPTIONS] DIR...
       notary plugin bench   [OPTIONS] MODULE|DIR...
       notary plugin push    [OPTIONS] MODULE oci://REGISTRY/REPOSITORY
       notary plugin inspect [OPTIONS] MODULE...
       notary plugin measure [OPTIONS] MODULE...

For authors of plugins, and for those who review and approve them. Nothing here
needs a running notary, and only push and what begins with oci:// a network.

  new      writes a redactor in Go that builds and passes, to go on from
  test     runs a redactor over golden texts, and over what every redactor must bear
  build    makes the module, twice in two directories, and compares
  bench    how fast is a redactor, and what does it cost to load?
  push     stores a module in an OCI registry
  inspect  what is this module, and if it would be refused, why?
  measure  what will stand in the attestation?

"notary plugin VERB --help" explains each. Guide: plugins/README.md in the source.

EXAMPLES
  notary plugin new redact-badge --notary ../notary
  notary plugin test redact-badge
  notary plugin build redact-badge
  notary plugin inspect build/redact-badge.wasm

EXIT STATUS
  0  as wanted
  1  usage, a file could not be read or written, or a test failed
  3  a module would be refused
`

var pluginCommand = command{name: "plugin", brief: "makes, tests, inspects and measures plugin modules", usage: pluginUsage, run: runPlugin}

func runPlugin(ctx context.Context, a *app, args []string) error {
	verbs := map[string]func(context.Context, *app, []string) error{
		"new": pluginNew, "test": pluginTest, "build": pluginBuild, "bench": pluginBench,
		"push": pluginPush, "inspect": pluginInspect, "measure": pluginMeasure,
	}
	if len(args) > 0 {
		if run := verbs[args[0]]; run != nil {
			return run(ctx, a, args[1:])
		}
	}
	rest, err := parse(a.flags("plugin", pluginUsage), args[:min(len(args), 1)], 1, 1)
	if err != nil {
		return err
	}
	return unknownVerb("plugin", rest[0], "new", "test", "build", "bench", "push", "inspect", "measure")
}
