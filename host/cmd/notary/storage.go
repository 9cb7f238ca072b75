package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/endpoint"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/host/stream"
)

// backing is what stands behind the storage adapter's capabilities: a directory, a
// database, or endpoints.
type backing struct {
	lock      *os.File // of the directory, of a notary that writes
	db        *postgres.DB
	endpoints map[string]*endpoint.Endpoint
	dir       string
}

// openBacking opens what the configuration names. A notary that writes takes the
// directory for itself; in a database and on a service, unique names keep others out. For
// one that only reads, a database refuses all that would write.
func openBacking(ctx context.Context, cfg *config.Config, write bool) (*backing, error) {
	endpoints, err := openEndpoints(cfg)
	if err != nil {
		return nil, err
	}
	b := &backing{endpoints: endpoints}
	if cfg.Storage.Postgres.Host != "" {
		o := databaseOptions(cfg)
		o.ReadOnly = !write
		if b.db, err = postgres.Open(ctx, o); err != nil {
			return nil, hinted(err, "storage.postgres in %s says which database, as whom, and in which file the password is; \"psql\" with the same settings shows whether it can be reached", cfg.Name())
		}
	}
	if b.db != nil || len(endpoints) > 0 {
		return b, nil
	}
	b.dir = cfg.Path(cfg.Storage.Dir)
	if !write {
		if _, err := os.Stat(b.dir); err != nil {
			return nil, hinted(fmt.Errorf("storage: %w", err), "storage.dir in %s names the directory; a notary that never ran has none", cfg.Name())
		}
		return b, nil
	}
	b.lock, err = lockDir(b.dir)
	return b, err
}

func databaseOptions(cfg *config.Config) postgres.Options {
	p := &cfg.Storage.Postgres
	o := postgres.Options{
		Host: p.Host, Port: uint16(p.Port), Database: p.Database, User: p.User, Schema: p.Schema,
		Timeout: time.Duration(p.Timeout), Connections: p.Connections,
	}
	if p.PasswordFile != "" {
		o.PasswordFile = cfg.Path(p.PasswordFile)
	}
	if p.CA != "" {
		o.Roots = x509.NewCertPool()
		o.Roots.AppendCertsFromPEM([]byte(p.CA))
	}
	return o
}

// openEndpoints makes the endpoints of the configuration. It asks none of them: the
// adapter does that when it is loaded.
func openEndpoints(cfg *config.Config) (map[string]*endpoint.Endpoint, error) {
	out := make(map[string]*endpoint.Endpoint, len(cfg.Storage.Endpoints))
	for i := range cfg.Storage.Endpoints {
		e := &cfg.Storage.Endpoints[i]
		o := endpoint.Options{URL: e.URL, Insecure: e.Insecure, Timeout: time.Duration(e.Timeout), Connections: e.Connections}
		switch e.Auth {
		case config.AuthSAS:
			o.Credential = endpoint.SAS(cfg.Path(e.SecretFile))
		case config.AuthBearer:
			o.Credential = endpoint.Bearer(cfg.Path(e.SecretFile))
		case config.AuthSigV4:
			o.Credential = endpoint.SigV4(cfg.Path(e.SecretFile), e.Region)
		case config.AuthIdentity:
			identity, err := endpoint.ManagedIdentity(e.IdentityURL, e.ClientID)
			if err != nil {
				return nil, err
			}
			o.Credential = identity
		}
		if e.CA != "" {
			o.Roots = x509.NewCertPool()
			o.Roots.AppendCertsFromPEM([]byte(e.CA))
		}
		opened, err := endpoint.Open(o)
		if err != nil {
			return nil, hinted(fmt.Errorf("endpoint %s: %w", e.Name, err), "storage.endpoints in %s says where it is and how to get in", cfg.Name())
		}
		out[e.Name] = opened
	}
	return out, nil
}

// options are those of a plugin set on this storage.
func (b *backing) options() pluginhost.Options {
	o := pluginhost.Options{BlobDir: b.dir}
	if b.db != nil {
		o.Database = b.db
	}
	if len(b.endpoints) > 0 {
		o.Endpoints = make(map[string]pluginhost.Endpoint, len(b.endpoints))
		for name, e := range b.endpoints {
			o.Endpoints[name] = e
		}
	}
	return o
}

// options are those of a plugin set that serves.
func (g *ground) options() pluginhost.Options {
	o := g.storage.options()
	o.Concurrency = g.flood.Processors()
	o.Streams = stream.Options{Flooded: g.flood.On, Patience: func() time.Duration { return time.Duration(g.patience.Load()) }}
	return o
}

// String says for people where the storage is.
func (b *backing) String() string {
	if b.db != nil {
		return b.db.String()
	}
	if len(b.endpoints) > 0 {
		var all []string
		for _, name := range slices.Sorted(maps.Keys(b.endpoints)) {
			all = append(all, fmt.Sprintf("%s at %v", name, b.endpoints[name]))
		}
		return strings.Join(all, ", ")
	}
	return b.dir
}

// found returns where the storage itself says that it keeps or sends copies. The keys
// are destroyed by then: that it cannot be asked is one more thing to see to.
func (b *backing) found(ctx context.Context) []journal.Copy {
	switch {
	case b.db != nil:
		found, err := b.db.Copies(ctx)
		if err != nil {
			return noWord("the database did not say where it keeps copies")
		}
		return found
	case len(b.endpoints) > 0:
		return b.foundBehindEndpoints(ctx)
	}
	found, err := stream.Copies(b.dir)
	if err != nil {
		return noWord("the directory could not be looked at")
	}
	return found
}

// noWord stands for what a storage that did not answer may have.
func noWord(text string) []journal.Copy {
	return []journal.Copy{{Kind: "unknown", Count: 1, Text: text}}
}

// keysEndpoint is what the built-in adapters call the place of wrapped keys.
const keysEndpoint = "keys"

// foundBehindEndpoints asks the service that has the keys, or each if none is known to.
func (b *backing) foundBehindEndpoints(ctx context.Context) []journal.Copy {
	var all []journal.Copy
	for _, name := range slices.Sorted(maps.Keys(b.endpoints)) {
		if b.endpoints[keysEndpoint] != nil && name != keysEndpoint {
			continue
		}
		found, err := b.endpoints[name].Copies(ctx)
		if err != nil {
			found = noWord("the service did not say what it keeps of replaced objects")
		}
		for _, c := range found {
			c.Text = fmt.Sprintf("%s at %v: %s", name, b.endpoints[name], c.Text)
			all = append(all, c)
		}
	}
	return all
}

// copies says where copies of erased keys are, or can be.
func (b *backing) copies(ctx context.Context) session.Copies {
	return session.Copies{Found: b.found(ctx), Unasked: b.unasked()}
}

// unasked says where copies of an erased key can be that the storage cannot be asked
// about.
func (b *backing) unasked() []string {
	if b.db != nil {
		return []string{
			"old versions of the row, until \"vacuum notary_keys\"",
			"the database's write-ahead log and its archive",
			"replicas, snapshots and backups of the database",
		}
	}
	if len(b.endpoints) > 0 {
		return []string{
			"versions and soft-deleted copies of the object, if the service keeps them",
			"replicas, snapshots and backups of the account",
		}
	}
	return []string{"backups and snapshots of the directory", "free blocks of its disk"}
}

// close is called after the plugin set is closed.
func (b *backing) close() {
	if b == nil {
		return
	}
	if b.db != nil {
		b.db.Close()
	}
	for _, e := range b.endpoints {
		e.Close()
	}
	if b.lock != nil {
		b.lock.Close()
	}
}
