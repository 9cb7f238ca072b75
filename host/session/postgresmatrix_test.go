//go:build postgres

package session_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestT33FaultMatrixPostgres is the fault matrix on a real server, through the adapter
// in Wasm: each durable step that is one of storage × {the connection is cut before the statement
// reaches the server, cut after its commit and before the answer, silent until the notary
// gives up, silent and then the statement comes through all the same} × {go on, kill and
// start again}. Each seed has a schema of its own, each life its own connections.
//
// It plays each cell once, or as many seeds as NOTARY_SEEDS says.
func TestT33FaultMatrixPostgres(t *testing.T) {
	server := pgserver.Start(t)
	module, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", "store-postgres"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := abi.ReadManifest(module)
	if err != nil {
		t.Fatal(err)
	}
	// The adapter looks at its tables when it is loaded.
	ctx := context.WithValue(t.Context(), lifeKey{}, made(t, server, "first", manifest.Schema))
	set, err := pluginhost.Load(ctx, []pluginhost.Source{{Name: "store-postgres", Kind: abi.KindStorage, Module: module}}, pluginhost.Options{Database: byLife{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close(context.Background()) })
	aims := ofStorage()
	first, last := seeds(t, len(aims))
	var mu sync.Mutex
	struck := make(map[cell]int)
	t.Run("seeds", func(t *testing.T) {
		for seed := first; seed <= last; seed++ {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel() // they wait more than they work
				r := newWiredRun(t, server, set.Store(), manifest.Schema, uint64(seed), aims)
				defer r.tell(t, seed, first == last)
				r.play()
				r.check()
				mu.Lock()
				defer mu.Unlock()
				if r.plan.struck {
					struck[r.plan.aim]++
				}
			})
		}
	})
	if last-first+1 < len(aims) {
		return
	}
	for _, c := range aims {
		if struck[c] == 0 {
			t.Errorf("%v: no seed came by", c)
		}
	}
}

// ofStorage returns the cells whose step is one of storage, and that a connection can bring
// about: entries and keys are one statement.
func ofStorage() (aims []cell) {
	for _, c := range cells {
		if c.step != stepLog && c.outcome != half {
			aims = append(aims, c)
		}
	}
	return aims
}

// byLife executes a statement on the connections of the life that asks.
type byLife struct{}

type (
	lifeKey  struct{}
	hangsKey struct{} // there: the statement is one that hangs
)

func (byLife) Exec(ctx context.Context, statement string, args []any) ([][]any, error) {
	if ctx.Value(hangsKey{}) != nil {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, hangTime)
		defer stop()
	}
	return ctx.Value(lifeKey{}).(*postgres.DB).Exec(ctx, statement, args)
}

// A wiredRun is a run whose storage is a server behind wires that a plan cuts.
type wiredRun struct {
	*run
	server  *pgserver.Server
	adapter *pluginhost.Adapter
	schema  string
	late    sync.WaitGroup // statements that come through when nobody expects them
}

// How long a notary waits for the statement that hangs, so that it gives up soon, and for
// all others, since a slow machine is no fault.
const (
	hangTime = 250 * time.Millisecond
	patience = 10 * time.Second
)

func newWiredRun(t *testing.T, server *pgserver.Server, adapter *pluginhost.Adapter, schema []string, seed uint64, aims []cell) *wiredRun {
	t.Helper()
	p := newPlan(seed)
	p.aim, p.at, p.storm, p.silence, p.inFlight = aims[seed%uint64(len(aims))], []int{0, 1}[seed/uint64(len(aims))%2], 0, 0, adapter.InFlight()
	w := &wiredRun{
		run: &run{
			world: newWorld(t), plan: p, again: 5 * time.Millisecond, erasing: make(chan struct{}, 1),
			sent: make(map[string]map[receipt.Epoch]bool), acked: make(map[string]bool), erased: make(map[string]bool),
		},
		server: server, adapter: adapter, schema: fmt.Sprintf("seed%d", seed),
	}
	w.real = &wiredStore{adapter: adapter, db: made(t, server, w.schema, schema)} // as the checks see it, without faults
	w.durable = w.isDurable
	return w
}

