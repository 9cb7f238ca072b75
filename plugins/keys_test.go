//go:build !race

package plugins_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/veriproof/notary/host/pluginhost"
)

// TestLongKeyOfManyElements: an array of thousands of elements under a long key, which each of them has, is
// redacted. That the keys of a request take more than all of its text, and more than a guest's memory, is no reason
// to refuse it for ever.
func TestLongKeyOfManyElements(t *testing.T) {
	f := newFinder(t, "redact-pii", "redact-secrets")
	fields := make([]pluginhost.Field, 4096)
	for i := range fields {
		fields[i] = pluginhost.Field{Text: fmt.Appendf(nil, "%03x@x.io", i), Key: bytes.Repeat([]byte("k"), 1024)}
	}
	edits, err := f.set.Redact(t.Context(), fields)
	if err != nil {
		t.Fatal(err)
	}
	if len(edits) != len(fields) {
		t.Errorf("%d of %d addresses are found", len(edits), len(fields))
	}
}
