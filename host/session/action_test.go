package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/sdk/receipt"
)

var tokenForm = regexp.MustCompile(`\[SECRET:([0-9a-f]{16})\]`)

// tokens returns the distinct tokens in all that a part holds, contexts and
// session id included.
func tokens(o *archive.Opened) []string {
	all := string(o.Session)
	for _, r := range o.Records {
		all += string(r.Resource) + string(r.Scope) + string(r.Bytes)
	}
	var list []string
	for _, m := range tokenForm.FindAllStringSubmatch(all, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func spanOf(t *testing.T, r *archive.OpenedRecord) *trace.Span {
	t.Helper()
	s := new(trace.Span)
	if err := proto.Unmarshal(r.Bytes, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestReplacements: what stands where a value stood, by action. JSON in a text
// stays JSON.
func TestReplacements(t *testing.T) {
	for action, want := range map[pluginhost.Action]string{
		pluginhost.Mask:      `{"key":"[SECRET]","is \"[SECRET]\"":1}`,
		pluginhost.Token:     `{"key":"[SECRET:0]","is \"[SECRET:0]\"":1}`,
		pluginhost.DropField: "",
	} {
		w := newWorld(t)
		w.redactor.action = action
		n := w.start()
		s := span("chat " + secret)
		s.Attributes = append(s.Attributes, text("gen_ai.prompt", `{"key":"`+secret+`","is \"`+secret+`\"":1}`))
		export(t, n, request("s", s))
		w.close(n)
		o := w.opened()[0]
		got := spanOf(t, &o.Records[0])
		var prompt string
		for _, a := range got.Attributes {
			if a.Key == "gen_ai.prompt" {
				prompt = a.Value.GetStringValue()
			}
		}
		if prompt != "" && !json.Valid([]byte(prompt)) {
			t.Errorf("%d: %s is no JSON any more", action, prompt)
		}
		if prompt = tokenForm.ReplaceAllString(prompt, "[SECRET:0]"); prompt != want {
			t.Errorf("%d: prompt %s, want %s", action, prompt, want)
		}
		if action == pluginhost.DropField && (got.Name != "" || len(got.Attributes) != 1) {
			t.Errorf("dropped fields leave %v", got)
		}
		edits, _ := receipt.DecodeEdits(o.Records[0].Edits)
		if len(edits) != 3 || edits[0] != (receipt.Edit{Plugin: "finder", Label: "SECRET", Place: "span.name", Length: uint32(len(secret))}) {
			t.Errorf("%d: edit list %v", action, edits)
		}
	}
}

// TestTokenInQuotes: a number in JSON becomes a string.
func TestTokenInQuotes(t *testing.T) {
	w := newWorld(t)
	w.redactor.action, w.redactor.quote = pluginhost.Token, `"`
	n := w.start()
	s := span("chat")
	s.Attributes = append(s.Attributes, text("gen_ai.prompt", `{"key":`+secret+`}`))
	export(t, n, request("s", s))
	w.close(n)
	o := w.opened()[0]
	prompt := spanOf(t, &o.Records[0]).Attributes[0].Value.GetStringValue()
	if got := tokenForm.ReplaceAllString(prompt, "[SECRET:0]"); got != `{"key":"[SECRET:0]"}` || tokens(o)[0] == strings.Repeat("0", 16) {
		t.Errorf("prompt %s", prompt)
	}
}

// manySessions is a request whose spans are of sessions a, b and "user-"+secret
// and share a resource that holds the secret.
func manySessions(name string) []byte {
	spans := []*trace.Span{span(name + "-1 " + secret), span(name + "-2"), span(name + "-3")}
	for i, id := range []string{"a", "b", "user-" + secret} {
		spans[i].Attributes = append(spans[i].Attributes, text("session.id", id))
	}
	b, err := proto.Marshal(&tracecollector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: []*common.KeyValue{text("host.owner", secret)}},
		ScopeSpans: []*trace.ScopeSpans{{Scope: &common.InstrumentationScope{Name: "app " + secret}, Spans: spans}},
	}}})
	if err != nil {
		panic(err)
	}
	return b
}

