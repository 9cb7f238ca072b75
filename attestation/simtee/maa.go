package simtee

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

const maxMAARequest = 1 << 20

// apiVersions are those with an SEV-SNP endpoint.
var apiVersions = []string{"2020-10-01", "2022-08-01", "2022-09-01-preview", "2025-06-01", "2026-03-11-preview"}

// maaHandler is the attestation service. MAA does not look at the case of paths.
func (t *TEE) maaHandler(issuer string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.currentFaults().MAADown {
			maaError(w, http.StatusServiceUnavailable, "ServiceUnavailable", "simulated fault")
			return
		}
		switch r.Method + " " + strings.ToLower(r.URL.Path) {
		case "POST /attest/sevsnpvm":
			t.attest(w, r, issuer)
		case "GET /certs":
			w.Header().Set("Content-Type", "application/jwk+json")
			_, _ = w.Write(t.JWKS())
		case "GET /.well-known/openid-configuration":
			answerJSON(w, http.StatusOK, openIDConfiguration(issuer))
		default:
			maaError(w, http.StatusNotFound, "NotFound", "no such resource")
		}
	})
}

func maaError(w http.ResponseWriter, status int, code, message string) {
	answerJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func openIDConfiguration(issuer string) map[string]any {
	return map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              issuer + "/certs",
		"response_types_supported":              []string{"token", "none"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"revocation_endpoint":                   issuer + "/revoke",
		"claims_supported":                      []string{"iss", "exp", "iat", "nbf", "jti", "x-ms-ver", "x-ms-attestation-type", "x-ms-policy-hash", "x-ms-runtime"},
	}
}

// invalid is MAA's refusal of a request's content.
type invalid string

func (e invalid) Error() string { return string(e) }

func (t *TEE) attest(w http.ResponseWriter, r *http.Request, issuer string) {
	if v := r.URL.Query().Get("api-version"); !slices.Contains(apiVersions, v) {
		maaError(w, http.StatusBadRequest, "InvalidParameter", fmt.Sprintf("api-version %.40q is not supported", v))
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMAARequest+1))
	if err != nil || len(body) > maxMAARequest {
		maaError(w, http.StatusBadRequest, "InvalidParameter", "the body is incomplete or too large")
		return
	}
	facts, err := t.appraise(body)
	if err != nil {
		maaError(w, http.StatusBadRequest, "InvalidParameter", err.Error())
		return
	}
	token, err := t.token(facts, issuer)
	if err != nil {
		maaError(w, http.StatusInternalServerError, "InternalError", "the token was not made")
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"token": token})
}

// facts are what the service has verified about a request.
type facts struct {
	report      *snp.Report
	runtime     any              // decoded runtime data, nil if none was sent
	endorsement *uvm.Endorsement // nil if none was sent
	nonce       string
}

type maaRequest struct {
	Report      string `json:"report"`
	Nonce       any    `json:"nonce"`
	RuntimeData struct {
		Data     string `json:"data"`
		DataType string `json:"dataType"`
	} `json:"runtimeData"`
}

// appraise does what MAA does: the report's signature under the machine's own
// root, the runtime data's digest, the endorsement's signature and measurement.
func (t *TEE) appraise(body []byte) (*facts, error) {
	var request maaRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, invalid("the body is not JSON of the documented form")
	}
	var quote struct{ SnpReport, VcekCertChain, Endorsements string }
	if err := decodeInner(request.Report, &quote); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	f := &facts{}
	var err error
	if f.report, err = t.verifyReport(quote.SnpReport, quote.VcekCertChain); err != nil {
		return nil, err
	}
	if quote.Endorsements != "" {
		if f.endorsement, err = t.verifyEndorsement(quote.Endorsements, f.report); err != nil {
			return nil, err
		}
	}
	if request.RuntimeData.Data != "" {
		if f.runtime, err = verifyRuntime(request, f.report); err != nil {
			return nil, err
		}
	}
	if request.Nonce != nil {
		f.nonce = fmt.Sprint(request.Nonce)
	}
	return f, nil
}

