package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/host/control"
)

// notary attests itself on simulated hardware and returns what its control
// interface shows, and a policy file that accepts it.
func notary(t *testing.T) (control.Evidence, string) {
	t.Helper()
	tee, err := simtee.New(simtee.Options{TestKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tee.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tee.Close() })
	dir := t.TempDir()
	if err := tee.WriteSecurityContext(dir); err != nil {
		t.Fatal(err)
	}
	keys, err := attester.GenerateKeys([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	digest := strings.Repeat("ab", 32)
	set := [32]byte{7}
	a, err := attester.New(attester.Options{
		Source: &evidence.Sidecar{URL: tee.SidecarURL(), SecurityContextDir: dir},
		MAA:    &maa.Client{URL: tee.MAAURL(), HTTP: tee.MAAHTTPClient()}, Issuer: tee.MAAURL(),
		Roots: snp.Roots{}.With(tee.ARK()), UVM: uvm.Options{TrustedDIDs: []string{tee.UVMDID()}}, AllowSimulated: true,
	}, keys, attester.Claims{
		Epoch: [16]byte{1}, PluginSet: set, Mode: runtimedata.ModeEnforce, Version: "0.1.0-test",
		Plugins: map[string]runtimedata.Plugin{
			"redact-pii": {Config: digest, Kind: runtimedata.KindRedactor, Limits: digest, Order: "1", Wasm: digest},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	at, err := a.Attest(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := tee.Policy(policy.Digest(set))
	if err != nil {
		t.Fatal(err)
	}
	text, err := simtee.MarshalPolicy(p)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return control.Evidence{
		RuntimeData: at.RuntimeData, Token: at.Token, JWKS: at.JWKS,
		Report: at.Evidence.Report, VCEKChain: at.Evidence.VCEKChain, UVM: at.Evidence.UVM, CCEPolicy: at.Evidence.CCEPolicy,
		TLSCertificate: string(keys.CertificatePEM()),
	}, name
}

func TestAppraise(t *testing.T) {
	good, policyFile := notary(t)
	other, err := attester.GenerateKeys([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(e *control.Evidence, o *options)
		want   string // of the error
	}{
		{"good", func(*control.Evidence, *options) {}, ""},
		{"simulated is not accepted unasked", func(_ *control.Evidence, o *options) { o.simulated = false }, "not acceptable: failed"},
		{"token has expired", func(_ *control.Evidence, o *options) { o.now = o.now.Add(24 * time.Hour) }, "not acceptable: failed"},
		{"certificate of somebody else", func(e *control.Evidence, _ *options) { e.TLSCertificate = string(other.CertificatePEM()) }, "another key than the attested one"},
		{"two certificates", func(e *control.Evidence, _ *options) { e.TLSCertificate += e.TLSCertificate }, "exactly one certificate"},
		{"another notary's runtime data", func(e *control.Evidence, _ *options) {
			e.RuntimeData = bytes.Replace(e.RuntimeData, []byte("0.1.0-test"), []byte("0.1.0-evil"), 1)
		}, "not acceptable: failed"},
		{"no report", func(e *control.Evidence, _ *options) { e.Report = nil }, "not acceptable: incomplete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, o := good, options{policy: policyFile, out: filepath.Join(t.TempDir(), "notary.pem"), simulated: true, now: time.Now()}
			c.change(&e, &o)
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v1/evidence" {
					http.NotFound(w, r)
					return
				}
				if err := json.NewEncoder(w).Encode(e); err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			o.control = server.URL
			err := run(t.Context(), o, new(bytes.Buffer))
			written, readErr := os.ReadFile(o.out)
			if c.want == "" {
				if block, _ := pem.Decode(written); err != nil || readErr != nil || block == nil {
					t.Errorf("error %v, written %q (%v)", err, written, readErr)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || readErr == nil {
				t.Errorf("error %v, want %q; certificate written: %v", err, c.want, readErr == nil)
			}
		})
	}
}
