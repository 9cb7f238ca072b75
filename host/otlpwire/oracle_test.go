package otlpwire_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/veriproof/notary/host/otlpwire"
)

// The oracle of these tests is google's protobuf: what the walk finds in the
// wire bytes is compared with what reflection finds in the unmarshalled message.

func newRequest(sig otlpwire.Signal) proto.Message {
	if sig == otlpwire.Logs {
		return new(logscollector.ExportLogsServiceRequest)
	}
	return new(tracecollector.ExportTraceServiceRequest)
}

func isID(fd protoreflect.FieldDescriptor) bool {
	switch fd.Name() {
	case "trace_id", "span_id", "parent_span_id":
		return true
	}
	return false
}

// place follows a field on the way from the request to a text, as Place names
// it: levels of the request start anew, wrappers add nothing.
func place(base string, fd protoreflect.FieldDescriptor) string {
	switch fd.Name() {
	case "resource_spans", "resource_logs", "resource":
		return "resource"
	case "scope_spans", "scope_logs", "scope":
		return "scope"
	case "spans":
		return "span"
	case "log_records":
		return "log"
	case "string_value", "bytes_value":
		if base == "log.body" {
			return base
		}
		return base + ".value"
	case "value", "values", "array_value", "kvlist_value":
		return base
	}
	return base + "." + string(fd.Name())
}

// eachText calls fn with every string and bytes field of m but identifiers.
// What fn returns replaces the value.
func eachText(m protoreflect.Message, base string, fn func(place string, isString bool, b []byte) []byte) {
	visit := func(fd protoreflect.FieldDescriptor, v protoreflect.Value) protoreflect.Value {
		at := place(base, fd)
		switch fd.Kind() {
		case protoreflect.MessageKind:
			eachText(v.Message(), at, fn)
		case protoreflect.StringKind:
			return protoreflect.ValueOfString(string(fn(at, true, []byte(v.String()))))
		case protoreflect.BytesKind:
			if !isID(fd) {
				return protoreflect.ValueOfBytes(fn(at, false, v.Bytes()))
			}
		}
		return v
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !fd.IsList() {
			if w := visit(fd, v); fd.Kind() != protoreflect.MessageKind {
				m.Set(fd, w)
			}
			return true
		}
		for i := range v.List().Len() {
			if w := visit(fd, v.List().Get(i)); fd.Kind() != protoreflect.MessageKind {
				v.List().Set(i, w)
			}
		}
		return true
	})
}

func notText(b []byte) bool { return !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 }

// masks are edits that depend on nothing but the text, so that they can be
// applied to the wire and to the message alike. Replacements of very different
// lengths make length prefixes grow and shrink.
func masks(text []byte) []otlpwire.Edit {
	h := fnv.New64a()
	h.Write(text)
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	var edits []otlpwire.Edit
	for pos := 0; pos < len(text) && r.IntN(3) > 0; {
		start := pos + r.IntN(len(text)-pos)
		end := start + 1 + r.IntN(len(text)-start)
		for start > pos && !utf8.RuneStart(text[start]) {
			start--
		}
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		replacement := strings.Repeat("é", r.IntN(8)*r.IntN(16))
		edits = append(edits, otlpwire.Edit{Start: start, End: end, Replacement: replacement})
		pos = end
	}
	return edits
}

func apply(text []byte, edits []otlpwire.Edit) []byte {
	var out []byte
	last := 0
	for _, e := range edits {
		out = append(append(out, text[last:e.Start]...), e.Replacement...)
		last = e.End
	}
	return append(out, text[last:]...)
}

// assemble puts a redacted request together again.
func assemble(t *testing.T, sig otlpwire.Signal, req *otlpwire.Request, d *otlpwire.Redacted) proto.Message {
	t.Helper()
	out := newRequest(sig).ProtoReflect()
	under := func(m protoreflect.Message, number protoreflect.FieldNumber, b []byte) protoreflect.Message {
		list := m.Mutable(m.Descriptor().Fields().ByNumber(number)).List()
		child := list.NewElement()
		if err := proto.Unmarshal(b, child.Message().Interface()); err != nil {
			t.Fatalf("what Splice wrote does not unmarshal: %v", err)
		}
		list.Append(child)
		return child.Message()
	}
	resources := make([]protoreflect.Message, len(d.Resources))
	for i, b := range d.Resources {
		resources[i] = under(out, 1, b)
	}
	scopes := make([]protoreflect.Message, len(d.Scopes))
	for i, b := range d.Scopes {
		scopes[i] = under(resources[req.Scopes[i].Resource], 2, b)
	}
	for _, rec := range d.Records {
		if !rec.Dropped {
			under(scopes[rec.Scope], 2, rec.Bytes)
		}
	}
	return out.Interface()
}

