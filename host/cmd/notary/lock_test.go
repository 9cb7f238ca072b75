package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestOneNotaryPerDirectory: a second notary on the same storage does not start,
// and the directory is free when the first has ended.
func TestOneNotaryPerDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "store")
	first, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockDir(dir)
	var e *exitError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "in use by another notary") || e.hint == "" {
		t.Errorf("second lock: %v", err)
	}
	first.Close()
	again, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
