package endpoint

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// secret is in every credential of the tests, and must be in no error.
const secret = "geheim123"

func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, Options) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, Options{URL: s.URL + "/container", Roots: roots, Timeout: 5 * time.Second}
}

func open(t *testing.T, o Options) *Endpoint {
	t.Helper()
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func get() *pluginhost.HTTPRequest {
	return &pluginhost.HTTPRequest{Method: abi.HTTPGet, Path: "e-1", MaxBody: 100}
}

// TestDo: a request arrives as the guest meant it, below the base URL, with the
// credential; of the answer all is there that is for guests.
func TestDo(t *testing.T) {
	var seen, sent string
	_, o := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen = fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header.Get("If-None-Match"), " ", r.ContentLength)
		sent = string(b)
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(201)
		fmt.Fprint(w, "made")
	})
	o.Credential = SAS(file(t, "?sv=2021&sig="+secret+"%3D\n"))
	e := open(t, o)
	got, err := e.Do(t.Context(), &pluginhost.HTTPRequest{
		Method: abi.HTTPPut, Path: "e-1.a", MaxBody: 100,
		Query:   []abi.HTTPField{{Name: "comp", Value: "a b+c&sig=x"}, {Name: "prefix", Value: "ä/"}},
		Headers: []abi.HTTPField{{Name: "if-none-match", Value: "*"}},
		Body:    []journal.Sealed{journal.Sealed("one"), nil, journal.Sealed("two")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "PUT /container/e-1.a?comp=a%20b%2Bc%26sig%3Dx&prefix=%C3%A4%2F&sv=2021&sig=" + secret + "%3D * 6"; seen != want || sent != "onetwo" {
		t.Errorf("the service saw %s with %q, want %s", seen, sent, want)
	}
	if got.Status != 201 || string(got.Body) != "made" || len(got.Headers) != 1 || got.Headers[0] != (abi.HTTPField{Name: "etag", Value: `"1"`}) {
		t.Errorf("the answer is %+v", got)
	}
	// Nothing below the base is the base itself; a PUT without a body says so.
	if _, err := e.Do(t.Context(), &pluginhost.HTTPRequest{Method: abi.HTTPPut, Query: []abi.HTTPField{{Name: "restype", Value: "container"}}}); err == nil ||
		!errors.Is(err, pluginhost.ErrTooBig) { // "made" is longer than nothing
		t.Errorf("an answer longer than the bound: %v", err)
	}
	if want := "PUT /container?restype=container&sv=2021&sig=" + secret + "%3D  0"; seen != want {
		t.Errorf("the service saw %s, want %s", seen, want)
	}
}

// TestConnectionIsKept: requests share a connection.
func TestConnectionIsKept(t *testing.T) {
	ports := map[string]bool{}
	_, o := serve(t, func(_ http.ResponseWriter, r *http.Request) { ports[r.RemoteAddr] = true })
	e := open(t, o)
	for range 5 {
		if _, err := e.Do(t.Context(), get()); err != nil {
			t.Fatal(err)
		}
	}
	if len(ports) != 1 {
		t.Errorf("%d connections", len(ports))
	}
}

// TestT63RedirectionIsAnAnswer: nobody is followed elsewhere, with the credential or
// without.
func TestT63RedirectionIsAnAnswer(t *testing.T) {
	var reached atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		_, o := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		})
		o.Credential = Bearer(file(t, secret))
		if got, err := open(t, o).Do(t.Context(), get()); err != nil || got.Status != status {
			t.Errorf("%d: %+v, %v", status, got, err)
		}
	}
	if reached.Load() {
		t.Error("a redirection was followed")
	}
}

// TestProxyOfTheEnvironment has no say.
func TestProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	_, o := serve(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := open(t, o).Do(t.Context(), get()); err != nil {
		t.Error(err)
	}
}

