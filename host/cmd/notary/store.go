package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

const storeUsage = `usage: notary store init [OPTIONS] CONFIG

Makes what a storage adapter needs, where the configuration says. A notary never
does that by itself: one that finds nothing does not start.

In a database these are tables. The statements are those in the manifest of the
adapter's module, which is measured; all of them are executed in one transaction, or
none. On a service of object storage these are containers, which the adapter asks for
through the configured endpoints; what is there already is left alone.

With --user the tables belong to that role, and the role in the configuration gets
the right to read and to add, and to erase wrapped keys: it can neither change nor
delete an entry. A role named by --auditor gets the right to read the journal, which is
all that "notary audit" needs; in a database that has its tables already, execute the
statements that --print shows last.

OPTIONS
  --print                show the statements, or the endpoints, and execute nothing
  --user ROLE            connect as this role instead of the configured one
  --auditor ROLE         may read the journal, and neither wrapped keys nor write
  --password-file FILE   that role's password

EXAMPLES
  notary store init --print notary.yaml
  notary store init --user admin --password-file admin.password notary.yaml
  notary store init --user admin --auditor auditor notary.yaml
  notary store init azure.yaml

EXIT STATUS
  0  made, or printed
  1  usage, or the configuration, the database or the service refused; in a database
     nothing is changed then
`

var storeCommand = command{name: "store", brief: "makes what a storage adapter needs", usage: storeUsage, run: runStore}

func runStore(ctx context.Context, a *app, args []string) error {
	f := a.flags("store", storeUsage)
	show := f.Bool("print", false, "")
	user := f.String("user", "", "")
	password := f.String("password-file", "", "")
	auditor := f.String("auditor", "", "")
	rest, err := parse(f, args, 2, 2)
	switch {
	case err != nil:
		return err
	case rest[0] != "init":
		return unknownVerb("store", rest[0], "init")
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
	adapter, manifest, err := adapterOf(sources)
	if err != nil {
		return err
	}
	if len(manifest.Endpoints) > 0 {
		if *user != "" || *auditor != "" {
			return usageError("store init: --user and --auditor are for a database; an endpoint has its credential in the configuration")
		}
		return a.initEndpoints(ctx, cfg, adapter, manifest.Endpoints, *show)
	}
	if len(manifest.Schema) == 0 {
		return hinted(fmt.Errorf("adapter %s has no tables", adapter.Name), "its manifest names neither a schema nor endpoints: there is nothing to do")
	}
	schema := manifest.Schema
	o, role := databaseOptions(cfg), ""
	if *user != "" {
		role, o.User, o.PasswordFile = o.User, *user, *password
	}
	if *show {
		for _, s := range append(schema, append(postgres.Grants(o.Schema, role), postgres.AuditorGrants(o.Schema, *auditor)...)...) {
			fmt.Fprintf(a.stdout, "%s;\n", s)
		}
		return nil
	}
	if o.Host == "" {
		return hinted(errors.New("the configuration names no database"), "add storage.postgres to %s; storage in a directory needs no tables", cfg.Name())
	}
	db, err := postgres.Open(ctx, o)
	if err != nil && *user != "" {
		return hinted(err, "storage.postgres in %s says which database; --user and --password-file say as whom", cfg.Name())
	}
	if err != nil {
		return hinted(err, "storage.postgres in %s says which database, as whom, and in which file the password is", cfg.Name())
	}
	defer db.Close()
	if err := mayMake(ctx, adapter, db, *auditor); err != nil {
		return err
	}
	if err := db.Init(ctx, o.Schema, append(schema, postgres.AuditorGrants(o.Schema, *auditor)...), role); err != nil {
		return hinted(err, "nothing was changed; if it is a right that is missing, --user names a role that may make tables, which the notary's own need not")
	}
	fmt.Fprintf(a.stdout, "made   %d statements of the adapter's manifest, in %v\n", len(schema), db)
	return nil
}

// mayMake refuses a database in which there are tables already: those that the adapter takes,
// and those of another version, which nothing but their own module may write to.
func mayMake(ctx context.Context, adapter *pluginhost.Source, db *postgres.DB, auditor string) error {
	set, err := pluginhost.Load(ctx, []pluginhost.Source{*adapter}, pluginhost.Options{Database: db})
	switch {
	case errors.Is(err, postgres.ErrNoTable):
		return nil
	case err != nil:
		return fmt.Errorf("nothing was changed: %w", err)
	}
	hint := "nothing was changed, and there is nothing to do"
	if auditor != "" {
		hint = "nothing was changed; for the auditor execute the last two statements that the same command shows with --print"
	}
	return errors.Join(hinted(fmt.Errorf("what %s needs already exists in %v", adapter.Name, db), "%s", hint), set.Close(ctx))
}

// initEndpoints lets the adapter make what it needs behind its endpoints.
func (a *app) initEndpoints(ctx context.Context, cfg *config.Config, adapter *pluginhost.Source, names []string, show bool) error {
	b, err := openBacking(ctx, cfg, false)
	if err != nil {
		return err
	}
	defer b.close()
	if show {
		for _, name := range names {
			if e, ok := b.endpoints[name]; ok {
				fmt.Fprintf(a.stdout, "%s at %v\n", name, e)
			}
		}
		return nil
	}
	made, err := pluginhost.Init(ctx, *adapter, b.options())
	var silent *pluginhost.EndpointError
	switch {
	case errors.As(err, &silent): // which no right mends
		return err
	case err != nil:
		return hinted(err, "the credential needs the right to make them; what was made before the failure stays")
	case !made:
		return hinted(fmt.Errorf("adapter %s makes nothing", adapter.Name), "what it needs is made by other means: its README says which")
	}
	fmt.Fprintf(a.stdout, "made   what %s needs: %v\n", adapter.Name, b)
	return nil
}

// adapterOf returns the storage adapter and its manifest, after all checks that
// loading it would make.
func adapterOf(sources []pluginhost.Source) (*pluginhost.Source, *abi.Manifest, error) {
	for i := range sources {
		if sources[i].Kind != abi.KindStorage {
			continue
		}
		r, err := pluginhost.Inspect(sources[i].Module)
		switch pin := sources[i].SHA256; {
		case err != nil:
			return nil, nil, err
		case r.Refusal != nil:
			return nil, nil, &pluginhost.LoadError{Plugin: sources[i].Name, Err: r.Refusal}
		case pin != nil && *pin != r.SHA256:
			return nil, nil, &pluginhost.PinError{Want: *pin, Got: r.SHA256}
		}
		return &sources[i], &r.Manifest, nil
	}
	return nil, nil, errors.New("the configuration names no storage adapter") // refused before
}
