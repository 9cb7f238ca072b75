package session

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// end takes the open part of a session out of the map and seals it in the
// background. It reports whether there was one.
func (n *Notary) end(handle receipt.Handle, why receipt.Reason) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.open[handle]
	if p == nil || n.closing { // Close seals whatever is open
		return p != nil
	}
	if !p.hasRecords() {
		return false // nothing was ever stored; its sender may still come again
	}
	delete(n.open, handle)
	n.goSeal(p, why)
	return true
}

// endSoon notes that a sender has ended a session, whose part is sealed when nothing has
// come for Options.Linger. An exporter sends several requests at a time, and the one
// with the end mark may be the first to arrive.
func (n *Notary) endSoon(handle receipt.Handle) {
	if n.opts.Linger == 0 {
		n.end(handle, receipt.ReasonEnd)
		return
	}
	n.mu.Lock()
	p := n.open[handle]
	n.mu.Unlock()
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended { // who only says it again does not put it off
		p.ended, p.touched = true, n.opts.Now()
	}
}

// goSeal starts the sealing of a part that is no longer in the map, and returns what will say how
// it went. It is called with n.mu held.
func (n *Notary) goSeal(p *part, why receipt.Reason) *sealed {
	p.closed.Store(true)
	s := &sealed{id: p.id, receipted: make(chan struct{})}
	n.index[p.id.Handle] = append(n.index[p.id.Handle], s)
	list := append(n.recent[p.id.Handle], recent{p, n.opts.Now()})
	p.kept = true
	for _, r := range list[:max(0, len(list)-maxRecent)] {
		r.part.kept = false
		n.free(r.part)
	}
	n.recent[p.id.Handle] = slices.Clone(list[max(0, len(list)-maxRecent):])
	n.sealers.add(&n.tasks, &sealing{part: p, state: s, why: why})
	return s
}

// A sealing is a part on its way to a receipt.
type sealing struct {
	part  *part
	state *sealed
	why   receipt.Reason

	manifest   *receipt.Manifest
	pending    *journal.Pending // the part's last segment, then the receipt; nil if there is nothing to seal
	commitment receipt.Hash
	err        error
}

// makeReceipts makes receipts of parts, and then has them proved. Each step is taken for all of them
// before anything is waited for: a write to storage would else wake as many goroutines as it has
// entries, and each export that comes meanwhile wait for them at every step of its own.
func (n *Notary) makeReceipts(batch []*sealing) {
	ctx := n.background
	for _, x := range batch {
		x.pending, x.manifest, x.err = n.finish(ctx, x.part, x.why)
	}
	for _, x := range batch {
		if x.err == nil && x.pending != nil {
			x.err = n.number(ctx, x)
		}
	}
	for _, x := range batch {
		if x.err == nil && x.pending != nil {
			x.err = n.receipted(ctx, x)
		}
		close(x.state.receipted)
		n.ceased(x.part)
		switch {
		case x.err != nil:
			n.failed(x.err)
		case x.pending != nil:
			n.provers.add(&n.tasks, &proving{commitment: x.commitment, part: x.part.id, state: x.state, ended: n.stats.proving()})
		}
	}
}

// failed notes that a part could not be sealed, or proved.
func (n *Notary) failed(err error) {
	if err == nil || n.background.Err() != nil {
		return
	}
	n.mu.Lock()
	n.unsealed = err
	n.mu.Unlock()
	n.opts.Logger.Error("sealing a session part failed; it is left to recovery", "epoch", n.epoch.String(), "error", err)
}

// ceased says that nothing of a part is needed any more but its marks.
func (n *Notary) ceased(p *part) {
	p.mu.Lock()
	p.keys, p.edits, p.sdks = nil, nil, nil
	nothing := p.first == nil
	p.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	p.sealed = true
	if nothing {
		n.withdraw(p.id)
	}
	if p.leaving > 0 || nothing {
		n.forgetPart(p)
	}
	n.free(p)
}

// withdraw takes back that a part was to be sealed, of which nothing was ever queued: its end came
// while its first records were refused. It is not in the journal, and nobody waits for its receipt.
// It is called with n.mu held.
func (n *Notary) withdraw(id receipt.PartID) {
	n.index[id.Handle] = slices.DeleteFunc(n.index[id.Handle], func(s *sealed) bool { return s.id == id })
	if len(n.index[id.Handle]) == 0 {
		delete(n.index, id.Handle)
	}
	if n.nextPart[id.Handle] == id.Part+1 {
		n.takeBack(id)
	}
}

