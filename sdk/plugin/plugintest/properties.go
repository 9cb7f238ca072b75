package plugintest

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

// rounds is how many random batches Properties makes.
const rounds = 200

// Properties checks on random batches, built from the seeds, what must hold for
// every redactor: edits are sorted, inside their texts and on UTF-8 borders
// (the host's own check), a second run and a second instance give the same
// edits, and the order of fields in a batch does not matter. Empty batches,
// empty texts and 64 KiB of one byte are among the inputs. The random source
// is seeded with a constant.
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
	rnd := rand.New(rand.NewPCG(1, 2))
	batches := [][]abi.Field{nil, {{}}, {{}, {Text: []byte("x")}, {}}}
	for _, s := range []string{"\x00", "0", "a", "-", ":", "@", "é", "\U0001F600", " "} {
		batches = append(batches, []abi.Field{{Text: []byte(strings.Repeat(s, abi.MaxBatchText/len(s)))}})
	}
	for range rounds {
		batches = append(batches, randomBatch(rnd, seeds))
	}
	for i, fields := range batches {
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

func randomBatch(rnd *rand.Rand, seeds []string) []abi.Field {
	fields := make([]abi.Field, 1+rnd.IntN(6))
	for i := range fields {
		var text bytes.Buffer
		for range rnd.IntN(8) {
			text.WriteString(piece(rnd, seeds))
		}
		fields[i] = abi.Field{
			Text: bytes.ToValidUTF8(text.Bytes(), []byte("\uFFFD")), Key: []byte(piece(rnd, nil)),
			Role: abi.Role(rnd.IntN(12)), Format: abi.Format(rnd.IntN(6)), Group: rnd.Uint32(),
		}
	}
	return fields
}

// piece returns a seed, a part of a seed, or characters that detectors look at.
func piece(rnd *rand.Rand, seeds []string) string {
	const glue = "  \n\t\"\\-_.:@/+()0123456789aAzZeyJé漢\U0001F600"
	if len(seeds) > 0 && rnd.IntN(3) > 0 {
		s := seeds[rnd.IntN(len(seeds))]
		if len(s) > 0 && rnd.IntN(3) == 0 {
			from := rnd.IntN(len(s))
			s = s[from : from+rnd.IntN(len(s)-from)+1]
		}
		return s
	}
	letters := []rune(glue)
	out := make([]rune, rnd.IntN(24))
	for i := range out {
		out[i] = letters[rnd.IntN(len(letters))]
	}
	return string(out)
}
