// Package bench makes the workloads that the notary's benchmarks share, so that
// figures of different stages and of different systems are about the same
// requests.
//
// The texts are invented: sentences put together from small lists of words, the
// same ones for the same seed on every machine.
package bench

import (
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// CollectorConfig is that of the Collector which is measured beside the notary, for
// [os.Expand]: with ENDPOINT, CERTIFICATE, KEY and PROCESSORS, "redaction" or none.
//
//go:embed collector.yaml
var CollectorConfig string

// Sizes of the two workloads.
const (
	GenAISpans = 50  // spans of a GenAI request, about 117 KB
	SmallSpans = 100 // spans of a Small request, about 44 KB

	genAISessions = 5
	start         = 1_790_000_000_000_000_000 // nanoseconds since 1970
)

// A maker draws everything from one source, so that a seed decides all.
type maker struct{ *rand.Rand }

func newMaker(seed uint64) maker { return maker{rand.New(rand.NewPCG(seed, 0x6f746c70))} }

// GenAI returns an ExportTraceServiceRequest of 50 chat completions in five
// conversations: 117 KB, of which 1.4 KB per span are chat text in
// gen_ai.input.messages and gen_ai.output.messages. One text in fifty holds an
// e-mail address, a card number or the like.
func GenAI(seed uint64) []byte {
	m := newMaker(seed)
	conversations := make([]string, genAISessions)
	for i := range conversations {
		conversations[i] = "conv_" + m.hex(12)
	}
	spans := make([]*trace.Span, GenAISpans)
	for i := range spans {
		spans[i] = m.chat(i, conversations[i%genAISessions])
	}
	return request("support-assistant", "opentelemetry.instrumentation.openai_v2", spans)
}

// Small returns an ExportTraceServiceRequest of 100 spans with ten short
// attributes each: 44 KB.
func Small(seed uint64) []byte {
	m := newMaker(seed)
	spans := make([]*trace.Span, SmallSpans)
	for i := range spans {
		s := m.span(i, pick(m, "GET /orders", "GET /items", "POST /cart"))
		s.Attributes = []*common.KeyValue{
			text("http.request.method", "GET"),
			text("url.path", "/orders/"+m.hex(4)),
			text("url.scheme", "https"),
			text("server.address", "shop.example"),
			number("server.port", 443),
			number("http.response.status_code", 200),
			text("network.protocol.version", "1.1"),
			text("user_agent.original", "probe/1."+m.hex(1)+" (synthetic; +https://shop.example/probe)"),
			text("client.id", m.maybePII(m.hex(4))),
			text("thread.name", "worker-pool-"+m.hex(2)),
		}
		spans[i] = s
	}
	return request("shop", "http", spans)
}

func request(service, scope string, spans []*trace.Span) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(&collector.ExportTraceServiceRequest{
		ResourceSpans: []*trace.ResourceSpans{{
			Resource: &resource.Resource{Attributes: []*common.KeyValue{
				text("service.name", service),
				text("service.version", "4.2.0"),
				text("telemetry.sdk.language", "go"),
				text("telemetry.sdk.name", "opentelemetry"),
				text("telemetry.sdk.version", "1.47.0"),
			}},
			ScopeSpans: []*trace.ScopeSpans{{
				Scope: &common.InstrumentationScope{Name: scope, Version: "2.1"},
				Spans: spans,
			}},
		}},
	})
	if err != nil {
		panic(err) // the message is made here, of valid strings
	}
	return b
}

func (m maker) span(i int, name string) *trace.Span {
	from := uint64(start) + uint64(i)*1_000_000
	return &trace.Span{
		TraceId: m.bytes(16), SpanId: m.bytes(8), ParentSpanId: m.bytes(8),
		Name: name, Kind: trace.Span_SPAN_KIND_CLIENT,
		StartTimeUnixNano: from, EndTimeUnixNano: from + m.Uint64N(3_000_000_000),
		Status: &trace.Status{Code: trace.Status_STATUS_CODE_OK},
		Flags:  0x101,
	}
}