// forgetEmpty takes away resources and scopes without records, of which nothing is stored.
func forgetEmpty(request proto.Message) {
	under := func(m protoreflect.Message, number protoreflect.FieldNumber) protoreflect.List {
		return m.Mutable(m.Descriptor().Fields().ByNumber(number)).List()
	}
	keep := func(list protoreflect.List, worth func(protoreflect.Message) bool) bool {
		n := 0
		for i := range list.Len() {
			if m := list.Get(i); worth(m.Message()) {
				list.Set(n, m)
				n++
			}
		}
		list.Truncate(n)
		return n > 0
	}
	keep(under(request.ProtoReflect(), 1), func(resource protoreflect.Message) bool {
		return keep(under(resource, 2), func(scope protoreflect.Message) bool { return under(scope, 2).Len() > 0 })
	})
}

// compare walks buf and compares everything with the oracle. It reports whether
// the walk accepted it.
func compare(t *testing.T, sig otlpwire.Signal, buf []byte) bool {
	t.Helper()
	want := newRequest(sig)
	protoErr := proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(buf, want)
	req, err := otlpwire.Walk(buf, sig, otlpwire.Limits{})
	if err != nil {
		mayRefuse(t, err, protoErr)
		return false
	}
	if protoErr != nil {
		t.Fatalf("walked what protobuf refuses: %v", protoErr)
	}
	forgetEmpty(want)
	var wantTexts, gotTexts []string
	eachText(want.ProtoReflect(), "", func(place string, isString bool, b []byte) []byte {
		binary := !isString && notText(b)
		if len(b) > 0 {
			wantTexts = append(wantTexts, fmt.Sprintf("%s %v %q", place, binary, b))
		}
		if binary {
			return []byte(otlpwire.BinaryReplacement)
		}
		return apply(b, masks(b))
	})
	var edits []otlpwire.Edit
	for i, text := range req.Texts {
		gotTexts = append(gotTexts, fmt.Sprintf("%s %v %q", text.Place, text.Binary, req.Text(text)))
		if text.Binary {
			continue
		}
		for _, e := range masks(req.Text(text)) {
			e.Text = i
			edits = append(edits, e)
		}
	}
	slices.Sort(wantTexts)
	slices.Sort(gotTexts)
	if !slices.Equal(gotTexts, wantTexts) {
		t.Fatalf("texts differ:\n got %q\nwant %q", gotTexts, wantTexts)
	}
	if req.Counts.Texts < len(req.Texts) || req.Counts.Records != len(req.Records) {
		t.Fatalf("scan counted %+v; walk found %d texts, %d records", req.Counts, len(req.Texts), len(req.Records))
	}
	d, err := req.Splice(edits)
	if err != nil {
		t.Fatalf("splice: %v", err)
	}
	if got := assemble(t, sig, req, d); !proto.Equal(got, want) {
		t.Fatalf("spliced:\n got %v\nwant %v", got, want)
	}
	return true
}

// fill sets random fields of m to random values, and one of each oneof.
func fill(r *rand.Rand, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		message := fd.Kind() == protoreflect.MessageKind
		switch {
		case message && (depth == 0 || r.IntN(8) == 0), !message && r.IntN(3) == 0:
		case fd.ContainingOneof() != nil && r.IntN(fields.Len()-i) != 0:
		case fd.IsList():
			fillList(r, m.Mutable(fd).List(), fd, depth)
		default:
			m.Set(fd, value(r, m.NewField(fd), fd, depth))
		}
		if fd.ContainingOneof() != nil && m.Has(fd) {
			return
		}
	}
}

func fillList(r *rand.Rand, list protoreflect.List, fd protoreflect.FieldDescriptor, depth int) {
	for range r.IntN(4) {
		var element protoreflect.Value
		if fd.Kind() == protoreflect.MessageKind {
			element = list.NewElement()
		}
		list.Append(value(r, element, fd, depth))
	}
}

