package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
)

// reference is a policy that accepts whatever runs on the machine's hardware.
func (m *machine) reference(t testing.TB) *policy.Policy {
	t.Helper()
	text, err := m.tee.PolicyYAML()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// boot starts a notary and challenges it as a relying party does.
func (m *machine) boot(t testing.TB) (*process, *challenge.Proof, *runtimedata.RuntimeData) {
	t.Helper()
	p := m.start(t)
	proof, err := challenge.Fetch(context.Background(), "https://"+p.ready.Control)
	if err != nil {
		t.Fatal(err)
	}
	checks := proof.Appraise(m.reference(t), challenge.Options{AllowSimulated: true})
	if v := attestation.Verdict(checks); v != attestation.Verified {
		t.Fatalf("verdict %s: %+v", v, checks)
	}
	d, err := runtimedata.Parse(proof.RuntimeData)
	if err != nil {
		t.Fatal(err)
	}
	return p, proof, d
}

// T24: each start of a notary has keys and an epoch of its own, after an orderly
// stop as after a crash, and what was learnt about an earlier one is worth nothing
// with the next.
func TestT24EveryBootHasItsOwnKeys(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	seen := map[string]string{}
	var before *challenge.Proof
	for _, end := range []string{"stopped", "killed", "last"} {
		p, proof, d := m.boot(t)
		for what, value := range map[string]string{
			"epoch": d.Notary.Epoch, "signing key": d.Notary.SigningKey, "TLS key": d.Notary.TLSSPKI,
			"transport key": d.Keys[0].N, "REPORT_DATA": string(proof.Report[0x50:0x90]), "token": proof.Token,
		} {
			if earlier, again := seen[value]; again {
				t.Errorf("%s: has the %s of the boot that was %s", end, what, earlier)
			}
			seen[value] = end
		}
		if before != nil {
			conn, err := tls.Dial("tcp", p.ready.Control, before.TLSConfig())
			if !errors.Is(err, challenge.ErrConnection) {
				t.Errorf("%s: a connection pinned to the boot before: %v %v, want ErrConnection", end, conn, err)
			}
			if conn, err = tls.Dial("tcp", p.ready.Control, proof.TLSConfig()); err != nil {
				t.Errorf("%s: a connection pinned to this boot: %v", end, err)
			} else {
				conn.Close()
			}
			// The Evidence and token of the boot before, over the runtime data of this one.
			in := before.Input()
			in.RuntimeData, in.At, in.AllowSimulated = proof.RuntimeData, proof.At, true
			if status := attestation.ExitStatus(attestation.Appraise(m.reference(t), in)); status != attestation.ExitFalse {
				t.Errorf("%s: old Evidence for the new keys: exit status %d", end, status)
			}
		}
		before = proof
		if end == "killed" {
			p.kill()
		} else {
			p.stop(t)
		}
	}
}

// T07: what the host puts into the environment reaches neither whom TLS trusts nor
// what is measured: the notary starts on broken values as on none, with the same
// configuration in its runtime data. Nor does it have libraries tell what senders send.
func TestT07HostsEnvironment(t *testing.T) {
	hostile := []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}
	m := newMachine(t, setting{})
	p, _, clean := m.boot(t)
	p.stop(t)
	for _, name := range hostile {
		t.Setenv(name, "http://127.0.0.1:1/nothing")
	}
	t.Setenv("GODEBUG", "tlsrsakex=1,tls10server=1,x509sha1=1,rsa1024min=0")
	t.Setenv("GOTRACEBACK", "crash")
	t.Setenv("GRPC_GO_LOG_SEVERITY_LEVEL", "info")
	t.Setenv("GRPC_GO_LOG_VERBOSITY_LEVEL", "99")
	p, _, got := m.boot(t)
	if got.Notary.Config != clean.Notary.Config || got.Notary.PluginSet != clean.Notary.PluginSet || got.Notary.Recipients != clean.Notary.Recipients {
		t.Errorf("measured under a hostile environment: %+v, want %+v", got.Notary, clean.Notary)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+p.ready.OTLP+"/a/b", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Told-Bin", "ann@example.org") // not base64, which gRPC tells its log of
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if answer, err := client.Do(r); err == nil {
		answer.Body.Close()
	}
	p.stop(t)
	if text := p.stdout.String() + p.stderr.String(); strings.Contains(text, "ann@example.org") || strings.Contains(text, "[transport]") {
		t.Errorf("a library tells of a request:\n%s", text)
	}
	ignoreEnvironment()
	for _, name := range hostile {
		if value, has := os.LookupEnv(name); has {
			t.Errorf("%s is still %q", name, value)
		}
	}
}
