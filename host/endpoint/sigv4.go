package endpoint

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// SigV4 signs requests as S3 and what is like it ask for (AWS Signature Version 4), for
// a region. The file holds "ID:SECRET", or "ID:SECRET:TOKEN" for a key that is valid for
// a while, and is read for each request. The bodies of writes are signed, and go with
// their SHA-256 as a checksum, which buckets with a policy of retention ask for.
func SigV4(path, region string) Credential {
	return &sigV4{path: path, region: region, now: time.Now, signer: v4.NewSigner(func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true // S3's rule, unlike that of all other services
	})}
}

type sigV4 struct {
	path, region string
	now          func() time.Time
	signer       *v4.Signer
}

func (s *sigV4) check() error {
	if s.region == "" {
		return errors.New("credential: there is no region to sign for")
	}
	_, err := s.read()
	return err
}

func (s *sigV4) read() (aws.Credentials, error) {
	text, err := readSecret(s.path)
	if err != nil {
		return aws.Credentials{}, err
	}
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return aws.Credentials{}, fmt.Errorf("file %s holds no access key: it is ID:SECRET, or ID:SECRET:TOKEN", filepath.Base(s.path))
	}
	c := aws.Credentials{AccessKeyID: parts[0], SecretAccessKey: parts[1]}
	if len(parts) == 3 {
		c.SessionToken = parts[2]
	}
	return c, nil
}

func (s *sigV4) apply(ctx context.Context, r *http.Request, b *body) error {
	c, err := s.read()
	if err != nil {
		return err
	}
	h := sha256.New()
	_, _ = io.Copy(h, b.reader()) // readers of memory do not fail
	sum := h.Sum(nil)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum))
	if r.Method == http.MethodPut {
		r.Header.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum))
	}
	if err := s.signer.SignHTTP(ctx, c, r, hex.EncodeToString(sum), "s3", s.region, s.now()); err != nil {
		return errors.New("credential: the request cannot be signed")
	}
	return nil
}
