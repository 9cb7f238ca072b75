package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestZeroSockets runs the tool where making a socket is death, and to see that
// it is, also commands that need one.
func TestZeroSockets(t *testing.T) {
	t.Parallel()
	m := sample(t)
	run := func(args ...string) (syscall.WaitStatus, string) { return m.confined(t, noSockets, args...) }
	dir := t.TempDir()
	p, err := readParts(m.path("good.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	report, certs := put(t, dir, "report.bin", p.Report), put(t, dir, "chain.pem", p.VCEKChain)
	token, jwks := put(t, dir, "maa.jwt", p.token), put(t, dir, "jwks.json", m.tee.JWKS())
	for _, args := range [][]string{
		{"attest", "show", "good.bundle"},
		{"attest", "show", "--json", token},
		{"attest", "show", report},
		{"attest", "verify", "--policy-file", "policy.yaml", "good.bundle"},
		{"attest", "verify", "--policy-file", "policy.yaml", "--evidence-only", "--report", report, "--certs", certs, "good.bundle"},
		{"attest", "token", "--jwks", jwks, token},
		{"policy", "check", "policy.yaml"},
		{"policy", "init", "--from-evidence", "good.bundle", "--simulated", "-o", filepath.Join(dir, "new.yaml")},
		{"verify", "--policy", "policy.yaml", "good.bundle"},
		{"verify", "--policy", "policy.yaml", "--json", "good.bundle"},
		{"verify", "--policy", "policy.yaml", "good.bundle", "good.bundle"},
		{"session", "list", "--config", "notary.yaml", "--identity", "recipient.pem"},
		{"config", "check", "notary.yaml"},
	} {
		if status, out := run(args...); status.ExitStatus() != exitOK {
			t.Errorf("notary %v without sockets: signal %v, status %d\n%s", args, status.Signal(), status.ExitStatus(), out)
		}
	}
	if status, out := run("attest", "fetch", "https://127.0.0.1:1"); status.Signal() != syscall.SIGSYS {
		t.Errorf("notary attest fetch was not killed for its socket: status %#x\n%s", int(status), out)
	}
	if status, out := run("verify", "--policy", "policy.yaml", "--network", "https://127.0.0.1:1/s.bundle"); status.Signal() != syscall.SIGSYS {
		t.Errorf("notary verify --network was not killed for its socket: status %#x\n%s", int(status), out)
	}
	if status, out := run("serve", "--config", "notary.yaml"); status.Signal() != syscall.SIGSYS {
		t.Errorf("notary serve was not killed for its socket: status %#x\n%s", int(status), out)
	} else if strings.Contains(out, "listeners") {
		t.Errorf("it listened all the same:\n%s", out)
	}
}

// TestNoCoreDump: a notary that crashes leaves no file with what was in its memory.
func TestNoCoreDump(t *testing.T) {
	t.Parallel()
	p := newMachine(t, setting{}).start(t)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		t.Errorf("the limits are\n%s", limits)
	}
}
