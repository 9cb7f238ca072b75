package pluginhost

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/stream"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// storeDir loads the built-in adapter on a directory.
func storeDir(t testing.TB, dir string) *Adapter {
	t.Helper()
	s, err := Load(t.Context(), []Source{{Name: "store-dir", Kind: abi.KindStorage, Module: builtInModule(t, "store-dir")}}, Options{BlobDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s.Store()
}

func group(epoch byte, first uint64, entries ...string) journal.Group {
	g := journal.Group{Epoch: [16]byte{epoch}, FirstSeq: first}
	for _, e := range entries {
		g.Entries = append(g.Entries, journal.Sealed(e))
	}
	return g
}

func keyID(epoch, handle byte, part uint32) journal.KeyID {
	return journal.KeyID{Epoch: [16]byte{epoch}, Handle: [32]byte{handle}, Part: part}
}

// TestStore runs the contract of journal.Store against the built-in adapter.
func TestStore(t *testing.T) {
	a := storeDir(t, t.TempDir())
	journaltest.Contract(t, a, a)
}

// TestFloodedStorage: what the adapter writes asks whether there is a flood.
func TestFloodedStorage(t *testing.T) {
	asked := 0
	s, err := Load(t.Context(), []Source{{Name: "store-dir", Kind: abi.KindStorage, Module: builtInModule(t, "store-dir")}},
		Options{BlobDir: t.TempDir(), Streams: stream.Options{Flooded: func() bool { asked++; return true }}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	if err := s.Store().Put(t.Context(), group(1, 1, "entry")); err != nil || asked == 0 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// TestNoIndex: an adapter that keeps no index of sessions says so, and that is no failure
// of it.
func TestNoIndex(t *testing.T) {
	s, err := Load(t.Context(), []Source{{Name: "store-dir", Kind: abi.KindStorage, Module: builtInModule(t, "store-dir")}}, Options{BlobDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	if _, err := s.Store().Places(t.Context(), journal.Place{Handle: [32]byte{9}}, 256); !errors.Is(err, journal.ErrNoIndex) {
		t.Errorf("places in a directory: %v", err)
	}
	for name, c := range s.Counters() {
		if len(c.Failures) > 0 {
			t.Errorf("plugin %v has failed: %v", name, c.Failures)
		}
	}
}

// TestErasedKeyIsInNoFile: what is erased is overwritten or gone, and the other key of
// the same put is still there.
func TestErasedKeyIsInNoFile(t *testing.T) {
	dir := t.TempDir()
	a := storeDir(t, dir)
	g := group(1, 0, "zero")
	g.Keys = []journal.WrappedKey{{ID: keyID(1, 9, 0), DEK: journal.Sealed("dek 9")}, {ID: keyID(1, 8, 0), DEK: journal.Sealed("dek 8")}}
	if err := errors.Join(a.Put(t.Context(), g), a.EraseKey(t.Context(), g.Keys[0].ID)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	stays := false
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || bytes.Contains(b, g.Keys[0].DEK) {
			t.Errorf("%s holds the erased key, or cannot be read: %v", f.Name(), err)
		}
		stays = stays || bytes.Contains(b, g.Keys[1].DEK)
	}
	if !stays {
		t.Error("the other key is gone, too")
	}
}

// adapter returns a storage guest that answers every request with the reply.
func adapter(name string, reply []byte) *guest {
	answer := fn{code: i64Const(abi.Pack(atReply, uint32(len(reply))))}
	return &guest{
		manifest: abi.Manifest{
			ABI: abi.ABIStorage, Kind: abi.KindStorage, Capabilities: []string{abi.CapabilityBlob, abi.CapabilityPayload, abi.CapabilityStream},
			Limits: abi.Limits{MemoryPages: 16}, Name: name, Version: "0.0.1", WASI: abi.WASINone,
		},
		funcs: map[string]fn{
			abi.ExportStoMarker: {}, abi.ExportStoAlloc: {code: i32Const(atInput)},
			abi.ExportStoConfigure: {code: i32Const(0)}, abi.ExportStoMigrate: {code: i32Const(0)},
			abi.ExportStoPut: answer, abi.ExportStoGet: answer, abi.ExportStoList: answer, abi.ExportStoDelete: answer,
		},
		data: map[uint32][]byte{atReply: reply}, pages: 8,
		limits: Limits{Fuel: 1_000_000},
	}
}

// TestLyingAdapters: answers whose form cannot be true are errors, and none of
// them ends as data, as "not found" or in an endless listing.
func TestLyingAdapters(t *testing.T) {
	item := func(status abi.StoStatus, items ...abi.Item) []byte { return abi.AppendStoReply(nil, status, items) }
	get := func(a *Adapter) error { _, err := a.Get(t.Context(), [16]byte{1}, 5); return err }
	key := func(a *Adapter) error { _, err := a.Key(t.Context(), keyID(1, 1, 0)); return err }
	places := func(a *Adapter) error {
		_, err := a.Places(t.Context(), journal.Place{}, 256)
		return err
	}
	epochs := func(a *Adapter) error { _, err := a.Epochs(t.Context()); return err }
	put := func(a *Adapter) error { return a.Put(t.Context(), group(1, 0, "x")) }
	for name, tc := range map[string]struct {
		reply []byte
		call  func(*Adapter) error
		want  Reason
	}{
		"no item":           {item(abi.StoOK), get, ReasonReply},
		"no such handle":    {item(abi.StoOK, abi.Item{Handle: 7, Epoch: [16]byte{1}}), get, ReasonReply},
		"handle of zero":    {item(abi.StoOK, abi.Item{Epoch: [16]byte{1}}), key, ReasonReply},
		"two items":         {item(abi.StoOK, abi.Item{}, abi.Item{}), key, ReasonReply},
		"items of a put":    {item(abi.StoOK, abi.Item{}), put, ReasonReply},
		"the same epoch":    {item(abi.StoOK, abi.Item{Epoch: [16]byte{1}}), epochs, ReasonReply},
		"falling epochs":    {item(abi.StoOK, abi.Item{Epoch: [16]byte{2}}, abi.Item{Epoch: [16]byte{1}}), epochs, ReasonReply},
		"too many places":   {item(abi.StoOK, make([]abi.Item, abi.MaxItems+1)...), places, ReasonReply},
		"unavailable index": {item(abi.StoUnavailable), places, ""},
		"no reply":          {make([]byte, 16), put, ReasonReply},
		"bad request":       {item(abi.StoBadRequest), put, ReasonStatus},
		"unknown status":    {item(99), put, ""},
		"unavailable":       {item(abi.StoUnavailable), epochs, ""},
		"count of 2^32 − 1": {u32s(abi.MagicStoReply, 0, 0xffff_ffff, 32), epochs, ReasonReply},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.call(load(t, Options{BlobDir: t.TempDir()}, adapter("liar", tc.reply)).Store())
			var pe *PluginError
			if tc.want == "" {
				if err == nil || errors.As(err, &pe) || errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrNotFound) {
					t.Fatalf("error %v, want an unknown outcome", err)
				}
				return
			}
			if !errors.As(err, &pe) || pe.Reason != tc.want {
				t.Fatalf("error %v, want %s", err, tc.want)
			}
		})
	}
}

// hostCall makes one call of a host function from sto_delete of a guest that
// returns the function's result in the reply's status.
func hostCall(t *testing.T, dir, name string, args ...int64) int64 {
	t.Helper()
	g := adapter("caller", abi.AppendStoReply(nil, 0, nil))
	g.data[atOther] = []byte("key-1.KEY-2_../etc")
	g.data[atOther+64] = u32s(1, 9)
	result, _ := hostCallOf(t, g, Options{BlobDir: dir}, t.Context(), name, args...)
	return result
}

// hostCallOf makes the call from a guest with data of its own, and returns also what
// the host keeps for the call; the payload of handle 1 is "payload".
func hostCallOf(t *testing.T, g *guest, o Options, ctx context.Context, name string, args ...int64) (int64, *storageCall) {
	t.Helper()
	f := stoFunctions[name]
	g.imports = []fn{{name: abi.ImportSto + "\x00" + name, typ: f.typ}}
	code := i32Const(atReply)
	for i, a := range args {
		if f.typ.Params[i:i+1] == i64 {
			code = append(code, i64Const(uint64(a))...)
		} else {
			code = append(code, i32Const(int32(a))...)
		}
	}
	code = append(code, callTo(0)...)
	if f.typ.Results == i32 {
		code = append(code, 0xac) // i64.extend_i32_s
	}
	code = append(code, 0x37, 0, 16) // i64.store behind the reply's header
	g.set(abi.ExportStoDelete, 0, code, i64Const(abi.Pack(atReply, 16)))
	p := load(t, o, g).plugins[0]
	in, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &call{ctx: ctx, storage: p.newStorageCall()}
	c.storage.add(journal.Sealed("payload"), false)
	_, reason := in.exchange(withCall(t.Context(), c), abi.ExportStoDelete, 1_000_000, nil)
	b, _ := in.memory.Read(atReply+16, 8)
	result := int64(binary.LittleEndian.Uint64(b))
	p.release(in, reason != "")
	if reason != "" {
		t.Fatal(reason)
	}
	return result, c.storage
}

// TestHostFunctions: arguments that are out of range, not keys, or no handles.
func TestHostFunctions(t *testing.T) {
	const k, upper, handles, beyond = atOther, atOther + 6, atOther + 64, 8<<16 - 4
	dir := t.TempDir()
	for _, tc := range []struct {
		name string
		args []int64
		want int64
	}{
		{"blob_get", []int64{k, 5}, -abi.ErrnoNoEntry},
		{"blob_put", []int64{k, 5, handles, 1, abi.BlobExclusive}, 0},
		{"blob_put", []int64{k, 5, handles, 1, abi.BlobExclusive}, -abi.ErrnoExist},
		{"blob_put", []int64{k, 5, handles, 1, abi.BlobReplace}, 0},
		{"blob_get", []int64{k, 5}, 2<<32 | 7},
		{"blob_put", []int64{k, 5, handles, 2, abi.BlobReplace}, -abi.ErrnoHandle},
		{"blob_put", []int64{k, 5, handles, 1, 3}, -abi.ErrnoInvalid},
		{"blob_put", []int64{k, 5, beyond, 2, abi.BlobReplace}, -abi.ErrnoInvalid},
		{"blob_put", []int64{k, 5, handles, -1, abi.BlobReplace}, -abi.ErrnoInvalid},
		{"blob_put", []int64{upper, 5, handles, 1, abi.BlobReplace}, -abi.ErrnoInvalid},
		{"blob_put", []int64{k + 12, 6, handles, 1, abi.BlobReplace}, -abi.ErrnoInvalid}, // "../etc"
		{"blob_get", []int64{k, 0}, -abi.ErrnoInvalid},
		{"blob_get", []int64{beyond, 5}, -abi.ErrnoInvalid},
		{"blob_get", []int64{k, -1}, -abi.ErrnoInvalid},
		{"blob_list", []int64{k, 0, k, 0, 0, 4096, 121}, 6},
		{"blob_list", []int64{k, 0, k, 0, 0, 4096, 120}, -abi.ErrnoInvalid},
		{"blob_list", []int64{k, 0, k, 0, 2, 4096, 121}, -abi.ErrnoInvalid},
		{"blob_list", []int64{upper, 3, k, 0, 0, 4096, 121}, -abi.ErrnoInvalid},
		{"blob_list", []int64{k, 0, k, 0, 0, beyond, 121}, -abi.ErrnoInvalid},
		{"payload_read", []int64{1, 0, 4096, 100}, 7},
		{"payload_read", []int64{1, 5, 4096, 100}, 2},
		{"payload_read", []int64{1, 8, 4096, 100}, -abi.ErrnoInvalid},
		{"payload_read", []int64{2, 0, 4096, 100}, -abi.ErrnoHandle},
		{"payload_read", []int64{0, 0, 4096, 100}, -abi.ErrnoHandle},
		{"payload_read", []int64{1, 0, beyond, 100}, -abi.ErrnoInvalid},
		{"payload_new", []int64{k, 3}, 2},
		{"payload_new", []int64{beyond, 5}, -abi.ErrnoInvalid},
		{"payload_slice", []int64{1, 2, 5}, 2},
		{"payload_slice", []int64{1, 2, 6}, -abi.ErrnoInvalid},
		{"payload_slice", []int64{1, -1, -1}, -abi.ErrnoInvalid},
		{"payload_slice", []int64{3, 0, 0}, -abi.ErrnoHandle},
		{"payload_free", []int64{1}, 0},
		{"payload_free", []int64{2}, -abi.ErrnoHandle},
		{"stream_find", []int64{k, 5, 9, 4096}, -abi.ErrnoNoEntry},
		{"stream_append", []int64{k, 5, 7, 8, handles, 1, 0}, 0},
		{"stream_append", []int64{k, 5, 8, 8, handles, 1, 0}, -abi.ErrnoExist},
		{"stream_append", []int64{k, 5, 10, 10, handles, 1, 0}, -abi.ErrnoIO},
		{"stream_append", []int64{k, 5, 9, 8, handles, 1, 0}, -abi.ErrnoInvalid},
		{"stream_append", []int64{k, 5, 9, -1, handles, 1, 0}, -abi.ErrnoInvalid},
		{"stream_append", []int64{k, 5, 9, 9, handles, 1, 2}, -abi.ErrnoInvalid},
		{"stream_append", []int64{k, 5, 9, 9, handles, -1, 0}, -abi.ErrnoInvalid},
		{"stream_append", []int64{k, 5, 9, 9, handles, 2, 0}, -abi.ErrnoHandle},
		{"stream_append", []int64{k, 5, 9, 9, beyond, 2, 0}, -abi.ErrnoInvalid},
		{"stream_append", []int64{upper, 5, 9, 9, handles, 1, 0}, -abi.ErrnoInvalid},
		{"stream_append", []int64{k, 5, 9, 9, handles, 1, 1}, 0},
		{"stream_find", []int64{k, 5, 9, 4096}, 0},
		{"stream_find", []int64{k, 5, 6, 4096}, -abi.ErrnoNoEntry},
		{"stream_find", []int64{k, 5, 9, 8<<16 - 23}, -abi.ErrnoInvalid},
		{"stream_find", []int64{upper, 5, 9, 4096}, -abi.ErrnoInvalid},
		{"stream_read", []int64{k, 5, 7, 0}, 2<<32 | 7},
		{"stream_read", []int64{k, 5, 7, 1}, -abi.ErrnoNoEntry},
		{"stream_read", []int64{k, 5, 8, 0}, -abi.ErrnoNoEntry},
		{"stream_read", []int64{k, 5, 9, 0}, 2 << 32},
		{"stream_read", []int64{k, 5, 9, 1}, 2<<32 | 7},
		{"stream_read", []int64{k, 5, 9, -1}, -abi.ErrnoNoEntry},
		{"stream_read", []int64{upper, 5, 9, 0}, -abi.ErrnoInvalid},
		{"stream_erase", []int64{k, 5, 9, 0}, -abi.ErrnoInvalid},
		{"stream_erase", []int64{k, 5, 9, 2}, -abi.ErrnoNoEntry},
		{"stream_erase", []int64{upper, 5, 9, 1}, -abi.ErrnoInvalid},
		{"stream_erase", []int64{k, 5, 9, 1}, 0},
		{"stream_erase", []int64{k, 5, 9, 1}, -abi.ErrnoNoEntry},
		{"stream_read", []int64{k, 5, 9, 1}, -abi.ErrnoNoEntry},
		{"stream_list", []int64{k, 0, k, 0, 0, 4096, 121}, 6},
		{"stream_list", []int64{k, 5, k, 5, 0, 4096, 121}, 0},
		{"stream_list", []int64{k, 0, k, 0, 2, 4096, 121}, -abi.ErrnoInvalid},
		{"blob_delete", []int64{k, 5}, 0},
		{"blob_delete", []int64{k, 5}, -abi.ErrnoNoEntry},
	} {
		if got := hostCall(t, dir, tc.name, tc.args...); got != tc.want {
			t.Errorf("%s%v = %d, want %d", tc.name, tc.args, got, tc.want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("files left: %v, %v; want a segment and a lock", entries, err)
	}
	for name, args := range map[string][]int64{
		"blob_get": {k, 5}, "stream_append": {k, 5, 0, 0, handles, 1, 0}, "stream_find": {k, 5, 0, 4096},
		"stream_read": {k, 5, 0, 0}, "stream_erase": {k, 5, 0, 1}, "stream_list": {k, 0, k, 0, 0, 4096, 121},
	} {
		if got := hostCall(t, "", name, args...); got != -abi.ErrnoIO {
			t.Errorf("%s without a directory = %d", name, got)
		}
	}
}

// TestHandleTable: the table is bounded in handles and in bytes, and what is
// freed is gone.
func TestHandleTable(t *testing.T) {
	c := &storageCall{}
	if c.add(make(journal.Sealed, maxHeld+1), true) != 0 || c.add(make(journal.Sealed, maxHeld), true) != 1 || c.add(journal.Sealed("x"), true) != 0 {
		t.Error("bytes are not bounded")
	}
	for c.add(nil, false) != 0 {
	}
	if len(c.payloads) != maxHandles {
		t.Errorf("%d handles, want %d", len(c.payloads), maxHandles)
	}
}

// TestUngrantedCapability: a guest whose manifest does not name a capability
// cannot import its functions.
func TestUngrantedCapability(t *testing.T) {
	for capability, name := range map[string]string{abi.CapabilityBlob: "payload_read", abi.CapabilityPayload: "blob_put", abi.CapabilityStream: "blob_get"} {
		g := adapter("bad", nil)
		g.manifest.Capabilities = []string{capability}
		g.imports = []fn{{name: abi.ImportSto + "\x00" + name, typ: stoFunctions[name].typ}}
		_, err := Load(t.Context(), []Source{g.source()}, Options{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("import of %s with capability %s: %v", name, capability, err)
		}
	}
	two := []Source{adapter("a", nil).source(), adapter("b", nil).source()}
	if _, err := Load(t.Context(), two, Options{}); err == nil || !strings.Contains(err.Error(), "storage adapter already: a") {
		t.Errorf("two adapters: %v", err)
	}
	g := adapter("bad", nil).set(abi.ExportStoMigrate, 0, i32Const(5))
	if _, err := Load(t.Context(), []Source{g.source()}, Options{}); err == nil || !strings.Contains(err.Error(), "sto_migrate failed with code 5") {
		t.Errorf("failing migration: %v", err)
	}
	g = adapter("other", nil).set(abi.ExportStoMigrate, 0, i32Const(abi.MigrateVersion))
	if _, err := Load(t.Context(), []Source{g.source()}, Options{}); !errors.Is(err, ErrStorageVersion) {
		t.Errorf("storage of another version: %v, want ErrStorageVersion", err)
	}
}

func BenchmarkPut(b *testing.B) {
	a := storeDir(b, b.TempDir())
	entry := strings.Repeat("x", 128<<10)
	seq := uint64(0)
	b.SetBytes(int64(len(entry)))
	for b.Loop() {
		if err := a.Put(b.Context(), group(1, seq, entry)); err != nil {
			b.Fatal(err)
		}
		seq++
	}
}
