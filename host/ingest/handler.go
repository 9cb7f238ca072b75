package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip" // OTLP receivers must take it
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/veriproof/notary/host/otlpwire"
)

// Services of OTLP 1.11.
const (
	traceService   = "opentelemetry.proto.collector.trace.v1.TraceService"
	logsService    = "opentelemetry.proto.collector.logs.v1.LogsService"
	metricsService = "opentelemetry.proto.collector.metrics.v1.MetricsService"
)

// PositionHeader is the response metadata with the signed journal position of
// an export; several if the exporter gives several.
const PositionHeader = "veriproof-position-bin"

// maxPositions bounds the response header in bytes: common clients take 8 KiB.
const maxPositions = 4 << 10

// An Outcome is what became of one export.
type Outcome struct {
	Signal otlpwire.Signal
	Tenant string // empty if the sender was not authenticated
	Code   codes.Code
	Bytes  int // of the request, decompressed; 0 if it did not get to the exporter
	Took   time.Duration
	Err    error // for the host's log; nil on success
}

// service describes one OTLP service. Export is unary for the sender; here it
// is a stream, because a unary handler is called only when the whole message is
// in memory, and the sender's key shall be looked at first.
func (s *Server) service(name string, sig otlpwire.Signal) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: name,
		Streams: []grpc.StreamDesc{{
			StreamName: "Export", ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error { return s.serve(stream, sig) },
		}},
	}
}

// unknown answers what this server does not do. Exporters of metrics do not send again what is
// answered Unimplemented, but most report it at each collection, as they do whatever else does not say
// that all was taken.
func unknown(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	if method == "/"+metricsService+"/Export" {
		return unimplemented(noMetrics).status().Err()
	}
	return unimplemented("no such method: this notary takes OTLP traces and logs").status().Err()
}

// noMetrics is what exporters show to those who can switch them off. It is the same each time, so that
// logs can count it.
const noMetrics = "this notary takes traces and logs, not metrics: set OTEL_METRICS_EXPORTER=none, or in a Collector leave the notary out of metrics pipelines"

func unimplemented(reason string) *Error {
	return &Error{Code: codes.Unimplemented, Reason: reason}
}

func (s *Server) serve(stream grpc.ServerStream, sig otlpwire.Signal) error {
	ctx := stream.Context()
	shown := func(name string) []string { return metadata.ValueFromIncomingContext(ctx, name) }
	info := infoOf(ctx)
	r := request{
		sig: sig, shown: presented{shown("authorization"), shown("x-api-key"), info.State.PeerCertificates}, connection: info.name,
		receive: func(room *lease) (*body, error) { return s.receive(ctx, room) },
		answer:  func(r Receipt) error { return answer(stream, r) },
	}
	if refused := s.handle(ctx, r); refused != nil {
		return refused.status().Err()
	}
	return nil
}

// infoOf returns what is known of a gRPC connection.
func infoOf(ctx context.Context) *tlsInfo {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(*tlsInfo); ok {
			return info
		}
	}
	return new(tlsInfo)
}

// A request is an export on its way, whatever the protocol.
type request struct {
	sig        otlpwire.Signal
	shown      presented
	connection string // the sender's end of it
	// receive reads the message and takes from the budget what it needs beyond
	// the room that it is given. It may return a message beside an error.
	receive func(*lease) (*body, error)
	answer  func(Receipt) error
}

// handle answers a request, or returns what to refuse it with.
func (s *Server) handle(ctx context.Context, r request) (refused *Error) {
	out := Outcome{Signal: r.sig}
	start := time.Now()
	receipt, err := s.export(ctx, r, start, &out)
	if err == nil {
		err = r.answer(receipt)
	}
	if err != nil {
		refused = classify(err)
		out.Code = refused.Code
	}
	judge(ctx, refused)
	out.Err, out.Took = err, time.Since(start)
	if s.cfg.Observe != nil {
		s.cfg.Observe(out)
	}
	return refused
}

// export takes one request through the checks, in their order, to the exporter.
func (s *Server) export(ctx context.Context, req request, start time.Time, out *Outcome) (r Receipt, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ExportTimeout)
	defer cancel()
	if out.Tenant, err = s.cfg.Senders.tenant(req.shown, start); err != nil {
		return Receipt{}, err
	}
	settle(ctx)
	room, err := s.budget.lease(out.Tenant, shareOf(ctx), start, min(grant, int64(s.cfg.MaxRequest)))
	if err != nil {
		return Receipt{}, err
	}
	defer room.release()
	msg, err := req.receive(room)
	defer func() { msg.free() }()
	if err == nil {
		err = s.hold(room, len(msg.bytes()))
	}
	if err != nil {
		return Receipt{}, err
	}
	if msg.zipped || msg.json { // to unpack it is work, and so done when it is the sender's turn
		if err := s.aside.take(ctx, out.Tenant, req.connection); err != nil {
			return Receipt{}, err
		}
		err = func() (err error) {
			defer s.aside.leave()
			msg, err = s.unpack(out.Signal, room, msg, func() { s.aside.yield(out.Tenant, req.connection) })
			return err
		}()
		if err != nil {
			return Receipt{}, err
		}
	}
	if err := mistaken(msg.bytes(), false); err != nil {
		return Receipt{}, err
	}
	ctx, done, err := s.turn(ctx, out.Tenant, req.connection, room)
	if err != nil {
		return Receipt{}, err
	}
	defer done()
	out.Bytes = len(msg.bytes())
	r, err = s.cfg.Exporter.Export(ctx, out.Tenant, out.Signal, msg.bytes())
	switch {
	case err != nil:
	case len(r.Positions) == 0 && otlpwire.AllUnknown(msg.bytes(), out.Signal):
		r.warning = warnings[out.Signal]
	case msg.snake:
		r.warning = snakeWarnings[out.Signal]
	}
	return r, err
}

