package receipt

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/veriproof/notary/attestation/transcript"
)

// A Kind says what a leaf's record bytes are.
type Kind uint8

// The kinds of record. The numbers are part of the leaf.
const (
	Span    Kind = 1 // opentelemetry.proto.trace.v1.Span
	Log     Kind = 2 // opentelemetry.proto.logs.v1.LogRecord
	Closing Kind = 3 // Summary, as JSON: the last leaf of a sealed part
)

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case Span:
		return "span"
	case Log:
		return "log"
	case Closing:
		return "summary"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Record is one redacted record with the context that it was sent in.
type Record struct {
	Kind Kind
	// Resource and Scope are the redacted OTLP messages around the record:
	// a ResourceSpans or ResourceLogs without its scopes, a ScopeSpans or
	// ScopeLogs without its records. They are empty for a summary.
	Resource, Scope []byte
	// Edits is the encoded list of what redaction changed (EncodeEdits).
	Edits []byte
	// Bytes is the record itself.
	Bytes []byte
}

// LeafHead is the number of bytes before the record in what is hashed: those of the leaf
// data behind 0x00, by which RFC 6962 tells leaves from nodes.
const LeafHead = 1 + 4*32 + 1

// LeafHash is the hash of the record's leaf under RFC 6962, over
//
//	salt (32) || SHA-256(resource) || SHA-256(scope) || edit commitment (32) || kind (1) || record
//
// The random salt makes the hash tell nothing about a record that is easy to
// guess; the length of what stands before the record is fixed, so no other
// split of the same bytes exists.
func (r *Record) LeafHash(salt, editCommitment Hash) Hash {
	return r.ContextLeafHash(salt, editCommitment, sha256.Sum256(r.Resource), sha256.Sum256(r.Scope))
}

// ContextLeafHash is LeafHash for a caller that has hashed the contexts
// already: many records share one.
func (r *Record) ContextLeafHash(salt, editCommitment, resource, scope Hash) Hash {
	l := leafHashers.Get().(*leafHasher)
	defer leafHashers.Put(l)
	p := &l.prefix
	*p = r.LeafHead(salt, editCommitment, resource, scope)
	l.h.Write(p[:])
	l.h.Write(r.Bytes)
	l.h.Sum(l.sum[:0])
	l.h.Reset()
	l.h.Write(noText[:]) // over the record's last bytes, which the hash keeps
	l.h.Reset()
	clear(p[:])
	return l.sum
}

// LeafHead returns what is hashed before the record's bytes, for a caller that hashes
// several leaves at a time.
func (r *Record) LeafHead(salt, editCommitment, resource, scope Hash) (p [LeafHead]byte) {
	copy(p[1:], salt[:])
	copy(p[33:], resource[:])
	copy(p[65:], scope[:])
	copy(p[97:], editCommitment[:])
	p[129] = byte(r.Kind)
	return p
}

// A leafHasher is what hashing a leaf needs beside the record: behind the interface it
// would be allocated for each.
type leafHasher struct {
	h      hash.Hash
	prefix [LeafHead]byte
	sum    Hash
}

var (
	leafHashers = sync.Pool{New: func() any { return &leafHasher{h: sha256.New()} }}
	noText      [sha256.BlockSize - 1]byte
)

// HostPlugin is the plugin of edits that the notary itself makes. They have one of
// these labels.
const (
	HostPlugin = "notary"

	LabelBinary   = "BINARY"   // a bytes value that is no text
	LabelOversize = "OVERSIZE" // a text too long to be searched
	LabelDropped  = "DROPPED"  // the record itself, at the place "span" or "log"
)

// An Edit says that redaction replaced or removed something, without saying what.
type Edit struct {
	// Plugin is the name of the redactor in the plugin set, or HostPlugin.
	Plugin string `json:"plugin"`
	// Label is the kind of value found, e.g. "EMAIL".
	Label string `json:"label"`
	// Place is the place in the OTLP message, e.g. "span.attributes.value".
	Place string `json:"place"`
	// Length is the number of bytes of what was found: it was replaced, or removed
	// with the attribute or record it stood in. For LabelDropped, of the record.
	Length uint32 `json:"length"`
}

// Dropped says that an edit list is that of a record that was dropped: its leaf has
// no record bytes and no contexts.
func Dropped(edits []Edit) bool {
	n := len(edits)
	return n > 0 && edits[n-1].Plugin == HostPlugin && edits[n-1].Label == LabelDropped
}

// Bounds of an edit list as decoded from outside.
const (
	maxEdits    = 1 << 20
	maxEditName = 255
)

// ErrEdits says that an encoded edit list is malformed.
var ErrEdits = errors.New("malformed edit list")

// EncodeEdits returns the canonical bytes of an edit list: a u32 count, then
// for each edit plugin, label and place, each behind a one-byte length, and the
// u32 length. Integers are big endian. Names longer than 255 bytes are cut;
// neither plugin names, labels nor places are ever that long.
func EncodeEdits(edits []Edit) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(edits)))
	for _, e := range edits {
		for _, s := range []string{e.Plugin, e.Label, e.Place} {
			s = s[:min(len(s), maxEditName)]
			b = append(append(b, byte(len(s))), s...)
		}
		b = binary.BigEndian.AppendUint32(b, e.Length)
	}
	return b
}

// DecodeEdits is the inverse of EncodeEdits. It refuses anything that
// EncodeEdits does not produce.
func DecodeEdits(b []byte) ([]Edit, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: %d bytes", ErrEdits, len(b))
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	if n > maxEdits || int(n) > len(b)/7 {
		return nil, fmt.Errorf("%w: %d edits in %d bytes", ErrEdits, n, len(b))
	}
	edits := make([]Edit, n)
	for i := range edits {
		e := &edits[i]
		for _, s := range []*string{&e.Plugin, &e.Label, &e.Place} {
			if len(b) < 1 || len(b)-1 < int(b[0]) {
				return nil, fmt.Errorf("%w: edit %d is cut short", ErrEdits, i)
			}
			end := 1 + int(b[0])
			*s, b = string(b[1:end]), b[end:]
		}
		if len(b) < 4 {
			return nil, fmt.Errorf("%w: edit %d is cut short", ErrEdits, i)
		}
		e.Length, b = binary.BigEndian.Uint32(b), b[4:]
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("%w: %d bytes follow the last edit", ErrEdits, len(b))
	}
	return edits, nil
}

// EditCommitment commits to an encoded edit list under the record's edit key:
// HMAC-SHA-256. Showing the key and the list shows an auditor that this record
// was, or was not, edited, and opens nothing else.
func EditCommitment(key Hash, encodedEdits []byte) Hash {
	return editList(encodedEdits).MAC((*[32]byte)(&key))
}

// EditList returns the bytes that EditCommitment is the HMAC of.
func EditList(encodedEdits []byte) []byte { return editList(encodedEdits).Encode() }

func editList(encodedEdits []byte) *transcript.Transcript {
	return transcript.New("veriproof-notary/edit-commitment/v1").Bytes(encodedEdits)
}
