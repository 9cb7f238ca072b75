package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/mariadb"
	"github.com/veriproof/notary/sdk/receipt"
)

const (
	origin = "example.org/cloud-log"
	token  = "a token of this test"
)

// s3 starts a server with a bucket, which ends with the test, and returns its URL.
func s3server(t *testing.T, bucket string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "s3server")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "..", "internal", "s3server")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("s3server: %v\n%s", err, out)
	}
	server := exec.Command(program, bucket)
	in, err1 := server.StdinPipe()
	out, err2 := server.StdoutPipe()
	if err := errors.Join(err1, err2, server.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// A running program, in this process.
type running struct {
	url, vkey string
	stop      func() error
}

func start(t *testing.T, args []string) running {
	t.Helper()
	r, err := begin(t, args)
	if err != nil {
		t.Fatalf("it does not start: %v", err)
	}
	return r
}

// begin returns when the program serves, or with what it ended with.
func begin(t *testing.T, args []string) (running, error) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, w, io.Discard)
		w.CloseWithError(err)
		done <- err
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		cancel()
		return running{}, err
	}
	_, after, _ := strings.Cut(line, " is at ")
	url, after, _ := strings.Cut(after, "/, taking commitments for ")
	vkey, _, _ := strings.Cut(after, ",")
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return running{url, vkey, stop}, nil
}

