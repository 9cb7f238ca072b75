package simtee

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/golang-jwt/jwt/v5"
	"github.com/veriproof/notary/attestation/maa"
)

// maaPolicy is the attestation policy of the simulated service.
const maaPolicy = `version= 1.0;
authorizationrules { => permit(); };
issuancerules { => issue(type="` + maa.SimulatedClaim + `", value=true); };`

// PolicyHash returns x-ms-policy-hash of the simulated service: base64url of
// SHA-256 of base64url of its policy.
func (t *TEE) PolicyHash() string {
	sum := sha256.Sum256([]byte(base64.RawURLEncoding.EncodeToString([]byte(maaPolicy))))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// token issues a token about what was verified.
func (t *TEE) token(f *facts, issuer string) (string, error) {
	faults := t.currentFaults()
	lifetime := t.opts.TokenLifetime
	if faults.TokenLifetime != 0 {
		lifetime = faults.TokenLifetime
	}
	claims := t.claims(f)
	var jti [32]byte
	if _, err := rand.Read(jti[:]); err != nil {
		return "", err
	}
	now := t.opts.Now()
	claims["iss"], claims["jti"] = issuer, hex.EncodeToString(jti[:])
	claims["iat"], claims["nbf"], claims["exp"] = now.Unix(), now.Unix(), now.Add(lifetime).Unix()
	if faults.Claims != nil {
		faults.Claims(claims)
	}
	return t.signToken(claims, issuer)
}

func (t *TEE) signToken(claims map[string]any, issuer string) (string, error) {
	t.mu.Lock()
	key := t.maaKey
	t.mu.Unlock()
	kid, err := keyID(&key.PublicKey)
	if err != nil {
		return "", err
	}
	header, err := sortedJSON(map[string]any{"alg": "RS256", "jku": issuer + "/certs", "kid": kid, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	payload, err := sortedJSON(claims)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64(header) + "." + b64(payload)
	sig, err := jwt.SigningMethodRS256.Sign(signed, key)
	if err != nil {
		return "", err
	}
	return signed + "." + b64(sig), nil
}

// sortedJSON writes members sorted bytewise at every level, as MAA does, and
// numbers as they came.
func sortedJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// claims gives the verified facts MAA's names. A claim about something that was
// not sent is absent.
func (t *TEE) claims(f *facts) map[string]any {
	c := map[string]any{
		"x-ms-ver":              "1.0",
		"x-ms-attestation-type": maa.AttestationTypeSNP,
		"x-ms-policy-hash":      t.PolicyHash(),
		maa.SimulatedClaim:      true,
	}
	for name, v := range t.guestClaims(f) {
		c["x-ms-sevsnpvm-"+name] = v
	}
	if f.runtime != nil {
		c["x-ms-runtime"] = f.runtime
	}
	if f.nonce != "" {
		c["nonce"] = f.nonce
	}
	if e := f.endorsement; e != nil {
		c["x-ms-compliance-status"] = maa.CompliantUVM
		c["x-ms-sevsnpvm-uvm-endorsement"] = map[string]any{
			"x-ms-sevsnpvm-guestsvn":          strconv.FormatUint(e.SVN, 10),
			"x-ms-sevsnpvm-guestsvn-int":      e.SVN,
			"x-ms-sevsnpvm-launchmeasurement": hex.EncodeToString(e.Measurement[:]),
		}
		c["x-ms-sevsnpvm-uvm-endorsement-headers"] = map[string]any{"feed": e.Feed, "iss": e.Issuer}
	}
	return c
}

func (t *TEE) guestClaims(f *facts) map[string]any {
	r := f.report
	tcb := r.ReportedTCB.Decode(t.state.Product)
	return map[string]any{
		"authorkeydigest":                hex.EncodeToString(r.AuthorKeyDigest[:]),
		"idkeydigest":                    hex.EncodeToString(r.IDKeyDigest[:]),
		"familyId":                       hex.EncodeToString(r.FamilyID[:]),
		"imageId":                        hex.EncodeToString(r.ImageID[:]),
		"hostdata":                       hex.EncodeToString(r.HostData[:]),
		"launchmeasurement":              hex.EncodeToString(r.Measurement[:]),
		"reportdata":                     hex.EncodeToString(r.ReportData[:]),
		"reportid":                       hex.EncodeToString(r.ReportID[:]),
		"chipid":                         hex.EncodeToString(r.ChipID[:]),
		"chip-family":                    string(t.state.Product),
		"bootloader-svn":                 tcb.Bootloader,
		"tee-svn":                        tcb.TEE,
		"snpfw-svn":                      tcb.SNP,
		"microcode-svn":                  tcb.Microcode,
		"guestsvn":                       r.GuestSVN,
		"vmpl":                           r.VMPL,
		"is-debuggable":                  r.Policy.Debug(),
		"migration-allowed":              r.Policy.MigrateMA(),
		"smt-allowed":                    r.Policy.SMT(),
		"singlesocket":                   r.Policy.SingleSocket(),
		"cxl-allowed":                    r.Policy.CXL(),
		"mem-aes256-xts-required":        r.Policy.MemAES256XTS(),
		"rapl-disabled":                  r.Policy.RAPLDisabled(),
		"ciphertext-hiding-dram-enabled": r.Policy.CiphertextHiding(),
		"page-swap-disabled":             r.Policy.PageSwapDisabled(),
	}
}
