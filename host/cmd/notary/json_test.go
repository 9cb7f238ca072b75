package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/google/go-cmp/cmp"
	"github.com/veriproof/notary/sdk/receipt"
)

// The same session as JSON, as people write it and exporters send it, and as protobuf.
// SESSION stands for its id.
const (
	jsonSpans = `{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "assistant"}}], "fieldOfTheFuture": {"a": [1]}},
  "scopeSpans": [{"scope": {"name": "app", "version": "1"}, "spans": [{
    "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "parentSpanId": "",
    "name": "chat ada.berg@example.com", "kind": 2, "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1544712661000000000,
    "attributes": [
      {"key": "session.id", "value": {"stringValue": "SESSION"}},
      {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "9007199254740993"}},
      {"key": "temperature", "value": {"doubleValue": 0.5}},
      {"key": "nested", "value": {"kvlistValue": {"values": [{"key": "to", "value": {"arrayValue": {"values": [{"stringValue": "ada.berg@example.com"}, {"boolValue": true}]}}}]}}},
      {"key": "raw", "value": {"bytesValue": "bWFpbCBhZGEuYmVyZ0BleGFtcGxlLmNvbQ=="}},
      {"key": "gen_ai.input.messages", "value": {"stringValue": "[{\"role\":\"user\",\"content\":\"mail \\u0061da.berg@example.com\"}]"}}
    ],
    "events": [{"timeUnixNano": "1544712660500000000", "name": "question", "attributes": [{"key": "to", "value": {"stringValue": "ada.berg@example.com"}}]}],
    "status": {"code": 2, "message": "no answer from ada.berg@example.com"}
  }]}]}]}`
	jsonLogs = `{"resourceLogs": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "assistant"}}]},
  "scopeLogs": [{"scope": {"name": "app", "version": "1"}, "logRecords": [
    {"timeUnixNano": "1544712660300000000", "severityNumber": 9, "severityText": "INFO", "eventName": "gen_ai.client.inference.operation.details",
     "body": {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "mail ada.berg@example.com"}}]}},
     "attributes": [{"key": "session.id", "value": {"stringValue": "SESSION"}}], "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"},
    {"timeUnixNano": "1544712661300000000", "eventName": "session.end", "attributes": [{"key": "session.id", "value": {"stringValue": "SESSION"}}]}
  ]}]}]}`
)

