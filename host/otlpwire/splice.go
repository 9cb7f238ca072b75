package otlpwire

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"
)

// BinaryReplacement stands in the place of a bytes value that is no text.
const BinaryReplacement = "[BINARY]"

// MaxReplacement bounds the length of a replacement in bytes: it is a label or
// a token of the host's making, never a text.
const MaxReplacement = 256

// An Edit masks bytes [Start, End) of a text, or drops what the text stands in.
type Edit struct {
	Text        int // index into Request.Texts
	Start, End  int // offsets in the text, on UTF-8 boundaries, not empty
	Replacement string
	// Gap says that the replacement stands in for one of the same length that is
	// known later. Where it was written, the [Gap]s of the result tell.
	Gap bool
	// Drop removes more than the range. The other fields but Text are then not
	// used.
	Drop Drop
}

// A Drop says what goes with a text.
type Drop uint8

// What an Edit can drop.
const (
	DropNothing Drop = iota
	// DropField removes the innermost attribute (KeyValue) that has the text in
	// its key or value, with all that it holds. A text in no attribute, such as a
	// span's name or a log's string body, becomes empty.
	DropField
	// DropRecord removes the record that owns the text, or all records of the
	// resource or scope that does.
	DropRecord
)

// A Gap is the place of a replacement that is to be filled in later: it begins at
// byte At of what was written, and is as long as the edit's Replacement.
type Gap struct {
	Edit int // index into the edits
	At   int
}

// A Redacted request has the same records, resources and scopes as the Request
// it was made from, in the same order.
type Redacted struct {
	Records   []RedactedRecord
	Resources [][]byte // ResourceSpans or ResourceLogs without its scopes
	Scopes    [][]byte // ScopeSpans or ScopeLogs without its records
	SDKs      []SDK    // by resource

	ResourceGaps, ScopeGaps [][]Gap // by resource and scope, in order
}

// A RedactedRecord is a Span or LogRecord message with all edits applied.
type RedactedRecord struct {
	Kind            Kind
	Resource, Scope int
	Dropped         bool   // by an edit; Bytes is nil
	Bytes           []byte // may share the memory of the walked request, if it has no Gaps
	Gaps            []Gap  // in order
}

// SDK is what a resource says of the sender's SDK, redacted; empty where it does
// not say, or where the redaction leaves a [Gap].
type SDK struct{ Name, Version []byte }

func (d *Redacted) reset() {
	clear(d.Records)
	clear(d.Resources)
	clear(d.Scopes)
	clear(d.SDKs)
	clear(d.ResourceGaps)
	clear(d.ScopeGaps)
	*d = Redacted{
		Records: d.Records[:0], Resources: d.Resources[:0], Scopes: d.Scopes[:0], SDKs: d.SDKs[:0],
		ResourceGaps: d.ResourceGaps[:0], ScopeGaps: d.ScopeGaps[:0],
	}
}

// An op is what is to be done to one text.
type op struct {
	text   int
	edits  span // into the edits; empty for a binary text
	binary bool
	drop   bool // the text, and the attribute it stands in
}

// Splice writes every record, and the context of every resource and scope, with
// the edits applied, binary texts replaced, unknown fields left out and lengths
// recomputed. Edits must be sorted by text and start, and must not overlap; an
// edit that is not so, or does not fit its text, is an [*EditError]. The result
// belongs to r and lives until its next Walk, Splice or Reset.
func (r *Request) Splice(edits []Edit) (*Redacted, error) {
	if err := r.plan(edits); err != nil {
		return nil, err
	}
	d := &r.redacted
	d.reset()
	e := splicer{reader: reader{buf: r.buf}, req: r, edits: edits, out: r.out[:0]}
	err := e.all(d)
	r.out = e.out // also before an error: Reset clears it
	if err != nil {
		return nil, err
	}
	return d, nil
}

// plan checks the edits and merges them with the binary texts into r.ops.
func (r *Request) plan(edits []Edit) error {
	r.ops = r.ops[:0]
	r.dropped = slices.Grow(r.dropped[:0], len(r.Records))[:len(r.Records)]
	clear(r.dropped)
	clear(r.droppedIn)
	binaries := r.Binary
	for i := 0; i < len(edits); {
		text, end := edits[i].Text, i
		if text < 0 || text >= len(r.Texts) || (i > 0 && text < edits[i-1].Text) {
			return &EditError{i, "no such text, or not in the order of texts"}
		}
		for len(binaries) > 0 && binaries[0] < text {
			r.ops = append(r.ops, op{text: binaries[0], binary: true})
			binaries = binaries[1:]
		}
		for ; end < len(edits) && edits[end].Text == text; end++ {
		}
		masks, drops, err := r.check(edits, span{i, end})
		if err != nil {
			return err
		}
		if masks || drops {
			r.ops = append(r.ops, op{text: text, edits: span{i, end}, drop: drops})
		}
		i = end
	}
	for _, b := range binaries {
		r.ops = append(r.ops, op{text: b, binary: true})
	}
	if len(r.droppedIn) == 0 {
		return nil
	}
	for i, rec := range r.Records {
		r.dropped[i] = r.dropped[i] || r.droppedIn[context{OfResource, uint32(rec.Resource)}] || r.droppedIn[context{OfScope, uint32(rec.Scope)}]
	}
	return nil
}

