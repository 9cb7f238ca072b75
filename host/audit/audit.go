package audit

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Log is the transparency log as an auditor reads it. A commitlog.Reader is
// one.
type Log interface {
	// Checkpoint returns the log's present tree, whose signature was checked,
	// and the signed note that states it.
	Checkpoint(ctx context.Context) (size uint64, root receipt.Hash, signed []byte, err error)
	// Entries returns the first size entries, in order. They are not checked:
	// Run computes their root.
	Entries(ctx context.Context, size uint64) iter.Seq2[receipt.Hash, error]
}

// A Tree is a tree of the log that somebody has seen under the log's signature.
type Tree struct {
	Size uint64
	Root receipt.Hash
	// Source says for people who has seen it: a file's name.
	Source string
	// Signed is the checkpoint, for who wants to keep it.
	Signed []byte
}

// A Position is a signed position of the journal that a sender was given.
type Position struct {
	format.Position
	Source string // for people: a file's name and line
}

// Options of an audit. The zero value checks what storage alone can tell.
type Options struct {
	// Log is what the deployment's commitments are in.
	Log Log
	// Witnessed says whether enough witnesses have cosigned a checkpoint of the log,
	// and which. nil leaves the question open.
	Witnessed func(signed []byte) (string, error)
	// Trees were seen earlier.
	Trees []Tree
	// Positions are the evidence of senders.
	Positions []Position
	// Believe decides by its entry 0 whether an epoch was a notary that the
	// auditor accepts. nil leaves the question open.
	Believe func(*archive.Epoch) error
	// Progress, if not nil, is called now and then.
	Progress func(Progress)
	// Found, if not nil, is called with what was read of storage, once it was.
	Found func(*archive.Archive)
	// Notes, if not nil, are what an interrupted audit has read of storage, and get
	// what this one reads. What is in them is not read again.
	Notes *archive.Notes
}

// Progress is how far an audit has come.
type Progress struct{ Entries, LogEntries uint64 }

// A Kind says what is the matter with a range.
type Kind string

// The kinds of findings.
const (
	// Missing: entries that were in the journal are not there.
	Missing Kind = "missing"
	// Wrong: other bytes stand where entries were.
	Wrong Kind = "wrong"
	// Forked: the notary's key has signed two histories.
	Forked Kind = "forked"
	// Unbelieved: the epoch is not of a notary that the auditor accepts.
	Unbelieved Kind = "unbelieved"
	// Unaccounted: entries of the log for which the journal has nothing.
	Unaccounted Kind = "unaccounted"
	// Unwitnessed: too few witnesses have cosigned the log.
	Unwitnessed Kind = "unwitnessed"
	// Contradicted: the log is not the one that it was.
	Contradicted Kind = "contradicted"
	// Late: a receipt is in the log behind the end of its epoch.
	Late Kind = "late"
)

// A Finding is a range of entries about which something does not hold.
type Finding struct {
	Check string `json:"check"` // one of the checks of the report
	Kind  Kind   `json:"kind"`
	// Epoch is the epoch's id, and First and Last are seqs of its journal; or
	// Epoch is empty, and they are indexes of the log.
	Epoch string `json:"epoch,omitempty"`
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// OrMore says that what is known ends at Last, and not the range.
	OrMore bool   `json:"or_more,omitempty"`
	Detail string `json:"detail"`
}

// String describes the finding in a line.
func (f *Finding) String() string {
	what, more := "log", ""
	if f.Epoch != "" {
		what = "epoch " + f.Epoch
	}
	if f.OrMore {
		more = " or more"
	}
	span := fmt.Sprintf("entry %d%s", f.First, more)
	if f.Last > f.First {
		span = fmt.Sprintf("entries %d to %d%s", f.First, f.Last, more)
	}
	return fmt.Sprintf("%s: %s: %s: %s", what, span, f.Kind, f.Detail)
}

