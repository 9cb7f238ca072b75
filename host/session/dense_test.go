//go:build !race

// What one request takes is measured here while it is redacted. The race detector makes that take six times as long:
// what is done in several goroutines meanwhile it watches in the tests of pluginhost.

package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// builtIn loads the redactors of the project.
func builtIn(t *testing.T) *pluginhost.Set {
	t.Helper()
	var src []pluginhost.Source
	for _, name := range []string{"redact-pii", "redact-secrets"} {
		m, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", name))
		if err != nil {
			t.Fatal(err)
		}
		src = append(src, pluginhost.Source{Name: name, Kind: abi.KindRedactor, Module: m})
	}
	set, err := pluginhost.Load(t.Context(), src, pluginhost.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close(context.Background()) })
	return set
}

// peakLive returns by how much the memory in use grew at most while f ran.
func peakLive(f func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // the collector looks often
	runtime.GC()
	before, over, ended := live(), make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		for {
			select {
			case <-over:
				ended <- peak
				return
			default:
				peak = max(peak, live())
				runtime.Gosched()
			}
		}
	}()
	f()
	close(over)
	return <-ended - before
}

// TestDenseRequests (T50): what redactors are shown, and what they find, takes many times the
// memory of a text that is made for it. It is in the budget before it is allocated, and what was
// taken at first is taken in the end.
func TestDenseRequests(t *testing.T) {
	exported := inBudget(t)
	inString := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	number := 0
	address := func() string { number++; return fmt.Sprintf("customer.number.%06d@example.com, ", number) }
	for name, value := range map[string]func() string{
		"prose":                      func() string { return strings.Repeat("prose and ", 100_000) },
		"numbers in JSON":            func() string { return "[" + strings.Repeat("1,", 500_000) + `"\n"]` },
		"strings in JSON in strings": func() string { return inString("[" + strings.Repeat(`"a",`, 150_000) + `"ann@bcd.example\n"]`) },
		"line breaks":                func() string { return strings.Repeat(`\n`, 500_000) + "ann@bcd.example" },
		"addresses in JSON":          func() string { return "[" + strings.Repeat(`"ann@bcd.example",`, 50_000) + `"\n"]` },
		"one address":                func() string { return strings.Repeat("ann@bcd.example\n\n", 60_000) },
		"different addresses": func() string {
			var b strings.Builder
			for b.Len() < 1<<20-100 {
				b.WriteString(address())
			}
			return b.String()
		},
	} {
		s := span("x")
		for i := range 4 {
			s.Attributes = append(s.Attributes, text(fmt.Sprint("k", i), value()))
		}
		exported(name, request("s", s))
	}
}

// TestRequestsOfManyTexts (T50): what is noted of each text is in the budget, too, of texts
// that are alike and of others, and of what is found in them.
func TestRequestsOfManyTexts(t *testing.T) {
	exported := inBudget(t)
	for name, value := range map[string]func(i int) string{
		"all alike":             func(int) string { return "chat" },
		"all different":         func(i int) string { return strconv.Itoa(i) },
		"an address in each":    func(int) string { return "ann@bcd.example" },
		"another in each":       func(i int) string { return fmt.Sprintf("ann%d@bcd.example", i) },
		"an escape in each":     func(int) string { return `ann\u0040bcd.example` },
		"an address in a dozen": func(i int) string { return fmt.Sprintf("ann%d@bcd.example", i%12) },
	} {
		s := span("x")
		for i := range 60_000 {
			s.Attributes = append(s.Attributes, text("k", value(i)))
		}
		exported(name, request("s", s))
	}
}

// inBudget starts a notary with the redactors of the project, and returns what exports a
// request and holds the memory that it takes to what was reserved for it.
func inBudget(t *testing.T) func(name string, body []byte) {
	t.Helper()
	w := newWorld(t)
	var reserved atomic.Int64
	set := builtIn(t)
	w.tune = func(o *session.Options) {
		o.Redactor, o.Store = set, forgetful{w.store}
		o.Reserve = func(_ context.Context, n int64) error { reserved.Store(max(n, reserved.Load())); return nil }
	}
	n := w.start()
	return func(name string, body []byte) {
		reserved.Store(0)
		var err error
		peak := peakLive(func() { _, err = n.Export(t.Context(), "acme", otlpwire.Traces, body) })
		took := peak + int64(len(body)) // it was there before
		t.Logf("%s: %d MiB, reserved %d, in use %d", name, len(body)>>20, reserved.Load()>>20, took>>20)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if most := reserved.Load() + 4<<20; took > most {
			t.Errorf("%s: %d MiB are in use, %d were taken from the budget", name, took>>20, reserved.Load()>>20)
		}
	}
}
