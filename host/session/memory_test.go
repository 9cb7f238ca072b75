package session_test

import (
	"context"
	"runtime"
	"runtime/metrics"

	"github.com/veriproof/notary/host/journal"
)

// forgetful stores nothing: what a notary holds is not to be mistaken for its storage.
type forgetful struct{ journal.Store }

func (forgetful) Put(context.Context, journal.Group) error { return nil }

// live is what was in use when the collector looked last.
func live() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// growth returns by how much what is in use is more when f has returned.
func growth(f func()) int64 {
	runtime.GC()
	runtime.GC()
	before := live()
	f()
	runtime.GC()
	runtime.GC()
	return live() - before
}
