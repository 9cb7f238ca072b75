//go:build simtee

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/sdk/journal"
)

// showStorage shows what lies where, a piece of ciphertext, and that none of the
// planted values is in it or in what the notary logged.
func (d *demo) showStorage(ctx context.Context) error {
	d.title("Storage, as its administrator sees it")
	t := table{right: map[int]bool{2: true, 3: true}}
	t.row("WHERE", "WHAT", "FILES", "BYTES")
	leaks := 0
	for _, k := range []struct{ where, what string }{
		{"data/store", "the journal: hashes, ciphertext, receipts, wrapped keys"},
		{"data/log", "the log: commitments of 32 bytes, and its key"},
		{"serve.log", "what the notary logged"},
	} {
		files, err := d.read(k.where)
		if err != nil {
			return err
		}
		d.want(len(files) > 0, "there is no file %s", k.where)
		size := 0
		for name, b := range files {
			size += len(b)
			if v, ok := holdsPlanted(b); ok {
				leaks++
				d.want(false, "a planted %s is in clear in %s", v.label, name)
			}
		}
		t.row(k.where, k.what, fmt.Sprint(len(files)), fmt.Sprint(size))
	}
	t.print(d.stdout)
	d.say("")
	if err := d.showCiphertext(ctx); err != nil {
		return err
	}
	d.say("the planted e-mails, cards, numbers and keys were looked for in all of that: %s",
		map[bool]string{true: d.paint(green, "none is there"), false: d.paint(red, "found")}[leaks == 0])
	return nil
}

// read returns the files below what a pattern matches.
func (d *demo) read(pattern string) (map[string][]byte, error) {
	matches, err := filepath.Glob(d.path(pattern))
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, root := range matches {
		err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				files[path], err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// holdsPlanted returns a planted value that stands in b.
func holdsPlanted(b []byte) (plantedValue, bool) {
	for _, values := range planted {
		for _, v := range values {
			if bytes.Contains(b, []byte(v.text)) {
				return v, true
			}
		}
	}
	return plantedValue{}, false
}

// showCiphertext shows how a session begins in storage.
func (d *demo) showCiphertext(ctx context.Context) error {
	s, err := openStorage(ctx, d.path("notary.yaml"), "")
	if err != nil {
		return err
	}
	defer s.close(ctx)
	part := s.Parts()[0]
	entry, err := archive.Entry(ctx, s.set.Store(), part.ID.Epoch, part.Segments[0].Seq)
	if err != nil {
		return err
	}
	segment, err := journal.ParseSegment(entry.Body)
	if err != nil {
		return err
	}
	d.say("session %s is %d bytes of ciphertext, which begin with %x…", short(part.ID.Handle.String()), part.CiphertextBytes, segment.Ciphertext[:24])
	return nil
}
