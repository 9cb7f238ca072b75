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
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/merkle"
	"github.com/veriproof/notary/sdk/bundle"
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

	released []Hold
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
	a := &Archive{
		store: store, byID: make(map[receipt.Epoch]*Epoch),
		parts: make(map[receipt.PartID]*Part), proofs: make(map[receipt.Hash]Proof),
	}
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

// A scanner reads one epoch after the other.
type scanner struct {
	a        *Archive
	ahead    ahead
	progress func(uint64)
	visit    func(*Epoch, *format.Entry)
	read     uint64
	receipts []pendingReceipt
	proofs   []Proof
	erasures []pendingErasure
	holds    []Hold
	releases []pendingRelease
	notes    *Notes // or nil
	unnoted  []byte // entries that were taken over, of chunks that are not noted yet
}

// A pendingErasure is an erasure entry, to be linked when all epochs are read.
type pendingErasure struct {
	part receipt.PartID
	Erasure
}

// A pendingReceipt is a manifest entry, to be linked when all epochs are read:
// a recovered part's manifest stands in another epoch than its segments.
type pendingReceipt struct {
	by  *Epoch
	seq uint64
	jws string
}

func (s *scanner) epoch(ctx context.Context, id receipt.Epoch, lastChunk uint64) error {
	e := &Epoch{ID: id, WrapKeys: make(map[uint64]format.WrapKeyBody)}
	s.a.Epochs = append(s.a.Epochs, e)
	s.a.byID[id] = e
	r := &format.Reader{Epoch: id}
	// What a signature vouches for is taken over only when that signature was
	// seen, so an unsigned tail leaves no trace.
	var group []*format.Entry
	defer s.ahead.drop()
	s.unnoted = nil
	if s.notes != nil {
		if err := s.resume(ctx, e, r); err != nil {
			return err
		}
	}
	for e.Err == nil {
		next, _ := r.Head()
		if next > 0 && next > lastChunk {
			break
		}
		chunk, err := s.get(ctx, e, next)
		if err != nil {
			return err
		}
		if e.Err == nil && (chunk.FirstSeq != next || chunk.Entries == nil || r.Ended() == format.KindFence) {
			if chunk, err = s.tail(ctx, e, r, lastChunk); err != nil {
				return err
			}
			if chunk.Entries == nil {
				break
			}
		}
		if e.Err == nil {
			entries, err := entriesOf(chunk)
			if n := len(entries); err == nil && n > 0 {
				if follows := entries[n-1].Seq + 1; follows > next && follows <= lastChunk {
					s.ahead.start(ctx, id, follows)
				}
			}
			if group, e.Err = s.entries(e, r, group, entries); e.Err == nil {
				e.Err = err
			}
		}
		// From a fence on, what stands behind is judged as a whole: it is read again.
		if s.notes != nil && e.Err == nil && len(group) == 0 && r.Ended() != format.KindFence {
			s.notes.add(s.unnoted)
			s.unnoted = s.unnoted[:0]
		}
	}
	if e.Err == nil && len(group) > 0 {
		e.Err = fmt.Errorf("%w: from seq %d on", ErrUnsigned, group[0].Seq)
	}
	e.Free = max(e.Free, e.Next)
	s.progress(s.read)
	return nil
}

// get reads the chunk at or before a seq. That there is none is no error, and what is
// damaged is one of the epoch's.
func (s *scanner) get(ctx context.Context, e *Epoch, seq uint64) (journal.Chunk, error) {
	c, err := s.ahead.get(ctx, e.ID, seq)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return journal.Chunk{}, nil
	case errors.Is(err, journal.ErrDamaged):
		e.Err = fmt.Errorf("entry %d: %w", seq, err)
		return journal.Chunk{}, nil
	case err != nil:
		return c, fmt.Errorf("read epoch %v at seq %d: %w", e.ID, seq, err)
	}
	return c, nil
}

// entriesOf returns the entries of a chunk, up to what is none.
func entriesOf(c journal.Chunk) (list []*format.Entry, err error) {
	// Get returned bytes that may belong to a cache of the adapter's.
	for rest := bytes.Clone(c.Entries); len(rest) > 0; {
		var entry *format.Entry
		if entry, rest, err = format.Decode(rest); err != nil {
			return list, err
		}
		list = append(list, entry)
	}
	return list, nil
}

// entries checks and takes over the entries of one chunk, which follows. It returns those
// that no signature vouches for yet.
func (s *scanner) entries(e *Epoch, r *format.Reader, group, list []*format.Entry) ([]*format.Entry, error) {
	for _, entry := range list {
		if s.notes != nil {
			s.unnoted = appendNote(s.unnoted, entry)
		}
		var err error
		if group, err = s.entry(e, r, group, entry); err != nil {
			return group, err
		}
	}
	return group, nil
}

