//go:build !linux

package pluginhost

import "os"

func newMapping(int) linearMemory { return nil }

// imageFile returns nil: this system does not tell which pages were written.
func imageFile(*image) *os.File { return nil }
