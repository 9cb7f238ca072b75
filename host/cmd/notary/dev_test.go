package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/veriproof/notary/attestation/policy"
)

// develop starts "notary dev" in a directory and waits until it says how to send.
func develop(t *testing.T, dir string) (stop func(), said *buffer) {
	t.Helper()
	b := programs(t)
	out := new(buffer)
	cmd := exec.Command(b.notary, "dev", "--dir", dir, "--plugins", b.plugins,
		"--otlp", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--control", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = out, out
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
	}, out
}

// written are the files that a start writes, with their times.
func written(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range []string{"env", "ready.json", "notary.yaml", "policy.yaml", "notary.pem", "tee/simulated-tee.json"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		info, err2 := os.Stat(filepath.Join(dir, name))
		if err != nil || err2 != nil {
			all[name] = "is not there"
			continue
		}
		all[name] = info.ModTime().String() + string(text)
	}
	return all
}

func unchanged(t *testing.T, what string, before, now map[string]string) {
	t.Helper()
	for name := range before {
		if before[name] != now[name] {
			t.Errorf("%s changed %s from\n%s\nto\n%s", what, name, before[name], now[name])
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

	// another starts a second one, which must not.
	another := func(dir string, more ...string) string {
		t.Helper()
		status, _, stderr := runProgram(t, programs(t).notary, dir, append([]string{"dev", "--dir", dir, "--plugins", programs(t).plugins}, more...)...)
		if status != exitUsage || strings.Count(stderr, "notary: hint: ") != 1 {
			t.Errorf("a second one: status %d\n%s", status, stderr)
		}
		return stderr
	}

	stop, said := develop(t, dir)
	send("first")
	verifiedBundles(1)
	before := written(t, dir)
	log, err := os.ReadFile(at("serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	if stderr := another(dir, "--otlp", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--control", "127.0.0.1:0"); !strings.Contains(stderr, dir+" is in use by another ") {
		t.Errorf("a second one in the directory: %s", stderr)
	}
	unchanged(t, "a second one in the directory", before, written(t, dir))
	if now, err := os.ReadFile(at("serve.log")); err != nil || !strings.HasPrefix(string(now), string(log)) {
		t.Errorf("the log was %q and is %q, %v", log, now, err)
	}
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
	send("left open")
	stop()
	if !regexp.MustCompile(`[01] session parts of this epoch that were open are sealed, 2 in all`).MatchString(said.String()) {
		t.Errorf("at its end it does not say what was sealed:\n%s", said.String())
	}

	stop, _ = develop(t, dir)
	for name, before := range secrets {
		if now, err := os.ReadFile(at(name)); err != nil || string(now) != before {
			t.Errorf("%s is another one after a second start: %v", name, err)
		}
	}
	send("second")
	verifiedBundles(3)
	stop()

	// Another notary has the port: said, with what to do, and nothing is touched.
	before = written(t, dir)
	taken := between(t, "127.0.0.1:1", func(*http.Response) error { return nil })
	if stderr := another(dir, "--otlp", taken); !strings.Contains(stderr, "--otlp "+taken) {
		t.Errorf("a taken port: %s", stderr)
	}
	unchanged(t, "one without its port", before, written(t, dir))

	// Another process has the port of the attestation service, and the log is gone: what was
	// exported is still verified, and whoever started it is told by what.
	text, err := os.ReadFile(at("policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	earlier, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(earlier.Simulated.Issuer, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.RemoveAll(at("data/log")); err != nil {
		t.Fatal(err)
	}
	stop, said = develop(t, dir)
	kept := at("policy-" + l.Addr().String()[len("127.0.0.1:"):] + ".yaml")
	for _, want := range []string{kept, "proofs of earlier sessions are of another log"} {
		if strings.Count(said.String(), want) != 1 {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
	bundles, err := filepath.Glob(at("bundles/*.bundle"))
	if err != nil || len(bundles) != 3 {
		t.Fatalf("%d bundles, %v", len(bundles), err)
	}
	for _, name := range bundles {
		if code, stdout, stderr := runProgram(t, programs(t).notary, dir, "verify", "--policy", kept, name); code != exitOK {
			t.Errorf("verify %s: status %d\n%s%s", name, code, stdout, stderr)
		}
	}
	stop()
	text, err = os.ReadFile(at("policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if now, err := policy.Parse(text); err != nil || len(now.Log.Keys) != 2 || now.Log.Keys[0] != earlier.Log.Keys[0] {
		t.Errorf("the key of the earlier log is accepted no more: %v\n%s", err, text)
	}
}
