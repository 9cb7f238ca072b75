package session_test

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A denier masks texts whole by where they stand, as redact-fields does, whatever is in them.
type denier struct {
	denies func(*pluginhost.Field) bool
	action pluginhost.Action
}

func (d denier) Redact(_ context.Context, fields []pluginhost.Field) (edits []pluginhost.Edit, err error) {
	for i := range fields {
		if f := &fields[i]; len(f.Text) > 0 && d.denies(f) {
			edits = append(edits, pluginhost.Edit{Field: i, End: len(f.Text), Label: "FIELD", Plugin: "denier", Action: d.action, Value: string(f.Text)})
		}
	}
	return edits, nil
}

// TestSessionNameIsRedactedAsItsAttribute: what a redactor knows by its key or role, and not by
// what is in it, is not stored as the name of the session that it is.
func TestSessionNameIsRedactedAsItsAttribute(t *testing.T) {
	byKey := func(f *pluginhost.Field) bool { return string(f.Key) == "enduser.id" }
	byRole := func(f *pluginhost.Field) bool { return f.Role == abi.RoleResource }
	for _, c := range []struct {
		name       string
		ofResource bool
		denier     denier
		mode, want string
	}{
		{"masked by key", false, denier{byKey, pluginhost.Mask}, "enforce", "[FIELD]"},
		{"dropped by key", false, denier{byKey, pluginhost.DropField}, "enforce", ""},
		{"masked by key in a resource", true, denier{byKey, pluginhost.Mask}, "enforce", "[FIELD]"},
		{"masked by role", true, denier{byRole, pluginhost.Mask}, "enforce", "[FIELD]"},
		{"not masked", false, denier{byRole, pluginhost.Mask}, "enforce", "bob"},
		{"shadow mode", false, denier{byKey, pluginhost.Mask}, "shadow", "bob"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.tune = func(o *session.Options) {
				o.Redactor, o.Origin.Mode, o.Walk.SessionKeys = c.denier, c.mode, []string{"enduser.id"}
			}
			n := w.start()
			s, r := span("chat"), &resource.Resource{}
			if id := text("enduser.id", "bob"); c.ofResource {
				r.Attributes = []*common.KeyValue{id}
			} else {
				s.Attributes = []*common.KeyValue{id}
			}
			b, err := proto.Marshal(&tracecollector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
				Resource: r, ScopeSpans: []*trace.ScopeSpans{{Spans: []*trace.Span{s}}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			export(t, n, b)
			w.close(n)
			if got := string(w.opened()[0].Session); got != c.want {
				t.Errorf("the session is stored as %q, want %q", got, c.want)
			}
		})
	}
}
