package pluginhost

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A Field is one text of a request, with what a redactor may know of it.
type Field struct {
	// Text has to be valid UTF-8.
	Text []byte
	// Valid means that this is known of Text; else it is looked at.
	Valid bool
	// Key is the OTLP attribute key the text stands under, or empty. What a
	// redactor sees of it is cut at 1 KiB; a key that may itself hold something
	// to redact is a Field of its own.
	Key    []byte
	Role   abi.Role
	Format abi.Format
	Group  uint32
}

// An Edit says that bytes [Start, End) of a field's text have to go, and what
// goes with them. The range of an edit that drops the field or the record may be
// beside the point: it is that of what redactors saw.
type Edit struct {
	Field      int
	Start, End int
	Label      string
	Plugin     string
	Score      uint16
	// Quote has to stand before and after the replacement: the text is JSON, and
	// what is replaced a number or a word. Else it is empty.
	Quote  string
	Action Action
	// Value, if the action is Token, is what the token is of: the whole finding as
	// redactors saw it, however the text spells it.
	Value string
}

const (
	window  = abi.MaxBatchText // greatest text of one batch
	overlap = 1 << 10          // of neighbouring windows of one text, or more
	reach   = window / 2       // how much more at most, so that windows go on
	maxKey  = 1 << 10
	// maxBatchFields bounds the fields of a batch, empty texts included.
	maxBatchFields = 1 << 12
)

// A piece is the part of a field's text that goes into one batch.
type piece struct{ field, start, end int }

// A batch is what one call of a guest gets: pieces of the fields.
type batch struct {
	of     []Field
	pieces []piece
	layout abi.RequestLayout
	bytes  int // of text
	keys   int // bytes of the keys of all pieces
}

// text returns that of a field as the guest gets it.
func (b *batch) text(field int) []byte {
	p := &b.pieces[field]
	return b.of[p.field].Text[p.start:p.end]
}

// put writes the batch's request.
func (b *batch) put(to []byte) {
	w := b.layout.Begin(to)
	for i := range b.pieces {
		f := &b.of[b.pieces[i].field]
		w.Put(b.text(i), f.shownKey(), f.Role, f.Format, f.Group)
	}
}

func (f *Field) shownKey() []byte { return f.Key[:runeStart(f.Key, maxKey)] }

