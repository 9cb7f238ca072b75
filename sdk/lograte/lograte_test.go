package lograte_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/veriproof/notary/sdk/lograte"
)

// bare writes lines without their times.
func bare(b io.Writer) slog.Handler {
	return slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
}

// A buffer is written to by who logs, and at the end of a period by another goroutine.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// take returns what was written since it was last called.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

// TestAlike: the first of a flood is told at once, the others by their number, once in a
// period; another reason at once, but not without end; and all is forgotten in silence.
func TestAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		log := slog.New(lograte.New(bare(&out), time.Minute))
		read := func() string {
			synctest.Wait()
			return out.take()
		}
		want := func(when, want string) {
			t.Helper()
			if got := read(); got != want {
				t.Errorf("%s:\n%swant\n%s", when, got, want)
			}
		}
		for range 1000 {
			log.Warn("shut", "error", "stale")
		}
		want("a flood", "level=WARN msg=shut error=stale\n")
		log.Warn("shut", "error", "another key")
		log.Warn("unreachable", "error", "stale")
		log.Error("shut", "error", "stale")
		want("others", "level=WARN msg=shut error=\"another key\"\nlevel=WARN msg=unreachable error=stale\nlevel=ERROR msg=shut error=stale\n")
		time.Sleep(time.Minute)
		want("a minute later", "level=WARN msg=shut error=stale alike=999\n")
		for range 3 {
			log.With("who", "x").Warn("shut", "error", "stale")
		}
		want("of a handler with attributes", "level=WARN msg=shut who=x error=stale\n")
		time.Sleep(time.Minute)
		want("two minutes later", "level=WARN msg=shut who=x error=stale alike=2\n")
		time.Sleep(time.Minute)
		want("silence", "")
		log.Warn("shut", "error", "stale")
		want("a new failure", "level=WARN msg=shut error=stale\n")
		time.Sleep(2 * time.Minute)
		read()

		for i := range 100 {
			log.Warn("shut", "error", fmt.Sprint("port ", i))
		}
		if got := strings.Count(read(), "\n"); got != lograte.Reasons {
			t.Errorf("%d lines of 100 reasons, want %d", got, lograte.Reasons)
		}
		for range 3 {
			log.Info("accepted")
		}
		want("what is no warning", strings.Repeat("level=INFO msg=accepted\n", 3))
		time.Sleep(time.Minute)
		want("at last", fmt.Sprintf("level=WARN msg=shut error=\"port 99\" alike=%d\n", 100-lograte.Reasons))
		time.Sleep(time.Minute)
	})
}

func ExampleNew() {
	log := slog.New(lograte.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}), time.Minute))
	for range 1000 {
		log.Warn("the notary cannot be reached", "error", "connection refused")
	}
	// Output: level=WARN msg="the notary cannot be reached" error="connection refused"
}
