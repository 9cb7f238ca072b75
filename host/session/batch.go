package session

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

// hostPlugin is the name under which edits of the host itself are counted.
const hostPlugin = "notary"

// Bounds of what one request may make of itself here. A sender decides how many
// records share a context, and how much in it is edited: each record's edit list
// names the edits of its context, too.
const (
	maxSessionID = 4 << 10  // bytes
	maxEditBytes = 16 << 20 // of all records' edit lists together
)

// Reasons to refuse a request, inside an *otlpwire.Error like those of the walk.
var (
	errSessionID = errors.New("session id is too long")
	errEdits     = errors.New("redaction would edit too much")
)

// tooLarge refuses a request for good.
func tooLarge(place string, reason error) error {
	return &otlpwire.Error{Err: fmt.Errorf("%w: %w", otlpwire.ErrTooLarge, reason), Place: place}
}

// A batch is a redacted request, split by session.
type batch struct{ sessions []*group }

// A group has the records of one session in one request.
type group struct {
	raw     []byte // the session id as sent; only the handle is made of it
	name    []byte // the session id as redacted
	records []receipt.Record
	marks   []mark // duplicate marks, by record
	edits   []counted
	end     bool
	before  [][]byte // sessions that have ended, since this one follows them
	start   uint64   // earliest claimed start
	finish  uint64   // latest claimed end
	sdks    []string
}

// counted is an edit and what it belongs to, so that an edit of a shared
// context counts once for the records that share it.
type counted struct {
	edit   receipt.Edit
	record int // index into group.records, or -1 for a context
}

// ofSession marks the group of a session id, which is of no owner.
const ofSession = 3 << 30

// belongs numbers what a text belongs to: two texts have the same number if they
// are of the same record, resource or scope.
func belongs(t otlpwire.Text) uint32 { return uint32(t.Owner)<<30 | t.Index&(1<<30-1) }

