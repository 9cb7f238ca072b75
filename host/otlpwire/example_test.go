package otlpwire_test

import (
	"bytes"
	"fmt"

	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/otlpwire"
)

// Mask an e-mail address wherever it stands in a request.
func Example() {
	body, err := proto.Marshal(&tracecollector.ExportTraceServiceRequest{
		ResourceSpans: []*trace.ResourceSpans{{ScopeSpans: []*trace.ScopeSpans{{Spans: []*trace.Span{{
			Name:       "chat with jo@mail.example",
			Attributes: attrs{textAttr("session.id", "s-1"), textAttr("gen_ai.input.messages", "I am jo@mail.example.")},
		}}}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	req, err := otlpwire.Walk(body, otlpwire.Traces, otlpwire.Limits{})
	if err != nil {
		fmt.Println(err) // names the place and the reason, never the content
		return
	}
	var edits []otlpwire.Edit
	for i, text := range req.Texts {
		if at := bytes.Index(req.Text(text), []byte("jo@mail.example")); at >= 0 {
			fmt.Printf("%s %q\n", text.Place, req.Key(text))
			edits = append(edits, otlpwire.Edit{Text: i, Start: at, End: at + 15, Replacement: "[EMAIL]"})
		}
	}
	redacted, err := req.Splice(edits)
	if err != nil {
		fmt.Println(err)
		return
	}
	var span trace.Span
	if err := proto.Unmarshal(redacted.Records[0].Bytes, &span); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("session %s: %s; %s\n", req.SessionID(0), span.Name, span.Attributes[1].Value.GetStringValue())
	// Output:
	// span.name ""
	// span.attributes.value "gen_ai.input.messages"
	// session s-1: chat with [EMAIL]; I am [EMAIL].
}
