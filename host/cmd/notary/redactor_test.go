package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A section of a module is its id, its length and its body.
func section(id byte, body ...byte) []byte {
	return append(abi.AppendUint32([]byte{id}, uint32(len(body))), body...)
}

func vector(items ...[]byte) []byte {
	b := abi.AppendUint32(nil, uint32(len(items)))
	for _, i := range items {
		b = append(b, i...)
	}
	return b
}

// brokenRedactor assembles a redactor whose rdx_redact has the given code and
// nothing else to it: no compiler would make these.
func brokenRedactor(t *testing.T, name string, redact []byte) []byte {
	t.Helper()
	const i32, i64, end = 0x7f, 0x7e, 0x0b
	export := func(name string, kind, index byte) []byte {
		return append(append([]byte{byte(len(name))}, name...), kind, index)
	}
	code := func(instructions ...byte) []byte {
		body := append([]byte{0}, append(instructions, end)...) // no locals
		return append(abi.AppendUint32(nil, uint32(len(body))), body...)
	}
	input := []byte{0x41, 0x80, 0x80, 0x04} // i32.const 0x10000
	m := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(abi.SectionType, vector(
			[]byte{0x60, 0, 0},                // ()
			[]byte{0x60, 1, i32, 1, i32},      // rdx_alloc
			[]byte{0x60, 2, i32, i32, 1, i32}, // rdx_configure
			[]byte{0x60, 2, i32, i32, 1, i64}, // rdx_redact
		)...),
		section(abi.SectionFunction, 4, 0, 1, 2, 3),
		section(abi.SectionMemory, 1, 0, 16),
		section(abi.SectionExport, vector(
			export(abi.ExportMemory, 2, 0), export(abi.ExportRdxMarker, 0, 0), export(abi.ExportRdxAlloc, 0, 1),
			export(abi.ExportRdxConfigure, 0, 2), export(abi.ExportRdxRedact, 0, 3),
		)...),
		section(abi.SectionCode, vector(code(), code(input...), code(0x41, 0), code(redact...))...),
	)
	m, err := abi.AppendManifest(m, &abi.Manifest{
		ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Labels: []string{"EMAIL"}, Limits: abi.Limits{MemoryPages: 32},
		Name: name, Version: "0.0.1", WASI: abi.WASINone,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRedactorFailureStoresNothing: a redactor that does not do its work, in
// whichever way, makes the Export fail so that it is sent again; storage has no
// byte of it; and when the redactor is mended the same request is taken.
func TestRedactorFailureStoresNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	span := newSpan("chat", "content", "this was said, and mail to "+sampleEmail)
	body := request("failing", span)
	for _, c := range []struct {
		name, reason string
		code         []byte
	}{
		{"trap", "trap", []byte{0x00}},                         // unreachable
		{"garbage", "reply", []byte{0x42, 0xff, 0x00}},         // i64.const 127: 127 zeros are no reply
		{"loop", "fuel", []byte{0x03, 0x40, 0x0c, 0, 0x0b, 0}}, // loop br 0 end unreachable
	} {
		module := m.path(c.name + ".wasm")
		if err := os.WriteFile(module, brokenRedactor(t, c.name, c.code), 0o600); err != nil {
			t.Fatal(err)
		}
		m.configure(t, setting{redactors: []string{module}})
		m.refusedByRedactor(t, body, c.name, c.reason)
	}

	m.configure(t, setting{})
	p := m.start(t)
	m.connect(t, p).mustExport(t, body)
	p.stop(t)
	m.audit(t, func(s *storage, spans map[string][]foundSpan) {
		if found := spans[string(span.SpanId)]; len(found) != 1 || len(found[0].edits) != 1 || len(spans) != 1 || len(s.Epochs) != 4 {
			t.Errorf("after the redactor was mended storage has %d spans in %d epochs", len(spans), len(s.Epochs))
		}
	})
}

// refusedByRedactor runs a notary that does not take the body, and compares
// storage before and after it.
func (m *machine) refusedByRedactor(t *testing.T, body []byte, plugin, reason string) {
	t.Helper()
	p := m.start(t)
	c := m.connect(t, p)
	before := contents(t, m.path("data"))
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := c.export(ctx, body)
		cancel()
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "nothing was stored") {
			t.Errorf("export: %v", err)
		}
	}
	if after := contents(t, m.path("data")); after != before {
		t.Errorf("storage changed:\n%s\nwas\n%s", after, before)
	}
	if code, _ := c.get(t, "/healthz"); code != 200 {
		t.Errorf("health: %d", code)
	}
	_, metrics := c.get(t, "/metrics")
	want := fmt.Sprintf(`notary_plugin_failures_total\{plugin="%s",reason="%s"\} 3`, plugin, reason)
	if !regexp.MustCompile(want).Match(metrics) {
		t.Errorf("the metrics do not have %s\n%s", want, metrics)
	}
	p.stop(t)
	m.read(t, func(s *storage) {
		if len(s.Parts()) != 0 {
			t.Errorf("%d parts are in storage", len(s.Parts()))
		}
	})
}

// contents lists the files under a directory with their hashes.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var list strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(&list, "%s %x\n", path, sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.String()
}
