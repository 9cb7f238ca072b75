package session

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

// hostPlugin is the name under which edits of the host itself are counted.
const hostPlugin = "notary"

var requests = sync.Pool{New: func() any { return new(otlpwire.Request) }}

// Export takes one OTLP export request, as wire bytes, of an authenticated
// tenant through the notary. When it returns without an error, every record is
// durable; the position is then at or behind the last of them. A request
// without records has the zero position.
//
// An error is an *otlpwire.Error (the request is malformed or too large and
// will never be taken), a *pluginhost.PluginError (redaction failed closed;
// nothing is stored), or retryable. The body is not changed and not kept.
func (n *Notary) Export(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (format.Position, error) {
	if err := n.enter(); err != nil {
		return format.Position{}, err
	}
	defer n.exports.Done()
	req := requests.Get().(*otlpwire.Request)
	defer func() { req.Reset(); requests.Put(req) }()
	if err := req.Walk(body, sig, n.opts.Walk); err != nil {
		return format.Position{}, err
	}
	batch, err := n.redact(ctx, req)
	if err != nil {
		return format.Position{}, err
	}
	var pending []*journal.Pending
	var ends []receipt.Handle
	for _, g := range batch.sessions {
		handle := n.opts.Ring.Handle(tenant, g.raw)
		p, err := n.append(handle, tenant, g)
		if err != nil {
			return format.Position{}, err
		}
		pending = append(pending, p...)
		if g.end {
			ends = append(ends, handle)
		}
	}
	n.opts.Waiting(ctx)
	pos, err := waitAll(ctx, pending)
	if err != nil {
		return format.Position{}, err
	}
	for _, h := range ends {
		n.end(h, receipt.ReasonEnd)
	}
	return pos, nil
}

// enter counts an export in, unless the notary takes none.
func (n *Notary) enter() error {
	if err := n.opts.Fresh(); err != nil {
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return ErrClosing
	}
	n.exports.Add(1)
	return nil
}

// waitAll waits for every append of a request; the request is acknowledged
// with the last position, or not at all.
func waitAll(ctx context.Context, pending []*journal.Pending) (last format.Position, err error) {
	for _, p := range pending {
		pos, err := p.Wait(ctx)
		if err != nil {
			return format.Position{}, fmt.Errorf("outcome unknown: %w", err)
		}
		if last.Signature == nil || pos.Seq > last.Seq {
			last = pos
		}
	}
	return last, nil
}

// A batch is a redacted request, split by session.
type batch struct{ sessions []*group }

// A group has the records of one session in one request.
type group struct {
	raw     []byte // the session id as sent; only the handle is made of it
	name    []byte // the session id as redacted
	records []receipt.Record
	marks   [][16]byte // duplicate marks, by record
	edits   []counted
	end     bool
	start   uint64 // earliest claimed start
	finish  uint64 // latest claimed end
	sdks    []string
}

// counted is an edit and what it belongs to, so that an edit of a shared
// context counts once for the records that share it.
type counted struct {
	edit   receipt.Edit
	record int // index into group.records, or -1 for a context
}

// redact runs the redactors over every text of the request and over its session
// ids, and splices what they report.
func (n *Notary) redact(ctx context.Context, req *otlpwire.Request) (*batch, error) {
	fields := make([]pluginhost.Field, len(req.Texts), len(req.Texts)+8)
	for i, t := range req.Texts {
		if t.Binary {
			continue // replaced whole by Splice; an empty field keeps the numbering
		}
		fields[i] = pluginhost.Field{Text: req.Text(t), Key: req.Key(t), Role: t.Role}
	}
	b, firstID := n.split(req), len(fields)
	for _, g := range b.sessions {
		fields = append(fields, pluginhost.Field{Text: g.raw, Role: abi.RoleOther})
	}
	edits, err := n.opts.Redactor.Redact(ctx, fields)
	if err != nil {
		return nil, err
	}
	cut, _ := slices.BinarySearchFunc(edits, firstID, func(e pluginhost.Edit, field int) int { return e.Field - field })
	spliced, err := req.Splice(toSplice(edits[:cut]))
	if err != nil {
		return nil, fmt.Errorf("edits do not fit the request: %w", err)
	}
	for i, g := range b.sessions {
		g.name = mask(g.raw, edits[cut:], firstID+i)
	}
	n.fill(b, req, spliced, edits[:cut])
	return b, nil
}

// split makes a group for each session id, in the order of first appearance.
func (n *Notary) split(req *otlpwire.Request) *batch {
	b := new(batch)
	index := make(map[string]*group)
	for i := range req.Records {
		id := req.SessionID(i)
		g := index[string(id)]
		if g == nil {
			g = &group{raw: id}
			index[string(id)] = g
			b.sessions = append(b.sessions, g)
		}
		g.end = g.end || req.Records[i].End
	}
	return b
}

func replacement(label string) string { return "[" + label + "]" }

func toSplice(edits []pluginhost.Edit) []otlpwire.Edit {
	out := make([]otlpwire.Edit, len(edits))
	for i, e := range edits {
		out[i] = otlpwire.Edit{Text: e.Field, Start: e.Start, End: e.End, Replacement: replacement(e.Label)}
	}
	return out
}

// mask applies the edits of one field to a copy of its text.
func mask(text []byte, edits []pluginhost.Edit, field int) []byte {
	var out []byte
	at := 0
	for _, e := range edits {
		if e.Field == field {
			out = append(append(out, text[at:e.Start]...), replacement(e.Label)...)
			at = e.End
		}
	}
	return append(out, text[at:]...)
}

// fill puts the spliced records into their groups, with edit lists, duplicate
// marks and what the summary will count.
func (n *Notary) fill(b *batch, req *otlpwire.Request, spliced *otlpwire.Redacted, edits []pluginhost.Edit) {
	lists := listEdits(req, edits)
	index := make(map[string]*group, len(b.sessions))
	for _, g := range b.sessions {
		index[string(g.raw)] = g
	}
	var counts map[owner]map[*group]bool
	for i := range spliced.Records {
		r := &spliced.Records[i]
		if r.Dropped {
			continue
		}
		g := index[string(req.SessionID(i))]
		context := append(lists[owner{otlpwire.OfResource, uint32(r.Resource)}][:0:0], lists[owner{otlpwire.OfResource, uint32(r.Resource)}]...)
		context = append(context, lists[owner{otlpwire.OfScope, uint32(r.Scope)}]...)
		own := lists[owner{otlpwire.OfRecord, uint32(i)}]
		rec := receipt.Record{
			Kind: receipt.Kind(r.Kind), Resource: spliced.Resources[r.Resource], Scope: spliced.Scopes[r.Scope],
			Edits: receipt.EncodeEdits(append(context, own...)), Bytes: r.Bytes,
		}
		for _, o := range []owner{{otlpwire.OfResource, uint32(r.Resource)}, {otlpwire.OfScope, uint32(r.Scope)}} {
			if len(lists[o]) == 0 || counts[o][g] {
				continue
			}
			if counts == nil {
				counts = make(map[owner]map[*group]bool)
			}
			if counts[o] == nil {
				counts[o] = make(map[*group]bool)
			}
			counts[o][g] = true
			for _, e := range lists[o] {
				g.edits = append(g.edits, counted{e, -1})
			}
		}
		for _, e := range own {
			g.edits = append(g.edits, counted{e, len(g.records)})
		}
		g.records = append(g.records, rec)
		g.marks = append(g.marks, n.mark(&rec))
		g.claim(&req.Records[i], &spliced.SDKs[r.Resource])
	}
}

// An owner names a record or context of a request.
type owner struct {
	kind  otlpwire.Owner
	index uint32
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
	return receipt.Edit{Plugin: hostPlugin, Label: otlpwire.BinaryLabel, Length: t.End - t.Start}
}

// mark identifies a record with its context, for finding one that was sent
// again: 128 bits of a SHA-256 under a key of this process.
func (n *Notary) mark(r *receipt.Record) [16]byte {
	h := sha256.New()
	h.Write(n.dedupKey[:])
	var size [8]byte
	for _, b := range [][]byte{r.Resource, r.Scope, r.Edits, r.Bytes} {
		h.Write(binary.BigEndian.AppendUint64(size[:0], uint64(len(b))))
		h.Write(b)
	}
	h.Write([]byte{byte(r.Kind)})
	var sum [32]byte
	return [16]byte(h.Sum(sum[:0])[:16])
}

func (g *group) claim(r *otlpwire.Record, sdk *otlpwire.SDK) {
	if s := r.ClaimedStart; s != 0 && (g.start == 0 || s < g.start) {
		g.start = s
	}
	g.finish = max(g.finish, r.ClaimedEnd)
	if name := string(sdk.Name); name != "" {
		if v := string(sdk.Version); v != "" {
			name += " " + v
		}
		if !slices.Contains(g.sdks, name) {
			g.sdks = append(g.sdks, name)
		}
	}
}
