package otlpwire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Options of a walk.
type Options struct {
	Limits Limits

	// SessionKeys are attribute names that hold the session id in this
	// deployment. They come before the well-known ones.
	SessionKeys []string

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
	counts, err := Scan(buf, sig, opt.Limits)
	if err == nil && opt.Admit != nil {
		err = opt.Admit(counts)
	}
	if err != nil {
		return err
	}
	r.buf, r.Signal, r.Counts = buf, sig, counts
	r.Records = slices.Grow(r.Records, counts.Records)
	r.Texts = slices.Grow(r.Texts, counts.Texts)
	w := walker{reader: reader{buf: buf}, req: r, sessionKeys: opt.SessionKeys, kind: Span}
	if sig == Logs {
		w.kind = Log
	}
	if err := w.message(sig.root(), span{0, len(buf)}); err != nil {
		r.Reset()
		return err
	}
	w.sessions()
	return nil
}

// A span is a range of the request.
type span struct{ lo, hi int }

// A walker is at one place of a request: in a resource, perhaps in a scope,
// perhaps in a record and in an attribute. Scan has run before it, so the
// depth of its recursion is bounded by MaxDepth.
type walker struct {
	reader
	req         *Request
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
			if !w.once(m, f, &seen) {
				return w.refuse(ErrDuplicate, m, pos)
			}
			if err := w.known(m, f, span{lo, hi}); err != nil {
				return err
			}
		}
		pos = hi
	}
	return nil
}

// once notes a field and reports whether it may occur here. Of the fields of a
// oneof there may be one: they all set the same bit.
func (w *walker) once(m *message, f *field, seen *uint32) bool {
	if f.repeated {
		return true
	}
	bit := uint32(1)
	if !m.oneof {
		bit = 1 << f.number
	}
	if *seen&bit != 0 {
		return false
	}
	*seen |= bit
	return true
}

func (w *walker) known(m *message, f *field, at span) error {
	switch f.kind {
	case text, blob:
		return w.text(m, f, at)
	case nested:
		return w.nested(f, at)
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
	t := Text{
		Start: uint32(at.lo), End: uint32(at.hi),
		Owner: w.owner, Index: w.index(), Place: f.place, Role: m.role,
	}
	valid := utf8.Valid(b)
	switch {
	case f.kind == blob && (!valid || bytes.IndexByte(b, 0) >= 0):
		t.Binary = true
		w.req.Binary = append(w.req.Binary, len(w.req.Texts))
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
	w.req.Texts = append(w.req.Texts, t)
	return nil
}

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
	w.owner, w.resource = OfResource, len(r.Resources)
	r.Resources = append(r.Resources, Resource{
		SDKName: -1, SDKVersion: -1, start: at.lo, end: at.hi, session: hint{rank: unranked},
	})
	return w.message(f.sub, at)
}

// inScope and inRecord give the owner back: a resource's own fields may follow
// its scopes on the wire.
func (w *walker) inScope(f *field, at span) error {
	w.owner, w.scope = OfScope, len(w.req.Scopes)
	w.req.Scopes = append(w.req.Scopes, Scope{Resource: w.resource, start: at.lo, end: at.hi})
	err := w.message(f.sub, at)
	w.owner = OfResource
	return err
}

func (w *walker) inRecord(f *field, at span) error {
	w.owner = OfRecord
	w.req.Records = append(w.req.Records, Record{
		Kind: w.kind, Resource: w.resource, Scope: w.scope, FirstText: len(w.req.Texts),
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

// pair walks a KeyValue. The key decides about the value, and may follow it on
// the wire; texts are added in the order of the wire all the same.
func (w *walker) pair(f *field, at span) error {
	m, seen := f.sub, uint32(0)
	var key, value span
	var keyField, valueField *field
	for pos := at.lo; pos < at.hi; {
		g, lo, hi, err := w.field(m, pos, at.hi)
		if err != nil {
			return w.refuse(err, m, pos)
		}
		if g != nil && !w.once(m, g, &seen) {
			return w.refuse(ErrDuplicate, m, pos)
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
	outerKey, outerRole := w.key, w.role
	w.key = key
	if f.hook == recordAttribute || f.hook == resourceAttribute {
		w.attribute(f, key, value, len(w.req.Texts))
	}
	if f.hook != noHook {
		w.role = roleOf(w.buf[key.lo:key.hi], abi.RoleOther)
	}
	err := w.message(valueField.sub, value)
	w.key, w.role = outerKey, outerRole
	return err
}
