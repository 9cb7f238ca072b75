//go:build objectstore

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/veriproof/notary/host/internal/s3"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// A gate is TLS before a service of S3 that has none, and holds requests to what S3 holds them
// to and the service behind does not: each is signed, says the hash of its body, and no
// write is without a condition.
type gate struct {
	*httptest.Server
	mu     sync.Mutex
	wrongs []string
	writes int
}

func newGate(t *testing.T, behind string) *gate {
	t.Helper()
	to, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	g := new(gate)
	proxy := httputil.NewSingleHostReverseProxy(to)
	g.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.look(r, body)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gate) look(r *http.Request, body []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := sha256.Sum256(body)
	switch authorization := r.Header.Get("Authorization"); {
	case !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=AKID/") || !strings.Contains(authorization, "/eu-central-1/s3/aws4_request"):
		g.wrongs = append(g.wrongs, r.Method+" is not signed")
	case r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]):
		g.wrongs = append(g.wrongs, r.Method+" has another body than its hash says")
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match")+r.Header.Get("If-Match") == "":
		g.wrongs = append(g.wrongs, "a write without a condition")
	case r.Method != http.MethodPut && r.Method != http.MethodGet && r.Method != http.MethodHead:
		g.wrongs = append(g.wrongs, r.Method+" is no method that the key needs a right for")
	}
	if r.Method == http.MethodPut {
		g.writes++
	}
}

// TestS3 takes a notary through its life on a service that speaks S3: no start without a
// credential, kill -9 under traffic, recovery by the next one, an audit of all that was
// acknowledged, and an erasure.
func TestS3(t *testing.T) {
	g := newGate(t, s3.Start(t).URL)
	module, err := build.Module(t.Context(), filepath.Join("..", "..", "..", "plugins", "store-s3"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build.Write(programs(t).plugins, "store-s3", module); err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw})
	endpoint := func(name string) string {
		return fmt.Sprintf("{name: %s, url: %s/%s, auth: aws_sigv4, region: eu-central-1, secret_file: s3.key, ca: %q}", name, g.URL, name, ca)
	}
	m := newMachine(t, setting{endpoints: endpoint("entries") + ", " + endpoint("keys"), objects: "store-s3.wasm"})

	p := m.launch(t)
	if status := p.wait(t); status != exitUsage || !strings.Contains(p.stderr.String(), "s3.key") {
		t.Fatalf("serve without a credential: status %d\n%s", status, p.stderr.String())
	}
	if err := os.WriteFile(m.path("s3.key"), []byte("AKID:TOPSECRET\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	acks := m.killedUnderTraffic(t)
	p = m.start(t)
	p.stop(t)
	if out := p.stdout.String() + p.stderr.String(); strings.Contains(out, "TOPSECRET") {
		t.Error("the notary prints a credential")
	}
	m.auditStorage(t, acks)
	m.erasesOne(t)
	if len(g.wrongs) > 0 || g.writes == 0 {
		t.Errorf("%d writes; %d requests were wrong, the first: %s", g.writes, len(g.wrongs), strings.Join(g.wrongs[:min(1, len(g.wrongs))], ""))
	}
}
