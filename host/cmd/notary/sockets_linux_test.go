package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestZeroSockets runs the tool where making a socket is death, and to see that
// it is, also commands that need one.
func TestZeroSockets(t *testing.T) {
	t.Parallel()
	m := sample(t)
	run := func(args ...string) (syscall.WaitStatus, string) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self, append([]string{m.bin.notary}, args...)...)
		cmd.Dir, cmd.Env = m.dir, append(os.Environ(), confineVariable+"=1")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.Sys().(syscall.WaitStatus), out.String()
	}
	for _, args := range [][]string{
		{"verify", "--policy", "policy.yaml", "good.bundle"},
		{"verify", "--policy", "policy.yaml", "--json", "good.bundle"},
		{"session", "list", "--config", "notary.yaml", "--identity", "recipient.pem"},
		{"config", "check", "notary.yaml"},
	} {
		if status, out := run(args...); status.ExitStatus() != exitOK {
			t.Errorf("notary %v without sockets: signal %v, status %d\n%s", args, status.Signal(), status.ExitStatus(), out)
		}
	}
	if status, out := run("serve", "--config", "notary.yaml"); status.Signal() != syscall.SIGSYS {
		t.Errorf("notary serve was not killed for its socket: status %#x\n%s", int(status), out)
	} else if strings.Contains(out, "listeners") {
		t.Errorf("it listened all the same:\n%s", out)
	}
}
