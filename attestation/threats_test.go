package attestation

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/internal/uvmtest"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// These are the attacks T01 to T06 and T22 to T24, each by its name and over all
// of its values. TestAttacks has one row or more for each of them and for all
// others that an appraisal meets.

// hardwareOnly takes the token out of a world: what follows is about the report.
func hardwareOnly(t testing.TB, w *world) Input {
	t.Helper()
	w.policy.Require, w.policy.MaxAge = []string{policy.PathHardware}, 0
	w.noToken = true
	return w.input(t)
}

// expect compares the failed checks and the exit status.
func expect(t *testing.T, name string, p *policy.Policy, in Input, status int, fails ...string) {
	t.Helper()
	checks := Appraise(p, in)
	if got := failed(checks); !slices.Equal(got, fails) || ExitStatus(checks) != status {
		t.Errorf("%s: failed are %v with exit status %d, want %v with %d", name, got, ExitStatus(checks), fails, status)
	}
}

// T01: Milan reports can be forged in software, so a policy without Milan refuses
// genuine ones, one with it warns, and an allow-list of chips narrows it down.
func TestT01Milan(t *testing.T) {
	for _, g := range genuineEvidence(t) {
		if g.line != snp.Milan {
			continue
		}
		without := func(p *policy.Policy, _ *evidence.Evidence) {
			p.Products, p.MinimumTCB = []snp.Product{snp.Genoa, snp.Turin}, nil
		}
		if c := byName(g.appraise(without))["snp.product"]; c.Status != Fail || c.Class != ClassUnacceptable {
			t.Errorf("%s: %+v", g.name, c)
		}
		if w := strings.Join(g.policy.Warnings(), " "); !strings.Contains(w, "arXiv 2605.12990") {
			t.Errorf("%s: warnings are %q", g.name, w)
		}
		if c := byName(g.appraise(nil))["snp.chip-id"]; c.Status != Pass {
			t.Errorf("%s: %+v", g.name, c)
		}
		other := func(p *policy.Policy, _ *evidence.Evidence) { p.ChipIDs = []policy.ChipID{{1}, {2}} }
		if c := byName(g.appraise(other))["snp.chip-id"]; c.Status != Fail {
			t.Errorf("%s: %+v", g.name, c)
		}
	}
}

// T02: the bits of the guest policy, and VMPLs. Package snp tries all 64 bits.
func TestT02GuestPolicy(t *testing.T) {
	const base = 0x3001f // as on ACI: SMT, ABI 0.31
	for _, bit := range []int{0, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 32, 62, 63} {
		w := newWorld(t)
		w.report = func(b []byte) { binary.LittleEndian.PutUint64(b[0x008:], base^1<<bit) }
		in := hardwareOnly(t, w)
		name := fmt.Sprintf("bit %d", bit)
		switch {
		case bit < 16: // the ABI, any of which is acceptable to this policy
			expect(t, name, w.policy, in, ExitVerified)
		case bit == 18:
			expect(t, name, w.policy, in, ExitUnacceptable, "snp.migration")
		case bit == 19:
			expect(t, name, w.policy, in, ExitUnacceptable, "snp.debug")
		case bit == 17 || bit == 21 || bit > 25: // must be one; CXL; reserved
			expect(t, name, w.policy, in, ExitUnacceptable, "snp.guest-policy")
		default: // what restricts the host more than the policy demands
			expect(t, name, w.policy, in, ExitVerified)
		}
	}
	for _, vmpl := range []uint32{1, 2, 3, 4, 0xffffffff} {
		w := newWorld(t)
		w.report = func(b []byte) { binary.LittleEndian.PutUint32(b[0x030:], vmpl) }
		expect(t, fmt.Sprintf("VMPL %d", vmpl), w.policy, hardwareOnly(t, w), ExitUnacceptable, "snp.vmpl")
	}
}

// T03: each part of each TCB below the minimum is refused, and a TCB that the
// report claims and the VCEK does not certify is false.
func TestT03TCB(t *testing.T) {
	parts := []int{0, 1, 6, 7}
	for name, off := range map[string]int{"committed": 0x1E0, "launch": 0x1F0} {
		for _, part := range parts {
			w := newWorld(t)
			w.policy.CommittedFirmware = false
			w.report = func(b []byte) { b[off+part]-- }
			expect(t, fmt.Sprintf("%s, byte %d", name, part), w.policy, hardwareOnly(t, w), ExitUnacceptable, "snp.tcb")
		}
	}
	for _, part := range parts {
		for _, d := range []byte{1, 0xff} {
			w := newWorld(t)
			w.report = func(b []byte) { b[0x180+part] += d }
			expect(t, fmt.Sprintf("reported, byte %d by %d", part, int8(d)), w.policy, hardwareOnly(t, w), ExitFalse, "snp.verify")
		}
	}
	for i, change := range []func(*policy.TCB){
		func(m *policy.TCB) { m.Bootloader++ }, func(m *policy.TCB) { m.TEE++ }, func(m *policy.TCB) { m.SNP++ }, func(m *policy.TCB) { m.Microcode++ },
	} {
		w := newWorld(t)
		m := w.policy.MinimumTCB[snp.Genoa]
		change(&m)
		w.policy.MinimumTCB = map[snp.Product]policy.TCB{snp.Genoa: m}
		expect(t, fmt.Sprintf("minimum above, part %d", i), w.policy, hardwareOnly(t, w), ExitUnacceptable, "snp.tcb")
	}
}

