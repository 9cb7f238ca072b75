package simtee

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

const maxSidecarRequest = 1 << 20

// errorSuffix stands in every error text of the stock sidecar, in other words.
const errorSuffix = "\nSee the sidecar's documentation.\nThis is a " + Organization + ".\nCause: "

// sidecarHandler answers as the stock attestation sidecar does, on the three
// paths that a notary uses.
func (t *TEE) sidecarHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]string{"message": "Status OK"})
	})
	mux.HandleFunc("POST /attest/raw", t.raw)
	mux.HandleFunc("POST /attest/combined", t.combined)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "404 page not found")
	})
	return mux
}

func (t *TEE) raw(w http.ResponseWriter, r *http.Request) {
	report, err := t.reportFor(r)
	if refused(w, err) {
		return
	}
	if t.currentFaults().SidecarDown {
		twoObjects(w, map[string]string{"report": ""})
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"report": hex.EncodeToString(report)})
}

func (t *TEE) combined(w http.ResponseWriter, r *http.Request) {
	report, err := t.reportFor(r)
	if refused(w, err) {
		return
	}
	if t.currentFaults().SidecarDown {
		twoObjects(w, map[string]string{"endorsed_tcb": "", "endorsements": "", "evidence": "", "uvm_endorsements": ""})
		return
	}
	b64 := base64.StdEncoding.EncodeToString
	answerJSON(w, http.StatusOK, map[string]string{
		"endorsed_tcb":     t.tcbm(),
		"endorsements":     b64(t.VCEKChain()),
		"evidence":         b64(report),
		"uvm_endorsements": b64(t.UVM()),
	})
}

// reportFor makes the report that a request asks for.
func (t *TEE) reportFor(r *http.Request) ([]byte, error) {
	var request struct {
		RuntimeData string `json:"runtime_data"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxSidecarRequest)).Decode(&request); err != nil {
		return nil, errors.New("invalid request body" + errorSuffix + "not JSON")
	}
	if request.RuntimeData == "" {
		return nil, errors.New("invalid request body" + errorSuffix + "runtime_data is required")
	}
	data, err := base64.StdEncoding.DecodeString(request.RuntimeData)
	if err != nil {
		return nil, errors.New("decoding runtime_data failed" + errorSuffix + "illegal base64")
	}
	var reportData [64]byte
	sum := sha256.Sum256(data)
	copy(reportData[:], sum[:])
	if t.currentFaults().NotHardware {
		return t.invented(reportData), nil
	}
	return t.Report(reportData), nil
}

func refused(w http.ResponseWriter, err error) bool {
	if err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	}
	return err != nil
}

// twoObjects is the stock sidecar's way to fail: the error object and right
// behind it the empty answer.
func twoObjects(w http.ResponseWriter, empty map[string]string) {
	answerJSON(w, http.StatusForbidden, map[string]string{"error": "fetching attestation failed" + errorSuffix + "simulated fault"})
	if b, err := json.Marshal(empty); err == nil {
		_, _ = w.Write(b)
	}
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// tcbm is the TCB as Azure writes it in THIM JSON: upper-case hex.
func (t *TEE) tcbm() string {
	return fmt.Sprintf("%016X", uint64(models[t.state.Product].tcb.Encode(t.state.Product)))
}

// THIM returns the machine's certificates as Azure's THIM JSON.
func (t *TEE) THIM() ([]byte, error) {
	return json.Marshal(map[string]string{
		"vcekCert":         t.state.VCEK,
		"tcbm":             t.tcbm(),
		"certificateChain": t.state.ASK + t.state.ARK,
		"cacheControl":     "86400",
	})
}

// WriteSecurityContext writes the three files that ACI mounts into a container
// (UVM_SECURITY_CONTEXT_DIR) to dir, which it makes if it is not there.
func (t *TEE) WriteSecurityContext(dir string) error {
	thim, err := t.THIM()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("simulated TEE: %w", err)
	}
	for name, content := range map[string][]byte{
		"host-amd-cert-base64":   thim,
		"reference-info-base64":  t.UVM(),
		"security-policy-base64": t.CCEPolicy(),
	} {
		text := base64.StdEncoding.EncodeToString(content)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("simulated TEE: %w", err)
		}
	}
	return nil
}
