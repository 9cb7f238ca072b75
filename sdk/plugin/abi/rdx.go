package abi

import (
	"encoding/binary"
	"unicode/utf8"
)

// Magic numbers, versions and sizes of rdx v1, in bytes.
const (
	// MagicRequest opens a redaction request ("RDX1").
	MagicRequest = 0x31584452
	// MagicReply opens a redaction reply ("RDR1").
	MagicReply = 0x31524452
	// Major is the major version of rdx; a guest refuses any other.
	Major = 1
	// Minor is the minor version of rdx this package writes.
	Minor = 0

	// Align is the alignment of requests, of the field table and of every text.
	Align = 16
	// Tail is the number of zero bytes the host writes behind a request, so
	// that a guest may read whole vectors.
	Tail = 16

	requestHeader = 32
	fieldRecord   = 32
	replyHeader   = 16
	editRecord    = 16

	// MaxMessage bounds a request and a reply, of rdx and sto, in bytes.
	MaxMessage = 16 << 20
	// MaxFields bounds the number of fields of one request.
	MaxFields = 1 << 16
	// MaxBatchText is the most text the host puts in one request, in bytes.
	MaxBatchText = 64 << 10
	// MaxBatchKeys is the most that the keys of one request take together, in bytes: the
	// elements of an array each have that of the whole.
	MaxBatchKeys = 64 << 10
	// MaxEdits bounds the edits of one reply: one for every other byte of the
	// largest batch.
	MaxEdits = MaxBatchText / 2
)

// Role says what a text is in the conversation it belongs to.
type Role uint16

// Roles of rdx v1. A guest treats an unknown role like RoleOther.
const (
	RoleOther Role = iota
	RoleSystem
	RoleUser
	RoleAssistant
	RoleToolCall
	RoleToolResult
	RoleAttribute
	RoleEvent
	RoleResource
)

// Format says how a text is written.
type Format uint16

// Formats of rdx v1. A guest treats an unknown format like FormatText.
const (
	FormatText Format = iota
	FormatJSON
	FormatCode
	FormatBase64
)

// A Field is one text of a batch. In a guest, Text and Key point into the
// request and are valid until the next rdx_alloc.
type Field struct {
	// Text is valid UTF-8, possibly empty; the host guarantees it.
	Text []byte
	// Key is the OTLP attribute key the text stands under, or empty.
	Key    []byte
	Role   Role
	Format Format
	// Group is equal for fields of one message or record and means nothing
	// beyond the batch.
	Group uint32
}

// An Edit asks the host to replace bytes [Start, End) of a field's text.
type Edit struct {
	// Field is the index of the field in the request.
	Field uint32
	// Start and End are byte offsets in the field's text, on UTF-8 borders.
	Start, End uint32
	// Label is the index of the label in the manifest's list.
	Label uint16
	// Score is the guest's confidence, 0 to 65535, by custom 0 to 1000. The
	// operator may set a least one for a label; lower edits are not made.
	Score uint16
}

func align(n int) int { return (n + Align - 1) &^ (Align - 1) }

// A RequestLayout adds up how long a request is, field by field, for who does not have
// its fields in one slice.
type RequestLayout struct{ fields, texts, keys int }

// Add adds a field with a text and a key of so many bytes.
func (l *RequestLayout) Add(text, key int) {
	l.fields, l.texts, l.keys = l.fields+1, align(l.texts)+text, l.keys+key
}

// Size returns the length in bytes of the request of what was added, without the tail.
func (l *RequestLayout) Size() (int, error) {
	if l.fields > MaxFields {
		return 0, malformed(dec(l.fields) + " fields in one request, at most " + dec(MaxFields))
	}
	n := l.text() + l.texts + l.keys
	if n > MaxMessage {
		return 0, malformed("request of more than " + dec(MaxMessage) + " bytes")
	}
	return n, nil
}

// text is where the first text begins, a multiple of Align.
func (l *RequestLayout) text() int { return requestHeader + l.fields*fieldRecord }

// AppendRequest appends the request for the fields, without the tail. The
// request's first byte has to come to lie at a multiple of [Align] in the
// guest's memory.
func AppendRequest(dst []byte, fields []Field) ([]byte, error) {
	var l RequestLayout
	for i := range fields {
		l.Add(len(fields[i].Text), len(fields[i].Key))
	}
	size, err := l.Size()
	if err != nil {
		return dst, err
	}
	base := len(dst)
	dst = append(dst, make([]byte, size)...)
	w := l.Begin(dst[base:])
	for i := range fields {
		f := &fields[i]
		w.Put(f.Text, f.Key, f.Role, f.Format, f.Group)
	}
	return dst, nil
}

