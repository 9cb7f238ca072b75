//go:build simtee

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/receipt"
)

const demoUsage = `usage: notary demo [--sessions N] [--plugins DIR] [--dir DIR]

Runs the whole system on this machine: a simulated TEE with its attestation
sidecar and service, a notary with the embedded log, and a sender with the stock
OpenTelemetry Go SDK. Then it shows what came of it: attestation, sessions,
ciphertext, one opened record, and an offline verification with and without a
flipped byte. Nothing leaves this machine.

The hardware is simulated, so what the demo attests protects nobody.

OPTIONS
  --sessions N    how many sessions are sent (default 26)
  --plugins DIR   where the built plugins are (default build/plugins)
  --dir DIR       where everything is kept; the default is a new directory that
                  stays behind, for you to look at

EXAMPLES
  notary demo
  notary demo --sessions 100 --dir /tmp/notary-demo

EXIT STATUS
  0  everything held
  1  something did not, and is said
`

var demoCommand = command{name: "demo", brief: "shows the whole system at work, on simulated hardware", usage: demoUsage, run: runDemo}

// A demo is one run of it.
type demo struct {
	simulation
	sessions int

	child    *exec.Cmd
	exited   chan error
	cancel   context.CancelCauseFunc
	closing  atomic.Bool // the child is meant to end
	sent     []*sentSession
	failures []string
}

func runDemo(ctx context.Context, a *app, args []string) error {
	d := &demo{simulation: simulation{app: a, redactors: []string{"redact-pii"}, listen: listening{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}}}
	f := a.flags("demo", demoUsage)
	f.IntVar(&d.sessions, "sessions", 26, "")
	f.StringVar(&d.plugins, "plugins", "build/plugins", "")
	f.StringVar(&d.dir, "dir", "", "")
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	if d.sessions < 1 || d.sessions > 10_000 {
		return usageError("demo: --sessions %d, want 1 to 10000", d.sessions)
	}
	var err error
	if d.dir == "" {
		d.dir, err = os.MkdirTemp("", "notary-demo-")
	} else {
		err = os.MkdirAll(d.dir, 0o700)
	}
	if err != nil {
		return err
	}
	defer d.stop()
	ctx, d.cancel = context.WithCancelCause(ctx)
	defer d.cancel(nil)
	for _, part := range []func(context.Context) error{
		d.prepare, d.startNotary, d.send, d.close, d.showSessions, d.showStorage, d.showRecord, d.verifyBundle,
	} {
		if err := part(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
	}
	return d.verdict()
}

// want notes a failure of something that had to hold.
func (d *demo) want(held bool, format string, args ...any) {
	if !held {
		d.failures = append(d.failures, fmt.Sprintf(format, args...))
	}
}

// progress shows how far a long step is, on a terminal only.
func (d *demo) progress(format string, args ...any) {
	if d.color {
		fmt.Fprintf(d.stdout, "\r\x1b[K  "+format, args...)
	}
}

func (d *demo) progressEnd() {
	if d.color {
		fmt.Fprint(d.stdout, "\r\x1b[K")
	}
}

// close ends the notary in good order and waits for it.
func (d *demo) close(ctx context.Context) error {
	d.title("Closing")
	if err := d.waitLogged(ctx); err != nil {
		return err
	}
	d.say("all %d sessions have a receipt and a log proof", len(d.sent))
	d.closing.Store(true)
	if err := d.child.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case err := <-d.exited:
		d.child = nil
		if err != nil {
			return fmt.Errorf("notary serve: %w", err)
		}
	case <-time.After(time.Minute):
		return errors.New("notary serve did not stop within a minute")
	case <-ctx.Done():
		return ctx.Err()
	}
	d.say("the notary has closed its epoch, forgotten its keys and stopped")
	return nil
}

// stop ends whatever still runs.
func (d *demo) stop() {
	if d.child != nil {
		d.closing.Store(true)
		d.child.Process.Kill()
		<-d.exited
	}
	if d.tee != nil {
		d.tee.Close()
	}
}

func (d *demo) showSessions(ctx context.Context) error {
	d.title("Sessions, as an auditor with the recipient's private key sees them")
	s, err := openStorage(ctx, d.path("notary.yaml"), d.path("recipient.pem"))
	if err != nil {
		return err
	}
	defer s.close(ctx)
	rows := s.list(ctx)
	d.want(s.damage() == nil, "storage does not hold together: %v", s.damage())
	found := make(map[string]listed)
	var records uint64
	for _, r := range rows {
		d.want(r.Unopened == "", "part %s cannot be opened: %s", r.Handle, r.Unopened)
		d.want(r.State == "logged", "session %s is %s", r.Session, r.State)
		records += r.Leaves - 1 // the last leaf is the summary
		found[r.Session] = r
	}
	d.want(records == uint64(d.spans()), "%d spans were sent and %d are stored", d.spans(), records)
	d.printSessions(rows, true)
	d.say("")
	d.say("%d sessions, %d spans sent, %d stored", len(rows), d.spans(), records)
	d.countEdits(found)
	return nil
}

