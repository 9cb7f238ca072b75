package pluginhost

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func openDir(t *testing.T, path string) *blobDir {
	t.Helper()
	d, err := openBlobDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.close() })
	return d
}

func parts(list ...string) [][]byte {
	var out [][]byte
	for _, s := range list {
		out = append(out, []byte(s))
	}
	return out
}

func TestBlobDir(t *testing.T) {
	d := openDir(t, filepath.Join(t.TempDir(), "new", "dir"))
	if err := d.put("a", parts("one ", "two"), true); err != nil {
		t.Fatal(err)
	}
	if err := d.put("a", parts("one ", "two"), true); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second exclusive put: %v", err)
	}
	if b, err := d.get("a"); err != nil || string(b) != "one two" {
		t.Errorf("get = %q, %v", b, err)
	}
	if err := d.put("a", parts("three"), false); err != nil {
		t.Fatal(err)
	}
	if b, _ := d.get("a"); string(b) != "three" {
		t.Errorf("get after replace = %q", b)
	}
	if err := d.put("b", nil, false); err != nil {
		t.Fatal(err)
	}
	if keys, err := d.keys(); err != nil || !slices.Equal(keys, []string{"a", "b"}) {
		t.Errorf("keys = %v, %v", keys, err)
	}
	if err := d.delete("a"); err != nil {
		t.Fatal(err)
	}
	if err := d.delete("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("second delete: %v", err)
	}
	if _, err := d.get("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get after delete: %v", err)
	}
	names, err := d.names()
	if err != nil || !slices.Equal(names, []string{"b"}) {
		t.Errorf("files left: %v, %v", names, err)
	}
}

