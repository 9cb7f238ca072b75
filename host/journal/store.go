package journal

import (
	"context"
	"errors"
)

// Errors of a Store on which a caller decides. Every other error of
// [Store.Put] means that the outcome is unknown: the group may or may not be
// durable, and only a byte-identical retry or a read back can tell.
var (
	// ErrConflict: another entry holds the first (epoch, seq) of the group. It
	// is the writer's own group if the stored bytes are equal, else the writer
	// has been fenced and must stop.
	ErrConflict = errors.New("journal: position is taken")
	// ErrNotFound: storage has no such entry, epoch or key.
	ErrNotFound = errors.New("journal: not in storage")
	// ErrProtected: a retention policy or legal hold of the storage protects what was
	// to be erased. Trying again is of no use until that ends.
	ErrProtected = errors.New("journal: the storage protects this by a retention policy or legal hold")
	// ErrNoIndex: storage keeps no index of sessions.
	ErrNoIndex = errors.New("journal: the storage has no index of sessions")
	// ErrDamaged: storage answers, and what it has is not what was written. To ask again
	// does not help.
	ErrDamaged = errors.New("journal: damaged in storage")
)

// Sealed holds bytes that may leave the hardware boundary: ciphertext, or
// fields that are public by design (DESIGN section 5). It is a type of its own
// so that no plaintext slice reaches a storage adapter by assignment; a
// conversion to Sealed is a claim to be justified where it stands.
type Sealed []byte

// A KeyID names one wrapped data encryption key: that of part Part of the
// session with this handle in this epoch.
type KeyID struct {
	Epoch  [16]byte
	Handle [32]byte
	Part   uint32
	// Near is a hint and no part of the identity: the seq of the part's first
	// segment, where a store looks first. Zero means unknown; the key is found
	// all the same, by a search through the epoch's keys.
	Near uint64
}

// A WrappedKey is a session part's DEK under a wrap key, the one thing in
// storage that can be erased.
type WrappedKey struct {
	ID  KeyID
	DEK Sealed
}

// An EntryHead repeats what an entry's header says in clear, for adapters that
// index by it (a SQL table's columns). The stored bytes stay the authority.
type EntryHead struct {
	Kind   uint8
	Handle [32]byte
	Part   uint32
}

// A Group is what one group commit makes durable, all or nothing: entries with
// the consecutive seqs FirstSeq, FirstSeq+1, … of one epoch, and the wrapped
// keys that must not be younger than them.
type Group struct {
	Epoch    [16]byte
	FirstSeq uint64
	// Entries are encoded entries, each self-delimiting.
	Entries []Sealed
	// Heads is nil or has one element per entry.
	Heads []EntryHead
	Keys  []WrappedKey
}

// A Chunk is a run of consecutive entries as they were stored together.
type Chunk struct {
	FirstSeq uint64
	// Entries is the concatenation of the encoded entries.
	Entries Sealed
}

// An EpochHead says where the last chunk of an epoch begins, so that the head
// of the chain is found by one Get and a walk through that chunk. It is the greatest seq
// there is if the end of the epoch is damaged.
type EpochHead struct {
	Epoch     [16]byte
	LastChunk uint64
}

// Store is durable storage of journal entries and wrapped keys, implemented by
// the storage adapter. All methods are safe for concurrent use and honour the
// context's deadline as far as the storage lets them.
//
// A Store is not trusted: it may lose, reorder, roll back or invent bytes.
// Whoever reads checks the chain, the signatures and the log.
type Store interface {
	// Put makes the group durable: wrapped keys first, or in the same commit,
	// then the entries. It returns nil only if both will survive a crash, and
	// [ErrConflict] if an entry with the group's (epoch, first seq) exists.
	// Any other error leaves the outcome unknown. Once it has returned, the group's memory
	// is read no more: when the group is durable, it is given to other entries.
	Put(ctx context.Context, g Group) error
	// Get returns the chunk with the greatest first seq that is not after seq,
	// which is the chunk that contains the entry if storage has it. It returns
	// [ErrNotFound] if the epoch has no chunk at or before seq, and [ErrDamaged] if it
	// cannot tell, because bytes that it had are others now.
	Get(ctx context.Context, epoch [16]byte, seq uint64) (Chunk, error)
	// Epochs lists all epochs in storage, sorted by epoch.
	Epochs(ctx context.Context) ([]EpochHead, error)
	// Key returns the wrapped DEK, or [ErrNotFound] if it never was there or was erased
	// for good: of a key that a power cut may bring back it returns another error.
	Key(ctx context.Context, id KeyID) (Sealed, error)
	// EraseKey removes the wrapped DEK for good, or returns [ErrNotFound], or
	// [ErrProtected].
	EraseKey(ctx context.Context, id KeyID) error
}

// A Place is where an entry stands. Handle is zero where a kind has none; in what an
// index returns it is not set.
type Place struct {
	Handle [32]byte
	Epoch  [16]byte
	Seq    uint64
	Kind   uint8
}

// An Index is a Store that may know where the entries of a session stand. As with a
// Store, what it says is a claim, and what it leaves out is not known: whoever reads
// by it has to find out whether he has all.
type Index interface {
	// Places returns where entries stand whose handles have the first bits of
	// from.Handle, from (handle, epoch, seq) on in this order. Of a whole handle, that is
	// of 256 bits, they ascend strictly. There may be more than are returned, unless
	// there are none. It returns [ErrNoIndex] if there is none.
	Places(ctx context.Context, from Place, bits int) ([]Place, error)
}

// InFlight returns how many groups of an epoch may be under way to a store at once:
// one, unless the store has a method InFlight that says otherwise. More than one takes
// a store whose groups do not depend on each other: an append file needs them in order,
// rows of a table do not.
//
// With several, one can be durable whose predecessor is not. It was not acknowledged
// then; if its notary dies it stays behind a gap, where the journal ends.
func InFlight(s Store) int {
	if c, ok := s.(interface{ InFlight() int }); ok {
		return max(1, min(c.InFlight(), MaxInFlight))
	}
	return 1
}
