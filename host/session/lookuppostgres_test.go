//go:build postgres

package session_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// TestLookupPostgres: through store-postgres and a real server a lookup gives what a scan
// gives. With -v it says how long both take; NOTARY_PARTS makes more sessions.
func TestLookupPostgres(t *testing.T) {
	parts := 300
	if text := os.Getenv("NOTARY_PARTS"); text != "" {
		var err error
		if parts, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	n := w.start()
	for i := range parts {
		export(t, n, request(fmt.Sprint("s", i), lastSpan("only")))
	}
	w.close(n)
	store := onPostgres(t)
	w.copyTo(store)

	began := time.Now()
	scanned, err := archive.Scan(t.Context(), store, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := scanned.Parts()
	t.Logf("a scan of %d session parts takes %v", len(list), time.Since(began))
	for i := range 8 {
		id := list[i*(len(list)-1)/7].ID
		began := time.Now()
		found, err := archive.Lookup(t.Context(), store, id.Handle.String()[:12], everything)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("a lookup takes %v", time.Since(began))
		w.sameAsScan(found, scanned, id)
	}
}

// onPostgres is the adapter in Wasm on a server of its own.
func onPostgres(t *testing.T) journal.Store {
	t.Helper()
	module, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", "store-postgres"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := abi.ReadManifest(module)
	if err != nil {
		t.Fatal(err)
	}
	s := pgserver.Start(t)
	db, err := postgres.Open(t.Context(), postgres.Options{Host: s.Socket, Port: s.Port, Database: "postgres", User: pgserver.User, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := db.Init(t.Context(), "", manifest.Schema, ""); err != nil {
		t.Fatal(err)
	}
	set, err := pluginhost.Load(t.Context(), []pluginhost.Source{{Name: "store-postgres", Kind: abi.KindStorage, Module: module}}, pluginhost.Options{Database: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close(context.Background()) })
	return set.Store()
}

// copyTo puts all groups, with the wrapped keys of the parts that begin in each.
func (w *world) copyTo(to journal.Store) {
	w.t.Helper()
	keys := make(map[format.EntryRef][]journal.WrappedKey)
	for _, p := range w.scan().Parts() {
		id := journal.KeyID{Epoch: p.ID.Epoch, Handle: p.ID.Handle, Part: p.ID.Part}
		dek, err := w.store.Key(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		at := format.EntryRef{Epoch: p.ID.Epoch, Seq: p.FirstSeq}
		keys[at] = append(keys[at], journal.WrappedKey{ID: id, DEK: dek})
	}
	heads, err := w.store.Epochs(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range heads {
		for next := uint64(0); next <= h.LastChunk; {
			c, err := w.store.Get(w.t.Context(), h.Epoch, next)
			if err != nil {
				w.t.Fatal(err)
			}
			g := journal.Group{Epoch: h.Epoch, FirstSeq: c.FirstSeq}
			for rest := []byte(c.Entries); len(rest) > 0; next++ {
				e, after, err := format.Decode(rest)
				if err != nil {
					w.t.Fatal(err)
				}
				g.Entries = append(g.Entries, journal.Sealed(rest[:len(rest)-len(after)]))
				g.Heads = append(g.Heads, journal.EntryHead{Kind: uint8(e.Kind), Handle: e.Handle, Part: e.Part})
				g.Keys = append(g.Keys, keys[format.EntryRef{Epoch: e.Epoch, Seq: e.Seq}]...)
				rest = after
			}
			if err := to.Put(w.t.Context(), g); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}
