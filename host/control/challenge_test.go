package control_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation"
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

// attested is a Notary with a real attester on a simulated machine.
type attested struct {
	*notary
	*attester.Attester
	tee *simtee.TEE
}

func (a *attested) Attestation() *attester.Attestation { return a.Current() }
func (a *attested) Ready() error                       { return a.Attester.Fresh() }
func (a *attested) Fresh() error                       { return a.Attester.Fresh() }

func (a *attested) Answer(ctx context.Context, nonce []byte, x [challenge.ExporterSize]byte) (*challenge.Answer, error) {
	return a.Attester.Answer(ctx, nonce, x)
}

// machine is the simulated machine without its sidecar, whose work is measured in
// milliseconds: a source that only signs.
type machine struct{ *simtee.TEE }

func (m machine) Collect(_ context.Context, data []byte) (*evidence.Evidence, error) {
	return &evidence.Evidence{
		Report: m.Report(runtimedata.ReportData(data)), VCEKChain: m.VCEKChain(), UVM: m.UVM(), CCEPolicy: m.CCEPolicy(),
	}, nil
}

func newAttested(t testing.TB, so simtee.Options, now func() time.Time, change ...func(*attester.Options, *simtee.TEE)) *attested {
	t.Helper()
	so.TestKeys, so.Now = true, now
	tee, err := simtee.New(so)
	if err != nil {
		t.Fatal(err)
	}
	if err := tee.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := tee.WriteSecurityContext(dir); err != nil {
		t.Fatal(err)
	}
	sidecar, service := &http.Client{Transport: &http.Transport{}}, tee.MAAHTTPClient()
	t.Cleanup(func() {
		sidecar.CloseIdleConnections()
		service.CloseIdleConnections()
		if err := tee.Close(); err != nil {
			t.Error(err)
		}
	})
	o := attester.Options{
		Source: &evidence.Sidecar{URL: tee.SidecarURL(), SecurityContextDir: dir, HTTP: sidecar},
		MAA:    &maa.Client{URL: tee.MAAURL(), HTTP: service, Attempts: 1},
		Issuer: tee.MAAURL(), Roots: snp.Roots{}.With(tee.ARK()),
		UVM: uvm.Options{TrustedDIDs: []string{tee.UVMDID()}}, AllowSimulated: true, Now: now,
	}
	for _, f := range change {
		f(&o, tee)
	}
	a, err := attester.New(o, keys(), attester.Claims{
		Epoch: [16]byte{7}, PluginSet: sha256.Sum256([]byte("plugins")), Mode: runtimedata.ModeEnforce, Version: "0.1.0-test",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Attest(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return &attested{notary: newNotary(), Attester: a, tee: tee}
}

func (a *attested) policy(t testing.TB) *policy.Policy {
	t.Helper()
	file, err := a.tee.PolicyYAML()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serveAttested serves it over TLS with rates that do not limit a test.
func serveAttested(t *testing.T, a *attested, change func(*control.Options)) *world {
	t.Helper()
	return start(t, func(o *control.Options) {
		o.Notary, o.Now = a, time.Now
		o.ChallengeRate = control.Rate{Burst: 10_000, Every: time.Millisecond}
		o.ChallengeMaximum = o.ChallengeRate
		if change != nil {
			change(o)
		}
	})
}

func wantCheck(t testing.TB, checks []attestation.Check, name string, want attestation.Status) {
	t.Helper()
	for _, c := range checks {
		if c.Name == name {
			if c.Status != want {
				t.Errorf("check %s is %s (%s), want %s", name, c.Status, c.Detail, want)
			}
			return
		}
	}
	t.Errorf("no check %s", name)
}

// A relying party fetches, appraises, and then talks to the attested key only.
func TestRelyingPartyOverTLS(t *testing.T) {
	a := newAttested(t, simtee.Options{}, time.Now)
	w := serveAttested(t, a, nil)
	proof, err := challenge.Fetch(context.Background(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	checks := proof.Appraise(a.policy(t), challenge.Options{AllowSimulated: true})
	if v := attestation.Verdict(checks); v != attestation.Verified {
		t.Fatalf("verdict %s: %+v", v, checks)
	}
	wantCheck(t, checks, challenge.CheckReport, attestation.Pass)
	wantCheck(t, checks, challenge.CheckPossession, attestation.Pass)

	again, err := challenge.Fetch(context.Background(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(again.Answer.Report, proof.Answer.Report) || bytes.Equal(again.Answer.Possession, proof.Answer.Possession) {
		t.Error("two nonces got one report or one signature")
	}
	if bytes.Equal(proof.Answer.Report, proof.Report) {
		t.Error("the report for the nonce is the standing one")
	}

	pinned := &http.Client{Transport: &http.Transport{TLSClientConfig: proof.TLSConfig()}}
	defer pinned.CloseIdleConnections()
	resp, err := pinned.Get(w.url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	other := httptest.NewTLSServer(http.NotFoundHandler())
	defer other.Close()
	if _, err := pinned.Get(other.URL); !errors.Is(err, challenge.ErrConnection) {
		t.Errorf("another server's key: %v, want ErrConnection", err)
	}
}

// Fresh hardware facts that the policy does not accept fail the fresh report even
// while the standing Evidence is still good.
func TestFreshReportIsAppraised(t *testing.T) {
	a := newAttested(t, simtee.Options{}, time.Now)
	w := serveAttested(t, a, nil)
	p := a.policy(t)
	for _, c := range []struct {
		name   string
		change func([]byte)
	}{
		{"host may debug", func(b []byte) { b[0x0A] |= 1 << 3 }},
		{"VMPL 1", func(b []byte) { b[0x30] = 1 }},
		{"committed TCB went back", func(b []byte) { clear(b[0x1E0:0x1E8]) }},
		{"another container policy", func(b []byte) { b[0xC0] ^= 1 }},
	} {
		a.tee.SetFaults(simtee.Faults{Report: c.change})
		proof, err := challenge.Fetch(context.Background(), w.url)
		if c.name == "another container policy" {
			// The source itself holds the policy's text against HOST_DATA.
			var status *challenge.StatusError
			if !errors.As(err, &status) || status.Status != 503 {
				t.Errorf("%s: %v, want 503", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		checks := proof.Appraise(p, challenge.Options{AllowSimulated: true})
		wantCheck(t, checks, "snp.verify", attestation.Pass)
		wantCheck(t, checks, challenge.CheckReport, attestation.Fail)
		if v := attestation.Verdict(checks); v != attestation.Failed {
			t.Errorf("%s: verdict %s", c.name, v)
		}
	}
}

// brief is a Notary whose standing Evidence is short, for tests of many answers.
type brief struct{ *attested }

func (b brief) Attestation() *attester.Attestation {
	return &attester.Attestation{RuntimeData: b.Current().RuntimeData}
}

// T06: nonces do not share reports, whatever runs at the same time.
func TestT06ThousandParallelNonces(t *testing.T) {
	const count, connections, streams = 1000, 4, 50
	a := newAttested(t, simtee.Options{}, time.Now, func(o *attester.Options, tee *simtee.TEE) { o.Source = machine{tee} })
	w := serveAttested(t, a, func(o *control.Options) {
		o.Notary, o.Logger = brief{a}, slog.New(slog.DiscardHandler)
	})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(keys().CertificatePEM())
	rd := a.Current().RuntimeData

	// All connections are made before the crowd comes, which takes the processor from
	// a handshake until the server gives it up.
	clients := make([]*http.Client, connections)
	for i := range clients {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
		t.Cleanup(transport.CloseIdleConnections)
		clients[i] = &http.Client{Transport: transport}
		resp, err := clients[i].Get(w.url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}

	var mu sync.Mutex
	reports := make(map[string]bool, count)
	var wg sync.WaitGroup
	for _, client := range clients {
		// No more at a time than a slow machine answers before the server's time limits.
		room := make(chan struct{}, streams)
		for range count / connections {
			wg.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				c := challenge.New(time.Now())
				d, state, err := ask(client, w.url, c.Nonce())
				if err != nil {
					t.Error(err)
					return
				}
				nonce, _ := hex.DecodeString(c.Nonce())
				r, err := snp.Parse(d.Answer.Report)
				if err != nil || r.ReportData != challenge.ReportData(nonce, rd) {
					t.Errorf("report is not for this nonce: %v", err)
				}
				if x, err := challenge.Exporter(state); err != nil || !ed25519.Verify(keys().SigningPublic(), challenge.Possession(nonce, rd, x), d.Answer.Possession) {
					t.Errorf("proof of possession is not for this nonce and connection: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				reports[string(d.Answer.Report)] = true
			})
		}
	}
	wg.Wait()
	if len(reports) != count {
		t.Errorf("%d different reports for %d nonces", len(reports), count)
	}
}

func ask(client *http.Client, base, nonce string) (*challenge.Document, *tls.ConnectionState, error) {
	resp, err := client.Get(base + challenge.Path + "?nonce=" + nonce)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	var d challenge.Document
	err = json.NewDecoder(resp.Body).Decode(&d)
	return &d, resp.TLS, err
}

// T06, T24: what was obtained on one connection is worth nothing on another, and
// an answer counts once and not for long.
func TestT06AndT24RelayedAndReplayedAnswers(t *testing.T) {
	a := newAttested(t, simtee.Options{}, time.Now)
	w := serveAttested(t, a, nil)
	other, err := attester.GenerateKeys([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	// The relay terminates TLS: with a key of its own, or with the notary's.
	relay := func(cert tls.Certificate) string {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, body := w.do(t, "GET", r.URL.String(), "", nil)
			_, _ = rw.Write([]byte(body))
		}))
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL
	}
	if _, err := challenge.Fetch(context.Background(), relay(other.TLS)); !errors.Is(err, challenge.ErrConnection) {
		t.Errorf("relay with its own key: %v, want ErrConnection", err)
	}
	if _, err := challenge.Fetch(context.Background(), relay(keys().TLS)); !errors.Is(err, challenge.ErrPossession) {
		t.Errorf("relay with the notary's stolen TLS key: %v, want ErrPossession", err)
	}

	now := time.Now()
	get := func(c *challenge.Challenge) (*challenge.Document, *tls.ConnectionState) {
		d, state, err := ask(w.client, w.url, c.Nonce())
		if err != nil {
			t.Fatal(err)
		}
		return d, state
	}
	c := challenge.New(now)
	d, state := get(c)
	if err := c.Verify(d, state, now); err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(d, state, now); !errors.Is(err, challenge.ErrUsed) {
		t.Errorf("second use: %v, want ErrUsed", err)
	}
	if err := challenge.New(now).Verify(d, state, now); !errors.Is(err, challenge.ErrNonce) {
		t.Errorf("answer to another nonce: %v, want ErrNonce", err)
	}
	for _, at := range []time.Time{now.Add(challenge.MaxAge + time.Second), now.Add(-time.Second)} {
		c := challenge.New(now)
		d, state := get(c)
		if err := c.Verify(d, state, at); !errors.Is(err, challenge.ErrLate) {
			t.Errorf("answer after %v: %v, want ErrLate", at.Sub(now), err)
		}
	}
	c = challenge.New(now)
	d, _ = get(c)
	if err := c.Verify(d, nil, now); !errors.Is(err, challenge.ErrConnection) {
		t.Errorf("no connection: %v, want ErrConnection", err)
	}
}

func TestNonceForms(t *testing.T) {
	w := start(t, nil)
	raw := bytes.Repeat([]byte{0xfb}, 33)
	for _, c := range []struct {
		name, nonce string
		want        int
	}{
		{"hex", strings.Repeat("0b", 16), 200},
		{"hex, longest", strings.Repeat("0c", 64), 200},
		{"base64url", base64.RawURLEncoding.EncodeToString(raw), 200},
		{"empty", "", 400},
		{"hex, too short", strings.Repeat("0b", 15), 400},
		{"hex, too long", strings.Repeat("0b", 65), 400},
		{"base64url, too short", base64.RawURLEncoding.EncodeToString(raw[:15]), 400},
		{"upper-case hex of a length that is no base64", strings.Repeat("0B", 16) + "0", 400},
		{"base64 with padding", base64.URLEncoding.EncodeToString(raw[:16]), 400},
		{"base64 in the other alphabet", base64.RawStdEncoding.EncodeToString(raw), 400},
		{"spaces", strings.Repeat("0b ", 16), 400},
		{"huge", strings.Repeat("a", 8000), 400},
	} {
		w.now = w.now.Add(time.Minute)
		resp, body := w.do(t, "GET", "/v1/evidence?nonce="+queryEscape(c.nonce), "", nil)
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d %.200s, want %d", c.name, resp.StatusCode, body, c.want)
		}
		if c.want != 200 {
			wantError(t, resp, body)
			if strings.Contains(body, c.nonce) && c.nonce != "" {
				t.Errorf("%s: the answer repeats the nonce", c.name)
			}
		}
	}
	if w.asked != 3 {
		t.Errorf("%d challenges reached the notary, want 3", w.asked)
	}
	resp, _ := w.do(t, "GET", "/v1/evidence?nonce="+strings.Repeat("0d", 16)+"&nonce="+strings.Repeat("0e", 16), "", nil)
	if resp.StatusCode != 400 {
		t.Errorf("two nonces: %d, want 400", resp.StatusCode)
	}
}

func queryEscape(s string) string {
	return strings.NewReplacer(" ", "%20", "+", "%2B", "=", "%3D").Replace(s)
}

// A nonce is answered once within two minutes; a failed answer does not use it up.
func TestT06NonceIsUsedOnce(t *testing.T) {
	w := start(t, nil)
	path := "/v1/evidence?nonce=" + strings.Repeat("0b", 16)
	status := func() int {
		resp, _ := w.do(t, "GET", path, "", nil)
		return resp.StatusCode
	}
	w.notary.err = errors.New(canary)
	resp, body := w.do(t, "GET", path, "", nil)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || strings.Contains(body, canary) {
		t.Errorf("source fails: %d %s", resp.StatusCode, body)
	}
	w.notary.err = nil
	for _, c := range []struct {
		pass time.Duration
		want int
	}{
		{0, 200},
		{0, 409},
		{challenge.MaxAge, 409},
		{challenge.MaxAge, 409}, // refused attempts do not keep it alive, but this is within one generation more
		{2 * challenge.MaxAge, 200},
		{time.Second, 409},
	} {
		w.now = w.now.Add(c.pass)
		if got := status(); got != c.want {
			t.Errorf("after %v more: %d, want %d", c.pass, got, c.want)
		}
	}
}

func TestChallengesAreLimited(t *testing.T) {
	w := start(t, func(o *control.Options) {
		o.ChallengeRate = control.Rate{Burst: 3, Every: 10 * time.Second}
		o.ChallengeMaximum = control.Rate{Burst: 5, Every: time.Hour}
	})
	n := 0
	status := func() (int, string) {
		n++
		resp, _ := w.do(t, "GET", fmt.Sprintf("/v1/evidence?nonce=%032x", n), "", nil)
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	for _, c := range []struct {
		pass  time.Duration
		want  int
		retry string
	}{
		{0, 200, ""},
		{0, 200, ""},
		{0, 200, ""},
		{0, 429, "10"}, // this address
		{10 * time.Second, 200, ""},
		{time.Minute, 200, ""},
		{time.Minute, 429, "3600"}, // all addresses together
	} {
		w.now = w.now.Add(c.pass)
		if got, retry := status(); got != c.want || retry != c.retry {
			t.Errorf("challenge %d: %d, retry after %q; want %d, %q", n, got, retry, c.want, c.retry)
		}
	}
	if resp, _ := w.do(t, "GET", "/v1/evidence", "", nil); resp.StatusCode != 200 {
		t.Errorf("without a nonce: %d, want 200", resp.StatusCode)
	}
}

// Without TLS there is no exporter, and so no proof.
func TestChallengeNeedsTLS(t *testing.T) {
	s, err := control.New(options(newNotary(), &bytes.Buffer{}))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/v1/evidence?nonce="+strings.Repeat("0b", 16), nil)
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	if rec.Code != 400 || !strings.Contains(rec.Body.String(), "TLS 1.3") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
