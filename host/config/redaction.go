package config

import (
	"fmt"
	"regexp"
)

// Redaction says what becomes of what the redactors report.
type Redaction struct {
	// DoubleRun gives every batch to two instances of each redactor and refuses a
	// request for which they differ.
	DoubleRun bool `yaml:"double_run"`
	// Labels are the rules, each label once.
	Labels []Label `yaml:"labels"`
}

// Label is the rule for what is reported under a label.
type Label struct {
	// Label is a label of one of the redactors, or AnyLabel for those that have no
	// rule of their own. Without either, ActionMask and no threshold.
	Label string `yaml:"label"`
	// Action is one of the Actions.
	Action string `yaml:"action"`
	// Threshold is the least score that counts, up to MaxThreshold.
	Threshold int `yaml:"threshold"`
}

// MaxThreshold is the score of what has no doubt. A greater threshold would be a label
// switched off, UNSEARCHED among them, by which nothing that was not searched passes.
const MaxThreshold = 1000

// AnyLabel stands for every label without a rule of its own.
const AnyLabel = "*"

// Actions. Where findings overlap, the one that stands last here holds.
const (
	ActionToken      = "token"       // a keyed token, the same for the same value in a session part
	ActionMask       = "mask"        // the label alone
	ActionDropField  = "drop_field"  // the attribute goes
	ActionDropRecord = "drop_record" // the record goes
)

// maxLabels bounds the rules.
const maxLabels = 4096

var labelForm = regexp.MustCompile(`^(\*|[0-9A-Z_]{1,32})$`)

// redaction: that the labels are those of redactors is checked when the modules
// are loaded, which is before anything is served.
func (v *checker) redaction() {
	if v.Mode == ModeNone && (len(v.Redaction.Labels) > 0 || v.Redaction.DoubleRun) {
		v.fail("redaction", "has rules, and in mode none nothing is redacted", "remove them, or name a redactor and write mode: enforce")
	}
	v.count("redaction.labels", len(v.Redaction.Labels), 0, maxLabels, "")
	seen := map[string]string{}
	for i, l := range v.Redaction.Labels {
		key := fmt.Sprintf("redaction.labels[%d]", i)
		if !labelForm.MatchString(l.Label) {
			v.fail(key+".label", fmt.Sprintf("%.60q is not a label", l.Label), `write it as the redactor's manifest has it ("notary plugin inspect"), or "*" for all others`)
		}
		v.once(seen, key+".label", l.Label, "label")
		v.oneOf(key+".action", l.Action, ActionMask, ActionToken, ActionDropField, ActionDropRecord)
		between(v, key+".threshold", l.Threshold, 0, MaxThreshold)
	}
}
