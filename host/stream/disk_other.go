//go:build !linux

package stream

import "os"

func reserve(*os.File, int64, int64) error { return nil }

func datasync(f *os.File) error { return f.Sync() }

func copiesOnWrite(*os.File) string { return "" }
