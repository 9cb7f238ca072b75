package main

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/sdk/bundle"
)

// TestActions: what the configuration says about labels is done by the real
// redactor's findings, counted, and shown to who opens the session.
func TestActions(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: `
redaction:
  double_run: true
  labels:
    - {label: EMAIL, action: token}
    - {label: CARD, action: drop_record}
    - {label: IP, action: drop_field}
    - {label: PHONE, threshold: 1000}
`})
	p := m.start(t)
	c := m.connect(t, p)
	c.mustExport(t, request("s",
		newSpan("kept", "to", "mail "+sampleEmail, "cc", sampleEmail, "client", "from 203.0.113.77", "phone", "call +49 30 901820"),
		newSpan("gone", "paid", "with 4111 1111 1111 1111")))
	_, metrics := c.get(t, "/metrics")
	for _, want := range []string{
		`notary_edits_total{label="DROPPED",plugin="notary"} 1`, `notary_edits_total{label="EMAIL",plugin="redact-pii"} 2`,
		`notary_edits_total{label="IP",plugin="redact-pii"} 1`, `notary_mode{mode="enforce"} 1`,
	} {
		if !strings.Contains(string(metrics), want+"\n") {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	p.stop(t)
	var handle string
	m.audit(t, func(s *storage, spans map[string][]foundSpan) {
		handle = s.Parts()[0].ID.Handle.String()
		i := slices.IndexFunc(spans[""], func(f foundSpan) bool { return len(f.edits) > 0 })
		if len(spans) != 2 || i < 0 {
			t.Errorf("storage has %d spans, want one with and one without an id", len(spans))
		}
	})
	_, out, _ := m.run(t, "session", "open", "--config", "notary.yaml", "--identity", "recipient.pem", handle)
	for _, want := range []string{
		`to +mail (\[EMAIL:[0-9a-f]{16}\])\n`, `cc +\[EMAIL:[0-9a-f]{16}\]\n`, `phone +call \+49 30 901820\n`,
		`leaf 1: span, dropped\n`, `redacted +CARD in span.attributes.value, 19 bytes, by redact-pii\n`, `redacted +DROPPED in span, \d+ bytes, by notary\n`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("session open does not say %s:\n%s", want, out)
		}
	}
	if tokens := regexp.MustCompile(`EMAIL:[0-9a-f]+`).FindAllString(out, -1); len(tokens) != 2 || tokens[0] != tokens[1] {
		t.Errorf("tokens of one address: %v", tokens)
	}
	for _, gone := range []string{"client", "gone", "4111", "203.0", sampleEmail} {
		if strings.Contains(out, gone) {
			t.Errorf("session open says %q", gone)
		}
	}
	// A rule that nothing would heed is found before the notary is started.
	m.configure(t, setting{extra: "redaction: {labels: [{label: EMIAL, action: drop_record}]}"})
	if status, _, err := m.run(t, "config", "check", "notary.yaml"); status != exitUsage || !strings.Contains(err, `a rule for label "EMIAL", which no redactor has`) {
		t.Errorf("config check with a label that there is not: status %d, %s", status, err)
	}
}

// TestShadowMode: a notary in shadow mode says so to whoever asks; a policy that
// does not ask for shadow refuses it and its receipts.
func TestShadowMode(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "mode: shadow\n"})
	p := m.start(t)
	if !strings.Contains(p.stdout.String(), "NOTHING IS REDACTED") || !strings.Contains(p.stderr.String(), "mode is shadow") {
		t.Errorf("the start does not tell of shadow mode:\n%s\n%s", p.stdout.String(), p.stderr.String())
	}
	proof, err := challenge.Fetch(t.Context(), "https://"+p.ready.Control)
	if err != nil {
		t.Fatal(err)
	}
	pol := m.reference(t)
	for mode, want := range map[string]attestation.Status{"enforce": attestation.Fail, "shadow": attestation.Pass} {
		pol.Mode = mode
		for _, c := range proof.Appraise(pol, challenge.Options{AllowSimulated: true}) {
			if c.Name == "notary.mode" && c.Status != want {
				t.Errorf("a policy that wants %s: %s, %s", mode, c.Status, c.Detail)
			}
		}
	}
	c := m.connect(t, p)
	c.mustExport(t, request("s", lastSpan("chat", "to", sampleEmail)))
	c.logged(t, "s")
	p.stop(t)
	m.read(t, func(s *storage) {
		raw, err := s.bundle(t.Context(), s.Parts()[0], []uint64{0}, true)
		if err != nil {
			t.Fatal(err)
		}
		// The policy that the sender learnt with has the default mode.
		r, err := bundle.Verify(raw, m.policy, bundle.Options{AllowSimulated: true})
		if err != nil || r.Verdict == "verified" {
			t.Errorf("a bundle of shadow mode: %s, %v", r.Verdict, err)
		}
		for _, rec := range r.Records {
			if rec.Summary != nil && (len(rec.Summary.Edits) != 1 || rec.Summary.Edits[0].Label != "EMAIL" || rec.Summary.Edits[0].Count != 1) {
				t.Errorf("the summary counts %v", rec.Summary.Edits)
			}
		}
	})
}

