package commitlog

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"k8s.io/klog/v2"
)

// Tessera reports through klog, which is one per process and writes to stderr
// unless told otherwise. The first log that is opened takes klog over for good;
// from then on what it says goes to the logger of the log opened last.
var (
	takeKlog sync.Once
	current  atomic.Pointer[slog.Logger]
	nowhere  = slog.New(slog.DiscardHandler)
)

func redirectKlog(logger *slog.Logger) {
	current.Store(logger)
	takeKlog.Do(func() { klog.SetSlogLogger(slog.New(forward{})) })
}

// releaseKlog ends the reports to a logger whose log is closed: Tessera's
// goroutines may have a last word after Close.
func releaseKlog(logger *slog.Logger) {
	current.CompareAndSwap(logger, nowhere)
}

// forward is a slog handler that passes records to the current logger.
type forward struct{}

func (forward) Enabled(ctx context.Context, level slog.Level) bool {
	return current.Load().Enabled(ctx, level)
}

func (forward) Handle(ctx context.Context, r slog.Record) error {
	return current.Load().Handler().Handle(ctx, r)
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
