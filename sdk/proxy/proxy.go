// Package proxy is for exporters that know nothing of attestation: a local OTLP
// endpoint, gRPC and HTTP, that passes what it gets to a notary through a gate
// (package attested), and to nobody else.
//
// # What it promises
//
// A request is answered when the notary has answered it, with the notary's answer,
// its codes and its headers. So the proxy acknowledges nothing by itself, and has
// nothing to lose: what waits is held by the exporters, which come again as OTLP says. It keeps
// nothing on disk. A gate that is shut is answered as "unavailable", which
// exporters retry; nothing has left then.
//
// # Bounds
//
// At most [Options.Requests] requests of [MaxRequest] bytes are under way; more are
// refused, in a way that exporters retry, before they are read. A larger one is refused in
// a way that they do not.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // exporters compress
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/lograte"
)

// Bounds.
const (
	// MaxRequest is the greatest size of a request in bytes, as it is sent; over gRPC
	// unpacked, too.
	MaxRequest = 16 << 20
	// DefaultRequests is how many requests are under way at a time.
	DefaultRequests = 64
	// again is when a refused exporter shall come again.
	again = time.Second
	// grace is how long requests under way may take when the proxy ends.
	grace = 10 * time.Second
	// headTime is how long a connection may take until it has begun: the end waits for it.
	headTime = 10 * time.Second
)

// quiet is how long failures that are alike are counted before they are told again.
const quiet = time.Minute

// services are the gRPC services that are passed on.
const services = "/opentelemetry.proto.collector."

// Options of a proxy. Gate and one of GRPC and HTTP are required.
type Options struct {
	Gate *attested.Gate
	// GRPC and HTTP are host:port of the notary's OTLP listeners.
	GRPC, HTTP string
	// APIKey is what the notary knows the sender by. If it is set, what exporters
	// say about themselves is dropped; if not, it is passed on.
	APIKey string
	// Requests bounds how many are under way; 0 means [DefaultRequests].
	Requests int
	// Logger hears of a gate that is shut, and no more of a request than that; of
	// failures that are alike at once, and then each minute how many there were. nil is
	// silent.
	Logger *slog.Logger
}

// A Proxy serves exporters on this machine.
type Proxy struct {
	o     Options
	turns chan struct{}
	conn  *grpc.ClientConn
	grpc  *grpc.Server
	http  *http.Server
}

// New makes a proxy, which does not connect before the first request.
func New(o Options) (*Proxy, error) {
	if o.Gate == nil || o.GRPC == "" && o.HTTP == "" {
		return nil, errors.New("proxy: want a gate, and an address of a notary's OTLP listener")
	}
	for _, address := range []string{o.GRPC, o.HTTP} {
		if _, port, err := net.SplitHostPort(address); address != "" && (err != nil || port == "" || strings.Contains(port, "/")) {
			return nil, fmt.Errorf("proxy: %.100q is not HOST:PORT of a notary's OTLP listener, such as notary.example.org:4318", address)
		}
	}
	if o.Requests == 0 {
		o.Requests = DefaultRequests
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = slog.New(lograte.New(o.Logger.Handler(), quiet))
	p := &Proxy{o: o, turns: make(chan struct{}, o.Requests)}
	if o.GRPC != "" {
		dial := append(o.Gate.DialOptions(), grpc.WithDefaultCallOptions(
			grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(MaxRequest), grpc.MaxCallSendMsgSize(MaxRequest)))
		if o.APIKey != "" {
			dial = append(dial, grpc.WithPerRPCCredentials(attested.APIKey(o.APIKey)))
		}
		var err error
		if p.conn, err = grpc.NewClient(o.GRPC, dial...); err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		p.grpc = grpc.NewServer(grpc.Creds(newPlain()), grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(p.pass),
			grpc.MaxRecvMsgSize(MaxRequest), grpc.InTapHandle(p.admit), grpc.ConnectionTimeout(headTime))
	}
	if o.HTTP != "" {
		p.http = &http.Server{Handler: p.handler(), ReadHeaderTimeout: headTime, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	}
	return p, nil
}

// Serve serves exporters on the listeners, of which one may be nil, until the context
// ends, and then until what is under way has ended. It closes the listeners.
func (p *Proxy) Serve(ctx context.Context, overGRPC, overHTTP net.Listener) error {
	errs := make(chan error, 2)
	n := 0
	if overGRPC != nil && p.grpc != nil {
		n++
		go func() { errs <- p.grpc.Serve(overGRPC) }()
	}
	if overHTTP != nil && p.http != nil {
		n++
		go func() {
			err := p.http.Serve(overHTTP)
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			}
			errs <- err
		}()
	}
	if n == 0 {
		return errors.New("proxy: nothing to serve")
	}
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-errs:
		n--
	}
	p.stop(context.WithoutCancel(ctx))
	for ; n > 0; n-- {
		failed = errors.Join(failed, <-errs)
	}
	return failed
}

