package stream

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
)

// sector is what a fake disk writes or loses as one.
const sector = 512

// errInjected is what a fake disk fails with.
var errInjected = errors.New("injected failure")

// errCut is what every call gets after the power was cut.
var errCut = errors.New("no power")

// A fakeDisk is a directory in memory that knows what would be left after a power cut:
// of what was not synced any part, sector by sector, and of the directory's changes the
// first few. After a sync that failed, what was not written is not written by a later
// one either, as in the kernel.
type fakeDisk struct {
	rng *rand.Rand
	// fault is asked before each call that changes something.
	fault func(call string) error

	now     map[string]*fakeNode
	durable map[string]*fakeNode
	pending []func(map[string]*fakeNode)
	locked  bool
	cut     bool
}

type fakeNode struct {
	data, durable []byte
	dirty         map[int]bool // sectors
}

func newFakeDisk(rng *rand.Rand) *fakeDisk {
	return &fakeDisk{rng: rng, now: map[string]*fakeNode{}, durable: map[string]*fakeNode{}}
}

// crash cuts the power and returns the disk as the next process finds it.
func (d *fakeDisk) crash() *fakeDisk {
	d.cut = true
	for _, apply := range d.pending[:d.rng.IntN(len(d.pending)+1)] {
		apply(d.durable)
	}
	next := newFakeDisk(d.rng)
	for name, n := range d.durable {
		n.write(d.rng, false)
		next.now[name] = &fakeNode{data: slices.Clone(n.durable), durable: n.durable}
	}
	next.durable = maps.Clone(next.now)
	return next
}

// die ends the process and leaves the disk running.
func (d *fakeDisk) die() *fakeDisk {
	next := *d
	next.locked = false
	d.cut = true
	return &next
}

// write brings dirty sectors to the disk: all, or any, and then the rest is lost.
func (n *fakeNode) write(rng *rand.Rand, all bool) {
	grown := all || rng.IntN(2) == 0
	if size := len(n.data); grown && size != len(n.durable) {
		n.durable = append(n.durable, make([]byte, max(0, size-len(n.durable)))...)[:size]
	}
	for _, s := range slices.Sorted(maps.Keys(n.dirty)) {
		from, to := s*sector, min((s+1)*sector, len(n.data))
		if from < to && (all || rng.IntN(2) == 0) {
			if to > len(n.durable) {
				n.durable = append(n.durable, make([]byte, to-len(n.durable))...)
			}
			copy(n.durable[from:to], n.data[from:to])
		}
	}
	n.dirty = nil
}

func (n *fakeNode) touch(from, to int) {
	if n.dirty == nil {
		n.dirty = map[int]bool{}
	}
	for s := from / sector; s*sector < to; s++ {
		n.dirty[s] = true
	}
}

func (d *fakeDisk) do(call string) error {
	if d.cut {
		return errCut
	}
	if d.fault == nil {
		return nil
	}
	err := d.fault(call)
	if d.cut {
		return errCut
	}
	return err
}

func (d *fakeDisk) open(name string, write bool) (file, error) {
	if err := d.do("open"); err != nil {
		return nil, err
	}
	n := d.now[name]
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return &fakeFile{d, n, write}, nil
}

func (d *fakeDisk) create(name string) (file, error) {
	if err := d.do("create"); err != nil {
		return nil, err
	}
	if d.now[name] != nil {
		return nil, fs.ErrExist
	}
	n := &fakeNode{}
	d.change(func(dir map[string]*fakeNode) { dir[name] = n })
	return &fakeFile{d, n, true}, nil
}

func (d *fakeDisk) change(apply func(map[string]*fakeNode)) {
	apply(d.now)
	d.pending = append(d.pending, apply)
}

func (d *fakeDisk) rename(from, to string) error {
	if err := d.do("rename"); err != nil {
		return err
	}
	n := d.now[from]
	if n == nil {
		return fs.ErrNotExist
	}
	d.change(func(dir map[string]*fakeNode) { delete(dir, from); dir[to] = n })
	return nil
}

func (d *fakeDisk) remove(name string) error {
	if err := d.do("remove"); err != nil {
		return err
	}
	if d.now[name] == nil {
		return fs.ErrNotExist
	}
	d.change(func(dir map[string]*fakeNode) { delete(dir, name) })
	return nil
}

func (d *fakeDisk) names() ([]string, error) {
	if d.cut {
		return nil, errCut
	}
	return slices.Collect(maps.Keys(d.now)), nil
}

func (d *fakeDisk) changed() (bool, error) { return true, nil }

func (d *fakeDisk) sync() error {
	if err := d.do("sync directory"); err != nil {
		return err
	}
	for _, apply := range d.pending {
		apply(d.durable)
	}
	d.pending = nil
	return nil
}

func (d *fakeDisk) lock() error {
	if d.locked {
		return ErrInUse
	}
	d.locked = true
	return nil
}

func (d *fakeDisk) close() error { d.locked = false; return nil }

type fakeFile struct {
	d        *fakeDisk
	n        *fakeNode
	writable bool
}

func (f *fakeFile) ReadAt(b []byte, at int64) (int, error) {
	if f.d.cut {
		return 0, errCut
	}
	if at >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *fakeFile) WriteAt(b []byte, at int64) (int, error) {
	if !f.writable {
		return 0, fs.ErrPermission
	}
	err := f.d.do("write")
	if err != nil { // whole sectors of it may have been written, as on a disk that is full
		end := (at + f.d.rng.Int64N(int64(len(b))+1)) / sector * sector
		b = b[:max(0, end-at)]
	}
	n := f.n
	if end := int(at) + len(b); end > len(n.data) && len(b) > 0 {
		n.touch(len(n.data), end)
		n.data = append(n.data, make([]byte, end-len(n.data))...)
	}
	copy(n.data[min(int(at), len(n.data)):], b)
	n.touch(int(at), int(at)+len(b))
	return len(b), err
}

func (f *fakeFile) size() (int64, error) { return int64(len(f.n.data)), nil }

func (f *fakeFile) truncate(size int64) error {
	if err := f.d.do("truncate"); err != nil {
		return err
	}
	if int(size) < len(f.n.data) {
		clear(f.n.data[size:])
		f.n.touch(int(size), len(f.n.data))
	}
	f.n.data = append(f.n.data, make([]byte, max(0, int(size)-len(f.n.data)))...)[:size]
	return nil
}

func (f *fakeFile) reserve(int64, int64) error { return f.d.do("reserve") }

func (f *fakeFile) sync() error {
	err := f.d.do("sync")
	if errors.Is(err, errCut) {
		return err
	}
	f.n.write(f.d.rng, err == nil)
	return err
}

func (f *fakeFile) uncache(int64, int64) {}

func (f *fakeFile) close() error { return nil }

// full is what a write on a full disk gets.
var full error = syscall.ENOSPC
