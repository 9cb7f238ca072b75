package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/bundle"
)

const verifyUsage = `usage: notary verify --policy FILE [OPTIONS] BUNDLE|DIR|URL...
       notary verify --web [--web-dir DIR] [--listen ADDR]

Checks one session part's evidence, offline: no socket is opened. Every check is
shown as pass, fail or not-done with the reason, with the anchor of trust it rests
on. Long digests are cut for the eye; --json has them whole. The verdict is
"verified" only if nothing failed and every required check passed.

Of several bundles, or a directory with the files *.bundle in it, each has a line as
soon as it is checked, and then there is a verdict over all: "verified" only if each
is, and no two of them are different receipts of one session part. It says which parts
of which sessions were among them. That a session has no others, and that nothing of
it was erased since, no bundle can say: see "notary audit" and "notary session list".

OPTIONS
  --policy FILE   the relying party's Reference Values
  --jwks FILE     a key set of the MAA instance that you trust, if the policy pins
                  none; the one inside a bundle is never trusted
  --issuer URL    whose keys these are, if the policy has several issuers without
                  pinned keys
  --trust DIR     key sets and revocation lists that you kept over time ("notary trust
                  keep"): those of the time when a token was issued count, if the policy
                  pins none
  --crl FILE      revocation list of AMD, DER or PEM (repeatable)
  --at TIME       appraise as of this time (RFC 3339); the default is the time of
                  sealing that the receipt states
  --json          print the result as JSON; of several, an object per line: {"bundle",
                  "exit_status", "result" or "error"}, and in the end {"verdict",
                  "exit_status", "bundles", …}. It has all disclosed records, and so
                  is for bundles of at most 256 MiB; without it memory is bounded
  --offline       refuse URLs; the default
  --network       fetch bundles that are named by URL: https only, no redirect to
                  another host, at most 256 MiB. Whether they are true never rests on it
  --ca FILE       certificates (PEM) that the servers' are checked by, in place of this
                  machine's
  --web           serve the same verifier as a page for a browser on this machine; bundles
                  stay in the browser
  --web-dir DIR   where "make web" has put the page (default: web, beside this program)
  --listen ADDR   where the page is served (default 127.0.0.1:8080)

EXAMPLES
  notary verify --policy policy.yaml session.bundle
  notary verify --policy policy.yaml --jwks maa-2026.jwks.json session.bundle
  notary verify --policy policy.yaml --trust trust session.bundle
  notary verify --policy policy.yaml --json session.bundle | jq .verdict
  notary verify --policy policy.yaml november
  notary verify --policy policy.yaml --json november | jq -r 'select(.exit_status > 0)'
  notary verify --policy policy.yaml --network https://auditor.example/s.bundle
  notary verify --web

` + verifyingStatus + `
Of several bundles the worst status counts: 2, then 3, 4, 1 and 5.
`

var verifyCommand = command{name: "verify", brief: "checks sessions' evidence bundles offline", usage: verifyUsage, run: verify}

// A verifier asks the same of each bundle.
type verifier struct {
	*app
	policy  *policy.Policy
	options bundle.Options
	json    bool
	fetch   fetcher // of bundles by URL
}

func verify(ctx context.Context, a *app, args []string) error {
	f := a.flags("verify", verifyUsage)
	v := &verifier{app: a}
	policyFile := f.String("policy", "", "")
	var keys trustedKeys
	keys.flags(f)
	var kept keptFlags
	kept.flags(f)
	at := f.String("at", "", "")
	f.BoolVar(&v.json, "json", false, "")
	v.fetch.flags(f)
	web := f.Bool("web", false, "")
	webDir := f.String("web-dir", "", "")
	listen := f.String("listen", "127.0.0.1:8080", "")
	rest, err := parse(f, args, 0, len(args))
	switch {
	case err != nil:
		return err
	case *web && (len(rest) > 0 || *policyFile != ""):
		return usageError("verify --web takes no bundle and no policy: choose them on the page")
	case *web:
		return serveVerifier(ctx, a, *webDir, *listen)
	case len(rest) == 0:
		return hinted(errors.New("verify: an argument is missing"), "%s", f.synopsis())
	}
	if err := v.fetch.check("verify"); err != nil {
		return err
	}
	if err := v.accept(*policyFile, keys, kept, *at); err != nil {
		return err
	}
	names, several, err := bundlesOf(rest)
	if err != nil {
		return err
	}
	if several {
		return v.all(ctx, names)
	}
	return v.one(ctx, names[0])
}

