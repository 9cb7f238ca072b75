// Package archive answers what storage holds: which epochs, which session
// parts, which of them are sealed, by whom, and which commitments have a proof.
//
// It reads everything through a journal.Store and believes nothing: chains,
// signatures and bodies are checked as they are read, and an epoch that does
// not hold together is marked with the error and used only up to the last
// position that its key signed. Whether that key belongs to an attested notary
// is the caller's question, answered by package attestation.
//
// A scan is a snapshot. An Archive is not changed after Scan and is safe for
// concurrent use.
package archive

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/merkle"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// An Archive is what a scan found.
type Archive struct {
	// Epochs are in the order of their ids.
	Epochs []*Epoch

	store  journal.Store
	byID   map[receipt.Epoch]*Epoch
	parts  map[receipt.PartID]*Part
	proofs map[receipt.Hash]Proof
	holds  map[Kept][]Hold

	released []Release
}

// An Epoch is one epoch as storage holds it.
type Epoch struct {
	ID          receipt.Epoch
	Body        format.EpochBody
	RuntimeData *runtimedata.RuntimeData
	Key         ed25519.PublicKey
	// Next and Chain are the head: the seq that would follow, and the chain
	// value before it.
	Next  uint64
	Chain receipt.Hash
	// Free is where a fence goes: Next, or, behind another fence, the first place that
	// no orphan has.
	Free uint64
	// Orphans are groups that were under way when the epoch ended. They are durable,
	// signed, and behind a group that is not there or behind a fence, so that nobody
	// was told of them. They do not count.
	Orphans []Range
	// Ended is KindClose or KindFence with the position of that entry, or 0. A
	// fence counts if its author is believed.
	Ended    format.Kind
	EndSeq   uint64
	EndChain receipt.Hash
	// Fence is the body of the fence entry, if that ended the epoch. The
	// signature on it was checked against the author's key.
	Fence *format.FenceBody
	// Recoverers are the authors of the fences that count, in their order. The
	// first has ended the epoch. The last is who may seal what it left open: the
	// ones before him had ended when he took over.
	Recoverers []receipt.Epoch
	// Strange are fences that do not count, and why. The notary of the epoch
	// could not write behind them; it is still to be fenced by who recovers it.
	Strange []error
	// Evidence lists renewals by seq, WrapKeys the wrap keys by number.
	Evidence []Renewal
	WrapKeys map[uint64]format.WrapKeyBody
	// Manifests are the parts whose receipts this epoch signed, in the order of
	// its journal.
	Manifests []*Part
	// Exports are what operators took out of storage with this epoch's knowledge.
	Exports []Export
	// End is that entry as a bundle shows it: nil if the epoch has not ended, or
	// if the signature over the entry is that of a later one in its group.
	End []byte
	// Err says what does not hold, if anything. What stands before it does.
	Err error
	// Disbelief says why the epoch's key counts for nothing, if it does not.
	Disbelief error

	fences []ending
}

// An ending is a close or fence entry.
type ending struct {
	entry *format.Entry
	fence format.FenceBody // of a fence
	shown []byte           // as a bundle shows it
}

// A Range is one of entries, by their seqs.
type Range struct{ First, Last uint64 }

// A Renewal is an evidence entry.
type Renewal struct {
	Seq  uint64
	Body format.EvidenceBody
}

// An Export is an export entry's body and where it stands.
type Export struct {
	format.ExportBody
	Seq uint64
}

// A Proof is a proof entry's body and where it stands.
type Proof struct {
	format.ProofBody
	Epoch receipt.Epoch
	Seq   uint64
}

// A Part is one session part.
type Part struct {
	ID       receipt.PartID
	Segments []Segment
	// Leaves and Root are computed from the segments.
	Leaves        uint64
	Root          receipt.Hash
	DEKCommitment receipt.Hash
	WrappedDEK    receipt.Hash
	// OpenedUnixNano is unknown to storage; a part has only its seqs.
	FirstSeq, LastSeq uint64
	CiphertextBytes   uint64

	// Receipt, Manifest and ManifestBytes are set once the part is sealed.
	Receipt       string
	Manifest      *receipt.Manifest
	ManifestBytes []byte
	SealedSeq     uint64 // of the manifest entry, in the sealing epoch
	// Erasure is the order to destroy the part's key, if a believed epoch has one.
	Erasure *Erasure

	edge merkle.Edge
}