// A Report is what an audit found.
type Report struct {
	Epochs  int    `json:"epochs"`
	Entries uint64 `json:"entries"`                  // that a signature vouches for
	Reused  uint64 `json:"not_read_again,omitempty"` // of them: taken from notes
	Parts   int    `json:"parts"`
	Erased  int    `json:"erased"` // parts whose key was ordered to be destroyed
	ByAge   int    `json:"by_age"` // of them, those that nobody asked for
	// Partial are those of them after which copies of keys were found or could not be
	// excluded, and Untold those of which the journal does not say what became of the order.
	Partial int `json:"partial"`
	Untold  int `json:"untold"`
	Held    int `json:"held"` // parts whose session is under a legal hold
	// Erasures are what the journal says last about the parts that are erased.
	Erasures []Erasure `json:"erasures,omitempty"`
	// Exports are those that the journal tells of; others it cannot know.
	Exports    []Export `json:"exports,omitempty"`
	Positions  int      `json:"positions"`
	LogEntries uint64   `json:"log_entries"`
	// Tree is the tree of the log that the journal was held against.
	Tree Tree `json:"-"`
	// Checkpoint is the signed note of that tree: beside another one of the log
	// that contradicts it, evidence against the log.
	Checkpoint string              `json:"log_checkpoint,omitempty"`
	Checks     []attestation.Check `json:"checks"`
	Findings   []Finding           `json:"findings"`
	// OtherLogs are those, but for the one that was read, of which the journal has proofs, by
	// the names and hashes that their keys begin with.
	OtherLogs []string `json:"other_logs,omitempty"`
	// Unacknowledged are entries behind the end of an epoch whose notary died while it
	// wrote several commits at a time. They are no finding.
	Unacknowledged []Unacknowledged `json:"unacknowledged,omitempty"`
}

// An Export is an export entry of an epoch that was believed, if that was asked.
type Export struct {
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq"`
	format.ExportBody
}

// An Erasure is what one erased entry, of an epoch that was believed, if that was asked, says
// about parts of which none later does.
type Erasure struct {
	Epoch   string          `json:"epoch"` // and place of the erased entry
	Seq     uint64          `json:"seq"`
	Parts   int             `json:"parts"`
	Found   []format.Copies `json:"found"`   // copies that storage told of, by kind
	Unasked uint64          `json:"unasked"` // places that it cannot be asked about

	AtUnixNano int64 `json:"at_unix_nano"` // the host's clock
}

