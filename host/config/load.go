package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	Line int    // counted from 1; 0 if the file as a whole is meant
	Key  string // where in the file, such as "plugins[0].sha256"; may be empty
	Text string // what is wrong
	Hint string // what to do about it; may be empty
}

// Error lists everything that is wrong with a file, in the order of its lines.
type Error struct {
	Name     string // of the file
	Problems []Problem
}

// Error returns a line for each problem: name:line: key: text; hint.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.in(e.Name)
	}
	return strings.Join(lines, "\n")
}

func (p Problem) in(name string) string {
	var b strings.Builder
	b.WriteString(name)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Key != "" {
		b.WriteString(": " + p.Key)
	}
	b.WriteString(": " + p.Text)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Load reads the file at path. A file that is wrong gives an [*Error].
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	// One byte more than is allowed, so that Parse sees that there is too much.
	b, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(path, b)
}

// Parse reads a configuration from its bytes. The name is that of the file, for
// messages, and for relative paths, which are relative to its directory.
// Errors are an [*Error] with every problem found. Files that the
// configuration names are not looked at.
func Parse(name string, b []byte) (*Config, error) {
	c, problems := parse(b)
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &Error{Name: name, Problems: problems}
	}
	c.own(name, b)
	return c, nil
}

func parse(b []byte) (*Config, []Problem) {
	switch {
	case len(b) > MaxSize:
		return nil, []Problem{{Text: fmt.Sprintf("more than %d bytes", MaxSize)}}
	case !utf8.Valid(b):
		return nil, []Problem{{Text: "not UTF-8"}}
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, []Problem{{Text: "has nothing in it", Hint: "was it written to the end? It begins with \"version: 1\"; restore it, or write it as the README shows"}}
	}
	var doc yaml.Node
	if err := yaml.Load(b, &doc); err != nil {
		return nil, fromYAML(b, err)
	}
	s := shape{lines: map[string]int{}}
	s.document(&doc)
	if len(s.problems) > 0 {
		return nil, s.problems
	}
	c := defaults()
	if err := yaml.Load(b, c, yaml.WithKnownFields()); err != nil {
		return nil, fromYAML(b, err)
	}
	c.complete()
	return c, validate(c, s.lines)
}

// fromYAML takes the library's errors apart: line and reason of each.
func fromYAML(b []byte, err error) []Problem {
	var many *yaml.LoadErrors
	if !errors.As(err, &many) {
		return []Problem{oneFromYAML(b, err)}
	}
	problems := make([]Problem, len(many.Errors))
	for i, e := range many.Errors {
		problems[i] = oneFromYAML(b, e)
	}
	return problems
}

func oneFromYAML(b []byte, err error) Problem {
	var one *yaml.LoadError
	if !errors.As(err, &one) {
		return Problem{Text: err.Error()}
	}
	p := Problem{Line: one.Mark.Line, Text: one.Message}
	if tabbed(b, p.Line) {
		p.Hint = "indent with spaces: YAML takes no tabs"
	}
	return p
}

// tabbed says whether a line, or one beside it, begins with a tab: the library tells the line
// at which it gave up.
func tabbed(b []byte, line int) bool {
	lines := bytes.Split(b, []byte("\n"))
	for _, l := range lines[max(min(line-2, len(lines)), 0):max(min(line+1, len(lines)), 0)] {
		indent := l[:len(l)-len(bytes.TrimLeft(l, " \t"))]
		if bytes.IndexByte(indent, '\t') >= 0 {
			return true
		}
	}
	return false
}
