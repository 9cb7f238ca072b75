package audit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"filippo.io/torchwood"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/merkle"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// known is a commitment that the journal accounts for.
type known struct {
	epoch  *archive.Epoch // which a commitment of its kind is bound to
	at     uint64         // seq
	index  uint64         // of its first place in the log,
	logged bool           // if it has one
}

// A proof is what a proof entry says of the log.
type proof struct {
	epoch      *archive.Epoch
	seq        uint64
	commitment receipt.Hash
	index      uint64
	tree       Tree
	log        string // whose checkpoint it has, or empty if that cannot be read
}

// account notes what an entry says about the log.
func (a *auditor) account(e *archive.Epoch, entry *format.Entry) {
	var c receipt.Hash
	switch entry.Kind {
	case format.KindManifest:
		raw, m, err := receipt.Read(string(entry.Body))
		// Each epoch accounts for its own receipts: the bytes of another's
		// prove nothing about where that one is.
		if err != nil || m.SealedBy.Epoch != e.ID {
			return
		}
		c = receipt.Commitment(raw)
	case format.KindCheckpoint:
		var b format.CheckpointBody
		if format.ParseBody(entry.Body, &b) != nil {
			return
		}
		c = format.CheckpointCommitment(e.ID, b.Seq, b.Chain, b.Random)
	case format.KindClose, format.KindFence:
		c = format.CloseCommitment(e.ID, entry.Seq, entry.Chain)
	case format.KindProof:
		var b format.ProofBody
		if format.ParseBody(entry.Body, &b) != nil {
			return
		}
		_, checkpoint, _ := bytes.Cut(b.Proof, []byte("\n\n"))
		p := proof{epoch: e, seq: entry.Seq, commitment: b.Commitment, index: b.Index}
		p.tree, p.log = stated(checkpoint)
		a.proofs = append(a.proofs, p)
		return
	default:
		return
	}
	if a.known[c] == nil {
		a.known[c] = &known{epoch: e, at: entry.Seq}
	}
}

// stated reads which tree of which log a checkpoint states, without checking it: the
// log itself says whether it ever was so. Logs of one name differ by their keys, so the
// key's hash (C2SP signed-note) is part of whose it is.
func stated(checkpoint []byte) (t Tree, whose string) {
	body, signatures, _ := bytes.Cut(checkpoint, []byte("\n\n"))
	c, err := torchwood.ParseCheckpoint(string(body) + "\n")
	if err != nil {
		return Tree{}, ""
	}
	t = Tree{Size: uint64(c.N), Root: receipt.Hash(c.Hash)}
	for line := range strings.Lines(string(signatures)) {
		_, by, _ := strings.Cut(line, " ")
		name, signature, _ := strings.Cut(strings.TrimSpace(by), " ")
		if raw, err := base64.StdEncoding.DecodeString(signature); err == nil && len(raw) > keyHashSize && name == c.Origin {
			return t, fmt.Sprintf("%s+%x", name, raw[:keyHashSize])
		}
	}
	return t, ""
}

// keyHashSize is that of the hash of the key that a signature begins with, in bytes.
const keyHashSize = 4

// tree reads the log's present tree.
func (a *auditor) tree(ctx context.Context, source string) (Tree, error) {
	size, root, signed, err := a.Log.Checkpoint(ctx)
	if err != nil {
		return Tree{}, fmt.Errorf("the log cannot be read: %w", err)
	}
	return Tree{Size: size, Root: root, Source: source, Signed: signed}, nil
}

