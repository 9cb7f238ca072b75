package ingest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/otlpjson"
	"github.com/veriproof/notary/host/otlpwire"
)

// Paths of OTLP/HTTP.
const (
	tracesPath  = "/v1/traces"
	logsPath    = "/v1/logs"
	metricsPath = "/v1/metrics"
)

// firstRead is the memory for a body before it is known how long it is.
const firstRead = 128 << 10

// Content types of OTLP/HTTP.
const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

// A handler serves OTLP/HTTP.
type handler struct{ *Server }

// ServeHTTP implements http.Handler. A request is refused with a Status message in
// the content type of the request, as OTLP wants it.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer fatal()
	x := exchange{w: w, r: r, refusals: &h.refusals}
	if r.ProtoMajor == 1 {
		// What of a body has not come when a request is refused the server waits for, behind the answer,
		// without a time of its own: who never sends it would hold the connection, and a shutdown, for ever.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(headerTime))
	}
	var known bool
	if x.media, known = mediaType(r); !known {
		x.media = typeJSON
	}
	switch sig, served := signalOf(r.URL.Path); {
	case r.URL.Path == metricsPath:
		x.refuse(http.StatusNotFound, unimplemented(noMetrics))
	case !served:
		x.refuse(http.StatusNotFound, unimplemented("no such path: this notary takes OTLP at /v1/traces and /v1/logs"))
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		x.refuse(http.StatusMethodNotAllowed, unimplemented("OTLP is sent by POST"))
	case !known:
		x.refuse(http.StatusUnsupportedMediaType, Invalid("content type is neither application/x-protobuf nor application/json", nil))
	case !plainOrGzip(r):
		w.Header().Set("Accept-Encoding", "gzip")
		x.refuse(http.StatusUnsupportedMediaType, Invalid("content encoding is neither gzip nor identity", nil))
	default:
		req := request{
			sig: sig, shown: presented{r.Header.Values("Authorization"), r.Header.Values("X-Api-Key"), r.TLS.PeerCertificates}, connection: r.RemoteAddr,
			receive: func(room *lease) (*body, error) { return h.readHTTP(x, room) }, answer: x.succeed,
		}
		refused := h.handle(r.Context(), req)
		if refused != nil {
			x.refuse(httpStatus(refused), refused)
		}
	}
}

// fatal, deferred, has a panic end the process, and say where it was: what an export has locked or half
// done nobody else can go on with. gRPC leaves panics alone; net/http would recover them and say nothing,
// but not in another goroutine.
func fatal() {
	if v := recover(); v != nil {
		at := debug.Stack()
		go panic(fmt.Sprintf("%v\n\n%s", v, at))
		select {} // nothing is answered any more
	}
}

func signalOf(path string) (otlpwire.Signal, bool) {
	switch path {
	case tracesPath:
		return otlpwire.Traces, true
	case logsPath:
		return otlpwire.Logs, true
	}
	return 0, false
}

func mediaType(r *http.Request) (string, bool) {
	values := r.Header.Values("Content-Type")
	if len(values) != 1 {
		return "", false
	}
	media, _, err := mime.ParseMediaType(values[0])
	return media, err == nil && (media == typeProtobuf || media == typeJSON)
}

// plainOrGzip: one encoding at most. What is packed twice is unpacked by others
// once, or for ever.
func plainOrGzip(r *http.Request) bool {
	values := r.Header.Values("Content-Encoding")
	return len(values) == 0 || len(values) == 1 && (isGzip(values[0]) || values[0] == "" || strings.EqualFold(values[0], "identity"))
}

// isGzip: x-gzip is the same (RFC 9110, section 8.4.1.3).
func isGzip(encoding string) bool {
	return strings.EqualFold(encoding, "gzip") || strings.EqualFold(encoding, "x-gzip")
}

// An exchange is one request and its answer.
type exchange struct {
	w        http.ResponseWriter
	r        *http.Request
	media    string
	refusals *refusals
}

// succeed writes the response that means success, and the positions in the form that
// gRPC gives binary headers.
func (x exchange) succeed(r Receipt) error {
	for _, p := range positions(r) {
		x.w.Header().Add(PositionHeader, base64.RawStdEncoding.EncodeToString(p))
	}
	if x.media == typeJSON {
		return x.write(http.StatusOK, r.response().json)
	}
	return x.write(http.StatusOK, r.response().wire)
}

