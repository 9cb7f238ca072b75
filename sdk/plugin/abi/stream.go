package abi

import "encoding/binary"

// CapabilityStream opens stream_append, stream_find, stream_read, stream_erase and
// stream_list on the one directory the operator gave: streams of records, which are
// appended at their number and exclusively.
const CapabilityStream = "stream"

// Bounds of the capability "stream". Keys of streams are those of objects,
// [ValidBlobKey]; a body is bounded like an object.
const (
	// MaxSlot is the greatest length of a record's slot, in bytes.
	MaxSlot = 120
	// MaxSlots is the greatest number of slots of a record.
	MaxSlots = 1 << 16
	// RecordSize is what stream_find writes.
	RecordSize = 24
)

// A Record is what stream_find tells of one: it has the numbers First to Last, a body
// of so many bytes, and slots.
type Record struct {
	First, Last uint64
	Body, Slots uint32
}

// AppendRecord encodes a record as stream_find writes it.
func AppendRecord(b []byte, r Record) []byte {
	b = binary.LittleEndian.AppendUint64(b, r.First)
	b = binary.LittleEndian.AppendUint64(b, r.Last)
	b = binary.LittleEndian.AppendUint32(b, r.Body)
	return binary.LittleEndian.AppendUint32(b, r.Slots)
}

// DecodeRecord is the inverse of [AppendRecord].
func DecodeRecord(b []byte) (Record, error) {
	if len(b) != RecordSize {
		return Record{}, malformed("record of " + dec(len(b)) + " bytes, want " + dec(RecordSize))
	}
	return Record{
		First: binary.LittleEndian.Uint64(b), Last: binary.LittleEndian.Uint64(b[8:]),
		Body: binary.LittleEndian.Uint32(b[16:]), Slots: binary.LittleEndian.Uint32(b[20:]),
	}, nil
}
