package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/sdk/receipt"
)

const auditUsage = `usage: notary audit --config FILE [OPTIONS]

Does storage still have everything that was promised? Reads the whole journal of
every epoch and holds it against what others have of it: what later epochs knew
when they began, the log's commitments, checkpoints of the log that you kept, and
the signed positions of senders. What is missing or wrong is named with its range:
deleted, cut off, replaced or swapped entries, a second history, a restored backup,
a whole epoch gone. Only reads, whether the notary runs or not. No key is needed.

On a terminal standard error shows how far it is. Exports and erasures that the journal
has are told, too, with the copies of keys that storage spoke of: they are no findings.

What is younger than the last word of the log or of a sender is not covered. A log
that was rolled back together with the storage is found by a checkpoint that you
kept, or by positions; so keep one after each audit, elsewhere.

OPTIONS
  --config FILE      the notary's configuration
  --policy FILE      Reference Values: which notaries are accepted, and the log's keys
  --jwks FILE        key set of the MAA instance that you trust, if the policy pins none
  --issuer URL       whose keys these are, if the policy has several issuers without
                     pinned keys
  --log PLACE        the log: a directory or URL with C2SP tlog-tiles (default: log.dir
                     of the configuration, or log.endpoint.tiles)
  --positions PATH   signed positions that senders kept, as lines of the response
                     header veriproof-position-bin, or a directory of such files
                     (repeatable)
  --checkpoint FILE  an earlier checkpoint, or a log proof, that you kept (repeatable)
  --keep DIR         remember the log's newest checkpoint there for the next audit, and
                     both, if it contradicts one from before
  --resume FILE      note there what was read, and go on from there if an audit was
                     interrupted; removed when the audit is done. What is noted is not
                     read again, which the report says
  -o FILE            keep the log's checkpoint, if nothing failed; an existing file is
                     refused
  --json             print JSON, with the log's checkpoint also if something failed

EXAMPLES
  notary audit --config notary.yaml --policy policy.yaml
  notary audit --config notary.yaml --policy policy.yaml --positions kept/ -o 2026-08.checkpoint
  notary audit --config notary.yaml --policy policy.yaml --checkpoint 2026-08.checkpoint
  notary audit --config notary.yaml --policy policy.yaml --keep seen/
  notary audit --config notary.yaml --policy policy.yaml --resume audit.notes
  notary audit --config notary.yaml --policy policy.yaml --log https://log.example.org/ --json

EXIT STATUS
  0  clean
  1  usage, or something could not be read
  2  false: something that was promised is missing, or other than it was
  3  an epoch is not of a notary that the policy accepts
  5  incomplete: nothing failed, but without a policy or a log not all was checked
`

var auditCommand = command{name: "audit", brief: "holds the whole journal against the log and senders' positions", usage: auditUsage, run: runAudit}

// list makes an option repeatable.
func list(to *[]string) func(string) error {
	return func(s string) error { *to = append(*to, s); return nil }
}

