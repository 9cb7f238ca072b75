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

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/sdk/attested"
)

// orderOptions are the flags of "session erase", "hold" and "release": where the notary
// is, and who asks.
type orderOptions struct {
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
	if !o.order.yes {
		for _, p := range parts {
			fmt.Fprintf(a.stdout, "would be erased: %v/%d of epoch %v, %d leaves, commitment %v\n", p.ID.Handle, p.ID.Part, p.ID.Epoch, p.Leaves, p.Commitment())
		}
		return hinted(errors.New("nothing is erased"), "an erasure cannot be undone: add --yes")
	}
	for _, p := range parts { // the notary asked may not know yet what another was told
		if len(s.Holds(p)) > 0 && p.Erasure == nil {
			return held()
		}
	}
	client, err := o.order.connect(a, "session erase")
	if err != nil {
		return err
	}
	all := control.Erasures{Erased: []control.Erased{}, Complete: true, Found: []string{}, Copies: []string{}}
	for _, p := range parts {
		done, err := client.erase(ctx, p)
		if err != nil {
			if errors.Is(err, errHeld) {
				return held()
			}
			return hinted(fmt.Errorf("session erase: part %d, after %d parts were erased: %w", p.ID.Part, len(all.Erased), err), "%s", orderHint(err))
		}
		all.Erased = append(all.Erased, done.Erased...)
		all.Complete = all.Complete && done.Complete
		all.Found, all.Copies = union(all.Found, done.Found), union(all.Copies, done.Copies)
	}
	if o.json {
		return a.json(all)
	}
	for _, e := range all.Erased {
		fmt.Fprintf(a.stdout, "erased: %s/%d of epoch %s by entry %d of epoch %s; commitment %s stays verifiable\n",
			printable(e.Handle), e.Part, printable(e.Epoch), e.Order.Seq, printable(e.Order.Epoch), printable(e.Commitment))
	}
	if !all.Complete {
		fmt.Fprintln(a.stdout, a.paint(yellow, "partial: storage has the keys no more in their place"))
		a.printCopies("it tells of copies itself:", all.Found)
		a.printCopies("it cannot be asked about:", all.Copies)
	}
	return nil
}

func union(list, more []string) []string {
	for _, one := range more {
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

func (a *app) printCopies(what string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(a.stdout, "  %s\n", what)
	for _, c := range list {
		fmt.Fprintf(a.stdout, "  - %s\n", printable(c))
	}
}

// errHeld says that a session is under a legal hold.
var errHeld = errors.New("the session is under a legal hold")

func held() error {
	return &exitError{status: exitUnacceptable, err: fmt.Errorf("session erase: %w; nothing is erased", errHeld), hint: "\"notary session release\" ends the hold"}
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

// An operator is a client of the control interface of a notary that was appraised: the
// token is shown to nobody else.
type operator struct {
	url    *url.URL
	token  string
	client *http.Client
}

func (o *orderOptions) connect(a *app, what string) (*operator, error) {
	switch {
	case o.control == "":
		return nil, usageError("%s: --control is missing: which notary shall do it?", what)
	case o.tokenFile == "":
		return nil, usageError("%s: --token-file is missing", what)
	}
	at, err := url.Parse(o.control)
	if err != nil {
		return nil, usageError("%s: --control %.80q is no URL", what, o.control)
	}
	token, err := operatorToken(o.tokenFile)
	if err != nil {
		return nil, err
	}
	gate, err := gateOptions(what, o.policy, o.keys, o.control, a)
	if err != nil {
		return nil, err
	}
	g, err := attested.New(gate)
	if err != nil {
		return nil, err
	}
	return &operator{url: at, token: token, client: &http.Client{Transport: g.RoundTripper()}}, nil
}

func (c *operator) erase(ctx context.Context, p *archive.Part) (*control.Erasures, error) {
	done := new(control.Erasures)
	return done, c.post(ctx, "/v1/erasures", refOf(p), done)
}

// refOf names a sealed part to a notary.
func refOf(p *archive.Part) url.Values {
	return url.Values{
		"commitment": {p.Commitment().String()}, "epoch": {p.Manifest.SealedBy.Epoch.String()}, "seq": {strconv.FormatUint(p.SealedSeq, 10)},
	}
}

// post gives an order and reads the answer into done.
func (c *operator) post(ctx context.Context, path string, query url.Values, done any) error {
	at := c.url.JoinPath(path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPart))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var said struct{ Error, Hint string }
		_ = json.Unmarshal(body, &said) // what is no JSON says nothing
		if resp.StatusCode == http.StatusConflict && said.Error == errHeld.Error() {
			return errHeld
		}
		return &refusedOrder{resp.StatusCode, fmt.Sprintf("the notary answers %d: %s (%s)", resp.StatusCode, printable(said.Error), printable(said.Hint))}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(done)
}

// refusedOrder is a notary's answer to an order that it does not carry out.
type refusedOrder struct {
	status int
	text   string
}

func (e *refusedOrder) Error() string { return e.text }

// orderHint returns what to do about an order that was not carried out: to give it again
// helps only where the notary could take it.
func orderHint(err error) string {
	var refused *refusedOrder
	switch {
	case errors.Is(err, attested.ErrUnacceptable):
		return "\"notary attest fetch\" shows check by check why --policy does not accept the notary at --control; the order was not sent"
	case errors.Is(err, attested.ErrPeer):
		return "what answers at --control is not the notary that its Evidence is about: look for who stands between; the order was not sent"
	case errors.Is(err, challenge.ErrFetch):
		return "see that --control is the notary's control interface, https://host:port; if it is, the same command may be given again"
	case errors.Is(err, attested.ErrNotAttested):
		return "--control wants the notary's control interface, https://host:port; the order was not sent"
	case !errors.As(err, &refused):
	case refused.status == http.StatusUnauthorized, refused.status == http.StatusForbidden:
		return "--token-file wants a token whose operator has the role operator in the notary's configuration"
	case refused.status == http.StatusNotFound:
		return "--control wants a notary on the storage that --config names"
	case refused.status == http.StatusBadRequest:
		return "the notary does not understand it: use a notary command of its version"
	}
	return "the same command may be given again"
}

// operatorToken reads a file that has the token and nothing else: what "notary keygen --json"
// prints would go into a header that the notary does not understand.
func operatorToken(file string) (string, error) {
	token, err := readCredential(file)
	if err != nil {
		return "", hinted(fmt.Errorf("operator's token: %w", err), "--token-file wants the secret alone that \"notary keygen --operator-token\" made; with --json it is what stands behind \"secret\"")
	}
	return token, nil
}
