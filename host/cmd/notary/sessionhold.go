package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/sdk/receipt"
)

// sessionHold has the notary keep the keys of the session that a name leads to. A hold
// is on all parts with the handle, those to come among them: one of them names it.
func sessionHold(ctx context.Context, a *app, s *storage, o *sessionOptions, name string) error {
	parts, err := s.oneOfEach(ctx, a, o, name)
	if err != nil {
		return err
	}
	client, err := o.order.connect(a, "session hold")
	if err != nil {
		return err
	}
	held := []control.Hold{}
	for _, p := range parts {
		done := new(control.Holds)
		if err := client.post(ctx, "/v1/holds", refOf(p), done); err != nil {
			return hinted(fmt.Errorf("session hold: after %d holds were set: %w", len(held), err), "%s", orderHint(err))
		}
		held = append(held, done.Holds...)
	}
	return a.printHolds(o, "held", held)
}

// oneOfEach returns a sealed part for each handle that a session has: one, or, if it is
// named by its id, one in each epoch that it was in.
func (s *storage) oneOfEach(ctx context.Context, a *app, o *sessionOptions, name string) ([]*archive.Part, error) {
	if o.session == "" {
		parts, err := s.findErasable(name)
		if err != nil {
			return nil, err
		}
		return parts[:1], nil
	}
	parts, err := s.partsOf(ctx, a, o, name)
	if err != nil {
		return nil, err
	}
	seen := make(map[receipt.Handle]bool)
	return slices.DeleteFunc(parts, func(p *archive.Part) bool {
		known := seen[p.ID.Handle]
		seen[p.ID.Handle] = true
		return known
	}), nil
}

// sessionRelease ends all holds that storage shows on the session.
func sessionRelease(ctx context.Context, a *app, s *storage, o *sessionOptions, name string) error {
	parts, err := s.oneOfEach(ctx, a, o, name)
	if err != nil {
		return err
	}
	client, err := o.order.connect(a, "session release")
	if err != nil {
		return err
	}
	released := []control.Hold{}
	var holds []archive.Hold
	for _, p := range parts {
		holds = append(holds, s.Holds(p)...)
	}
	for _, h := range holds {
		done := new(control.Holds)
		at := url.Values{"epoch": {h.Entry.Epoch.String()}, "seq": {strconv.FormatUint(h.Entry.Seq, 10)}}
		if err := client.post(ctx, "/v1/releases", at, done); err != nil {
			return hinted(fmt.Errorf("session release: after %d holds were released: %w", len(released), err), "%s", orderHint(err))
		}
		released = append(released, done.Holds...)
	}
	return a.printHolds(o, "released", released)
}

func (a *app) printHolds(o *sessionOptions, what string, list []control.Hold) error {
	if o.json {
		return a.json(control.Holds{Holds: list})
	}
	for _, h := range list {
		fmt.Fprintf(a.stdout, "%s: session %s of epoch %s; the hold is entry %d of epoch %s\n",
			what, printable(h.Handle), printable(h.Epoch), h.Order.Seq, printable(h.Order.Epoch))
	}
	if len(list) == 0 {
		fmt.Fprintln(a.stdout, "the session is not held")
	}
	return nil
}

// holdsOf returns where the holds on a part's session stand.
func holdsOf(s *archive.Archive, p *archive.Part) []control.Order {
	var list []control.Order
	for _, h := range s.Holds(p) {
		list = append(list, control.Order{Epoch: h.Entry.Epoch.String(), Seq: h.Entry.Seq})
	}
	return list
}
