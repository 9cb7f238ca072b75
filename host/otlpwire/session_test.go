package otlpwire_test

import (
	"bytes"
	"strings"
	"testing"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

func textAttr(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

func intAttr(key string, n int64) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}}
}

func boolAttr(key string, b bool) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: b}}}
}

type attrs = []*common.KeyValue

// request marshals spans under one resource and one scope.
func request(t *testing.T, res attrs, spans ...*trace.Span) []byte {
	t.Helper()
	b, err := proto.Marshal(&tracecollector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: res},
		ScopeSpans: []*trace.ScopeSpans{{Scope: &common.InstrumentationScope{Name: "s"}, Spans: spans}},
		SchemaUrl:  "https://schema.example/1",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func walk(t *testing.T, b []byte, sig otlpwire.Signal, keys ...string) *otlpwire.Request {
	t.Helper()
	r := new(otlpwire.Request)
	if err := r.Walk(b, sig, otlpwire.Options{SessionKeys: keys}); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSessionOrder(t *testing.T) {
	id := []byte(id16)
	const hexID = "74747474747474747474747474747474"
	for _, c := range []struct {
		name      string
		span, res attrs
		traceID   []byte
		keys      []string
		want      string
	}{
		{"trace id in hex", nil, nil, id, nil, hexID},
		{"nothing at all", nil, nil, nil, nil, ""},
		{"session.id of the span before the resource's", attrs{textAttr("session.id", "a")}, attrs{textAttr("session.id", "b")}, id, nil, "a"},
		{"session.id of the resource before a conversation", attrs{textAttr("gen_ai.conversation.id", "a")}, attrs{textAttr("session.id", "b")}, id, nil, "b"},
		{"conversation before traceloop", attrs{textAttr("traceloop.association.properties.session_id", "t"), textAttr("gen_ai.conversation.id", "c")}, nil, id, nil, "c"},
		{"traceloop before langfuse", attrs{textAttr("langfuse.session.id", "l"), textAttr("traceloop.association.properties.session_id", "t")}, nil, id, nil, "t"},
		{"langfuse before the trace id", attrs{textAttr("langfuse.session.id", "l")}, nil, id, nil, "l"},
		{"configured before all", attrs{textAttr("session.id", "a"), textAttr("chat", "x")}, nil, id, []string{"room", "chat"}, "x"},
		{"configured in their order", attrs{textAttr("chat", "x")}, attrs{textAttr("room", "y")}, id, []string{"room", "chat"}, "y"},
		{"first of two equal keys", attrs{textAttr("session.id", "a"), textAttr("session.id", "b")}, nil, id, nil, "a"},
		{"an integer", attrs{intAttr("session.id", -42)}, nil, id, nil, "-42"},
		{"an integer of the resource", nil, attrs{intAttr("session.id", 7)}, id, nil, "7"},
		{"a boolean is none", attrs{boolAttr("session.id", true)}, attrs{boolAttr("session.id", false)}, id, nil, hexID},
		{"a boolean before a conversation", attrs{boolAttr("session.id", true), textAttr("gen_ai.conversation.id", "c")}, nil, id, nil, "c"},
		{"an empty one is none", attrs{textAttr("session.id", "")}, nil, id, nil, hexID},
		{"a list is none", attrs{{Key: "session.id", Value: &common.AnyValue{Value: &common.AnyValue_ArrayValue{}}}}, nil, id, nil, hexID},
		{"a key that only begins alike", attrs{textAttr("session.id.x", "a")}, nil, id, nil, hexID},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := walk(t, request(t, c.res, &trace.Span{TraceId: c.traceID, Attributes: c.span}), otlpwire.Traces, c.keys...)
			if got := string(r.SessionID(0)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			isText := c.want != hexID && strings.Trim(c.want, "-0123456789") != ""
			if at := r.SessionText(0); isText != (at >= 0) || isText && string(r.Text(r.Texts[at])) != c.want {
				t.Errorf("text %d of %d", at, len(r.Texts))
			}
			if !bytes.Equal(r.TraceID(0), c.traceID) {
				t.Errorf("trace id %x", r.TraceID(0))
			}
		})
	}
}

// A resource may follow its spans on the wire, and a key its value.
func TestSessionFromLateFields(t *testing.T) {
	attr := delimited(9, delimited(2, str(1, "late")), str(1, "gen_ai.conversation.id"))
	b := inResource(
		delimited(2, delimited(2, attr), delimited(2)),
		delimited(1, delimited(1, str(1, "langfuse.session.id"), delimited(2, str(1, "res")))),
	)
	r := walk(t, b, otlpwire.Traces)
	if a, b := string(r.SessionID(0)), string(r.SessionID(1)); a != "late" || b != "res" {
		t.Errorf("got %q and %q", a, b)
	}
	if a, b := r.Texts[r.SessionText(0)], r.Texts[r.SessionText(1)]; string(r.Text(a)) != "late" || string(r.Text(b)) != "res" {
		t.Errorf("texts %q and %q", r.Text(a), r.Text(b))
	}
	if key := string(r.Key(r.Texts[0])); key != "gen_ai.conversation.id" {
		t.Errorf("the value's key is %q", key)
	}
}

func TestSessionEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		attr *common.KeyValue
		want bool
	}{
		{"true", boolAttr("veriproof.session.end", true), true},
		{"the word", textAttr("veriproof.session.end", "true"), true},
		{"false", boolAttr("veriproof.session.end", false), false},
		{"another word", textAttr("veriproof.session.end", "yes"), false},
		{"another key", boolAttr("session.end", true), false},
	} {
		r := walk(t, request(t, attrs{c.attr}, &trace.Span{Attributes: attrs{c.attr}}, &trace.Span{}), otlpwire.Traces)
		if r.Records[0].End != c.want || r.Records[1].End {
			t.Errorf("%s: got %v, %v", c.name, r.Records[0].End, r.Records[1].End)
		}
	}
}