// notary is what a notary has of such a log.
func notary(t *testing.T, r running) *commitlog.Endpoint {
	t.Helper()
	tiles, err := commitlog.NewReader(r.url, []string{r.vkey})
	if err != nil {
		t.Fatal(err)
	}
	memory, err := commitlog.OpenMemory(t.TempDir(), r.vkey, tiles)
	if err != nil {
		t.Fatal(err)
	}
	e, err := commitlog.OpenEndpoint(commitlog.EndpointOptions{
		URL: r.url, Key: r.vkey, Memory: memory, Credential: func() (string, error) { return token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// onAWS starts what stands for S3 and MySQL, and returns the arguments of a program with a log there.
func onAWS(t *testing.T) (args func(prefix, dir string) []string) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	database := mariadb.Start(t)
	endpoint := s3server(t, "log")
	files := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(files, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	where := write("database", fmt.Sprintf("%s@unix(%s)/log\n", mariadb.User, database.Socket))
	accept := write("accept", fmt.Sprintf("%x\n", ingest.HashKey(token)))
	return func(prefix, dir string) []string {
		return []string{
			"aws", "--bucket", "log", "--prefix", prefix, "--s3-endpoint", endpoint, "--origin", origin, "--dir", dir, "--listen", "127.0.0.1:0",
			"--database-file", where, "--accept", accept,
		}
	}
}

// TestAWSBegins: of programs that begin one log at once, with a key of its own each, one has it, the
// others are told whose it is, and its checkpoint is there for who reads it at once.
func TestAWSBegins(t *testing.T) {
	args := onAWS(t)
	const programs = 3
	began := make(chan running, programs)
	var wg sync.WaitGroup
	for range programs {
		dir := t.TempDir()
		wg.Go(func() {
			switch r, err := begin(t, args("new", dir)); {
			case err == nil:
				began <- r
			case !errors.Is(err, commitlog.ErrKey):
				t.Errorf("a second key: %v, want ErrKey", err)
			}
		})
	}
	wg.Wait()
	close(began)
	if n := len(began); n != 1 {
		t.Fatalf("%d programs have the log", n)
	}
	r := <-began
	reader, err := commitlog.NewReader(r.url, []string{r.vkey})
	if err != nil {
		t.Fatal(err)
	}
	if size, _, _, err := reader.Checkpoint(t.Context()); err != nil || size != 0 {
		t.Errorf("a checkpoint of %d entries, %v", size, err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// TestAWS: two programs have one log in S3 and MySQL, with a copy of its key each. Notaries
// get proofs of both that are of one history, every commitment is there once, and the log
// goes on when all are started again. A key of somebody else's is refused.
func TestAWS(t *testing.T) {
	on := onAWS(t)
	args := func(dir string) []string { return on("a/log", dir) }
	first, second := t.TempDir(), t.TempDir()
	a := start(t, args(first))
	key, err := os.ReadFile(filepath.Join(first, "log.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(second, "log.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, args(second))
	if a.vkey != b.vkey {
		t.Fatalf("keys %s and %s", a.vkey, b.vkey)
	}

	var mu sync.Mutex
	indexes := map[uint64]int{}
	submit := func(e *commitlog.Endpoint, from, to int) {
		var wg sync.WaitGroup
		for i := from; i < to; i++ {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
				defer cancel()
				c := receipt.Hash(sha256.Sum256(fmt.Append(nil, i)))
				proof, index, err := e.Submit(ctx, c)
				if err != nil {
					t.Errorf("submit %d: %v", i, err)
					return
				}
				if at, err := receipt.VerifyProof(proof, c, []string{a.vkey}); err != nil || at != index {
					t.Errorf("proof %d: index %d and %d, %v", i, at, index, err)
				}
				mu.Lock()
				indexes[index]++
				mu.Unlock()
			})
		}
		wg.Wait()
	}
	const each = 300 // more than a tile
	var both sync.WaitGroup
	both.Go(func() { submit(notary(t, a), 0, each) })
	both.Go(func() { submit(notary(t, b), each, 2*each) })
	both.Wait()
	for _, r := range []running{a, b} {
		if err := r.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	again := start(t, args(second))
	submit(notary(t, again), 2*each, 2*each+3)
	if len(indexes) != 2*each+3 {
		t.Errorf("%d places for %d commitments", len(indexes), 2*each+3)
	}
	for i := range uint64(2*each + 3) {
		if indexes[i] != 1 {
			t.Errorf("place %d is of %d commitments", i, indexes[i])
		}
	}
	if err := again.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := run(t.Context(), args(t.TempDir()), io.Discard, io.Discard); !errors.Is(err, commitlog.ErrKey) {
		t.Errorf("without the log's key: %v, want ErrKey", err)
	}
}

// TestFilesOnGCP: the files of a log are read from Cloud Storage where Tessera's driver puts
// them. What writes them, and Spanner, have no stand-in that could be had.
func TestFilesOnGCP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.EscapedPath(), "/b/log/o/here%2Fcheckpoint") && r.URL.Query().Get("alt") == "media" {
			w.Write([]byte("a checkpoint"))
			return
		}
		http.Error(w, `{"error": {"code": 404, "message": "No such object"}}`, http.StatusNotFound)
	}))
	defer server.Close()
	s := &service{driver: "gcp", bucket: "log", prefix: "here", spanner: "projects/p/instances/i/databases/d"}
	p, err := s.gcp(t.Context(), option.WithEndpoint(server.URL+"/storage/v1/"), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := p.Files.ReadCheckpoint(t.Context()); err != nil || string(text) != "a checkpoint" {
		t.Errorf("checkpoint %q, %v", text, err)
	}
	if _, err := p.Files.ReadTile(t.Context(), 0, 7, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a tile that is not there: %v, want ErrNotExist", err)
	}
	if d, err := p.Driver(t.Context(), http.DefaultClient); err != nil || d == nil {
		t.Errorf("driver %v, %v", d, err)
	}
}

func TestRefusedArguments(t *testing.T) {
	good := "aws --bucket b --database-file d --origin o --dir k --accept a --listen 127.0.0.1:0"
	for args, want := range map[string]string{
		"":                          "say aws or gcp",
		"azure" + good[3:]:          "unknown driver \"azure\"",
		good[4:]:                    "unknown driver \"\"",
		good + " --spanner s":       "no --spanner",
		"gcp" + good[3:]:            "gcp wants --spanner",
		"gcp --spanner s":           "want projects/PROJECT/instances/INSTANCE/databases/NAME",
		good + " --bucket=":         "--bucket is missing",
		good + " --listen :8444":    "API keys do not cross a network in the clear",
		good + " --tls-key k":       "go together",
		good + " --witness k":       "want KEY=URL",
		good + " more":              "unexpected argument",
		good + " --database-file=":  "aws wants --database-file",
		good + " --listen 10.0.0.1": "in the clear",
	} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	for text, want := range map[string]string{
		"secret@tcp(db.example:3306)/log":                   "tls=true",
		"u:secret@tcp(db.example:3306)/log?tls=skip-verify": "tls=true",
		"u:secret@tcp(db.example:3306)/?tls=true":           "want USER",
		"u:secret": "want USER",
	} {
		name := filepath.Join(t.TempDir(), "d")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readDSN(name); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
