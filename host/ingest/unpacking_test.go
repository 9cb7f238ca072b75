package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/sync/semaphore"

	"github.com/veriproof/notary/host/otlpwire"
)

type taking struct{}

func (taking) Export(context.Context, string, otlpwire.Signal, []byte) (Receipt, error) {
	return Receipt{}, nil
}

// TestUnpackingWaits: who sends gzip or JSON waits while others' requests are unpacked, and
// who sends neither does not wait behind them.
func TestUnpackingWaits(t *testing.T) {
	cfg := Config{Exporter: taking{}, Senders: Senders{Keys: []Key{{Tenant: "acme", Hash: HashKey("key")}}}}.orDefault()
	s := &Server{cfg: cfg, budget: semaphore.NewWeighted(cfg.MaxInFlight), turns: turns{free: cfg.MaxExports}, unpacking: turns{free: 1}}
	s.unpacking.join("someone", "else")
	var zip bytes.Buffer
	w := gzip.NewWriter(&zip)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	send := func(media, encoding, body string) chan int {
		r := httptest.NewRequest(http.MethodPost, "https://notary/v1/traces", strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		r.Header.Set("Content-Encoding", encoding)
		r.Header.Set("X-Api-Key", "key")
		answer := make(chan int, 1)
		go func() { answer <- Record(s, r).Code }()
		return answer
	}
	var waiting []chan int
	for _, c := range [][3]string{{typeProtobuf, "gzip", zip.String()}, {typeJSON, "", "{}"}, {typeJSON, "gzip", zip.String()}} {
		waiting = append(waiting, send(c[0], c[1], c[2]))
	}
	for range 3 { // they wait, in whatever order they came
		if code := <-send(typeProtobuf, "", ""); code != http.StatusOK {
			t.Errorf("neither gzip nor JSON: status %d", code)
		}
	}
	for i, w := range waiting {
		select {
		case code := <-w:
			t.Errorf("request %d is answered with %d, and nobody has unpacked it", i, code)
		default:
		}
	}
	s.unpacking.leave()
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusBadRequest} {
		if code := <-waiting[i]; code != want {
			t.Errorf("request %d: status %d, want %d", i, code, want)
		}
	}
}
