package logserver_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

	"filippo.io/torchwood"
	"go.uber.org/goleak"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/logserver"
	"github.com/veriproof/notary/sdk/receipt"
)

const (
	origin = "example.org/served"
	token  = "the API key"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func commitment(i int) [32]byte { return sha256.Sum256(fmt.Appendf(nil, "commitment %d", i)) }

// A served log is one in a directory, with its server.
type served struct {
	log *commitlog.POSIX
	dir string
	url string
}

func serve(t testing.TB) *served {
	t.Helper()
	s := &served{dir: t.TempDir()}
	var err error
	if s.log, err = commitlog.OpenPOSIX(s.dir, origin, commitlog.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.log.Close() })
	server := httptest.NewServer(logserver.New(logserver.Options{
		Files: s.log.Files(), Log: s.log, Accepts: logserver.Keys(hash, [][32]byte{hash("another"), hash(token)}),
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func hash(s string) [32]byte { return sha256.Sum256([]byte(s)) }

func (s *served) fill(t testing.TB, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, _, err := s.log.Submit(t.Context(), commitment(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func get(t testing.TB, method, url string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// TestRead: clients of other makers read the log, at its size of now and of before.
func TestRead(t *testing.T) {
	s := serve(t)
	s.fill(t, 300)
	fetcher, err := torchwood.NewTileFetcher(s.url, torchwood.WithHTTPClient(http.DefaultClient))
	if err != nil {
		t.Fatal(err)
	}
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		t.Fatal(err)
	}
	_, text := get(t, http.MethodGet, s.url+"/checkpoint")
	policy, err := torchwood.ParsePolicy([]byte("log " + s.log.VerifierKey() + "\nquorum none\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := torchwood.VerifyCheckpoint(text, policy)
	if err != nil || c.N != 300 {
		t.Fatalf("%d entries, %v", c.N, err)
	}
	n := 0
	for range client.AllEntries(t.Context(), c.Tree, 0) {
		n++
	}
	if err := client.Err(); err != nil || n != 300 {
		t.Errorf("%d entries, %v", n, err)
	}
	_, full := get(t, http.MethodGet, s.url+"/tile/0/000")
	_, entries := get(t, http.MethodGet, s.url+"/tile/entries/000")
	for _, w := range []int{1, 7, 255} {
		if _, part := get(t, http.MethodGet, fmt.Sprintf("%s/tile/0/000.p/%d", s.url, w)); !bytes.Equal(part, full[:32*w]) {
			t.Errorf("tile of %d: %d bytes", w, len(part))
		}
		if _, part := get(t, http.MethodGet, fmt.Sprintf("%s/tile/entries/000.p/%d", s.url, w)); !bytes.Equal(part, entries[:34*w]) {
			t.Errorf("entries of %d: %d bytes", w, len(part))
		}
	}
}

// TestReadOnly: what is not one of the log's files is not there, least of all its
// key; and what may be kept in a cache says so.
func TestReadOnly(t *testing.T) {
	s := serve(t)
	s.fill(t, 3)
	for _, path := range []string{
		"/", "/log.key", "/../log.key", "/tile/../../log.key", "/tile/..%2f..%2flog.key", "/.state/treeState", "/tile/0/.state",
		"/tile/0/000", "/tile/0/001.p/3", "/tile/0/000.p/4", "/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/0/0", "/tile/64/000", "/tile/-1/000.p/3",
		"/tile/0/x000/000.p/3", "/tile/entries/000", "/tile/entries/000.p/4", "/tile/entries/", "/tile/entries/000.p/3/", "/checkpoint/",
	} {
		if resp, body := get(t, http.MethodGet, s.url+path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d: %.80q", path, resp.StatusCode, body)
		}
	}
	for path, cache := range map[string]string{
		"/checkpoint": "no-cache", "/tile/0/000.p/3": "public, max-age=31536000, immutable", "/tile/entries/000.p/3": "public, max-age=31536000, immutable", "/x": "",
	} {
		resp, _ := get(t, http.MethodGet, s.url+path)
		if got := resp.Header.Get("Cache-Control"); got != cache {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, cache)
		}
		if resp, body := get(t, http.MethodHead, s.url+path); len(body) > 0 || resp.Header.Get("Cache-Control") != cache {
			t.Errorf("HEAD %s: %q", path, body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if resp, _ := get(t, method, s.url+"/checkpoint"); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d", method, resp.StatusCode)
		}
	}
	// A directory that nobody writes to is served as well, without the write side.
	server := httptest.NewServer(logserver.New(logserver.Options{Files: commitlog.Directory(s.dir)}))
	defer server.Close()
	_, want := get(t, http.MethodGet, s.url+"/tile/0/000.p/3")
	if _, got := get(t, http.MethodGet, server.URL+"/tile/0/000.p/3"); !bytes.Equal(got, want) {
		t.Error("another tile from the directory")
	}
	if resp, _ := get(t, http.MethodPost, server.URL+commitlog.SubmitPath); resp.StatusCode != http.StatusNotFound {
		t.Errorf("submission to a read side: status %d", resp.StatusCode)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "tree/tile/entries/000.p/3"), []byte{0, 200, 1}, 0o600); err != nil {
		t.Fatal(err)
	}
	if resp, _ := get(t, http.MethodGet, server.URL+"/tile/entries/000.p/3"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a damaged bundle: status %d", resp.StatusCode)
	}
}

func post(t testing.TB, url, key, body string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+commitlog.SubmitPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, answer
}

func submission(n int) string {
	var s commitlog.Submission
	for i := range n {
		c := commitment(i)
		s.Commitments = append(s.Commitments, hex.EncodeToString(c[:]))
	}
	b, _ := json.Marshal(s)
	return string(b)
}

// TestRefused: each request that is not a submission of somebody who may has its
// status, and appends nothing.
func TestRefused(t *testing.T) {
	s := serve(t)
	one := submission(1)
	for _, tt := range []struct {
		name, key, body string
		status          int
	}{
		{"no key", "", one, http.StatusUnauthorized},
		{"another key", "Bearer x", one, http.StatusUnauthorized},
		{"another scheme", "Basic " + token, one, http.StatusUnauthorized},
		{"no JSON", "Bearer " + token, "x", http.StatusBadRequest},
		{"another member", "Bearer " + token, `{"commitment":["00"]}`, http.StatusBadRequest},
		{"two documents", "Bearer " + token, one + one, http.StatusBadRequest},
		{"nothing", "Bearer " + token, `{"commitments":[]}`, http.StatusBadRequest},
		{"short", "Bearer " + token, `{"commitments":["00"]}`, http.StatusBadRequest},
		{"upper case", "Bearer " + token, strings.ToUpper(one), http.StatusBadRequest},
		{"twice", "Bearer " + token, strings.Replace(one, `]`, ","+one[len(`{"commitments":[`):len(one)-2]+"]", 1), http.StatusBadRequest},
		{"too many", "Bearer " + token, submission(commitlog.MaxSubmission + 1), http.StatusRequestEntityTooLarge},
		{"too large", "Bearer " + token, `{"commitments":["` + strings.Repeat("0", commitlog.MaxRequest) + `"]}`, http.StatusRequestEntityTooLarge},
	} {
		if resp, body := post(t, s.url, tt.key, tt.body); resp.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d: %s", tt.name, resp.StatusCode, tt.status, body)
		}
	}
	if size, err := s.size(t); err != nil || size != 0 {
		t.Errorf("%d entries, %v", size, err)
	}
}

func (s *served) size(t testing.TB) (uint64, error) {
	r, err := commitlog.NewReader(s.dir, []string{s.log.VerifierKey()})
	if err != nil {
		return 0, err
	}
	size, _, _, err := r.Checkpoint(t.Context())
	return size, err
}

// TestSubmit: a commitment is its own idempotency key; as many as are allowed are
// answered at once.
func TestSubmit(t *testing.T) {
	s := serve(t)
	for range 2 {
		resp, body := post(t, s.url, "Bearer "+token, submission(commitlog.MaxSubmission))
		var a commitlog.Answer
		if err := json.Unmarshal(body, &a); err != nil || resp.StatusCode != http.StatusOK || len(a.Proofs) != commitlog.MaxSubmission {
			t.Fatalf("status %d, %d proofs, %v", resp.StatusCode, len(a.Proofs), err)
		}
		for i, p := range a.Proofs {
			if _, err := receipt.VerifyProof([]byte(p.Proof), commitment(i), []string{s.log.VerifierKey()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if size, err := s.size(t); err != nil || size != commitlog.MaxSubmission {
		t.Errorf("%d entries, %v", size, err)
	}
}

// TestSlowLog: what is not proved in time is left out of the answer, and a log that
// cannot be written is told as such.
func TestSlowLog(t *testing.T) {
	s := serve(t)
	server := httptest.NewServer(logserver.New(logserver.Options{
		Files: s.log.Files(), Log: s.log, Accepts: func(string) bool { return true }, Patience: time.Nanosecond,
	}))
	defer server.Close()
	if resp, body := post(t, server.URL, "Bearer x", submission(3)); resp.StatusCode != http.StatusOK || string(body) != "{\"proofs\":[]}\n" {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	if err := s.log.Close(); err != nil {
		t.Fatal(err)
	}
	if resp, body := post(t, s.url, "Bearer "+token, submission(3)); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a closed log: status %d: %s", resp.StatusCode, body)
	}
}
