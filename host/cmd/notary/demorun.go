//go:build simtee

package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/sdk/journal"
)

// prepare makes what an operator has before the first start: a machine, keys,
// a configuration; and what a relying party has: a policy.
func (d *demo) prepare(ctx context.Context) error {
	d.title("A SIMULATED TEE, its attestation sidecar and its attestation service")
	var err error
	if d.tee, err = simtee.New(simtee.Options{Dir: d.path("tee")}); err != nil {
		return err
	}
	if err := d.tee.Start(ctx); err != nil {
		return err
	}
	if err := d.tee.WriteSecurityContext(d.path("security-context")); err != nil {
		return err
	}
	d.say("product %s, sidecar %s, service %s", d.tee.Product(), d.tee.SidecarURL(), d.tee.MAAURL())
	d.say("everything is kept in %s", d.dir)

	identity, err := journal.GenerateIdentity()
	if err != nil {
		return err
	}
	private, err := identity.PEM()
	if err != nil {
		return err
	}
	d.apiKey, d.operator = control.GenerateToken(), control.GenerateToken()
	return errors.Join(
		os.WriteFile(d.path("recipient.pem"), private, 0o600),
		os.WriteFile(d.path("recipient.pub.pem"), identity.Recipient().PEM(), 0o644),
		d.writeConfig(),
	)
}

func (d *demo) writeConfig() error {
	peers, err := d.tee.PolicyYAML()
	if err != nil {
		return err
	}
	var plugins strings.Builder
	for _, p := range []struct{ name, kind string }{{"redact-pii", "redactor"}, {"store-dir", "storage"}} {
		path, err := filepath.Abs(filepath.Join(d.plugins, p.name+".wasm"))
		if err != nil {
			return err
		}
		module, err := os.ReadFile(path)
		if err != nil {
			return hinted(err, "run \"make plugins\", or say with --plugins where they are")
		}
		fmt.Fprintf(&plugins, "  - {name: %s, kind: %s, wasm: %q, sha256: %x}\n", p.name, p.kind, path, sha256.Sum256(module))
	}
	config := fmt.Sprintf(`# Configuration of the demo, on SIMULATED hardware.
version: 1
listen: {otlp: "127.0.0.1:0", otlp_http: "127.0.0.1:0", control: "127.0.0.1:0"}
attestation:
  sidecar_url: %s
  security_context_dir: security-context
  maa_url: %s
  policy: |
%s
  maa_ca: |
%s
plugins:
%srecipients: [{file: recipient.pub.pem}]
tenants: [{name: demo, api_key_hashes: [%x]}]
operators: [{name: demo, roles: [operator], token_hash: %x}]
log: {origin: example.org/notary-demo}
`, d.tee.SidecarURL(), d.tee.MAAURL(), indent(peers), indent(d.tee.MAACertificate()), plugins.String(),
		ingest.HashKey(d.apiKey), control.HashToken(d.operator))
	return os.WriteFile(d.path("notary.yaml"), []byte(config), 0o600)
}

func indent(text []byte) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(string(text), "\n"), "\n", "\n    ")
}

