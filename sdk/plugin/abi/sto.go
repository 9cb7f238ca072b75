package abi

import "encoding/binary"

// Magic numbers and sizes of sto v1, in bytes.
const (
	// MagicStoRequest opens a storage request ("STO1").
	MagicStoRequest = 0x314f5453
	// MagicStoReply opens a storage reply ("STR1").
	MagicStoReply = 0x31525453

	stoHeader      = 32
	entryRecord    = 80
	keyRecord      = 64
	selectorRecord = 72
	itemRecord     = 32

	// MaxEntries bounds the entries, and the keys, of one put.
	MaxEntries = 1 << 16
	// MaxItems bounds the items of one reply.
	MaxItems = 1 << 12
)

// Op is what a storage request asks for.
type Op uint32

// Operations of sto v1, one per exported function.
const (
	OpPut    Op = 1
	OpGet    Op = 2
	OpList   Op = 3
	OpDelete Op = 4
)

// What says which kind of thing a get, list or delete is about.
type What uint32

// What a [Selector] can select.
const (
	// WhatEntry: the chunk with the greatest first seq <= Seq of Epoch.
	WhatEntry What = 1
	// WhatKey: the wrapped key (Epoch, Session, Part); Seq is a hint.
	WhatKey What = 2
	// WhatEpochs: the heads of the epochs greater than Epoch, ascending; with
	// First also Epoch itself.
	WhatEpochs What = 3
	// WhatSession: where the entries stand whose session handle has the first Part bits
	// of Session, from (Session, Epoch, Seq) on, in that order. A guest that keeps no
	// index of sessions answers StoBadRequest.
	WhatSession What = 4
)

// StoStatus is a guest's answer to a storage request.
type StoStatus uint32

// Statuses of sto v1. The host treats any other like StoUnavailable.
const (
	StoOK StoStatus = 0
	// StoConflict: the position (epoch, first seq) is taken, whatever by.
	StoConflict StoStatus = 1
	// StoNotFound: there is no such entry or key.
	StoNotFound StoStatus = 2
	// StoUnavailable: the outcome is unknown; the host may retry.
	StoUnavailable StoStatus = 3
	// StoBadRequest: the guest does not understand the request.
	StoBadRequest StoStatus = 4
	// StoProtected: the storage refuses for good, since a retention policy or a legal
	// hold protects what would be changed. Trying again is of no use.
	StoProtected StoStatus = 5
)

// An Entry describes one journal entry of a put. The bytes stay in the host;
// Handle stands for them.
type Entry struct {
	Handle  uint32
	Length  uint32 // of the bytes behind Handle
	Epoch   [16]byte
	Seq     uint64
	Part    uint32
	Kind    uint8    // of the journal entry; 0 = not told
	Session [32]byte // session handle; zero = none
}

// A Key describes one wrapped key of a put.
type Key struct {
	Handle  uint32
	Length  uint32
	Epoch   [16]byte
	Session [32]byte
	Part    uint32
}

// A Put is the request of sto_put: entries with consecutive seqs of one epoch,
// at least one, and the wrapped keys to be durable before them.
type Put struct {
	Entries []Entry
	Keys    []Key
}

// A Selector is the request of sto_get, sto_list and sto_delete.
type Selector struct {
	What    What
	Part    uint32
	Epoch   [16]byte
	Seq     uint64
	Session [32]byte
	// First asks WhatEpochs to begin with Epoch itself.
	First bool
}

// An Item is one element of a reply. Of a get of WhatEntry: the handle of the
// chunk's bytes, its epoch and first seq. Of a get of WhatKey: the handle of
// exactly the wrapped key's bytes. Of a list of WhatEpochs: the epoch and the
// first seq of its last chunk. Of a list of WhatSession: an entry's epoch, seq and
// kind. The handle of what is listed is 0.
type Item struct {
	Handle uint32
	Kind   uint32
	Epoch  [16]byte
	Seq    uint64
}

