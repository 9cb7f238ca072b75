package ingest

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
)

// TestUnzipYieldsWithoutContent: what holds nothing is unpacked in turns, too. By one request
// of 16 MiB a sender had a processor for seconds, and nobody else could connect.
func TestUnzipYieldsWithoutContent(t *testing.T) {
	head := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}
	empty, last, tail := []byte{0, 0, 0, 0xff, 0xff}, []byte{1, 0, 0, 0xff, 0xff}, make([]byte, 8)
	for name, packed := range map[string][]byte{
		"blocks":  bytes.Join([][]byte{head, bytes.Repeat(empty, 1<<18), last, tail}, nil),
		"members": bytes.Repeat(bytes.Join([][]byte{head, last, tail}, nil), 1<<16),
	} {
		yields := 0
		from, err := unzip(new(gzip.Reader), packed, func() { yields++ })
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, from); n != 0 || err != nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		if want := len(packed) / (8 << 10); yields < want {
			t.Errorf("%d bytes of empty %s yield %d times, want at least %d", len(packed), name, yields, want)
		}
	}
}
