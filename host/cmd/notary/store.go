package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

const storeUsage = `usage: notary store init [OPTIONS] CONFIG

Makes the tables of a storage adapter in the database that the configuration
names. The statements are those in the manifest of the adapter's module, which is
measured; all of them are executed in one transaction, or none. A notary never
makes or changes tables by itself: one that finds none does not start.

With --user the tables belong to that role, and the role in the configuration gets
the right to read and to add, and to erase wrapped keys: it can neither change nor
delete an entry.

OPTIONS
  --print                show the statements and execute nothing
  --user ROLE            connect as this role instead of the configured one
  --password-file FILE   that role's password

EXAMPLES
  notary store init --print notary.yaml
  notary store init --user admin --password-file admin.password notary.yaml

EXIT STATUS
  0  made, or printed
  1  usage, the configuration, or the database refused; nothing is changed
`

var storeCommand = command{name: "store", brief: "makes the tables of a storage adapter", usage: storeUsage, run: runStore}

func runStore(ctx context.Context, a *app, args []string) error {
	f := a.flags("store", storeUsage)
	show := f.Bool("print", false, "")
	user := f.String("user", "", "")
	password := f.String("password-file", "", "")
	rest, err := parse(f, args, 2, 2)
	switch {
	case err != nil:
		return err
	case rest[0] != "init":
		return usageError("store: unknown verb %.40q, want init", rest[0])
	case *password != "" && *user == "":
		return usageError("store init: --password-file is that of --user, which is missing")
	}
	cfg, err := loadConfig(rest[1])
	if err != nil {
		return err
	}
	sources, err := readPlugins(ctx, cfg)
	if err != nil {
		return err
	}
	schema, err := schemaOf(sources)
	if err != nil {
		return err
	}
	o, role := databaseOptions(cfg), ""
	if *user != "" {
		role, o.User, o.PasswordFile = o.User, *user, *password
	}
	if *show {
		for _, s := range append(schema, postgres.Grants(o.Schema, role)...) {
			fmt.Fprintf(a.stdout, "%s;\n", s)
		}
		return nil
	}
	if o.Host == "" {
		return hinted(errors.New("the configuration names no database"), "add storage.postgres to %s; storage in a directory needs no tables", cfg.Name())
	}
	db, err := postgres.Open(ctx, o)
	if err != nil {
		return hinted(err, "storage.postgres in %s says which database", cfg.Name())
	}
	defer db.Close()
	if err := db.Init(ctx, o.Schema, schema, role); err != nil {
		return hinted(err, "nothing was changed; a schema that is there already is left alone")
	}
	fmt.Fprintf(a.stdout, "made   %d statements of the adapter's manifest, in %v\n", len(schema), db)
	return nil
}

// schemaOf returns the statements of the storage adapter's manifest, after all
// checks that loading it would make.
func schemaOf(sources []pluginhost.Source) ([]string, error) {
	for i := range sources {
		if sources[i].Kind != abi.KindStorage {
			continue
		}
		r, err := pluginhost.Inspect(sources[i].Module)
		switch pin := sources[i].SHA256; {
		case err != nil:
			return nil, err
		case r.Refusal != nil:
			return nil, &pluginhost.LoadError{Plugin: sources[i].Name, Err: r.Refusal}
		case pin != nil && *pin != r.SHA256:
			return nil, &pluginhost.PinError{Want: *pin, Got: r.SHA256}
		}
		if len(r.Manifest.Schema) == 0 {
			return nil, hinted(fmt.Errorf("adapter %s has no tables", sources[i].Name), "its manifest names no schema: there is nothing to do")
		}
		return r.Manifest.Schema, nil
	}
	return nil, errors.New("the configuration names no storage adapter") // refused before
}
