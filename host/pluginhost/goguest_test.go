package pluginhost

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// buildGo builds a plugin of this repository for wasip1, once per test run.
func buildGo(t testing.TB, pkg string, m abi.Manifest) []byte {
	t.Helper()
	once, _ := goBuilds.LoadOrStore(pkg, sync.OnceValues(func() ([]byte, error) {
		dir, err := os.MkdirTemp("", "plugin")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		out := filepath.Join(dir, "plugin.wasm")
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-buildmode=c-shared", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
		if msg, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build: %w\n%s", err, msg)
		}
		return os.ReadFile(out)
	}))
	plain, err := once.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	stripped, err := abi.StripCustom(plain)
	if err != nil {
		t.Fatal(err)
	}
	module, err := abi.AppendManifest(stripped, &m)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

var goBuilds sync.Map

// goSource is a redactor of mailbox addresses in Go: the heaviest guests there are.
func goSource(t testing.TB) Source {
	return Source{Name: "mailbox", Kind: abi.KindRedactor, Module: buildGo(t, "./internal/mailbox", abi.Manifest{
		ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Labels: []string{"EMAIL"}, Limits: abi.Limits{MemoryPages: 256},
		Name: "mailbox", Version: "0.1.0", WASI: abi.WASIDeny,
	})}
}

// goGuest is the redactor in Go, loaded once for all tests and never closed.
var goGuest = sync.OnceValues(func() (*Set, error) {
	return Load(context.Background(), []Source{goGuestSource}, Options{Concurrency: 2})
})

// goGuestSource is set before goGuest is called: building needs a test to fail.
var goGuestSource Source

func loadGo(t testing.TB) *Set {
	t.Helper()
	goGuestSource = goSource(t)
	s, err := goGuest()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// loadBuiltIn loads redact-pii as it is checked in, and others.
func loadBuiltIn(t testing.TB, others ...string) *Set {
	t.Helper()
	var sources []Source
	for _, name := range append([]string{"redact-pii"}, others...) {
		sources = append(sources, Source{Name: name, Kind: abi.KindRedactor, Module: builtInModule(t, name)})
	}
	s, err := Load(t.Context(), sources, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func builtInModule(t testing.TB, name string) []byte {
	t.Helper()
	module, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", name))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// batchText returns n fields of about size bytes each with things to find.
func batchText(n, size int) []Field {
	var out []Field
	for i := range n {
		var b strings.Builder
		for k := 0; b.Len() < size; k++ {
			fmt.Fprintf(&b, "Dear user %d, thank you for your patience with request no. %d. ", i, k)
			if k%8 == 0 {
				fmt.Fprintf(&b, "Write to user%d.%d@example.com. ", i, k)
			}
		}
		out = append(out, Field{Text: []byte(b.String()[:size]), Role: abi.RoleUser, Group: uint32(i)})
	}
	return out
}

func BenchmarkLoadGo(b *testing.B) {
	src := goSource(b)
	for b.Loop() {
		s, err := Load(b.Context(), []Source{src}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		s.Close(b.Context())
	}
}

func BenchmarkRedact64K(b *testing.B) {
	s := loadGo(b)
	in := batchText(64, 1<<10)
	b.SetBytes(64 << 10)
	for b.Loop() {
		edits, err := s.Redact(b.Context(), in)
		if err != nil || len(edits) == 0 {
			b.Fatalf("%d edits, error %v", len(edits), err)
		}
	}
	b.ReportMetric(float64(s.Counters()["mailbox"].Discarded), "discarded")
}

// BenchmarkInstance is the price of a new instance from the image.
func BenchmarkInstance(b *testing.B) {
	s := loadGo(b)
	p := s.plugins[0]
	for b.Loop() {
		in, err := p.fromImage(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		in.mod.Close(b.Context())
	}
	b.ReportMetric(float64(len(p.image.memory)), "image-bytes")
}

// BenchmarkRestore is the price of putting the image back after a batch.
func BenchmarkRestore(b *testing.B) {
	s := loadGo(b)
	p := s.plugins[0]
	in, err := p.acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer p.release(in, false)
	for b.Loop() {
		if !in.restore(&p.image) {
			b.Fatal("not restored")
		}
	}
}

// requestOf returns what a guest gets of a batch.
func requestOf(t testing.TB, b *batch) []byte {
	t.Helper()
	size, err := b.layout.Size()
	if err != nil {
		t.Fatal(err)
	}
	request := make([]byte, size)
	b.put(request)
	return request
}

// BenchmarkFuel reports what a batch takes.
func BenchmarkFuel(b *testing.B) {
	s := loadGo(b)
	p := s.plugins[0]
	batch := split(batchText(64, 1<<10), nil)[0]
	request := requestOf(b, &batch)
	var used int64
	for b.Loop() {
		in, err := p.acquire(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		c := &call{clock: clockCall}
		_, reason := in.exchange(withCall(b.Context(), c), abi.ExportRdxRedact, p.limits.Fuel, request)
		used = int64(p.limits.Fuel) - in.left(c)
		p.release(in, reason != "")
		if reason != "" {
			b.Fatal(reason)
		}
	}
	b.ReportMetric(float64(used), "fuel")
}
