//go:build mysql

package commitlog

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/veriproof/notary/host/internal/mariadb"
	"github.com/veriproof/notary/host/internal/witness"
)

func optionsOf(s *mariadb.Server) MySQLOptions {
	return MySQLOptions{
		Host: s.Socket, Database: "log", User: mariadb.User, Timeout: 5 * time.Second, Connections: 4,
		Password: func() (string, error) { return "", nil },
	}
}

func openMySQL(t *testing.T, s *mariadb.Server, dir string) *MySQL {
	t.Helper()
	l, err := OpenMySQL(t.Context(), optionsOf(s), dir, origin, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestMySQL: notaries that have a copy of the key each share one log in a real
// server. Every entry is there once, each notary's checkpoints are of one history, and
// a server that is killed under them costs time alone.
func TestMySQL(t *testing.T) {
	s := mariadb.Start(t)
	first, second := t.TempDir(), t.TempDir()
	if _, err := OpenMySQL(t.Context(), optionsOf(s), first, origin, Options{}); !errors.Is(err, ErrKey) {
		t.Errorf("without a key: %v, want ErrKey", err)
	}
	vkey, err := InitMySQL(t.Context(), optionsOf(s), first, origin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := InitMySQL(t.Context(), optionsOf(s), second, origin); !errors.Is(err, ErrDatabase) {
		t.Errorf("a second time: %v, want ErrDatabase", err)
	}
	if _, err := os.Stat(filepath.Join(second, keyFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second time: a stray key: %v", err)
	}
	checkMySQL(t, s, vkey, 0)
	key, err := os.ReadFile(filepath.Join(first, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(second, keyFile), key, 0o600); err != nil {
		t.Fatal(err)
	}
	a, b := openMySQL(t, s, first), openMySQL(t, s, second)
	if a.VerifierKey() != vkey || b.VerifierKey() != vkey {
		t.Fatalf("keys %s, %s", a.VerifierKey(), b.VerifierKey())
	}
	const each = 300 // more than a tile
	var wg sync.WaitGroup
	for i, l := range []*MySQL{a, b} {
		wg.Go(func() {
			for j, p := range submitAll(t, l, i*each, (i+1)*each) {
				verify(t, vkey, commitment(i*each+j), p)
			}
		})
	}
	wg.Wait()
	checkMySQL(t, s, vkey, 2*each)

	// Whoever submits while the server dies is told that the outcome is unknown, and
	// submits again.
	ctx, cancel := context.WithCancel(t.Context())
	var lost sync.WaitGroup
	for i := range 50 {
		lost.Go(func() { _, _, _ = a.Submit(ctx, commitment(10_000+i)) })
	}
	s.Kill()
	cancel()
	lost.Wait()
	s.Restart()
	p, _ := submitUntil(t, b, commitment(20_000))
	verify(t, vkey, commitment(20_000), p)
	p, _ = submitUntil(t, a, commitment(10_000))
	verify(t, vkey, commitment(10_000), p)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	a = openMySQL(t, s, first)
	p, _ = submit(t, a, commitment(30_000))
	verify(t, vkey, commitment(30_000), p)

	// Another key is not this log's.
	other := t.TempDir()
	if _, err := makeKey(filepath.Join(other, keyFile), origin); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenMySQL(t.Context(), optionsOf(s), other, origin, Options{}); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v, want ErrKey", err)
	}
	w := witness.Start(t, "w.example")
	if _, err := OpenMySQL(t.Context(), optionsOf(s), first, origin, Options{Witnesses: Witnesses{List: []Witness{as(w)}, Quorum: 1}}); !errors.Is(err, ErrWitness) {
		t.Errorf("with a witness: %v, want ErrWitness", err)
	}
}

// TestInitMySQL: of several that make a log at once one does, and its key is the one that is kept. A
// key stays that the database may have a signature of.
func TestInitMySQL(t *testing.T) {
	s := mariadb.Start(t)
	dir := t.TempDir()
	var wg sync.WaitGroup
	made := make(chan string, 8)
	for range cap(made) {
		wg.Go(func() {
			switch vkey, err := InitMySQL(t.Context(), optionsOf(s), dir, origin); {
			case err == nil:
				made <- vkey
			case !errors.Is(err, ErrInUse) && !errors.Is(err, ErrDatabase):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(made)
	if n := len(made); n != 1 {
		t.Fatalf("%d logs were made", n)
	}
	if l := openMySQL(t, s, dir); l.VerifierKey() != <-made {
		t.Error("the key is another's")
	}

	db, err := connect(optionsOf(s))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"Tessera", "Checkpoint", "Subtree", "TiledLeaves"} { // TreeState is in the way
		if _, err := db.ExecContext(t.Context(), "drop table "+table); err != nil {
			t.Fatal(err)
		}
	}
	half := t.TempDir()
	if _, err := InitMySQL(t.Context(), optionsOf(s), half, origin); !errors.Is(err, ErrDatabase) || !strings.Contains(err.Error(), "it has a log, or what is left of one") {
		t.Errorf("a table in the way: %v", err)
	}
	if _, err := os.Stat(filepath.Join(half, keyFile)); err != nil {
		t.Errorf("a key that the database has seen is gone: %v", err)
	}
}

// submitUntil submits as session.Notary does: again after each error.
func submitUntil(t *testing.T, l Log, c [32]byte) ([]byte, uint64) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		p, index, err := l.Submit(ctx, c)
		cancel()
		if err == nil {
			return p, index
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

// checkMySQL reads the whole log from the database.
func checkMySQL(t *testing.T, s *mariadb.Server, vkey string, want uint64) {
	t.Helper()
	files, done, err := MySQLFiles(t.Context(), optionsOf(s))
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	r, err := ReadFiles(files, "the database", []string{vkey})
	if err != nil {
		t.Fatal(err)
	}
	readWhole(t, r, want)
}
