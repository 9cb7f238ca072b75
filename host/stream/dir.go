package stream

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// Errors on which a caller decides. A number that is taken is [io/fs.ErrExist], a
// stream, record or slot that is not there [io/fs.ErrNotExist]. Any other error of an
// append or an erasure leaves the outcome unknown.
var (
	// ErrDamaged: bytes that were durable are not what was written.
	ErrDamaged = errors.New("stream: damaged")
	// ErrErasing: a slot is overwritten, and whether the disk has that is not known. It is
	// to be erased again.
	ErrErasing = errors.New("stream: erasure of the slot is not known to be durable")
	// ErrGap: a record does not follow the last one. Nothing was written.
	ErrGap = errors.New("stream: record does not follow the last one")
	// ErrInUse: another process writes in the directory.
	ErrInUse = errors.New("stream: another process writes in this directory")
	// ErrInvalid: a key, a range of numbers or a length is none. Nothing was written.
	ErrInvalid = errors.New("stream: invalid record")
)

const (
	// defaultSegmentSize is small enough for segments to be copied, checked and moved one
	// by one.
	defaultSegmentSize = 64 << 20
	// reserveStep is how much space is reserved ahead.
	reserveStep = 4 << 20
	// keepOpen bounds the files that are kept open, and what is known of their frames.
	keepOpen = 16
)

// A Dir is a directory of streams. It is safe for concurrent use; one append, erasure
// or read is done at a time.
type Dir struct {
	disk disk
	// segmentSize is what a segment may grow to, unless one record is larger.
	segmentSize int64
	info        os.FileInfo // by which Open finds it
	uses        int         // guarded by opened.mu

	mu      sync.Mutex
	locked  bool
	streams map[string]*stream
	recent  []*segment // with open files, the one that was used last first
	left    []string   // files of segments that never got their name
}

// A Record says what a record is, without its bytes.
type Record struct {
	First, Last uint64
	Body        int // bytes
	Slots       int
}

var opened struct {
	mu   sync.Mutex
	dirs []*Dir
}

// Options are what a directory may be opened with. The zero value is ready.
type Options struct {
	// Flooded says whether others keep the processors busy, at any time; nil stands for
	// never. While it is true nothing that is to be durable is left to the kernel's own
	// threads, which would wait for a processor: that is quicker then, and dearer at any time.
	Flooded func() bool
	// Patience is for how long a write to a disk of this machine may hang before the kernel
	// ends the process, which could not go on; 0 stands for a minute, and so does nil.
	Patience func() time.Duration
}

// Open opens a directory, and makes it if needed. In one process a directory is opened
// once: who opens it again gets the same Dir, with its options. Each Open has its Close.
func Open(path string, o Options) (*Dir, error) {
	d, err := openOSDisk(path, o)
	if err != nil {
		return nil, err
	}
	info, err := d.self.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("stream directory: %w", err), d.close())
	}
	opened.mu.Lock()
	defer opened.mu.Unlock()
	for _, other := range opened.dirs {
		if os.SameFile(other.info, info) {
			other.uses++
			return other, d.close()
		}
	}
	dir := newDir(d)
	dir.info, dir.uses = info, 1
	opened.dirs = append(opened.dirs, dir)
	return dir, nil
}

func newDir(d disk) *Dir {
	return &Dir{disk: d, segmentSize: defaultSegmentSize, streams: make(map[string]*stream)}
}

// Close gives the directory up when all who opened it have closed it.
func (d *Dir) Close() error {
	opened.mu.Lock()
	defer opened.mu.Unlock()
	if d.uses--; d.uses > 0 {
		return nil
	}
	opened.dirs = slices.DeleteFunc(opened.dirs, func(o *Dir) bool { return o == d })
	return d.shut()
}

func (d *Dir) shut() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, g := range d.recent {
		errs = append(errs, g.forget())
	}
	d.recent, d.streams = nil, make(map[string]*stream)
	return errors.Join(append(errs, d.disk.close())...)
}

// Keys returns the keys of all streams, sorted.
func (d *Dir) Keys() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(); err != nil {
		return nil, err
	}
	var keys []string
	for key, s := range d.streams {
		if len(s.segments) > 0 {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Find returns the record with the greatest first number up to the given one: the one
// that has the number, if there is one.
func (d *Dir) Find(key string, number uint64) (Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, f, err := d.find(key, number)
	if err != nil {
		return Record{}, err
	}
	var b [headerSize]byte
	if err := readFull(g.file, b[:], f.at); err != nil {
		return Record{}, g.unread(f.at, err)
	}
	h, ok := parseHeader(b[:], g.stream.seed, f.at)
	if !ok || h.first != f.first || h.last != f.last {
		return Record{}, g.damaged(f.at, "the record's header is another one now")
	}
	return Record{First: f.first, Last: f.last, Body: int(h.body), Slots: int(h.slots)}, nil
}

// Body returns the body of the record whose first number is given.
func (d *Dir) Body(key string, first uint64) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _, body, _, err := d.record(key, first)
	return body, err
}

// Slot returns the bytes of a slot, counted from 0, of the record whose first number is
// given. Only of a slot that no power cut brings back it says [io/fs.ErrNotExist].
func (d *Dir) Slot(key string, first uint64, n int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, _, _, cells, err := d.record(key, first)
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(cells)/alignment {
		return nil, fs.ErrNotExist
	}
	b, err := parseCell(cells[n*alignment : (n+1)*alignment])
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %s: slot %d of record %d", err, g.name(), n, first)
	}
	return b, err
}

