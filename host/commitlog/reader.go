package commitlog

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"

	"github.com/veriproof/notary/sdk/receipt"
)

// A Reader reads a log in the form of C2SP tlog-tiles, from a directory or a web
// server, whether somebody is writing to it or not. It never writes. It is safe
// for concurrent use.
type Reader struct {
	from  Files
	where string
	keys  []string
}

// Files are those of a log in the form of C2SP tlog-tiles. partial is the number of
// hashes or entries that a tile or bundle had at some size of the tree, 0 for a full
// one; what is there now may be more.
type Files interface {
	tileReader
	ReadCheckpoint(ctx context.Context) ([]byte, error)
	ReadEntryBundle(ctx context.Context, index uint64, partial uint8) ([]byte, error)
}

// Directory is the files of a log in a directory: that of an embedded log, or one
// with its tree.
func Directory(dir string) Files {
	if _, err := os.Stat(filepath.Join(dir, treeDir)); err == nil {
		dir = filepath.Join(dir, treeDir)
	}
	return directory(dir)
}

// A directory has a log's files. What is no file, or too long for one, is not waited for:
// a pipe in the place of a tile would never end.
type directory string

func (d directory) file(path string) ([]byte, error) {
	return readBounded(filepath.Join(string(d), filepath.FromSlash(path)), maxResponse)
}

// resource reads a file, or the full one that has taken the place of a partial.
func (d directory) resource(path func(partial uint8) string, partial uint8) ([]byte, error) {
	b, err := d.file(path(partial))
	if partial > 0 && errors.Is(err, fs.ErrNotExist) {
		return d.file(path(0))
	}
	return b, err
}

func (d directory) ReadCheckpoint(context.Context) ([]byte, error) {
	return d.file(layout.CheckpointPath)
}

func (d directory) ReadTile(_ context.Context, level, index uint64, partial uint8) ([]byte, error) {
	return d.resource(func(p uint8) string { return layout.TilePath(level, index, p) }, partial)
}

func (d directory) ReadEntryBundle(_ context.Context, index uint64, partial uint8) ([]byte, error) {
	return d.resource(func(p uint8) string { return layout.EntriesPath(index, p) }, partial)
}

const (
	// maxResponse bounds what is taken of one file of a log; a bundle has 256 entries
	// of 34 bytes.
	maxResponse = 1 << 20
	// fetchTimeout bounds the wait for it.
	fetchTimeout = 30 * time.Second
)

// NewReader reads the log at a place: an http or https URL, the directory of an
// embedded log, or one with its tree. Checkpoints count if one of the verifier
// keys has signed them.
func NewReader(place string, keys []string) (*Reader, error) {
	return NewReaderTLS(place, keys, nil)
}

// NewReaderTLS is [NewReader] with roots that TLS is checked by; nil means the
// system's.
func NewReaderTLS(place string, keys []string, roots *x509.CertPool) (*Reader, error) {
	r, err := ReadFiles(nil, place, keys)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(place, "https://") || strings.HasPrefix(place, "http://") {
		u, err := url.Parse(place)
		if err != nil {
			return nil, err
		}
		through := http.DefaultTransport
		if roots != nil {
			through = transport(roots)
		}
		r.from, err = client.NewHTTPFetcher(u, &http.Client{Timeout: fetchTimeout, Transport: bounded{through, maxResponse}})
		return r, err
	}
	r.from = Directory(place)
	return r, nil
}

// ReadFiles reads a log's files; where says for people whose they are.
func ReadFiles(files Files, where string, keys []string) (*Reader, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no verifier key: nothing that the log at %s signs could count", ErrKey, where)
	}
	for _, k := range keys {
		if _, err := note.NewVerifier(k); err != nil {
			return nil, fmt.Errorf("%w: %s is not a verifier key: %w", ErrKey, receipt.ShownKey(k), err)
		}
	}
	return &Reader{from: files, where: where, keys: keys}, nil
}

// bounded cuts off a response that is longer than any that is expected.
type bounded struct {
	http.RoundTripper
	limit int64
}

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, b.limit), resp.Body}
	}
	return resp, err
}

// unreadable is what it means that the log's files cannot be read, by where they are.
func (r *Reader) unreadable() error {
	if _, ok := r.from.(directory); ok {
		return ErrDirectory
	}
	return ErrUnreachable
}

