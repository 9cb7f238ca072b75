package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tiles reads the C2SP tlog-tiles of a Tessera log for golang.org/x/mod's
// tree, which checks every tile against the root before it uses a hash of it.
type tiles struct {
	ctx context.Context
	log tileReader
}

// A tileReader reads one tile of the tree, or the part of it that was there at
// some tree size; partial is the number of hashes, 0 for a full tile.
type tileReader interface {
	ReadTile(ctx context.Context, level, index uint64, partial uint8) ([]byte, error)
}

func (t tiles) Height() int { return torchwood.TileHeight }

// SaveTiles has nothing to do: the tiles come from the disk.
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(want))
	for i, tile := range want {
		// A width of 256 is a full tile, which Tessera calls partial size 0.
		b, err := t.log.ReadTile(t.ctx, uint64(tile.L), uint64(tile.N), uint8(tile.W))
		if err != nil {
			return nil, err
		}
		// Once a tile is full, its partial versions are removed: take the part.
		size := tile.W * tlog.HashSize
		if len(b) < size {
			return nil, fmt.Errorf("tile %d/%d has %d bytes, want %d", tile.L, tile.N, len(b), size)
		}
		out[i] = b[:size]
	}
	return out, nil
}

// policyOf accepts checkpoints of exactly this origin under exactly this key.
func policyOf(v note.Verifier) torchwood.Policy {
	return torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(v.Name()), torchwood.SingleVerifierPolicy(v))
}

// prove makes the tlog-proof of an entry under a checkpoint, and holds every
// part of it against the entry: damage on disk must not go out as a proof.
func prove(c published, hashes tlog.HashReader, index uint64, commitment [32]byte) ([]byte, error) {
	path, err := tlog.ProveRecord(c.N, int64(index), hashes)
	if errors.Is(err, context.Canceled) { // by nobody but the log's end
		return nil, ErrClosed
	}
	if err != nil {
		return nil, fmt.Errorf("%w: entry %d of %d: %w", ErrCorrupt, index, c.N, err)
	}
	if err := tlog.CheckRecord(path, c.N, c.Hash, int64(index), tlog.RecordHash(commitment[:])); err != nil {
		return nil, fmt.Errorf("%w: entry %d of %d is not the one submitted", ErrCorrupt, index, c.N)
	}
	return torchwood.FormatProof(int64(index), path, c.text), nil
}

// hashesOf returns a reader of the hashes that the proofs of several entries are made of. They
// share most tiles, and each tile is read and held against the root once for all of them:
// that takes longer than all else about a proof. Where a tile is damaged, the reader
// reads for each entry by itself, so that the others have their proofs.
func (t *tree) hashesOf(c published, entries []*waiter) tlog.HashReader {
	tree := tlog.TileHashReader(c.Tree, tiles{t.ctx, t.reader})
	if len(entries) < 2 {
		return tree
	}
	known := make(map[int64]tlog.Hash)
	var want []int64
	note := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		for _, i := range indexes {
			if _, ok := known[i]; !ok {
				known[i] = tlog.Hash{}
				want = append(want, i)
			}
		}
		return make([]tlog.Hash, len(indexes)), nil
	})
	for _, e := range entries {
		if _, err := tlog.ProveRecord(c.N, int64(e.index), note); err != nil {
			return tree // which says so for that entry
		}
	}
	hashes, err := tree.ReadHashes(want)
	if err != nil {
		return tree
	}
	for i, h := range hashes {
		known[want[i]] = h
	}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = known[x]
		}
		return out, nil
	})
}

// lastPublished returns the tree that the directory's checkpoint states, after
// holding the checkpoint against key and origin, and the tiles against the
// checkpoint: nothing may be appended to a log that is not the one it was. A
// directory without a checkpoint is a new log, the tree of no entries.
func lastPublished(files Files, where string, policy torchwood.Policy) (tlog.Tree, error) {
	ctx := context.Background()
	checkpoint, err := files.ReadCheckpoint(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return tlog.Tree{}, nil
	case err != nil:
		return tlog.Tree{}, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	c, _, err := torchwood.VerifyCheckpoint(checkpoint, policy)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%w: the checkpoint in %s is not signed by %s: restore the log's own key, or begin another log in an empty place (%w)", ErrKey, where, keyFile, err)
	}
	if c.N == 0 {
		return c.Tree, nil
	}
	root, err := tlog.TreeHash(c.N, tlog.TileHashReader(c.Tree, tiles{ctx, files}))
	if err == nil && root != c.Hash {
		err = errors.New("another root")
	}
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%w: the tiles in %s do not give the root of its checkpoint of %d entries: restore the whole log from one backup (%w)", ErrCorrupt, where, c.N, err)
	}
	return c.Tree, nil
}

// monotonic signs checkpoints of one history only: a tree never smaller than
// the last one signed, and never another root for the same size. If the state
// below it is rolled back or replaced, publishing stops, which is seen; two
// signed histories would be for an auditor to find.
type monotonic struct {
	note.Signer
	mu   sync.Mutex
	last tlog.Tree
}

func (m *monotonic) Sign(msg []byte) ([]byte, error) {
	c, err := torchwood.ParseCheckpoint(string(msg))
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.N < m.last.N || c.N == m.last.N && m.last.N > 0 && c.Hash != m.last.Hash {
		return nil, fmt.Errorf("refusing to sign a checkpoint of %d entries after another one of %d", c.N, m.last.N)
	}
	sig, err := m.Signer.Sign(msg)
	if err == nil {
		m.last = c.Tree
	}
	return sig, err
}

// published returns the size of the last tree that was signed.
func (m *monotonic) published() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last.N
}

// beginning signs the first checkpoint of a log, and none over one that somebody else signed.
// Tessera's drivers sign while they hold the lock of whoever publishes, and AWS's and GCP's note
// that they published only after the checkpoint can be read: a program that ends in between, or
// [tree.create], which does not wait for it, leaves the lock to the next as if there were none.
type beginning struct {
	note.Signer
	read   func() ([]byte, error)
	signed torchwood.Policy
}

func (b *beginning) Sign(msg []byte) ([]byte, error) {
	text, err := b.read()
	if err == nil {
		_, _, err = torchwood.VerifyCheckpoint(text, b.signed)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("refusing to begin a log over the checkpoint that is there: %w", err)
	}
	return b.Signer.Sign(msg)
}
