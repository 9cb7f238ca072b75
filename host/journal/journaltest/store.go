// Package journaltest is a journal.Store in memory that fails on demand: for
// tests of what is written to a journal, and of what happens when storage does
// not answer as one would wish. It keeps the contract of journal.Store, unless
// a Fault says otherwise.
package journaltest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/veriproof/notary/host/journal"
)

// A Fault says what becomes of one Put.
type Fault int

// The faults.
const (
	None             Fault = iota
	Fails                  // nothing is persisted, an error is returned
	FailsButPersists       // the group is durable, but the answer is an error
	Hangs                  // nothing is persisted, the answer never comes
)

// ErrInjected is what a faulty Put returns.
var ErrInjected = errors.New("injected storage failure")

// A Store holds groups and keys in memory. It is safe for concurrent use.
type Store struct {
	mu     sync.Mutex
	onPut  func(journal.Group) Fault
	flight int
	chunks map[[16]byte][]journal.Chunk // by first seq
	keys   map[journal.KeyID]journal.Sealed
}

// New returns an empty store.
func New() *Store {
	return &Store{chunks: make(map[[16]byte][]journal.Chunk), keys: make(map[journal.KeyID]journal.Sealed)}
}

// Inject has every Put from now on ask what is to become of it; nil asks nobody.
func (s *Store) Inject(onPut func(journal.Group) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onPut = onPut
}

// Allow lets a journal write so many groups at once; without it one.
func (s *Store) Allow(groups int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = groups
}

// InFlight says how many groups a journal may write at once.
func (s *Store) InFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(1, s.flight)
}

// Put implements journal.Store.
func (s *Store) Put(ctx context.Context, g journal.Group) error {
	fault := None
	s.mu.Lock()
	onPut := s.onPut
	s.mu.Unlock()
	if onPut != nil {
		fault = onPut(g)
	}
	switch fault {
	case Fails:
		return ErrInjected
	case Hangs:
		<-ctx.Done()
		return ctx.Err()
	}
	if err := s.put(g); err != nil {
		return err
	}
	if fault == FailsButPersists {
		return ErrInjected
	}
	return nil
}

func (s *Store) put(g journal.Group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.chunks[g.Epoch]
	i, found := find(list, g.FirstSeq)
	if found {
		return journal.ErrConflict
	}
	s.putKeys(g.Keys)
	c := journal.Chunk{FirstSeq: g.FirstSeq}
	for _, e := range g.Entries {
		c.Entries = append(c.Entries, e...)
	}
	s.chunks[g.Epoch] = slices.Insert(list, i, c)
	return nil
}

func (s *Store) putKeys(keys []journal.WrappedKey) {
	for _, k := range keys {
		id := k.ID
		id.Near = 0
		s.keys[id] = bytes.Clone(k.DEK)
	}
}

// PutKeys stores wrapped keys without entries, as a put that is cut short may.
func (s *Store) PutKeys(keys []journal.WrappedKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putKeys(keys)
}

func find(list []journal.Chunk, seq uint64) (int, bool) {
	return slices.BinarySearchFunc(list, seq, func(c journal.Chunk, seq uint64) int { return cmp.Compare(c.FirstSeq, seq) })
}

// Get implements journal.Store.
func (s *Store) Get(_ context.Context, epoch [16]byte, seq uint64) (journal.Chunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := find(s.chunks[epoch], seq)
	if !found {
		i--
	}
	if i < 0 || len(s.chunks[epoch]) == 0 {
		return journal.Chunk{}, journal.ErrNotFound
	}
	return s.chunks[epoch][i], nil
}

// Epochs implements journal.Store.
func (s *Store) Epochs(context.Context) ([]journal.EpochHead, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var heads []journal.EpochHead
	for epoch, list := range s.chunks {
		heads = append(heads, journal.EpochHead{Epoch: epoch, LastChunk: list[len(list)-1].FirstSeq})
	}
	slices.SortFunc(heads, func(a, b journal.EpochHead) int { return bytes.Compare(a.Epoch[:], b.Epoch[:]) })
	return heads, nil
}

// Key implements journal.Store.
func (s *Store) Key(_ context.Context, id journal.KeyID) (journal.Sealed, error) {
	id.Near = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[id]
	if !ok {
		return nil, journal.ErrNotFound
	}
	return k, nil
}

// EraseKey implements journal.Store.
func (s *Store) EraseKey(_ context.Context, id journal.KeyID) error {
	id.Near = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.keys[id]; !ok {
		return journal.ErrNotFound
	}
	delete(s.keys, id)
	return nil
}

// Contains says whether b stands anywhere in the store's bytes.
func (s *Store) Contains(b []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.chunks {
		for _, c := range list {
			if bytes.Contains(c.Entries, b) {
				return true
			}
		}
	}
	for _, k := range s.keys {
		if bytes.Contains(k, b) {
			return true
		}
	}
	return false
}

// Tamper lets f change the stored bytes of each chunk of an epoch, as a storage
// administrator could.
func (s *Store) Tamper(epoch [16]byte, f func(journal.Chunk) journal.Chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.chunks[epoch] {
		s.chunks[epoch][i] = f(c)
	}
}

// Rewrite replaces the chunks of an epoch, which come and go in the order of
// their first seqs, as a storage administrator could. Without chunks the epoch
// is gone.
func (s *Store) Rewrite(epoch [16]byte, f func([]journal.Chunk) []journal.Chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := f(slices.Clone(s.chunks[epoch]))
	if len(list) == 0 {
		delete(s.chunks, epoch)
		return
	}
	s.chunks[epoch] = list
}

// Backup returns a store with the same bytes.
func (s *Store) Backup() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &Store{chunks: make(map[[16]byte][]journal.Chunk), keys: maps.Clone(s.keys), flight: s.flight}
	for epoch, list := range s.chunks {
		b.chunks[epoch] = slices.Clone(list)
	}
	return b
}

// Discard is a store that takes everything and keeps nothing.
type Discard struct{}

// Put implements journal.Store.
func (Discard) Put(context.Context, journal.Group) error { return nil }

// Get implements journal.Store.
func (Discard) Get(context.Context, [16]byte, uint64) (journal.Chunk, error) {
	return journal.Chunk{}, journal.ErrNotFound
}

// Epochs implements journal.Store.
func (Discard) Epochs(context.Context) ([]journal.EpochHead, error) { return nil, nil }

// Key implements journal.Store.
func (Discard) Key(context.Context, journal.KeyID) (journal.Sealed, error) {
	return nil, journal.ErrNotFound
}

// EraseKey implements journal.Store.
func (Discard) EraseKey(context.Context, journal.KeyID) error { return journal.ErrNotFound }
