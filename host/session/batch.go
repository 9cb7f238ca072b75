package session

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/jsontext"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

// maxText is the longest text that redactors see.
const maxText = 1 << 20

// Bounds of what one request may make of itself here. A sender decides how many
// records share a context, and how much in it is edited: each record's edit list
// names the edits of its context, too.
const (
	maxSessionID = 4 << 10   // bytes
	maxSDKName   = 256       // bytes, with the version
	maxEditBytes = 16 << 20  // of all records' edit lists together
	maxCopyBytes = 64 << 20  // of contexts that get tokens of several sessions
	maxSegments  = 128 << 20 // bytes of all sessions' segments together
)

// Reasons to refuse a request, inside an *otlpwire.Error like those of the walk.
var (
	errSessionID = fmt.Errorf("a session id has at most %d bytes", maxSessionID)
	errEdits     = fmt.Errorf("the edit lists of its records would be over %d bytes", maxEditBytes)
	errCopies    = fmt.Errorf("its resources and scopes, which get tokens of each session, would be over %d bytes", maxCopyBytes)
)

// tooLarge refuses a request for good.
func tooLarge(place string, reason error) error {
	return &otlpwire.Error{Err: fmt.Errorf("%w: %w", otlpwire.ErrTooLarge, reason), Place: place}
}

// A batch is a redacted request, split by session.
type batch struct {
	sessions []*group
	lists    int   // bytes of all records' edit lists together
	held     int64 // what redaction has taken of the budget, beside what the walk has
}

// A group has the records of one session in one request.
type group struct {
	raw     []byte // the session id as sent; only the handle is made of it
	field   int    // which of what redactors see it is; before, which text of the request, or -1
	found   []pluginhost.Edit
	handle  receipt.Handle
	need    int64  // what it has taken of Notary.room
	name    []byte // the session id as redacted
	count   int    // of records
	records []receipt.Record
	marks   []mark // duplicate marks, by record
	edits   []counted
	ends    []ending
	start   uint64 // earliest claimed start
	finish  uint64 // latest claimed end
	sdks    []string
	drop    bool   // all records, since the session id says what drops a record
	slots   []slot // for the tokens of the part that the records come into
}

