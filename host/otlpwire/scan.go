package otlpwire

import "fmt"

// A Signal is the kind of telemetry in a request.
type Signal uint8

// The signals that the notary takes.
const (
	Traces Signal = 1 // ExportTraceServiceRequest
	Logs   Signal = 2 // ExportLogsServiceRequest
)

// String returns the signal's name in the OTLP URL scheme.
func (s Signal) String() string {
	switch s {
	case Traces:
		return "traces"
	case Logs:
		return "logs"
	}
	return "unknown"
}

func (s Signal) root() *message {
	switch s {
	case Traces:
		return schemas.traces
	case Logs:
		return schemas.logs
	}
	return nil
}

// The levels of a request that hold records, in either signal.
func (s Signal) resource() *message { return s.root().fields[1].sub }
func (s Signal) scope() *message    { return s.resource().fields[2].sub }
func (s Signal) record() *message   { return s.scope().fields[2].sub }

// Default limits. An empty span costs two bytes on the wire and a hundred in
// memory, so bytes alone bound nothing: 1 KB of gzip holds half a million
// empty spans.
const (
	DefaultBytes    = 16 << 20  // bytes of a request
	DefaultMessages = 1_000_000 // submessages, and elements of repeated strings
	DefaultRecords  = 1 << 16   // spans or log records
	MaxDepth        = 64        // nesting of submessages, not to be raised
)

// Limits bound a request before anything is allocated for it. A zero field
// stands for its default; Depth cannot be set above [MaxDepth], nor Bytes above
// 1 GiB.
type Limits struct {
	Bytes    int
	Messages int
	Records  int
	Depth    int
}

func (l Limits) orDefault() Limits {
	or := func(n, def, most int) int {
		if n <= 0 {
			return def
		}
		return min(n, most)
	}
	return Limits{
		Bytes:    or(l.Bytes, DefaultBytes, 1<<30),
		Messages: or(l.Messages, DefaultMessages, 1<<30),
		Records:  or(l.Records, DefaultRecords, 1<<30),
		Depth:    or(l.Depth, MaxDepth, MaxDepth),
	}
}

// Counts is what a request will need.
type Counts struct {
	Messages int // submessages, and elements of repeated strings
	Records  int // spans or log records
	Texts    int // texts of one byte and more
	Depth    int // of the deepest submessage; the request itself is at 0
}

// Scan counts what is in a request and checks the structure of its wire bytes:
// tags, varints, lengths and wire types at every level that the schema knows.
// It allocates nothing unless it returns an error, and needs the same small
// stack for every input.
func Scan(buf []byte, sig Signal, lim Limits) (Counts, error) {
	root := sig.root()
	if root == nil {
		return Counts{}, &Error{Err: ErrSignal, Place: sig.String()}
	}
	lim = lim.orDefault()
	if len(buf) > lim.Bytes {
		return Counts{}, &Error{Err: fmt.Errorf("%w: over the %d bytes of limits.request_bytes", ErrTooLarge, lim.Bytes), Place: root.name, Offset: lim.Bytes}
	}
	s := scanner{reader: reader{buf: buf}, lim: lim}
	s.stack[0] = frame{root, len(buf)}
	if at, err := s.run(); err != nil {
		return Counts{}, &Error{Err: err, Place: s.stack[s.depth].m.name, Offset: at}
	}
	return s.counts, nil
}

type frame struct {
	m   *message
	end int
}

// A scanner walks without recursion, so that no input grows the goroutine's
// stack.
type scanner struct {
	reader
	lim    Limits
	counts Counts
	depth  int
	stack  [MaxDepth + 1]frame
}

// run returns the offset of the field that it refuses.
func (s *scanner) run() (at int, err error) {
	pos, top := 0, s.stack[0]
	for {
		for pos == top.end {
			if s.depth == 0 {
				return pos, nil
			}
			s.depth--
			top = s.stack[s.depth]
		}
		f, lo, hi, err := s.field(top.m, pos, top.end)
		if err != nil {
			return pos, err
		}
		at, pos = pos, hi
		if f == nil || f.wire != wireBytes {
			continue
		}
		if f.kind != nested {
			if err := s.leaf(f, hi-lo); err != nil {
				return at, err
			}
			continue
		}
		if err := s.enter(f, hi); err != nil {
			return at, err
		}
		pos, top = lo, s.stack[s.depth]
	}
}

func (s *scanner) leaf(f *field, size int) error {
	if size > 0 && (f.kind == text || f.kind == blob) {
		s.counts.Texts++
	}
	if f.repeated {
		return s.count()
	}
	return nil
}

// enter begins a submessage.
func (s *scanner) enter(f *field, end int) error {
	if s.depth == s.lim.Depth {
		return ErrTooDeep
	}
	if f.hook == recordHook {
		if s.counts.Records++; s.counts.Records > s.lim.Records {
			return ErrTooMany
		}
	}
	s.depth++
	s.stack[s.depth] = frame{f.sub, end}
	s.counts.Depth = max(s.counts.Depth, s.depth)
	return s.count()
}

func (s *scanner) count() error {
	if s.counts.Messages++; s.counts.Messages > s.lim.Messages {
		return ErrTooMany
	}
	return nil
}