// A proving is a receipt on its way to a proof.
type proving struct {
	commitment receipt.Hash
	part       receipt.PartID
	state      *sealed
	ended      func() // it waits for the log no more

	body    format.ProofBody
	pending *journal.Pending // the proof
	err     error
}

// proveReceipt gets the proof of a receipt, and has it written. It may take long; the receipt
// does not wait for it.
func (n *Notary) proveReceipt(x *proving) {
	if x.body, x.err = n.submit(n.background, x.commitment); x.err != nil {
		n.proved(x)
		return
	}
	n.proofs.add(&n.tasks, x)
}

// writeProofs makes proofs durable. All of them are queued before any is waited for, as receipts
// are: a checkpoint of the log is that of hundreds.
func (n *Notary) writeProofs(batch []*proving) {
	for _, x := range batch {
		x.pending, x.err = n.queueProof(n.background, x.body, x.part)
	}
	for _, x := range batch {
		if x.err == nil {
			_, x.err = x.pending.Wait(n.background)
		}
		if x.err == nil {
			n.stats.proved()
			n.mu.Lock()
			x.state.state = stateLogged
			x.state.proofSeq, _ = x.pending.Seqs()
			n.mu.Unlock()
		}
		n.proved(x)
	}
}

// proved notes what became of it.
func (n *Notary) proved(x *proving) {
	x.ended()
	n.failed(x.err)
}

// number waits until all of the part is durable, and queues its manifest.
func (n *Notary) number(ctx context.Context, x *sealing) (err error) {
	if _, err := x.pending.Wait(ctx); err != nil {
		return err
	}
	x.manifest.FirstSeq, _ = x.part.first.Seqs()
	_, x.manifest.LastSeq = x.pending.Seqs()
	x.commitment, x.pending, err = n.queueManifest(ctx, x.manifest)
	return err
}

// receipted waits until the receipt is durable.
func (n *Notary) receipted(ctx context.Context, x *sealing) error {
	seq, err := n.issued(ctx, x.pending)
	if err != nil {
		return err
	}
	n.stats.sealed(x.why)
	n.mu.Lock()
	x.state.state, x.state.manifestSeq = stateSealed, seq
	n.mu.Unlock()
	return nil
}

// turn waits until nobody else works on a receipt, and until others that have work for a
// processor have begun with it; over ends the turn. An answer of the log is for hundreds of
// receipts at once: they go on one after the other.
func (n *Notary) turn() (over func()) {
	n.aside.Lock()
	runtime.Gosched()
	return n.aside.Unlock
}

// finish writes the summary leaf, wipes the part's keys, lets go of the parts
// before, and fills in the manifest but for the journal seqs. A part into which nothing was ever queued
// has nothing to seal.
func (n *Notary) finish(ctx context.Context, p *part, why receipt.Reason) (*journal.Pending, *receipt.Manifest, error) {
	defer n.turn()()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = nil
	defer p.keys.Wipe()
	if p.first == nil {
		return nil, nil, nil
	}
	// A host may set its clock back; a part is sealed no earlier than opened.
	now := time.Unix(0, max(n.opts.Now().UnixNano(), p.opened.UnixNano()))
	record, err := p.summary(now).Encode()
	if err != nil {
		return nil, nil, err
	}
	c := &format.Content{Tenant: p.tenant, Session: p.name, Records: []receipt.Record{{
		Kind: receipt.Closing, Edits: receipt.EncodeEdits(nil), Bytes: record,
	}}}
	pending, err := n.appendSegment(p, c, func(d []journal.Draft, k []journal.WrappedKey) (*journal.Pending, error) {
		return n.appendPatiently(ctx, d, k)
	})
	if err != nil {
		return nil, nil, err
	}
	return pending, &receipt.Manifest{
		V: "1", Origin: n.opts.Origin, Handle: p.id.Handle, Part: p.id.Part,
		Leaves: p.edge.Size(), Root: p.edge.Root(), DEKCommitment: p.keys.Commitment(),
		HostClock: receipt.HostClock{OpenedUnixNano: p.opened.UnixNano(), SealedUnixNano: now.UnixNano()},
		Reason:    why,
	}, nil
}

// issue gives the manifest its number, signs it and makes the receipt durable.
func (n *Notary) issue(ctx context.Context, m *receipt.Manifest) (receipt.Hash, error) {
	commitment, pending, err := n.queueManifest(ctx, m)
	if err == nil {
		_, err = n.issued(ctx, pending)
	}
	return commitment, err
}

