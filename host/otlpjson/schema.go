package otlpjson

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/veriproof/notary/host/otlpwire"
)

// A message is what is known of one message type. It is made of the descriptors, so
// that no field can be forgotten.
type message struct {
	name   string
	fields map[string]*field // by JSON name
	snake  map[string]bool   // the names that fields have in protobuf, and not in JSON
}

type field struct {
	kind     protoreflect.Kind
	number   uint8
	tag      uint64
	list     bool
	presence bool // the default value is written, too: a member of a oneof
	signed   bool
	size     int  // of an identifier in bytes, of an integer in bits
	id       bool // in hexadecimal
	sub      *message
}

// maxName is the length of the longest JSON name.
const maxName = 32

// Wire types by kind.
var wireTypes = map[protoreflect.Kind]uint64{
	protoreflect.BoolKind: 0, protoreflect.EnumKind: 0, protoreflect.Int64Kind: 0, protoreflect.Int32Kind: 0, protoreflect.Uint32Kind: 0,
	protoreflect.Fixed64Kind: 1, protoreflect.DoubleKind: 1, protoreflect.Fixed32Kind: 5,
	protoreflect.StringKind: 2, protoreflect.BytesKind: 2, protoreflect.MessageKind: 2,
}

var roots = func() map[otlpwire.Signal]*message {
	known := map[protoreflect.FullName]*message{}
	return map[otlpwire.Signal]*message{
		otlpwire.Traces: newMessage(known, (*tracecollector.ExportTraceServiceRequest)(nil).ProtoReflect().Descriptor()),
		otlpwire.Logs:   newMessage(known, (*logscollector.ExportLogsServiceRequest)(nil).ProtoReflect().Descriptor()),
	}
}()

func newMessage(known map[protoreflect.FullName]*message, d protoreflect.MessageDescriptor) *message {
	if m := known[d.FullName()]; m != nil {
		return m
	}
	m := &message{name: string(d.Name()), fields: map[string]*field{}, snake: map[string]bool{}}
	known[d.FullName()] = m
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		f := newField(fd)
		if fd.Message() != nil {
			f.sub = newMessage(known, fd.Message())
		}
		m.fields[fd.JSONName()] = f
		if fd.JSONName() != string(fd.Name()) {
			m.snake[string(fd.Name())] = true
		}
	}
	return m
}

func newField(fd protoreflect.FieldDescriptor) *field {
	f := &field{
		kind: fd.Kind(), number: uint8(fd.Number()), list: fd.IsList(), presence: fd.HasPresence(),
		tag: uint64(fd.Number())<<3 | wireTypes[fd.Kind()],
	}
	switch fd.Kind() {
	case protoreflect.Int64Kind:
		f.signed, f.size = true, 64
	case protoreflect.Int32Kind, protoreflect.EnumKind:
		f.signed, f.size = true, 32
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		f.size = 32
	case protoreflect.Fixed64Kind:
		f.size = 64
	}
	switch fd.Name() {
	case "trace_id":
		f.id, f.size = true, 16
	case "span_id", "parent_span_id":
		f.id, f.size = true, 8
	}
	return f
}
