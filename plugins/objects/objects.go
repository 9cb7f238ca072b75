// Package objects keeps a journal as objects of a service that lists names in
// ascending order and creates an object only if there is none: Azure Blob, S3 and
// what is like them. An adapter gives it the service's protocol as a [Service].
//
//	entries/e-EPOCH-PLACE   the entries of one put, concatenated. Created once, never
//	                        changed or deleted: the place may be immutable.
//	keys/k-EPOCH-PLACE      the wrapped keys of the same put: records of epoch (16),
//	                        session handle (32), u32 part, u32 length, bytes. Created
//	                        before the entries; erasing a key replaces the object.
//
// EPOCH is 32 lower case hexadecimal digits, PLACE 16: those of 2^64 − 1 − seq, where
// seq is the first of the put. So names in ascending order are seqs in descending
// order, and the first name of an epoch is its head: these services list forwards
// only.
//
// # Guarantees
//
// A put is durable when it succeeds: the keys object first, then the entries object,
// which decides. After a failure in between, the keys object stands alone; the
// byte-identical retry finds it and goes on. A keys object that exists is never written
// by a put, so a late retry cannot bring an erased key back.
//
// Erasing reads an object and replaces it on the condition that it is still the one
// that was read: two erasures at once, of two processes, too, cannot undo each other. An
// erased key leaves its record with the length 0.
package objects

