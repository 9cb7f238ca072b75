package pluginhost

import "github.com/veriproof/notary/sdk/plugin/abi"

// tasks are what a request has for the redactors of a set, in its order.
type tasks struct {
	list []task
	// What they share: batches of every field, and of the first of each that are alike.
	all, first []batch
}

// A task is one batch for one redactor.
type task struct {
	p     *plugin
	batch *batch
	found []abi.Edit
	like  *alike // fields that each are given what was found in the first like it
}

// tasks lays out those of a request. Unless every redactor's context is the field, all
// that is done with findings is done for each field by itself.
func (s *Set) tasks(fields []Field, like *alike) *tasks {
	t, mixed := new(tasks), s.fieldwise < len(s.redactors)
	if mixed {
		t.all = split(fields, nil)
	}
	if s.fieldwise > 0 {
		t.first = split(fields, like)
	}
	for _, p := range s.redactors {
		batches, spread := t.all, (*alike)(nil)
		if p.fieldwise {
			batches = t.first
			if mixed {
				spread = like
			}
		}
		for i := range batches {
			t.list = append(t.list, task{p: p, batch: &batches[i], like: spread})
		}
	}
	return t
}

// reports yields what was found, of each redactor field by field.
func (t *tasks) reports(yield func(Edit) bool) {
	for i := range t.list {
		if !t.list[i].reports(yield) {
			return
		}
	}
}

func (t *task) reports(yield func(Edit) bool) bool {
	for from, to := 0, 0; from < len(t.found); from = to {
		piece := t.found[from].Field
		for to < len(t.found) && t.found[to].Field == piece {
			to++
		}
		for field := range t.like.all(t.batch.pieces[piece].field) {
			for _, e := range t.found[from:to] {
				edit := t.p.edit(t.batch, e)
				edit.Field = field
				if !yield(edit) {
					return false
				}
			}
		}
	}
	return true
}

// free gives the memory of the batches back.
func (t *tasks) free() {
	for _, batches := range [][]batch{t.all, t.first} {
		for i := range batches {
			batches[i].free()
		}
	}
}
