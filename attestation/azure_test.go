package attestation

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-sev-guest/verify/testdata"
	"github.com/google/go-sev-guest/verify/trust"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// genuine is Evidence of real hardware, with a policy for it. It was made for
// other services, so its runtime data is no notary's.
type genuine struct {
	name     string
	line     snp.Product
	evidence evidence.Evidence
	at       time.Time
	policy   policy.Policy
	// expected are the checks that fail without any change.
	expected []string
}

// genuineEvidence is AMD's example, which comes with go-sev-guest, and, if
// NOTARY_DATA names the development data, that of container groups on Milan and
// Genoa.
func genuineEvidence(t testing.TB) []genuine {
	t.Helper()
	vcek := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testdata.VcekBytes})
	list := []genuine{{
		name: "AMD's example", line: snp.Milan, at: time.Date(2023, 6, 1, 0, 0, 0, 0, time.UTC),
		evidence: evidence.Evidence{Report: testdata.AttestationBytes, VCEKChain: append(vcek, trust.AskArkMilanVcekBytes...)},
		expected: []string{"snp.debug"}, // its guest can be debugged
	}}
	if dir := os.Getenv("NOTARY_DATA"); dir != "" {
		for name, line := range map[string]snp.Product{"20250925": snp.Milan, "20260302": snp.Genoa} {
			read := func(file string) []byte {
				b, err := os.ReadFile(filepath.Join(dir, "attest", "extracted", "css-attested-cosesign1-"+name+".cose", file))
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			g := genuine{
				name: "Azure " + name, line: line, at: now,
				evidence: evidence.Evidence{Report: read("report.bin"), VCEKChain: read("vcek-chain.pem"), UVM: read("uvm.cose")},
			}
			if line == snp.Milan {
				g.expected = []string{"snp.host-data"} // runs under a known allow-all policy
			}
			list = append(list, g)
		}
	}
	for i := range list {
		list[i].policy = list[i].accepting(t)
	}
	return list
}

// accepting demands exactly what the Evidence has.
func (g *genuine) accepting(t testing.TB) policy.Policy {
	t.Helper()
	r, err := snp.Parse(g.evidence.Report)
	if err != nil {
		t.Fatal(err)
	}
	d := r.ReportedTCB.Decode(g.line)
	p := policy.Policy{
		Format: policy.Format, Products: []snp.Product{g.line}, HostData: []policy.Digest{r.HostData}, ChipIDs: []policy.ChipID{r.ChipID},
		MinimumTCB: map[snp.Product]policy.TCB{g.line: {Bootloader: d.Bootloader, TEE: d.TEE, SNP: d.SNP, Microcode: d.Microcode}},
		UVM:        policy.UVM{Issuer: uvm.MicrosoftDID, Feed: uvm.ContainerFeed, MinSVN: 1}, Require: []string{policy.PathHardware}, Mode: "enforce",
	}
	if e, err := uvm.Parse(g.evidence.UVM); err == nil {
		p.UVM.MinSVN = e.SVN
	}
	return p
}

func (g *genuine) appraise(change func(*policy.Policy, *evidence.Evidence)) []Check {
	p, ev := g.policy, g.evidence
	ev.Report, ev.VCEKChain, ev.UVM = bytes.Clone(ev.Report), bytes.Clone(ev.VCEKChain), bytes.Clone(ev.UVM)
	if change != nil {
		change(&p, &ev)
	}
	return Appraise(&p, Input{Evidence: ev, At: g.at})
}

// A row is a change of genuine Evidence, or of its policy, and the checks that then fail.
type row struct {
	name   string
	change func(*policy.Policy, *evidence.Evidence)
	fails  []string
	uvm    bool // needs an endorsement
}

