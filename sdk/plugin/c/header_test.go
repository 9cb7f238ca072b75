// Package c_test holds the headers to package abi.
package c_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

func header(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestNumbers: every number of the header is that of package abi, and none is
// left out.
func TestNumbers(t *testing.T) {
	want := map[string]uint64{
		"RDX_MAGIC_REQUEST": abi.MagicRequest, "RDX_MAGIC_REPLY": abi.MagicReply, "RDX_MAJOR": abi.Major,
		"RDX_ALIGN": abi.Align, "RDX_TAIL": abi.Tail, "RDX_MAX_MESSAGE": abi.MaxMessage,
		"RDX_MAX_FIELDS": abi.MaxFields, "RDX_MAX_BATCH_TEXT": abi.MaxBatchText, "RDX_MAX_EDITS": abi.MaxEdits,
		"RDX_ROOM": 128 << 10,

		"RDX_OTHER": uint64(abi.RoleOther), "RDX_SYSTEM": uint64(abi.RoleSystem), "RDX_USER": uint64(abi.RoleUser),
		"RDX_ASSISTANT": uint64(abi.RoleAssistant), "RDX_TOOL_CALL": uint64(abi.RoleToolCall),
		"RDX_TOOL_RESULT": uint64(abi.RoleToolResult), "RDX_ATTRIBUTE": uint64(abi.RoleAttribute),
		"RDX_EVENT": uint64(abi.RoleEvent), "RDX_RESOURCE": uint64(abi.RoleResource),

		"RDX_TEXT": uint64(abi.FormatText), "RDX_JSON": uint64(abi.FormatJSON),
		"RDX_CODE": uint64(abi.FormatCode), "RDX_BASE64": uint64(abi.FormatBase64),
	}
	numbers(t, "rdx.h", "RDX_", want)
	numbers(t, "sto.h", "STO_", map[string]uint64{
		"STO_MAGIC_REQUEST": abi.MagicStoRequest, "STO_MAGIC_REPLY": abi.MagicStoReply, "STO_MAJOR": abi.Major,
		"STO_MAX_ENTRIES": abi.MaxEntries, "STO_MAX_ITEMS": abi.MaxItems, "STO_MAX_KEY": abi.MaxBlobKey, "STO_MAX_SLOTS": abi.MaxSlots,

		"STO_PUT": uint64(abi.OpPut), "STO_GET": uint64(abi.OpGet), "STO_LIST": uint64(abi.OpList), "STO_DELETE": uint64(abi.OpDelete),
		"STO_ENTRY": uint64(abi.WhatEntry), "STO_KEY": uint64(abi.WhatKey), "STO_EPOCHS": uint64(abi.WhatEpochs), "STO_SESSION": uint64(abi.WhatSession),

		"STO_OK": uint64(abi.StoOK), "STO_CONFLICT": uint64(abi.StoConflict), "STO_NOT_FOUND": uint64(abi.StoNotFound),
		"STO_UNAVAILABLE": uint64(abi.StoUnavailable), "STO_BAD_REQUEST": uint64(abi.StoBadRequest), "STO_PROTECTED": uint64(abi.StoProtected),

		"STO_E_INVALID": abi.ErrnoInvalid, "STO_E_NO_ENTRY": abi.ErrnoNoEntry, "STO_E_EXIST": abi.ErrnoExist, "STO_E_IO": abi.ErrnoIO,
		"STO_E_TOO_BIG": abi.ErrnoTooBig, "STO_E_HANDLE": abi.ErrnoHandle, "STO_E_DAMAGED": abi.ErrnoDamaged,
	})
}

// numbers compares what a header defines under a prefix.
func numbers(t *testing.T, file, prefix string, want map[string]uint64) {
	t.Helper()
	found := regexp.MustCompile(`(?:#define |\b)(`+prefix+`[A-Z0-9_]+)(?: = | )(\(?(?:0x)?[0-9a-f]+u?(?: << [0-9]+\))?)`).
		FindAllStringSubmatch(header(t, file), -1)
	for _, m := range found {
		if got := evaluate(t, m[2]); got != want[m[1]] {
			t.Errorf("%s is %d, package abi says %d", m[1], got, want[m[1]])
		}
		delete(want, m[1])
	}
	for name := range want {
		t.Errorf("%s is not in %s", name, file)
	}
}

// evaluate computes the expressions that the header uses: N, Nu, (Nu << M).
func evaluate(t *testing.T, expression string) uint64 {
	t.Helper()
	number, shift, _ := strings.Cut(strings.Trim(expression, "()"), " << ")
	n, err := strconv.ParseUint(strings.TrimSuffix(number, "u"), 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	by := uint64(0)
	if shift != "" {
		if by, err = strconv.ParseUint(shift, 10, 6); err != nil {
			t.Fatal(err)
		}
	}
	return n << by
}

// TestExports: the header's example exports what the ABI demands.
func TestExports(t *testing.T) {
	text := header(t, "rdx.h")
	for _, name := range []string{abi.ExportRdxMarker, abi.ExportRdxAlloc, abi.ExportRdxConfigure, abi.ExportRdxRedact} {
		if !strings.Contains(text, `RDX_EXPORT("`+name+`")`) {
			t.Errorf("%s is not exported", name)
		}
	}
}
