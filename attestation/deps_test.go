package attestation

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const self = "github.com/veriproof/notary"

// verifying are the packages that appraise what they are given.
var verifying = []string{".", "./evidence", "./maa", "./policy", "./policy/azure", "./runtimedata", "./show", "./snp", "./transcript", "./truststore", "./uvm"}

// documented returns the modules in ARCHITECTURE.md that each have a reason there:
// those that all but the guest device need, and those that the device adds.
func documented(t *testing.T) (appraising, device []string) {
	t.Helper()
	b, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(b), "\n### attestation alone\n")
	for _, row := range regexp.MustCompile(`(?m)^\| (\S+) \| ([AD]) \| .{10,} \|$`).FindAllStringSubmatch(section, -1) {
		if row[2] == "A" {
			appraising = append(appraising, row[1])
		} else {
			device = append(device, row[1])
		}
	}
	if len(appraising) == 0 || len(device) == 0 {
		t.Fatal("ARCHITECTURE.md has no list of attestation's modules")
	}
	return appraising, device
}

// list runs go list -deps and returns import path, module and direct imports.
func list(t *testing.T, env []string, packages ...string) (deps map[string]string, imports map[string][]string) {
	t.Helper()
	args := append([]string{"list", "-deps", "-f", `{{.ImportPath}} {{with .Module}}{{.Path}}{{else}}-{{end}} {{join .Imports ","}}`}, packages...)
	cmd := exec.Command("go", args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps, imports = map[string]string{}, map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		deps[f[0]] = f[1]
		if len(f) == 3 {
			imports[f[0]] = strings.Split(f[2], ",")
		}
	}
	return deps, imports
}

// modules are those of deps, without the standard library and ourselves.
func modules(deps map[string]string) []string {
	set := map[string]bool{}
	for _, m := range deps {
		if m != "-" && m != self {
			set[m] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// TestDependencies: the packages know nothing of the notary, and need the modules
// that ARCHITECTURE.md lists and no others.
func TestDependencies(t *testing.T) {
	appraising, device := documented(t)
	slices.Sort(appraising)
	for _, packages := range [][]string{verifying, append([]string{"./challenge", "./simtee"}, verifying...)} {
		deps, _ := list(t, nil, packages...)
		if got := modules(deps); !slices.Equal(got, appraising) {
			t.Errorf("%v need %v, want %v", packages, got, appraising)
		}
	}
	all, _ := list(t, nil, "./...")
	both := slices.Sorted(slices.Values(slices.Concat(device, appraising)))
	if got := modules(all); !slices.Equal(got, both) {
		t.Errorf("all of attestation needs %v, want %v", got, both)
	}
	for path := range all {
		if rest, ours := strings.CutPrefix(path, self+"/"); ours && !strings.HasPrefix(rest, "attestation") {
			t.Errorf("attestation imports %s", path)
		}
	}
}

// TestNoNetworkForFiles: what appraises given Evidence has no way to the network.
// In a browser build it does not even link an HTTP client, and natively only the
// packages that fetch import one.
func TestNoNetworkForFiles(t *testing.T) {
	deps, _ := list(t, []string{"GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0"}, verifying...)
	for _, banned := range []string{"net/http", "crypto/tls", "os/exec", "net/rpc"} {
		if _, linked := deps[banned]; linked {
			t.Errorf("the browser build links %s", banned)
		}
	}
	_, imports := list(t, nil, "./...")
	may := []string{self + "/attestation/challenge", self + "/attestation/evidence", self + "/attestation/maa", self + "/attestation/simtee"}
	for path, direct := range imports {
		if !strings.HasPrefix(path, self) || slices.Contains(may, path) {
			continue
		}
		for _, i := range direct {
			if i == "net" || strings.HasPrefix(i, "net/http") || i == "syscall" || i == "crypto/tls" {
				t.Errorf("%s imports %s", path, i)
			}
		}
	}
	for _, path := range []string{self + "/attestation", self + "/attestation/snp", self + "/attestation/uvm", self + "/attestation/policy", self + "/attestation/show"} {
		if slices.Contains(imports[path], "os") {
			t.Errorf("%s imports os: it could read files or the environment", path)
		}
	}
}
