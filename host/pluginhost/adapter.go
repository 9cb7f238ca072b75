package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// errUnavailable is what a guest's "unavailable" becomes: the journal treats
// every error it does not know as "outcome unknown".
var errUnavailable = errors.New("storage is unavailable; the outcome is unknown")

// maxEpochs bounds the epochs of one storage.
const maxEpochs = 1 << 20

// An Adapter is the journal's storage behind a storage adapter guest. The guest
// gets handles in place of bytes; each call has its own table of them. The host
// believes none of its answers further than their form: the journal checks
// what it reads. It is safe for concurrent use.
type Adapter struct {
	p *plugin
	// erasing makes erasures come one after the other: an adapter on objects
	// reads and replaces one that holds several keys, and two at once could
	// bring a key back.
	erasing sync.Mutex
}

var _ journal.Store = (*Adapter)(nil)

// InFlight says how many groups the journal may write at a time: several, where rows or
// objects do not depend on each other; one in files of this machine, of which an append
// needs the one before. What the adapter can reach, by its measured manifest, decides.
func (a *Adapter) InFlight() int {
	if slices.ContainsFunc(a.p.capabilities, func(c string) bool { return c == abi.CapabilitySQL || c == abi.CapabilityHTTP }) {
		return journal.MaxInFlight
	}
	return 1
}

// Put makes the group durable through the guest; see [journal.Store].
func (a *Adapter) Put(ctx context.Context, g journal.Group) error {
	if len(g.Entries) == 0 || len(g.Heads) != 0 && len(g.Heads) != len(g.Entries) {
		return fmt.Errorf("pluginhost: group of %d entries with %d heads", len(g.Entries), len(g.Heads))
	}
	c := a.p.newStorageCall()
	request, err := abi.AppendPut(nil, describe(c, g))
	if err != nil {
		return fmt.Errorf("pluginhost: group is too big: %w", err)
	}
	_, err = a.do(ctx, c, abi.ExportStoPut, request, 0)
	return err
}

// describe gives every payload of the group a handle. A handle that is refused
// is 0 and fails in the guest.
func describe(c *storageCall, g journal.Group) *abi.Put {
	p := &abi.Put{Entries: make([]abi.Entry, len(g.Entries)), Keys: make([]abi.Key, len(g.Keys))}
	for i, b := range g.Entries {
		e := &p.Entries[i]
		*e = abi.Entry{Handle: c.add(b, false), Length: uint32(len(b)), Epoch: g.Epoch, Seq: g.FirstSeq + uint64(i)}
		if len(g.Heads) > 0 {
			e.Kind, e.Session, e.Part = g.Heads[i].Kind, g.Heads[i].Handle, g.Heads[i].Part
		}
	}
	for i, k := range g.Keys {
		p.Keys[i] = abi.Key{
			Handle: c.add(k.DEK, false), Length: uint32(len(k.DEK)),
			Epoch: k.ID.Epoch, Session: k.ID.Handle, Part: k.ID.Part,
		}
	}
	return p
}

// Get returns the chunk at or before seq; see [journal.Store].
func (a *Adapter) Get(ctx context.Context, epoch [16]byte, seq uint64) (journal.Chunk, error) {
	c := a.p.newStorageCall()
	item, b, err := a.one(ctx, c, &abi.Selector{What: abi.WhatEntry, Epoch: epoch, Seq: seq})
	if err != nil {
		return journal.Chunk{}, err
	}
	if item.Epoch != epoch || item.Seq > seq {
		return journal.Chunk{}, a.p.fail(ReasonReply)
	}
	return journal.Chunk{FirstSeq: item.Seq, Entries: b}, nil
}

// Key returns the wrapped DEK; see [journal.Store].
func (a *Adapter) Key(ctx context.Context, id journal.KeyID) (journal.Sealed, error) {
	_, b, err := a.one(ctx, a.p.newStorageCall(), keySelector(id))
	return b, err
}

// EraseKey removes the wrapped DEK; see [journal.Store].
func (a *Adapter) EraseKey(ctx context.Context, id journal.KeyID) error {
	a.erasing.Lock()
	defer a.erasing.Unlock()
	request := abi.AppendSelector(nil, abi.OpDelete, keySelector(id))
	_, err := a.do(ctx, a.p.newStorageCall(), abi.ExportStoDelete, request, 0)
	return err
}

func keySelector(id journal.KeyID) *abi.Selector {
	return &abi.Selector{What: abi.WhatKey, Epoch: id.Epoch, Session: id.Handle, Part: id.Part, Seq: id.Near}
}

// one asks for one payload.
func (a *Adapter) one(ctx context.Context, c *storageCall, s *abi.Selector) (abi.Item, journal.Sealed, error) {
	items, err := a.do(ctx, c, abi.ExportStoGet, abi.AppendSelector(nil, abi.OpGet, s), 1)
	if err != nil {
		return abi.Item{}, nil, err
	}
	if len(items) != 1 {
		return abi.Item{}, nil, a.p.fail(ReasonReply)
	}
	b, ok := c.payload(items[0].Handle)
	if !ok {
		return abi.Item{}, nil, a.p.fail(ReasonReply)
	}
	return items[0], b, nil
}

