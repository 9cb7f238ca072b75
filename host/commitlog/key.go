package commitlog

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/mod/sumdb/note"
)

const (
	keyFile = "log.key"
	// maxKeyFile bounds what is read of a key file: a name, a hash and 33 bytes.
	maxKeyFile = 1 << 10
	// maxOrigin keeps checkpoints, and so proofs, small.
	maxOrigin = 200
)

// A signingKey is the log's Ed25519 note key.
type signingKey struct {
	note.Signer
	verifier note.Verifier
	vkey     string
}

// checkOrigin refuses what cannot be the name of a C2SP note key and the first
// line of a checkpoint.
func checkOrigin(origin string) error {
	bad := func(r rune) bool {
		return r == '+' || r > unicode.MaxASCII || !unicode.IsGraphic(r) || unicode.IsSpace(r)
	}
	if origin == "" || len(origin) > maxOrigin || strings.ContainsFunc(origin, bad) {
		return fmt.Errorf("%w: %q: use a name such as \"example.org/notary-log\": 1 to %d visible ASCII characters, no space, no plus", ErrOrigin, origin, maxOrigin)
	}
	return nil
}

// loadOrMakeKey reads the key of the log in dir. A directory without a log gets
// a new key; a log without its key is refused, since a new key would start a
// second history under the first one's name.
func loadOrMakeKey(dir, origin string, exists bool) (*signingKey, error) {
	path := filepath.Join(dir, keyFile)
	text, err := readBounded(path, maxKeyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists:
		return nil, fmt.Errorf("%w: %s holds a log but not its key %s: restore the key from a backup, or begin another log in an empty directory", ErrKey, dir, keyFile)
	case errors.Is(err, fs.ErrNotExist):
		return makeKey(path, origin)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	k, err := parseKey(strings.TrimSuffix(string(text), "\n"))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKey, path, err)
	}
	if k.Name() != origin {
		return nil, fmt.Errorf("%w: %s belongs to %q, not to %q: set that origin or another directory", ErrOrigin, dir, k.Name(), origin)
	}
	return k, nil
}

func makeKey(path, origin string) (*signingKey, error) {
	skey, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if err := writeDurable(path, []byte(skey+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	return parseKey(skey)
}

// errKeyText never carries the text itself: it may be most of a key.
var errKeyText = errors.New("not a C2SP note signer key (PRIVATE+KEY+name+hash+key)")

// parseKey reads a note signer key, and finds the verifier key that belongs to
// it: note gives both at birth only.
func parseKey(skey string) (*signingKey, error) {
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, errKeyText
	}
	// The key itself is base64 and may hold a plus; the fields before it do not.
	fields := strings.SplitN(skey, "+", 5)
	data, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return nil, errKeyText
	}
	public := ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, errKeyText
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil || verifier.KeyHash() != signer.KeyHash() {
		return nil, errKeyText
	}
	return &signingKey{signer, verifier, vkey}, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, limit)
	}
	return os.ReadFile(path)
}

// writeDurable puts a whole file in place or none: after a crash the name holds
// all of data or does not exist.
func writeDurable(path string, data []byte, perm os.FileMode) (err error) {
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
