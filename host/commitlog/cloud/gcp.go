package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"

	"cloud.google.com/go/storage"
	"github.com/transparency-dev/tessera"
	driver "github.com/transparency-dev/tessera/storage/gcp"
	"google.golang.org/api/option"

	"github.com/veriproof/notary/host/commitlog"
)

func (s *service) gcp(ctx context.Context, options ...option.ClientOption) (commitlog.Place, error) {
	client, err := storage.NewClient(ctx, append(options, storage.WithJSONReads())...)
	if err != nil {
		return commitlog.Place{}, fmt.Errorf("client of Cloud Storage: %w", err)
	}
	return commitlog.Place{
		Name:  "Cloud Storage bucket " + path.Join(s.bucket, s.prefix),
		Files: objects{s.prefix, (&gcsBucket{client.Bucket(s.bucket), s.bucket}).get},
		Driver: func(ctx context.Context, witnesses *http.Client) (tessera.Driver, error) {
			return driver.New(ctx, driver.Config{
				GCSClient: client, Bucket: s.bucket, BucketPrefix: s.prefix, Spanner: s.spanner, HTTPClient: witnesses,
			})
		},
	}, nil
}

type gcsBucket struct {
	*storage.BucketHandle
	name string
}

func (b *gcsBucket) get(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := b.Object(key).NewReader(ctx)
	switch {
	case errors.Is(err, storage.ErrObjectNotExist):
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("read %s of bucket %s: %w", key, b.name, err)
	}
	return r, nil
}
