package stream

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
)

// tempPrefix marks a segment that has not got its name yet. It is outside the alphabet
// of keys. What a crash has left of it, the next process that writes removes.
const tempPrefix = "_new-"

// Append makes a record durable: all of it or, after a crash, nothing. Its first number
// has to follow the stream's last; a stream begins with any. A number that is taken is
// [io/fs.ErrExist], and then the record that has it is durable, whatever it holds.
func (d *Dir) Append(key string, first, last uint64, body, slots [][]byte) error {
	if err := check(key, first, last, body, slots); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.own(key)
	if err != nil {
		return err
	}
	if end, ok := s.last(); ok && first <= end {
		return fs.ErrExist
	} else if ok && first != end+1 {
		return fmt.Errorf("%w: record %d behind %d of %s", ErrGap, first, end, key)
	}
	g := s.tail()
	if g != nil && !s.failed {
		parts, size := encodeFrame(s.seed, first, last, g.end, body, slots)
		if len(g.frames) > 0 && g.end+size <= d.segmentSize {
			if err := d.extend(g, frame{first, last, g.end}, parts, size); err != nil {
				s.failed = true
				return err
			}
			return nil
		}
	}
	parts, size := encodeFrame(s.seed, first, last, 0, body, slots)
	next, err := d.begin(s, frame{first: first, last: last}, parts, size)
	if err != nil {
		return err
	}
	s.segments, s.failed = append(s.segments, next), false
	d.use(next)
	if g != nil {
		d.drop(g)
	}
	return nil
}

func check(key string, first, last uint64, body, slots [][]byte) error {
	size := 0
	for _, b := range body {
		size += len(b)
	}
	if !validKey(key) || first > last || last == math.MaxUint64 || size > maxBody || len(slots) > maxSlots {
		return fmt.Errorf("%w: numbers %d to %d, %d bytes and %d slots", ErrInvalid, first, last, size, len(slots))
	}
	for _, b := range slots {
		if len(b) > MaxSlot {
			return fmt.Errorf("%w: a slot of %d bytes, at most %d", ErrInvalid, len(b), MaxSlot)
		}
	}
	return nil
}

// extend writes a frame behind the others of a segment.
func (d *Dir) extend(g *segment, f frame, parts [][]byte, size int64) error {
	d.use(g)
	end := g.end + size
	if end > g.reserved {
		step := max(reserveStep, size)
		if g.file.reserve(g.end, step) == nil { // else the write shows what is wrong
			g.reserved = g.end + step
		}
	}
	err := g.file.write(parts, g.end)
	if err == nil {
		err = g.file.sync()
	}
	if err == nil {
		g.file.uncache(g.end, size)
	}
	if err != nil {
		// What may stand there now was never acknowledged, and slots in it could not be
		// erased. If it cannot be cut off either, readers stop before it all the same.
		_ = g.file.truncate(g.end)
		return fmt.Errorf("append to %s: %w", g.name(), err)
	}
	g.frames, g.end = append(g.frames, f), end
	return nil
}

// begin makes a segment of one frame, which gets its name when it is durable. What has
// that name already is of an append whose outcome was never known to be good.
func (d *Dir) begin(s *stream, f frame, parts [][]byte, size int64) (*segment, error) {
	g := &segment{stream: s, first: f.first, write: true, frames: []frame{f}, end: size}
	temp := tempPrefix + rand.Text()
	file, err := d.disk.create(temp)
	if err != nil {
		return nil, fmt.Errorf("begin %s: %w", g.name(), err)
	}
	g.file = file
	fail := func(err error) (*segment, error) {
		d.left = append(d.left, temp)
		_, _ = file.close(), d.sweep() // an erasure tries again
		return nil, fmt.Errorf("begin %s: %w", g.name(), err)
	}
	if step := max(reserveStep, size); file.reserve(0, step) == nil {
		g.reserved = step
	}
	if err := file.write(parts, 0); err != nil {
		return fail(err)
	}
	if err := file.sync(); err != nil {
		return fail(err)
	}
	if err := d.disk.rename(temp, g.name()); err != nil {
		return fail(err)
	}
	if err := d.disk.sync(); err != nil {
		_ = file.close()
		return nil, fmt.Errorf("begin %s: sync the directory: %w", g.name(), err)
	}
	return g, nil
}

