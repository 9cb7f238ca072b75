package attestation

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const self = "github.com/veriproof/notary"

// verifying are the packages that a relying party links.
var verifying = []string{".", "./evidence", "./maa", "./policy", "./runtimedata", "./show", "./snp", "./transcript", "./uvm"}

// verifierModules are the modules that they need, each with its reason.
var verifierModules = map[string]string{
	"github.com/golang-jwt/jwt/v5": "RS256 and the time claims of MAA tokens; header, JSON and claims are read by package maa",
	"github.com/veraison/go-cose":  "COSE_Sign1 of the UVM endorsements, PS384 and ES384",
	"github.com/fxamacker/cbor/v2": "CBOR below go-cose",
	"github.com/x448/float16":      "half-precision numbers below cbor",
	"go.yaml.in/yaml/v4":           "policy files",
}

// deviceModules are those that the guest device adds, which no verifier links.
var deviceModules = map[string]string{
	"github.com/google/go-sev-guest":    "ioctls of /dev/sev-guest and configfs-tsm",
	"github.com/google/go-configfs-tsm": "the kernel's report interface below go-sev-guest",
	"github.com/google/logger":          "logging of go-sev-guest",
	"github.com/google/uuid":            "names in certificate tables, in go-sev-guest",
	"go.uber.org/multierr":              "errors of go-configfs-tsm",
	"golang.org/x/crypto":               "DER in go-sev-guest",
	"golang.org/x/sys":                  "system calls of go-sev-guest",
	"google.golang.org/protobuf":        "messages of go-sev-guest",
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

// TestDependencies: the packages know nothing of the notary, and need the listed
// modules and no others.
func TestDependencies(t *testing.T) {
	deps, _ := list(t, nil, verifying...)
	if got, want := modules(deps), slices.Sorted(maps.Keys(verifierModules)); !slices.Equal(got, want) {
		t.Errorf("a verifier needs %v, want %v", got, want)
	}
	all, _ := list(t, nil, "./...")
	both := maps.Clone(verifierModules)
	maps.Copy(both, deviceModules)
	if got, want := modules(all), slices.Sorted(maps.Keys(both)); !slices.Equal(got, want) {
		t.Errorf("all of attestation needs %v, want %v", got, want)
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
