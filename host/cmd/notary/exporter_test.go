package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/session"
)

// TestExportErrors: what fails inside has one code for senders, who are told whether to
// come again and not what it was. The rest the receiver knows (TestErrorCodes).
func TestExportErrors(t *testing.T) {
	cause := errors.New("canary")
	for _, c := range []struct {
		err    error
		code   codes.Code
		retry  bool
		reason string
	}{
		{journal.ErrTooLarge, codes.ResourceExhausted, false, "fewer at a time"},
		{journal.ErrBusy, codes.ResourceExhausted, true, "does not keep up"},
		{session.ErrFull, codes.ResourceExhausted, true, "too many sessions"},
		{journal.ErrFenced, codes.Unavailable, true, "outcome is unknown"},
		{journal.ErrEnded, codes.Unavailable, true, "outcome is unknown"},
		{fmt.Errorf("%w: %w", journal.ErrEnded, &pluginhost.PluginError{Plugin: "store-dir"}), codes.Unavailable, true, "outcome is unknown"},
		{pluginhost.ErrText, codes.InvalidArgument, false, "UTF-8"},
		{&pluginhost.PluginError{Plugin: "redact-pii"}, codes.Unavailable, true, "nothing was stored"},
		{session.ErrClosing, codes.Unavailable, true, "shutting down"},
		{session.ErrStale, codes.Unavailable, true, "attestation"},
	} {
		var e *ingest.Error
		err := exportError(fmt.Errorf("%w: %w", c.err, cause))
		if !errors.As(err, &e) || e.Code != c.code || e.Retry() != c.retry || !strings.Contains(e.Reason, c.reason) || strings.Contains(e.Reason, "canary") || !errors.Is(err, cause) {
			t.Errorf("%v became %+v", c.err, err)
		}
	}
	for _, err := range []error{&otlpwire.Error{Err: otlpwire.ErrTooMany}, cause} {
		if got := exportError(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// TestRefusalsNameTheTenant: whoever reads the log finds whose exporter to look at; of a sender who is nobody there is
// nothing to say.
func TestRefusalsNameTheTenant(t *testing.T) {
	var log strings.Builder
	n := &node{refusals: slog.New(slog.NewTextHandler(&log, nil))}
	n.observe(ingest.Outcome{Tenant: "assistant", Code: codes.ResourceExhausted, Err: errors.New("too much")})
	n.observe(ingest.Outcome{Tenant: "crawler", Code: codes.InvalidArgument, Err: errors.New("no protobuf")})
	n.observe(ingest.Outcome{Code: codes.Unauthenticated, Err: errors.New("unknown API key")})
	for _, want := range []string{`msg="export failed" tenant=assistant code=ResourceExhausted`, `msg="export is malformed" tenant=crawler error="no protobuf"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &log)
		}
	}
	if strings.Contains(log.String(), "API key") {
		t.Errorf("the log tells of a stranger:\n%s", &log)
	}
}
