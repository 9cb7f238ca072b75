// Package dir keeps each epoch's journal as one stream of records.
//
// The stream's key is the epoch in 32 lower case hexadecimal digits. A put is one record,
// whose numbers are the seqs of its entries:
//
//	body   for each wrapped key: session handle (32), u32 part; then the entries
//	slots  the wrapped keys, in the same order
//
// # Guarantees
//
// A put is durable when it succeeds, keys and entries in one write. A seq that is taken is
// a conflict, whatever stands there. Erasing a key destroys its slot and leaves the rest
// of the record; a put that is repeated later meets the record and cannot bring the key
// back.
package dir

import (
	"encoding/binary"
	"math"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

const (
	idSize = 32 + 4 // of a wrapped key in a body

	// listRoom is the memory for one listing, in bytes: over a hundred keys.
	listRoom = 4096
)

// Adapter implements storage.Adapter over the stream and payload capabilities. It has no
// state.
type Adapter struct {
	streams  storage.Streams
	payloads storage.Payloads
	list     [listRoom]byte
}

// New returns an adapter.
func New(streams storage.Streams, payloads storage.Payloads) *Adapter {
	return &Adapter{streams: streams, payloads: payloads}
}

// Migrate implements storage.Adapter. Streams need no preparation; a listing shows
// whether the storage answers at all.
func (a *Adapter) Migrate() error {
	_, err := a.streams.List(nil, nil, false, a.list[:])
	return err
}

// Put implements storage.Adapter.
func (a *Adapter) Put(p *abi.Put) abi.StoStatus {
	first, last := &p.Entries[0], &p.Entries[len(p.Entries)-1]
	body, slots := make([]uint32, 0, 1+len(p.Entries)), make([]uint32, len(p.Keys))
	if len(p.Keys) > 0 {
		ids := make([]byte, 0, idSize*len(p.Keys))
		for i := range p.Keys {
			k := &p.Keys[i]
			if k.Epoch != first.Epoch {
				return abi.StoBadRequest
			}
			ids, slots[i] = appendID(ids, k.Session, k.Part), k.Handle
		}
		h, err := a.payloads.New(ids)
		if err != nil {
			return storage.Status(err)
		}
		body = append(body, h)
	}
	for i := range p.Entries {
		body = append(body, p.Entries[i].Handle)
	}
	return storage.Status(a.streams.Append(streamKey(first.Epoch), first.Seq, last.Seq, body, slots))
}

func appendID(b []byte, session [32]byte, part uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(b, session[:]...), part)
}

// Get implements storage.Adapter.
func (a *Adapter) Get(s *abi.Selector) (abi.Item, abi.StoStatus) {
	switch s.What {
	case abi.WhatEntry:
		return a.chunk(s)
	case abi.WhatKey:
		first, slot, status := a.find(s)
		if status != abi.StoOK {
			return abi.Item{}, status
		}
		h, _, err := a.streams.Slot(streamKey(s.Epoch), first, slot)
		return abi.Item{Handle: h, Epoch: s.Epoch, Seq: first}, storage.Status(err)
	}
	return abi.Item{}, abi.StoBadRequest
}

// chunk returns the entries of the record with the greatest first seq up to s.Seq.
func (a *Adapter) chunk(s *abi.Selector) (abi.Item, abi.StoStatus) {
	key := streamKey(s.Epoch)
	r, err := a.streams.Find(key, s.Seq)
	if err != nil {
		return abi.Item{}, storage.Status(err)
	}
	h, size, err := a.streams.Body(key, r.First)
	if err == nil && r.Slots > 0 {
		ids := idSize * r.Slots
		if size < ids {
			return abi.Item{}, abi.StoUnavailable
		}
		h, err = a.payloads.Slice(h, ids, size-ids)
	}
	return abi.Item{Handle: h, Epoch: s.Epoch, Seq: r.First}, storage.Status(err)
}

// Delete implements storage.Adapter.
func (a *Adapter) Delete(s *abi.Selector) abi.StoStatus {
	if s.What != abi.WhatKey {
		return abi.StoBadRequest
	}
	first, slot, status := a.find(s)
	if status != abi.StoOK {
		return status
	}
	return storage.Status(a.streams.Erase(streamKey(s.Epoch), first, slot))
}

