// Package loglines writes log lines as JSON, for the programs of this repository.
package loglines

import (
	"io"
	"log/slog"
	"time"
)

// JSON writes log lines as JSON, with durations as people read them: slog's own are
// nanoseconds.
func JSON(w io.Writer) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(Readable(a.Value.Duration()))
		}
		return a
	}})
}

// Readable is a duration without the digits that nobody reads.
func Readable(d time.Duration) string {
	if d > time.Second {
		d = d.Round(time.Millisecond)
	}
	return d.String()
}
