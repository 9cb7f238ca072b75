package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/bundle"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A State says how far a part has come.
type State string

// The states of a part, in order.
const (
	StateOpen    State = "open"    // takes records
	StateSealing State = "sealing" // its summary and manifest are being written
	StateSealed  State = "sealed"  // has a receipt
	StateLogged  State = "logged"  // has a log proof
)

// sealed is what the notary keeps of a part after sealing: where to read the
// rest. It is guarded by Notary.mu.
type sealed struct {
	id          receipt.PartID
	state       uint8
	manifestSeq uint64
	proofSeq    uint64
	receipted   chan struct{} // closed when the receipt is durable, or never will be
}

const (
	stateSealing uint8 = iota
	stateSealed
	stateLogged
)

// A Part is the state of one session part.
type Part struct {
	ID    receipt.PartID
	State State
	// Receipt, Manifest, Commitment and Proof are set as far as State tells.
	Receipt    string
	Manifest   *receipt.Manifest
	Commitment receipt.Hash
	Proof      *format.ProofBody
	// Erasure is the order to destroy the part's key, if there is one.
	Erasure *Erasure
	// Leaves is the number of leaves so far.
	Leaves uint64

	manifestSeq uint64
}

// EndSession seals the open part of a session, if there is one, and returns
// when every part has its receipt. The log proof follows in the background. A
// session that this epoch does not know, or that is another tenant's, is
// ErrNotFound.
func (n *Notary) EndSession(ctx context.Context, tenant, session string) error {
	handle := n.opts.Ring.Handle(tenant, []byte(session))
	n.end(handle, receipt.ReasonEnd)
	n.mu.Lock()
	parts := slices.Clone(n.index[handle])
	n.mu.Unlock()
	if len(parts) == 0 {
		return ErrNotFound
	}
	for _, s := range parts {
		select {
		case <-s.receipted:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range parts {
		if s.state == stateSealing {
			return fmt.Errorf("a part of the session could not be sealed: %w", cmp.Or(n.unsealed, n.writer.Err(), errors.New("nothing was stored of it")))
		}
	}
	return nil
}

// Parts returns the parts that a session of a tenant has in this epoch, in
// order. Receipts and proofs are read back from storage. No part is
// ErrNotFound, since a handle binds tenant and session id together.
func (n *Notary) Parts(ctx context.Context, tenant, session string) ([]Part, error) {
	handle := n.opts.Ring.Handle(tenant, []byte(session))
	n.mu.Lock()
	var list []sealed
	for _, s := range n.index[handle] {
		list = append(list, *s)
	}
	open := n.open[handle]
	n.mu.Unlock()
	var parts []Part
	for _, s := range list {
		p, err := n.read(ctx, s)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	if open != nil {
		open.mu.Lock()
		leaves := open.edge.Size()
		open.mu.Unlock()
		if leaves > 0 { // else all that came was there already, or was not taken
			parts = append(parts, Part{ID: open.id, State: StateOpen, Leaves: leaves})
		}
	}
	if len(parts) == 0 {
		return nil, ErrNotFound
	}
	return parts, nil
}

func (n *Notary) read(ctx context.Context, s sealed) (Part, error) {
	p := Part{ID: s.id, State: StateSealing, manifestSeq: s.manifestSeq}
	n.mu.Lock()
	if e, ok := n.erased[s.id]; ok {
		p.Erasure = &e
	}
	n.mu.Unlock()
	if s.state == stateSealing {
		return p, nil
	}
	e, err := archive.Entry(ctx, n.opts.Store, n.epoch, s.manifestSeq)
	if err != nil {
		return p, err
	}
	p.State, p.Receipt = StateSealed, string(e.Body)
	raw, manifest, err := receipt.Read(p.Receipt)
	if err != nil {
		return p, err
	}
	p.Manifest, p.Commitment = manifest, receipt.Commitment(raw)
	p.Leaves = p.Manifest.Leaves
	if s.state == stateSealed {
		return p, nil
	}
	if e, err = archive.Entry(ctx, n.opts.Store, n.epoch, s.proofSeq); err != nil {
		return p, err
	}
	p.State, p.Proof = StateLogged, new(format.ProofBody)
	return p, format.ParseBody(e.Body, p.Proof)
}

// A dirty flag says that the chain has grown since it was last taken.
type dirty struct{ flag atomic.Bool }

func (d *dirty) set()       { d.flag.Store(true) }
func (d *dirty) take() bool { return d.flag.Swap(false) }

// Stats are counts since the start of the epoch. None of them names a tenant
// or a session.
type Stats struct {
	OpenParts uint64
	Records   uint64 // stored
	Bytes     uint64 // of stored records
	// Edits are counted by plugin and label.
	Edits map[EditKey]uint64
	// Sealed counts parts by reason.
	Sealed      map[receipt.Reason]uint64
	Proved      uint64 // commitments of parts with a durable log proof
	LogFailures uint64 // submissions that the log did not take
	LogWaiting  uint64 // commitments of parts that wait for their proof
	// LogSince is since when the longest of them waits; zero if none does.
	LogSince time.Time
	// Journal is what waits to be durable.
	Journal       journal.Backlog
	Expired       uint64 // parts whose key was destroyed by age
	PartMemory    int64  // bytes of Options.Memory that are taken
	Fenced        uint64 // dead epochs that this one ended
	DamagedEpochs uint64 // epochs in storage that were left as they are
	Peers         uint64 // other epochs in a shared storage that live, as far as is known
}

// An EditKey names a kind of edit in Stats.
type EditKey struct{ Plugin, Label string }

type stats struct {
	mu sync.Mutex
	s  Stats
	// waiting has since when each commitment waits for the log.
	waiting map[uint64]time.Time
	next    uint64
}

// Stats returns a snapshot.
func (n *Notary) Stats() Stats {
	n.mu.Lock()
	open := len(n.open)
	n.mu.Unlock()
	n.stats.mu.Lock()
	defer n.stats.mu.Unlock()
	s := n.stats.s
	for _, held := range n.room.shares() {
		s.PartMemory += held
	}
	s.OpenParts, s.LogWaiting, s.Journal = uint64(open), uint64(len(n.stats.waiting)), n.writer.Backlog()
	for _, since := range n.stats.waiting {
		if s.LogSince.IsZero() || since.Before(s.LogSince) {
			s.LogSince = since
		}
	}
	s.Edits, s.Sealed = maps.Clone(s.Edits), maps.Clone(s.Sealed)
	return s
}

func (s *stats) update(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.s)
}

// A tally is what of an export is to be counted: records are stored when they are durable, and
// what was queued may never be.
type tally struct {
	records int
	bytes   int64
	edits   []receipt.Edit
}

func (t *tally) add(records int, bytes int64, edits []receipt.Edit) {
	t.records, t.bytes, t.edits = t.records+records, t.bytes+bytes, append(t.edits, edits...)
}

func (s *stats) exported(t *tally) {
	s.update(func(s *Stats) {
		s.Records += uint64(t.records)
		s.Bytes += uint64(t.bytes)
		if s.Edits == nil {
			s.Edits = make(map[EditKey]uint64)
		}
		for _, e := range t.edits {
			s.Edits[EditKey{e.Plugin, e.Label}]++
		}
	})
}

func (s *stats) sealed(why receipt.Reason) {
	s.update(func(s *Stats) {
		if s.Sealed == nil {
			s.Sealed = make(map[receipt.Reason]uint64)
		}
		s.Sealed[why]++
	})
}

// proving counts a commitment among those that wait for the log, until ended is
// called.
func (s *stats) proving() (ended func()) {
	since := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		s.waiting = make(map[uint64]time.Time)
	}
	s.next++
	id := s.next
	s.waiting[id] = since
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, id)
	}
}

