package evidence_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
)

var runtime = []byte(`{"keys":[]}`)

// Two machines, for reports and chains that do not belong together.
var machines = sync.OnceValues(func() ([2]*simtee.TEE, error) {
	ours, err := simtee.New(simtee.Options{TestKeys: true})
	if err != nil {
		return [2]*simtee.TEE{}, err
	}
	other, err := simtee.New(simtee.Options{TestKeys: true})
	return [2]*simtee.TEE{ours, other}, err
})

func tees(t testing.TB) (ours, other *simtee.TEE) {
	t.Helper()
	m, err := machines()
	if err != nil {
		t.Fatal(err)
	}
	return m[0], m[1]
}

func report(t testing.TB, tee *simtee.TEE, data []byte) []byte {
	t.Helper()
	return tee.Report(runtimedata.ReportData(data))
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func rawAnswer(report []byte) string { return fmt.Sprintf(`{"report":"%x"}`, report) }

func combinedAnswer(report, chain, uvm []byte) string {
	return fmt.Sprintf(`{"endorsed_tcb":"0","endorsements":%q,"evidence":%q,"uvm_endorsements":%q}`, b64(chain), b64(report), b64(uvm))
}

// serve answers /attest/raw and /attest/combined with fixed texts.
func serve(t testing.TB, raw, combined string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST /attest/raw":
			io.WriteString(w, raw)
		case "POST /attest/combined":
			io.WriteString(w, combined)
		default:
			t.Errorf("called %s %s", r.Method, r.URL)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func contextDir(t testing.TB, tee *simtee.TEE) string {
	t.Helper()
	dir := t.TempDir()
	if err := tee.WriteSecurityContext(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCollect(t *testing.T) {
	ours, other := tees(t)
	good := combinedAnswer(report(t, ours, runtime), ours.VCEKChain(), ours.UVM())
	partial := contextDir(t, ours)
	if err := os.Remove(filepath.Join(partial, "host-amd-cert-base64")); err != nil {
		t.Fatal(err)
	}
	stale := contextDir(t, other)
	if err := os.WriteFile(filepath.Join(stale, "security-policy-base64"), []byte(b64(ours.CCEPolicy())), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stale, "reference-info-base64"), []byte(b64(ours.UVM())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		name, dir, raw, combined string
		policy                   bool
	}{
		{"raw with the directory", contextDir(t, ours), rawAnswer(report(t, ours, runtime)), "", true},
		{"no directory", "", "", good, false},
		{"directory without certificates", partial, "", good, true},
		{"directory with stale certificates", stale, rawAnswer(report(t, ours, runtime)), good, true},
		{"something behind the answer", "", "", good + `{"evidence":""}`, false},
	} {
		s := &evidence.Sidecar{URL: serve(t, r.raw, r.combined), SecurityContextDir: r.dir}
		e, err := s.Collect(context.Background(), runtime)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
			continue
		}
		if len(e.Report) != 1184 || !bytes.Equal(e.VCEKChain, ours.VCEKChain()) || !bytes.Equal(e.UVM, ours.UVM()) {
			t.Errorf("%s: parts are missing or not ours", r.name)
		}
		if r.policy != bytes.Equal(e.CCEPolicy, ours.CCEPolicy()) {
			t.Errorf("%s: CCE policy %q", r.name, e.CCEPolicy)
		}
	}
}

// The request is what the stock sidecar wants: padded standard base64.
func TestRequestForm(t *testing.T) {
	ours, _ := tees(t)
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		io.WriteString(w, combinedAnswer(report(t, ours, runtime), ours.VCEKChain(), nil))
	}))
	t.Cleanup(s.Close)
	e, err := (&evidence.Sidecar{URL: s.URL + "/"}).Collect(context.Background(), runtime)
	if err != nil || e.UVM != nil {
		t.Fatalf("got %v, endorsement %x", err, e.UVM)
	}
	if want := `{"runtime_data":"eyJrZXlzIjpbXX0="}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

// TestT08CollectRefuses is T08: a sidecar that lies, in each way with its own error.
func TestT08CollectRefuses(t *testing.T) {
	ours, other := tees(t)
	ok := report(t, ours, runtime)
	change := func(i int, b byte) []byte {
		c := bytes.Clone(ok)
		c[i] ^= b
		return c
	}
	unsigned := bytes.Clone(ok)
	clear(unsigned[0x2A0:])
	chain, uvm := ours.VCEKChain(), ours.UVM()
	mixed := append(bytes.Clone(other.VCEKChain()[:bytes.Index(other.VCEKChain(), []byte("-----END"))]), chain[bytes.Index(chain, []byte("-----END")):]...)
	for _, r := range []struct {
		name, raw string
		want      error
	}{
		{"version 1", rawAnswer(change(0, 3^1)), evidence.ErrNotHardware},
		{"version 0", rawAnswer(change(0, 3)), evidence.ErrNotHardware},
		{"no signature", rawAnswer(unsigned), evidence.ErrNotHardware},
		{"version 9", rawAnswer(change(0, 3^9)), evidence.ErrReport},
		{"report data of others", rawAnswer(report(t, ours, []byte(`{}`))), evidence.ErrReportData},
		{"report data with a tail", rawAnswer(change(0x50+63, 1)), evidence.ErrReportData},
		{"changed report", rawAnswer(change(0x90, 1)), evidence.ErrChain},
		{"report of another machine", rawAnswer(report(t, other, runtime)), evidence.ErrChain},
		{"hex too short", `{"report":"00"}`, evidence.ErrAnswer},
		{"hex too long", rawAnswer(append(bytes.Clone(ok), 0)), evidence.ErrAnswer},
		{"hex of odd length", `{"report":"` + hex.EncodeToString(ok) + `0"}`, evidence.ErrAnswer},
		{"not hex", `{"report":"` + strings.Repeat("zz", 1184) + `"}`, evidence.ErrAnswer},
		{"no report", `{}`, evidence.ErrAnswer},
		{"report a number", `{"report":1}`, evidence.ErrAnswer},
		{"not JSON", `<html>`, evidence.ErrAnswer},
		{"nothing", ``, evidence.ErrAnswer},
		{"JSON breaks off", rawAnswer(ok)[:2000], evidence.ErrAnswer},
		{"64 KiB and a byte", strings.Repeat(" ", 64<<10) + " ", evidence.ErrTooLarge},
		{"10 MB", rawAnswer(ok) + strings.Repeat(" ", 10<<20), evidence.ErrTooLarge},
	} {
		// The fallback on stale certificates finds no better ones.
		url := serve(t, r.raw, combinedAnswer(ok, other.VCEKChain(), uvm))
		s := &evidence.Sidecar{URL: url, SecurityContextDir: contextDir(t, ours)}
		refused(t, "raw: "+r.name, s, r.want)
	}
	for _, r := range []struct {
		name, combined string
		want           error
	}{
		{"version 1", combinedAnswer(change(0, 3^1), chain, uvm), evidence.ErrNotHardware},
		{"no signature", combinedAnswer(unsigned, chain, uvm), evidence.ErrNotHardware},
		{"report data of others", combinedAnswer(report(t, ours, []byte(`{}`)), chain, uvm), evidence.ErrReportData},
		{"short report", combinedAnswer(ok[1:], chain, uvm), evidence.ErrReport},
		{"chain of another machine", combinedAnswer(ok, other.VCEKChain(), uvm), evidence.ErrChain},
		{"mixed chain", combinedAnswer(ok, mixed, uvm), evidence.ErrChain},
		{"chain of two", combinedAnswer(ok, chain[:bytes.LastIndex(chain, []byte("-----BEGIN"))], uvm), evidence.ErrChain},
		{"chain no PEM", combinedAnswer(ok, []byte("x"), uvm), evidence.ErrChain},
		{"no chain", combinedAnswer(ok, nil, uvm), evidence.ErrAnswer},
		{"no evidence", combinedAnswer(nil, chain, uvm), evidence.ErrAnswer},
		{"unpadded", strings.ReplaceAll(combinedAnswer(ok, chain, uvm), "=", ""), evidence.ErrAnswer},
		{"endorsement no base64", strings.Replace(combinedAnswer(ok, chain, uvm), b64(uvm), "*", 1), evidence.ErrAnswer},
		{"1 MiB and a byte", strings.Repeat(" ", 1<<20) + " ", evidence.ErrTooLarge},
	} {
		refused(t, "combined: "+r.name, &evidence.Sidecar{URL: serve(t, "", r.combined)}, r.want)
	}
}

func refused(t *testing.T, name string, s *evidence.Sidecar, want error) {
	t.Helper()
	e, err := s.Collect(context.Background(), runtime)
	if e != nil || !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", name, err, want)
	}
	if err != nil && len(err.Error()) > 1000 {
		t.Errorf("%s: error text of %d bytes", name, len(err.Error()))
	}
}

func TestStatusFirst(t *testing.T) {
	ours, _ := tees(t)
	good := combinedAnswer(report(t, ours, runtime), ours.VCEKChain(), ours.UVM())
	for _, r := range []struct {
		name, body string
		status     int
		message    string
	}{
		{"stock's two objects", `{"error":"fetching\nfailed"}{"evidence":""}`, 403, "fetching failed"},
		{"a good answer under a bad status", good, 403, ""},
		{"accepted", good, 202, ""},
		{"bad request", `{"error":"runtime_data"}`, 400, "runtime_data"},
		{"not found", `404 page not found`, 404, ""},
		{"redirect", good, 302, ""},
		{"internal", `{"error":"` + strings.Repeat("x", 5000) + `"}`, 500, strings.Repeat("x", 300)},
		{"hostile text", `{"error":"\u001b[31m\u202e"}`, 403, " [31m "},
	} {
		calls := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(r.status)
			io.WriteString(w, r.body)
		}))
		_, err := (&evidence.Sidecar{URL: s.URL}).Collect(context.Background(), runtime)
		s.Close()
		var e *evidence.StatusError
		if !errors.As(err, &e) || e.Status != r.status || e.Path != "/attest/combined" || e.Message != r.message || calls != 1 {
			t.Errorf("%s: got %v after %d calls", r.name, err, calls)
		}
		if errors.Is(err, evidence.ErrUnavailable) != (r.status >= 500) {
			t.Errorf("%s: unavailable is %v", r.name, errors.Is(err, evidence.ErrUnavailable))
		}
	}
}

func TestT08Silence(t *testing.T) {
	release := make(chan struct{})
	handlers := map[string]http.HandlerFunc{
		"no answer": func(http.ResponseWriter, *http.Request) { <-release },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"evidence":"`)
			w.(http.Flusher).Flush()
			<-release
		},
		"connection cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, h := range handlers {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		refused(t, name, &evidence.Sidecar{URL: s.URL, Timeout: 50 * time.Millisecond}, evidence.ErrUnavailable)
	}
	t.Cleanup(func() { close(release) })
	refused(t, "nobody there", &evidence.Sidecar{URL: "http://127.0.0.1:1"}, evidence.ErrUnavailable)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (&evidence.Sidecar{URL: serve(t, "", "")}).Collect(ctx, runtime); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestSourceRefuses(t *testing.T) {
	for _, url := range []string{
		"127.0.0.1:8081", "https://127.0.0.1:8081", "http://10.0.0.1:8081", "http://sidecar:8081", "http://localhost.example.test",
		"http://user@127.0.0.1", "http://127.0.0.1/attest", "http://127.0.0.1?x=y", "http://127.0.0.1#x", "http://[fe80::1]:8081", "http://a b",
	} {
		refused(t, url, &evidence.Sidecar{URL: url}, evidence.ErrSource)
	}
	for name, data := range map[string][]byte{"empty": nil, "large": make([]byte, 128<<10+1)} {
		if _, err := (&evidence.Sidecar{}).Collect(context.Background(), data); !errors.Is(err, evidence.ErrSource) {
			t.Errorf("%s runtime data: got %v", name, err)
		}
	}
}