import (
	"encoding/binary"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// A Place is one of the two that hold objects, and its number among the endpoints of
// the adapter's manifest.
type Place int

// The places.
const (
	Entries Place = 0
	Keys    Place = 1
)

// A Service is what an adapter makes of its protocol. Statuses are abi's; a service
// that is overloaded, refuses a credential or lacks a place is [abi.StoUnavailable].
type Service interface {
	// Create makes an object, or says [abi.StoConflict] if there is one of the name.
	Create(place Place, name string, handles []uint32) abi.StoStatus
	// Read returns an object, or says [abi.StoNotFound].
	Read(place Place, name string) (Object, abi.StoStatus)
	// Replace replaces an object if its tag is still the given one; if not it says
	// [abi.StoConflict]. [abi.StoProtected] means that the place is immutable.
	Replace(place Place, name, tag string, handles []uint32) abi.StoStatus
	// List returns names in ascending order.
	List(place Place, q *Query) (*Page, abi.StoStatus)
}

// An Object is what was read.
type Object struct {
	Handle, Length uint32 // of its bytes
	Tag            string // names this state of the object
}

// A Query asks for names.
type Query struct {
	Prefix string
	// Delimiter, if not empty, asks for what the names have from the prefix up to the
	// next delimiter, each once, in place of the names.
	Delimiter string
	// Most bounds the names of a page.
	Most int
	// Next continues a listing with what its last page said.
	Next string
}

// A Page is a part of a listing. It may be empty without being the last.
type Page struct {
	Names []string
	Next  string // empty: there is no more
}

const (
	entriesKind = 'e'
	keysKind    = 'k'

	recordHeader = 16 + 32 + 4 + 4 // of a record in a keys object

	// PageSize is how many names are asked for at a time.
	PageSize = 256
	// maxHeads bounds the epochs of one answer: each takes a request of its own.
	maxHeads = 64
	// eraseTries is how often an erasure begins anew since somebody was faster.
	eraseTries = 4
)

// An Adapter implements Put, Get, List and Delete of storage.Adapter on a service. It
// has no state.
type Adapter struct {
	service  Service
	payloads storage.Payloads
}

// New returns an adapter.
func New(service Service, payloads storage.Payloads) *Adapter {
	return &Adapter{service: service, payloads: payloads}
}

// Put implements storage.Adapter.
func (a *Adapter) Put(p *abi.Put) abi.StoStatus {
	first := &p.Entries[0]
	if len(p.Keys) > 0 {
		handles, status := a.records(p.Keys)
		if status == abi.StoOK {
			status = a.service.Create(Keys, nameOf(keysKind, first.Epoch, first.Seq), handles)
		}
		if status != abi.StoOK && status != abi.StoConflict {
			return status
		}
	}
	handles := make([]uint32, len(p.Entries))
	for i := range p.Entries {
		handles[i] = p.Entries[i].Handle
	}
	return a.service.Create(Entries, nameOf(entriesKind, first.Epoch, first.Seq), handles)
}

// records returns the handles of a keys object.
func (a *Adapter) records(keys []abi.Key) ([]uint32, abi.StoStatus) {
	handles := make([]uint32, 0, 2*len(keys))
	for i := range keys {
		k := &keys[i]
		if k.Length == 0 {
			return nil, abi.StoBadRequest // it would count as erased
		}
		header, err := a.payloads.New(record(k.Epoch, k.Session, k.Part, k.Length))
		if err != nil {
			return nil, storage.Status(err)
		}
		handles = append(handles, header, k.Handle)
	}
	return handles, abi.StoOK
}

func record(epoch [16]byte, session [32]byte, part, length uint32) []byte {
	b := append(make([]byte, 0, recordHeader), epoch[:]...)
	b = append(b, session[:]...)
	b = binary.LittleEndian.AppendUint32(b, part)
	return binary.LittleEndian.AppendUint32(b, length)
}

// Get implements storage.Adapter.
func (a *Adapter) Get(s *abi.Selector) (abi.Item, abi.StoStatus) {
	switch s.What {
	case abi.WhatEntry:
		return a.chunk(s)
	case abi.WhatKey:
		f, status := a.find(s)
		if status != abi.StoOK {
			return abi.Item{}, status
		}
		h, err := a.payloads.Slice(f.object.Handle, f.start+recordHeader, f.end-f.start-recordHeader)
		return abi.Item{Handle: h, Epoch: s.Epoch, Seq: f.seq}, storage.Status(err)
	}
	return abi.Item{}, abi.StoBadRequest
}

// chunk returns the entries object with the greatest first seq up to s.Seq. Whoever
// reads a journal asks for the seq behind the last chunk, so that the name is most
// often the very one.
func (a *Adapter) chunk(s *abi.Selector) (abi.Item, abi.StoStatus) {
	seq := s.Seq
	object, status := a.service.Read(Entries, nameOf(entriesKind, s.Epoch, seq))
	if status == abi.StoNotFound {
		if seq, status = a.floor(Entries, entriesKind, s.Epoch, seq); status == abi.StoOK {
			object, status = a.service.Read(Entries, nameOf(entriesKind, s.Epoch, seq))
		}
	}
	if status != abi.StoOK {
		return abi.Item{}, status
	}
	if object.Handle == 0 { // an object without bytes is none of ours
		return abi.Item{}, abi.StoUnavailable
	}
	return abi.Item{Handle: object.Handle, Epoch: s.Epoch, Seq: seq}, abi.StoOK
}

// List implements storage.Adapter. An answer has few epochs: the host goes on behind
// the last one.
func (a *Adapter) List(s *abi.Selector) ([]abi.Item, abi.StoStatus) {
	if s.What != abi.WhatEpochs {
		return nil, abi.StoBadRequest
	}
	epochs, status := a.epochs(s)
	if status != abi.StoOK {
		return nil, status
	}
	items := make([]abi.Item, len(epochs))
	for i, epoch := range epochs {
		seq, status := a.head(Entries, entriesKind, epoch)
		if status == abi.StoNotFound { // gone between two listings
			status = abi.StoUnavailable
		}
		if status != abi.StoOK {
			return nil, status
		}
		items[i] = abi.Item{Epoch: epoch, Seq: seq}
	}
	return items, abi.StoOK
}

// epochs returns the next epochs in ascending order.
func (a *Adapter) epochs(s *abi.Selector) (out [][16]byte, status abi.StoStatus) {
	q := Query{Prefix: string([]byte{entriesKind, '-'}), Delimiter: "-", Most: PageSize}
	for {
		page, status := a.service.List(Entries, &q)
		if status != abi.StoOK {
			return nil, status
		}
		for _, name := range page.Names {
			epoch, ok := epochOf(name)
			if !ok || !s.First && epoch == s.Epoch || less(epoch, s.Epoch) {
				continue
			}
			if out = append(out, epoch); len(out) == maxHeads {
				return out, abi.StoOK
			}
		}
		if q.Next = page.Next; q.Next == "" {
			return out, abi.StoOK
		}
	}
}

func less(a, b [16]byte) bool { return string(a[:]) < string(b[:]) }

// Delete implements storage.Adapter: the keys object is replaced by one in which the
// record has no bytes.
func (a *Adapter) Delete(s *abi.Selector) abi.StoStatus {
	if s.What != abi.WhatKey {
		return abi.StoBadRequest
	}
	for range eraseTries {
		f, status := a.find(s)
		if status != abi.StoOK {
			return status
		}
		handles, status := a.without(s, &f)
		if status != abi.StoOK {
			return status
		}
		if status = a.service.Replace(Keys, nameOf(keysKind, s.Epoch, f.seq), f.object.Tag, handles); status != abi.StoConflict {
			return status
		}
	}
	return abi.StoUnavailable
}

// without returns the handles of a keys object whose record has lost its bytes.
func (a *Adapter) without(s *abi.Selector, f *found) ([]uint32, abi.StoStatus) {
	var handles []uint32
	part := func(from, to uint32) error {
		if from == to {
			return nil
		}
		h, err := a.payloads.Slice(f.object.Handle, from, to-from)
		handles = append(handles, h)
		return err
	}
	if err := part(0, f.start); err != nil {
		return nil, storage.Status(err)
	}
	erased, err := a.payloads.New(record(s.Epoch, s.Session, s.Part, 0))
	if err != nil {
		return nil, storage.Status(err)
	}
	handles = append(handles, erased)
	return handles, storage.Status(part(f.end, f.object.Length))
}
