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
