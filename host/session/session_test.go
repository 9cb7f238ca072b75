package session_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestOneSession follows a session from its first span to its log proof.
func TestOneSession(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	s := span("chat " + secret)
	s.Attributes = append(s.Attributes, text("gen_ai.prompt", "my key is "+secret+", keep it"))
	pos := export(t, n, request("s-1", s))
	if pos.Epoch != n.Epoch() || pos.Verify(w.scan().Epoch(n.Epoch()).Key) != nil {
		t.Error("the acknowledged position is not signed by the epoch's key")
	}
	export(t, n, request("s-1", span("second"), lastSpan("third")))
	parts := settled(t, n, "s-1", 1)
	p := parts[0]
	if p.Leaves != 4 || p.Manifest.Reason != receipt.ReasonEnd {
		t.Errorf("manifest: %d leaves, reason %v", p.Leaves, p.Manifest.Reason)
	}
	w.verified()

	o := w.opened()[0]
	if o.Tenant != "acme" || string(o.Session) != "s-1" {
		t.Errorf("opened session %q of %q", o.Session, o.Tenant)
	}
	for _, r := range o.Records {
		if strings.Contains(string(r.Bytes), secret) {
			t.Error("a stored record has what the redactor found")
		}
	}
	want := []receipt.EditCount{
		{Plugin: "finder", Label: "SECRET", Place: "span.attributes.value", Count: 1},
		{Plugin: "finder", Label: "SECRET", Place: "span.name", Count: 1},
	}
	if !slices.Equal(o.Summary.Edits, want) || o.Summary.Records != 3 || o.Summary.SDKs[0] != "opentelemetry" {
		t.Errorf("summary %+v", o.Summary)
	}
	// Every record can be shown alone, with its edit list.
	for i := range o.Records {
		opening, err := o.Opening(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		if err := opening.Verify(p.Manifest); err != nil {
			t.Errorf("record %d: %v", i, err)
		}
	}
	for _, plain := range []string{secret, "s-1", "acme", "gen_ai.prompt", "second"} {
		if w.store.Contains([]byte(plain)) {
			t.Errorf("storage holds %q in clear", plain)
		}
	}
	w.close(n)
}

// TestSessionIDIsRedacted: a session id is text from the sender too.
func TestSessionIDIsRedacted(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("user-"+secret, span("a")))
	w.close(n)
	o := w.opened()[0]
	if got, want := string(o.Session), "user-[SECRET]"; got != want || o.Summary.Session != want {
		t.Errorf("stored session id %q, summary %q, want %q", got, o.Summary.Session, want)
	}
}

// TestGroups: a redactor is told which texts belong to one record, and what is
// not of a record is not told to be of one.
func TestGroups(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	a, b := span("a"), span("b")
	a.TraceState = "state=a"
	export(t, n, request("the-session", a, b))
	w.close(n)
	g := w.redactor.groups
	if g["a"] != g["state=a"] {
		t.Errorf("texts of one record are in groups %d and %d", g["a"], g["state=a"])
	}
	if g["a"] == g["b"] || g["chat"] == g["a"] || g["chat"] == g["b"] {
		t.Errorf("groups a %d, b %d, resource %d, want three", g["a"], g["b"], g["chat"])
	}
	if g["the-session"] != g["b"] { // which has it, too, and comes last
		t.Errorf("the attribute that names the session is in group %d, its record in %d", g["the-session"], g["b"])
	}
}

// TestRedactionFailsClosed: what a redactor did not handle is not stored, not
// even as ciphertext.
func TestRedactionFailsClosed(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	before, _ := w.size()
	w.redactor.fail = errors.New("trap")
	if _, err := n.Export(t.Context(), "acme", otlpwire.Traces, request("s", span("a"))); !errors.Is(err, w.redactor.fail) {
		t.Fatalf("export with a failing redactor: %v", err)
	}
	if after, _ := w.size(); after != before {
		t.Errorf("storage grew from %d to %d bytes", before, after)
	}
	w.redactor.fail = nil
	export(t, n, request("s", span("a")))
	if got := w.spanNames("s"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("after the retry storage has %v", got)
	}
}

func (w *world) size() (bytes, entries int) {
	for _, e := range w.scan().Epochs {
		entries += int(e.Next)
		for seq := uint64(0); seq < e.Next; seq++ {
			entry, err := archive.Entry(w.t.Context(), w.store, e.ID, seq)
			if err != nil {
				w.t.Fatal(err)
			}
			bytes += len(entry.Append(nil))
		}
	}
	return bytes, entries
}

