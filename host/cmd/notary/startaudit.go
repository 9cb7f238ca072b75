package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// errMissing says that storage, or the log, lacks what is known to have been there.
var errMissing = errors.New("storage is not what it was")

// startAudit is what a start found when it held the stored journal against itself, against
// what later epochs knew, and against the log.
type startAudit struct {
	log      string // its name, and the hash of its key
	entries  uint64 // of the log
	unheld   string // why the journal was not held against all of the log; empty if it was
	findings []audit.Finding
	missing  int // how many findings there are, beyond those kept
	accepted int // findings of what was accepted as lost
}

// String describes it in a few words, behind others.
func (h *startAudit) String() string {
	text := fmt.Sprintf("held against the %d entries of %s", h.entries, h.log)
	if h.unheld != "" {
		text = "NOT HELD AGAINST THE LOG: " + h.unheld
	}
	if h.accepted > 0 {
		text += fmt.Sprintf(", %d ranges accepted as lost", h.accepted)
	}
	if h.missing > 0 {
		text += fmt.Sprintf(", %d RANGES ARE MISSING", h.missing)
	}
	return text
}

// held is the value of a gauge.
func (h *startAudit) held() float64 {
	if h.unheld != "" {
		return 0
	}
	return 1
}

// How long a start reads the log, and a reload, which has less time; whatever is not read by
// then was not held against it. Another look, lookAgain later, is taken where others write
// meanwhile, or serve a copy of the log that may be behind: what they do can look like a loss.
const (
	logTime       = 10 * time.Minute
	logReloadTime = time.Minute
	looks         = 3
	lookAgain     = 3 * time.Second
)

