package stream

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestFlusherTellsWhatFdatasyncDoes: of a file, of one that is closed, and of what
// cannot be synced.
func TestFlusherTellsWhatFdatasyncDoes(t *testing.T) {
	f, err := newFlusher()
	if err != nil {
		t.Fatal(err) // on these machines there is one
	}
	defer f.close()
	file, closed := temporary(t), temporary(t)
	closed.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	for name, file := range map[string]*os.File{"file": file, "pipe": write, "closed": closed} {
		want := fdatasync(file)
		for range 2 { // it can be used again
			taken, got := f.datasync(file)
			if taken && !errors.Is(got, want) || !taken && want == nil {
				t.Errorf("%s: taken is %v, %v; fdatasync(2) says %v", name, taken, got, want)
			}
		}
		for _, called := range []bool{false, true} {
			if got := datasync(file, called); !errors.Is(got, want) {
				t.Errorf("%s, called is %v: %v, want %v", name, called, got, want)
			}
		}
	}
}

// TestFlusherIsRefused: where the kernel does not take the call, fdatasync(2) does it.
func TestFlusherIsRefused(t *testing.T) {
	for len(flushers) > 0 {
		(<-flushers).close()
	}
	file := temporary(t)
	if taken, err := new(flusher).datasync(file); taken || err == nil {
		t.Fatalf("a context that is none: taken is %v, %v", taken, err)
	}
	flushers <- new(flusher)
	if err := datasync(file, false); err != nil {
		t.Error(err)
	}
	<-flushers
}

// TestFloodedDirectory: what is appended is submitted to the kernel, but in a flood it is
// called, and no flusher needed.
func TestFloodedDirectory(t *testing.T) {
	flooded := false
	d, err := Open(t.TempDir(), Options{Flooded: func() bool { return flooded }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for n, c := range []struct {
		flooded bool
		want    int
	}{{true, 0}, {false, 1}, {true, 0}} {
		for len(flushers) > 0 {
			(<-flushers).close()
		}
		flooded = c.flooded
		mustAppend(t, d, "s", uint64(n), uint64(n), "body")
		if len(flushers) != c.want {
			t.Errorf("record %d, flooded is %v: %d flushers were used, want %d", n, flooded, len(flushers), c.want)
		}
	}
}

// TestFlushersAtOnce: more calls at a time than flushers are kept.
func TestFlushersAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 * cap(flushers) {
		file := temporary(t)
		wg.Go(func() {
			for i := range 20 {
				if _, err := file.WriteAt([]byte{byte(i)}, int64(i)); err != nil {
					t.Error(err)
				}
				if err := datasync(file, false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(flushers) == 0 || len(flushers) > cap(flushers) {
		t.Errorf("%d flushers are kept", len(flushers))
	}
}

func temporary(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
