package stream

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCopiesInDirectory: what lies beside the segments is found, and of segments alone
// nothing is said.
func TestCopiesInDirectory(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	mustAppend(t, d, "s", 5, 7, "first")
	beside := func() []string {
		t.Helper()
		found, err := Copies(path)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(found, func(line string) bool { return strings.HasPrefix(line, "the file system ") })
	}
	if found := beside(); len(found) > 0 {
		t.Errorf("of segments alone: %q", found)
	}
	for _, name := range []string{tempPrefix + "x", "s_0000000000000005.bak", "S_0000000000000005"} {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := beside()
	if len(found) != 2 || !strings.HasSuffix(found[0], "removes them: 1") || !strings.HasSuffix(found[1], "not the notary's are in the directory: 2") {
		t.Errorf("found %q", found)
	}
	if _, err := Copies(filepath.Join(path, "none")); err == nil {
		t.Error("of a directory that is not there nothing is said")
	}
}