func TestClaimsOfTheSender(t *testing.T) {
	res := attrs{textAttr("telemetry.sdk.name", "otel jo@mail.example"), textAttr("telemetry.sdk.version", "1.47")}
	r := walk(t, request(t, res, &trace.Span{StartTimeUnixNano: 5, EndTimeUnixNano: 9}), otlpwire.Traces)
	if rec := r.Records[0]; rec.ClaimedStart != 5 || rec.ClaimedEnd != 9 || rec.Kind != otlpwire.Span {
		t.Errorf("got %+v", rec)
	}
	name := r.Resources[0].SDKName
	d, err := r.Splice([]otlpwire.Edit{{Text: name, Start: 5, End: 20, Replacement: "[EMAIL]"}})
	if err != nil {
		t.Fatal(err)
	}
	if sdk := d.SDKs[0]; string(sdk.Name) != "otel [EMAIL]" || string(sdk.Version) != "1.47" {
		t.Errorf("SDK %q %q: the claim must be the redacted one", sdk.Name, sdk.Version)
	}
}

func TestLogRecords(t *testing.T) {
	b, err := proto.Marshal(&logscollector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{
			{TimeUnixNano: 3, ObservedTimeUnixNano: 4, TraceId: []byte(id16), EventName: "session.end"},
			{ObservedTimeUnixNano: 4, Attributes: attrs{textAttr("session.id", "a")}, EventName: "session.start"},
		}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	r := walk(t, b, otlpwire.Logs)
	first, second := r.Records[0], r.Records[1]
	if first.Kind != otlpwire.Log || first.ClaimedStart != 3 || first.ClaimedEnd != 3 || !first.End {
		t.Errorf("first: %+v", first)
	}
	if second.ClaimedStart != 4 || second.End || string(r.SessionID(1)) != "a" {
		t.Errorf("second: %+v in %q", second, r.SessionID(1))
	}
}

// A session.start event ends the session before it, if it names one; and both events
// are known by their name as attribute, too.
func TestSessionEvents(t *testing.T) {
	previous := textAttr("session.previous_id", "old")
	for _, c := range []struct {
		name     string
		log      *logs.LogRecord
		end      bool
		previous string
	}{
		{"start", &logs.LogRecord{EventName: "session.start", Attributes: attrs{previous}}, false, "old"},
		{"start by attribute", &logs.LogRecord{Attributes: attrs{previous, textAttr("event.name", "session.start")}}, false, "old"},
		{"a first start", &logs.LogRecord{EventName: "session.start"}, false, ""},
		{"another event", &logs.LogRecord{EventName: "chat", Attributes: attrs{previous}}, false, ""},
		{"a number", &logs.LogRecord{EventName: "session.start", Attributes: attrs{intAttr("session.previous_id", -7)}}, false, "-7"},
		{"a number, then a text", &logs.LogRecord{EventName: "session.start", Attributes: attrs{intAttr("session.previous_id", 7), previous}}, false, "old"},
		{"a text, then a number", &logs.LogRecord{EventName: "session.start", Attributes: attrs{previous, intAttr("session.previous_id", 7)}}, false, "7"},
		{"a boolean", &logs.LogRecord{EventName: "session.start", Attributes: attrs{boolAttr("session.previous_id", true)}}, false, ""},
		{"end", &logs.LogRecord{EventName: "session.end", Attributes: attrs{previous}}, true, ""},
		{"end by attribute", &logs.LogRecord{Attributes: attrs{textAttr("event.name", "session.end")}}, true, ""},
	} {
		b, err := proto.Marshal(&logscollector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{c.log}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		r := walk(t, b, otlpwire.Logs)
		if got := string(r.PreviousSession(0)); got != c.previous || r.Records[0].End != c.end {
			t.Errorf("%s: previous %q, end %v", c.name, got, r.Records[0].End)
		}
	}
	r := walk(t, request(t, nil, &trace.Span{Attributes: attrs{previous, textAttr("event.name", "session.end")}}), otlpwire.Traces)
	if r.PreviousSession(0) != nil || r.Records[0].End {
		t.Error("a span is no event")
	}
}

func TestRoles(t *testing.T) {
	kv := func(key string) *common.KeyValue {
		return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_KvlistValue{
			KvlistValue: &common.KeyValueList{Values: attrs{textAttr("content", "v")}},
		}}}
	}
	for key, want := range map[string]abi.Role{
		"gen_ai.system_instructions":        abi.RoleSystem,
		"gen_ai.input.messages":             abi.RoleUser,
		"gen_ai.prompt.0.content":           abi.RoleUser,
		"llm.input_messages.1.content":      abi.RoleUser,
		"input.value":                       abi.RoleUser,
		"gen_ai.output.messages":            abi.RoleAssistant,
		"gen_ai.completion.0.content":       abi.RoleAssistant,
		"llm.output_messages.0.x":           abi.RoleAssistant,
		"gen_ai.tool.call.arguments":        abi.RoleToolCall,
		"gen_ai.tool.call.result":           abi.RoleToolResult,
		"gen_ai.request.model":              abi.RoleAttribute,
		"http.request.header.authorization": abi.RoleAttribute,
	} {
		r := walk(t, request(t, nil, &trace.Span{
			Attributes: attrs{kv(key)},
			Events:     []*trace.Span_Event{{Name: "e", Attributes: attrs{kv(key)}}},
		}), otlpwire.Traces)
		for _, text := range r.Texts {
			switch {
			case string(r.Text(text)) != "v":
			case string(r.Key(text)) != "content":
				t.Errorf("%s: key of the nested value is %q", key, r.Key(text))
			case text.Place.String() == "span.attributes.value" && text.Role != want:
				t.Errorf("%s: role %d, want %d", key, text.Role, want)
			case text.Place.String() == "span.events.attributes.value" && want == abi.RoleAttribute && text.Role != abi.RoleEvent:
				t.Errorf("%s in an event: role %d", key, text.Role)
			case text.Place.String() == "span.events.attributes.value" && want != abi.RoleAttribute && text.Role != want:
				t.Errorf("%s in an event: role %d, want %d", key, text.Role, want)
			}
		}
	}
	r := walk(t, request(t, attrs{textAttr("service.name", "x")}), otlpwire.Traces)
	for _, text := range r.Texts {
		if text.Role != abi.RoleResource {
			t.Errorf("%s: role %d", text.Place, text.Role)
		}
	}
}

