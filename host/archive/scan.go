package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/bundle"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

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
	outcomes []*Outcome
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
	case format.KindErased:
		b, err := format.ParseErased(entry.Body)
		if err != nil {
			return err
		}
		s.outcomes = append(s.outcomes, &Outcome{*b, e.ID, entry.Seq})
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
