package ingest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

// An authority signs client certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.key, a.cert = a.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "authority"}})
	return a
}

func (a *authority) sign(t *testing.T, template *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore = time.Now().Add(-2 * time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// client returns a client certificate with these names.
func (a *authority) client(t *testing.T, spoil func(*x509.Certificate), names ...string) *tls.Certificate {
	t.Helper()
	template := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, Subject: pkix.Name{CommonName: "assistant.acme.example"}}
	for _, name := range names {
		if u, err := url.Parse(name); err == nil && u.Scheme != "" {
			template.URIs = append(template.URIs, u)
		} else if strings.Contains(name, "@") {
			template.EmailAddresses = append(template.EmailAddresses, name)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if spoil != nil {
		spoil(template)
	}
	key, cert := a.sign(t, template)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func TestClientCertificates(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	tenants := make(chan string, 1)
	s, addr := start(t, func(_ context.Context, tenant string, _ otlpwire.Signal, _ []byte) (ingest.Receipt, error) {
		tenants <- tenant
		return ingest.Receipt{}, nil
	}, func(c *ingest.Config) {
		c.Senders.ClientCAs = pool
		c.Senders.Certificates = []ingest.Name{
			{Tenant: "acme", Name: "assistant.acme.example"}, {Tenant: "acme", Name: "spiffe://acme.example/assistant"}, {Tenant: "other", Name: "bot@other.example"},
		}
	})
	w := overHTTP(t, s)
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }
	forServers := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	for _, c := range []struct {
		name   string
		cert   *tls.Certificate
		header []string
		tenant string // "": refused
	}{
		{"a DNS name", ours.client(t, nil, "assistant.acme.example"), nil, "acme"},
		{"a URI", ours.client(t, nil, "spiffe://acme.example/assistant"), nil, "acme"},
		{"an e-mail address", ours.client(t, nil, "bot@other.example"), nil, "other"},
		{"one of its names", ours.client(t, nil, "x.example", "assistant.acme.example", "spiffe://acme.example/assistant"), nil, "acme"},
		{"names of two tenants", ours.client(t, nil, "assistant.acme.example", "bot@other.example"), nil, ""},
		{"the common name alone", ours.client(t, nil), nil, ""},
		{"a name that begins alike", ours.client(t, nil, "assistant.acme.example.org"), nil, ""},
		{"another authority's", others.client(t, nil, "assistant.acme.example"), nil, ""},
		{"an expired one", ours.client(t, expired, "assistant.acme.example"), nil, ""},
		{"a server's", ours.client(t, forServers, "assistant.acme.example"), nil, ""},
		{"no certificate", nil, nil, ""},
		{"no certificate, a key", nil, []string{"x-api-key", key}, "acme"},
		{"nobody's name, a key", ours.client(t, nil, "mesh.example"), []string{"x-api-key", key}, "acme"},
		{"certificate and key of one tenant", ours.client(t, nil, "assistant.acme.example"), []string{"x-api-key", key}, "acme"},
		{"certificate and key of two tenants", ours.client(t, nil, "bot@other.example"), []string{"x-api-key", key}, ""},
		{"a certificate and a wrong key", ours.client(t, nil, "assistant.acme.example"), []string{"x-api-key", "wrong"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := clientTLS()
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if c.cert == nil {
					return new(tls.Certificate), nil
				}
				return c.cert, nil
			}
			conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(config)))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, err = send(conn, exportTraces, nil, c.header)
			if got := <-answered(tenants, err); got != c.tenant {
				t.Errorf("gRPC: tenant %q, %v", got, err)
			}
			transport := &http.Transport{TLSClientConfig: config}
			defer transport.CloseIdleConnections()
			req, err := http.NewRequest("POST", "https://"+w.addr+"/v1/traces", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-protobuf")
			if c.header != nil {
				req.Header.Set(c.header[0], c.header[1])
			}
			resp, err := transport.RoundTrip(req)
			if err == nil {
				resp.Body.Close()
				if resp.StatusCode != 200 {
					err = fmt.Errorf("status %d", resp.StatusCode)
				}
			}
			if got := <-answered(tenants, err); got != c.tenant {
				t.Errorf("HTTP: tenant %q, %v", got, err)
			}
		})
	}
}

// answered gives the tenant of a call that went well, "" of another.
func answered(tenants chan string, err error) chan string {
	if err == nil {
		return tenants
	}
	none := make(chan string, 1)
	none <- ""
	return none
}

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func keySet(t *testing.T, k *rsa.PrivateKey) *maa.KeySet {
	t.Helper()
	set, err := maa.ParseKeySet(fmt.Appendf(nil, `{"keys":[{"kty":"RSA","kid":"k1","use":"sig","n":%q,"e":"AQAB"}]}`, base64.RawURLEncoding.EncodeToString(k.N.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestBearerTokens(t *testing.T) {
	tenants := make(chan string, 1)
	s, addr := start(t, func(_ context.Context, tenant string, _ otlpwire.Signal, _ []byte) (ingest.Receipt, error) {
		tenants <- tenant
		return ingest.Receipt{}, nil
	}, func(c *ingest.Config) {
		c.Senders.Tokens = &ingest.Tokens{
			Issuer: "https://login.example", Audience: "notary", Keys: keySet(t, signingKey()), Subjects: []ingest.Name{{Tenant: "acme", Name: "canary-assistant"}},
		}
	})
	conn := dial(t, addr)
	w := overHTTP(t, s)
	now := time.Now()
	good := jwt.MapClaims{"iss": "https://login.example", "aud": "notary", "sub": "canary-assistant", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix()}
	sign := func(method jwt.SigningMethod, key any, header map[string]any, change jwt.MapClaims) string {
		claims := maps.Clone(good)
		for k, v := range change {
			if claims[k] = v; v == nil {
				delete(claims, k)
			}
		}
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = "k1"
		maps.Copy(token.Header, header)
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	with := func(change jwt.MapClaims) string { return sign(jwt.SigningMethodRS256, signingKey(), nil, change) }
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&signingKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	valid := with(nil)
	for name, c := range map[string]struct {
		token string
		ok    bool
	}{
		"a good one":                  {valid, true},
		"for several audiences":       {with(jwt.MapClaims{"aud": []string{"x", "notary"}}), true},
		"expired within the leeway":   {with(jwt.MapClaims{"exp": now.Add(-30 * time.Second).Unix()}), true},
		"an API key all the same":     {key, true},
		"expired":                     {with(jwt.MapClaims{"exp": now.Add(-2 * time.Minute).Unix()}), false},
		"without expiry":              {with(jwt.MapClaims{"exp": nil}), false},
		"not yet":                     {with(jwt.MapClaims{"nbf": now.Add(10 * time.Minute).Unix()}), false},
		"of the future":               {with(jwt.MapClaims{"iat": now.Add(10 * time.Minute).Unix()}), false},
		"another issuer":              {with(jwt.MapClaims{"iss": "https://login.example/"}), false},
		"no issuer":                   {with(jwt.MapClaims{"iss": nil}), false},
		"another audience":            {with(jwt.MapClaims{"aud": "notary2"}), false},
		"no audience":                 {with(jwt.MapClaims{"aud": nil}), false},
		"another subject":             {with(jwt.MapClaims{"sub": "canary-assistant2"}), false},
		"no subject":                  {with(jwt.MapClaims{"sub": nil}), false},
		"a subject that is no text":   {with(jwt.MapClaims{"sub": []string{"canary-assistant"}}), false},
		"alg none":                    {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, nil), false},
		"HS256 by the public key":     {sign(jwt.SigningMethodHS256, public, nil, nil), false},
		"PS256":                       {sign(jwt.SigningMethodPS256, signingKey(), nil, nil), false},
		"another's key":               {sign(jwt.SigningMethodRS256, stranger, nil, nil), false},
		"another kid":                 {sign(jwt.SigningMethodRS256, signingKey(), map[string]any{"kid": "k2"}, nil), false},
		"a kid that is no text":       {sign(jwt.SigningMethodRS256, signingKey(), map[string]any{"kid": 1}, nil), false},
		"a key that it brings":        {sign(jwt.SigningMethodRS256, stranger, map[string]any{"kid": "k2", "jku": "https://" + addr, "jwk": "x"}, nil), false},
		"critical fields":             {sign(jwt.SigningMethodRS256, signingKey(), map[string]any{"crit": []string{"exp"}}, nil), false},
		"a changed signature":         {valid[:len(valid)-6] + "AAAAAA", false},
		"no signature":                {valid[:strings.LastIndexByte(valid, '.')+1], false},
		"padding":                     {valid + "=", false},
		"no token":                    {"a.b.c", false},
		"longer than a header may be": {"a.b." + strings.Repeat("c", 9<<10), false},
	} {
		_, err := send(conn, exportTraces, nil, []string{"authorization", "Bearer " + c.token})
		if got := <-answered(tenants, err); got == "acme" != c.ok || !c.ok && status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: gRPC: tenant %q, %v", name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the status tells: %v", name, err)
		}
		a := w.post(t, "/v1/traces", nil, "Content-Type", "application/json", "Authorization", "Bearer "+c.token)
		if a.code != map[bool]int{true: 400, false: 401}[c.ok] || bytes.Contains(a.body, []byte("canary")) { // 400: the empty body is no JSON
			t.Errorf("%s: HTTP: %d %q", name, a.code, a.body)
		}
	}
}
