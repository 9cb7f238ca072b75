package plugintest

import (
	"slices"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/golden"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

// Properties checks on the batches of package golden, mixed from the seeds, what
// must hold for every redactor: edits are sorted, inside their texts and on UTF-8 borders
// (the host's own check), a second run and a second instance give the same
// edits, and the other fields of a batch do not matter.
//
// A redactor that means to use the other fields of a batch as context is
// tested with independent false.
func Properties(t *testing.T, spec redactor.Spec, config []byte, seeds []string, independent bool) {
	t.Helper()
	a, err := redactor.New(spec, config)
	if err != nil {
		t.Fatal(err)
	}
	b, err := redactor.New(spec, config)
	if err != nil {
		t.Fatal(err)
	}
	for i, batch := range golden.Batches(seeds) {
		fields := batch.Fields
		check(t, i, a, b, fields)
		if independent {
			checkAlone(t, i, a, b, fields)
		}
	}
}

func check(t *testing.T, i int, a, b *redactor.Instance, fields []abi.Field) {
	t.Helper()
	first, err := a.Redact(fields)
	if err != nil {
		t.Fatalf("batch %d: %v", i, err)
	}
	first = slices.Clone(first)
	for _, in := range []*redactor.Instance{a, b} {
		again, err := in.Redact(fields)
		if err != nil || !slices.Equal(first, again) {
			t.Fatalf("batch %d: two runs differ: %v and %v (%v)", i, first, again, err)
		}
	}
}

// checkAlone compares the edits of a batch with those of each field by itself.
func checkAlone(t *testing.T, i int, a, b *redactor.Instance, fields []abi.Field) {
	t.Helper()
	all, err := a.Redact(fields)
	if err != nil {
		t.Fatalf("batch %d: %v", i, err)
	}
	all = slices.Clone(all)
	var single []abi.Edit
	for f := range fields {
		edits, err := b.Redact(fields[f : f+1])
		if err != nil {
			t.Fatalf("batch %d, field %d: %v", i, f, err)
		}
		for _, e := range edits {
			e.Field = uint32(f)
			single = append(single, e)
		}
	}
	if !slices.Equal(all, single) {
		t.Fatalf("batch %d: fields together give %v, alone %v", i, all, single)
	}
}
