package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/policy/azure"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

const policyUsage = `usage: notary policy init  --from-evidence DIR|FILE|URL [OPTIONS]
       notary policy check [--json] FILE
       notary policy maa     [-o FILE] FILE
       notary policy release [-o FILE] FILE

A policy is what a relying party accepts as a notary: its Reference Values.

  init    writes a first policy that accepts the notary whose Evidence is given, with
          a comment at each key. The Evidence must be true; that it is of the right
          notary only you can say: compare the digests with what the operator published
  check   reads a policy, and says in words what it demands and leaves open
  maa     writes the policy for an instance of Azure Attestation (version 1.2), which
          then gives tokens to notaries with an accepted plugin set only
  release writes the release policy of a key in Key Vault or Managed HSM: it is released
          to a notary with an accepted plugin set, and to nobody else. What of the policy
          "maa" and "release" cannot ask is said on standard error

Evidence is a directory made by "notary attest fetch", an evidence bundle, a saved
answer of /v1/evidence, or the URL of a notary's control interface, which is then
challenged.

OPTIONS
  --from-evidence X   init: the Evidence
  --jwks FILE         init: the key set of its MAA instance, obtained from the instance
                      itself; without it the policy goes without MAA
  --at TIME           init: judge the Evidence as of this time (RFC 3339); the default
                      is now
  --simulated         init: the Evidence is of a simulator (development builds only)
  -o FILE             where the policy goes, by default standard output; an existing
                      file is refused
  --json              check: print JSON

EXAMPLES
  notary attest fetch -o evidence https://notary.example:8443
  notary policy init --from-evidence evidence -o policy.yaml
  notary policy check policy.yaml
  notary policy release -o release.json policy.yaml
  notary attest verify --policy policy.yaml evidence

EXIT STATUS
  0  done; for check: the policy can be used (it may still have warnings)
  1  usage, the policy cannot be used, or something could not be read or written
  2  init: the Evidence is false or not fit to make a policy of
`

var policyCommand = command{name: "policy", brief: "makes and explains policies of relying parties", usage: policyUsage, run: runPolicy}

// policyOptions are the flags of both verbs.
type policyOptions struct {
	from, jwks, at, out string
	simulated, json     bool
}

func runPolicy(ctx context.Context, a *app, args []string) error {
	f := a.flags("policy", policyUsage)
	var o policyOptions
	f.StringVar(&o.from, "from-evidence", "", "")
	f.StringVar(&o.jwks, "jwks", "", "")
	f.StringVar(&o.at, "at", "", "")
	f.StringVar(&o.out, "o", "", "")
	f.BoolVar(&o.simulated, "simulated", false, "")
	f.BoolVar(&o.json, "json", false, "")
	rest, err := parse(f, args, 1, 2)
	if err != nil {
		return err
	}
	switch {
	case rest[0] == "init" && len(rest) == 1 && o.from != "":
		return policyInit(ctx, a, &o)
	case rest[0] == "init":
		return usageError("policy init: --from-evidence is missing, or there is an argument too many")
	case rest[0] == "check" && len(rest) == 2:
		return policyCheck(a, rest[1], o.json)
	case rest[0] == "maa" && len(rest) == 2:
		return policyAzure(a, rest[1], o.out, azure.MAAPolicy, maaNote)
	case rest[0] == "release" && len(rest) == 2:
		return policyAzure(a, rest[1], o.out, azure.ReleasePolicy, nil)
	}
	return usageError("policy: want \"policy init --from-evidence X\", or check, maa or release with a FILE")
}

func policyCheck(a *app, name string, asJSON bool) error {
	p, err := readPolicy(name)
	if err != nil {
		return err
	}
	if asJSON {
		return a.json(map[string]any{"explanation": p.Explain(), "warnings": append([]string{}, p.Warnings()...)})
	}
	fmt.Fprintf(a.stdout, "%s can be used\n\n", name)
	for _, line := range p.Explain() {
		fmt.Fprintln(a.stdout, "  "+line)
	}
	return nil
}

