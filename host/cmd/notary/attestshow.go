package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/show"
	"github.com/veriproof/notary/sdk/bundle"
)

const attestShowUsage = `usage: notary attest show [--json] FILE|URL

Says what a piece of Evidence is and what each of its fields means. Nothing is
verified: what is shown is what the bytes say. FILE is one of

  an SNP report (1184 bytes, or hex)       a certificate chain (PEM), or THIM JSON
  a UVM endorsement (COSE_Sign1)           a container policy (Rego)
  an MAA token, or a key set (JWKS)        a notary's runtime data
  a revocation list of AMD                 an evidence bundle: all of its Evidence
  the JSON of /v1/evidence, or a directory made by "notary attest fetch"

and may be in base64, as ACI mounts it. A URL is that of a running notary's control
interface; it is challenged, see "notary attest fetch".

OPTIONS
  --json   print JSON

EXAMPLES
  notary attest show report.bin
  notary attest show $UVM_SECURITY_CONTEXT_DIR/reference-info-base64
  notary attest show --json maa.jwt | jq '.parts[].sections'
  notary attest show https://notary.example:8443

EXIT STATUS
  0  shown
  1  usage, not a kind of Evidence that is known, or something could not be read
  2  URL: the answer to the challenge is false
`

// A shown is one described part.
type shown struct {
	Part string `json:"part,omitempty"` // its name in a bundle
	*show.Description
}

func attestShow(ctx context.Context, a *app, args []string) error {
	f := a.flags("attest show", attestShowUsage)
	asJSON := f.Bool("json", false, "")
	rest, err := parse(f, args, 1, 1)
	if err != nil {
		return err
	}
	list, err := describe(ctx, rest[0])
	if err != nil {
		return err
	}
	if *asJSON {
		return a.json(map[string]any{"parts": list})
	}
	for i, s := range list {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		a.printShown(s)
	}
	return nil
}

func describe(ctx context.Context, name string) ([]shown, error) {
	if isURL(name) {
		proof, err := fetchProof(ctx, name)
		if err != nil {
			return nil, err
		}
		return describeParts(partsOf(&proof.Document))
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return describeFiles(name)
	}
	data, err := readFile(name, bundle.MaxSize)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte("PK")) {
		return describeFiles(name)
	}
	d, err := show.Describe(data)
	if errors.Is(err, show.ErrUnknown) && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return describeFiles(name)
	}
	if err != nil {
		return nil, hinted(fmt.Errorf("%s: %w", name, err), "\"notary attest show --help\" lists what is known")
	}
	return []shown{{Description: d}}, nil
}

func describeFiles(name string) ([]shown, error) {
	p, err := readParts(name)
	if err != nil {
		return nil, err
	}
	return describeParts(p)
}

// describeParts describes the parts that are there, in the order of their names.
func describeParts(p *parts) ([]shown, error) {
	slots := p.slots()
	names := make([]string, 0, len(slots))
	for name, slot := range slots {
		if len(*slot) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var list []shown
	for _, name := range names {
		d, err := show.Describe(*slots[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, shown{name, d})
	}
	return list, nil
}

func (a *app) printShown(s shown) {
	title := string(s.Kind)
	if s.Part != "" {
		title = s.Part + ": " + title
	}
	fmt.Fprintf(a.stdout, "%s\n%s\n", a.paint(bold, title), a.paint(dim, s.Note))
	for _, section := range s.Sections {
		fmt.Fprintf(a.stdout, "\n%s\n", section.Title)
		var t table
		for _, f := range section.Fields {
			t.row(f.Name, f.Value)
			if f.Meaning != "" {
				t.row("", a.paint(dim, f.Meaning))
			}
		}
		t.print(a.stdout)
	}
}

func isURL(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }

// fetchProof challenges a notary and gives a failure its exit status.
func fetchProof(ctx context.Context, base string) (*challenge.Proof, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	proof, err := challenge.Fetch(ctx, base)
	if err == nil {
		return proof, nil
	}
	e := &exitError{status: exitFalse, err: err, hint: "do not send anything there: what answers is not the notary of its Evidence"}
	switch {
	case errors.Is(err, challenge.ErrFetch):
		host := base
		if u, err := url.Parse(base); err == nil && u.Host != "" {
			host = u.Host
		}
		e.status, e.hint = exitUsage, fmt.Sprintf("the URL is that of the control interface, https://host:port; does it listen at %.100s, and nothing in between terminate TLS?", host)
	case errors.Is(err, challenge.ErrLate):
		e.status, e.hint = exitStale, "try again"
	}
	return nil, e
}
