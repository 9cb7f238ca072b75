package otlpwire_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/veriproof/notary/host/otlpwire"
)

// TestDropField says for each kind of place what goes.
func TestDropField(t *testing.T) {
	list := func(v ...*common.KeyValue) *common.AnyValue {
		return &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: v}}}
	}
	array := func(v ...string) *common.AnyValue {
		var a common.ArrayValue
		for _, s := range v {
			a.Values = append(a.Values, &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}})
		}
		return &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &a}}
	}
	under := func(v *common.AnyValue) *trace.Span {
		return &trace.Span{Name: "n", Attributes: attrs{{Key: "a", Value: v}, textAttr("b", "kept")}}
	}
	for name, c := range map[string]struct{ span, want *trace.Span }{
		"value":           {&trace.Span{Name: "n", Attributes: attrs{textAttr("a", "x"), textAttr("b", "kept")}}, &trace.Span{Name: "n", Attributes: attrs{textAttr("b", "kept")}}},
		"key":             {&trace.Span{Name: "n", Attributes: attrs{textAttr("x", "v")}}, &trace.Span{Name: "n"}},
		"key in a value":  {under(list(textAttr("x", "v"), textAttr("y", "kept"))), under(list(textAttr("y", "kept")))},
		"value in a list": {under(list(textAttr("y", "x"), textAttr("z", "kept"))), under(list(textAttr("z", "kept")))},
		"in an array":     {under(array("kept?", "x")), &trace.Span{Name: "n", Attributes: attrs{textAttr("b", "kept")}}},
		"name":            {&trace.Span{Name: "x", TraceState: "s"}, &trace.Span{TraceState: "s"}},
		"event":           {&trace.Span{Events: []*trace.Span_Event{{Name: "x", TimeUnixNano: 1}, {Name: "e", Attributes: attrs{textAttr("k", "x")}}}}, &trace.Span{Events: []*trace.Span_Event{{TimeUnixNano: 1}, {Name: "e"}}}},
	} {
		d := dropped(t, request(t, nil, c.span), otlpwire.Traces)
		var got trace.Span
		if err := proto.Unmarshal(d.Records[0].Bytes, &got); err != nil || !proto.Equal(&got, c.want) {
			t.Errorf("%s: got %v, %v", name, &got, err)
		}
	}
	// A log's body is no attribute; a list in it has attributes of its own.
	for name, c := range map[string]struct{ body, want *common.AnyValue }{
		"text": {textAttr("", "x").Value, textAttr("", "").Value},
		"list": {list(textAttr("k", "x"), textAttr("l", "kept")), list(textAttr("l", "kept"))},
	} {
		body, err := proto.Marshal(&logs.LogRecord{Body: c.body, SeverityText: "warn"})
		if err != nil {
			t.Fatal(err)
		}
		d := dropped(t, inScope(delimited(2, body)), otlpwire.Logs)
		var got logs.LogRecord
		if err := proto.Unmarshal(d.Records[0].Bytes, &got); err != nil || !proto.Equal(got.Body, c.want) || got.SeverityText != "warn" {
			t.Errorf("log body of %s: got %v, %v", name, &got, err)
		}
	}
}

// dropped drops the field of every text that is "x".
func dropped(t *testing.T, b []byte, sig otlpwire.Signal) *otlpwire.Redacted {
	t.Helper()
	r := walk(t, b, sig)
	var edits []otlpwire.Edit
	for i, text := range r.Texts {
		if string(r.Text(text)) == "x" {
			edits = append(edits, otlpwire.Edit{Text: i, Drop: otlpwire.DropField})
		}
	}
	d, err := r.Splice(edits)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func dropsField(b []byte) bool { return bytes.Contains(b, []byte("mail")) && !notText(b) }

// prune is the oracle of DropField. It reports whether the innermost attribute
// around m has to go.
func prune(m protoreflect.Message, inAttribute bool) (drop bool) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		text := func(v protoreflect.Value) protoreflect.Value {
			switch {
			case fd.Kind() == protoreflect.StringKind && dropsField([]byte(v.String())):
				drop = drop || inAttribute
				return protoreflect.ValueOfString("")
			case fd.Kind() == protoreflect.BytesKind && !isID(fd) && notText(v.Bytes()):
				return protoreflect.ValueOfBytes([]byte(otlpwire.BinaryReplacement))
			case fd.Kind() == protoreflect.BytesKind && !isID(fd) && dropsField(v.Bytes()):
				drop = drop || inAttribute
				return protoreflect.ValueOfBytes(nil)
			}
			return v
		}
		switch {
		case fd.Kind() == protoreflect.MessageKind && fd.IsList():
			pairs := fd.Message().Name() == "KeyValue"
			kept := 0
			for i := range v.List().Len() {
				e := v.List().Get(i)
				gone := prune(e.Message(), inAttribute || pairs)
				if pairs && gone {
					continue
				}
				drop = drop || gone
				v.List().Set(kept, e)
				kept++
			}
			v.List().Truncate(kept)
		case fd.Kind() == protoreflect.MessageKind:
			drop = prune(v.Message(), inAttribute) || drop
		case fd.IsList():
			for i := range v.List().Len() {
				v.List().Set(i, text(v.List().Get(i)))
			}
		case fd.Kind() == protoreflect.StringKind || fd.Kind() == protoreflect.BytesKind:
			m.Set(fd, text(v))
		}
		return true
	})
	return drop
}

