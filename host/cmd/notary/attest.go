package main

import (
	"context"
	"fmt"
	"time"

	"github.com/veriproof/notary/attestation"
)

const attestUsage = `usage: notary attest show   [--json] FILE|URL
       notary attest verify [OPTIONS] [DIR]
       notary attest token  --jwks FILE [OPTIONS] TOKEN
       notary attest fetch  [OPTIONS] URL

Reads and verifies attestation: anybody's, not only a notary's. Nothing is asked of
the network unless a URL is given.

  show     says what a file is, and what every field in it means
  verify   is this Evidence true, and is it acceptable to a policy?
  token    is this token of Microsoft Azure Attestation (MAA) true?
  fetch    challenges a running notary, and keeps its Evidence

"notary attest VERB --help" explains each.

EXAMPLES
  notary attest show report.bin
  notary attest verify --report report.bin --certs vcek-chain.pem --uvm uvm.cose
  notary attest fetch --policy policy.yaml -o evidence https://notary.example:8443
  notary attest verify --policy policy.yaml evidence

` + verifyingStatus

// verifyingStatus is the part about the exit status of every command that verifies.
const verifyingStatus = `EXIT STATUS
  0  verified; for "attest verify" and "attest token" without a policy: genuine
  1  usage, or something could not be reached, read or written
  2  false: a signature, chain, hash, binding or proof does not hold
  3  true, but not acceptable to the policy
  4  outside of its validity, too old, or revoked
  5  incomplete: nothing failed, but a required check was not done
`

var attestCommand = command{name: "attest", brief: "shows, verifies and fetches attestation Evidence", usage: attestUsage, run: attest}

func attest(ctx context.Context, a *app, args []string) error {
	verbs := map[string]func(context.Context, *app, []string) error{
		"show": attestShow, "verify": attestVerify, "token": attestToken, "fetch": attestFetch,
	}
	if len(args) > 0 {
		if run := verbs[args[0]]; run != nil {
			return run(ctx, a, args[1:])
		}
	}
	rest, err := parse(a.flags("attest", attestUsage), args[:min(len(args), 1)], 1, 1)
	if err != nil {
		return err
	}
	return unknownVerb("attest", rest[0], "show", "verify", "token", "fetch")
}

// An appraised is the result of a command that verifies.
type appraised struct {
	Verdict attestation.Outcome `json:"verdict"` // or genuine
	Status  int                 `json:"exit_status"`
	At      time.Time           `json:"at"`
	Notes   []string            `json:"notes,omitempty"`
	Checks  []attestation.Check `json:"checks"`
}

// genuine is the verdict without a policy on what is verified: it is true, and nobody
// said whose it should be. Only a policy makes "verified" of it.
const genuine attestation.Outcome = "genuine"

// withoutPolicy takes back what only a policy could say.
func (r *appraised) withoutPolicy() *appraised {
	if r.Verdict == attestation.Verified {
		r.Verdict = genuine
	}
	return r
}

func newAppraised(at time.Time, checks []attestation.Check, notes ...string) *appraised {
	return &appraised{
		Verdict: attestation.Verdict(checks), Status: attestation.ExitStatus(checks),
		At: at.UTC(), Notes: notes, Checks: checks,
	}
}

// report shows the result and makes the exit status of it.
func (a *app) report(r *appraised, asJSON bool) error {
	if asJSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		a.printChecks(r.Checks)
		fmt.Fprintf(a.stdout, "\nverdict: %s, as of %s\n", a.mark(string(r.Verdict)), r.At.Format(time.RFC3339))
		for _, n := range r.Notes {
			fmt.Fprintf(a.stdout, "note: %s\n", n)
		}
	}
	if r.Status != exitOK {
		return &exitError{status: r.Status, err: errTold}
	}
	return nil
}

func (a *app) printChecks(checks []attestation.Check) {
	var t table
	for _, c := range checks {
		name, detail := c.Name, shortDigests(c.Detail)
		if !c.Required {
			name += " " + a.paint(dim, "(optional)")
		}
		if c.Anchor != "" {
			detail += a.paint(dim, " [anchor: "+shortDigests(c.Anchor)+"]")
		}
		t.row(a.mark(string(c.Status)), name, detail)
	}
	t.print(a.stdout)
}

// timeFlag reads --at; "" means now.
func timeFlag(command, text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usageError("%s: --at %.40q is not a time such as 2026-01-31T12:00:00Z", command, text)
	}
	return at, nil
}