// entry checks the entry that follows, and takes it over with the ones before it if it
// is signed. It returns those that no signature vouches for yet.
func (s *scanner) entry(e *Epoch, r *format.Reader, group []*format.Entry, entry *format.Entry) ([]*format.Entry, error) {
	if entry.Seq == 0 {
		if err := e.begin(entry); err != nil {
			return group, err
		}
		r.Key = e.Key
	}
	if err := r.Next(entry); err != nil {
		return group, err
	}
	if s.read++; s.read%4096 == 0 {
		s.progress(s.read)
	}
	group = append(group, entry)
	if entry.Signature == nil {
		return group, nil
	}
	for _, g := range group {
		if err := s.take(e, g); err != nil {
			return nil, err
		}
		e.Next, e.Chain = g.Seq+1, g.Chain
		s.visit(e, g)
	}
	return group[:0], nil
}

// begin reads entry 0, from which the epoch's signing key comes.
func (e *Epoch) begin(entry *format.Entry) error {
	if err := format.ParseBody(entry.Body, &e.Body); err != nil {
		return fmt.Errorf("entry 0: %w", err)
	}
	rd, err := runtimedata.Parse(e.Body.RuntimeData)
	if err != nil {
		return fmt.Errorf("entry 0: %w", err)
	}
	if rd.Notary.Epoch != e.ID.String() {
		return fmt.Errorf("%w: entry 0 has the runtime data of another epoch", format.ErrChain)
	}
	e.RuntimeData = rd
	e.Key, err = rd.SigningKey()
	return err
}

// take records what a signed entry says.
func (s *scanner) take(e *Epoch, entry *format.Entry) error {
	switch entry.Kind {
	case format.KindSegment:
		return s.segment(e, entry)
	case format.KindEvidence:
		r := Renewal{Seq: entry.Seq}
		if err := format.ParseBody(entry.Body, &r.Body); err != nil {
			return err
		}
		e.Evidence = append(e.Evidence, r)
	case format.KindWrapKey:
		var b format.WrapKeyBody
		if err := format.ParseBody(entry.Body, &b); err != nil {
			return err
		}
		e.WrapKeys[b.Number] = b
	case format.KindManifest:
		s.receipts = append(s.receipts, pendingReceipt{e, entry.Seq, string(entry.Body)})
	case format.KindProof:
		p := Proof{Epoch: e.ID, Seq: entry.Seq}
		if err := format.ParseBody(entry.Body, &p.ProofBody); err != nil {
			return err
		}
		s.proofs = append(s.proofs, p)
	case format.KindErasure:
		x := pendingErasure{Erasure: Erasure{Epoch: e.ID, Seq: entry.Seq}}
		if err := format.ParseBody(entry.Body, &x.ErasureBody); err != nil {
			return err
		}
		x.part = receipt.PartID{Epoch: x.ErasureBody.Epoch, Handle: entry.Handle, Part: entry.Part}
		s.erasures = append(s.erasures, x)
	case format.KindRetention:
		return s.retention(e, entry)
	case format.KindExport:
		b, err := format.ParseExport(entry.Body)
		if err != nil {
			return err
		}
		e.Exports = append(e.Exports, Export{Seq: entry.Seq, ExportBody: *b})
	case format.KindClose:
		e.finish(&ending{entry: entry, shown: bundle.EncodeEnd(e.Chain, entry)})
	case format.KindFence:
		f := ending{entry: entry, shown: bundle.EncodeEnd(e.Chain, entry)}
		e.fences = append(e.fences, f)
		return format.ParseBody(entry.Body, &e.fences[len(e.fences)-1].fence)
	}
	return nil
}

func (s *scanner) segment(e *Epoch, entry *format.Entry) error {
	body, err := format.ParseSegment(entry.Body)
	if err != nil {
		return fmt.Errorf("entry %d: %w", entry.Seq, err)
	}
	id := receipt.PartID{Epoch: e.ID, Handle: entry.Handle, Part: entry.Part}
	p := s.a.parts[id]
	if p == nil {
		p = &Part{ID: id, FirstSeq: entry.Seq, DEKCommitment: body.DEKCommitment, WrappedDEK: body.WrappedDEK}
		s.a.parts[id] = p
	}
	if n := len(p.Segments); n > 0 && entry.Segment <= p.Segments[n-1].Number || body.DEKCommitment != p.DEKCommitment || body.WrappedDEK != p.WrappedDEK {
		return fmt.Errorf("%w: entry %d does not continue its session part", format.ErrChain, entry.Seq)
	}
	p.Segments = append(p.Segments, Segment{entry.Seq, entry.Segment})
	p.LastSeq = entry.Seq
	p.CiphertextBytes += uint64(len(body.Ciphertext))
	for _, leaf := range body.Leaves {
		p.edge.Append(leaf)
	}
	p.Leaves, p.Root = p.edge.Size(), p.edge.Root()
	return nil
}
