package snp

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/kds"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	sgtest "github.com/google/go-sev-guest/testing"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/testdata"
	"github.com/google/go-sev-guest/verify/trust"

	"github.com/veriproof/notary/attestation/internal/snptest"
)

// TestPinsAreAMDs compares the pins with the roots that go-sev-guest embeds.
func TestPinsAreAMDs(t *testing.T) {
	roots := AMDRoots()
	for _, line := range []Product{Milan, Genoa, Turin} {
		certs, err := trust.GetDefaultRootCerts(string(line))
		if err != nil {
			t.Fatal(err)
		}
		ark := certs.ProductCerts.Ark
		if name, ok := roots.Anchor(ark); !ok || name != "AMD ARK-"+string(line) {
			t.Errorf("%s: anchor is %q, %v", line, name, ok)
		}
		if err := verifyLink(ark, ark); err != nil {
			t.Errorf("%s: ARK: %v", line, err)
		}
		if err := verifyLink(certs.ProductCerts.Ask, ark); err != nil {
			t.Errorf("%s: ASK: %v", line, err)
		}
	}
}

// TestParseAgainstOracle compares each field with go-sev-guest's parser.
func TestParseAgainstOracle(t *testing.T) {
	reports := [][]byte{testdata.AttestationBytes}
	for _, v := range []uint32{2, 3, 5} {
		reports = append(reports, snptest.New("Genoa", v).Report(fill(v)))
	}
	for _, e := range realEvidence(t) {
		reports = append(reports, e.report)
	}
	for i, raw := range reports {
		r := mustParse(t, raw)
		want, err := abi.ReportToProto(raw)
		if err != nil {
			t.Fatalf("report %d: %v", i, err)
		}
		numbers := map[string][2]uint64{
			"version": {uint64(r.Version), uint64(want.Version)}, "guest svn": {uint64(r.GuestSVN), uint64(want.GuestSvn)},
			"policy": {uint64(r.Policy), want.Policy}, "vmpl": {uint64(r.VMPL), uint64(want.Vmpl)},
			"algorithm": {uint64(r.SignatureAlgo), uint64(want.SignatureAlgo)}, "current tcb": {uint64(r.CurrentTCB), want.CurrentTcb},
			"platform": {uint64(r.PlatformInfo), want.PlatformInfo}, "signer": {uint64(r.SignerInfo), uint64(want.SignerInfo)},
			"reported tcb": {uint64(r.ReportedTCB), want.ReportedTcb}, "committed tcb": {uint64(r.CommittedTCB), want.CommittedTcb},
			"launch tcb": {uint64(r.LaunchTCB), want.LaunchTcb}, "current build": {uint64(r.Current.Build), uint64(want.CurrentBuild)},
			"current minor": {uint64(r.Current.Minor), uint64(want.CurrentMinor)}, "current major": {uint64(r.Current.Major), uint64(want.CurrentMajor)},
			"committed build": {uint64(r.Committed.Build), uint64(want.CommittedBuild)}, "committed minor": {uint64(r.Committed.Minor), uint64(want.CommittedMinor)},
			"committed major": {uint64(r.Committed.Major), uint64(want.CommittedMajor)},
			"launch mit":      {r.LaunchMitigations, want.LaunchMitVector}, "current mit": {r.CurrentMitigations, want.CurrentMitVector},
		}
		if r.Version >= 3 {
			fms := abi.FmsToCpuid1Eax(r.Family, r.Model, r.Stepping)
			numbers["cpuid"] = [2]uint64{uint64(fms), uint64(want.Cpuid1EaxFms)}
		}
		for name, n := range numbers {
			if n[0] != n[1] {
				t.Errorf("report %d: %s is 0x%x, want 0x%x", i, name, n[0], n[1])
			}
		}
		for name, f := range map[string][2][]byte{
			"family id": {r.FamilyID[:], want.FamilyId}, "image id": {r.ImageID[:], want.ImageId}, "report data": {r.ReportData[:], want.ReportData},
			"measurement": {r.Measurement[:], want.Measurement}, "host data": {r.HostData[:], want.HostData}, "id key": {r.IDKeyDigest[:], want.IdKeyDigest},
			"author key": {r.AuthorKeyDigest[:], want.AuthorKeyDigest}, "report id": {r.ReportID[:], want.ReportId},
			"report id ma": {r.ReportIDMA[:], want.ReportIdMa}, "chip id": {r.ChipID[:], want.ChipId},
			"signature": {append(r.R[:], r.S[:]...), want.Signature[:2*componentSize]},
		} {
			if !bytes.Equal(f[0], f[1]) {
				t.Errorf("report %d: %s is %x, want %x", i, name, f[0], f[1])
			}
		}
	}
}

