//go:build !linux

package ingest

import "runtime"

// giveWay lets other goroutines work: other threads only the kernel can.
func giveWay() { runtime.Gosched() }