// redact runs the redactors over every text of the request and over its session
// ids, and splices what they report.
func (n *Notary) redact(ctx context.Context, req *otlpwire.Request) (*batch, error) {
	fields := make([]pluginhost.Field, len(req.Texts), len(req.Texts)+8)
	for i, t := range req.Texts {
		if t.Binary {
			continue // replaced whole by Splice; an empty field keeps the numbering
		}
		fields[i] = pluginhost.Field{Text: req.Text(t), Key: req.Key(t), Role: t.Role, Group: belongs(t)}
	}
	b := new(batch)
	groups, err := b.split(req)
	if err != nil {
		return nil, err
	}
	firstID := len(fields)
	for i, g := range b.sessions {
		fields = append(fields, pluginhost.Field{Text: g.raw, Role: abi.RoleOther, Group: ofSession | uint32(i)})
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
	b.name(edits[cut:], firstID)
	f := filler{n: n, req: req, spliced: spliced, lists: listEdits(req, edits[:cut])}
	return b, f.fill(ctx, groups)
}

// split makes a group for each session id, in the order of first appearance,
// and returns the group of each record.
func (b *batch) split(req *otlpwire.Request) ([]*group, error) {
	groups := make([]*group, len(req.Records))
	index := make(map[string]*group)
	for i := range req.Records {
		id := req.SessionID(i)
		if len(id) > maxSessionID {
			return nil, tooLarge("session id", errSessionID)
		}
		g := index[string(id)]
		if g == nil {
			g = &group{raw: id}
			index[string(id)] = g
			b.sessions = append(b.sessions, g)
		}
		g.end = g.end || req.Records[i].End
		if before := req.PreviousSession(i); len(before) > 0 && len(before) <= maxSessionID && !bytes.Equal(before, id) {
			g.before = append(g.before, before)
		}
		groups[i] = g
	}
	return groups, nil
}

func replacement(e *pluginhost.Edit) string { return e.Quote + "[" + e.Label + "]" + e.Quote }

func toSplice(edits []pluginhost.Edit) []otlpwire.Edit {
	out := make([]otlpwire.Edit, len(edits))
	for i := range edits {
		e := &edits[i]
		out[i] = otlpwire.Edit{Text: e.Field, Start: e.Start, End: e.End, Replacement: replacement(e)}
	}
	return out
}

// name applies the edits of the session ids, which are sorted.
func (b *batch) name(edits []pluginhost.Edit, firstID int) {
	for i, g := range b.sessions {
		at := 0
		for ; len(edits) > 0 && edits[0].Field == firstID+i; edits = edits[1:] {
			e := &edits[0]
			g.name = append(append(g.name, g.raw[at:e.Start]...), replacement(e)...)
			at = e.End
		}
		g.name = append(g.name, g.raw[at:]...)
	}
}

// An owner names a record or context of a request.
type owner struct {
	kind  otlpwire.Owner
	index uint32
}

// A filler puts the spliced records of a request into their groups.
type filler struct {
	n       *Notary
	req     *otlpwire.Request
	spliced *otlpwire.Redacted
	lists   map[owner][]receipt.Edit
	// Contexts are hashed once, however many records share them.
	resources, scopes []receipt.Hash
	seen              map[seen]bool
}

// seen says that a group has counted the edits of a context.
type seen struct {
	owner owner
	group *group
}

// fill gives each group its records, with edit lists, duplicate marks and what
// the summary will count.
func (f *filler) fill(ctx context.Context, groups []*group) error {
	if err := f.checkEdits(); err != nil {
		return err
	}
	f.resources, f.scopes = hashAll(f.spliced.Resources), hashAll(f.spliced.Scopes)
	f.seen = make(map[seen]bool)
	for i := range f.spliced.Records {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !f.spliced.Records[i].Dropped {
			f.record(i, groups[i])
		}
	}
	return nil
}

func (f *filler) record(i int, g *group) {
	r := &f.spliced.Records[i]
	resource, scope := owner{otlpwire.OfResource, uint32(r.Resource)}, owner{otlpwire.OfScope, uint32(r.Scope)}
	own := f.lists[owner{otlpwire.OfRecord, uint32(i)}]
	rec := receipt.Record{
		Kind: receipt.Kind(r.Kind), Resource: f.spliced.Resources[r.Resource], Scope: f.spliced.Scopes[r.Scope],
		Edits: receipt.EncodeEdits(slices.Concat(f.lists[resource], f.lists[scope], own)), Bytes: r.Bytes,
	}
	for _, o := range []owner{resource, scope} {
		if len(f.lists[o]) == 0 || f.seen[seen{o, g}] {
			continue
		}
		f.seen[seen{o, g}] = true
		for _, e := range f.lists[o] {
			g.edits = append(g.edits, counted{e, -1})
		}
	}
	for _, e := range own {
		g.edits = append(g.edits, counted{e, len(g.records)})
	}
	g.records = append(g.records, rec)
	g.marks = append(g.marks, f.mark(i, &rec))
	g.claim(&f.req.Records[i], &f.spliced.SDKs[r.Resource])
}

// checkEdits bounds the edit lists before they are made.
func (f *filler) checkEdits() error {
	sizes := make(map[owner]int, len(f.lists))
	for o, list := range f.lists {
		for _, e := range list {
			sizes[o] += 7 + len(e.Plugin) + len(e.Label) + len(e.Place)
		}
	}
	total := 0
	for i := range f.spliced.Records {
		r := &f.spliced.Records[i]
		total += sizes[owner{otlpwire.OfResource, uint32(r.Resource)}] + sizes[owner{otlpwire.OfScope, uint32(r.Scope)}] + sizes[owner{otlpwire.OfRecord, uint32(i)}]
		if total > maxEditBytes {
			return tooLarge("redaction", errEdits)
		}
	}
	return nil
}

func hashAll(list [][]byte) []receipt.Hash {
	sums := make([]receipt.Hash, len(list))
	for i, b := range list {
		sums[i] = sha256.Sum256(b)
	}
	return sums
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

// A mark identifies a record with its context, for finding one that was sent
// again: 128 bits of a SHA-256 under a key of this process. It is over the
// record as sent as well as over what is stored: two records that redaction made
// equal are two.
type mark [16]byte

func (f *filler) mark(i int, r *receipt.Record) mark {
	x := &f.spliced.Records[i]
	original, stored := sha256.Sum256(f.req.Original(i)), sha256.Sum256(r.Bytes)
	h := sha256.New()
	h.Write(f.n.dedupKey[:])
	h.Write(f.resources[x.Resource][:])
	h.Write(f.scopes[x.Scope][:])
	h.Write([]byte{byte(r.Kind)})
	h.Write(original[:])
	h.Write(stored[:])
	var sum [32]byte
	return mark(h.Sum(sum[:0])[:16])
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
