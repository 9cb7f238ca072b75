package control_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/sdk/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	epochA = "000102030405060708090a0b0c0d0e0f"
	epochB = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"

	// canary stands in session ids, tenants, tokens and errors, and must come
	// out nowhere.
	canary = "canary-7d1f"
)

// notary is a Notary whose sessions are known by tenant and id.
type notary struct {
	mu       sync.Mutex
	ready    error
	stale    error
	asked    int
	att      *attester.Attestation
	parts    map[[2]string][]control.Part
	err      error // of every call on a session, if set
	panics   any   // what every call on a session panics with, if set
	ended    []string
	bundled  []control.PartRef
	disclose []uint64
	erased   []string            // sessions
	refs     []control.SealedRef // and parts
	exports  []journal.ExportBody
}

func (n *notary) Ready() error                       { return n.ready }
func (n *notary) Attestation() *attester.Attestation { return n.att }

func (n *notary) Fresh() error { return n.stale }

// Answer is the attester's part; the fake only shows what reached it.
func (n *notary) Answer(_ context.Context, nonce []byte, exporter [challenge.ExporterSize]byte) (*challenge.Answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return nil, n.err
	}
	n.asked++
	return &challenge.Answer{Nonce: nonce, Report: exporter[:]}, nil
}

func (n *notary) find(tenant, session string) ([]control.Part, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.panics != nil {
		panic(n.panics)
	}
	if n.err != nil {
		return nil, n.err
	}
	p, ok := n.parts[[2]string{tenant, session}]
	if !ok {
		return nil, fmt.Errorf("session %q of %q: %w", session, tenant, control.ErrNotFound)
	}
	return p, nil
}

func (n *notary) EndSession(_ context.Context, tenant, session string) error {
	_, err := n.find(tenant, session)
	if err == nil {
		n.ended = append(n.ended, session)
	}
	return err
}

func (n *notary) Parts(_ context.Context, tenant, session string) ([]control.Part, error) {
	return n.find(tenant, session)
}

func (n *notary) EraseSession(_ context.Context, tenant, session string) (control.Erasures, error) {
	if _, err := n.find(tenant, session); err != nil {
		return control.Erasures{}, err
	}
	n.erased = append(n.erased, session)
	return control.Erasures{Erased: []control.Erased{{Epoch: epochA, Handle: "aa", Commitment: "cc", Order: control.Order{Epoch: epochB, Seq: 7}}}, Found: []string{"a standby"}, Copies: []string{"backups"}}, nil
}

func (n *notary) ErasePart(_ context.Context, ref control.SealedRef) (control.Erasures, error) {
	if n.err != nil {
		return control.Erasures{}, n.err
	}
	n.refs = append(n.refs, ref)
	return control.Erasures{Copies: []string{"backups"}}, nil
}

func (n *notary) HoldSession(_ context.Context, tenant, session string) (control.Holds, error) {
	if _, err := n.find(tenant, session); err != nil {
		return control.Holds{}, err
	}
	return control.Holds{Holds: []control.Hold{{Epoch: epochA, Handle: "aa", Order: control.Order{Epoch: epochB, Seq: 9}}}}, nil
}

func (n *notary) ReleaseSession(ctx context.Context, tenant, session string) (control.Holds, error) {
	return n.HoldSession(ctx, tenant, session)
}

func (n *notary) HoldPart(_ context.Context, ref control.SealedRef) (control.Holds, error) {
	n.refs = append(n.refs, ref)
	return control.Holds{Holds: []control.Hold{}}, n.err
}

func (n *notary) ReleaseHold(_ context.Context, epoch [16]byte, seq uint64) (control.Holds, error) {
	n.refs = append(n.refs, control.SealedRef{Epoch: epoch, Seq: seq})
	return control.Holds{Holds: []control.Hold{}}, n.err
}

func (n *notary) JournalExport(_ context.Context, b journal.ExportBody, of *control.SealedRef) (control.Exported, error) {
	if of != nil {
		n.refs = append(n.refs, *of)
	}
	n.exports = append(n.exports, b)
	return control.Exported{Order: control.Order{Epoch: epochB, Seq: 11}}, n.err
}

