package simtee

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/kds"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/validate"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
	"github.com/veriproof/notary/attestation/snp"
)

// amdOrganization is what go-sev-guest demands in every subject.
const amdOrganization = "Advanced Micro Devices"

// TestOracleAccepts has go-sev-guest verify and validate simulated reports. It
// insists on AMD's organisation, so the certificates are issued again under that
// name, by the same code, for this test alone; under the name that the package
// gives them it must refuse. Turin is left out: the library refuses every real
// VCEK of that line, too (object identifier 3.9), see TestOracleReportSignature.
func TestOracleAccepts(t *testing.T) {
	for _, product := range []snp.Product{snp.Milan, snp.Genoa} {
		for org, want := range map[string]bool{amdOrganization: true, Organization: false} {
			tee, chain := reissued(t, product, org)
			att, opts := oracleInput(t, tee, chain)
			if err := verify.SnpAttestation(att, opts); (err == nil) != want {
				t.Errorf("%s, O=%s: %v", product, org, err)
			}
		}
		tee, chain := reissued(t, product, amdOrganization)
		att, _ := oracleInput(t, tee, chain)
		if err := validate.SnpAttestation(att, validateOptions(tee, product)); err != nil {
			t.Errorf("%s: validate: %v", product, err)
		}
	}
}

func validateOptions(tee *TEE, product snp.Product) *validate.Options {
	reportData, hostData, measurement := testReportData(), tee.HostData(), tee.Measurement()
	vmpl := 0
	tcb := models[product].tcb
	return &validate.Options{
		GuestPolicy: abi.SnpPolicy{SMT: true, ABIMinor: 31},
		VMPL:        &vmpl,
		ReportData:  reportData[:],
		HostData:    hostData[:],
		Measurement: measurement[:],
		ChipID:      tee.state.ChipID,
		MinimumTCB:  kds.TCBParts{BlSpl: tcb.Bootloader, TeeSpl: tcb.TEE, SnpSpl: tcb.SNP, UcodeSpl: tcb.Microcode},
		PlatformInfo: &abi.SnpPlatformInfo{
			SMTEnabled: true, ECCEnabled: true, AliasCheckComplete: true,
		},
		PermitProvisionalFirmware: true,
	}
}

func TestOracleReportSignature(t *testing.T) {
	for _, product := range []snp.Product{snp.Milan, snp.Genoa, snp.Turin} {
		tee, err := New(Options{Product: product, TestKeys: true})
		if err != nil {
			t.Fatal(err)
		}
		vcek, err := parseCertificate(tee.state.VCEK)
		if err != nil {
			t.Fatal(err)
		}
		raw := tee.Report(testReportData())
		if err := verify.SnpReportSignature(raw, vcek); err != nil {
			t.Errorf("%s: %v", product, err)
		}
		raw[0x50] ^= 1
		if err := verify.SnpReportSignature(raw, vcek); err == nil {
			t.Errorf("%s: oracle accepts a changed report", product)
		}
	}
}

// TestRealKeySizes makes one TEE as users do, with AMD's key sizes.
func TestRealKeySizes(t *testing.T) {
	tee, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	chain, err := snp.ParseChain(tee.VCEKChain())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*x509.Certificate{chain.ARK, chain.ASK} {
		if bits := c.PublicKey.(*rsa.PublicKey).N.BitLen(); bits != 4096 || c.SignatureAlgorithm != x509.SHA384WithRSAPSS {
			t.Errorf("%s: RSA with %d bits, signed with %s", c.Subject.CommonName, bits, c.SignatureAlgorithm)
		}
	}
	r, err := snp.Parse(tee.Report(testReportData()))
	if err != nil {
		t.Fatal(err)
	}
	if err := snp.Verify(r, chain, snp.Roots{}.With(tee.ARK()), time.Now()); err != nil {
		t.Error(err)
	}
	if err := snp.Verify(r, chain, snp.AMDRoots(), time.Now()); err == nil {
		t.Error("verifies under AMD's roots")
	}
}

func testReportData() (d [64]byte) {
	copy(d[:], bytes.Repeat([]byte{0x5a}, 32))
	return d
}

// reissued makes a TEE whose certificates name org.
func reissued(t *testing.T, product snp.Product, org string) (*TEE, *snp.Chain) {
	t.Helper()
	tee, err := New(Options{Product: product, TestKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := testKeys()
	if err != nil {
		t.Fatal(err)
	}
	chain, vcek, err := issueChain(tee.state, keys, time.Now(), org)
	if err != nil {
		t.Fatal(err)
	}
	tee.vcekKey = vcek
	return tee, chain
}

func oracleInput(t *testing.T, tee *TEE, chain *snp.Chain) (*spb.Attestation, *verify.Options) {
	t.Helper()
	report, err := abi.ReportToProto(tee.Report(testReportData()))
	if err != nil {
		t.Fatal(err)
	}
	line := string(tee.Product())
	roots := &trust.AMDRootCerts{
		ProductLine:  line,
		ProductCerts: &trust.ProductCerts{Ask: chain.ASK, Ark: chain.ARK, Asvk: chain.ASK},
	}
	att := &spb.Attestation{Report: report, CertificateChain: &spb.CertificateChain{VcekCert: chain.VCEK.Raw}}
	return att, &verify.Options{
		DisableCertFetching: true, Now: time.Now(),
		TrustedRoots: map[string][]*trust.AMDRootCerts{line: {roots}},
	}
}

// encodeKey writes what decodeKey reads, which refuses the rest.
func TestDecodeKeyRefuses(t *testing.T) {
	tee, err := New(Options{TestKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "not PEM": "x", "other type": tee.state.VCEKKey,
		"not PKCS #8": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})),
	} {
		if _, err := decodeKey[*rsa.PrivateKey](text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if k, err := decodeKey[*rsa.PrivateKey](tee.state.MAAKey); err != nil || !k.Equal(tee.maaKey) {
		t.Errorf("own key: %v", err)
	}
}
