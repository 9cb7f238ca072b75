package attestation

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/internal/snptest"
	"github.com/veriproof/notary/attestation/internal/uvmtest"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

const issuer = "https://maa.example"

// issued is when tokens are made; now is when they are looked at.
var (
	issued = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	now    = issued.Add(time.Hour)
)

// world is a notary on hardware of the test's own, and a relying party that
// trusts its makers. A test changes a part and looks at what follows.
type world struct {
	platform *snptest.Platform
	signer   *uvmtest.Signer
	maaKey   *rsa.PrivateKey
	data     runtimedata.RuntimeData
	cce      []byte
	policy   *policy.Policy
	// What differs from a good notary's: edits of the report before it is
	// signed, of the token's claims, and of the endorsement.
	report      func(raw []byte)
	claims      func(c map[string]any)
	endorsement []byte
	noToken     bool
}

func newWorld(t testing.TB) *world {
	t.Helper()
	m := makers()
	w := &world{platform: m.platform, signer: m.signer, maaKey: m.maa, cce: []byte("package policy\n\n# a test's\n")}
	w.data = testData(m.maa)
	var measurement [48]byte
	copy(measurement[:], w.platform.Report(nil)[0x090:])
	w.endorsement = w.signer.Sign(w.signer.CWT(uvm.ContainerFeed, 104, measurement))
	w.policy = w.accepting()
	return w
}

// makers has the keys of all worlds, which no test changes.
var makers = sync.OnceValue(func() (m struct {
	platform   *snptest.Platform
	signer     *uvmtest.Signer
	maa, other *rsa.PrivateKey
	crl        string
},
) {
	var err1, err2 error
	m.platform, m.signer = snptest.New("Genoa", 3), uvmtest.New(nil)
	m.crl = string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: m.platform.CRL(snptest.NotAfter, nil, snptest.ASKSerial-1)}))
	m.maa, err1 = rsa.GenerateKey(rand.Reader, 2048)
	m.other, err2 = rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	return m
})

func digest(s string) policy.Digest { return sha256.Sum256([]byte(s)) }

func testData(key *rsa.PrivateKey) runtimedata.RuntimeData {
	plugin := func(name, kind string) runtimedata.Plugin {
		return runtimedata.Plugin{
			Config: digest(name + " config").String(), Kind: kind, Limits: digest(name + " limits").String(), Order: "1", Wasm: digest(name).String(),
		}
	}
	return runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{runtimedata.RSAKey(&key.PublicKey)},
		Notary: runtimedata.Notary{
			Config: digest("config").String(), Epoch: strings.Repeat("0f", 16), Format: "1", Mode: "enforce", PluginSet: digest("set").String(),
			Plugins: map[string]runtimedata.Plugin{
				"redact-pii": plugin("redact-pii", runtimedata.KindRedactor), "store-dir": plugin("store-dir", runtimedata.KindStorage),
			},
			Recipients: digest("recipients").String(), SigningKey: base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
			TLSSPKI: digest("spki").String(), Version: "1.0.0",
		},
	}
}

// accepting is a policy with every Reference Value given and met.
func (w *world) accepting() *policy.Policy {
	ark := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.platform.Certs[2].Raw}))
	return &policy.Policy{
		Format: policy.Format, Require: []string{policy.PathHardware, policy.PathMAA}, Products: []snp.Product{snp.Genoa},
		MinimumTCB: map[snp.Product]policy.TCB{snp.Genoa: {Bootloader: 4, TEE: 1, SNP: 24, Microcode: 219}},
		HostData:   []policy.Digest{sha256.Sum256(w.cce)}, ChipIDs: []policy.ChipID{w.platform.ChipID},
		Platform:          &policy.Platform{AliasCheck: policy.Required, ECC: policy.Required, TSME: policy.Forbidden, TIO: policy.Forbidden},
		GuestPolicy:       &policy.GuestPolicy{CXL: policy.Forbidden},
		CommittedFirmware: true,
		Revocation:        &policy.Revocation{Required: true, CRLs: []string{makers().crl}},
		UVM:               policy.UVM{Feed: uvm.ContainerFeed, MinSVN: 104}, PluginSet: []policy.Digest{digest("set")},
		Plugins: map[string]policy.Plugin{
			"redact-pii": {Wasm: []policy.Digest{digest("redact-pii")}, Config: []policy.Digest{digest("redact-pii config")}, Required: true},
			"debug-dump": {Forbidden: true},
		},
		Config: []policy.Digest{digest("config")}, Recipients: []policy.Digest{digest("recipients")}, Mode: "enforce",
		Versions: []string{"1.0.0"}, MaxAge: 8 * time.Hour,
		Simulated: &policy.Simulated{
			ARK: ark, UVMDID: w.signer.DID(), Issuer: issuer, PolicyHash: "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco", JWKS: string(w.jwks()),
		},
	}
}

