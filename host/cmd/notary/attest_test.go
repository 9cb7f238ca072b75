package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-sev-guest/verify/testdata"
	"github.com/google/go-sev-guest/verify/trust"
	"google.golang.org/grpc/codes"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/evidence/device"
	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/session"
)

// tool runs the tool in this process.
func tool(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	status = a.main(context.Background(), args)
	return status, out.String(), errs.String()
}

func put(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// Evidence of real hardware that has nothing to do with a notary: AMD's example,
// whose guest can be debugged, and, if NOTARY_DATA names the development data, that
// of container groups on Milan and Genoa.
func TestAttestVerifiesAnybodysEvidence(t *testing.T) {
	dir := t.TempDir()
	chain := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testdata.VcekBytes}), trust.AskArkMilanVcekBytes...)
	thim, err := json.Marshal(map[string]string{
		"vcekCert":         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testdata.VcekBytes})),
		"certificateChain": string(trust.AskArkMilanVcekBytes), "tcbm": "0", "cacheControl": "0",
	})
	if err != nil {
		t.Fatal(err)
	}
	raw := testdata.AttestationBytes
	report, certs := put(t, dir, "report.bin", raw), put(t, dir, "chain.pem", chain)
	asHex := put(t, dir, "report.hex", []byte(hex.EncodeToString(raw)+"\n"))
	asTHIM := put(t, dir, "host-amd-cert-base64", []byte(base64.StdEncoding.EncodeToString(thim)))
	changed := put(t, dir, "changed.bin", flipped(raw, 0x90))
	cut := put(t, dir, "cut.bin", raw[:1000])
	const at = "2023-06-01T00:00:00Z"
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		// True, but the host can read this guest's memory: never acceptable.
		{"debuggable", []string{"--report", report, "--certs", certs, "--at", at}, 3},
		{"as hex and THIM", []string{"--report", asHex, "--certs", asTHIM, "--at", at}, 3},
		{"changed", []string{"--report", changed, "--certs", certs, "--at", at}, 2},
		{"cut", []string{"--report", cut, "--certs", certs, "--at", at}, 2},
		{"before the VCEK", []string{"--report", report, "--certs", certs, "--at", "2010-01-01T00:00:00Z"}, 4},
	} {
		status, stdout, stderr := tool(append([]string{"attest", "verify"}, c.args...)...)
		if status != c.want || stderr != "" {
			t.Errorf("%s: status %d, want %d\n%s%s", c.name, status, c.want, stdout, stderr)
		}
	}
	verifyDevelopmentData(t, dir)
}

func verifyDevelopmentData(t *testing.T, dir string) {
	root := os.Getenv("NOTARY_DATA")
	if root == "" {
		return
	}
	const at = "2026-04-01T00:00:00Z"
	for name, c := range map[string]struct{ product, svn, host string }{
		"20250925": {"Milan", "101", ""}, // runs under a known allow-all policy, which no policy may accept
		"20260302": {"Genoa", "104", "0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e"},
	} {
		d := filepath.Join(root, "attest", "extracted", "css-attested-cosesign1-"+name+".cose")
		status, stdout, stderr := tool("attest", "verify", "--report", filepath.Join(d, "report.bin"),
			"--certs", filepath.Join(d, "vcek-chain.pem"), "--uvm", filepath.Join(d, "uvm.cose"), "--at", at)
		if status != exitOK || !strings.Contains(stdout, "\nverdict: genuine") {
			t.Errorf("%s: status %d\n%s%s", name, status, stdout, stderr)
		}
		if c.host == "" {
			continue
		}
		for _, v := range []struct {
			name, product, svn, host string
			args                     []string
			want                     int
		}{
			{"acceptable", c.product, c.svn, c.host, []string{"--evidence-only"}, 0},
			{"no notary behind it", c.product, c.svn, c.host, nil, 5},
			{"wrong product line", "Turin", c.svn, c.host, []string{"--evidence-only"}, 3},
			{"UVM SVN one above", c.product, "105", c.host, []string{"--evidence-only"}, 3},
			{"HOST_DATA changed", c.product, c.svn, "1" + c.host[1:], []string{"--evidence-only"}, 3},
		} {
			file := put(t, dir, "policy.yaml", []byte("format: \"1\"\nproducts: ["+v.product+"]\nhost_data: ["+v.host+"]\nuvm: {min_svn: "+v.svn+"}\n"))
			status, stdout, _ := tool(append([]string{"attest", "verify", "--policy-file", file, "--at", at, d}, v.args...)...)
			if status != v.want {
				t.Errorf("%s, %s: status %d, want %d\n%s", name, v.name, status, v.want, stdout)
			}
		}
	}
}

// The device is taken if the machine has one that may be opened, and else named in
// the error with what to do.
func TestEvidenceSource(t *testing.T) {
	s, err := evidenceSource(&config.Attestation{Source: config.SourceSidecar, SidecarURL: "http://127.0.0.1:1"}, "dir")
	if sidecar, ok := s.(*evidence.Sidecar); err != nil || !ok || sidecar.URL != "http://127.0.0.1:1" || sidecar.SecurityContextDir != "dir" {
		t.Errorf("sidecar: %+v %v", s, err)
	}
	s, err = evidenceSource(&config.Attestation{Source: config.SourceDevice}, "dir")
	d, ok := s.(*device.Source)
	var hint *exitError
	switch {
	case err != nil && (!errors.Is(err, evidence.ErrUnavailable) || !errors.As(err, &hint) || !strings.Contains(hint.hint, "/dev/sev-guest")):
		t.Errorf("without a device: %v, hint %+v", err, hint)
	case err == nil && (!ok || d.SecurityContextDir != "dir"):
		t.Errorf("with a device: %+v", s)
	}
}

// T26 on the wire: while the attestation is stale a sender is told to come again,
// and not why in detail.
func TestT26StaleExportsAreRetryable(t *testing.T) {
	cause := errors.New("canary")
	err := exportError(fmt.Errorf("%w: %w", session.ErrStale, &attester.StaleError{NotAfter: time.Now(), Cause: cause}))
	var e *ingest.Error
	if !errors.As(err, &e) || e.Code != codes.Unavailable || strings.Contains(e.Reason, "canary") {
		t.Errorf("%v, want UNAVAILABLE, which OTLP's senders retry", err)
	}
}

// The statuses in the tool's help are those of the library.
func TestExitStatuses(t *testing.T) {
	now := time.Now()
	_, overview, _ := tool("help")
	if s := newAppraised(now, nil).Status; s != exitIncomplete {
		t.Errorf("nothing checked: %d", s)
	}
	for _, usage := range []string{attestUsage, attestVerifyUsage, attestTokenUsage, attestFetchUsage, verifyUsage, overview} {
		for _, line := range []string{"\n  0  ", "\n  1  usage, or something could not be", "\n  2  false: a signature", "\n  3  true, but not acceptable to the policy\n", "\n  4  outside of its validity, too old, or revoked\n", "\n  5  incomplete: nothing failed, but a required check was not done\n"} {
			if !strings.Contains(usage, line) {
				t.Errorf("%.40q lacks %q", usage, line)
			}
		}
	}
}
