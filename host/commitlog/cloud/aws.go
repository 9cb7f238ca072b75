package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/go-sql-driver/mysql"
	"github.com/transparency-dev/tessera"
	driver "github.com/transparency-dev/tessera/storage/aws"

	"github.com/veriproof/notary/host/commitlog"
)

// Bounds of an exchange with the database, and of the connections to it.
const (
	databaseTimeout     = 30 * time.Second
	databaseConnections = 8
)

func (s *service) aws(ctx context.Context) (commitlog.Place, error) {
	dsn, err := readDSN(s.databaseFile)
	if err != nil {
		return commitlog.Place{}, err
	}
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return commitlog.Place{}, fmt.Errorf("configuration of AWS: %w", err)
	}
	tune := func(o *s3.Options) {
		if s.endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = aws.String(s.endpoint), true
		}
	}
	return commitlog.Place{
		Name:  "S3 bucket " + path.Join(s.bucket, s.prefix),
		Files: objects{s.prefix, (&s3Bucket{s3.NewFromConfig(c, tune), s.bucket}).get},
		Driver: func(ctx context.Context, witnesses *http.Client) (tessera.Driver, error) {
			return driver.New(ctx, driver.Config{
				SDKConfig: &c, S3Options: tune, Bucket: s.bucket, BucketPrefix: s.prefix, DSN: dsn,
				MaxOpenConns: databaseConnections, MaxIdleConns: databaseConnections, HTTPClient: witnesses,
			})
		},
	}, nil
}

// readDSN reads where the database is, and sets what must hold of the connections. Nothing
// of the file, which has a password, is repeated in an error.
func readDSN(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	d, err := mysql.ParseDSN(strings.TrimSpace(string(text)))
	if err != nil || d.DBName == "" {
		return "", fmt.Errorf("%s: want USER:PASSWORD@tcp(HOST:3306)/NAME?tls=true", name)
	}
	if d.Net != "unix" && d.TLSConfig != "true" {
		return "", fmt.Errorf("%s: a database across a network wants tls=true", name)
	}
	d.Timeout, d.ReadTimeout, d.WriteTimeout = databaseTimeout, databaseTimeout, databaseTimeout
	return d.FormatDSN(), nil
}

type s3Bucket struct {
	client *s3.Client
	name   string
}

func (b *s3Bucket) get(ctx context.Context, key string) (io.ReadCloser, error) {
	o, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	var none *types.NoSuchKey
	switch {
	case errors.As(err, &none):
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("read %s of bucket %s: %w", key, b.name, err)
	}
	return o.Body, nil
}