func TestPolicyBitsAgainstOracle(t *testing.T) {
	for bit := range 26 {
		p := GuestPolicy(1<<17 | 1<<bit)
		want, err := abi.ParseSnpPolicy(uint64(p))
		if err != nil {
			t.Fatal(err)
		}
		got := abi.SnpPolicy{
			ABIMajor: p.ABIMajor(), ABIMinor: p.ABIMinor(), SMT: p.SMT(), MigrateMA: p.MigrateMA(), Debug: p.Debug(),
			SingleSocket: p.SingleSocket(), CXLAllowed: p.CXL(), MemAES256XTS: p.MemAES256XTS(), RAPLDis: p.RAPLDisabled(),
			CipherTextHidingDRAM: p.CiphertextHiding(), PageSwapDisable: p.PageSwapDisabled(),
		}
		if got != want || !p.wellFormed() {
			t.Errorf("bit %d: %+v, want %+v, well formed %v", bit, got, want, p.wellFormed())
		}
	}
	for bit := range 8 {
		if bit == 6 {
			continue // reserved
		}
		p := PlatformInfo(1 << bit)
		want, err := abi.ParseSnpPlatformInfo(uint64(p))
		if err != nil {
			t.Fatal(err)
		}
		if p.SMT() != want.SMTEnabled || p.TSME() != want.TSMEEnabled || p.ECC() != want.ECCEnabled || p.RAPLDisabled() != want.RAPLDisabled ||
			p.CiphertextHiding() != want.CiphertextHidingDRAMEnabled || p.AliasCheck() != want.AliasCheckComplete || p.TIO() != want.TIOEnabled {
			t.Errorf("platform bit %d differs from %+v", bit, want)
		}
	}
}

// evidence is a report with its chain and a time inside of all validities.
type evidence struct {
	name          string
	report, chain []byte
	at            time.Time
	roots         Roots
	line          Product
	trusted       map[string][]*trust.AMDRootCerts // nil: AMD's
}

// moduleEvidence is AMD's own example, which comes with go-sev-guest.
func moduleEvidence() evidence {
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testdata.VcekBytes})
	return evidence{
		name: "module/Milan", report: testdata.AttestationBytes, chain: append(chain, trust.AskArkMilanVcekBytes...),
		at: time.Date(2023, 6, 1, 0, 0, 0, 0, time.UTC), roots: AMDRoots(), line: Milan,
	}
}