func TestMalformedRequestStoresNothing(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	_, before := w.size()
	body := request("s", span("a"))
	for i := 1; i < len(body); i++ {
		_, err := n.Export(t.Context(), "acme", otlpwire.Traces, body[:i])
		var bad *otlpwire.Error
		if !errors.As(err, &bad) {
			t.Fatalf("request cut at %d: %v", i, err)
		}
	}
	if _, after := w.size(); after != before {
		t.Errorf("%d entries, %d before", after, before)
	}
}

// TestDuplicates: a resend changes nothing; another record with the same ids is
// kept.
func TestDuplicates(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	body := request("s", span("a"), span("b"))
	first := export(t, n, body)
	_, before := w.size()
	again := export(t, n, body)
	if _, after := w.size(); after != before {
		t.Errorf("a resend added %d entries", after-before)
	}
	if again.Seq != first.Seq || again.Verify(w.scan().Epoch(n.Epoch()).Key) != nil {
		t.Errorf("the resend is acknowledged at seq %d, the first at %d", again.Seq, first.Seq)
	}
	other := span("a")
	other.EndTimeUnixNano++
	export(t, n, request("s", other, span("b"), span("b")))
	export(t, n, request("s", span("c"), span("c"))) // new, and twice
	w.close(n)
	if got := w.spanNames("s"); !slices.Equal(got, []string{"a", "b", "a", "c"}) {
		t.Errorf("stored %v", got)
	}
	if s := w.opened()[0].Summary; s.Records != 4 || s.Duplicates != 5 {
		t.Errorf("summary: %d records, %d duplicates", s.Records, s.Duplicates)
	}
}

// TestConcurrentDuplicates: the same request sent twice at once is stored once,
// and neither is acknowledged before that is durable.
func TestConcurrentDuplicates(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	body := request("s", span("a"))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if pos := export(t, n, body); pos.Signature == nil {
				t.Error("acknowledged without a position")
			}
		})
	}
	wg.Wait()
	w.close(n)
	if got := w.spanNames("s"); len(got) != 1 {
		t.Errorf("stored %d times", len(got))
	}
}

// TestSplitOverRequests: however the records of a session are cut into
// requests, the ordered records are the same.
func TestSplitOverRequests(t *testing.T) {
	var want []string
	for cut := 1; cut <= 6; cut++ {
		w := newWorld(t)
		n := w.start()
		for i := 0; i < 6; i += cut {
			var names []string
			for j := i; j < min(i+cut, 6); j++ {
				names = append(names, fmt.Sprint("span ", j))
			}
			export(t, n, requestOf("s", names))
		}
		w.close(n)
		var got []string
		for _, r := range w.opened()[0].Records {
			if r.Kind == receipt.Span {
				sum := sha256.Sum256(r.Bytes)
				got = append(got, fmt.Sprintf("%x", sum))
			}
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("cut into requests of %d spans the records differ", cut)
		}
	}
}

func requestOf(id string, names []string) []byte {
	spans := make([]*trace.Span, len(names))
	for i, name := range names {
		spans[i] = span(name)
	}
	return request(id, spans...)
}

