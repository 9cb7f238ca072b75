package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

const exportUsage = `usage: notary export --config FILE [--from TIME] [--to TIME] [--wait TIME]
                     [--identity KEY] --control URL --policy FILE --token-file FILE [--for LABEL] -o DIR
       notary export --config FILE --unjournaled [...] -o DIR

Writes the evidence bundle of every session part that was sealed, or that was in a range
of time, for "notary verify", from the storage of a notary, whether it runs or not. When
a part was sealed is what its manifest says: the clock of the notary's host.

Each bundle is the file EPOCH-HANDLE-PART.bundle with the bytes that "notary session
bundle" makes, and a line on standard output as soon as it is written. Run again after
a stop, it goes on: a file that has the right bytes already is left alone, and one to
which the log's proof was added since is replaced. A file that discloses records which
the new bundle would not is never replaced. A file with records has mode 0600, others
have 0644. What a run that was killed left of a file there (.bundle-NUMBER) is removed.

The running notary at --control says in its journal, before the first bundle is written,
that an export of so many parts of this range begins, who asked (the operator's name of
the token), for whom, and to which recipient's key records are opened. "notary audit"
reports it. Where that cannot be journaled, as by a notary on another storage, nothing is
exported. Of a notary that is no more, or of a copy of its storage, --unjournaled exports
all the same: no journal has it, and standard error says so.

OPTIONS
  --config FILE    the notary's configuration
  --from TIME      from this time on: 2026-11-01, which begins at 00:00 UTC, or
                   2026-11-01T12:00:00Z; the default is the beginning
  --to TIME        and before this one; the default is no end
  --wait TIME      wait up to so long, such as 30s, until every session part is sealed and
                   has its proof of the log; without, what is not there yet is told
  --identity KEY   a recipient's private key: disclose all records. A part that cannot
                   be opened, for instance since it was erased, is exported without;
                   with a key that fits none of them nothing is exported
  -o DIR           where the bundles go; it is made if it does not exist
  --control URL    have the notary with this control interface journal the export; it is
                   appraised first. Of several on one storage any will do
  --policy FILE    which notaries are accepted ("notary policy --help")
  --jwks FILE, --issuer URL  the key set of MAA, and whose it is ("notary session --help")
  --token-file FILE  an operator's token
  --for LABEL      for whom the export is: up to 64 letters, digits, spaces and ._@+-.
                   It stands in the journal in clear: name no session
  --unjournaled    no notary is asked, and no journal has the export
  --json           print one JSON object per line

EXAMPLES
  notary export --config notary.yaml --control https://notary.example.org:8443 \
      --policy policy.yaml --token-file operator.token -o all
  notary export --config notary.yaml --control https://notary.example.org:8443 \
      --policy policy.yaml --token-file operator.token --from 2026-11-01 \
      --to 2026-12-01 --identity recipient.pem --for "auditor 2026" -o disclosed
  notary export --config copy.yaml --unjournaled -o all

EXIT STATUS
  0  all bundles are there
  1  usage, or something could not be read or written; the line of a part says what, and
     of a disk without room the error. Or
     --identity was given, and opened no record of any part
  2  storage holds something that does not hold together (said on standard error)
`

var exportCommand = command{name: "export", brief: "writes the bundles of all sessions sealed in a range of time", usage: exportUsage, run: runExport}

// An exported part is a line of "notary export".
type exported struct {
	State      string `json:"state"` // written, unchanged, replaced or failed
	File       string `json:"file"`
	SHA256     string `json:"sha256,omitempty"`
	Bytes      int64  `json:"bytes,omitempty"`
	Commitment string `json:"commitment"`
	Records    int    `json:"records"` // disclosed
	// Undisclosed says why an identity disclosed nothing, Error what failed.
	Undisclosed string `json:"undisclosed,omitempty"`
	// Erased is the order to destroy the part's key: its records can be disclosed no
	// more. A bundle does not say so, since it is of the time of sealing.
	Erased *control.Order `json:"erased,omitempty"`
	Error  string         `json:"error,omitempty"`

	locked bool // its records are there, and were not opened
}