func runAudit(ctx context.Context, a *app, args []string) error {
	f := a.flags("audit", auditUsage)
	configFile, policyFile := f.String("config", "", ""), f.String("policy", "", "")
	var keys trustedKeys
	keys.flags(f)
	place, keep, out, resume := f.String("log", "", ""), f.String("keep", "", ""), f.String("o", "", ""), f.String("resume", "", "")
	var positions, checkpoints []string
	f.Func("positions", "", list(&positions))
	f.Func("checkpoint", "", list(&checkpoints))
	asJSON := f.Bool("json", false, "")
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	if *configFile == "" {
		return usageError("audit: --config is missing")
	}
	if *out != "" {
		if _, err := os.Lstat(*out); err == nil {
			return hinted(fmt.Errorf("audit: %s exists", *out), "give -o a new file; to hold the audit against the checkpoint that is there, --checkpoint %s; to go on with an audit that was interrupted, --resume with its notes", *out)
		}
	}
	cfg, err := loadConfig(*configFile)
	if err != nil {
		return err
	}
	var o audit.Options
	var logKeys []string
	if *policyFile != "" {
		p, err := readPolicy(*policyFile)
		if err != nil {
			return err
		}
		a.warn(p)
		jwks, err := keys.read("audit")
		if err != nil {
			return err
		}
		if p.Log != nil {
			logKeys = p.Log.Keys
			if l := p.Log; l.Quorum > 0 {
				o.Witnessed = func(signed []byte) (string, error) { return witnessed(signed, l.Witnesses, l.Quorum) }
			}
		}
		o.Believe = func(e *archive.Epoch) error { return appraiseEpoch(p, jwks, keys.issuer, e) }
	}
	reader, logKeys, closeLog, err := auditedLog(ctx, cfg, *place, logKeys)
	if err != nil {
		return err
	}
	defer closeLog()
	o.Log = reader
	if err := seenBefore(memoryOf(cfg), *keep, logKeys, &o); err != nil {
		return err
	}
	for _, name := range checkpoints {
		signed, err := readFile(name, maxPart)
		if err != nil {
			return err
		}
		t := audit.Tree{Source: name}
		if t.Size, t.Root, err = commitlog.VerifyCheckpoint(signed, logKeys); err != nil {
			return hinted(fmt.Errorf("%s: %w", name, err), "--checkpoint wants a checkpoint of this log, as \"notary audit -o\" keeps it, or a proof")
		}
		o.Trees = append(o.Trees, t)
	}
	for _, path := range positions {
		if err := readPositions(path, &o.Positions); err != nil {
			return err
		}
	}
	s := &storage{cfg: cfg}
	if err := s.open(ctx); err != nil {
		return err
	}
	defer s.close(ctx)
	done := a.progress(&o, time.Now)
	report, err := resumable(*resume, &o, func() (*audit.Report, error) { return audit.Run(ctx, s.set.Store(), o) })
	done()
	if err != nil {
		return err
	}
	verdict := attestation.Verdict(report.Checks)
	// Also of a failed audit: it may be the log that contradicts itself.
	if *keep != "" && report.Tree.Signed != nil {
		if err := remember(ctx, *keep, logKeys, reader, report.Tree.Signed); errors.Is(err, commitlog.ErrForked) {
			fmt.Fprintf(a.stderr, "notary: warning: %s\n", oneLine(err.Error()))
		} else if err != nil {
			return err
		}
	}
	if *out != "" && verdict != attestation.Failed && report.Tree.Signed != nil {
		if err := writeNew(*out, report.Tree.Signed, 0o644); err != nil {
			return err
		}
	}
	if err := a.audited(report, verdict, *asJSON); err != nil {
		return err
	}
	if status := attestation.ExitStatus(report.Checks); status != exitOK {
		return &exitError{status: status, err: errTold}
	}
	return nil
}

// resumable runs an audit with notes in a file, which stays if the audit does not come
// to its end.
func resumable(name string, o *audit.Options, run func() (*audit.Report, error)) (*audit.Report, error) {
	if name == "" {
		return run()
	}
	notes, err := archive.OpenNotes(name, time.Now())
	if errors.Is(err, archive.ErrNotes) {
		return nil, hinted(err, "--resume wants a file of its own, which it makes")
	}
	if err != nil {
		return nil, err
	}
	o.Notes = notes
	report, err := run()
	closed := notes.Close()
	switch {
	case errors.Is(err, archive.ErrNotes):
		return nil, hinted(fmt.Errorf("%s: %w", name, err), "remove %s and audit again from the beginning, which names what is the matter", name)
	case err != nil:
		return nil, errors.Join(err, closed)
	}
	// What could not be noted was read all the same.
	return report, os.Remove(name)
}