func (w *world) jwks() []byte {
	b64 := base64.RawURLEncoding.EncodeToString
	n, e := b64(w.maaKey.N.Bytes()), b64(big.NewInt(int64(w.maaKey.E)).Bytes())
	return []byte(`{"keys":[{"alg":"RS256","kty":"RSA","use":"sig","kid":"k1","n":"` + n + `","e":"` + e + `"}]}`)
}

func (w *world) runtimeData(t testing.TB) []byte {
	t.Helper()
	b, err := w.data.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// input is what the notary shows.
func (w *world) input(t testing.TB) Input {
	t.Helper()
	data := w.runtimeData(t)
	raw := w.platform.Report(func(b []byte) {
		rd, hd := runtimedata.ReportData(data), sha256.Sum256(w.cce)
		copy(b[0x050:], rd[:])
		copy(b[0x0C0:], hd[:])
		if w.report != nil {
			w.report(b)
		}
	})
	in := Input{
		RuntimeData: data, At: now, AllowSimulated: true,
		Evidence: evidence.Evidence{Report: raw, VCEKChain: w.platform.ChainPEM(), UVM: w.endorsement, CCEPolicy: w.cce},
	}
	if !w.noToken {
		in.Token = w.token(t, raw, data)
	}
	return in
}

// token says about a report what MAA would.
func (w *world) token(t testing.TB, raw, data []byte) string {
	t.Helper()
	h := func(from, to int) string { return hex.EncodeToString(raw[from:to]) }
	var runtime any
	if err := json.Unmarshal(data, &runtime); err != nil {
		t.Fatal(err)
	}
	guest := map[string]any{
		"bootloader-svn": 4, "tee-svn": 1, "snpfw-svn": 24, "microcode-svn": 219, "guestsvn": 2, "vmpl": 0,
		"is-debuggable": false, "migration-allowed": false, "smt-allowed": true, "chip-family": "Genoa", "chipid": h(0x1A0, 0x1E0),
		"reportdata": h(0x050, 0x090), "hostdata": h(0x0C0, 0x0E0), "launchmeasurement": h(0x090, 0x0C0), "reportid": h(0x140, 0x160),
		"idkeydigest": h(0x0E0, 0x110), "authorkeydigest": h(0x110, 0x140), "familyId": h(0x010, 0x020), "imageId": h(0x020, 0x030),
		"uvm-endorsement":         map[string]any{"x-ms-sevsnpvm-guestsvn": "104", "x-ms-sevsnpvm-launchmeasurement": h(0x090, 0x0C0)},
		"uvm-endorsement-headers": map[string]any{"feed": uvm.ContainerFeed, "iss": w.signer.DID()},
	}
	c := map[string]any{
		"iss": issuer, "jti": strings.Repeat("0", 64), "iat": issued.Unix(), "nbf": issued.Unix(), "exp": issued.Add(8 * time.Hour).Unix(),
		"x-ms-ver": "1.0", "x-ms-attestation-type": "sevsnpvm", "x-ms-compliance-status": "azure-compliant-uvm",
		"x-ms-policy-hash": w.policy.Simulated.PolicyHash, "x-ms-runtime": runtime, "x-ms-simulated": true,
	}
	for name, v := range guest {
		c["x-ms-sevsnpvm-"+name] = v
	}
	if w.claims != nil {
		w.claims(c)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(c))
	maps.Copy(token.Header, map[string]any{"kid": "k1", "jku": fmt.Sprint(c["iss"], "/certs")})
	signed, err := token.SignedString(w.maaKey)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// byName indexes a list of checks.
func byName(checks []Check) map[string]Check {
	m := make(map[string]Check, len(checks))
	for _, c := range checks {
		m[c.Name] = c
	}
	return m
}

// failed lists the names of the failed checks.
func failed(checks []Check) []string {
	var names []string
	for _, c := range checks {
		if c.Status == Fail {
			names = append(names, c.Name)
		}
	}
	return names
}
