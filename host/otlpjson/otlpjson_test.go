package otlpjson_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpjson"
	"github.com/veriproof/notary/host/otlpwire"
)

func Example() {
	wire, err := otlpjson.AppendWire(nil, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"chat","kind":3}]}]}]}`), otlpwire.Traces)
	fmt.Printf("%x %v\n", wire, err)
	// Output: 0a0c120a12082a04636861743003 <nil>
}

func newRequest(sig otlpwire.Signal) proto.Message {
	if sig == otlpwire.Logs {
		return new(logscollector.ExportLogsServiceRequest)
	}
	return new(tracecollector.ExportTraceServiceRequest)
}

// inBase64 writes the identifiers of an OTLP/JSON text as protobuf's JSON form has
// them, and leaves out names that only that form knows.
func inBase64(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			inBase64(e)
		}
	case map[string]any:
		for k, e := range v {
			s, _ := e.(string)
			b, err := hex.DecodeString(s)
			switch {
			case strings.Contains(k, "_"):
				delete(v, k)
			case err == nil && s != "" && (k == "traceId" || k == "spanId" || k == "parentSpanId"):
				v[k] = base64.StdEncoding.EncodeToString(b)
			default:
				inBase64(e)
			}
		}
	}
}

// oracle reads a request with protobuf's own JSON reader.
func oracle(text []byte, sig otlpwire.Signal) (proto.Message, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	inBase64(v)
	rewritten, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	m := newRequest(sig)
	return m, protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: 1000}.Unmarshal(rewritten, m)
}

// text writes a request in OTLP/JSON.
func text(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	inHex(v)
	if b, err = json.Marshal(v); err != nil {
		t.Fatal(err)
	}
	return b
}

func inHex(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			inHex(e)
		}
	case map[string]any:
		for k, e := range v {
			if s, ok := e.(string); ok && (k == "traceId" || k == "spanId" || k == "parentSpanId") {
				b, _ := base64.StdEncoding.DecodeString(s)
				v[k] = hex.EncodeToString(b)
			} else {
				inHex(e)
			}
		}
	}
}

func unmarshal(t *testing.T, wire []byte, sig otlpwire.Signal) proto.Message {
	t.Helper()
	m := newRequest(sig)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(wire, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// A request says the same in both forms, and has the same bytes.
func TestSameInBothForms(t *testing.T) {
	for seed := range uint64(4) {
		for _, wire := range [][]byte{bench.GenAI(seed), bench.Small(seed)} {
			got, err := otlpjson.AppendWire(nil, text(t, unmarshal(t, wire, otlpwire.Traces)), otlpwire.Traces)
			if err != nil {
				t.Fatal(err)
			}
			if want := unmarshal(t, wire, otlpwire.Traces); !proto.Equal(want, unmarshal(t, got, otlpwire.Traces)) || len(got) != len(wire) {
				t.Error("the forms differ")
			}
		}
	}
}

// Every field of the descriptors goes from JSON to the wire.
func TestEveryField(t *testing.T) {
	for _, sig := range []otlpwire.Signal{otlpwire.Traces, otlpwire.Logs} {
		n := 0
		for pick := range 12 {
			m := newRequest(sig)
			n += fill(m.ProtoReflect(), pick, 12)
			got, err := otlpjson.AppendWire(nil, text(t, m), sig)
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(m, unmarshal(t, got, sig)) {
				t.Errorf("%v: fields got lost: %v", sig, m)
			}
		}
		if n < 100 {
			t.Errorf("%v: %d fields only", sig, n)
		}
	}
}

// fill sets every field of a message, of each oneof one by pick.
func fill(m protoreflect.Message, pick, depth int) (n int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if o := fd.ContainingOneof(); o != nil && o.Fields().Get(pick%o.Fields().Len()) != fd || depth == 0 && fd.Message() != nil {
			continue
		}
		n++
		switch {
		case fd.IsList():
			list := m.Mutable(fd).List()
			for range 2 {
				if fd.Message() != nil {
					e := list.NewElement()
					n += fill(e.Message(), pick+1, depth-1)
					list.Append(e)
				} else {
					list.Append(scalar(fd))
				}
			}
		case fd.Message() != nil:
			n += fill(m.Mutable(fd).Message(), pick+1, depth-1)
		default:
			m.Set(fd, scalar(fd))
		}
	}
	return n
}

func scalar(fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("\"é\\\n\x00😀" + string(fd.Name()))
	case protoreflect.BytesKind:
		size, id := map[protoreflect.Name]int{"trace_id": 16, "span_id": 8, "parent_span_id": 8}[fd.Name()]
		if !id {
			size = 5
		}
		return protoreflect.ValueOfBytes(bytes.Repeat([]byte{0xfb}, size))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(2)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(-1.5e-7)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(-1 << 63)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(-1 << 31)
	case protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(1<<64 - 1)
	}
	return protoreflect.ValueOfUint32(1<<32 - 1)
}

// span wraps members of a span.
func span(members string) string {
	return `{"resourceSpans":[{"scopeSpans":[{"spans":[{` + members + `}]}]}]}`
}

func value(v string) string { return span(`"attributes":[{"key":"k","value":` + v + `}]`) }

// TestUnknownMembersOfARequest: that there were some is told, once, and nothing of them.
func TestUnknownMembersOfARequest(t *testing.T) {
	for text, want := range map[string]bool{
		`{"resourceLogs":[{"x":"secret"}],"y":null}`: true,
		`{"resourceSpans":[],"resource_spans":[{}]}`: true,
		`{"resourceSpans":null}`:                     false,
		`{}`:                                         false,
	} {
		got, err := otlpjson.AppendWire(nil, []byte(text), otlpwire.Traces)
		if err != nil || otlpwire.AllUnknown(got, otlpwire.Traces) != want || want != (len(got) == 4) {
			t.Errorf("%s: %x, %v", text, got, err)
		}
	}
	within, err := otlpjson.AppendWire(nil, []byte(span(`"x":1`)), otlpwire.Traces)
	if err != nil || bytes.Contains(within, []byte{0xc2}) {
		t.Errorf("within a record: %x, %v", within, err)
	}
}

// TestSnakeCase: of what is ignored, what has a field's name in protobuf is told apart, wherever
// that field would be.
func TestSnakeCase(t *testing.T) {
	for text, want := range map[string]bool{
		span(`"trace_id":"5b8efff798038103d269b633813fc60c"`): true,
		value(`{"string_value":"x"}`):                         true,
		`{"resourceSpans":[{"scope_spans":[]}]}`:              true,
		`{"resource_spans":[]}`:                               true,
		span(`"trace_id":null`):                               false,
		span(`"new_field":1,"key":"trace_id"`):                false,
		span(`"x":{"trace_id":1},"string_value":"a"`):         false,
		span(`"traceId":"5b8efff798038103d269b633813fc60c"`):  false,
	} {
		_, snake, err := otlpjson.AppendWireInSteps(nil, []byte(text), otlpwire.Traces, func() {})
		if err != nil || snake != want {
			t.Errorf("%s: %t, want %t, %v", text, snake, want, err)
		}
	}
}

func TestForms(t *testing.T) {
	for _, c := range []struct{ name, text, same string }{
		{"integers as numbers and strings", span(`"startTimeUnixNano":1,"endTimeUnixNano":"2"`), span(`"startTimeUnixNano":"1","endTimeUnixNano":2`)},
		{"integers as other numbers", span(`"startTimeUnixNano":1e3,"flags":2.0`), span(`"startTimeUnixNano":1000,"flags":2`)},
		{"times as such", span(`"startTimeUnixNano":1.7e+18,"endTimeUnixNano":"170000000000000000.1E1"`), span(`"startTimeUnixNano":1700000000000000000,"endTimeUnixNano":"1700000000000000001"`)},
		{"the greatest as such", span(`"startTimeUnixNano":1.8446744073709551615e19,"endTimeUnixNano":18446744073709551615000e-3`), span(`"startTimeUnixNano":"18446744073709551615","endTimeUnixNano":"18446744073709551615"`)},
		{"the least as such", value(`{"intValue":-9.223372036854775808e18}`), value(`{"intValue":"-9223372036854775808"}`)},
		{"zeros as such", span(`"startTimeUnixNano":-0.00e5,"endTimeUnixNano":0E-7,"flags":0.0`), span(`"name":""`)},
		{"identifiers in capitals", span(`"spanId":"00AAFF0011223344"`), span(`"spanId":"00aaff0011223344"`)},
		{"an empty identifier", span(`"spanId":"","traceId":null`), span(``)},
		{"unknown members", span(`"x":[{"y":"z"}],"name":"n","trace_id":"??"`), span(`"name":"n"`)},
		{"names with escapes", span(`"n\u0061me":"n"`), span(`"name":"n"`)},
		{"null", span(`"name":null,"attributes":null,"status":null`), span(``)},
		{"defaults", span(`"name":"","kind":0,"flags":0,"droppedLinksCount":0`), span(``)},
		{"space", "\t" + strings.ReplaceAll(span(`"name":"n"`), ":", " :\r\n"), span(`"name":"n"`)},
		{"base64 of either alphabet", value(`{"bytesValue":"-_-_"}`), value(`{"bytesValue":"+/+/"}`)},
		{"base64 without padding", value(`{"bytesValue":"YQ"}`), value(`{"bytesValue":"YQ=="}`)},
		{"a lone surrogate", span(`"name":"a\ud83d"`), span(`"name":"a\ufffd"`)},
	} {
		got, err := otlpjson.AppendWire(nil, []byte(c.text), otlpwire.Traces)
		want, werr := otlpjson.AppendWire(nil, []byte(c.same), otlpwire.Traces)
		if err != nil || werr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x; %v, %v", c.name, got, want, err, werr)
		}
	}
	// A member of a oneof is set by its default, too.
	for _, v := range []string{`{"stringValue":""}`, `{"boolValue":false}`, `{"intValue":0}`, `{"doubleValue":0}`, `{"bytesValue":""}`} {
		got, err := otlpjson.AppendWire(nil, []byte(value(v)), otlpwire.Traces)
		empty, _ := otlpjson.AppendWire(nil, []byte(value(`{}`)), otlpwire.Traces)
		if err != nil || len(got) <= len(empty) {
			t.Errorf("%s: %x, %v", v, got, err)
		}
	}
}

// What is not OTLP/JSON is refused, without a word of what it says.
func TestT56RefusedJSON(t *testing.T) {
	const canary = "jo.canary@mail.example"
	deep := func(n int) string {
		return value(strings.Repeat(`{"arrayValue":{"values":[`, n) + `{"stringValue":"` + canary + `"}` + strings.Repeat(`]}}`, n))
	}
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", otlpjson.ErrSyntax},
		{"a list", "[]", otlpjson.ErrSyntax},
		{"a word", canary, otlpjson.ErrSyntax},
		{"a comma too many", span(`"name":"` + canary + `",`), otlpjson.ErrSyntax},
		{"something behind", span(``) + "{}", otlpjson.ErrSyntax},
		{"cut off", span(``)[:20], otlpjson.ErrSyntax},
		{"cut off in a string", span(`"name":"` + canary)[:70], otlpjson.ErrSyntax},
		{"cut off behind a comma", `{"resourceSpans":[{},`, otlpjson.ErrSyntax},
		{"cut off in a word", `{"resourceSpans":tru`, otlpjson.ErrSyntax},
		{"bad JSON in what is unknown", span(`"x":[{"` + canary + `"]`), otlpjson.ErrSyntax},
		{"not UTF-8", span("\"name\":\"\xff" + canary + `"`), otlpwire.ErrUTF8},
		{"a control character", span("\"name\":\"\x01\""), otlpjson.ErrSyntax},
		{"a string of a number", span(`"name":1`), otlpjson.ErrValue},
		{"a number of a string", span(`"flags":"` + canary + `"`), otlpjson.ErrValue},
		{"1e400", value(`{"doubleValue":1e400}`), otlpjson.ErrValue},
		{"1e400 in a string", value(`{"doubleValue":"-1e400"}`), otlpjson.ErrValue},
		{"a hexadecimal float", value(`{"doubleValue":"0x1p4"}`), otlpjson.ErrValue},
		{"an integer too large", value(`{"intValue":"9223372036854775808"}`), otlpjson.ErrValue},
		{"a number too large", value(`{"intValue":1e400}`), otlpjson.ErrValue},
		{"a fraction", value(`{"intValue":1.5}`), otlpjson.ErrValue},
		{"a fraction with an exponent", value(`{"intValue":1700000000000000001e-1}`), otlpjson.ErrValue},
		{"a number just too large", value(`{"intValue":9.223372036854775808e18}`), otlpjson.ErrValue},
		{"an exponent of 20 digits", value(`{"intValue":1e18446744073709551616}`), otlpjson.ErrValue},
		{"the least exponent", value(`{"intValue":1.5e-9223372036854775808}`), otlpjson.ErrValue},
		{"a zero in front", value(`{"intValue":"00"}`), otlpjson.ErrValue},
		{"NaN as an integer", value(`{"intValue":"NaN"}`), otlpjson.ErrValue},
		{"a sign", value(`{"intValue":"+1"}`), otlpjson.ErrValue},
		{"a negative count", span(`"droppedLinksCount":-1`), otlpjson.ErrValue},
		{"an enum by name", span(`"kind":"SPAN_KIND_SERVER"`), otlpjson.ErrValue},
		{"truth as a number", value(`{"boolValue":1}`), otlpjson.ErrValue},
		{"an object of a list", span(`"attributes":{}`), otlpjson.ErrValue},
		{"a list of an object", span(`"status":[]`), otlpjson.ErrValue},
		{"null in a list", span(`"attributes":[null]`), otlpjson.ErrValue},
		{"base64 that is none", value(`{"bytesValue":"` + canary + `"}`), otlpjson.ErrValue},
		{"base64 with a line", value(`{"bytesValue":"YWFh\nYWFh"}`), otlpjson.ErrValue},
		{"an identifier in base64", span(`"spanId":"q83vEjRWeJA="`), otlpwire.ErrIDLength},
		{"a short identifier", span(`"traceId":"00"`), otlpwire.ErrIDLength},
		{"a name twice", span(`"name":"a","name":"` + canary + `"`), otlpwire.ErrDuplicate},
		{"a list twice", span(`"links":[],"links":[]`), otlpwire.ErrDuplicate},
		{"deep", deep(40), otlpwire.ErrTooDeep},
		{"very deep", deep(10_000), otlpwire.ErrTooDeep},
		{"deep in what is unknown", span(`"x":` + strings.Repeat("[", 10_000)), otlpwire.ErrTooDeep},
	} {
		_, err := otlpjson.AppendWire(nil, []byte(c.text), otlpwire.Traces)
		var typed *otlpwire.Error
		if !errors.Is(err, c.want) || !errors.As(err, &typed) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error tells: %v", c.name, err)
		}
		if early := strings.HasPrefix(c.name, "cut off") || c.text == ""; err != nil && strings.Contains(err.Error(), "it ends early") != early {
			t.Errorf("%s: %v, ends early: %v", c.name, err, early)
		}
	}
	if _, err := otlpjson.AppendWire(nil, []byte("{}"), 9); !errors.Is(err, otlpwire.ErrSignal) {
		t.Error(err)
	}
}

