package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSweep: what is left of a run that was killed is removed, and not what another one is
// about to write.
func TestSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	live, err := lockedTemporary(dir)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := lockedTemporary(dir)
	if err != nil {
		t.Fatal(err)
	}
	dead.Close() // as the kernel does for who is killed
	old := time.Now().Add(-2 * leftFor)
	if err := os.Chtimes(live.Name(), old, old); err != nil {
		t.Fatal(err)
	}
	if err := sweep(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".bundle-*")); err != nil || len(left) != 1 || left[0] != live.Name() {
		t.Errorf("left are %v, %v; want %s", left, err, live.Name())
	}
	// Who takes the place of a file has not got its lock.
	if err := os.Rename(live.Name(), live.Name()+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(live.Name(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if isAt(live, live.Name()) {
		t.Error("a file is taken for another one that has its name")
	}
	live.Close()
}
