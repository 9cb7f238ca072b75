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
		if got := datasync(file); !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
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
	if err := datasync(file); err != nil {
		t.Error(err)
	}
	<-flushers
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
				if err := datasync(file); err != nil {
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
