// Package s3 starts a service that speaks S3's protocol for tests: gofakes3, built from
// the module host/internal/s3server, on a loopback port.
package s3

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/host/endpoint"
	"github.com/veriproof/notary/host/pluginhost"
)

// A Server is a running service.
type Server struct {
	// URL is that of the service; a bucket's name follows.
	URL string
}

// Start starts a service with the buckets "entries" and "keys", which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	module, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("where is the project? %v", err)
	}
	program := filepath.Join(t.TempDir(), "s3server")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "host", "internal", "s3server")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("s3server: %v\n%s", err, out)
	}
	server := exec.Command(program, "entries", "keys")
	server.Stderr = os.Stderr
	in, err1 := server.StdinPipe()
	out, err2 := server.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("s3server does not start: %v", err)
	}
	return &Server{URL: strings.TrimSpace(line)}
}

// Client returns a client of the server.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
}

// Object returns the URL of an object, or, if it has no name, of the bucket. The server
// believes anybody.
func (s *Server) Object(bucket, name string) string {
	return s.URL + "/" + strings.TrimSuffix(bucket+"/"+name, "/") + "?"
}

// Endpoints opens the buckets, with signed requests.
func (s *Server) Endpoints(t testing.TB) map[string]pluginhost.Endpoint {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(secret, []byte("AKID:SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := map[string]pluginhost.Endpoint{}
	for _, name := range []string{"entries", "keys"} {
		e, err := endpoint.Open(endpoint.Options{URL: s.URL + "/" + name, Insecure: true, Credential: endpoint.SigV4(secret, "us-east-1"), Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		out[name] = e
	}
	return out
}