// own makes this process the one that writes a stream: it knows the end, and that what
// stands before it is durable.
func (d *Dir) own(key string) (*stream, error) {
	if err := d.lock(); err != nil {
		return nil, err
	}
	s := d.streams[key]
	if s != nil && s.owned {
		return s, nil
	}
	if err := d.refresh(); err != nil {
		return nil, err
	}
	if s = d.streams[key]; s == nil {
		s = &stream{key: key, seed: seed(key), owned: true}
		d.streams[key] = s
		return s, nil
	}
	return s, d.adopt(s)
}

// lock takes the directory for this process.
func (d *Dir) lock() error {
	if d.locked {
		return nil
	}
	if err := d.disk.lock(); err != nil {
		return err
	}
	names, err := d.disk.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			d.left = append(d.left, name)
		}
	}
	d.locked = true
	_ = d.sweep()
	return nil
}

// sweep removes segments that never got their name. They may hold slots.
func (d *Dir) sweep() error {
	if len(d.left) == 0 {
		return nil
	}
	for _, name := range d.left {
		if err := d.disk.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := d.disk.sync(); err != nil {
		return err
	}
	d.left = nil
	return nil
}

// adopt goes on with a stream of an earlier process, or of this one's that it has let
// go. See the package comment on durability.
func (d *Dir) adopt(s *stream) error {
	i := len(s.segments) - 1
	g := s.segments[i]
	if err := g.open(d.disk, true); err != nil {
		return err
	}
	if err := d.load(s, i); err != nil {
		return err
	}
	if g.damage != nil {
		return g.damage
	}
	last := g.frames[len(g.frames)-1]
	raw, _, _, err := g.read(last)
	if err != nil {
		return err
	}
	err = d.cut(g)
	if err == nil {
		_, err = g.file.WriteAt(raw, last.at)
	}
	if err == nil {
		err = g.file.sync()
	}
	if err == nil {
		err = d.disk.sync()
	}
	if err != nil {
		return fmt.Errorf("go on with %s: %w", g.name(), err)
	}
	g.reserved = g.end
	s.owned, s.failed = true, false
	return nil
}

// cut takes away what stands behind the frames that count.
func (d *Dir) cut(g *segment) error {
	size, err := g.file.size()
	if err != nil {
		return err
	}
	if size > g.end {
		if err := g.file.truncate(g.end); err != nil {
			return err
		}
	}
	return g.file.sync() // also what an earlier one has cut off
}

// Erase destroys a slot: it is overwritten in its place. What is erased already is
// [io/fs.ErrNotExist].
//
// It is overwritten twice. After a sync that failed, readers see what was written though
// the disk may not have it, and later syncs say nothing of it: so only a cell that was
// synced gets the bytes that say "erased". Those need no sync, since a power cut that
// takes them leaves a cell that is erased once more.
func (d *Dir) Erase(key string, first uint64, n int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.own(key)
	if err != nil {
		return err
	}
	i := s.at(first)
	if i < 0 {
		return fs.ErrNotExist
	}
	if err := d.sweep(); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	// A frame that was written anew at the beginning of a segment may stand at the end of
	// the one before it as well.
	for _, j := range []int{i - 1, i} {
		if j < 0 {
			continue
		}
		if err := d.clean(s, j); err != nil {
			return err
		}
	}
	g, f, body, cells, err := d.record(key, first)
	switch {
	case err != nil:
		return err
	case n < 0 || n >= len(cells)/alignment:
		return fs.ErrNotExist
	}
	cell := cells[n*alignment : (n+1)*alignment]
	if _, err := parseCell(cell); errors.Is(err, fs.ErrNotExist) {
		return err
	}
	h := header{body: uint32(len(body))}
	at := f.at + h.cells() + int64(n)*alignment
	if _, err = g.file.WriteAt(bytes.Repeat([]byte{cellErasing}, alignment), at); err == nil {
		err = g.file.sync()
	}
	if err == nil {
		_, err = g.file.WriteAt(bytes.Repeat([]byte{cellErased}, alignment), at)
	}
	if err != nil {
		return fmt.Errorf("erase in %s: %w", g.name(), err)
	}
	return nil
}

// clean opens a segment for writing and cuts off what does not count in it.
func (d *Dir) clean(s *stream, i int) error {
	g := s.segments[i]
	if err := g.open(d.disk, true); err != nil {
		return err
	}
	if len(g.frames) == 0 {
		if err := d.load(s, i); err != nil {
			return err
		}
	}
	d.use(g)
	if g.damage != nil {
		return g.damage
	}
	return d.cut(g)
}