// realEvidence returns reports of real hardware: the module's and, if NOTARY_DATA
// names the directory of the development data, those of Azure.
func realEvidence(t testing.TB) []evidence {
	t.Helper()
	list := []evidence{moduleEvidence()}
	dir := os.Getenv("NOTARY_DATA")
	if dir == "" {
		return list
	}
	text, err := os.ReadFile(filepath.Join(dir, "attest", "EXPECTED.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, raw := range all {
		var x struct{ Product, Policy, HostData, Measurement string }
		if name == "note" {
			continue
		}
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		read := func(file string) []byte {
			b, err := os.ReadFile(filepath.Join(dir, "attest", "extracted", name, file))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		list = append(list, evidence{
			name: name, report: read("report.bin"), chain: read("vcek-chain.pem"), at: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
			roots: AMDRoots(), line: Product(x.Product[:5]),
		})
	}
	if len(list) < 3 {
		t.Fatalf("%s has only %d pieces of Evidence", dir, len(list)-1)
	}
	return list
}

// TestAzureExpectations compares the reports of the development data with what
// was read in them by other means.
func TestAzureExpectations(t *testing.T) {
	dir := os.Getenv("NOTARY_DATA")
	text := []byte(`{}`)
	if dir != "" {
		var err error
		if text, err = os.ReadFile(filepath.Join(dir, "attest", "EXPECTED.json")); err != nil {
			t.Fatal(err)
		}
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, e := range realEvidence(t)[1:] {
		var x struct {
			Version     uint32 `json:"report_version"`
			VMPL        uint32 `json:"vmpl"`
			Policy      string `json:"policy"`
			HostData    string `json:"host_data"`
			ReportData  string `json:"report_data_first32"`
			Measurement string `json:"measurement"`
			TCB         string `json:"vcek_tcb"`
		}
		if err := json.Unmarshal(all[e.name], &x); err != nil {
			t.Fatal(err)
		}
		r := mustParse(t, e.report)
		if r.Version != x.Version || r.VMPL != x.VMPL || "0x"+strconv.FormatUint(uint64(r.Policy), 16) != x.Policy ||
			hex.EncodeToString(r.HostData[:]) != x.HostData || hex.EncodeToString(r.ReportData[:32]) != x.ReportData ||
			hex.EncodeToString(r.Measurement[:]) != x.Measurement || strconv.FormatUint(uint64(r.ReportedTCB), 16) != x.TCB {
			t.Errorf("%s: the report differs from EXPECTED.json", e.name)
		}
	}
}

// fakeEvidence is signed by go-sev-guest's own fake AMD signer. It has none for
// Turin's certificate layout.
func fakeEvidence(t testing.TB, productName string, line Product, version uint32) evidence {
	t.Helper()
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	p := snptest.New(string(line), version)
	tcb := kds.TCBVersion(TCB{Bootloader: p.TCB[0], TEE: p.TCB[1], SNP: p.TCB[6], Microcode: p.TCB[7]}.Encode(line))
	b := &sgtest.AmdSignerBuilder{
		Keys: sgtest.DefaultAmdKeys(), ProductName: productName, ArkCreationTime: at, AskCreationTime: at, AsvkCreationTime: at,
		VcekCreationTime: at, VlekCreationTime: at, TCB: tcb, HWID: p.ChipID,
	}
	ext := sgtest.CustomExtensions(kds.DecomposeTCBVersion(tcb), p.ChipID[:], "", productName)
	for i := range ext {
		if ext[i].Id.Equal(kds.OidHwid) {
			ext[i].Value = p.ChipID[:] // bare, as in AMD's certificates; the fake wraps it
		}
	}
	b.VcekCustom.Extensions = ext
	s, err := b.TestOnlyCertChain()
	if err != nil {
		t.Fatal(err)
	}
	raw := p.Report(nil)
	r, sig, err := s.Sign(abi.SignedComponent(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := abi.SetSignature(r, sig, raw); err != nil {
		t.Fatal(err)
	}
	chain := (&Chain{VCEK: s.Vcek, ASK: s.Ask, ARK: s.Ark}).PEM()
	return evidence{
		name: "fake/" + productName, report: raw, chain: chain, at: at.AddDate(0, 1, 0), roots: Roots{}.With(s.Ark), line: line,
		trusted: map[string][]*trust.AMDRootCerts{string(line): {{
			Product: string(line), ProductLine: string(line), ProductCerts: &trust.ProductCerts{Ask: s.Ask, Ark: s.Ark, Asvk: s.Asvk},
		}}},
	}
}

func oracleVerify(t testing.TB, e evidence, raw []byte) error {
	t.Helper()
	p, err := abi.ReportToProto(raw)
	if err != nil {
		return err
	}
	c := mustChain(t, e.chain)
	return verify.SnpAttestation(&spb.Attestation{Report: p, CertificateChain: &spb.CertificateChain{VcekCert: c.VCEK.Raw}},
		&verify.Options{DisableCertFetching: true, Now: e.at, TrustedRoots: e.trusted})
}

func allEvidence(t testing.TB) []evidence {
	return append(realEvidence(t),
		fakeEvidence(t, "Milan-B1", Milan, 2), fakeEvidence(t, "Milan-B1", Milan, 3), fakeEvidence(t, "Milan-B0", Milan, 5),
		fakeEvidence(t, "Genoa-B1", Genoa, 3), fakeEvidence(t, "Genoa-B1", Genoa, 5))
}

// TestVerifyAgainstOracle: what is true for one verifier is true for the other,
// and a report with a changed bit is true for neither.
func TestVerifyAgainstOracle(t *testing.T) {
	for _, e := range allEvidence(t) {
		r, c := mustParse(t, e.report), mustChain(t, e.chain)
		if err := oracleVerify(t, e, e.report); err != nil {
			t.Errorf("%s: the oracle refuses it: %v", e.name, err)
		}
		if err := Verify(r, c, e.roots, e.at); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
		if got, err := ProductOf(r, c); err != nil || got != e.line {
			t.Errorf("%s: product is %q, %v", e.name, got, err)
		}
		for off := 0x51; off < SignedSize; off += 83 {
			raw := bytes.Clone(e.report)
			raw[off] ^= 0x10
			theirs := oracleVerify(t, e, raw)
			changed, ours := Parse(raw)
			if ours == nil {
				ours = Verify(changed, c, e.roots, e.at)
			}
			if theirs == nil || ours == nil {
				t.Errorf("%s: bit changed at 0x%x: ours %v, theirs %v", e.name, off, ours, theirs)
			}
		}
	}
}

// TestRealEvidence is the list of the issue: real reports verify at a time inside
// of validity, and each change makes its own difference.
func TestRealEvidence(t *testing.T) {
	for _, e := range realEvidence(t) {
		r, c := mustParse(t, e.report), mustChain(t, e.chain)
		for i := range SignedSize {
			raw := bytes.Clone(e.report)
			raw[i] ^= 0x80 >> (i % 8)
			changed, err := Parse(raw)
			if err == nil && checkSigner(changed) == nil && verifySignature(changed, c) == nil {
				t.Fatalf("%s: byte 0x%x changed: accepted", e.name, i)
			}
		}
		for _, at := range []time.Time{c.VCEK.NotBefore.AddDate(0, 0, -1), c.VCEK.NotAfter.AddDate(0, 0, 1)} {
			if err := Verify(r, c, e.roots, at); err == nil {
				t.Errorf("%s: true at %s", e.name, at)
			}
		}
		tcb := r.ReportedTCB.Decode(e.line)
		ok := ReferenceValues{Products: []Product{e.line}, MinimumTCB: map[Product]TCB{e.line: tcb}, HostData: [][32]byte{r.HostData}}
		before := len(Appraise(r, c, ok))
		above := tcb
		above.Microcode++
		for name, change := range map[string]func(*ReferenceValues){
			"another line": func(v *ReferenceValues) { v.Products = []Product{"Turin"} },
			"TCB above":    func(v *ReferenceValues) { v.MinimumTCB = map[Product]TCB{e.line: above} },
			"host data":    func(v *ReferenceValues) { v.HostData = [][32]byte{{1}} },
		} {
			rv := ok
			change(&rv)
			if got := len(Appraise(r, c, rv)); got <= before {
				t.Errorf("%s: %s: %d refusals, %d without the change", e.name, name, got, before)
			}
		}
	}
}

// The module's report was made on a debuggable guest, so it is true and not
// acceptable.
func TestModuleReportIsDebuggable(t *testing.T) {
	e := moduleEvidence()
	errs := Appraise(mustParse(t, e.report), mustChain(t, e.chain), ReferenceValues{})
	if len(errs) != 1 || errs[0].(*Refusal).Field != "debug" {
		t.Errorf("refusals are %v", errs)
	}
}

// Chains put together from the parts of others.
func TestSwappedChains(t *testing.T) {
	list := realEvidence(t)
	list = append(list, fakeEvidence(t, "Milan-B1", Milan, 3), fakeEvidence(t, "Genoa-B1", Genoa, 3))
	for i, a := range list {
		for j, b := range list {
			if i == j {
				continue
			}
			r, ca, cb := mustParse(t, a.report), mustChain(t, a.chain), mustChain(t, b.chain)
			all := Roots{}.With(ca.ARK).With(cb.ARK)
			for k, c := range []*Chain{cb, {ca.VCEK, cb.ASK, cb.ARK}, {cb.VCEK, ca.ASK, ca.ARK}, {ca.VCEK, cb.ASK, ca.ARK}} {
				same := c.VCEK.Equal(ca.VCEK) && c.ASK.Equal(ca.ASK) && c.ARK.Equal(ca.ARK)
				if err := Verify(r, c, all, a.at); err == nil && !same {
					t.Errorf("report of %s under parts of %s (%d): accepted", a.name, b.name, k)
				}
			}
		}
	}
}

// Fail here and not at a user if the fixture were to make certificates unlike AMD's.
func TestFixtureLooksLikeAMD(t *testing.T) {
	ours := mustChain(t, snptest.New("Milan", 3).ChainPEM())
	amds := mustChain(t, moduleEvidence().chain)
	ids := func(c *x509.Certificate) map[string]bool {
		m := map[string]bool{}
		for _, e := range c.Extensions {
			m[e.Id.String()] = true
		}
		return m
	}
	want := ids(amds.VCEK)
	for id := range ids(ours.VCEK) {
		if !want[id] && id != "2.5.29.35" { // AMD's VCEKs have no authority key id
			t.Errorf("the fixture's VCEK has the extension %s, AMD's has not", id)
		}
	}
}
