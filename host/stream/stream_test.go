package stream

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func open(t testing.TB, path string) *Dir {
	t.Helper()
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func parts(list ...string) [][]byte {
	var out [][]byte
	for _, s := range list {
		out = append(out, []byte(s))
	}
	return out
}

func mustAppend(t testing.TB, d *Dir, key string, first, last uint64, body string, slots ...string) {
	t.Helper()
	if err := d.Append(key, first, last, parts(body), parts(slots...)); err != nil {
		t.Fatal(err)
	}
}

func Example() {
	path, err := os.MkdirTemp("", "stream-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(path)
	d, err := Open(path, Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	fmt.Println(d.Append("journal", 0, 2, [][]byte{[]byte("three entries")}, [][]byte{[]byte("a key")}))
	fmt.Println(errors.Is(d.Append("journal", 2, 2, nil, nil), fs.ErrExist))
	r, err := d.Find("journal", 1)
	fmt.Printf("%+v %v\n", r, err)
	fmt.Println(d.Erase("journal", 0, 0))
	_, err = d.Slot("journal", 0, 0)
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// <nil>
	// true
	// {First:0 Last:2 Body:13 Slots:1} <nil>
	// <nil>
	// true
}

// TestLayout pins the bytes of a segment: they have to be read for years.
func TestLayout(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	mustAppend(t, d, "ab.c-0", 0x1f, 0x20, "body", "slot")
	got, err := os.ReadFile(filepath.Join(path, "ab.c-0_000000000000001f"))
	if err != nil {
		t.Fatal(err)
	}
	want := "52454344" + "01000000" + "1f00000000000000" + "2000000000000000" + "0000000000000000" +
		"04000000" + "00000000" + "SUM1" + "SUM2" + hex.EncodeToString([]byte("body")) + strings.Repeat("00", 128-52) +
		"SUM3" + "04000000" + hex.EncodeToString([]byte("slot")) + strings.Repeat("00", 116)
	for name, at := range map[string]int{"SUM1": 40, "SUM2": 44, "SUM3": 128} {
		want = strings.Replace(want, name, hex.EncodeToString(got[at:at+4]), 1)
	}
	if hex.EncodeToString(got) != want {
		t.Errorf("segment\n%x\nwant\n%s", got, want)
	}
	// CRC-32C by its definition, bit by bit.
	for at, over := range map[int][]byte{40: []byte("body"), 44: append([]byte("ab.c-0"), got[:44]...), 128: got[132:256]} {
		if sum := crc(over); !bytes.Equal(got[at:at+4], []byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)}) {
			t.Errorf("the CRC at %d is % x, want %08x", at, got[at:at+4], sum)
		}
	}
	if err := d.Erase("ab.c-0", 0x1f, 0); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(path, "ab.c-0_000000000000001f"))
	if err != nil || !bytes.Equal(after, append(got[:128:128], bytes.Repeat([]byte{0xff}, 128)...)) {
		t.Errorf("after an erasure %x, %v", after, err)
	}
}

func crc(b []byte) uint32 {
	sum := ^uint32(0)
	for _, c := range b {
		sum ^= uint32(c)
		for range 8 {
			sum = sum>>1 ^ 0x82f63b78*(sum&1)
		}
	}
	return ^sum
}

