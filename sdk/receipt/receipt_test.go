package receipt_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/veriproof/notary/sdk/receipt"
)

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func TestSignVerify(t *testing.T) {
	manifest, key := mustEncode(t, fixedManifest()), fixedKey(0)
	jws := receipt.Sign(manifest, key)
	got, m, err := receipt.Verify(jws, public(key))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, manifest) || m.Handle != fixedManifest().Handle {
		t.Error("the receipt carries another manifest")
	}
	if jws != receipt.Sign(manifest, key) {
		t.Error("signing again gives another receipt")
	}
}

// TestReceiptIsOrdinaryJWS: golang-jwt, which knows nothing of us, verifies a
// receipt.
func TestReceiptIsOrdinaryJWS(t *testing.T) {
	manifest, key := mustEncode(t, fixedManifest()), fixedKey(0)
	jws := receipt.Sign(manifest, key)
	claims := jwt.MapClaims{}
	token, err := jwt.NewParser(jwt.WithValidMethods([]string{"EdDSA"})).ParseWithClaims(jws, claims, func(tok *jwt.Token) (any, error) {
		if tok.Header["typ"] != receipt.Type || tok.Header["kid"] != receipt.KeyID(public(key)) {
			t.Errorf("header %v", tok.Header)
		}
		return public(key), nil
	})
	if err != nil || !token.Valid {
		t.Fatalf("golang-jwt: %v", err)
	}
	if claims["reason"] != "end" {
		t.Errorf("golang-jwt reads reason %v", claims["reason"])
	}
}

func TestReceiptEveryByte(t *testing.T) {
	key := fixedKey(0)
	jws := receipt.Sign(mustEncode(t, fixedManifest()), key)
	for i := range len(jws) {
		for _, bits := range []byte{1, 4} {
			b := []byte(jws)
			b[i] ^= bits
			if _, _, err := receipt.Verify(string(b), public(key)); !errors.Is(err, receipt.ErrReceipt) {
				t.Errorf("byte %d changed by %#x: %v", i, bits, err)
			}
		}
		for _, c := range "\nA" {
			if _, _, err := receipt.Verify(jws[:i]+string(c)+jws[i:], public(key)); !errors.Is(err, receipt.ErrReceipt) {
				t.Errorf("%q added at %d: %v", c, i, err)
			}
		}
	}
}

// signAs makes a JWS over any header and payload.
func signAs(header string, payload []byte, key ed25519.PrivateKey) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(input)))
}

func TestReceiptRefused(t *testing.T) {
	manifest, key := mustEncode(t, fixedManifest()), fixedKey(0)
	good := receipt.Sign(manifest, key)
	parts := strings.Split(good, ".")
	kid := receipt.KeyID(public(key))
	header := func(alg, kid, typ string) string {
		return `{"alg":"` + alg + `","kid":"` + kid + `","typ":"` + typ + `"}`
	}
	for name, jws := range map[string]string{
		"empty":             "",
		"two parts":         parts[0] + "." + parts[1],
		"four parts":        good + "." + parts[2],
		"no signature":      parts[0] + "." + parts[1] + ".",
		"another key":       receipt.Sign(manifest, fixedKey(1)),
		"another key's kid": signAs(header("EdDSA", receipt.KeyID(public(fixedKey(1))), receipt.Type), manifest, key),
		"alg none":          signAs(header("none", kid, receipt.Type), manifest, key),
		"alg HS256":         signAs(header("HS256", kid, receipt.Type), manifest, key),
		"typ JWT":           signAs(header("EdDSA", kid, "JWT"), manifest, key),
		"header member":     signAs(`{"alg":"EdDSA","crit":[],"kid":"`+kid+`","typ":"`+receipt.Type+`"}`, manifest, key),
		"header space":      signAs(header("EdDSA", kid, receipt.Type)+" ", manifest, key),
		"manifest space":    signAs(header("EdDSA", kid, receipt.Type), append(manifest[:len(manifest):len(manifest)], ' '), key),
		"no manifest":       signAs(header("EdDSA", kid, receipt.Type), nil, key),
		"too long":          good + strings.Repeat("A", receipt.MaxReceipt),
		"S not reduced":     parts[0] + "." + parts[1] + "." + plusOrder(t, parts[2]),
	} {
		if _, _, err := receipt.Verify(jws, public(key)); !errors.Is(err, receipt.ErrReceipt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := receipt.Verify(good, nil); !errors.Is(err, receipt.ErrReceipt) {
		t.Errorf("no key: %v", err)
	}
}

// plusOrder adds the group order to the S half of an Ed25519 signature: the
// second signature that a verifier without RFC 8032's range check would accept.
func plusOrder(t *testing.T, signature string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	reverse := func(b []byte) []byte {
		r := make([]byte, 32)
		for i := range b {
			r[31-i] = b[i]
		}
		return r
	}
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := new(big.Int).SetBytes(reverse(b[32:]))
	copy(b[32:], reverse(s.Add(s, order).FillBytes(make([]byte, 32))))
	return base64.RawURLEncoding.EncodeToString(b)
}

func TestKeyID(t *testing.T) {
	// RFC 8037 appendix A.3 has this key and thumbprint.
	x, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := receipt.KeyID(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; got != want {
		t.Errorf("kid %s, want %s", got, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(receipt.Sign(mustEncode(f, fixedManifest()), fixedKey(0)))
	f.Add("..")
	f.Add("e30.e30.e30")
	f.Fuzz(func(t *testing.T, jws string) {
		b, m, err := receipt.Read(jws)
		if err != nil {
			return
		}
		if again, err := m.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("manifest %q is encoded as %q, %v", b, again, err)
		}
	})
}