// TestTenantsAreApart: the same session id of two tenants is two sessions, and
// neither reaches the other's.
func TestTenantsAreApart(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	for _, tenant := range []string{"acme", "other"} {
		if _, err := n.Export(t.Context(), tenant, otlpwire.Traces, request("same id", span(tenant))); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.EndSession(t.Context(), "third", "same id"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("a tenant ended another's session: %v", err)
	}
	if _, err := n.Parts(t.Context(), "third", "same id"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("a tenant sees another's session: %v", err)
	}
	w.close(n)
	a := w.scan()
	if len(a.Parts()) != 2 {
		t.Fatalf("%d parts, want one for each tenant", len(a.Parts()))
	}
	for _, o := range w.opened() {
		if len(o.Records) != 2 {
			t.Errorf("tenant %q has %d leaves", o.Tenant, len(o.Records))
		}
	}
}

// TestSealingReasons: idle, age, size, the operator and shutdown each seal, and
// a record that comes later opens the next part.
func TestSealingReasons(t *testing.T) {
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.MaxBytes = 20_000 }
	n := w.start()
	steps := []struct {
		id   string
		why  receipt.Reason
		make func(id string)
	}{
		{"idle", receipt.ReasonIdle, func(string) { w.advance(session.DefaultIdle); n.Tick(t.Context()) }},
		{"operator", receipt.ReasonEnd, func(id string) {
			if err := n.EndSession(t.Context(), "acme", id); err != nil {
				t.Error(err)
			}
		}},
		{"size", receipt.ReasonSize, func(id string) {
			s := span("big")
			s.Attributes = append(s.Attributes, text("x", strings.Repeat("y", 20_000)))
			export(t, n, request(id, s))
		}},
		{"age", receipt.ReasonAge, func(id string) {
			for i := range 110 {
				w.advance(session.DefaultIdle - time.Minute)
				if i > 0 {
					if list, _ := n.Parts(t.Context(), "acme", id); len(list) == 0 || list[0].State != session.StateOpen {
						return
					}
				}
				export(t, n, request(id, span(fmt.Sprint("keep alive ", i))))
				n.Tick(t.Context())
			}
		}},
	}
	for _, s := range steps {
		export(t, n, request(s.id, span("first")))
		s.make(s.id)
		if m := settled(t, n, s.id, 1)[0].Manifest; m.Reason != s.why || m.Part != 0 {
			t.Errorf("%s: sealed part %d for reason %q", s.id, m.Part, m.Reason)
		}
	}
	export(t, n, request("idle", span("late")))
	w.close(n)
	a := w.verified()
	late := 0
	for _, p := range a.Parts() {
		if p.ID.Part == 1 {
			late++
			if p.Manifest.Reason != receipt.ReasonShutdown {
				t.Errorf("late part sealed for %q", p.Manifest.Reason)
			}
		}
	}
	if late != 1 {
		t.Errorf("%d second parts, want 1", late)
	}
	if e := a.Epoch(n.Epoch()); e.Ended != format.KindClose {
		t.Errorf("epoch ended by %v", e.Ended)
	} else if _, ok := a.Proof(format.CloseCommitment(e.ID, e.EndSeq, e.EndChain)); !ok {
		t.Error("the close entry is not proved in the log")
	}
}

// TestRecovery: what a killed notary acknowledged is sealed by the next one
// without any old secret.
func TestRecovery(t *testing.T) {
	w := newWorld(t)
	dead := w.start()
	export(t, dead, request("open", span("a"), span("b")))
	export(t, dead, request("done", lastSpan("c")))
	settled(t, dead, "done", 1)
	w.crash(dead)

	n := w.start()
	w.close(n) // waits for the proofs
	a := w.verified()
	old := a.Epoch(dead.Epoch())
	if old.Ended != format.KindFence || old.Fence.By != n.Epoch() {
		t.Fatalf("old epoch ended by %v", old.Ended)
	}
	if _, ok := a.Proof(format.CloseCommitment(old.ID, old.EndSeq, old.EndChain)); !ok {
		t.Error("the fence is not proved in the log")
	}
	reasons := map[receipt.Reason]int{}
	for _, p := range a.Parts() {
		reasons[p.Manifest.Reason]++
	}
	if reasons[receipt.ReasonRecovered] != 1 || reasons[receipt.ReasonEnd] != 1 {
		t.Errorf("parts sealed for %v", reasons)
	}
	if got := w.spanNames("open"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the recovered session has %v", got)
	}
	if heads := a.Epoch(n.Epoch()).Body.Heads; len(heads) != 1 || heads[0].Epoch != dead.Epoch() {
		t.Errorf("entry 0 lists the heads %v", heads)
	}
}

// TestRecovererIsRecovered: a notary that dies between the fence and the
// manifest leaves its duty to the next.
func TestRecovererIsRecovered(t *testing.T) {
	w := newWorld(t)
	first := w.start()
	export(t, first, request("s", span("a")))
	w.crash(first)

	o := w.options()
	o.Journal.UnknownLimit = impatience
	second := o.Origin.Epoch
	w.store.Inject(func(g journal.Group) journaltest.Fault {
		if g.Epoch == second && g.FirstSeq > 0 {
			return journaltest.Hangs // the manifest never gets there
		}
		return journaltest.None
	})
	if _, err := session.Start(t.Context(), o); err == nil {
		t.Fatal("a notary that cannot write got ready")
	}
	w.store.Inject(nil)
	if e := w.scan().Epoch(first.Epoch()); e.Fence == nil || e.Fence.By != second {
		t.Fatal("the second notary did not get to its fence")
	}

	third := w.start()
	w.close(third)
	p := w.verified().Parts()[0]
	if p.Manifest.SealedBy.Epoch != third.Epoch() || p.Manifest.Origin.Epoch != first.Epoch() {
		t.Errorf("sealed by %v for %v", p.Manifest.SealedBy.Epoch, p.Manifest.Origin.Epoch)
	}
}

