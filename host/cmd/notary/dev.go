//go:build simtee

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const devUsage = `usage: notary dev [--dir DIR] [--plugins DIR] [--otlp ADDR] [--otlp-http ADDR] [--control ADDR]

Starts a development notary on this machine and keeps it until it is stopped: a
simulated TEE with its attestation sidecar and service, and the notary on it, with both
built-in redactors, a storage and a log in one directory. For whoever writes an
application that is to send to a notary, and has no such hardware at hand.

The hardware is SIMULATED: what it attests protects nobody. Send it no real data.

When it is ready these files are in the directory:

  env               variables for any OpenTelemetry exporter; source it in a shell
  notary.pem        the certificate of the notary, which was appraised
  api-key           what the notary knows your application by
  policy.yaml       what accepts this notary, for "verify", "trust", "proxy", "top"
  notary.yaml       its configuration, written anew at each start
  recipient.pem     the private key that opens sessions
  operator-token    for "notary top", "export" and the control interface
  serve.log         its log

Keys and sessions stay there for the next start, and policy.yaml accepts what was sealed
before. If the port of the attestation service is taken by then, bundles of before go by
a policy that is kept beside it, which standard error names. A session that its application does not end
is over after 10 seconds without a record. On SIGTERM or SIGINT it seals the open sessions
and stops.

OPTIONS
  --dir DIR         where everything is kept (default build/dev)
  --plugins DIR     where the built plugins are (default build/plugins)
  --otlp ADDR       OTLP/gRPC (default 127.0.0.1:4317; port 0 takes a free one)
  --otlp-http ADDR  OTLP/HTTP (default 127.0.0.1:4318)
  --control ADDR    control interface (default 127.0.0.1:8443)

EXAMPLES
  notary dev
  notary dev --dir /tmp/notary-dev --otlp 127.0.0.1:14317 --otlp-http 127.0.0.1:14318
  . build/dev/env && node app.js          # in another terminal
  notary export --config build/dev/notary.yaml --control https://localhost:8443 \
      --policy build/dev/policy.yaml --token-file build/dev/operator-token \
      -o build/dev/bundles
  notary verify --policy build/dev/policy.yaml build/dev/bundles/*.bundle

EXIT STATUS
  0  stopped in good order
  1  could not start, or had to stop; the error says why
`

var devCommand = command{name: "dev", brief: "keeps a notary on simulated hardware, for developers", usage: devUsage, run: runDev}

