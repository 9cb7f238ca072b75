package maa

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseKeySet(t *testing.T) {
	a, b := jwkOf("a", &testKey().PublicKey), jwkOf("b", &otherKey().PublicKey)
	set, err := ParseKeySet(jwks(
		t, b, a,
		map[string]any{"kty": "RSA", "kid": "c", "x5c": []string{selfSigned(t)}}, // MAA's older form
		map[string]any{"kty": "EC", "kid": "ec", "crv": "P-256"},
		with(with(a, "kid", "enc"), "use", "enc"),
		with(with(a, "kid", "ps"), "alg", "PS256"),
		with(with(a, "kid", "ops"), "key_ops", []string{"encrypt"}),
	))
	if err != nil {
		t.Fatal(err)
	}
	if got := set.KeyIDs(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("kids %v, want those of the signing keys", got)
	}
	der, _ := x509.MarshalPKIXPublicKey(&testKey().PublicKey)
	if sum, ok := set.Fingerprint("a"); !ok || sum != sha256.Sum256(der) {
		t.Errorf("fingerprint of a is %x, %v", sum, ok)
	}
	if _, ok := set.Fingerprint("ec"); ok {
		t.Error("a key that cannot verify has a fingerprint")
	}
	if k, ok := set.Key("c"); !ok || !k.Equal(&testKey().PublicKey) {
		t.Error("key from x5c is another one")
	}
}

func selfSigned(t *testing.T) string {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: testIssuer},
		NotBefore: issued, NotAfter: issued.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &testKey().PublicKey, testKey())
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// certificateOf has an RSA key that nobody holds.
func certificateOf(t *testing.T, bits, e int) string {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: issued, NotAfter: issued.AddDate(1, 0, 0)}
	key := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), bits-1, 1), E: e}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key, testKey())
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestParseKeySetRefuses(t *testing.T) {
	a := jwkOf("a", &testKey().PublicKey)
	number := func(bits uint, low int64) string {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return b64(n.Add(n, big.NewInt(low)).Bytes())
	}
	rows := map[string][]byte{
		"empty":                           nil,
		"no keys":                         []byte(`{}`),
		"keys no list":                    []byte(`{"keys":{}}`),
		"no key":                          []byte(`{"keys":[]}`),
		"key no object":                   []byte(`{"keys":["a"]}`),
		"trailing data":                   append(jwks(t, a), '{', '}'),
		"duplicate member":                []byte(`{"keys":[],` + string(jwks(t, a))[1:]),
		"too large":                       append(jwks(t, a), make([]byte, MaxKeySetSize)...),
		"duplicate kid":                   jwks(t, a, a),
		"duplicate kid of another type":   jwks(t, a, map[string]any{"kty": "EC", "kid": "a"}),
		"kid missing":                     jwks(t, with(a, "kid", nil)),
		"kid empty":                       jwks(t, with(a, "kid", "")),
		"kid long":                        jwks(t, with(a, "kid", strings.Repeat("k", maxKeyID+1))),
		"only other use":                  jwks(t, with(a, "use", "enc")),
		"use a list":                      jwks(t, with(a, "use", []string{"sig"})),
		"n missing":                       jwks(t, with(a, "n", nil)),
		"e missing":                       jwks(t, with(a, "e", nil)),
		"n and e missing":                 jwks(t, with(with(a, "n", nil), "e", nil)),
		"n padded":                        jwks(t, with(a, "n", a["n"].(string)+"=")),
		"n leading zero":                  jwks(t, with(a, "n", b64(append([]byte{0}, testKey().N.Bytes()...)))),
		"n of 1024 bits":                  jwks(t, with(a, "n", number(1024, 1))),
		"n of 2047 bits":                  jwks(t, with(a, "n", number(2047, 1))),
		"n of 16384 bits":                 jwks(t, with(a, "n", number(16384, 1))),
		"n even":                          jwks(t, with(a, "n", number(2048, 0))),
		"e of 3":                          jwks(t, with(a, "e", "Aw")),
		"e even":                          jwks(t, with(a, "e", "AQAA")),
		"e of 40 bits":                    jwks(t, with(a, "e", "AQAAAAE")),
		"e of 32 bits":                    jwks(t, with(a, "e", "_____w")),
		"x5c with 8193 bits":              jwks(t, map[string]any{"kty": "RSA", "kid": "c", "x5c": []string{certificateOf(t, 8193, 65537)}}),
		"x5c with an exponent of 33 bits": jwks(t, map[string]any{"kty": "RSA", "kid": "c", "x5c": []string{certificateOf(t, 2048, 1<<32+1)}}),
		"x5c broken":                      jwks(t, map[string]any{"kty": "RSA", "kid": "c", "x5c": []string{"AAAA"}}),
		"too many": func() []byte {
			var list []map[string]any
			for i := range maxKeys + 1 {
				list = append(list, with(a, "kid", fmt.Sprint(i)))
			}
			return jwks(t, list...)
		}(),
	}
	for name, b := range rows {
		if set, err := ParseKeySet(b); set != nil || !errors.Is(err, ErrKeySet) {
			t.Errorf("%s: got %v, want %v", name, err, ErrKeySet)
		}
	}
}

func FuzzParseKeySet(f *testing.F) {
	f.Add(jwks(f, jwkOf("a", &testKey().PublicKey)))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","x5c":["AAAA"]}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQ","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := ParseKeySet(b)
		if err != nil {
			return
		}
		for _, id := range set.KeyIDs() {
			if k, ok := set.Key(id); !ok || k.N.BitLen() < minModulus {
				t.Fatalf("key %q is weak or missing", id)
			}
		}
	})
}

// A jwsCase is one JWS with the key set under which it is to be judged.
type jwsCase struct {
	name  string
	jwks  []byte
	token string
	valid bool
}

// TestT20OpenJWS runs the signature layer alone. With NOTARY_DATA naming a
// directory of corpora, every compact JWS of Wycheproof is a row as well: RS256
// vectors must be judged as marked, all others refused.
func TestT20OpenJWS(t *testing.T) {
	set := jwks(t, jwkOf(testKid, &testKey().PublicKey))
	rows := append([]jwsCase{
		{"ours", set, good(t), true},
		{"ours, changed", set, good(t) + "AA", false},
	}, wycheproof(t)...)
	for _, r := range rows {
		keys, err := ParseKeySet(r.jwks)
		if err == nil {
			_, _, err = openJWS(r.token, keys)
		}
		if (err == nil) != r.valid {
			t.Errorf("%s: got %v, want valid = %v", r.name, err, r.valid)
		}
	}
}

func wycheproof(t *testing.T) (rows []jwsCase) {
	t.Helper()
	dir := os.Getenv("NOTARY_DATA")
	if dir == "" {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(dir, "crypto", "wycheproof", "json_web_signature_test.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		TestGroups []struct {
			Public, Private map[string]any
			Tests           []struct {
				TcID    int
				Comment string
				JWS     any
				Result  string
			}
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.TestGroups {
		key := g.Public
		if key == nil {
			key = g.Private
		}
		for _, v := range g.Tests {
			token, ok := v.JWS.(string)
			if !ok {
				continue // JSON serialisation: not something that VerifyToken takes
			}
			rows = append(rows, jwsCase{
				fmt.Sprintf("wycheproof %d %s", v.TcID, v.Comment), jwks(t, key), token,
				v.Result == "valid" && key["alg"] == "RS256",
			})
		}
	}
	t.Logf("%d vectors", len(rows))
	return rows
}
