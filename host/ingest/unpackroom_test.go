package ingest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
)

// TestUnpackingCounts: those who are unpacked in turns have all begun before the first has ended. What
// each has for that meanwhile counts, and who finds no room for it is told to come again.
func TestUnpackingCounts(t *testing.T) {
	const many, flight = 64, 2 << 20
	var zip bytes.Buffer
	w := gzip.NewWriter(&zip)
	if _, err := w.Write(make([]byte, firstRead/2)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Exporter: taking{}, MaxRequest: 1 << 20, MaxInFlight: flight, Senders: Senders{Keys: []Key{{Tenant: "acme", Hash: HashKey("key")}}}}.orDefault()
		s := &Server{cfg: cfg, budget: newBudget(flight), turns: turns{free: cfg.MaxExports}, aside: turns{free: 1}}
		s.aside.join("someone", "else")
		answers := make(chan int, many)
		for range many {
			r := httptest.NewRequest(http.MethodPost, "https://notary/v1/traces", bytes.NewReader(zip.Bytes()))
			r.Header.Set("Content-Type", typeProtobuf)
			r.Header.Set("Content-Encoding", "gzip")
			r.Header.Set("X-Api-Key", "key")
			go func() { answers <- Record(s, r).Code }()
			synctest.Wait() // its message has come, and has given back what it does not need
		}
		if len(answers) > 0 {
			t.Fatalf("%d are answered before any is unpacked", len(answers))
		}
		s.aside.leave()
		synctest.Wait()
		told := make(map[int]int)
		for range many {
			told[<-answers]++
		}
		if took, most := told[http.StatusOK], flight/firstRead; took == 0 || took > most || told[http.StatusTooManyRequests] != many-took {
			t.Errorf("told are %v; there is room for %d at a time", told, most)
		}
	})
}
