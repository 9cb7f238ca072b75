package ingest

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/veriproof/notary/host/otlpwire"
)

// A response is an Export…ServiceResponse in both forms.
type response struct{ wire, json []byte }

// success is one without partial_success, which means full success.
var success = &response{wire: []byte{}, json: []byte("{}")}

// warnings are for senders of requests of which nothing could be read, as of JSON that went to
// the wrong path. OTLP has unknown fields ignored, so that it is a success, but one in which
// nothing was rejected may have a warning: exporters show it, and do not send again.
var warnings = map[otlpwire.Signal]*response{
	otlpwire.Traces: newResponse(&tracecollector.ExportTraceServiceResponse{PartialSuccess: &tracecollector.ExportTracePartialSuccess{ErrorMessage: "nothing is stored: the request has " +
		"no spans, and fields that are not known here: spans are wanted, in resource_spans, or resourceSpans in JSON; log records go to /v1/logs or the LogsService"}}),
	otlpwire.Logs: newResponse(&logscollector.ExportLogsServiceResponse{PartialSuccess: &logscollector.ExportLogsPartialSuccess{ErrorMessage: "nothing is stored: the request has " +
		"no log records, and fields that are not known here: log records are wanted, in resource_logs, or resourceLogs in JSON; spans go to /v1/traces or the TraceService"}}),
}

// snakeWarnings are for senders of JSON with names as protobuf has them, below the request's own: what
// they meant by such a member is lost, with the records in it, or without, say, their trace ids.
var snakeWarnings = map[otlpwire.Signal]*response{
	otlpwire.Traces: newResponse(&tracecollector.ExportTraceServiceResponse{PartialSuccess: &tracecollector.ExportTracePartialSuccess{ErrorMessage: snakeWarning}}),
	otlpwire.Logs:   newResponse(&logscollector.ExportLogsServiceResponse{PartialSuccess: &logscollector.ExportLogsPartialSuccess{ErrorMessage: snakeWarning}}),
}

const snakeWarning = "members with names in snake_case are ignored, and what is in them: OTLP in JSON has names in lowerCamelCase, such as traceId"

func newResponse(m proto.Message) *response {
	wire, _ := proto.Marshal(m) // neither fails for text of ours
	json, _ := protojson.Marshal(m)
	return &response{wire, json}
}

// response is what the sender gets, beside the positions.
func (r Receipt) response() *response {
	if r.warning != nil {
		return r.warning
	}
	return success
}
