package commitlog

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/veriproof/notary/sdk/receipt"
)

// A witness is one that cosigns as C2SP tlog-witness says, for the logs of any key,
// first come: what it knows of an origin must have grown into what it is shown.
type witness struct {
	signer *torchwood.CosignatureSigner
	server *httptest.Server

	mu    sync.Mutex
	known map[string]tlog.Tree
	log   note.Verifier
	asked int
	// fault, if not nil, answers in its place and says so.
	fault func(w http.ResponseWriter, asked int) bool
}

func startWitness(t testing.TB, name string) *witness {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{known: make(map[string]tlog.Tree)}
	if w.signer, err = torchwood.NewCosignatureSigner(name, key); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	return w
}

func (w *witness) as() Witness {
	return Witness{Key: w.signer.Verifier().String(), URL: w.server.URL}
}

func (w *witness) addCheckpoint(rw http.ResponseWriter, r *http.Request) {
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
		rw.Header().Set("Content-Type", sizeMediaType)
	}
	rw.WriteHeader(status)
	rw.Write(answer)
}

func (w *witness) consider(body []byte) (int, []byte) {
	head, signed, _ := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil {
		return http.StatusBadRequest, nil
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	n, err := note.Open(signed, note.VerifierList(w.log))
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

// openWitnessed opens a log that the witnesses know the key of.
func openWitnessed(t testing.TB, dir string, quorum int, witnesses ...*witness) *POSIX {
	t.Helper()
	key, err := loadOrMakeKey(dir, origin, false)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Witnesses: Witnesses{Quorum: quorum}}
	for _, w := range witnesses {
		w.mu.Lock()
		w.log = key.verifier
		w.mu.Unlock()
		o.Witnesses.List = append(o.Witnesses.List, w.as())
	}
	l, err := OpenPOSIX(dir, origin, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// witnessed checks a proof as anybody with torchwood would, who wants a quorum.
func witnessed(vkey string, c [32]byte, proof []byte, quorum int, witnesses ...*witness) error {
	text, names := "log "+vkey+"\n", ""
	for i, w := range witnesses {
		text += fmt.Sprintf("witness w%d %s\n", i, w.signer.Verifier())
		names += fmt.Sprintf(" w%d", i)
	}
	policy, err := torchwood.ParsePolicy([]byte(fmt.Sprintf("%sgroup all %d%s\nquorum all\n", text, quorum, names)))
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(c[:]), proof)
}

// TestWitnessed: a proof carries the cosignatures of a quorum, though one witness
// is down, one refuses the first time, and one has seen the log before. A witness
// that comes later is brought up by the protocol's 409.
func TestWitnessed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b, c := startWitness(t, "a.example"), startWitness(t, "b.example"), startWitness(t, "c.example")
	c.server.Close()
	b.fault = func(w http.ResponseWriter, asked int) bool {
		if asked == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return asked == 1
	}
	l := openWitnessed(t, dir, 2, a, b, c)
	for i := range 3 {
		p, _ := submit(t, l, commitment(i))
		verify(t, l.VerifierKey(), commitment(i), p)
		if err := witnessed(l.VerifierKey(), commitment(i), p, 2, a, b, c); err != nil {
			t.Errorf("proof %d: %v", i, err)
		}
		if err := witnessed(l.VerifierKey(), commitment(i), p, 3, a, b, c); err == nil {
			t.Error("a quorum of three from two")
		}
		if got, err := receipt.Cosigners(p, []string{a.as().Key, c.as().Key, b.as().Key}); err != nil || len(got) != 2 {
			t.Errorf("cosigners %v, %v", got, err)
		}
	}
	if l.Failures() == 0 {
		t.Error("no failure was counted")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	late := startWitness(t, "late.example")
	l = openWitnessed(t, dir, 2, a, late)
	p, _ := submit(t, l, commitment(9))
	if err := witnessed(l.VerifierKey(), commitment(9), p, 2, a, late); err != nil {
		t.Error(err)
	}
}

// TestNoQuorum: without a quorum there is no proof, the entry stays, and it is
// proved when the witnesses are back.
func TestNoQuorum(t *testing.T) {
	t.Parallel()
	w := startWitness(t, "w.example")
	refused := make(chan struct{}, 100)
	answers := []func(http.ResponseWriter){
		func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		func(w http.ResponseWriter) { w.Write([]byte("— w.example AAAA\n")) },
		func(w http.ResponseWriter) { w.Write(bytes.Repeat([]byte("x"), 1<<20)) },
	}
	w.fault = func(rw http.ResponseWriter, asked int) bool {
		if asked > len(answers) {
			return false
		}
		answers[asked-1](rw)
		refused <- struct{}{}
		return true
	}
	l := openWitnessed(t, t.TempDir(), 1, w)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-refused; cancel() }()
	if p, _, err := l.Submit(ctx, commitment(1)); err == nil {
		t.Errorf("a proof without a witness: %s", p)
	}
	p, index := submit(t, l, commitment(1))
	if index != 0 {
		t.Errorf("index %d, want that of the first submission", index)
	}
	if err := witnessed(l.VerifierKey(), commitment(1), p, 1, w); err != nil {
		t.Error(err)
	}
}

// TestWitnessSeesRollback (T30, T40): a log that was restored from a backup, or
// that is another one under the same key, gets no cosignature and so gives no proof.
func TestWitnessSeesRollback(t *testing.T) {
	t.Parallel()
	w := startWitness(t, "w.example")
	dir, backup := t.TempDir(), t.TempDir()
	l := openWitnessed(t, dir, 1, w)
	submit(t, l, commitment(0))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(backup, "log"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	l = openWitnessed(t, dir, 1, w)
	submit(t, l, commitment(1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	before := w.asked
	refused := make(chan struct{}, 100)
	w.fault = func(_ http.ResponseWriter, asked int) bool {
		if asked >= before+2 { // 409, and what came of it
			refused <- struct{}{}
		}
		return false
	}
	w.mu.Unlock()
	restored := openWitnessed(t, filepath.Join(backup, "log"), 1, w)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-refused; cancel() }()
	if p, _, err := restored.Submit(ctx, commitment(2)); err == nil {
		t.Errorf("a proof of a second history: %s", p)
	}
}

func TestWrongWitnesses(t *testing.T) {
	t.Parallel()
	good := startWitness(t, "w.example").as()
	other := startWitness(t, "v.example").as()
	renamed := good
	renamed.URL = "https://w.example/"
	for name, w := range map[string]Witnesses{
		"no quorum":          {List: []Witness{good}},
		"too high a quorum":  {List: []Witness{good}, Quorum: 2},
		"quorum of nobody":   {Quorum: 1},
		"a key twice":        {List: []Witness{good, renamed}, Quorum: 1},
		"a URL twice":        {List: []Witness{good, {other.Key, good.URL}}, Quorum: 1},
		"no key":             {List: []Witness{{"w.example", good.URL}}, Quorum: 1},
		"no URL":             {List: []Witness{{good.Key, ""}}, Quorum: 1},
		"in the clear":       {List: []Witness{{good.Key, "http://w.example/"}}, Quorum: 1},
		"with a user":        {List: []Witness{{good.Key, "https://u@w.example/"}}, Quorum: 1},
		"another URL scheme": {List: []Witness{{good.Key, "file:///w"}}, Quorum: 1},
	} {
		l, err := OpenPOSIX(t.TempDir(), origin, Options{Witnesses: w})
		if !errors.Is(err, ErrWitness) {
			t.Errorf("%s: %v, want ErrWitness", name, err)
		}
		if err == nil {
			l.Close()
		}
	}
}