// TestRefused: what is no record, leaves a gap or is taken is not written.
func TestRefused(t *testing.T) {
	d := open(t, t.TempDir())
	mustAppend(t, d, "s", 5, 7, "first")
	for name, c := range map[string]struct {
		key         string
		first, last uint64
		slots       [][]byte
		want        error
	}{
		"taken":        {"s", 5, 7, nil, fs.ErrExist},
		"inside":       {"s", 6, 6, nil, fs.ErrExist},
		"before all":   {"s", 1, 4, nil, fs.ErrExist},
		"gap":          {"s", 9, 9, nil, ErrGap},
		"falling":      {"s", 9, 8, nil, ErrInvalid},
		"no end":       {"s", 8, math.MaxUint64, nil, ErrInvalid},
		"large slot":   {"s", 8, 8, [][]byte{make([]byte, MaxSlot+1)}, ErrInvalid},
		"upper case":   {"S", 8, 8, nil, ErrInvalid},
		"no key":       {"", 8, 8, nil, ErrInvalid},
		"climbing key": {"../s", 8, 8, nil, ErrInvalid},
		"temporary":    {"_new-x", 8, 8, nil, ErrInvalid},
	} {
		if err := d.Append(c.key, c.first, c.last, nil, c.slots); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	mustAppend(t, d, "s", 8, 8, "", strings.Repeat("x", MaxSlot), "")
	if b, err := d.Slot("s", 8, 0); err != nil || len(b) != MaxSlot {
		t.Errorf("the largest slot: %d bytes, %v", len(b), err)
	}
	if b, err := d.Slot("s", 8, 1); err != nil || len(b) != 0 {
		t.Errorf("an empty slot: %q, %v", b, err)
	}
	for _, n := range []int{-1, 2, math.MaxInt32} {
		if _, err := d.Slot("s", 8, n); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("slot %d: %v", n, err)
		}
		if err := d.Erase("s", 8, n); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("erase slot %d: %v", n, err)
		}
	}
	for key, number := range map[string]uint64{"s": 4, "t": 0} {
		if _, err := d.Find(key, number); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("find %d in %s: %v", number, key, err)
		}
		if err := d.Erase(key, number, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("erase in %d of %s: %v", number, key, err)
		}
	}
	if _, err := d.Body("s", 6); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a body by a number that is no first one: %v", err)
	}
	if keys, err := d.Keys(); err != nil || !slices.Equal(keys, []string{"s"}) {
		t.Errorf("keys %v, %v", keys, err)
	}
}

