package stream

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// A segment is one file of a stream, with what is known of it.
type segment struct {
	stream *stream
	first  uint64
	file   file // nil = closed, and nothing is known
	write  bool // the file is open for writing
	// frames are those that count, end is behind the last of them.
	frames   []frame
	end      int64
	reserved int64
	// damage says what cannot be read, if anything.
	damage error
}

func (g *segment) name() string { return fileName(g.stream.key, g.first) }

func (g *segment) damaged(at int64, why string) error {
	return fmt.Errorf("%w: %s at byte %d: %s", ErrDamaged, g.name(), at, why)
}

func (g *segment) open(d disk, write bool) error {
	if g.file != nil && (g.write || !write) {
		return nil
	}
	f, err := d.open(g.name(), write)
	if err != nil {
		return err
	}
	if g.file != nil {
		_ = g.file.close() // it was only read
	}
	g.file, g.write = f, write
	return nil
}

// forget closes the file. What was reserved for it goes back to the disk.
func (g *segment) forget() error {
	if g.file == nil {
		return nil
	}
	var err error
	if g.write && g.reserved > g.end {
		err = g.file.truncate(g.end)
	}
	err = errors.Join(err, g.file.close())
	g.file, g.write, g.frames, g.end, g.reserved, g.damage = nil, false, nil, 0, 0, nil
	return err
}

// load reads the headers of what has been added since it last did. limit is the first
// number of the next segment, or math.MaxUint64 for the last one. What can be read behind
// damage is known as well.
func (g *segment) load(limit uint64) error {
	known := len(g.frames)
	r := window{file: g.file}
	for {
		h, err := g.following(&r)
		if err != nil {
			return err
		}
		if h == nil || h.first >= limit {
			break
		}
		if want := g.next(); h.first != want {
			g.damage = g.damaged(g.end, fmt.Sprintf("records from %d to %d are not there", want, h.first-1))
		}
		g.frames = append(g.frames, frame{h.first, h.last, h.at})
		g.end = h.at + h.size()
	}
	if limit == math.MaxUint64 && len(g.frames) > known {
		if err := g.dropTorn(); err != nil {
			return err
		}
	}
	return g.judge(limit)
}

// following returns the header of the next frame with a number that is still to come,
// or nil. A frame is written when the one before it is durable: one that does not stand
// right behind the last shows that there is damage between them.
func (g *segment) following(r *window) (*header, error) {
	for at := g.end; at <= g.end+maxFrame; at += alignment {
		b, err := r.bytes(at, headerSize)
		if err != nil || len(b) < headerSize {
			return nil, err
		}
		if h, ok := parseHeader(b, g.stream.seed, at); ok && h.first >= g.next() {
			return &h, nil
		}
	}
	return nil, nil
}

// next is the number that the next frame has to have.
func (g *segment) next() uint64 {
	if n := len(g.frames); n > 0 {
		return g.frames[n-1].last + 1
	}
	return g.first
}

// dropTorn gives the last frame up if not all of it reached the disk.
func (g *segment) dropTorn() error {
	last := g.frames[len(g.frames)-1]
	raw, _, cells, err := g.read(last)
	for ; err == nil && len(cells) > 0; cells = cells[alignment:] {
		if _, bad := parseCell(cells[:alignment]); errors.Is(bad, ErrDamaged) {
			err = g.damaged(last.at+int64(len(raw)-len(cells)), "no slot")
		}
	}
	if errors.Is(err, ErrDamaged) {
		g.frames, g.end = g.frames[:len(g.frames)-1], last.at
		return nil
	}
	return err
}

// judge says whether what stands behind the frames is an end. A segment gets its name
// when its first frame is durable.
func (g *segment) judge(limit uint64) error {
	size, err := g.file.size()
	switch {
	case err != nil:
		return err
	case len(g.frames) == 0:
		g.damage = g.damaged(0, "no record")
	case limit != math.MaxUint64 && g.next() != limit:
		g.damage = g.damaged(g.end, fmt.Sprintf("records from %d to %d are not there", g.next(), limit-1))
	case limit == math.MaxUint64 && size-g.end > maxFrame:
		g.damage = g.damaged(g.end, "more bytes than a torn end can have")
	}
	return nil
}

// read returns a record's frame, checked but for its slots.
func (g *segment) read(f frame) (raw, body, cells []byte, err error) {
	raw = make([]byte, headerSize)
	if err := readFull(g.file, raw, f.at); err != nil {
		return nil, nil, nil, g.unread(f.at, err)
	}
	h, ok := parseHeader(raw, g.stream.seed, f.at)
	if !ok || h.first != f.first || h.last != f.last {
		return nil, nil, nil, g.damaged(f.at, "the record's header is another one now")
	}
	if size, err := g.file.size(); err != nil || f.at+h.size() > size {
		return nil, nil, nil, errors.Join(err, g.damaged(f.at, "the record is cut off"))
	}
	raw = make([]byte, h.size())
	if err := readFull(g.file, raw, f.at); err != nil {
		return nil, nil, nil, g.unread(f.at, err)
	}
	if body, cells, ok = parseFrame(raw, &h); !ok {
		return nil, nil, nil, g.damaged(f.at, "the record's checksum does not match")
	}
	return raw, body, cells, nil
}

func (g *segment) unread(at int64, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return g.damaged(at, "the record is cut off")
	}
	return err
}

func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

// A window reads a file in pieces, so that many small frames are few reads.
type window struct {
	file file
	at   int64
	b    []byte
	room []byte
}

const windowSize = 64 << 10

// bytes returns up to n bytes of the file from an offset on, fewer at its end.
func (w *window) bytes(at int64, n int) ([]byte, error) {
	if at < w.at || at+int64(n) > w.at+int64(len(w.b)) {
		if w.room == nil {
			w.room = make([]byte, windowSize)
		}
		got, err := w.file.ReadAt(w.room, at)
		if err != nil && err != io.EOF {
			return nil, err
		}
		w.at, w.b = at, w.room[:got]
	}
	b := w.b[at-w.at:]
	return b[:min(n, len(b))], nil
}