// Unacknowledged is a range of entries that nobody was told of.
type Unacknowledged struct {
	Epoch string `json:"epoch"`
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// The checks of a report. Those of the log, and of notaries, are required: what
// storage says about itself is not enough. Positions are required once given.
const (
	// CheckChain: every epoch is gapless, chained and signed up to its end.
	CheckChain = "journal.chain"
	// CheckReceipts: every receipt is about the segments that are there.
	CheckReceipts = "journal.receipts"
	// CheckNotaries: every epoch was a notary that the auditor accepts.
	CheckNotaries = "journal.notaries"
	// CheckHeads: what later epochs knew of earlier ones is there.
	CheckHeads = "journal.heads"
	// CheckHistory: the log is signed, and has grown out of every tree known.
	CheckHistory = "log.history"
	// CheckWitnesses: enough witnesses have cosigned the log's present tree.
	CheckWitnesses = "log.witnesses"
	// CheckEntries: every entry of the log is accounted for, every proof in the
	// journal is about an entry of the log.
	CheckEntries = "log.entries"
	// CheckOrder: every receipt is in the log, before the end of its epoch.
	CheckOrder = "log.order"
	// CheckPositions: what senders were promised is there.
	CheckPositions = "senders.positions"
)

// Run audits a storage. It fails only if storage cannot be read; what does not
// hold is in the report.
func Run(ctx context.Context, store journal.Store, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if believe := o.Believe; believe != nil {
		// It is asked about an epoch's first entry when that is read, and then again.
		answers := make(map[*archive.Epoch]error)
		o.Believe = func(e *archive.Epoch) error {
			answer, asked := answers[e]
			if !asked {
				answer = believe(e)
				answers[e] = answer
			}
			return answer
		}
	}
	a := &auditor{
		Options: o, store: store, report: &Report{Positions: len(o.Positions), Findings: []Finding{}},
		chains: make(map[place]receipt.Hash), known: make(map[receipt.Hash]*known), elsewhere: make(map[receipt.Hash]string),
		outcomes: make(map[*archive.Outcome]int),
	}
	if err := a.journal(ctx); err != nil {
		return nil, err
	}
	a.heads()
	a.positions()
	if err := a.log(ctx); err != nil {
		return nil, err
	}
	a.conclude()
	return a.report, nil
}

// A place is an entry of the journal.
type place struct {
	epoch receipt.Epoch
	seq   uint64
}

// An auditor carries one audit.
type auditor struct {
	Options
	store   journal.Store
	archive *archive.Archive
	report  *Report

	// chains are the values at the places that evidence is about.
	chains map[place]receipt.Hash
	known  map[receipt.Hash]*known // what the log may have, by commitment
	proofs []proof
	// elsewhere says of commitments which other log, by name and key, has proved them.
	elsewhere map[receipt.Hash]string
	// outcomes are indexes in the report's Erasures.
	outcomes map[*archive.Outcome]int

	recent recent
	// contradictions are counted, since a log can contradict every proof that there is.
	contradictions int

	before *Tree // the log's tree before storage was read; nil if it cannot be read
	logErr error // why not
	late   string
}

func (a *auditor) find(f Finding) { a.report.Findings = append(a.report.Findings, f) }

// witnesses asks about the checkpoint of the tree that the entries gave.
func (a *auditor) witnesses(undone, passed map[string]string, optional map[string]bool) {
	switch {
	case a.Witnessed == nil:
		undone[CheckWitnesses], optional[CheckWitnesses] = "needs a policy that names witnesses: whoever operates the log can show others another one", true
	case a.before == nil:
		undone[CheckWitnesses] = undone[CheckHistory]
	default:
		detail, err := a.Witnessed(a.report.Tree.Signed)
		if err != nil {
			a.find(Finding{Check: CheckWitnesses, Kind: Unwitnessed, Last: max(a.report.Tree.Size, 1) - 1, Detail: err.Error()})
		}
		passed[CheckWitnesses] = detail
	}
}

// conclude makes the checks of the findings.
func (a *auditor) conclude() {
	r := a.report
	noLog := "no log to hold the journal against"
	if a.logErr != nil {
		noLog = a.logErr.Error()
	}
	undone := map[string]string{}
	if a.Believe == nil {
		undone[CheckNotaries] = "needs a policy: which notaries are accepted"
	}
	if len(a.Positions) == 0 {
		undone[CheckPositions] = "no sender's signed positions were given: what is younger than the log's last word is not covered"
	}
	if a.before == nil {
		undone[CheckHistory], undone[CheckEntries], undone[CheckOrder] = noLog, noLog, noLog
	} else if a.late != "" {
		undone[CheckOrder] = a.late
	}
	behind := ""
	if n := len(r.Unacknowledged); n > 0 {
		u := r.Unacknowledged[0]
		behind = fmt.Sprintf("; commits that were never acknowledged are behind the end of epochs, which a crash leaves there: %d, the first in entries %d to %d of epoch %s", n, u.First, u.Last, u.Epoch)
	}
	kept := ""
	if r.Erased > 0 || r.Held > 0 {
		kept = fmt.Sprintf("; %d are erased, %d of them by age, %d partially, %d without a word about the outcome, and %d are held", r.Erased, r.ByAge, r.Partial, r.Untold, r.Held)
	}
	if n := len(r.Exports); n > 0 {
		kept += fmt.Sprintf("; %d exports are journaled", n)
	}
	again := ""
	if r.Reused > 0 {
		again = fmt.Sprintf("; not read again: %d that an interrupted audit has read since %s", r.Reused, a.Notes.Since.UTC().Format(time.RFC3339))
	}
	other := ""
	r.OtherLogs = slices.Compact(slices.Sorted(maps.Values(a.elsewhere)))
	if n := len(a.elsewhere); n > 0 {
		other = fmt.Sprintf("; %d proofs in the journal are of another log, such as %.80q", n, r.OtherLogs[0])
	}
	passed := map[string]string{
		CheckChain:     fmt.Sprintf("%d entries of %d epochs are gapless, chained and signed%s%s", r.Entries, r.Epochs, behind, again),
		CheckReceipts:  fmt.Sprintf("%d session parts; every receipt is about the segments that are there%s", r.Parts, kept),
		CheckNotaries:  "every epoch is of a notary that the policy accepts, as of when it began",
		CheckHeads:     "every epoch that a later one knew is there as it knew it",
		CheckHistory:   fmt.Sprintf("%d entries give the root that the log has signed, and every earlier tree that is known", r.LogEntries),
		CheckEntries:   "every entry of the log is accounted for by the journal" + other,
		CheckOrder:     "every receipt is in the log, none behind the end of its epoch",
		CheckPositions: fmt.Sprintf("all %d are in the journal as signed", len(a.Positions)),
	}
	optional := map[string]bool{CheckOrder: true, CheckPositions: len(a.Positions) == 0}
	a.witnesses(undone, passed, optional)
	for _, name := range []string{CheckChain, CheckReceipts, CheckNotaries, CheckHeads, CheckHistory, CheckWitnesses, CheckEntries, CheckOrder, CheckPositions} {
		c := attestation.Check{Name: name, Status: attestation.Pass, Required: !optional[name], Detail: passed[name]}
		if why, ok := undone[name]; ok {
			c.Status, c.Detail = attestation.NotDone, why
		}
		found := 0
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Check != name {
				continue
			}
			if found++; found == 1 {
				c.Status, c.Class, c.Detail = attestation.Fail, attestation.ClassFalse, f.String()
			}
			if f.Kind == Unbelieved {
				c.Class = attestation.ClassUnacceptable
			}
		}
		if found > 1 {
			c.Detail += fmt.Sprintf(" (and %d more)", found-1)
		}
		r.Checks = append(r.Checks, c)
	}
}
