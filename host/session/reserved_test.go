package session_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/session"
)

// TestWhatRedactionMakesIsReserved: what a request becomes by redaction is taken from the budget
// before it is made: copies of a context that gets tokens, one for each session, and the edits
// of a context in the list of each of its records.
func TestWhatRedactionMakesIsReserved(t *testing.T) {
	one := func(i int) []byte { return nil }
	each := func(i int) []byte { return fmt.Appendf(nil, "%016d", i) }
	for _, c := range []struct {
		name     string
		action   pluginhost.Action
		resource string
		spans    int
		session  func(i int) []byte
	}{
		{"tokens of many sessions", pluginhost.Token, secret + strings.Repeat("x", 1<<20-100), 50, each},
		{"edits of many records", pluginhost.Mask, strings.Repeat(secret+" ", 4000), 80, one},
	} {
		t.Run(c.name, func(t *testing.T) {
			spans := make([]*trace.Span, c.spans)
			for i := range spans {
				spans[i] = &trace.Span{TraceId: c.session(i), StartTimeUnixNano: uint64(i + 1)}
			}
			body, err := proto.Marshal(&v1.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
				Resource: &resource.Resource{Attributes: []*common.KeyValue{text("k", c.resource)}}, ScopeSpans: []*trace.ScopeSpans{{Spans: spans}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			const budget = 12 << 20
			full := errors.New("full")
			w := newWorld(t)
			w.redactor.action = c.action
			w.tune = func(o *session.Options) {
				o.Reserve = func(_ context.Context, bytes int64) error {
					if bytes > budget {
						return full
					}
					return nil
				}
			}
			n := w.start()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = n.Export(t.Context(), "acme", otlpwire.Traces, body)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, full) || n.Stats().Records != 0 {
				t.Errorf("export: %v, %d records", err, n.Stats().Records)
			}
			if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 2*budget>>20 {
				t.Errorf("a request of %d bytes allocated %d MiB of a budget of %d", len(body), got, budget>>20)
			}
		})
	}
}
