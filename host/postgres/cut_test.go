//go:build postgres

package postgres_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A cable lies between the notary and the server. It can be cut when the server has
// answered and the notary has not heard it.
type cable struct {
	dir  string // of a socket of its own
	port uint16
	cut  atomic.Bool // the next answers are lost, with their connections
	lost atomic.Int64
}

func newCable(t *testing.T, s *pgserver.Server) *cable {
	t.Helper()
	c := &cable{dir: t.TempDir(), port: s.Port}
	l, err := net.Listen("unix", filepath.Join(c.dir, fmt.Sprintf(".s.PGSQL.%d", s.Port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", filepath.Join(s.Socket, fmt.Sprintf(".s.PGSQL.%d", s.Port)))
			if err != nil {
				near.Close()
				continue
			}
			go c.carry(near, far)
		}
	}()
	return c
}

func (c *cable) carry(near, far net.Conn) {
	var once sync.Once
	end := func() { once.Do(func() { near.Close(); far.Close() }) }
	go func() { defer end(); _, _ = io.Copy(far, near) }()
	defer end()
	buf := make([]byte, 32<<10)
	for {
		n, err := far.Read(buf)
		// The server has answered: what it was asked is done.
		if err != nil || c.cut.CompareAndSwap(true, false) && c.lost.Add(1) > 0 {
			return
		}
		if _, err := near.Write(buf[:n]); err != nil {
			return
		}
	}
}

// journaled writes a journal through the adapter, several commits at a time, while
// something is done before each acknowledgement is awaited, and reads it again: nothing is
// acknowledged that is not there, nothing stands twice, and the order is that of the
// appends.
func journaled(t *testing.T, a journal.Store, appends int, disturb func(i int)) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	epoch := receipt.Epoch{0xc}
	w := journal.NewWriter(a, epoch, key, journal.Options{GroupBytes: 1, Backoff: func(int) time.Duration { return 10 * time.Millisecond }})
	defer w.Close(context.Background())
	var all []*journal.Pending
	for i := range appends {
		kind := format.KindSegment
		if i == 0 {
			kind = format.KindEpoch
		}
		p, err := w.Append([]journal.Draft{{Kind: kind, Body: fmt.Appendf(nil, "body %d", i)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	for i, p := range all {
		disturb(i)
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatalf("append %d: %v", i, err)
		}
	}
	r := format.Reader{Epoch: epoch, Key: public}
	for i := range all {
		chunk, err := a.Get(t.Context(), epoch, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		entry, rest, err := format.Decode(chunk.Entries)
		if err != nil || len(rest) > 0 || string(entry.Body) != fmt.Sprintf("body %d", i) {
			t.Fatalf("entry %d: %v, %d bytes more", i, err, len(rest))
		}
		if err := r.Next(entry); err != nil {
			t.Fatal(err)
		}
	}
	if r.Signed() != uint64(len(all)) {
		t.Errorf("%d of %d entries are signed", r.Signed(), len(all))
	}
}

// TestCutMidCommit: connections are cut again and again between a commit and its
// answer, with several commits under way.
func TestCutMidCommit(t *testing.T) {
	s := pgserver.Start(t)
	initialised(t, open(t, options(s)))
	c := newCable(t, s)
	o := options(s)
	o.Host = c.dir
	a, err := load(t, open(t, o))
	if err != nil {
		t.Fatal(err)
	}
	journaled(t, a, 120, func(i int) {
		if i%6 == 0 {
			c.cut.Store(true)
		}
	})
	if c.lost.Load() < 10 {
		t.Errorf("only %d answers were lost", c.lost.Load())
	}
}

// TestServerDiesUnderJournal: the server is killed with several commits under way, and
// comes back before the epoch has to end.
func TestServerDiesUnderJournal(t *testing.T) {
	a, _, s := store(t)
	journaled(t, a, 90, func(i int) {
		if i%30 == 15 {
			s.Kill()
			s.Restart()
		}
	})
}
