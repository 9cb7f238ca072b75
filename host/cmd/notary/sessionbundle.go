package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/sdk/bundle"
)

// A disclosure says which records of a part its bundle shows. The zero value shows none.
type disclosure struct {
	ranges  []leafRange
	all     bool
	summary bool
}

// A leafRange is the leaves from first to last, both included.
type leafRange struct{ first, last uint64 }

// add reads what --record is given: N, N-M, several with commas, or all.
func (d *disclosure) add(text string) error {
	for _, one := range strings.Split(text, ",") {
		if one == "all" {
			d.all = true
			continue
		}
		from, to, several := strings.Cut(one, "-")
		if !several {
			to = from
		}
		first, err1 := strconv.ParseUint(from, 10, 32)
		last, err2 := strconv.ParseUint(to, 10, 32)
		if err1 != nil || err2 != nil || first > last {
			return errors.New("want the index of a leaf, as \"session open\" shows it, or 3-7, or 1,4-6, or all")
		}
		d.ranges = append(d.ranges, leafRange{first, last})
	}
	return nil
}

func (d *disclosure) any() bool { return len(d.ranges) > 0 || d.all || d.summary }

// resolve returns the leaves to show as ranges that rise and do not touch.
func (d *disclosure) resolve(ctx context.Context, of *archive.Disclosure) ([]leafRange, error) {
	ranges := slices.Clone(d.ranges)
	if d.all && of.Leaves() > 0 {
		ranges = append(ranges, leafRange{0, of.Leaves() - 1})
	}
	if d.summary {
		at, err := of.Summary(ctx)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, leafRange{at, at})
	}
	slices.SortFunc(ranges, func(a, b leafRange) int { return cmp.Compare(a.first, b.first) })
	var out []leafRange
	for _, r := range ranges {
		if r.last >= of.Leaves() {
			return nil, hinted(fmt.Errorf("record %d: this part has %d leaves, from 0 on", r.last, of.Leaves()), "\"notary session open\" shows the records with their index")
		}
		if n := len(out); n > 0 && r.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, r.last)
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

// disclosed are records that can be shown. The zero value is none.
type disclosed struct {
	from   *archive.Disclosure
	ranges []leafRange
}

func (d *disclosed) count() (n int) {
	for _, r := range d.ranges {
		n += int(r.last - r.first + 1)
	}
	return n
}

// disclose finds the records to be shown of a part, and whether they can be.
func (s *storage) disclose(ctx context.Context, p *archive.Part, what disclosure) (d disclosed, err error) {
	if !what.any() {
		return d, nil
	}
	if s.identity == nil {
		return d, usageError("session bundle: disclosing a record needs --identity")
	}
	if d.from, err = s.Disclose(ctx, p, s.identity); err != nil {
		return disclosed{}, err
	}
	if d.ranges, err = what.resolve(ctx, d.from); err == nil && len(d.ranges) > 0 {
		_, err = d.from.Opening(ctx, d.ranges[0].first)
	}
	if err != nil {
		return disclosed{}, err
	}
	return d, nil
}