// TestSleeperIsStopped: a notary that only slept cannot write once its epoch
// is fenced, and its sender is not told that all is well.
func TestSleeperIsStopped(t *testing.T) {
	w := newWorld(t)
	sleeper := w.start()
	export(t, sleeper, request("s", span("a")))
	n := w.start()
	if _, err := sleeper.Export(t.Context(), "acme", otlpwire.Traces, request("s", span("b"))); !errors.Is(err, journal.ErrFenced) {
		t.Errorf("export of a fenced notary: %v", err)
	}
	<-sleeper.Ended()
	if sleeper.Ready() == nil {
		t.Error("a fenced notary is ready")
	}
	w.close(n)
	if got := w.spanNames("s"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("stored %v", got)
	}
}

// TestDisbelief: a journal by a notary that the policy refuses is left alone,
// and does not keep the new one from its work.
func TestDisbelief(t *testing.T) {
	w := newWorld(t)
	forger := w.start()
	export(t, forger, request("s", span("a")))
	w.crash(forger)
	w.tune = func(o *session.Options) {
		o.Appraise = func(*archive.Epoch) error { return errors.New("host data is not on the list") }
	}
	n := w.start()
	export(t, n, request("s", span("b")))
	w.close(n)
	a := w.scan()
	if e := a.Epoch(forger.Epoch()); e.Ended != 0 {
		t.Errorf("the forger's epoch was ended by %v", e.Ended)
	}
	if n.Stats().DamagedEpochs != 1 {
		t.Error("the epoch that was not believed is not counted")
	}
}

// TestT30RollbackIsToldAtStart: a notary that starts on storage that lacks what an
// earlier one knew says so, leaves that epoch as it is, and goes on.
func TestT30RollbackIsToldAtStart(t *testing.T) {
	w := newWorld(t)
	first := w.start()
	export(t, first, request("s", lastSpan("a")))
	settled(t, first, "s", 1)
	w.close(first)
	second := w.start()
	if second.Stats().DamagedEpochs != 0 {
		t.Error("a storage that is whole is reported")
	}
	w.close(second)
	w.store.Rewrite(first.Epoch(), func(c []journal.Chunk) []journal.Chunk { return c[:2] })
	var told bytes.Buffer
	w.tune = func(o *session.Options) { o.Logger = slog.New(slog.NewJSONHandler(&told, nil)) }
	third := w.start()
	defer w.close(third)
	if e := w.scan().Epoch(first.Epoch()); e.Ended != 0 {
		t.Errorf("the epoch was ended by %v, where another entry was", e.Ended)
	}
	if third.Stats().DamagedEpochs != 1 || !strings.Contains(told.String(), `"first_missing":3`) {
		t.Errorf("%d damaged epochs; log: %s", third.Stats().DamagedEpochs, told.String())
	}
}

// TestLogDown: receipts do not wait for the log, and a proof that a killed
// notary did not live to see is resumed.
func TestLogDown(t *testing.T) {
	w := newWorld(t)
	w.log.down = errors.New("log is down")
	n := w.start()
	export(t, n, request("s", lastSpan("a")))
	deadline := time.Now().Add(10 * time.Second)
	for {
		list, err := n.Parts(t.Context(), "acme", "s")
		if err != nil {
			t.Fatal(err)
		}
		if list[0].State == session.StateSealed {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("state %v", list[0].State)
		}
		<-time.After(time.Millisecond)
	}
	w.crash(n)
	w.log.mu.Lock()
	w.log.down = nil
	w.log.mu.Unlock()
	w.close(w.start())
	a := w.verified()
	if c := a.Parts()[0].Commitment(); w.log.times(c) != 1 {
		t.Errorf("the commitment stands %d times in the log", w.log.times(c))
	}
}

