package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/truststore"
)

const trustKeepUsage = `usage: notary trust keep --trust DIR --policy FILE --network
       notary trust keep --trust DIR [--jwks FILE --issuer URL] [--crl FILE] [--at TIME]

Keeps trust material as it is today, so that what is signed today verifies when it has
changed: the key sets of the policy's MAA instances, which sign with other keys about
once a year, and AMD's revocation lists. "notary verify --trust DIR" then judges each
token by the set that was kept last before it was issued and the one kept first after. Run
it every day; between two changes of keys there must be a run.

DIR is a file "index" with a line for each thing kept, and files that are named by
their SHA-256. Nothing in it is ever changed or removed. Whoever can write to it
decides what is trusted. Roots of AMD and Microsoft are in this program and the keys of
logs in the policy, so that they need not be kept.

OPTIONS
  --trust DIR     the directory; it is made if it does not exist
  --policy FILE   whose issuers are asked for their keys
  --network       ask them, at their https://…/certs
  --ca FILE       certificates (PEM) that the servers' are checked by, in place of this
                  machine's
  --jwks FILE     keep this key set
  --issuer URL    whose it is, such as https://contoso.weu.attest.azure.net
  --crl FILE      keep this revocation list, DER or PEM (repeatable)
  --at TIME       when the files were obtained (RFC 3339); the default is now

EXAMPLES
  notary trust keep --trust trust --policy policy.yaml --network
  notary trust keep --trust trust --jwks certs-2025.json --at 2025-11-03T00:00:00Z \
      --issuer https://contoso.weu.attest.azure.net
  notary trust keep --trust trust --crl genoa.crl
  notary verify --trust trust --policy policy.yaml november

EXIT STATUS
  0  all of it is kept
  1  usage, or something could not be reached, read or written
`

// keptFlags are what commands that verify take besides a policy: the directory of kept
// trust material, and single revocation lists.
type keptFlags struct {
	dir  string
	crls []string
}

func (k *keptFlags) flags(o *options) {
	o.StringVar(&k.dir, "trust", "", "")
	o.Func("crl", "", func(s string) error { k.crls = append(k.crls, s); return nil })
}

// lists reads the revocation lists of single files.
func (k *keptFlags) lists() ([][]byte, error) {
	var out [][]byte
	for _, name := range k.crls {
		b, err := readFile(name, maxPart)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// read returns what was kept, and the lists of single files.
func (k *keptFlags) read() ([]attestation.KeptKeySet, [][]byte, error) {
	lists, err := k.lists()
	if err != nil || k.dir == "" {
		return nil, lists, err
	}
	s, err := truststore.Open(k.dir)
	if err != nil {
		return nil, nil, hinted(err, "%s", trustHint(err))
	}
	return s.KeySets(), append(lists, s.CRLs()...), nil
}

// trustHint says what to do about a directory that cannot be used.
func trustHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "\"notary trust keep\" makes the directory and adds to it"
	case errors.Is(err, truststore.ErrStore):
		return "restore the directory of --trust from a backup; nothing in it is ever changed, so any copy is good up to its last line"
	}
	return "--trust wants a directory that can be made and written"
}

func trustKeep(ctx context.Context, a *app, args []string) error {
	f := a.flags("trust keep", trustKeepUsage)
	var kept keptFlags
	var keys trustedKeys
	var fetch fetcher
	kept.flags(f)
	keys.flags(f)
	fetch.flags(f)
	policyFile := f.String("policy", "", "")
	at := f.String("at", "", "")
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	now := time.Now()
	when, err := timeFlag("trust keep", *at)
	switch {
	case err != nil:
		return err
	case kept.dir == "":
		return usageError("trust keep: --trust is missing: in which directory?")
	case when.After(now.Add(time.Minute)):
		return usageError("trust keep: --at %s is in the future", *at)
	case (keys.file == "") != (keys.issuer == ""):
		return usageError("trust keep: --jwks and --issuer go together: a key set does not say whose it is")
	case (*policyFile == "") == fetch.network:
		return usageError("trust keep: --policy and --network go together: the policy's issuers are asked")
	case keys.file == "" && *policyFile == "" && len(kept.crls) == 0:
		return usageError("trust keep: there is nothing to keep: give --policy with --network, --jwks with --issuer, or --crl")
	case *policyFile != "" && *at != "":
		return usageError("trust keep: --at is about files; what is fetched is of now")
	}
	if err := fetch.check("trust keep"); err != nil {
		return err
	}
	s, err := truststore.Create(kept.dir)
	if err != nil {
		return hinted(err, "%s", trustHint(err))
	}
	return errors.Join(keepFiles(a, s, keys, kept, when), keepServed(ctx, a, s, *policyFile, &fetch))
}

func keepFiles(a *app, s *truststore.Store, keys trustedKeys, kept keptFlags, when time.Time) error {
	if keys.file != "" {
		const hint = "--jwks wants what an MAA instance has at ISSUER/certs, and --issuer its URL"
		jwks, err := readFile(keys.file, maa.MaxKeySetSize)
		if err != nil {
			return hinted(err, hint)
		}
		if err := a.kept(s.KeepKeys(keys.issuer, jwks, when)); err != nil {
			return hinted(fmt.Errorf("%s: %w", keys.file, err), hint)
		}
	}
	const hint = "--crl wants a revocation list of AMD's, DER or PEM"
	lists, err := kept.lists()
	if err != nil {
		return hinted(err, hint)
	}
	for i, crl := range lists {
		if err := a.kept(s.KeepCRL(crl, when)); err != nil {
			return hinted(fmt.Errorf("%s: %w", kept.crls[i], err), hint)
		}
	}
	return nil
}

// keepServed asks the policy's issuers, each whether or not another could be reached.
func keepServed(ctx context.Context, a *app, s *truststore.Store, policyFile string, fetch *fetcher) error {
	if policyFile == "" {
		return nil
	}
	p, err := readPolicy(policyFile)
	if err != nil {
		return err
	}
	issuers := issuersOf(p)
	if len(issuers) == 0 {
		return fmt.Errorf("%s accepts no MAA issuer, so there are no keys to keep", policyFile)
	}
	var failures []error
	for _, is := range issuers {
		if is.JWKS != "" {
			fmt.Fprintf(a.stderr, "notary: warning: the policy pins the keys of %s: kept ones count only where it does not\n", is.Issuer)
		}
		jwks, err := fetch.get(ctx, is.Issuer+"/certs", maa.MaxKeySetSize)
		if err == nil {
			err = a.kept(s.KeepKeys(is.Issuer, jwks, time.Now()))
		}
		if err != nil {
			var stranger *tls.CertificateVerificationError
			if errors.As(err, &stranger) {
				err = hinted(err, "--ca names a file with the certificate of the authority that the server's is of, if it is not one of this machine's")
			}
			failures = append(failures, fmt.Errorf("%s: %w", is.Issuer, err))
		}
	}
	return errors.Join(failures...)
}

func issuersOf(p *policy.Policy) []policy.Issuer {
	if s := p.Simulated; s != nil {
		return []policy.Issuer{{Issuer: s.Issuer, JWKS: s.JWKS}}
	}
	return p.Issuers
}

func (a *app) kept(e truststore.Entry, err error) error {
	if err == nil {
		fmt.Fprintln(a.stdout, "kept: "+e.String())
	}
	return err
}