// TestTokens: within a session part the same value has the same token, in every
// record, context and in the session id; in no other part does it.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	w.redactor.action = pluginhost.Token
	n := w.start()
	export(t, n, manySessions("first"))
	export(t, n, manySessions("second"))
	// A part that is sealed and one that follows it share nothing either. A
	// resend is known all the same, though its tokens would be others.
	if err := n.EndSession(t.Context(), "acme", "a"); err != nil {
		t.Fatal(err)
	}
	export(t, n, manySessions("second"))
	if parts, err := n.Parts(t.Context(), "acme", "a"); err != nil || len(parts) != 1 || parts[0].State == session.StateOpen {
		t.Errorf("a resend was stored again: %+v, %v", parts, err)
	}
	export(t, n, manySessions("third"))
	w.close(n)

	seen := make(map[string]bool)
	opened := w.opened()
	for _, o := range opened {
		list := tokens(o)
		if len(list) != 1 || seen[list[0]] {
			t.Errorf("session %s, part %d has tokens %v; other parts have %v", o.Session, o.Part.ID.Part, list, seen)
			continue
		}
		seen[list[0]] = true
		for i := range o.Records {
			opening, err := o.Opening(uint64(i))
			if err == nil {
				err = opening.Verify(o.Part.Manifest)
			}
			if err != nil {
				t.Errorf("record %d: %v", i, err)
			}
		}
		if name := string(o.Session); strings.HasPrefix(name, "user-") && name != "user-[SECRET:"+list[0]+"]" {
			t.Errorf("session id %s, token %s", name, list[0])
		}
	}
	if len(opened) != 4 {
		t.Errorf("%d parts, want 4", len(opened))
	}
	w.verified()
}

// TestDroppedRecords: of a record that is dropped, the leaf stays, with an edit
// list that says so, and nothing of what it said; the summary counts it.
func TestDroppedRecords(t *testing.T) {
	w := newWorld(t)
	w.redactor.action = pluginhost.DropRecord
	n := w.start()
	bad := span("about " + secret)
	body := request("s", span("good"), bad)
	pos := export(t, n, body)
	if again := export(t, n, body); again.Seq != pos.Seq {
		t.Errorf("a resend is at %d, the first at %d", again.Seq, pos.Seq)
	}
	// A session of which nothing else was ever sent has its receipt as well.
	export(t, n, request("only", span(secret)))
	export(t, n, request("user-"+secret, span("named")))
	w.close(n)
	w.verified()
	tombstones := 0
	for _, o := range w.opened() {
		for i := range o.Records {
			r := &o.Records[i]
			edits, err := receipt.DecodeEdits(r.Edits)
			if err != nil {
				t.Fatal(err)
			}
			last := len(edits) - 1
			if r.Kind != receipt.Span || last < 0 || edits[last].Label != "DROPPED" {
				continue
			}
			tombstones++
			if len(r.Bytes)+len(r.Resource)+len(r.Scope) != 0 || edits[last].Plugin != "notary" || edits[last].Place != "span" || edits[last].Length < 20 {
				t.Errorf("session %s, leaf %d: %+v, edits %v", o.Session, i, r, edits)
			}
			if opening, err := o.Opening(uint64(i)); err != nil || opening.Verify(o.Part.Manifest) != nil {
				t.Errorf("the dropped record's leaf does not verify: %v", err)
			}
		}
		i := slices.IndexFunc(o.Summary.Edits, func(e receipt.EditCount) bool { return e.Label == "DROPPED" })
		if i < 0 || o.Summary.Edits[i] != (receipt.EditCount{Plugin: "notary", Label: "DROPPED", Place: "span", Count: 1}) {
			t.Errorf("session %s: summary %+v", o.Session, o.Summary)
		}
		if strings.Contains(string(o.Session), secret) {
			t.Errorf("session id %q", o.Session)
		}
	}
	if tombstones != 3 {
		t.Errorf("%d dropped records, want 3", tombstones)
	}
	if got := w.spanNames("s"); !slices.Equal(got, []string{"good", ""}) {
		t.Errorf("session s holds %q", got)
	}
}