func value(r *rand.Rand, v protoreflect.Value, fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		fill(r, v.Message(), depth-1)
		return v
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(randomText(r))
	case protoreflect.BytesKind:
		if isID(fd) {
			size := 8
			if fd.Name() == "trace_id" {
				size = 16
			}
			return protoreflect.ValueOfBytes([]byte(strings.Repeat("\xaa", size)))
		}
		if r.IntN(2) == 0 {
			return protoreflect.ValueOfBytes([]byte("\xff\x00" + randomText(r)))
		}
		return protoreflect.ValueOfBytes([]byte(randomText(r)))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(r.Int32()))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(-r.Int32())
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(-r.Int64())
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(r.Uint32())
	case protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(r.Uint64())
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(r.Float64())
	}
	panic("a kind of field that OTLP did not have: " + fd.Kind().String())
}

func randomText(r *rand.Rand) string {
	words := []string{"", "a", "mail", "Grüße", "日本", "x@y.example", "session.id", "\x00"}
	var s string
	for range r.IntN(4) {
		s += words[r.IntN(len(words))]
	}
	return s + strings.Repeat("z", r.IntN(2)*r.IntN(200))
}

// scramble writes a message as an odd but valid encoder might: fields in any
// order, varints padded with zeros, unknown fields in between.
func scramble(r *rand.Rand, b []byte, md protoreflect.MessageDescriptor) []byte {
	var fields [][]byte
	for len(b) > 0 {
		number, wire, tagLen := protowire.ConsumeTag(b)
		n := tagLen + protowire.ConsumeFieldValue(number, wire, b[tagLen:])
		fd := md.Fields().ByNumber(number)
		field := padded(r, protowire.EncodeTag(number, wire))
		switch wire {
		case protowire.VarintType:
			v, _ := protowire.ConsumeVarint(b[tagLen:])
			field = append(field, padded(r, v)...)
		case protowire.BytesType:
			v, _ := protowire.ConsumeBytes(b[tagLen:])
			if fd.Kind() == protoreflect.MessageKind {
				v = scramble(r, v, fd.Message())
			}
			field = append(append(field, padded(r, uint64(len(v)))...), v...)
		default:
			field = append(field, b[tagLen:n]...)
		}
		fields = append(fields, field)
		b = b[n:]
	}
	if r.IntN(4) == 0 {
		fields = append(fields, protowire.AppendString(protowire.AppendTag(nil, 17+protowire.Number(r.IntN(1000)), protowire.BytesType), "unknown-canary"))
	}
	// The order of one repeated field carries meaning; shuffle whole fields
	// only by number.
	by := func(f []byte) protowire.Number { n, _, _ := protowire.ConsumeTag(f); return n }
	key := r.Uint64()
	slices.SortStableFunc(fields, func(x, y []byte) int {
		mix := func(n protowire.Number) int { return int((uint64(n) * (key | 1)) >> 40) }
		return mix(by(x)) - mix(by(y))
	})
	return bytes.Join(fields, nil)
}

func padded(r *rand.Rand, v uint64) []byte {
	b := protowire.AppendVarint(nil, v)
	for r.IntN(8) == 0 && len(b) < 10 {
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	return b
}

func random(seed uint64, sig otlpwire.Signal) (plain, scrambled []byte) {
	r := rand.New(rand.NewPCG(seed, uint64(sig)))
	m := newRequest(sig)
	fill(r, m.ProtoReflect(), 9)
	plain, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	return plain, scramble(r, plain, m.ProtoReflect().Descriptor())
}

func TestWalkAndSpliceAgreeWithProtobuf(t *testing.T) {
	total := 0
	for _, sig := range []otlpwire.Signal{otlpwire.Traces, otlpwire.Logs} {
		for seed := range uint64(100) {
			plain, scrambled := random(seed, sig)
			total += len(plain)
			if !compare(t, sig, plain) || !compare(t, sig, scrambled) {
				t.Fatalf("%v, seed %d: refused", sig, seed)
			}
		}
	}
	if total < 100_000 {
		t.Errorf("only %d bytes of random requests: the generator has run dry", total)
	}
}

// children returns the submessages with a field number.
func children(t *testing.T, b []byte, want uint64) (found [][]byte) {
	t.Helper()
	for len(b) > 0 {
		number, wire, tagLen := protowire.ConsumeTag(b)
		n := protowire.ConsumeFieldValue(number, wire, b[tagLen:])
		if n < 0 {
			t.Fatal("not a message")
		}
		if uint64(number) == want {
			v, _ := protowire.ConsumeBytes(b[tagLen:])
			found = append(found, v)
		}
		b = b[tagLen+n:]
	}
	return found
}
