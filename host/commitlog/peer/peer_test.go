// Package peer tries the log against a witness of another maker, litewitness. It is a
// module of its own, so that what that program needs is not among the notary's
// dependencies.
package peer

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/sdk/receipt"
)

const (
	origin  = "example.org/peer"
	name    = "witness.example/lite"
	patient = time.Minute
)

// TestLitewitness: litewitness, unchanged, cosigns what the embedded log shows it,
// from its first checkpoint on and by consistency proofs; and refuses a log that was
// restored from a backup, which so gets no proof.
func TestLitewitness(t *testing.T) {
	dir := t.TempDir()
	tool := os.Getenv("NOTARY_LITEWITNESS")
	if tool == "" {
		t.Fatal("NOTARY_LITEWITNESS is not set: \"make test-log\" builds the program and names it")
	}
	logDir := filepath.Join(dir, "log")
	l, err := commitlog.OpenPOSIX(logDir, origin, commitlog.Options{}) // makes the key
	if err != nil {
		t.Fatal(err)
	}
	vkey := l.VerifierKey()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	w := start(t, tool, dir, vkey)
	o := commitlog.Options{Witnesses: commitlog.Witnesses{List: []commitlog.Witness{w.Witness}, Quorum: 1}}
	if l, err = commitlog.OpenPOSIX(logDir, origin, o); err != nil {
		t.Fatal(err)
	}
	policy, err := torchwood.ParsePolicy(fmt.Appendf(nil, "log %s\nwitness w %s\nquorum w\n", vkey, w.Key))
	if err != nil {
		t.Fatal(err)
	}
	prove := func(i byte) {
		t.Helper()
		c := [32]byte{i}
		ctx, cancel := context.WithTimeout(t.Context(), patient)
		defer cancel()
		proof, _, err := l.Submit(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := torchwood.VerifyProof(policy, tlog.RecordHash(c[:]), proof); err != nil {
			t.Errorf("torchwood: %v", err)
		}
		if got, err := receipt.Cosigners(proof, []string{w.Key}); err != nil || len(got) != 1 {
			t.Errorf("cosigners %v, %v", got, err)
		}
	}
	prove(1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(dir, "backup")
	if err := os.CopyFS(backup, os.DirFS(logDir)); err != nil {
		t.Fatal(err)
	}
	if l, err = commitlog.OpenPOSIX(logDir, origin, o); err != nil {
		t.Fatal(err)
	}
	prove(2)
	prove(3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = commitlog.OpenPOSIX(backup, origin, o); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	refused := w.refusals()
	go func() {
		<-refused // the witness says which tree it knows
		<-refused // and refuses what comes of that
		cancel()
	}()
	if _, _, err := l.Submit(ctx, [32]byte{4}); err == nil {
		t.Error("a log that was rolled back has a proof")
	}
}

// A listened is a witness with somebody who listens to its answers.
type listened struct {
	commitlog.Witness
	refused atomic.Pointer[chan struct{}]
}

// refusals returns a channel that gets a value for each answer from now on that is no
// cosignature. What is not taken in time is lost from the hundredth on.
func (w *listened) refusals() <-chan struct{} {
	c := make(chan struct{}, 100)
	w.refused.Store(&c)
	return c
}

// listen stands before a witness until the test ends.
func (w *listened) listen(t *testing.T) {
	t.Helper()
	behind, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) },
		ModifyResponse: func(r *http.Response) error {
			if c := w.refused.Load(); c != nil && r.StatusCode != http.StatusOK {
				select {
				case *c <- struct{}{}:
				default:
				}
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	w.URL = server.URL
}

// start starts litewitness with a key of its own, which it has from an SSH agent, and
// the log's key in its database.
func start(t *testing.T, tool, dir, vkey string) *listened {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "agent")
	sockets, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sockets.Close() })
	go func() {
		for {
			c, err := sockets.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c) }()
		}
	}()
	sshKey, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	know(t, filepath.Join(dir, "witness.db"), vkey)
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	cmd := exec.CommandContext(t.Context(), tool, "-name", name, "-db", filepath.Join(dir, "witness.db"), "-ssh-agent", socket,
		"-key", ssh.FingerprintSHA256(sshKey), "-listen", address)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(patient); ; {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			c.Close()
			w := &listened{Witness: commitlog.Witness{Key: cosigner(public), URL: "http://" + address}}
			w.listen(t)
			return w
		}
		if time.Now().After(deadline) {
			t.Fatalf("litewitness does not listen: %v", err)
		}
	}
}

// know puts a log into the witness's database, as its operator's tool would.
func know(t *testing.T, path, vkey string) {
	t.Helper()
	db, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	empty := sha256.Sum256(nil)
	for _, s := range []struct {
		text string
		args []any
	}{
		{"create table log (origin text primary key, tree_size integer not null, tree_hash text not null)", nil},
		{"create table key (origin text not null, key text not null)", nil},
		{"insert into log values (?, 0, ?)", []any{origin, base64.StdEncoding.EncodeToString(empty[:])}},
		{"insert into key values (?, ?)", []any{origin, vkey}},
	} {
		if err := sqlitex.Execute(db, s.text, &sqlitex.ExecOptions{Args: s.args}); err != nil {
			t.Fatal(err)
		}
	}
}

// cosigner is the verifier key of a cosigner.
func cosigner(public ed25519.PublicKey) string {
	raw := append([]byte{4}, public...)
	id := sha256.Sum256(append([]byte(name+"\n"), raw...))
	return fmt.Sprintf("%s+%x+%s", name, id[:4], base64.StdEncoding.EncodeToString(raw))
}
