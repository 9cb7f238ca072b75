package config

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/host/artifact"
	"github.com/veriproof/notary/sdk/journal"
)

// Bounds of the files that a configuration names.
const (
	maxRecipientFile = 16 << 10 // a key of 1,216 bytes in PEM, and comments
	maxModule        = 64 << 20
	maxPluginConfig  = 1 << 20
)

// ReadRecipients reads the recipients' public keys, in the order of their
// bytes, which is that of the digest. A key given twice is an error.
func (c *Config) ReadRecipients() ([]*journal.Recipient, error) {
	keys := make([]*journal.Recipient, len(c.Recipients))
	for i, r := range c.Recipients {
		text := []byte(r.PEM)
		if r.File != "" {
			var err error
			if text, err = c.readFile(r.File, maxRecipientFile); err != nil {
				return nil, fmt.Errorf("recipients[%d]: %w: run `notary keygen`, or correct the path", i, err)
			}
		}
		var err error
		if keys[i], err = journal.ParseRecipient(text); err != nil {
			return nil, fmt.Errorf("recipients[%d]: %w: give the public key that `notary keygen` wrote", i, err)
		}
	}
	slices.SortFunc(keys, func(a, b *journal.Recipient) int { return bytes.Compare(a.Bytes(), b.Bytes()) })
	for i := 1; i < len(keys); i++ {
		if bytes.Equal(keys[i-1].Bytes(), keys[i].Bytes()) {
			return nil, fmt.Errorf("recipients: key %v is given twice: remove one of them", keys[i].ID())
		}
	}
	return keys, nil
}

// RecipientsDigest is what the runtime data states as "recipients": the SHA-256
// of the transcript ("veriproof-notary/recipients/v1", each public key), the
// keys in the order of their bytes, however they are given.
func RecipientsDigest(recipients []*journal.Recipient) [32]byte {
	keys := make([][]byte, len(recipients))
	for i, r := range recipients {
		keys[i] = r.Bytes()
	}
	slices.SortFunc(keys, bytes.Compare)
	t := transcript.New("veriproof-notary/recipients/v1")
	for _, k := range keys {
		t.Bytes(k)
	}
	return t.Sum()
}

// ReadPlugin reads the module of a plugin of this configuration, and its own
// configuration, which is empty if it has none. Whether the module is the one
// that the digest names is for its loader to check, on the bytes it compiles. A
// module that is named by an OCI reference is fetched.
func (c *Config) ReadPlugin(ctx context.Context, p *Plugin) (module, config []byte, err error) {
	if artifact.IsReference(p.Wasm) {
		module, err = c.fetch(ctx, p.Wasm)
	} else {
		module, err = c.readFile(p.Wasm, maxModule)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("plugin %s: module: %w", p.Name, err)
	}
	if p.Config == "" {
		return module, []byte(p.Settings), nil
	}
	if config, err = c.readFile(p.Config, maxPluginConfig); err != nil {
		return nil, nil, fmt.Errorf("plugin %s: config: %w", p.Name, err)
	}
	return module, config, nil
}

func (c *Config) fetch(ctx context.Context, reference string) ([]byte, error) {
	r, err := artifact.Parse(reference)
	if err != nil {
		return nil, err
	}
	o := artifact.Options{Credentials: c.Path(c.Registry.Credentials)}
	if c.Registry.CA != "" {
		o.Roots = x509.NewCertPool()
		o.Roots.AppendCertsFromPEM([]byte(c.Registry.CA))
	}
	return artifact.Fetch(ctx, r, o)
}

// readFile reads a regular file of at most limit bytes.
func (c *Config) readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(c.Path(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", c.Path(path), limit)
	}
	return b, nil
}
