package plugintrial

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/golden"
)

// A Speed is what one kind of text costs, in batches of 64 KiB.
type Speed struct {
	Text         string  `json:"text"`
	MBPerSecond  float64 `json:"mb_per_second"`
	NanosPerCall float64 `json:"ns_per_call"`
	// FuelPerKiB is the same on every machine; OfLimit is the share of a call's
	// limit that a batch of this text takes.
	FuelPerKiB uint64  `json:"fuel_per_kib"`
	OfLimit    float64 `json:"of_limit"`
}

// A sample is a full batch of one kind of text.
type sample struct {
	name   string
	fields []abi.Field
}

// samples are the texts that speed is measured on, prose and golden texts first.
func samples(vectors []golden.Vector) []sample {
	one := func(b []byte) []abi.Field { return []abi.Field{{Text: b}} }
	const size = abi.MaxBatchText
	return []sample{
		{"prose", one(golden.Prose(size))},
		{"golden texts in prose", one(filled(texts(vectors), size))},
		{"prose, in 64 fields", pieces(golden.Prose(size), 64)},
		{"zeros, as digits", one(bytes.Repeat([]byte("0"), size))},
	}
}

func pieces(text []byte, n int) []abi.Field {
	out := make([]abi.Field, n)
	for i := range out {
		out[i].Text = text[i*len(text)/n : (i+1)*len(text)/n]
	}
	return out
}

func size(fields []abi.Field) (n int) {
	for _, f := range fields {
		n += len(f.Text)
	}
	return n
}

func perKiB(fuel uint64, fields []abi.Field) uint64 {
	return fuel * 1024 / max(uint64(size(fields)), 1)
}

// Measure gives the redactor each kind of text for so long. It is to be read as a
// comparison within one run: the machine may be doing something else.
func (t *Trial) Measure(ctx context.Context, vectors []golden.Vector, each time.Duration) ([]Speed, error) {
	var out []Speed
	for _, s := range samples(vectors) {
		calls, took, first, err := t.repeat(ctx, s.fields, each)
		if err != nil {
			// A text that the redactor fails on has no speed; the trial tells.
			out = append(out, Speed{Text: s.name + " (fails)", FuelPerKiB: perKiB(first.Fuel, s.fields)})
			if ctx.Err() != nil {
				return nil, fmt.Errorf("measuring %s: %w", s.name, context.Cause(ctx))
			}
			continue
		}
		out = append(out, Speed{
			Text:         s.name,
			MBPerSecond:  float64(calls) * float64(size(s.fields)) / 1e6 / took.Seconds(),
			NanosPerCall: float64(took.Nanoseconds()) / float64(calls),
			FuelPerKiB:   perKiB(first.Fuel, s.fields),
			OfLimit:      share(first),
		})
	}
	return out, nil
}

// EmptyCall returns what a call costs that has no text, in nanoseconds.
func (t *Trial) EmptyCall(ctx context.Context, each time.Duration) (float64, error) {
	calls, took, _, err := t.repeat(ctx, nil, each)
	if err != nil {
		return 0, err
	}
	return float64(took.Nanoseconds()) / float64(calls), nil
}

// repeat makes calls for so long, after one that warms what there is to warm.
func (t *Trial) repeat(ctx context.Context, fields []abi.Field, each time.Duration) (calls int, took time.Duration, first pluginhost.Trial, err error) {
	first, err = t.probe.Try(ctx, fields)
	if err != nil {
		return 0, 0, first, err
	}
	for start := time.Now(); took < each || calls == 0; calls++ {
		if _, err := t.probe.Try(ctx, fields); err != nil {
			return calls, took, first, err
		}
		took = time.Since(start)
	}
	return calls, took, first, nil
}
