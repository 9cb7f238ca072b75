package archive

import (
	"errors"
	"fmt"

	"github.com/veriproof/notary/sdk/bundle"
	format "github.com/veriproof/notary/sdk/journal"
)

// ErrNotSealed says that a part has no receipt yet, so there is nothing to give
// evidence of.
var ErrNotSealed = errors.New("session part is not sealed")

// Bundle puts together the evidence about a sealed part. Records to disclose
// are added by the caller, who has the key for them.
func (a *Archive) Bundle(p *Part) (*bundle.Bundle, error) {
	if p.Manifest == nil {
		return nil, ErrNotSealed
	}
	sealer := a.byID[p.Manifest.SealedBy.Epoch]
	if sealer == nil {
		return nil, fmt.Errorf("sealing epoch %v: %w", p.Manifest.SealedBy.Epoch, ErrNotFound)
	}
	var origin *Epoch
	if p.Manifest.Origin.Epoch != sealer.ID {
		origin = a.byID[p.Manifest.Origin.Epoch]
	}
	var proof []byte
	if found, ok := a.Proof(p.Commitment()); ok {
		proof = found.Proof
	}
	b := Assemble(sealer, p.SealedSeq, origin, p.Receipt, proof)
	a.addEnd(b, sealer)
	return b, nil
}

// addEnd adds how the sealing epoch ended, if it did and the log has proved it.
func (a *Archive) addEnd(b *bundle.Bundle, e *Epoch) {
	if e.End == nil {
		return
	}
	if proof, ok := a.Proof(format.CloseCommitment(e.ID, e.EndSeq, e.EndChain)); ok {
		b.EpochEnd, b.EpochEndProof = e.End, proof.Proof
	}
}

// Assemble makes a bundle of what is known about a receipt: the epoch that
// signed it, with the Evidence in force when its manifest entry was written, the
// epoch that received the records if that is another (else nil), and the log
// proof if there is one yet.
func Assemble(sealer *Epoch, manifestSeq uint64, origin *Epoch, jws string, proof []byte) *bundle.Bundle {
	b := &bundle.Bundle{
		Sealer:  bundle.AttestationOf(&sealer.Body, sealer.evidenceAt(manifestSeq)),
		Receipt: []byte(jws), Proof: proof,
	}
	if origin != nil {
		// What matters about the origin is that it was a true notary when it
		// began: its own renewals may be lost with it.
		o := bundle.AttestationOf(&origin.Body, &origin.Body.Evidence)
		b.Origin = &o
	}
	return b
}

func (e *Epoch) evidenceAt(seq uint64) *format.EvidenceBody {
	body := &e.Body.Evidence
	for i := range e.Evidence {
		if e.Evidence[i].Seq <= seq {
			body = &e.Evidence[i].Body
		}
	}
	return body
}
