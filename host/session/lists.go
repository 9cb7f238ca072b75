package session

import (
	"context"

	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/receipt"
)

// reserve returns how redactors' memory is taken from the budget, beside what the walk has
// reserved for this request. The records are not laid out yet then: there are but the message
// and the texts as redactors see them.
func (f *filler) reserve(ctx context.Context) pluginhost.Reserve {
	return func(passing, edits int64) error {
		f.held = edits
		return f.n.opts.Reserve(ctx, max(f.reserved, 2*int64(f.bytes)+passing)+edits)
	}
}

// hold takes so much more, for what is made of the edits.
func (f *filler) hold(ctx context.Context, bytes int64) error {
	f.held += bytes
	return f.n.opts.Reserve(ctx, f.reserved+f.held)
}

// perListByte is what a byte of an edit list takes, about: in the list, in the plaintext of a segment,
// and as what is counted and filled in.
const perListByte = 4

// checkEdits bounds the edit lists, and takes room for them, before they are made.
func (f *filler) checkEdits(ctx context.Context) error {
	if len(f.lists) == 0 {
		return nil
	}
	sizes := make(map[owner]int, len(f.lists))
	for o, list := range f.lists {
		for _, e := range list {
			sizes[o] += 7 + len(e.Plugin) + len(e.Label) + len(e.Place)
		}
	}
	for i := range f.spliced.Records {
		r := &f.spliced.Records[i]
		f.listed += sizes[owner{otlpwire.OfResource, uint32(r.Resource)}] + sizes[owner{otlpwire.OfScope, uint32(r.Scope)}] + sizes[owner{otlpwire.OfRecord, uint32(i)}]
		if f.listed > maxEditBytes {
			return tooLarge("redaction", errEdits)
		}
	}
	return f.hold(ctx, perListByte*int64(f.listed))
}

// listEdits sorts the edits, and the replaced binary texts, by what they belong
// to. Both come in the order of texts.
func listEdits(req *otlpwire.Request, edits []pluginhost.Edit) map[owner][]receipt.Edit {
	lists := make(map[owner][]receipt.Edit)
	add := func(text int, e receipt.Edit) {
		t := &req.Texts[text]
		e.Place = t.Place.String()
		o := owner{t.Owner, t.Index}
		lists[o] = append(lists[o], e)
	}
	binaries := req.Binary
	for _, e := range edits {
		for len(binaries) > 0 && binaries[0] < e.Field {
			add(binaries[0], binaryEdit(req, binaries[0]))
			binaries = binaries[1:]
		}
		add(e.Field, receipt.Edit{Plugin: e.Plugin, Label: e.Label, Length: uint32(e.End - e.Start)})
	}
	for _, t := range binaries {
		add(t, binaryEdit(req, t))
	}
	return lists
}

func binaryEdit(req *otlpwire.Request, text int) receipt.Edit {
	t := &req.Texts[text]
	return receipt.Edit{Plugin: receipt.HostPlugin, Label: receipt.LabelBinary, Length: t.End - t.Start}
}