func runExport(ctx context.Context, a *app, args []string) error {
	f := a.flags("export", exportUsage)
	configFile := f.String("config", "", "")
	identity := f.String("identity", "", "")
	out := f.String("o", "", "")
	asJSON := f.Bool("json", false, "")
	label := f.String("for", "", "")
	var by orderOptions
	f.StringVar(&by.control, "control", "", "")
	f.StringVar(&by.policy, "policy", "", "")
	f.StringVar(&by.tokenFile, "token-file", "", "")
	by.keys.flags(f)
	unjournaled := f.Bool("unjournaled", false, "")
	wait := f.Duration("wait", 0, "")
	var from, to time.Time
	f.Func("from", "", instant(&from))
	f.Func("to", "", instant(&to))
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	switch {
	case *configFile == "":
		return usageError("export: --config is missing")
	case *out == "":
		return usageError("export: -o is missing")
	case !to.IsZero() && !from.Before(to):
		return usageError("export: --from is not before --to")
	case *unjournaled && (by.control != "" || by.tokenFile != "" || *label != ""):
		return usageError("export: --control, --token-file and --for are of an export that is journaled, and --unjournaled says that it is not")
	case by.control == "" && !*unjournaled:
		return hinted(errors.New("export: --control is missing: which notary journals it? Nothing is exported"),
			"--control, --policy and --token-file have a running notary say in its journal who takes the bundles; where none runs, --unjournaled exports without")
	case !journal.ValidLabel(*label):
		return usageError("export: --for %.80q: want up to 64 letters, digits, spaces and ._@+-, and first a letter or digit", *label)
	}
	s, err := openStorage(ctx, *configFile, *identity)
	for end := time.Now().Add(*wait); err == nil && s.unfinished(s.sealedBetween(from, to), to).any() && time.Now().Before(end); {
		s.close(ctx)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(*wait, pollStorage)):
		}
		key := s.identity // which can be read once where it comes through a pipe
		if s, err = openStorage(ctx, *configFile, ""); err == nil {
			s.identity = key
		}
	}
	if err != nil {
		return err
	}
	defer s.close(ctx)
	parts := s.sealedBetween(from, to)
	b := journal.ExportBody{FromUnixNano: unixNano(from), ToUnixNano: unixNano(to), Parts: uint64(len(parts)), For: *label}
	if s.identity != nil && len(parts) > 0 {
		if b.Recipient, err = s.opens(parts); err != nil {
			return err
		}
	}
	if *unjournaled {
		fmt.Fprintln(a.stderr, "notary: warning: --unjournaled: no journal has this export, and no audit will tell of it")
	} else if err := a.journalExport(ctx, &by, &b, parts); err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	if err := a.exportParts(ctx, s, parts, disclosure{all: s.identity != nil}, *out, *asJSON); err != nil {
		return err
	}
	a.tellUnfinished(s.unfinished(parts, to))
	return nil
}

// opens returns the recipient whose key opens records of the parts, or none if all parts
// are erased. It opens nothing: the journal is to have it before. A key that fits none of
// them would have it say what never was, and whoever gave it wants records.
func (s *storage) opens(parts []*archive.Part) (id receipt.Hash, err error) {
	id = s.identity.Recipient().ID()
	erased := 0
	for _, p := range parts {
		if p.Erasure != nil {
			erased++
		} else if s.SealedTo(p, id) {
			return id, nil
		}
	}
	if erased == len(parts) {
		return receipt.Hash{}, nil
	}
	return id, hinted(fmt.Errorf("export: none of %d session parts is encrypted to the key in --identity (recipient %v): nothing was exported", len(parts), id),
		"--identity wants the private key of one of the recipients that the notary's configuration had; without --identity the bundles have no records")
}

// pollStorage is how often storage is read while an export waits.
const pollStorage = 500 * time.Millisecond

// unfinished counts of what the same command will have more in a moment: who exports right
// behind a session's end finds nothing of it, or a bundle that does not verify.
type unfinished struct{ open, unproved int }

func (u unfinished) any() bool { return u.open+u.unproved > 0 }

func (s *storage) unfinished(exported []*archive.Part, to time.Time) (u unfinished) {
	for _, p := range s.Parts() {
		if p.Manifest == nil && (to.IsZero() || to.After(time.Now())) {
			u.open++
		}
	}
	for _, p := range exported {
		if _, ok := s.Proof(p.Commitment()); !ok {
			u.unproved++
		}
	}
	return u
}

func (a *app) tellUnfinished(u unfinished) {
	if u.any() {
		fmt.Fprintf(a.stderr, "notary: warning: %d session parts are not sealed yet and have no bundle, %d bundles have no log proof yet: the same command adds both when they are there, and --wait 30s waits for them\n", u.open, u.unproved)
	}
}

// journalExport has a running notary say in its journal what is about to be exported. A
// tool that only reads storage cannot: the journal is the notary's.
func (a *app) journalExport(ctx context.Context, by *orderOptions, b *journal.ExportBody, parts []*archive.Part) error {
	client, err := by.connect(a, "export")
	if err != nil {
		return err
	}
	q := url.Values{}
	if len(parts) > 0 { // one shows the notary whether they are in its storage
		q = refOf(parts[len(parts)-1])
	}
	q.Set("parts", strconv.FormatUint(b.Parts, 10))
	q.Set("for", b.For)
	if b.FromUnixNano != 0 {
		q.Set("from", strconv.FormatInt(b.FromUnixNano, 10))
	}
	if b.ToUnixNano != 0 {
		q.Set("to", strconv.FormatInt(b.ToUnixNano, 10))
	}
	if b.Recipient != (receipt.Hash{}) {
		q.Set("recipient", b.Recipient.String())
	}
	done := new(control.Exported)
	if err := client.post(ctx, "/v1/exports", q, done); err != nil {
		return hinted(fmt.Errorf("export: nothing was exported, since it could not be journaled: %w", err), "%s", orderHint(err))
	}
	fmt.Fprintf(a.stderr, "journaled by entry %d of epoch %s: %d session parts\n", done.Order.Seq, printable(done.Order.Epoch), b.Parts)
	return nil
}