// countEdits compares the edits with what the sender planted, so that neither
// missing one nor masking everything would pass.
func (d *demo) countEdits(found map[string]listed) {
	var places, edited uint64
	for _, s := range d.sent {
		for label, n := range s.edits {
			got := found[s.name].Edits[label]
			d.want(got == n, "session %s has %d edits of %s, want %d", s.name, got, label, n)
			places, edited = places+n, edited+min(got, n)
		}
	}
	d.say("%d of the %d places where the sender had planted something were edited, under the right label", edited, places)
}

// spans is how many were sent.
func (d *demo) spans() (n int) {
	for _, s := range d.sent {
		n += s.spans
	}
	return n
}

// showRecord opens every record, shows one, and looks for planted values.
func (d *demo) showRecord(ctx context.Context) error {
	d.title("One record, opened with the recipient's private key")
	s, err := openStorage(ctx, d.path("notary.yaml"), d.path("recipient.pem"))
	if err != nil {
		return err
	}
	defer s.close(ctx)
	shown := false
	for _, p := range s.Parts() {
		o, err := s.Open(ctx, p, s.identity)
		if err != nil {
			return err
		}
		for i := range o.Records {
			r := &o.Records[i].Record
			if v, ok := holdsPlanted(r.Bytes); ok {
				d.want(false, "record %d of session %s still has a planted %s", i, o.Session, v.label)
			}
			if edits, _ := receipt.DecodeEdits(r.Edits); !shown && len(edits) > 1 && r.Kind == receipt.Span {
				d.printRecord(i, r)
				shown = true
			}
		}
	}
	d.want(shown, "no record was redacted")
	return nil
}

func (d *demo) verifyBundle(ctx context.Context) error {
	d.title("Offline verification of one session's bundle")
	s, err := openStorage(ctx, d.path("notary.yaml"), d.path("recipient.pem"))
	if err != nil {
		return err
	}
	defer s.close(ctx)
	part := s.Parts()[0]
	raw, err := s.bundle(ctx, part, []uint64{1}, true)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path("session.bundle"), raw, 0o644); err != nil {
		return err
	}
	good, err := bundle.Verify(raw, d.policy, bundle.Options{AllowSimulated: true})
	if err != nil {
		return err
	}
	d.printResult(&verifiedFile{Result: good})
	d.want(good.Verdict == attestation.Verified, "the bundle's verdict is %s", good.Verdict)
	return d.flipByte(raw, good, part)
}

// flipByte shows what one changed byte in the receipt's signature does.
func (d *demo) flipByte(raw []byte, good *bundle.Result, part *archive.Part) error {
	d.title("The same bundle with one byte changed")
	b, err := bundle.Parse(raw)
	if err != nil {
		return err
	}
	at := strings.Index(string(raw), string(b.Receipt)) + len(b.Receipt) - 10
	changed := append([]byte(nil), raw...)
	changed[at] ^= 1
	bad, err := bundle.Verify(changed, d.policy, bundle.Options{AllowSimulated: true})
	if err != nil {
		return err
	}
	d.say("byte %d of %d, in the receipt's signature, as on a disk that fails:", at, len(raw))
	d.printDifferences(good, bad)
	d.want(bad.Verdict != attestation.Verified, "a changed bundle is still verified")

	// A forger repairs the bundle's own hashes; the signature he cannot.
	b.Receipt[len(b.Receipt)-10] ^= 1
	forged, err := b.Encode()
	if err != nil {
		return err
	}
	bad, err = bundle.Verify(forged, d.policy, bundle.Options{AllowSimulated: true})
	if err != nil {
		return err
	}
	d.say("")
	d.say("the same byte, by a forger who repairs the bundle's own hashes:")
	d.printDifferences(good, bad)
	d.want(bad.Verdict == attestation.Failed, "a forged bundle is %s", bad.Verdict)
	return nil
}

func (d *demo) printDifferences(good, bad *bundle.Result) {
	before := make(map[string]attestation.Status)
	for _, c := range good.Checks {
		before[c.Name] = c.Status
	}
	var t table
	changed := 0
	for _, c := range bad.Checks {
		if c.Status == before[c.Name] {
			continue
		}
		if changed++; c.Status == attestation.Fail {
			t.row(d.mark(string(c.Status)), c.Name, c.Detail)
		}
	}
	t.print(d.stdout)
	d.say("%d checks changed; verdict: %s", changed, d.mark(string(bad.Verdict)))
}

func (d *demo) verdict() error {
	d.title("Try it yourself")
	self, err := os.Executable()
	if err != nil {
		self = "notary"
	}
	d.say("%s session list --config %s --identity %s", self, d.path("notary.yaml"), d.path("recipient.pem"))
	d.say("%s verify --policy %s %s", self, d.path("policy.yaml"), d.path("session.bundle"))
	if len(d.failures) > 0 {
		return fmt.Errorf("%d things did not hold: %s", len(d.failures), strings.Join(d.failures, "; "))
	}
	fmt.Fprintf(d.stdout, "\n%s on SIMULATED hardware\n", d.paint(green, "everything held,"))
	return nil
}
