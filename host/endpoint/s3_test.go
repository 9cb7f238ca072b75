//go:build objectstore

package endpoint_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/host/endpoint"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/pluginhost"
)

// s3 starts a server with buckets, which ends with the test, and returns its URL.
func s3(t testing.TB, buckets ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "s3server")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "internal", "s3server")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("s3server: %v\n%s", err, out)
	}
	server := exec.Command(program, buckets...)
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
	return strings.TrimSpace(line)
}

// TestS3 runs the contract of journal.Store against the adapter in Wasm on gofakes3, for
// two notaries, with signed requests.
func TestS3(t *testing.T) {
	base := s3(t, "entries", "keys")
	secret := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(secret, []byte("AKID:SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	endpoints := map[string]pluginhost.Endpoint{}
	for _, name := range []string{"entries", "keys"} {
		e, err := endpoint.Open(endpoint.Options{URL: base + "/" + name, Insecure: true, Credential: endpoint.SigV4(secret, "us-east-1"), Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		endpoints[name] = e
	}
	var notaries []journal.Store
	for range 2 {
		a, err := load(t, "store-s3", endpoints, "")
		if err != nil {
			t.Fatal(err)
		}
		notaries = append(notaries, a)
	}
	journaltest.Contract(t, notaries[0], notaries[1])
}
