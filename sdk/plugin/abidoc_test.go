package plugin_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestDocumentsExample: the request and the reply that ABI.md shows byte for byte are
// those of package abi.
func TestDocumentsExample(t *testing.T) {
	text, err := os.ReadFile("ABI.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n### 5.4 ")
	section, _, _ = strings.Cut(section, "\n## ")
	if !ok {
		t.Fatal("ABI.md has no section 5.4")
	}
	request, err := abi.AppendRequest(nil, []abi.Field{{Text: []byte("a**b"), Key: []byte("k"), Role: abi.RoleUser, Group: 7}})
	if err != nil {
		t.Fatal(err)
	}
	reply := abi.AppendReply(nil, 0, []abi.Edit{{Start: 1, End: 3, Label: 0, Score: 29251}})
	if got := dump(t, section); !bytes.Equal(got, append(request, reply...)) {
		t.Errorf("ABI.md shows\n% x\nwant\n% x", got, append(request, reply...))
	}
}

// dump reads lines of an offset and up to 16 bytes.
func dump(t *testing.T, section string) (out []byte) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^    [0-9a-f]{2}  ((?:[0-9a-f]{2} ?)+)`).FindAllStringSubmatch(section, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}
