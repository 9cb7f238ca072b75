package ingest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpwire"
)

// retryInfo returns the delay that a status asks for.
func retryInfo(err error) (time.Duration, bool) {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.RetryDelay.AsDuration(), true
		}
	}
	return 0, false
}

func TestExportReachesTheExporter(t *testing.T) {
	type call struct {
		tenant string
		sig    otlpwire.Signal
		body   []byte
	}
	calls := make(chan call, 1)
	outcomes := make(chan ingest.Outcome, 1)
	_, addr := start(t, func(_ context.Context, tenant string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
		calls <- call{tenant, sig, bytes.Clone(body)}
		return ingest.Receipt{Positions: [][]byte{{0, 1, 2}, {0xff}}}, nil
	}, func(c *ingest.Config) { c.Observe = func(o ingest.Outcome) { outcomes <- o } })
	conn := dial(t, addr)
	for _, c := range []struct {
		name, method string
		sig          otlpwire.Signal
		body         []byte
		md           []string
		tenant       string
		opts         []grpc.CallOption
	}{
		{"bearer", exportTraces, otlpwire.Traces, []byte("any bytes"), withKey(), "acme", nil},
		{"scheme in another case", exportTraces, otlpwire.Traces, []byte("x"), []string{"authorization", "bearer  " + key}, "acme", nil},
		{"x-api-key", exportTraces, otlpwire.Traces, []byte("x"), []string{"x-api-key", "another"}, "other", nil},
		{"a key's successor", exportTraces, otlpwire.Traces, []byte("x"), []string{"x-api-key", key + "-next"}, "acme", nil},
		{"logs", exportLogs, otlpwire.Logs, []byte("x"), withKey(), "acme", nil},
		{"empty", exportTraces, otlpwire.Traces, nil, withKey(), "acme", nil},
		{"genai", exportTraces, otlpwire.Traces, bench.GenAI(1), withKey(), "acme", nil},
		{"gzip", exportTraces, otlpwire.Traces, bench.GenAI(2), withKey(), "acme", []grpc.CallOption{grpc.UseCompressor(gzip.Name)}},
		{"just as large as allowed", exportTraces, otlpwire.Traces, make([]byte, ingest.DefaultMaxRequest), withKey(), "acme", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header metadata.MD
			reply, err := send(conn, c.method, c.body, c.md, append(c.opts, grpc.Header(&header))...)
			if err != nil || len(reply) != 0 {
				t.Fatalf("got %q, %v", reply, err)
			}
			if got := <-calls; got.tenant != c.tenant || got.sig != c.sig || !bytes.Equal(got.body, c.body) {
				t.Errorf("exporter was called with %s, %v, %d bytes", got.tenant, got.sig, len(got.body))
			}
			if got := header.Get(ingest.PositionHeader); len(got) != 2 || got[0] != "\x00\x01\x02" || got[1] != "\xff" {
				t.Errorf("positions %q", got)
			}
			if o := <-outcomes; o.Code != codes.OK || o.Tenant != c.tenant || o.Bytes != len(c.body) || o.Err != nil {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}

func TestNotAuthenticated(t *testing.T) {
	_, addr := start(t, func(context.Context, string, otlpwire.Signal, []byte) (ingest.Receipt, error) {
		t.Error("the exporter was called")
		return ingest.Receipt{}, nil
	})
	conn := dial(t, addr)
	for name, md := range map[string][]string{
		"no key":            nil,
		"a wrong key":       {"authorization", "Bearer canary-" + key},
		"a key cut off":     {"authorization", "Bearer " + key[:8]},
		"no scheme":         {"authorization", key},
		"another scheme":    {"authorization", "Basic " + key},
		"an empty key":      {"x-api-key", ""},
		"a scheme alone":    {"authorization", "Bearer "},
		"a long key":        {"x-api-key", strings.Repeat("k", 600)},
		"two keys":          {"x-api-key", key, "x-api-key", key},
		"two kinds of key":  {"x-api-key", key, "authorization", "Bearer " + key},
		"the hash of a key": {"x-api-key", fmt.Sprintf("%x", ingest.HashKey(key))},
	} {
		_, err := send(conn, exportTraces, []byte("x"), md)
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: got %v", name, err)
		}
		if _, retry := retryInfo(err); retry || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), key[:8]) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Each error of the notary, and what OTLP makes of it, over gRPC and over HTTP.
func TestErrorCodes(t *testing.T) {
	const secret = "jo.canary@mail.example"
	var result error
	s, addr := start(t, func(context.Context, string, otlpwire.Signal, []byte) (ingest.Receipt, error) {
		return ingest.Receipt{}, result
	})
	conn, web := dial(t, addr), overHTTP(t, s)
	cause := errors.New(secret)
	for _, c := range []struct {
		name  string
		err   error
		code  codes.Code
		retry time.Duration // 0: no RetryInfo
		text  string
		http  int
	}{
		{"invalid", ingest.Invalid("bad", cause), codes.InvalidArgument, 0, "bad", 400},
		{"too large", ingest.TooLarge("big", cause), codes.ResourceExhausted, 0, "big", 413},
		{"denied", ingest.Denied("no", cause), codes.PermissionDenied, 0, "no", 403},
		{"unavailable", ingest.Unavailable("later", 0, cause), codes.Unavailable, 0, "later", 503},
		{"unavailable, with a time", ingest.Unavailable("later", 3*time.Second, cause), codes.Unavailable, 3 * time.Second, "later", 503},
		{"exhausted", ingest.Exhausted("full", 2*time.Second, cause), codes.ResourceExhausted, 2 * time.Second, "full", 429},
		{"exhausted, without a time", ingest.Exhausted("full", 0, cause), codes.ResourceExhausted, time.Millisecond, "full", 429},
		{"no retry for what is not retryable", &ingest.Error{Code: codes.InvalidArgument, Reason: "bad", RetryAfter: time.Second}, codes.InvalidArgument, 0, "bad", 400},
		{"an error that says OK", &ingest.Error{Reason: secret}, codes.Unavailable, 0, "send it again", 503},
		{"wrapped", fmt.Errorf("%s: %w", secret, ingest.Invalid("bad", nil)), codes.InvalidArgument, 0, "bad", 400},
		{"aborted", &ingest.Error{Code: codes.Aborted, Reason: "race"}, codes.Aborted, 0, "race", 503},
		{"unimplemented", &ingest.Error{Code: codes.Unimplemented, Reason: "none"}, codes.Unimplemented, 0, "none", 404},
		{"unauthenticated", &ingest.Error{Code: codes.Unauthenticated, Reason: "who"}, codes.Unauthenticated, 0, "who", 401},
		{"internal", &ingest.Error{Code: codes.Internal, Reason: "bug"}, codes.Internal, 0, "bug", 500},
		{"malformed", fmt.Errorf("%s: %w", secret, &otlpwire.Error{Err: otlpwire.ErrGroup, Place: "span", Offset: 7}), codes.InvalidArgument, 0, "group wire type", 400},
		{"over a limit", &otlpwire.Error{Err: otlpwire.ErrTooMany, Place: "span"}, codes.ResourceExhausted, 0, "more elements", 413},
		{"the sender is gone", fmt.Errorf("%s: %w", secret, context.Canceled), codes.Canceled, 0, "outcome is unknown", 503},
		{"the time is over", fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), codes.DeadlineExceeded, 0, "outcome is unknown", 504},
		{"a status of something inside", status.Error(codes.NotFound, secret), codes.Unavailable, 0, "send it again", 503},
		{"anything else", cause, codes.Unavailable, 0, "send it again", 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			result = c.err
			_, err := send(conn, exportTraces, []byte("x"), withKey())
			delay, retry := retryInfo(err)
			if status.Code(err) != c.code || retry != (c.retry > 0) || delay != c.retry {
				t.Errorf("got %v with RetryInfo %v %v, want %v %v", err, retry, delay, c.code, c.retry)
			}
			if !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "canary") {
				t.Errorf("text is %q, want %q", err, c.text)
			}
			for _, media := range []string{"application/x-protobuf", "application/json"} {
				body := map[string]string{"application/json": "{}"}[media]
				a := web.post(t, "/v1/traces", []byte(body), "Content-Type", media, "X-Api-Key", key)
				overHTTP, detailed := a.status(t)
				after := ""
				if c.retry > 0 {
					after = fmt.Sprint(int(math.Ceil(c.retry.Seconds())))
				}
				if a.code != c.http || a.header.Get("Retry-After") != after || detailed != c.retry || a.header.Get("Content-Type") != media {
					t.Errorf("over HTTP: %d, Retry-After %q, RetryInfo %v, %s", a.code, a.header.Get("Retry-After"), detailed, a.header.Get("Content-Type"))
				}
				if overHTTP.Code() != c.code || overHTTP.Message() != status.Convert(err).Message() {
					t.Errorf("over HTTP: %v, over gRPC: %v", overHTTP, err)
				}
				// What OTLP lets a client send again over HTTP it sends again over gRPC.
				again := a.code == 429 || a.code == 502 || a.code == 503 || a.code == 504
				if e := (&ingest.Error{Code: c.code, RetryAfter: c.retry}); e.Retry() != again {
					t.Errorf("%d is retryable: %v, %v is: %v", a.code, again, c.code, e.Retry())
				}
			}
		})
	}
}

