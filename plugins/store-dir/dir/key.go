package dir

import (
	"encoding/binary"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// record is where a wrapped key stands in storage.
type record struct {
	seq        uint64 // of the keys object
	object     uint32 // handle of the keys object
	size       uint32 // of the keys object
	start, end uint32 // of the record, header included
}

// Delete implements storage.Adapter: the keys object is replaced by one without
// the record. The object stays when its last record goes.
func (a *Adapter) Delete(s *abi.Selector) abi.StoStatus {
	if s.What != abi.WhatKey {
		return abi.StoBadRequest
	}
	r, status := a.find(s)
	if status != abi.StoOK {
		return status
	}
	var rest []uint32
	for _, part := range [...][2]uint32{{0, r.start}, {r.end, r.size}} {
		if part[0] == part[1] {
			continue
		}
		h, err := a.payloads.Slice(r.object, part[0], part[1]-part[0])
		if err != nil {
			return storage.Status(err)
		}
		rest = append(rest, h)
	}
	return storage.Status(a.blobs.Put(objectKey(keysKind, s.Epoch, r.seq), rest, true))
}

// find looks for a wrapped key, in the object that the hint points at, then in
// older ones, then in younger ones.
func (a *Adapter) find(s *abi.Selector) (record, abi.StoStatus) {
	var hint []byte
	if s.Seq > 0 {
		hint = behind(objectKey(keysKind, s.Epoch, s.Seq))
	}
	r, status := a.search(s, hint, true)
	if status == abi.StoNotFound && hint != nil {
		r, status = a.search(s, hint, false)
	}
	return r, status
}

func (a *Adapter) search(s *abi.Selector, cursor []byte, descending bool) (record, abi.StoStatus) {
	prefix := objectPrefix(keysKind, s.Epoch)
	for {
		key, err := a.next(prefix, cursor, descending)
		if err != nil {
			return record{}, storage.Status(err)
		}
		if key == nil {
			return record{}, abi.StoNotFound
		}
		if r, status := a.searchObject(s, key); status != abi.StoNotFound {
			return r, status
		}
		cursor = key
	}
}

// searchObject looks for a wrapped key in one object. An object that is no
// sequence of records cannot be said not to hold the key.
func (a *Adapter) searchObject(s *abi.Selector, key []byte) (record, abi.StoStatus) {
	object, size, err := a.blobs.Get(key)
	if err != nil {
		return record{}, storage.Status(err)
	}
	_, seq, _ := parseKey(key)
	r := record{seq: seq, object: object, size: size}
	var header [keyHeader]byte
	for r.end < size {
		r.start = r.end
		n, err := a.payloads.Read(object, r.start, header[:])
		if err != nil {
			return record{}, storage.Status(err)
		}
		length := binary.LittleEndian.Uint32(header[52:])
		if n < keyHeader || uint64(r.start)+keyHeader+uint64(length) > uint64(size) {
			return record{}, abi.StoUnavailable
		}
		r.end = r.start + keyHeader + length
		if [16]byte(header[:16]) == s.Epoch && [32]byte(header[16:48]) == s.Session &&
			binary.LittleEndian.Uint32(header[48:]) == s.Part {
			return r, abi.StoOK
		}
	}
	if err := a.payloads.Free(object); err != nil {
		return record{}, storage.Status(err)
	}
	return record{}, abi.StoNotFound
}
