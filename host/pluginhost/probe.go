package pluginhost

import (
	"context"
	"errors"
	"fmt"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A Probe is one redactor by itself, for its author: loaded, metered, checked and
// put back as in a [Set], and it tells what a set keeps to itself, the fuel of each
// batch and what is wrong with a reply. A notary uses none: fuel depends on the
// text. It is safe for concurrent use.
type Probe struct{ set *Set }

// A Trial is what one batch came to.
type Trial struct {
	// Edits as the guest gave them, after all checks.
	Edits []abi.Edit
	// Fuel that the batch took, of Budget, in the unit of [DefaultFuel].
	Fuel, Budget uint64
	// Discarded means that the batch cost the instance, since it left more memory
	// behind than there was after configure. Right, but slow.
	Discarded bool
}

// NewProbe loads a redactor. Errors are those of [Load].
func NewProbe(ctx context.Context, src Source) (*Probe, error) {
	if src.Kind != abi.KindRedactor {
		return nil, &LoadError{src.Name, fmt.Errorf("it is of kind %q; only redactors can be tried by themselves", src.Kind)}
	}
	s, err := Load(ctx, []Source{src}, Options{})
	if err != nil {
		return nil, err
	}
	return &Probe{s}, nil
}

// Limits returns the limits that hold, defaults filled in.
func (p *Probe) Limits() Limits { return p.set.redactors[0].limits }

// Set returns the set of this one redactor, for what concerns more than one batch.
func (p *Probe) Set() *Set { return p.set }

// Close frees everything.
func (p *Probe) Close(ctx context.Context) error { return p.set.Close(ctx) }

// Try gives the redactor one batch. A failure is a [*PluginError]; it may say more
// than that of a set, since the text is the author's, but no text gets into it.
// Fuel is told of a failed batch, too.
func (p *Probe) Try(ctx context.Context, fields []abi.Field) (Trial, error) {
	request, err := abi.AppendRequest(nil, fields)
	if err != nil {
		return Trial{}, err
	}
	return p.try(ctx, request, fields)
}

// TryMalformed gives the redactor bytes that are no request, and returns nil if it
// refuses them as the ABI demands: by a status, and without a trap.
func (p *Probe) TryMalformed(ctx context.Context, request []byte) error {
	_, err := p.try(ctx, request, nil)
	var failed *PluginError
	switch {
	case err == nil:
		return errors.New("it was answered with success; refuse it with a status")
	case errors.As(err, &failed) && failed.Reason == ReasonStatus:
		return nil
	}
	return err
}

func (p *Probe) try(ctx context.Context, request []byte, fields []abi.Field) (Trial, error) {
	g := p.set.redactors[0]
	in, err := g.acquire(ctx)
	if err != nil {
		return Trial{}, err
	}
	c := &call{ctx: ctx, clock: clockCall}
	ctx = withCall(context.WithoutCancel(ctx), c)
	budget := g.limits.of(len(request))
	packed, reason := in.exchange(ctx, abi.ExportRdxRedact, budget, request)
	t := Trial{Fuel: budget - uint64(max(in.left(c), 0)), Budget: budget}
	var why error
	if reason == "" {
		if t.Edits, reason = g.readReply(in, packed, len(fields), func(i int) []byte { return fields[i].Text }); reason == ReasonReply {
			why = g.whatIsWrong(in, packed, fields)
		}
	}
	t.Discarded = in.memory.Size() != uint32(len(g.image.memory))
	g.release(in, reason != "")
	switch {
	case reason == "":
		return t, nil
	case why == nil:
		return t, g.fail(reason)
	}
	return t, fmt.Errorf("%w: %w", g.fail(reason), why)
}

// whatIsWrong says which rule a refused reply breaks.
func (p *plugin) whatIsWrong(in *instance, packed uint64, fields []abi.Field) error {
	b, reason := in.reply(packed)
	if reason != "" {
		ptr, n := abi.Unpack(packed)
		return fmt.Errorf("%s returned pointer %d and length %d, which is no reply in the memory of %d bytes",
			abi.ExportRdxRedact, ptr, n, in.memory.Size())
	}
	_, edits, err := abi.DecodeReply(b, abi.MaxEdits, nil)
	if err != nil {
		return err
	}
	return abi.ValidateEdits(fields, edits, len(p.labels))
}