func TestDropFieldAgreesWithProtobuf(t *testing.T) {
	drops := 0
	for _, sig := range []otlpwire.Signal{otlpwire.Traces, otlpwire.Logs} {
		for seed := range uint64(60) {
			plain, scrambled := random(seed, sig)
			for _, b := range [][]byte{plain, scrambled} {
				want := newRequest(sig)
				if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, want); err != nil {
					t.Fatal(err)
				}
				forgetEmpty(want)
				prune(want.ProtoReflect(), false)
				r := walk(t, b, sig)
				var edits []otlpwire.Edit
				for i, text := range r.Texts {
					if !text.Binary && dropsField(r.Text(text)) {
						edits = append(edits, otlpwire.Edit{Text: i, Drop: otlpwire.DropField})
					}
				}
				d, err := r.Splice(edits)
				if err != nil {
					t.Fatal(err)
				}
				if got := assemble(t, sig, r, d); !proto.Equal(got, want) {
					t.Fatalf("%v, seed %d:\n got %v\nwant %v", sig, seed, got, want)
				}
				drops += len(edits)
			}
		}
	}
	if drops < 500 {
		t.Errorf("only %d fields dropped", drops)
	}
}

// TestGaps: filling in the gaps gives what Splice gives with the final
// replacements, in records and contexts, whatever else is masked or dropped.
func TestGaps(t *testing.T) {
	gaps := 0
	for _, sig := range []otlpwire.Signal{otlpwire.Traces, otlpwire.Logs} {
		for seed := range uint64(60) {
			_, b := random(seed, sig)
			early, late := walk(t, b, sig), walk(t, b, sig)
			var stand, final []otlpwire.Edit
			for i, text := range early.Texts {
				if text.Binary {
					continue
				}
				if len(early.Text(text)) > 150 && i%3 == 0 {
					e := otlpwire.Edit{Text: i, Drop: otlpwire.Drop(1 + i%2)}
					stand, final = append(stand, e), append(final, e)
					continue
				}
				for _, e := range masks(early.Text(text)) {
					e.Text = i
					if len(stand)%2 == 0 {
						e.Replacement = fmt.Sprintf("[%06d]", len(stand))
						final = append(final, e)
						e.Replacement, e.Gap = "[......]", true
					} else {
						final = append(final, e)
					}
					stand = append(stand, e)
				}
			}
			got, err := early.Splice(stand)
			if err != nil {
				t.Fatal(err)
			}
			want, err := late.Splice(final)
			if err != nil {
				t.Fatal(err)
			}
			fillIn := func(b []byte, list []otlpwire.Gap) {
				for _, g := range list {
					copy(b[g.At:g.At+len(stand[g.Edit].Replacement)], final[g.Edit].Replacement)
				}
				gaps += len(list)
			}
			for i, r := range got.Records {
				fillIn(r.Bytes, r.Gaps)
				if !bytes.Equal(r.Bytes, want.Records[i].Bytes) || len(want.Records[i].Gaps) > 0 {
					t.Fatalf("%v, seed %d, record %d: got %x\nwant %x", sig, seed, i, r.Bytes, want.Records[i].Bytes)
				}
			}
			for i := range got.Resources {
				fillIn(got.Resources[i], got.ResourceGaps[i])
			}
			for i := range got.Scopes {
				fillIn(got.Scopes[i], got.ScopeGaps[i])
			}
			if !slices.EqualFunc(got.Resources, want.Resources, bytes.Equal) || !slices.EqualFunc(got.Scopes, want.Scopes, bytes.Equal) {
				t.Fatalf("%v, seed %d: contexts differ", sig, seed)
			}
		}
	}
	if gaps < 500 {
		t.Errorf("only %d gaps", gaps)
	}
}

// TestDropOfManyRecords: a sender decides how many findings a resource or scope has and how
// many records it is of, so the work must not be one times the other. It took 48 seconds, in
// one resource, and takes some milliseconds.
func TestDropOfManyRecords(t *testing.T) {
	const n = otlpwire.DefaultRecords
	findings := make([]*common.KeyValue, n)
	for i := range findings {
		findings[i] = &common.KeyValue{Key: "x"}
	}
	one := &trace.ResourceSpans{Resource: &resource.Resource{Attributes: findings}, ScopeSpans: []*trace.ScopeSpans{{Spans: make([]*trace.Span, n)}}}
	many := make([]*trace.ResourceSpans, n)
	for i := range many {
		one.ScopeSpans[0].Spans[i] = &trace.Span{}
		many[i] = &trace.ResourceSpans{SchemaUrl: "x", ScopeSpans: []*trace.ScopeSpans{{Spans: []*trace.Span{{}}}}}
	}
	for name, resources := range map[string][]*trace.ResourceSpans{"in one resource": {one}, "in a resource each": many} {
		b, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: resources})
		if err != nil {
			t.Fatal(err)
		}
		r := walk(t, b, otlpwire.Traces)
		edits := make([]otlpwire.Edit, len(r.Texts))
		for i := range edits {
			edits[i] = otlpwire.Edit{Text: i, Drop: otlpwire.DropRecord}
		}
		begun := time.Now()
		d, err := r.Splice(edits)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("%s: %v for %d findings and %d records", name, took, len(edits), len(r.Records))
		}
		if slices.ContainsFunc(d.Records, func(r otlpwire.RedactedRecord) bool { return !r.Dropped }) {
			t.Errorf("%s: a record is not dropped", name)
		}
	}
}
