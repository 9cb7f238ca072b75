// Command store-postgres is the notary's built-in storage adapter on PostgreSQL.
// Built for wasip1 it is a plugin. Its SQL stands in manifest.json and so is
// measured: this program chooses statements by number and hands over values, and
// entries and keys as handles, whose bytes it never sees.
package main

import (
	"math"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

func init() {
	storage.Register(spec(func() storage.Database { return storage.SQL(resultRoom) }))
}

func main() {}

// resultRoom holds the greatest result, a list of [abi.MaxItems] epochs, and the
// parameters of a put of some thousand entries.
const resultRoom = 256 << 10

// entriesRoom is how many entries a put can have without growing the memory.
const entriesRoom = 4096

// Numbers of the statements in manifest.json.
const (
	putChunk = iota
	getChunk
	getKey
	listEpochs
	eraseKey
	schemaVersion
	findSession
)

// version is that of the schema which these statements are for.
const version = 1

func spec(database func() storage.Database) storage.Spec {
	return storage.Spec{Configure: func(text []byte) (storage.Adapter, error) {
		// There is nothing to configure: the database is the operator's.
		if err := config.Read(text, (*config.Reader).Unknown); err != nil {
			return nil, err
		}
		return &adapter{
			db: database(), handles: make([]uint32, 0, entriesRoom), kinds: make([]int64, 0, entriesRoom),
			sessions: make([][]byte, 0, entriesRoom), parts: make([]int64, 0, entriesRoom),
		}, nil
	}}
}

// adapter implements storage.Adapter. It keeps its scratch memory from configure.
type adapter struct {
	db       storage.Database
	handles  []uint32
	kinds    []int64
	sessions [][]byte
	parts    []int64
}

// errVersion: the tables are not those of version.
const errVersion = storage.Code(abi.MigrateVersion)

// Migrate implements storage.Adapter. It changes nothing: an operator makes the
// tables, with "notary store init".
func (a *adapter) Migrate() error {
	rows, err := a.db.Exec(schemaVersion, 0)
	if err != nil {
		return err
	}
	if rows.Len() != 1 || rows.Row(0)[0].Int != version {
		return errVersion
	}
	return nil
}

// Put implements storage.Adapter: one statement, so one transaction. The primary
// key of a chunk is what fences: of two writers at one position the second gets a
// unique violation, and nothing of its put stays. A key that exists is left alone, so that
// an erased one, whose row stays without its bytes, does not come back.
func (a *adapter) Put(p *abi.Put) abi.StoStatus {
	first := &p.Entries[0]
	if first.Seq > math.MaxInt64-uint64(len(p.Entries)) {
		return abi.StoBadRequest
	}
	a.handles, a.kinds, a.sessions, a.parts = a.handles[:0], a.kinds[:0], a.sessions[:0], a.parts[:0]
	for i := range p.Entries {
		e := &p.Entries[i]
		a.handles = append(a.handles, e.Handle)
		a.kinds = append(a.kinds, int64(e.Kind))
		a.sessions = append(a.sessions, e.Session[:])
		a.parts = append(a.parts, int64(e.Part))
	}
	keySessions := make([][]byte, len(p.Keys))
	keyParts := make([]int64, len(p.Keys))
	deks := make([]uint32, len(p.Keys))
	for i := range p.Keys {
		k := &p.Keys[i]
		if k.Epoch != first.Epoch {
			return abi.StoBadRequest
		}
		keySessions[i], keyParts[i], deks[i] = k.Session[:], int64(k.Part), k.Handle
	}
	rows, err := a.db.Exec(putChunk, 0,
		storage.BytesValue(first.Epoch[:]), storage.IntValue(int64(first.Seq)), storage.PayloadValue(a.handles...),
		ints(a.kinds), list(a.sessions), ints(a.parts),
		list(keySessions), ints(keyParts), abi.SQLValue{Type: abi.SQLPayloadList, Handles: deks})
	if err != nil {
		return storage.Status(err)
	}
	// Another writer of the same new epoch can make the statement see no period.
	// Nothing was stored then.
	if rows.Len() != 1 || rows.Row(0)[0].Int != 1 {
		return abi.StoUnavailable
	}
	return abi.StoOK
}

func ints(v []int64) abi.SQLValue  { return abi.SQLValue{Type: abi.SQLInts, Ints: v} }
func list(v [][]byte) abi.SQLValue { return abi.SQLValue{Type: abi.SQLBytesList, List: v} }
func clamp(v uint64) abi.SQLValue  { return storage.IntValue(int64(min(v, math.MaxInt64))) }
func flag(set bool) (v abi.SQLValue) {
	if v = storage.IntValue(0); set {
		v.Int = 1
	}
	return v
}

// Get implements storage.Adapter.
func (a *adapter) Get(s *abi.Selector) (abi.Item, abi.StoStatus) {
	switch s.What {
	case abi.WhatEntry:
		rows, err := a.db.Exec(getChunk, 1<<1, storage.BytesValue(s.Epoch[:]), clamp(s.Seq))
		if err != nil || rows.Len() == 0 {
			return abi.Item{}, noRow(err)
		}
		row := rows.Row(0)
		return item(s.Epoch[:], row[0], row[1])
	case abi.WhatKey:
		rows, err := a.db.Exec(getKey, 1<<0, storage.BytesValue(s.Epoch[:]), storage.BytesValue(s.Session[:]), storage.IntValue(int64(s.Part)))
		if err != nil || rows.Len() == 0 {
			return abi.Item{}, noRow(err)
		}
		return item(s.Epoch[:], abi.SQLValue{}, rows.Row(0)[0])
	}
	return abi.Item{}, abi.StoBadRequest
}

// noRow is the status of a statement that failed, or else found nothing.
func noRow(err error) abi.StoStatus {
	if err != nil {
		return storage.Status(err)
	}
	return abi.StoNotFound
}

func item(epoch []byte, seq, payload abi.SQLValue) (abi.Item, abi.StoStatus) {
	if len(epoch) != 16 || len(payload.Handles) != 1 || seq.Int < 0 {
		return abi.Item{}, abi.StoUnavailable
	}
	return abi.Item{Handle: payload.Handles[0], Epoch: [16]byte(epoch), Seq: uint64(seq.Int)}, abi.StoOK
}

// List implements storage.Adapter.
func (a *adapter) List(s *abi.Selector) ([]abi.Item, abi.StoStatus) {
	switch s.What {
	case abi.WhatEpochs:
		return a.epochs(s)
	case abi.WhatSession:
		return a.session(s)
	}
	return nil, abi.StoBadRequest
}

func (a *adapter) epochs(s *abi.Selector) ([]abi.Item, abi.StoStatus) {
	rows, err := a.db.Exec(listEpochs, 0, storage.BytesValue(s.Epoch[:]), flag(s.First))
	if err != nil {
		return nil, storage.Status(err)
	}
	out := make([]abi.Item, rows.Len())
	for i := range out {
		var ok bool
		if out[i], ok = position(rows.Row(i)); !ok {
			return nil, abi.StoUnavailable
		}
	}
	return out, abi.StoOK
}

// position reads the columns epoch and seq, with which a row begins.
func position(row []abi.SQLValue) (abi.Item, bool) {
	if len(row[0].Bytes) != 16 || row[1].Type != abi.SQLInt || row[1].Int < 0 {
		return abi.Item{}, false
	}
	return abi.Item{Epoch: [16]byte(row[0].Bytes), Seq: uint64(row[1].Int)}, true
}

// session asks the index over session handles. Each partition has its own, and a handle's
// entries may be in several: orders about a session stand where they were given.
func (a *adapter) session(s *abi.Selector) ([]abi.Item, abi.StoStatus) {
	if s.Part > 8*uint32(len(s.Session)) {
		return nil, abi.StoBadRequest
	}
	last := s.Session
	for bit := s.Part; bit < 8*uint32(len(last)); bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	rows, err := a.db.Exec(findSession, 0, storage.BytesValue(s.Session[:]), storage.BytesValue(s.Epoch[:]), clamp(s.Seq), storage.BytesValue(last[:]))
	if err != nil {
		return nil, storage.Status(err)
	}
	out := make([]abi.Item, rows.Len())
	for i := range out {
		row, ok := rows.Row(i), false
		if out[i], ok = position(row); !ok {
			return nil, abi.StoUnavailable
		}
		out[i].Kind = uint32(row[2].Int)
	}
	return out, abi.StoOK
}

// Delete implements storage.Adapter.
func (a *adapter) Delete(s *abi.Selector) abi.StoStatus {
	if s.What != abi.WhatKey {
		return abi.StoBadRequest
	}
	rows, err := a.db.Exec(eraseKey, 0, storage.BytesValue(s.Epoch[:]), storage.BytesValue(s.Session[:]), storage.IntValue(int64(s.Part)))
	if err != nil || rows.Len() == 0 {
		return noRow(err)
	}
	return abi.StoOK
}