// hold gives back what an export has of the budget beyond what a message of so many bytes takes,
// or takes what is missing.
func (s *Server) hold(room *lease, bytes int) error {
	return room.resize(int64(max(bytes, min(least, s.cfg.MaxRequest))))
}

var errSlow = &Error{Code: codes.DeadlineExceeded, Reason: "the request did not arrive in time"}

// A severable is a stream's context that receive can end.
type severable struct {
	context.Context
	cut context.CancelCauseFunc
}

type severableKey struct{}

// sever is a grpc.InTapHandle.
func sever(ctx context.Context, _ *tap.Info) (context.Context, error) {
	ctx, cut := context.WithCancelCause(ctx)
	return &severable{ctx, cut}, nil
}

// Value implements context.Context.
func (s *severable) Value(key any) any {
	if key == (severableKey{}) {
		return s
	}
	return s.Context.Value(key)
}

// An incoming is a stream of gRPC's transport. A message is read from it in pieces, for which
// there is room. gRPC's RecvMsg would have all in memory that is announced before anybody
// else knows of it.
type incoming interface {
	ReadMessageHeader([]byte) error // fills a slice with what comes next
	RecvCompress() string
}

// receive reads a message over gRPC. A sender who trickles it in holds room that others
// need, so he is cut off: the read ends with the context.
func (s *Server) receive(ctx context.Context, room *lease) (*body, error) {
	whole, severs := ctx.Value(severableKey{}).(*severable)
	in, reads := grpc.ServerTransportStreamFromContext(ctx).(incoming)
	if !severs || !reads {
		return nil, errors.New("a stream that cannot be read in pieces, or not be cut off")
	}
	late := time.AfterFunc(s.cfg.ReceiveTimeout, func() { whole.cut(errSlow) })
	defer late.Stop()
	room.arrives(whole.cut)
	msg := new(body)
	err := s.read(in, room, msg)
	switch gaveWay := room.arrived(); {
	case gaveWay != nil:
		return msg, gaveWay
	case err != nil && context.Cause(ctx) == errSlow:
		return msg, errSlow
	}
	return msg, err
}

// read reads the one message of a stream. Room for a great one is taken when as much has come
// as a common one has.
func (s *Server) read(in incoming, room *lease, msg *body) error {
	if err := in.ReadMessageHeader(msg.head[:]); err != nil {
		return unreadable(err)
	}
	switch msg.head[0] {
	case 0:
	case 1:
		if msg.zipped = in.RecvCompress() == gzip.Name; !msg.zipped {
			return Invalid(badFraming, nil)
		}
	default:
		return Invalid(badFraming, nil)
	}
	announced := binary.BigEndian.Uint32(msg.head[1:])
	if int64(announced) > int64(s.cfg.MaxRequest) {
		return s.tooLarge(nil)
	}
	size := int(announced)
	msg.buf = bodies.Get(min(size, firstRead))
	if err := in.ReadMessageHeader(*msg.buf); err != nil {
		return unreadable(err)
	}
	if come := len(*msg.buf); come < size {
		if err := msg.grow(size, room, 0); err != nil {
			return err
		}
		*msg.buf = (*msg.buf)[:size] // before it is read, so that it is cleared whatever comes
		if err := in.ReadMessageHeader((*msg.buf)[come:]); err != nil {
			return unreadable(err)
		}
	}
	switch err := in.ReadMessageHeader(msg.head[:1]); {
	case err == nil:
		return Invalid("more than one message in the request", nil)
	case !errors.Is(err, io.EOF):
		return unreadable(err)
	}
	return nil
}

const badFraming = "the request's framing or compression is broken"

// tooLarge refuses a request that is longer than requests may be.
func (s *Server) tooLarge(cause error) *Error {
	return TooLarge(fmt.Sprintf("request too large: over the %d bytes of limits.request_bytes: lower the batch size of the exporter", s.cfg.MaxRequest), cause)
}

// unreadable gives errors of gRPC's transport their place.
func unreadable(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return Invalid("no message in the request", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Invalid(badFraming, err)
	}
	switch code := status.Code(err); code {
	case codes.Canceled, codes.DeadlineExceeded:
		return &Error{Code: code, Reason: "the request was not received", Cause: err}
	}
	return Unavailable("the request was not received", 0, err)
}

// answer sends the response that means success, and the positions.
func answer(stream grpc.ServerStream, r Receipt) error {
	if last := positions(r); last != nil {
		md := make(metadata.MD, 1)
		for _, p := range last {
			md[PositionHeader] = append(md[PositionHeader], string(p))
		}
		if err := stream.SetHeader(md); err != nil {
			return err
		}
	}
	return stream.SendMsg(r.response().wire)
}

// positions returns what the response header gets. Positions beyond what a header
// may hold are left out from the front: each is signed over a chain that contains
// the ones before.
func positions(r Receipt) [][]byte {
	last, size := r.Positions, 0
	for i := len(last) - 1; i >= 0; i-- {
		if size += len(last[i]); size > maxPositions {
			last = last[i+1:]
			break
		}
	}
	return last
}
