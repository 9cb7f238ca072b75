package main

import (
	"runtime"
	"testing"
)

// TestSpareProcessor: one more, and then as many as before.
func TestSpareProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	over := spareProcessor()
	if n := runtime.GOMAXPROCS(0); n != before+1 {
		t.Errorf("%d processors in a flood, %d before", n, before)
	}
	over()
	if n := runtime.GOMAXPROCS(0); n != before {
		t.Errorf("%d processors after it, %d before", n, before)
	}
}
