package config

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
