package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/bundle"
)

const verifyUsage = `usage: notary verify --policy FILE [OPTIONS] BUNDLE
       notary verify --web [--web-dir DIR] [--listen ADDR]

Checks one session part's evidence, offline: no socket is opened. Every check is
shown as pass, fail or not-done with the reason, with the anchor of trust it rests
on. Long digests are cut for the eye; --json has them whole. The verdict is
"verified" only if nothing failed and every required check passed.

OPTIONS
  --policy FILE   the relying party's Reference Values
  --jwks FILE     a key set of the MAA instance that you trust, if the policy pins
                  none; the one inside a bundle is never trusted
  --issuer URL    whose keys these are, if the policy has several issuers without
                  pinned keys
  --at TIME       appraise as of this time (RFC 3339); the default is the time of
                  sealing that the receipt states
  --json          print the result as JSON
  --web           serve the same verifier as a page for a browser on this machine; bundles
                  stay in the browser
  --web-dir DIR   where "make web" has put the page (default: web, beside this program)
  --listen ADDR   where the page is served (default 127.0.0.1:8080)

EXAMPLES
  notary verify --policy policy.yaml session.bundle
  notary verify --policy policy.yaml --jwks maa-2026.jwks.json session.bundle
  notary verify --policy policy.yaml --json session.bundle | jq .verdict
  notary verify --web

` + verifyingStatus

var verifyCommand = command{name: "verify", brief: "checks a session's evidence bundle offline", usage: verifyUsage, run: verify}

func verify(ctx context.Context, a *app, args []string) error {
	f := a.flags("verify", verifyUsage)
	policyFile := f.String("policy", "", "")
	var keys trustedKeys
	keys.flags(f)
	at := f.String("at", "", "")
	asJSON := f.Bool("json", false, "")
	web := f.Bool("web", false, "")
	webDir := f.String("web-dir", "", "")
	listen := f.String("listen", "127.0.0.1:8080", "")
	rest, err := parse(f, args, 0, 1)
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
	if *policyFile == "" {
		return usageError("verify: --policy is missing: without Reference Values there is nothing to compare with")
	}
	p, err := readPolicy(*policyFile)
	if err != nil {
		return err
	}
	a.warn(p)
	o := bundle.Options{AllowSimulated: simulatedAllowed, TrustedIssuer: keys.issuer}
	if o.TrustedJWKS, err = keys.read("verify"); err != nil {
		return err
	}
	if *at != "" {
		if o.At, err = time.Parse(time.RFC3339, *at); err != nil {
			return usageError("verify: --at %.40q is not a time such as 2026-01-31T12:00:00Z", *at)
		}
	}
	data, err := readBundle(rest[0])
	if err != nil {
		return err
	}
	result, err := bundle.Verify(data, p, o)
	if err != nil {
		return err
	}
	if *asJSON {
		if err := a.json(result); err != nil {
			return err
		}
	} else {
		a.printResult(result)
	}
	if status := attestation.ExitStatus(result.Checks); status != attestation.ExitVerified {
		return &exitError{status: status, err: errTold}
	}
	return nil
}

// warn tells what a policy leaves open.
func (a *app) warn(p *policy.Policy) {
	for _, w := range p.Warnings() {
		fmt.Fprintf(a.stderr, "notary: warning: %s\n", w)
	}
}

func readBundle(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > bundle.MaxSize {
		return nil, fmt.Errorf("%s has %d bytes; a bundle has at most %d", name, info.Size(), bundle.MaxSize)
	}
	data, err := os.ReadFile(name)
	if err == nil && len(data) == 0 {
		err = errors.New(name + " is empty")
	}
	return data, err
}

func (a *app) printResult(r *bundle.Result) {
	var t table
	for _, c := range r.Checks {
		name := c.Name
		if !c.Required {
			name += " " + a.paint(dim, "(optional)")
		}
		detail := shortDigests(c.Detail)
		if c.Anchor != "" {
			detail += a.paint(dim, " [anchor: "+shortDigests(c.Anchor)+"]")
		}
		t.row(a.mark(string(c.Status)), name, detail)
	}
	t.print(a.stdout)
	fmt.Fprintf(a.stdout, "\nverdict: %s\n", a.mark(string(r.Verdict)))
	if m := r.Manifest; m != nil && r.Verdict == attestation.Verified {
		fmt.Fprintf(a.stdout, "part %d of session %s: %d leaves under root %s, sealed for %q\n",
			m.Part, short(m.Handle.String()), m.Leaves, short(m.Root.String()), m.Reason)
	}
}
