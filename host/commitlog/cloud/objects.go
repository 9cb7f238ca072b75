package main

import (
	"context"
	"fmt"
	"io"
	"path"

	"github.com/transparency-dev/tessera/api/layout"
)

// maxObject bounds what is read: a bundle of 256 entries of at most 64 KiB.
const maxObject = 16 << 20

// objects are the files of a log in a bucket, as commitlog.Files, where Tessera's drivers
// put them.
type objects struct {
	prefix string
	get    func(ctx context.Context, key string) (io.ReadCloser, error)
}

func (o objects) read(ctx context.Context, name string) ([]byte, error) {
	r, err := o.get(ctx, path.Join(o.prefix, name))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxObject+1))
	if err == nil && len(b) > maxObject {
		err = fmt.Errorf("%s is longer than %d bytes", name, maxObject)
	}
	return b, err
}

// ReadCheckpoint implements commitlog.Files.
func (o objects) ReadCheckpoint(ctx context.Context) ([]byte, error) {
	return o.read(ctx, layout.CheckpointPath)
}

// ReadTile implements commitlog.Files.
func (o objects) ReadTile(ctx context.Context, level, index uint64, p uint8) ([]byte, error) {
	return o.read(ctx, layout.TilePath(level, index, p))
}

// ReadEntryBundle implements commitlog.Files.
func (o objects) ReadEntryBundle(ctx context.Context, index uint64, p uint8) ([]byte, error) {
	return o.read(ctx, layout.EntriesPath(index, p))
}
