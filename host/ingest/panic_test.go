package ingest_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

// panics says to this test, in a process of its own, how to send an export that panics.
const panics = "NOTARY_TEST_PANICS"

// TestPanicEndsTheProcess: an export that panics may have left a session half appended to and locked. The
// process ends, whatever the protocol, and says where it was; what is in the journal is recovered.
func TestPanicEndsTheProcess(t *testing.T) {
	if way := os.Getenv(panics); way != "" {
		s, addr := start(t, func(context.Context, string, otlpwire.Signal, []byte) (ingest.Receipt, error) { panic("a slip") })
		w := overHTTP(t, s)
		switch way {
		case "gRPC":
			_, _ = send(dial(t, addr), exportTraces, nil, withKey())
		case "HTTP/1.1", "HTTP/2":
			client := map[string]*http.Client{"HTTP/1.1": w.http1, "HTTP/2": w.http2}[way]
			if r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+w.addr+"/v1/traces", http.NoBody); err == nil {
				r.Header.Set("Content-Type", "application/x-protobuf")
				r.Header.Set("X-Api-Key", key)
				if resp, err := client.Do(r); err == nil {
					resp.Body.Close()
				}
			}
		}
		return // the process should have ended
	}
	for _, way := range []string{"gRPC", "HTTP/1.1", "HTTP/2"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPanicEndsTheProcess$")
			cmd.Env = append(os.Environ(), panics+"="+way)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			err := cmd.Run()
			if err == nil || !strings.Contains(out.String(), "panic: a slip") || !strings.Contains(out.String(), "ingest.(*Server).export") {
				t.Errorf("%v, want an end that says where\n%s", err, out.String())
			}
		})
	}
}
