package dfa

import (
	"errors"
	"regexp/syntax"
	"slices"
	"strconv"
)

// Bounds of [Compile].
const (
	// MaxPatterns is the greatest number of patterns.
	MaxPatterns = 256
	// MaxPattern is the greatest length of a pattern in bytes.
	MaxPattern = 4096
	// maxStates bounds a machine, so that a table stays in the processor's
	// caches and a set of patterns that explodes is cut in two early.
	maxStates = 6000
	// maxGroups bounds how often a text is read.
	maxGroups = 8
)

// ErrCount is returned by [Compile] for no patterns and for more than [MaxPatterns].
var ErrCount = errors.New("dfa: no patterns, or more than " + strconv.Itoa(MaxPatterns))

// Error says which pattern cannot be compiled, and why. It carries nothing of
// the pattern.
type Error struct {
	// Pattern is its index.
	Pattern int
	// Reason begins with a verb: "is too big".
	Reason string

	tooBig bool // fewer patterns may be compiled
}

// Error implements error.
func (e *Error) Error() string {
	return "dfa: pattern " + strconv.Itoa(e.Pattern) + " " + e.Reason
}

// A Span is bytes [Start, End) of a text.
type Span struct {
	Start, End int
	// Pattern is the first of the patterns of which a match ends in the span.
	Pattern int
}

// A Machine finds matches. It has scratch memory: one goroutine at a time.
type Machine struct {
	groups []*group
	spans  []Span
}

// Compile makes the machine of the patterns. It takes time and memory that depend on
// them alone; patterns whose common machine would be too big are read in up to eight
// groups, each of which costs a pass over the text. Its error is an [*Error].
func Compile(patterns []string) (*Machine, error) {
	if len(patterns) == 0 || len(patterns) > MaxPatterns {
		return nil, ErrCount
	}
	parsed := make([]*syntax.Regexp, len(patterns))
	all := make([]int, len(patterns))
	for i, p := range patterns {
		if len(p) > MaxPattern {
			return nil, &Error{Pattern: i, Reason: "has more than " + strconv.Itoa(MaxPattern) + " bytes"}
		}
		re, err := syntax.Parse(p, syntax.Perl)
		if err != nil {
			reason := "is not RE2 syntax"
			var e *syntax.Error
			if errors.As(err, &e) {
				reason += ": " + e.Code.String()
			}
			return nil, &Error{Pattern: i, Reason: reason}
		}
		parsed[i], all[i] = re, i
	}
	m := &Machine{spans: make([]Span, 0, 1<<10)}
	if err := m.compile(parsed, all); err != nil {
		return nil, err
	}
	return m, nil
}

// compile makes one group of the patterns, or cuts them in two.
func (m *Machine) compile(parsed []*syntax.Regexp, patterns []int) error {
	g := &graph{}
	var err error
	for _, p := range patterns {
		if err = g.add(p, parsed[p]); err != nil {
			break
		}
	}
	if err == nil {
		var made *group
		if made, err = newGroup(g); err == nil {
			if len(m.groups) == maxGroups {
				return &Error{Pattern: patterns[0], Reason: "is one too many of its size: shorten repetitions of wide classes"}
			}
			m.groups = append(m.groups, made)
			return nil
		}
	}
	var e *Error
	if !errors.As(err, &e) || !e.tooBig || len(patterns) == 1 {
		return err
	}
	half := len(patterns) / 2
	if err := m.compile(parsed, patterns[:half]); err != nil {
		return err
	}
	return m.compile(parsed, patterns[half:])
}

// Groups returns in how many groups the patterns are read.
func (m *Machine) Groups() int { return len(m.groups) }

// Scan returns what the patterns cover of a text, in ascending order, with a gap
// between any two spans. Spans neither cut a UTF-8 sequence of a valid text, nor are they empty.
// The slice is valid until the next call.
func (m *Machine) Scan(text []byte) []Span {
	m.spans = m.spans[:0]
	for _, g := range m.groups {
		m.spans = g.scan(text, m.spans)
	}
	if len(m.groups) > 1 {
		m.spans = union(m.spans)
	}
	return m.spans
}

// union sorts spans and joins those that overlap or touch.
func union(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return a.Start - b.Start })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			last := &out[n-1]
			last.End = max(last.End, s.End)
			last.Pattern = min(last.Pattern, s.Pattern)
			continue
		}
		out = append(out, s)
	}
	return out
}