// chat makes one span as the GenAI semantic conventions describe it.
func (m maker) chat(i int, conversation string) *trace.Span {
	model := pick(m, "atlas-large-2", "atlas-mini-2", "cedar-70b")
	s := m.span(i, "chat "+model)
	s.Attributes = []*common.KeyValue{
		text("gen_ai.operation.name", "chat"),
		text("gen_ai.provider.name", pick(m, "example.inference", "local.vllm")),
		text("gen_ai.conversation.id", conversation),
		text("gen_ai.request.model", model),
		text("gen_ai.response.model", model+"-2026-08-01"),
		text("gen_ai.response.id", "resp_"+m.hex(16)),
		{Key: "gen_ai.response.finish_reasons", Value: list("stop")},
		number("gen_ai.usage.input_tokens", 100+m.Int64N(900)),
		number("gen_ai.usage.output_tokens", 20+m.Int64N(400)),
		{Key: "gen_ai.request.temperature", Value: &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: 0.2}}},
		number("gen_ai.request.max_tokens", 1024),
		text("server.address", "inference.internal.example"),
		number("server.port", 8443),
		text("user.id", m.maybePII("u-"+m.hex(6))),
		text("app.tenant", "northwind-"+m.hex(2)),
		text("app.request.id", m.hex(13)),
		text("gen_ai.system_instructions", `[{"type":"text","content":"Answer from the handbook, name the section, and be brief."}]`),
		text("gen_ai.input.messages", m.messages("user", 895)),
		text("gen_ai.output.messages", m.messages("assistant", 440)),
	}
	return s
}

type message struct {
	Role  string `json:"role"`
	Parts []part `json:"parts"`
}

type part struct {
	Type    string `json:"type"`
	Content string `json:"content"`
}

// messages returns messages of the GenAI conventions as the JSON text that SDKs
// put into an attribute, with the given amount of chat text.
func (m maker) messages(role string, size int) string {
	b, err := json.Marshal([]message{{role, []part{{"text", m.maybePII(m.sentences(size))}}}})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

var (
	subjects = []string{"The invoice", "My order", "The export job", "Our trial plan", "The second device", "A refund", "The delivery", "This report"}
	verbs    = []string{"did not arrive at", "was sent twice to", "is still waiting for", "shows another amount than", "cannot be opened by", "was meant for", "has to be moved to"}
	objects  = []string{"the warehouse in the north", "the finance team", "the new workspace", "the address on file", "the person who signed", "the branch office", "the shared folder"}
	closings = []string{"since Monday", "after the update", "for the third time", "and nobody answered so far", "which the handbook rules out", "as the screenshot shows"}
)

// sentences returns invented prose of exactly size bytes.
func (m maker) sentences(size int) string {
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "%s %s %s %s. ", pick(m, subjects...), pick(m, verbs...), pick(m, objects...), pick(m, closings...))
	}
	return b.String()[:size]
}

// maybePII returns s, in one case of fifty with something in its middle that a
// redactor is meant to find. Every value is from a range reserved for examples
// or tests.
func (m maker) maybePII(s string) string {
	if m.IntN(50) != 0 {
		return s
	}
	pii := pick(m,
		fmt.Sprintf("jo.%s@mail.example", m.hex(3)),
		"4111 1111 1111 1111",
		fmt.Sprintf("+1 202 555 01%02d", m.IntN(100)),
		"DE89 3704 0044 0532 0130 00",
		fmt.Sprintf("192.0.2.%d", m.IntN(256)),
	)
	half := len(s) / 2
	return s[:half] + " " + pii + " " + s[half:]
}

func (m maker) bytes(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, m.Uint64())
	}
	return b[:n]
}

func (m maker) hex(n int) string { return hex.EncodeToString(m.bytes(n)) }

func pick(m maker, of ...string) string { return of[m.IntN(len(of))] }

func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: str(value)}
}

func number(key string, n int64) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}}
}

func str(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func list(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_ArrayValue{
		ArrayValue: &common.ArrayValue{Values: []*common.AnyValue{str(s)}},
	}}
}