// TestSegments: a stream of several files is read as one, by who wrote it, by who comes
// after, and by who reads beside.
func TestSegments(t *testing.T) {
	path := t.TempDir()
	disk, err := openOSDisk(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	beside := open(t, path)
	w := newDir(disk)
	w.segmentSize = 1000
	const n = 100
	for i := range uint64(n) {
		mustAppend(t, w, "s", 2*i, 2*i+1, strings.Repeat("x", int(i)), fmt.Sprint("slot ", i))
		if r, err := beside.Find("s", math.MaxUint64); err != nil || r.First != 2*i {
			t.Fatalf("who reads beside has %+v, %v after record %d", r, err, i)
		}
	}
	check := func(d *Dir) {
		t.Helper()
		for i := range uint64(n) {
			for number := 2 * i; number < 2*i+2; number++ {
				if r, err := d.Find("s", number); err != nil || r != (Record{2 * i, 2*i + 1, int(i), 1}) {
					t.Fatalf("find %d: %+v, %v", number, r, err)
				}
			}
			body, err := d.Body("s", 2*i)
			slot, err2 := d.Slot("s", 2*i, 0)
			if err != nil || err2 != nil || len(body) != int(i) || string(slot) != fmt.Sprint("slot ", i) {
				t.Fatalf("record %d: %q %q, %v %v", i, body, slot, err, err2)
			}
		}
	}
	check(w)
	check(beside)
	if len(w.streams["s"].segments) < 10 || len(w.recent) > keepOpen {
		t.Errorf("%d segments, %d files are open", len(w.streams["s"].segments), len(w.recent))
	}
	if err := w.shut(); err != nil {
		t.Fatal(err)
	}
	check(beside)
	mustAppend(t, beside, "s", 2*n, 2*n, "behind")
	for i := uint64(0); i < n; i += 7 {
		if err := beside.Erase("s", 2*i, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyStreams: more streams than files may be open, written in turn.
func TestManyStreams(t *testing.T) {
	d := open(t, t.TempDir())
	for round := range uint64(3) {
		for i := range 2 * keepOpen {
			mustAppend(t, d, fmt.Sprint("s", i), round, round, fmt.Sprint(i, round))
		}
	}
	for i := range 2 * keepOpen {
		for round := range uint64(3) {
			if b, err := d.Body(fmt.Sprint("s", i), round); err != nil || string(b) != fmt.Sprint(i, round) {
				t.Errorf("stream %d, record %d: %q, %v", i, round, b, err)
			}
		}
	}
	if len(d.recent) > keepOpen {
		t.Errorf("%d files are open", len(d.recent))
	}
}

// TestDamage: what is not an end is never taken for one, and what can be read behind it
// is read.
func TestDamage(t *testing.T) {
	const name = "s_0000000000000000"
	intact := func(segment int64) (*fakeDisk, []int64) {
		disk := newFakeDisk(rand.New(rand.NewPCG(1, 1)))
		d := newDir(disk)
		d.segmentSize = segment
		var at []int64
		for i := range uint64(4) {
			mustAppend(t, d, "s", i, i, strings.Repeat("b", 300), "slot")
			at = append(at, d.streams["s"].tail().frames[len(d.streams["s"].tail().frames)-1].at)
		}
		return disk, at
	}
	for _, c := range []struct {
		name    string
		segment int64
		do      func(disk *fakeDisk, at []int64)
		last    error // of the search for the last record
		gone    []uint64
		cut     bool // no record behind the first of gone is there, and that is an end
	}{
		{name: "nothing", segment: 1 << 20, do: func(*fakeDisk, []int64) {}},
		{"a header in the middle", 1 << 20, func(d *fakeDisk, at []int64) { d.now[name].data[at[1]+9] ^= 1 }, nil, []uint64{1}, false},
		{"two headers", 1 << 20, func(d *fakeDisk, at []int64) { clear(d.now[name].data[at[1] : at[2]+48]) }, nil, []uint64{1, 2}, false},
		{"the first header", 1 << 20, func(d *fakeDisk, at []int64) { d.now[name].data[0] ^= 1 }, nil, []uint64{0}, false},
		{"a body in the middle", 1 << 20, func(d *fakeDisk, at []int64) { d.now[name].data[at[1]+100] ^= 1 }, nil, []uint64{1}, false},
		{"the last header", 1 << 20, func(d *fakeDisk, at []int64) { d.now[name].data[at[3]+9] ^= 1 }, nil, []uint64{3}, true},
		{"the last body", 1 << 20, func(d *fakeDisk, at []int64) { d.now[name].data[at[3]+100] ^= 1 }, nil, []uint64{3}, true},
		{"the last slot", 1 << 20, func(d *fakeDisk, at []int64) { d.now[name].data[at[3]+384+9] ^= 1 }, nil, []uint64{3}, true},
		{"cut off", 1 << 20, func(d *fakeDisk, at []int64) { d.now[name].data = d.now[name].data[:at[3]+200] }, nil, []uint64{3}, true},
		{"a record cut out", 1 << 20, func(d *fakeDisk, at []int64) {
			d.now[name].data = slices.Delete(d.now[name].data, int(at[2]), int(at[3]))
		}, nil, []uint64{2, 3}, true},
		{"everything", 1 << 20, func(d *fakeDisk, at []int64) { clear(d.now[name].data) }, ErrDamaged, []uint64{0, 1, 2, 3}, false},
		{"empty", 1 << 20, func(d *fakeDisk, at []int64) { d.now[name].data = nil }, ErrDamaged, []uint64{0, 1, 2, 3}, false},
		{"the end of a segment that is not the last", 1 << 10, func(d *fakeDisk, at []int64) { d.now[name].data = d.now[name].data[:at[1]] }, nil, []uint64{1}, false},
		{"a segment that is not the last", 1 << 10, func(d *fakeDisk, at []int64) { clear(d.now[name].data) }, nil, []uint64{0, 1}, false},
		{"a frame of another stream", 1 << 20, func(d *fakeDisk, at []int64) {
			copy(d.now[name].data[at[1]:], appendFrame(nil, seed("t"), 1, 1, at[1], parts("x"), nil))
		}, nil, []uint64{1}, false},
		{"an older frame once more", 1 << 20, func(d *fakeDisk, at []int64) {
			copy(d.now[name].data[at[2]:], d.now[name].data[at[1]:at[2]])
		}, nil, []uint64{2}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk, at := intact(c.segment)
			c.do(disk, at)
			d := newDir(disk)
			r, err := d.Find("s", math.MaxUint64)
			if want := 3 - uint64(len(c.gone)); !errors.Is(err, c.last) || c.cut && r.First != want || !c.cut && err == nil && r.First != 3 {
				t.Errorf("last record %+v, %v", r, err)
			}
			for i := range uint64(4) {
				body, err := d.Body("s", i)
				switch {
				case !slices.Contains(c.gone, i):
					if err != nil || len(body) != 300 {
						t.Errorf("record %d: %d bytes, %v", i, len(body), err)
					}
				case c.cut && !errors.Is(err, fs.ErrNotExist), !c.cut && !errors.Is(err, ErrDamaged):
					t.Errorf("record %d: %d bytes, %v", i, len(body), err)
				}
			}
			disk.locked = false
			err = newDir(disk).Append("s", 4-uint64(len(c.gone)), 9, nil, nil)
			if middle := len(c.gone) > 0 && !c.cut; c.cut && err != nil || middle && err == nil {
				t.Errorf("append: %v", err)
			}
		})
	}
}

// TestOneDirectoryOneDir: who opens a directory twice in a process sees one.
func TestOneDirectoryOneDir(t *testing.T) {
	path := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, path), open(t, link)
	if a != b {
		t.Fatal("two Dirs of one directory")
	}
	mustAppend(t, a, "s", 0, 0, "a")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Append("s", 0, 0, parts("b"), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a position that is taken: %v", err)
	}
	mustAppend(t, b, "s", 1, 1, "b")
	a.uses++ // for the second Close of a, by the test's end
}

// TestLinksAreNotFollowed: whoever has the directory cannot make the host read or write
// another file.
func TestLinksAreNotFollowed(t *testing.T) {
	path := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, appendFrame(nil, seed("s"), 0, 0, 0, parts("secret"), nil), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{secret, "other"} {
		link := filepath.Join(path, "s_0000000000000000")
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		d := open(t, path)
		if b, err := d.Body("s", 0); err == nil {
			t.Errorf("a link to %s is read: %q", target, b)
		}
		if err := d.Append("s", 1, 1, nil, nil); err == nil {
			t.Errorf("a link to %s is appended to", target)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzSegment: whatever bytes a segment has, nothing is read that its checksums do not
// vouch for, and what is read is read again.
func FuzzSegment(f *testing.F) {
	one := appendFrame(nil, seed("s"), 0, 1, 0, parts("body"), parts("slot"))
	f.Add(one)
	f.Add(appendFrame(slices.Clone(one), seed("s"), 2, 2, int64(len(one)), parts("more"), nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := newFakeDisk(rand.New(rand.NewPCG(1, 1)))
		disk.now["s_0000000000000000"] = &fakeNode{data: b}
		d := newDir(disk)
		for n := uint64(0); n < 4; n++ {
			r, err := d.Find("s", n)
			if err != nil {
				continue
			}
			if r.First > n || r.Last < r.First {
				t.Fatalf("find %d: %+v", n, r)
			}
			body, err := d.Body("s", r.First)
			if err == nil && len(body) != r.Body {
				t.Fatalf("%d bytes of %d", len(body), r.Body)
			}
			for i := range min(r.Slots, 3) {
				_, _ = d.Slot("s", r.First, i)
			}
		}
		if err := d.Append("s", 3, 3, nil, nil); err == nil {
			if r, err := newDir(disk).Find("s", 3); err != nil || r.First != 3 {
				t.Fatalf("what was appended is %+v, %v", r, err)
			}
		}
	})
}
