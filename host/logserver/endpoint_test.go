package logserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/logserver"
	"github.com/veriproof/notary/sdk/receipt"
)

// A fault answers a request in the log's place, or does something to its answer; it
// says whether anything is left to do.
type fault func(w http.ResponseWriter, real func() commitlog.Answer)

func status(code int, header ...string) fault {
	return func(w http.ResponseWriter, _ func() commitlog.Answer) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, "nothing that is read: "+token)
	}
}

func answer(change func(a *commitlog.Answer)) fault {
	return func(w http.ResponseWriter, real func() commitlog.Answer) {
		a := real()
		change(&a)
		json.NewEncoder(w).Encode(a)
	}
}

var faults = map[string]fault{
	"429, now":             status(http.StatusTooManyRequests, "Retry-After", "0"),
	"503, in a second":     status(http.StatusServiceUnavailable, "Retry-After", "1"),
	"500":                  status(http.StatusInternalServerError),
	"502":                  status(http.StatusBadGateway),
	"401":                  status(http.StatusUnauthorized),
	"404":                  status(http.StatusNotFound),
	"elsewhere":            status(http.StatusTemporaryRedirect, "Location", "https://192.0.2.1/"),
	"too large, it says":   status(http.StatusRequestEntityTooLarge),
	"no JSON":              status(http.StatusOK),
	"nothing":              answer(func(a *commitlog.Answer) { a.Proofs = nil }),
	"half":                 answer(func(a *commitlog.Answer) { a.Proofs = a.Proofs[:len(a.Proofs)/2] }),
	"twice":                answer(func(a *commitlog.Answer) { a.Proofs = append(a.Proofs, a.Proofs...) }),
	"what nobody asked":    answer(func(a *commitlog.Answer) { a.Proofs = append(a.Proofs, commitlog.Proved{Commitment: "00"}) }),
	"proofs mixed up":      answer(mix),
	"proofs of nothing":    answer(func(a *commitlog.Answer) { each(a, func(string) string { return "" }) }),
	"unsigned":             answer(func(a *commitlog.Answer) { each(a, func(p string) string { return p[:strings.Index(p, "—")] }) }),
	"done, and never told": func(w http.ResponseWriter, real func() commitlog.Answer) { real(); hangUp(w) },
	"cut off": func(w http.ResponseWriter, real func() commitlog.Answer) {
		b, _ := json.Marshal(real())
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:len(b)-1])
	},
	"without end": func(w http.ResponseWriter, _ func() commitlog.Answer) {
		io.WriteString(w, `{"proofs":[{"commitment":"`)
		for page := bytes.Repeat([]byte("0"), 1<<16); ; {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	},
}

func each(a *commitlog.Answer, f func(string) string) {
	for i := range a.Proofs {
		a.Proofs[i].Proof = f(a.Proofs[i].Proof)
	}
}

func mix(a *commitlog.Answer) {
	first := a.Proofs[0].Proof
	for i := 1; i < len(a.Proofs); i++ {
		a.Proofs[i-1].Proof = a.Proofs[i].Proof
	}
	a.Proofs[len(a.Proofs)-1].Proof = first
	if len(a.Proofs) == 1 {
		a.Proofs[0].Proof = strings.Replace(first, "index ", "index 1", 1)
	}
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

// between puts a server before a log that has a fault for each request, until they
// are used up.
func between(t testing.TB, s *served, list ...fault) (server *httptest.Server, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(requests.Add(1))
		if n > len(list) {
			proxy.ServeHTTP(w, r)
			return
		}
		list[n-1](w, func() (a commitlog.Answer) {
			rec := httptest.NewRecorder()
			proxy.ServeHTTP(rec, r)
			if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
				t.Errorf("the log: status %d, %v", rec.Code, err)
			}
			return a
		})
	}))
	t.Cleanup(func() { server.Close(); transport.CloseIdleConnections() })
	return server, requests
}

func connect(t testing.TB, o commitlog.EndpointOptions) *commitlog.Endpoint {
	t.Helper()
	if o.Credential == nil {
		o.Credential = func() (string, error) { return token, nil }
	}
	e, err := commitlog.OpenEndpoint(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// submitAll submits commitments at once, and checks each proof.
func submitAll(t testing.TB, e commitlog.Log, from, to int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := from; i < to; i++ {
		wg.Go(func() {
			proof, index, err := e.Submit(t.Context(), commitment(i))
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := receipt.VerifyProof(proof, commitment(i), []string{e.VerifierKey()}); err != nil || got != index {
				t.Errorf("commitment %d: index %d, want %d, %v", i, got, index, err)
			}
		})
	}
	wg.Wait()
}

// TestFaults: whatever goes wrong once, every commitment gets a proof that
// verifies, and the log has each once.
func TestFaults(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			front, _ := between(t, s, f)
			submitAll(t, connect(t, commitlog.EndpointOptions{URL: front.URL, Key: s.log.VerifierKey()}), 0, 20)
			if size, err := s.size(t); err != nil || size != 20 {
				t.Errorf("%d entries, %v", size, err)
			}
		})
	}
}