// An Erasure is an order to destroy a part's wrapped key, and where it stands.
type Erasure struct {
	format.ErasureBody
	Epoch receipt.Epoch // that wrote it
	Seq   uint64
	ByAge bool // nobody asked for it: the part had reached the age of the configuration
	// Outcome is what became of the order, as a believed epoch has said last; nil if none has.
	Outcome *Outcome
}

// An Outcome is an erased entry's body and where it stands.
type Outcome struct {
	format.ErasedBody
	Epoch receipt.Epoch
	Seq   uint64
}

// A Segment says where a segment stands. Numbers rise within a part; a number
// that was never used in the journal is no gap in the journal.
type Segment struct {
	Seq    uint64 // in the journal of the part's epoch
	Number uint64 // in the part
}

// Commitment is the part's commitment; the part must be sealed.
func (p *Part) Commitment() receipt.Hash { return receipt.Commitment(p.ManifestBytes) }

// ErrUnsigned says that entries at the end of an epoch are covered by no
// signature. They were never acknowledged.
var ErrUnsigned = errors.New("entries at the end of the journal are not signed")

// Options of a scan.
type Options struct {
	// Heads, if not nil, are the epochs to read, each up to the chunk named and no
	// further: a head of chunk 0 is an epoch's beginning. What they say of epochs
	// that are not read is not linked. nil reads all that storage lists.
	Heads []journal.EpochHead
	// Believe decides, by its entry 0, whether an epoch was an attested notary;
	// an error is why not. nil believes all, which is for showing what is there
	// and not for acting on it.
	Believe func(*Epoch) error
	// Progress, if not nil, is called now and then with the entries read so far.
	Progress func(entries uint64)
	// Visit, if not nil, is called with every entry that a signature vouches for,
	// epoch by epoch in the order of the journal. Whether the epoch is believed
	// is not known by then. The entry must not be kept.
	Visit func(*Epoch, *format.Entry)
	// Notes, if not nil, are what an interrupted scan has read, which is not read again,
	// and get what this one reads. CiphertextBytes does not count what comes from notes.
	Notes *Notes
}

// Scan reads storage. It fails only if storage cannot be read; what it
// reads and cannot believe is told per epoch.
func Scan(ctx context.Context, store journal.Store, o Options) (*Archive, error) {
	heads := o.Heads
	if heads == nil {
		var err error
		if heads, err = store.Epochs(ctx); err != nil {
			return nil, fmt.Errorf("list epochs in storage: %w", err)
		}
	}
	a := newArchive(store)
	if o.Progress == nil {
		o.Progress = func(uint64) {}
	}
	if o.Believe == nil {
		o.Believe = func(*Epoch) error { return nil }
	}
	if o.Visit == nil {
		o.Visit = func(*Epoch, *format.Entry) {}
	}
	s := scanner{a: a, ahead: ahead{store: store}, progress: o.Progress, visit: o.Visit, notes: o.Notes}
	if s.notes != nil {
		s.notes.Reused = 0
		for id := range s.notes.records {
			if !slices.ContainsFunc(heads, func(h journal.EpochHead) bool { return h.Epoch == id }) {
				return nil, fmt.Errorf("%w: epoch %v was noted and is not in storage any more", ErrNotes, id)
			}
		}
	}
	for _, h := range heads {
		if err := s.epoch(ctx, h.Epoch, h.LastChunk); err != nil {
			return nil, err
		}
	}
	for _, e := range a.Epochs {
		if e.RuntimeData == nil {
			e.Disbelief = errors.New("its first entry cannot be read")
			continue
		}
		e.Disbelief = o.Believe(e)
	}
	s.link()
	return a, nil
}

func newArchive(store journal.Store) *Archive {
	return &Archive{
		store: store, byID: make(map[receipt.Epoch]*Epoch),
		parts: make(map[receipt.PartID]*Part), proofs: make(map[receipt.Hash]Proof),
	}
}

// Epoch returns an epoch by its id, or nil.
func (a *Archive) Epoch(id receipt.Epoch) *Epoch { return a.byID[id] }

// Part returns a part by its id, or nil.
func (a *Archive) Part(id receipt.PartID) *Part { return a.parts[id] }

// Parts returns all parts, by epoch and then in the order of their first
// entries.
func (a *Archive) Parts() []*Part {
	var out []*Part
	for _, e := range a.Epochs {
		out = append(out, a.partsOf(e.ID)...)
	}
	return out
}

// Proof returns the log proof of a commitment, if storage has one.
func (a *Archive) Proof(commitment receipt.Hash) (Proof, bool) {
	p, ok := a.proofs[commitment]
	return p, ok
}
