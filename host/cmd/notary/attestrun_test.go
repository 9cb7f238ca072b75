package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/simtee"
)

// A token counts under the keys that are given, from the issuer that is named, in
// its time.
func TestAttestToken(t *testing.T) {
	m := sample(t)
	dir := t.TempDir()
	p, err := readParts(m.path("good.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	jwks, token := put(t, dir, "jwks.json", m.tee.JWKS()), put(t, dir, "maa.jwt", append(p.token, '\n'))
	changed := put(t, dir, "changed.jwt", flipped(p.token, len(p.token)-8))
	other, err := simtee.New(simtee.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	foreign := put(t, dir, "foreign.json", other.JWKS())
	for _, c := range []struct {
		name   string
		args   []string
		want   int
		stdout string
	}{
		{"good", []string{"--jwks", jwks, "--issuer", m.tee.MAAURL(), token}, 0, "verdict: genuine"},
		{"issuer not pinned", []string{"--jwks", jwks, token}, 0, "note: the issuer was not pinned"},
		{"json", []string{"--jwks", jwks, "--json", token}, 0, `"name": "maa.runtime-data"`},
		{"other issuer", []string{"--jwks", jwks, "--issuer", "https://contoso.weu.attest.azure.net", token}, 3, "token is from another issuer"},
		{"changed", []string{"--jwks", jwks, changed}, 2, "verdict: failed"},
		{"keys of somebody else", []string{"--jwks", foreign, token}, 2, "verdict: failed"},
		{"not a token", []string{"--jwks", jwks, jwks}, 2, "verdict: failed"},
		{"too late", []string{"--jwks", jwks, "--at", "2100-01-01T00:00:00Z", token}, 4, "verdict: failed"},
		{"too early", []string{"--jwks", jwks, "--at", "2020-01-01T00:00:00Z", token}, 4, "verdict: failed"},
	} {
		status, stdout, stderr := tool(append([]string{"attest", "token"}, c.args...)...)
		if status != c.want || !strings.Contains(stdout, c.stdout) {
			t.Errorf("%s: status %d, want %d with %q\n%s%s", c.name, status, c.want, c.stdout, stdout, stderr)
		}
	}
}

// The way of a relying party: challenge a running notary, keep its Evidence, make a
// policy of it, and from then on accept this notary and no other.
func TestAttestFetch(t *testing.T) {
	m := newMachine(t, setting{})
	p := m.start(t)
	url := "https://" + p.ready.Control
	first, file := m.path("first"), m.path("first.yaml")
	want := func(status int, what string, args ...string) string {
		t.Helper()
		got, stdout, stderr := m.run(t, args...)
		if got != status || !strings.Contains(stdout+stderr, what) {
			t.Fatalf("%v: status %d, want %d with %q\n%s%s", args, got, status, what, stdout, stderr)
		}
		return stdout
	}
	// Without a policy nobody's hardware and nobody's code was asked for: anybody can
	// answer a challenge about keys of his own.
	want(exitIncomplete, "verdict: incomplete", "attest", "fetch", url)
	want(exitIncomplete, "nothing was compared with a policy", "attest", "fetch", "-o", first, url)
	if _, err := os.Stat(filepath.Join(first, "notary.pem")); err == nil {
		t.Error("notary.pem is there without a verdict")
	}
	want(0, "runtime-data.json: runtime-data", "attest", "show", first)
	want(0, "report.bin: snp-report", "attest", "show", url)
	want(0, "simulated hardware", "policy", "init", "--from-evidence", first, "--simulated", "-o", file)
	want(0, "verdict: verified", "attest", "verify", "--policy-file", file, first)
	second := m.path("second")
	out := want(0, "verdict: verified", "attest", "fetch", "--policy-file", file, "-o", second, url)
	for _, name := range []string{challenge.CheckReport, challenge.CheckPossession} {
		if !strings.Contains(out, "pass      "+name) {
			t.Errorf("no pass of %s in\n%s", name, out)
		}
	}
	certificate, err := os.ReadFile(filepath.Join(second, "notary.pem"))
	if err != nil || !bytes.Contains(certificate, []byte("BEGIN CERTIFICATE")) {
		t.Errorf("notary.pem: %v", err)
	}
	want(1, "is not empty", "attest", "fetch", "-o", second, url)

	// A policy that accepts another image accepts nothing here, and nothing is kept.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	host := m.tee.HostData()
	put(t, m.dir, "other.yaml", bytes.ReplaceAll(text, []byte(hex.EncodeToString(host[:])), []byte(strings.Repeat("ab", 32))))
	third := m.path("third")
	want(3, "snp.host-data", "attest", "fetch", "--policy-file", m.path("other.yaml"), "-o", third, url)
	if _, err := os.Stat(third); err == nil {
		t.Error("the Evidence of a refused notary was kept")
	}
	p.stop(t)
	want(1, "cannot fetch Evidence", "attest", "fetch", url)
}
