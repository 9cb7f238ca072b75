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
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/sdk/journal"
)

// A simulation is a notary on a SIMULATED TEE, with everything that its operator and
// its relying parties have, in one directory. Started again there it is the same
// machine with the same keys.
type simulation struct {
	*app
	dir       string
	plugins   string   // directory of the built modules
	redactors []string // their names
	listen    listening
	settings  string // more lines of configuration

	tee      *simtee.TEE
	policy   *policy.Policy
	apiKey   string
	operator string
	addr     ready
}

// listening are the addresses of the configuration.
type listening struct{ otlp, otlpHTTP, control string }

// simulationOrigin is the name of its log.
const simulationOrigin = "example.org/notary-simulated"

func (s *simulation) path(name string) string { return filepath.Join(s.dir, name) }

func (s *simulation) say(format string, args ...any) {
	fmt.Fprintf(s.stdout, "  "+format+"\n", args...)
}

// prepare makes what an operator has before the first start: a machine, keys,
// a configuration; and what a relying party has: a policy.
func (s *simulation) prepare(ctx context.Context) error {
	s.title("A SIMULATED TEE, its attestation sidecar and its attestation service")
	var err error
	if s.tee, err = simtee.New(simtee.Options{Dir: s.path("tee")}); err != nil {
		return err
	}
	if err := s.tee.Start(ctx); err != nil {
		return err
	}
	if err := s.tee.WriteSecurityContext(s.path("security-context")); err != nil {
		return err
	}
	s.say("product %s, sidecar %s, service %s", s.tee.Product(), s.tee.SidecarURL(), s.tee.MAAURL())
	s.say("everything is kept in %s", s.dir)

	if err := s.identity(); err != nil {
		return err
	}
	if s.apiKey, err = s.token("api-key"); err != nil {
		return err
	}
	if s.operator, err = s.token("operator-token"); err != nil {
		return err
	}
	return s.writeConfig()
}

// identity makes the recipient's keys, unless they are there.
func (s *simulation) identity() error {
	if _, err := os.Stat(s.path("recipient.pem")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	identity, err := journal.GenerateIdentity()
	if err != nil {
		return err
	}
	private, err := identity.PEM()
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(s.path("recipient.pub.pem"), identity.Recipient().PEM(), 0o644),
		os.WriteFile(s.path("recipient.pem"), private, 0o600),
	)
}

// token reads a secret from its file, or makes both.
func (s *simulation) token(name string) (string, error) {
	text, err := os.ReadFile(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(control.GenerateToken() + "\n")
		err = os.WriteFile(s.path(name), text, 0o600)
	}
	return strings.TrimSpace(string(text)), err
}

func (s *simulation) writeConfig() error {
	peers, err := s.tee.PolicyYAML()
	if err != nil {
		return err
	}
	var plugins strings.Builder
	for _, name := range append(slices.Clone(s.redactors), "store-dir") {
		kind := "redactor"
		if name == "store-dir" {
			kind = "storage"
		}
		path, err := filepath.Abs(filepath.Join(s.plugins, name+".wasm"))
		if err != nil {
			return err
		}
		module, err := os.ReadFile(path)
		if err != nil {
			return hinted(err, "run \"make plugins\", or say with --plugins where they are")
		}
		fmt.Fprintf(&plugins, "  - {name: %s, kind: %s, wasm: %q, sha256: %x}\n", name, kind, path, sha256.Sum256(module))
	}
	config := fmt.Sprintf(`# A notary on SIMULATED hardware: what it attests protects nobody.
version: 1
listen: {otlp: %q, otlp_http: %q, control: %q}
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
log: {origin: %s}
%s`, s.listen.otlp, s.listen.otlpHTTP, s.listen.control, s.tee.SidecarURL(), s.tee.MAAURL(), indent(peers), indent(s.tee.MAACertificate()), plugins.String(),
		ingest.HashKey(s.apiKey), control.HashToken(s.operator), simulationOrigin, s.settings)
	return os.WriteFile(s.path("notary.yaml"), []byte(config), 0o600)
}

