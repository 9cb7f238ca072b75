// Package truststore keeps a relying party's trust material as it was over time, in a
// directory that a person can read: the key sets of MAA instances, which change them
// about once a year, and AMD's revocation lists. With it, what was signed under keys
// that are gone verifies as of its time, for as long as the directory is kept.
//
// # Directory
//
//	index            what was obtained, from whom and when, a line each
//	SHA256.json      a key set (RFC 7517), named by the SHA-256 of its bytes
//	SHA256.crl       a revocation list, as DER or PEM
//
// A line of the index is
//
//	2026-11-28T09:12:03Z jwks 5d2f… https://contoso.weu.attest.azure.net
//	2026-11-28T09:12:03Z crl 8b1a… AMD
//
// and lines that begin with # are remarks. Nothing is ever changed or removed: a file
// is written once, a line is appended. The same material obtained again is a line more,
// which says that it was in force until then.
//
// # Trust
//
// Whoever can write to the directory decides what is trusted: keep it as a policy is
// kept. What is read is checked against its name, so that damage is found; a file that
// is not as its name says makes the whole directory unusable.
//
// Other anchors are not kept, since they do not change with time: AMD's roots and
// Microsoft's UVM signer are in the code, certificate chains come with the Evidence, and
// the keys of logs stand in the policy.
//
// A Store is read once and is for one goroutine. Processes may add to one directory at
// the same time.
package truststore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/snp"
)

// ErrStore is wrapped by errors about a directory that cannot be trusted as it is.
var ErrStore = errors.New("store of trust material")

// Bounds of what is read.
const (
	maxIndex = 16 << 20 // bytes: a line a day for four instances fits for a century
	maxFile  = maa.MaxKeySetSize
)

const (
	indexName = "index"
	indexHead = "# Trust material kept by a relying party: when it was obtained, its kind, SHA-256, and whose it is.\n# Lines are appended and files added; nothing is changed or removed.\n"
)

// Kinds of material.
const (
	kindJWKS = "jwks"
	kindCRL  = "crl"
)

var suffix = map[string]string{kindJWKS: ".json", kindCRL: ".crl"}

// A Store is the material of a directory.
type Store struct {
	dir     string
	entries []Entry
	files   map[string][]byte // by name
	get     func(name string, limit int64) ([]byte, error)
}

// An Entry is a line of the index.
type Entry struct {
	At     time.Time // when it was obtained, in UTC and whole seconds
	Kind   string    // "jwks" or "crl"
	SHA256 [sha256.Size]byte
	Whose  string // the issuer of a key set; "AMD"
}

func (e Entry) String() string {
	return fmt.Sprintf("%s %s %x %s", e.At.Format(time.RFC3339), e.Kind, e.SHA256, e.Whose)
}

func (e Entry) file() string { return hex.EncodeToString(e.SHA256[:]) + suffix[e.Kind] }

// Open reads a directory. One that does not exist, or has no index, is an error:
// nothing would be trusted that should be.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, files: make(map[string][]byte), get: func(name string, limit int64) ([]byte, error) {
		return readBounded(filepath.Join(dir, name), limit)
	}}
	text, err := s.get(indexName, maxIndex)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	if err := s.read(text); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrStore, filepath.Join(dir, indexName), err)
	}
	return s, nil
}

