package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// develop starts "notary dev" in a directory and waits until it says how to send.
func develop(t *testing.T, dir string) (stop func()) {
	t.Helper()
	b := programs(t)
	var out buffer
	cmd := exec.Command(b.notary, "dev", "--dir", dir, "--plugins", b.plugins,
		"--otlp", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--control", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the status is in ProcessState
		close(exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error means that it has ended
		<-exited
	})
	eventually(t, "notary dev is ready", func() bool {
		select {
		case <-exited:
			t.Fatalf("notary dev ended: %v\n%s", cmd.ProcessState, out.String())
		default:
		}
		_, err := os.Stat(filepath.Join(dir, "env"))
		return err == nil
	})
	for _, want := range []string{"SIMULATED", "send it no real data", "verified", filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "notary.pem")} {
		eventually(t, "notary dev shows "+want, func() bool { return strings.Contains(out.String(), want) })
	}
	return func() {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		<-exited
		if cmd.ProcessState.ExitCode() != exitOK {
			t.Errorf("notary dev ended: %v\n%s", cmd.ProcessState, out.String())
		}
		if _, err := os.Stat(filepath.Join(dir, "env")); err == nil {
			t.Error("the way to send to a notary that has stopped is still there")
		}
	}
}

// TestDev: a stock exporter that knows nothing but the environment sends to the
// development notary, and what it sent is verified; also after another start, which
// has the same keys.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	bin := filepath.Join(t.TempDir(), "quickstart")
	if text, err := exec.Command("go", "build", "-o", bin, "../../../examples/quickstart").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	send := func(session string) {
		t.Helper()
		code, stdout, stderr := runProgram(t, "/bin/sh", dir, "-c", ". ./env && exec "+bin+" --session "+session)
		if code != 0 || !strings.Contains(stdout, "acknowledged as durable") {
			t.Fatalf("an application: status %d\n%s%s", code, stdout, stderr)
		}
	}
	// verifiedBundles exports when so many sessions are in the log, and verifies.
	verifiedBundles := func(want int) {
		t.Helper()
		b := programs(t)
		var addr ready
		if text, err := os.ReadFile(at("ready.json")); err != nil || json.Unmarshal(text, &addr) != nil {
			t.Fatal(err)
		}
		eventually(t, "the sessions are in the log", func() bool {
			code, stdout, _ := runProgram(t, b.notary, dir, "session", "list", "--config", "notary.yaml")
			return code == exitOK && strings.Count(stdout, " logged ") == want
		})
		if code, stdout, stderr := runProgram(t, b.notary, dir, "export", "--config", "notary.yaml", "--control", "https://"+addr.Control,
			"--policy", "policy.yaml", "--token-file", "operator-token", "-o", "bundles"); code != exitOK {
			t.Fatalf("export: status %d\n%s%s", code, stdout, stderr)
		}
		bundles, err := filepath.Glob(at("bundles/*.bundle"))
		if err != nil || len(bundles) != want {
			t.Fatalf("%d bundles, want %d: %v", len(bundles), want, err)
		}
		for _, name := range bundles {
			if code, stdout, stderr := runProgram(t, b.notary, dir, "verify", "--policy", "policy.yaml", name); code != exitOK {
				t.Errorf("verify %s: status %d\n%s%s", name, code, stdout, stderr)
			}
		}
	}

	stop := develop(t, dir)
	send("first")
	verifiedBundles(1)
	secrets := map[string]string{}
	for _, name := range []string{"api-key", "operator-token", "recipient.pem"} {
		text, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		secrets[name] = string(text)
		if info, err := os.Stat(at(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	stop()

	stop = develop(t, dir)
	for name, before := range secrets {
		if now, err := os.ReadFile(at(name)); err != nil || string(now) != before {
			t.Errorf("%s is another one after a second start: %v", name, err)
		}
	}
	send("second")
	verifiedBundles(2)
	stop()

	// Another notary has the port: said, with what to do.
	taken := between(t, "127.0.0.1:1", func(*http.Response) error { return nil })
	code, _, stderr := runProgram(t, programs(t).notary, dir, "dev", "--dir", dir, "--plugins", programs(t).plugins, "--otlp", taken)
	if code != exitUsage || !strings.Contains(stderr, "listen.otlp: ") || strings.Count(stderr, "notary: hint: ") != 1 {
		t.Errorf("a taken port: status %d\n%s", code, stderr)
	}
}
