package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/simtee"
)

// TestTrustKeep: keys that were fetched from the policy's issuer verify a bundle when
// the policy pins none, and what was kept once stays.
func TestTrustKeep(t *testing.T) {
	t.Parallel()
	m := sample(t)
	dir := t.TempDir()
	open := *m.policy
	simulated := *open.Simulated
	simulated.JWKS, open.Simulated = "", &simulated
	text, err := simtee.MarshalPolicy(&open)
	if err != nil {
		t.Fatal(err)
	}
	policy, ca, jwks := put(t, dir, "open.yaml", text), put(t, dir, "ca.pem", m.tee.MAACertificate()), put(t, dir, "jwks.json", m.tee.JWKS())
	trust := filepath.Join(dir, "trust")
	run := func(want int, says string, args ...string) string {
		t.Helper()
		status, stdout, stderr := m.run(t, args...)
		if status != want || !strings.Contains(stdout+stderr, says) {
			t.Errorf("notary %v: status %d, want %d and %q\n%s%s", args, status, want, says, stdout, stderr)
		}
		return stdout
	}
	run(exitIncomplete, "no trusted JWKS", "verify", "--policy", policy, "good.bundle")
	run(exitUsage, "store of trust material", "verify", "--policy", policy, "--trust", trust, "good.bundle")
	for range 2 {
		run(exitOK, "kept: 20", "trust", "keep", "--trust", trust, "--policy", policy, "--network", "--ca", ca)
	}
	run(exitOK, "[anchor: ", "verify", "--policy", policy, "--trust", trust, "good.bundle")
	run(exitOK, "verdict: verified", "attest", "verify", "--policy-file", policy, "--trust", trust, "good.bundle")
	run(exitOK, "verdict: verified", "verify", "--policy", policy, "--trust", trust, "good.bundle", "good.bundle")

	// Twice the same set is two lines, and one file.
	index, err := os.ReadFile(filepath.Join(trust, "index"))
	if lines := regexp.MustCompile(`(?m)^20\S+Z jwks [0-9a-f]{64} https://127\.0\.0\.1:\d+$`).FindAll(index, -1); err != nil || len(lines) != 2 {
		t.Errorf("%v: the index is\n%s", err, index)
	}
	if files, err := filepath.Glob(filepath.Join(trust, "*.json")); err != nil || len(files) != 1 {
		t.Errorf("%d key sets are kept, %v", len(files), err)
	}
	again := filepath.Join(dir, "again")
	run(exitOK, "kept: 2026-01-02T00:00:00Z jwks ", "trust", "keep", "--trust", again, "--jwks", jwks, "--issuer", m.tee.MAAURL(), "--at", "2026-01-02T00:00:00Z")
	run(exitOK, "verdict: verified", "verify", "--policy", policy, "--trust", again, "good.bundle")
	// Of another issuer they are not the token's keys; a policy's pin is not widened.
	other := filepath.Join(dir, "other")
	run(exitOK, "kept: ", "trust", "keep", "--trust", other, "--jwks", jwks, "--issuer", "https://b.example")
	run(exitIncomplete, "no trusted JWKS", "verify", "--policy", policy, "--trust", other, "good.bundle")
	run(exitOK, "key set pinned in the policy", "verify", "--policy", "policy.yaml", "--trust", again, "good.bundle")
	run(exitOK, "kept ones count only where it does not", "trust", "keep", "--trust", other, "--policy", "policy.yaml", "--network", "--ca", ca)

	for says, args := range map[string][]string{
		"certificate":                         {"--policy", policy, "--network"},
		"--policy and --network go together":  {"--policy", policy},
		"--jwks and --issuer go together":     {"--jwks", jwks},
		"there is nothing to keep":            {},
		"is in the future":                    {"--jwks", jwks, "--issuer", m.tee.MAAURL(), "--at", "2999-01-01T00:00:00Z"},
		"invalid key set":                     {"--jwks", policy, "--issuer", m.tee.MAAURL()},
		"AMD revocation list does not verify": {"--crl", jwks},
		"want its exact URL":                  {"--jwks", jwks, "--issuer", "b.example"},
		"--at is about files":                 {"--policy", policy, "--network", "--at", "2026-01-02T00:00:00Z"},
		"--ca is about servers":               {"--crl", jwks, "--ca", ca},
		"unexpected argument":                 {"x"},
		"is not a time such as":               {"--crl", jwks, "--at", "now"},
		"no such file":                        {"--crl", "nowhere.crl"},
	} {
		run(exitUsage, says, append([]string{"trust", "keep", "--trust", other}, args...)...)
	}
	for says, args := range map[string][]string{
		"hint: --ca names a file":                          {"--trust", other, "--policy", policy, "--network"},
		"hint: --ca wants a file":                          {"--trust", other, "--policy", policy, "--network", "--ca", "nowhere.pem"},
		"hint: --jwks wants what an MAA instance has":      {"--trust", other, "--jwks", policy, "--issuer", m.tee.MAAURL()},
		"hint: --crl wants a revocation list":              {"--trust", other, "--crl", jwks},
		"hint: --trust wants a directory that can be made": {"--trust", ca, "--crl", jwks},
		"hint: restore the directory of --trust":           {"--trust", filepath.Dir(put(t, t.TempDir(), "index", []byte("x"))), "--crl", jwks},
	} {
		run(exitUsage, says, append([]string{"trust", "keep"}, args...)...)
	}
	run(exitUsage, "hint: restore the directory", "verify", "--policy", policy, "--trust", filepath.Dir(put(t, t.TempDir(), "index", []byte("x"))), "good.bundle")
	run(exitUsage, "--trust is missing", "trust", "keep", "--crl", jwks)
}
