package evidence

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/veriproof/notary/attestation/snp"
)

// Files of the security context directory, each the standard base64 of its
// content.
const (
	hostCertFile      = "host-amd-cert-base64"   // THIM JSON: the VCEK chain
	referenceInfoFile = "reference-info-base64"  // COSE_Sign1: the UVM endorsement
	policyFile        = "security-policy-base64" // Rego: the CCE policy
	maxContextFile    = 2 << 20                  // bytes of base64
	maxTHIM           = 64 << 10
)

// SecurityContextDir returns the directory that ACI mounts into the containers
// of a confidential group: the value of UVM_SECURITY_CONTEXT_DIR, else the first
// /security-context-*, else "". The host chooses both, and it does not matter:
// [Evidence.Check] binds what the files say to the signed report.
func SecurityContextDir() string {
	if dir := os.Getenv("UVM_SECURITY_CONTEXT_DIR"); dir != "" {
		return dir
	}
	if dirs, _ := filepath.Glob("/security-context-*"); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

// ReadSecurityContext reads the endorsements in dir: everything of an [Evidence]
// but the report. A file that is not there leaves its part empty, for older hosts
// do not mount all three.
func ReadSecurityContext(dir string) (*Evidence, error) {
	e := &Evidence{}
	var thim []byte
	for _, f := range []struct {
		name string
		dst  *[]byte
	}{{hostCertFile, &thim}, {referenceInfoFile, &e.UVM}, {policyFile, &e.CCEPolicy}} {
		b, err := readBase64(filepath.Join(dir, f.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("security context: %s: %w", f.name, err)
		}
		*f.dst = b
	}
	if thim == nil {
		return e, nil
	}
	var err error
	if e.VCEKChain, err = ParseTHIM(thim); err != nil {
		return nil, fmt.Errorf("security context: %s: %w", hostCertFile, err)
	}
	return e, nil
}

func readBase64(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxContextFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxContextFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxContextFile)
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%w: not standard base64", ErrAnswer)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrAnswer)
	}
	return b, nil
}

// ParseTHIM takes the certificate chain out of Azure's THIM JSON (Trusted
// Hardware Identity Management: vcekCert, certificateChain, tcbm, cacheControl)
// and returns it as PEM in the order VCEK, ASK, ARK. Its tcbm is not needed: the
// VCEK certifies the TCB itself.
func ParseTHIM(b []byte) (chainPEM []byte, err error) {
	if len(b) > maxTHIM {
		return nil, fmt.Errorf("%w: THIM JSON of %d bytes, at most %d", ErrTooLarge, len(b), maxTHIM)
	}
	var thim struct {
		VCEKCert         string `json:"vcekCert"`
		CertificateChain string `json:"certificateChain"`
	}
	if err := json.Unmarshal(b, &thim); err != nil {
		return nil, fmt.Errorf("%w: THIM JSON does not parse", ErrAnswer)
	}
	return tidyChain([]byte(thim.VCEKCert + "\n" + thim.CertificateChain))
}

// tidyChain gives a chain its one form, whatever order and line ends it had.
func tidyChain(pemBytes []byte) ([]byte, error) {
	chain, err := snp.ParseChain(pemBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChain, err)
	}
	return chain.PEM(), nil
}
