// Package witness has a witness of logs for tests. It cosigns as C2SP tlog-witness
// says, first come: what it knows of an origin must have grown into what it is shown.
package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Witness is one that listens on the loopback interface. It is safe for concurrent
// use.
type Witness struct {
	signer *torchwood.CosignatureSigner
	server *httptest.Server

	mu    sync.Mutex
	known map[string]tlog.Tree // by origin
	logs  note.Verifiers
	asked int
	fault func(w http.ResponseWriter, asked int) bool
}

// Start starts a witness with a new key, which knows no log. It ends with the test.
func Start(t testing.TB, name string) *Witness {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &Witness{known: make(map[string]tlog.Tree), logs: note.VerifierList()}
	if w.signer, err = torchwood.NewCosignatureSigner(name, key); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	return w
}

// Close ends the witness: it answers nobody any more.
func (w *Witness) Close() { w.server.Close() }

// Key is the witness's verifier key, for Ed25519 cosignatures.
func (w *Witness) Key() string { return w.signer.Verifier().String() }

// URL is where the witness answers.
func (w *Witness) URL() string { return w.server.URL }

// Know makes the witness cosign for the log with this verifier key, in the place of
// the one that it knew.
func (w *Witness) Know(log note.Verifier) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs = note.VerifierList(log)
}

// Asked is how many requests there were.
func (w *Witness) Asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// Fail has a fault see every request from now on, with the number of requests so far.
// It answers in the witness's place and says so, or leaves the request to it.
func (w *Witness) Fail(fault func(w http.ResponseWriter, asked int) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fault
}

func (w *Witness) addCheckpoint(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(rw, "", http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.fault != nil && w.fault(rw, w.asked) {
		return
	}
	status, answer := w.consider(body)
	if status == http.StatusConflict {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
	}
	rw.WriteHeader(status)
	rw.Write(answer)
}

func (w *Witness) consider(body []byte) (int, []byte) {
	head, signed, _ := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil {
		return http.StatusBadRequest, nil
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	n, err := note.Open(signed, w.logs)
	if err != nil {
		return http.StatusForbidden, nil
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil || old > c.N {
		return http.StatusBadRequest, nil
	}
	known := w.known[origin]
	if known.N != old {
		return http.StatusConflict, fmt.Appendf(nil, "%d\n", known.N)
	}
	if known.N > 0 {
		var proof tlog.TreeProof
		for _, line := range lines[1:] {
			h, err := tlog.ParseHash(line)
			if err != nil {
				return http.StatusBadRequest, nil
			}
			proof = append(proof, h)
		}
		if tlog.CheckTree(proof, c.N, c.Hash, known.N, known.Hash) != nil {
			return http.StatusUnprocessableEntity, nil
		}
	}
	w.known[origin] = c.Tree
	out, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	_, line, _ := bytes.Cut(out, []byte("\n\n"))
	return http.StatusOK, line
}
