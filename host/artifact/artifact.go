// Package artifact brings plugin modules from and to an OCI registry: where do the
// bytes come from?
//
// It answers that question and no other. A registry is not trusted: modules are
// named by digest only, never by tag, manifest and module are held to their digests
// as they arrive, and whoever loads a module holds it once more to the SHA-256 that
// the measured configuration pins. A registry can refuse, be slow or be away; it
// cannot change what runs.
//
// An artifact is an OCI image manifest (image-spec 1.1) of artifact type [Type] with
// exactly one layer, the module as it is, of media type [LayerType]. The same module
// gives the same manifest, and so the same digest, whoever pushes it. Artifacts made
// by other tools are taken if they have one layer of a WebAssembly media type.
//
// Functions are safe for concurrent use. They speak HTTPS; plain HTTP is spoken to a
// registry on the loopback interface only.
package artifact

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	oras "oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

const (
	// Scheme is how a reference begins.
	Scheme = "oci://"
	// Type is the artifact type of what Push makes.
	Type = "application/vnd.veriproof.notary.plugin.v1"
	// LayerType is the media type of the module in it.
	LayerType = "application/wasm"

	maxManifest = 64 << 10
	// timeout bounds one request; a module has at most 4 MiB.
	timeout = 2 * time.Minute
)

// layerTypes are the media types under which a module is taken.
var layerTypes = []string{LayerType, "application/vnd.wasm.content.layer.v1+wasm"}

// ErrReference is what every error about the form of a reference is.
var ErrReference = errors.New("artifact: not a reference")

// A Reference names an artifact: oci://REGISTRY/REPOSITORY@sha256:DIGEST.
type Reference struct {
	Registry, Repository string
	// Digest of the manifest, "sha256:…", or "" in the target of a push.
	Digest string
}