// A slot is where the token of a value has to be put.
type slot struct {
	at    []byte
	value string
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

// redact splits the request by session, with what the redactors report spliced.
func (n *Notary) redact(ctx context.Context, d *desk, bytes int, reserved int64) (*batch, error) {
	req, b := &d.req, new(batch)
	var err error
	if d.groups, err = b.split(req, d.groups[:0]); err != nil {
		return nil, err
	}
	d.share(b.sessions)
	f := filler{n: n, req: req, desk: d, bytes: bytes, reserved: reserved, room: make([]byte, len(mark{}))}
	if n.opts.Redactor != nil {
		if err := f.find(ctx, d, b.sessions); err != nil {
			return nil, err
		}
	}
	if mode := n.opts.Origin.Mode; mode == runtimedata.ModeShadow || mode == runtimedata.ModeNone {
		// Nothing is edited, by the host neither: what was found is counted.
		f.asSent, f.edits, req.Binary = true, nil, req.Binary[:0]
	}
	if f.spliced, err = req.Splice(toSplice(f.edits)); err != nil {
		return nil, fmt.Errorf("edits do not fit the request: %w", err)
	}
	for _, g := range b.sessions {
		if f.asSent {
			g.found = nil
		}
		g.rename(g.found)
	}
	err = f.fill(ctx, d.groups)
	b.lists, b.held = f.listed, f.held
	return b, err
}

// find runs the redactors over every text of the request, and over session ids that are none
// of them, whose fields come behind those of the texts.
func (f *filler) find(ctx context.Context, d *desk, sessions []*group) error {
	req := f.req
	fields := slices.Grow(d.fields[:0], len(req.Texts)+len(sessions))[:len(req.Texts)]
	var oversize []pluginhost.Edit
	for i := range req.Texts {
		t, field := &req.Texts[i], &fields[i] // which is empty, since the desk was freed
		switch text := req.Text(*t); {
		case t.Binary: // replaced whole by Splice; an empty field keeps the numbering
		case len(text) > maxText:
			oversize = append(oversize, wholeText(i, text))
		default:
			field.Text, field.Valid = text, true // or it would be binary, or the request refused
			field.Key, field.Role, field.Group = req.Key(*t), t.Role, belongs(*t)
		}
	}
	for i, g := range sessions {
		if g.field < 0 {
			g.field = len(fields)
			fields = append(fields, pluginhost.Field{Text: g.raw, Role: abi.RoleOther, Group: ofSession | uint32(i)})
		}
	}
	d.fields = fields
	edits, err := f.n.opts.Redactor.Redact(pluginhost.Reserving(ctx, f.reserve(ctx)), fields)
	if err != nil {
		return err
	}
	if len(oversize) > 0 {
		edits = append(edits, oversize...)
		slices.SortStableFunc(edits, func(a, b pluginhost.Edit) int { return a.Field - b.Field })
	}
	for _, g := range sessions {
		g.found = edits[firstOf(edits, g.field):firstOf(edits, g.field+1)]
	}
	d.did(len(edits))
	f.edits = edits[:firstOf(edits, len(req.Texts))]
	f.lists = listEdits(req, f.edits)
	return nil
}

// firstOf returns where the edits of a field and of those behind it begin.
func firstOf(edits []pluginhost.Edit, field int) int {
	at, _ := slices.BinarySearchFunc(edits, field, func(e pluginhost.Edit, field int) int { return e.Field - field })
	return at
}

// wholeText masks a text that is too long to be searched. JSON becomes one string.
func wholeText(field int, text []byte) pluginhost.Edit {
	e := pluginhost.Edit{Field: field, End: len(text), Label: receipt.LabelOversize, Plugin: receipt.HostPlugin}
	if jsontext.Check(text) == nil {
		e.Quote = `"`
	}
	return e
}

// split makes a group for each session id, in the order of first appearance,
// and appends the group of each record to groups.
func (b *batch) split(req *otlpwire.Request, groups []*group) ([]*group, error) {
	index := make(map[string]*group)
	for i := range req.Records {
		id := req.SessionID(i)
		if len(id) > maxSessionID {
			return groups, tooLarge("session id", errSessionID)
		}
		g := index[string(id)]
		if g == nil {
			g = &group{raw: id, field: req.SessionText(i)}
			index[string(id)] = g
			b.sessions = append(b.sessions, g)
		}
		end := ending{record: g.count, own: req.Records[i].End}
		if before := req.PreviousSession(i); len(before) <= maxSessionID && !bytes.Equal(before, id) {
			end.before = before
		}
		if end.own || len(end.before) > 0 {
			g.ends = append(g.ends, end)
		}
		g.count++
		groups = append(groups, g)
	}
	return groups, nil
}

// replacement is what stands in the place of a value: the label, and room for a
// token. Labels are of A-Z, 0-9 and the underscore, so that it needs no escaping
// in any place.
func replacement(e *pluginhost.Edit) string {
	if e.Action != pluginhost.Token {
		return e.Quote + "[" + e.Label + "]" + e.Quote
	}
	return e.Quote + "[" + e.Label + ":" + noToken + "]" + e.Quote
}

var noToken = strings.Repeat("0", seal.TokenDigits)

// slotIn returns where the token goes in a replacement that begins at b[0].
func slotIn(b []byte, e *pluginhost.Edit) []byte {
	at := len(e.Quote + "[" + e.Label + ":")
	return b[at : at+seal.TokenDigits]
}

func toSplice(edits []pluginhost.Edit) []otlpwire.Edit {
	out := make([]otlpwire.Edit, len(edits))
	for i := range edits {
		e := &edits[i]
		out[i] = otlpwire.Edit{Text: e.Field, Start: e.Start, End: e.End}
		switch e.Action {
		case pluginhost.DropRecord:
			out[i].Drop = otlpwire.DropRecord
		case pluginhost.DropField:
			out[i].Drop = otlpwire.DropField
		default:
			out[i].Replacement, out[i].Gap = replacement(e), e.Action == pluginhost.Token
		}
	}
	return out
}

// rename makes the group's name: the id with the edits applied, or nothing, if one
// of them drops the field or the record. Without edits it is the id, in the message.
func (g *group) rename(edits []pluginhost.Edit) {
	if len(edits) == 0 {
		g.name = g.raw
		return
	}
	drop := pluginhost.Token
	for i := range edits {
		drop = max(drop, edits[i].Action)
	}
	if drop >= pluginhost.DropField {
		g.drop = drop == pluginhost.DropRecord
		return
	}
	last, places := 0, make([]int, len(edits))
	for i := range edits {
		e := &edits[i]
		g.name = append(g.name, g.raw[last:e.Start]...)
		places[i] = len(g.name)
		g.name = append(g.name, replacement(e)...)
		last = e.End
	}
	g.name = append(g.name, g.raw[last:]...)
	for i := range edits {
		if e := &edits[i]; e.Action == pluginhost.Token {
			g.slots = append(g.slots, slot{slotIn(g.name[places[i]:], e), e.Value})
		}
	}
}

// An owner names a record or context of a request.
type owner struct {
	kind  otlpwire.Owner
	index uint32
}

// A filler puts the spliced records of a request into their groups.
type filler struct {
	n        *Notary
	req      *otlpwire.Request
	desk     *desk
	bytes    int   // of the message
	reserved int64 // for it and what is in it
	held     int64 // beside that, for the edits and what is made of them
	listed   int   // bytes of the edit lists
	spliced  *otlpwire.Redacted
	edits    []pluginhost.Edit // as spliced
	lists    map[owner][]receipt.Edit
	asSent   bool // the lists, if there are any, are counted, and nothing was edited
	// Contexts are hashed once, however many records share them.
	resources, scopes []receipt.Hash
	sdks              []string // by resource
	shared            map[shared][]byte
	copied            int
	in                place  // of mark: of the record before
	head              []byte // what that has a hash of
	inMark            mark
	room              []byte // for marks
}

// shared is a context in a group. Its edits are counted once, and it is copied once
// if it gets tokens: those of another session are others.
type shared struct {
	owner owner
	group *group
}

// fill gives each group its records, with edit lists, duplicate marks and what
// the summary will count.
func (f *filler) fill(ctx context.Context, groups []*group) error {
	if err := f.checkEdits(ctx); err != nil {
		return err
	}
	f.resources, f.scopes = hashAll(len(f.req.Resources), f.req.OriginalResource), hashAll(len(f.req.Scopes), f.req.OriginalScope)
	if len(f.lists) > 0 {
		f.shared = make(map[shared][]byte)
	}
	for i := range f.spliced.SDKs {
		f.sdks = append(f.sdks, sdkName(&f.spliced.SDKs[i]))
	}
	for i := range f.spliced.Records {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		g := groups[i]
		had := len(g.edits)
		if err := f.record(ctx, i, g); err != nil {
			return err
		}
		f.desk.did(1 + len(g.edits) - had)
	}
	return nil
}

// noEdits is the list of most records.
var noEdits = receipt.EncodeEdits(nil)

func (f *filler) record(ctx context.Context, i int, g *group) error {
	r := &f.spliced.Records[i]
	own := f.listOf(owner{otlpwire.OfRecord, uint32(i)})
	resource, ofResource, err := f.context(ctx, g, owner{otlpwire.OfResource, uint32(r.Resource)}, f.spliced.Resources[r.Resource], f.spliced.ResourceGaps[r.Resource])
	if err != nil {
		return err
	}
	scope, ofScope, err := f.context(ctx, g, owner{otlpwire.OfScope, uint32(r.Scope)}, f.spliced.Scopes[r.Scope], f.spliced.ScopeGaps[r.Scope])
	if err != nil {
		return err
	}
	rec := receipt.Record{Kind: receipt.Kind(r.Kind)}
	if r.Dropped || g.drop {
		// Its leaf stays, without any text: nothing vanishes silently.
		own = append(slices.Clone(own), receipt.Edit{
			Plugin: receipt.HostPlugin, Label: receipt.LabelDropped, Place: rec.Kind.String(), Length: uint32(len(f.req.Original(i))),
		})
	} else {
		rec.Resource, rec.Scope, rec.Bytes = resource, scope, r.Bytes
		f.leaveSlots(g, r.Bytes, r.Gaps)
		g.claim(&f.req.Records[i], f.sdks[r.Resource])
	}
	for _, e := range own {
		g.edits = append(g.edits, counted{e, len(g.records)})
	}
	rec.Edits = noEdits
	if list := slices.Concat(ofResource, ofScope, own); len(list) > 0 && !f.asSent {
		rec.Edits = receipt.EncodeEdits(list)
	}
	g.records = append(g.records, rec)
	g.marks = append(g.marks, f.mark(i))
	return nil
}

// listOf returns the edits of a record or context. Most requests have none at all.
func (f *filler) listOf(o owner) []receipt.Edit {
	if len(f.lists) == 0 {
		return nil
	}
	return f.lists[o]
}

// context returns a context as a group is to have it, and the edits in it, which
// count once for the group.
func (f *filler) context(ctx context.Context, g *group, o owner, spliced []byte, gaps []otlpwire.Gap) ([]byte, []receipt.Edit, error) {
	list := f.listOf(o)
	if len(list) == 0 {
		return spliced, nil, nil
	}
	b, known := f.shared[shared{o, g}]
	if known {
		return b, list, nil
	}
	for _, e := range list {
		g.edits = append(g.edits, counted{e, -1})
	}
	b = spliced
	if len(gaps) > 0 {
		if f.copied += len(b); f.copied > maxCopyBytes {
			return nil, nil, tooLarge("redaction", errCopies)
		}
		if err := f.hold(ctx, int64(len(b))); err != nil {
			return nil, nil, err
		}
		b = bytes.Clone(b)
		f.leaveSlots(g, b, gaps)
	}
	f.shared[shared{o, g}] = b
	return b, list, nil
}

// leaveSlots notes where in b tokens of the group's session part go.
func (f *filler) leaveSlots(g *group, b []byte, gaps []otlpwire.Gap) {
	for _, gap := range gaps {
		e := &f.edits[gap.Edit]
		g.slots = append(g.slots, slot{slotIn(b[gap.At:], e), e.Value})
	}
}

// hashAll identifies the n resources or scopes of a request as they were sent.
func hashAll(n int, original func(b []byte, i int) []byte) []receipt.Hash {
	sums := make([]receipt.Hash, n)
	var b []byte
	for i := range sums {
		b = original(b[:0], i)
		sums[i] = sha256.Sum256(b)
	}
	return sums
}

// sdkName is what the summary calls a sender's library, empty if it gives no name, or one that
// is none: a summary has to fit into an entry of the journal, or the part cannot be sealed.
func sdkName(sdk *otlpwire.SDK) string {
	if len(sdk.Name)+len(sdk.Version) > maxSDKName {
		return ""
	}
	if len(sdk.Name) == 0 || len(sdk.Version) == 0 {
		return string(sdk.Name)
	}
	return string(sdk.Name) + " " + string(sdk.Version)
}

func (g *group) claim(r *otlpwire.Record, sdk string) {
	if s := r.ClaimedStart; s != 0 && (g.start == 0 || s < g.start) {
		g.start = s
	}
	g.finish = max(g.finish, r.ClaimedEnd)
	if sdk != "" && len(g.sdks) < maxSDKs && !slices.Contains(g.sdks, sdk) {
		g.sdks = append(g.sdks, sdk)
	}
}