// TestGenuineEvidence: real Evidence passes every check of the hardware path, and
// each change makes its own check fail.
func TestGenuineEvidence(t *testing.T) {
	all := genuineEvidence(t)
	for i, g := range all {
		tcb := g.policy.MinimumTCB[g.line]
		above := func(change func(*policy.TCB)) func(*policy.Policy, *evidence.Evidence) {
			return func(p *policy.Policy, _ *evidence.Evidence) {
				higher := tcb
				change(&higher)
				p.MinimumTCB = map[snp.Product]policy.TCB{g.line: higher}
			}
		}
		other := snp.Genoa
		if g.line == snp.Genoa {
			other = snp.Milan
		}
		rows := []row{
			{"nothing", nil, nil, false},
			{"wrong product line", func(p *policy.Policy, _ *evidence.Evidence) {
				p.Products, p.MinimumTCB = []snp.Product{other}, map[snp.Product]policy.TCB{other: {}}
			}, []string{"snp.product", "snp.tcb"}, false},
			{"bootloader one above", above(func(t *policy.TCB) { t.Bootloader++ }), []string{"snp.tcb"}, false},
			{"TEE one above", above(func(t *policy.TCB) { t.TEE++ }), []string{"snp.tcb"}, false},
			{"SNP one above", above(func(t *policy.TCB) { t.SNP++ }), []string{"snp.tcb"}, false},
			{"microcode one above", above(func(t *policy.TCB) { t.Microcode++ }), []string{"snp.tcb"}, false},
			{"HOST_DATA changed", func(p *policy.Policy, _ *evidence.Evidence) {
				d := p.HostData[0]
				d[31] ^= 1
				p.HostData = []policy.Digest{d}
			}, []string{"snp.host-data"}, false},
			{"another chip", func(p *policy.Policy, _ *evidence.Evidence) { p.ChipIDs = []policy.ChipID{{1}} }, []string{"snp.chip-id"}, false},
			{"UVM SVN one above", func(p *policy.Policy, _ *evidence.Evidence) { p.UVM.MinSVN++ }, []string{"uvm.svn"}, true},
			{"feed changed", func(p *policy.Policy, _ *evidence.Evidence) { p.UVM.Feed = "ConfAKS-AMD-UVM" }, []string{"uvm.feed"}, true},
			{"feed changed in the endorsement", func(_ *policy.Policy, ev *evidence.Evidence) {
				ev.UVM[bytes.Index(ev.UVM, []byte(uvm.ContainerFeed))] ^= 1
			}, []string{"uvm.signature"}, true},
		}
		for j, b := range all {
			if i != j && b.evidence.UVM != nil {
				rows = append(rows, row{"endorsement of " + b.name, func(p *policy.Policy, ev *evidence.Evidence) {
					ev.UVM, p.UVM.MinSVN = b.evidence.UVM, 1
				}, []string{"uvm.measurement"}, true})
			}
			if i != j {
				rows = append(rows, row{"chain of " + b.name, func(_ *policy.Policy, ev *evidence.Evidence) { ev.VCEKChain = b.evidence.VCEKChain }, []string{"snp.verify"}, false})
			}
		}
		for _, c := range rows {
			if c.uvm && g.evidence.UVM == nil {
				continue
			}
			got, want := failed(g.appraise(c.change)), slices.Concat(c.fails, g.expected)
			if slices.Equal(c.fails, []string{"snp.verify"}) {
				want = c.fails // nothing is looked at in a report that does not verify
			}
			slices.Sort(got)
			slices.Sort(want)
			if want = slices.Compact(want); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: failed are %v, want %v", g.name, c.name, got, want)
			}
		}
		for _, c := range g.appraise(nil) {
			optional := slices.Contains([]string{"snp.runtime-data", "snp.platform", "snp.firmware", "snp.revocation"}, c.Name)
			if c.Name[:3] == "snp" && !optional && !slices.Contains(g.expected, c.Name) && c.Status != Pass ||
				c.Name[:3] == "uvm" && g.evidence.UVM != nil && c.Status != Pass {
				t.Errorf("%s: %+v", g.name, c)
			}
		}
		if a := byName(g.appraise(nil))["snp.verify"].Anchor; a != "AMD ARK-"+string(g.line) {
			t.Errorf("%s: anchor is %q", g.name, a)
		}
	}
}

// TestGenuineEvidenceEveryByte: no byte of the 672 that are signed can change.
func TestGenuineEvidenceEveryByte(t *testing.T) {
	for _, g := range genuineEvidence(t) {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			g.evidence.UVM = nil // it costs time and has no part in this
			for i := range snp.SignedSize {
				checks := g.appraise(func(_ *policy.Policy, ev *evidence.Evidence) { ev.Report[i] ^= 0x80 >> (i % 8) })
				m := byName(checks)
				if m["snp.report"].Status != Fail && m["snp.verify"].Status != Fail || ExitStatus(checks) == ExitVerified {
					t.Fatalf("byte 0x%x changed: %+v", i, m["snp.verify"])
				}
			}
		})
	}
}

// Outside of the certificates' validity the Evidence is stale, to a day.
func TestGenuineEvidenceTime(t *testing.T) {
	for _, g := range genuineEvidence(t) {
		c, err := snp.ParseChain(g.evidence.VCEKChain)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			at   time.Time
			want Status
		}{
			{c.VCEK.NotBefore.Add(-time.Second), Fail},
			{c.VCEK.NotBefore, Pass},
			{c.VCEK.NotAfter, Pass},
			{c.VCEK.NotAfter.Add(time.Second), Fail},
		} {
			g.at = x.at
			k := byName(g.appraise(nil))["snp.verify"]
			if k.Status != x.want || k.Status == Fail && k.Class != ClassStale {
				t.Errorf("%s at %s: %+v", g.name, x.at, k)
			}
		}
	}
}

func ExampleExitStatus() {
	fmt.Println(ExitStatus([]Check{
		{Name: "snp.verify", Status: Pass, Required: true},
		{Name: "uvm.svn", Status: Fail, Required: true, Class: ClassUnacceptable},
	}))
	// Output: 3
}