func (t *TEE) verifyReport(report, chain string) (*snp.Report, error) {
	raw, err := decodeURL(report)
	if err != nil {
		return nil, invalid("SnpReport is not base64url")
	}
	r, err := snp.Parse(raw)
	if err != nil {
		return nil, invalid("SnpReport: " + err.Error())
	}
	pemBytes, err := decodeURL(chain)
	if err != nil {
		return nil, invalid("VcekCertChain is not base64url")
	}
	c, err := snp.ParseChain(pemBytes)
	if err != nil {
		return nil, invalid("VcekCertChain: " + err.Error())
	}
	if err := snp.Verify(r, c, snp.Roots{}.With(t.ark), t.opts.Now()); err != nil {
		return nil, invalid(err.Error())
	}
	return r, nil
}

func (t *TEE) verifyEndorsement(text string, r *snp.Report) (*uvm.Endorsement, error) {
	var endorsements struct{ Uvm []string }
	if err := decodeInner(text, &endorsements); err != nil || len(endorsements.Uvm) != 1 {
		return nil, invalid("Endorsements: want base64url of {\"Uvm\":[\"…\"]}")
	}
	raw, err := decodeURL(endorsements.Uvm[0])
	if err != nil {
		return nil, invalid("Endorsements: Uvm is not base64url")
	}
	e, err := uvm.Verify(raw, uvm.Options{TrustedDIDs: []string{t.state.UVMDID}})
	if err != nil {
		return nil, invalid(err.Error())
	}
	if e.Measurement != r.Measurement {
		return nil, invalid("the UVM endorsement is for another launch measurement")
	}
	return e, nil
}

func verifyRuntime(request maaRequest, r *snp.Report) (any, error) {
	if request.RuntimeData.DataType != "JSON" {
		return nil, invalid("runtimeData: dataType must be JSON")
	}
	data, err := decodeURL(request.RuntimeData.Data)
	if err != nil {
		return nil, invalid("runtimeData: data is not base64url")
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], r.ReportData[:32]) {
		return nil, invalid("runtimeData: its SHA-256 is not in the report data")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return nil, invalid("runtimeData: data is not a JSON object")
	}
	return v, nil
}

// decodeURL takes base64url with and without padding, for both are in use.
func decodeURL(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}

func decodeInner(s string, v any) error {
	b, err := decodeURL(s)
	if err != nil {
		return invalid("not base64url")
	}
	if err := json.Unmarshal(b, v); err != nil {
		return invalid("not JSON of the documented form")
	}
	return nil
}

// RotateMAAKey gives the attestation service another key, as MAA does once a year: from
// now on it signs with that one, and its key set has no other. It needs a TEE that runs,
// and is forgotten with it: one in a directory begins with its first key again.
func (t *TEE) RotateMAAKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("simulated TEE: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == nil {
		return errors.New("simulated TEE: not started, so its attestation service has no keys to change")
	}
	jwks, err := keySet(key, t.running.maaURL, t.opts.Now())
	if err != nil {
		return fmt.Errorf("simulated TEE: %w", err)
	}
	t.maaKey, t.running.jwks = key, jwks
	return nil
}

// keySet is the answer of /certs.
func keySet(key *rsa.PrivateKey, issuer string, now time.Time) ([]byte, error) {
	pub := &key.PublicKey
	kid, err := keyID(pub)
	if err != nil {
		return nil, err
	}
	cert, err := tokenCertificate(key, issuer, now)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"keys": []any{map[string]any{
		"alg": "RS256", "kty": "RSA", "use": "sig", "kid": kid,
		"n":   base64.RawURLEncoding.EncodeToString(pub.N.Bytes()),
		"e":   "AQAB",
		"x5c": []string{base64.StdEncoding.EncodeToString(cert.Raw)},
	}}})
}

// keyID has MAA's form: standard base64 of the SHA-256 of the key's PEM
// SubjectPublicKeyInfo and one NUL byte.
func keyID(pub *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	sum := sha256.Sum256(append(text, 0))
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}
