package plugintest

import (
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

var stars = redactor.Spec{
	Labels: []string{"STAR"},
	Configure: func([]byte) (redactor.Redactor, error) {
		return redactor.EachField(func(f *abi.Field, found redactor.Found) {
			for i, c := range f.Text {
				if c == '*' {
					found(i, i+1, 0, 1)
				}
			}
		}), nil
	},
}

func TestProperties(t *testing.T) { Properties(t, stars, nil, []string{"*", "a**b"}, true) }

// TestHostListing compares pages of every size that is allowed, both ways.
func TestHostListing(t *testing.T) {
	h := NewHost()
	for _, k := range []string{"a-1", "a-2", "a-3", "b"} {
		if err := h.Put([]byte(k), nil, false); err != nil {
			t.Fatal(err)
		}
	}
	out := make([]byte, abi.MaxBlobKey+1)
	for _, c := range []struct {
		prefix, cursor string
		descending     bool
		want           string
	}{
		{"", "", false, "a-1 a-2 a-3 b"},
		{"a-", "", false, "a-1 a-2 a-3"},
		{"a-", "a-1", false, "a-2 a-3"},
		{"a-", "", true, "a-3 a-2 a-1"},
		{"a-", "a-3", true, "a-2 a-1"},
		{"a-", "a-3-", true, "a-3 a-2 a-1"},
		{"c", "", false, ""},
	} {
		n, err := h.List([]byte(c.prefix), []byte(c.cursor), c.descending, out)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for key, rest := storage.FirstKey(out[:n]); key != nil; key, rest = storage.FirstKey(rest) {
			keys = append(keys, string(key))
		}
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("prefix %q, cursor %q, descending %v: %q, want %q", c.prefix, c.cursor, c.descending, got, c.want)
		}
	}
	if _, err := h.List(nil, nil, false, out[:abi.MaxBlobKey]); err == nil {
		t.Error("a buffer that may not hold one key was accepted")
	}
}
