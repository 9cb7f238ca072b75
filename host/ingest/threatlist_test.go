package ingest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// threats are the attacks of senders, by their numbers in the list of attacks, and the
// tests that try each, by package.
var threats = []struct {
	number string
	attack string
	tests  map[string][]string
}{
	{"T50", "bombs of gzip", map[string][]string{"host/ingest": {"TestT50GzipBombs", "TestRefusedOverHTTP"}, "host/session": {"TestDenseRequests"}, "host/cmd/notary": {"TestFlood"}}},
	{"T51", "messages of a byte that take a thousand", map[string][]string{
		"host/ingest": {"TestT51EmptySubmessages", "TestRefusedOverHTTP"}, "host/session": {"TestSessionMemory"}, "host/cmd/notary": {"TestFlood"},
	}},
	{"T52", "nesting without end", map[string][]string{"host/otlpwire": {"TestT52DepthBomb"}, "host/cmd/notary": {"TestFlood"}}},
	{"T53", "connections and streams that trickle, idle or flood", map[string][]string{
		"host/ingest": {"TestT53SlowSenderOverHTTP", "TestSlowSender", "TestConnectionsAreLimited", "TestT53StrangersGiveWay", "TestT53KnownSendersFirst", "TestT53RefusalsThatNobodyTakes"}, "host/cmd/notary": {"TestFlood"},
	}},
	{"T54", "fields that no schema knows", map[string][]string{"host/otlpwire": {"TestT54UnknownFieldsAreDropped"}, "host/cmd/notary": {"TestNoPlaintextAtRest"}}},
	{"T55", "spans twice, late and out of order", map[string][]string{
		"host/session": {"TestT55AnySplitIsTheSameSession", "TestDuplicates", "TestConcurrentDuplicates", "TestEndOvertakesOthers"},
	}},
	{"T56", "text that others choke on", map[string][]string{"host/ingest": {"TestT56HostileText"}, "host/otlpjson": {"TestT56RefusedJSON"}}},
	{"T57", "what logs, metrics, answers and core dumps tell", map[string][]string{
		"host/control": {"TestNothingLeaks"}, "host/cmd/notary": {"TestNoPlaintextAtRest", "TestNoCoreDump"},
	}},
}

// TestThreatsHaveTests: each attack from T50 to T57 has tests, and they are there.
func TestThreatsHaveTests(t *testing.T) {
	if len(threats) != 8 {
		t.Errorf("%d attacks, want T50 to T57", len(threats))
	}
	for i, threat := range threats {
		if want := fmt.Sprint("T", 50+i); threat.number != want || len(threat.tests) == 0 {
			t.Errorf("%s stands where %s should, with tests in %d packages", threat.number, want, len(threat.tests))
		}
		for dir, names := range threat.tests {
			there := testsIn(t, filepath.Join("..", "..", filepath.FromSlash(dir)))
			for _, name := range names {
				if !there[name] {
					t.Errorf("%s, %s: package %s has no %s", threat.number, threat.attack, dir, name)
				}
			}
		}
	}
}

// testsIn returns the names of the functions of a package's test files, on any system.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	names := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}
