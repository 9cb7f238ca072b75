//go:build bench

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	workload "github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// TestBesideCollector puts the same load on a notary and on an OpenTelemetry
// Collector, one after the other, in rounds: 50 spans and 117 KB per request, eight
// connections with one request under way on each, TLS. It prints a table and judges
// nothing: machines differ, so what counts are ratios within one run.
//
//	NOTARY_COLLECTOR  the Collector of examples/exporters/collector
//	NOTARY_SECONDS    how long each run takes (10)
//	NOTARY_ROUNDS     how many rounds (2)
func TestBesideCollector(t *testing.T) {
	collector := os.Getenv("NOTARY_COLLECTOR")
	if collector == "" {
		t.Fatal("NOTARY_COLLECTOR is not set; see the comment, or run make bench-collector")
	}
	took := time.Duration(number(t, "NOTARY_SECONDS", 10)) * time.Second
	var runs []run
	for range number(t, "NOTARY_ROUNDS", 2) {
		for _, r := range []struct {
			name  string
			start func(*testing.T) target
		}{
			{"notary: redact-pii, durable", func(t *testing.T) target { return notaryTarget(t) }},
			{"notary: redact-pii and redact-secrets, durable", func(t *testing.T) target { return notaryTarget(t, "redact-secrets") }},
			{"notary: a redactor that looks at nothing, durable", func(t *testing.T) target { return notaryWith(t, setting{bare: true, builtin: []string{idle(t)}}) }},
			{"notary: no redactors, durable", func(t *testing.T) target { return notaryWith(t, setting{bare: true, extra: "mode: none\n"}) }},
			{"the least: receive, hash, encrypt, hash, write", leastTarget},
			{"Collector: nop, in memory", func(t *testing.T) target { return collectorTarget(t, collector, false) }},
			{"Collector: redaction of eight patterns, in memory", func(t *testing.T) target { return collectorTarget(t, collector, true) }},
		} {
			t.Run(r.name, func(t *testing.T) {
				at := r.start(t)
				at.load(t, time.Second) // connections, pools, the first wrap key
				runs = append(runs, at.load(t, took))
				runs[len(runs)-1].name = r.name
			})
		}
	}
	slices.SortStableFunc(runs, func(a, b run) int { return strings.Compare(a.name, b.name) })
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "run\tspans/s\tCPU-s per million spans\tkernel's threads\tp50 ms\tp99 ms\trefused")
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\n", r.name, r.rate, r.cpu, r.kernel, r.p50, r.p99, r.refused)
	}
	w.Flush()
	t.Logf("%d processors\n%s", runtime.NumCPU(), out.String())
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	if os.Getenv(name) == "" {
		return otherwise
	}
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil || n < 1 {
		t.Fatalf("%s=%s", name, os.Getenv(name))
	}
	return n
}

// A target is a process that takes OTLP/gRPC over TLS.
type target struct {
	pid     int
	address string
	tls     *tls.Config
	header  []string
}

type run struct {
	name                string
	rate, cpu, p50, p99 float64
	kernel              float64 // like cpu, of threads of the kernel, which write for all processes
	refused             int
}

