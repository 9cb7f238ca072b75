package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/simtee"
)

// TestT09ReleaseBinaryHasNoSimulator looks for the simulator in the programs, by
// its symbols and by its texts, and finds it in the development build only.
func TestT09ReleaseBinaryHasNoSimulator(t *testing.T) {
	t.Parallel()
	b := programs(t)
	for program, want := range map[string]bool{b.notary: true, b.release: false} {
		symbols, err := exec.Command("go", "tool", "nm", program).Output()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(symbols, []byte("github.com/veriproof/notary/attestation.Appraise")) {
			t.Fatalf("%s: the symbols are not there to be looked at", program)
		}
		if got := bytes.Contains(symbols, []byte("attestation/simtee.")); got != want {
			t.Errorf("%s: symbols of the simulator: %v, want %v", program, got, want)
		}
		code, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{simtee.Marker, "attestation/simtee", simtee.Organization} {
			if got := bytes.Contains(code, []byte(text)); got != want {
				t.Errorf("%s: text %q: %v, want %v", program, text, got, want)
			}
		}
	}
}

// TestT09ReleaseRefusesSimulation: no configuration and no policy makes a release
// binary take a simulator for hardware.
func TestT09ReleaseRefusesSimulation(t *testing.T) {
	t.Parallel()
	good := sample(t)
	m := newMachine(t, setting{})
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"serve":  {[]string{"serve", "--config", m.path("notary.yaml")}, exitUsage, "simulated"},
		"demo":   {[]string{"demo"}, exitUsage, "release build"},
		"dev":    {[]string{"dev"}, exitUsage, "release build"},
		"verify": {[]string{"verify", "--policy", good.path("policy.yaml"), good.path("good.bundle")}, exitUnacceptable, "simulated"},
	} {
		status, stdout, stderr := runProgram(t, m.bin.release, m.dir, c.args...)
		if status != c.status || !strings.Contains(strings.ToLower(stdout+stderr), c.says) {
			t.Errorf("%s: status %d, want %d\n%s%s", name, status, c.status, stdout, stderr)
		}
		if name != "verify" && (strings.Count(stderr, "notary: error: ") != 1 || strings.Count(stderr, "notary: hint: ") != 1) {
			t.Errorf("%s: not one error and one hint:\n%s", name, stderr)
		}
	}
	if _, err := os.Stat(m.path("data/store")); err == nil {
		if list, _ := os.ReadDir(m.path("data/store")); len(list) > 0 {
			t.Errorf("the release binary wrote %d files on simulated hardware", len(list))
		}
	}
}
