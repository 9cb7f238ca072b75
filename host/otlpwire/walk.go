package otlpwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Options of a walk.
type Options struct {
	Limits Limits

	// SessionKeys are attribute names that hold the session id in this
	// deployment. They come before the well-known ones.
	SessionKeys []string

	// Blind leaves out the texts of records, for who does not redact: they are checked and
	// counted, and not listed. Resources and scopes have theirs.
	Blind bool

	thorough bool // every field by itself; for tests, which compare

	// Admit, if set, is asked when it is known what is in a request, and before
	// anything is allocated for it. Its error ends the walk, as it is.
	Admit func(Counts) error
}

// Walk scans and then walks an export request, with no session keys of the
// deployment's own. See [Request.Walk].
func Walk(buf []byte, sig Signal, lim Limits) (*Request, error) {
	r := new(Request)
	if err := r.Walk(buf, sig, Options{Limits: lim}); err != nil {
		return nil, err
	}
	return r, nil
}

// Walk finds the records and texts of an export request, reusing the memory of
// the request that r held before. After an error, an [*Error], r is reset.
func (r *Request) Walk(buf []byte, sig Signal, opt Options) error {
	r.Reset()
	if done, err := r.walkOnce(buf, sig, opt); done {
		return err
	}
	counts, err := Scan(buf, sig, opt.Limits)
	if err == nil && opt.Admit != nil {
		err = opt.Admit(counts)
	}
	if err != nil {
		return err
	}
	r.Records = slices.Grow(r.Records, counts.Records)
	if !opt.Blind {
		r.Texts = slices.Grow(r.Texts, counts.Texts)
	}
	w := r.walker(buf, sig, opt)
	if err := w.message(sig.root(), span{0, len(buf)}); err != nil {
		r.Reset()
		return err
	}
	w.sessions()
	return nil
}

// walkOnce walks a request that has not been scanned, in the memory that r has. It gives
// up, with r reset, if there is not enough, and on any error: which one it is to be, the
// scan decides. Nothing is allocated before Admit but session ids, which are shorter
// than the attributes that they stand in.
func (r *Request) walkOnce(buf []byte, sig Signal, opt Options) (done bool, err error) {
	if root := sig.root(); root == nil || cap(r.Texts) == 0 || len(buf) > opt.Limits.orDefault().Bytes {
		return false, nil
	}
	w := r.walker(buf, sig, opt)
	w.tight = true
	if err := w.message(sig.root(), span{0, len(buf)}); err != nil {
		r.Reset()
		return false, nil
	}
	if opt.Admit != nil {
		if err := opt.Admit(r.Counts); err != nil {
			r.Reset()
			return true, err
		}
	}
	w.sessions()
	return true, nil
}

func (r *Request) walker(buf []byte, sig Signal, opt Options) walker {
	r.buf, r.Signal = buf, sig
	w := walker{reader: reader{buf: buf}, req: r, lim: opt.Limits.orDefault(), sessionKeys: opt.SessionKeys, blind: opt.Blind, thorough: opt.thorough, kind: Span}
	if sig == Logs {
		w.kind = Log
	}
	return w
}

// A span is a range of the request.
type span struct{ lo, hi int }

// A walker is at one place of a request: in a resource, perhaps in a scope,
// perhaps in a record and in an attribute. It counts as Scan does, and has the same
// limits; they bound the depth of its recursion.
type walker struct {
	reader
	req         *Request
	lim         Limits
	depth       int
	tight       bool // nothing may grow
	blind       bool
	thorough    bool
	sessionKeys []string
	kind        Kind

	owner    Owner
	resource int
	scope    int
	key      span     // nearest enclosing attribute key
	role     abi.Role // set by a well-known attribute key; else RoleOther
}

func (w *walker) record() *Record { return &w.req.Records[len(w.req.Records)-1] }

func (w *walker) refuse(err error, m *message, at int) error {
	return &Error{Err: err, Place: m.name, Offset: at}
}

// message walks the fields of a message.
func (w *walker) message(m *message, at span) error {
	var seen uint32
	for pos := at.lo; pos < at.hi; {
		f, lo, hi, err := w.field(m, pos, at.hi)
		if err != nil {
			return w.refuse(err, m, pos)
		}
		if f != nil {
			if f.repeated {
				switch {
				case f.kind != nested:
					if !w.count() {
						return w.refuse(ErrTooMany, m, pos)
					}
				case f.sub.pair && !w.thorough && w.plainPair(f, span{lo, hi}):
					pos = hi
					continue
				}
			} else if bit := uint32(1) << (f.once & 31); seen&bit != 0 {
				return w.refuse(ErrDuplicate, m, pos)
			} else {
				seen |= bit
			}
			if err := w.known(m, f, span{lo, hi}); err != nil {
				return err
			}
		}
		pos = hi
	}
	return nil
}

// count counts a submessage, or an element of repeated strings.
func (w *walker) count() bool {
	w.req.Counts.Messages++
	return w.req.Counts.Messages <= w.lim.Messages
}

