package session

// Kill stops a notary as kill -9 would, as far as storage can see: nothing more
// is written.
func (n *Notary) Kill() {
	n.mu.Lock()
	killed := n.closing
	n.closing = true
	n.mu.Unlock()
	if !killed {
		n.abandon()
	}
}

// Remembered is how many sealed parts of a session are kept for their marks.
func (n *Notary) Remembered(tenant, session string) (parts int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := n.recent[n.opts.Ring.Handle(tenant, []byte(session))].part; p != nil; parts++ {
		p.mu.Lock()
		before := p.before
		p.mu.Unlock()
		p = before
	}
	return parts
}

// Alone gives what follows an erasing of its own: a channel from outside of a
// synctest bubble would keep the bubble's clock from going on.
func Alone() { erasing = make(chan struct{}, 1) }