// log reads the log's entries and holds them and the journal against each other.
func (a *auditor) log(ctx context.Context) error {
	if a.before == nil {
		return nil
	}
	// Once more, since the journal may have proofs that are younger than the
	// tree from before.
	now, err := a.tree(ctx, "the log's checkpoint")
	if err != nil {
		a.before, a.logErr = nil, err
		return ctx.Err()
	}
	// What an earlier log of the deployment has proved, this one need not have.
	_, log := stated(now.Signed)
	a.proofs = slices.DeleteFunc(a.proofs, func(p proof) bool {
		other := log != "" && p.log != "" && p.log != log
		if other && p.epoch.Disbelief == nil {
			a.elsewhere[p.commitment] = p.log
		}
		return other || p.epoch.Disbelief != nil
	})
	slices.SortFunc(a.proofs, func(x, y proof) int { return cmp.Compare(x.index, y.index) })
	trees := a.trees(*a.before, now)

	var edge merkle.Edge
	var gone *Finding // a run of entries that nothing accounts for
	ranges := 0
	flush := func() {
		// A log may have entries of others without end: the last range is all the rest.
		if gone != nil && ranges < maxRanges {
			a.find(*gone)
			gone = nil
		}
	}
	proofs := a.proofs
	trees = a.grown(trees, &edge)
	before := "at the log's beginning"
	for leaf, err := range a.Log.Entries(ctx, now.Size) {
		if err != nil {
			a.before, a.logErr = nil, fmt.Errorf("the log cannot be read: entry %d: %w", edge.Size(), err)
			return ctx.Err()
		}
		i := edge.Size()
		for ; len(proofs) > 0 && proofs[0].index == i; proofs = proofs[1:] {
			if p := &proofs[0]; p.commitment != leaf {
				a.contradicted(p, "the log has another commitment")
			}
		}
		k := a.known[leaf]
		switch {
		case k != nil: // also of an epoch that is not believed, if it is bound to that
			flush()
			if !k.logged {
				k.logged, k.index = true, i
			}
			before = fmt.Sprintf("after entry %d of epoch %v", k.at, k.epoch.ID)
		case i >= a.before.Size: // younger than what was read of the storage
			flush()
		case gone != nil:
			gone.Last = i
		default:
			ranges++
			gone = &Finding{
				Check: CheckEntries, Kind: Unaccounted, First: i, Last: i,
				Detail: "the journal has nothing that was committed to so, " + before + " in the log: a receipt, an end or a checkpoint was taken away, or another has written to this log, such as a notary with another storage",
			}
			if ranges == maxRanges {
				gone.Detail = "too many ranges to name each: with entries of the log between them that the journal accounts for, " + gone.Detail
			}
		}
		edge.Append(receipt.LeafHash(leaf[:]))
		trees = a.grown(trees, &edge)
		if i%4096 == 0 {
			a.Progress(Progress{Entries: a.report.Entries, LogEntries: i})
		}
	}
	if gone != nil {
		a.find(*gone)
	}
	a.report.LogEntries = edge.Size()
	a.report.Tree, a.report.Checkpoint = now, string(now.Signed)
	switch n := len(trees); {
	case n > 0: // larger than the log is
		t := trees[n-1]
		a.find(Finding{Check: CheckHistory, Kind: Contradicted, First: edge.Size(), Last: t.Size - 1, Detail: "the log has been rolled back, or cut off: it ends before what is known by " + t.Source})
	case len(proofs) > 0:
		a.contradicted(&proofs[len(proofs)-1], "the log ends before")
	}
	a.order()
	return nil
}

func (a *auditor) contradicted(p *proof, what string) {
	if a.contradictions++; a.contradictions > maxRanges {
		return
	}
	a.find(Finding{
		Check: CheckEntries, Kind: Contradicted, First: p.index, Last: p.index,
		Detail: fmt.Sprintf("%s; the proof in entry %d of epoch %v says otherwise", what, p.seq, p.epoch.ID),
	})
}

// trees collects the trees that the log must have grown out of, by size.
func (a *auditor) trees(more ...Tree) []Tree {
	type state struct {
		size uint64
		root receipt.Hash
	}
	seen := make(map[state]bool)
	out := append(slices.Clone(a.Trees), more...)
	for i := range out {
		seen[state{out[i].Size, out[i].Root}] = true
	}
	for i := range a.proofs {
		p := &a.proofs[i]
		if s := (state{p.tree.Size, p.tree.Root}); !seen[s] && s.size > 0 {
			seen[s] = true
			p.tree.Source = "the proof in entry " + strconv.FormatUint(p.seq, 10) + " of epoch " + p.epoch.ID.String()
			out = append(out, p.tree)
		}
	}
	slices.SortStableFunc(out, func(x, y Tree) int { return cmp.Compare(x.Size, y.Size) })
	return out
}

// grown compares the trees of the log's size so far, and returns the larger.
func (a *auditor) grown(trees []Tree, edge *merkle.Edge) []Tree {
	for len(trees) > 0 && trees[0].Size == edge.Size() {
		t := trees[0]
		trees = trees[1:]
		if edge.Root() == t.Root {
			continue
		}
		if a.contradictions++; a.contradictions > maxRanges {
			continue
		}
		what := "the entries do not give the root that is known by " + t.Source + ": the log was rewritten, or has signed two trees of one size"
		a.find(Finding{Check: CheckHistory, Kind: Contradicted, Last: max(t.Size, 1) - 1, Detail: what})
	}
	return trees
}

// order holds the places of receipts in the log against those of their epochs'
// ends: a receipt behind the end was made by somebody who has the key.
func (a *auditor) order() {
	pending, elsewhere := 0, 0
	for _, e := range a.archive.Epochs {
		if e.Disbelief != nil {
			continue
		}
		var end *known
		if e.Ended != 0 {
			end = a.known[format.CloseCommitment(e.ID, e.EndSeq, e.EndChain)]
		}
		ended := end != nil && end.logged
		for _, p := range e.Manifests {
			k := a.known[p.Commitment()]
			switch {
			case k == nil: // in a part of the journal that does not hold together
			case !k.logged && a.elsewhere[p.Commitment()] != "":
				elsewhere++
			case ended && (!k.logged || k.index > end.index):
				a.find(Finding{
					Check: CheckOrder, Kind: Late, Epoch: e.ID.String(), First: p.SealedSeq, Last: p.SealedSeq,
					Detail: fmt.Sprintf("the receipt is not in the log before the end of its epoch, entry %d there", end.index),
				})
			case !k.logged:
				pending++
			}
		}
	}
	if elsewhere > 0 {
		a.late = fmt.Sprintf("%d receipts have proofs of another log, which an audit with --log and its key holds them against", elsewhere)
	}
	if pending > 0 {
		a.late = fmt.Sprintf("%d receipts are not in the log yet: their notary sends them, or the next that starts", pending)
	}
}
