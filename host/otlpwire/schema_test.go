package otlpwire

import (
	"testing"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The schema is the descriptors', field by field, no more and no less: a field
// that it lacks would be dropped without anybody having decided so.
func TestSchemaIsThatOfTheDescriptors(t *testing.T) {
	seen := map[*message]bool{}
	agree(t, seen, schemas.traces, new(tracecollector.ExportTraceServiceRequest).ProtoReflect().Descriptor())
	agree(t, seen, schemas.logs, new(logscollector.ExportLogsServiceRequest).ProtoReflect().Descriptor())
	if len(schemas.places) > 255 {
		t.Error("places do not fit their type")
	}
}

func agree(t *testing.T, seen map[*message]bool, m *message, md protoreflect.MessageDescriptor) {
	if seen[m] {
		return
	}
	seen[m] = true
	if n := md.Oneofs().Len(); (n == 1) != m.oneof || n > 1 {
		t.Errorf("%s: %d oneofs", md.FullName(), n)
	}
	if m.pair != (md.Name() == "KeyValue") {
		t.Errorf("%s: pair is %v", md.FullName(), m.pair)
	}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if int(fd.Number()) >= len(m.fields) {
			t.Errorf("%s is not in the schema", fd.FullName())
			continue
		}
		agreeField(t, seen, &m.fields[fd.Number()], fd)
	}
	for n, f := range m.fields {
		if f.kind != unknown && md.Fields().ByNumber(protoreflect.FieldNumber(n)) == nil {
			t.Errorf("%s has no field %d", md.FullName(), n)
		}
		if f.kind != unknown && int(f.number) != n {
			t.Errorf("%s: field %d says it is %d", md.FullName(), n, f.number)
		}
	}
}

func agreeField(t *testing.T, seen map[*message]bool, f *field, fd protoreflect.FieldDescriptor) {
	want := map[protoreflect.Kind]kind{
		protoreflect.StringKind: text, protoreflect.BytesKind: blob, protoreflect.MessageKind: nested,
		protoreflect.Fixed64Kind: fixed64, protoreflect.DoubleKind: fixed64, protoreflect.Fixed32Kind: fixed32,
		protoreflect.BoolKind: varint, protoreflect.Int64Kind: varint, protoreflect.Int32Kind: varint,
		protoreflect.Uint32Kind: varint, protoreflect.EnumKind: varint,
	}[fd.Kind()]
	switch fd.Name() {
	case "trace_id":
		want = traceID
	case "span_id", "parent_span_id":
		want = spanID
	}
	if f.kind != want || f.repeated != fd.IsList() {
		t.Errorf("%s: kind %d repeated %v in the schema, want %d %v", fd.FullName(), f.kind, f.repeated, want, fd.IsList())
	}
	wires := map[kind]byte{varint: wireVarint, fixed64: wireFixed64, fixed32: wireFixed32}
	wire, ok := wires[want]
	if !ok {
		wire = wireBytes
	}
	if f.wire != wire {
		t.Errorf("%s: wire type %d, want %d", fd.FullName(), f.wire, wire)
	}
	if (f.kind == text || f.kind == blob) != (f.place != 0) {
		t.Errorf("%s: place %q", fd.FullName(), f.place)
	}
	if f.sub != nil && fd.Message() != nil {
		agree(t, seen, f.sub, fd.Message())
	}
}