func (s *stats) proved()       { s.update(func(s *Stats) { s.Proved++ }) }
func (s *stats) logFailed()    { s.update(func(s *Stats) { s.LogFailures++ }) }
func (s *stats) expired(n int) { s.update(func(s *Stats) { s.Expired += uint64(n) }) }
func (s *stats) fenced()       { s.update(func(s *Stats) { s.Fenced++ }) }
func (s *stats) peers(n int)   { s.update(func(s *Stats) { s.Peers = uint64(n) }) }
func (s *stats) damaged()      { s.update(func(s *Stats) { s.DamagedEpochs++ }) }

// ErrState says that a part is not as far as what was asked of it.
var ErrState = errors.New("session part is not sealed yet")

// Bundle returns the evidence bundle of a sealed part of this epoch. It
// discloses no record: the notary has forgotten the part's keys.
func (n *Notary) Bundle(ctx context.Context, tenant, session string, number uint32) (*bundle.Bundle, error) {
	parts, err := n.Parts(ctx, tenant, session)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(parts, func(p Part) bool { return p.ID.Part == number })
	if i < 0 {
		return nil, ErrNotFound
	}
	p := &parts[i]
	if p.Manifest == nil {
		return nil, ErrState
	}
	var proof []byte
	if p.Proof != nil {
		proof = p.Proof.Proof
	}
	n.mu.Lock()
	own := &archive.Epoch{ID: n.epoch, Body: n.opts.Entry, Evidence: slices.Clone(n.renewals)}
	n.mu.Unlock()
	return archive.Assemble(own, p.manifestSeq, nil, p.Receipt, proof), nil
}
