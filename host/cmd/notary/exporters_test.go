//go:build exporters

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// These tests need what .ci/exporters makes in the directory of this environment
// variable: examples/exporters/js with its packages, and the collector.
const exporterPrograms = "NOTARY_EXPORTERS"

// TestExporters: stock exporters of OpenTelemetry for JavaScript and of the Collector
// send with the certificate that "trust fetch --watch" keeps, and through "notary
// proxy". When the notary has other plugins after a restart nothing reaches it
// on either way.
func TestExporters(t *testing.T) {
	// An exporter sends several requests at a time, each on a connection that it or the
	// proxy may have to make first: the one that ends the session can be early by that.
	m := newMachine(t, setting{extra: "sessions: {linger: 10s}"})
	p := m.start(t)
	c := m.connect(t, p)
	watched := m.watch(t, "notary.pem", p.ready.Control)
	eventually(t, "the watch has written", func() bool { return strings.Contains(watched.String(), "wrote notary.pem") })
	// The proxy is told where the notary is by address, as the exporters are by the
	// name in the certificate.
	ways := map[string]way{
		"trust": {grpc: "https://" + named(p.ready.OTLP), http: "https://" + named(p.ready.OTLPHTTP), certificate: m.path("notary.pem"), key: m.apiKey},
	}
	var proxied *buffer
	ways["proxy"], proxied = m.proxyCommand(t, p.ready)

	accepted := map[string]int{} // session: its leaves
	for name, w := range ways {
		for _, protocol := range []string{"grpc", "http/protobuf", "http/json"} {
			session := name + "-js-" + protocol[strings.IndexByte(protocol, '/')+1:]
			if out, err := javaScript(w, protocol, session).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", session, err, out)
			}
			accepted[session] = 41 // 20 spans, 20 log records, the summary
		}
		for _, exporter := range []string{"otlp_grpc", "otlp_http"} {
			session := name + "-collector-" + exporter
			x := m.collector(t, w, exporter)
			x.feed(t, session)
			accepted[session] = 3
			c.stored(t, session) // before it ends: what waits is lost with it
			x.stop(t)
		}
	}
	for session, leaves := range accepted {
		parts := c.logged(t, session)
		if len(parts) != 1 || parts[0].Leaves != uint64(leaves) {
			t.Errorf("%s: %+v, want one part of %d leaves", session, parts, leaves)
		}
	}

	written, err := os.ReadFile(m.path("notary.pem"))
	if err != nil {
		t.Fatal(err)
	}
	p.stop(t)
	m.configure(t, setting{otlp: p.ready.OTLP, otlpHTTP: p.ready.OTLPHTTP, control: p.ready.Control, pii: `{"threshold": 900}`})
	again := m.start(t)
	eventually(t, "the watch refuses the notary", func() bool { return strings.Contains(watched.String(), "notary.plugin-set") })
	var refused []string
	for name, w := range ways {
		for _, protocol := range []string{"grpc", "http/protobuf", "http/json"} {
			session := "refused-" + name + "-js-" + protocol[strings.IndexByte(protocol, '/')+1:]
			refused = append(refused, session)
			cmd := javaScript(w, protocol, session)
			cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_TIMEOUT=2000") // for so long it tries again
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 || strings.Count(string(out), "\n") != 1 || !strings.HasPrefix(string(out), "not acknowledged: ") {
				t.Errorf("%s: %v, want one line that says why\n%s", session, err, out)
			}
		}
		for _, exporter := range []string{"otlp_grpc", "otlp_http"} {
			session := "refused-" + name + "-collector-" + exporter
			refused = append(refused, session)
			x := m.collector(t, w, exporter)
			x.feed(t, session)
			why := map[string]string{"trust": "certificate signed by unknown authority", "proxy": "the notary is not attested"}[name]
			if exporter == "otlp_http" && name == "proxy" {
				why = "503"
			}
			eventually(t, session+" says "+why, func() bool { return strings.Contains(x.out.String(), why) })
			x.stop(t)
		}
	}
	if !strings.Contains(proxied.String(), "notary.plugin-set") {
		t.Errorf("the proxy does not say why\n%s", proxied.String())
	}
	if now, err := os.ReadFile(m.path("notary.pem")); err != nil || !slices.Equal(now, written) {
		t.Errorf("the certificate was changed after a check that failed: %v", err)
	}
	c = m.connect(t, again)
	for _, session := range refused {
		if status, body := c.get(t, "/v1/sessions/"+session+"?tenant=acme"); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", session, status, body)
		}
	}
}

// named is an address under the name that is in the certificate.
func named(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return "localhost:" + port
}

