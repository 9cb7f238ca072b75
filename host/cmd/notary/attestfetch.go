package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
)

const attestFetchUsage = `usage: notary attest fetch [OPTIONS] URL

Challenges the notary whose control interface is at URL (https://host:port): it sends
a random nonce and checks that the fresh SNP report binds it, that the peer of this
very TLS connection has the keys of the runtime data, and, with a policy, that the
Evidence and the fresh report are acceptable. Without a policy nothing says whose
notary it is, and the verdict is incomplete.

With -o the Evidence is kept, each part in its native format, for "notary attest
verify", "notary attest show" and "notary policy init". With a policy that accepts
it, notary.pem is there as well: the certificate to give to any OpenTelemetry SDK.

OPTIONS
  --policy FILE        Reference Values, see "notary policy"; its former name
                       --policy-file is still taken
  --jwks FILE          key set of the MAA instance that you trust, if the policy pins
                       none
  --issuer URL         whose keys these are, if the policy has several issuers
                       without pinned keys
  --crl FILE           revocation list of AMD, DER or PEM (repeatable)
  -o DIR               where the parts go; it must be empty or not exist, and nothing is
                       written for a notary that a given policy does not accept
  --json               print the result as JSON

EXAMPLES
  notary attest fetch --policy policy.yaml https://notary.example:8443
  notary attest fetch --policy policy.yaml -o evidence https://notary.example:8443
  export OTEL_EXPORTER_OTLP_CERTIFICATE=$PWD/evidence/notary.pem

` + verifyingStatus

func attestFetch(ctx context.Context, a *app, args []string) error {
	f := a.flags("attest fetch", attestFetchUsage)
	var policyFile string
	f.policy(&policyFile)
	var keys trustedKeys
	keys.flags(f)
	out := f.String("o", "", "")
	asJSON := f.Bool("json", false, "")
	o := challenge.Options{AllowSimulated: simulatedAllowed}
	f.Func("crl", "", func(name string) error {
		b, err := readFile(name, maxPart)
		o.CRLs = append(o.CRLs, b)
		return err
	})
	rest, err := parse(f, args, 1, 1)
	if err != nil {
		return err
	}
	o.TrustedIssuer = keys.issuer
	if o.TrustedJWKS, err = keys.read("attest fetch"); err != nil {
		return err
	}
	if err := emptyDir(*out); err != nil {
		return err
	}
	result := func(p *challenge.Proof) *appraised { return answeredOnly(p) }
	if policyFile != "" {
		pol, err := readPolicy(policyFile)
		if err != nil {
			return err
		}
		result = func(p *challenge.Proof) *appraised { return newAppraised(p.At, p.Appraise(pol, o)) }
	}
	proof, err := fetchProof(ctx, rest[0])
	if err != nil {
		return err
	}
	r := result(proof)
	if wanted := r.Status == exitOK || policyFile == ""; *out != "" && wanted {
		if err := keep(proof, *out, policyFile != ""); err != nil {
			return err
		}
		r.Notes = append(r.Notes, "the parts are in "+*out)
	}
	return a.report(r, *asJSON)
}

// answeredOnly is the result without a policy: the challenge is answered, and by whom
// is an open question.
func answeredOnly(p *challenge.Proof) *appraised {
	return newAppraised(p.At, []attestation.Check{
		{Name: challenge.CheckPossession, Required: true, Status: attestation.Pass, Detail: "the peer answered a fresh nonce with the keys of the runtime data"},
		{Name: challenge.CheckReport, Required: true, Status: attestation.NotDone, Detail: "its fresh report binds the nonce; no policy is given, so whose hardware and code it is was not asked"},
	}, "nothing was compared with a policy: do not send data there for this")
}

// emptyDir refuses a directory in which old parts would stand beside new ones.
func emptyDir(dir string) error {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return hinted(fmt.Errorf("%s is not empty", dir), "give -o a new directory")
	}
	return nil
}

func keep(p *challenge.Proof, dir string, verified bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := map[string][]byte{}
	for name, slot := range partsOf(&p.Document).slots() {
		files[name] = *slot
	}
	answer, err := json.MarshalIndent(p.Answer, "", "  ")
	if err != nil {
		return err
	}
	files["challenge.json"] = append(answer, '\n')
	if verified {
		files["notary.pem"] = []byte(p.TLSCertificate)
	}
	for name, data := range files {
		if len(data) == 0 {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
