package attestation

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// TestAzureEvidence runs the hardware path over Evidence of real confidential
// container groups, if NOTARY_DATA names the development data. It was made for
// another service, so its runtime data is not a notary's.
func TestAzureEvidence(t *testing.T) {
	dirs := map[string]snp.Product{}
	if dir := os.Getenv("NOTARY_DATA"); dir != "" {
		base := filepath.Join(dir, "attest", "extracted", "css-attested-cosesign1-")
		dirs = map[string]snp.Product{base + "20250925.cose": snp.Milan, base + "20260302.cose": snp.Genoa}
	}
	for dir, line := range dirs {
		read := func(name string) []byte {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		ev := evidence.Evidence{Report: read("report.bin"), VCEKChain: read("vcek-chain.pem"), UVM: read("uvm.cose")}
		p := &policy.Policy{
			Products: []snp.Product{line}, HostData: []policy.Digest{policy.Digest(ev.Report[0x0C0:0x0E0])},
			UVM: policy.UVM{Issuer: uvm.MicrosoftDID, Feed: uvm.ContainerFeed, MinSVN: 100}, Require: []string{policy.PathHardware},
		}
		checks := Appraise(p, Input{Evidence: ev, At: now})
		var want []string
		if line == snp.Milan {
			want = []string{"snp.host-data"} // runs under a known allow-all policy
		}
		if got := failed(checks); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: failed are %v, want %v", dir, got, want)
		}
		for _, name := range []string{"snp.verify", "snp.debug", "snp.migration", "snp.vmpl", "snp.guest-policy", "snp.product", "uvm.signature", "uvm.feed", "uvm.svn", "uvm.measurement"} {
			if c := byName(checks)[name]; c.Status != Pass {
				t.Errorf("%s: %+v", dir, c)
			}
		}
		if a := byName(checks)["snp.verify"].Anchor; a != "AMD ARK-"+string(line) {
			t.Errorf("%s: anchor is %q", dir, a)
		}
		p.UVM.MinSVN = 105
		p.Products = []snp.Product{snp.Turin}
		if got := failed(Appraise(p, Input{Evidence: ev, At: now})); !slices.Contains(got, "uvm.svn") || !slices.Contains(got, "snp.product") {
			t.Errorf("%s: SVN and line raised: failed are %v", dir, got)
		}
	}
}
