//go:build !race

// Here is what computes for long in one goroutine: the race detector has nothing to tell of it,
// and makes it take forty times as long. "make test" runs it without.

package otlpwire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpwire"
)

func TestOnePass(t *testing.T) {
	for _, m := range malformed {
		samePasses(t, otlpwire.Traces, m.bytes, otlpwire.Limits{})
		sameBlind(t, otlpwire.Traces, m.bytes, otlpwire.Limits{})
	}
	for seed := range uint64(40) {
		for _, sig := range []otlpwire.Signal{otlpwire.Traces, otlpwire.Logs} {
			plain, scrambled := random(seed, sig)
			for _, b := range [][]byte{plain, scrambled} {
				samePasses(t, sig, b, otlpwire.Limits{})
				sameBlind(t, sig, b, otlpwire.Limits{})
				c, err := otlpwire.Scan(b, sig, otlpwire.Limits{})
				if err != nil {
					continue
				}
				for less := range 2 {
					sameBlind(t, sig, b, otlpwire.Limits{Messages: c.Messages - less})
					sameBlind(t, sig, b, otlpwire.Limits{Depth: c.Depth - less})
					samePasses(t, sig, b, otlpwire.Limits{Messages: c.Messages - less})
					samePasses(t, sig, b, otlpwire.Limits{Records: c.Records - less})
					samePasses(t, sig, b, otlpwire.Limits{Depth: c.Depth - less})
					samePasses(t, sig, b, otlpwire.Limits{Bytes: len(b) - less})
				}
			}
		}
	}
	samePasses(t, otlpwire.Traces, bench.GenAI(1), otlpwire.Limits{})
	samePasses(t, 7, bench.Small(1), otlpwire.Limits{})
}

// TestPlainPairs: attributes that are walked in one go give what they give field by field,
// whichever byte of one is another.
func TestPlainPairs(t *testing.T) {
	attribute := func(key string, value *common.AnyValue) *common.KeyValue {
		return &common.KeyValue{Key: key, Value: value}
	}
	text := func(s string) *common.AnyValue {
		return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
	}
	for _, a := range []*common.KeyValue{
		attribute("session.id", text("s-1")),
		attribute("clé", text("valeur très courte")),
		attribute("long", text(strings.Repeat("0123456789abcdé", 12))),
		attribute("", text("")),
		attribute("n", &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: 300}}),
		attribute("gen_ai.conversation.id", &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: 7}}),
		attribute("veriproof.session.end", &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: true}}),
		attribute("f", &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: 0.7}}),
		attribute("b", &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte{0xff}}}),
		attribute("none", nil),
		attribute("gen_ai.input.messages", text("[]")),
		attribute("telemetry.sdk.name", text("sdk")),
	} {
		// Also in a list, in an event, and in a resource.
		nested := attribute("gen_ai.prompt", &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: []*common.KeyValue{a}}}})
		span := &trace.Span{
			TraceId: bytes.Repeat([]byte{1}, 16), Attributes: []*common.KeyValue{a, nested}, Events: []*trace.Span_Event{{Attributes: []*common.KeyValue{a}}},
		}
		whole, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
			Resource: &resource.Resource{Attributes: []*common.KeyValue{a}}, ScopeSpans: []*trace.ScopeSpans{{Spans: []*trace.Span{span}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		sameBlind(t, otlpwire.Traces, whole, otlpwire.Limits{})
		samePasses(t, otlpwire.Traces, whole, otlpwire.Limits{})
		small := new(otlpwire.Request) // has room for few texts
		if err := small.Walk(whole, otlpwire.Traces, otlpwire.Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(walked(new(otlpwire.Request), another, otlpwire.Traces, otlpwire.Limits{}), walked(small, another, otlpwire.Traces, otlpwire.Limits{})); diff != "" {
			t.Fatal(diff)
		}
		plain, err := proto.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		resource := bytes.Index(whole, plain)
		record := resource + 1 + bytes.Index(whole[resource+1:], plain)
		for _, first := range []int{resource - 2, record - 2} { // with tag and length
			for i := first; i < first+2+len(plain); i++ {
				for _, b := range []byte{0, whole[i] - 1, whole[i] + 1, whole[i] ^ 0x80, 0x21} {
					changed := bytes.Clone(whole)
					changed[i] = b
					sameBlind(t, otlpwire.Traces, changed, otlpwire.Limits{})
					samePasses(t, otlpwire.Traces, changed, otlpwire.Limits{})
				}
			}
		}
	}
}