func appendStoHeader(dst []byte, op Op, total, entries, keys int) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, MagicStoRequest)
	dst = le.AppendUint16(dst, Major)
	dst = le.AppendUint16(dst, Minor)
	dst = le.AppendUint32(dst, uint32(total))
	dst = le.AppendUint32(dst, uint32(op))
	dst = le.AppendUint32(dst, uint32(entries))
	dst = le.AppendUint32(dst, uint32(keys))
	return le.AppendUint64(dst, 0)
}

// stoBody checks the header of a request and returns its counts and what
// follows the header.
func stoBody(b []byte, op Op) (entries, keys uint32, body []byte, err error) {
	le := binary.LittleEndian
	if len(b) < stoHeader || le.Uint32(b) != MagicStoRequest {
		return 0, 0, nil, malformed("no storage request header")
	}
	if v := le.Uint16(b[4:]); v != Major {
		return 0, 0, nil, malformed("storage request of major version " + dec(v) + ", want " + dec(Major))
	}
	if n := le.Uint32(b[8:]); uint64(n) != uint64(len(b)) {
		return 0, 0, nil, malformed("storage request says " + dec(n) + " bytes, has " + dec(len(b)))
	}
	if got := Op(le.Uint32(b[12:])); got != op {
		return 0, 0, nil, malformed("storage request for operation " + dec(got) + ", want " + dec(op))
	}
	return le.Uint32(b[16:]), le.Uint32(b[20:]), b[stoHeader:], nil
}

// AppendPut appends the request of sto_put. More than [MaxEntries] entries or
// keys is an error.
func AppendPut(dst []byte, p *Put) ([]byte, error) {
	if len(p.Entries) > MaxEntries || len(p.Keys) > MaxEntries {
		return dst, malformed("put of " + dec(len(p.Entries)) + " entries and " + dec(len(p.Keys)) + " keys, at most " + dec(MaxEntries))
	}
	total := stoHeader + len(p.Entries)*entryRecord + len(p.Keys)*keyRecord
	dst = appendStoHeader(dst, OpPut, total, len(p.Entries), len(p.Keys))
	le := binary.LittleEndian
	for i := range p.Entries {
		e := &p.Entries[i]
		dst = le.AppendUint32(dst, e.Handle)
		dst = le.AppendUint32(dst, e.Length)
		dst = append(dst, e.Epoch[:]...)
		dst = le.AppendUint64(dst, e.Seq)
		dst = le.AppendUint32(dst, e.Part)
		dst = append(dst, e.Kind, 0, 0, 0)
		dst = append(dst, e.Session[:]...)
		dst = le.AppendUint64(dst, 0)
	}
	for i := range p.Keys {
		k := &p.Keys[i]
		dst = le.AppendUint32(dst, k.Handle)
		dst = le.AppendUint32(dst, k.Length)
		dst = append(dst, k.Epoch[:]...)
		dst = append(dst, k.Session[:]...)
		dst = le.AppendUint32(dst, k.Part)
		dst = le.AppendUint32(dst, 0)
	}
	return dst, nil
}

// DecodePut reads the request of sto_put. It checks what the host promises:
// at least one entry, one epoch, consecutive seqs.
func DecodePut(b []byte) (*Put, error) {
	n, m, body, err := stoBody(b, OpPut)
	if err != nil {
		return nil, err
	}
	if n == 0 || n > MaxEntries || m > MaxEntries ||
		uint64(len(body)) != uint64(n)*entryRecord+uint64(m)*keyRecord {
		return nil, malformed("put of " + dec(len(b)) + " bytes for " + dec(n) + " entries and " + dec(m) + " keys")
	}
	p := &Put{Entries: make([]Entry, n), Keys: make([]Key, m)}
	for i := range p.Entries {
		decodeEntry(&p.Entries[i], body)
		body = body[entryRecord:]
		if e, first := &p.Entries[i], &p.Entries[0]; e.Epoch != first.Epoch || e.Seq != first.Seq+uint64(i) {
			return nil, malformed("entry " + dec(i) + " of a put does not follow entry 0")
		}
	}
	for i := range p.Keys {
		decodeKey(&p.Keys[i], body)
		body = body[keyRecord:]
	}
	return p, nil
}

