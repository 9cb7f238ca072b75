package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/sdk/bundle"
)

// maxPart bounds a file with one part of Evidence; a key set of MAA has 100 KB.
const maxPart = 8 << 20

// parts is one notary's Evidence, or anybody's, as files hold it.
type parts struct {
	runtimeData, token, jwks []byte
	evidence.Evidence
}

// slots names the parts as an evidence bundle does.
func (p *parts) slots() map[string]*[]byte {
	return map[string]*[]byte{
		"runtime-data.json": &p.runtimeData, "maa.jwt": &p.token, "maa-jwks.json": &p.jwks,
		"report.bin": &p.Report, "vcek-chain.pem": &p.VCEKChain, "uvm.cose": &p.UVM, "cce-policy.rego": &p.CCEPolicy,
	}
}

func (p *parts) input() attestation.Input {
	return attestation.Input{
		RuntimeData: p.runtimeData, Token: string(bytes.TrimSpace(p.token)), BundledJWKS: p.jwks, Evidence: p.Evidence,
	}
}

// readParts reads a directory with files named as in a bundle, an evidence bundle,
// or the JSON of GET /v1/evidence.
func readParts(name string) (*parts, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, hinted(err, "\"notary attest fetch -o DIR URL\" gets a notary's Evidence")
	}
	if info.IsDir() {
		return readPartsDir(name)
	}
	data, err := readFile(name, bundle.MaxSize)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte("PK")) {
		b, err := bundle.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return partsOfBundle(&b.Sealer), nil
	}
	var d challenge.Document
	if err := json.Unmarshal(data, &d); err != nil || len(d.RuntimeData) == 0 {
		return nil, hinted(fmt.Errorf("%s is neither a bundle nor the JSON of /v1/evidence", name),
			"give single files as --report, --certs and so on, or a directory made by \"notary attest fetch\"")
	}
	return partsOf(&d), nil
}

func partsOfBundle(a *bundle.Attestation) *parts {
	return &parts{
		runtimeData: a.RuntimeData, token: a.Token, jwks: a.JWKS,
		Evidence: evidence.Evidence{Report: a.Report, VCEKChain: a.VCEKChain, UVM: a.UVM, CCEPolicy: a.CCEPolicy},
	}
}

func partsOf(d *challenge.Document) *parts {
	return &parts{
		runtimeData: d.RuntimeData, token: []byte(d.Token), jwks: d.JWKS,
		Evidence: evidence.Evidence{Report: d.Report, VCEKChain: d.VCEKChain, UVM: d.UVM, CCEPolicy: d.CCEPolicy},
	}
}

func readPartsDir(dir string) (*parts, error) {
	p, found := new(parts), false
	for name, slot := range p.slots() {
		data, err := readFile(filepath.Join(dir, name), maxPart)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		*slot, found = data, true
	}
	if !found {
		return nil, hinted(fmt.Errorf("%s has no part of Evidence", dir), "the files are named as in a bundle: report.bin, vcek-chain.pem, uvm.cose, …")
	}
	return p, nil
}

// readFile reads a file of at most limit bytes that is not empty.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s has more than %d bytes", name, limit)
	case len(data) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	}
	return data, nil
}

// decoded takes off the base64 of ACI's security context files and the hex of the
// sidecar. What is neither stays as it is.
func decoded(b []byte) []byte {
	text := bytes.TrimSpace(b)
	if len(text) == 2*snp.ReportSize {
		if raw, err := hex.DecodeString(string(text)); err == nil {
			return raw
		}
	}
	if raw, err := base64.StdEncoding.DecodeString(string(text)); err == nil && len(raw) > 0 {
		return raw
	}
	return b
}

// chainOf reads certificates as PEM or as Azure's THIM JSON.
func chainOf(b []byte) ([]byte, error) {
	if b = decoded(b); bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		return evidence.ParseTHIM(b)
	}
	return b, nil
}

// trustedKeys are the flags --jwks and --issuer: MAA's keys that the caller vouches for.
type trustedKeys struct{ file, issuer string }

func (k *trustedKeys) flags(f *options) {
	f.StringVar(&k.file, "jwks", "", "")
	f.StringVar(&k.issuer, "issuer", "", "")
}

// read returns the key set, nil if none is given.
func (k *trustedKeys) read(command string) ([]byte, error) {
	switch {
	case k.file != "":
		return readFile(k.file, maxPart)
	case k.issuer != "":
		return nil, usageError("%s: --issuer says whose keys --jwks has, and there is no --jwks", command)
	}
	return nil, nil
}

func readPolicy(name string) (*policy.Policy, error) {
	const hint = "\"notary policy init\" makes a policy to begin with, from what \"notary attest fetch\" got"
	text, err := readFile(name, policy.MaxSize)
	if err != nil {
		return nil, hinted(err, hint)
	}
	p, err := policy.Parse(text)
	if err != nil {
		return nil, hinted(fmt.Errorf("%s: %w", name, err), hint)
	}
	return p, nil
}
