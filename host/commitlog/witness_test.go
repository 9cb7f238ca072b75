package commitlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/veriproof/notary/host/internal/witness"
	"github.com/veriproof/notary/sdk/receipt"
)

// as is how a log is told of a witness.
func as(w *witness.Witness) Witness { return Witness{Key: w.Key(), URL: w.URL()} }

// openWitnessed opens a log that the witnesses know the key of.
func openWitnessed(t testing.TB, dir string, quorum int, witnesses ...*witness.Witness) *POSIX {
	t.Helper()
	key, err := loadOrMakeKey(dir, origin, false)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Witnesses: Witnesses{Quorum: quorum}}
	for _, w := range witnesses {
		w.Know(key.verifier)
		o.Witnesses.List = append(o.Witnesses.List, as(w))
	}
	l, err := OpenPOSIX(dir, origin, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// witnessed checks a proof as anybody with torchwood would, who wants a quorum.
func witnessed(vkey string, c [32]byte, proof []byte, quorum int, witnesses ...*witness.Witness) error {
	text, names := "log "+vkey+"\n", ""
	for i, w := range witnesses {
		text += fmt.Sprintf("witness w%d %s\n", i, w.Key())
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
	a, b, c := witness.Start(t, "a.example"), witness.Start(t, "b.example"), witness.Start(t, "c.example")
	c.Close()
	b.Fail(func(w http.ResponseWriter, asked int) bool {
		if asked == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return asked == 1
	})
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
		if got, err := receipt.Cosigners(p, []string{as(a).Key, as(c).Key, as(b).Key}); err != nil || len(got) != 2 {
			t.Errorf("cosigners %v, %v", got, err)
		}
	}
	if l.Failures() == 0 {
		t.Error("no failure was counted")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	late := witness.Start(t, "late.example")
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
	w := witness.Start(t, "w.example")
	refused := make(chan struct{}, 100)
	answers := []func(http.ResponseWriter){
		func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		func(w http.ResponseWriter) { w.Write([]byte("— w.example AAAA\n")) },
		func(w http.ResponseWriter) { w.Write(bytes.Repeat([]byte("x"), 1<<20)) },
	}
	w.Fail(func(rw http.ResponseWriter, asked int) bool {
		if asked > len(answers) {
			return false
		}
		answers[asked-1](rw)
		refused <- struct{}{}
		return true
	})
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
	w := witness.Start(t, "w.example")
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
	before := w.Asked()
	refused := make(chan struct{}, 100)
	w.Fail(func(_ http.ResponseWriter, asked int) bool {
		if asked >= before+2 { // 409, and what came of it
			refused <- struct{}{}
		}
		return false
	})
	restored := openWitnessed(t, filepath.Join(backup, "log"), 1, w)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-refused; cancel() }()
	if p, _, err := restored.Submit(ctx, commitment(2)); err == nil {
		t.Errorf("a proof of a second history: %s", p)
	}
}

func TestWrongWitnesses(t *testing.T) {
	t.Parallel()
	good := as(witness.Start(t, "w.example"))
	other := as(witness.Start(t, "v.example"))
	renamed := good
	renamed.URL = "https://w.example/"
	dir := t.TempDir()
	log, err := loadOrMakeKey(dir, origin, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]Witnesses{
		"the log itself":     {List: []Witness{good, {asWitness(t, log.vkey), "https://v.example/"}}, Quorum: 1},
		"a key renamed":      {List: []Witness{good, {asWitness(t, good.Key), "https://v.example/"}}, Quorum: 1},
		"a key in two lines": {List: []Witness{good, {good.Key[:len(good.Key)-4] + "\n" + good.Key[len(good.Key)-4:], "https://v.example/"}}, Quorum: 1},
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
		l, err := OpenPOSIX(dir, origin, Options{Witnesses: w})
		if !errors.Is(err, ErrWitness) {
			t.Errorf("%s: %v, want ErrWitness", name, err)
		}
		if err == nil {
			l.Close()
		}
	}
}

// asWitness is a verifier key of a witness of another name with the key of this one.
func asWitness(t *testing.T, vkey string) string {
	t.Helper()
	key, err := receipt.PublicKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	const name = "another.example"
	raw := append([]byte{4}, key[:]...) // C2SP tlog-cosignature
	id := sha256.Sum256(append([]byte(name+"\n"), raw...))
	return fmt.Sprintf("%s+%x+%s", name, id[:4], base64.StdEncoding.EncodeToString(raw))
}