// accept reads what the bundles are judged by.
func (v *verifier) accept(policyFile string, keys trustedKeys, kept keptFlags, at string) (err error) {
	if policyFile == "" {
		return usageError("verify: --policy is missing: without Reference Values there is nothing to compare with")
	}
	if v.policy, err = readPolicy(policyFile); err != nil {
		return err
	}
	v.warn(v.policy)
	v.options = bundle.Options{AllowSimulated: simulatedAllowed, TrustedIssuer: keys.issuer}
	if v.options.TrustedJWKS, err = keys.read("verify"); err != nil {
		return err
	}
	if v.options.KeptKeys, v.options.CRLs, err = kept.read(); err != nil {
		return err
	}
	if at != "" {
		if v.options.At, err = time.Parse(time.RFC3339, at); err != nil {
			return usageError("verify: --at %.40q is not a time such as 2026-01-31T12:00:00Z", at)
		}
		if v.options.At.IsZero() { // which would mean the time that the receipt states
			return usageError("verify: --at %.40q is not a time at which anything was signed", at)
		}
	}
	return nil
}

// one verifies a single bundle and shows everything about it.
func (v *verifier) one(ctx context.Context, name string) error {
	r, err := v.verified(ctx, name)
	if err != nil {
		return err
	}
	if v.json {
		if err := v.app.json(r.Result); err != nil {
			return err
		}
	} else {
		v.printResult(r)
	}
	return told(attestation.ExitStatus(r.Checks))
}

// told is the error of a command that has shown its result.
func told(status int) error {
	if status == exitOK {
		return nil
	}
	return &exitError{status: status, err: errTold}
}

// A verifiedFile is the result on a bundle, with the records in it only if they are to
// be printed: there can be more of them than fit into memory.
type verifiedFile struct {
	*bundle.Result
	disclosed int                 // records whose check passed
	shown     []attestation.Check // of the first of these
}

// maxShown bounds how many checks of records are shown to a person, if they pass.
const maxShown = 20

func (v *verifier) verified(ctx context.Context, name string) (*verifiedFile, error) {
	if isURL(name) {
		data, err := v.fetch.get(ctx, name, bundle.MaxSize)
		if err != nil {
			return nil, err
		}
		return v.read(ctx, name, bytes.NewReader(data), int64(len(data)))
	}
	const hint = "\"notary export\" and \"notary session bundle\" write bundles"
	info, err := os.Stat(name)
	if err != nil {
		return nil, hinted(err, hint)
	}
	switch { // before it is opened, which for a pipe would wait for its writer
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory", name)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file with a length", name)
	case info.Size() == 0:
		return nil, hinted(errors.New(name+" is empty"), hint)
	case info.Size() > bundle.MaxFileSize:
		return nil, fmt.Errorf("%s has %d bytes; a bundle has at most %d", name, info.Size(), bundle.MaxFileSize)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return v.read(ctx, name, f, info.Size())
}

func (v *verifier) read(ctx context.Context, name string, r io.ReaderAt, size int64) (*verifiedFile, error) {
	out := new(verifiedFile)
	var err error
	if v.json {
		out.Result, err = v.readWhole(name, r, size)
		return out, err
	}
	out.Result, err = bundle.VerifyReader(r, size, v.policy, v.options, func(c attestation.Check, _ *bundle.Record) error {
		if c.Status == attestation.Pass {
			if out.disclosed++; len(out.shown) < maxShown {
				out.shown = append(out.shown, c)
			}
		}
		return ctx.Err()
	})
	return out, err
}

// readWhole is for JSON, which has all records.
func (v *verifier) readWhole(name string, r io.ReaderAt, size int64) (*bundle.Result, error) {
	if size > bundle.MaxSize {
		return nil, hinted(fmt.Errorf("%s has %d bytes, and JSON with its records is made of at most %d", name, size, bundle.MaxSize), "leave out --json")
	}
	data, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	return bundle.Verify(data, v.policy, v.options)
}

// warn tells what a policy leaves open.
func (a *app) warn(p *policy.Policy) {
	for _, w := range p.Warnings() {
		fmt.Fprintf(a.stderr, "notary: warning: %s\n", w)
	}
}

func (a *app) printResult(r *verifiedFile) {
	// Those of records stand where the result of one in memory has them: before what is
	// not about the bundle.
	checks := slices.Insert(slices.Clone(r.Checks), len(r.Checks)-1, r.shown...)
	a.printChecks(checks)
	if n := r.disclosed - len(r.shown); n > 0 {
		fmt.Fprintf(a.stdout, "  and %d further disclosed records, all of which pass\n", n)
	}
	fmt.Fprintf(a.stdout, "\nverdict: %s\n", a.mark(string(r.Verdict)))
	if m := r.Manifest; m != nil && r.Verdict == attestation.Verified {
		fmt.Fprintf(a.stdout, "part %d of session %s: %d leaves under root %s, sealed for %q\n",
			m.Part, short(m.Handle.String()), m.Leaves, short(m.Root.String()), m.Reason)
		fmt.Fprintln(a.stdout, "whether the session has other parts, and whether it was erased since, is not in a bundle")
	}
}