func policyInit(ctx context.Context, a *app, o *policyOptions) error {
	seen, notes, err := observe(ctx, o)
	if err != nil {
		return err
	}
	p, err := policy.FromEvidence(*seen)
	if err != nil {
		return &exitError{status: exitFalse, err: err, hint: hintOfEvidence(o)}
	}
	text, err := p.YAML()
	if err != nil {
		return err
	}
	if err := a.output(o.out, text); err != nil {
		return err
	}
	for _, n := range append(notes, p.Warnings()...) {
		fmt.Fprintf(a.stderr, "notary: warning: %s\n", n)
	}
	return nil
}

func hintOfEvidence(o *policyOptions) string {
	hint := "\"notary attest verify\" and \"notary attest show\" say what the Evidence is"
	if simulatedAllowed && !o.simulated {
		hint += "; if it is a simulator's, say --simulated"
	}
	return hint
}

// observe reads the Evidence. A token counts only under a key set that was given.
func observe(ctx context.Context, o *policyOptions) (*policy.Observed, []string, error) {
	var p *parts
	var err error
	if isURL(o.from) {
		proof, ferr := fetchProof(ctx, o.from)
		if ferr != nil {
			return nil, nil, ferr
		}
		p = partsOf(&proof.Document)
	} else if p, err = readParts(o.from); err != nil {
		return nil, nil, err
	}
	seen := &policy.Observed{RuntimeData: p.runtimeData, Evidence: p.Evidence}
	if seen.At, err = timeFlag("policy init", o.at); err != nil {
		return nil, nil, err
	}
	if len(p.runtimeData) == 0 {
		return nil, nil, hinted(errors.New("the Evidence has no runtime data, so there is no notary to make a policy for"),
			"for other Evidence write a policy by hand; the documentation has an annotated one")
	}
	if o.simulated {
		seen.Simulated, err = simulatedAnchors(p)
		return seen, nil, err
	}
	if o.jwks == "" {
		return seen, []string{"no --jwks is given, so the policy goes without MAA: it asks for the hardware path only"}, nil
	}
	seen.Claims, seen.JWKS, err = tokenOf(p, o.jwks, seen.At)
	return seen, nil, err
}

func tokenOf(p *parts, jwksFile string, at time.Time) (*maa.Claims, []byte, error) {
	jwks, err := readFile(jwksFile, maa.MaxKeySetSize)
	if err != nil {
		return nil, nil, hinted(err, "the key set is what the MAA instance itself serves at https://…/certs; without --jwks the policy goes without MAA")
	}
	keys, err := maa.ParseKeySet(jwks)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", jwksFile, err)
	}
	token := string(bytes.TrimSpace(p.token))
	c, err := maa.VerifyToken(token, keys, maa.TokenOptions{Issuer: issuerOf(token), At: at, Leeway: maa.MaxLeeway})
	if err != nil {
		return nil, nil, &exitError{status: exitFalse, err: fmt.Errorf("the MAA token: %w", err), hint: "without --jwks the policy goes without MAA"}
	}
	return c, jwks, nil
}

// simulatedAnchors takes a simulator's anchors from its own Evidence. That is no
// trust, and for a simulator there is none to be had.
func simulatedAnchors(p *parts) (*policy.Simulated, error) {
	if !simulatedAllowed {
		return nil, hinted(errors.New("this is a release build, which makes no policies for simulators"), "use a development build")
	}
	chain, err := snp.ParseChain(p.VCEKChain)
	if err != nil {
		return nil, err
	}
	e, err := uvm.Parse(p.UVM)
	if err != nil {
		return nil, err
	}
	return &policy.Simulated{
		ARK:    string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain.ARK.Raw})),
		UVMDID: e.Issuer, Issuer: issuerOf(string(bytes.TrimSpace(p.token))), JWKS: string(p.jwks),
	}, nil
}

// output writes a new file, or to standard output.
func (a *app) output(name string, data []byte) error {
	if name == "" {
		_, err := a.stdout.Write(data)
		return err
	}
	if _, err := os.Stat(name); err == nil {
		return hinted(fmt.Errorf("%s exists", name), "give -o another name, or remove the file")
	}
	return writeNew(name, data, 0o644)
}
