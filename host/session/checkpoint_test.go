package session_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
)

// TestOneCheckpointWaits: while the log takes nothing, one checkpoint waits for it, however many
// would be due.
func TestOneCheckpointWaits(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	w.log.mu.Lock()
	w.log.down = errors.New("the log is down")
	w.log.mu.Unlock()
	sealed := func() (sum uint64) {
		for _, parts := range n.Stats().Sealed {
			sum += parts
		}
		return sum
	}
	const sessions = 4
	for i := range uint64(sessions) {
		export(t, n, request(fmt.Sprint("s", i), span("a")))
		w.advance(max(session.DefaultIdle, session.DefaultCheckpoint))
		if err := n.Tick(t.Context()); err != nil { // a checkpoint is due for what was sealed before
			t.Fatal(err)
		}
		for sealed() != i+1 {
			runtime.Gosched()
		}
	}
	w.crash(n)
	checkpoints := 0
	for seq := range w.scan().Epoch(n.Epoch()).Next {
		entry, err := archive.Entry(t.Context(), w.store, n.Epoch(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if entry.Kind == format.KindCheckpoint {
			checkpoints++
		}
	}
	if checkpoints != 1 {
		t.Errorf("%d checkpoints wait for the log, want 1", checkpoints)
	}
}