// write writes an answer. Over HTTP/2 its sender decides by his window when a body can be sent: one
// for which he has no room for long is not waited with, since what waits no budget counts.
func (x exchange) write(code int, b []byte) error {
	if len(b) > 0 && x.r.ProtoMajor == 2 {
		_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(headerTime)) // without one the server's holds
	}
	x.w.Header().Set("Content-Type", x.media)
	x.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	x.w.WriteHeader(code)
	_, err := x.w.Write(b)
	return err
}

func (x exchange) refuse(code int, e *Error) {
	if e.RetryAfter > 0 && e.Retry() {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		x.w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	if code == http.StatusUnauthorized {
		x.w.Header().Set("WWW-Authenticate", "Bearer")
	}
	marshal := proto.Marshal
	if x.media == typeJSON {
		marshal = protojson.Marshal
	}
	b, err := marshal(e.status().Proto())
	if err != nil {
		b = nil // the code says the most of it
	}
	if m := memberOf(x.r.Context()); m != nil && x.r.ProtoMajor == 2 && m.isStranger() {
		x.tell(m, code, b)
		return
	}
	_ = x.write(code, b) // a sender who is gone sends again
}

// tell writes a refusal to a stranger over HTTP/2, where he decides when it can be sent, by his window:
// each that waits for him is a goroutine with the heads of its request, and a connection has
// hundreds.
func (x exchange) tell(m *member, code int, b []byte) {
	defer x.refusals.begin(m)()
	_ = x.write(code, b)
	_ = http.NewResponseController(x.w).Flush() // returns when it is sent, or will not be
}

// httpStatus is the place of an error in OTLP/HTTP: 429, 502, 503 and 504 are to be
// sent again, and nothing else is.
func httpStatus(e *Error) int {
	switch e.Code {
	case codes.InvalidArgument:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Unimplemented:
		return http.StatusNotFound
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	case codes.ResourceExhausted:
		if e.Retry() {
			return http.StatusTooManyRequests
		}
		return http.StatusRequestEntityTooLarge
	}
	if e.Retry() {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// readHTTP receives a message as it is sent, within the time for it. Room is taken as
// it grows.
func (s *Server) readHTTP(x exchange, room *lease) (*body, error) {
	control := http.NewResponseController(x.w)
	if err := control.SetReadDeadline(time.Now().Add(s.cfg.ReceiveTimeout)); err != nil {
		return nil, Unavailable("the request was not received", 0, err)
	}
	room.arrives(func(error) { _ = control.SetReadDeadline(past) })
	msg, err := s.readAll(arriving{http.MaxBytesReader(x.w, x.r.Body, int64(s.cfg.MaxRequest)), x.r.ProtoMajor == 1}, room, 0)
	msg.zipped, msg.json = isGzip(x.r.Header.Get("Content-Encoding")), x.media == typeJSON
	if gaveWay := room.arrived(); gaveWay != nil {
		if x.r.ProtoMajor == 1 {
			x.w.Header().Set("Connection", "close") // nothing more can be read from it
		}
		return msg, gaveWay
	}
	if err != nil {
		return msg, err
	}
	// Behind a request without a body the server is reading already, over HTTP/1.1, to hear of
	// a sender who hangs up. A deadline that passes would look like one, now and to all that
	// follows on the connection.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return msg, Unavailable("the request was not received", 0, err)
	}
	return msg, nil
}

// An arriving body is one as it is sent. It ends early when its sender hangs up, and not, as what is packed,
// because it was made so.
type arriving struct {
	io.Reader
	http1 bool
}

// Read implements io.Reader. Over HTTP/1.1 an error that is none of the network is of chunks that are not
// framed as they must be, for which package http has no type; the same bytes would be so again.
func (r arriving) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	var network net.Error
	var large *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.As(err, &large), errors.As(err, &network):
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = &Error{Code: codes.Canceled, Reason: "the request was not received", Cause: err}
	case r.http1 && !errors.Is(err, context.Canceled):
		err = Invalid(badFraming, err)
	}
	return n, err
}

// past is a time that is over.
var past = time.Unix(1, 0)

// unzippers have memory of 40 KiB each.
var unzippers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// unzipping is what a message has beside it from when its unpacking begins. All who wait for that begin
// before the first has ended, since whoever does not end in his turn yields to them.
const unzipping = 40<<10 + firstRead

