package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/sdk/attested"
)

// eraseOptions are the flags of "session erase": where the notary is, and who asks.
type eraseOptions struct {
	control, policy, tokenFile string
	keys                       trustedKeys
	yes                        bool
}

// sessionErase has the notary erase what a name leads to: one part, or all with the
// handle. The notary does it and not this tool, since its journal is to say so.
func sessionErase(ctx context.Context, a *app, s *storage, o *sessionOptions, name string) error {
	parts, err := s.findErasable(name)
	if err != nil {
		return err
	}
	if !o.erase.yes {
		for _, p := range parts {
			fmt.Fprintf(a.stdout, "would be erased: %v/%d of epoch %v, %d leaves, commitment %v\n", p.ID.Handle, p.ID.Part, p.ID.Epoch, p.Leaves, p.Commitment())
		}
		return hinted(errors.New("nothing is erased"), "an erasure cannot be undone: add --yes")
	}
	client, err := o.erase.connect(a)
	if err != nil {
		return err
	}
	all := control.Erasures{Erased: []control.Erased{}, Complete: true, Copies: []string{}}
	for _, p := range parts {
		done, err := client.erase(ctx, p)
		if err != nil {
			return hinted(fmt.Errorf("session erase: part %d, after %d parts were erased: %w", p.ID.Part, len(all.Erased), err), "the same command may be given again")
		}
		all.Erased = append(all.Erased, done.Erased...)
		all.Complete = all.Complete && done.Complete
		for _, c := range done.Copies {
			if !slices.Contains(all.Copies, c) {
				all.Copies = append(all.Copies, c)
			}
		}
	}
	if o.json {
		return a.json(all)
	}
	for _, e := range all.Erased {
		fmt.Fprintf(a.stdout, "erased: %s/%d of epoch %s by entry %d of epoch %s; commitment %s stays verifiable\n",
			printable(e.Handle), e.Part, printable(e.Epoch), e.Order.Seq, printable(e.Order.Epoch), printable(e.Commitment))
	}
	if !all.Complete {
		fmt.Fprintln(a.stdout, a.paint(yellow, "partial: storage has the keys no more, but cannot be asked about copies of them:"))
		for _, c := range all.Copies {
			fmt.Fprintf(a.stdout, "  - %s\n", printable(c))
		}
	}
	return nil
}

// findErasable returns the sealed parts of the one handle that a name leads to.
func (s *storage) findErasable(name string) ([]*archive.Part, error) {
	if strings.Contains(name, "/") {
		p, err := s.find(name)
		if err != nil {
			return nil, err
		}
		return erasable([]*archive.Part{p})
	}
	parts := slices.DeleteFunc(s.Parts(), func(p *archive.Part) bool { return !strings.HasPrefix(p.ID.Handle.String(), name) })
	switch {
	case len(parts) == 0 || name == "":
		return nil, hinted(fmt.Errorf("no session part %.80q", name), "\"notary session list\" shows the handles")
	case slices.ContainsFunc(parts, func(p *archive.Part) bool { return p.ID.Handle != parts[0].ID.Handle }):
		return nil, hinted(fmt.Errorf("several sessions match %.80q", name), "give more of the handle")
	}
	return erasable(parts)
}

func erasable(parts []*archive.Part) ([]*archive.Part, error) {
	for _, p := range parts {
		if p.Manifest == nil {
			return nil, hinted(fmt.Errorf("part %d is not sealed", p.ID.Part), "end the session first: POST /v1/sessions/{session}/end; or have it ended and erased by POST /v1/sessions/{session}/erase")
		}
	}
	return parts, nil
}

// An eraser is a client of the control interface of a notary that was appraised: the
// token is shown to nobody else.
type eraser struct {
	url    *url.URL
	token  string
	client *http.Client
}

func (o *eraseOptions) connect(a *app) (*eraser, error) {
	switch {
	case o.control == "":
		return nil, usageError("session erase: --control is missing: which notary shall do it?")
	case o.tokenFile == "":
		return nil, usageError("session erase: --token-file is missing")
	}
	at, err := url.Parse(o.control)
	if err != nil {
		return nil, usageError("session erase: --control %.80q is no URL", o.control)
	}
	token, err := readFile(o.tokenFile, maxPart)
	if err != nil {
		return nil, hinted(err, "--token-file wants an operator's token, made by \"notary keygen\"")
	}
	gate, err := gateOptions("session erase", o.policy, o.keys, o.control, a)
	if err != nil {
		return nil, err
	}
	g, err := attested.New(gate)
	if err != nil {
		return nil, err
	}
	return &eraser{url: at, token: strings.TrimSpace(string(token)), client: &http.Client{Transport: g.RoundTripper()}}, nil
}

func (c *eraser) erase(ctx context.Context, p *archive.Part) (*control.Erasures, error) {
	at := c.url.JoinPath("/v1/erasures")
	at.RawQuery = url.Values{
		"commitment": {p.Commitment().String()}, "epoch": {p.Manifest.SealedBy.Epoch.String()}, "seq": {strconv.FormatUint(p.SealedSeq, 10)},
	}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPart))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		var said struct{ Error, Hint string }
		_ = json.Unmarshal(body, &said) // what is no JSON says nothing
		return nil, fmt.Errorf("the notary answers %d: %s (%s)", resp.StatusCode, printable(said.Error), printable(said.Hint))
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	done := new(control.Erasures)
	return done, d.Decode(done)
}