func notaryTarget(t *testing.T, further ...string) target {
	t.Helper()
	b := programs(t)
	s := setting{}
	for _, name := range further {
		module, err := build.Module(context.Background(), filepath.Join("..", "..", "..", "plugins", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := build.Write(b.plugins, name, module); err != nil {
			t.Fatal(err)
		}
		s.builtin = append(s.builtin, filepath.Join(b.plugins, name+".wasm"))
	}
	return notaryWith(t, s)
}

func notaryWith(t *testing.T, s setting) target {
	t.Helper()
	m := newMachine(t, s)
	p := m.start(t)
	c := m.connect(t, p)
	return target{p.cmd.Process.Pid, p.ready.OTLP, c.tls, []string{"authorization", "Bearer " + m.apiKey}}
}

// idleModule is a redactor that answers each batch with no edits and reads nothing of
// it: what is left is the cost of everything but redaction.
const idleModule = "0061736d0100000001150460000060017f017f60027f7f017f60027f7f017e030504000102030503010020074005066d656d6f727902000a7264785f" +
	"6162695f76310000097264785f616c6c6f6300010d7264785f636f6e66696775726500020a7264785f72656461637400030a1b0402000b0600418080" +
	"040b040041000b0a0042908080808080010b0b1701004180080b1052445231000000000000000010000000"

func idle(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	module, err := hex.DecodeString(idleModule)
	if err != nil {
		t.Fatal(err)
	}
	manifest := `{"abi": "rdx/1", "kind": "redactor", "name": "idle", "version": "1", "labels": ["NONE"], "capabilities": [], "limits": {"memory_pages": 32}, "wasi": "none"}`
	for name, b := range map[string][]byte{"module.wasm": module, "manifest.json": []byte(manifest)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	built, err := build.Module(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if _, err := build.Write(out, "idle", built); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(out, "idle.wasm")
}

func collectorTarget(t *testing.T, program string, redact bool) target {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	address := closedPort(t)
	values := map[string]string{
		"ENDPOINT":    address,
		"CERTIFICATE": write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"KEY":         write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
	}
	if redact {
		values["PROCESSORS"] = "redaction"
	}
	config := write("collector.yaml", []byte(os.Expand(workload.CollectorConfig, func(name string) string { return values[name] })))
	cmd := exec.Command(program, "--config", config)
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	at := target{cmd.Process.Pid, address, &tls.Config{RootCAs: pool, ServerName: "localhost"}, nil}
	eventually(t, "the Collector listens", func() bool {
		c, err := tls.Dial("tcp", address, at.tls)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return at
}

// seconds returns the processor time that a process has used.
func seconds(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, used := parentAndSeconds(t, text)
	return used
}

// kernelSeconds returns what the kernel's threads have used: what it writes for a process, and does to
// sync a file when that is submitted and not called, is in no process's time.
func kernelSeconds(t *testing.T) (sum float64) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		if parent, used := parentAndSeconds(t, text); parent == kthreadd {
			sum += used
		}
	}
	return sum
}

// kthreadd is the process whose children are the kernel's threads.
const kthreadd = 2

// parentAndSeconds reads proc_pid_stat(5).
func parentAndSeconds(t *testing.T, stat []byte) (parent int, used float64) {
	t.Helper()
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields[11:13] { // user, system; hundredths of a second
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		used += n / 100
	}
	return parent, used
}

// connections is how many send, each with one request under way.
const connections = 8

// load sends for a time and returns what came of it.
func (at target) load(t *testing.T, took time.Duration) run {
	t.Helper()
	var mu sync.Mutex
	var waits []time.Duration
	r := run{}
	before, kernel, begun := seconds(t, at.pid), kernelSeconds(t), time.Now()
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			conn, err := grpc.NewClient("passthrough:///"+at.address, grpc.WithTransportCredentials(credentials.NewTLS(at.tls)),
				grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})), grpc.WithDisableRetry())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			ctx := metadata.NewOutgoingContext(context.Background(), metadata.Pairs(at.header...))
			next := requestsOf(t, uint64(i))
			for time.Since(begun) < took {
				var reply []byte
				body, sent := next(), time.Now()
				err := conn.Invoke(ctx, exportTraces, body, &reply)
				mu.Lock()
				if err != nil {
					if r.refused++; r.refused == 1 {
						t.Logf("refused: %v", err)
					}
				} else {
					waits = append(waits, time.Since(sent))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	elapsed, used := time.Since(begun).Seconds(), seconds(t, at.pid)-before
	kernel = kernelSeconds(t) - kernel
	if len(waits) == 0 {
		t.Fatal("nothing was accepted")
	}
	slices.Sort(waits)
	spans := float64(len(waits) * workload.GenAISpans)
	ms := func(q float64) float64 {
		return float64(waits[int(q*float64(len(waits)-1))].Microseconds()) / 1000
	}
	r.rate, r.cpu, r.kernel, r.p50, r.p99 = spans/elapsed, used/spans*1e6, kernel/spans*1e6, ms(.5), ms(.99)
	return r
}

// unlike counts the requests of all senders in all runs: what a notary is sent twice it
// drops as a duplicate, which is no load, also when the first was sent to warm it up.
var unlike atomic.Uint64

// requestsOf returns requests of one sender. Each has trace ids of its own.
func requestsOf(t *testing.T, sender uint64) func() []byte {
	t.Helper()
	type template struct {
		body []byte
		ids  []int // offsets of trace ids
	}
	var all []template
	for seed := range uint64(8) {
		body := workload.GenAI(sender*100 + seed)
		var req v1.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &req); err != nil {
			t.Error(err)
		}
		one := template{body: body}
		at := 0
		for _, s := range req.ResourceSpans[0].ScopeSpans[0].Spans {
			i := bytes.Index(body[at:], s.TraceId)
			if i < 0 {
				t.Error("a trace id is not in the bytes")
			}
			at += i
			one.ids = append(one.ids, at)
			at += len(s.TraceId)
		}
		all = append(all, one)
	}
	n := uint64(0)
	return func() []byte {
		n++
		one, id := all[n%uint64(len(all))], unlike.Add(1)
		for _, at := range one.ids {
			binary.BigEndian.PutUint64(one.body[at:], id)
		}
		return one.body
	}
}