// The forms are those of the distribution spec 1.1, hosts in lower case.
var (
	hostForm       = regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?$`)
	repositoryForm = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	digestForm     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// IsReference reports whether a text means to be a reference, and not a path.
func IsReference(text string) bool { return strings.HasPrefix(text, Scheme) }

// Parse reads a reference with its digest. A tag is refused: what it names can be
// changed by whoever has the registry.
func Parse(text string) (Reference, error) {
	target, digest, _ := strings.Cut(text, "@")
	r, err := ParseTarget(target)
	if err != nil || !digestForm.MatchString(digest) {
		return Reference{}, fmt.Errorf("%w: %.200q: write oci://REGISTRY/REPOSITORY@sha256:DIGEST, by digest and without a tag", ErrReference, text)
	}
	r.Digest = digest
	return r, nil
}

// ParseTarget reads where something is pushed to: oci://REGISTRY/REPOSITORY.
func ParseTarget(text string) (Reference, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	host, repository, _ := strings.Cut(rest, "/")
	if !ok || !hostForm.MatchString(host) || len(repository) > 255 || !repositoryForm.MatchString(repository) {
		return Reference{}, fmt.Errorf("%w: %.200q: write oci://REGISTRY/REPOSITORY", ErrReference, text)
	}
	return Reference{Registry: host, Repository: repository}, nil
}

// String is the inverse of Parse and ParseTarget.
func (r Reference) String() string {
	if r.Digest == "" {
		return Scheme + r.Registry + "/" + r.Repository
	}
	return Scheme + r.Registry + "/" + r.Repository + "@" + r.Digest
}

// Options say how to reach a registry.
type Options struct {
	// Credentials is the path of a file in the form of Docker's config.json. Only
	// what stands in it is used; no helper program is run. Empty means anonymous.
	Credentials string
	// Roots are the authorities that TLS is checked by; nil means the system's.
	Roots *x509.CertPool
}

// Fetch returns the module of an artifact. Both digests, that of the manifest in the
// reference and that of the module in the manifest, have been checked.
func Fetch(ctx context.Context, r Reference, o Options) ([]byte, error) {
	module, err := fetch(ctx, r, o)
	if err != nil {
		return nil, fmt.Errorf("artifact: fetch %v: %w", r, err)
	}
	return module, nil
}

func fetch(ctx context.Context, r Reference, o Options) ([]byte, error) {
	repo, err := open(r, o)
	if err != nil {
		return nil, err
	}
	layer, err := fetchManifest(ctx, repo, r.Digest)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	module, err := content.FetchAll(ctx, repo.Blobs(), layer)
	if err != nil {
		return nil, fmt.Errorf("module: %w", err)
	}
	return module, nil
}

// fetchManifest returns the one layer of the manifest.
func fetchManifest(ctx context.Context, repo *remote.Repository, digest string) (ocispec.Descriptor, error) {
	desc, body, err := repo.Manifests().FetchReference(ctx, digest)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer body.Close()
	if desc.Size > maxManifest {
		return ocispec.Descriptor{}, fmt.Errorf("has %d bytes, at most %d", desc.Size, maxManifest)
	}
	b, err := content.ReadAll(body, desc)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	// The client has checked what the registry says that it sent. This is about
	// what was asked for.
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(b)); got != digest {
		return ocispec.Descriptor{}, fmt.Errorf("has digest %s", got)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return ocispec.Descriptor{}, err
	}
	if len(m.Layers) != 1 || !slices.Contains(layerTypes, m.Layers[0].MediaType) {
		return ocispec.Descriptor{}, fmt.Errorf("has %d layers; want one, of media type %s", len(m.Layers), LayerType)
	}
	layer := m.Layers[0]
	if !digestForm.MatchString(string(layer.Digest)) || layer.Size <= 0 || layer.Size > abi.MaxModule {
		return ocispec.Descriptor{}, fmt.Errorf("names a module %.80q of %d bytes; want a sha256 digest, and at most %d bytes", layer.Digest, layer.Size, abi.MaxModule)
	}
	return layer, nil
}

// Push stores a module as an artifact and returns its reference. The manifest holds
// what the module itself says and no time, so that the digest is the module's.
func Push(ctx context.Context, target Reference, module []byte, o Options) (Reference, error) {
	r, err := push(ctx, target, module, o)
	if err != nil {
		return Reference{}, fmt.Errorf("artifact: push to %v: %w", target, err)
	}
	return r, nil
}

func push(ctx context.Context, r Reference, module []byte, o Options) (Reference, error) {
	m, err := abi.ReadManifest(module)
	if err != nil {
		return r, err
	}
	repo, err := open(r, o)
	if err != nil {
		return r, err
	}
	layer := content.NewDescriptorFromBytes(LayerType, module)
	there, err := repo.Exists(ctx, layer)
	if err == nil && !there {
		err = repo.Blobs().Push(ctx, layer, bytes.NewReader(module))
	}
	if err != nil {
		return r, fmt.Errorf("module: %w", err)
	}
	desc, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, Type, oras.PackManifestOptions{
		Layers: []ocispec.Descriptor{layer},
		ManifestAnnotations: map[string]string{
			ocispec.AnnotationCreated: "1970-01-01T00:00:00Z",
			ocispec.AnnotationTitle:   m.Name,
			ocispec.AnnotationVersion: m.Version,
		},
	})
	if err != nil {
		return r, fmt.Errorf("manifest: %w", err)
	}
	r.Digest = string(desc.Digest)
	return r, nil
}

func open(r Reference, o Options) (*remote.Repository, error) {
	repo, err := remote.NewRepository(r.Registry + "/" + r.Repository)
	if err != nil {
		return nil, err
	}
	repo.PlainHTTP = o.Roots == nil && loopback(r.Registry)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}
	client := &auth.Client{
		Client: &http.Client{Transport: retry.NewTransport(transport), Timeout: timeout},
		Cache:  auth.NewCache(),
	}
	client.SetUserAgent("veriproof-notary")
	if o.Credentials != "" {
		if _, err := os.Stat(o.Credentials); err != nil { // the store takes an absent file for an empty one
			return nil, fmt.Errorf("credentials: %w", err)
		}
		store, err := credentials.NewFileStore(o.Credentials)
		if err != nil {
			return nil, fmt.Errorf("credentials: %w", err)
		}
		client.Credential = credentials.Credential(store)
	}
	repo.Client = client
	return repo, nil
}

// loopback reports whether a registry is on this machine: nobody is on the way.
func loopback(registry string) bool {
	host, _, err := net.SplitHostPort(registry)
	if err != nil {
		host = strings.Trim(registry, "[]")
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
