package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/challenge"
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

// A notary is the part of one that can be appraised, on simulated hardware.
type notary struct {
	control.Notary // has no sessions: nothing here asks for one
	attester       *attester.Attester
	keys           *attester.Keys
	tee            *simtee.TEE
}

func (n *notary) Attestation() *attester.Attestation { return n.attester.Current() }

func (n *notary) Answer(ctx context.Context, nonce []byte, exporter [challenge.ExporterSize]byte) (*challenge.Answer, error) {
	return n.attester.Answer(ctx, nonce, exporter)
}

var pluginSet = [32]byte{7}

func attested(t *testing.T) *notary {
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
	n := &notary{tee: tee, keys: newKeys(t)}
	digest := strings.Repeat("ab", 32)
	n.attester, err = attester.New(attester.Options{
		Source: &evidence.Sidecar{URL: tee.SidecarURL(), SecurityContextDir: dir},
		MAA:    &maa.Client{URL: tee.MAAURL(), HTTP: tee.MAAHTTPClient()}, Issuer: tee.MAAURL(),
		Roots: snp.Roots{}.With(tee.ARK()), UVM: uvm.Options{TrustedDIDs: []string{tee.UVMDID()}}, AllowSimulated: true,
	}, n.keys, attester.Claims{
		Epoch: [16]byte{1}, PluginSet: pluginSet, Mode: runtimedata.ModeEnforce, Version: "0.1.0-test",
		Plugins: map[string]runtimedata.Plugin{
			"redact-pii": {Config: digest, Kind: runtimedata.KindRedactor, Limits: digest, Order: "1", Wasm: digest},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.attester.Attest(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return n
}

func newKeys(t *testing.T) *attester.Keys {
	t.Helper()
	k, err := attester.GenerateKeys([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// serve runs the control interface with the TLS key of keys and returns its URL.
func (n *notary) serve(t *testing.T, keys *attester.Keys) string {
	t.Helper()
	s, err := control.New(control.Options{Notary: n, Certificate: keys.TLS, OTLPCertificate: keys.CertificatePEM()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "https://" + l.Addr().String()
}

// policyFile writes a policy that accepts the notary with this plugin set.
func (n *notary) policyFile(t *testing.T, set [32]byte) string {
	t.Helper()
	p, err := n.tee.Policy(policy.Digest(set))
	if err != nil {
		t.Fatal(err)
	}
	text, err := simtee.MarshalPolicy(p)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAppraise(t *testing.T) {
	n := attested(t)
	genuine, impostor := n.serve(t, n.keys), n.serve(t, newKeys(t))
	for _, c := range []struct {
		name      string
		control   string
		set       [32]byte
		simulated bool
		want      string // of the error
	}{
		{"good", genuine, pluginSet, true, ""},
		{"simulated is not accepted unasked", genuine, pluginSet, false, "not acceptable: failed"},
		{"another redactor", genuine, [32]byte{8}, true, "not acceptable: failed"},
		{"copied Evidence under another TLS key", impostor, pluginSet, true, "the runtime data names"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options{
				control: c.control, policy: n.policyFile(t, c.set), simulated: c.simulated,
				out: filepath.Join(t.TempDir(), "notary.pem"),
			}
			err := run(t.Context(), o, new(bytes.Buffer))
			written, readErr := os.ReadFile(o.out)
			if c.want == "" {
				block, rest := pem.Decode(written)
				if err != nil || readErr != nil || block == nil || len(rest) != 0 {
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
