//go:build postgres

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestSoak: three notaries on one PostgreSQL and one log, of which a random one is killed
// every few seconds, or paused, or the log is; and clients that lose answers, and send
// again as OTLP says, also to another notary. At the end storage is audited: it is clean,
// every span that was acknowledged is in a sealed part, in exactly one, unless its sender
// sent it to several epochs, and every receipt and proof is verified.
//
// A fourth notary beside them is left alone. What it has in use does not grow.
//
// NOTARY_SOAK says how long, NOTARY_SEED what happens.
func TestSoak(t *testing.T) {
	length := 30 * time.Second
	if text := os.Getenv("NOTARY_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("NOTARY_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	patience = 5 * time.Minute // a start and an audit read all that there is
	began := time.Now()
	f := newFleet(t, seed)
	t.Logf("%v with NOTARY_SEED=%d", length, seed)
	defer f.table(t, length)
	for i := range f.members {
		f.start(t, i)
	}
	t.Logf("%d notaries serve: %v", len(f.members), time.Since(began).Round(time.Second))
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	var work sync.WaitGroup
	for i := range soakClients {
		c := &client{fleet: f, name: fmt.Sprint("client", i), at: i, r: rand.New(rand.NewPCG(seed, uint64(i+1)))}
		f.clients = append(f.clients, c)
		work.Go(func() { c.run(ctx) })
	}
	work.Go(func() { f.watch(ctx, length) })
	for ctx.Err() == nil {
		f.trouble(t, ctx)
	}
	work.Wait()
	t.Logf("clients are done: %v", time.Since(began).Round(time.Second))
	f.settle(t)
	t.Logf("notaries are done: %v", time.Since(began).Round(time.Second))
	f.check(t)
	t.Logf("checked: %v", time.Since(began).Round(time.Second))
}

const (
	soakClients = 4
	troubled    = 3 // notaries that are killed, paused and stopped
)

// A fleet is machines with what they share. The last is left alone.
type fleet struct {
	members []*member
	on      setting // of the first
	address string  // of the log
	log     *logProcess
	r       *rand.Rand
	clients []*client

	mu     sync.Mutex
	counts map[string]int
	// In KiB, by thirds of the time: resident memory of the notaries that have trouble, of
	// the one that is left alone, and what that one has in use.
	rss, steady, live [3][]int
}

// A member is a machine and the process on it.
type member struct {
	m  *machine
	mu sync.Mutex
	p  *process
	c  *sender // nil while nobody can connect
}

func newFleet(t *testing.T, seed uint64) *fleet {
	t.Helper()
	s := pgserver.Start(t)
	on := setting{postgres: onServer(t, s, pgserver.User), shared: true, logDir: "data/seen"}
	f := &fleet{r: rand.New(rand.NewPCG(seed, 0)), counts: make(map[string]int)}
	m := newMachine(t, on)
	if status, stdout, stderr := m.run(t, "store", "init", "notary.yaml"); status != exitOK {
		t.Fatalf("store init: %d\n%s%s", status, stdout, stderr)
	}
	token := control.GenerateToken()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = free.Addr().String()
	free.Close()
	if err := os.WriteFile(m.path("accepted.txt"), fmt.Appendf(nil, "%x\n", ingest.HashKey(token)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.log = m.startLog(t, f.address)
	on.log = f.log.at(f.address, "http://"+f.address)
	m.configure(t, on)
	f.on = on
	for i := range troubled + 1 {
		one := &member{m: m}
		if i == 2 {
			on.pii = `{"threshold": 900}` // as in the midst of an upgrade
		}
		if i > 0 {
			one.m = m.another(t, on)
		}
		if err := os.WriteFile(one.m.path("log-token"), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		f.members = append(f.members, one)
	}
	return f
}

func (f *fleet) count(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[what]++
}

// start starts a notary, and lets clients know.
func (f *fleet) start(t *testing.T, i int) {
	t.Helper()
	one := f.members[i]
	p := one.m.start(t)
	c := f.members[0].m.connect(t, p) // all have the same operator, whose policy learns of all plugin sets
	one.mu.Lock()
	one.p, one.c = p, c
	one.mu.Unlock()
}

// drop keeps clients from a process that is no more.
func (one *member) drop() {
	one.mu.Lock()
	defer one.mu.Unlock()
	one.c = nil
}

// trouble waits for some seconds and then does something bad.
func (f *fleet) trouble(t *testing.T, ctx context.Context) {
	t.Helper()
	if !within(ctx, time.Duration(500+f.r.IntN(3000))*time.Millisecond) {
		return
	}
	i := f.r.IntN(troubled)
	one := f.members[i]
	switch f.r.IntN(12) {
	case 0:
		f.count("paused")
		f.pause(t, i)
	case 1:
		f.count("log killed")
		_ = f.log.cmd.Process.Kill()
		<-f.log.exited
		within(ctx, time.Second)
		f.log = f.members[0].m.startLog(t, f.address)
	case 2:
		f.count("stopped")
		one.drop()
		f.stop(t, one)
		f.start(t, i)
	default:
		f.count("killed")
		one.p.kill()
		one.drop()
		f.start(t, i)
	}
}

// stop stops a notary as an operator does. On a slow machine it may not be done in the time
// that it gives itself; then it says so, and leaves the rest to the others.
func (f *fleet) stop(t *testing.T, one *member) {
	t.Helper()
	if err := one.p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	switch status := one.p.wait(t); {
	case status == exitOK:
	case status == exitUsage && strings.Contains(one.p.stderr.String(), "shutdown is incomplete"):
		f.count("stopped, not in time")
	default:
		t.Fatalf("notary serve stopped with status %d\n%s", status, one.p.stderr.String())
	}
}

// pause stops a notary until the others hold it for dead. When it wakes up it notices,
// and ends, unless it was just in time.
func (f *fleet) pause(t *testing.T, i int) {
	t.Helper()
	one := f.members[i]
	if err := one.p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the others hold a paused notary for dead", func() bool { return f.see(t, troubled-1, i) })
	if err := one.p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	ended := false
	eventually(t, "a paused notary ends, or lives", func() bool {
		select {
		case <-one.p.exited:
			ended = true
		default:
		}
		return ended || f.see(t, troubled, i)
	})
	if !ended {
		f.count("paused, and lived")
		return
	}
	if status := one.p.wait(t); status != exitUsage || !strings.Contains(one.p.stderr.String(), "held this one for dead") {
		t.Errorf("a notary that was paused for too long ended with status %d\n%s", status, one.p.stderr.String())
	}
	one.drop()
	f.start(t, i)
}

// see says whether all notaries, but perhaps one, see so many others that live.
func (f *fleet) see(t *testing.T, peers, but int) bool {
	t.Helper()
	for i, one := range f.members {
		if i == but {
			continue
		}
		if _, body := one.c.get(t, "/metrics"); !strings.Contains(string(body), fmt.Sprintf("\nnotary_peers %d\n", peers)) {
			return false
		}
	}
	return true
}

// within waits, and reports false if ctx ends first.
func within(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settle waits until the living see no dead one, and stops them in good order. What they
// had no time for is for one that starts and has the storage for itself.
func (f *fleet) settle(t *testing.T) {
	t.Helper()
	eventually(t, "each notary sees the others and no dead one", func() bool { return f.see(t, troubled, -1) })
	for _, one := range f.members {
		f.stop(t, one)
	}
	alone := f.on
	alone.shared = false
	m := f.members[0].m
	m.configure(t, alone)
	p := m.start(t)
	c := m.connect(t, p)
	eventually(t, "every commitment is in the log", func() bool {
		_, body := c.get(t, "/metrics")
		return strings.Contains(string(body), "\nnotary_log_waiting 0\n")
	})
	p.stop(t)
}

// check audits what is left.
func (f *fleet) check(t *testing.T) {
	t.Helper()
	m := f.members[0].m
	var positions strings.Builder
	for _, c := range f.clients {
		for _, e := range c.exports {
			positions.WriteString(base64.StdEncoding.EncodeToString(e.position.Encode()) + "\n")
		}
	}
	if err := os.WriteFile(m.path("positions.txt"), []byte(positions.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--positions", "positions.txt")
	t.Logf("notary audit: status %d\n%s", status, stdout)
	if status != exitOK {
		t.Errorf("the audit is not clean\n%s", stderr)
	}
	st, err := openStorage(t.Context(), m.path("notary.yaml"), m.path("recipient.pem"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.close(t.Context())
	if err := st.damage(); err != nil {
		t.Error(err)
	}
	// Where each span is.
	type place struct{ epoch, session string }
	places := make(map[string][]place)
	parts := st.Parts()
	for i, p := range parts {
		if p.Manifest == nil {
			t.Errorf("part %d of %v is not sealed", p.ID.Part, p.ID.Handle)
			continue
		}
		f.count("sealed: " + string(p.Manifest.Reason))
		f.checkProof(t, st.Archive, p)
		if i%(1+len(parts)/100) == 0 { // of a hundred all that a verifier checks
			raw, err := st.bundle(t.Context(), p, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			m.verified(t, raw)
		}
		spans := make(map[string][]foundSpan)
		m.collect(t, st, p, spans)
		for id, found := range spans {
			for _, s := range found {
				places[id] = append(places[id], place{p.ID.Epoch.String(), s.session})
			}
		}
	}
	f.counts["epochs"], f.counts["parts"] = len(st.Epochs), len(parts)
	for _, e := range st.Epochs {
		f.counts["entries"] += int(e.Next)
		f.counts["fences"] += len(e.FencedBy())
		if e.Ended == 0 {
			t.Errorf("epoch %v has not ended", e.ID)
		}
	}
	for _, c := range f.clients {
		f.counts["requests acknowledged"] += len(c.exports)
		f.counts["requests sent again"] += c.resent
		f.counts["answers lost"] += c.lost
		for _, e := range c.exports {
			for _, s := range e.spans {
				f.counts["spans acknowledged"]++
				found := places[string(s.SpanId)]
				var epochs []string
				for _, p := range found {
					epochs = append(epochs, p.epoch)
					if p.session != e.session || !slices.Contains(e.epochs, p.epoch) {
						t.Errorf("a span of %s is in session %s of an epoch that it was not sent to", e.session, p.session)
					}
				}
				slices.Sort(epochs)
				switch {
				case !slices.Contains(epochs, e.position.Epoch.String()):
					t.Errorf("an acknowledged span of %s is not in the epoch that acknowledged it, but in %v", e.session, epochs)
				case len(slices.Compact(slices.Clone(epochs))) != len(epochs):
					t.Errorf("a span of %s is several times in one epoch: %v", e.session, epochs)
				case len(epochs) > 1:
					f.counts["spans in several epochs"]++
				default:
					f.counts["spans in exactly one part"]++
				}
				if len(e.epochs) > 1 {
					f.counts["spans sent to several epochs"]++
				}
			}
		}
	}
	if f.counts["spans acknowledged"] == 0 {
		t.Error("nothing was acknowledged")
	}
}

func (f *fleet) checkProof(t *testing.T, a *archive.Archive, p *archive.Part) {
	t.Helper()
	by := a.Epoch(p.Manifest.SealedBy.Epoch)
	if _, _, err := receipt.Verify(p.Receipt, by.Key); err != nil {
		t.Errorf("the receipt of part %d of %v: %v", p.ID.Part, p.ID.Handle, err)
	}
	proof, ok := a.Proof(p.Commitment())
	if !ok {
		t.Errorf("part %d of %v has no log proof", p.ID.Part, p.ID.Handle)
		return
	}
	if _, err := receipt.VerifyProof(proof.Proof, p.Commitment(), []string{f.log.vkey}); err != nil {
		t.Errorf("the proof of part %d of %v: %v", p.ID.Part, p.ID.Handle, err)
	}
}

// table prints what happened.
func (f *fleet) table(t *testing.T, length time.Duration) {
	var text strings.Builder
	row := func(what string, value any) { fmt.Fprintf(&text, "  %-28s %v\n", what, value) }
	for _, what := range []string{"killed", "paused", "paused, and lived", "stopped", "stopped, not in time", "log killed", "epochs", "entries", "fences", "parts"} {
		row(what, f.counts[what])
	}
	for what, n := range f.counts {
		if strings.HasPrefix(what, "sealed: ") {
			row(what, n)
		}
	}
	for _, what := range []string{"requests acknowledged", "answers lost", "requests sent again", "spans acknowledged", "spans in exactly one part", "spans sent to several epochs", "spans in several epochs"} {
		row(what, f.counts[what])
	}
	var latency []time.Duration
	for _, c := range f.clients {
		latency = append(latency, c.latency...)
	}
	if slices.Sort(latency); len(latency) > 0 {
		at := func(p int) time.Duration { return latency[len(latency)*p/1000].Round(time.Millisecond) }
		row("until acknowledged", fmt.Sprintf("p50 %v, p99 %v, most %v", at(500), at(990), at(999)))
	}
	grows := f.memory(row)
	t.Logf("soak\n%s", text.String())
	// In less time heaps still find their size.
	if length >= 3*time.Minute && len(grows) > 0 {
		t.Errorf("memory grows: %v", grows)
	}
}