// Epochs lists all epochs; see [journal.Store].
func (a *Adapter) Epochs(ctx context.Context) ([]journal.EpochHead, error) {
	var out []journal.EpochHead
	s := abi.Selector{What: abi.WhatEpochs, First: true}
	for {
		request := abi.AppendSelector(nil, abi.OpList, &s)
		items, err := a.do(ctx, a.p.newStorageCall(), abi.ExportStoList, request, abi.MaxItems)
		switch {
		case err != nil:
			return nil, err
		case len(items) == 0:
			return out, nil
		}
		for _, it := range items {
			// Strictly ascending, or a guest could keep the host here for ever.
			order := bytes.Compare(it.Epoch[:], s.Epoch[:])
			if order < 0 || order == 0 && !s.First || len(out) == maxEpochs {
				return nil, a.p.fail(ReasonReply)
			}
			s.Epoch, s.First = it.Epoch, false
			out = append(out, journal.EpochHead{Epoch: it.Epoch, LastChunk: it.Seq})
		}
	}
}

var _ journal.Index = (*Adapter)(nil)

// Places asks the guest's index, if it has one; see [journal.Index].
func (a *Adapter) Places(ctx context.Context, from journal.Place, bits int) ([]journal.Place, error) {
	s := abi.Selector{What: abi.WhatSession, Session: from.Handle, Epoch: from.Epoch, Seq: from.Seq, Part: uint32(bits)}
	status, items, cause, err := a.ask(ctx, a.p.newStorageCall(), abi.ExportStoList, abi.AppendSelector(nil, abi.OpList, &s), abi.MaxItems)
	if err == nil && status == abi.StoBadRequest {
		err = journal.ErrNoIndex
	}
	if err == nil {
		err = a.statusError(status, cause)
	}
	if err != nil {
		return nil, err
	}
	out := make([]journal.Place, len(items))
	for i, it := range items {
		out[i] = journal.Place{Epoch: it.Epoch, Seq: it.Seq, Kind: uint8(it.Kind)}
	}
	return out, nil
}

// do makes one call into the guest and returns at most the given number of
// items of a successful reply.
func (a *Adapter) do(ctx context.Context, c *storageCall, export string, request []byte, most int) ([]abi.Item, error) {
	status, items, cause, err := a.ask(ctx, c, export, request, most)
	if err != nil {
		return nil, err
	}
	return items, a.statusError(status, cause)
}

// ask is do without a judgement of the guest's status. cause is why a host function
// failed, if one did.
func (a *Adapter) ask(ctx context.Context, c *storageCall, export string, request []byte, most int) (status abi.StoStatus, items []abi.Item, cause, err error) {
	in, err := a.p.acquire(ctx)
	if err != nil {
		return 0, nil, nil, err
	}
	guest := withCall(context.WithoutCancel(ctx), &call{ctx: ctx, clock: clockCall, storage: c})
	packed, reason := in.exchange(guest, export, a.p.limits.of(len(request)), request)
	if reason == "" {
		status, items, reason = readStoReply(in, packed)
	}
	a.p.release(in, reason != "")
	a.p.count(func(n *Counters) { n.Calls++ })
	switch {
	case reason != "":
		return 0, nil, nil, a.p.fail(reason)
	case len(items) > most:
		return 0, nil, nil, a.p.fail(ReasonReply)
	}
	return status, items, c.cause, nil
}

func readStoReply(in *instance, packed uint64) (abi.StoStatus, []abi.Item, Reason) {
	if packed == 0 {
		return 0, nil, ReasonStatus
	}
	b, reason := in.reply(packed)
	if reason != "" {
		return 0, nil, reason
	}
	status, items, err := abi.DecodeStoReply(b)
	if err != nil {
		return 0, nil, ReasonReply
	}
	return status, items, ""
}

func (a *Adapter) statusError(status abi.StoStatus, cause error) error {
	switch status {
	case abi.StoOK:
		return nil
	case abi.StoConflict:
		return journal.ErrConflict
	case abi.StoNotFound:
		return journal.ErrNotFound
	case abi.StoBadRequest:
		return a.p.fail(ReasonStatus)
	case abi.StoProtected:
		return fmt.Errorf("plugin %s: %w", a.p.name, withCause(journal.ErrProtected, cause))
	}
	if errors.Is(cause, journal.ErrDamaged) {
		return fmt.Errorf("plugin %s: %w", a.p.name, cause)
	}
	return fmt.Errorf("plugin %s: %w", a.p.name, withCause(errUnavailable, cause))
}

func withCause(err, cause error) error {
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
