package pluginhost

import "maps"

// Counters count what a plugin did since it was loaded, for metrics. They hold
// numbers and closed sets of names only.
type Counters struct {
	// Calls counts calls into the guest: batches of a redactor, operations of
	// an adapter.
	Calls uint64
	// Bytes counts bytes of text given to a redactor; of fields that are alike it may have
	// been given one.
	Bytes uint64
	// Failures counts failed calls by reason.
	Failures map[Reason]uint64
	// Edits counts a redactor's edits by label, after the union.
	Edits map[string]uint64
	// Residual counts places that the residual scan added for values this
	// redactor reported, by label. They are in Edits too.
	Residual map[string]uint64
	// Discarded counts instances that were closed instead of reused.
	Discarded uint64
}

func (p *plugin) count(f func(*Counters)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.counters)
}

// fail counts a failed call and returns its error.
func (p *plugin) fail(r Reason) error {
	p.count(func(c *Counters) { add(&c.Failures, r, 1) })
	return &PluginError{p.name, r}
}

func add[K comparable](m *map[K]uint64, k K, n uint64) {
	if *m == nil {
		*m = make(map[K]uint64)
	}
	(*m)[k] += n
}

// Counters returns a copy of the counters of each plugin by its name.
func (s *Set) Counters() map[string]Counters {
	out := make(map[string]Counters, len(s.plugins))
	for _, p := range s.plugins {
		p.count(func(c *Counters) {
			copied := *c
			copied.Failures = maps.Clone(c.Failures)
			copied.Edits = maps.Clone(c.Edits)
			copied.Residual = maps.Clone(c.Residual)
			out[p.name] = copied
		})
	}
	return out
}
