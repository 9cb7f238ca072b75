//go:build !linux

package stream

import (
	"os"
	"time"
)

func reserve(*os.File, int64, int64) error { return nil }

func datasync(f *os.File, _ bool) error { return f.Sync() }

func uncache(*os.File, int64, int64, time.Duration) {}

func local(*os.File) bool { return false }

func copiesOnWrite(*os.File) string { return "" }

func writeParts(f *os.File, parts [][]byte, at int64, _ time.Duration) error {
	for _, b := range parts {
		n, err := f.WriteAt(b, at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}