// TestFaultsBySeed: the same for what goes wrong several times in a row.
func TestFaultsBySeed(t *testing.T) {
	t.Parallel()
	var names []string
	for name := range faults {
		if name != "503, in a second" && name != "without end" { // which are slow
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for seed := range 6 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			pick := rand.New(rand.NewPCG(uint64(seed), 1))
			var list []fault
			for range 2 + pick.IntN(2) {
				list = append(list, faults[names[pick.IntN(len(names))]])
			}
			s := serve(t)
			front, _ := between(t, s, list...)
			n := 1 + pick.IntN(40)
			submitAll(t, connect(t, commitlog.EndpointOptions{URL: front.URL, Key: s.log.VerifierKey()}), 0, n)
			if size, err := s.size(t); err != nil || size != uint64(n) {
				t.Errorf("%d entries of %d, %v", size, n, err)
			}
		})
	}
}

// TestBatches: what gathers while a request is under way goes in the next, at most
// 500 at a time, and a server that wants less gets less.
func TestBatches(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var sizes []int
	var mu sync.Mutex
	watch := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, err := io.ReadAll(r.Body)
		var sub commitlog.Submission
		if err != nil || json.Unmarshal(body, &sub) != nil {
			t.Error("no submission")
		}
		mu.Lock()
		sizes = append(sizes, len(sub.Commitments))
		mu.Unlock()
		if len(sub.Commitments) > 100 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	}
	inner := logserver.New(logserver.Options{Files: s.log.Files(), Log: s.log, Accepts: func(string) bool { return true }})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { watch(w, r, inner) }))
	defer front.Close()
	submitAll(t, connect(t, commitlog.EndpointOptions{URL: front.URL, Key: s.log.VerifierKey()}), 0, 1200)
	greatest := 0
	for _, n := range sizes {
		greatest = max(greatest, n)
	}
	if greatest > commitlog.MaxSubmission || greatest <= 100 || len(sizes) > 60 {
		t.Errorf("requests of %v", sizes)
	}
}

