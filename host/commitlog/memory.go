package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/veriproof/notary/sdk/receipt"
)

const (
	// SeenFile is the name of the newest checkpoint in a memory.
	SeenFile = "seen.checkpoint"
	forksDir = "forks"
	// maxCheckpoint bounds what is kept of a checkpoint: three lines, and a line for
	// each witness.
	maxCheckpoint = 64 << 10
)

// A Memory keeps, in a directory, the newest checkpoint that somebody has seen of a
// log which others run. A log that shows another history later has contradicted
// itself under its own signature, and the memory keeps both checkpoints, which prove
// it to anyone. It is safe for concurrent use, by one process.
type Memory struct {
	dir    string
	policy torchwood.Policy
	tiles  *Reader // nil: only trees of one size can be compared

	mu   sync.Mutex
	last tlog.Tree
	text []byte
}

// OpenMemory opens the memory in dir, which it makes, of the log whose verifier key
// this is. With a reader of the log, each new checkpoint has to come with a proof
// that the log has only grown (RFC 6962 section 2.1.2); without, only two trees of
// one size are seen to be different.
func OpenMemory(dir, key string, tiles *Reader) (*Memory, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not a verifier key: %w", ErrKey, receipt.ShownKey(key), err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	if err := noLog(dir); err != nil {
		return nil, err
	}
	m := &Memory{dir: dir, policy: policyOf(v), tiles: tiles}
	text, err := readBounded(filepath.Join(dir, SeenFile), maxCheckpoint)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	c, _, err := torchwood.VerifyCheckpoint(text, m.policy)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not of the log %s: give the memory of another log a directory of its own (%w)", ErrKey, filepath.Join(dir, SeenFile), v.Name(), err)
	}
	m.last, m.text = c.Tree, text
	return m, nil
}

// Seen returns the newest checkpoint, a signed note; nil before there is one.
func (m *Memory) Seen() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text
}

// See holds a checkpoint against the newest one, and keeps the newer. A log that
// has signed two histories is [ErrForked]; if that could not be found out, since the
// log cannot be read, the error is another and nothing is kept.
func (m *Memory) See(ctx context.Context, signed []byte) error {
	c, _, err := torchwood.VerifyCheckpoint(signed, m.policy)
	if err != nil {
		return fmt.Errorf("%w: the checkpoint is not signed by the log: %w", ErrKey, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	older, newer := m.last, c.Tree
	if older.N > newer.N {
		older, newer = newer, older
	}
	if forked, err := m.forked(ctx, older, newer); err != nil {
		return err
	} else if forked {
		return m.keepBoth(c.Tree, signed)
	}
	if c.N <= m.last.N {
		return nil
	}
	if err := writeDurable(filepath.Join(m.dir, SeenFile), signed, 0o644); err != nil {
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	m.last, m.text = c.Tree, signed
	return nil
}

// forked says whether no log can have had both trees.
func (m *Memory) forked(ctx context.Context, older, newer tlog.Tree) (bool, error) {
	switch {
	case older.N == newer.N:
		return older.Hash != newer.Hash, nil
	case older.N == 0 || m.tiles == nil:
		return false, nil
	}
	return m.tiles.forked(ctx, older, newer)
}

// A Tree is a tree of a log that its signature vouches for.
type Tree struct {
	Size uint64
	Root receipt.Hash
}

func (t Tree) tlog() tlog.Tree { return tlog.Tree{N: int64(t.Size), Hash: tlog.Hash(t.Root)} }

// Grew follows the consistency proof (RFC 6962 section 2.1.2) from an earlier tree of
// the log to its present one. [ErrForked] says that no log can have had both,
// [ErrRolledBack] that it is smaller than it was; any other error, that the log
// cannot be read.
func (r *Reader) Grew(ctx context.Context, before, now Tree) error {
	older, newer := before.tlog(), now.tlog()
	if older.N > newer.N {
		older, newer = newer, older
	}
	differs := older.N == newer.N && older.Hash != newer.Hash
	if older.N > 0 && older.N < newer.N && before.Size < now.Size {
		var err error
		if differs, err = r.forked(ctx, older, newer); err != nil {
			return err
		}
	}
	switch {
	case differs:
		return fmt.Errorf("%w: it has signed a tree of %d entries and one of %d, which no one log can have had", ErrForked, before.Size, now.Size)
	case before.Size > now.Size:
		return fmt.Errorf("%w: it had %d entries and has %d", ErrRolledBack, before.Size, now.Size)
	}
	return nil
}

// forked follows the consistency proof from one tree to a larger one. The proof is
// made of tiles that are held against the larger root, so that one which does not
// hold is no damage on the way: no log has both.
func (r *Reader) forked(ctx context.Context, older, newer tlog.Tree) (bool, error) {
	proof, err := tlog.ProveTree(newer.N, older.N, tlog.TileHashReader(newer, tiles{ctx, r.from}))
	if err != nil {
		return false, fmt.Errorf("%w: consistency of %d with %d entries of the log at %s: %w", r.unreadable(), newer.N, older.N, r.where, err)
	}
	return tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash) != nil, nil
}

// keepBoth writes the two checkpoints that contradict each other.
func (m *Memory) keepBoth(t tlog.Tree, signed []byte) error {
	dir := filepath.Join(m.dir, forksDir)
	name := func(t tlog.Tree) string { return filepath.Join(dir, fmt.Sprintf("%d-%x.checkpoint", t.N, t.Hash[:8])) }
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = errors.Join(writeDurable(name(m.last), m.text, 0o644), writeDurable(name(t), signed, 0o644))
	}
	if err != nil {
		err = fmt.Errorf("and they could not be kept: %w", err)
	}
	return errors.Join(fmt.Errorf("%w: it has signed %s and %s, which no one log can have had: both are kept, show them to whoever relies on this log", ErrForked, name(m.last), name(t)), err)
}
