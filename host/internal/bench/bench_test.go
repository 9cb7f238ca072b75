package bench

import (
	"bytes"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// The workloads are compared with figures that were measured on requests of
// these sizes.
func TestWorkloadSizes(t *testing.T) {
	for _, w := range []struct {
		name               string
		make               func(uint64) []byte
		spans, least, most int
	}{
		{"GenAI", GenAI, GenAISpans, 115_000, 120_000},
		{"Small", Small, SmallSpans, 42_000, 46_000},
	} {
		b := w.make(1)
		if len(b) < w.least || len(b) > w.most {
			t.Errorf("%s: %d bytes, want %d to %d", w.name, len(b), w.least, w.most)
		}
		if !bytes.Equal(b, w.make(1)) {
			t.Errorf("%s: the same seed gave other bytes", w.name)
		}
		if bytes.Equal(b, w.make(2)) {
			t.Errorf("%s: another seed gave the same bytes", w.name)
		}
		var req collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(b, &req); err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		if n := len(req.ResourceSpans[0].ScopeSpans[0].Spans); n != w.spans {
			t.Errorf("%s: %d spans, want %d", w.name, n, w.spans)
		}
	}
}
