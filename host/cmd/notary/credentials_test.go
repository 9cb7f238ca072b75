package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
)

// clientCertificate signs itself for a name.
func clientCertificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sendWith sends to a session with a client certificate, or none, and a header. It wants
// the session to be the tenant's then, or else to be refused.
func (c *sender) sendWith(t *testing.T, certificates []tls.Certificate, tenant string, taken bool, header ...string) {
	t.Helper()
	config := c.tls.Clone()
	config.Certificates = certificates
	conn, err := grpc.NewClient(c.p.ready.OTLP, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = (&sender{m: c.m, p: c.p, conn: conn}).call(t.Context(), exportTraces, request("s", newSpan("chat")), header...)
	code, body := c.get(t, "/v1/sessions/s?tenant="+tenant)
	if (err == nil) != taken || (code == http.StatusOK) != taken {
		t.Errorf("sent: %v; session of %s: %d %s; want it taken: %v", err, tenant, code, body, taken)
	}
}

// TestConfiguredCertificates: who shows a client certificate that the configuration
// believes is the tenant that it names.
func TestConfiguredCertificates(t *testing.T) {
	t.Parallel()
	ours, others := clientCertificate(t, "a.example"), clientCertificate(t, "a.example")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.Certificate[0]})
	m := newMachine(t, setting{extra: fmt.Sprintf("senders: {client_ca: %q}", authority)})
	m.rewrite(t, "tenants: [", "tenants: [{name: meshed, certificate_names: [a.example]}, ")
	c := m.connect(t, m.start(t))
	c.sendWith(t, nil, "meshed", false)
	c.sendWith(t, []tls.Certificate{others}, "meshed", false)
	c.sendWith(t, []tls.Certificate{ours}, "meshed", true)
}

// signedToken returns what shows that one is the agent, and the key that says so, of this name, in a JWKS.
func signedToken(t *testing.T, name string) (bearer, key string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": "https://login.example", "aud": "notary", "sub": "agent", "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = name
	text, err := token.SignedString(private)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + text, fmt.Sprintf(`{"kty":"RSA","kid":%q,"use":"sig","n":%q,"e":"AQAB"}`, name, base64.RawURLEncoding.EncodeToString(private.N.Bytes()))
}

// TestConfiguredTokens: who shows a bearer token that the configuration believes is the
// tenant that it names.
func TestConfiguredTokens(t *testing.T) {
	t.Parallel()
	ours, key := signedToken(t, "k")
	others, _ := signedToken(t, "k")
	m := newMachine(t, setting{extra: fmt.Sprintf("senders: {tokens: {issuer: 'https://login.example', audience: notary, jwks: '{\"keys\":[%s]}'}}", key)})
	m.rewrite(t, "tenants: [", "tenants: [{name: signed, token_subjects: [agent]}, ")
	c := m.connect(t, m.start(t))
	c.sendWith(t, nil, "signed", false, "authorization", others)
	c.sendWith(t, nil, "signed", true, "authorization", ours)
}

// TestCredentialsRotate: of two keys, and of two signers of tokens, both count until a reload takes one away.
func TestCredentialsRotate(t *testing.T) {
	t.Parallel()
	oldToken, oldSigner := signedToken(t, "1")
	newToken, newSigner := signedToken(t, "2")
	m := newMachine(t, setting{extra: fmt.Sprintf("senders: {tokens: {issuer: 'https://login.example', audience: notary, jwks: '{\"keys\":[%s,%s]}'}}", oldSigner, newSigner)})
	oldKey, newKey := m.apiKey, control.GenerateToken()
	hash := func(key string) string { return fmt.Sprintf("%x", ingest.HashKey(key)) }
	m.rewrite(t, hash(oldKey)+"]}", hash(oldKey)+", "+hash(newKey)+"]}, {name: signed, token_subjects: [agent]}")
	p := m.start(t)
	sends := func(oldOnes codes.Code) {
		t.Helper()
		c := m.connect(t, p)
		for _, s := range []struct {
			name, header, value string
			want                codes.Code
		}{
			{"the old key", "x-api-key", oldKey, oldOnes},
			{"the new key", "x-api-key", newKey, codes.OK},
			{"a token of the old signer", "authorization", oldToken, oldOnes},
			{"a token of the new signer", "authorization", newToken, codes.OK},
		} {
			if _, err := c.call(t.Context(), exportTraces, request("s", newSpan("chat")), s.header, s.value); status.Code(err) != s.want {
				t.Errorf("%s: %v, want %v", s.name, err, s.want)
			}
		}
	}
	sends(codes.OK)
	m.rewrite(t, hash(oldKey)+", ", "")
	m.rewrite(t, oldSigner+",", "")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.reread(t)
	sends(codes.Unauthenticated)
	p.stop(t)
}