// TestReceiptsBeforeTheEnd: a receipt that a dead notary left without a proof gets
// into the log before its end does; behind it it would be invalid.
func TestReceiptsBeforeTheEnd(t *testing.T) {
	w := newWorld(t)
	w.log.down = errors.New("log is down")
	n := w.start()
	export(t, n, request("s", lastSpan("a")))
	if err := n.EndSession(t.Context(), "acme", "s"); err != nil {
		t.Fatal(err)
	}
	w.crash(n)
	c := w.scan().Parts()[0].Commitment()
	w.log.mu.Lock()
	w.log.down = nil
	w.log.refuse = map[[32]byte]bool{c: true} // so that whoever does not wait overtakes it
	w.log.mu.Unlock()
	w.close(w.start())

	a := w.verified()
	e := a.Epoch(n.Epoch())
	receipted, _ := a.Proof(c)
	end, ok := a.Proof(format.CloseCommitment(e.ID, e.EndSeq, e.EndChain))
	if !ok || end.Index < receipted.Index {
		t.Errorf("the end of the epoch is entry %d of the log (%v), its receipt %d", end.Index, ok, receipted.Index)
	}
}

// TestStale: without a fresh attestation nothing is taken, and the sender is
// told to come again.
func TestStale(t *testing.T) {
	w := newWorld(t)
	var stale error
	w.tune = func(o *session.Options) { o.Fresh = func() error { return stale } }
	n := w.start()
	stale = errors.New("token expired")
	if _, err := n.Export(t.Context(), "acme", otlpwire.Traces, request("s", span("a"))); !errors.Is(err, session.ErrStale) {
		t.Errorf("export: %v", err)
	}
	if err := n.Ready(); !errors.Is(err, session.ErrStale) {
		t.Errorf("ready: %v", err)
	}
	stale = nil
	export(t, n, request("s", span("a")))
}

// TestRotationAndCheckpoint: a used wrap key is replaced after its time, both
// generations open, and the head of the chain reaches the log.
func TestRotationAndCheckpoint(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	for i := range 3 {
		export(t, n, request(fmt.Sprint("s", i), span("a")))
		w.advance(session.DefaultWrapKeyAge)
		if err := n.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.close(n)
	e := w.verified().Epoch(n.Epoch())
	if len(e.WrapKeys) < 3 {
		t.Errorf("%d wrap keys", len(e.WrapKeys))
	}
	if len(w.opened()) != 3 {
		t.Error("not every part opens")
	}
	checkpoints := 0
	for seq := uint64(0); seq < e.Next; seq++ {
		entry, err := archive.Entry(t.Context(), w.store, e.ID, seq)
		if err != nil {
			t.Fatal(err)
		}
		if entry.Kind != format.KindCheckpoint {
			continue
		}
		checkpoints++
		var b format.CheckpointBody
		if err := format.ParseBody(entry.Body, &b); err != nil {
			t.Fatal(err)
		}
		if c := format.CheckpointCommitment(e.ID, b.Seq, b.Chain, b.Random); w.log.times(c) != 1 {
			t.Errorf("checkpoint of seq %d stands %d times in the log", b.Seq, w.log.times(c))
		}
	}
	if checkpoints == 0 {
		t.Error("no checkpoint")
	}
}

// TestTamperedStorage: one flipped byte anywhere in the journal is told by a
// scan, or changes nothing that the scan reports as signed.
func TestTamperedStorage(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("s", lastSpan("a")))
	settled(t, n, "s", 1)
	w.close(n)
	whole := w.scan().Epoch(n.Epoch()).Next
	size := 0
	w.store.Tamper(n.Epoch(), func(c journal.Chunk) journal.Chunk { size += len(c.Entries); return c })
	for at := 0; at < size; at += 7 {
		offset := at
		flip := func(c journal.Chunk) journal.Chunk {
			if offset >= 0 && offset < len(c.Entries) {
				c.Entries = slices.Clone(c.Entries)
				c.Entries[offset] ^= 0x10
			}
			offset -= len(c.Entries)
			return c
		}
		w.store.Tamper(n.Epoch(), flip)
		a, err := archive.Scan(t.Context(), w.store, archive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if e := a.Epoch(n.Epoch()); e.Err == nil {
			t.Fatalf("byte %d flipped: nothing is told, head %d of %d", at, e.Next, whole)
		}
		offset = at
		w.store.Tamper(n.Epoch(), flip)
	}
}
