//go:build !race

package bundle_test

import "testing"

const (
	raceDetector = false
	bigRecords   = 100_000
)

// TestBoundedMemory: a bundle larger than what its reader may take. "make test" runs it with the race detector,
// too, and there it is another.
func TestBoundedMemory(t *testing.T) { boundedMemory(t) }