// TestTLS: another authority, another name and an old version are refused.
func TestTLS(t *testing.T) {
	s, o := serve(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := open(t, o).Do(t.Context(), get()); err != nil {
		t.Fatal(err)
	}
	other := o
	other.Roots = x509.NewCertPool()
	if _, err := open(t, other).Do(t.Context(), get()); err == nil {
		t.Error("a certificate of another authority was accepted")
	}
	other = o
	other.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	if _, err := open(t, other).Do(t.Context(), get()); err == nil {
		t.Error("a certificate for another name was accepted")
	}
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	o.URL = old.URL
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(old.Certificate())
	if _, err := open(t, o).Do(t.Context(), get()); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

// TestURLs: what a base may be; an error does not repeat it.
func TestURLs(t *testing.T) {
	for text, insecure := range map[string]bool{
		"https://example.org": false, "https://example.org:8443/a/b/": false, "http://127.0.0.1:1/c": true, "http://[::1]:1": true, "http://localhost/c": true,
	} {
		if _, err := Open(Options{URL: text, Insecure: insecure}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "example.org", "/path", "https:", "https:///path", "ftp://example.org", "https://user:" + secret + "@example.org", "https://example.org?" + secret,
		"https://example.org?", "https://example.org#" + secret, "https://example.org/a%2fb", "http://example.org", "http://10.0.0.1/c", "http://127.0.0.1.example.org",
		"https://%zz" + secret,
	} {
		if _, err := Open(Options{URL: text, Insecure: true}); !errors.Is(err, ErrURL) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Open(Options{URL: "http://127.0.0.1:1"}); !errors.Is(err, ErrURL) {
		t.Errorf("without TLS and without a word: %v", err)
	}
}

// TestBodies: the bound of an answer, with and without its length said before.
func TestBodies(t *testing.T) {
	for _, tc := range []struct {
		status, length, most int
		chunked              bool
		want                 int // of the body, or -1
	}{
		{200, 100, 100, false, 100},
		{200, 101, 100, false, -1},
		{200, 100, 100, true, 100},
		{200, 101, 100, true, -1},
		{200, 0, 0, false, 0},
		{404, 500, 100, false, 100},
		{503, 500, 100, true, 100},
	} {
		_, o := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.status)
			if tc.chunked {
				w.(http.Flusher).Flush()
			}
			_, _ = w.Write(bytes.Repeat([]byte{'x'}, tc.length))
		})
		r := get()
		r.MaxBody = tc.most
		got, err := open(t, o).Do(t.Context(), r)
		switch {
		case tc.want < 0 && !errors.Is(err, pluginhost.ErrTooBig):
			t.Errorf("%+v: %v", tc, err)
		case tc.want >= 0 && (err != nil || len(got.Body) != tc.want || got.Status != tc.status):
			t.Errorf("%+v: %d bytes, %v", tc, len(got.Body), err)
		}
	}
}

// TestNoAnswer: a service that is not there, hangs, or breaks off is an error without
// URL and credential.
func TestNoAnswer(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, h := range map[string]http.HandlerFunc{
		"hangs":      func(http.ResponseWriter, *http.Request) { <-hang },
		"breaks off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"breaks off a body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "x")
		},
		"hangs in a body": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			<-hang
		},
		"headers without end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 2*maxHeaders))
		},
		"not there": nil,
	} {
		s, o := serve(t, h)
		if h == nil {
			s.Close()
		}
		o.Timeout = 200 * time.Millisecond
		o.Credential = SAS(file(t, "sig="+secret))
		_, err := open(t, o).Do(t.Context(), get())
		if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "container") || !strings.Contains(err.Error(), "no answer") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, o := serve(t, func(http.ResponseWriter, *http.Request) { <-hang })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, o).Do(ctx, get()); !errors.Is(err, context.Canceled) {
		t.Errorf("for whoever does not wait: %v", err)
	}
}

// TestRetryAfter: a service that asks to be left alone is left alone, within a bound,
// and whoever cannot wait is told.
func TestRetryAfter(t *testing.T) {
	asked := 0
	header := "1"
	_, o := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(503)
		}
	})
	e := open(t, o)
	if got, err := e.Do(t.Context(), get()); err != nil || got.Status != 503 {
		t.Fatalf("%+v, %v", got, err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Do(impatient, get()); !errors.Is(err, context.Canceled) || asked != 1 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	if got, err := e.Do(t.Context(), get()); err != nil || got.Status != 200 {
		t.Errorf("%+v, %v", got, err)
	}
	for value, want := range map[string]time.Duration{"100000": 0, "60000": maxRetryAfter, "-1": 0, "Fri, 31 Dec 2027 23:59:59 GMT": 0, "": 0} {
		e := open(t, o)
		asked, header = 0, value
		before := time.Now()
		if _, err := e.Do(t.Context(), get()); err != nil {
			t.Fatal(err)
		}
		if got := e.pause; (want == 0) != got.IsZero() || want > 0 && (got.Before(before.Add(want)) || got.After(time.Now().Add(want))) {
			t.Errorf("Retry-After: %s: pause until %v", value, got)
		}
	}
}
