// Command appraise is a relying party: it fetches the Evidence of a notary,
// appraises it by a policy, and writes the notary's TLS certificate only if the
// notary is acceptable. See README.md.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
)

// shown is the answer of GET /v1/evidence.
type shown struct {
	RuntimeData    []byte `json:"runtime_data"`
	Token          string `json:"maa_token"`
	JWKS           []byte `json:"maa_jwks"`
	Report         []byte `json:"report"`
	VCEKChain      []byte `json:"vcek_chain"`
	UVM            []byte `json:"uvm"`
	CCEPolicy      []byte `json:"cce_policy"`
	TLSCertificate string `json:"tls_certificate"`
}

type options struct {
	control, policy, jwks, out string
	simulated                  bool
	now                        time.Time
}

func main() {
	o := options{now: time.Now()}
	flag.StringVar(&o.control, "control", "https://127.0.0.1:8443", "URL of the notary's control interface")
	flag.StringVar(&o.policy, "policy", "policy.yaml", "your Reference Values")
	flag.StringVar(&o.jwks, "jwks", "", "key set of the MAA instance, if the policy pins none")
	flag.StringVar(&o.out, "o", "notary.pem", "where the notary's certificate goes")
	flag.BoolVar(&o.simulated, "simulated", false, "accept a policy that trusts a simulator (development only)")
	flag.Parse()
	if err := run(context.Background(), o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "appraise: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	text, err := os.ReadFile(o.policy)
	if err != nil {
		return err
	}
	p, err := policy.Parse(text)
	if err != nil {
		return err
	}
	var jwks []byte
	if o.jwks != "" {
		if jwks, err = os.ReadFile(o.jwks); err != nil {
			return err
		}
	}
	e, err := fetch(ctx, o.control)
	if err != nil {
		return err
	}
	checks := attestation.Appraise(p, attestation.Input{
		RuntimeData: e.RuntimeData, Token: e.Token, BundledJWKS: e.JWKS, TrustedJWKS: jwks,
		Evidence: evidence.Evidence{Report: e.Report, VCEKChain: e.VCEKChain, UVM: e.UVM, CCEPolicy: e.CCEPolicy},
		At:       o.now, AllowSimulated: o.simulated,
	})
	for _, c := range checks {
		fmt.Fprintf(out, "%-8s  %-17s  %s\n", c.Status, c.Name, c.Detail)
	}
	if v := attestation.Verdict(checks); v != attestation.Verified {
		return fmt.Errorf("the notary is not acceptable: %s", v)
	}
	if err := attested(e); err != nil {
		return err
	}
	return os.WriteFile(o.out, []byte(e.TLSCertificate), 0o644)
}

// fetch gets the Evidence. The channel needs no trust: what comes through it is
// signed, and names the one TLS key that the notary serves with.
func fetch(ctx context.Context, control string) (*shown, error) {
	client := &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, control+"/v1/evidence", nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", req.URL.Path, resp.Status)
	}
	e := new(shown)
	return e, json.NewDecoder(io.LimitReader(resp.Body, 8<<20)).Decode(e)
}

// attested checks that the certificate holds the key of the appraised runtime
// data. Evidence can be copied by anybody; the key cannot, so a TLS handshake
// with this certificate is the proof of possession.
func attested(e *shown) error {
	rd, err := runtimedata.Parse(e.RuntimeData)
	if err != nil {
		return err
	}
	block, rest := pem.Decode([]byte(e.TLSCertificate))
	if block == nil || len(rest) != 0 {
		return errors.New("the notary did not show exactly one certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if spki := sha256.Sum256(cert.RawSubjectPublicKeyInfo); hex.EncodeToString(spki[:]) != rd.Notary.TLSSPKI {
		return errors.New("the certificate has another key than the attested one")
	}
	return nil
}
