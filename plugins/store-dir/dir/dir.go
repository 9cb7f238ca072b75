// Package dir keeps a journal as objects with flat keys, in the layout that
// package abi describes under "Layout of an adapter on objects".
//
//	e-EPOCH-SEQ   the entries of one put, concatenated; SEQ is the first seq.
//	              Created once, never changed.
//	k-EPOCH-SEQ   the wrapped keys of the same put: records of epoch (16),
//	              session handle (32), u32 part, u32 length, bytes. Created
//	              before the entries; erasing a key replaces the object.
//
// EPOCH is 32 and SEQ 16 lower case hexadecimal digits, so the lexical order of
// keys is the order of seqs.
//
// # Guarantees
//
// A put is durable when it succeeds: the keys object first, then the entries
// object, which decides. After a failure in between, the keys object stands
// alone; the byte-identical retry finds it and goes on. A keys object that
// exists is never written by a put, not even when all its keys are erased (it
// is then empty), so a late retry cannot bring an erased key back.
//
// Erasing reads an object and replaces it. Two erasures at the same time in one
// object could undo each other: the notary makes them one after the other, and
// only one notary erases in an epoch.
package dir

import (
	"encoding/binary"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

const (
	entriesKind = 'e'
	keysKind    = 'k'

	keyHeader = 16 + 32 + 4 + 4 // of a record in a keys object

	// listRoom is the memory for one listing, in bytes: some eighty keys.
	listRoom = 4096
)

// Adapter implements storage.Adapter over the blob and payload capabilities. It
// has no state.
type Adapter struct {
	blobs    storage.Blobs
	payloads storage.Payloads
	list     [listRoom]byte
}

// New returns an adapter.
func New(blobs storage.Blobs, payloads storage.Payloads) *Adapter {
	return &Adapter{blobs: blobs, payloads: payloads}
}

// Migrate implements storage.Adapter. Objects need no preparation; a listing
// shows whether the storage answers at all.
func (a *Adapter) Migrate() error {
	_, err := a.blobs.List([]byte{entriesKind, '-'}, nil, false, a.list[:])
	return err
}

// Put implements storage.Adapter.
func (a *Adapter) Put(p *abi.Put) abi.StoStatus {
	first := p.Entries[0]
	if len(p.Keys) > 0 {
		if err := a.putKeys(first.Epoch, first.Seq, p.Keys); err != nil && err != storage.ErrExist {
			return storage.Status(err)
		}
	}
	handles := make([]uint32, len(p.Entries))
	for i := range p.Entries {
		handles[i] = p.Entries[i].Handle
	}
	return storage.Status(a.blobs.Put(objectKey(entriesKind, first.Epoch, first.Seq), handles, false))
}

func (a *Adapter) putKeys(epoch [16]byte, seq uint64, keys []abi.Key) error {
	handles := make([]uint32, 0, 2*len(keys))
	for i := range keys {
		header, err := a.payloads.New(keyRecord(&keys[i]))
		if err != nil {
			return err
		}
		handles = append(handles, header, keys[i].Handle)
	}
	return a.blobs.Put(objectKey(keysKind, epoch, seq), handles, false)
}

func keyRecord(k *abi.Key) []byte {
	b := append(make([]byte, 0, keyHeader), k.Epoch[:]...)
	b = append(b, k.Session[:]...)
	b = binary.LittleEndian.AppendUint32(b, k.Part)
	return binary.LittleEndian.AppendUint32(b, k.Length)
}

// Get implements storage.Adapter.
func (a *Adapter) Get(s *abi.Selector) (abi.Item, abi.StoStatus) {
	switch s.What {
	case abi.WhatEntry:
		return a.chunk(s)
	case abi.WhatKey:
		r, status := a.find(s)
		if status != abi.StoOK {
			return abi.Item{}, status
		}
		h, err := a.payloads.Slice(r.object, r.start+keyHeader, r.end-r.start-keyHeader)
		return abi.Item{Handle: h, Epoch: s.Epoch, Seq: r.seq}, storage.Status(err)
	}
	return abi.Item{}, abi.StoBadRequest
}

// chunk returns the entries object with the greatest first seq up to s.Seq.
func (a *Adapter) chunk(s *abi.Selector) (abi.Item, abi.StoStatus) {
	prefix := objectPrefix(entriesKind, s.Epoch)
	key, err := a.next(prefix, behind(objectKey(entriesKind, s.Epoch, s.Seq)), true)
	if err != nil {
		return abi.Item{}, storage.Status(err)
	}
	_, seq, ok := parseKey(key)
	if !ok {
		return abi.Item{}, abi.StoNotFound
	}
	h, _, err := a.blobs.Get(key)
	return abi.Item{Handle: h, Epoch: s.Epoch, Seq: seq}, storage.Status(err)
}

// next returns the first well-formed key of a listing, or nil if there is none.
// Foreign objects in the directory are passed over.
func (a *Adapter) next(prefix, cursor []byte, descending bool) ([]byte, error) {
	for {
		n, err := a.blobs.List(prefix, cursor, descending, a.list[:])
		if n == 0 || err != nil {
			return nil, err
		}
		var key []byte
		for rest := a.list[:n]; len(rest) > 0; {
			if key, rest = storage.FirstKey(rest); key == nil {
				return nil, storage.Errno(abi.ErrnoIO)
			}
			if _, _, ok := parseKey(key); ok {
				return append([]byte(nil), key...), nil
			}
		}
		cursor = append([]byte(nil), key...)
	}
}

// List implements storage.Adapter.
func (a *Adapter) List(s *abi.Selector) ([]abi.Item, abi.StoStatus) {
	if s.What != abi.WhatEpochs {
		return nil, abi.StoBadRequest
	}
	// A dot is behind the hyphen that follows an epoch in a key.
	cursor := append(objectPrefix(entriesKind, s.Epoch)[:2+32], '.')
	if s.First {
		cursor = cursor[:2+32]
	}
	var items []abi.Item
	for len(items) < abi.MaxItems {
		key, err := a.next([]byte{entriesKind, '-'}, cursor, false)
		if err != nil {
			return nil, storage.Status(err)
		}
		epoch, _, ok := parseKey(key)
		if !ok {
			break
		}
		last, err := a.next(objectPrefix(entriesKind, epoch), nil, true)
		if err != nil {
			return nil, storage.Status(err)
		}
		_, seq, _ := parseKey(last)
		items = append(items, abi.Item{Epoch: epoch, Seq: seq})
		cursor = append(key[:2+32], '.')
	}
	return items, abi.StoOK
}