// check checks the edits of one text, notes the records they drop, and reports
// whether any of them masks, and whether any drops the field.
func (r *Request) check(edits []Edit, at span) (masks, drops bool, err error) {
	t := r.Texts[edits[at.lo].Text]
	text, last := r.Text(t), 0
	for i := at.lo; i < at.hi; i++ {
		e := &edits[i]
		switch {
		case e.Drop == DropRecord:
			r.drop(t)
			continue
		case t.Binary:
			return false, false, &EditError{i, "masks part of a binary text"}
		case e.Drop == DropField:
			drops = true
			continue
		case e.Start < last || e.End <= e.Start || e.End > len(text):
			return false, false, &EditError{i, fmt.Sprintf("range [%d, %d) is empty, overlaps or leaves its text", e.Start, e.End)}
		case !boundary(text, e.Start) || !boundary(text, e.End):
			return false, false, &EditError{i, "cuts a UTF-8 sequence"}
		case len(e.Replacement) > MaxReplacement || !utf8.ValidString(e.Replacement):
			return false, false, &EditError{i, "replacement too long or not UTF-8"}
		}
		masks, last = true, e.End
	}
	return masks, drops, nil
}

func boundary(text []byte, at int) bool {
	return at == len(text) || utf8.RuneStart(text[at])
}

// drop notes that the record that owns a text goes, or those of the resource or scope that
// does: which they are is looked for once, however many edits say so.
func (r *Request) drop(t Text) {
	if t.Owner == OfRecord {
		r.dropped[t.Index] = true
		return
	}
	if r.droppedIn == nil {
		r.droppedIn = make(map[context]bool)
	}
	r.droppedIn[context{t.Owner, t.Index}] = true
}

// A context is a resource or a scope of a request.
type context struct {
	owner Owner
	index uint32
}

// A splicer writes messages to out. next is the first op that has not been
// passed.
type splicer struct {
	reader
	req   *Request
	edits []Edit
	out   []byte
	next  int

	base int   // where in out the present record or context begins
	gaps []Gap // of the present record or context
	attr attribute
}

// An attribute is the innermost KeyValue that is being written, if there is one.
type attribute struct{ open, dropped bool }

func (s *splicer) all(d *Redacted) error {
	r := s.req
	for i := range r.Records {
		b, err := s.record(i)
		if err != nil {
			return err
		}
		rec := &r.Records[i]
		d.Records = append(d.Records, RedactedRecord{
			Kind: rec.Kind, Resource: rec.Resource, Scope: rec.Scope, Dropped: r.dropped[i], Bytes: b, Gaps: s.gaps,
		})
	}
	for _, res := range r.Resources {
		b, err := s.context(r.Signal.resource(), span{res.start, res.end})
		if err != nil {
			return err
		}
		d.Resources, d.ResourceGaps = append(d.Resources, b), append(d.ResourceGaps, s.gaps)
		d.SDKs = append(d.SDKs, SDK{s.one(res.SDKName), s.one(res.SDKVersion)})
	}
	for _, sc := range r.Scopes {
		b, err := s.context(r.Signal.scope(), span{sc.start, sc.end})
		if err != nil {
			return err
		}
		d.Scopes, d.ScopeGaps = append(d.Scopes, b), append(d.ScopeGaps, s.gaps)
	}
	return nil
}

// record returns the bytes of a record: those of the request where Splice would
// write the same ones.
func (s *splicer) record(i int) ([]byte, error) {
	rec := &s.req.Records[i]
	s.begin(rec.start)
	if s.req.dropped[i] {
		return nil, nil
	}
	if !rec.loose && !s.touches(rec.end) {
		return s.buf[rec.start:rec.end:rec.end], nil
	}
	err := s.message(s.req.Signal.record(), span{rec.start, rec.end}, rec.loose)
	return s.written(), err
}

// context returns the bytes of a resource or scope without what it contains.
func (s *splicer) context(m *message, at span) ([]byte, error) {
	s.begin(at.lo)
	err := s.message(m, at, true)
	return s.written(), err
}

// one returns a single text with its edits applied.
func (s *splicer) one(text int) []byte {
	if text < 0 {
		return nil
	}
	t := s.req.Texts[text]
	s.begin(int(t.Start))
	if !s.touches(int(t.End)) {
		return s.req.Text(t)
	}
	s.edited(s.req.ops[s.next])
	if len(s.gaps) > 0 {
		return nil
	}
	return s.written()
}

// begin starts the writing of what begins at an offset of the request.
func (s *splicer) begin(at int) {
	s.seek(at)
	s.base, s.gaps = len(s.out), nil
}

// written returns what has been written since begin.
func (s *splicer) written() []byte { return s.out[s.base:len(s.out):len(s.out)] }

