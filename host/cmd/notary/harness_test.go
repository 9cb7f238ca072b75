package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// patience is how long a test waits for what must happen. No test passes or
// fails by how long a thing took.
var patience = 3 * time.Minute

// scratch outlives single tests: programs and the sample run are made once.
var scratch string

func TestMain(m *testing.M) {
	confine() // does not return in a process that was started to be confined
	flooder() // nor this in one that is to flood
	var err error
	if scratch, err = os.MkdirTemp("", "notary-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := trustPublicAuthority(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if auditor.set != nil {
		auditor.set.Close(context.Background())
	}
	if sharedTEE != nil {
		sharedTEE.Close()
	}
	os.RemoveAll(scratch)
	os.Exit(code)
}

// Programs under test. They are built as the Makefile builds them, but with
// their symbols, so that these can be looked at.
type binaries struct {
	notary  string // development build, which takes simulated hardware
	release string
	plugins string // directory
}

var buildAll = sync.OnceValues(func() (*binaries, error) {
	b := &binaries{
		notary: filepath.Join(scratch, "bin", "notary"), release: filepath.Join(scratch, "bin", "notary-release"),
		plugins: filepath.Join(scratch, "plugins"),
	}
	var g errgroup.Group
	g.Go(func() error { return goBuild(b.notary, "-tags", "simtee") })
	g.Go(func() error { return goBuild(b.release) })
	for _, name := range []string{"redact-pii", "redact-secrets", "store-dir", "store-azureblob"} {
		g.Go(func() error {
			module, err := build.Module(context.Background(), filepath.Join("..", "..", "..", "plugins", name))
			if err != nil {
				return err
			}
			_, err = build.Write(b.plugins, name, module)
			return err
		})
	}
	return b, g.Wait()
})

func goBuild(out string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %v: %w\n%s", args, err, text)
	}
	return nil
}

