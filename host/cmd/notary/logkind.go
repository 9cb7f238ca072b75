package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/config"
)

// openLog opens the log that the configuration names.
func openLog(ctx context.Context, cfg *config.Config, logger *slog.Logger) (commitlog.Log, error) {
	c := &cfg.Log
	o := commitlog.Options{Witnesses: witnesses(c), Logger: logger}
	var l commitlog.Log
	var err error
	switch c.Kind {
	case config.LogPOSIX:
		l, err = commitlog.OpenPOSIX(cfg.Path(c.Dir), c.Origin, o)
	case config.LogMySQL:
		l, err = commitlog.OpenMySQL(ctx, mysqlOptions(cfg), cfg.Path(c.Dir), c.Origin, o)
	default:
		if l, err = openEndpoint(cfg, logger); errors.Is(err, commitlog.ErrKey) { // which is in no directory
			err = hinted(err, "log.endpoint.key is the verifier key of the log at log.endpoint.url, and log.dir a directory for what is remembered of that log alone")
		}
	}
	if err != nil {
		return nil, err // and not an interface that holds nil
	}
	return l, nil
}

func mysqlOptions(cfg *config.Config) commitlog.MySQLOptions {
	m := &cfg.Log.MySQL
	o := commitlog.MySQLOptions{
		Host: m.Host, Port: uint16(m.Port), Database: m.Database, User: m.User, Roots: witnesses(&cfg.Log).Roots,
		Timeout: time.Duration(m.Timeout), Connections: m.Connections,
	}
	if m.PasswordFile != "" {
		name := cfg.Path(m.PasswordFile)
		o.Password = func() (string, error) { return readCredential(name) }
	}
	return o
}

func openEndpoint(cfg *config.Config, logger *slog.Logger) (*commitlog.Endpoint, error) {
	c := &cfg.Log
	w := witnesses(c)
	o := commitlog.EndpointOptions{URL: c.Endpoint.URL, Key: c.Endpoint.Key, Witnesses: w, Roots: w.Roots, Logger: logger}
	var tiles *commitlog.Reader
	var err error
	if c.Endpoint.Tiles != "" {
		if tiles, err = commitlog.NewReaderTLS(c.Endpoint.Tiles, []string{c.Endpoint.Key}, w.Roots); err != nil {
			return nil, err
		}
	}
	if o.Memory, err = commitlog.OpenMemory(cfg.Path(c.Dir), c.Endpoint.Key, tiles); err != nil {
		return nil, err
	}
	if c.Endpoint.CredentialFile != "" {
		name := cfg.Path(c.Endpoint.CredentialFile)
		o.Credential = func() (string, error) { return readCredential(name) }
	}
	return commitlog.OpenEndpoint(o)
}

func witnesses(c *config.Log) commitlog.Witnesses {
	w := commitlog.Witnesses{Quorum: c.Quorum}
	for _, one := range c.Witnesses {
		w.List = append(w.List, commitlog.Witness{Key: one.Key, URL: one.URL})
	}
	if c.CA != "" {
		w.Roots = x509.NewCertPool()
		w.Roots.AppendCertsFromPEM([]byte(c.CA))
	}
	return w
}

// logDetail says for people which log it is.
func logDetail(cfg *config.Config, l commitlog.Log) string {
	detail := l.VerifierKey()
	switch cfg.Log.Kind {
	case config.LogEndpoint:
		detail += ", at " + cfg.Log.Endpoint.URL
	case config.LogMySQL:
		detail += ", in the database " + cfg.Log.MySQL.Database + " of " + cfg.Log.MySQL.Host
	}
	if n := len(cfg.Log.Witnesses); n > 0 {
		detail += fmt.Sprintf(", cosigned by %d of %d witnesses", cfg.Log.Quorum, n)
	}
	return detail
}

// maxCredential bounds a bearer token.
const maxCredential = 16 << 10

// readCredential reads a file with a bearer token. Nothing of it is repeated in an
// error.
func readCredential(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCredential+1))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if token == "" || len(b) > maxCredential || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the file is not one token of visible ASCII characters")
	}
	return token, nil
}
