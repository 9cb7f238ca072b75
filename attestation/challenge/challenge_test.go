package challenge_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
)

// A peer is a notary as far as challenges go, written a second time from the
// package comment.
type peer struct {
	*httptest.Server
	tee     *simtee.TEE
	signing ed25519.PrivateKey
	data    []byte
	pem     string
	change  func(*challenge.Document) // of each answer, if not nil
	status  int
}

func fatal(err error) {
	if err != nil {
		panic(err)
	}
}

func newPeer(tee *simtee.TEE) *peer {
	p := &peer{tee: tee}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	fatal(err)
	leaf, err := x509.ParseCertificate(der)
	fatal(err)
	p.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	public, private, err := ed25519.GenerateKey(rand.Reader)
	fatal(err)
	p.signing = private
	transport, err := rsa.GenerateKey(rand.Reader, 2048)
	fatal(err)
	spki := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	digest := strings.Repeat("ab", 32)
	p.data, err = runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{runtimedata.RSAKey(&transport.PublicKey)},
		Notary: runtimedata.Notary{
			Config: digest, Epoch: strings.Repeat("01", 16), Format: runtimedata.Format, Mode: runtimedata.ModeEnforce,
			PluginSet: digest, Plugins: map[string]runtimedata.Plugin{}, Recipients: digest,
			SigningKey: base64.RawURLEncoding.EncodeToString(public), TLSSPKI: hex.EncodeToString(spki[:]), Version: "1.0.0",
		},
	}.Marshal()
	fatal(err)
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.StartTLS()
	return p
}

// field is one field of a transcript.
func field(b []byte) []byte { return append([]byte{0, 0, 0, byte(len(b))}, b...) }

func (p *peer) serve(w http.ResponseWriter, r *http.Request) {
	if p.status != 0 {
		w.WriteHeader(p.status)
		fmt.Fprint(w, `{"error":"too\nmany","hint":"later"}`)
		return
	}
	nonce, _ := hex.DecodeString(r.URL.Query().Get("nonce"))
	digest := sha256.Sum256(p.data)
	message := bytes.Join([][]byte{field([]byte("veriproof-notary/challenge/v1")), field(nonce), field(digest[:])}, nil)
	reportData := sha256.Sum256(message)
	x, _ := r.TLS.ExportKeyingMaterial("EXPERIMENTAL veriproof-notary possession v1", nil, 32)
	proof := bytes.Join([][]byte{field([]byte("veriproof-notary/possession/v1")), field(nonce), field(digest[:]), field(x)}, nil)
	d := challenge.Document{
		RuntimeData: p.data, Report: p.tee.Report(runtimedata.ReportData(p.data)), VCEKChain: p.tee.VCEKChain(),
		UVM: p.tee.UVM(), CCEPolicy: p.tee.CCEPolicy(), TLSCertificate: p.pem,
		Answer: &challenge.Answer{
			Nonce: nonce, Report: p.tee.Report([64]byte(append(reportData[:], make([]byte, 32)...))), VCEKChain: p.tee.VCEKChain(),
			Possession: ed25519.Sign(p.signing, proof),
		},
	}
	if p.change != nil {
		p.change(&d)
	}
	_ = json.NewEncoder(w).Encode(d)
}