// unpack takes the gzip off a message and turns JSON into the wire form.
func (s *Server) unpack(sig otlpwire.Signal, room *lease, msg *body, yield func()) (*body, error) {
	isJSON := msg.json
	if msg.zipped {
		if err := room.resize(int64(len(msg.bytes()) + unzipping)); err != nil {
			return msg, err
		}
		z := unzippers.Get().(*gzip.Reader)
		defer unzippers.Put(z)
		from, err := unzip(z, msg.bytes(), yield)
		if err != nil {
			return msg, s.badBody(err)
		}
		plain, err := s.readAll(from, room, len(msg.bytes()))
		msg.free()
		if err != nil {
			return plain, err
		}
		msg = plain
	}
	if err := mistaken(msg.bytes(), isJSON); err != nil {
		return msg, err
	}
	if !isJSON {
		return msg, s.hold(room, len(msg.bytes()))
	}
	defer msg.free()
	if err := s.hold(room, 2*len(msg.bytes())); err != nil {
		return nil, err
	}
	wire := &body{buf: bodies.Get(len(msg.bytes()))} // the wire form is shorter
	b, snake, err := otlpjson.AppendWireInSteps((*wire.buf)[:0], msg.bytes(), sig, yield)
	wire.snake = snake
	*wire.buf = b           // also what was written before an error: it is cleared with the rest
	clear(b[len(b):cap(b)]) // base64 and hexadecimal are longer in the text
	switch {
	case err != nil && isProtobuf(msg.bytes()):
		return wire, Invalid("the request is protobuf and is said to be JSON: over HTTP, send content-type application/x-protobuf", err)
	case err != nil:
		return wire, err
	}
	wire.fit()
	return wire, s.hold(room, len(b))
}

// mistaken refuses a body that is not what its headers say, as senders often have it, in words that
// help: no protobuf of OTLP begins so, nor does JSON.
func mistaken(body []byte, isJSON bool) error {
	switch {
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		return Invalid("the request is gzip beyond what its content encoding says: send content-encoding gzip, and pack it once", nil)
	case !isJSON && bytes.HasPrefix(body, []byte("{")):
		return Invalid("the request is JSON and is said to be protobuf: over HTTP, send content-type application/json", nil)
	}
	return nil
}

// isProtobuf reports whether a body, which is no JSON, is a request of OTLP in protobuf: elements
// of field 1 and nothing else. Its first byte alone could be the line feed before a JSON text.
func isProtobuf(body []byte) bool {
	rest := body
	for len(rest) > 0 {
		n, k := binary.Uvarint(rest[1:])
		if rest[0] != 1<<3|2 || k <= 0 || n > uint64(len(rest)-1-k) {
			return false
		}
		rest = rest[1+k+int(n):]
	}
	return len(body) > 0
}

// unzip returns what gives the content of a gzip. It calls yield now and then, also while
// there is none: 16 MiB can be a million and a half of blocks that each describe a code, hold
// nothing and take some microseconds. Of the packed bytes 4 KiB are read at a time.
func unzip(z *gzip.Reader, packed []byte, yield func()) (io.Reader, error) {
	err := z.Reset(yielding{bytes.NewReader(packed), yield})
	return yielding{z, yield}, err
}

// A yielding reader lets others work between two reads. One of a gzip.Reader gives at
// most 32 KiB.
type yielding struct {
	io.Reader
	yield func()
}

func (r yielding) Read(b []byte) (int, error) {
	r.yield()
	return r.Reader.Read(b)
}

// readAll reads at most MaxRequest bytes. It ends where the memory ends that the
// budget has for it beside what the request holds already, not where the sender says.
func (s *Server) readAll(from io.Reader, room *lease, beside int) (*body, error) {
	limit := s.cfg.MaxRequest
	msg := &body{buf: bodies.Get(firstRead)}
	*msg.buf = (*msg.buf)[:0]
	for {
		b := *msg.buf
		space := b[len(b):min(cap(b), limit)]
		if len(b) == limit {
			space = make([]byte, 1) // is there more?
		}
		n, err := from.Read(space)
		if n > 0 && len(b) == limit {
			return msg, s.tooLarge(nil)
		}
		*msg.buf = b[:len(b)+n] // also before an error: what was read is cleared with the rest
		switch {
		case errors.Is(err, io.EOF):
			msg.fit()
			return msg, nil
		case err != nil:
			return msg, s.badBody(err)
		}
		if full := len(*msg.buf) == cap(b); full && cap(b) < limit {
			if err := msg.grow(min(2*cap(b), limit), room, beside); err != nil {
				return msg, err
			}
		}
	}
}

// badBody gives errors of reading a body their place, as unreadable does for gRPC.
func (s *Server) badBody(err error) error {
	var large *http.MaxBytesError
	var known *Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &large):
		return s.tooLarge(err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isCorrupt(err):
		return Invalid(badFraming, err)
	}
	return Unavailable("the request was not received", 0, err)
}

func isCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}