// startNotary runs "notary serve" as a process of its own and appraises it
// before anything is sent.
func (d *demo) startNotary(ctx context.Context) error {
	d.title("Start-up of the notary")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	readyFile := d.path("ready.json")
	os.Remove(readyFile)
	d.child = exec.Command(self, "serve", "--config", d.path("notary.yaml"), "--ready-file", readyFile)
	d.child.Stdout = d.stdout
	logFile, err := os.Create(d.path("serve.log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	d.child.Stderr = logFile
	if err := d.child.Start(); err != nil {
		d.child = nil
		return err
	}
	d.exited = make(chan error, 1)
	child := d.child
	go func() {
		err := child.Wait()
		if !d.closing.Load() { // it died: whatever waits for it need not
			d.cancel(fmt.Errorf("notary serve ended while it was needed: %w; see %s", err, logFile.Name()))
		}
		d.exited <- err
	}()
	for {
		if b, err := os.ReadFile(readyFile); err == nil && json.Unmarshal(b, &d.addr) == nil {
			return d.appraise(ctx)
		}
		select {
		case err := <-d.exited:
			d.child = nil
			why, _ := os.ReadFile(logFile.Name())
			return fmt.Errorf("notary serve ended early: %w: %s", err, why)
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// appraise is what a relying party does before it sends: get the Evidence, check
// it by its own policy, and from then on trust the one TLS key that is attested.
func (d *demo) appraise(ctx context.Context) error {
	d.title("Appraisal by the sender, before the first byte is sent")
	var e control.Evidence
	// Evidence needs no secure channel: it is signed, and names the TLS key.
	anybody := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if err := d.get(ctx, anybody, "", "/v1/evidence", &e); err != nil {
		return err
	}
	rd, err := runtimedata.Parse(e.RuntimeData)
	if err != nil {
		return err
	}
	var set policy.Digest
	if err := set.UnmarshalText([]byte(rd.Notary.PluginSet)); err != nil {
		return err
	}
	if d.policy, err = d.tee.Policy(set); err != nil {
		return err
	}
	d.policy.Log = &policy.Log{Origin: "example.org/notary-demo", Keys: []string{d.addr.LogKey}}
	text, err := simtee.MarshalPolicy(d.policy)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path("policy.yaml"), text, 0o644); err != nil {
		return err
	}
	if d.policy, err = policy.Parse(text); err != nil {
		return err
	}
	checks := attestation.Appraise(d.policy, attestation.Input{
		RuntimeData: e.RuntimeData, Token: e.Token, BundledJWKS: e.JWKS, AllowSimulated: true, At: time.Now(),
		Evidence: evidence.Evidence{Report: e.Report, VCEKChain: e.VCEKChain, UVM: e.UVM, CCEPolicy: e.CCEPolicy},
	})
	passed := 0
	for _, c := range checks {
		if c.Status == attestation.Pass {
			passed++
		}
	}
	if v := attestation.Verdict(checks); v != attestation.Verified {
		return fmt.Errorf("the notary is %s", v)
	}
	d.say("%d checks passed on two paths (MAA token; AMD chain, UVM endorsement, HOST_DATA): %s", passed, d.mark("verified"))
	return d.pin(e.TLSCertificate, rd.Notary.TLSSPKI)
}

// pin checks that the serving certificate has the attested key.
func (d *demo) pin(certificate, spki string) error {
	block, _ := pem.Decode([]byte(certificate))
	if block == nil {
		return errors.New("the notary gave no certificate")
	}
	// What is trusted from here on is the certificate as parsed, not the text.
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	if err := os.WriteFile(d.path("notary.pem"), trusted, 0o644); err != nil {
		return err
	}
	conn, err := tls.Dial("tcp", d.addr.OTLP, &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}})
	if err != nil {
		return err
	}
	defer conn.Close()
	key := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	if fmt.Sprintf("%x", key) != spki {
		return errors.New("the OTLP listener has another key than the attested one")
	}
	d.say("the OTLP listener at %s serves with the attested key %s", d.addr.OTLP, short(spki))
	return nil
}

// pinned returns a client that trusts the attested certificate only.
func (d *demo) pinned() (*http.Client, error) {
	certificate, err := os.ReadFile(d.path("notary.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}, nil
}

// get asks the control interface.
func (d *demo) get(ctx context.Context, client *http.Client, token, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+d.addr.Control+path, nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", path, resp.Status, body)
	}
	return json.Unmarshal(body, v)
}

// send plays the sessions through the stock OpenTelemetry SDK and exporter.
func (d *demo) send(ctx context.Context) error {
	d.title("Sessions through the OpenTelemetry Go SDK, OTLP/gRPC over TLS")
	certificate, err := os.ReadFile(d.path("notary.pem"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	exporter, err := otlptracegrpc.New(ctx,
		otlptracegrpc.WithEndpoint(d.addr.OTLP),
		otlptracegrpc.WithTLSCredentials(credentials.NewClientTLSFromCert(roots, "")),
		otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer " + d.apiKey}))
	if err != nil {
		return err
	}
	// If the notary dies, what waits to be sent need not wait for its retries.
	defer context.AfterFunc(ctx, func() { exporter.Shutdown(context.WithoutCancel(ctx)) })()
	var mu sync.Mutex
	var failed error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failed = errors.Join(failed, err)
	}))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithBlocking()),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "assistant"), attribute.String("telemetry.sdk.name", "opentelemetry"),
			attribute.String("telemetry.sdk.language", "go"), attribute.String("telemetry.sdk.version", otel.Version()))))
	tracer := provider.Tracer("demo.example/assistant")
	start := time.Now()
	for i := range d.sessions {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.sent = append(d.sent, talk(ctx, tracer, i))
		d.progress("sent %d of %d sessions", i+1, d.sessions)
	}
	err = provider.Shutdown(ctx)
	d.progressEnd()
	mu.Lock()
	defer mu.Unlock()
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	d.say("%d sessions with %d spans acknowledged as durable in %v", len(d.sent), d.spans(), time.Since(start).Round(time.Millisecond))
	return nil
}

// waitLogged waits until every session has its log proof.
func (d *demo) waitLogged(ctx context.Context) error {
	client, err := d.pinned()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(time.Minute)
	for i := 0; i < len(d.sent); {
		var parts struct {
			Parts []control.Part `json:"parts"`
		}
		if err := d.get(ctx, client, d.operator, "/v1/sessions/"+url.PathEscape(d.sent[i].name)+"?tenant=demo", &parts); err != nil {
			return err
		}
		if len(parts.Parts) > 0 && !slices.ContainsFunc(parts.Parts, func(p control.Part) bool { return p.State != "logged" }) {
			i++
			d.progress("%d of %d sessions in the log", i, len(d.sent))
			continue
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("session %d of %d did not reach the log within a minute", i+1, len(d.sent))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.progressEnd()
	return nil
}
