package maa

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve starts a TLS provider and returns a client for it that does not wait
// between attempts.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return &Client{URL: s.URL, HTTP: s.Client(), Delay: time.Nanosecond}
}

func request() Request {
	return Request{
		Report: bytes.Repeat([]byte{0xfb}, reportSize), VCEKChain: []byte("pem"),
		UVM: []byte{0xd2, 0xff}, RuntimeData: []byte(testRuntime),
	}
}

func TestAttestRequestForm(t *testing.T) {
	var path, version string
	var body map[string]json.RawMessage
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path, version = r.Method+" "+r.URL.Path, r.URL.Query().Get("api-version")
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		io.WriteString(w, `{"token":"a.b.c"}`)
	})
	token, err := c.Attest(context.Background(), request())
	if err != nil || token != "a.b.c" {
		t.Fatalf("got %q, %v", token, err)
	}
	if path != "POST /attest/SevSnpVm" || version != DefaultAPIVersion {
		t.Errorf("called %s with version %s", path, version)
	}
	if got := string(body["runtimeData"]); got != `{"data":"`+b64([]byte(testRuntime))+`","dataType":"JSON"}` {
		t.Errorf("runtimeData %s", got)
	}
	var inner struct{ SnpReport, VcekCertChain, Endorsements string }
	decode(t, body["report"], &inner)
	if inner.SnpReport != b64(request().Report) || inner.VcekCertChain != b64([]byte("pem")) {
		t.Errorf("report %+v", inner)
	}
	b, err := base64.RawURLEncoding.DecodeString(inner.Endorsements)
	if err != nil || string(b) != `{"Uvm":["0v8"]}` {
		t.Errorf("endorsements %s, %v", b, err)
	}
	c.APIVersion = "2022-08-01"
	if _, err := c.Attest(context.Background(), request()); err != nil || version != "2022-08-01" {
		t.Errorf("called with version %s (%v)", version, err)
	}
}

// decode opens a JSON string of base64url of JSON.
func decode(t *testing.T, quoted json.RawMessage, v any) {
	t.Helper()
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		t.Fatal(err)
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAttestRefusesBadRequests(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	for name, change := range map[string]func(*Request){
		"short report":           func(r *Request) { r.Report = r.Report[1:] },
		"no chain":               func(r *Request) { r.VCEKChain = nil },
		"large chain":            func(r *Request) { r.VCEKChain = make([]byte, maxChainSize+1) },
		"large endorsement":      func(r *Request) { r.UVM = make([]byte, maxUVMSize+1) },
		"no runtime data":        func(r *Request) { r.RuntimeData = nil },
		"large runtime data":     func(r *Request) { r.RuntimeData = make([]byte, maxRuntimeSize+1) },
		"runtime data no object": func(r *Request) { r.RuntimeData = []byte(`[]`) },
		"runtime data duplicate": func(r *Request) { r.RuntimeData = []byte(`{"a":1,"a":2}`) },
	} {
		r := request()
		change(&r)
		if _, err := c.Attest(context.Background(), r); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
}

func TestClientURL(t *testing.T) {
	for _, u := range []string{"", "maa.example.test", "http://maa.example.test", "https://", "https://maa.example.test/", "https://user@maa.example.test", "https://maa.example.test?x", "https://a\n"} {
		c := &Client{URL: u}
		if _, err := c.FetchKeys(context.Background()); err == nil || !strings.Contains(err.Error(), "want https://host") {
			t.Errorf("%q: got %v", u, err)
		}
	}
}

func TestAttestRetries(t *testing.T) {
	for _, r := range []struct {
		name    string
		status  []int // per call, the last one repeated
		calls   int
		success bool
	}{
		{"at once", []int{200}, 1, true},
		{"busy, then well", []int{429, 503, 500, 200}, 4, true},
		{"down", []int{503}, DefaultAttempts, false},
		{"bad request", []int{400}, 1, false},
		{"unauthorized", []int{401}, 1, false},
		{"not implemented is 5xx", []int{501, 200}, 2, true},
		{"redirect", []int{302}, 1, false},
		{"no content", []int{204}, 1, false},
	} {
		calls := 0
		c := serve(t, func(w http.ResponseWriter, req *http.Request) {
			status := r.status[min(calls, len(r.status)-1)]
			calls++
			if req.URL.Path != "/attest/SevSnpVm" {
				t.Errorf("%s: followed to %s", r.name, req.URL.Path)
			}
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(status)
			if status == 200 {
				io.WriteString(w, `{"token":"t"}`)
			}
		})
		_, err := c.Attest(context.Background(), request())
		if (err == nil) != r.success || calls != r.calls {
			t.Errorf("%s: %d calls, error %v; want %d, success %v", r.name, calls, err, r.calls, r.success)
		}
	}
}

func TestAttestRetriesBrokenConnections(t *testing.T) {
	calls := 0
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls < 3 {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, `{"token":"t"}`)
	})
	if token, err := c.Attest(context.Background(), request()); err != nil || token != "t" {
		t.Fatalf("got %q, %v", token, err)
	}
}

func TestRetryHonoursContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
		cancel()
	})
	_, err := c.FetchKeys(ctx)
	if err == nil || calls != 1 {
		t.Fatalf("got %v after %d calls, want one", err, calls)
	}
}

func TestServiceErrorText(t *testing.T) {
	for _, r := range []struct {
		name, body, code, message string
	}{
		{"MAA's form", `{"error":{"code":"InvalidParameter","message":"report is \u0007bad\nFORGED LINE"}}`, "InvalidParameter", "report is .bad.FORGED LINE"},
		{"long", `{"error":{"code":"C","message":"` + strings.Repeat("x", 5000) + `"}}`, "C", strings.Repeat("x", 500)},
		{"HTML", `<html>`, "", ""},
		{"other JSON", `{"error":"text"}`, "", ""},
		{"duplicate", `{"error":{"code":"A"},"error":{"code":"B"}}`, "", ""},
		{"10 MB", strings.Repeat(" ", 10<<20), "", ""},
		{"empty", ``, "", ""},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, r.body)
		})
		_, err := c.Attest(context.Background(), request())
		var e *ServiceError
		if !errors.As(err, &e) || e.Status != 400 || e.Code != r.code || e.Message != r.message {
			t.Errorf("%s: got %+v (%v)", r.name, e, err)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/certs":
			w.Write(make([]byte, MaxKeySetSize+1))
		default:
			io.WriteString(w, `{"token":"`+strings.Repeat("a", 1<<20)+`"}`)
		}
	})
	if _, err := c.FetchKeys(context.Background()); !errors.Is(err, errTooLarge) {
		t.Errorf("keys: got %v", err)
	}
	if _, err := c.Attest(context.Background(), request()); !errors.Is(err, errTooLarge) {
		t.Errorf("token: got %v", err)
	}
}

func TestAttestRefusesOtherAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "no token": `{}`, "token number": `{"token":1}`, "token empty": `{"token":""}`,
		"two values": `{"token":"a"}{"token":"b"}`, "duplicate": `{"token":"a","token":"b"}`,
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		if token, err := c.Attest(context.Background(), request()); err == nil {
			t.Errorf("%s: got %q", name, token)
		}
	}
}

func TestFetchKeysFromCertsOnly(t *testing.T) {
	want := jwks(t, jwkOf(testKid, &testKey().PublicKey))
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "GET" || r.URL.Path != "/certs" {
			t.Errorf("called %s %s", r.Method, r.URL)
		}
		w.Write(want)
	})
	got, err := c.FetchKeys(context.Background())
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %s, %v", got, err)
	}
}

// The environment belongs to the host (T07): a proxy named there is not used.
func TestNoProxyFromTheEnvironment(t *testing.T) {
	if plain.Proxy != nil {
		t.Fatal("the default transport asks somebody for a proxy")
	}
	c := &Client{URL: "https://maa.example.test"}
	if c.client().Transport != http.RoundTripper(plain) {
		t.Fatal("the default client uses another transport")
	}
}

func TestDelays(t *testing.T) {
	for range 100 {
		if d := jitter(time.Second); d < time.Second/2 || d > time.Second {
			t.Fatalf("jitter of 1 s gave %v", d)
		}
	}
	for header, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "3600": maxRetryAfter, "-1": 0, "Fri, 01 Jan 2027 00:00:00 GMT": 0, "99999999999": 0} {
		resp := &http.Response{Header: http.Header{"Retry-After": {header}}}
		if got := retryAfter(resp); got != want {
			t.Errorf("Retry-After %q: got %v, want %v", header, got, want)
		}
	}
}
