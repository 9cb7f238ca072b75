package bundle

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/veriproof/notary/sdk/receipt"
)

// A part of a bundle file, as a scan comes by it.
type part struct {
	name string
	data []byte
	at   int64 // where the data begin in the file
	sum  receipt.Hash
}

// A readError is about the reader, and not about the bundle.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// scan reads a bundle file of size bytes once, from its beginning to its end, and
// calls each for the parts in their order. It accepts what Write writes and nothing
// else: each header is compared with the one that the content calls for, and so are the
// list of parts and the directory, so that there is no second reading of the file by
// which another tool could see other parts. What each was called for counts only if scan
// returns nil.
func scan(r io.Reader, size, limit int64, each func(p part) error) error {
	if size > limit {
		return fmt.Errorf("%d bytes, at most %d", size, limit)
	}
	s := &scanner{r: bufio.NewReaderSize(r, 64<<10), size: size}
	for s.more() {
		begin := s.at
		p, err := s.part()
		if err == nil && s.files > 1 {
			if err = s.listed(&p); err == nil {
				err = each(p)
			}
		}
		var broken *readError
		switch {
		case errors.As(err, &broken):
			return err
		case err != nil:
			return fmt.Errorf("file %d, at byte %d: %w", s.files, begin, err)
		}
	}
	return s.end()
}

// A scanner is one reading.
type scanner struct {
	r         *bufio.Reader
	size, at  int64
	files     int
	directory []byte // that the files so far call for
	list      []byte // what manifest.json says beyond the files so far
	last      string // name of the last file
	scratch   []byte
}

// more says whether another file follows.
func (s *scanner) more() bool {
	magic, _ := s.r.Peek(len(localMagic))
	return string(magic) == localMagic
}

// read fills b from the file, which has been seen to have that much.
func (s *scanner) read(b []byte) error {
	if int64(len(b)) > s.size-s.at {
		return fmt.Errorf("%d bytes are called for where %d are left", len(b), s.size-s.at)
	}
	n, err := io.ReadFull(s.r, b)
	s.at += int64(n)
	if err != nil {
		return &readError{fmt.Errorf("read the bundle at byte %d: %w", s.at, err)}
	}
	return nil
}

// part reads a local header and the file's bytes.
func (s *scanner) part() (p part, err error) {
	if s.files++; s.files > maxFiles {
		return p, fmt.Errorf("more than %d files", maxFiles)
	}
	begin := s.at
	var head [localSize + maxName]byte
	if err := s.read(head[:localSize]); err != nil {
		return p, err
	}
	size, name := int64(binary.LittleEndian.Uint32(head[18:])), int(binary.LittleEndian.Uint16(head[26:]))
	if name > maxName || size > maxDataSize || int64(name)+size > s.size-s.at {
		return p, fmt.Errorf("a name of %d and a content of %d bytes where %d are left", name, size, s.size-s.at)
	}
	if err := s.read(head[localSize : localSize+name]); err != nil {
		return p, err
	}
	p = part{name: string(head[localSize : localSize+name]), data: make([]byte, size), at: s.at}
	if err := s.read(p.data); err != nil {
		return p, err
	}
	e := entryOf(p.name, p.data)
	if s.scratch = e.local(s.scratch[:0]); !bytes.Equal(s.scratch, head[:localSize+name]) {
		return p, errors.New("header is not in the one encoding, or its checksum is another")
	}
	s.directory = e.central(s.directory, begin)
	if s.files > 1 {
		return p, nil
	}
	rest, ok := bytes.CutPrefix(p.data, []byte(listHead))
	if p.name != manifestName || !ok {
		return p, errors.New("it is not a manifest.json that lists the others")
	}
	s.list = rest
	return p, nil
}

// listed holds a part against its place and against manifest.json.
func (s *scanner) listed(p *part) error {
	if p.name <= s.last {
		return fmt.Errorf("%.200q is not in its place", p.name)
	}
	s.last = p.name
	p.sum = sha256.Sum256(p.data)
	s.scratch = appendListed(s.scratch[:0], s.files-2, p.name, p.sum)
	rest, ok := bytes.CutPrefix(s.list, s.scratch)
	if !ok {
		return fmt.Errorf("manifest.json does not list %.200q as it is", p.name)
	}
	s.list = rest
	return nil
}

// end reads what is behind the files.
func (s *scanner) end() error {
	if s.files == 0 {
		return errors.New("not a ZIP file of a bundle")
	}
	if string(s.list) != listTail {
		return errors.New("manifest.json lists other files than there are")
	}
	want := ends(s.directory, s.files, s.at, int64(len(s.directory)))
	if begin := s.at; int64(len(want)) != s.size-begin {
		return fmt.Errorf("the directory, from byte %d on, does not fit the %d files before it", begin, s.files)
	}
	for begin, buffer := s.at, make([]byte, min(len(want), 64<<10)); len(want) > 0; {
		got := buffer[:min(len(want), len(buffer))]
		if err := s.read(got); err != nil {
			return err
		}
		if !bytes.Equal(got, want[:len(got)]) {
			return fmt.Errorf("the directory, from byte %d on, does not fit the %d files before it", begin, s.files)
		}
		want = want[len(got):]
	}
	return nil
}

// Disclosed returns how many records a bundle file of at most MaxFileSize bytes
// discloses, if it is in the one encoding. Whether any of it is true is the question of
// VerifyReader.
func Disclosed(r io.ReaderAt, size int64) (int, error) {
	n, b := 0, new(Bundle)
	err := scan(io.NewSectionReader(r, 0, size), size, MaxFileSize, func(p part) error {
		if _, ok := recordIndex(p.name); ok {
			n++
			return nil
		}
		return b.add(p.name, p.data)
	})
	if err == nil {
		err = b.complete()
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrBundle, err)
	}
	return n, nil
}