// scan reads storage for a start and audits what it reads: a backup that was restored
// holds together, and only the log and later epochs know that there was more (T30). What
// is missing ends the start here, before it has written anything.
func (n *node) scan(ctx context.Context, store journal.Store, o archive.Options) (*archive.Archive, error) {
	cfg := n.cfg
	others := cfg.Storage.Shared || cfg.Log.Kind == config.LogEndpoint
	for look := 1; ; look++ {
		found, err := n.audit(ctx, store, o)
		if err != nil || n.audited.missing == 0 || !others || look == looks {
			if err == nil {
				err = n.judge()
			}
			return found, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}

// audit reads storage and log once.
func (n *node) audit(ctx context.Context, store journal.Store, o archive.Options) (*archive.Archive, error) {
	var found *archive.Archive
	ao := audit.Options{Believe: o.Believe, Found: func(a *archive.Archive) { found = a }, Progress: n.tellAudit(time.Now)}
	key := n.ground.log.VerifierKey()
	reader, keys, closeLog, unread := auditedLog(ctx, n.cfg, "", []string{key})
	if unread == nil {
		defer closeLog()
		ao.Log = timely{reader, logTime}
		if len(n.ground.alive) > 0 {
			ao.Log = timely{reader, logReloadTime}
		}
		if err := seenBefore(memoryOf(n.cfg), "", keys, &ao); err != nil {
			return nil, err
		}
	}
	report, err := audit.Run(ctx, store, ao)
	if err != nil {
		return nil, err
	}
	n.audited = startAudit{log: nameOf(key), entries: report.LogEntries}
	switch {
	case unread != nil:
		n.audited.unheld = oneLine(unread.Error())
	case report.Checkpoint == "":
		n.audited.unheld = oneLine(report.Checks[slices.IndexFunc(report.Checks, func(c attestation.Check) bool { return c.Name == audit.CheckHistory })].Detail)
	default:
		n.audited.unheld = n.otherLogs(report.OtherLogs)
	}
	n.tally(report.Findings)
	return found, nil
}

// otherLogs says which logs the journal has proofs of that are not the one that was read,
// and that nobody said were left. A log that is begun anew, under a name that is as good,
// must not be a way to be rid of what the last one knows.
func (n *node) otherLogs(names []string) string {
	names = slices.DeleteFunc(names, func(name string) bool {
		return slices.Contains(n.cfg.Storage.Lost, config.Lost{Where: name, Last: math.MaxUint64})
	})
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("there are proofs of other logs, which were not read: %s; when an audit with --log has, storage.lost: [%s 0-] leaves it", strings.Join(names[:min(len(names), shownLost)], ", "), names[0])
}

// A timely log is given up when reading its entries takes too long.
type timely struct {
	audit.Log
	limit time.Duration
}

func (l timely) Entries(ctx context.Context, size uint64) iter.Seq2[receipt.Hash, error] {
	return func(yield func(receipt.Hash, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, l.limit)
		defer cancel()
		l.Log.Entries(ctx, size)(yield)
	}
}

// nameOf is the part of a verifier key that tells logs apart: name and hash.
func nameOf(key string) string {
	parts := strings.SplitN(key, "+", 3)
	return strings.Join(parts[:min(len(parts), 2)], "+")
}

// tally counts what is missing and not accepted as lost. What an epoch that is not
// believed lacks is nobody's loss unless others know of it.
func (n *node) tally(findings []audit.Finding) {
	strangers := make(map[string]bool)
	for i := range findings {
		if f := &findings[i]; f.Check == audit.CheckNotaries {
			strangers[f.Epoch] = true
		}
	}
	for i := range findings {
		f := &findings[i]
		switch f.Check {
		case audit.CheckNotaries, audit.CheckOrder: // told by who recovers epochs; no loss
			continue
		case audit.CheckChain, audit.CheckReceipts:
			if strangers[f.Epoch] {
				continue
			}
		}
		if slices.ContainsFunc(n.cfg.Storage.Lost, func(l config.Lost) bool { return n.audited.covers(l, f) }) {
			n.audited.accepted++
			continue
		}
		n.audited.missing++
		if len(n.audited.findings) < shownMissing {
			n.audited.findings = append(n.audited.findings, *f)
		}
	}
}

// shownMissing bounds the findings that the notary's log has one by one.
const shownMissing = 100

// judge says of what the audit has found whether the start goes on.
func (n *node) judge() error {
	h, cfg := &n.audited, n.cfg
	for i := range h.findings {
		n.logger.Error("storage is not what it was", "finding", h.findings[i].String())
	}
	if h.missing > 0 && cfg.Storage.Missing != config.MissingTell {
		more := ""
		if h.missing > 1 {
			more = fmt.Sprintf(" (and %d more)", h.missing-1)
		}
		return &exitError{status: exitFalse, hint: h.whatToDo(cfg.Name()), err: fmt.Errorf("%w: %s%s", errMissing, h.findings[0].String(), more)}
	}
	if h.unheld == "" {
		return nil
	}
	if cfg.Storage.Missing == config.MissingRequire {
		return hinted(fmt.Errorf("the journal cannot be held against the log: %s", h.unheld),
			"storage.missing is %s in %s: mend that; %q starts without, and tells", cfg.Storage.Missing, cfg.Name(), config.MissingRefuse)
	}
	n.logger.Warn("the stored journal was not held against all of the log: a rollback may go unseen; \"notary audit\" does it when the log can be read", "why", h.unheld)
	return nil
}

// whatToDo says how to go on after a refusal: put back what is gone, or say that it is
// known to be lost. A log that contradicts itself cannot be accepted, only left.
func (h *startAudit) whatToDo(name string) string {
	var lost []string
	for i := range h.findings {
		if l, ok := h.asLost(&h.findings[i]); ok {
			lost = append(lost, l.String())
		}
	}
	hint := "nothing was written; put back what is missing, or the log, and start again; \"notary audit\" tells more"
	if len(lost) < len(h.findings) {
		hint += "; if it is the log that is lost, hold storage against what you have of it (notary audit --log), and begin another one, with log.dir and log.origin of its own"
	}
	more := ""
	if len(lost) > shownLost {
		lost, more = lost[:shownLost], ", …"
	}
	if len(lost) > 0 {
		hint += "; a loss that is known and accepted goes into storage.lost in " + name + ": [" + strings.Join(lost, ", ") + more + "]"
	}
	return hint
}

// shownLost bounds the ranges in a hint.
const shownLost = 8

// asLost returns what accepts a finding, if it is one that can be accepted.
func (h *startAudit) asLost(f *audit.Finding) (config.Lost, bool) {
	l := config.Lost{Where: f.Epoch, First: f.First, Last: f.Last}
	if f.Epoch == "" {
		l.Where = h.log
	} else if f.OrMore {
		l.Last = math.MaxUint64
	}
	return l, f.Kind != audit.Contradicted
}

// covers says whether a finding is of a loss that was accepted. All of the log that is read
// cannot be: that would accept what is lost tomorrow.
func (h *startAudit) covers(l config.Lost, f *audit.Finding) bool {
	want, ok := h.asLost(f)
	return ok && l.Where == want.Where && l.First <= want.First && want.Last <= l.Last && (f.Epoch != "" || l.Last != math.MaxUint64)
}

// auditTold is how often a start that reads for long says how far it is.
const auditTold = 10 * time.Second

func (n *node) tellAudit(now func() time.Time) func(audit.Progress) {
	last := now()
	return func(p audit.Progress) {
		if t := now(); t.Sub(last) >= auditTold {
			last = t
			n.logger.Info("reading what storage holds", "entries", p.Entries, "log_entries", p.LogEntries)
		}
	}
}