func (s *splicer) start(o op) int { return int(s.req.Texts[o.text].Start) }

// seek makes next the first op at or after an offset. Texts, and so ops, are in
// the order of the wire.
func (s *splicer) seek(at int) {
	s.next, _ = slices.BinarySearchFunc(s.req.ops, at, func(o op, at int) int {
		return cmp.Compare(s.start(o), at)
	})
}

// touches reports whether an op lies before end.
func (s *splicer) touches(end int) bool {
	return s.next < len(s.req.ops) && s.start(s.req.ops[s.next]) < end
}

// message writes the fields of a message. In a strict message, one without
// unknown fields and long varints, all that no op touches is copied as it is.
func (s *splicer) message(m *message, at span, loose bool) error {
	for pos := at.lo; pos < at.hi; {
		f, lo, hi, err := s.field(m, pos, at.hi)
		if err != nil {
			return &Error{Err: err, Place: m.name, Offset: pos}
		}
		switch {
		case f == nil:
		case f.hook == scopeHook || f.hook == recordHook:
			for s.touches(hi) {
				s.next++
			}
		case !loose && !s.touches(hi):
			s.out = append(s.out, s.buf[pos:hi]...)
		default:
			if err := s.known(f, span{lo, hi}, loose); err != nil {
				return err
			}
		}
		pos = hi
	}
	return nil
}

// known writes one field anew.
func (s *splicer) known(f *field, at span, loose bool) error {
	start := len(s.out)
	s.out = appendVarint(s.out, uint64(f.number)<<3|uint64(f.wire))
	switch {
	case f.wire == wireVarint:
		v, _, err := s.varint(at.lo, at.hi)
		s.out = appendVarint(s.out, v)
		return err
	case f.wire != wireBytes:
		s.out = append(s.out, s.buf[at.lo:at.hi]...)
		return nil
	case f.kind == nested && f.sub.pair:
		return s.attribute(f.sub, at, loose, start)
	case f.kind == nested:
		return s.nested(f.sub, at, loose)
	case s.touches(at.hi):
		s.edit(s.req.ops[s.next])
		s.next++
		return nil
	}
	s.out = appendVarint(s.out, uint64(at.hi-at.lo))
	s.out = append(s.out, s.buf[at.lo:at.hi]...)
	return nil
}

// attribute writes a KeyValue behind its length, and takes it back from start on
// if an edit in it, and in no attribute further in, drops the field.
func (s *splicer) attribute(m *message, at span, loose bool, start int) error {
	outer, gaps := s.attr, len(s.gaps)
	s.attr = attribute{open: true}
	err := s.nested(m, at, loose)
	if s.attr.dropped {
		s.out, s.gaps = s.out[:start], s.gaps[:gaps]
	}
	s.attr = outer
	return err
}

// nested writes a submessage behind its length. The length is known only
// afterwards: room is left for one as long as the old, and the submessage moves
// in the rare case that the new one needs other room.
func (s *splicer) nested(m *message, at span, loose bool) error {
	start, gaps := len(s.out), len(s.gaps)
	room := varintSize(uint64(at.hi - at.lo))
	s.out = append(s.out, make([]byte, room)...)
	if err := s.message(m, at, loose); err != nil {
		return err
	}
	size := len(s.out) - start - room
	if need := varintSize(uint64(size)); need != room {
		s.out = slices.Grow(s.out, need)
		copy(s.out[start+need:start+need+size], s.out[start+room:])
		s.out = s.out[:start+need+size]
		for i := range s.gaps[gaps:] {
			s.gaps[gaps+i].At += need - room
		}
	}
	appendVarint(s.out[:start], uint64(size))
	return nil
}

// edit writes the length and the content of a text that an op touches.
func (s *splicer) edit(o op) {
	t := s.req.Texts[o.text]
	size := int(t.End - t.Start)
	switch {
	case o.binary:
		size = len(BinaryReplacement)
	case o.drop:
		size, s.attr.dropped = 0, s.attr.open
	}
	for _, e := range s.edits[o.edits.lo:o.edits.hi] {
		if !o.drop && e.Drop == DropNothing {
			size += len(e.Replacement) - (e.End - e.Start)
		}
	}
	s.out = appendVarint(s.out, uint64(size))
	s.edited(o)
}

// edited writes the content of a text that an op touches.
func (s *splicer) edited(o op) {
	switch {
	case o.binary:
		s.out = append(s.out, BinaryReplacement...)
		return
	case o.drop:
		return
	}
	text, last := s.req.Text(s.req.Texts[o.text]), 0
	for i := o.edits.lo; i < o.edits.hi; i++ {
		e := &s.edits[i]
		if e.Drop != DropNothing {
			continue
		}
		s.out = append(s.out, text[last:e.Start]...)
		if e.Gap {
			s.gaps = append(s.gaps, Gap{i, len(s.out) - s.base})
		}
		s.out = append(s.out, e.Replacement...)
		last = e.End
	}
	s.out = append(s.out, text[last:]...)
}