// TestNoneMode: a notary without a redactor says so to whoever asks; only a policy that
// asks for it accepts it and its receipts. What it stores, as it was sent, is ciphertext.
func TestNoneMode(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{bare: true, extra: "mode: none\n"})
	p := m.start(t)
	if !strings.Contains(p.stdout.String(), "mode none: NOTHING IS REDACTED") || !strings.Contains(p.stderr.String(), "mode is none: there is no redactor") {
		t.Errorf("the start does not tell of mode none:\n%s\n%s", p.stdout.String(), p.stderr.String())
	}
	proof, err := challenge.Fetch(t.Context(), "https://"+p.ready.Control)
	if err != nil {
		t.Fatal(err)
	}
	pol := m.reference(t)
	for mode, want := range map[string]attestation.Outcome{"enforce": attestation.Failed, "shadow": attestation.Failed, "none": attestation.Verified} {
		pol.Mode = mode
		if got := attestation.Verdict(proof.Appraise(pol, challenge.Options{AllowSimulated: true})); got != want {
			t.Errorf("a policy that wants %s: %s", mode, got)
		}
	}
	// Where the configuration has no policy for other epochs, those of another mode are not
	// believed.
	for _, mode := range []string{config.ModeEnforce, config.ModeShadow, config.ModeNone} {
		n := &node{cfg: &config.Config{Mode: mode, Attestation: config.Attestation{UVM: config.UVM{Feed: config.DefaultUVMFeed, MinimumSVN: config.DefaultMinimumSVN}}}}
		if peers, err := n.peerPolicy(&attester.Attestation{Evidence: evidence.Evidence{Report: proof.Report, VCEKChain: proof.VCEKChain}}); err != nil || peers.Mode != mode {
			t.Errorf("a notary in mode %s believes those in mode %+v, %v", mode, peers, err)
		}
	}
	c := m.connect(t, p)
	plants := newPlanter()
	c.mustExport(t, plants.plant(t, new(tracecollector.ExportTraceServiceRequest)))
	c.mustExport(t, request("s", lastSpan("chat", "to", sampleEmail)))
	c.logged(t, "s")
	if _, metrics := c.get(t, "/metrics"); !bytes.Contains(metrics, []byte("notary_mode{mode=\"none\"} 1\n")) || bytes.Contains(metrics, []byte("notary_edits_total{")) {
		t.Errorf("the metrics do not tell of mode none:\n%s", metrics)
	}
	enforcing := *m.policy // as the sender learnt it, with the default mode
	m.policy.Mode = "none"
	text, err := simtee.MarshalPolicy(m.policy)
	if err := errors.Join(err, os.WriteFile(m.path("none.yaml"), text, 0o644), os.WriteFile(m.path("token"), []byte(m.operator+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if code, out, problem := m.run(t, "top", "--once", "--policy", "none.yaml", "--token-file", "token", "https://"+p.ready.Control); code != exitOK || !strings.Contains(out, "mode none: there is no redactor") {
		t.Errorf("top: status %d\n%s%s", code, out, problem)
	}
	p.stop(t)
	secrets := append(needles("planted text", []byte(plants.mark)), needles("an address", []byte(sampleEmail))...)
	for name, b := range m.atRest(t) {
		for _, what := range found(b, secrets) {
			t.Errorf("%s is in %s", what, name)
		}
	}
	m.audit(t, func(s *storage, _ map[string][]foundSpan) {
		var plain []byte
		for _, part := range s.Parts() {
			raw, err := s.bundle(t.Context(), part, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := bundle.Verify(raw, &enforcing, bundle.Options{AllowSimulated: true}); err != nil || r.Verdict != attestation.Failed {
				t.Errorf("a bundle of mode none, by the default policy: %s, %v", r.Verdict, err)
			}
			o, err := s.Open(t.Context(), part, s.identity)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range o.Records {
				plain = slices.Concat(plain, r.Resource, r.Scope, r.Bytes)
			}
		}
		for _, sent := range append(slices.Collect(maps.Keys(plants.texts)), append(slices.Collect(maps.Keys(plants.binary)), sampleEmail)...) {
			if !bytes.Contains(plain, []byte(sent)) {
				t.Errorf("%q is not stored as it was sent", sent)
			}
		}
	})
}