func newTEE(t testing.TB) *simtee.TEE {
	t.Helper()
	tee, err := simtee.New(simtee.Options{TestKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	return tee
}

// What the package comment says is what both sides do.
func TestSecondImplementation(t *testing.T) {
	p := newPeer(newTEE(t))
	defer p.Close()
	for _, base := range []string{p.URL, p.URL + "/", p.URL + challenge.Path} {
		proof, err := challenge.Fetch(context.Background(), base)
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(proof.At); age < 0 || age > time.Minute {
			t.Errorf("proof of %v ago", age)
		}
	}
}

// The bytes of both messages, for a second implementation.
func TestVectors(t *testing.T) {
	nonce, data := bytes.Repeat([]byte{7}, 16), []byte(`{"keys":[]}`)
	x := [challenge.ExporterSize]byte(bytes.Repeat([]byte{0x55}, 32))
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"challenge", challenge.Message(nonce, data), "0000001d7665726970726f6f662d6e6f746172792f6368616c6c656e67652f7631 0000001007070707070707070707070707070707 000000209638d11914735d0072002dd4d67c734a94ee7a0cd845e6dcbc984ee7581860a7"},
		{"possession", challenge.Possession(nonce, data, x), "0000001e7665726970726f6f662d6e6f746172792f706f7373657373696f6e2f7631 0000001007070707070707070707070707070707 000000209638d11914735d0072002dd4d67c734a94ee7a0cd845e6dcbc984ee7581860a7 000000205555555555555555555555555555555555555555555555555555555555555555"},
	} {
		if got := hex.EncodeToString(c.got); got != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%s message\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	got := challenge.ReportData(nonce, data)
	if want := "20608ba8b7383223a1d1d3458612a2726e1a6fe3880d6e20882b2867c6bd36ca" + strings.Repeat("00", 32); hex.EncodeToString(got[:]) != want {
		t.Errorf("REPORT_DATA\n got %x\nwant %s", got, want)
	}
}

// Every part of an answer that is not the notary's own is refused, with its reason.
func TestRefusals(t *testing.T) {
	tee := newTEE(t)
	p := newPeer(tee)
	defer p.Close()
	other := newPeer(newTEE(t))
	defer other.Close()
	for _, c := range []struct {
		name   string
		change func(*challenge.Document)
		want   error
	}{
		{"no answer", func(d *challenge.Document) { d.Answer = nil }, challenge.ErrFormat},
		{"another nonce", func(d *challenge.Document) { d.Answer.Nonce[0] ^= 1 }, challenge.ErrNonce},
		{"nonce cut", func(d *challenge.Document) { d.Answer.Nonce = d.Answer.Nonce[:16] }, challenge.ErrNonce},
		{"runtime data is not", func(d *challenge.Document) { d.RuntimeData = []byte("{}") }, challenge.ErrFormat},
		{"runtime data of another notary", func(d *challenge.Document) { d.RuntimeData = other.data }, challenge.ErrConnection},
		{"certificate of another notary", func(d *challenge.Document) { d.TLSCertificate = other.pem }, challenge.ErrConnection},
		{"certificate is not PEM", func(d *challenge.Document) { d.TLSCertificate = "x" }, challenge.ErrFormat},
		{"certificate is garbage", func(d *challenge.Document) {
			d.TLSCertificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
		}, challenge.ErrFormat},
		{"standing report in place of the fresh one", func(d *challenge.Document) { d.Answer.Report = d.Report }, challenge.ErrReport},
		{"fresh report changed", func(d *challenge.Document) { d.Answer.Report[0x90] ^= 1 }, challenge.ErrReport},
		{"fresh report cut", func(d *challenge.Document) { d.Answer.Report = d.Answer.Report[:100] }, challenge.ErrReport},
		{"chain of another machine", func(d *challenge.Document) { d.Answer.VCEKChain = other.tee.VCEKChain() }, challenge.ErrReport},
		{"no chain", func(d *challenge.Document) { d.Answer.VCEKChain = nil }, challenge.ErrReport},
		{"signature changed", func(d *challenge.Document) { d.Answer.Possession[0] ^= 1 }, challenge.ErrPossession},
		{"no signature", func(d *challenge.Document) { d.Answer.Possession = nil }, challenge.ErrPossession},
		{"signature of another key", func(d *challenge.Document) {
			d.Answer.Possession = ed25519.Sign(other.signing, []byte("x"))
		}, challenge.ErrPossession},
	} {
		p.change = c.change
		if proof, err := challenge.Fetch(context.Background(), p.URL); !errors.Is(err, c.want) || proof != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestFetchErrors(t *testing.T) {
	p := newPeer(newTEE(t))
	p.status = 429
	_, err := challenge.Fetch(context.Background(), p.URL)
	var status *challenge.StatusError
	if !errors.As(err, &status) || status.Status != 429 || status.Reason != "too many; later" || !errors.Is(err, challenge.ErrFetch) {
		t.Errorf("429: %v", err)
	}
	p.status = 302
	if _, err := challenge.Fetch(context.Background(), p.URL); !errors.As(err, &status) || status.Status != 302 {
		t.Errorf("redirect: %v", err)
	}
	p.Close()
	for _, base := range []string{p.URL, "http://127.0.0.1:1", "127.0.0.1:8443", "https://user@host", "https://host?x=1", "", "https://"} {
		if _, err := challenge.Fetch(context.Background(), base); !errors.Is(err, challenge.ErrFetch) {
			t.Errorf("%q: %v, want ErrFetch", base, err)
		}
	}
	// TLS 1.2 has no exporter that binds the handshake by itself.
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.StartTLS()
	defer old.Close()
	if _, err := challenge.Fetch(context.Background(), old.URL); !errors.Is(err, challenge.ErrFetch) {
		t.Errorf("TLS 1.2: %v, want ErrFetch", err)
	}
	if _, err := challenge.Exporter(&tls.ConnectionState{HandshakeComplete: true, Version: tls.VersionTLS12}); !errors.Is(err, challenge.ErrConnection) {
		t.Errorf("exporter of TLS 1.2: %v, want ErrConnection", err)
	}
}

func TestParseNonce(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{strings.Repeat("0b", 16), strings.Repeat("0b", 16)},
		{strings.Repeat("0b", 64), strings.Repeat("0b", 64)},
		{"AAECAwQFBgcICQoLDA0ODw", "000102030405060708090a0b0c0d0e0f"},
		{strings.Repeat("a", 33), ""}, // odd: base64url with bits that are not zero
		{"AAECAwQFBgcICQoLDA0ODw==", ""},
		{"AAECAwQFBgcICQoLDA0ODx", ""}, // trailing bits
		{strings.Repeat("0b", 15), ""},
		{strings.Repeat("A", 129), ""},
		{"", ""},
		{"\x00", ""},
	} {
		got, err := challenge.ParseNonce(c.text)
		if c.want == "" && !errors.Is(err, challenge.ErrNonce) || c.want != "" && hex.EncodeToString(got) != c.want {
			t.Errorf("%q: %x %v, want %q", c.text, got, err, c.want)
		}
		if err != nil && len(c.text) > 3 && strings.Contains(err.Error(), c.text) {
			t.Errorf("the error repeats the text: %v", err)
		}
	}
}

func FuzzParseNonce(f *testing.F) {
	f.Add(strings.Repeat("0b", 16))
	f.Add("AAECAwQFBgcICQoLDA0ODw")
	f.Fuzz(func(t *testing.T, text string) {
		nonce, err := challenge.ParseNonce(text)
		if err != nil {
			return
		}
		again := base64.RawURLEncoding.EncodeToString(nonce)
		if text != again && text != hex.EncodeToString(nonce) {
			t.Errorf("%q is another spelling of %x", text, nonce)
		}
	})
}

// Whatever a peer answers, verifying it ends in an error and not in a panic.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"runtime_data":"e30=","challenge":{"nonce":"AAAA","report":"AA==","possession":"AA=="}}`))
	f.Add([]byte(`{"challenge":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d challenge.Document
		if json.Unmarshal(b, &d) != nil {
			return
		}
		now := time.Now()
		c := challenge.New(now)
		if d.Answer != nil { // as if the peer had the nonce right
			d.Answer.Nonce, _ = hex.DecodeString(c.Nonce())
		}
		if err := c.Verify(&d, &tls.ConnectionState{}, now); err == nil {
			t.Error("accepted")
		}
	})
}

// What the relying party adds to its policy reaches the appraisal: without the name
// of its issuer a key set counts for neither of two, with it for the one.
func TestAppraiseWithTrustedKeys(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	token := b64([]byte(`{"alg":"RS256","typ":"JWT","kid":"k"}`)) + "." + b64([]byte(`{"iss":"https://a.example"}`)) + "." + b64([]byte("signature"))
	p := &policy.Policy{Issuers: []policy.Issuer{{Issuer: "https://a.example"}, {Issuer: "https://b.example"}}}
	proof := &challenge.Proof{Document: challenge.Document{Token: token, Answer: new(challenge.Answer)}, At: time.Now()}
	for named, want := range map[string]attestation.Status{"": attestation.NotDone, "https://a.example": attestation.Fail, "https://b.example": attestation.NotDone} {
		for _, c := range proof.Appraise(p, challenge.Options{TrustedJWKS: []byte("{}"), TrustedIssuer: named}) {
			if c.Name == "maa.token" && c.Status != want {
				t.Errorf("%q: %+v, want %s", named, c, want)
			}
		}
	}
}
