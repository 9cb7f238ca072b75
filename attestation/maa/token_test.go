package maa

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	testIssuer = "https://maa.example.test"
	testKid    = "dGVzdC1rZXk="
)

var (
	issued = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	noon   = issued.Add(4 * time.Hour)

	testKey  = sync.OnceValue(func() *rsa.PrivateKey { return newKey(2048) })
	otherKey = sync.OnceValue(func() *rsa.PrivateKey { return newKey(2048) })
)

func newKey(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

func jwkOf(kid string, k *rsa.PublicKey) map[string]any {
	return map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
		"n": b64(k.N.Bytes()), "e": "AQAB",
	}
}

func jwks(t testing.TB, keys ...map[string]any) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testKeys(t testing.TB) *KeySet {
	t.Helper()
	set, err := ParseKeySet(jwks(t, jwkOf(testKid, &testKey().PublicKey)))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func goodHeader() map[string]any {
	return map[string]any{"alg": "RS256", "jku": testIssuer + "/certs", "kid": testKid, "typ": "JWT"}
}

const testRuntime = `{"keys":[],"notary":{"format":"1"}}`

func goodBody() map[string]any {
	h := func(n int, c string) string { return strings.Repeat(c, 2*n) }
	digest := sha256.Sum256([]byte(testRuntime))
	return map[string]any{
		"exp": issued.Add(8 * time.Hour).Unix(), "nbf": issued.Unix(), "iat": issued.Unix(),
		"iss": testIssuer, "jti": h(32, "7"), "x-ms-ver": "1.0",
		"x-ms-attestation-type": "sevsnpvm", "x-ms-compliance-status": CompliantUVM,
		"x-ms-policy-hash":              DefaultPolicyHash,
		"x-ms-runtime":                  json.RawMessage(testRuntime),
		snpPrefix + "reportdata":        hex.EncodeToString(digest[:]) + h(32, "0"),
		snpPrefix + "hostdata":          h(32, "a"),
		snpPrefix + "reportid":          h(32, "b"),
		snpPrefix + "idkeydigest":       h(48, "0"),
		snpPrefix + "familyId":          h(16, "1"),
		snpPrefix + "imageId":           h(16, "2"),
		snpPrefix + "guestsvn":          2,
		snpPrefix + "vmpl":              0,
		snpPrefix + "smt-allowed":       true,
		snpPrefix + "snpfw-svn":         23,
		snpPrefix + "tee-svn":           0,
		snpPrefix + "chip-family":       "Genoa",
		snpPrefix + "chipid":            h(64, "c"),
		snpPrefix + "is-debuggable":     false,
		snpPrefix + "migration-allowed": false,
		snpPrefix + "bootloader-svn":    10,
		snpPrefix + "microcode-svn":     84,
		snpPrefix + "authorkeydigest":   h(48, "0"),
		snpPrefix + "launchmeasurement": h(48, "d"),
		snpPrefix + "uvm-endorsement": map[string]any{
			snpPrefix + "guestsvn": "104", snpPrefix + "guestsvn-int": 104,
			snpPrefix + "launchmeasurement": h(48, "d"),
		},
		snpPrefix + "uvm-endorsement-headers": map[string]any{"feed": "ContainerPlat-AMD-UVM", "iss": "did:x509:0:sha256:x::eku:1"},
	}
}

// sign makes a token over exactly these JSON texts, RS256.
func sign(t testing.TB, key *rsa.PrivateKey, header, payload string) string {
	t.Helper()
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	sig, err := jwt.SigningMethodRS256.Sign(signed, key)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(sig)
}

func text(t testing.TB, v map[string]any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// with returns m with a member set, or removed when v is nil.
func with(m map[string]any, name string, v any) map[string]any {
	m = maps.Clone(m)
	if m[name] = v; v == nil {
		delete(m, name)
	}
	return m
}

func good(t testing.TB) string { return sign(t, testKey(), text(t, goodHeader()), text(t, goodBody())) }

func opts() TokenOptions { return TokenOptions{Issuer: testIssuer, At: noon, Leeway: MaxLeeway} }

func TestVerifyTokenClaims(t *testing.T) {
	c, err := VerifyToken(good(t), testKeys(t), opts())
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != testIssuer || c.KeyID != testKid || !c.Expiry.Equal(issued.Add(8*time.Hour)) || !c.NotBefore.Equal(issued) {
		t.Errorf("registered claims wrong: %+v", c)
	}
	if c.VMPL != 0 || c.Debuggable || c.MigrationAllowed || !c.SMTAllowed || c.GuestSVN != 2 || c.SNP != 23 || c.Microcode != 84 || c.Bootloader != 10 {
		t.Errorf("guest claims wrong: %+v", c)
	}
	if c.UVM == nil || c.UVM.SVN != 104 || c.UVM.LaunchMeasurement != c.LaunchMeasurement || c.UVM.Feed != "ContainerPlat-AMD-UVM" {
		t.Errorf("uvm endorsement wrong: %+v", c.UVM)
	}
	if c.Simulated {
		t.Error("a token without the claim counts as simulated")
	}
	if sum := sha256.Sum256(c.RuntimeRaw); string(sum[:]) != string(c.ReportData[:32]) {
		t.Errorf("runtime data %s does not hash to report data", c.RuntimeRaw)
	}
}

func TestVerifyTokenOptionalClaims(t *testing.T) {
	body := goodBody()
	for _, name := range []string{
		"x-ms-runtime", "x-ms-compliance-status", "x-ms-policy-hash", "jti", "iat",
		snpPrefix + "chipid", snpPrefix + "chip-family", snpPrefix + "uvm-endorsement", snpPrefix + "uvm-endorsement-headers",
	} {
		delete(body, name)
	}
	c, err := VerifyToken(sign(t, testKey(), text(t, goodHeader()), text(t, body)), testKeys(t), opts())
	if err != nil {
		t.Fatal(err)
	}
	if c.RuntimeRaw != nil || c.UVM != nil || c.ComplianceStatus != "" || c.ChipID != nil {
		t.Errorf("absent claims have values: %+v", c)
	}
}

func TestVerifyTokenSimulated(t *testing.T) {
	for _, v := range []any{true, "yes", 1, json.RawMessage("null")} {
		body := with(goodBody(), SimulatedClaim, v)
		c, err := VerifyToken(sign(t, testKey(), text(t, goodHeader()), text(t, body)), testKeys(t), opts())
		if err != nil || !c.Simulated {
			t.Errorf("%s = %v: simulated not seen (%v)", SimulatedClaim, v, err)
		}
	}
}

// TestT20ToT23VerifyTokenRefuses is the table of attacks (T20 to T23).
func TestT20ToT23VerifyTokenRefuses(t *testing.T) {
	h, b := goodHeader(), goodBody()
	hs, bs := text(t, h), text(t, b)
	signed := func(header, body map[string]any) string { return sign(t, testKey(), text(t, header), text(t, body)) }
	header := func(name string, v any) string { return signed(with(h, name, v), b) }
	claim := func(name string, v any) string { return signed(h, with(b, name, v)) }
	publicPEM := func() []byte {
		der, err := x509.MarshalPKIXPublicKey(&testKey().PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	otherAlg := func(m jwt.SigningMethod, alg string, key any) string {
		s := b64([]byte(text(t, with(h, "alg", alg)))) + "." + b64([]byte(bs))
		sig, err := m.Sign(s, key)
		if err != nil {
			t.Fatal(err)
		}
		return s + "." + b64(sig)
	}
	ok := good(t)
	part := strings.Split(ok, ".")
	rows := []struct {
		name  string
		token string
		want  error
	}{
		{"empty", "", ErrMalformed},
		{"two parts", part[0] + "." + part[1], ErrMalformed},
		{"four parts", ok + ".", ErrMalformed},
		{"trailing data", ok + "AA", ErrSignature},
		{"trailing line end", ok + "\n", ErrMalformed},
		{"line end inside", part[0][:8] + "\n" + part[0][8:] + "." + part[1] + "." + part[2], ErrMalformed},
		{"padding", ok + "==", ErrMalformed},
		{"standard base64", strings.ReplaceAll(part[0]+"+", "-", "+") + "." + part[1] + "." + part[2], ErrMalformed},
		{"too large", strings.Repeat("A", MaxTokenSize) + "." + part[1] + "." + part[2], ErrMalformed},
		{"no signature", part[0] + "." + part[1] + ".", ErrSignature},
		{"signature of another payload", part[0] + "." + b64([]byte(text(t, with(b, snpPrefix+"hostdata", strings.Repeat("e", 64))))) + "." + part[2], ErrSignature},
		{"other key under the same kid", sign(t, otherKey(), hs, bs), ErrSignature},
		{"alg none", b64([]byte(`{"alg":"none","kid":"`+testKid+`","typ":"JWT"}`)) + "." + part[1] + ".", ErrHeader},
		{"alg None", b64([]byte(`{"alg":"None","kid":"`+testKid+`","typ":"JWT"}`)) + "." + part[1] + ".", ErrHeader},
		{"HS256 with the public key", otherAlg(jwt.SigningMethodHS256, "HS256", publicPEM()), ErrHeader},
		{"HS256 said to be RS256", otherAlg(jwt.SigningMethodHS256, "RS256", publicPEM()), ErrSignature},
		{"PS256", otherAlg(jwt.SigningMethodPS256, "PS256", testKey()), ErrHeader},
		{"PS256 said to be RS256", otherAlg(jwt.SigningMethodPS256, "RS256", testKey()), ErrSignature},
		{"RS512", otherAlg(jwt.SigningMethodRS512, "RS512", testKey()), ErrHeader},
		{"RS512 said to be RS256", otherAlg(jwt.SigningMethodRS512, "RS256", testKey()), ErrSignature},
		{"lower-case alg", header("alg", "rs256"), ErrHeader},
		{"alg missing", header("alg", nil), ErrHeader},
		{"alg list", header("alg", []string{"RS256"}), ErrHeader},
		{"Alg beside no alg", sign(t, testKey(), `{"Alg":"RS256","kid":"`+testKid+`","typ":"JWT"}`, bs), ErrHeader},
		{"unknown crit", header("crit", []string{"exp"}), ErrHeader},
		{"empty crit", header("crit", []string{}), ErrHeader},
		{"b64 false", header("b64", false), ErrHeader},
		{"typ missing", header("typ", nil), ErrHeader},
		{"typ other", header("typ", "at+jwt"), ErrHeader},
		{"kid missing", header("kid", nil), ErrHeader},
		{"kid number", header("kid", 1), ErrHeader},
		{"kid unknown", header("kid", "bm9ib2R5"), ErrUnknownKey},
		{"kid path", header("kid", "../../../../dev/null"), ErrUnknownKey},
		{"jku elsewhere", header("jku", "https://evil.example.test/certs"), ErrHeader},
		{"jku with suffix", header("jku", testIssuer+"/certs?x"), ErrHeader},
		{"jku number", header("jku", 7), ErrHeader},
		{"header with duplicate alg", sign(t, testKey(), `{"alg":"none","alg":"RS256","kid":"`+testKid+`","typ":"JWT"}`, bs), ErrMalformed},
		{"header escaped duplicate", sign(t, testKey(), `{"alg":"none","\u0061lg":"RS256","kid":"`+testKid+`","typ":"JWT"}`, bs), ErrMalformed},
		{"header trailing data", sign(t, testKey(), hs+`{}`, bs), ErrMalformed},
		{"header not an object", sign(t, testKey(), `["alg","RS256"]`, bs), ErrMalformed},
		{"header too deep", sign(t, testKey(), `{"alg":"RS256","x":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`, bs), ErrMalformed},
		{"payload with duplicate iss", sign(t, testKey(), hs, `{"iss":"https://evil.example.test",`+bs[1:]), ErrMalformed},
		{"payload with nested duplicate", sign(t, testKey(), hs, strings.Replace(bs, `"format":"1"`, `"format":"1","format":"2"`, 1)), ErrMalformed},
		{"payload trailing data", sign(t, testKey(), hs, bs+" {}"), ErrMalformed},
		{"payload not UTF-8", sign(t, testKey(), hs, strings.Replace(bs, CompliantUVM, "\xff", 1)), ErrMalformed},
		{"payload empty", sign(t, testKey(), hs, ""), ErrMalformed},
		{"wrong issuer", claim("iss", "https://evil.example.test"), ErrIssuer},
		{"issuer with slash", claim("iss", testIssuer+"/"), ErrIssuer},
		{"issuer in capitals", claim("iss", strings.ToUpper(testIssuer)), ErrIssuer},
		{"issuer list", claim("iss", []string{testIssuer}), ErrClaims},
		{"issuer missing", claim("iss", nil), ErrClaims},
		{"ISS instead of iss", signed(h, with(with(b, "iss", nil), "ISS", testIssuer)), ErrClaims},
		{"exp missing", claim("exp", nil), ErrClaims},
		{"exp a string", claim("exp", "99999999999"), ErrClaims},
		{"exp null", claim("exp", json.RawMessage("null")), ErrClaims},
		{"exp zero", claim("exp", 0), ErrExpired},
		{"exp a fraction", claim("exp", json.RawMessage("1795000000.5")), ErrClaims},
		{"exp beyond time", claim("exp", json.RawMessage("1e30")), ErrClaims},
		{"exp far future", claim("exp", int64(maxTime+1)), ErrClaims},
		{"expired", claim("exp", noon.Add(-MaxLeeway-time.Second).Unix()), ErrExpired},
		{"expired to the second", claim("exp", noon.Add(-MaxLeeway).Unix()), ErrExpired},
		{"nbf missing", claim("nbf", nil), ErrClaims},
		{"nbf future", claim("nbf", noon.Add(MaxLeeway+time.Second).Unix()), ErrNotYetValid},
		{"version missing", claim("x-ms-ver", nil), ErrClaims},
		{"version other", claim("x-ms-ver", "2.0"), ErrClaims},
		{"SGX", claim("x-ms-attestation-type", "sgx"), ErrNotSNP},
		{"type missing", claim("x-ms-attestation-type", nil), ErrNotSNP},
		{"Azure CVM", signed(h, with(with(b, "x-ms-attestation-type", "azurevm"), "x-ms-isolation-tee", b)), ErrNotSNP},
		{"isolation-tee beside the claims", claim("x-ms-isolation-tee", map[string]any{}), ErrNotSNP},
		{"debuggable missing", claim(snpPrefix+"is-debuggable", nil), ErrClaims},
		{"debuggable a string", claim(snpPrefix+"is-debuggable", "false"), ErrClaims},
		{"migration missing", claim(snpPrefix+"migration-allowed", nil), ErrClaims},
		{"vmpl missing", claim(snpPrefix+"vmpl", nil), ErrClaims},
		{"vmpl negative", claim(snpPrefix+"vmpl", -1), ErrClaims},
		{"vmpl exponent", claim(snpPrefix+"vmpl", json.RawMessage("0e5")), ErrClaims},
		{"svn over a byte", claim(snpPrefix+"snpfw-svn", 256), ErrClaims},
		{"reportdata short", claim(snpPrefix+"reportdata", strings.Repeat("a", 126)), ErrClaims},
		{"reportdata missing", claim(snpPrefix+"reportdata", nil), ErrClaims},
		{"hostdata upper-case", claim(snpPrefix+"hostdata", strings.Repeat("A", 64)), ErrClaims},
		{"measurement missing", claim(snpPrefix+"launchmeasurement", nil), ErrClaims},
		{"chip id short", claim(snpPrefix+"chipid", "00"), ErrClaims},
		{"runtime a string", claim("x-ms-runtime", testRuntime), ErrClaims},
		{"compliance a list", claim("x-ms-compliance-status", []string{CompliantUVM}), ErrClaims},
		{"endorsement without headers", claim(snpPrefix+"uvm-endorsement-headers", nil), ErrClaims},
		{"headers without endorsement", claim(snpPrefix+"uvm-endorsement", nil), ErrClaims},
		{"endorsed SVNs disagree", claim(snpPrefix+"uvm-endorsement", map[string]any{
			snpPrefix + "guestsvn": "104", snpPrefix + "guestsvn-int": 99, snpPrefix + "launchmeasurement": strings.Repeat("d", 96),
		}), ErrClaims},
		{"endorsed SVN with zeros", claim(snpPrefix+"uvm-endorsement", map[string]any{
			snpPrefix + "guestsvn": "0104", snpPrefix + "launchmeasurement": strings.Repeat("d", 96),
		}), ErrClaims},
	}
	keys := testKeys(t)
	for _, r := range rows {
		c, err := VerifyToken(r.token, keys, opts())
		if c != nil || !errors.Is(err, r.want) {
			t.Errorf("%s: got %v, want %v", r.name, err, r.want)
		}
		if err != nil && (len(err.Error()) > 600 || strings.ContainsAny(err.Error(), "\r\n")) {
			t.Errorf("%s: error is not fit for a log line: %q", r.name, err)
		}
	}
}

func TestVerifyTokenOptions(t *testing.T) {
	token, keys := good(t), testKeys(t)
	for name, o := range map[string]TokenOptions{
		"no issuer":       {At: noon},
		"no time":         {Issuer: testIssuer},
		"leeway negative": {Issuer: testIssuer, At: noon, Leeway: -1},
		"leeway too much": {Issuer: testIssuer, At: noon, Leeway: MaxLeeway + 1},
	} {
		if _, err := VerifyToken(token, keys, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: got %v, want %v", name, err, ErrOptions)
		}
	}
	if _, err := VerifyToken(token, nil, opts()); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("nil key set: got %v", err)
	}
	if _, err := VerifyToken(token, &KeySet{}, opts()); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("empty key set: got %v", err)
	}
}

func TestT23VerifyTokenTime(t *testing.T) {
	token, keys := good(t), testKeys(t)
	exp := issued.Add(8 * time.Hour)
	for _, r := range []struct {
		at     time.Time
		leeway time.Duration
		want   error
	}{
		{issued, 0, nil},
		{issued.Add(-time.Second), 0, ErrNotYetValid},
		{issued.Add(-time.Second), time.Minute, nil},
		{exp.Add(-time.Second), 0, nil},
		{exp, 0, ErrExpired},
		{exp.Add(MaxLeeway - time.Second), MaxLeeway, nil},
		{exp.AddDate(1, 0, 0), MaxLeeway, ErrExpired},
		{issued.AddDate(-1, 0, 0), MaxLeeway, ErrNotYetValid},
	} {
		_, err := VerifyToken(token, keys, TokenOptions{Issuer: testIssuer, At: r.at, Leeway: r.leeway})
		if !errors.Is(err, r.want) {
			t.Errorf("at %v with leeway %v: got %v, want %v", r.at, r.leeway, err, r.want)
		}
	}
}

func TestEveryFlippedByteOfATokenIsRefused(t *testing.T) {
	token, keys := good(t), testKeys(t)
	for i := range token {
		b := []byte(token)
		b[i] ^= 1
		if _, err := VerifyToken(string(b), keys, opts()); err == nil {
			t.Errorf("byte %d flipped: accepted", i)
		}
	}
}

func FuzzVerifyToken(f *testing.F) {
	keys, token := testKeys(f), good(f)
	hs, bs := text(f, goodHeader()), text(f, goodBody())
	f.Add(hs, bs)
	f.Add(hs, strings.Replace(bs, `"1.0"`, `1e400`, 1))
	f.Add(`{"alg":"RS256","alg":"none"}`, `{}`)
	f.Add(`{}`, `{"x-ms-runtime":{"b":1,"a":[{"d":1.50,"c":"\u002b"}]}}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		// Unsigned: whatever it says, it must not pass.
		signature := token[strings.LastIndexByte(token, '.'):]
		forged := b64([]byte(header)) + "." + b64([]byte(payload)) + signature
		if _, err := VerifyToken(forged, keys, opts()); err == nil && forged != token {
			t.Fatal("a forged token passed")
		}
		// Signed: no panic, and claims that can be relied on.
		o, err := parseObject([]byte(payload))
		if err != nil {
			return
		}
		c, err := parseClaims(o)
		if err != nil {
			return
		}
		if c.RuntimeRaw != nil && !json.Valid(c.RuntimeRaw) {
			t.Fatalf("runtime data is not JSON: %q", c.RuntimeRaw)
		}
	})
}

func ExampleVerifyToken() {
	key := testKey() // the provider's; a relying party has only its JWKS
	set := fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"sig","kid":%q,"n":%q,"e":"AQAB"}]}`,
		testKid, base64.RawURLEncoding.EncodeToString(key.N.Bytes()))
	keys, err := ParseKeySet([]byte(set))
	if err != nil {
		fmt.Println(err)
		return
	}
	token := good(&testing.T{})
	claims, err := VerifyToken(token, keys, TokenOptions{
		Issuer: "https://maa.example.test",
		At:     time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		Leeway: MaxLeeway,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := sha256.Sum256(claims.RuntimeRaw)
	fmt.Println("compliance:", claims.ComplianceStatus)
	fmt.Println("runtime data is what the hardware attests:", [32]byte(claims.ReportData[:32]) == sum)
	// Output:
	// compliance: azure-compliant-uvm
	// runtime data is what the hardware attests: true
}
