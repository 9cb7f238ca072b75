package simtee_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var runtime = []byte(`{"keys":[],"notary":{"format":"1","version":"1.0+a"}}`)

// start runs a TEE for the length of a test.
func start(t testing.TB, opts simtee.Options) *simtee.TEE {
	t.Helper()
	opts.TestKeys = true
	tee, err := simtee.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := tee.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tee.Close() })
	return tee
}

func sidecar(t testing.TB, tee *simtee.TEE) *evidence.Sidecar {
	t.Helper()
	dir := t.TempDir()
	if err := tee.WriteSecurityContext(dir); err != nil {
		t.Fatal(err)
	}
	return &evidence.Sidecar{URL: tee.SidecarURL(), SecurityContextDir: dir, HTTP: oneShot()}
}

// oneShot leaves no connection behind.
func oneShot() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

func client(tee *simtee.TEE) *maa.Client {
	return &maa.Client{URL: tee.MAAURL(), HTTP: tee.MAAHTTPClient(), Attempts: 2, Delay: time.Nanosecond}
}

func request(e *evidence.Evidence, runtimeData []byte) maa.Request {
	return maa.Request{Report: e.Report, VCEKChain: e.VCEKChain, UVM: e.UVM, RuntimeData: runtimeData}
}

func collect(t testing.TB, tee *simtee.TEE, runtimeData []byte) *evidence.Evidence {
	t.Helper()
	e, err := sidecar(t, tee).Collect(context.Background(), runtimeData)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func attest(t testing.TB, tee *simtee.TEE) (string, *evidence.Evidence) {
	t.Helper()
	e := collect(t, tee, runtime)
	token, err := client(tee).Attest(context.Background(), request(e, runtime))
	if err != nil {
		t.Fatal(err)
	}
	return token, e
}

func verify(t testing.TB, tee *simtee.TEE, token string) *maa.Claims {
	t.Helper()
	keys, err := maa.ParseKeySet(tee.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	c, err := maa.VerifyToken(token, keys, maa.TokenOptions{Issuer: tee.MAAURL(), At: time.Now(), Leeway: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// notaryData is runtime data as a notary writes it.
func notaryData(t testing.TB) []byte {
	t.Helper()
	hex32 := strings.Repeat("ab", 32)
	b, err := runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{runtimedata.RSAKey(testTransportKey(t))},
		Notary: runtimedata.Notary{
			Config: hex32, Epoch: strings.Repeat("01", 16), Format: "1", Mode: "enforce", PluginSet: hex32,
			Plugins:    map[string]runtimedata.Plugin{"redact-pii": {Config: hex32, Kind: "redactor", Limits: hex32, Order: "1", Wasm: hex32}},
			Recipients: hex32, SigningKey: base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)),
			TLSSPKI: hex32, Version: "v1.0.0+sim",
		},
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The whole way of a notary's start-up and of a relying party's appraisal, on
// each product line.
func TestBothPathsVerify(t *testing.T) {
	for _, product := range []snp.Product{snp.Milan, snp.Genoa, snp.Turin} {
		t.Run(string(product), func(t *testing.T) {
			tee := start(t, simtee.Options{Product: product})
			data := notaryData(t)
			e := collect(t, tee, data)
			token, err := client(tee).Attest(context.Background(), request(e, data))
			if err != nil {
				t.Fatal(err)
			}
			file, err := tee.PolicyYAML(strings.Repeat("ab", 32))
			if err != nil {
				t.Fatal(err)
			}
			p, err := policy.Parse(file)
			if err != nil {
				t.Fatal(err)
			}
			in := attestation.Input{RuntimeData: data, Token: token, Evidence: *e, At: time.Now(), AllowSimulated: true}
			checks := attestation.Appraise(p, in)
			if v := attestation.Verdict(checks); v != attestation.Verified {
				t.Errorf("verdict %s", v)
				for _, c := range checks {
					if c.Status != attestation.Pass {
						t.Logf("%+v", c)
					}
				}
			}
			in.AllowSimulated = false
			if v := attestation.Verdict(attestation.Appraise(p, in)); v == attestation.Verified {
				t.Error("verified without permission to simulate")
			}
		})
	}
}

func TestTokenSaysWhatTheReportSays(t *testing.T) {
	tee := start(t, simtee.Options{})
	token, e := attest(t, tee)
	c := verify(t, tee, token)
	r, err := snp.Parse(e.Report)
	if err != nil {
		t.Fatal(err)
	}
	if c.ReportData != r.ReportData || c.HostData != r.HostData || c.LaunchMeasurement != r.Measurement || c.ReportID != r.ReportID || !bytes.Equal(c.ChipID, r.ChipID[:]) {
		t.Error("claims and report differ")
	}
	if c.HostData != sha256.Sum256(e.CCEPolicy) || c.LaunchMeasurement != tee.Measurement() {
		t.Error("claims and endorsements differ")
	}
	if !bytes.Equal(c.RuntimeRaw, runtime) {
		t.Errorf("runtime data came back as %s", c.RuntimeRaw)
	}
	if !c.Simulated || c.ComplianceStatus != maa.CompliantUVM || c.PolicyHash != tee.PolicyHash() || c.VMPL != 0 || c.Debuggable || c.MigrationAllowed {
		t.Errorf("claims %+v", c)
	}
	if got := c.Expiry.Sub(c.NotBefore); got != simtee.DefaultTokenLifetime {
		t.Errorf("lifetime %v", got)
	}
	if c.UVM == nil || c.UVM.SVN != simtee.UVMSVN || c.UVM.Issuer != tee.UVMDID() || c.UVM.Feed != uvm.ContainerFeed {
		t.Errorf("endorsement %+v", c.UVM)
	}
}

// MAA sorts members and keeps numbers (reference: it re-serialises x-ms-runtime).
func TestRuntimeDataIsSorted(t *testing.T) {
	tee := start(t, simtee.Options{})
	loose := []byte(`{ "z": {"b": 1.50, "a": 9007199254740993}, "a": ["x<y", 2] }`)
	e := collect(t, tee, loose)
	token, err := client(tee).Attest(context.Background(), request(e, loose))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(verify(t, tee, token).RuntimeRaw), `{"a":["x<y",2],"z":{"a":9007199254740993,"b":1.50}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Everything that a simulated TEE makes says so.
func TestEverythingSaysSimulated(t *testing.T) {
	tee := start(t, simtee.Options{})
	token, e := attest(t, tee)
	chain, err := snp.ParseChain(e.VCEKChain)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{chain.VCEK.Subject.String(), chain.ASK.Subject.String(), chain.ARK.Subject.String()} {
		if !strings.Contains(c, "SIMULATED") {
			t.Errorf("certificate %s", c)
		}
	}
	r, err := snp.Parse(e.Report)
	if err != nil {
		t.Fatal(err)
	}
	file, err := tee.PolicyYAML()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"family id": r.FamilyID[:], "chip id": r.ChipID[:], "CCE policy": e.CCEPolicy, "policy": file,
		"endorsement": e.UVM, "token": bytes.ToUpper(payload), "TLS certificate": tlsSubject(t, tee),
	} {
		if !bytes.Contains(text, []byte("SIMULATED")) {
			t.Errorf("%s does not say SIMULATED: %q", name, text)
		}
	}
	if !bytes.Contains(e.CCEPolicy, []byte(simtee.Marker)) {
		t.Error("the marker is not in the CCE policy")
	}
}

func TestServiceRefuses(t *testing.T) {
	tee, other := start(t, simtee.Options{}), start(t, simtee.Options{})
	_, e := attest(t, tee)
	foreign := collect(t, other, runtime)
	for _, r := range []struct {
		name   string
		change func(*maa.Request)
		want   string
	}{
		{"report changed", func(r *maa.Request) { r.Report[0x90] ^= 1 }, "signature"},
		{"other machine's report", func(r *maa.Request) { r.Report = foreign.Report }, "VCEK"},
		{"other machine", func(r *maa.Request) { r.Report, r.VCEKChain = foreign.Report, foreign.VCEKChain }, "root"},
		{"no chain", func(r *maa.Request) { r.VCEKChain = []byte("x") }, "VcekCertChain"},
		{"other runtime data", func(r *maa.Request) { r.RuntimeData = []byte(`{"keys":[]}`) }, "report data"},
		{"version 1", func(r *maa.Request) { r.Report[0] = 1 }, "SnpReport"},
		{"endorsement changed", func(r *maa.Request) { r.UVM[len(r.UVM)-1] ^= 1 }, "UVM endorsement"},
		{"other signer's endorsement", func(r *maa.Request) { r.UVM = foreign.UVM }, "UVM endorsement"},
		{"no endorsement", func(r *maa.Request) { r.UVM = nil }, ""},
	} {
		req := request(&evidence.Evidence{Report: bytes.Clone(e.Report), VCEKChain: e.VCEKChain, UVM: bytes.Clone(e.UVM)}, runtime)
		r.change(&req)
		token, err := client(tee).Attest(context.Background(), req)
		var service *maa.ServiceError
		switch {
		case r.want == "" && err != nil:
			t.Errorf("%s: %v", r.name, err)
		case r.want == "" && verify(t, tee, token).ComplianceStatus != "":
			t.Errorf("%s: compliance attested", r.name)
		case r.want == "":
		case !errors.As(err, &service) || service.Status != 400 || service.Code != "InvalidParameter" || !strings.Contains(service.Message, r.want):
			t.Errorf("%s: got %v, want 400 InvalidParameter about %q", r.name, err, r.want)
		}
	}
}

func TestServiceRequestForms(t *testing.T) {
	tee := start(t, simtee.Options{})
	_, e := attest(t, tee)
	pad := base64.URLEncoding.EncodeToString // as skr writes it
	inner, err := json.Marshal(map[string]string{"SnpReport": pad(e.Report), "VcekCertChain": pad(e.VCEKChain)})
	if err != nil {
		t.Fatal(err)
	}
	body := func(dataType string) string {
		return fmt.Sprintf(`{"report":%q,"runtimeData":{"data":%q,"dataType":%q},"initTimeData":{"data":"","dataType":""},"nonce":12345}`,
			pad(inner), pad(runtime), dataType)
	}
	for _, r := range []struct {
		name, method, path, body string
		status                   int
		contains                 string
	}{
		{"skr's form", "POST", "/attest/SevSnpVM?api-version=2020-10-01", body("JSON"), 200, `{"token":"`},
		{"binary runtime data", "POST", "/attest/SevSnpVm?api-version=2025-06-01", body("Binary"), 400, "dataType"},
		{"no api-version", "POST", "/attest/SevSnpVm", body("JSON"), 400, "api-version"},
		{"unknown api-version", "POST", "/attest/SevSnpVm?api-version=1999-01-01", body("JSON"), 400, "api-version"},
		{"not JSON", "POST", "/attest/SevSnpVm?api-version=2025-06-01", "x", 400, "InvalidParameter"},
		{"empty", "POST", "/attest/SevSnpVm?api-version=2025-06-01", "{}", 400, "InvalidParameter"},
		{"1 MiB and a byte", "POST", "/attest/SevSnpVm?api-version=2025-06-01", strings.Repeat(" ", 1<<20+1), 400, "too large"},
		{"get", "GET", "/attest/SevSnpVm?api-version=2025-06-01", "", 404, "NotFound"},
		{"keys", "GET", "/certs", "", 200, `"kid":`},
		{"metadata", "GET", "/.well-known/openid-configuration", "", 200, `"jwks_uri":"` + tee.MAAURL() + `/certs"`},
	} {
		status, answer := call(t, tee.MAAHTTPClient(), r.method, tee.MAAURL()+r.path, r.body)
		if status != r.status || !strings.Contains(answer, r.contains) {
			t.Errorf("%s: %d %.200s", r.name, status, answer)
		}
	}
}

func call(t *testing.T, c *http.Client, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// The sidecar answers byte for byte as the stock one where that is known.
func TestSidecarForms(t *testing.T) {
	tee := start(t, simtee.Options{})
	for _, r := range []struct {
		name, method, path, body string
		status                   int
		prefix                   string
	}{
		{"status", "GET", "/status", "", 200, `{"message":"Status OK"}`},
		{"raw", "POST", "/attest/raw", `{"runtime_data":"e30="}`, 200, `{"report":"03000000`},
		{"combined", "POST", "/attest/combined", `{"runtime_data":"e30="}`, 200, `{"endorsed_tcb":"541700000000000A","endorsements":"`},
		{"not JSON", "POST", "/attest/raw", `x`, 400, `{"error":"invalid request body`},
		{"empty", "POST", "/attest/raw", `{"runtime_data":""}`, 400, `{"error":"invalid request body`},
		{"unpadded", "POST", "/attest/raw", `{"runtime_data":"e30"}`, 400, `{"error":"decoding`},
		{"base64url", "POST", "/attest/raw", `{"runtime_data":"_-8="}`, 400, `{"error":"decoding`},
		{"wrong verb", "GET", "/attest/raw", "", 404, "404 page not found"},
		{"wrong path", "POST", "/attest/none", "", 404, "404 page not found"},
	} {
		status, answer := call(t, oneShot(), r.method, tee.SidecarURL()+r.path, r.body)
		if status != r.status || !strings.HasPrefix(answer, r.prefix) {
			t.Errorf("%s: %d %.80s", r.name, status, answer)
		}
	}
	tee.SetFaults(simtee.Faults{SidecarDown: true})
	status, answer := call(t, oneShot(), "POST", tee.SidecarURL()+"/attest/raw", `{"runtime_data":"e30="}`)
	if status != 403 || !strings.HasSuffix(answer, `"}{"report":""}`) {
		t.Errorf("down: %d %s", status, answer)
	}
}

func TestFaults(t *testing.T) {
	tee := start(t, simtee.Options{})
	ctx := context.Background()
	tee.SetFaults(simtee.Faults{NotHardware: true})
	if _, err := sidecar(t, tee).Collect(ctx, runtime); !errors.Is(err, evidence.ErrNotHardware) {
		t.Errorf("not hardware: got %v", err)
	}
	tee.SetFaults(simtee.Faults{SidecarDown: true})
	var status *evidence.StatusError
	if _, err := sidecar(t, tee).Collect(ctx, runtime); !errors.As(err, &status) || status.Status != 403 || status.Message == "" {
		t.Errorf("sidecar down: got %v", err)
	}
	tee.SetFaults(simtee.Faults{MAADown: true})
	var service *maa.ServiceError
	if _, err := client(tee).FetchKeys(ctx); !errors.As(err, &service) || !service.Temporary() {
		t.Errorf("MAA down: got %v", err)
	}
	tee.SetFaults(simtee.Faults{TokenLifetime: time.Minute, Claims: func(c map[string]any) { delete(c, "x-ms-compliance-status") }})
	token, _ := attest(t, tee)
	if c := verify(t, tee, token); c.Expiry.Sub(c.NotBefore) != time.Minute || c.ComplianceStatus != "" {
		t.Errorf("token faults: %+v", c)
	}
	tee.SetFaults(simtee.Faults{Report: func(b []byte) { b[0x00a] |= 1 << 3 }}) // debug
	token, _ = attest(t, tee)
	if !verify(t, tee, token).Debuggable {
		t.Error("report fault: not debuggable")
	}
	tee.SetFaults(simtee.Faults{})
	if token, _ = attest(t, tee); verify(t, tee, token).Debuggable {
		t.Error("faults do not end")
	}
}

func TestRestartIsTheSameHardware(t *testing.T) {
	dir := t.TempDir()
	first := start(t, simtee.Options{Dir: dir})
	token, e := attest(t, first)
	issuer, keys := first.MAAURL(), first.JWKS()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, simtee.Options{Dir: dir})
	if second.MAAURL() != issuer || second.SidecarURL() == "" {
		t.Fatalf("issuer changed from %s to %s", issuer, second.MAAURL())
	}
	if !second.ARK().Equal(first.ARK()) || !bytes.Equal(second.VCEKChain(), e.VCEKChain) || second.HostData() != first.HostData() {
		t.Error("another machine")
	}
	verify(t, second, token)
	old, err := maa.ParseKeySet(keys)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := attest(t, second)
	if _, err := maa.VerifyToken(again, old, maa.TokenOptions{Issuer: issuer, At: time.Now(), Leeway: time.Minute}); err != nil {
		t.Errorf("a new token under the old keys: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "simulated-tee.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state file %v, %v", info, err)
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := simtee.New(simtee.Options{Dir: dir, TestKeys: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := simtee.New(simtee.Options{Dir: dir, TestKeys: true, Product: snp.Milan}); err == nil {
		t.Error("loaded as another product line")
	}
	if _, err := simtee.New(simtee.Options{TestKeys: true, Product: "Naples"}); err == nil {
		t.Error("unknown product line")
	}
	if err := os.WriteFile(filepath.Join(dir, "simulated-tee.json"), []byte(`{"product":"Genoa"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := simtee.New(simtee.Options{Dir: dir, TestKeys: true}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged state: %v", err)
	}
}

func TestLifeCycle(t *testing.T) {
	tee, err := simtee.New(simtee.Options{TestKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	if tee.MAAURL() != "" || tee.SidecarURL() != "" || tee.JWKS() != nil {
		t.Error("addresses before the start")
	}
	if _, err := tee.PolicyYAML(); err == nil {
		t.Error("policy before the start")
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := tee.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := tee.Start(ctx); err == nil {
		t.Error("started twice")
	}
	if _, err := tee.PolicyYAML("abc"); err == nil {
		t.Error("plugin set that is no digest")
	}
	cancel()
	if err := tee.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tee.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func ExampleTEE() {
	tee, err := simtee.New(simtee.Options{TestKeys: true})
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
	data := []byte(`{"keys":[]}`)
	source := &evidence.Sidecar{URL: tee.SidecarURL(), HTTP: oneShot()}
	e, err := source.Collect(ctx, data)
	if err != nil {
		fmt.Println(err)
		return
	}
	service := &maa.Client{URL: tee.MAAURL(), HTTP: tee.MAAHTTPClient()}
	token, err := service.Attest(ctx, maa.Request{Report: e.Report, VCEKChain: e.VCEKChain, UVM: e.UVM, RuntimeData: data})
	fmt.Println(len(e.Report), token != "", err)
	// Output: 1184 true <nil>
}