// appraise is what a relying party does before it sends: get the Evidence, check
// it by its own policy, and from then on trust the one TLS key that is attested.
func (s *simulation) appraise(ctx context.Context) error {
	s.title("Appraisal by the sender, before the first byte is sent")
	var e control.Evidence
	// Evidence needs no secure channel: it is signed, and names the TLS key.
	anybody := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if err := s.get(ctx, anybody, "", "/v1/evidence", &e); err != nil {
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
	earlier := s.accepted()
	sets, logs := earlier.PluginSet, earlier.Log.Keys
	if !slices.Contains(sets, set) {
		sets = append(sets, set)
	}
	if !slices.Contains(logs, s.addr.LogKey) {
		if len(logs) > 0 {
			fmt.Fprintln(s.stderr, "notary: warning: the log and its key were gone, so that this is a new log: proofs of earlier sessions are of another log, whose key the policy keeps")
		}
		logs = append(logs, s.addr.LogKey)
	}
	if err := s.keepPolicy(earlier); err != nil {
		return err
	}
	if s.policy, err = s.tee.Policy(sets...); err != nil {
		return err
	}
	s.policy.Log = &policy.Log{Origin: simulationOrigin, Keys: logs}
	text, err := simtee.MarshalPolicy(s.policy)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path("policy.yaml"), text, 0o644); err != nil {
		return err
	}
	if s.policy, err = policy.Parse(text); err != nil {
		return err
	}
	checks := attestation.Appraise(s.policy, attestation.Input{
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
	s.say("%d checks passed on two paths (MAA token; AMD chain, UVM endorsement, HOST_DATA): %s", passed, s.mark("verified"))
	return s.pin(e.TLSCertificate, rd.Notary.TLSSPKI)
}

// accepted returns the policy of earlier runs in this directory, empty before the first:
// what they sealed is still to be verified.
func (s *simulation) accepted() *policy.Policy {
	none := &policy.Policy{Log: &policy.Log{}}
	text, err := os.ReadFile(s.path("policy.yaml"))
	if err != nil {
		return none
	}
	earlier, err := policy.Parse(text)
	if err != nil || earlier.Simulated == nil || earlier.Log == nil {
		return none // it is written anew
	}
	return earlier
}

// keepPolicy keeps the earlier policy under another name if the attestation service has
// another address by now: what it attested before is accepted by that one only, since a
// policy for simulated hardware has one issuer.
func (s *simulation) keepPolicy(earlier *policy.Policy) error {
	if earlier.Simulated == nil || earlier.Simulated.Issuer == s.tee.MAAURL() {
		return nil
	}
	was := earlier.Simulated.Issuer
	text, err := os.ReadFile(s.path("policy.yaml"))
	if err != nil {
		return err
	}
	kept := s.path("policy-" + was[strings.LastIndexByte(was, ':')+1:] + ".yaml")
	if err := os.WriteFile(kept, text, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "notary: warning: the simulated attestation service is at %s, since %s was taken or its keys are gone: bundles of earlier sessions are verified by --policy %s\n",
		s.tee.MAAURL(), was, kept)
	return nil
}

// pin checks that the serving certificate has the attested key.
func (s *simulation) pin(certificate, spki string) error {
	block, _ := pem.Decode([]byte(certificate))
	if block == nil {
		return errors.New("the notary gave no certificate")
	}
	// What is trusted from here on is the certificate as parsed, not the text.
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	if err := os.WriteFile(s.path("notary.pem"), trusted, 0o644); err != nil {
		return err
	}
	conn, err := tls.Dial("tcp", s.addr.OTLP, &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}})
	if err != nil {
		return err
	}
	defer conn.Close()
	key := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	if fmt.Sprintf("%x", key) != spki {
		return errors.New("the OTLP listener has another key than the attested one")
	}
	s.say("the OTLP listener at %s serves with the attested key %s", s.addr.OTLP, short(spki))
	return nil
}

// pinned returns a client that trusts the attested certificate only.
func (s *simulation) pinned() (*http.Client, error) {
	certificate, err := os.ReadFile(s.path("notary.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}, nil
}

// get asks the control interface.
func (s *simulation) get(ctx context.Context, client *http.Client, token, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.addr.Control+path, nil)
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

func indent(text []byte) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(string(text), "\n"), "\n", "\n    ")
}
