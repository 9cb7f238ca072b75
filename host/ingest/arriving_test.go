package ingest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/host/ingest"
)

// framed is a message as gRPC frames it.
func framed(packed bool, size int) []byte {
	head := make([]byte, 5)
	if packed {
		head[0] = 1
	}
	binary.BigEndian.PutUint32(head[1:], uint32(size))
	return head
}

// A staller sends all of a message but its end, on a connection of its own or on another's,
// until it is told something.
type staller struct {
	packed bool
	size   int
	text   io.Reader
}

// stall calls sent when all is sent, and returns the status that it was answered with.
func (s staller) stall(ctx context.Context, client *http.Client, addr string, sent func()) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+addr+exportTraces,
		io.MultiReader(bytes.NewReader(framed(s.packed, s.size)), io.LimitReader(s.text, int64(s.size)-1), waiting{ctx, sent}))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/grpc+proto")
	r.Header.Set("TE", "trailers")
	r.Header.Set("X-Api-Key", key)
	if s.packed {
		r.Header.Set("Grpc-Encoding", "gzip")
	}
	resp, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.Header.Get("Grpc-Status") + resp.Trailer.Get("Grpc-Status")
}

// waiting reads nothing until the context ends.
type waiting struct {
	ctx  context.Context
	sent func()
}

func (w waiting) Read([]byte) (int, error) {
	w.sent()
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}

// noise does not get smaller by gzip.
type noise struct{ from *rand.ChaCha8 }

func (n noise) Read(b []byte) (int, error) { return n.from.Read(b) }

// overHTTP2 is a client that speaks HTTP/2 by itself.
func overHTTP2(t *testing.T) *http.Client {
	config := clientTLS()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestStalledMessages (T50): senders with a valid key who send all of a message but its end
// have of the notary's memory what is for requests, and no more, and keep nobody out.
func TestStalledMessages(t *testing.T) {
	const senders, size, flight = 60, 16 << 20, 64 << 20
	for name, c := range map[string]struct{ packed, shared bool }{
		"plain on a connection each": {false, false},
		"gzip on one connection":     {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, addr := start(t, walks, func(c *ingest.Config) { c.MaxRequest, c.MaxInFlight = size, flight })
			conn := dial(t, addr)
			if _, err := send(conn, exportTraces, nil, withKey()); err != nil {
				t.Fatal(err)
			}
			before := liveHeap()
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			var sent, told atomic.Int64
			one := overHTTP2(t)
			for i := range senders {
				client := one
				if !c.shared {
					client = overHTTP2(t)
				}
				var text io.Reader = zeros{}
				if c.packed {
					text = io.MultiReader(bytes.NewReader(gzipHead()), noise{rand.NewChaCha8([32]byte{byte(i)})})
				}
				wg.Go(func() {
					got := staller{c.packed, size, text}.stall(ctx, client, addr, func() { sent.Add(1) })
					told.Add(1)
					if ctx.Err() == nil && got != "8" { // RESOURCE_EXHAUSTED
						t.Errorf("a sender is told %q", got)
					}
				})
			}
			eventually(t, "all have sent what they will, or are refused", func() bool { return sent.Load()+told.Load() >= senders })
			held, counted := liveHeap()-before, ingest.InFlight(s)
			t.Logf("%d have sent, %d are refused; %d MiB live, %d MiB counted", sent.Load(), told.Load(), held>>20, counted>>20)
			if most := int64(flight + 24<<20); held > most || counted > flight {
				t.Errorf("%d MiB are held for messages that have not arrived, at most %d are allowed", held>>20, most>>20)
			}
			if _, err := send(conn, exportTraces, make([]byte, 4<<20), withKey()); status.Code(err) != codes.InvalidArgument {
				t.Errorf("a healthy sender's export: %v", err) // of zeros: no OTLP, but taken to see that
			}
			stop()
			wg.Wait()
			eventually(t, "the room comes back", func() bool { return ingest.InFlight(s) == 0 })
		})
	}
}

