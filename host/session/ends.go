package session

import "slices"

// An ending is a record that ends sessions.
type ending struct {
	record int    // of its group
	own    bool   // its own session
	before []byte // the one that its own follows; empty if it names none
}

// A due is an ending that waits until its record is durable.
type due struct {
	ending
	in   *part // that has the record
	mark mark
}

// noteEnds notes on the desk what ends with the records of a group, which are queued for the part or were
// for one before. It is called with p.mu held.
//
// A record that is sent again ends nothing, or it would end a later part. But if the request that it came
// with first did not get so far, since its sender went away or another of its sessions failed, the
// end is still owed, and this one does it.
func (p *part) noteEnds(g *group, d *desk, fresh []int) {
	for _, e := range g.ends {
		x := due{e, p, g.marks[e.record]}
		if _, is := slices.BinarySearch(fresh, e.record); is {
			p.seen.owe(&x.mark)
		} else if p.seen.by(&x.mark) == notSeen {
			for _, b := range p.before {
				if b.by(&x.mark) != notSeen {
					x.in = b
					break
				}
			}
		}
		d.due = append(d.due, x)
	}
}

// endDue ends what is to end with records that are durable now.
func (n *Notary) endDue(tenant string, list []due) {
	for i := range list {
		x := &list[i]
		if !x.in.settle(&x.mark) {
			continue
		}
		if x.own {
			n.endSoon(x.in.id.Handle)
		}
		if len(x.before) > 0 {
			n.endSoon(n.opts.Ring.Handle(tenant, x.before))
		}
	}
}

// settle reports whether the end by a record is still to be done, by whoever asks first.
func (p *part) settle(m *mark) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.settle(m)
}