// Retry agrees with the table of the OTLP specification.
func TestRetryable(t *testing.T) {
	retryable := []codes.Code{codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		want := false
		for _, r := range retryable {
			want = want || r == code
		}
		if got := (&ingest.Error{Code: code}).Retry(); got != want {
			t.Errorf("%v: %v", code, got)
		}
	}
	if !(&ingest.Error{Code: codes.ResourceExhausted, RetryAfter: 1}).Retry() {
		t.Error("RESOURCE_EXHAUSTED with a time is retryable")
	}
}

func TestBadRequests(t *testing.T) {
	_, addr := start(t, walks)
	conn := dial(t, addr)
	valid := bench.Small(1)
	for _, c := range []struct {
		name   string
		method string
		body   []byte
		code   codes.Code
		text   string
		opts   []grpc.CallOption
	}{
		{"truncated protobuf", exportTraces, valid[:len(valid)-5], codes.InvalidArgument, "length prefix", nil},
		{"a 1 GB claim in a length prefix", exportTraces, []byte{0x0a, 0x80, 0x80, 0x80, 0x80, 0x04, 'x'}, codes.InvalidArgument, "length prefix", nil},
		{"text", exportTraces, []byte("jo.canary@mail.example"), codes.InvalidArgument, "otlp traces", nil},
		{"JSON", exportTraces, []byte(`{"resourceSpans":[]}`), codes.InvalidArgument, "send content-type application/json", nil},
		{"a byte too large", exportTraces, make([]byte, ingest.DefaultMaxRequest+1), codes.ResourceExhausted, "", nil},
		{"too large once decompressed", exportTraces, make([]byte, ingest.DefaultMaxRequest+1), codes.ResourceExhausted, "", []grpc.CallOption{grpc.UseCompressor(gzip.Name)}},
		{"a bomb of empty spans", exportTraces, bomb(), codes.ResourceExhausted, "more elements", []grpc.CallOption{grpc.UseCompressor(gzip.Name)}},
		{"metrics", exportMetrics, nil, codes.Unimplemented, "not metrics", nil},
		{"another method", "/opentelemetry.proto.collector.trace.v1.TraceService/Import", nil, codes.Unimplemented, "no such method", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := send(conn, c.method, c.body, withKey(), c.opts...)
			if status.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %v, %q", err, c.code, c.text)
			}
			if _, retry := retryInfo(err); retry || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := send(conn, exportTraces, valid, withKey()); err != nil {
		t.Errorf("a good request after all the bad ones: %v", err)
	}
}

// bomb is half a million empty spans: 1 MiB, and 1 KB of gzip.
func bomb() []byte {
	field := func(number byte, payload []byte) []byte {
		head := []byte{number<<3 | 2}
		n := uint64(len(payload))
		for ; n >= 0x80; n >>= 7 {
			head = append(head, byte(n)|0x80)
		}
		return append(append(head, byte(n)), payload...)
	}
	return field(1, field(2, bytes.Repeat([]byte{0x12, 0}, 1<<19)))
}

// The generated client understands the answer: an empty message is full success.
func TestGeneratedClient(t *testing.T) {
	_, addr := start(t, walks)
	var req collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(bench.Small(1), &req); err != nil {
		t.Fatal(err)
	}
	ctx := metadata.NewOutgoingContext(t.Context(), metadata.Pairs(withKey()...))
	reply, err := typed(dial(t, addr)).Export(ctx, &req)
	if err != nil || reply.PartialSuccess != nil {
		t.Errorf("got %v, %v", reply, err)
	}
}

// Positions that do not fit a response header are left out from the front.
func TestManyPositions(t *testing.T) {
	var all [][]byte
	for i := range 100 {
		all = append(all, bytes.Repeat([]byte{byte(i)}, 100))
	}
	_, addr := start(t, func(context.Context, string, otlpwire.Signal, []byte) (ingest.Receipt, error) {
		return ingest.Receipt{Positions: all}, nil
	})
	var header metadata.MD
	if _, err := send(dial(t, addr), exportTraces, nil, withKey(), grpc.Header(&header)); err != nil {
		t.Fatal(err)
	}
	got := header.Get(ingest.PositionHeader)
	if len(got) != 40 || got[39] != string(all[99]) || got[0] != string(all[60]) {
		t.Errorf("%d positions", len(got))
	}
}

func TestConfigIsChecked(t *testing.T) {
	cert, _ := certificate()
	good := ingest.Config{Certificate: cert, Exporter: exporterFunc(walks), Senders: ingest.Senders{Keys: []ingest.Key{{Tenant: "a", Hash: ingest.HashKey("k")}}}}
	s, err := ingest.New(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*ingest.Config){
		"no TLS certificate": func(c *ingest.Config) { c.Certificate.Certificate = nil },
		"no exporter":        func(c *ingest.Config) { c.Exporter = nil },
		"no API keys":        func(c *ingest.Config) { c.Senders.Keys = nil },
		"has no tenant":      func(c *ingest.Config) { c.Senders.Keys = []ingest.Key{{Hash: ingest.HashKey("k")}} },
		"has the hash of": func(c *ingest.Config) {
			c.Senders.Keys = append(c.Senders.Keys, ingest.Key{Tenant: "b", Hash: c.Senders.Keys[0].Hash})
		},
		"no authority": func(c *ingest.Config) { c.Senders.Certificates = []ingest.Name{{Tenant: "a", Name: "n"}} },
		"certificate 1 has the name": func(c *ingest.Config) {
			c.Senders.ClientCAs = x509.NewCertPool()
			c.Senders.Certificates = []ingest.Name{{Tenant: "a", Name: "n"}, {Tenant: "b", Name: "n"}}
		},
		"tokens need":       func(c *ingest.Config) { c.Senders.Tokens = &ingest.Tokens{Issuer: "i"} },
		"leave no room for": func(c *ingest.Config) { c.MaxInFlight = 1 << 20 },
	} {
		c := good
		spoil(&c)
		if _, err := ingest.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// The stored form of a key is part of the configuration format.
func TestHashKeyVector(t *testing.T) {
	const want = "52c43706256d194f7ba924caf3a686bb1c2bd06af05d03376f6007a53884b039"
	if got := fmt.Sprintf("%x", ingest.HashKey("test-key-0123456789abcdef")); got != want {
		t.Errorf("got %s", got)
	}
}