func wireSession(t *testing.T, session string) (spans, records []byte) {
	t.Helper()
	id := stringAttr("session.id", session)
	value := func(v string) *common.AnyValue { return stringAttr("", v).Value }
	list := func(kv ...*common.KeyValue) *common.AnyValue {
		return &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: kv}}}
	}
	res := &resource.Resource{Attributes: []*common.KeyValue{stringAttr("service.name", "assistant")}}
	scope := &common.InstrumentationScope{Name: "app", Version: "1"}
	trID := []byte{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}
	spID := []byte{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74}
	span := &trace.Span{
		TraceId: trID, SpanId: spID, Name: "chat " + sampleEmail, Kind: 2, StartTimeUnixNano: 1544712660000000000, EndTimeUnixNano: 1544712661000000000,
		Attributes: []*common.KeyValue{
			id,
			{Key: "gen_ai.usage.input_tokens", Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: 9007199254740993}}},
			{Key: "temperature", Value: &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: 0.5}}},
			{Key: "nested", Value: list(&common.KeyValue{Key: "to", Value: &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{
				Values: []*common.AnyValue{value(sampleEmail), {Value: &common.AnyValue_BoolValue{BoolValue: true}}},
			}}}})},
			{Key: "raw", Value: &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte("mail " + sampleEmail)}}},
			stringAttr("gen_ai.input.messages", `[{"role":"user","content":"mail \u0061da.berg@example.com"}]`),
		},
		Events: []*trace.Span_Event{{TimeUnixNano: 1544712660500000000, Name: "question", Attributes: []*common.KeyValue{stringAttr("to", sampleEmail)}}},
		Status: &trace.Status{Code: 2, Message: "no answer from " + sampleEmail},
	}
	spans, err := proto.Marshal(&tracecollector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource: res, ScopeSpans: []*trace.ScopeSpans{{Scope: scope, Spans: []*trace.Span{span}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	records, err = proto.Marshal(&logscollector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: res, ScopeLogs: []*logs.ScopeLogs{{Scope: scope, LogRecords: []*logs.LogRecord{
			{
				TimeUnixNano: 1544712660300000000, SeverityNumber: 9, SeverityText: "INFO", EventName: "gen_ai.client.inference.operation.details",
				Body: list(stringAttr("content", "mail "+sampleEmail)), Attributes: []*common.KeyValue{id}, TraceId: trID, SpanId: spID,
			},
			{TimeUnixNano: 1544712661300000000, EventName: "session.end", Attributes: []*common.KeyValue{id}},
		}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return spans, records
}

// inOrder returns a record with its fields in the order of their numbers.
func inOrder(t *testing.T, kind receipt.Kind, record []byte) string {
	t.Helper()
	var m proto.Message = new(trace.Span)
	if kind == receipt.Log {
		m = new(logs.LogRecord)
	}
	err := proto.Unmarshal(record, m)
	if err != nil {
		t.Fatal(err)
	}
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestJSON: spans and log records that come as JSON are redacted, sealed and logged by
// the real notary, end up in a bundle that is verified with each of them disclosed,
// and are record for record the messages that the same session has as protobuf: a record
// keeps the order of its fields as they were sent.
func TestJSON(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	send := func(path, contentType string, body []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+p.ready.OTLPHTTP+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("X-Api-Key", m.apiKey)
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != contentType {
			t.Fatalf("%s: %s %q %s, %v", path, resp.Status, resp.Header.Get("Content-Type"), answer, err)
		}
		if contentType == "application/json" && strings.TrimSpace(string(answer)) != "{}" {
			t.Errorf("%s: %s, want {}", path, answer)
		}
	}
	named := func(text, session string) []byte { return []byte(strings.ReplaceAll(text, "SESSION", session)) }
	send("/v1/traces", "application/json", named(jsonSpans, "by-json"))
	send("/v1/logs", "application/json", named(jsonLogs, "by-json"))
	spans, records := wireSession(t, "by-wire")
	send("/v1/traces", "application/x-protobuf", spans)
	send("/v1/logs", "application/x-protobuf", records)
	c.logged(t, "by-json")
	c.logged(t, "by-wire")
	p.stop(t)

	type stored struct {
		kind            receipt.Kind
		resource, scope string
		record, edits   string
	}
	sessions := map[string][]stored{}
	m.audit(t, func(s *storage, _ map[string][]foundSpan) {
		for _, part := range s.Parts() {
			opened, err := s.Open(t.Context(), part, s.identity)
			if err != nil {
				t.Fatal(err)
			}
			name := string(opened.Session)
			for _, r := range opened.Records {
				if bytes.Contains(r.Bytes, []byte(sampleEmail)) || r.Kind != receipt.Closing && !bytes.Contains(r.Bytes, []byte("[EMAIL]")) && !bytes.Contains(r.Bytes, []byte("session.end")) {
					t.Errorf("%s is not redacted: %q", name, r.Bytes)
				}
				if r.Kind != receipt.Closing { // which has times
					sessions[name] = append(sessions[name], stored{r.Kind, string(r.Resource), string(r.Scope), strings.ReplaceAll(inOrder(t, r.Kind, r.Bytes), name, "SESSION"), string(r.Edits)})
				}
			}
			if name == "by-json" {
				raw, err := s.bundle(t.Context(), part, []uint64{0, 1, 2}, true)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(m.path("json.bundle"), raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	if len(sessions["by-json"]) != 3 || len(sessions["by-wire"]) != 3 {
		t.Fatalf("%d and %d records are stored, want 3 each", len(sessions["by-json"]), len(sessions["by-wire"]))
	}
	for i, got := range sessions["by-json"] {
		if diff := cmp.Diff(sessions["by-wire"][i], got, cmp.AllowUnexported(stored{})); diff != "" {
			t.Errorf("record %d as JSON differs from the one as protobuf:\n%s", i, diff)
		}
	}
	code, stdout, stderr := m.run(t, "verify", "--policy", "policy.yaml", filepath.Base(m.path("json.bundle")))
	if code != exitOK || strings.Count(stdout, "  record.0000000") != 4 {
		t.Errorf("verify: status %d\n%s%s", code, stdout, stderr)
	}
}
