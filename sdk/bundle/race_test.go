//go:build race

package bundle_test

import "testing"

const (
	raceDetector = true
	bigRecords   = 2_000
)

// TestBoundedMemory makes the same of fewer records, and says nothing about memory.
func TestBoundedMemory(t *testing.T) { boundedMemory(t) }
