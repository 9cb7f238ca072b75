// Package lograte keeps warnings from flooding a log: of those that are alike, the first
// is told at once and the others are counted. What fails for each request is told once in
// a while, with how often.
package lograte

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Reasons is how many different lines of one message are told at once in a period: who
// looks at the log wants to see that a failure has another reason now.
const Reasons = 8

// New returns a handler in front of another one. Lines below warnings pass. A warning or
// error passes if none of its message has within the period, or if its attributes are not
// those of the one before, up to [Reasons] in a period. The others are counted, and at the
// end of the period the last of them is told, with their number in the attribute "alike";
// what is counted when the process ends is not told. Messages have to be constants of the
// program: each has a place in memory for a period.
func New(next slog.Handler, period time.Duration) slog.Handler {
	return &handler{next, "", &lines{period: period, seen: make(map[string]*line)}}
}

type handler struct {
	next  slog.Handler
	own   string // attributes and groups of the handler
	lines *lines
}

type lines struct {
	period time.Duration
	mu     sync.Mutex
	seen   map[string]*line // by level and message
}

// A line is what there was of a message in this period.
type line struct {
	text    string // attributes of the last one
	told    int
	counted int
	last    slog.Record  // of those that were counted
	next    slog.Handler // of that
}

// Enabled implements [slog.Handler].
func (h *handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || h.lines.tell(r, h.text(r), h.next) {
		return h.next.Handle(ctx, r)
	}
	return nil
}

// tell says whether the line is to be told now, and counts it otherwise.
func (s *lines) tell(r slog.Record, text string, next slog.Handler) bool {
	key := r.Level.String() + " " + r.Message
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.seen[key]
	if l == nil {
		s.seen[key] = &line{text: text, told: 1}
		time.AfterFunc(s.period, func() { s.end(key) })
		return true
	}
	if text != l.text && l.told < Reasons {
		l.text = text
		l.told++
		return true
	}
	l.text, l.last, l.next = text, r.Clone(), next
	l.counted++
	return false
}

// end tells what was counted in a period. While there is something, another one follows.
func (s *lines) end(key string) {
	s.mu.Lock()
	l := s.seen[key]
	if l.counted == 0 {
		delete(s.seen, key)
		s.mu.Unlock()
		return
	}
	r, next := l.last, l.next
	r.AddAttrs(slog.Int("alike", l.counted))
	l.told, l.counted = 1, 0
	time.AfterFunc(s.period, func() { s.end(key) })
	s.mu.Unlock()
	_ = next.Handle(context.Background(), r) // nobody is left who could be told
}

// text is what tells lines of one message apart.
func (h *handler) text(r slog.Record) string {
	var b strings.Builder
	b.WriteString(h.own)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(a.String() + "\n")
		return true
	})
	return b.String()
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	own := h.own
	for _, a := range attrs {
		own += a.String() + "\n"
	}
	return &handler{h.next.WithAttrs(attrs), own, h.lines}
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.next.WithGroup(name), h.own + name + ":", h.lines}
}
