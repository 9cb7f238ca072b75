package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/session"
)

// What an export may fail with, by its name, and what its sender is told.
var exportErrors = []struct {
	name   string
	err    error
	code   codes.Code
	retry  bool
	reason string
}{
	{"journal.ErrTooLarge", journal.ErrTooLarge, codes.ResourceExhausted, false, "fewer at a time"},
	{"journal.ErrBusy", journal.ErrBusy, codes.ResourceExhausted, true, "does not keep up"},
	{"session.ErrFull", session.ErrFull, codes.ResourceExhausted, true, "too many sessions"},
	{"journal.ErrFenced", journal.ErrFenced, codes.Unavailable, true, "outcome is unknown"},
	{"journal.ErrEnded", journal.ErrEnded, codes.Unavailable, true, "outcome is unknown"},
	{"journal.ErrEnded", fmt.Errorf("%w: %w", journal.ErrEnded, &pluginhost.PluginError{Plugin: "store-dir"}), codes.Unavailable, true, "outcome is unknown"},
	{"pluginhost.ErrText", pluginhost.ErrText, codes.InvalidArgument, false, "UTF-8"},
	{"pluginhost.PluginError", &pluginhost.PluginError{Plugin: "redact-pii"}, codes.Unavailable, true, "nothing was stored"},
	{"session.ErrClosing", session.ErrClosing, codes.Unavailable, true, "shutting down"},
	{"session.ErrStale", session.ErrStale, codes.Unavailable, true, "attestation"},
}

// Whatever is wrong with a request is an otlpwire.Error of one of these, which the receiver knows.
var wireErrors = map[string]struct {
	err  error
	code codes.Code
}{
	"otlpwire.ErrTooLarge": {otlpwire.ErrTooLarge, codes.ResourceExhausted}, "otlpwire.ErrTooMany": {otlpwire.ErrTooMany, codes.ResourceExhausted},
	"otlpwire.ErrTooDeep": {otlpwire.ErrTooDeep, codes.ResourceExhausted}, "otlpwire.ErrTruncated": {otlpwire.ErrTruncated, codes.InvalidArgument},
	"otlpwire.ErrLength": {otlpwire.ErrLength, codes.InvalidArgument}, "otlpwire.ErrVarint": {otlpwire.ErrVarint, codes.InvalidArgument},
	"otlpwire.ErrTag": {otlpwire.ErrTag, codes.InvalidArgument}, "otlpwire.ErrGroup": {otlpwire.ErrGroup, codes.InvalidArgument},
	"otlpwire.ErrWireType": {otlpwire.ErrWireType, codes.InvalidArgument}, "otlpwire.ErrUTF8": {otlpwire.ErrUTF8, codes.InvalidArgument},
	"otlpwire.ErrDuplicate": {otlpwire.ErrDuplicate, codes.InvalidArgument}, "otlpwire.ErrIDLength": {otlpwire.ErrIDLength, codes.InvalidArgument},
	"otlpwire.ErrSignal": {otlpwire.ErrSignal, codes.InvalidArgument},
}

// What no export fails with, and why not.
var otherErrors = map[string]string{
	"journal.ErrConflict":             "the writer ends the epoch for it: ErrFenced",
	"journal.ErrNotFound":             "of reading storage",
	"journal.ErrProtected":            "of erasing",
	"journal.ErrNoIndex":              "of reading storage",
	"journal.ErrDamaged":              "of reading storage",
	"session.ErrNotFound":             "of the control interface",
	"session.ErrAlive":                "of the start",
	"session.ErrHeld":                 "of erasing",
	"session.ErrState":                "of the control interface",
	"pluginhost.LoadError":            "of the start",
	"pluginhost.PinError":             "of the start",
	"pluginhost.MissingEndpointError": "of the start",
	"pluginhost.EndpointError":        "of the start",
	"pluginhost.HTTPStatusError":      "within an adapter: PluginError",
	"pluginhost.ErrTooBig":            "within an adapter: PluginError",
	"pluginhost.ErrStorageVersion":    "of the start",
	"otlpwire.Error":                  "has one of the others in it",
	"otlpwire.EditError":              "a fault of the notary's own, which is UNAVAILABLE",
}

// TestExportErrors: what fails inside has one code for senders, who are told whether to
// come again and not what it was. The rest the receiver knows (TestErrorCodes).
func TestExportErrors(t *testing.T) {
	cause := errors.New("canary")
	for _, c := range exportErrors {
		var e *ingest.Error
		err := exportError(fmt.Errorf("%w: %w", c.err, cause))
		if !errors.As(err, &e) || e.Code != c.code || e.Retry() != c.retry || !strings.Contains(e.Reason, c.reason) || strings.Contains(e.Reason, "canary") || !errors.Is(err, cause) {
			t.Errorf("%s became %+v", c.name, err)
		}
	}
	for name, c := range wireErrors {
		err := &otlpwire.Error{Err: c.err}
		if got := exportError(err); got != error(err) || err.Limit() != (c.code == codes.ResourceExhausted) {
			t.Errorf("%s became %v, a limit: %v", name, got, err.Limit())
		}
	}
	if got := exportError(cause); got != cause {
		t.Errorf("%v became %v", cause, got)
	}
}

// TestEveryErrorHasACode: each error that a package has which takes part in an export stands in one of
// these tables, so that whoever adds one says what senders are told of it.
func TestEveryErrorHasACode(t *testing.T) {
	known := make(map[string]bool)
	for _, c := range exportErrors {
		known[c.name] = true
	}
	for name := range wireErrors {
		known[name] = true
	}
	for name := range otherErrors {
		known[name] = true
	}
	for _, pkg := range []string{"journal", "otlpwire", "pluginhost", "session"} {
		files, err := filepath.Glob(filepath.Join("..", "..", pkg, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(pkg, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range errorsIn(f) {
				if name = pkg + "." + name; !known[name] {
					t.Errorf("%s: %s has no code: add it to exportErrors, or to otherErrors if no export fails with it", file, name)
				}
				delete(known, name)
			}
		}
	}
	for name := range known {
		t.Errorf("%s has a code and is in no package", name)
	}
}

// errorsIn returns the exported errors that a file declares: variables and types.
func errorsIn(f *ast.File) (names []string) {
	for _, d := range f.Decls {
		general, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range s.Names {
					if general.Tok == token.VAR && strings.HasPrefix(name.Name, "Err") {
						names = append(names, name.Name)
					}
				}
			case *ast.TypeSpec:
				if ast.IsExported(s.Name.Name) && strings.HasSuffix(s.Name.Name, "Error") {
					names = append(names, s.Name.Name)
				}
			}
		}
	}
	return names
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
