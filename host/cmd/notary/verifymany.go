package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/receipt"
)

// bundlesOf returns the bundles that the arguments name, in their order, those of a
// directory by name; and whether it is one bundle alone.
func bundlesOf(args []string) (names []string, several bool, err error) {
	several = len(args) > 1
	for _, arg := range args {
		info, err := os.Stat(arg)
		if isURL(arg) || err != nil || !info.IsDir() {
			names = append(names, arg) // what is wrong with it is told in its turn
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, false, err
		}
		several = true
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".bundle") && !e.IsDir() {
				names = append(names, filepath.Join(arg, e.Name()))
			}
		}
	}
	if len(names) == 0 {
		return nil, false, hinted(fmt.Errorf("no bundle in %s", strings.Join(args, ", ")), "of a directory the files with names that end in .bundle are read")
	}
	return names, several, nil
}

// A verifiedBundle is a line about one of several.
type verifiedBundle struct {
	Bundle string         `json:"bundle"`
	Status int            `json:"exit_status"`
	Result *bundle.Result `json:"result,omitempty"`
	Error  string         `json:"error,omitempty"` // why nothing was checked

	disclosed int
}

// A verifiedSet is what several bundles say together.
type verifiedSet struct {
	Verdict    attestation.Outcome `json:"verdict"`
	Status     int                 `json:"exit_status"`
	Bundles    int                 `json:"bundles"`
	Verified   int                 `json:"verified"`
	Failed     int                 `json:"failed"`
	Incomplete int                 `json:"incomplete"`
	Unreadable int                 `json:"unreadable"`
	// Sessions are those of the verified bundles.
	Sessions []*seenSession `json:"sessions"`
	// Conflicts are session parts of which there are different verified receipts.
	Conflicts []string `json:"conflicts"`

	byID     map[sessionID]*seenSession
	receipts map[receipt.PartID]receipt.Hash
}

// A sessionID is what a manifest tells of a session without its keys: another epoch
// has another handle for it.
type sessionID struct {
	epoch  receipt.Epoch
	handle receipt.Handle
}

// A seenSession is the parts of a session that were among the bundles. There may be
// others behind the last of them.
type seenSession struct {
	Epoch   string   `json:"epoch"`
	Handle  string   `json:"handle"`
	Parts   []uint32 `json:"parts"`
	Missing []uint32 `json:"missing"` // numbers below the last that were not
}

// all verifies several bundles, a line each, and concludes.
func (v *verifier) all(ctx context.Context, names []string) error {
	set := &verifiedSet{Bundles: len(names), byID: map[sessionID]*seenSession{}, receipts: map[receipt.PartID]receipt.Hash{}}
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		one := verifiedBundle{Bundle: name, Status: exitUsage}
		if r, err := v.verified(ctx, name); err != nil {
			one.Error = err.Error()
		} else {
			one.Result, one.Status, one.disclosed = r.Result, attestation.ExitStatus(r.Checks), r.disclosed
		}
		set.add(&one)
		if err := v.printOne(&one, i+1, len(names)); err != nil {
			return err
		}
	}
	set.conclude()
	if v.json {
		if err := json.NewEncoder(v.stdout).Encode(set); err != nil {
			return err
		}
	} else {
		v.printSet(set)
	}
	return told(set.Status)
}

// gravity orders statuses from good to bad. A bundle that cannot be read says less
// than one that is wrong, and more is amiss than where a check could not be made.
var gravity = []int{exitOK, exitIncomplete, exitUsage, exitStale, exitUnacceptable, exitFalse}

func worst(a, b int) int {
	if slices.Index(gravity, b) > slices.Index(gravity, a) {
		return b
	}
	return a
}

func (s *verifiedSet) add(one *verifiedBundle) {
	s.Status = worst(s.Status, one.Status)
	if one.Result == nil {
		s.Unreadable++
		return
	}
	switch one.Result.Verdict {
	case attestation.Verified:
		s.Verified++
		s.see(one.Result)
	case attestation.Failed:
		s.Failed++
	default:
		s.Incomplete++
	}
}