// fewer has the schema make partitions for two months in place of 60: no seed lasts longer, and with
// 60 a server spends most of its time on opening them, in each life anew.
func fewer(t *testing.T, statements []string) []string {
	t.Helper()
	all := strings.Join(statements, "\x00")
	if strings.Count(all, "p + 59") != 1 {
		t.Fatal("the schema makes its partitions otherwise")
	}
	return strings.Split(strings.Replace(all, "p + 59", "p + 1", 1), "\x00")
}

// made makes a schema with the adapter's tables.
func made(t *testing.T, server *pgserver.Server, name string, statements []string) *postgres.DB {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", server.Socket, server.Port, pgserver.User))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "create schema "+name); err != nil {
		t.Fatal(err)
	}
	db := connect(t, server, server.Socket, name, 10*time.Second)
	if err := db.Init(t.Context(), name, fewer(t, statements), ""); err != nil {
		t.Fatal(err)
	}
	return db
}

func connect(t *testing.T, server *pgserver.Server, host, schema string, timeout time.Duration) *postgres.DB {
	t.Helper()
	o := postgres.Options{Host: host, Port: server.Port, Database: "postgres", User: pgserver.User, Schema: schema, Timeout: timeout}
	db, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// isDurable reads the journal up to an entry.
func (w *wiredRun) isDurable(epoch receipt.Epoch, seq uint64) bool {
	for at := range seq + 1 {
		if _, err := archive.Entry(w.t.Context(), w.real, epoch, at); err != nil {
			return false
		}
	}
	return true
}

// play is as run.play, at the speed of the server, with a clock a hundred times as fast.
func (w *wiredRun) play() {
	var senders sync.WaitGroup
	over := make(chan struct{})
	for i := range 2 {
		senders.Go(func() { w.sends(i) })
	}
	go func() { senders.Wait(); close(over) }()
	for done := false; !done; {
		if w.lives > 8 {
			w.plan.calm()
		}
		l := w.begins()
		if l.notary == nil {
			l.die()
			continue
		}
		w.set(l.notary)
		select {
		case <-l.killed:
		case <-l.notary.Ended():
			if w.plan.passes() {
				w.t.Errorf("life %d ends for a fault that passed", l.number)
			}
		case <-time.After(time.Duration(100+w.plan.in(150)) * time.Millisecond):
			if w.lives < 4 {
				w.plan.note("life %d is killed between two steps", l.number)
				break
			}
			select { // steps that come late need time
			case <-l.killed:
			case <-l.notary.Ended():
			case <-over:
				done = true
			}
		case <-over:
			done = w.lives > 1 // or nobody fences
		}
		if done {
			select { // what follows on the last span is later on a slow machine
			case <-w.plan.strikes:
			case <-l.killed:
			case <-l.notary.Ended():
			case <-time.After(patience):
			}
		}
		w.set(nil)
		l.die()
	}
	w.plan.calm()
	w.late.Wait()
	l := w.begins()
	if l.notary == nil {
		w.t.Fatal("no notary starts any more")
	}
	if err := w.erase(l.notary); err != nil {
		w.t.Errorf("erase without any fault: %v", err)
	}
	eventually(w.t, func() bool { return w.untold() == 0 }) // the start tells what others could not
	l.halt()
	w.close(l.notary)
	l.die()
}

// A wiredLife is one process, with its connections.
type wiredLife struct {
	*life
	wire *wire
	over sync.Once
}

// die ends the process: its connections end, and what the server has it does.
func (l *wiredLife) die() {
	l.over.Do(func() {
		l.cancel()
		l.wire.end()
		if l.notary != nil {
			l.halt()
			l.notary.Kill()
		}
	})
}

func (w *wiredRun) begins() *wiredLife {
	w.t.Helper()
	w.lives++
	l := &wiredLife{life: &life{number: w.lives, killed: make(chan struct{}, 1)}, wire: newWire(w.t, w.server, &w.late)}
	l.ctx, l.cancel = context.WithCancel(w.t.Context())
	db := connect(w.t, w.server, l.wire.dir, w.schema, patience)
	store := &wiredStore{adapter: w.adapter, db: db, life: l, plan: w.plan}
	born := time.Now()
	w.tune = func(o *session.Options) {
		o.Store, o.Scan = store, w.scan
		o.Journal = journal.Options{GroupBytes: 1, UnknownLimit: 4 * patience, Backoff: func(int) time.Duration { return 5 * time.Millisecond }}
		o.Now = func() time.Time { return born.Add(100 * time.Since(born)) }
		o.WrapKeyAge, o.Checkpoint = 10*time.Second, 10*time.Second
	}
	o := w.options()
	started := make(chan struct{})
	go func() { // who is killed at its start does not get any further
		select {
		case <-l.killed:
			l.killed <- struct{}{}
			l.cancel()
			l.wire.end()
		case <-started:
		}
	}()
	n, err := session.Start(l.ctx, o)
	close(started)
	w.plan.note("life %d begins: epoch %x, %v", l.number, o.Origin.Epoch[0], err)
	if err != nil {
		return l
	}
	l.notary = n
	ctx, stop := context.WithCancel(l.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = n.Tick(ctx) // what fails is due again
			case <-ctx.Done():
				return
			}
		}
	}()
	l.halt = func() {
		stop()
		<-ended
	}
	return l
}