// javaScript is examples/exporters/js/app.mjs, told everything by its environment.
func javaScript(w way, protocol, session string) *exec.Cmd {
	endpoint := w.http
	if protocol == "grpc" {
		endpoint = w.grpc
	}
	cmd := exec.Command("node", filepath.Join(os.Getenv(exporterPrograms), "js", "app.mjs"), session)
	cmd.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol, "OTEL_EXPORTER_OTLP_TIMEOUT=5000")
	if w.certificate != "" {
		cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_CERTIFICATE="+w.certificate)
	}
	if w.key != "" {
		cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_HEADERS=x-api-key="+w.key)
	}
	return cmd
}

// A collector is an OpenTelemetry Collector in front of a notary.
type collector struct {
	cmd      *exec.Cmd
	out      buffer
	receiver string
}

func (m *machine) collector(t *testing.T, w way, exporter string) *collector {
	t.Helper()
	endpoint, security, headers := w.http, "insecure: true", ""
	if exporter == "otlp_grpc" {
		endpoint = strings.TrimPrefix(strings.TrimPrefix(w.grpc, "http://"), "https://")
	}
	if w.certificate != "" {
		security = fmt.Sprintf("ca_file: %q", w.certificate)
	}
	if w.key != "" {
		headers = fmt.Sprintf("headers: {x-api-key: %q}, ", w.key)
	}
	x := &collector{receiver: closedPort(t)}
	config := fmt.Sprintf("receivers: {otlp: {protocols: {grpc: {endpoint: %q}}}}\n", x.receiver) +
		fmt.Sprintf("exporters: {%s: {endpoint: %q, %stls: {%s}, retry_on_failure: {initial_interval: 100ms, max_interval: 500ms}}}\n", exporter, endpoint, headers, security) +
		fmt.Sprintf("service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [%s]}}}\n", exporter)
	file := filepath.Join(t.TempDir(), "collector.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	x.cmd = exec.Command(filepath.Join(os.Getenv(exporterPrograms), "collector"), "--config", "file:"+file)
	x.cmd.Stdout, x.cmd.Stderr = &x.out, &x.out
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill() // an error means that it has ended
		if t.Failed() {
			t.Log(x.out.String())
		}
	})
	return x
}

// feed gives the collector two spans, the second of which ends the session, and waits
// until it has taken them.
func (x *collector) feed(t *testing.T, session string) {
	t.Helper()
	conn, err := grpc.NewClient(x.receiver, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var reply []byte
	body := request(session, newSpan("chat", "content", "mail "+sampleEmail), lastSpan("chat"))
	if err := conn.Invoke(ctx, exportTraces, body, &reply, grpc.ForceCodec(rawCodec{}), grpc.WaitForReady(true)); err != nil {
		t.Fatalf("the collector takes nothing: %v\n%s", err, x.out.String())
	}
}

// stored waits until something of a session is durable.
func (c *sender) stored(t testing.TB, session string) {
	t.Helper()
	eventually(t, "something of "+session+" is stored", func() bool {
		status, _ := c.get(t, "/v1/sessions/"+session+"?tenant=acme")
		return status == http.StatusOK
	})
}

func (x *collector) stop(t *testing.T) {
	t.Helper()
	if err := x.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = x.cmd.Wait() // what it could not send it complains about
}

// TestCertificateElsewhere: the TLS of Python and of Java, which their exporters use, takes
// the certificate that "trust fetch" writes for the notary, and refuses somebody whose
// certificate an authority has signed.
func TestCertificateElsewhere(t *testing.T) {
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	if code, stdout, stderr := m.run(t, "trust", "fetch", "--policy", "policy.yaml", "-o", "notary.pem", "https://"+p.ready.Control); code != exitOK {
		t.Fatalf("trust fetch: %d\n%s%s", code, stdout, stderr)
	}
	thief := named(public(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("something was sent to somebody else") })))
	for language, program := range map[string][]string{
		"python": {"python3", "testdata/tls/probe.py"},
		"java":   {"java", "testdata/tls/Probe.java"},
	} {
		for address, want := range map[string]int{named(p.ready.OTLPHTTP): 0, thief: 7} {
			status, stdout, stderr := runProgram(t, program[0], ".", program[1], "https://"+address, m.path("notary.pem"), m.apiKey)
			if status != want {
				t.Errorf("%s, %s: status %d, want %d\n%s%s", language, address, status, want, stdout, stderr)
			}
		}
		if status, body := c.get(t, "/v1/sessions/probe-"+language+"?tenant=acme"); status != http.StatusOK {
			t.Errorf("%s: %d %s", language, status, body)
		}
	}
	// What cannot be run for want of its packages is at least Python.
	if status, stdout, stderr := runProgram(t, "python3", ".", "-c", "import ast; ast.parse(open('../../../examples/exporters/python/app.py').read())"); status != 0 {
		t.Errorf("app.py: status %d\n%s%s", status, stdout, stderr)
	}
}
