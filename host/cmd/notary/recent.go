package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/internal/loglines"
)

// Bounds of what is remembered of the log.
const (
	maxRecent = 32
	maxDetail = 512 // bytes of a line's attributes
)

// A recorder is a log handler that remembers the last warnings and errors, for a person
// who looks at the running notary.
type recorder struct {
	slog.Handler
	attrs  []slog.Attr
	recent *recent
}

type recent struct {
	mu     sync.Mutex
	events []control.Event // the newest last
}

func newRecorder(h slog.Handler) *recorder { return &recorder{Handler: h, recent: new(recent)} }

// Handle implements [slog.Handler].
func (r *recorder) Handle(ctx context.Context, line slog.Record) error {
	if line.Level >= slog.LevelWarn {
		r.recent.add(r.event(line))
	}
	return r.Handler.Handle(ctx, line)
}

func (r *recorder) event(line slog.Record) control.Event {
	var detail strings.Builder
	add := func(a slog.Attr) bool {
		if detail.Len() > 0 {
			detail.WriteByte(' ')
		}
		text := a.Value.Resolve().String()
		if a.Value.Kind() == slog.KindDuration {
			text = loglines.Readable(a.Value.Duration())
		}
		detail.WriteString(a.Key + "=" + text)
		return detail.Len() < maxDetail
	}
	for _, a := range r.attrs {
		add(a)
	}
	line.Attrs(add)
	text := oneLine(detail.String())
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return control.Event{Time: line.Time.UTC(), Level: line.Level.String(), Message: line.Message, Detail: text}
}

// WithAttrs implements [slog.Handler].
func (r *recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &recorder{r.Handler.WithAttrs(attrs), append(r.attrs[:len(r.attrs):len(r.attrs)], attrs...), r.recent}
}

// WithGroup implements [slog.Handler].
func (r *recorder) WithGroup(name string) slog.Handler {
	return &recorder{r.Handler.WithGroup(name), r.attrs, r.recent}
}

func (r *recent) add(e control.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) == maxRecent {
		r.events = append(r.events[:0], r.events[1:]...)
	}
	r.events = append(r.events, e)
}

// newestFirst returns what is remembered.
func (r *recent) newestFirst() []control.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]control.Event, 0, len(r.events))
	for i := len(r.events) - 1; i >= 0; i-- {
		out = append(out, r.events[i])
	}
	return out
}

// recentOf returns what the log of a notary remembers, nil if it is another log.
func recentOf(l *slog.Logger) func() []control.Event {
	if r, ok := l.Handler().(*recorder); ok {
		return r.recent.newestFirst
	}
	return nil
}
