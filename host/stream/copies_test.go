package stream

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/journal"
)

// TestCopiesInDirectory: what lies beside the segments is found, and of segments alone
// nothing is said.
func TestCopiesInDirectory(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	mustAppend(t, d, "s", 5, 7, "first")
	beside := func() []journal.Copy {
		t.Helper()
		found, err := Copies(path)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(found, func(c journal.Copy) bool { return c.Kind == "old_blocks" })
	}
	if found := beside(); len(found) > 0 {
		t.Errorf("of segments alone: %v", found)
	}
	for _, name := range []string{tempPrefix + "x", "s_0000000000000005.bak", "S_0000000000000005"} {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := beside()
	if len(found) != 2 || found[0].Kind != "leftovers" || found[0].Count != 1 || !strings.HasSuffix(found[0].Text, "removes them: 1") ||
		found[1].Kind != "strange_files" || found[1].Count != 2 || !strings.HasSuffix(found[1].Text, "not the notary's are in the directory: 2") {
		t.Errorf("found %v", found)
	}
	if _, err := Copies(filepath.Join(path, "none")); err == nil {
		t.Error("of a directory that is not there nothing is said")
	}
}
