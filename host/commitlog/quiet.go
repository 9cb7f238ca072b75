package commitlog

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"

	"github.com/veriproof/notary/sdk/lograte"
)

// Tessera reports through klog, which is one per process and writes to stderr
// unless told otherwise. The first log that is opened takes klog over for good;
// from then on what it says goes to the logger of the log opened last.
var (
	takeKlog sync.Once
	current  atomic.Pointer[slog.Logger] // nil: nowhere
	nowhere  = slog.New(slog.DiscardHandler)
)

// silenceKlog takes klog over, for a log that is read: what is wrong is in the errors.
func silenceKlog() {
	takeKlog.Do(func() {
		// What Tessera does many times a second, it reports as often when it fails.
		logger := slog.New(lograte.New(forward{}, time.Minute))
		klog.SetLoggerWithOptions(klog.Logger{}, klog.WriteKlogBuffer(func(line []byte) { report(logger, line) }))
	})
}

func redirectKlog(logger *slog.Logger) {
	current.Store(logger)
	silenceKlog()
}

// releaseKlog ends the reports to a logger whose log is closed: Tessera's
// goroutines may have a last word after Close.
func releaseKlog(logger *slog.Logger) {
	current.CompareAndSwap(logger, nil)
}

// report passes on a line of klog: "W0102 15:04:05.678901   1234 file.go:56] what: why".
// Only the line has its severity, of which klog tells a logger errors alone. The why, which
// differs each time that a port number is in it, becomes an attribute.
func report(logger *slog.Logger, line []byte) {
	head, text, ok := strings.Cut(strings.TrimSpace(string(line)), "] ")
	if !ok || head == "" {
		head, text = "I", string(line)
	}
	level := slog.LevelInfo
	switch head[0] {
	case 'W':
		level = slog.LevelWarn
	case 'E', 'F':
		level = slog.LevelError
	}
	what, why, ok := strings.Cut(text, ": ")
	if level == slog.LevelInfo || !ok {
		logger.Log(context.Background(), level, text)
		return
	}
	logger.Log(context.Background(), level, what, "error", why)
}

// forward is a slog handler that passes records to the current logger.
type forward struct{}

func (forward) Enabled(ctx context.Context, level slog.Level) bool {
	l := current.Load()
	return l != nil && l.Enabled(ctx, level)
}

func (forward) Handle(ctx context.Context, r slog.Record) error {
	l := current.Load()
	if l == nil {
		return nil
	}
	return l.Handler().Handle(ctx, r)
}

// WithAttrs and WithGroup drop what klog would add: it adds nothing that its
// messages do not say.
func (f forward) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f forward) WithGroup(string) slog.Handler      { return f }

// noNetwork answers every request of the HTTP client that Tessera keeps for
// witnesses. The embedded log has none, so a request would be a mistake.
type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the embedded log has no network")
}