func programs(t testing.TB) *binaries {
	t.Helper()
	b, err := buildAll()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sharedTEE is the one simulated machine that all notaries of these tests run
// on. It outlives every one of them, as hardware does.
var (
	sharedTEE *simtee.TEE
	startTEE  = sync.OnceValue(func() (err error) {
		if sharedTEE, err = simtee.New(simtee.Options{TestKeys: true}); err != nil {
			return err
		}
		return sharedTEE.Start(context.Background())
	})
)

func tee(t testing.TB) *simtee.TEE {
	t.Helper()
	if err := startTEE(); err != nil {
		t.Fatal(err)
	}
	return sharedTEE
}

const origin = "example.org/notary-test"

// A machine is what an operator has: a directory with a configuration, keys and
// data, which outlive each notary process.
type machine struct {
	dir      string
	bin      *binaries
	tee      *simtee.TEE
	apiKey   string
	operator string
	// policy is the relying party's, set by the first notary that was ready,
	// and extended by the plugin sets of others.
	policy *policy.Policy
}

// A setting changes what the configuration says.
type setting struct {
	otlp, otlpHTTP, control                        string
	origin, sidecar, recipient, logDir, storageDir string
	pii                                            string // settings of redact-pii
	peers                                          []byte // policy for other epochs, in place of one for the machine's image
	postgres                                       string // what storage.postgres says, in place of a directory
	shared                                         bool   // storage, with the least silence unless another is given
	silence                                        string
	endpoints                                      string   // what storage.endpoints says, in place of a directory
	objects                                        string   // the module's file behind endpoints; store-azureblob's by default
	redactors                                      []string // module files, before redact-pii, with little fuel
	builtin                                        []string // module files of further redactors, with the limits that they ask for
	log                                            string   // more of what log says
	extra                                          string   // more lines of YAML
	bare                                           bool     // without a redactor
}

func newMachine(t testing.TB, s setting) *machine {
	t.Helper()
	return newMachineIn(t, t.TempDir(), s)
}

func newMachineIn(t testing.TB, dir string, s setting) *machine {
	t.Helper()
	m := &machine{dir: dir, bin: programs(t), tee: tee(t), apiKey: control.GenerateToken(), operator: control.GenerateToken()}
	identity, err := journal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	private, err := identity.PEM()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		m.tee.WriteSecurityContext(m.path("security-context")),
		os.WriteFile(m.path("recipient.pem"), private, 0o600),
		os.WriteFile(m.path("recipient.pub.pem"), identity.Recipient().PEM(), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	m.configure(t, s)
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// configure writes notary.yaml.
func (m *machine) configure(t testing.TB, s setting) {
	t.Helper()
	peers := s.peers
	if peers == nil {
		var err error
		if peers, err = m.tee.PolicyYAML(); err != nil {
			t.Fatal(err)
		}
	}
	modules := append([]string(nil), s.redactors...)
	modules = append(modules, s.builtin...)
	adapter, storage := "store-dir.wasm", fmt.Sprintf("{dir: %q}", or(s.storageDir, "data/store"))
	if s.postgres != "" {
		adapter, storage = "store-postgres.wasm", fmt.Sprintf("{postgres: {%s}}", s.postgres)
	}
	if s.endpoints != "" {
		adapter, storage = or(s.objects, "store-azureblob.wasm"), fmt.Sprintf("{endpoints: [%s]}", s.endpoints)
	}
	if s.shared {
		storage = strings.Replace(storage, "{", "{shared: true, silence: "+or(s.silence, "5s")+", ", 1)
	}
	if !s.bare {
		modules = append(modules, filepath.Join(m.bin.plugins, "redact-pii.wasm"))
	}
	modules = append(modules, filepath.Join(m.bin.plugins, adapter))
	var plugins strings.Builder
	for i, path := range modules {
		module, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kind := "redactor"
		if i == len(modules)-1 {
			kind = "storage"
		}
		limits := ""
		if s.pii != "" && strings.HasSuffix(path, "redact-pii.wasm") {
			limits = fmt.Sprintf(", settings: %q", s.pii)
		}
		if i < len(s.redactors) {
			limits = ", limits: {fuel: 100000}"
		}
		fmt.Fprintf(&plugins, "  - {name: %s, kind: %s, wasm: %q, sha256: %x%s}\n",
			strings.TrimSuffix(filepath.Base(path), ".wasm"), kind, path, sha256.Sum256(module), limits)
	}
	text := fmt.Sprintf(`# Configuration of a test, on SIMULATED hardware.
version: 1
listen: {otlp: %q, otlp_http: %q, control: %q}
attestation:
  sidecar_url: %s
  security_context_dir: security-context
  maa_url: %s
  policy: |
%s
  maa_ca: |
%s
plugins:
%sstorage: %s
recipients: [{file: %s}]
tenants: [{name: acme, api_key_hashes: [%x]}]
operators: [{name: ops, roles: [operator, auditor, metrics], token_hash: %x}]
log: {origin: %s, dir: %q%s}
%s
`, or(s.otlp, "127.0.0.1:0"), or(s.otlpHTTP, "127.0.0.1:0"), or(s.control, "127.0.0.1:0"), or(s.sidecar, m.tee.SidecarURL()), m.tee.MAAURL(), indented(peers), indented(m.tee.MAACertificate()),
		plugins.String(), storage, or(s.recipient, "recipient.pub.pem"), ingest.HashKey(m.apiKey),
		control.HashToken(m.operator), or(s.origin, origin), or(s.logDir, "data/log"), s.log, s.extra)
	if err := os.WriteFile(m.path("notary.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func indented(text []byte) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(string(text), "\n"), "\n", "\n    ")
}

// A buffer collects what a process writes while it runs.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A process is a running "notary serve".
type process struct {
	cmd            *exec.Cmd
	stdout, stderr buffer
	readyFile      string
	exited         chan struct{} // closed when it has ended
	ready          ready
}

// launch starts a notary and does not wait for it.
func (m *machine) launch(t testing.TB) *process {
	t.Helper()
	f, err := os.CreateTemp(m.dir, "ready-*.json")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	os.Remove(f.Name())
	p := &process{readyFile: f.Name(), exited: make(chan struct{})}
	p.cmd = exec.Command(m.bin.notary, "serve", "--config", m.path("notary.yaml"), "--ready-file", p.readyFile)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the status is in ProcessState
		close(p.exited)
	}()
	t.Cleanup(p.kill)
	return p
}

// start starts a notary and waits until it takes data.
func (m *machine) start(t testing.TB) *process {
	t.Helper()
	p := m.launch(t)
	eventually(t, "the notary is ready", func() bool {
		select {
		case <-p.exited:
			t.Fatalf("notary serve ended with status %d\n%s\n%s", p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String())
		default:
		}
		text, err := os.ReadFile(p.readyFile)
		return err == nil && json.Unmarshal(text, &p.ready) == nil
	})
	return p
}

// kill is kill -9, and waits for the end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	<-p.exited
}

// stop ends the notary in good order.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := p.wait(t); status != exitOK {
		t.Fatalf("notary serve stopped with status %d\n%s", status, p.stderr.String())
	}
}

// wait waits for the end and returns the exit status.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("notary serve does not end\n%s", p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// eventually polls until it holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-tick.C
	}
}

// run runs the notary's tool to its end.
func (m *machine) run(t testing.TB, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	return runProgram(t, m.bin.notary, m.dir, args...)
}

func runProgram(t testing.TB, program, dir string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
