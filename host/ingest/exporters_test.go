//go:build exporters

package ingest_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricscollector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

// These tests need what .ci/exporters makes in the directory of this environment
// variable: examples/exporters/js with its packages, the collector, telemetrygen.
const programs = "NOTARY_EXPORTERS"

// certificateFile writes the server's certificate, as a sender has it.
func certificateFile(t *testing.T) string {
	t.Helper()
	cert, _ := certificate()
	name := filepath.Join(t.TempDir(), "notary.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// local is an address under the name that is in the certificate.
func local(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("localhost", port)
}

// The stock exporters of OpenTelemetry for JavaScript: grpc, http/protobuf and
// http/json, spans and log records, with gzip, all set by the environment. Over HTTP they send again what was
// refused; their gRPC exporter does not, whatever it is told.
func TestJavaScriptExporters(t *testing.T) {
	c := &collected{sessions: map[string]int{}}
	refused := map[string]bool{"js-grpc": true}
	s, addr := start(t, func(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
		req, err := otlpwire.Walk(body, sig, otlpwire.Limits{})
		if err != nil {
			return ingest.Receipt{}, err
		}
		session := string(req.SessionID(0))
		c.mu.Lock()
		before := refused[session]
		refused[session] = true
		c.mu.Unlock()
		if !before {
			return ingest.Receipt{}, ingest.Exhausted("full", time.Millisecond, nil)
		}
		return c.Export(ctx, tenant, sig, body)
	})
	for protocol, endpoint := range map[string]string{"grpc": local(t, addr), "http/protobuf": local(t, overHTTP(t, s).addr), "http/json": local(t, overHTTP(t, s).addr)} {
		cmd := exec.Command("node", filepath.Join(os.Getenv(programs), "js", "app.mjs"), "js-"+protocol[strings.IndexByte(protocol, '/')+1:])
		cmd.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=https://"+endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol,
			"OTEL_EXPORTER_OTLP_CERTIFICATE="+certificateFile(t), "OTEL_EXPORTER_OTLP_HEADERS=x-api-key="+key, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", protocol, err, out)
		}
	}
	for _, session := range []string{"js-grpc", "js-protobuf", "js-json"} {
		if n := c.sessions[session]; n != 40 || !refused[session] {
			t.Errorf("%s: %d records, 20 spans and 20 log records were sent", session, n)
		}
	}
}

// freePort returns an address that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The Collector in front of us, with its otlp_grpc exporter and its otlp_http exporter in
// both encodings: what its queue holds is sent again until it is taken. Metrics beside it are
// dropped with one report of each request.
func TestCollectorExporters(t *testing.T) {
	for name, exporter := range map[string]string{
		"otlp_grpc":       `otlp_grpc: {endpoint: "%[1]s", headers: {x-api-key: "%[3]s"}, tls: {ca_file: "%[4]s"}, %[5]s}`,
		"otlp_http":       `otlp_http: {endpoint: "https://%[2]s", headers: {x-api-key: "%[3]s"}, tls: {ca_file: "%[4]s"}, %[5]s}`,
		"otlp_http, JSON": `otlp_http: {endpoint: "https://%[2]s", encoding: json, headers: {x-api-key: "%[3]s"}, tls: {ca_file: "%[4]s"}, %[5]s}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := refusing()
			s, addr := start(t, c.Export)
			retry := `retry_on_failure: {initial_interval: 10ms, max_interval: 100ms}, sending_queue: {enabled: true, queue_size: 100}`
			receiver, kind := freePort(t), strings.FieldsFunc(name, func(r rune) bool { return r == ',' })[0]
			config := fmt.Sprintf("receivers: {otlp: {protocols: {grpc: {endpoint: %q}}}}\n", receiver) +
				"exporters: {" + fmt.Sprintf(exporter, local(t, addr), local(t, overHTTP(t, s).addr), key, certificateFile(t), retry) + "}\n" +
				"service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [" + kind + "]}, logs: {receivers: [otlp], exporters: [" + kind + "]}, metrics: {receivers: [otlp], exporters: [" + kind + "]}}}\n"
			file := filepath.Join(t.TempDir(), "collector.yaml")
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			cmd := exec.Command(filepath.Join(os.Getenv(programs), "collector"), "--config", "file:"+file)
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				cmd.Process.Kill() // an error means that it has ended
				if t.Failed() {
					t.Log(out.String())
				}
			}()
			feed(t, receiver)
			c.await(t, 60) // what waits to be sent again it would drop when it ends
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			c.complete(t, name)
			if n := strings.Count(out.String(), "Dropping data"); n != 1 || strings.Count(out.String(), "Unimplemented") != 1 {
				t.Errorf("one request of metrics is reported %d times", n)
			}
			if told := strings.Contains(out.String(), "OTEL_METRICS_EXPORTER=none"); told != (name != "otlp_http, JSON") { // in JSON the Collector reads no refusal
				t.Errorf("how metrics are switched off is told: %v", told)
			}
		})
	}
}

// await waits until so many records have come.
func (c *collected) await(t *testing.T, records int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		c.mu.Lock()
		n := 0
		for _, in := range c.sessions {
			n += in
		}
		c.mu.Unlock()
		if n >= records {
			return
		}
	}
	t.Errorf("not %d records in time", records)
}

// feed sends the Collector 30 spans and 30 log records of three sessions, and a metric, and waits
// until it has taken them.
func feed(t *testing.T, addr string) {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	metric, err := proto.Marshal(&metricscollector.ExportMetricsServiceRequest{ResourceMetrics: []*metrics.ResourceMetrics{{ScopeMetrics: []*metrics.ScopeMetrics{{
		Metrics: []*metrics.Metric{{Name: "calls", Data: &metrics.Metric_Gauge{Gauge: &metrics.Gauge{DataPoints: []*metrics.NumberDataPoint{{TimeUnixNano: 1}}}}}},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send(conn, exportMetrics, metric, nil, grpc.WaitForReady(true)); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		session := []*common.KeyValue{{Key: "session.id", Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: fmt.Sprint("s-", i%3)}}}}
		spans, err := proto.Marshal(&tracecollector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{ScopeSpans: []*trace.ScopeSpans{{
			Spans: []*trace.Span{{TraceId: bytes.Repeat([]byte{byte(i + 1)}, 16), SpanId: bytes.Repeat([]byte{byte(i + 1)}, 8), Name: "chat", Attributes: session}},
		}}}}})
		if err != nil {
			t.Fatal(err)
		}
		records, err := proto.Marshal(&logscollector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{ScopeLogs: []*logs.ScopeLogs{{
			LogRecords: []*logs.LogRecord{{TimeUnixNano: uint64(i + 1), EventName: "gen_ai.client.inference.operation.details", Attributes: session}},
		}}}}})
		if err != nil {
			t.Fatal(err)
		}
		for method, body := range map[string][]byte{exportTraces: spans, exportLogs: records} {
			if _, err := send(conn, method, body, nil, grpc.WaitForReady(true)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// telemetrygen, the Collector project's load generator, over both protocols.
func TestTelemetrygen(t *testing.T) {
	program := filepath.Join(os.Getenv(programs), "telemetrygen")
	for _, signal := range []string{"traces", "logs"} {
		for _, web := range []bool{false, true} {
			c := &collected{sessions: map[string]int{}}
			s, addr := start(t, c.Export)
			args := []string{signal, "--ca-cert", certificateFile(t), "--otlp-header", `x-api-key="` + key + `"`, "--" + signal, "10", "--otlp-attributes", `session.id="gen"`, "--rate", "1000", "--otlp-endpoint", local(t, addr)}
			if web {
				args[len(args)-1] = local(t, overHTTP(t, s).addr)
				args = append(args, "--otlp-http")
			}
			cmd := exec.Command(program, args...)
			done := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", args, err, out)
			}
			done.Stop()
			if want := map[string]int{"traces": 20, "logs": 10}[signal]; c.sessions["gen"] != want { // a trace has two spans
				t.Errorf("%s over HTTP %v: %v, want %d", signal, web, c.sessions, want)
			}
		}
	}
}