// each yields the records, as a bundle takes them.
func (d *disclosed) each(ctx context.Context) bundle.Records {
	return func(yield func(uint64, []byte) error) error {
		for _, r := range d.ranges {
			for i := r.first; i <= r.last; i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				opening, err := d.from.Opening(ctx, i)
				if err != nil {
					return err
				}
				data, err := opening.Encode()
				if err != nil {
					return err
				}
				if err := yield(i, data); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// writeBundle writes the evidence about a part, with the records to be disclosed, of
// which it holds one segment at a time.
func (s *storage) writeBundle(ctx context.Context, p *archive.Part, d disclosed, w io.Writer) error {
	b, err := s.Bundle(p)
	if errors.Is(err, archive.ErrNotSealed) {
		return hinted(err, "end the session, or start the notary again if it was killed: it seals what is open")
	}
	if err != nil {
		return err
	}
	return b.Write(w, d.each(ctx))
}

// bundle is writeBundle into memory, for single records.
func (s *storage) bundle(ctx context.Context, p *archive.Part, records []uint64, summary bool) ([]byte, error) {
	what := disclosure{summary: summary}
	for _, i := range records {
		what.ranges = append(what.ranges, leafRange{i, i})
	}
	d, err := s.disclose(ctx, p, what)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = s.writeBundle(ctx, p, d, &out)
	return out.Bytes(), err
}

func sessionBundle(ctx context.Context, a *app, s *storage, o *sessionOptions, name string) error {
	switch {
	case o.out == "":
		return usageError("session bundle: -o is missing")
	case o.parts || o.session != "":
		return sessionBundles(ctx, a, s, o, name)
	}
	p, err := s.find(name)
	if err != nil {
		return err
	}
	d, err := s.disclose(ctx, p, o.disclose)
	if err != nil {
		return err
	}
	f, err := s.newBundle(ctx, p, d, filepath.Dir(o.out))
	if err != nil {
		return err
	}
	defer f.remove()
	if err := f.create(o.out); err != nil {
		return err
	}
	if o.json {
		return a.json(map[string]any{"bundle": o.out, "bytes": f.size, "records": f.records, "commitment": p.Commitment().String()})
	}
	fmt.Fprintf(a.stdout, "%s: %d bytes, commitment %v\n", o.out, f.size, p.Commitment())
	if x := p.Erasure; x != nil {
		fmt.Fprintf(a.stdout, "the session part was erased by entry %d of epoch %v: its records can be disclosed no more\n", x.Seq, x.Epoch)
	}
	return nil
}

// sessionBundles writes a bundle for each sealed part of a session into a directory, as
// "notary export" does: a bundle is about one part.
func sessionBundles(ctx context.Context, a *app, s *storage, o *sessionOptions, name string) error {
	if len(o.disclose.ranges) > 0 {
		return usageError("session bundle: --record N is about one part; of several, --record all or --summary can be disclosed")
	}
	parts, err := s.partsOf(ctx, a, o, name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	return a.exportParts(ctx, s, parts, o.disclose, o.out, o.json)
}

// partsOf returns the sealed parts of the session that a person means: by its id, in
// all epochs, or by its handle, which is of one epoch.
func (s *storage) partsOf(ctx context.Context, a *app, o *sessionOptions, name string) ([]*archive.Part, error) {
	var found []*archive.Part
	if o.session == "" {
		one, err := s.find(name)
		handle, _, _ := strings.Cut(name, "/")
		for _, p := range s.Parts() {
			if p.Manifest != nil && strings.HasPrefix(p.ID.Handle.String(), handle) {
				if len(found) > 0 && found[0].ID.Handle != p.ID.Handle {
					return nil, err // several sessions match
				}
				found = append(found, p)
			}
		}
		if len(found) == 0 && err == nil {
			return nil, fmt.Errorf("no part of session %s is sealed", short(one.ID.Handle.String()))
		}
		if len(found) == 0 {
			return nil, err
		}
		return found, nil
	}
	if s.identity == nil {
		return nil, usageError("session: --session needs --identity: storage has no session ids")
	}
	closed := 0
	for _, p := range s.Parts() {
		if p.Manifest == nil {
			continue
		}
		of, err := s.Disclose(ctx, p, s.identity)
		if err == nil {
			var session []byte
			if session, err = of.Session(ctx); err == nil && string(session) == o.session {
				found = append(found, p)
			}
		}
		if err != nil {
			closed++
		}
	}
	if closed > 0 {
		fmt.Fprintf(a.stderr, "notary: warning: %d sealed parts cannot be opened, erased ones among them: whether they are of this session is not known\n", closed)
	}
	if len(found) == 0 {
		return nil, hinted(fmt.Errorf("no sealed part of session %.80q", o.session), "\"notary session list --identity\" shows the sessions")
	}
	return found, nil
}