// TestStalledGiveWay: over either protocol who stalls is told to come again as soon as
// somebody else needs the room, who waits for nothing.
func TestStalledGiveWay(t *testing.T) {
	const size = 1 << 20
	s, addr := start(t, walks, func(c *ingest.Config) { c.MaxRequest, c.MaxInFlight = size, size })
	w, conn := overHTTP(t, s), dial(t, addr)
	for name, stalls := range map[string]func(ctx context.Context) string{
		"gRPC": func(ctx context.Context) string {
			return staller{false, size, zeros{}}.stall(ctx, overHTTP2(t), addr, func() {})
		},
		"HTTP/1.1": func(ctx context.Context) string {
			return strconv.Itoa(w.do(t, w.http1, "POST", "/v1/traces", stalling(ctx, size), inProtobuf...).code)
		},
		"HTTP/2": func(ctx context.Context) string {
			return strconv.Itoa(w.do(t, w.http2, "POST", "/v1/traces", stalling(ctx, size), inProtobuf...).code)
		},
	} {
		ctx, stop := context.WithCancel(t.Context())
		told := make(chan string, 1)
		go func() { told <- stalls(ctx) }()
		eventually(t, "all room is taken", func() bool { return ingest.InFlight(s) == size })
		if _, err := send(conn, exportTraces, nil, withKey()); err != nil {
			t.Errorf("%s: who needs room is told %v", name, err)
		}
		if got := <-told; got != "8" && got != "429" {
			t.Errorf("%s: who stalls is told %s", name, got)
		}
		stop()
	}
}

// stalling is a body that stalls before its end, until it is closed.
func stalling(ctx context.Context, size int) io.Reader {
	ctx, stop := context.WithCancel(ctx)
	return struct {
		io.Reader
		closer
	}{io.MultiReader(io.LimitReader(zeros{}, int64(size)-1), waiting{ctx, func() {}}), closer(stop)}
}

type closer func()

func (c closer) Close() error {
	c()
	return nil
}

// TestFlagsOfMessages: what gRPC says of a message before it.
func TestFlagsOfMessages(t *testing.T) {
	_, addr := start(t, walks)
	client := overHTTP2(t)
	for name, c := range map[string]struct {
		encoding string
		sent     string
		status   string
	}{
		"plain":                       {"", "\x00\x00\x00\x00\x00", "0"},
		"plain in a stream of gzip":   {"gzip", "\x00\x00\x00\x00\x00", "0"},
		"packed, and by nothing":      {"", "\x01\x00\x00\x00\x01x", "3"},
		"packed, and no gzip":         {"gzip", "\x01\x00\x00\x00\x01x", "3"},
		"another flag":                {"", "\x02\x00\x00\x00\x00", "3"},
		"half a head":                 {"", "\x00\x00", "3"},
		"less than is announced":      {"", "\x00\x00\x00\x00\x05x", "3"},
		"much less than is announced": {"", "\x00\x00\x10\x00\x00" + strings.Repeat("\x00", 200<<10), "3"},
		"more than is announced":      {"", "\x00\x00\x00\x00\x00x", "3"},
		"too much":                    {"", "\x00\xff\xff\xff\xff", "8"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+addr+exportTraces, strings.NewReader(c.sent))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/grpc")
		r.Header.Set("TE", "trailers")
		r.Header.Set("X-Api-Key", key)
		r.Header.Set("Grpc-Encoding", c.encoding)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if got := resp.Header.Get("Grpc-Status") + resp.Trailer.Get("Grpc-Status"); got != c.status {
			t.Errorf("%s: status %s, want %s", name, got, c.status)
		}
	}
}

// zeros are a body that takes no memory.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// gzipHead is how a stream of gzip begins.
func gzipHead() []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Flush()
	return b.Bytes()
}

// liveHeap is what is in use, without what pools keep for later.
func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(30 * time.Second); !ok(); <-tick.C {
		if time.Now().After(late) {
			t.Fatal("not in time: " + what)
		}
	}
}
