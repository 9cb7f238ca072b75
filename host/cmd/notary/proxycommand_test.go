//go:build exporters || postgres

package main

import (
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
)

// A way is how stock exporters reach a notary: they are told no more than this.
type way struct {
	grpc, http  string // URLs
	certificate string // file, "" without TLS
	key         string // "" if the proxy has it
}

// proxyCommand runs "notary proxy" until the test ends.
func (m *machine) proxyCommand(t *testing.T, at ready) (way, *buffer) {
	t.Helper()
	if err := os.WriteFile(m.path("api-key"), []byte(m.apiKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log buffer
	cmd := exec.Command(m.bin.notary, "proxy", "--policy", "policy.yaml", "--control", "https://"+at.Control, "--otlp", at.OTLP, "--otlp-http", at.OTLPHTTP,
		"--listen", "127.0.0.1:0", "--listen-http", "127.0.0.1:0", "--api-key-file", "api-key")
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.dir, &out, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("notary proxy: %v\n%s", err, log.String())
		}
	})
	listening := regexp.MustCompile(`--listen +(\S+)\nproxy +--listen-http +(\S+)\n`)
	eventually(t, "the proxy listens", func() bool { return listening.MatchString(out.String()) })
	found := listening.FindStringSubmatch(out.String())
	return way{grpc: "http://" + found[1], http: "http://" + found[2]}, &log
}