// see notes which part of which session a verified bundle is about. Two receipts of
// one part that differ are a notary's, or its storage's, double dealing: a part is
// sealed once.
func (s *verifiedSet) see(r *bundle.Result) {
	m := r.Manifest
	part := receipt.PartID{Epoch: m.Origin.Epoch, Handle: m.Handle, Part: m.Part}
	if before, again := s.receipts[part]; again {
		if before != *r.Commitment {
			s.Conflicts = append(s.Conflicts, fmt.Sprintf("part %d of session %v, epoch %v: receipts %v and %v", part.Part, part.Handle, part.Epoch, before, *r.Commitment))
		}
		return
	}
	s.receipts[part] = *r.Commitment
	id := sessionID{part.Epoch, part.Handle}
	if s.byID[id] == nil {
		s.byID[id] = &seenSession{Epoch: part.Epoch.String(), Handle: part.Handle.String(), Missing: []uint32{}}
	}
	s.byID[id].Parts = append(s.byID[id].Parts, part.Part)
}

// maxMissing bounds how many missing numbers are listed of one session.
const maxMissing = 100

func (s *verifiedSet) conclude() {
	s.Sessions, s.Conflicts = []*seenSession{}, append([]string{}, s.Conflicts...)
	for _, seen := range s.byID {
		slices.Sort(seen.Parts)
		next := uint32(0)
		for _, p := range seen.Parts {
			for ; next < p && len(seen.Missing) < maxMissing; next++ {
				seen.Missing = append(seen.Missing, next)
			}
			next = p + 1
		}
		s.Sessions = append(s.Sessions, seen)
	}
	slices.SortFunc(s.Sessions, func(a, b *seenSession) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Handle, b.Handle))
	})
	if len(s.Conflicts) > 0 {
		s.Status = exitFalse
	}
	switch {
	case s.Failed > 0 || len(s.Conflicts) > 0:
		s.Verdict = attestation.Failed
	case s.Status == exitOK:
		s.Verdict = attestation.Verified
	default:
		s.Verdict = attestation.Incomplete
	}
}

func (v *verifier) printOne(one *verifiedBundle, i, n int) error {
	if v.json {
		return json.NewEncoder(v.stdout).Encode(one)
	}
	verdict, about := "unreadable", one.Error
	if r := one.Result; r != nil {
		verdict, about = string(r.Verdict), reasonOf(r, one.disclosed)
	}
	count := fmt.Sprintf("%*d/%d", len(fmt.Sprint(n)), i, n)
	_, err := fmt.Fprintf(v.stdout, "  %s  %s%s  %s  %s\n", count, v.mark(verdict), strings.Repeat(" ", len("incomplete")-len(verdict)),
		printable(one.Bundle), printable(oneLine(shortDigests(about)))) // names are of who made the files
	return err
}

// reasonOf says on one line what a bundle is, or why it is not verified: the first
// check that failed, or else the first that is wanting.
func reasonOf(r *bundle.Result, disclosed int) string {
	if m := r.Manifest; m != nil && r.Verdict == attestation.Verified {
		return fmt.Sprintf("part %d of session %s, %d of %d leaves disclosed", m.Part, short(m.Handle.String()), disclosed, m.Leaves)
	}
	for _, bad := range []func(c attestation.Check) bool{
		func(c attestation.Check) bool { return c.Status == attestation.Fail },
		func(c attestation.Check) bool { return c.Required && c.Status != attestation.Pass },
	} {
		if i := slices.IndexFunc(r.Checks, bad); i >= 0 {
			return r.Checks[i].Name + ": " + r.Checks[i].Detail
		}
	}
	return ""
}

func (v *verifier) printSet(s *verifiedSet) {
	fmt.Fprintf(v.stdout, "\n%d bundles: %d verified, %d failed, %d incomplete, %d unreadable\n", s.Bundles, s.Verified, s.Failed, s.Incomplete, s.Unreadable)
	for _, c := range s.Conflicts {
		fmt.Fprintln(v.stdout, v.paint(red, "two receipts of one part: ")+c)
	}
	parts, gaps := 0, 0
	for _, seen := range s.Sessions {
		parts += len(seen.Parts)
		if len(seen.Missing) > 0 {
			gaps++
			fmt.Fprintf(v.stdout, "session %s: parts %v are here, %v are not\n", short(seen.Handle), seen.Parts, seen.Missing)
		}
	}
	if parts > 0 {
		fmt.Fprintf(v.stdout, "%d parts of %d sessions, %d with a gap; whether a session has further parts, and whether it was erased since, is not in bundles\n", parts, len(s.Sessions), gaps)
	}
	fmt.Fprintf(v.stdout, "verdict: %s\n", v.mark(string(s.Verdict)))
}