// issued waits until a receipt is durable, and returns the seq of it.
func (n *Notary) issued(ctx context.Context, pending *journal.Pending) (uint64, error) {
	if _, err := pending.Wait(ctx); err != nil {
		return 0, err
	}
	n.dirty.set()
	seq, _ := pending.Seqs()
	return seq, nil
}

// queueManifest gives the manifest its number, signs and queues it. Numbers and journal order
// agree, since both are given under one lock.
func (n *Notary) queueManifest(ctx context.Context, m *receipt.Manifest) (receipt.Hash, *journal.Pending, error) {
	defer n.turn()()
	m.SealedBy = receipt.Sealer{Epoch: n.epoch, RuntimeData: n.opts.Origin.RuntimeData}
	m.Seq, m.Prev = n.count, n.last
	raw, err := m.Encode()
	if err != nil {
		return receipt.Hash{}, nil, err
	}
	pending, err := n.appendPatiently(ctx, []journal.Draft{{
		Kind: format.KindManifest, Handle: m.Handle, Part: m.Part,
		Body: journal.Sealed(receipt.Sign(raw, n.opts.Key)), // public: hashes and counts
	}}, nil)
	if err != nil {
		return receipt.Hash{}, nil, err
	}
	n.count, n.last = n.count+1, receipt.Commitment(raw)
	return n.last, pending, nil
}

// prove sends a commitment to the log until it has a proof, and makes the proof
// durable. It returns the seq of the proof entry. The part may be zero.
func (n *Notary) prove(ctx context.Context, commitment receipt.Hash, part receipt.PartID) (uint64, error) {
	body, err := n.submit(ctx, commitment)
	if err != nil {
		return 0, err
	}
	pending, err := n.queueProof(ctx, body, part)
	if err != nil {
		return 0, err
	}
	if _, err := pending.Wait(ctx); err != nil {
		return 0, err
	}
	seq, _ := pending.Seqs()
	return seq, nil
}

// submit sends a commitment to the log until it has a proof.
func (n *Notary) submit(ctx context.Context, commitment receipt.Hash) (body format.ProofBody, err error) {
	select {
	case n.proving <- struct{}{}:
		defer func() { <-n.proving }()
	case <-ctx.Done():
		return body, ctx.Err()
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		proof, index, err := n.opts.Log.Submit(ctx, commitment)
		if err == nil {
			return format.ProofBody{Commitment: commitment, Index: index, Proof: proof}, nil
		}
		if ctx.Err() != nil {
			return body, ctx.Err()
		}
		n.stats.logFailed()
		n.opts.Logger.Warn("the log did not take a commitment; it will be sent again", "error", err, "after", wait)
		if err := pause(ctx, wait); err != nil {
			return body, err
		}
	}
}

func (n *Notary) queueProof(ctx context.Context, body format.ProofBody, part receipt.PartID) (*journal.Pending, error) {
	defer n.turn()()
	raw, err := format.EncodeBody(body)
	if err != nil {
		return nil, err
	}
	return n.appendPatiently(ctx, []journal.Draft{{
		Kind: format.KindProof, Handle: part.Handle, Part: part.Part, Body: raw,
	}}, nil)
}

// rotate makes a new wrap key durable and puts it into use.
func (n *Notary) rotate(ctx context.Context) error {
	fresh, err := n.opts.Ring.Next()
	if err != nil {
		return err
	}
	if err := n.write(ctx, journal.Draft{Kind: format.KindWrapKey, Body: fresh.Body}); err != nil {
		return err
	}
	n.opts.Ring.Use(fresh)
	return nil
}

// checkpoint commits the head of the chain to the log. The random bytes are
// durable before the commitment leaves, so that it can always be opened.
func (n *Notary) checkpoint(ctx context.Context) error {
	pos, ok := n.writer.Head()
	if !ok {
		return nil
	}
	draft, random, err := checkpointOf(pos)
	if err != nil {
		return err
	}
	if err := n.write(ctx, draft); err != nil {
		return err
	}
	_, err = n.prove(ctx, format.CheckpointCommitment(n.epoch, pos.Seq, pos.Chain, random), receipt.PartID{})
	return err
}

func checkpointOf(pos format.Position) (journal.Draft, receipt.Hash, error) {
	random := receipt.Hash(*format.NewSecret())
	body, err := format.EncodeBody(format.CheckpointBody{Seq: pos.Seq, Chain: pos.Chain, Random: random})
	return journal.Draft{Kind: format.KindCheckpoint, Body: body}, random, err
}