// TestAway: while nobody answers, a caller that leaves is told that the outcome is
// unknown, and one that stays gets its proof from whoever answers then.
func TestAway(t *testing.T) {
	t.Parallel()
	s := serve(t)
	front, _ := between(t, s)
	address := front.Listener.Addr().String()
	front.Close()
	e := connect(t, commitlog.EndpointOptions{URL: "http://" + address, Key: s.log.VerifierKey()})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("has to go")
	cancel(why)
	if _, _, err := e.Submit(ctx, commitment(0)); !errors.Is(err, why) {
		t.Errorf("who leaves: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := e.Submit(t.Context(), commitment(1))
		done <- err
	}()
	for e.Failures() == 0 { // until it has been tried
		select {
		case err := <-done:
			t.Fatalf("an answer from nobody: %v", err)
		default:
		}
	}
	l, err := listen(t, address)
	if err != nil {
		t.Fatal(err)
	}
	back := &httptest.Server{Listener: l, Config: &http.Server{Handler: logserver.New(logserver.Options{
		Files: s.log.Files(), Log: s.log, Accepts: func(string) bool { return true },
	})}}
	back.Start()
	defer back.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := e.Submit(t.Context(), commitment(2)); !errors.Is(err, commitlog.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestCredential: it is read for each request, so that it can be replaced in place,
// and stands in no error.
func TestCredential(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var reads atomic.Int64
	logged := new(syncBuffer)
	e := connect(t, commitlog.EndpointOptions{URL: s.url, Key: s.log.VerifierKey(), Logger: logged.logger(), Credential: func() (string, error) {
		switch reads.Add(1) {
		case 1:
			return "", os.ErrNotExist
		case 2:
			return "an old secret", nil
		}
		return token, nil
	}})
	submitAll(t, e, 0, 3)
	if n := reads.Load(); n != 3 || e.Failures() != 2 {
		t.Errorf("read %d times, %d failures", n, e.Failures())
	}
	if text := logged.String(); !strings.Contains(text, "credential: file does not exist") || strings.Contains(text, "did not answer") {
		t.Errorf("of a log that nobody asked is said: %s", text)
	}
	if text := logged.String(); !strings.Contains(text, "status 401") || strings.Contains(text, "secret") || strings.Contains(text, token) {
		t.Errorf("logged: %s", text)
	}
}

// TestT40ForkedLog: a log that shows a second history under its key is found out, by
// two trees of one size or by a consistency proof that does not hold. Both
// checkpoints are kept, and nothing more is submitted, by a later process neither.
func TestT40ForkedLog(t *testing.T) {
	for name, more := range map[string]int{"one size": 0, "a larger tree": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := serve(t)
			b := &served{dir: t.TempDir()}
			key, err := os.ReadFile(filepath.Join(a.dir, "log.key"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(b.dir, "log.key"), key, 0o600); err != nil {
				t.Fatal(err)
			}
			if b.log, err = commitlog.OpenPOSIX(b.dir, origin, commitlog.Options{}); err != nil {
				t.Fatal(err)
			}
			defer b.log.Close()
			for i := range more {
				if _, _, err := b.log.Submit(t.Context(), commitment(1000+i)); err != nil {
					t.Fatal(err)
				}
			}
			var now atomic.Pointer[logserver.Handler]
			handler := func(s *served) *logserver.Handler {
				return logserver.New(logserver.Options{Files: s.log.Files(), Log: s.log, Accepts: func(string) bool { return true }})
			}
			now.Store(handler(a))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) }))
			defer server.Close()
			defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
			kept := t.TempDir()
			open := func() *commitlog.Endpoint {
				tiles, err := commitlog.NewReader(server.URL, []string{a.log.VerifierKey()})
				if err != nil {
					t.Fatal(err)
				}
				m, err := commitlog.OpenMemory(kept, a.log.VerifierKey(), tiles)
				if err != nil {
					t.Fatal(err)
				}
				return connect(t, commitlog.EndpointOptions{URL: server.URL, Key: a.log.VerifierKey(), Memory: m})
			}
			e := open()
			submitAll(t, e, 0, 1)
			now.Store(handler(b))
			for _, e := range []*commitlog.Endpoint{e, open()} {
				for range 2 {
					if _, _, err := e.Submit(t.Context(), commitment(7)); !errors.Is(err, commitlog.ErrForked) {
						t.Errorf("the other history: %v", err)
					}
				}
			}
			files, err := filepath.Glob(filepath.Join(kept, "forks", "*.checkpoint"))
			if err != nil || len(files) != 2 {
				t.Fatalf("kept %v, %v", files, err)
			}
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err == nil {
					_, _, err = commitlog.VerifyCheckpoint(text, []string{a.log.VerifierKey()})
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// TestMemory: a log that has only grown is believed, at every size that it had.
func TestMemory(t *testing.T) {
	t.Parallel()
	s := serve(t)
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	tiles, err := commitlog.NewReader(s.url, []string{s.log.VerifierKey()})
	if err != nil {
		t.Fatal(err)
	}
	m, err := commitlog.OpenMemory(t.TempDir(), s.log.VerifierKey(), tiles)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for i := range 5 {
		proof, _, err := s.log.Submit(t.Context(), commitment(i))
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := bytes.Cut(proof, []byte("\n\n"))
		all = append(all, text)
		if err := m.See(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range all {
		if err := m.See(t.Context(), text); err != nil {
			t.Error(err)
		}
	}
	if !bytes.Equal(m.Seen(), all[4]) {
		t.Error("the newest is not kept")
	}
	if err := m.See(t.Context(), bytes.Replace(all[0], []byte("\n1\n"), []byte("\n2\n"), 1)); !errors.Is(err, commitlog.ErrKey) {
		t.Errorf("a checkpoint that is not signed: %v", err)
	}
}

func TestWrongEndpoint(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for name, tt := range map[string]struct {
		url, key string
		want     error
	}{
		"in the clear":  {"http://log.example.org", s.log.VerifierKey(), commitlog.ErrEndpoint},
		"no URL":        {"", s.log.VerifierKey(), commitlog.ErrEndpoint},
		"with a secret": {"https://u:p@log.example.org", s.log.VerifierKey(), commitlog.ErrEndpoint},
		"no key":        {"https://log.example.org", "", commitlog.ErrKey},
	} {
		e, err := commitlog.OpenEndpoint(commitlog.EndpointOptions{URL: tt.url, Key: tt.key})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if err == nil {
			e.Close()
		}
	}
}