// auditedLog finds the log and its keys: those that the policy pins, or else that
// of the embedded log.
func auditedLog(ctx context.Context, cfg *config.Config, place string, keys []string) (_ *commitlog.Reader, _ []string, close func() error, err error) {
	dir := cfg.Path(cfg.Log.Dir)
	elsewhere := cfg.Log.Kind == config.LogEndpoint
	close = func() error { return nil }
	var files commitlog.Files
	switch {
	case place != "":
	case cfg.Log.Kind == config.LogPOSIX:
		place = dir
	case cfg.Log.Kind == config.LogMySQL:
		if files, close, err = commitlog.MySQLFiles(ctx, mysqlOptions(cfg)); err != nil {
			return nil, nil, nil, err
		}
		place = "log.mysql"
	case cfg.Log.Endpoint.Tiles != "":
		place = cfg.Log.Endpoint.Tiles
	default:
		return nil, nil, nil, hinted(errors.New("it is not known where the log can be read"), "give --log, or set log.endpoint.tiles in %s", cfg.Name())
	}
	if len(keys) == 0 && elsewhere {
		keys = []string{cfg.Log.Endpoint.Key}
	}
	if len(keys) == 0 {
		key, err := commitlog.DirectoryKey(dir, cfg.Log.Origin)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, nil, hinted(fmt.Errorf("no key of the log: %w", err), "pin the log's keys in the policy (log.keys), or set log.dir in %s to the embedded log", cfg.Name())
		}
		if err != nil {
			return nil, nil, nil, err
		}
		keys = []string{key}
	}
	var r *commitlog.Reader
	if files != nil {
		r, err = commitlog.ReadFiles(files, place, keys)
	} else {
		r, err = commitlog.NewReaderTLS(place, keys, witnesses(&cfg.Log).Roots)
	}
	return r, keys, close, err
}

// memoryOf is where a notary keeps what it has seen of a log that others run.
func memoryOf(cfg *config.Config) string {
	if cfg.Log.Kind != config.LogEndpoint {
		return ""
	}
	return cfg.Path(cfg.Log.Dir)
}

// seenBefore adds what the notary, by log.dir, and earlier audits, by --keep, have
// seen of a log: it must have grown out of that.
func seenBefore(dir, keep string, keys []string, o *audit.Options) error {
	for _, d := range []string{dir, keep} {
		if d == "" {
			continue
		}
		name := filepath.Join(d, commitlog.SeenFile)
		signed, err := readFile(name, maxPart)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return hinted(err, "--keep names a directory that can be made and written, and so does log.dir for a log that others run")
		}
		t := audit.Tree{Source: name}
		if t.Size, t.Root, err = commitlog.VerifyCheckpoint(signed, keys); err != nil {
			return hinted(fmt.Errorf("%s: %w", name, err), "it is of another log than the one whose key the policy pins, or else the configuration: give the policy of that log, or this log a directory of its own")
		}
		o.Trees = append(o.Trees, t)
	}
	return nil
}

// witnessed says which witnesses have cosigned a checkpoint, or that they are too few.
func witnessed(signed []byte, witnesses []string, quorum int) (string, error) {
	got, err := receipt.CheckpointCosigners(signed, witnesses)
	if err != nil {
		return "", err
	}
	var names []string
	future := ""
	for _, c := range got {
		name, _, _ := strings.Cut(witnesses[c.Witness], "+")
		if c.Within(time.Time{}, time.Now().Add(receipt.ClockSkew)) {
			names = append(names, name)
		} else {
			future += fmt.Sprintf("; that of %s is from the future, %s, and does not count", name, c.At.Format(time.RFC3339))
		}
	}
	by := fmt.Sprintf("cosigned by %d of the policy's witnesses (%s), which wants %d%s", len(names), strings.Join(names, ", "), quorum, future)
	if len(names) < quorum {
		return "", errors.New(by)
	}
	return by, nil
}

