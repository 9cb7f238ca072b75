package audit_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// An audit reads storage and log, and says what is missing.
func ExampleRun() {
	ctx := context.Background()
	w := newWorld(ctx)
	// Somebody cuts off the end of the last epoch.
	w.store.Rewrite(receipt.Epoch{3}, func(c []journal.Chunk) []journal.Chunk { return c[:2] })

	report, err := audit.Run(ctx, w.store, audit.Options{Log: w.log, Believe: believe, Positions: w.positions})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range report.Findings {
		if f.Check == audit.CheckPositions {
			fmt.Println(f.Kind, "from", f.First, "to", f.Last, "or more:", f.OrMore)
		}
	}
	fmt.Println(attestation.Verdict(report.Checks))
	// Output:
	// missing from 3 to 4 or more: true
	// failed
}

// TestClean: what was not touched passes, with everything that can be checked;
// without a log or a policy the audit is incomplete, and says so.
func TestClean(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	cosigned := func([]byte) (string, error) { return "cosigned", nil }
	full := audit.Options{Log: w.log, Witnessed: cosigned, Believe: believe, Positions: w.positions, Trees: []audit.Tree{w.log.tree(2), w.log.tree(len(w.log))}}
	report, err := audit.Run(t.Context(), w.store, full)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if c.Status != attestation.Pass {
			t.Errorf("%s: %s: %s", c.Name, c.Status, c.Detail)
		}
	}
	if report.Epochs != 3 || report.Parts != 5 || report.LogEntries != uint64(len(w.log)) {
		t.Errorf("report: %+v", report)
	}
	for name, o := range map[string]audit.Options{"no log": {Believe: believe}, "no policy": {Log: w.log}} {
		report, err := audit.Run(t.Context(), w.store, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := attestation.ExitStatus(report.Checks); got != attestation.ExitIncomplete {
			t.Errorf("%s: exit status %d", name, got)
		}
	}
}

// A growing log gets an entry between an audit's first look and its second.
type growing struct {
	entries
	looks int
}

func (l *growing) Checkpoint(ctx context.Context) (uint64, receipt.Hash, []byte, error) {
	if l.looks++; l.looks == 1 {
		return l.entries[:len(l.entries)-1].Checkpoint(ctx)
	}
	return l.entries.Checkpoint(ctx)
}

// TestInUse: what is written during an audit is no finding, and a receipt that
// is on its way to the log leaves its check undone.
func TestInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	younger := &growing{entries: append(slices.Clone(w.log), receipt.Hash{1})}
	report, err := audit.Run(t.Context(), w.store, audit.Options{Log: younger, Believe: believe})
	if err != nil {
		t.Fatal(err)
	}
	if attestation.Verdict(report.Checks) != attestation.Verified || report.LogEntries != uint64(len(w.log))+1 {
		t.Errorf("a log that grew: %+v", report)
	}
	// The third notary has its receipt in the journal, and not in the log yet.
	a, err := archive.Scan(t.Context(), w.store, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sealed := a.Epoch(receipt.Epoch{3}).Manifests[0].SealedSeq
	w.store.Rewrite(receipt.Epoch{3}, func(c []journal.Chunk) []journal.Chunk {
		return slices.DeleteFunc(c, func(c journal.Chunk) bool { return c.FirstSeq > sealed })
	})
	report, err = audit.Run(t.Context(), w.store, audit.Options{Log: w.log[:len(w.log)-2], Believe: believe})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if want := map[string]attestation.Status{
			audit.CheckOrder: attestation.NotDone, audit.CheckPositions: attestation.NotDone, audit.CheckWitnesses: attestation.NotDone,
		}[c.Name]; c.Status != want && want != "" || want == "" && c.Status != attestation.Pass {
			t.Errorf("%s: %s: %s", c.Name, c.Status, c.Detail)
		}
	}
	if attestation.ExitStatus(report.Checks) != attestation.ExitVerified {
		t.Error("a receipt on its way fails the audit")
	}
}

// TestWitnesses: a log that too few have cosigned fails the audit of who wants more.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	few := func([]byte) (string, error) { return "", errors.New("cosigned by one") }
	report, err := audit.Run(t.Context(), w.store, audit.Options{Log: w.log, Witnessed: few, Believe: believe})
	if err != nil {
		t.Fatal(err)
	}
	f := report.Findings
	if len(f) != 1 || f[0].Check != audit.CheckWitnesses || f[0].Kind != audit.Unwitnessed || attestation.ExitStatus(report.Checks) != attestation.ExitFalse {
		t.Errorf("findings %+v", f)
	}
	report, err = audit.Run(t.Context(), w.store, audit.Options{Witnessed: few, Believe: believe})
	if err != nil || attestation.Verdict(report.Checks) != attestation.Incomplete {
		t.Errorf("without a log: %v, %v", attestation.Verdict(report.Checks), err)
	}
}

// named is a log with a name and a key, of which nobody looks at the signature.
type named struct {
	entries
	origin string
	key    [4]byte // its hash
}

func (l named) Checkpoint(ctx context.Context) (uint64, receipt.Hash, []byte, error) {
	size, root, _, err := l.entries.Checkpoint(ctx)
	text := torchwood.Checkpoint{Origin: l.origin, Tree: tlog.Tree{N: int64(size), Hash: tlog.Hash(root)}}.String()
	signature := base64.StdEncoding.EncodeToString(append(l.key[:], make([]byte, 64)...))
	return size, root, fmt.Appendf(nil, "%s\n— witness AAAAAAAA\n— %s %s\n", text, l.origin, signature), err
}

// TestAnotherLog: a deployment that went on with another log is held against that one. What
// the first has proved the second need not have; the report says so, and that the receipts
// were not held against their log. Under its own name the same log would contradict them.
func TestAnotherLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	a, err := archive.Scan(t.Context(), w.store, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := a.Proof(a.Parts()[0].Commitment())
	first := regexp.MustCompile(`(?m)^— example.org/audited (\S+)$`).FindSubmatch(p.ProofBody.Proof)
	if len(first) != 2 {
		t.Fatalf("no signature of the log's in the proof\n%s", p.ProofBody.Proof)
	}
	// The last notary's end alone is in the second log.
	for _, second := range []named{{origin: "example.org/second"}, {origin: "example.org/audited", key: [4]byte{1}}} {
		second.entries = w.log[len(w.log)-1:]
		report, err := audit.Run(t.Context(), w.store, audit.Options{Log: second, Believe: believe})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			t.Error(f.String())
		}
		for _, c := range report.Checks {
			switch {
			case c.Name == audit.CheckEntries && !strings.Contains(c.Detail, `of another log, such as "example.org/audited+`),
				c.Name == audit.CheckOrder && (c.Status != attestation.NotDone || !strings.Contains(c.Detail, "proofs of another log")):
				t.Errorf("%s: %s: %s", c.Name, c.Status, c.Detail)
			}
		}
	}
	same := named{entries: w.log[len(w.log)-1:], origin: "example.org/audited"}
	raw, err := base64.StdEncoding.DecodeString(string(first[1]))
	if err != nil {
		t.Fatal(err)
	}
	same.key = [4]byte(raw)
	report, err := audit.Run(t.Context(), w.store, audit.Options{Log: same, Believe: believe})
	if err != nil || attestation.Verdict(report.Checks) != attestation.Failed {
		t.Errorf("a log that was cut off: %+v, %v", report, err)
	}
}
