// Package plugintrial tries a redactor: is it fit to be given to a notary?
//
// A trial runs the compiled module through the notary's own plugin host, with its
// limits and its checks, on texts that the author brings (package golden) and on
// batches that every redactor has to bear. It tells what a running notary keeps to
// itself: which text, which edit, how much fuel. That is for the author's texts and
// machine only; nothing of a notary imports this package but its tool.
//
// What is tried natively on Go source is package sdk/plugin/plugintest; here it is
// the bytes whose hash will be attested, in whatever language they were written.
//
// A [Trial] is used by one goroutine.
package plugintrial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/golden"
)

// A Trial is a redactor that is loaded to be tried.
type Trial struct {
	manifest *abi.Manifest
	// Two instances of everything, for what must not depend on the instance.
	probe, other *pluginhost.Probe
}

// Open loads a redactor with its configuration. Errors are those of
// [pluginhost.Load]; limits are those of the configuration file, zero for the
// defaults.
func Open(ctx context.Context, module, config []byte, limits pluginhost.Limits) (*Trial, error) {
	m, err := abi.ReadManifest(module)
	if err != nil {
		return nil, err
	}
	src := pluginhost.Source{Name: m.Name, Kind: m.Kind, Module: module, Config: config, Limits: limits}
	t := &Trial{manifest: m}
	var g errgroup.Group
	for _, p := range []**pluginhost.Probe{&t.probe, &t.other} {
		g.Go(func() (err error) {
			*p, err = pluginhost.NewProbe(ctx, src)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return t, nil
}

// Name returns the redactor's name.
func (t *Trial) Name() string { return t.manifest.Name }

// Close frees everything.
func (t *Trial) Close(ctx context.Context) error {
	var errs []error
	for _, p := range []*pluginhost.Probe{t.probe, t.other} {
		if p != nil {
			errs = append(errs, p.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

// Options say how strict a trial is.
type Options struct {
	// Context: the redactor means to look at the other fields of a batch. It counts for
	// nothing if the manifest says that the redactor does not ([abi.ContextField]).
	Context bool
	// MaxFuelPerKiB, if not 0, is the most fuel that a KiB of prose or of golden
	// texts may take. Unlike a time it is the same on every machine.
	MaxFuelPerKiB uint64
}

// A Report is what a trial came to.
type Report struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Golden is the number of golden texts, Misses are those that gave something
	// else.
	Golden     int        `json:"golden"`
	Misses     []Miss     `json:"misses"`
	Properties []Property `json:"properties"`
	Speeds     []Speed    `json:"speeds,omitempty"`
	Warnings   []string   `json:"warnings,omitempty"`
}

// A Miss is a golden text with an unexpected result. Want and Got list labels and
// texts; Got may be an error.
type Miss struct {
	Line int    `json:"line"`
	Name string `json:"name"`
	Text string `json:"text"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// A Property is something that must hold on any input.
type Property struct {
	Name string `json:"name"`
	// Tried is the number of batches; Failed is the first failure, or "".
	Tried  int    `json:"tried"`
	Failed string `json:"failed,omitempty"`
}

// Status is "ok", "fail", or "not-done" if there was nothing to try it on.
func (p *Property) Status() string {
	switch {
	case p.Failed != "":
		return "fail"
	case p.Tried == 0:
		return "not-done"
	}
	return "ok"
}

// Detail says what failed, or how much was tried.
func (p *Property) Detail() string {
	if p.Failed != "" {
		return p.Failed
	}
	return fmt.Sprintf("%d tried", p.Tried)
}

// OK reports whether everything holds.
func (r *Report) OK() bool {
	return len(r.Misses) == 0 && !slices.ContainsFunc(r.Properties, func(p Property) bool { return p.Failed != "" })
}

// Summary says in a line what does not hold.
func (r *Report) Summary() string {
	failed := 0
	for _, p := range r.Properties {
		if p.Failed != "" {
			failed++
		}
	}
	return fmt.Sprintf("%d of %d golden texts and %d of %d properties do not hold", len(r.Misses), r.Golden, failed, len(r.Properties))
}

// Run tries the golden texts and the properties. Its error is that of a context
// that ends; whatever the redactor does wrong stands in the report.
func (t *Trial) Run(ctx context.Context, vectors []golden.Vector, o Options) (*Report, error) {
	r := &Report{Name: t.manifest.Name, Version: t.manifest.Version, Golden: len(vectors), Misses: []Miss{}}
	for i := range vectors {
		v := &vectors[i]
		trial, err := t.probe.Try(ctx, []abi.Field{v.Field()})
		got := v.Found(trial.Edits, t.manifest.Labels) // no edits come with an error
		if err != nil {
			got = err.Error()
		}
		if want := v.Expected(); got != want || err != nil {
			r.Misses = append(r.Misses, Miss{v.Line, v.Name, v.Text, orNothing(want), orNothing(got)})
		}
	}
	t.properties(ctx, vectors, o, r)
	return r, context.Cause(ctx)
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// A checking collects what was tried for one property.
type checking struct{ Property }

func (c *checking) try(batch string, err error) {
	if c.Tried++; err != nil && c.Failed == "" {
		c.Failed = batch + ": " + err.Error()
	}
}

// properties tries the batches that every redactor has to bear.
func (t *Trial) properties(ctx context.Context, vectors []golden.Vector, o Options, r *Report) {
	reply := checking{Property{Name: "edits in order, in bounds, on UTF-8 borders; no trap, no failure"}}
	again := checking{Property{Name: "the same edits and the same fuel again, and on another instance"}}
	alone := checking{Property{Name: "the other fields of a batch do not matter"}}
	fieldwise := t.manifest.Context == abi.ContextField
	if fieldwise {
		alone.Name = "a field's group and the other fields of a batch do not matter, as the manifest says"
	}
	grown, most := 0, fullest{}
	for _, b := range golden.Batches(texts(vectors)) {
		first, err := t.probe.Try(ctx, b.Fields)
		reply.try(b.Name, err)
		if err != nil {
			continue
		}
		most.see(b.Name, share(first))
		if first.Discarded {
			grown++
		}
		again.try(b.Name, t.same(ctx, b.Fields, first))
		switch {
		case fieldwise && len(b.Fields) > 0:
			alone.try(b.Name, t.fieldwise(ctx, b.Fields, first.Edits))
		case !o.Context && len(b.Fields) > 1:
			alone.try(b.Name, t.alone(ctx, b.Fields, first.Edits, "if that is meant, give --context"))
		}
	}
	long := checking{Property{Name: "a text of 1 MiB, in windows, twice the same"}}
	long.try("golden texts", t.long(ctx, texts(vectors)))
	malformed := checking{Property{Name: "what is no request is refused with a status"}}
	for _, m := range golden.MalformedRequests() {
		malformed.try(m.Name, t.probe.TryMalformed(ctx, m.Bytes))
	}
	r.Properties = append(r.Properties, reply.Property, malformed.Property, again.Property)
	if !o.Context || fieldwise {
		r.Properties = append(r.Properties, alone.Property)
	}
	r.Properties = append(r.Properties, long.Property)
	if o.MaxFuelPerKiB > 0 {
		r.Properties = append(r.Properties, t.affordable(ctx, vectors, o.MaxFuelPerKiB))
	}
	if most.share > 0.5 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s takes %.0f %% of the fuel of a call: on a worse text a request would be refused", most.batch, most.share*100))
	}
	if grown > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("memory grew in %d batches, each of which costs the host a new instance: take the memory in configure", grown))
	}
}

// fullest is the batch that took the most of its fuel.
type fullest struct {
	batch string
	share float64
}

func (f *fullest) see(batch string, share float64) {
	if share > f.share {
		f.batch, f.share = batch, share
	}
}

// share is what a batch took of its fuel.
func share(t pluginhost.Trial) float64 { return float64(t.Fuel) / float64(t.Budget) }

func texts(vectors []golden.Vector) []string {
	out := make([]string, len(vectors))
	for i := range vectors {
		out[i] = vectors[i].Text
	}
	return out
}

// same runs a batch once more on the same instance and once on another.
func (t *Trial) same(ctx context.Context, fields []abi.Field, first pluginhost.Trial) error {
	for _, p := range []*pluginhost.Probe{t.probe, t.other} {
		next, err := p.Try(ctx, fields)
		switch {
		case err != nil:
			return err
		case !slices.Equal(next.Edits, first.Edits):
			return fmt.Errorf("%d edits, then %d others: an answer may depend on the batch alone", len(first.Edits), len(next.Edits))
		case next.Fuel != first.Fuel:
			return fmt.Errorf("fuel %d, then %d: work may depend on the batch alone", first.Fuel, next.Fuel)
		}
	}
	return nil
}

// alone compares the edits of a batch with those of each field by itself. If they are others
// the hint goes with the error.
func (t *Trial) alone(ctx context.Context, fields []abi.Field, together []abi.Edit, hint string) error {
	var single []abi.Edit
	for i := range fields {
		trial, err := t.probe.Try(ctx, fields[i:i+1])
		if err != nil {
			return err
		}
		for _, e := range trial.Edits {
			e.Field = uint32(i)
			single = append(single, e)
		}
	}
	if !slices.Equal(together, single) {
		return fmt.Errorf("%d edits together, %d others when each field is alone: %s", len(together), len(single), hint)
	}
	return nil
}

// fieldwise compares the edits of a batch with those of each field by itself in another
// group, and with those of the batch in which all are in one group and stand twice.
func (t *Trial) fieldwise(ctx context.Context, fields []abi.Field, first []abi.Edit) error {
	const mend = `take "context" out of the manifest, or look at text, key, role and format alone`
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i].Group++
	}
	if err := t.alone(ctx, fields, first, mend); err != nil {
		return err
	}
	if len(fields) == 1 {
		return nil // of 64 KiB, perhaps, for which twice would be too much
	}
	for i := range fields {
		fields[i].Group = 0
	}
	twice, err := t.probe.Try(ctx, slices.Repeat(fields, 2))
	want := slices.Clone(first)
	for _, e := range first {
		e.Field += uint32(len(fields))
		want = append(want, e)
	}
	if err == nil && !slices.Equal(twice.Edits, want) {
		err = fmt.Errorf("%d edits, and %d when all fields are in one group and stand twice: %s", len(first), len(twice.Edits), mend)
	}
	return err
}

// long gives the set one text of 1 MiB, which the host cuts into windows.
func (t *Trial) long(ctx context.Context, seeds []string) error {
	fields := []pluginhost.Field{{Text: filled(seeds, 1<<20)}}
	first, err := t.probe.Set().Redact(ctx, fields)
	if err != nil {
		return err
	}
	next, err := t.other.Set().Redact(ctx, fields)
	if err != nil {
		return err
	}
	if !slices.Equal(first, next) {
		return fmt.Errorf("%d edits, then %d others", len(first), len(next))
	}
	return nil
}

// filled repeats texts, and prose between them, up to a size.
func filled(seeds []string, size int) []byte {
	var b bytes.Buffer
	prose := golden.Prose(size)
	for i := 0; b.Len() < size; i++ {
		at := b.Len()
		b.Write(prose[at:min(at+200, size)])
		b.WriteByte('\n')
		if len(seeds) > 0 {
			b.WriteString(seeds[i%len(seeds)])
		}
	}
	return bytes.ToValidUTF8(b.Bytes()[:size], nil)
}

// affordable holds prose and golden texts to a price.
func (t *Trial) affordable(ctx context.Context, vectors []golden.Vector, most uint64) Property {
	c := checking{Property{Name: fmt.Sprintf("at most %d fuel per KiB of prose and golden texts", most)}}
	for _, s := range samples(vectors)[:2] {
		trial, err := t.probe.Try(ctx, s.fields)
		if got := perKiB(trial.Fuel, s.fields); err == nil && got > most {
			err = fmt.Errorf("it takes %d", got)
		}
		c.try(s.name, err)
	}
	return c.Property
}
