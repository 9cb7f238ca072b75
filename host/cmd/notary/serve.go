package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/loglines"
	"github.com/veriproof/notary/host/journal"
)

const serveUsage = `usage: notary serve --config FILE [--ready-file FILE]

Runs the notary: it generates its keys, measures its plugins, attests itself, holds
the storage against the log, recovers what an earlier notary left open there, and then
takes OTLP over gRPC and HTTP. Nothing is acknowledged before it is redacted, encrypted
and durable.

On SIGHUP, or when an operator asks for it (POST /v1/reload), it reads the
configuration and the modules again and begins a new epoch with them: new keys, new
attestation. Then the old epoch takes no more data and seals what is open. If
anything is wrong with the new ones the old epoch goes on, and the log says why.
Ports, storage directory and log stay those of the start.

Several notaries can write to one database, if each says storage.shared. They watch
each other: what one that died left open is recovered by another.

On SIGTERM or SIGINT it takes no more data, seals the open sessions, waits for
their log proofs and stops. A second signal ends it at once; the next start
recovers what was acknowledged.

The start-up steps go to standard output, the log, as JSON lines, to standard
error. No line holds session data.

OPTIONS
  --config FILE       the configuration, see "notary config"
  --ready-file FILE   written when data is taken: JSON with the addresses and the
                      log's key

EXAMPLES
  notary serve --config notary.yaml
  notary serve --config notary.yaml --ready-file /run/notary/ready.json

EXIT STATUS
  0  stopped in good order
  1  could not start, or had to stop; the error says why
  2  did not start: storage lacks what was there, by its own chains, by later epochs or
     by the log; nothing was written (storage.missing and storage.lost)
`

var serveCommand = command{name: "serve", brief: "runs the notary", usage: serveUsage, run: serve}

// How long an orderly stop may take. Exports under way get a time of their own: a
// sender that stalls must not use up what sealing needs, which is quick, and the
// log's proofs, which are not.
const (
	drainTime    = 10 * time.Second
	shutdownTime = 30 * time.Second
	releaseTime  = 10 * time.Second
)

// ready is what --ready-file holds.
type ready struct {
	OTLP     string `json:"otlp"`
	OTLPHTTP string `json:"otlp_http"`
	Control  string `json:"control"`
	LogKey   string `json:"log_key"`
	Epoch    string `json:"epoch"`
}

func serve(ctx context.Context, a *app, args []string) error {
	f := a.flags("serve", serveUsage)
	configFile := f.String("config", "", "")
	readyFile := f.String("ready-file", "", "")
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	if *configFile == "" {
		return usageError("serve: --config is missing")
	}
	cfg, err := loadConfig(*configFile)
	if err != nil {
		return err
	}
	ignoreEnvironment()
	if err := noCoreDumps(); err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1) // from the beginning: a SIGHUP that nobody hears ends the process
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	s := &server{
		app: a, configFile: *configFile, readyFile: *readyFile, logger: newLogger(a.stderr),
		hangups: hangups, reloads: make(chan reload, 1), drained: make(chan *serving),
	}
	n, err := startNode(ctx, cfg, nil, s.logger, a.tellStep)
	if err != nil {
		return startError(err)
	}
	w, err := s.begin(ctx, n, nil)
	if err == nil {
		w, err = s.run(ctx, w)
		n = w.n
	}
	n.releaseWithin(releaseTime)
	return err
}

// journalEnds is how long a journal has, once it has given a write up, to end the notary
// by itself.
const journalEnds = 30 * time.Second

// ignoreEnvironment takes back what the host could change through variables of
// the environment: whom TLS trusts. The rest of the environment is the container
// policy's to measure.
func ignoreEnvironment() {
	for _, v := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		os.Unsetenv(v)
	}
}

// noCoreDumps keeps a crash from writing keys and plaintext to the host's disk.
func noCoreDumps() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("switch off core dumps: %w", err)
	}
	return nil
}

// newLogger logs JSON lines. What is logged never holds session data; the
// attributes are set by this program alone.
func newLogger(w io.Writer) *slog.Logger {
	l := slog.New(newRecorder(loglines.JSON(w)))
	slog.SetDefault(l) // what libraries log by themselves
	return l
}

// tellStep shows one start-up step to a person.
func (a *app) tellStep(s attester.Step) {
	status, detail := "ok", shortDigests(s.Detail)
	if s.Err != nil {
		status, detail = "failed", oneLine(s.Err.Error())
	}
	fmt.Fprintf(a.stdout, "  %s  %-16s %6s  %s\n", a.mark(status), s.Name, s.Took.Round(time.Millisecond), detail)
}