// Redact runs the fields through every redactor and returns what has to be
// replaced: the union of all redactors' edits on the original text, plus every
// other place in these fields where a reported value of 6 bytes or more
// stands. What scores under its label's threshold is not reported. Overlapping
// edits become one, with the label of the longest, at equal length of the first
// plugin in the set's order, and with the greatest action of all. Edits are sorted
// by field and start; they do not overlap and lie on UTF-8 borders.
//
// Redactors see what the escapes of JSON stand for, at any level (jsontext.View),
// and the edits are those of the fields: whole escapes, and in JSON the contents of
// strings, numbers and words, so that JSON stays JSON.
//
// If any redactor fails on any batch the result is an error and nothing else.
// Errors of redactors are [*PluginError]; text that is not UTF-8 gives
// [ErrText]; a context that ends gives its cause, and so does a [Reserve] that has no
// room. With no redactor in the set nothing looks at the fields, and there are no edits.
func (s *Set) Redact(ctx context.Context, fields []Field) ([]Edit, error) {
	if len(s.redactors) == 0 {
		return nil, nil
	}
	var like *alike // of what is left to do
	if s.fieldwise > 0 {
		like = compare(fields)
		defer like.free()
	}
	for i := range fields {
		if !fields[i].Valid && !like.repeats(i) && !utf8.Valid(fields[i].Text) {
			return nil, ErrText
		}
	}
	room := reserving(ctx)
	shown, seen, err := show(fields, like, &room)
	if err != nil {
		return nil, err
	}
	tasks := s.tasks(shown, like)
	defer tasks.free() // nobody works on them any more
	err = each(ctx, len(tasks.list), func(ctx context.Context, i int) (err error) {
		t := &tasks.list[i]
		t.found, err = t.p.redact(ctx, t.batch)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.fieldwise < len(s.redactors) { // what the others found is in each field by itself
		like = nil
	}
	if err := room.forReports(shown, seen, like, tasks.reports); err != nil {
		return nil, err
	}
	edits, err := s.combine(ctx, shown, like, tasks.reports, func(edits []Edit) []Edit { return seen.complete(fields, shown, edits) })
	if err != nil {
		return nil, err
	}
	if err := room.forEdits(like.total(edits)); err != nil {
		return nil, err
	}
	return seen.restore(fields, shown, like.spread(edits)), nil
}

// each calls work with 0 to n-1, on this goroutine and on as many more as processors could
// take: one less than there are, which begin with what this one has not got to. It
// returns the first error, which ends the context of the others.
func each(ctx context.Context, n int, work func(context.Context, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	run := func() error {
		for i := next.Add(1); i <= int64(n); i = next.Add(1) {
			if err := work(ctx, int(i-1)); err != nil {
				return err
			}
		}
		return nil
	}
	for range min(n, runtime.GOMAXPROCS(0)) - 1 {
		g.Go(run)
	}
	if err := run(); err != nil {
		g.Go(func() error { return err })
	}
	return g.Wait()
}

// split lays the fields out in batches of at most 64 KiB of text and as much of keys, so that no
// sender makes one that a guest's memory does not hold, and leaves out those that repeat another
// one. A longer text is cut into windows that overlap, so that what lies across a border is whole
// in one of them: what is no longer than the overlap, and a key or a token of up to 32 KiB.
func split(fields []Field, like *alike) []batch {
	var out []batch
	b := batch{}
	flush := func() {
		if len(b.pieces) > 0 {
			out = append(out, b)
			b = batch{}
		}
	}
	for i := range fields {
		f := &fields[i]
		if like.repeats(i) {
			continue
		}
		key := len(f.shownKey())
		for offset, last := 0, false; !last && len(f.Text) > 0; {
			var end int
			end, last = windowEnd(f.Text, offset)
			if b.bytes+end-offset > window || b.keys+key > abi.MaxBatchKeys || len(b.pieces) == maxBatchFields {
				flush()
			}
			if b.pieces == nil { // room for all the fields that may come: growing by halves costs more than the calls
				b = newBatch(fields, min(len(fields)-i, maxBatchFields))
			}
			b.bytes, b.keys = b.bytes+end-offset, b.keys+key
			b.layout.Add(end-offset, key)
			b.pieces = append(b.pieces, piece{i, offset, end})
			if !last {
				offset = nextWindow(f.Text, end)
			}
		}
	}
	flush()
	return out
}

// windowEnd returns where the window that begins at offset ends, and whether
// it is the text's last.
func windowEnd(text []byte, offset int) (end int, last bool) {
	if len(text)-offset <= window {
		return len(text), true
	}
	return runeStart(text, offset+window), false
}

// nextWindow returns where the window begins that follows one which ends at end, in a
// text that goes on. What is longer than the overlap and may be one finding begins before
// it: a key whose armour (RFC 7468) is open at the border, or letters and digits
// as base64 and tokens have them.
func nextWindow(text []byte, end int) int {
	least, at := end-reach, end-overlap
	for _, armour := range armours {
		if begin := lastIndex(text[least:at], armour.begin); begin >= 0 && !bytes.Contains(text[least+begin:end-lastLine], armour.end) {
			return least + begin
		}
	}
	token := at
	for token > least && ofToken[text[token-1]] {
		token--
	}
	if least < token && token < at { // else it is not whole in any window: an image, for one
		at = max(token-lastLine, least) // with what names it
	}
	return runeStart(text, at)
}

// lastLine bounds the last line of armour, behind its first word, and what stands before a
// value on its line.
const lastLine = 128

// armours are how keys begin and end that are longer than a line: those of RFC 7468, OpenPGP
// and OpenSSH, and those of PuTTY.
var armours = []struct{ begin, end []byte }{
	{[]byte("-----BEGIN "), []byte("-----END ")},
	{[]byte("PuTTY-User-Key-File-"), []byte("Private-MAC:")},
}

// ofToken are the bytes of base64, in both alphabets, and of the dots in tokens.
var ofToken = func() (of [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_.") {
		of[c] = true
	}
	return of
}()

// lastIndex is bytes.LastIndex where there is mostly none, which is what Index is fast at.
func lastIndex(b, sep []byte) int {
	last := -1
	for {
		next := bytes.Index(b[last+1:], sep)
		if next < 0 {
			return last
		}
		last += 1 + next
	}
}

// runeStart returns the last UTF-8 border in b that is not behind at.
func runeStart(b []byte, at int) int {
	if at >= len(b) {
		return len(b)
	}
	for at > 0 && !utf8.RuneStart(b[at]) {
		at--
	}
	return max(at, 0)
}

// rooms holds the arrays of split, which hold no text.
var rooms = sync.Pool{New: func() any { return new([]piece) }}

// newBatch returns an empty batch with room for so many pieces of the fields.
func newBatch(fields []Field, room int) batch {
	return batch{of: fields, pieces: slices.Grow((*rooms.Get().(*[]piece))[:0], room)}
}

// free gives a batch's array back.
func (b *batch) free() { rooms.Put(&b.pieces) }

// redact gives one batch to one instance of the guest, or to two that have to
// agree.
func (p *plugin) redact(ctx context.Context, b *batch) ([]abi.Edit, error) {
	size, err := b.layout.Size()
	if err != nil {
		return nil, p.fail(ReasonLimit)
	}
	edits, err := p.run(ctx, p.pool, b, size)
	if err != nil || p.twin == nil {
		return p.counting(edits), err
	}
	again, err := p.run(ctx, p.twin, b, size)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(edits, again) {
		return nil, p.fail(ReasonDiffers)
	}
	return p.counting(edits), nil
}

// run makes the call in an instance of a pool. The request, of this size, is written
// nowhere but in the guest's memory, which is put back.
func (p *plugin) run(ctx context.Context, from *pool, b *batch, size int) ([]abi.Edit, error) {
	in, err := p.acquireFrom(ctx, from)
	if err != nil {
		return nil, err
	}
	ctx = withCall(context.WithoutCancel(ctx), &call{ctx: ctx, clock: clockCall})
	packed, reason := in.send(ctx, abi.ExportRdxRedact, p.limits.of(size), size, b.put)
	var edits []abi.Edit
	if reason == "" {
		edits, reason = p.readReply(in, packed, len(b.pieces), b.text)
	}
	p.release(in, reason != "")
	p.count(func(c *Counters) { c.Calls, c.Bytes = c.Calls+1, c.Bytes+uint64(b.bytes) })
	if reason != "" {
		return nil, p.fail(reason)
	}
	return edits, nil
}

// readReply reads and checks the reply while it is still in the guest's memory.
func (p *plugin) readReply(in *instance, packed uint64, fields int, text func(field int) []byte) ([]abi.Edit, Reason) {
	if packed == 0 {
		return nil, ReasonStatus
	}
	b, reason := in.reply(packed)
	if reason != "" {
		return nil, reason
	}
	status, edits, err := abi.DecodeReply(b, abi.MaxEdits, nil)
	switch {
	case err != nil:
		return nil, ReasonReply
	case status != 0:
		return nil, ReasonStatus
	case abi.ValidateEditsOf(fields, text, edits, len(p.labels)) != nil:
		return nil, ReasonReply
	}
	return edits, ""
}
