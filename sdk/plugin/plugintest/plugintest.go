// Package plugintest tests plugins natively, with the checks the notary makes.
//
// [Golden] runs a redactor over a file of texts and the spans expected in them;
// [Properties] checks what must hold for every redactor on any input; [Host] is
// the notary's side of the storage capabilities in memory, with faults on
// demand. What passes here in Go runs in the notary as Wasm; the modules
// themselves are tested by the host.
package plugintest

import (
	"io"
	"os"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/golden"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

// Vector and Span are those of package golden.
type (
	Vector = golden.Vector
	Span   = golden.Span
)

// ReadVectors reads a golden file.
func ReadVectors(r io.Reader) ([]Vector, error) { return golden.Read(r) }

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
	for _, v := range vectors {
		edits, err := in.Redact([]abi.Field{v.Field()})
		if err != nil {
			t.Errorf("%s:%d (%s): %v\n  text: %q", path, v.Line, v.Name, err, v.Text)
		} else if diff := v.Diff(edits, spec.Labels); diff != "" {
			t.Errorf("%s:%d (%s): %s\n  text: %q", path, v.Line, v.Name, diff, v.Text)
		}
	}
}