// TestContextsDifferOnlyInWhatIsRedacted: two hosts write the same log line in the
// same nanosecond. Both are kept, though redaction leaves no difference.
func TestContextsDifferOnlyInWhatIsRedacted(t *testing.T) {
	for _, action := range []pluginhost.Action{pluginhost.Mask, pluginhost.Token, pluginhost.DropField} {
		w := newWorld(t)
		w.redactor.action = action
		n := w.start()
		for _, host := range []string{"1 " + secret, "2 " + secret, "1 " + secret} {
			b, err := proto.Marshal(&v1.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
				Resource: &resource.Resource{Attributes: []*common.KeyValue{text("session.id", "s"), text(host, "owner")}},
				ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{{
					TimeUnixNano: 5, Body: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: "disk full"}},
				}}}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := n.Export(t.Context(), "acme", otlpwire.Logs, b); err != nil {
				t.Fatal(err)
			}
		}
		parts, err := n.Parts(t.Context(), "acme", "s")
		if err != nil || parts[0].Leaves != 2 {
			t.Errorf("action %d: %d leaves, want 2 (%v)", action, parts[0].Leaves, err)
		}
	}
}

// TestShadow: everything is found and counted, nothing is edited, and the manifest
// says which mode it was.
func TestShadow(t *testing.T) {
	for _, action := range []pluginhost.Action{pluginhost.Mask, pluginhost.Token, pluginhost.DropField, pluginhost.DropRecord} {
		w := newWorld(t)
		w.redactor.action = action
		w.tune = func(o *session.Options) { o.Origin.Mode = "shadow" }
		n := w.start()
		s := span("chat " + secret)
		s.Attributes = append(s.Attributes, &common.KeyValue{Key: "blob", Value: binary(0xff, 0xfe)})
		export(t, n, request("user-"+secret, s))
		if got := n.Stats().Edits[session.EditKey{Plugin: "finder", Label: "SECRET"}]; got != 2 {
			t.Errorf("%d findings in the statistics, want 2", got)
		}
		w.close(n)
		o := w.opened()[0]
		got := spanOf(t, &o.Records[0])
		if got.Name != "chat "+secret || string(got.Attributes[0].Value.GetBytesValue()) != "\xff\xfe" || string(o.Session) != "user-"+secret {
			t.Errorf("shadow mode has changed the record to %v", got)
		}
		if edits, err := receipt.DecodeEdits(o.Records[0].Edits); err != nil || len(edits) != 0 {
			t.Errorf("edit list %v of a record that was not edited", edits)
		}
		want := []receipt.EditCount{
			{Plugin: "finder", Label: "SECRET", Place: "span.attributes.value", Count: 1},
			{Plugin: "finder", Label: "SECRET", Place: "span.name", Count: 1},
			{Plugin: "notary", Label: "BINARY", Place: "span.attributes.value", Count: 1},
		}
		if !slices.Equal(o.Summary.Edits, want) {
			t.Errorf("summary counts %v", o.Summary.Edits)
		}
		if m := o.Part.Manifest.Origin.Mode; m != "shadow" {
			t.Errorf("the manifest says mode %s", m)
		}
	}
}

// withoutRedactor makes options of mode none.
func withoutRedactor(o *session.Options) { o.Redactor, o.Origin.Mode = nil, "none" }