// enter begins a submessage; who called it leaves it by lowering the depth.
func (w *walker) enter(m *message, at int) error {
	if w.depth == w.lim.Depth {
		return w.refuse(ErrTooDeep, m, at)
	}
	w.depth++
	w.req.Counts.Depth = max(w.req.Counts.Depth, w.depth)
	if !w.count() {
		return w.refuse(ErrTooMany, m, at)
	}
	return nil
}

func (w *walker) known(m *message, f *field, at span) error {
	switch f.kind {
	case text, blob:
		return w.text(m, f, at)
	case nested:
		if err := w.enter(f.sub, at.lo); err != nil {
			return err
		}
		err := w.nested(f, at)
		w.depth--
		return err
	case traceID, spanID:
		return w.id(m, f, at)
	case fixed64:
		w.time(f.hook, at)
	}
	return nil
}

// text adds a text. The key of an attribute is its own text, with no key.
func (w *walker) text(m *message, f *field, at span) error {
	b := w.buf[at.lo:at.hi]
	if len(b) == 0 {
		return nil
	}
	w.req.Counts.Texts++
	if w.unlisted() {
		if f.kind != blob && !validUTF8(b) {
			return w.refuse(ErrUTF8, m, at.lo)
		}
		if f.hook == eventNameHook {
			w.event(b)
		}
		return nil
	}
	texts := w.req.Texts
	if w.tight && len(texts) == cap(texts) {
		return errRoom
	}
	texts = append(texts, Text{})
	t := &texts[len(texts)-1]
	t.Start, t.End = uint32(at.lo), uint32(at.hi)
	t.Owner, t.Index, t.Place, t.Role = w.owner, w.index(), f.place, m.role
	valid := validUTF8(b)
	switch {
	case f.kind == blob && (!valid || bytes.IndexByte(b, 0) >= 0):
		if w.tight && len(w.req.Binary) == cap(w.req.Binary) {
			return errRoom
		}
		t.Binary = true
		w.req.Binary = append(w.req.Binary, len(texts)-1)
		if w.owner == OfRecord {
			w.record().binary = true
		}
	case !valid:
		return w.refuse(ErrUTF8, m, at.lo)
	}
	if f.hook != keyHook {
		t.KeyStart, t.KeyEnd = uint32(w.key.lo), uint32(w.key.hi)
		if w.role != abi.RoleOther {
			t.Role = w.role
		}
	}
	if f.hook == eventNameHook {
		w.event(b)
	}
	w.req.Texts = texts
	return nil
}

// errRoom ends a tight walk. Nobody is told.
var errRoom = errors.New("no room")

func (w *walker) index() uint32 {
	switch w.owner {
	case OfResource:
		return uint32(w.resource)
	case OfScope:
		return uint32(w.scope)
	}
	return uint32(len(w.req.Records) - 1)
}

func (w *walker) id(m *message, f *field, at span) error {
	size := 16
	if f.kind == spanID {
		size = 8
	}
	if n := at.hi - at.lo; n != 0 && n != size {
		return w.refuse(ErrIDLength, m, at.lo)
	}
	if f.hook == traceIDHook && at.hi > at.lo {
		w.record().traceID = at.lo
	}
	return nil
}

func (w *walker) time(h hook, at span) {
	if h == noHook {
		return
	}
	t := binary.LittleEndian.Uint64(w.buf[at.lo:at.hi])
	switch rec := w.record(); h {
	case startHook:
		rec.ClaimedStart = t
	case endHook:
		rec.ClaimedEnd = t
	case observedHook:
		rec.observed = t
	}
}

func (w *walker) nested(f *field, at span) error {
	switch f.hook {
	case resourceHook:
		return w.inResource(f, at)
	case scopeHook:
		return w.inScope(f, at)
	case recordHook:
		return w.inRecord(f, at)
	}
	if f.sub.pair {
		return w.pair(f, at)
	}
	return w.message(f.sub, at)
}

func (w *walker) inResource(f *field, at span) error {
	r := w.req
	if w.tight && len(r.Resources) == cap(r.Resources) {
		return errRoom
	}
	w.owner, w.resource = OfResource, len(r.Resources)
	begun := w.sofar()
	r.Resources = append(r.Resources, Resource{
		SDKName: -1, SDKVersion: -1, start: at.lo, end: at.hi, session: hint{rank: unranked},
	})
	err := w.message(f.sub, at)
	w.forgetEmpty(begun)
	return err
}

// A mark is how much of a request was noted before a resource or scope.
type mark struct{ records, resources, scopes, texts, binary int }

func (w *walker) sofar() mark {
	r := w.req
	return mark{len(r.Records), len(r.Resources), len(r.Scopes), len(r.Texts), len(r.Binary)}
}

// forgetEmpty forgets a resource or scope that has no records, with its texts: nothing of it is
// stored. Of two bytes a megabyte of requests has half a million.
func (w *walker) forgetEmpty(begun mark) {
	r := w.req
	if len(r.Records) > begun.records {
		return
	}
	r.Resources, r.Scopes = r.Resources[:begun.resources], r.Scopes[:begun.scopes]
	r.Texts, r.Binary = r.Texts[:begun.texts], r.Binary[:begun.binary]
}