// Parse reads the files of such a directory from memory, by their names, as a browser has
// them. The store keeps nothing new. Files that the index does not name are left alone.
func Parse(files map[string][]byte) (*Store, error) {
	s := &Store{files: make(map[string][]byte), get: func(name string, limit int64) ([]byte, error) {
		b, ok := files[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("there is no file %s", name)
		case int64(len(b)) > limit:
			return nil, fmt.Errorf("%s has %d bytes, at most %d are allowed", name, len(b), limit)
		}
		return b, nil
	}}
	text, err := s.get(indexName, maxIndex)
	if err == nil {
		err = s.read(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	return s, nil
}

// Create makes a directory with an empty index, unless there is one, and opens it.
func Create(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, indexName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return Open(dir)
	case err != nil:
		return nil, err
	}
	// In one piece, and behind what another process may have appended meanwhile.
	if err := errors.Join(f.Close(), appendLine(f.Name(), indexHead)); err != nil {
		return nil, err
	}
	return Open(dir)
}

func (s *Store) read(index []byte) error {
	if len(index) > 0 && index[len(index)-1] != '\n' {
		return errors.New("the last line is cut off: take it away, and keep what it was about again")
	}
	n := 0
	for line := range strings.Lines(string(index)) {
		n++
		if strings.HasPrefix(line, "#") {
			continue
		}
		e, err := parseEntry(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := s.load(e); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		s.entries = append(s.entries, e)
	}
	return nil
}

func parseEntry(line string) (Entry, error) {
	bad := func(what string) (Entry, error) {
		return Entry{}, fmt.Errorf("%.160q: %s; want TIME jwks|crl SHA256 WHOSE", line, what)
	}
	f := strings.Split(line, " ")
	if len(f) != 4 || f[3] == "" {
		return bad("not four words")
	}
	at, err := time.Parse(time.RFC3339, f[0])
	if err != nil {
		return bad("no time")
	}
	e := Entry{At: at.UTC(), Kind: f[1], Whose: f[3]}
	if suffix[e.Kind] == "" {
		return bad("no such kind")
	}
	digest, err := hex.DecodeString(f[2])
	if err != nil || copy(e.SHA256[:], digest) != sha256.Size || len(digest) != sha256.Size {
		return bad("no SHA-256")
	}
	if e.String() != line {
		return bad("not in its one spelling")
	}
	return e, nil
}

// load reads an entry's file and holds it against its name.
func (s *Store) load(e Entry) error {
	name := e.file()
	if s.files[name] != nil {
		return nil
	}
	b, err := s.get(name, maxFile)
	if err != nil {
		return err
	}
	if sha256.Sum256(b) != e.SHA256 {
		return fmt.Errorf("%s has other bytes than its name says", name)
	}
	s.files[name] = b
	return nil
}

// KeySets returns the kept key sets, for [attestation.Input].
func (s *Store) KeySets() []attestation.KeptKeySet {
	var out []attestation.KeptKeySet
	for _, e := range s.entries {
		if e.Kind == kindJWKS {
			out = append(out, attestation.KeptKeySet{Issuer: e.Whose, At: e.At, JWKS: s.files[e.file()]})
		}
	}
	return out
}

// CRLs returns the kept revocation lists, each once.
func (s *Store) CRLs() [][]byte {
	var out [][]byte
	seen := make(map[string]bool)
	for _, e := range s.entries {
		if name := e.file(); e.Kind == kindCRL && !seen[name] {
			seen[name] = true
			out = append(out, s.files[name])
		}
	}
	return out
}

// KeepKeys adds the key set that an MAA instance had at a time, by its exact issuer
// URL. A set that cannot be read as one is refused.
func (s *Store) KeepKeys(issuer string, jwks []byte, at time.Time) (Entry, error) {
	if !strings.HasPrefix(issuer, "https://") || strings.ContainsAny(issuer, " \t\r\n") {
		return Entry{}, fmt.Errorf("issuer %.200q: want its exact URL, such as https://contoso.weu.attest.azure.net", issuer)
	}
	if _, err := maa.ParseKeySet(jwks); err != nil {
		return Entry{}, err
	}
	return s.keep(kindJWKS, issuer, jwks, at)
}

// KeepCRL adds a revocation list of AMD.
func (s *Store) KeepCRL(crl []byte, at time.Time) (Entry, error) {
	if _, err := snp.ParseCRL(crl); err != nil {
		return Entry{}, err
	}
	return s.keep(kindCRL, "AMD", crl, at)
}

// keep writes the file before the line: a line names what is there.
func (s *Store) keep(kind, whose string, data []byte, at time.Time) (Entry, error) {
	e := Entry{At: at.UTC().Truncate(time.Second), Kind: kind, SHA256: sha256.Sum256(data), Whose: whose}
	if len(data) > maxFile {
		return e, fmt.Errorf("%d bytes, at most %d are kept", len(data), maxFile)
	}
	if err := write(s.dir, e.file(), data); err != nil {
		return e, err
	}
	if err := s.load(e); err != nil {
		return e, fmt.Errorf("%w: %w", ErrStore, err)
	}
	if err := appendLine(filepath.Join(s.dir, indexName), e.String()+"\n"); err != nil {
		return e, err
	}
	s.entries = append(s.entries, e)
	return e, nil
}

// write makes a file that is whole when it can be seen. If there is one with its name, that
// has the same bytes, or is found damaged by load.
func write(dir, name string, data []byte) error {
	if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
		return nil
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o444), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close()) // a line must not outlive its file
}

// appendLine writes a line in one piece, behind those of other processes.
func appendLine(name, line string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Sync(), f.Close())
}

func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return b, err
}