// HTTP_PROXY belongs to the host (T07). Go never sends loopback requests to a
// proxy, so the transport itself is asked.
func TestNoProxyFromTheEnvironment(t *testing.T) {
	if evidence.DefaultTransport().Proxy != nil {
		t.Error("the default transport asks somebody for a proxy")
	}
	_, err := evidence.DefaultTransport().DialContext(context.Background(), "tcp", "192.0.2.1:80")
	if err == nil || !strings.Contains(err.Error(), "not loopback") {
		t.Errorf("dialling away: got %v", err)
	}
}

func TestSecurityContextRefuses(t *testing.T) {
	ours, other := tees(t)
	thim, err := ours.THIM()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		name, file, content string
		want                error
	}{
		{"policy of others", "security-policy-base64", b64([]byte("package other")), evidence.ErrCCEPolicy},
		{"policy empty", "security-policy-base64", "", evidence.ErrAnswer},
		{"policy no base64", "security-policy-base64", "package policy", evidence.ErrAnswer},
		{"endorsement no base64", "reference-info-base64", "*", evidence.ErrAnswer},
		{"certificates no JSON", "host-amd-cert-base64", b64([]byte("x")), evidence.ErrAnswer},
		{"certificates missing", "host-amd-cert-base64", b64([]byte("{}")), evidence.ErrChain},
		{"certificates not base64", "host-amd-cert-base64", string(thim), evidence.ErrAnswer},
		{"certificates of another machine", "host-amd-cert-base64", b64(must(other.THIM())), evidence.ErrChain},
		{"certificates too large", "host-amd-cert-base64", b64(make([]byte, 65<<10)), evidence.ErrTooLarge},
		{"file too large", "reference-info-base64", strings.Repeat("A", 2<<20+1), evidence.ErrTooLarge},
	} {
		dir := contextDir(t, ours)
		if err := os.WriteFile(filepath.Join(dir, r.file), []byte(r.content), 0o600); err != nil {
			t.Fatal(err)
		}
		ok := report(t, ours, runtime)
		url := serve(t, rawAnswer(ok), combinedAnswer(ok, other.VCEKChain(), nil))
		refused(t, r.name, &evidence.Sidecar{URL: url, SecurityContextDir: dir}, r.want)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "reference-info-base64"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := (&evidence.Sidecar{SecurityContextDir: dir}).Collect(context.Background(), runtime); err == nil {
		t.Error("a directory was read as a file")
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestSecurityContextDir(t *testing.T) {
	t.Setenv("UVM_SECURITY_CONTEXT_DIR", "/security-context-7")
	if got := evidence.SecurityContextDir(); got != "/security-context-7" {
		t.Errorf("got %q", got)
	}
}

func TestParseTHIM(t *testing.T) {
	ours, _ := tees(t)
	thim := must(ours.THIM())
	got, err := evidence.ParseTHIM(thim)
	if err != nil || !bytes.Equal(got, ours.VCEKChain()) {
		t.Fatalf("got %s, %v", got, err)
	}
	// Line ends of the wire and the order of the certificates do not matter.
	var v map[string]string
	if err := json.Unmarshal(thim, &v); err != nil {
		t.Fatal(err)
	}
	v["vcekCert"], v["certificateChain"] = strings.ReplaceAll(v["certificateChain"], "\n", "\r\n"), v["vcekCert"]
	got, err = evidence.ParseTHIM(must(json.Marshal(v)))
	if err != nil || !bytes.Equal(got, ours.VCEKChain()) {
		t.Errorf("other spelling: %v", err)
	}
}

func FuzzParseTHIM(f *testing.F) {
	ours, _ := tees(f)
	f.Add(must(ours.THIM()))
	f.Add([]byte(`{"vcekCert":"","certificateChain":""}`))
	f.Add([]byte(`{"VCEKCERT":"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		chain, err := evidence.ParseTHIM(b)
		if (err == nil) != (len(chain) > 0) {
			t.Fatalf("chain %q with error %v", chain, err)
		}
	})
}

func FuzzCheck(f *testing.F) {
	ours, _ := tees(f)
	f.Add(report(f, ours, runtime), ours.VCEKChain(), ours.CCEPolicy(), runtime)
	f.Fuzz(func(t *testing.T, report, chain, policy, data []byte) {
		e := &evidence.Evidence{Report: report, VCEKChain: chain, CCEPolicy: policy}
		if err := e.Check(data); err == nil && !bytes.Equal(report[0x50:0x70], func() []byte { d := runtimedata.Digest(data); return d[:] }()) {
			t.Fatal("passed with the report data of others")
		}
	})
}

func ExampleSidecar() {
	tee, err := simtee.New(simtee.Options{TestKeys: true}) // on ACI: nothing of this
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := tee.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer tee.Close()

	source := &evidence.Sidecar{URL: tee.SidecarURL()}
	e, err := source.Collect(ctx, []byte(`{"keys":[]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("report of", len(e.Report), "bytes over our runtime data")
	// Output: report of 1184 bytes over our runtime data
}
