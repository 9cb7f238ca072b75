package main

import (
	"runtime"
	"testing"
)

// TestSpareProcessor: one more, and then as many as before; for a notary that may use all.
func TestSpareProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	over := spareProcessor()
	if n := runtime.GOMAXPROCS(0); n != before+1 {
		t.Errorf("%d processors in a flood, %d before", n, before)
	}
	over()
	if have := newGround(nil).flood.Spare != nil; have != (before >= runtime.NumCPU()) {
		t.Errorf("a notary with %d processors of %d spares one: %v", before, runtime.NumCPU(), have)
	}
	if n := runtime.GOMAXPROCS(0); n != before {
		t.Errorf("%d processors after it, %d before", n, before)
	}
}