// unixNano is 0 for no time.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// exportParts writes a bundle for each of the parts and tells about it.
func (a *app) exportParts(ctx context.Context, s *storage, parts []*archive.Part, what disclosure, dir string, asJSON bool) error {
	if err := sweep(dir); err != nil {
		return err
	}
	failed, opened, closed := 0, 0, 0
	for i, p := range parts {
		if err := ctx.Err(); err != nil {
			return hinted(err, "the same command goes on where it stopped")
		}
		row, err := s.export(ctx, p, what, dir)
		if noRoom(err) {
			return hinted(fmt.Errorf("after %d of %d session parts: %w", i, len(parts), err),
				"make room there, or give -o a directory that can be written; the same command goes on where it was")
		}
		switch {
		case err != nil:
			failed++
		case row.Records > 0:
			opened++
		case row.locked:
			closed++
		}
		if err := a.printExported(&row, i+1, len(parts), asJSON); err != nil {
			return err
		}
	}
	if failed > 0 {
		return hinted(fmt.Errorf("%d of %d session parts are not exported", failed, len(parts)), "the line of each says why; the same command tries them again")
	}
	if what.any() {
		fmt.Fprintf(a.stderr, "records of %d of %d session parts are disclosed\n", opened, len(parts))
	}
	if opened == 0 && closed > 0 {
		return hinted(fmt.Errorf("records were to be disclosed, and none could be: %d bundles without records are written", len(parts)),
			"the line of each says why; --identity wants the private key of one of the recipients that the notary's configuration had")
	}
	return s.damage()
}

// noRoom says of an error that the next file will meet it, too.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// instant reads a time of the command line into at.
func instant(at *time.Time) func(string) error {
	return func(text string) error {
		var err error
		for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
			if *at, err = time.Parse(layout, text); err == nil {
				if at.Year() < 1700 || at.Year() > 2200 {
					return errors.New("want a year from 1700 to 2200")
				}
				return nil
			}
		}
		return errors.New("want 2026-11-01 or 2026-11-01T12:00:00Z")
	}
}

// sealedBetween returns the parts sealed at from or later and before to, the zero
// time being no end, in the order in which they were.
func (s *storage) sealedBetween(from, to time.Time) []*archive.Part {
	parts := slices.DeleteFunc(s.Parts(), func(p *archive.Part) bool {
		if p.Manifest == nil {
			return true
		}
		at := time.Unix(0, p.Manifest.HostClock.SealedUnixNano)
		return at.Before(from) || !to.IsZero() && !at.Before(to)
	})
	slices.SortStableFunc(parts, func(p, q *archive.Part) int {
		return cmp.Compare(p.Manifest.HostClock.SealedUnixNano, q.Manifest.HostClock.SealedUnixNano)
	})
	return parts
}

// export writes the bundle of one part. What fails is told in its row, too: unless all would
// fail by it, it must not keep the others back. A part that cannot be opened is exported without its records.
func (s *storage) export(ctx context.Context, p *archive.Part, what disclosure, dir string) (exported, error) {
	row := exported{
		File:       filepath.Join(dir, fmt.Sprintf("%v-%v-%d.bundle", p.ID.Epoch, p.ID.Handle, p.ID.Part)),
		Commitment: p.Commitment().String(),
	}
	if x := p.Erasure; x != nil {
		row.Erased = &control.Order{Epoch: x.Epoch.String(), Seq: x.Seq}
	}
	d, err := s.disclose(ctx, p, what)
	if err != nil {
		row.Undisclosed = err.Error()
		row.locked = !errors.Is(err, archive.ErrErased) && !errors.Is(err, archive.ErrNoSummary)
	}
	f, err := s.newBundle(ctx, p, d, dir)
	if err == nil {
		defer f.remove()
		row.State, err = f.place(row.File)
	}
	if err != nil {
		row.State, row.Error = "failed", err.Error()
		return row, err
	}
	row.SHA256, row.Bytes, row.Records = fmt.Sprintf("%x", f.sum), f.size, f.records
	return row, nil
}

func (a *app) printExported(row *exported, i, n int, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.stdout).Encode(row)
	}
	text := fmt.Sprintf("%d/%d %s %s: ", i, n, row.State, row.File)
	switch {
	case row.Error != "":
		text += row.Error
	default:
		text += fmt.Sprintf("%d bytes, SHA-256 %s, commitment %s, %d records disclosed", row.Bytes, row.SHA256, row.Commitment, row.Records)
		switch {
		case row.Undisclosed != "":
			text += " (" + row.Undisclosed + ")"
		case row.Erased != nil:
			text += fmt.Sprintf(" (the session part was erased by entry %d of epoch %s)", row.Erased.Seq, row.Erased.Epoch)
		}
	}
	_, err := fmt.Fprintln(a.stdout, oneLine(text))
	return err
}