func decodeEntry(e *Entry, b []byte) {
	le := binary.LittleEndian
	e.Handle, e.Length = le.Uint32(b[0:]), le.Uint32(b[4:])
	copy(e.Epoch[:], b[8:24])
	e.Seq, e.Part, e.Kind = le.Uint64(b[24:]), le.Uint32(b[32:]), b[36]
	copy(e.Session[:], b[40:72])
}

func decodeKey(k *Key, b []byte) {
	le := binary.LittleEndian
	k.Handle, k.Length = le.Uint32(b[0:]), le.Uint32(b[4:])
	copy(k.Epoch[:], b[8:24])
	copy(k.Session[:], b[24:56])
	k.Part = le.Uint32(b[56:])
}

// AppendSelector appends the request of sto_get, sto_list or sto_delete.
func AppendSelector(dst []byte, op Op, s *Selector) []byte {
	dst = appendStoHeader(dst, op, stoHeader+selectorRecord, 0, 0)
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(s.What))
	dst = le.AppendUint32(dst, s.Part)
	dst = append(dst, s.Epoch[:]...)
	dst = le.AppendUint64(dst, s.Seq)
	dst = append(dst, s.Session[:]...)
	var flags uint64
	if s.First {
		flags = 1
	}
	return le.AppendUint64(dst, flags)
}

// DecodeSelector reads the request of sto_get, sto_list or sto_delete.
func DecodeSelector(b []byte, op Op) (*Selector, error) {
	_, _, body, err := stoBody(b, op)
	if err != nil {
		return nil, err
	}
	if len(body) != selectorRecord {
		return nil, malformed("selector of " + dec(len(body)) + " bytes, want " + dec(selectorRecord))
	}
	le := binary.LittleEndian
	s := &Selector{
		What: What(le.Uint32(body[0:])), Part: le.Uint32(body[4:]), Seq: le.Uint64(body[24:]),
		First: le.Uint64(body[64:])&1 != 0,
	}
	copy(s.Epoch[:], body[8:24])
	copy(s.Session[:], body[32:64])
	return s, nil
}

// AppendStoReply appends the reply of every storage call. More than [MaxItems]
// items are an error of the guest, which the host refuses.
func AppendStoReply(dst []byte, status StoStatus, items []Item) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, MagicStoReply)
	dst = le.AppendUint32(dst, uint32(status))
	dst = le.AppendUint32(dst, uint32(len(items)))
	dst = le.AppendUint32(dst, itemRecord)
	for i := range items {
		dst = le.AppendUint32(dst, items[i].Handle)
		dst = le.AppendUint32(dst, items[i].Kind)
		dst = append(dst, items[i].Epoch[:]...)
		dst = le.AppendUint64(dst, items[i].Seq)
	}
	return dst
}

// DecodeStoReply reads a reply of exactly len(b) bytes.
func DecodeStoReply(b []byte) (StoStatus, []Item, error) {
	le := binary.LittleEndian
	if len(b) < replyHeader || le.Uint32(b) != MagicStoReply {
		return 0, nil, malformed("no storage reply header")
	}
	status, n, size := StoStatus(le.Uint32(b[4:])), le.Uint32(b[8:]), le.Uint32(b[12:])
	if n > MaxItems || size != itemRecord || uint64(len(b)) != replyHeader+uint64(n)*itemRecord {
		return 0, nil, malformed("storage reply of " + dec(len(b)) + " bytes for " + dec(n) + " items of " + dec(size))
	}
	items := make([]Item, n)
	for i, b := 0, b[replyHeader:]; i < len(items); i, b = i+1, b[itemRecord:] {
		items[i].Handle, items[i].Kind, items[i].Seq = le.Uint32(b[0:]), le.Uint32(b[4:]), le.Uint64(b[24:])
		copy(items[i].Epoch[:], b[8:24])
	}
	return status, items, nil
}
