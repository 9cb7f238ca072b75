package otlpwire

import "github.com/veriproof/notary/sdk/plugin/abi"

// A Kind tells spans from log records. The values are those of the leaf format.
type Kind uint8

// Kinds of record.
const (
	Span Kind = 0x01
	Log  Kind = 0x02
)

// An Owner says what a text belongs to.
type Owner uint8

// Owners of texts.
const (
	OfRecord   Owner = iota // Text.Index is an index into Request.Records
	OfResource              // Text.Index is an index into Request.Resources
	OfScope                 // Text.Index is an index into Request.Scopes
)

// A Text is a range of the request in which text can hide. It is never empty.
type Text struct {
	Start, End       uint32 // offsets of the text in the request
	KeyStart, KeyEnd uint32 // offsets of the attribute key it is the value of; equal if none
	Index            uint32 // which record, resource or scope owns it
	Role             abi.Role
	Owner            Owner
	Place            Place
	Binary           bool // bytes that are no text: see Request.Binary
}

// A Record is one span or log record.
type Record struct {
	Kind     Kind
	End      bool // the sender says that the session ends with this record
	Resource int  // index into Request.Resources
	Scope    int  // index into Request.Scopes

	// ClaimedStart and ClaimedEnd are the sender's clock, in nanoseconds since
	// 1970; zero if not given. A log record has one time, the observed one if
	// it gives no other.
	ClaimedStart, ClaimedEnd uint64

	// Texts[FirstText:EndText] are the texts of this record.
	FirstText, EndText int

	start, end int // range of the record's bytes
	loose      bool
	binary     bool
	observed   uint64
	traceID    int // offset, 0 if none: no identifier starts a request
	session    hint
	previous   span // session.previous_id
	inScratch  bool // that is, and not in buf
	starts     bool // it is the event session.start
}

// A Resource is one ResourceSpans or ResourceLogs message.
type Resource struct {
	// SDKName and SDKVersion are the texts of telemetry.sdk.name and
	// telemetry.sdk.version, -1 if not given.
	SDKName, SDKVersion int

	start, end int
	session    hint
}

// A Scope is one ScopeSpans or ScopeLogs message.
type Scope struct {
	Resource   int // index into Request.Resources
	start, end int
}

// A Request is a request that has been walked. Its zero value is ready for Walk.
type Request struct {
	Signal    Signal
	Counts    Counts // of all that was sent
	Records   []Record
	Resources []Resource // that have records, as the scopes do; of others nothing is kept
	Scopes    []Scope
	Texts     []Text // in the order of the wire
	Binary    []int  // indexes of the texts that Splice replaces by BinaryReplacement

	buf      []byte
	scratch  []byte // session ids that are not a range of buf
	ops      []op
	dropped  []bool
	out      []byte
	redacted Redacted

	droppedIn map[context]bool // nil but for requests of which an edit drops a whole context
}

// keepTexts bounds the memory that an idle Request holds: a request with more
// texts than this is rare, and its slices are left to the garbage collector.
const keepTexts = 1 << 15

// Reset forgets the walked request, so that a pool holds on to memory but not to
// the sender's bytes.
func (r *Request) Reset() {
	clear(r.scratch)
	clear(r.out)
	if cap(r.Texts) > keepTexts || cap(r.Records) > keepTexts || cap(r.out) > 1<<20 {
		*r = Request{}
		return
	}
	r.redacted.reset()
	*r = Request{
		Records: r.Records[:0], Resources: r.Resources[:0], Scopes: r.Scopes[:0],
		Texts: r.Texts[:0], Binary: r.Binary[:0], scratch: r.scratch[:0],
		ops: r.ops[:0], dropped: r.dropped[:0], out: r.out[:0], redacted: r.redacted,
	}
}

// Text returns the bytes of a text.
func (r *Request) Text(t Text) []byte { return r.buf[t.Start:t.End:t.End] }

// Key returns the nearest attribute key that encloses a text, nil if none.
func (r *Request) Key(t Text) []byte {
	if t.KeyStart == t.KeyEnd {
		return nil
	}
	return r.buf[t.KeyStart:t.KeyEnd:t.KeyEnd]
}

// SessionID returns the session that the sender names for a record: the first
// of Options.SessionKeys, session.id, gen_ai.conversation.id,
// traceloop.association.properties.session_id and langfuse.session.id that has
// a non-empty string or an integer as its value, each looked for among the
// record's attributes and then among the resource's; else the trace id in lower
// case hex; else nil. It is plaintext of the sender's, not redacted.
func (r *Request) SessionID(record int) []byte {
	h := r.Records[record].session
	if h.scratch {
		return r.scratch[h.lo:h.hi:h.hi]
	}
	return r.buf[h.lo:h.hi:h.hi]
}

// SessionText returns which of Texts SessionID is, -1 if it is none: a number, the trace id,
// or nil, or where texts are not listed. What redaction makes of it is to be made of the
// session id, too: a redactor may know it by its key, its role or what stands beside it.
func (r *Request) SessionText(record int) int { return int(r.Records[record].session.text) - 1 }

// PreviousSession returns the session that has ended because a record starts another:
// the session.previous_id of a log event session.start; else nil. It is plaintext of
// the sender's, not redacted.
func (r *Request) PreviousSession(record int) []byte {
	x := &r.Records[record]
	if !x.starts {
		return nil
	}
	if x.inScratch {
		return r.scratch[x.previous.lo:x.previous.hi:x.previous.hi]
	}
	return r.buf[x.previous.lo:x.previous.hi:x.previous.hi]
}

// Original returns a record as it was sent, unknown fields included. It is
// plaintext of the sender's, not redacted.
func (r *Request) Original(record int) []byte {
	x := &r.Records[record]
	return r.buf[x.start:x.end:x.end]
}

// OriginalResource appends a resource to b as it was sent, unknown fields included and
// its scopes left out. It is plaintext of the sender's, not redacted.
func (r *Request) OriginalResource(b []byte, resource int) []byte {
	x := &r.Resources[resource]
	return r.appendFields(b, r.Signal.resource(), span{x.start, x.end})
}

// OriginalScope is OriginalResource for a scope, whose records are left out.
func (r *Request) OriginalScope(b []byte, scope int) []byte {
	x := &r.Scopes[scope]
	return r.appendFields(b, r.Signal.scope(), span{x.start, x.end})
}

// appendFields appends the fields of a message that has been walked, but for the
// scopes or records in it.
func (r *Request) appendFields(b []byte, m *message, at span) []byte {
	wire := reader{buf: r.buf}
	for pos := at.lo; pos < at.hi; {
		f, _, hi, err := wire.field(m, pos, at.hi)
		if err != nil {
			return append(b, r.buf[pos:at.hi]...) // not in what has been walked
		}
		if f == nil || f.hook != scopeHook && f.hook != recordHook {
			b = append(b, r.buf[pos:hi]...)
		}
		pos = hi
	}
	return b
}

// AllUnknown reports whether a request that can be walked has fields of its own that the
// schema does not know, and no record: what its sender meant by it nobody here has read.
func AllUnknown(buf []byte, sig Signal) bool {
	wire := reader{buf: buf}
	for pos := 0; pos < len(buf); {
		f, _, hi, err := wire.field(sig.root(), pos, len(buf))
		switch {
		case err != nil:
			return false
		case f == nil:
			counts, err := Scan(buf, sig, Limits{Bytes: len(buf), Messages: len(buf)})
			return err == nil && counts.Records == 0
		}
		pos = hi
	}
	return false
}

// TraceID returns a record's trace id: 16 bytes, or nil.
func (r *Request) TraceID(record int) []byte {
	at := r.Records[record].traceID
	if at == 0 {
		return nil
	}
	return r.buf[at : at+16 : at+16]
}
