package otlpwire_test

import (
	"bytes"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/veriproof/notary/host/otlpwire"
)

// A planter fills messages with a canary of its own in every string and bytes
// field that reflection finds.
type planter struct{ canaries []string }

func (p *planter) next(fd protoreflect.FieldDescriptor) string {
	c := fmt.Sprintf("<canary %04d %s>", len(p.canaries), fd.FullName())
	p.canaries = append(p.canaries, c)
	return c
}

// variants returns messages that have, taken together, every field of md set at
// least once. Lists hold all variants of their element; a singular field, or
// one of a oneof, needs a message of its own for each.
func (p *planter) variants(md func() protoreflect.Message, depth int) []protoreflect.Message {
	first := md()
	var all []protoreflect.Message
	fields := first.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Kind() == protoreflect.MessageKind && depth == 0 {
			continue
		}
		values := p.values(first, fd, depth)
		switch {
		case fd.IsList():
			for _, v := range values {
				first.Mutable(fd).List().Append(v)
			}
		case fd.ContainingOneof() != nil:
			for _, v := range values {
				m := md()
				m.Set(fd, v)
				all = append(all, m)
			}
		default:
			first.Set(fd, values[0])
			for _, v := range values[1:] {
				m := md()
				m.Set(fd, v)
				all = append(all, m)
			}
		}
	}
	return append([]protoreflect.Message{first}, all...)
}

func (p *planter) values(m protoreflect.Message, fd protoreflect.FieldDescriptor, depth int) []protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return []protoreflect.Value{protoreflect.ValueOfString(p.next(fd))}
	case protoreflect.BytesKind:
		if isID(fd) {
			return []protoreflect.Value{protoreflect.ValueOfBytes([]byte(id16)[:idSize(fd)])}
		}
		return []protoreflect.Value{protoreflect.ValueOfBytes([]byte(p.next(fd)))}
	case protoreflect.MessageKind:
		var values []protoreflect.Value
		child := func() protoreflect.Message {
			if fd.IsList() {
				return m.NewField(fd).List().NewElement().Message()
			}
			return m.NewField(fd).Message()
		}
		for _, v := range p.variants(child, depth-1) {
			values = append(values, protoreflect.ValueOfMessage(v))
		}
		return values
	}
	return []protoreflect.Value{fd.Default()}
}

func idSize(fd protoreflect.FieldDescriptor) int {
	if fd.Name() == "trace_id" {
		return 16
	}
	return 8
}

func plant(t *testing.T, sig otlpwire.Signal) ([]byte, []string) {
	t.Helper()
	var p planter
	all := newRequest(sig)
	for _, m := range p.variants(newRequest(sig).ProtoReflect().New, 12) {
		proto.Merge(all, m.Interface())
	}
	b, err := proto.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b, p.canaries
}

// Every string and bytes field of the OTLP descriptors is a text: whoever
// updates the proto module and forgets the schema here is stopped.
func TestEveryTextIsFound(t *testing.T) {
	for _, sig := range []otlpwire.Signal{otlpwire.Traces, otlpwire.Logs} {
		buf, canaries := plant(t, sig)
		req, err := otlpwire.Walk(buf, sig, otlpwire.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		covered := map[int]otlpwire.Text{}
		for _, text := range req.Texts {
			covered[int(text.Start)] = text
		}
		for _, c := range canaries {
			at := bytes.Index(buf, []byte(c))
			if text, ok := covered[at]; at < 0 || !ok || string(req.Text(text)) != c {
				t.Errorf("%v: no text covers %s", sig, c)
			}
		}
		if len(req.Texts) != len(canaries) {
			t.Errorf("%v: %d texts for %d canaries", sig, len(req.Texts), len(canaries))
		}
	}
}

// Masking every text leaves nothing of any of them.
func TestNoTextSurvives(t *testing.T) {
	for _, sig := range []otlpwire.Signal{otlpwire.Traces, otlpwire.Logs} {
		buf, _ := plant(t, sig)
		req, err := otlpwire.Walk(buf, sig, otlpwire.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var edits []otlpwire.Edit
		for i, text := range req.Texts {
			edits = append(edits, otlpwire.Edit{Text: i, End: len(req.Text(text)), Replacement: "[X]"})
		}
		d, err := req.Splice(edits)
		if err != nil {
			t.Fatal(err)
		}
		out := bytes.Join(append(d.Resources, d.Scopes...), nil)
		for _, rec := range d.Records {
			out = append(out, rec.Bytes...)
		}
		if bytes.Contains(out, []byte("canary")) {
			t.Errorf("%v: text survived", sig)
		}
		assemble(t, sig, req, d)
	}
}
