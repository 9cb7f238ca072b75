// Package examples_test keeps the documents true: what they name exists.
package examples_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/config"
)

// root is the project's directory, seen from here.
const root = ".."

// ours are the documents about the project as a whole.
var ours = []string{
	"README.md", "ARCHITECTURE.md", "RATIONALE.md", "LIMITATIONS.md", "CHANGELOG.md", "host/MEASURED.md", "host/OPERATING.md",
	"sdk/plugin/ABI.md", "plugins/README.md", "examples/README.md", "examples/quickstart/README.md", "examples/appraise/README.md", "examples/custom-redactor/README.md", "examples/exporters/README.md", "examples/redactor-assemblyscript/README.md", "examples/verify-python/README.md",
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// eachFile calls f for every file of the project that is not built.
func eachFile(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "build") {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() {
			f(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	fence = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")
	link  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// blocks returns the fenced blocks of a language.
func blocks(text, language string) (out []string) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			out = append(out, m[2])
		}
	}
	return out
}

// anchor is how a heading is linked to.
func anchor(heading string) string {
	heading = strings.ToLower(strings.TrimSpace(strings.TrimLeft(heading, "#")))
	heading = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(heading, "")
	return strings.ReplaceAll(heading, " ", "-")
}

// TestLinks: every relative link of every document leads to a file, and to a
// heading of it.
func TestLinks(t *testing.T) {
	eachFile(t, func(path string) {
		if filepath.Ext(path) != ".md" {
			return
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := fence.ReplaceAllString(string(b), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := path
			if target != "" {
				to = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
			} else if heading != "" && !hasHeading(t, to, heading) {
				t.Errorf("%s links to %s, which has no such heading", path, m[1])
			}
		}
	})
}

func hasHeading(t *testing.T, path, want string) bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") && anchor(line) == want {
			return true
		}
	}
	return false
}

// TestMakeTestWithoutCompiler: the race detector is the one thing that needs a C
// compiler. Where there is none "make test" says so and tests without it.
func TestMakeTestWithoutCompiler(t *testing.T) {
	for cgo, want := range map[string]string{
		"0": "make test: no C compiler, so without the race detector go test -timeout 15m ./...",
		// On all but some packages, and then what it can say nothing about.
		"1": "go test -race -timeout 15m ./... go test -timeout 15m -run '^(ALONE)$' ./host/otlpwire/ ./host/pluginhost/ ./host/session/ ./plugins/ ./sdk/bundle/",
	} {
		cmd := exec.CommandContext(t.Context(), "make", "-s", "-n", "-C", root, "test")
		// What a make around this test was told is not for this one.
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, "CGO_ENABLED="+cgo)
		out, err := cmd.Output()
		text := regexp.MustCompile(`(?m)^echo '(.*)'$`).ReplaceAllString(string(out), "$1")
		got := strings.Join(strings.Fields(regexp.MustCompile(`'-gcflags=[^']*=-race=false'`).ReplaceAllString(text, "")), " ")
		got = regexp.MustCompile(`\^\([A-Za-z0-9_|]*\|TestWorkIsLinear\|[A-Za-z0-9_|]*\)`).ReplaceAllString(got, "^(ALONE)") // one of them
		if err != nil || got != want {
			t.Errorf("with CGO_ENABLED=%s make test is %q, want %q: %v", cgo, got, want, err)
		}
	}
}

// TestMakeTargets: every target that a document names is in the Makefile.
func TestMakeTargets(t *testing.T) {
	makefile := read(t, "Makefile") + read(t, "plugins/plugins.mk")
	for _, name := range ours {
		for _, m := range regexp.MustCompile("(?m)(?:`|^)make ([a-z/-]+)(?:`|$)").FindAllStringSubmatch(read(t, name), -1) {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(m[1]) + `:`).MatchString(makefile) {
				t.Errorf("%s: there is no target %q", name, m[1])
			}
		}
	}
}

// usages returns the usage text of every command of the tool, by name.
func usages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob(filepath.Join(root, "host/cmd/notary/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			l, ok := n.(*ast.BasicLit)
			if !ok || l.Kind != token.STRING || !strings.HasPrefix(l.Value, "`usage: notary ") {
				return true
			}
			text := strings.Trim(l.Value, "`")
			name := strings.Fields(text)[2]
			out[name] += text
			return true
		})
	}
	if len(out) < 7 {
		t.Fatalf("found usage texts of %d commands only", len(out))
	}
	return out
}

// command finds a call of the tool: a command, and what follows.
var command = regexp.MustCompile("(?m)(?:^|`)(?:build/)?notary ([a-z]+)([^`\n]*)")