// Checkpoint returns the size and the root of the log's tree, and the signed
// note that states them.
func (r *Reader) Checkpoint(ctx context.Context) (size uint64, root receipt.Hash, signed []byte, err error) {
	signed, err = r.from.ReadCheckpoint(ctx)
	if err != nil {
		return 0, root, nil, fmt.Errorf("%w: checkpoint: %w", r.unreadable(), err)
	}
	size, root, err = VerifyCheckpoint(signed, r.keys)
	return size, root, signed, err
}

// VerifyCheckpoint returns the size and the root that a checkpoint states, if
// one of the verifier keys has signed it under its own name as the origin. A
// tlog-proof is taken for the checkpoint that it has.
func VerifyCheckpoint(signed []byte, keys []string) (size uint64, root receipt.Hash, err error) {
	if bytes.HasPrefix(signed, []byte("c2sp.org/tlog-proof@")) {
		_, signed, _ = bytes.Cut(signed, []byte("\n\n"))
	}
	_, c, err := signedBy(signed, keys)
	return uint64(c.N), receipt.Hash(c.Hash), err
}

// SignedBy returns which of the verifier keys has signed a checkpoint.
func SignedBy(signed []byte, keys []string) (string, error) {
	key, _, err := signedBy(signed, keys)
	return key, err
}

func signedBy(signed []byte, keys []string) (string, torchwood.Checkpoint, error) {
	err := errors.New("no key")
	for _, k := range keys {
		var v note.Verifier
		if v, err = note.NewVerifier(k); err != nil {
			return "", torchwood.Checkpoint{}, fmt.Errorf("%w: %s is not a verifier key: %w", ErrKey, receipt.ShownKey(k), err)
		}
		var c torchwood.Checkpoint
		if c, _, err = torchwood.VerifyCheckpoint(signed, policyOf(v)); err == nil {
			return k, c, nil
		}
	}
	return "", torchwood.Checkpoint{}, fmt.Errorf("%w: the checkpoint is not signed by the log: %w", ErrKey, err)
}

// Entries returns the first size entries, in order, and ends with the first
// error. It checks no hash: whoever has all entries computes the root. Up to
// readAhead bundles of entries are asked for at a time, since a log may be far.
func (r *Reader) Entries(ctx context.Context, size uint64) iter.Seq2[receipt.Hash, error] {
	return func(yield func(receipt.Hash, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var fetches sync.WaitGroup
		defer fetches.Wait() // whoever closes the log afterwards closes it under nobody
		defer cancel()
		bundles := (size + torchwood.TileWidth - 1) / torchwood.TileWidth
		var ahead [readAhead]chan fetched // by number of the bundle
		fetch := func(bundle uint64) {
			if bundle >= bundles {
				return
			}
			n := min(size-bundle*torchwood.TileWidth, torchwood.TileWidth)
			answer := make(chan fetched, 1)
			ahead[bundle%readAhead] = answer
			fetches.Go(func() {
				data, err := r.from.ReadEntryBundle(ctx, bundle, uint8(n)) // a full one is partial 0
				if err == nil {
					err = ctx.Err()
				}
				answer <- fetched{data, err}
			})
		}
		for b := range uint64(readAhead) {
			fetch(b)
		}
		for bundle := range bundles {
			got := <-ahead[bundle%readAhead]
			fetch(bundle + readAhead)
			for i := range min(size-bundle*torchwood.TileWidth, torchwood.TileWidth) {
				var entry []byte
				if got.err == nil {
					entry, got.data, got.err = torchwood.ReadTileEntry(got.data)
				}
				if got.err == nil && len(entry) != len(receipt.Hash{}) {
					got.err = fmt.Errorf("entry of %d bytes is no commitment", len(entry))
				}
				if got.err != nil {
					yield(receipt.Hash{}, fmt.Errorf("%w: entry %d of the log at %s: %w", ErrCorrupt, bundle*torchwood.TileWidth+i, r.where, got.err))
					return
				}
				if !yield(receipt.Hash(entry), nil) {
					return
				}
			}
		}
	}
}

// readAhead is how many bundles, of some 8 KiB each, are asked for at a time.
const readAhead = 8

// fetched is a bundle, or why it could not be read.
type fetched struct {
	data []byte
	err  error
}

// DirectoryKey returns the verifier key of the embedded log in a directory. It
// wants the log's key file to be readable, and its origin to be this one.
func DirectoryKey(dir, origin string) (string, error) {
	if err := checkOrigin(origin); err != nil {
		return "", err
	}
	// A key is made for a log only by who writes to it.
	if _, err := os.Stat(filepath.Join(dir, keyFile)); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	k, err := loadOrMakeKey(dir, origin, true)
	if err != nil {
		return "", err
	}
	return k.vkey, nil
}
