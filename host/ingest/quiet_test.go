package ingest_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	metricscollector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/veriproof/notary/host/ingest"
)

// An answering server answers the first request of metrics after it was told to in some way, and
// what comes then with success.
type answering struct {
	metricscollector.UnimplementedMetricsServiceServer
	next atomic.Pointer[answer]
}

// An answer is one over gRPC and over HTTP.
type answer struct {
	name   string
	reply  *metricscollector.ExportMetricsServiceResponse
	err    error
	http   func(http.ResponseWriter)
	quiet  bool // is nothing reported of it?
	resent bool // is the request sent again?
}

// Export implements metricscollector.MetricsServiceServer.
func (s *answering) Export(context.Context, *metricscollector.ExportMetricsServiceRequest) (*metricscollector.ExportMetricsServiceResponse, error) {
	if a := s.next.Swap(nil); a != nil {
		return a.reply, a.err
	}
	return new(metricscollector.ExportMetricsServiceResponse), nil
}

// ServeHTTP implements http.Handler.
func (s *answering) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if a := s.next.Swap(nil); a != nil {
		a.http(w)
	}
}

// serve returns the addresses for gRPC and HTTP.
func (s *answering) serve(t *testing.T) (rpc, web string) {
	t.Helper()
	cert, _ := certificate()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&cert)))
	metricscollector.RegisterMetricsServiceServer(g, s)
	go g.Serve(l)
	t.Cleanup(g.Stop)
	h := httptest.NewUnstartedServer(s)
	h.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	h.StartTLS()
	t.Cleanup(h.Close)
	return l.Addr().String(), h.Listener.Addr().String()
}

// TestNoQuieterAnswerThanUnimplemented: of all answers to metrics, the stock exporters of the Go SDK
// pass over in silence only those that say, or by which they believe, that all was taken. Of the
// others they report each, at each collection, if they do not send it again first: it could not be
// quieter than what the notary answers. If an SDK some day is quieter about one this fails.
func TestNoQuieterAnswerThanUnimplemented(t *testing.T) {
	for protocol, all := range map[string][]answer{byRPC: rpcAnswers(), byHTTP1: webAnswers()} {
		t.Run(protocol, func(t *testing.T) {
			server := new(answering)
			rpc, web := server.serve(t)
			from := newSender(t, protocol, rpc, web)
			provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(from.metrics, sdkmetric.WithInterval(time.Hour))))
			calls, err := provider.Meter("test").Int64Counter("calls")
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range all {
				server.next.Store(&a)
				before := from.sent.Load()
				calls.Add(t.Context(), 1)
				err := provider.ForceFlush(t.Context()) // what the error handler gets of a collection by time
				sent := from.sent.Load() - before
				if resent := sent > 1; resent != a.resent || sent > 2 {
					t.Errorf("%s: sent %d times", a.name, sent)
				}
				if quiet := sent == 1 && err == nil; quiet != a.quiet {
					t.Errorf("%s: reported %v", a.name, err)
				}
			}
			if err := provider.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// partial returns answers that say how many data points of one were rejected, and why.
func partial() map[string]*metricscollector.ExportMetricsServiceResponse {
	of := func(rejected int64, why string) *metricscollector.ExportMetricsServiceResponse {
		return &metricscollector.ExportMetricsServiceResponse{PartialSuccess: &metricscollector.ExportMetricsPartialSuccess{RejectedDataPoints: rejected, ErrorMessage: why}}
	}
	return map[string]*metricscollector.ExportMetricsServiceResponse{
		"success": {}, "empty partial success": of(0, ""), "a warning": of(0, "none is stored"), "rejected": of(1, "none is stored"), "rejected without a word": of(1, ""),
	}
}

// taken reports whether an answer says that all was taken, and nothing else.
func taken(a *metricscollector.ExportMetricsServiceResponse) bool {
	return a.GetPartialSuccess().GetRejectedDataPoints() == 0 && a.GetPartialSuccess().GetErrorMessage() == ""
}

// rpcAnswers are all codes, with and without a text and RetryInfo.
func rpcAnswers() (all []answer) {
	for name, reply := range partial() {
		all = append(all, answer{name: name, reply: reply, quiet: taken(reply)})
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		for _, text := range []string{"", "not metrics"} {
			for _, after := range []time.Duration{0, time.Millisecond} {
				s := status.New(code, text)
				if after > 0 {
					s, _ = s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)}) // no error, but for OK
				}
				all = append(all, answer{name: fmt.Sprintf("%v %q after %v", code, text, after), err: s.Err(), resent: (&ingest.Error{Code: code, RetryAfter: after}).Retry()})
			}
		}
	}
	return all
}

// webAnswers are all final statuses, without a body, and what else a 200 may say. What is not in the
// content type of the request is not read.
func webAnswers() (all []answer) {
	for name, reply := range partial() {
		b, _ := proto.Marshal(reply) // no error for text of ours
		for _, media := range []string{"application/x-protobuf", "text/plain"} {
			all = append(all, answer{name: name + " as " + media, quiet: taken(reply) || media == "text/plain", http: func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", media)
				w.Write(b)
			}})
		}
	}
	for code := 200; code < 600; code++ {
		again := code == http.StatusTooManyRequests || code == http.StatusBadGateway || code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout
		all = append(all, answer{name: fmt.Sprint(code), quiet: code < 300, resent: again, http: func(w http.ResponseWriter) { w.WriteHeader(code) }})
	}
	return append(all, answer{name: "hanging up", http: func(http.ResponseWriter) { panic(http.ErrAbortHandler) }})
}
