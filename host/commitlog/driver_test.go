package commitlog

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/transparency-dev/tessera"
)

// A bucket is where drivers put a checkpoint, and the lock under which they do.
type bucket struct {
	dir       string
	publishes sync.Mutex
}

// An unnoted driver publishes one checkpoint, as Tessera's for AWS does whose note of that fails:
// the context of its appender has ended, or the program.
type unnoted struct {
	*bucket
	once sync.Once
}

type unnotedReader struct{ Files }

func (unnotedReader) IntegratedSize(context.Context) (uint64, error) { return 0, nil }
func (unnotedReader) NextIndex(context.Context) (uint64, error)      { return 0, nil }

func (d *unnoted) Appender(ctx context.Context, opts *tessera.AppendOptions) (*tessera.Appender, tessera.LogReader, error) {
	reader := unnotedReader{Directory(d.dir)}
	d.once.Do(func() {
		d.publishes.Lock()
		text, err := opts.CheckpointPublisher(reader, http.DefaultClient)(ctx, 0, nil)
		if err == nil {
			_ = os.WriteFile(filepath.Join(d.dir, "checkpoint"), text, 0o600)
		}
		go func() {
			<-ctx.Done() // what was to be noted is rolled back
			d.publishes.Unlock()
		}()
	})
	return &tessera.Appender{Add: func(context.Context, *tessera.Entry) tessera.IndexFuture { return nil }}, reader, nil
}

// TestPlaceBegunTwice: a program that begins a log while another does, and gets the lock before
// the other has noted that it published, does not sign over the other's checkpoint.
func TestPlaceBegunTwice(t *testing.T) {
	b := &bucket{dir: t.TempDir()}
	first, late := make(chan struct{}), make(chan struct{})
	place := func(before func()) Place {
		return Place{Name: "a bucket", Files: Directory(b.dir), Driver: func(context.Context, *http.Client) (tessera.Driver, error) {
			before()
			return &unnoted{bucket: b}, nil
		}}
	}
	second := make(chan error, 1)
	go func() {
		l, err := OpenPlace(t.Context(), place(func() { close(late); <-first }), t.TempDir(), origin, Options{})
		if err == nil {
			err = l.Close()
		}
		second <- err
	}()
	<-late // it has seen that there is no log
	l, err := OpenPlace(t.Context(), place(func() {}), t.TempDir(), origin, Options{})
	close(first)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := <-second; !errors.Is(err, ErrKey) {
		t.Errorf("the second: %v, want ErrKey", err)
	}
	if _, err := l.current(); err != nil {
		t.Errorf("the first has lost its checkpoint: %v", err)
	}
}

// TestInitMySQLHoldsDirectory: nobody can begin a log in a directory between the look at it and the lock.
func TestInitMySQLHoldsDirectory(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	if _, err := InitMySQL(t.Context(), MySQLOptions{}, dir, origin); !errors.Is(err, ErrInUse) {
		t.Errorf("an open log: %v, want ErrInUse", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := InitMySQL(t.Context(), MySQLOptions{}, dir, origin); !errors.Is(err, ErrDirectory) {
		t.Errorf("a closed one: %v, want ErrDirectory", err)
	}
}