// TestExclusiveHasOneWinner: of many writers, in two processes as it were, one
// creates the object, and what stands there is what it wrote, whole.
func TestExclusiveHasOneWinner(t *testing.T) {
	path := t.TempDir()
	dirs := []*blobDir{openDir(t, path), openDir(t, path)}
	for round := range 20 {
		key := "k-" + string(rune('a'+round))
		var wins atomic.Int32
		var winner atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				err := dirs[i%2].put(key, [][]byte{bytes.Repeat([]byte{byte(i)}, 5000)}, true)
				switch {
				case err == nil:
					wins.Add(1)
					winner.Store(int32(i))
				case !errors.Is(err, fs.ErrExist):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		b, err := dirs[0].get(key)
		if wins.Load() != 1 || err != nil || !bytes.Equal(b, bytes.Repeat([]byte{byte(winner.Load())}, 5000)) {
			t.Fatalf("%d winners, error %v", wins.Load(), err)
		}
	}
}

// TestLinksAreNotFollowed: whoever has the directory cannot make the host read
// or overwrite another file.
func TestLinksAreNotFollowed(t *testing.T) {
	path := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	inside := filepath.Join(path, "inside")
	for _, f := range []string{secret, inside} {
		if err := os.WriteFile(f, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := openDir(t, path)
	for name, target := range map[string]string{"out": secret, "in": "inside", "dangling": "nowhere", "up": ".."} {
		if err := os.Symlink(target, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
		if b, err := d.get(name); err == nil {
			t.Errorf("get through link %s reads %q", name, b)
		}
		if err := d.put(name, parts("x"), true); !errors.Is(err, fs.ErrExist) {
			t.Errorf("exclusive put on link %s: %v", name, err)
		}
		if err := d.put(name, parts("x"), false); err != nil {
			t.Errorf("replacing link %s: %v", name, err)
		}
	}
	if err := os.Mkdir(filepath.Join(path, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := d.get("sub"); err == nil {
		t.Error("get of a directory succeeds")
	}
	for _, f := range []string{secret, inside} {
		if b, err := os.ReadFile(f); err != nil || string(b) != "secret" {
			t.Errorf("%s = %q, %v", f, b, err)
		}
	}
}

func TestLeftOversAreRemoved(t *testing.T) {
	path := t.TempDir()
	old, young := filepath.Join(path, tempPrefix+"old"), filepath.Join(path, tempPrefix+"young")
	for _, f := range []string{old, young} {
		if err := os.WriteFile(f, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * tempAge)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, path)
	if keys, err := d.keys(); err != nil || len(keys) != 0 {
		t.Errorf("keys %v, %v: a half-written file is an object", keys, err)
	}
	if _, err := os.Lstat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an old left-over stays")
	}
	if _, err := os.Lstat(young); err != nil {
		t.Error("a file that another process may be writing is removed")
	}
}

// TestListingSeesOthers: a listing is kept only while nothing can have changed.
func TestListingSeesOthers(t *testing.T) {
	path := t.TempDir()
	d, other := openDir(t, path), openDir(t, path)
	want := []string{}
	for _, key := range []string{"a", "b", "c"} {
		if err := other.put(key, nil, true); err != nil {
			t.Fatal(err)
		}
		if want = append(want, key); key == "b" { // as if nothing had happened for long
			long := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, long, long); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if keys, err := d.keys(); err != nil || !slices.Equal(keys, want) {
				t.Fatalf("keys = %v, %v; want %v", keys, err, want)
			}
		}
		if kept := !d.listed.IsZero(); kept != (key == "b") {
			t.Errorf("after %s: listing kept: %v", key, kept)
		}
	}
}

func TestWriteKeys(t *testing.T) {
	all := []string{"a-1", "e-1", "e-2", "e-3", "f-1"}
	list := func(prefix, cursor string, descending bool) (out []string) {
		var b [400]byte
		n := writeKeys(b[:], withPrefix(all, prefix), cursor, descending)
		for i := 0; i < n; i += 1 + int(b[i]) {
			out = append(out, string(b[i+1:i+1+int(b[i])]))
		}
		return out
	}
	for _, tc := range []struct {
		prefix, cursor string
		descending     bool
		want           []string
	}{
		{"", "", false, all},
		{"e-", "", false, []string{"e-1", "e-2", "e-3"}},
		{"e-", "e-1", false, []string{"e-2", "e-3"}},
		{"e-", "e-15", false, []string{"e-2", "e-3"}},
		{"e-", "e-3", false, nil},
		{"e-", "", true, []string{"e-3", "e-2", "e-1"}},
		{"e-", "e-3", true, []string{"e-2", "e-1"}},
		{"e-", "e-2.", true, []string{"e-2", "e-1"}},
		{"e-", "e-1", true, nil},
		{"e-", "z", true, []string{"e-3", "e-2", "e-1"}},
		{"x", "", false, nil},
		{"z", "", true, nil},
	} {
		if got := list(tc.prefix, tc.cursor, tc.descending); !slices.Equal(got, tc.want) {
			t.Errorf("list(%q, %q, %v) = %v, want %v", tc.prefix, tc.cursor, tc.descending, got, tc.want)
		}
	}
	var small [9]byte
	if n := writeKeys(small[:], all, "", false); n != 8 {
		t.Errorf("9 bytes take %d bytes of keys, want two keys of 4", n)
	}
}

// TestFailedDirectorySync: an object whose directory entry may not be durable is
// not told to exist, or a retry would read its own bytes back and take them for
// durable.
func TestFailedDirectorySync(t *testing.T) {
	d, err := openBlobDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	sync, fails := d.sync, true
	failure := errors.New("directory is not synced")
	d.sync = func() error {
		if fails {
			return failure
		}
		return sync()
	}
	for range 2 {
		if err := d.put("object", [][]byte{[]byte("bytes")}, true); !errors.Is(err, failure) {
			t.Fatalf("put while the directory cannot be synced: %v", err)
		}
	}
	fails = false
	if err := d.put("object", [][]byte{[]byte("bytes")}, true); !errors.Is(err, fs.ErrExist) {
		t.Errorf("put after that: %v", err)
	}
}