// TestCommands: every command, verb and flag of the tool that a document shows
// stands in the tool's own help.
func TestCommands(t *testing.T) {
	help := usages(t)
	for _, name := range ours {
		text := read(t, name)
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			usage, ok := help[m[1]]
			if !ok {
				t.Errorf("%s: the tool has no command %q", name, m[1])
				continue
			}
			for i, word := range strings.Fields(m[2]) {
				isFlag := strings.HasPrefix(word, "-")
				isVerb := i == 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(word)
				if (isFlag || isVerb) && !regexp.MustCompile(`(?m)[ ]`+regexp.QuoteMeta(word)+`([ \]]|$)`).MatchString(usage) {
					t.Errorf("%s: %q is not in the help of notary %s", name, word, m[1])
				}
			}
		}
	}
}

// TestExampleFlags: the flags by which documents call the examples are theirs.
func TestExampleFlags(t *testing.T) {
	call := regexp.MustCompile(`(?m)^go run \./examples/(\w+)(.*)$`)
	for _, name := range ours {
		for _, m := range call.FindAllStringSubmatch(read(t, name), -1) {
			source := read(t, "examples/"+m[1]+"/main.go")
			for _, word := range strings.Fields(m[2]) {
				if f := strings.TrimLeft(word, "-"); f != word && !strings.Contains(source, fmt.Sprintf("%q", f)) {
					t.Errorf("%s: example %s has no flag %q", name, m[1], f)
				}
			}
		}
	}
}

// TestConfiguration: the configuration that README.md writes is a good one, once
// the shell has put digests where they belong.
func TestConfiguration(t *testing.T) {
	found := regexp.MustCompile(`(?s)cat > notary\.yaml <<EOF\n(.*?\n)EOF\n`).FindStringSubmatch(read(t, "README.md"))
	if found == nil {
		t.Fatal("README.md writes no notary.yaml")
	}
	n := byte(0)
	text := regexp.MustCompile(`\$\((?:cut|hash)[^)]*\)`).ReplaceAllStringFunc(found[1], func(string) string {
		n++ // no two digests may be the same
		return hex.EncodeToString(bytes.Repeat([]byte{n}, 32))
	})
	if strings.Contains(text, "$") {
		t.Fatal("something is left for the shell")
	}
	if _, err := config.Parse("notary.yaml", []byte(text)); err != nil {
		t.Error(err)
	}
}

// TestCitedTests: a test that a document names as the proof of a claim exists.
func TestCitedTests(t *testing.T) {
	exists := map[string]bool{}
	eachFile(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(b), -1) {
			exists[m[1]] = true
		}
	})
	for _, name := range ours {
		for _, cited := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(read(t, name), -1) {
			if !exists[cited[1]] {
				t.Errorf("%s cites %s, which does not exist", name, cited[1])
			}
		}
	}
}

// TestPackagesAreOnTheMap: ARCHITECTURE.md names every package that others can
// import, and every program.
func TestPackagesAreOnTheMap(t *testing.T) {
	text := read(t, "ARCHITECTURE.md")
	packages := map[string]bool{}
	eachFile(t, func(path string) {
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.ToSlash(dir)
		top, _, _ := strings.Cut(dir, "/")
		if filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") && !strings.Contains(dir, "internal") && top != "examples" {
			packages[dir] = true
		}
	})
	for dir := range packages {
		if !strings.Contains(text, "`"+dir+"`") {
			t.Errorf("%s is not on the map", dir)
		}
	}
	if len(packages) < 20 {
		t.Errorf("only %d packages were found", len(packages))
	}
}

// dependencies returns the direct ones of go.mod.
func dependencies(t *testing.T) (out []string) {
	t.Helper()
	for line := range strings.Lines(read(t, "go.mod")) {
		f := strings.Fields(line)
		if len(f) == 2 && strings.HasPrefix(line, "\t") {
			out = append(out, f[0])
		}
	}
	if len(out) < 10 {
		t.Fatalf("go.mod seems to have %d direct dependencies", len(out))
	}
	return out
}

// linked returns the modules that a package is linked from.
func linked(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", pkg)
	cmd.Dir = root
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	out := map[string]bool{}
	for _, m := range strings.Fields(string(b)) {
		out[m] = true
	}
	return out
}

// TestDependencies: every direct dependency has one line of reason in
// ARCHITECTURE.md, none is listed that is gone, and the marks say truly what the
// verifier and the release binary link.
func TestDependencies(t *testing.T) {
	rows := map[string]string{}
	_, table, _ := strings.Cut(read(t, "ARCHITECTURE.md"), "\n## Dependencies\n")
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z0-9./_-]+\.[a-z0-9./_-]+) \| ([VNT ]+) \| .+ \|$`).FindAllStringSubmatch(table, -1) {
		rows[m[1]] = m[2]
	}
	verifier, release := linked(t, "./sdk/bundle"), linked(t, "./host/cmd/notary")
	direct := dependencies(t)
	for _, module := range direct {
		want := "T"
		switch {
		case verifier[module]:
			want = "V N"
		case release[module]:
			want = "N"
		}
		if rows[module] != want {
			t.Errorf("%s: ARCHITECTURE.md marks it %q, it is %q", module, rows[module], want)
		}
	}
	for module := range rows {
		if !slices.Contains(direct, module) {
			t.Errorf("%s is in ARCHITECTURE.md and no direct dependency", module)
		}
	}
}