func (d *Dir) record(key string, first uint64) (g *segment, f frame, body, cells []byte, err error) {
	g, f, err = d.find(key, first)
	if err == nil && f.first != first {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, frame{}, nil, nil, err
	}
	_, body, cells, err = g.read(f)
	return g, f, body, cells, err
}

// find finds a frame. Of a stream that this process does not write it looks again
// before it says that something is the last, or not there.
func (d *Dir) find(key string, number uint64) (*segment, frame, error) {
	for again := false; ; again = true {
		s := d.streams[key]
		if s != nil && (again || s.owned || !d.mayHaveGrown(s, number)) {
			return d.findIn(s, number)
		}
		if s == nil && again {
			return nil, frame{}, fs.ErrNotExist
		}
		if err := d.refresh(); err != nil {
			return nil, frame{}, err
		}
	}
}

// mayHaveGrown reports whether what is known does not answer for a number.
func (d *Dir) mayHaveGrown(s *stream, number uint64) bool {
	i := s.at(number)
	return i < 0 || s.segments[i].file == nil || i == len(s.segments)-1 && number >= s.segments[i].next()
}

func (d *Dir) findIn(s *stream, number uint64) (*segment, frame, error) {
	i := s.at(number)
	if i < 0 {
		return nil, frame{}, fs.ErrNotExist
	}
	g := s.segments[i]
	if g.file == nil || !s.owned && number >= g.next() {
		if err := d.load(s, i); err != nil {
			return nil, frame{}, err
		}
	}
	d.use(g)
	j, ok := slices.BinarySearchFunc(g.frames, number, compareFirst)
	if !ok {
		j--
	}
	end := i == len(s.segments)-1 && j == len(g.frames)-1 && j >= 0
	if j < 0 || number > g.frames[j].last && !end {
		return nil, frame{}, cmp.Or(g.damage, fs.ErrNotExist)
	}
	return g, g.frames[j], nil
}

func compareFirst(f frame, n uint64) int { return cmp.Compare(f.first, n) }

// load opens a segment and reads what of it is not known.
func (d *Dir) load(s *stream, i int) error {
	g := s.segments[i]
	if err := g.open(d.disk, false); err != nil {
		return err
	}
	d.use(g)
	return g.load(s.limit(i))
}

// refresh takes over which files there are. Of streams that this process writes it
// knows better.
func (d *Dir) refresh() error {
	if changed, err := d.disk.changed(); err != nil || !changed {
		return err
	}
	names, err := d.disk.names()
	if err != nil {
		return err
	}
	firsts := make(map[string][]uint64)
	for _, name := range names {
		if key, first, ok := parseFileName(name); ok {
			firsts[key] = append(firsts[key], first)
		}
	}
	for key := range firsts {
		if d.streams[key] == nil {
			d.streams[key] = &stream{key: key, seed: seed(key)}
		}
	}
	for key, s := range d.streams {
		if s.owned {
			continue
		}
		for _, g := range s.segments {
			d.drop(g) // files may have been replaced
		}
		s.set(firsts[key])
		if len(s.segments) == 0 {
			delete(d.streams, key)
		}
	}
	return nil
}

// use notes that a segment's file is open, and closes the one that was not used for
// longest if there are too many.
func (d *Dir) use(g *segment) {
	if len(d.recent) > 0 && d.recent[0] == g {
		return
	}
	d.recent = slices.DeleteFunc(d.recent, func(o *segment) bool { return o == g })
	d.recent = slices.Insert(d.recent, 0, g)
	if len(d.recent) > keepOpen {
		d.drop(d.recent[keepOpen])
	}
}

// drop closes a segment's file. If a stream's last one goes, this process is as one
// that has never written it: it makes sure of the end before it goes on.
func (d *Dir) drop(g *segment) {
	d.recent = slices.DeleteFunc(d.recent, func(o *segment) bool { return o == g })
	if g.stream.owned && g == g.stream.tail() {
		g.stream.owned, g.stream.failed = false, false
	}
	_ = g.forget() // it was synced, or has failed before
}

// last is the number of a stream's last record; ok is false if it has none.
func (s *stream) last() (uint64, bool) {
	g := s.tail()
	if g == nil {
		return 0, false
	}
	return g.next() - 1, true
}
