// Package storage is the kit for storage adapters written in Go.
//
// An adapter is a main package with an empty main function that registers what
// it does:
//
//	func init() {
//		registered := storage.Spec{Configure: func([]byte) (storage.Adapter, error) {
//			return newAdapter(storage.Blob(), storage.Payload()), nil
//		}}
//		storage.Register(registered)
//	}
//
// Built for wasip1 with -buildmode=c-shared it exports sto v1 and imports only
// the functions of the capabilities it uses, which its manifest has to name.
// Natively [New] runs the same code on the same bytes, over capabilities that
// the test provides (package plugintest has them in memory).
//
// # What an adapter sees
//
// Entries and keys are handles: numbers that stand for ciphertext in the host
// during one call. An adapter decides where they go and does not need to touch
// them. It keeps no state between calls: the host puts its memory back.
//
// # What it owes
//
// A success means durable. A conflict is answered for a taken position whatever
// stands there. When in doubt the answer is [abi.StoUnavailable]: the host
// reads back what really happened.
package storage

import (
	"errors"
	"strconv"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// ErrSpec is returned by [New] for a [Spec] without Configure.
var ErrSpec = errors.New("storage: no Configure, or Register was called twice")

// An Adapter stores journal entries and wrapped keys. Package abi says what each
// operation and status means.
type Adapter interface {
	// Migrate makes the storage ready. It is called once per load.
	Migrate() error
	// Put makes the keys durable, then the entries, all or none.
	Put(p *abi.Put) abi.StoStatus
	// Get returns the chunk or the wrapped key that is selected.
	Get(s *abi.Selector) (abi.Item, abi.StoStatus)
	// List returns epochs, ascending, or where entries of a session stand; up to
	// [abi.MaxItems]. An adapter that keeps no index of sessions answers
	// [abi.StoBadRequest] to [abi.WhatSession].
	List(s *abi.Selector) ([]abi.Item, abi.StoStatus)
	// Delete erases a wrapped key.
	Delete(s *abi.Selector) abi.StoStatus
}

// An Initializer is an adapter that can make what its storage needs. Init is called for
// "notary store init" and by no notary. It leaves alone what is there.
type Initializer interface {
	Init() error
}

// A Code is an error of Configure, Migrate or Init that the operator is told as a
// number, which the plugin's README explains. It is not 0; 1 is that of all other
// errors, 2 says of Init that there is nothing to make, and 3 of Migrate that the storage
// was made for another version of the adapter.
type Code int32

// Error implements error.
func (c Code) Error() string { return "storage: code " + strconv.Itoa(int(c)) }

// A Spec says what a plugin does.
type Spec struct {
	// Configure makes the adapter from the plugin's measured configuration,
	// which is empty if the operator gave none. It must refuse what it does not
	// understand; package config helps with that.
	Configure func(config []byte) (Adapter, error)
}

// machine is one instance: the guest has one, a test as many as it likes.
type machine struct {
	spec    Spec
	adapter Adapter
	reply   []byte
}

func (m *machine) configure(config []byte) error {
	if m.spec.Configure == nil {
		return ErrSpec
	}
	a, err := m.spec.Configure(config)
	if err != nil {
		return err
	}
	m.adapter = a
	return nil
}

// init makes what the storage needs, if the adapter makes anything.
func (m *machine) init() error {
	i, ok := m.adapter.(Initializer)
	if !ok {
		return Code(abi.InitNothing)
	}
	return i.Init()
}

// call answers one request; the reply is valid until the next call.
func (m *machine) call(op abi.Op, request []byte) []byte {
	items, status := m.serve(op, request)
	if status != abi.StoOK {
		items = nil
	}
	m.reply = abi.AppendStoReply(m.reply[:0], status, items)
	return m.reply
}

func (m *machine) serve(op abi.Op, request []byte) ([]abi.Item, abi.StoStatus) {
	if m.adapter == nil {
		return nil, abi.StoBadRequest
	}
	if op == abi.OpPut {
		p, err := abi.DecodePut(request)
		if err != nil {
			return nil, abi.StoBadRequest
		}
		return nil, m.adapter.Put(p)
	}
	s, err := abi.DecodeSelector(request, op)
	if err != nil {
		return nil, abi.StoBadRequest
	}
	switch op {
	case abi.OpGet:
		item, status := m.adapter.Get(s)
		return []abi.Item{item}, status
	case abi.OpList:
		return m.adapter.List(s)
	}
	return nil, m.adapter.Delete(s)
}
