//go:build postgres || objectstore

package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
	"github.com/veriproof/notary/sdk/receipt"
)

// What is stored: a segment is the 50 spans of one export.
const (
	segmentBytes = 120 << 10
	segmentSpans = 50
)

// adapter loads a storage adapter from its source.
func adapter(b *testing.B, name string, o pluginhost.Options) *pluginhost.Adapter {
	b.Helper()
	module, err := build.Module(b.Context(), filepath.Join("..", "..", "..", "plugins", name))
	if err != nil {
		b.Fatal(err)
	}
	m, err := abi.ReadManifest(module)
	if err != nil {
		b.Fatal(err)
	}
	source := pluginhost.Source{Name: name, Kind: abi.KindStorage, Module: module}
	if db, ok := o.Database.(*postgres.DB); ok {
		err = db.Init(b.Context(), "", m.Schema, "")
	} else {
		_, err = pluginhost.Init(b.Context(), source, o)
	}
	if err != nil {
		b.Fatal(err)
	}
	set, err := pluginhost.Load(b.Context(), []pluginhost.Source{source}, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = set.Close(context.Background()) })
	return set.Store()
}

// durable has senders, each of whom waits until its segment is durable before it
// sends the next, and reports what they see.
func durable(b *testing.B, senders int, store func(sender int, segment journal.Sealed) error) {
	b.Helper()
	segment := make(journal.Sealed, segmentBytes)
	rand.Read(segment) // ciphertext does not compress
	var mu sync.Mutex
	var waits []time.Duration
	var left atomic.Int64
	left.Store(int64(b.N))
	b.SetBytes(segmentBytes)
	b.ResetTimer()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				began := time.Now()
				if err := store(s, segment); err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				waits = append(waits, time.Since(began))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(waits)
	if len(waits) == 0 {
		return
	}
	b.ReportMetric(float64(len(waits)*segmentSpans)/b.Elapsed().Seconds(), "spans/s")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
}

// journaled stores through a journal.
func journaled(b *testing.B, senders int, store journal.Store, o journal.Options) {
	b.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	var epoch receipt.Epoch
	rand.Read(epoch[:])
	w := journal.NewWriter(store, epoch, key, o)
	defer func() {
		if err := w.Close(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	durable(b, senders, func(_ int, segment journal.Sealed) error {
		p, err := w.Append([]journal.Draft{{Kind: format.KindSegment, Body: segment}}, nil)
		if err != nil {
			return err
		}
		_, err = p.Wait(context.Background())
		return err
	})
}