// sends sends some spans, one after the other, each until it is acknowledged.
func (w *wiredRun) sends(i int) {
	for k := range 5 {
		id := sessions[(i+k)%len(sessions)]
		name := fmt.Sprintf("%s: span %d of sender %d", id, k, i)
		s := span(name)
		if k%2 == i {
			s = lastSpan(name)
		}
		w.send(id, name, request(id, s))
		if n := w.current(); n != nil {
			_ = w.erase(n) // or later
		}
		<-time.After(time.Duration(w.plan.in(60)) * time.Millisecond) // as the seed has it: nothing waits for this
	}
}

// A wiredStore is the adapter as one life sees it.
type wiredStore struct {
	adapter *pluginhost.Adapter
	db      *postgres.DB
	life    *wiredLife // nil: of nobody, and without faults
	plan    *plan
	alone   sync.RWMutex // held by the statement that a fault is meant for
}

func (s *wiredStore) InFlight() int { return s.adapter.InFlight() }

// perform has a statement executed, and its connection do as the plan says.
func (s *wiredStore) perform(ctx context.Context, do func(context.Context) error, steps ...step) error {
	ctx = context.WithValue(ctx, lifeKey{}, s.db)
	if s.life == nil {
		return do(ctx)
	}
	f := s.plan.decide(steps...)
	if f.outcome == fine {
		s.alone.RLock()
		defer s.alone.RUnlock()
		return do(ctx)
	}
	s.plan.note("life %d: %v: %s, kill %v", s.life.number, steps, f.outcome, f.kill)
	s.alone.Lock()
	defer s.alone.Unlock()
	s.life.wire.arm(f.outcome)
	if f.outcome == hangs || f.outcome == persistsLate {
		ctx = context.WithValue(ctx, hangsKey{}, true)
	}
	err := do(ctx)
	if !s.life.wire.struck() {
		s.plan.note("life %d: the statement was not sent: %v", s.life.number, err)
	}
	if f.kill {
		s.life.life.die() // and is not told
	}
	return err
}

func (s *wiredStore) Put(ctx context.Context, g journal.Group) error {
	return s.perform(ctx, func(ctx context.Context) error { return s.adapter.Put(ctx, g) }, stepsOf(g)...)
}

func (s *wiredStore) Get(ctx context.Context, epoch [16]byte, seq uint64) (c journal.Chunk, err error) {
	err = s.perform(ctx, func(ctx context.Context) error { c, err = s.adapter.Get(ctx, epoch, seq); return err }, stepRead)
	return c, err
}

func (s *wiredStore) Epochs(ctx context.Context) (h []journal.EpochHead, err error) {
	err = s.perform(ctx, func(ctx context.Context) error { h, err = s.adapter.Epochs(ctx); return err }, stepRead)
	return h, err
}

func (s *wiredStore) Key(ctx context.Context, id journal.KeyID) (k journal.Sealed, err error) {
	err = s.perform(ctx, func(ctx context.Context) error { k, err = s.adapter.Key(ctx, id); return err }, stepRead)
	return k, err
}

func (s *wiredStore) EraseKey(ctx context.Context, id journal.KeyID) error {
	return s.perform(ctx, func(ctx context.Context) error { return s.adapter.EraseKey(ctx, id) }, stepErase)
}
