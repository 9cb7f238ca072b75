package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/attested"
)

// TestEndedBy: a notary that had to stop says why once, and what to do.
func TestEndedBy(t *testing.T) {
	inLimit, late := t.Context(), expired(t)
	hangs := fmt.Errorf("%w: outcome unknown after 3 tries: %w", journal.ErrEnded, context.DeadlineExceeded)
	full := fmt.Errorf("%w: entries from seq 19 on: %w", journal.ErrEnded, syscall.ENOSPC)
	for name, c := range map[string]struct {
		err  error
		text string
		hint string
	}{
		"full disk":      {endedBy(full, full), full.Error(), "make room"},
		"wrapped":        {endedBy(full, fmt.Errorf("a session part could not be sealed: %w", full)), full.Error(), "make room"},
		"and another":    {endedBy(full, errors.New("log")), full.Error() + "\nlog", "make room"},
		"fenced":         {endedBy(journal.ErrFenced, journal.ErrFenced), journal.ErrFenced.Error(), "start it again"},
		"not in time":    {inTime(late, context.DeadlineExceeded), "not everything was sealed and has its log proof within 30s: context deadline exceeded", "the next start does the rest"},
		"erased":         {fmt.Errorf("%w by entry 7", archive.ErrErased), archive.ErrErased.Error() + " by entry 7", "stay valid"},
		"in good order":  {endedBy(nil, inTime(late, nil)), "", ""},
		"another reason": {inTime(late, full), full.Error(), "make room"},
		"storage hangs":  {inTime(late, hangs), hangs.Error(), "mend storage"},
		"another limit":  {inTime(inLimit, context.DeadlineExceeded), context.DeadlineExceeded.Error(), ""},
	} {
		if c.err == nil {
			if c.text != "" {
				t.Errorf("%s: no error", name)
			}
			continue
		}
		if c.err.Error() != c.text || !strings.Contains(hintOf(c.err), c.hint) {
			t.Errorf("%s: %q, hint %q", name, c.err, hintOf(c.err))
		}
	}
}

// expired returns a context whose limit is over.
func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	t.Cleanup(cancel)
	return ctx
}

// TestOrderHint: the same order is given again only where that can help.
func TestOrderHint(t *testing.T) {
	refused := func(status int) error { return fmt.Errorf("export: %w", &refusedOrder{status, "no"}) }
	through := func(err error) error { return &url.Error{Op: "Post", URL: "https://localhost/", Err: err} }
	for _, c := range []struct {
		err  error
		hint string
	}{
		{refused(http.StatusUnauthorized), "--token-file wants "},
		{refused(http.StatusForbidden), "--token-file wants "},
		{refused(http.StatusNotFound), "--control wants a notary on the storage"},
		{refused(http.StatusServiceUnavailable), "may be given again"},
		{through(attested.ErrNotAttested), "--control wants the notary's control interface"},
		{through(fmt.Errorf("%w: %w", attested.ErrNotAttested, challenge.ErrFetch)), "see that --control is the notary's"},
		{through(attested.ErrPeer), "is not the notary that its Evidence is about"},
		{refused(http.StatusBadRequest), "of its version"},
		{through(&attested.Unacceptable{}), "why --policy does not accept the notary"},
		{through(syscall.ECONNRESET), "may be given again"},
	} {
		if got := orderHint(c.err); !strings.Contains(got, c.hint) {
			t.Errorf("%v: %q, want %q", c.err, got, c.hint)
		}
	}
}
