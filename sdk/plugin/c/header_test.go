// Package c_test holds rdx.h to package abi.
package c_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

func header(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("rdx.h")
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
	found := regexp.MustCompile(`(?:#define |\b)(RDX_[A-Z0-9_]+)(?: = | )(\(?(?:0x)?[0-9a-f]+u?(?: << [0-9]+\))?)`).
		FindAllStringSubmatch(header(t), -1)
	for _, m := range found {
		if got := evaluate(t, m[2]); got != want[m[1]] {
			t.Errorf("%s is %d, package abi says %d", m[1], got, want[m[1]])
		}
		delete(want, m[1])
	}
	for name := range want {
		t.Errorf("%s is not in the header", name)
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
	text := header(t)
	for _, name := range []string{abi.ExportRdxMarker, abi.ExportRdxAlloc, abi.ExportRdxConfigure, abi.ExportRdxRedact} {
		if !strings.Contains(text, `RDX_EXPORT("`+name+`")`) {
			t.Errorf("%s is not exported", name)
		}
	}
}
