package redactor_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func spec(r redactor.Redactor) redactor.Spec {
	return redactor.Spec{
		Labels:    []string{"X"},
		Configure: func([]byte) (redactor.Redactor, error) { return r, nil },
	}
}

// Example runs natively what a guest registers with Register.
func Example() {
	in, err := redactor.New(redactor.Spec{
		Labels: []string{"STAR"},
		Configure: func([]byte) (redactor.Redactor, error) {
			return redactor.EachField(func(f *abi.Field, found redactor.Found) {
				for i, c := range f.Text {
					if c == '*' {
						found(i, i+1, 0, 1000)
					}
				}
			}), nil
		},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	edits, err := in.Redact([]abi.Field{{Text: []byte("plain")}, {Text: []byte("a*b")}})
	for _, e := range edits {
		fmt.Println(e.Field, e.Start, e.End)
	}
	fmt.Println(err)
	// Output:
	// 1 1 2
	// <nil>
}

type redactFunc func(fields []abi.Field, edits *redactor.Edits) error

func (f redactFunc) Redact(fields []abi.Field, edits *redactor.Edits) error { return f(fields, edits) }

// TestWrongEdits: what the host would refuse is refused natively.
func TestWrongEdits(t *testing.T) {
	for name, add := range map[string]func(e *redactor.Edits){
		"behind the text": func(e *redactor.Edits) { e.Add(0, 0, 5, 0, 0) },
		"before the text": func(e *redactor.Edits) { e.Add(0, -1, 1, 0, 0) },
		"empty":           func(e *redactor.Edits) { e.Add(0, 1, 1, 0, 0) },
		"inside a rune":   func(e *redactor.Edits) { e.Add(0, 0, 2, 0, 0) },
		"no such field":   func(e *redactor.Edits) { e.Add(1, 0, 1, 0, 0) },
		"no such label":   func(e *redactor.Edits) { e.Add(0, 0, 1, 1, 0) },
		"overlap":         func(e *redactor.Edits) { e.Add(0, 0, 3, 0, 0); e.Add(0, 1, 4, 0, 0) },
		"descending":      func(e *redactor.Edits) { e.Add(0, 3, 4, 0, 0); e.Add(0, 0, 1, 0, 0) },
		"too many":        func(e *redactor.Edits) { addMany(e, abi.MaxEdits+1) },
		"huge field":      func(e *redactor.Edits) { e.Add(1<<40, 0, 1, 0, 0) },
		"huge start":      func(e *redactor.Edits) { e.Add(0, 1<<32, 1<<32+1, 0, 0) },
		"negative field":  func(e *redactor.Edits) { e.Add(-1, 0, 1, 0, 0) },
	} {
		in, err := redactor.New(spec(redactFunc(func(_ []abi.Field, e *redactor.Edits) error { add(e); return nil })), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Redact([]abi.Field{{Text: []byte("aéb")}}); !errors.Is(err, redactor.ErrRedact) {
			t.Errorf("%s: error %v, want ErrRedact", name, err)
		}
	}
}

func addMany(e *redactor.Edits, n int) {
	for range n {
		e.Add(0, 0, 1, 0, 0)
	}
}

// TestFailureLeavesNoEdits: a redactor that gives up half way reports nothing,
// and the next batch starts clean.
func TestFailureLeavesNoEdits(t *testing.T) {
	fail := true
	in, err := redactor.New(spec(redactFunc(func(_ []abi.Field, e *redactor.Edits) error {
		e.Add(0, 0, 1, 0, 0)
		if fail {
			return errors.New("gave up")
		}
		return nil
	})), nil)
	if err != nil {
		t.Fatal(err)
	}
	fields := []abi.Field{{Text: []byte("abc")}}
	if edits, err := in.Redact(fields); !errors.Is(err, redactor.ErrRedact) || edits != nil {
		t.Errorf("edits %v, error %v; want ErrRedact and nothing", edits, err)
	}
	fail = false
	if edits, err := in.Redact(fields); err != nil || len(edits) != 1 {
		t.Errorf("edits %v, error %v; want one edit", edits, err)
	}
}

func TestSpecIsChecked(t *testing.T) {
	refuses := errors.New("no")
	for name, c := range map[string]struct {
		spec redactor.Spec
		want error
	}{
		"no labels":    {redactor.Spec{Configure: spec(nil).Configure}, redactor.ErrSpec},
		"no configure": {redactor.Spec{Labels: []string{"X"}}, redactor.ErrSpec},
		"refused": {redactor.Spec{Labels: []string{"X"}, Configure: func([]byte) (redactor.Redactor, error) {
			return nil, refuses
		}}, refuses},
	} {
		if _, err := redactor.New(c.spec, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

// TestFieldsArrive: a redactor sees what the host sent.
func TestFieldsArrive(t *testing.T) {
	sent := []abi.Field{
		{Text: []byte("hé"), Key: []byte("k"), Role: abi.RoleUser, Format: abi.FormatJSON, Group: 7},
		{},
		{Text: []byte("x"), Group: 1 << 31},
	}
	in, err := redactor.New(spec(redactFunc(func(got []abi.Field, _ *redactor.Edits) error {
		if len(got) != len(sent) {
			t.Fatalf("%d fields, want %d", len(got), len(sent))
		}
		for i := range got {
			if fmt.Sprint(got[i]) != fmt.Sprint(sent[i]) {
				t.Errorf("field %d: %v, want %v", i, got[i], sent[i])
			}
		}
		return nil
	})), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Redact(sent); err != nil {
		t.Error(err)
	}
}