// T04: an older utility VM, another feed, a leaf without the usage, and the
// certificates of another signer.
func TestT04UVM(t *testing.T) {
	good := newWorld(t)
	measurement := [48]byte(good.platform.Report(nil)[0x090:])
	mallory := uvmtest.New(nil)
	swapped := *good.signer
	swapped.Chain = mallory.Chain
	noUsage := uvmtest.New(func(name string, c *x509.Certificate) {
		if name == "leaf" {
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 76, 59, 1, 1}}
		}
	})
	ofIssuer := func(s *uvmtest.Signer, did string) []byte {
		msg := s.JSON(uvm.ContainerFeed, "104", measurement)
		msg.Headers.Protected["iss"] = did
		return s.Sign(msg)
	}
	for _, c := range []struct {
		name   string
		uvm    []byte
		did    string
		status int
		fails  string
	}{
		{"SVN one less", good.signer.Sign(good.signer.CWT(uvm.ContainerFeed, 103, measurement)), good.signer.DID(), ExitUnacceptable, "uvm.svn"},
		{"feed", good.signer.Sign(good.signer.CWT("ConfAKS-AMD-UVM", 104, measurement)), good.signer.DID(), ExitUnacceptable, "uvm.feed"},
		{"leaf without the usage", ofIssuer(noUsage, noUsage.DID()), noUsage.DID(), ExitFalse, "uvm.signature"},
		{"chain of another signer", ofIssuer(&swapped, good.signer.DID()), good.signer.DID(), ExitFalse, "uvm.signature"},
		{"all of another signer", ofIssuer(mallory, mallory.DID()), good.signer.DID(), ExitUnacceptable, "uvm.signature"},
		{"another signer under the name of the right one", ofIssuer(mallory, good.signer.DID()), good.signer.DID(), ExitFalse, "uvm.signature"},
	} {
		w := newWorld(t)
		w.endorsement = c.uvm
		w.policy.Simulated.UVMDID = c.did
		expect(t, c.name, w.policy, hardwareOnly(t, w), c.status, c.fails)
	}
}

// T05: one bit of HOST_DATA, or one byte of the container policy.
func TestT05HostData(t *testing.T) {
	for i := 0; i < 32; i += 3 {
		w := newWorld(t)
		w.report = func(b []byte) { b[0x0C0+i] ^= 1 << (i % 8) }
		expect(t, fmt.Sprintf("byte %d", i), w.policy, hardwareOnly(t, w), ExitFalse, "snp.host-data", "cce.policy")
	}
	w := newWorld(t)
	in := hardwareOnly(t, w)
	in.Evidence.CCEPolicy = bytes.Clone(in.Evidence.CCEPolicy)
	in.Evidence.CCEPolicy[0] ^= 1
	expect(t, "container policy", w.policy, in, ExitFalse, "cce.policy")
}

// T06 and T24: Evidence and token of one notary do not serve another one, which
// has another serving key, signing key or epoch. That a peer holds the keys now is
// shown by package challenge.
func TestT06AndT24EvidenceOfAnotherInstance(t *testing.T) {
	for name, change := range map[string]func(*world){
		"serving key": func(w *world) { w.data.Notary.TLSSPKI = digest("other").String() },
		"signing key": func(w *world) { w.data.Notary.SigningKey = "A" + strings.Repeat("Q", 42) },
		"epoch":       func(w *world) { w.data.Notary.Epoch = strings.Repeat("f0", 16) },
	} {
		w := newWorld(t)
		in := w.input(t)
		change(w)
		b, err := w.data.Marshal()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		in.RuntimeData = b
		expect(t, name, w.policy, in, ExitFalse, "maa.runtime-data", "snp.runtime-data")
	}
}

// T22: an instance is accepted by its exact name only, and its policy by its hash;
// a shared regional endpoint counts only if it is asked for.
func TestT22Issuer(t *testing.T) {
	for _, iss := range []string{"https://sharedeus.eus.attest.azure.net", issuer + "/", issuer + ".evil.example", strings.ToUpper(issuer), "http" + issuer[5:]} {
		w := newWorld(t)
		w.claims = func(c map[string]any) { c["iss"] = iss }
		expect(t, iss, w.policy, w.input(t), ExitUnacceptable, "maa.token")
	}
	const shared = "https://sharedeus.eus.attest.azure.net"
	w := newWorld(t)
	w.claims = func(c map[string]any) { c["iss"] = shared }
	w.policy.Simulated.Issuer = shared
	expect(t, "shared instance that is asked for", w.policy, w.input(t), ExitVerified)

	w = newWorld(t)
	w.claims = func(c map[string]any) { c["x-ms-attestation-type"] = "sgx" }
	expect(t, "token about other hardware", w.policy, w.input(t), ExitUnacceptable, "maa.token")

	w = newWorld(t)
	w.claims = func(c map[string]any) { c["x-ms-policy-hash"] = strings.Repeat("A", 43) }
	expect(t, "policy hash", w.policy, w.input(t), ExitUnacceptable, "maa.policy-hash")
}

// T23: five minutes either way, and not a second more.
func TestT23Skew(t *testing.T) {
	w := newWorld(t)
	w.policy.MaxAge, w.policy.Require = 0, []string{policy.PathHardware, policy.PathMAA}
	in := w.input(t)
	expiry := issued.Add(8 * time.Hour)
	for _, x := range []struct {
		name   string
		at     int64
		status int
	}{
		{"early", issued.Unix() - int64(maa.MaxLeeway.Seconds()) - 1, ExitStale},
		{"just in time", issued.Unix() - int64(maa.MaxLeeway.Seconds()), ExitVerified},
		{"last second", expiry.Unix() + int64(maa.MaxLeeway.Seconds()) - 1, ExitVerified},
		{"late", expiry.Unix() + int64(maa.MaxLeeway.Seconds()), ExitStale},
	} {
		in.At = time.Unix(x.at, 0)
		if got := ExitStatus(Appraise(w.policy, in)); got != x.status {
			t.Errorf("%s: exit status %d, want %d", x.name, got, x.status)
		}
	}
}
