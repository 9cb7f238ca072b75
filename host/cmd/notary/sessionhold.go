package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/control"
)

// sessionHold has the notary keep the keys of the session that a name leads to. A hold
// is on all parts with the handle, those to come among them: one of them names it.
func sessionHold(ctx context.Context, a *app, s *storage, o *sessionOptions, name string) error {
	parts, err := s.findErasable(name)
	if err != nil {
		return err
	}
	client, err := o.order.connect(a, "session hold")
	if err != nil {
		return err
	}
	done := new(control.Holds)
	if err := client.post(ctx, "/v1/holds", refOf(parts[0]), done); err != nil {
		return hinted(fmt.Errorf("session hold: %w", err), "the same command may be given again")
	}
	return a.printHolds(o, "held", done.Holds)
}

// sessionRelease ends all holds that storage shows on the session.
func sessionRelease(ctx context.Context, a *app, s *storage, o *sessionOptions, name string) error {
	parts, err := s.findErasable(name)
	if err != nil {
		return err
	}
	client, err := o.order.connect(a, "session release")
	if err != nil {
		return err
	}
	released := []control.Hold{}
	for _, h := range s.Holds(parts[0]) {
		done := new(control.Holds)
		at := url.Values{"epoch": {h.Entry.Epoch.String()}, "seq": {strconv.FormatUint(h.Entry.Seq, 10)}}
		if err := client.post(ctx, "/v1/releases", at, done); err != nil {
			return hinted(fmt.Errorf("session release: after %d holds were released: %w", len(released), err), "the same command may be given again")
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
