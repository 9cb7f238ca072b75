package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// A database answers every statement with the same rows and notes what it was asked.
type database struct {
	answer storage.Rows
	err    error
	asked  []int
	params [][]abi.SQLValue
}

func (d *database) Exec(statement int, _ uint32, params ...abi.SQLValue) (storage.Rows, error) {
	d.asked, d.params = append(d.asked, statement), append(d.params, params)
	return d.answer, d.err
}

func number(n int64) storage.Rows {
	return storage.NewRows([]abi.SQLValue{storage.IntValue(n)}, 1)
}

func open(t *testing.T, d *database) *storage.Instance {
	t.Helper()
	d.answer = number(version)
	in, err := storage.New(spec(func() storage.Database { return d }), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.asked, d.params = nil, nil
	return in
}

// TestVersion: tables of the version of this module are taken, and no others; nothing but
// the version is asked for.
func TestVersion(t *testing.T) {
	for name, tt := range map[string]struct {
		rows storage.Rows
		want error
	}{
		"this":    {number(version), nil},
		"later":   {number(version + 1), storage.Code(abi.MigrateVersion)},
		"earlier": {number(version - 1), storage.Code(abi.MigrateVersion)},
		"none":    {storage.Rows{}, storage.Code(abi.MigrateVersion)},
	} {
		d := &database{answer: tt.rows}
		if _, err := storage.New(spec(func() storage.Database { return d }), nil); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if !slices.Equal(d.asked, []int{schemaVersion}) {
			t.Errorf("%s: statements %v", name, d.asked)
		}
	}
}

// TestPutIsOneStatement: a group commit of many entries and keys is one statement, with all of
// them, and is nothing else if that says that it stored nothing.
func TestPutIsOneStatement(t *testing.T) {
	d := &database{}
	in := open(t, d)
	put := &abi.Put{}
	for i := range uint64(300) {
		put.Entries = append(put.Entries, abi.Entry{Handle: uint32(i + 1), Length: 1, Epoch: [16]byte{1}, Seq: 7 + i, Kind: 3, Session: [32]byte{byte(i)}, Part: uint32(i)})
	}
	for i := range uint32(40) {
		put.Keys = append(put.Keys, abi.Key{Handle: 1000 + i, Length: 1, Epoch: [16]byte{1}, Session: [32]byte{byte(i)}, Part: i})
	}
	for rows, want := range map[int64]abi.StoStatus{1: abi.StoOK, 0: abi.StoUnavailable} {
		d.answer, d.asked, d.params = number(rows), nil, nil
		if status, err := in.Put(put); status != want || err != nil {
			t.Fatalf("%d rows: status %d, %v, want %d", rows, status, err, want)
		}
		if !slices.Equal(d.asked, []int{putChunk}) {
			t.Fatalf("statements %v", d.asked)
		}
		p := d.params[0]
		if len(p[2].Handles) != 300 || len(p[3].Ints) != 300 || len(p[4].List) != 300 || len(p[5].Ints) != 300 || p[1].Int != 7 {
			t.Errorf("of 300 entries from 7 there are %d payloads from %d", len(p[2].Handles), p[1].Int)
		}
		if len(p[6].List) != 40 || len(p[7].Ints) != 40 || len(p[8].Handles) != 40 {
			t.Errorf("of 40 keys there are %d payloads", len(p[8].Handles))
		}
	}
	d.err = storage.ErrExist
	if status, err := in.Put(put); status != abi.StoConflict || err != nil {
		t.Errorf("a position that is taken: status %d, %v", status, err)
	}
}