func (n *notary) Bundle(_ context.Context, tenant, session string, part control.PartRef, disclose []uint64) ([]byte, error) {
	if _, err := n.find(tenant, session); err != nil {
		return nil, err
	}
	n.bundled, n.disclose = append(n.bundled, part), disclose
	return []byte("PK bundle"), nil
}

var (
	operator = control.GenerateToken()
	auditor  = control.GenerateToken()
	scraper  = control.GenerateToken()
)

const (
	acmeKey  = "acme-key-5b0c1c6f2f7c4d4c"
	otherKey = "other-key-0f1d6c6c1c0e4ab1"
)

var keys = sync.OnceValue(func() *attester.Keys {
	k, err := attester.GenerateKeys([]string{"127.0.0.1", "localhost"})
	if err != nil {
		panic(err)
	}
	return k
})

// world is a running server with what it talks to.
type world struct {
	*notary
	url    string
	client *http.Client
	log    *bytes.Buffer
	now    time.Time
}

func options(n *notary, log io.Writer) control.Options {
	return control.Options{
		Notary:          n,
		Certificate:     keys().TLS,
		OTLPCertificate: keys().CertificatePEM(),
		Operators: []control.Operator{
			{Name: "op", Token: control.HashToken(operator), Roles: []control.Role{control.RoleOperator}},
			{Name: "audit", Token: control.HashToken(auditor), Roles: []control.Role{control.RoleAuditor}},
			{Name: "prometheus", Token: control.HashToken(scraper), Roles: []control.Role{control.RoleMetrics}},
		},
		Authenticate: func(key string) (string, bool) {
			switch key {
			case acmeKey:
				return "acme", true
			case otherKey:
				return "other", true
			}
			return "", false
		},
		LogKey: "notary.example/log+dee2b9d7+AT1AgL",
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

func index(n uint64) *uint64 { return &n }

func newNotary() *notary {
	one := []control.Part{{Epoch: epochA, Handle: "aa", Part: 0, State: control.StateLogged, Leaves: 3, Root: "bb", Commitment: "cc", Receipt: "e30.e30.e30", Reason: "end", LogIndex: index(0), FirstSeq: 2, LastSeq: 5}}
	return &notary{
		att: &attester.Attestation{
			RuntimeData: []byte(`{"a":1}`), Token: "header.payload.signature", JWKS: []byte(`{"keys":[]}`),
			Evidence: evidence.Evidence{Report: []byte{1, 2}, VCEKChain: []byte("PEM"), UVM: []byte{0xd2}, CCEPolicy: []byte("package policy")},
			NotAfter: time.Unix(1_900_000_000, 0),
		},
		parts: map[[2]string][]control.Part{
			{"acme", "s1"}:                        one,
			{"other", "s2"}:                       one,
			{"acme", "a/b c?d%e&f=ü"}:             one,
			{"acme", ".."}:                        one,
			{"acme", canary}:                      one,
			{"acme", "long"}:                      {{Epoch: epochA, Part: 0}, {Epoch: epochA, Part: 1}, {Epoch: epochB, Part: 0}},
			{"acme", strings.Repeat("x", 4096)}:   one,
			{"acme", strings.Repeat("y", 4096+1)}: one,
		},
	}
}

// start serves until the test ends.
func start(t *testing.T, change func(*control.Options)) *world {
	t.Helper()
	w := &world{notary: newNotary(), log: new(bytes.Buffer), now: time.Unix(1_800_000_000, 0)}
	o := options(w.notary, &lockedWriter{w: w.log})
	o.Now = func() time.Time { return w.now }
	if change != nil {
		change(&o)
	}
	s, err := control.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(keys().CertificatePEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	w.url = "https://" + l.Addr().String()
	w.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return w
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// do sends one request and returns the answer with its body read.
func (w *world) do(t *testing.T, method, path, token string, body io.Reader) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, w.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// wantError checks an error answer's form.
func wantError(t *testing.T, resp *http.Response, body string) {
	t.Helper()
	var e struct{ Error, Hint string }
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || e.Error == "" || e.Hint == "" {
		t.Errorf("%d: body %q is not {error, hint}: %v", resp.StatusCode, body, err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%d: content type %q", resp.StatusCode, got)
	}
}

func TestAccess(t *testing.T) {
	w := start(t, func(o *control.Options) { o.Events = func() []control.Event { return nil } })
	callers := []struct{ name, token string }{
		{"nobody", ""},
		{"wrong", "wrong"},
		{"acme", acmeKey},
		{"other", otherKey},
		{"operator", operator},
		{"auditor", auditor},
		{"metrics", scraper},
	}
	for _, c := range []struct {
		method, path string
		want         [7]int // per caller
	}{
		{"GET", "/healthz", [7]int{200, 200, 200, 200, 200, 200, 200}},
		{"GET", "/readyz", [7]int{200, 200, 200, 200, 200, 200, 200}},
		{"GET", "/v1/evidence", [7]int{200, 200, 200, 200, 200, 200, 200}},
		{"GET", "/v1/log/key", [7]int{200, 200, 200, 200, 200, 200, 200}},
		{"GET", "/metrics", [7]int{401, 401, 403, 403, 200, 403, 200}},
		{"GET", "/v1/events", [7]int{401, 401, 403, 403, 200, 403, 200}},
		{"GET", "/v1/sessions/s1", [7]int{401, 401, 200, 404, 400, 400, 403}},
		{"GET", "/v1/sessions/s1?tenant=acme", [7]int{401, 401, 400, 400, 200, 200, 403}},
		{"GET", "/v1/sessions/s1?tenant=other", [7]int{401, 401, 400, 400, 404, 404, 403}},
		{"GET", "/v1/sessions/none", [7]int{401, 401, 404, 404, 400, 400, 403}},
		{"GET", "/v1/sessions/s1/bundle", [7]int{401, 401, 200, 404, 400, 400, 403}},
		{"GET", "/v1/sessions/s1/bundle?tenant=acme&part=0", [7]int{401, 401, 400, 400, 200, 200, 403}},
		{"GET", "/v1/sessions/s1/bundle?part=1", [7]int{401, 401, 404, 404, 400, 400, 403}},
		{"POST", "/v1/sessions/s1/end", [7]int{401, 401, 204, 404, 400, 403, 403}},
		{"POST", "/v1/sessions/s1/end?tenant=acme", [7]int{401, 401, 400, 400, 204, 403, 403}},
		{"POST", "/v1/sessions/s1/erase", [7]int{401, 401, 403, 403, 400, 403, 403}},
		{"POST", "/v1/sessions/s1/erase?tenant=acme", [7]int{401, 401, 403, 403, 200, 403, 403}},
		{"POST", "/v1/sessions/none/erase?tenant=acme", [7]int{401, 401, 403, 403, 404, 403, 403}},
		{"GET", "/v1/sessions/s1/erase?tenant=acme", [7]int{405, 405, 405, 405, 405, 405, 405}},
		{"POST", "/v1/erasures", [7]int{401, 401, 403, 403, 400, 403, 403}},
		{"POST", "/v1/erasures?seq=7&epoch=" + epochA + "&commitment=" + strings.Repeat("ab", 32), [7]int{401, 401, 403, 403, 200, 403, 403}},
		{"POST", "/v1/sessions/s1/hold?tenant=acme", [7]int{401, 401, 403, 403, 200, 403, 403}},
		{"POST", "/v1/sessions/none/hold?tenant=acme", [7]int{401, 401, 403, 403, 404, 403, 403}},
		{"POST", "/v1/sessions/s1/release?tenant=acme", [7]int{401, 401, 403, 403, 200, 403, 403}},
		{"POST", "/v1/holds", [7]int{401, 401, 403, 403, 400, 403, 403}},
		{"POST", "/v1/holds?seq=7&epoch=" + epochA + "&commitment=" + strings.Repeat("ab", 32), [7]int{401, 401, 403, 403, 200, 403, 403}},
		{"POST", "/v1/releases?seq=7&epoch=" + epochA, [7]int{401, 401, 403, 403, 200, 403, 403}},
		{"POST", "/v1/releases?seq=x&epoch=" + epochA, [7]int{401, 401, 403, 403, 400, 403, 403}},
		{"POST", "/v1/releases?seq=7&epoch=" + strings.ToUpper(epochA), [7]int{401, 401, 403, 403, 400, 403, 403}},
		{"POST", "/v1/exports", [7]int{401, 401, 403, 403, 400, 403, 403}},
		{"POST", "/v1/exports?parts=3", [7]int{401, 401, 403, 403, 400, 403, 403}},
		{"POST", "/v1/exports?parts=3&seq=7&epoch=" + epochA + "&commitment=" + strings.Repeat("ab", 32), [7]int{401, 401, 403, 403, 200, 403, 403}},
		{"GET", "/v1/exports?parts=3", [7]int{405, 405, 405, 405, 405, 405, 405}},
		{"GET", "/v1/holds", [7]int{405, 405, 405, 405, 405, 405, 405}},
		{"GET", "/v1/sessions/s1?tennant=acme", [7]int{401, 401, 400, 400, 400, 400, 403}},
		{"GET", "/v1/sessions/s1?tenant=acme&tenant=other", [7]int{401, 401, 400, 400, 400, 400, 403}},
		{"DELETE", "/v1/sessions/s1", [7]int{405, 405, 405, 405, 405, 405, 405}},
		{"GET", "/v1/sessions/s1/end", [7]int{405, 405, 405, 405, 405, 405, 405}},
		{"GET", "/v1/sessions/", [7]int{404, 404, 404, 404, 404, 404, 404}},
		{"GET", "/", [7]int{404, 404, 404, 404, 404, 404, 404}},
		{"GET", "/debug/pprof/", [7]int{404, 404, 404, 404, 404, 404, 404}},
		{"GET", "/v1/evidence?nonce=00", [7]int{400, 400, 400, 400, 400, 400, 400}},
		{"GET", "/v1/evidence?nounce=00", [7]int{400, 400, 400, 400, 400, 400, 400}},
	} {
		for i, who := range callers {
			w.now = w.now.Add(time.Hour) // the rate limit has its own test
			resp, body := w.do(t, c.method, c.path, who.token, nil)
			if resp.StatusCode != c.want[i] {
				t.Errorf("%s %s as %s: %d %s, want %d", c.method, c.path, who.name, resp.StatusCode, body, c.want[i])
				continue
			}
			if resp.StatusCode >= 400 {
				wantError(t, resp, body)
			}
			if resp.StatusCode == 405 && resp.Header.Get("Allow") == "" {
				t.Errorf("%s %s: 405 without Allow", c.method, c.path)
			}
			if resp.StatusCode == 401 && resp.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: 401 without WWW-Authenticate", c.method, c.path)
			}
			if resp.Header.Get("Request-Id") == "" || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: headers %v", c.method, c.path, resp.Header)
			}
		}
	}
}

// Another tenant's session and one that does not exist must not be told apart.
func TestNoOracle(t *testing.T) {
	w := start(t, nil)
	for _, path := range []string{"", "/bundle", "/bundle?part=0"} {
		theirs, a := w.do(t, "GET", "/v1/sessions/s2"+path, acmeKey, nil)
		nobodys, b := w.do(t, "GET", "/v1/sessions/s3"+path, acmeKey, nil)
		if theirs.StatusCode != nobodys.StatusCode || a != b {
			t.Errorf("%q: %d %s, and %d %s", path, theirs.StatusCode, a, nobodys.StatusCode, b)
		}
	}
	w.parts[[2]string{"acme", "empty"}] = nil
	if resp, _ := w.do(t, "GET", "/v1/sessions/empty", acmeKey, nil); resp.StatusCode != 404 {
		t.Errorf("session without parts: %d, want 404", resp.StatusCode)
	}
}

func TestCredentialForms(t *testing.T) {
	w := start(t, nil)
	for _, c := range []struct {
		name   string
		header []string
		want   int
	}{
		{"scheme in another case", []string{"bearer " + acmeKey}, 200},
		{"other scheme", []string{"Basic " + acmeKey}, 401},
		{"no scheme", []string{acmeKey}, 401},
		{"empty token", []string{"Bearer "}, 401},
		{"token with a space before it", []string{"Bearer  " + acmeKey}, 401},
		{"token too long", []string{"Bearer " + strings.Repeat("a", 600)}, 401},
		{"two headers", []string{"Bearer " + acmeKey, "Bearer " + acmeKey}, 401},
		{"hash of the token", []string{fmt.Sprintf("Bearer %x", control.HashToken(operator))}, 401},
	} {
		w.now = w.now.Add(time.Hour)
		r, err := http.NewRequest("GET", w.url+"/v1/sessions/s1", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Authorization"] = c.header
		resp, err := w.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, resp.StatusCode, c.want)
		}
	}
}

func TestFailedAttempts(t *testing.T) {
	w := start(t, nil)
	status := func(token string) int {
		resp, _ := w.do(t, "GET", "/v1/sessions/s1", token, nil)
		return resp.StatusCode
	}
	for i := range 10 {
		if got := status("wrong"); got != 401 {
			t.Fatalf("attempt %d: %d, want 401", i, got)
		}
	}
	if got := status("wrong"); got != 429 {
		t.Errorf("attempt 11: %d, want 429", got)
	}
	if got := status(acmeKey); got != 200 {
		t.Errorf("valid credentials from the same address: %d, want 200", got)
	}
	if n := strings.Count(w.log.String(), `cause="credentials are not valid"`); n != 10 {
		t.Errorf("%d refusals say that the credentials are not valid, want 10", n)
	}
	if w.do(t, "GET", "/metrics", acmeKey, nil); !strings.Contains(w.log.String(), `status=403 remote=127.0.0.1/32 cause="these credentials do not allow it"`) {
		t.Error("the log does not say why a tenant's key is refused")
	}
	if n := strings.Count(w.log.String(), "level=WARN"); n != 11 {
		t.Errorf("%d warnings, want 10: beyond the rate nothing is logged", n)
	}
	w.now = w.now.Add(6 * time.Second)
	if a, b := status("wrong"), status("wrong"); a != 401 || b != 429 {
		t.Errorf("after one refill: %d %d, want 401 429", a, b)
	}
	w.now = w.now.Add(-365 * 24 * time.Hour)
	if got := status("wrong"); got != 401 {
		t.Errorf("after the clock went back: %d, want 401", got)
	}
}

func TestSessionIDIsOnePathSegment(t *testing.T) {
	w := start(t, nil)
	for _, c := range []struct {
		id   string
		want int
	}{
		{"a/b c?d%e&f=ü", 204},
		{"..", 204},
		{strings.Repeat("x", 4096), 204},
		{strings.Repeat("y", 4097), 400},
		{"\xff", 400},
		{"a/b", 404},
	} {
		escaped := url.PathEscape(c.id)
		if c.id == ".." {
			escaped = "%2E%2E"
		}
		resp, body := w.do(t, "POST", "/v1/sessions/"+escaped+"/end", acmeKey, nil)
		if resp.StatusCode != c.want {
			t.Errorf("%.20q: %d %s, want %d", c.id, resp.StatusCode, body, c.want)
		}
		if c.want == 204 && w.ended[len(w.ended)-1] != c.id {
			t.Errorf("ended %.20q, want %.20q", w.ended[len(w.ended)-1], c.id)
		}
	}
}

func TestBody(t *testing.T) {
	w := start(t, nil)
	big := strings.Repeat("a", 5<<10)
	for _, c := range []struct {
		name   string
		method string
		path   string
		body   io.Reader
		want   int
	}{
		{"none", "POST", "/v1/sessions/s1/end", nil, 204},
		{"empty", "POST", "/v1/sessions/s1/end", strings.NewReader(""), 204},
		{"some", "POST", "/v1/sessions/s1/end", strings.NewReader("{}"), 400},
		{"big", "POST", "/v1/sessions/s1/end", strings.NewReader(big), 413},
		{"big, of unknown length", "POST", "/v1/sessions/s1/end", io.MultiReader(strings.NewReader(big)), 413},
		{"big, unknown path", "POST", "/nothing", strings.NewReader(big), 413},
		{"big, open endpoint", "GET", "/healthz", strings.NewReader(big), 413},
	} {
		resp, body := w.do(t, c.method, c.path, acmeKey, c.body)
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, resp.StatusCode, body, c.want)
		}
		if resp.StatusCode >= 400 {
			wantError(t, resp, body)
		}
	}
}