// errStopped ends a start that was interrupted.
var errStopped = errors.New("stopped by a signal before it was ready")

// orStopped is the error of a step, unless the start was interrupted: whatever was under
// way failed by that then, and is nothing to mend. A start that took too long, as one after a
// reload may, was not.
func orStopped(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return errStopped
	}
	return err
}

func stoppable(ctx context.Context, tell func(attester.Step)) func(attester.Step) {
	return func(s attester.Step) {
		s.Err = orStopped(ctx, s.Err)
		tell(s)
	}
}

func startError(err error) error {
	var step *attester.StepError
	var dial *net.OpError
	if errors.As(err, &step) {
		if step.Step == attester.StepEvidence && errors.As(err, &dial) && dial.Op == "dial" { // the guest device is not dialled
			return hinted(err, "attestation.sidecar_url names the attestation sidecar, which does not answer: start it beside the notary, or name where it is; without hardware there is \"notary dev\" of a development build (\"make dev\")")
		}
		return hinted(err, "the notary does not start unless it can prove what it is; mend this step and start again")
	}
	return err
}

func writeReady(name string, r ready) error {
	if name == "" {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	// A reader never sees half of it.
	if err := os.WriteFile(name+".tmp", append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}

// A server is a process that serves: one epoch after the other, on one ground.
type server struct {
	app                   *app
	configFile, readyFile string
	logger                *slog.Logger
	hangups               chan os.Signal
	reloads               chan reload
	drained               chan *serving
	draining              int
}

// A serving is an epoch at work. After begin its fields are used by one goroutine at a
// time: that of run, and then that of its drain.
type serving struct {
	n        *node
	receiver *ingest.Server
	views    []*portView
	stop     context.CancelFunc
	ended    chan error
	running  int
}

// begin has an epoch take connections, instead of the old one, if there is one, and
// tells where.
func (s *server) begin(ctx context.Context, n *node, old *serving) (*serving, error) {
	n.reload = s.requestReload
	senders, err := n.senders()
	if err != nil {
		return nil, errors.Join(err, n.seal())
	}
	receiver, err := n.receiver(senders)
	if err != nil {
		return nil, errors.Join(err, n.seal())
	}
	ctl, err := n.control(senders)
	if err != nil {
		return nil, errors.Join(err, n.seal())
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &serving{n: n, receiver: receiver, stop: stop, ended: make(chan error, 5)}
	start := func(f func() error) {
		w.running++
		go func() { w.ended <- f() }()
	}
	g := n.ground
	w.views = []*portView{g.otlp.view(), g.otlpHTTP.view(), g.control.view()}
	if old != nil {
		// Who connects from now on meets the new epoch's keys.
		for _, v := range old.views {
			v.Retire()
		}
	}
	start(func() error { return receiver.Serve(w.views[0]) })
	start(func() error { return receiver.ServeOverHTTP(w.views[1]) })
	start(func() error { return ctl.Serve(work, w.views[2]) })
	start(func() error { return n.notary.Run(work) })
	start(func() error { return n.attester.Run(work, n.renewed) })
	g.alive = append(g.alive, n.notary.Epoch())
	g.patience.Store(int64(time.Duration(n.cfg.Journal.UnknownLimit) + journalEnds))
	r := ready{
		OTLP: g.otlp.Addr().String(), OTLPHTTP: g.otlpHTTP.Addr().String(), Control: g.control.Addr().String(),
		LogKey: g.log.VerifierKey(), Epoch: n.notary.Epoch().String(),
	}
	a := s.app
	fmt.Fprintf(a.stdout, "  %s  OTLP/gRPC on %s, OTLP/HTTP on %s, control on %s\n", a.paint(green, "ready"), r.OTLP, r.OTLPHTTP, r.Control)
	if err := writeReady(s.readyFile, r); err != nil && old == nil {
		return nil, errors.Join(err, w.drain())
	} else if err != nil {
		s.logger.Error("the ready file tells of the old epoch still", "error", err)
	}
	return w, nil
}

// run serves until ctx ends or the epoch does, and then stops in good order. In
// between it replaces the epoch by another as often as it is asked to. It returns the
// one that served last.
func (s *server) run(ctx context.Context, w *serving) (*serving, error) {
	for {
		select {
		case <-ctx.Done():
			s.logger.Info("stopping: taking no more data and sealing what is open")
			return w, s.end(w)
		case cause := <-w.ended:
			w.running--
			s.logger.Error("stopping", "error", cause)
			return w, endedBy(cause, s.end(w))
		case old := <-s.drained:
			s.forget(old)
		case <-s.hangups:
			w, _ = s.replace(ctx, w) // the log tells
		case r := <-s.reloads:
			next, err := s.replace(ctx, w)
			r.answer <- reloaded{next.n.notary.Epoch().String(), err}
			w = next
		}
	}
}

// endedBy joins what ended an epoch with what then kept it from ending in good order,
// which often is the same.
func endedBy(cause, err error) error {
	if errors.Is(err, cause) {
		return cause
	}
	return errors.Join(cause, err)
}

// end drains the epoch that serves, and waits for those that drain already.
func (s *server) end(w *serving) error {
	done, stop := context.WithCancel(context.Background())
	defer stop()
	go secondSignal(done)
	before := w.n.sealed()
	err := w.drain()
	if all := w.n.sealed(); err == nil {
		fmt.Fprintf(s.app.stdout, "  %s  %d session parts of this epoch that were open are sealed, %d in all\n", s.app.paint(green, "stopped"), all-before, all)
	}
	for s.draining > 0 {
		s.forget(<-s.drained)
	}
	return err
}

// drain takes no more data, waits for what is under way, and seals what is open.
func (w *serving) drain() error {
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := w.receiver.Shutdown(drain); err != nil {
		w.n.logger.Warn("exports were cut off; their senders will send again", "error", err)
	}
	w.stop()
	for ; w.running > 0; w.running-- {
		<-w.ended
	}
	return w.n.seal()
}

// seal ends the epoch in good order.
func (n *node) seal() error {
	limit, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return inTime(limit, n.notary.Close(limit))
}

// sealed returns how many session parts the epoch has sealed, those among them that another
// one left open.
func (n *node) sealed() (parts uint64) {
	for _, of := range n.notary.Stats().Sealed {
		parts += of
	}
	return parts
}

// inTime says of an end that took longer than its limit what that means.
func inTime(limit context.Context, err error) error {
	if limit.Err() != nil && errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, journal.ErrEnded) {
		return hinted(fmt.Errorf("not everything was sealed and has its log proof within %v: %w", shutdownTime, err),
			"what was acknowledged is in storage, and the next start does the rest; the notary's log says what did not answer")
	}
	return err
}

// releaseWithin frees what the node holds and its ground, unless something does not
// let go: a process that ends need not wait for a disk that hangs.
func (n *node) releaseWithin(d time.Duration) {
	done := make(chan struct{})
	go func() {
		n.release(context.Background())
		n.ground.release(n.logger)
		close(done)
	}()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		n.logger.Warn("storage or log did not let go in time; the process ends without it")
	}
}

func (n *node) renewed(ctx context.Context, at *attester.Attestation) error {
	return n.notary.Renewed(ctx, evidenceBody(at))
}

func (n *node) receiver(senders *ingest.Senders) (*ingest.Server, error) {
	return ingest.New(ingest.Config{
		Certificate: n.keys.TLS, Senders: *senders, Exporter: exporter{n.notary},
		MaxRequest: int(n.cfg.Limits.RequestBytes), MaxInFlight: int64(n.cfg.Limits.InFlight),
		Observe: n.observe, Flood: &n.ground.flood,
	})
}

func (n *node) control(senders *ingest.Senders) (*control.Server, error) {
	var operators []control.Operator
	for _, o := range n.cfg.Operators {
		var roles []control.Role
		for _, r := range o.Roles {
			roles = append(roles, control.Role(r))
		}
		operators = append(operators, control.Operator{Name: o.Name, Token: o.TokenHash, Roles: roles})
	}
	return control.New(control.Options{
		Notary: api{n}, Certificate: n.keys.TLS, OTLPCertificate: n.keys.CertificatePEM(),
		Operators: operators, Authenticate: senders.ByCredential, LogKey: n.ground.log.VerifierKey(), Reload: n.reload,
		OpenMetrics: n.cfg.Listen.OpenMetrics, Stats: n.metrics, Events: recentOf(n.logger), Logger: n.logger,
	})
}

// secondSignal ends the process at once if another signal comes while it stops.
func secondSignal(ctx context.Context) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(c)
	select {
	case <-c:
		os.Exit(exitUsage)
	case <-ctx.Done():
	}
}