// The specification's own examples are the wire form of themselves.
func TestSpecificationExamples(t *testing.T) {
	data := os.Getenv("NOTARY_DATA")
	if data == "" {
		return
	}
	for name, sig := range map[string]otlpwire.Signal{"trace.json": otlpwire.Traces, "logs.json": otlpwire.Logs, "events.json": otlpwire.Logs} {
		b, err := os.ReadFile(filepath.Join(data, "otlp", "examples", name))
		if err != nil {
			t.Fatal(err)
		}
		same(t, b, sig)
	}
}

// same demands that what we accept the oracle accepts, and reads the same.
func same(t *testing.T, text []byte, sig otlpwire.Signal) {
	t.Helper()
	wire, err := otlpjson.AppendWire(nil, text, sig)
	if err != nil {
		var typed *otlpwire.Error
		if !errors.As(err, &typed) {
			t.Fatalf("untyped: %v", err)
		}
		return
	}
	if len(wire) > len(text) {
		t.Errorf("%d bytes of %d", len(wire), len(text))
	}
	want, err := oracle(text, sig)
	if err != nil {
		t.Fatalf("%s: accepted, but %v", text, err)
	}
	if got := unmarshal(t, wire, sig); !proto.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v", text, got, want)
	}
}

func FuzzAppendWire(f *testing.F) {
	for _, s := range []string{
		span(`"traceId":"000102030405060708090a0b0c0d0e0f","name":"n\u0040","kind":1,"startTimeUnixNano":"1","status":{"message":"m","code":2}`),
		value(`{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":"-1"},{"doubleValue":1e5}]}}}]}}`),
		value(`{"bytesValue":"-_8="}`), span(`"x":null,"links":[{"spanId":""}]`), "{}",
	} {
		f.Add([]byte(s), false)
	}
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"b"},"severityNumber":9,"eventName":"e"}]}]}]}`), true)
	f.Fuzz(func(t *testing.T, text []byte, logs bool) {
		sig := otlpwire.Traces
		if logs {
			sig = otlpwire.Logs
		}
		same(t, text, sig)
	})
}

func BenchmarkAppendWire(b *testing.B) {
	m := new(tracecollector.ExportTraceServiceRequest)
	if err := proto.Unmarshal(bench.GenAI(1), m); err != nil {
		b.Fatal(err)
	}
	in, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(in, &v); err != nil {
		b.Fatal(err)
	}
	inHex(v)
	if in, err = json.Marshal(v); err != nil {
		b.Fatal(err)
	}
	var out []byte
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if out, err = otlpjson.AppendWire(out[:0], in, otlpwire.Traces); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSteps: others get to work after each step, and the wire bytes are those of one go.
func TestSteps(t *testing.T) {
	const most = 64 << 10 // of text between two calls
	text := []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat(`{"name":"n","kind":3},`, 1<<15) + `{}]}]}]}`)
	want, err := otlpjson.AppendWire(nil, text, otlpwire.Traces)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	got, _, err := otlpjson.AppendWireInSteps(nil, text, otlpwire.Traces, func() { calls++ })
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d other bytes, and %v", len(got), err)
	}
	if calls < len(text)/most {
		t.Errorf("%d calls for %d bytes", calls, len(text))
	}
	// What is unknown takes time, too.
	text, calls = []byte(`{"x":[`+strings.Repeat("0,", 1<<18)+`0]}`), 0
	if _, _, err := otlpjson.AppendWireInSteps(nil, text, otlpwire.Traces, func() { calls++ }); err != nil || calls < len(text)/most {
		t.Errorf("%d calls for %d bytes that mean nothing, and %v", calls, len(text), err)
	}
}
