package otlpwire_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
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

// found is what a walk tells of a request.
type found struct {
	Err       string
	Admitted  []otlpwire.Counts
	Counts    otlpwire.Counts
	Texts     []otlpwire.Text
	Binary    []int
	Records   []string
	Resources []string
	Scopes    []int
}

func walked(r *otlpwire.Request, buf []byte, sig otlpwire.Signal, lim otlpwire.Limits) (f found) {
	return walkedAs(r, buf, sig, otlpwire.Options{Limits: lim})
}

func walkedAs(r *otlpwire.Request, buf []byte, sig otlpwire.Signal, opt otlpwire.Options) (f found) {
	opt.Admit = func(c otlpwire.Counts) error {
		f.Admitted = append(f.Admitted, c)
		return nil
	}
	err := r.Walk(buf, sig, opt)
	if err != nil {
		f.Err = err.Error()
	}
	f.Counts = r.Counts
	f.Texts, f.Binary = append(f.Texts, r.Texts...), append(f.Binary, r.Binary...)
	for i, x := range r.Records {
		f.Records = append(f.Records, fmt.Sprintf("%v %v %d %d %d %d %d %d %q %q %q", x.Kind, x.End, x.Resource, x.Scope, x.ClaimedStart, x.ClaimedEnd,
			x.FirstText, x.EndText, r.SessionID(i), r.PreviousSession(i), r.Original(i)))
	}
	for _, x := range r.Resources {
		f.Resources = append(f.Resources, fmt.Sprint(x.SDKName, x.SDKVersion))
	}
	for _, x := range r.Scopes {
		f.Scopes = append(f.Scopes, x.Resource)
	}
	return f
}

// sameBlind: a walk that does not list the texts of records finds the same records, and the
// same of resources and scopes, in one pass and in two, and refuses the same.
func sameBlind(t *testing.T, sig otlpwire.Signal, buf []byte, lim otlpwire.Limits) {
	t.Helper()
	want := walkedAs(new(otlpwire.Request), buf, sig, otlpwire.Thorough(otlpwire.Options{Limits: lim}))
	used := new(otlpwire.Request)
	if err := used.Walk(another, otlpwire.Traces, otlpwire.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*otlpwire.Request{"two passes": new(otlpwire.Request), "one": used} {
		got := walkedAs(r, buf, sig, otlpwire.Options{Limits: lim, Blind: true})
		if want.Err == "" {
			var outside []otlpwire.Text
			for _, x := range want.Texts {
				if x.Owner != otlpwire.OfRecord {
					outside = append(outside, x)
				}
			}
			if diff := cmp.Diff(texts(outside), texts(got.Texts)); diff != "" {
				t.Fatalf("blind, %s: texts outside of records: %s", name, diff)
			}
		}
		if diff := cmp.Diff(want.blind(), got.blind()); diff != "" {
			t.Fatalf("seeing (-) and blind, %s (+): %s", name, diff)
		}
	}
}

// texts leaves out roles, which are for redactors.
func texts(all []otlpwire.Text) (out []string) {
	for _, x := range all {
		out = append(out, fmt.Sprint(x.Start, x.End, x.Owner, x.Index, x.Place, x.Binary))
	}
	return out
}

var numbered = regexp.MustCompile(`^(.*? .*? \d+ \d+ \d+ \d+) \d+ \d+ `)

// blind is what a blind walk has to find.
func (f found) blind() found {
	f.Texts, f.Binary, f.Resources = nil, nil, nil
	records := f.Records
	f.Records = nil
	for _, r := range records {
		f.Records = append(f.Records, numbered.ReplaceAllString(r, "$1 "))
	}
	return f
}

// another is a request that leaves room for most.
var another = bench.Small(1)

// samePasses: a Request with room from the one before walks in one pass, and finds,
// counts, admits and refuses what a new one does in two.
func samePasses(t *testing.T, sig otlpwire.Signal, buf []byte, lim otlpwire.Limits) {
	t.Helper()
	used := new(otlpwire.Request)
	if err := used.Walk(another, otlpwire.Traces, otlpwire.Options{}); err != nil {
		t.Fatal(err)
	}
	two := walked(new(otlpwire.Request), buf, sig, lim)
	if diff := cmp.Diff(two, walked(used, buf, sig, lim)); diff != "" {
		t.Fatalf("two passes (-) and one (+): %s", diff)
	}
	thorough := walkedAs(used, buf, sig, otlpwire.Thorough(otlpwire.Options{Limits: lim}))
	if diff := cmp.Diff(thorough, two); diff != "" {
		t.Fatalf("every field by itself (-) and what is plain in one go (+): %s", diff)
	}
}

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

// TestOnePassIsRefused: nothing is left of a request that was not admitted.
func TestOnePassIsRefused(t *testing.T) {
	r, refuse := new(otlpwire.Request), errors.New("no room")
	for range 2 {
		if err := r.Walk(bench.Small(1), otlpwire.Traces, otlpwire.Options{}); err != nil {
			t.Fatal(err)
		}
		err := r.Walk(bench.Small(2), otlpwire.Traces, otlpwire.Options{Admit: func(otlpwire.Counts) error { return refuse }})
		if !errors.Is(err, refuse) || len(r.Texts)+len(r.Records)+r.Counts.Messages != 0 {
			t.Fatalf("%v, with %d texts", err, len(r.Texts))
		}
	}
}
