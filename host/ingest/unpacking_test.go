package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/veriproof/notary/host/otlpwire"
)

// leaseOf returns one of a budget that nobody else has.
func leaseOf(t *testing.T, bytes int64) *lease {
	t.Helper()
	l, err := newBudget(bytes).lease("acme", new(share), time.Now(), grant)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

type taking struct{}

func (taking) Export(context.Context, string, otlpwire.Signal, []byte) (Receipt, error) {
	return Receipt{}, nil
}

// TestUnpackingWaits: who sends gzip or JSON waits while others' requests are unpacked, and
// who sends neither does not wait behind them.
func TestUnpackingWaits(t *testing.T) {
	cfg := Config{Exporter: taking{}, Senders: Senders{Keys: []Key{{Tenant: "acme", Hash: HashKey("key")}}}}.orDefault()
	s := &Server{cfg: cfg, budget: newBudget(cfg.MaxInFlight), turns: turns{free: cfg.MaxExports}, aside: turns{free: 1}}
	s.aside.join("someone", "else")
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
	s.aside.leave()
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusBadRequest} {
		if code := <-waiting[i]; code != want {
			t.Errorf("request %d: status %d, want %d", i, code, want)
		}
	}
}

// TestUnpackingYields: a large request that is unpacked lets others work meanwhile.
func TestUnpackingYields(t *testing.T) {
	text := `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat("{},", 1<<18) + `{}]}]}]}`
	var zip bytes.Buffer
	w := gzip.NewWriter(&zip)
	if _, err := w.Write(make([]byte, len(text))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Exporter: taking{}}.orDefault()
	s := &Server{cfg: cfg}
	for _, c := range [][3]string{{typeJSON, "", text}, {typeProtobuf, "gzip", zip.String()}} {
		packed := []byte(c[2])
		yields := 0
		msg, err := s.unpack(otlpwire.Traces, leaseOf(t, cfg.MaxInFlight), &body{buf: &packed, zipped: c[1] == "gzip", json: c[0] == typeJSON}, func() { yields++ })
		msg.free()
		if err != nil {
			t.Fatal(err)
		}
		if want := len(text) / (64 << 10); yields < want {
			t.Errorf("%s%s of %d bytes yields %d times, want at least %d", c[0], c[1], len(text), yields, want)
		}
	}
}

// TestExportYields: whose turn it is to unpack goes on behind those who wait, if it takes
// longer.
func TestExportYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Exporter: taking{}, Senders: Senders{Keys: []Key{{Tenant: "acme", Hash: HashKey("key")}}}}.orDefault()
		s := &Server{cfg: cfg, budget: newBudget(cfg.MaxInFlight), turns: turns{free: cfg.MaxExports}, aside: turns{free: 1}}
		s.aside.join("someone", "else")
		r := httptest.NewRequest(http.MethodPost, "https://notary/v1/traces", strings.NewReader(`{"resourceSpans":[`+strings.Repeat("{},", 1<<15)+`{}]}`))
		r.Header.Set("Content-Type", typeJSON)
		r.Header.Set("X-Api-Key", "key")
		answer := make(chan int, 1)
		go func() { answer <- Record(s, r).Code }()
		synctest.Wait()
		other := s.aside.join("other", "connection")
		s.aside.leave()
		synctest.Wait()
		if !ready(other) {
			t.Fatal("who waits has no turn")
		}
		select {
		case code := <-answer:
			t.Errorf("answered with %d before the other had his turn", code)
		default:
		}
		s.aside.leave()
		if code := <-answer; code != http.StatusOK {
			t.Errorf("status %d", code)
		}
	})
}
