package pluginhost

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// AnyLabel stands in [Options] for every label that has no rule of its own.
const AnyLabel = "*"

// An Action is what is to become of a value that a redactor reported. The greater
// removes more: where edits overlap, the greatest of their actions holds.
type Action int8

// The actions. The zero value is Mask.
const (
	Token      Action = iota - 1 // replaced by a keyed token, equal for equal values of a session part
	Mask                         // replaced by the label
	DropField                    // the attribute around it goes
	DropRecord                   // the record goes
)

// A Rule says what becomes of the edits under one label.
type Rule struct {
	Action Action
	// Threshold is the least score that counts: an edit with a lower one is not
	// made.
	Threshold uint16
}

// applyRules gives every label of every redactor its rule. A rule for a label
// that no redactor has is a slip of the pen, and what was meant would go unheeded.
func (s *Set) applyRules(rules map[string]Rule) error {
	known := map[string]bool{AnyLabel: true}
	for _, p := range s.redactors {
		p.rules = make([]Rule, len(p.labels))
		for i, label := range p.labels {
			known[label] = true
			rule, ok := rules[label]
			if !ok {
				rule = rules[AnyLabel]
			}
			p.rules[i] = rule
		}
	}
	for _, label := range slices.Sorted(maps.Keys(rules)) {
		if !known[label] {
			delete(known, AnyLabel)
			like := slices.DeleteFunc(slices.Sorted(maps.Keys(known)), func(l string) bool { return l[0] != label[0] })
			return fmt.Errorf("pluginhost: a rule for label %.40q, which no redactor has; of those that begin like it there are: %s", label, strings.Join(like, ", "))
		}
	}
	return nil
}

// counting leaves out of what a guest reported what scores too low.
func (p *plugin) counting(reported []abi.Edit) []abi.Edit {
	return slices.DeleteFunc(reported, func(e abi.Edit) bool { return e.Score < p.rules[e.Label].Threshold })
}

// edit makes an edit of a request of what a guest reported in a batch.
func (p *plugin) edit(b *batch, e abi.Edit) Edit {
	at := &b.pieces[e.Field]
	return Edit{
		Field: at.field, Start: at.start + int(e.Start), End: at.start + int(e.End),
		Label: p.labels[e.Label], Plugin: p.name, Score: e.Score, Action: p.rules[e.Label].Action,
	}
}
