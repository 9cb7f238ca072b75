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

	"github.com/veriproof/notary/plugins/redact-pii/detect"
	"github.com/veriproof/notary/sdk/plugin/abi"
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

// piiSource is the built-in redactor.
func piiSource(t testing.TB) Source {
	return Source{Name: "redact-pii", Kind: abi.KindRedactor, Module: buildGo(t, "github.com/veriproof/notary/plugins/redact-pii", abi.Manifest{
		ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Labels: detect.Labels(), Limits: abi.Limits{MemoryPages: 256},
		Name: "redact-pii", Version: "0.1.0", WASI: abi.WASIDeny,
	})}
}

// builtIn is the built-in redactor, loaded once for all tests and never closed.
var builtIn = sync.OnceValues(func() (*Set, error) {
	return Load(context.Background(), []Source{builtInSource}, Options{Concurrency: 2})
})

// builtInSource is set before builtIn is called: building needs a test to fail.
var builtInSource Source

func loadBuiltIn(t testing.TB) *Set {
	t.Helper()
	builtInSource = piiSource(t)
	s, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	return s
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
	src := piiSource(b)
	for b.Loop() {
		s, err := Load(b.Context(), []Source{src}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		s.Close(b.Context())
	}
}

func BenchmarkRedact64K(b *testing.B) {
	s := loadBuiltIn(b)
	in := batchText(64, 1<<10)
	b.SetBytes(64 << 10)
	for b.Loop() {
		edits, err := s.Redact(b.Context(), in)
		if err != nil || len(edits) == 0 {
			b.Fatalf("%d edits, error %v", len(edits), err)
		}
	}
	b.ReportMetric(float64(s.Counters()["redact-pii"].Discarded), "discarded")
}

// BenchmarkInstance is the price of a new instance from the image.
func BenchmarkInstance(b *testing.B) {
	s := loadBuiltIn(b)
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
	s := loadBuiltIn(b)
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

// BenchmarkFuel reports what a batch takes.
func BenchmarkFuel(b *testing.B) {
	s := loadBuiltIn(b)
	p := s.plugins[0]
	batch := split(batchText(64, 1<<10))[0]
	request, err := abi.AppendRequest(nil, batch.fields)
	if err != nil {
		b.Fatal(err)
	}
	var used uint64
	for b.Loop() {
		in, err := p.acquire(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		_, reason := in.exchange(withCall(b.Context(), &call{clock: clockCall}), abi.ExportRdxRedact, p.limits.Fuel, request)
		used = p.limits.Fuel - in.fuel.Get()
		p.release(in, reason != "")
		if reason != "" {
			b.Fatal(reason)
		}
	}
	b.ReportMetric(float64(used), "fuel")
}