// TestNone: without a redactor everything is stored as it was sent, also what the host
// masks where redactors cannot look, and the manifest says so. What OTLP does not allow
// is refused as ever.
func TestNone(t *testing.T) {
	w := newWorld(t)
	w.tune = withoutRedactor
	n := w.start()
	large := secret + strings.Repeat("x", 1<<20)
	s := span("chat " + secret)
	s.Attributes = append(s.Attributes, &common.KeyValue{Key: "blob", Value: binary(0xff, 0xfe)}, text("doc", large))
	req := request("user-"+secret, s) // which adds the session's name to the span
	sent, err := proto.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	export(t, n, req)
	if got := n.Stats().Edits; len(got) != 0 {
		t.Errorf("the statistics count %v", got)
	}
	if _, err := n.Export(t.Context(), "acme", otlpwire.Traces, bytes.Replace(req, []byte("chat"), []byte("\xff\xfe\xfd\xfc"), 1)); !errors.Is(err, otlpwire.ErrUTF8) {
		t.Errorf("a string that is not UTF-8: %v", err)
	}
	w.close(n)
	o := w.opened()[0]
	if !bytes.Equal(o.Records[0].Bytes, sent) {
		t.Errorf("mode none has changed the record to %.200q", o.Records[0].Bytes)
	}
	if string(o.Session) != "user-"+secret {
		t.Errorf("mode none has changed the session's name to %q", o.Session)
	}
	if edits, err := receipt.DecodeEdits(o.Records[0].Edits); err != nil || len(edits) != 0 || len(o.Summary.Edits) != 0 {
		t.Errorf("edit list %v, in the summary %v, %v", edits, o.Summary.Edits, err)
	}
	if m := o.Part.Manifest.Origin.Mode; m != "none" {
		t.Errorf("the manifest says mode %s", m)
	}
}

// TestModeIsThatOfTheRedactor: a notary without a redactor says so, and none with one can.
func TestModeIsThatOfTheRedactor(t *testing.T) {
	for mode, redactor := range map[string]session.Redactor{"enforce": nil, "shadow": nil, "": nil, "none": &finder{}} {
		w := newWorld(t)
		o := w.options()
		o.Origin.Mode, o.Redactor = mode, redactor
		if n, err := session.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "mode none is that of a notary without one") {
			t.Errorf("mode %q, redactor %v: %v", mode, redactor, err)
			if n != nil {
				n.Kill()
			}
		}
	}
}

// TestOversize: a text of a mebibyte is searched, one byte more is masked whole, and
// JSON is JSON afterwards.
func TestOversize(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	for _, more := range []int{0, 1} {
		s := span(fmt.Sprint(more))
		s.Attributes = append(s.Attributes, text("doc", secret+strings.Repeat("x", 1<<20-len(secret)+more)))
		export(t, n, request("s", s))
	}
	s := span("JSON")
	s.Attributes = append(s.Attributes, text("doc", `["`+strings.Repeat("x", 1<<20)+`"]`))
	export(t, n, request("s", s))
	w.close(n)
	o := w.opened()[0]
	if got := spanOf(t, &o.Records[0]).Attributes[0].Value.GetStringValue(); len(got) != 1<<20-len(secret)+len("[SECRET]") || !strings.HasPrefix(got, "[SECRET]xx") {
		t.Errorf("a text of 1 MiB became %d bytes, %.20q", len(got), got)
	}
	if got := spanOf(t, &o.Records[1]).Attributes[0].Value.GetStringValue(); got != "[OVERSIZE]" {
		t.Errorf("a longer one became %d bytes, %.20q", len(got), got)
	}
	if got := spanOf(t, &o.Records[2]).Attributes[0].Value.GetStringValue(); got != `"[OVERSIZE]"` {
		t.Errorf("a JSON text became %d bytes, %.20q", len(got), got)
	}
	edits, _ := receipt.DecodeEdits(o.Records[1].Edits)
	if want := []receipt.Edit{{Plugin: "notary", Label: "OVERSIZE", Place: "span.attributes.value", Length: 1<<20 + 1}}; !slices.Equal(edits, want) {
		t.Errorf("edit list %v", edits)
	}
}
