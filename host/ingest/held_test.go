package ingest_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

// TestMessagesHoldLittleElse: while an export waits, for its turn or for storage, the budget counts
// the bytes of its message. The memory that these lie in is not much more, whatever they came in.
func TestMessagesHoldLittleElse(t *testing.T) {
	var holds int
	s, addr := start(t, func(_ context.Context, _ string, _ otlpwire.Signal, body []byte) (ingest.Receipt, error) {
		holds = cap(body)
		return ingest.Receipt{}, nil
	}, func(c *ingest.Config) { c.MaxRequest = 1 << 20 })
	w := overHTTP(t, s)
	small := []byte{10, 0}
	sparse := []byte(`{"resourceSpans":[{}]` + strings.Repeat(" ", 1<<20-100) + "}")
	for name, export := range map[string]func() int{
		"over gRPC": func() int {
			if _, err := send(dial(t, addr), exportTraces, small, withKey()); err != nil {
				t.Error(err)
			}
			return http.StatusOK
		},
		"over HTTP": func() int { return w.post(t, "/v1/traces", small, inProtobuf...).code },
		"gzip": func() int {
			return w.post(t, "/v1/traces", packed(small), append([]string{"Content-Encoding", "gzip"}, inProtobuf...)...).code
		},
		"JSON":          func() int { return w.post(t, "/v1/traces", []byte(`{"resourceSpans":[{}]}`), inJSON...).code },
		"JSON of space": func() int { return w.post(t, "/v1/traces", sparse, inJSON...).code },
	} {
		if code := export(); code != http.StatusOK || holds > 1<<10 {
			t.Errorf("%s: status %d; a message of 2 bytes is in %d", name, code, holds)
		}
	}
}

// TestSmallExportsCount: an export that waits takes memory, however small its message is. So many
// of them are refused that what all take is bounded.
func TestSmallExportsCount(t *testing.T) {
	const most, least = 1 << 20, 16 << 10
	b := newBlocking()
	b.waiting = true
	_, addr := start(t, b.Export, func(c *ingest.Config) { c.MaxRequest, c.MaxInFlight = most, most })
	conn := dial(t, addr)
	var wg sync.WaitGroup
	refused := make(chan error)
	waiting := 0
	for full := false; !full && waiting <= most/least; {
		wg.Go(func() {
			if _, err := send(conn, exportTraces, []byte{10, 0}, withKey()); err != nil {
				refused <- err
			}
		})
		select {
		case <-b.entered:
			waiting++
		case err := <-refused:
			if full = true; status.Code(err) != codes.ResourceExhausted {
				t.Error(err)
			}
		}
	}
	if waiting > most/least {
		t.Errorf("%d exports wait beside a budget of %d bytes", waiting, most)
	}
	for range waiting {
		b.leave <- nil
	}
	wg.Wait()
}