// A RequestWriter writes a request into memory of the size that its layout gives.
type RequestWriter struct {
	b                 []byte
	record, text, key int // where those of the next field go
	keys              int // where the first key went
}

// Begin writes the header of a request to b, whose length is the layout's size. When each
// field that was added has been put, in the same order, every byte of b is written.
func (l *RequestLayout) Begin(b []byte) RequestWriter {
	le := binary.LittleEndian
	le.PutUint32(b[0:], MagicRequest)
	le.PutUint16(b[4:], Major)
	le.PutUint16(b[6:], Minor)
	le.PutUint32(b[8:], uint32(len(b)))
	le.PutUint32(b[12:], uint32(l.fields))
	le.PutUint32(b[16:], requestHeader)
	le.PutUint32(b[20:], fieldRecord)
	le.PutUint64(b[24:], 0)
	keys := l.text() + l.texts
	return RequestWriter{b: b, record: requestHeader, text: l.text(), key: keys, keys: keys}
}

// Put writes the next field, which is as in a [Field].
func (w *RequestWriter) Put(text, key []byte, role Role, format Format, group uint32) {
	le := binary.LittleEndian
	at := align(w.text)
	if w.text+Align <= w.keys { // the padding, and what text is written over
		pad := w.b[w.text:][:Align]
		le.PutUint64(pad[0:], 0)
		le.PutUint64(pad[8:], 0)
	} else {
		clear(w.b[w.text:at])
	}
	rec := w.b[w.record:][:fieldRecord]
	le.PutUint32(rec[0:], uint32(at))
	le.PutUint32(rec[4:], uint32(len(text)))
	le.PutUint32(rec[8:], uint32(w.key))
	le.PutUint32(rec[12:], uint32(len(key)))
	le.PutUint16(rec[16:], uint16(role))
	le.PutUint16(rec[18:], uint16(format))
	le.PutUint32(rec[20:], group)
	le.PutUint64(rec[24:], 0)
	w.record += fieldRecord
	w.text = at + copy(w.b[at:], text)
	w.key += copy(w.b[w.key:], key)
}

// DecodeRequest reads a request and appends its fields to dst[:0]. The fields'
// texts and keys are views of b. It accepts every minor version of rdx v1:
// longer records than it knows are read as far as it knows them.
func DecodeRequest(b []byte, dst []Field) ([]Field, error) {
	le := binary.LittleEndian
	if len(b) < requestHeader || le.Uint32(b) != MagicRequest {
		return nil, malformed("no request header")
	}
	if v := le.Uint16(b[4:]); v != Major {
		return nil, malformed("request of major version " + dec(v) + ", want " + dec(Major))
	}
	if n := le.Uint32(b[8:]); uint64(n) != uint64(len(b)) {
		return nil, malformed("request says " + dec(n) + " bytes, has " + dec(len(b)))
	}
	n, table, size := le.Uint32(b[12:]), le.Uint32(b[16:]), le.Uint32(b[20:])
	if n > MaxFields || size < fieldRecord || size > 1024 {
		return nil, malformed(dec(n) + " fields with records of " + dec(size) + " bytes")
	}
	if uint64(table)+uint64(n)*uint64(size) > uint64(len(b)) {
		return nil, malformed("field table ends behind the request")
	}
	dst = dst[:0]
	for i := range n {
		f, err := decodeField(b, b[table+i*size:])
		if err != nil {
			return nil, err
		}
		dst = append(dst, f)
	}
	return dst, nil
}

func decodeField(b, rec []byte) (Field, error) {
	le := binary.LittleEndian
	text, ok1 := view(b, le.Uint32(rec[0:]), le.Uint32(rec[4:]))
	key, ok2 := view(b, le.Uint32(rec[8:]), le.Uint32(rec[12:]))
	if !ok1 || !ok2 {
		return Field{}, malformed("field lies outside the request")
	}
	return Field{
		Text: text, Key: key,
		Role: Role(le.Uint16(rec[16:])), Format: Format(le.Uint16(rec[18:])),
		Group: le.Uint32(rec[20:]),
	}, nil
}

