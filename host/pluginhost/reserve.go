package pluginhost

import (
	"context"
	"iter"

	"github.com/veriproof/notary/host/jsontext"
)

// A Reserve takes room in a budget for what [Set.Redact] holds beside the fields, before
// it is allocated: bytes that are free again when Redact has returned, and bytes for edits
// and what their reader makes of them. Each call says all that is held at that moment. An
// error is Redact's.
type Reserve func(passing, edits int64) error

type reserveKey struct{}

// Reserving returns a context with which Redact asks for its memory.
func Reserving(ctx context.Context, r Reserve) context.Context {
	return context.WithValue(ctx, reserveKey{}, r)
}

// What is held at a time, about, in bytes.
const (
	// perViewByte is for each byte of the one text whose escapes are being decoded, or into
	// which edits are put back: JSON in a string of JSON, dense in short values, takes
	// most (TestDenseRequests of package session).
	perViewByte = 40
	// perEntry is for each entry of the values that are looked for elsewhere.
	perEntry = 160
	// perEdit is for an edit as redactors see it, as the fields have it, and as it is
	// spliced and listed.
	perEdit = 512
)

// A reservation is what one call of Redact has asked for.
type reservation struct {
	ask            Reserve
	passing, edits int64
}

func reserving(ctx context.Context) reservation {
	ask, _ := ctx.Value(reserveKey{}).(Reserve)
	return reservation{ask: ask}
}

func (r *reservation) take(passing, edits int64) error {
	if r.ask == nil || passing <= r.passing && edits <= r.edits {
		return nil
	}
	r.passing, r.edits = max(passing, r.passing), max(edits, r.edits)
	return r.ask(r.passing, r.edits)
}

// forViews asks for one view at a time of texts of up to so many bytes.
func (r *reservation) forViews(most int) error { return r.take(perViewByte*int64(most), r.edits) }

// forReports asks for what becomes of reports. Values are looked for elsewhere first; then
// edits are put back into texts that have views, or that are JSON, of which they have to
// know the parts.
func (r *reservation) forReports(shown []Field, seen *views, like *alike, reports iter.Seq[Edit]) error {
	count, entries, most := 0, 0, seen.most
	for e := range reports {
		count += like.count(e.Field)
		text := shown[e.Field].Text
		for _, value := range toLookFor(text[e.Start:e.End]) {
			entries += entriesOf(value)
		}
		if len(text) > most && jsontext.MayBeDocument(text) {
			most = len(text)
		}
	}
	if count == 0 {
		return nil
	}
	passing := max(perViewByte*int64(most), perEntry*int64(min(entries, maxEntries)))
	return r.take(passing, perEdit*int64(min(count, maxEdits+len(shown))))
}

func (r *reservation) forEdits(n int) error { return r.take(r.passing, perEdit*int64(n)) }
