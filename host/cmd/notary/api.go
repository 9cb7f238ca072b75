package main

import (
	"context"
	"errors"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
)

// api shows a node to the control interface.
type api struct{ n *node }

func (c api) Ready() error                       { return c.n.notary.Ready() }
func (c api) Attestation() *attester.Attestation { return c.n.attester.Current() }
func (c api) Fresh() error                       { return c.n.attester.Fresh() }

func (c api) Answer(ctx context.Context, nonce []byte, exporter [challenge.ExporterSize]byte) (*challenge.Answer, error) {
	return c.n.attester.Answer(ctx, nonce, exporter)
}

func (c api) EndSession(ctx context.Context, tenant, id string) error {
	return controlError(c.n.notary.EndSession(ctx, tenant, id))
}

func (c api) Parts(ctx context.Context, tenant, id string) ([]control.Part, error) {
	parts, err := c.n.notary.Parts(ctx, tenant, id)
	if err != nil {
		return nil, controlError(err)
	}
	var out []control.Part
	for _, p := range parts {
		q := control.Part{
			Epoch: p.ID.Epoch.String(), Handle: p.ID.Handle.String(), Part: p.ID.Part,
			State: control.State(p.State), Leaves: p.Leaves, Receipt: p.Receipt,
		}
		if m := p.Manifest; m != nil {
			q.Root, q.Reason, q.FirstSeq, q.LastSeq = m.Root.String(), string(m.Reason), m.FirstSeq, m.LastSeq
			q.Commitment = p.Commitment.String()
		}
		if p.Erasure != nil {
			q.Erased = &control.Order{Epoch: p.Erasure.Epoch.String(), Seq: p.Erasure.Seq}
		}
		if p.Proof != nil {
			q.LogIndex = &p.Proof.Index
		}
		out = append(out, q)
	}
	return out, nil
}

func (c api) Bundle(ctx context.Context, tenant, id string, part control.PartRef, disclose []uint64) ([]byte, error) {
	if len(disclose) > 0 {
		return nil, control.ErrState // the keys are forgotten; "notary session bundle" discloses
	}
	if part.Epoch != c.n.notary.Epoch().String() {
		return nil, control.ErrNotFound
	}
	b, err := c.n.notary.Bundle(ctx, tenant, id, part.Part)
	if err != nil {
		return nil, controlError(err)
	}
	return b.Encode()
}

func (c api) EraseSession(ctx context.Context, tenant, id string) (control.Erasures, error) {
	done, err := c.n.notary.Erase(ctx, tenant, id)
	return c.erasures(ctx, done, err)
}

func (c api) ErasePart(ctx context.Context, part control.SealedRef) (control.Erasures, error) {
	done, err := c.n.notary.ErasePart(ctx, session.Sealed{Commitment: part.Commitment, Epoch: part.Epoch, Seq: part.Seq})
	return c.erasures(ctx, []session.Erasure{done}, err)
}

func (c api) erasures(ctx context.Context, done []session.Erasure, err error) (control.Erasures, error) {
	if err != nil {
		return control.Erasures{}, controlError(err)
	}
	copies, err := c.n.notary.TellErased(ctx, done)
	if err != nil {
		return control.Erasures{}, controlError(err)
	}
	out := control.Erasures{Complete: copies.None(), Found: []string{}, Copies: append([]string{}, copies.Unasked...)}
	for _, f := range copies.Found {
		out.Found = append(out.Found, f.Text)
	}
	for _, e := range done {
		out.Erased = append(out.Erased, control.Erased{
			Epoch: e.Part.Epoch.String(), Handle: e.Part.Handle.String(), Part: e.Part.Part, Commitment: e.Commitment.String(),
			Order: control.Order{Epoch: e.Epoch.String(), Seq: e.Seq},
		})
	}
	return out, nil
}

func (c api) HoldSession(ctx context.Context, tenant, id string) (control.Holds, error) {
	h, err := c.n.notary.Hold(ctx, tenant, id)
	return holds([]session.Hold{h}, err)
}

func (c api) HoldPart(ctx context.Context, part control.SealedRef) (control.Holds, error) {
	h, err := c.n.notary.HoldPart(ctx, session.Sealed{Commitment: part.Commitment, Epoch: part.Epoch, Seq: part.Seq})
	return holds([]session.Hold{h}, err)
}

func (c api) ReleaseSession(ctx context.Context, tenant, id string) (control.Holds, error) {
	return holds(c.n.notary.Release(ctx, tenant, id))
}

func (c api) ReleaseHold(ctx context.Context, epoch [16]byte, seq uint64) (control.Holds, error) {
	h, err := c.n.notary.ReleaseHold(ctx, format.EntryRef{Epoch: epoch, Seq: seq})
	return holds([]session.Hold{h}, err)
}

func (c api) JournalExport(ctx context.Context, b format.ExportBody, of *control.SealedRef) (control.Exported, error) {
	var part *session.Sealed
	if of != nil {
		part = &session.Sealed{Commitment: of.Commitment, Epoch: of.Epoch, Seq: of.Seq}
	}
	at, err := c.n.notary.JournalExport(ctx, b, part)
	return control.Exported{Order: control.Order{Epoch: at.Epoch.String(), Seq: at.Seq}}, controlError(err)
}

func holds(list []session.Hold, err error) (control.Holds, error) {
	if err != nil {
		return control.Holds{}, controlError(err)
	}
	out := control.Holds{Holds: []control.Hold{}}
	for _, h := range list {
		out.Holds = append(out.Holds, control.Hold{
			Epoch: h.Epoch.String(), Handle: h.Handle.String(), Order: control.Order{Epoch: h.Entry.Epoch.String(), Seq: h.Entry.Seq},
		})
	}
	return out, nil
}

func controlError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, session.ErrNotFound):
		return control.ErrNotFound
	case errors.Is(err, session.ErrHeld):
		return control.ErrHeld
	case errors.Is(err, session.ErrState):
		return control.ErrState
	case errors.Is(err, journal.ErrProtected):
		return errors.Join(control.ErrProtected, err)
	}
	return errors.Join(control.ErrUnavailable, err)
}
