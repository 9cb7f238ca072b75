package control_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func TestEvidence(t *testing.T) {
	w := start(t, nil)
	want := w.att
	w.att = nil
	resp, body := w.do(t, "GET", "/v1/evidence", "", nil)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("before the first attestation: %d %v", resp.StatusCode, resp.Header)
	}
	wantError(t, resp, body)

	for _, a := range []*attester.Attestation{want, {RuntimeData: []byte("renewed"), Token: "t"}} {
		w.att = a
		for range 2 { // the second comes from the cache
			_, body = w.do(t, "GET", "/v1/evidence", "", nil)
			var got control.Evidence
			d := json.NewDecoder(strings.NewReader(body))
			d.DisallowUnknownFields()
			if err := d.Decode(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(control.Evidence{
				RuntimeData: a.RuntimeData, Token: a.Token, JWKS: a.JWKS, Report: a.Evidence.Report,
				VCEKChain: a.Evidence.VCEKChain, UVM: a.Evidence.UVM, CCEPolicy: a.Evidence.CCEPolicy,
				TLSCertificate: string(keys().CertificatePEM()),
			}, got); diff != "" {
				t.Errorf("evidence (-want +got):\n%s", diff)
			}
		}
	}
}

// The names of the answer's members are an interface.
func TestEvidenceMembers(t *testing.T) {
	w := start(t, nil)
	_, body := w.do(t, "GET", "/v1/evidence", "", nil)
	pem, err := json.Marshal(string(keys().CertificatePEM()))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"runtime_data":"eyJhIjoxfQ==","maa_token":"header.payload.signature","maa_jwks":"eyJrZXlzIjpbXX0=","report":"AQI=","vcek_chain":"UEVN","uvm":"0g==","cce_policy":"cGFja2FnZSBwb2xpY3k=","tls_certificate":` + string(pem) + "}\n"
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

func TestSession(t *testing.T) {
	w := start(t, nil)
	_, body := w.do(t, "GET", "/v1/sessions/s1", acmeKey, nil)
	want := `{"parts":[{"epoch":"` + epochA + `","handle":"aa","part":0,"state":"logged","leaves":3,"root":"bb","commitment":"cc","receipt":"e30.e30.e30","reason":"end","log_index":0,"first_seq":2,"last_seq":5}]}` + "\n"
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	_, body = w.do(t, "GET", "/v1/sessions/long", acmeKey, nil)
	if want := `"part":1,"state":"","leaves":0,"first_seq":0,"last_seq":0}`; !strings.Contains(body, want) {
		t.Errorf("open part: %s, want %s in it", body, want)
	}
}

func TestBundle(t *testing.T) {
	w := start(t, nil)
	for _, c := range []struct {
		name, path string
		want       int
		ref        control.PartRef
		disclose   []uint64
	}{
		{"only part", "s1/bundle", 200, control.PartRef{Epoch: epochA}, nil},
		{"records", "s1/bundle?part=0&disclose=7&disclose=0&disclose=7", 200, control.PartRef{Epoch: epochA}, []uint64{0, 7}},
		{"no choice made", "long/bundle", 400, control.PartRef{}, nil},
		{"number alone is enough", "long/bundle?part=1", 200, control.PartRef{Epoch: epochA, Part: 1}, nil},
		{"number in two epochs", "long/bundle?part=0", 400, control.PartRef{}, nil},
		{"number and epoch", "long/bundle?part=0&epoch=" + epochB, 200, control.PartRef{Epoch: epochB}, nil},
		{"epoch alone is enough", "long/bundle?epoch=" + epochB, 200, control.PartRef{Epoch: epochB}, nil},
		{"no such number", "long/bundle?part=2", 404, control.PartRef{}, nil},
		{"no such epoch", "s1/bundle?epoch=" + epochB, 404, control.PartRef{}, nil},
		{"epoch in upper case", "s1/bundle?epoch=" + strings.ToUpper(epochA), 400, control.PartRef{}, nil},
		{"part is negative", "s1/bundle?part=-1", 400, control.PartRef{}, nil},
		{"part exceeds 32 bits", "s1/bundle?part=4294967296", 400, control.PartRef{}, nil},
		{"part is empty", "s1/bundle?part=", 400, control.PartRef{}, nil},
		{"disclose is a word", "s1/bundle?disclose=all", 400, control.PartRef{}, nil},
		{"too many to disclose", "s1/bundle?" + strings.Repeat("disclose=1&", 1025), 400, control.PartRef{}, nil},
		{"query is broken", "s1/bundle?part=%zz", 400, control.PartRef{}, nil},
	} {
		w.bundled = nil
		resp, body := w.do(t, "GET", "/v1/sessions/"+c.path, acmeKey, nil)
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, resp.StatusCode, body, c.want)
			continue
		}
		if c.want != 200 {
			wantError(t, resp, body)
			continue
		}
		if body != "PK bundle" || resp.Header.Get("Content-Type") != bundle.MediaType {
			t.Errorf("%s: %q as %s", c.name, body, resp.Header.Get("Content-Type"))
		}
		if !slices.Equal(w.bundled, []control.PartRef{c.ref}) || !slices.Equal(w.disclose, c.disclose) {
			t.Errorf("%s: asked for %v, records %v", c.name, w.bundled, w.disclose)
		}
	}
}

func TestErase(t *testing.T) {
	w := start(t, nil)
	_, body := w.do(t, "POST", "/v1/sessions/s1/erase?tenant=acme", operator, nil)
	want := `{"erased":[{"epoch":"` + epochA + `","handle":"aa","part":0,"commitment":"cc","order":{"epoch":"` + epochB + `","seq":7}}],"complete":false,"found":["a standby"],"copies":["backups"]}` + "\n"
	if body != want || !slices.Equal(w.erased, []string{"s1"}) {
		t.Errorf("erased %q\ngot  %s\nwant %s", w.erased, body, want)
	}
	commitment := strings.Repeat("ab", 32)
	for _, c := range []struct {
		name, query, body string
		want              int
	}{
		{"good", "seq=7&epoch=" + epochA + "&commitment=" + commitment, "", 200},
		{"with a body", "seq=7&epoch=" + epochA + "&commitment=" + commitment, "{}", 400},
		{"no seq", "epoch=" + epochA + "&commitment=" + commitment, "", 400},
		{"no epoch", "seq=7&commitment=" + commitment, "", 400},
		{"no commitment", "seq=7&epoch=" + epochA, "", 400},
		{"in upper case", "seq=7&epoch=" + epochA + "&commitment=" + strings.ToUpper(commitment), "", 400},
		{"half", "seq=7&epoch=" + epochA + "&commitment=" + commitment[:32], "", 400},
		{"too long", "seq=7&epoch=" + epochA + "00&commitment=" + commitment, "", 400},
		{"with a tenant", "tenant=acme&seq=7&epoch=" + epochA + "&commitment=" + commitment, "", 400},
	} {
		w.refs = nil
		resp, body := w.do(t, "POST", "/v1/erasures?"+c.query, operator, strings.NewReader(c.body))
		if resp.StatusCode != c.want || (len(w.refs) == 1) != (c.want == 200) {
			t.Errorf("%s: %d %s, %d parts erased, want %d", c.name, resp.StatusCode, body, len(w.refs), c.want)
		}
	}
	for _, err := range []error{control.ErrNotFound, control.ErrHeld, control.ErrState, control.ErrProtected, control.ErrUnavailable} {
		w.err = err
		resp, body := w.do(t, "POST", "/v1/erasures?seq=7&epoch="+epochA+"&commitment="+commitment, operator, nil)
		if resp.StatusCode < 400 {
			t.Errorf("%v: %d", err, resp.StatusCode)
		}
		wantError(t, resp, body)
	}
}

// TestJournalExport: what is journaled is what was asked for, by the name of the token, and
// nothing is that the format does not know.
func TestJournalExport(t *testing.T) {
	w := start(t, nil)
	recipient := strings.Repeat("ab", 32)
	part := "&seq=7&epoch=" + epochA + "&commitment=" + strings.Repeat("cd", 32)
	full := journal.ExportBody{
		FromUnixNano: -5, ToUnixNano: 7, Parts: 3, Recipient: receipt.Hash(bytes.Repeat([]byte{0xab}, 32)), For: "the court", By: "op",
	}
	for _, c := range []struct {
		name, query, body string
		want              *journal.ExportBody
	}{
		{"all of it", "from=-5&to=7&parts=3&for=the+court&recipient=" + recipient + part, "", &full},
		{"little", "parts=0", "", &journal.ExportBody{By: "op"}},
		{"with a body", "parts=0", "{}", nil},
		{"no parts", "from=1", "", nil},
		{"fewer than none", "parts=-1", "", nil},
		{"none of the parts", "parts=1", "", nil},
		{"a part without its place", "parts=1" + strings.Replace(part, "seq=7&", "", 1), "", nil},
		{"a name of one's own", "parts=1&by=somebody" + part, "", nil},
		{"a range that ends first", "parts=1&from=7&to=7" + part, "", nil},
		{"a date", "parts=1&from=2026-11-01" + part, "", nil},
		{"a recipient in upper case", "parts=1&recipient=" + strings.ToUpper(recipient) + part, "", nil},
		{"lines", "parts=1&for=a%0Ab" + part, "", nil},
		{"a session", "parts=1&session=s1" + part, "", nil},
	} {
		w.exports, w.refs = nil, nil
		resp, body := w.do(t, "POST", "/v1/exports?"+c.query, operator, strings.NewReader(c.body))
		switch {
		case c.want == nil:
			if resp.StatusCode != 400 || len(w.exports) > 0 {
				t.Errorf("%s: %d %s, %+v", c.name, resp.StatusCode, body, w.exports)
			}
		case (len(w.refs) == 1) != (c.want.Parts > 0):
			t.Errorf("%s: the notary was asked for parts %+v", c.name, w.refs)
		case resp.StatusCode != 200 || len(w.exports) != 1 || w.exports[0] != *c.want || body != `{"order":{"epoch":"`+epochB+`","seq":11}}`+"\n":
			t.Errorf("%s: %d %s, %+v", c.name, resp.StatusCode, body, w.exports)
		}
	}
}

func TestErrorsOfTheNotary(t *testing.T) {
	w := start(t, nil)
	for _, c := range []struct {
		err  error
		want int
	}{
		{control.ErrNotFound, 404},
		{fmt.Errorf("%s: %w", canary, control.ErrNotFound), 404},
		{fmt.Errorf("%s: %w", canary, control.ErrState), 409},
		{fmt.Errorf("%s: %w", canary, control.ErrProtected), 409},
		{fmt.Errorf("%s: %w", canary, control.ErrUnavailable), 503},
		{errors.New(canary), 500},
	} {
		w.err = c.err
		for _, r := range [][2]string{{"GET", "/v1/sessions/s1"}, {"POST", "/v1/sessions/s1/end"}, {"GET", "/v1/sessions/s1/bundle"}} {
			resp, body := w.do(t, r[0], r[1], acmeKey, nil)
			if resp.StatusCode != c.want {
				t.Errorf("%v at %s: %d, want %d", c.err, r[1], resp.StatusCode, c.want)
			}
			if (c.want == 503) != (resp.Header.Get("Retry-After") != "") {
				t.Errorf("%v: Retry-After %q", c.err, resp.Header.Get("Retry-After"))
			}
			wantError(t, resp, body)
		}
	}
}

func TestPanicOfTheNotary(t *testing.T) {
	w := start(t, nil)
	for _, value := range []any{canary, errors.New(canary), 7} {
		w.panics = value
		resp, body := w.do(t, "GET", "/v1/sessions/s1", acmeKey, nil)
		if resp.StatusCode != 500 {
			t.Errorf("%d, want 500", resp.StatusCode)
		}
		wantError(t, resp, body)
	}
	if got := w.log.String(); !strings.Contains(got, "panicked") || !strings.Contains(got, "notary).find") || strings.Contains(got, canary) {
		t.Errorf("the log must name the function that panicked, and not the value:\n%s", got)
	}
}

func TestReady(t *testing.T) {
	w := start(t, nil)
	for _, c := range []struct {
		err  error
		want int
		body string
	}{
		{nil, 200, "ready\n"},
		{&attester.StaleError{}, 503, "not ready: not yet attested\n"},
		{errors.New("two\nlines\x1b[31m"), 503, "not ready: two lines [31m\n"},
	} {
		w.ready = c.err
		resp, body := w.do(t, "GET", "/readyz", "", nil)
		if resp.StatusCode != c.want || body != c.body {
			t.Errorf("%v: %d %q, want %d %q", c.err, resp.StatusCode, body, c.want, c.body)
		}
	}
	w.ready = errors.New(strings.Repeat("long ", 1000))
	if _, body := w.do(t, "GET", "/readyz", "", nil); len(body) > 600 || strings.Count(body, "\n") != 1 {
		t.Errorf("reason of %d bytes", len(body))
	}
	if resp, body := w.do(t, "GET", "/healthz", "", nil); resp.StatusCode != 200 || body != "ok\n" {
		t.Errorf("/healthz of a notary that is not ready: %d %q, want 200", resp.StatusCode, body)
	}
	if _, body := w.do(t, "GET", "/v1/log/key", "", nil); body != "notary.example/log+dee2b9d7+AT1AgL\n" {
		t.Errorf("log key %q", body)
	}
}

func TestNoLogKey(t *testing.T) {
	w := start(t, func(o *control.Options) { o.LogKey = "" })
	if resp, _ := w.do(t, "GET", "/v1/log/key", "", nil); resp.StatusCode != 404 {
		t.Errorf("%d, want 404", resp.StatusCode)
	}
}

func TestMetrics(t *testing.T) {
	var stats []control.Metric
	w := start(t, func(o *control.Options) { o.Stats = func() []control.Metric { return stats } })
	scrape := func() string {
		resp, body := w.do(t, "GET", "/metrics", scraper, nil)
		if resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		return body
	}
	label := func(name, value string) map[string]string { return map[string]string{name: value} }
	stats = []control.Metric{
		{Name: "notary_sessions", Help: "Open sessions.", Value: 3},
		{Name: "notary_edits_total", Help: "Edits.", Kind: control.Counter, Value: 2, Labels: label("label", "EMAIL")},
		{Name: "notary_edits_total", Help: "Edits.", Kind: control.Counter, Value: 5, Labels: label("label", "CARD")},
	}
	got := scrape()
	for _, line := range []string{
		"notary_sessions 3", `notary_edits_total{label="EMAIL"} 2`, `notary_edits_total{label="CARD"} 5`,
		"notary_ready 1", "notary_attestation_expiry_seconds 1.9e+09", "notary_metrics_dropped 0",
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("no line %q in\n%s", line, got)
		}
	}

	stats = []control.Metric{
		{Name: "notary_a", Labels: label("session", canary)},
		{Name: "notary_b", Labels: label("tenant", canary)},
		{Name: "notary_c", Labels: label("label", canary+" text of a sender")},
		{Name: "notary_d", Labels: label("label", strings.Repeat(canary, 9))},
		{Name: "notary_e", Labels: label("label", "")},
		{Name: "notary_f_total"},
		{Name: "notary_g", Kind: control.Counter},
		{Name: "go_h"},
		{Name: "notary_" + canary},
		{Name: "notary_ok", Value: 1},
	}
	w.ready, w.att = errors.New("no"), nil
	got = scrape()
	if strings.Contains(got, canary) || !strings.Contains(got, "notary_metrics_dropped 9\n") || !strings.Contains(got, "notary_ok 1\n") || !strings.Contains(got, "notary_ready 0\n") {
		t.Errorf("nine of ten must be dropped:\n%s", got)
	}

	stats = nil
	for i := range 3000 {
		stats = append(stats, control.Metric{Name: "notary_many", Labels: label("label", fmt.Sprint(i))})
	}
	if got := scrape(); !strings.Contains(got, "notary_metrics_dropped 952\n") || strings.Count(got, "notary_many{") != 2048 {
		t.Error("the number of series is not bounded")
	}
}

func TestOpenMetrics(t *testing.T) {
	w := start(t, func(o *control.Options) { o.OpenMetrics = true })
	if resp, _ := w.do(t, "GET", "/metrics", "", nil); resp.StatusCode != 200 {
		t.Errorf("%d, want 200", resp.StatusCode)
	}
}

// Nothing that names a session, a tenant or a credential gets into logs, metrics
// or errors (T57).
func TestNothingLeaks(t *testing.T) {
	w := start(t, nil)
	var out bytes.Buffer
	id := url.PathEscape(canary)
	for _, token := range []string{"", canary, acmeKey, otherKey, operator, scraper} {
		for _, path := range []string{"", "/bundle", "/end", "/erase", "/erase?tenant=acme", "/" + canary, "?tenant=" + canary, "?" + canary + "=1", "/bundle?part=" + canary, "/bundle?epoch=" + canary, "/bundle?disclose=" + canary} {
			for _, method := range []string{"GET", "POST", canary} {
				resp, body := w.do(t, method, "/v1/sessions/"+id+path, token, strings.NewReader(canary))
				fmt.Fprintln(&out, body, resp.Header)
			}
		}
	}
	w.err = errors.New(canary)
	_, body := w.do(t, "GET", "/v1/sessions/"+id, acmeKey, nil)
	out.WriteString(body)
	_, body = w.do(t, "GET", "/metrics", scraper, nil)
	out.WriteString(body)
	out.Write(w.log.Bytes())
	for _, secret := range []string{canary, acmeKey, otherKey, operator, scraper, "acme"} {
		if at := strings.Index(out.String(), secret); at >= 0 {
			t.Errorf("%q got out: …%.200q", secret, out.String()[max(0, at-100):])
		}
	}
	if !strings.Contains(out.String(), `route="GET /v1/sessions/{session}/bundle"`) {
		t.Error("the log does not name the routes")
	}
}

func FuzzRequest(f *testing.F) {
	f.Add("GET", "/v1/sessions/s1/bundle?part=0", "Bearer "+acmeKey)
	f.Add("POST", "/v1/sessions/a%2Fb/end?tenant=acme", "Bearer "+operator)
	f.Add("GET", "/v1//sessions/../evidence", "")
	f.Add("GET", "/v1/sessions/s1?%zz", "Bearer")
	s, err := control.New(options(newNotary(), io.Discard))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, target, authorization string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // net/http refuses such a request line itself
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL, r.RequestURI = method, u, target
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch w.Code {
		case 200, 204, 307, 400, 401, 403, 404, 405, 413, 429:
		default:
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