// view returns b[off:off+n] with no room behind it, if it lies within b.
func view(b []byte, off, n uint32) ([]byte, bool) {
	end := uint64(off) + uint64(n)
	if end > uint64(len(b)) {
		return nil, false
	}
	return b[off:end:end], true
}

// AppendReply appends a reply with the guest's status (0 is success) and its
// edits.
func AppendReply(dst []byte, status uint32, edits []Edit) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, MagicReply)
	dst = le.AppendUint32(dst, status)
	dst = le.AppendUint32(dst, uint32(len(edits)))
	dst = le.AppendUint32(dst, editRecord)
	for _, e := range edits {
		dst = le.AppendUint32(dst, e.Field)
		dst = le.AppendUint32(dst, e.Start)
		dst = le.AppendUint32(dst, e.End)
		dst = le.AppendUint16(dst, e.Label)
		dst = le.AppendUint16(dst, e.Score)
	}
	return dst
}

// DecodeReply reads a reply of exactly len(b) bytes with at most maxEdits edits
// and appends the edits to dst[:0]. It checks the layout only; what the edits
// say is checked by [ValidateEdits].
func DecodeReply(b []byte, maxEdits int, dst []Edit) (status uint32, edits []Edit, err error) {
	le := binary.LittleEndian
	if len(b) < replyHeader || le.Uint32(b) != MagicReply {
		return 0, nil, malformed("no reply header")
	}
	status, n, size := le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])
	if size != editRecord {
		return 0, nil, malformed("edit records of " + dec(size) + " bytes, want " + dec(editRecord))
	}
	if uint64(n) > uint64(max(maxEdits, 0)) {
		return 0, nil, malformed(dec(n) + " edits, at most " + dec(maxEdits))
	}
	if uint64(len(b)) != replyHeader+uint64(n)*editRecord {
		return 0, nil, malformed("reply of " + dec(len(b)) + " bytes for " + dec(n) + " edits")
	}
	edits = dst[:0]
	for b = b[replyHeader:]; len(b) > 0; b = b[editRecord:] {
		edits = append(edits, Edit{
			Field: le.Uint32(b[0:]), Start: le.Uint32(b[4:]), End: le.Uint32(b[8:]),
			Label: le.Uint16(b[12:]), Score: le.Uint16(b[14:]),
		})
	}
	return status, edits, nil
}

// ValidateEdits checks that edits are an answer to the fields: fields and
// labels exist, 0 <= start < end <= length, both on UTF-8 borders, sorted by
// field and start, no overlap. The host refuses the batch otherwise; a guest's
// tests call it to find the error at home.
func ValidateEdits(fields []Field, edits []Edit, labels int) error {
	return ValidateEditsOf(len(fields), func(field int) []byte { return fields[field].Text }, edits, labels)
}

// ValidateEditsOf is [ValidateEdits] for who does not have the fields in one slice: there
// are so many, and text returns that of one.
func ValidateEditsOf(fields int, text func(field int) []byte, edits []Edit, labels int) error {
	for i, e := range edits {
		if uint64(e.Field) >= uint64(fields) {
			return malformed("edit " + dec(i) + ": field " + dec(e.Field) + " of " + dec(fields))
		}
		if int(e.Label) >= labels {
			return malformed("edit " + dec(i) + ": label " + dec(e.Label) + " of " + dec(labels))
		}
		text := text(int(e.Field))
		if e.Start >= e.End || uint64(e.End) > uint64(len(text)) {
			return malformed("edit " + dec(i) + ": range [" + dec(e.Start) + ", " + dec(e.End) + ") in a text of " + dec(len(text)) + " bytes")
		}
		if !border(text, e.Start) || !border(text, e.End) {
			return malformed("edit " + dec(i) + ": range [" + dec(e.Start) + ", " + dec(e.End) + ") cuts a UTF-8 sequence")
		}
		if i == 0 {
			continue
		}
		p := edits[i-1]
		if e.Field < p.Field || e.Field == p.Field && e.Start < p.End {
			return malformed("edit " + dec(i) + ": overlaps edit " + dec(i-1) + " or comes before it")
		}
	}
	return nil
}

func border(text []byte, at uint32) bool {
	return int(at) == len(text) || utf8.RuneStart(text[at])
}
