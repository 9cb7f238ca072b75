package artifact_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/veriproof/notary/host/artifact"
	"github.com/veriproof/notary/host/artifact/registrytest"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// module is the reference redactor of the ABI's document.
func module() ([]byte, error) {
	return build.Module(context.Background(), filepath.Join("..", "..", "sdk", "plugin", "testdata", "star"))
}

func mustModule(t *testing.T) []byte {
	t.Helper()
	m, err := module()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func Example() {
	server := httptest.NewServer(new(registrytest.Registry))
	defer server.Close()
	m, err := module()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	target, err := artifact.ParseTarget("oci://" + server.Listener.Addr().String() + "/plugins/star")
	if err != nil {
		fmt.Println(err)
		return
	}
	ref, err := artifact.Push(ctx, target, m, artifact.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := artifact.Fetch(ctx, ref, artifact.Options{})
	fmt.Println(bytes.Equal(m, back), err)
	// Output: true <nil>
}

// start runs a registry over TLS and returns it with a target there.
func start(t *testing.T) (*registrytest.Registry, artifact.Reference, artifact.Options) {
	t.Helper()
	r := new(registrytest.Registry)
	server := httptest.NewTLSServer(r)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return r, artifact.Reference{Registry: server.Listener.Addr().String(), Repository: "plugins/star"}, artifact.Options{Roots: roots}
}

func TestReferences(t *testing.T) {
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for text, ok := range map[string]bool{
		"oci://registry.example/a" + digest:              true,
		"oci://registry.example:5000/a/b-c_d.e" + digest: true,
		"oci://[::1]:5000/a" + digest:                    true,
		"oci://localhost/a" + digest:                     true,
		"oci://registry.example/a":                       false,
		"oci://registry.example/a:latest":                false,
		"oci://registry.example/a:1" + digest:            false,
		"oci://registry.example/a@sha256:0123":           false,
		"oci://registry.example/a" + digest + "0":        false,
		"oci://registry.example/a" + digest + digest:     false,
		"oci://registry.example/a@sha512" + digest[7:]:   false,
		"oci://registry.example/A" + digest:              false,
		"oci://Registry.example/a" + digest:              false,
		"oci://registry.example/../a" + digest:           false,
		"oci://registry.example//a" + digest:             false,
		"oci://user@registry.example/a" + digest:         false,
		"oci://registry.example" + digest:                false,
		"oci:///a" + digest:                              false,
		"https://registry.example/a" + digest:            false,
		"registry.example/a" + digest:                    false,
		"":                                               false,
		"@":                                              false,
	} {
		r, err := artifact.Parse(text)
		if (err == nil) != ok || err != nil && !errors.Is(err, artifact.ErrReference) {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
		if ok && r.String() != text {
			t.Errorf("%q is written as %q", text, r)
		}
	}
}

// TestPushIsDeterministic: a module has one digest, wherever it is pushed to.
func TestPushIsDeterministic(t *testing.T) {
	m, digests := mustModule(t), map[string]bool{}
	for range 2 {
		_, target, o := start(t)
		for range 2 { // once more: everything is there
			ref, err := artifact.Push(t.Context(), target, m, o)
			if err != nil {
				t.Fatal(err)
			}
			digests[ref.Digest] = true
			if back, err := artifact.Fetch(t.Context(), ref, o); err != nil || !bytes.Equal(back, m) {
				t.Errorf("%d bytes, %v", len(back), err)
			}
		}
	}
	if len(digests) != 1 {
		t.Errorf("digests %v", digests)
	}
	_, target, o := start(t)
	if _, err := artifact.Push(t.Context(), target, []byte("no module"), o); err == nil {
		t.Error("what is no plugin was pushed")
	}
}

// TestT65RegistryIsNotTrusted: a registry that sends something else is found out.
func TestT65RegistryIsNotTrusted(t *testing.T) {
	m := mustModule(t)
	for name, spoiled := range map[string]func(artifact.Reference) string{
		"module":   func(artifact.Reference) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(m)) },
		"manifest": func(r artifact.Reference) string { return r.Digest },
	} {
		registry, target, o := start(t)
		ref, err := artifact.Push(t.Context(), target, bytes.Clone(m), o)
		if err != nil {
			t.Fatal(err)
		}
		if !registry.Spoil(spoiled(ref)) {
			t.Fatalf("%s: nothing was spoiled", name)
		}
		if _, err := artifact.Fetch(t.Context(), ref, o); err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Another authority's certificate.
	_, target, _ := start(t)
	if _, err := artifact.Push(t.Context(), target, m, artifact.Options{Roots: x509.NewCertPool()}); err == nil {
		t.Error("a server that nothing vouches for was believed")
	}
}

// TestManifests: what is no artifact with one module of bearable size is refused before
// a byte of the module is fetched.
func TestManifests(t *testing.T) {
	registry, target, o := start(t)
	layer := func(mediaType, digest string, size int64) map[string]any {
		return map[string]any{"mediaType": mediaType, "digest": digest, "size": size}
	}
	good := "sha256:" + strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		manifest any
		want     string
	}{
		"no layer":    {map[string]any{"schemaVersion": 2}, "has 0 layers"},
		"two layers":  {map[string]any{"layers": []any{layer(artifact.LayerType, good, 8), layer(artifact.LayerType, good, 8)}}, "has 2 layers"},
		"an image":    {map[string]any{"layers": []any{layer(ocispec.MediaTypeImageLayerGzip, good, 8)}}, "of media type application/wasm"},
		"too big":     {map[string]any{"layers": []any{layer(artifact.LayerType, good, 5<<20)}}, "at most 4194304 bytes"},
		"no size":     {map[string]any{"layers": []any{layer(artifact.LayerType, good, 0)}}, "at most 4194304 bytes"},
		"weak digest": {map[string]any{"layers": []any{layer(artifact.LayerType, "md5:00", 8)}}, "want a sha256 digest"},
		"no object":   {"x", "manifest: json"},
		"too long":    {map[string]any{"annotations": map[string]any{"a": strings.Repeat("a", 1<<17)}}, "at most 65536"},
		"absent":      {map[string]any{"layers": []any{layer(artifact.LayerType, good, 8)}}, "module: "},
	} {
		b, err := json.Marshal(c.manifest)
		if err != nil {
			t.Fatal(err)
		}
		ref := target
		ref.Digest = registry.Add(ocispec.MediaTypeImageManifest, b)
		if _, err := artifact.Fetch(t.Context(), ref, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	target.Digest = good
	if _, err := artifact.Fetch(t.Context(), target, o); err == nil {
		t.Error("an artifact that does not exist was fetched")
	}
}

// TestCredentials: those in the file are used, and nothing of them gets into an
// error.
func TestCredentials(t *testing.T) {
	registry, target, o := start(t)
	registry.User, registry.Password = "robot", "pa55word"
	m := mustModule(t)
	file := func(password string) string {
		path := filepath.Join(t.TempDir(), "config.json")
		text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, target.Registry, base64.StdEncoding.EncodeToString([]byte("robot:"+password)))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		credentials string
		ok          bool
	}{"none": {"", false}, "wrong": {file("pa55w0rd"), false}, "right": {file("pa55word"), true}, "no file": {filepath.Join(t.TempDir(), "absent.json"), false}} {
		o.Credentials = c.credentials
		_, err := artifact.Push(t.Context(), target, m, o)
		if name == "no file" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		if (err == nil) != c.ok || err != nil && strings.Contains(err.Error(), "pa55") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("oci://registry.example/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	f.Add("oci://[::1]:5000/a@@")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := artifact.Parse(text); err == nil && r.String() != text {
			t.Errorf("%q was read as %q", text, r)
		}
	})
}
