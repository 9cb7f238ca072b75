//go:build objectstore

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/internal/azurite"
)

// TestAzureBlob takes a notary through its life on Azurite: containers made by an
// administrator's credential, a notary that can read and write in them and nothing
// else, kill -9 under traffic, recovery by the next one, an audit of all that was
// acknowledged, an erasure, and what is told on the way.
func TestAzureBlob(t *testing.T) {
	s := azurite.Start(t)
	endpoint := func(name string) string {
		return fmt.Sprintf("{name: %s, url: %s/%s, auth: sas, secret_file: %s.sas, ca: %q}", name, s.URL, name, name, s.CA)
	}
	m := newMachine(t, setting{endpoints: endpoint("entries") + ", " + endpoint("keys")})
	credential := func(of func(container string) string) {
		for _, container := range []string{"entries", "keys"} {
			if err := os.WriteFile(m.path(container+".sas"), []byte(of(container)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	least := func(container string) string { return s.ContainerSAS(container, "rcwl") }

	// Without a credential, and without containers, nothing starts.
	p := m.launch(t)
	if status := p.wait(t); status != exitUsage || !strings.Contains(p.stderr.String(), "entries.sas") {
		t.Fatalf("serve without a credential: status %d\n%s", status, p.stderr.String())
	}
	credential(least)
	p = m.launch(t)
	if status := p.wait(t); status != exitUsage || !strings.Contains(p.stderr.String(), "404 ContainerNotFound") || !strings.Contains(p.stderr.String(), "notary store init") {
		t.Fatalf("serve without containers: status %d\n%s", status, p.stderr.String())
	}
	if status, stdout, _ := m.run(t, "store", "init", "--print", "notary.yaml"); status != exitOK || !strings.Contains(stdout, "keys at "+s.URL+"/keys\n") {
		t.Errorf("store init --print: %d\n%s", status, stdout)
	}
	if status, _, stderr := m.run(t, "store", "init", "notary.yaml"); status != exitUsage || !strings.Contains(stderr, "403") || strings.Contains(stderr, "sig=") {
		t.Errorf("store init without the right: %d\n%s", status, stderr)
	}
	credential(func(string) string { return s.AccountSAS() })
	for range 2 { // the second leaves alone what is there
		if status, stdout, stderr := m.run(t, "store", "init", "notary.yaml"); status != exitOK {
			t.Fatalf("store init: %d\n%s%s", status, stdout, stderr)
		}
	}
	credential(least)

	acks := m.killedUnderTraffic(t)
	p = m.start(t)
	p.stop(t)
	if out := p.stdout.String() + p.stderr.String(); strings.Contains(out, "sig=") {
		t.Error("the notary prints a credential")
	}
	m.auditStorage(t, acks)
	m.erasesOne(t)
}