// inScope and inRecord give the owner back: a resource's own fields may follow
// its scopes on the wire.
func (w *walker) inScope(f *field, at span) error {
	r := w.req
	if w.tight && len(r.Scopes) == cap(r.Scopes) {
		return errRoom
	}
	w.owner, w.scope = OfScope, len(r.Scopes)
	begun := w.sofar()
	r.Scopes = append(r.Scopes, Scope{Resource: w.resource, start: at.lo, end: at.hi})
	err := w.message(f.sub, at)
	w.forgetEmpty(begun)
	w.owner = OfResource
	return err
}

func (w *walker) inRecord(f *field, at span) error {
	r := w.req
	if w.tight && len(r.Records) == cap(r.Records) {
		return errRoom
	}
	if r.Counts.Records++; r.Counts.Records > w.lim.Records {
		return w.refuse(ErrTooMany, f.sub, at.lo)
	}
	w.owner = OfRecord
	r.Records = append(r.Records, Record{
		Kind: w.kind, Resource: w.resource, Scope: w.scope, FirstText: len(r.Texts),
		start: at.lo, end: at.hi, session: hint{rank: unranked},
	})
	w.loose = false
	err := w.message(f.sub, at)
	rec := w.record()
	rec.EndText, rec.loose = len(w.req.Texts), w.loose
	if w.kind == Log {
		if rec.ClaimedStart == 0 {
			rec.ClaimedStart = rec.observed
		}
		rec.ClaimedEnd = rec.ClaimedStart
	}
	w.owner = OfScope
	return err
}

// pair walks a KeyValue that plainPair has declined. Most are still a key and a value and
// nothing else.
func (w *walker) pair(f *field, at span) error {
	if at.lo == at.hi {
		return nil
	}
	m := f.sub
	if key, lo, end, err := w.field(m, at.lo, at.hi); err == nil && key != nil && key.hook == keyHook && end < at.hi {
		if value, from, to, err := w.field(m, end, at.hi); err == nil && value != nil && value.hook == valueHook && to == at.hi {
			if err := w.text(m, key, span{lo, end}); err != nil {
				return err
			}
			return w.value(f, value, span{lo, end}, span{from, to})
		}
	}
	return w.anyPair(f, at)
}

// anyPair walks any KeyValue. The key decides about the value, and may follow it on
// the wire; texts are added in the order of the wire all the same.
func (w *walker) anyPair(f *field, at span) error {
	m, seen := f.sub, uint32(0)
	var key, value span
	var keyField, valueField *field
	for pos := at.lo; pos < at.hi; {
		g, lo, hi, err := w.field(m, pos, at.hi)
		if err != nil {
			return w.refuse(err, m, pos)
		}
		if g != nil {
			bit := uint32(1) << (g.once & 31) // no field of a KeyValue is repeated
			if seen&bit != 0 {
				return w.refuse(ErrDuplicate, m, pos)
			}
			seen |= bit
		}
		if g != nil && g.hook == keyHook {
			key, keyField = span{lo, hi}, g
		}
		if g != nil && g.hook == valueHook {
			value, valueField = span{lo, hi}, g
		}
		pos = hi
	}
	if valueField == nil {
		return w.keyText(m, keyField, key)
	}
	if key.lo > value.lo {
		if err := w.value(f, valueField, key, value); err != nil {
			return err
		}
		return w.keyText(m, keyField, key)
	}
	if err := w.keyText(m, keyField, key); err != nil {
		return err
	}
	return w.value(f, valueField, key, value)
}

func (w *walker) keyText(m *message, f *field, key span) error {
	if f == nil {
		return nil
	}
	return w.text(m, f, key)
}

// value walks the value of a KeyValue under its key. A nested list has keys of
// its own but keeps the role of the attribute it stands in.
func (w *walker) value(f, valueField *field, key, value span) error {
	if err := w.enter(valueField.sub, value.lo); err != nil {
		return err
	}
	outerKey, outerRole := w.key, w.role
	w.key = key
	if f.hook == recordAttribute || f.hook == resourceAttribute {
		w.attribute(f, key, value, len(w.req.Texts))
	}
	if f.hook != noHook && !w.blind {
		w.role = roleOf(w.buf[key.lo:key.hi], abi.RoleOther)
	}
	err := w.anyValue(valueField.sub, value)
	w.key, w.role = outerKey, outerRole
	w.depth--
	return err
}

// anyValue walks an AnyValue. Nearly all are one text or one number.
func (w *walker) anyValue(m *message, at span) error {
	if at.lo < at.hi {
		if f, lo, hi, err := w.field(m, at.lo, at.hi); err == nil && f != nil && hi == at.hi && f.kind != nested {
			return w.known(m, f, span{lo, hi})
		}
	}
	return w.message(m, at)
}
