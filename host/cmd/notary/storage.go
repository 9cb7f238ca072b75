package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
)

// backing is what stands behind the storage adapter's capabilities: a directory or
// a database.
type backing struct {
	lock *os.File // of the directory, of a notary that writes
	db   *postgres.DB
	dir  string
}

// openBacking opens what the configuration names. A notary that writes takes the
// directory for itself; in a database, the unique keys keep others out.
func openBacking(ctx context.Context, cfg *config.Config, write bool) (*backing, error) {
	if cfg.Storage.Postgres.Host != "" {
		db, err := postgres.Open(ctx, databaseOptions(cfg))
		if err != nil {
			return nil, hinted(err, "storage.postgres in %s says which database; \"psql\" with the same settings shows whether it can be reached", cfg.Name())
		}
		return &backing{db: db}, nil
	}
	b := &backing{dir: cfg.Path(cfg.Storage.Dir)}
	if !write {
		if _, err := os.Stat(b.dir); err != nil {
			return nil, hinted(fmt.Errorf("storage: %w", err), "storage.dir in %s names the directory; a notary that never ran has none", cfg.Name())
		}
		return b, nil
	}
	var err error
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

// options are those of a plugin set on this storage.
func (b *backing) options() pluginhost.Options {
	o := pluginhost.Options{BlobDir: b.dir}
	if b.db != nil {
		o.Database = b.db
	}
	return o
}

// String says for people where the storage is.
func (b *backing) String() string {
	if b.db != nil {
		return b.db.String()
	}
	return b.dir
}

// copies says where copies of an erased key can be that the storage cannot be asked
// about.
func (b *backing) copies() []string {
	if b.db != nil {
		return []string{
			"old versions of the row, until \"vacuum notary_keys\"",
			"the database's write-ahead log and its archive",
			"replicas, snapshots and backups of the database",
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
	if b.lock != nil {
		b.lock.Close()
	}
}