// readPositions reads a file, or the files of a directory.
func readPositions(path string, to *[]audit.Position) error {
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return hinted(err, "--positions names what senders kept: the response header veriproof-position-bin of each export, a line each, which an application with the SDK gets as Options.Keep and writes with PositionLine; without them the audit asks the log alone")
		}
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		found, err := audit.ReadPositions(name, f)
		if err != nil {
			return hinted(err, "--positions wants lines of the response header veriproof-position-bin, in base64")
		}
		*to = append(*to, found...)
		return nil
	})
}

// progress shows on standard error how far an audit is, in one line, each second from the
// first on. Where that is no terminal it shows nothing.
func (a *app) progress(o *audit.Options, now func() time.Time) (done func()) {
	terminal, ok := a.stderr.(*os.File)
	if !ok || !isTerminal(terminal) {
		return func() {}
	}
	last, shown := now(), false
	o.Progress = func(p audit.Progress) {
		if now().Sub(last) < time.Second {
			return
		}
		last, shown = now(), true
		fmt.Fprintf(terminal, "\r\x1b[K%d entries of the journal, %d of the log", p.Entries, p.LogEntries)
	}
	return func() {
		if shown {
			fmt.Fprint(terminal, "\r\x1b[K")
		}
	}
}

func (a *app) audited(r *audit.Report, verdict attestation.Outcome, asJSON bool) error {
	if asJSON {
		return a.json(struct {
			Verdict attestation.Outcome `json:"verdict"`
			Status  int                 `json:"exit_status"`
			*audit.Report
		}{verdict, attestation.ExitStatus(r.Checks), r})
	}
	a.printChecks(r.Checks)
	failed := 0
	for _, c := range r.Checks {
		if c.Status == attestation.Fail {
			failed++
		}
	}
	if len(r.Findings) > failed { // else each stands with its check
		fmt.Fprintln(a.stdout)
		for i := range r.Findings {
			fmt.Fprintf(a.stdout, "%s: %s\n", r.Findings[i].Check, shortDigests(r.Findings[i].String()))
		}
	}
	a.printErasures(r.Erasures)
	a.printExports(r.Exports)
	fmt.Fprintf(a.stdout, "\nverdict: %s; %d epochs, %d entries, %d session parts, %d entries of the log\n",
		a.mark(string(verdict)), r.Epochs, r.Entries, r.Parts, r.LogEntries)
	return nil
}

// printErasures tells of the erasures after which there may be copies of keys.
func (a *app) printErasures(list []audit.Erasure) {
	told := false
	for i := range list {
		x := &list[i]
		if len(x.Found) == 0 && x.Unasked == 0 {
			continue
		}
		if !told {
			fmt.Fprintln(a.stdout, "\nkeys that were destroyed, and copies that there are or may be, as storage told then:")
			told = true
		}
		text := fmt.Sprintf("%s %d session parts: ", time.Unix(0, x.AtUnixNano).UTC().Format(time.RFC3339), x.Parts)
		for _, c := range x.Found {
			text += fmt.Sprintf("%s %d, ", c.Kind, c.Count)
		}
		text += fmt.Sprintf("%d places that cannot be asked", x.Unasked)
		fmt.Fprintf(a.stdout, "  %s (entry %d of epoch %s)\n", printable(text), x.Seq, x.Epoch)
	}
}

// printExports tells what the journal has of exports.
func (a *app) printExports(list []audit.Export) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(a.stdout, "\nexports, as the notaries that were asked have journaled them:")
	for i := range list {
		x := &list[i]
		text := fmt.Sprintf("%s by %s", time.Unix(0, x.AtUnixNano).UTC().Format(time.RFC3339), x.By)
		if x.For != "" {
			text += ", for " + x.For
		}
		text += fmt.Sprintf(": %d session parts", x.Parts)
		if x.Recipient != (receipt.Hash{}) {
			text += fmt.Sprintf(", records opened to recipient %v", x.Recipient)
		}
		fmt.Fprintf(a.stdout, "  %s (entry %d of epoch %s)\n", printable(text), x.Seq, x.Epoch)
	}
}