func (p *Proxy) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if p.grpc != nil {
		cut := context.AfterFunc(ctx, p.grpc.Stop)
		p.grpc.GracefulStop()
		cut()
	}
	if p.http != nil && p.http.Shutdown(ctx) != nil {
		p.http.Close()
	}
	if p.conn != nil {
		p.conn.Close()
	}
}

// admit refuses a call before its message is read.
func (p *Proxy) admit(ctx context.Context, info *tap.Info) (context.Context, error) {
	if !strings.HasPrefix(info.FullMethodName, services) {
		return nil, status.Errorf(codes.Unimplemented, "this is a proxy for OTLP")
	}
	return ctx, nil
}

// busy is what is answered to one too many.
func busy() error {
	s := status.New(codes.ResourceExhausted, "too many requests are under way")
	if d, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(again)}); err == nil {
		s = d
	}
	return s.Err()
}

// pass hands one call on, byte for byte.
func (p *Proxy) pass(_ any, stream grpc.ServerStream) error {
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	default:
		return busy()
	}
	method, _ := grpc.MethodFromServerStream(stream)
	var request, response []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	ctx := stream.Context()
	if _, err := p.o.Gate.Check(ctx); err != nil {
		return status.Error(codes.Unavailable, p.shut("gRPC", err))
	}
	if in, ok := metadata.FromIncomingContext(ctx); ok && p.o.APIKey == "" {
		for _, name := range []string{"authorization", "x-api-key"} {
			for _, v := range in.Get(name) {
				ctx = metadata.AppendToOutgoingContext(ctx, name, v)
			}
		}
	}
	var header, trailer metadata.MD
	err := p.conn.Invoke(ctx, method, &request, &response, grpc.Header(&header), grpc.Trailer(&trailer))
	if len(header) > 0 {
		delete(header, "content-type")
		_ = stream.SetHeader(header) // fails only if sent already
	}
	stream.SetTrailer(trailer)
	if err != nil {
		if header == nil && status.Code(err) == codes.Unavailable {
			p.o.Logger.Warn("the notary cannot be reached", "over", "gRPC", "error", err) // nor can somebody with another key
		}
		return err
	}
	return stream.SendMsg(&response)
}

// shut tells the operator, and returns what an exporter is told.
func (p *Proxy) shut(over string, err error) string {
	p.o.Logger.Warn("the gate is shut", "over", over, "error", err)
	if errors.Is(err, attested.ErrUnreachable) {
		return "the notary cannot be reached; nothing was sent"
	}
	return "the notary is not attested; nothing was sent"
}

// handler passes OTLP over HTTP on.
func (p *Proxy) handler() http.Handler {
	target := &url.URL{Scheme: "https", Host: p.o.HTTP}
	onward := &httputil.ReverseProxy{
		Transport: p.o.Gate.RoundTripper(),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if p.o.APIKey != "" {
				r.Out.Header.Del("X-Api-Key")
				r.Out.Header.Set("Authorization", "Bearer "+p.o.APIKey)
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				refuse(w, r, http.StatusRequestEntityTooLarge, codes.ResourceExhausted, fmt.Sprintf("request too large: over the %d bytes that a proxy passes on: lower the batch size of the exporter", MaxRequest))
				return
			}
			if _, no := p.o.Gate.Check(r.Context()); no != nil {
				unavailable(w, r, p.shut("HTTP", no))
				return
			}
			p.o.Logger.Warn("the notary cannot be reached", "over", "HTTP", "error", err)
			unavailable(w, r, "the notary cannot be reached")
		},
	}
	mux := http.NewServeMux()
	for _, signal := range []string{"traces", "logs", "metrics"} {
		mux.Handle("POST /v1/"+signal, onward)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case p.turns <- struct{}{}:
			defer func() { <-p.turns }()
		default:
			unavailable(w, r, "too many requests are under way")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxRequest)
		mux.ServeHTTP(w, r)
	})
}

// unavailable has the exporter come again.
func unavailable(w http.ResponseWriter, r *http.Request, why string) {
	w.Header().Set("Retry-After", fmt.Sprint(int(again.Seconds())))
	refuse(w, r, http.StatusServiceUnavailable, codes.Unavailable, why)
}

// refuse answers with a Status message in the content type of the request, as OTLP wants it.
func refuse(w http.ResponseWriter, r *http.Request, status int, code codes.Code, why string) {
	media, marshal := "application/x-protobuf", proto.Marshal
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		media, marshal = "application/json", protojson.Marshal
	}
	b, err := marshal(&statuspb.Status{Code: int32(code), Message: why})
	if err != nil {
		b = nil // the code says the most of it
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	_, _ = w.Write(b) // an exporter who is gone sends again
}

// raw passes messages through as bytes.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) ([]byte, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("proxy: a message of type %T", v)
	}
	return *b, nil
}

func (raw) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("proxy: a message of type %T", v)
	}
	*b = append([]byte(nil), data...)
	return nil
}