func TestOwners(t *testing.T) {
	b := cat(
		inResource(
			delimited(2, delimited(2, str(5, "span 0")), str(3, "scope 0"), delimited(2, str(5, "span 1"))),
			str(3, "resource 0"),
			delimited(2, delimited(1, str(1, "scope 1")), delimited(2, str(5, "span 2"))),
		),
		inResource(str(3, "resource 1"), delimited(2, delimited(2, str(5, "span 3")), str(3, "scope 2"))),
	)
	r := walk(t, b, otlpwire.Traces)
	names := map[otlpwire.Owner]string{otlpwire.OfRecord: "span", otlpwire.OfResource: "resource", otlpwire.OfScope: "scope"}
	for _, text := range r.Texts {
		want := names[text.Owner] + " " + string(rune('0'+text.Index))
		if got := string(r.Text(text)); got != want {
			t.Errorf("%q is said to be of %s", got, want)
		}
	}
	if len(r.Texts) != 9 {
		t.Errorf("%d texts", len(r.Texts))
	}
	for i, rec := range r.Records {
		if want := [][2]int{{0, 0}, {0, 0}, {0, 1}, {1, 2}}[i]; rec.Resource != want[0] || rec.Scope != want[1] {
			t.Errorf("record %d: %+v", i, rec)
		}
		if own := r.Texts[rec.FirstText:rec.EndText]; len(own) != 1 || int(own[0].Index) != i {
			t.Errorf("record %d has texts %v", i, own)
		}
	}
}
