// Package plugintest tests plugins natively, with the checks the notary makes.
//
// [Golden] runs a redactor over a file of texts and the spans expected in them;
// [Properties] checks what must hold for every redactor on any input; [Host] is
// the notary's side of the storage capabilities in memory, with faults on
// demand. What passes here in Go runs in the notary as Wasm; the modules
// themselves are tested by the host.
package plugintest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

// A Vector is one line of a golden file.
type Vector struct {
	// Name says what the line is about.
	Name string `json:"name,omitempty"`
	Text string `json:"text"`
	// Key is the OTLP attribute key the text stands under.
	Key   string `json:"key,omitempty"`
	Spans []Span `json:"spans"`
}

// A Span is one expected edit: what is edited, and under which label.
type Span struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// maxLine bounds a line of a golden file in bytes.
const maxLine = 1 << 20

// ReadVectors reads a golden file: one JSON object a line. Empty lines are
// skipped; an unknown key is an error with its line.
func ReadVectors(r io.Reader) ([]Vector, error) {
	var out []Vector
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLine)
	for line := 1; sc.Scan(); line++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var v Vector
		dec := json.NewDecoder(bytes.NewReader(sc.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&v); err != nil {
			return nil, fmt.Errorf("plugintest: line %d: %w", line, err)
		}
		out = append(out, v)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("plugintest: line %d: %w", len(out)+1, err)
	}
	return out, nil
}

// Golden runs the redactor with the given configuration over a golden file and
// reports every line on which it finds something else. All lines go through
// one instance in one batch each, as in the notary.
func Golden(t *testing.T, spec redactor.Spec, config []byte, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	vectors, err := ReadVectors(f)
	if err != nil {
		t.Fatal(err)
	}
	in, err := redactor.New(spec, config)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range vectors {
		if diff := v.run(in, spec.Labels); diff != "" {
			t.Errorf("%s, vector %d (%s): %s\n  text: %q", path, i+1, v.Name, diff, v.Text)
		}
	}
}

// run returns what is different from what the vector expects, or "".
func (v *Vector) run(in *redactor.Instance, labels []string) string {
	edits, err := in.Redact([]abi.Field{{Text: []byte(v.Text), Key: []byte(v.Key)}})
	if err != nil {
		return err.Error()
	}
	got, want := make([]string, 0, len(edits)), make([]string, 0, len(v.Spans))
	for _, e := range edits {
		got = append(got, labels[e.Label]+" "+v.Text[e.Start:e.End])
	}
	for _, s := range v.Spans {
		want = append(want, s.Label+" "+s.Text)
	}
	if g, w := strings.Join(got, ", "), strings.Join(want, ", "); g != w {
		return fmt.Sprintf("found [%s], want [%s]", g, w)
	}
	return ""
}
