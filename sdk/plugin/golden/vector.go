// Package golden says what a redactor is tried on: golden vectors, which are
// texts with the spans expected in them, and batches that every redactor has to
// take. Package plugintest runs them on Go source, "notary plugin test" on modules
// in any language.
//
// Functions are pure and safe for concurrent use.
package golden

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A Vector is one line of a golden file.
type Vector struct {
	// Name says what the line is about.
	Name string `json:"name,omitempty"`
	Text string `json:"text"`
	// Key is the OTLP attribute key the text stands under.
	Key   string `json:"key,omitempty"`
	Spans []Span `json:"spans"`
	// Line is where it stands in its file, counted from 1.
	Line int `json:"-"`
}

// A Span is one expected edit: what is edited, and under which label.
type Span struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// MaxLine bounds a line of a golden file in bytes.
const MaxLine = 1 << 20

// Read reads a golden file: one JSON object a line. Empty lines are skipped; an
// unknown key is an error with its line.
func Read(r io.Reader) ([]Vector, error) {
	var out []Vector
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, MaxLine)
	line := 0
	for sc.Scan() {
		line++
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var v Vector
		dec := json.NewDecoder(bytes.NewReader(sc.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&v); err != nil {
			return nil, fmt.Errorf("golden: line %d: %w", line, err)
		}
		v.Line = line
		out = append(out, v)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("golden: line %d: %w", line+1, err)
	}
	return out, nil
}

// Field returns the vector as the one field of a batch.
func (v *Vector) Field() abi.Field { return abi.Field{Text: []byte(v.Text), Key: []byte(v.Key)} }

// Diff returns what is different between the edits and what the vector expects,
// or "". The edits are valid ones of the vector's field; labels are the
// manifest's.
func (v *Vector) Diff(edits []abi.Edit, labels []string) string {
	if got, want := v.Found(edits, labels), v.Expected(); got != want {
		return fmt.Sprintf("found [%s], want [%s]", got, want)
	}
	return ""
}

// Expected spells what the vector expects: labels and texts.
func (v *Vector) Expected() string {
	all := make([]string, 0, len(v.Spans))
	for _, s := range v.Spans {
		all = append(all, s.Label+" "+s.Text)
	}
	return strings.Join(all, ", ")
}

// Found spells edits as Expected does.
func (v *Vector) Found(edits []abi.Edit, labels []string) string {
	all := make([]string, 0, len(edits))
	for _, e := range edits {
		all = append(all, labels[e.Label]+" "+v.Text[e.Start:e.End])
	}
	return strings.Join(all, ", ")
}
