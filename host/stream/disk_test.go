package stream

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestMakeDir: the name of each directory that is made is durable, and one whose name is
// not is not used.
func TestMakeDir(t *testing.T) {
	top := t.TempDir()
	a := filepath.Join(top, "a")
	b := filepath.Join(a, "b")
	var synced []string
	note := func(dir string) error { synced = append(synced, dir); return nil }
	for i, want := range [][]string{{top, a, b}, nil} {
		synced = nil
		if err := makeDir(filepath.Join(b, "c"), note); err != nil || !slices.Equal(synced, want) {
			t.Errorf("call %d: synced %q, want %q: %v", i, synced, want, err)
		}
	}
	if err := makeDir(filepath.Join(b, "d"), func(string) error { return errInjected }); !errors.Is(err, errInjected) {
		t.Errorf("a name that is not durable: %v", err)
	}
	if _, err := os.Stat(filepath.Join(b, "d")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is to be made again is there: %v", err)
	}
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "x")} {
		if d, err := openOSDisk(path, Options{}); err == nil {
			t.Errorf("%s is a directory, %v", path, d.close())
		}
	}
	if err := MakeDir(filepath.Join(b, "e")); err != nil {
		t.Error(err)
	}
	t.Chdir(top)
	if err := MakeDir("f/g"); err != nil {
		t.Error(err)
	}
}