// find looks for a wrapped key, erased or not: in the record that the hint points at,
// then in all, from the last one backwards.
func (a *Adapter) find(s *abi.Selector) (first uint64, slot int, status abi.StoStatus) {
	key, number := streamKey(s.Epoch), uint64(math.MaxUint64)
	hinted := s.Seq > 0
	if hinted {
		number = s.Seq
	}
	for {
		r, err := a.streams.Find(key, number)
		if err != nil && (!hinted || err != storage.ErrNoEntry) {
			return 0, 0, storage.Status(err)
		}
		if err == nil {
			slot, status = a.search(key, s, r)
			if status != abi.StoNotFound {
				return r.First, slot, status
			}
		}
		switch {
		case hinted:
			hinted, number = false, math.MaxUint64
		case r.First == 0:
			return 0, 0, abi.StoNotFound
		default:
			number = r.First - 1
		}
	}
}

// search looks for a wrapped key in one record.
func (a *Adapter) search(key []byte, s *abi.Selector, r abi.Record) (slot int, status abi.StoStatus) {
	if r.Slots == 0 {
		return 0, abi.StoNotFound
	}
	body, _, err := a.streams.Body(key, r.First)
	if err != nil {
		return 0, storage.Status(err)
	}
	ids := make([]byte, idSize*r.Slots)
	n, err := a.payloads.Read(body, 0, ids)
	if err == nil {
		err = a.payloads.Free(body)
	}
	if err != nil {
		return 0, storage.Status(err)
	}
	if n < len(ids) {
		return 0, abi.StoUnavailable
	}
	want := string(appendID(nil, s.Session, s.Part))
	for i := range int(r.Slots) {
		if string(ids[idSize*i:idSize*(i+1)]) == want {
			return i, abi.StoOK
		}
	}
	return 0, abi.StoNotFound
}

// List implements storage.Adapter. An epoch whose end is damaged has the greatest seq
// there is, so that whoever reads it goes on until it meets the damage.
func (a *Adapter) List(s *abi.Selector) ([]abi.Item, abi.StoStatus) {
	if s.What != abi.WhatEpochs {
		return nil, abi.StoBadRequest
	}
	cursor := streamKey(s.Epoch)
	if s.First {
		cursor = cursor[:len(cursor)-1] // any key of this epoch is greater
		if s.Epoch == [16]byte{} {
			cursor = nil
		}
	}
	var items []abi.Item
	for len(items) < abi.MaxItems {
		n, err := a.streams.List(nil, cursor, false, a.list[:])
		if err != nil {
			return nil, storage.Status(err)
		}
		if n == 0 {
			break
		}
		keys := append([]byte(nil), a.list[:n]...)
		for len(keys) > 0 && len(items) < abi.MaxItems {
			if cursor, keys = storage.FirstKey(keys); cursor == nil {
				return nil, abi.StoUnavailable
			}
			epoch, ok := parseKey(cursor)
			if !ok || string(epoch[:]) < string(s.Epoch[:]) {
				continue // not ours
			}
			r, err := a.streams.Find(cursor, math.MaxUint64)
			switch err {
			case nil:
				items = append(items, abi.Item{Epoch: epoch, Seq: r.First})
			case storage.ErrDamaged:
				items = append(items, abi.Item{Epoch: epoch, Seq: math.MaxUint64})
			default:
				return nil, storage.Status(err)
			}
		}
	}
	return items, abi.StoOK
}

const hexDigits = "0123456789abcdef"

func streamKey(epoch [16]byte) []byte {
	key := make([]byte, 0, 2*len(epoch))
	for _, c := range epoch {
		key = append(key, hexDigits[c>>4], hexDigits[c&15])
	}
	return key
}

// parseKey is the inverse of streamKey; ok is false for any other key.
func parseKey(key []byte) (epoch [16]byte, ok bool) {
	if len(key) != 2*len(epoch) {
		return epoch, false
	}
	for i := range epoch {
		epoch[i] = nibble(key[2*i])<<4 | nibble(key[2*i+1])
	}
	return epoch, string(streamKey(epoch)) == string(key)
}

// nibble is the value of a lower case hexadecimal digit, or anything.
func nibble(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c & 15
}
