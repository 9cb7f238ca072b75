//go:build bench

package main

import (
	"bufio"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/veriproof/notary/host/ingest"
	workload "github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpwire"
)

// The least that a notary could do, in a process of its own, to tell which part of its
// processor time another design might save: it receives over TLS with the notary's own
// receiver, hashes each request in as many pieces as it has spans, encrypts it, hashes the
// ciphertext, and appends it to a file; one write and one fdatasync for all that came
// while the one before was under way. It does not look at what it was sent, so that it
// has no sessions, records, redaction, salts, edit lists, duplicates, keys, positions
// or journal.
const leastDir = "NOTARY_LEAST_DIR"

func init() {
	if dir := os.Getenv(leastDir); dir != "" {
		fmt.Fprintln(os.Stderr, serveLeast(dir))
		os.Exit(1)
	}
}

type leastReady struct {
	Address     string
	Certificate []byte // DER
}

func leastTarget(t *testing.T) target {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), leastDir+"="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var ready leastReady
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&ready); err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(ready.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return target{cmd.Process.Pid, ready.Address, &tls.Config{RootCAs: pool, ServerName: "localhost"}, []string{"authorization", "Bearer least"}}
}

func serveLeast(dir string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return err
	}
	l, err := newLeast(dir)
	if err != nil {
		return err
	}
	s, err := ingest.New(ingest.Config{
		Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, Exporter: l,
		Senders: ingest.Senders{Keys: []ingest.Key{{Tenant: "least", Hash: ingest.HashKey("least")}}},
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(leastReady{listener.Addr().String(), der}); err != nil {
		return err
	}
	return s.Serve(listener)
}

type least struct {
	gcm   cipher.AEAD
	file  *os.File
	wrote int64 // by run alone
	queue chan *leastWrite
	rooms sync.Pool
}

type leastWrite struct {
	b    []byte
	done chan error
}

const (
	leastAhead = 64 << 20 // bytes that the file system is asked for at a time
	leastPiece = 64 << 10 // what of them is dropped from its cache at a time
)

func newLeast(dir string) (*least, error) {
	var key [32]byte
	rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(dir, "least"))
	if err != nil {
		return nil, err
	}
	l := &least{gcm: gcm, file: file, queue: make(chan *leastWrite, 256)}
	go l.run()
	return l, nil
}

// Export implements ingest.Exporter.
func (l *least) Export(_ context.Context, _ string, _ otlpwire.Signal, body []byte) (ingest.Receipt, error) {
	n := len(body) / workload.GenAISpans
	var leaves [workload.GenAISpans][32]byte
	for i := range leaves {
		leaves[i] = sha256.Sum256(body[i*n : (i+1)*n])
	}
	w, _ := l.rooms.Get().(*leastWrite)
	if w == nil {
		w = &leastWrite{done: make(chan error, 1)}
	}
	defer l.rooms.Put(w)
	var nonce [12]byte
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(leaves[0][:]))
	w.b = w.b[:0]
	for i := range leaves {
		w.b = append(w.b, leaves[i][:]...)
	}
	w.b = l.gcm.Seal(w.b, nonce[:], body, nil)
	sum := sha256.Sum256(w.b)
	w.b = append(w.b, sum[:]...)
	l.queue <- w
	return ingest.Receipt{}, <-w.done
}

func (l *least) run() {
	var group []*leastWrite
	var parts [][]byte
	asked := int64(0)
	for w := range l.queue {
		group, parts = append(group[:0], w), append(parts[:0], w.b)
		for more := true; more; {
			select {
			case w := <-l.queue:
				group, parts = append(group, w), append(parts, w.b)
			default:
				more = false
			}
		}
		err := l.write(parts, &asked)
		for _, w := range group {
			w.done <- err
		}
	}
}

func (l *least) write(parts [][]byte, asked *int64) error {
	fd := int(l.file.Fd())
	if l.wrote+leastAhead/2 > *asked {
		if err := unix.Fallocate(fd, 0, *asked, leastAhead); err != nil {
			return err
		}
		*asked += leastAhead
	}
	n, err := unix.Pwritev(fd, parts, l.wrote)
	if err != nil {
		return err
	}
	was := l.wrote &^ (leastPiece - 1)
	l.wrote += int64(n)
	if err := unix.Fdatasync(fd); err != nil {
		return err
	}
	// As package stream does: what is not kept is copied faster.
	return unix.Fadvise(fd, was, l.wrote&^(leastPiece-1)-was, unix.FADV_DONTNEED)
}