func runDev(ctx context.Context, a *app, args []string) error {
	s := &simulation{app: a, redactors: []string{"redact-pii", "redact-secrets"}, settings: "sessions: {linger: 1s, idle: 10s}\n"}
	f := a.flags("dev", devUsage)
	f.StringVar(&s.dir, "dir", filepath.Join("build", "dev"), "")
	f.StringVar(&s.plugins, "plugins", filepath.Join("build", "plugins"), "")
	f.StringVar(&s.listen.otlp, "otlp", "127.0.0.1:4317", "")
	f.StringVar(&s.listen.otlpHTTP, "otlp-http", "127.0.0.1:4318", "")
	f.StringVar(&s.listen.control, "control", "127.0.0.1:8443", "")
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	var err error
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	lock, err := s.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	// Whoever waits for a notary to be ready waits for this file. Nobody else runs here.
	if err := os.Remove(s.path("env")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	free, err := s.reserve()
	if err != nil {
		return err
	}
	defer free()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	defer s.tee.Close()
	free()
	return s.keep(ctx)
}

// lock makes the directory this process's own: a second one would write over what the
// first reads at its next reload, and over what its senders and relying parties have.
func (s *simulation) lock() (*os.File, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, hinted(err, "--dir names the directory; it must be writable")
	}
	f, err := os.Open(s.dir)
	if err != nil {
		return nil, hinted(err, "--dir names the directory; it must be readable")
	}
	taken, err := tryLock(f)
	if taken {
		err = hinted(fmt.Errorf("dev: --dir %s is in use by another notary dev", s.dir), "go on with that one, stop it, or give this one a directory of its own")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// reserve takes the notary's ports until free is called, or the error says which it cannot
// have: before a file that is to stay is touched, and before the simulated services take a port.
func (s *simulation) reserve() (free func(), err error) {
	var all []net.Listener
	free = func() {
		for _, l := range all {
			l.Close() // a second time, too
		}
	}
	for _, x := range []struct{ flag, addr string }{
		{"otlp", s.listen.otlp}, {"otlp-http", s.listen.otlpHTTP}, {"control", s.listen.control},
	} {
		l, err := net.Listen("tcp", x.addr)
		if err != nil {
			free()
			return nil, hinted(fmt.Errorf("dev: --%s %s: %w", x.flag, x.addr, err),
				"stop what has the port, or give --%s another (port 0 takes a free one)", x.flag)
		}
		all = append(all, l)
	}
	return free, nil
}

// keep runs the notary in this process until ctx or the notary ends, and appraises each
// of its epochs: after a reload senders have to learn new keys.
func (s *simulation) keep(ctx context.Context) error {
	s.title("Start-up of the notary")
	log, err := os.Create(s.path("serve.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	readyFile := s.path("ready.json")
	if err := os.Remove(readyFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		notary := *s.app
		notary.stderr = log
		ended <- serve(ctx, &notary, []string{"--config", s.path("notary.yaml"), "--ready-file", readyFile})
	}()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	failed := error(nil)
	for {
		select {
		case err := <-ended:
			return errors.Join(failed, err, os.RemoveAll(s.path("env")))
		case <-poll.C:
		}
		now, err := os.ReadFile(readyFile)
		var addr ready
		if err != nil || json.Unmarshal(now, &addr) != nil || addr.Epoch == s.addr.Epoch || failed != nil {
			continue
		}
		s.addr = addr
		if failed = errors.Join(s.appraise(ctx), s.tellSenders()); failed != nil {
			stop() // and wait for the notary to end in good order
		}
	}
}

// tellSenders writes what an application needs, and says how to go on.
func (s *simulation) tellSenders() error {
	at := func(addr string) string { return "https://localhost" + addr[strings.LastIndexByte(addr, ':'):] }
	env := fmt.Sprintf(`# How to send to the development notary on SIMULATED hardware: source this file.
export OTEL_EXPORTER_OTLP_ENDPOINT=%s
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_CERTIFICATE=%s
export OTEL_EXPORTER_OTLP_HEADERS=x-api-key=%s
export OTEL_METRICS_EXPORTER=none
`, at(s.addr.OTLPHTTP), shellWord(s.path("notary.pem")), s.apiKey)
	if err := os.WriteFile(s.path("env"), []byte(env), 0o600); err != nil {
		return err
	}
	s.title("A development notary on SIMULATED hardware: send it no real data")
	self, err := os.Executable()
	if err != nil {
		self = "notary"
	}
	var t table
	t.row("OTLP/HTTP", at(s.addr.OTLPHTTP))
	t.row("OTLP/gRPC", at(s.addr.OTLP))
	t.row("API key", s.apiKey)
	t.row("certificate", s.path("notary.pem"))
	t.row("policy", s.path("policy.yaml"))
	t.row("log", s.path("serve.log"))
	t.row("send", ". "+shellWord(s.path("env"))+" && YOUR-APPLICATION")
	t.row("evidence", fmt.Sprintf("%s export --config %s --control %s --policy %s --token-file %s -o %s",
		self, s.path("notary.yaml"), at(s.addr.Control), s.path("policy.yaml"), s.path("operator-token"), s.path("bundles")))
	t.row("verify", fmt.Sprintf("%s verify --policy %s %s/*.bundle", self, s.path("policy.yaml"), s.path("bundles")))
	t.row("read", fmt.Sprintf("%s session list --config %s --identity %s", self, s.path("notary.yaml"), s.path("recipient.pem")))
	t.row("watch", fmt.Sprintf("%s top --policy %s --token-file %s %s", self, s.path("policy.yaml"), s.path("operator-token"), at(s.addr.Control)))
	t.row("stop", "with an interrupt (Ctrl-C); what is open is sealed")
	t.print(s.stdout)
	return nil
}

// shellWord writes a path for a shell, so that it is one word.
func shellWord(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }
