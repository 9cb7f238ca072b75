package otlpwire

import (
	"encoding/hex"
	"math"
	"strconv"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Attribute keys of the sender that mean something to the notary itself.
const (
	keySessionEnd = "veriproof.session.end"
	keyPrevious   = "session.previous_id"
	keyEventName  = "event.name" // of log records, before they had a field for it
	keySDKName    = "telemetry.sdk.name"
	keySDKVersion = "telemetry.sdk.version"
)

// Events of the semantic conventions, as log records.
const (
	eventSessionStart = "session.start"
	eventSessionEnd   = "session.end"
)

// sessionKeys are the well-known names of a session, most telling first.
var sessionKeys = []string{
	"session.id",
	"gen_ai.conversation.id",
	"traceloop.association.properties.session_id",
	"langfuse.session.id",
}

// unranked is the rank of no session.
const unranked = math.MaxInt32

// A hint is a candidate for a record's session id.
type hint struct {
	lo, hi  int
	rank    int // lower is better
	scratch bool
	text    int32 // which of the texts it is, counted from 1; 0 if it is none that is listed
}

// A keySet tells keys that mean something from most others, by their first byte and
// length.
type keySet [256]uint64

func newKeySet(names ...string) (s keySet) {
	for _, name := range names {
		s[name[0]] |= 1 << min(len(name), 63)
	}
	return s
}

func (s *keySet) may(key []byte) bool {
	return len(key) > 0 && s[key[0]]>>min(len(key), 63)&1 != 0
}

// hintKeys are the keys that attribute looks for.
var hintKeys = newKeySet(append([]string{keySessionEnd, keyPrevious, keyEventName, keySDKName, keySDKVersion}, sessionKeys...)...)

// sessionRank returns the place of a key in the order of session keys.
func (w *walker) sessionRank(key []byte) int {
	for i, k := range w.sessionKeys {
		if string(key) == k {
			return i
		}
	}
	for i, k := range sessionKeys {
		if string(key) == k {
			return len(w.sessionKeys) + i
		}
	}
	return unranked
}

// roleOf returns the role of an attribute's value by its key.
func roleOf(key []byte, otherwise abi.Role) abi.Role {
	switch string(key) {
	case "gen_ai.system_instructions", "gen_ai.tool.definitions":
		return abi.RoleSystem
	case "gen_ai.input.messages", "gen_ai.prompt", "input.value", "traceloop.entity.input", "langfuse.observation.input":
		return abi.RoleUser
	case "gen_ai.output.messages", "gen_ai.completion", "output.value", "traceloop.entity.output", "langfuse.observation.output":
		return abi.RoleAssistant
	case "gen_ai.tool.call.arguments":
		return abi.RoleToolCall
	case "gen_ai.tool.call.result":
		return abi.RoleToolResult
	}
	return rolePrefix(key, otherwise)
}

// rolePrefix knows the conventions that number messages: gen_ai.prompt.0.content.
func rolePrefix(key []byte, otherwise abi.Role) abi.Role {
	if len(key) < 16 {
		return otherwise
	}
	switch key[4] { // of gen_ai and llm
	case 'a':
		if string(key[:14]) == "gen_ai.prompt." {
			return abi.RoleUser
		}
		if len(key) >= 18 && string(key[:18]) == "gen_ai.completion." {
			return abi.RoleAssistant
		}
	case 'i':
		if len(key) >= 19 && string(key[:19]) == "llm.input_messages." {
			return abi.RoleUser
		}
	case 'o':
		if len(key) >= 20 && string(key[:20]) == "llm.output_messages." {
			return abi.RoleAssistant
		}
	}
	return otherwise
}

// attribute looks at one attribute of a record or a resource. The value's text,
// if it is one, will have index next.
func (w *walker) attribute(f *field, key, value span, next int) {
	name := w.buf[key.lo:key.hi]
	if !hintKeys.may(name) && len(w.sessionKeys) == 0 {
		return
	}
	if rank := w.sessionRank(name); rank != unranked {
		w.candidate(f.hook, rank, value, next)
	}
	if f.hook == recordAttribute {
		w.recordAttribute(name, value)
		return
	}
	if v, as := w.scalar(value); as == aString && v.lo < v.hi {
		res := &w.req.Resources[w.resource]
		switch {
		case string(name) == keySDKName && res.SDKName < 0:
			res.SDKName = next
		case string(name) == keySDKVersion && res.SDKVersion < 0:
			res.SDKVersion = next
		}
	}
}

func (w *walker) recordAttribute(name []byte, value span) {
	switch string(name) {
	case keySessionEnd:
		if w.isTrue(value) {
			w.record().End = true
		}
	case keyPrevious:
		if w.kind != Log {
			return // no event
		}
		x := w.record()
		switch v, as := w.scalar(value); as {
		case aString:
			x.previous, x.inScratch = v, false
		case anInteger:
			x.previous, x.inScratch = w.decimal(v), true
		}
	case keyEventName:
		if v, as := w.scalar(value); as == aString && w.kind == Log {
			w.event(w.buf[v.lo:v.hi])
		}
	}
}

// event notes what a log record says of its session.
func (w *walker) event(name []byte) {
	switch string(name) {
	case eventSessionStart:
		w.record().starts = true
	case eventSessionEnd:
		w.record().End = true
	}
}

// Fields of AnyValue.
const (
	aString   = 1
	aBoolean  = 2
	anInteger = 3
)

// scalar returns the payload of an AnyValue's one field, and which it is, if that is a
// string, an integer or a boolean; else 0. Two fields or malformed ones are found by the walk.
func (w *walker) scalar(value span) (payload span, as uint8) {
	for pos := value.lo; pos < value.hi; {
		f, lo, hi, err := w.field(scalarValue, pos, value.hi)
		if err != nil {
			return span{}, 0
		}
		pos = hi
		if f != nil && (f.number == aString || f.number == aBoolean || f.number == anInteger) {
			payload, as = span{lo, hi}, f.number
		}
	}
	return payload, as
}

// decimal writes an integer into scratch, as an id.
func (w *walker) decimal(v span) span {
	n, _, _ := w.varint(v.lo, v.hi)
	lo := len(w.req.scratch)
	w.req.scratch = strconv.AppendInt(w.req.scratch, int64(n), 10)
	return span{lo, len(w.req.scratch)}
}

// scalarValue has the fields of AnyValue, as everywhere: here of a log's body.
var scalarValue = Logs.record().fields[5].sub

func (w *walker) candidate(h hook, rank int, value span, next int) {
	held := &w.req.Resources[w.resource].session
	rank *= 2
	if h == recordAttribute {
		held = &w.record().session
	} else {
		rank++
	}
	v, as := w.scalar(value)
	if as != aString && as != anInteger || v.lo == v.hi || rank >= held.rank {
		return
	}
	*held = hint{lo: v.lo, hi: v.hi, rank: rank}
	if as == anInteger {
		v = w.decimal(v)
		*held = hint{lo: v.lo, hi: v.hi, rank: rank, scratch: true}
	} else if !w.unlisted() {
		held.text = int32(next) + 1
	}
}

// isTrue accepts the boolean and, for senders whose attributes are strings, the
// word.
func (w *walker) isTrue(value span) bool {
	v, as := w.scalar(value)
	if as == aBoolean || as == anInteger {
		n, _, err := w.varint(v.lo, v.hi)
		return err == nil && n != 0
	}
	return string(w.buf[v.lo:v.hi]) == "true"
}

// sessions settles which session each record belongs to. It runs at the end,
// since a resource may follow its spans on the wire.
func (w *walker) sessions() {
	r := w.req
	for i := range r.Records {
		rec := &r.Records[i]
		if h := r.Resources[rec.Resource].session; h.rank < rec.session.rank {
			rec.session = h
		}
		if rec.session.rank < unranked || rec.traceID == 0 {
			continue
		}
		lo := len(r.scratch)
		r.scratch = hex.AppendEncode(r.scratch, r.buf[rec.traceID:rec.traceID+16])
		rec.session = hint{lo: lo, hi: len(r.scratch), rank: unranked, scratch: true}
	}
}
