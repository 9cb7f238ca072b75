//go:build !js

package evidence

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/veriproof/notary/attestation/snp"
)

// Defaults and bounds of a [Sidecar].
const (
	// DefaultURL is where the notary's container group has its sidecar. The
	// stock image listens on 8080 unless the group sets Port.
	DefaultURL = "http://127.0.0.1:8081"
	// DefaultTimeout bounds one request. The sidecar may itself have to fetch
	// certificates before it can answer.
	DefaultTimeout = 30 * time.Second

	maxRuntimeData = 128 << 10
	maxRaw         = 64 << 10 // bytes of an answer to /attest/raw
	maxCombined    = 1 << 20  // bytes of an answer to /attest/combined
	maxMessage     = 300      // bytes of a sidecar's error text that are repeated
)

// A Sidecar is the attestation sidecar of a confidential container group
// (confidential-sidecar-containers), as a [Source].
//
// With SecurityContextDir the report comes from POST /attest/raw and the
// endorsements from that directory; where its certificates are missing or are
// stale, which happens after a firmware update, /attest/combined replaces them.
// Without it everything comes from /attest/combined, which has no CCE policy.
type Sidecar struct {
	URL                string        // "": DefaultURL. Loopback only, for a report fetched elsewhere attests elsewhere
	HTTP               *http.Client  // nil: own transport, without a proxy. Redirects are refused in any case
	SecurityContextDir string        // "": none
	Timeout            time.Duration // per request; 0: DefaultTimeout
}

// A StatusError is an answer of the sidecar other than 200. It matches
// [ErrUnavailable] when the status is 5xx.
type StatusError struct {
	Path    string // for example "/attest/raw"
	Status  int    // HTTP status code
	Message string // the sidecar's message, printable and bounded; may be empty
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("sidecar answered %d to %s", e.Status, e.Path)
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Is makes a 5xx answer an [ErrUnavailable].
func (e *StatusError) Is(target error) bool { return target == ErrUnavailable && e.Status >= 500 }

// Collect fetches a fresh report over runtimeData with its endorsements, and
// checks them. Errors wrap one of the package's reasons or are a [*StatusError].
func (s *Sidecar) Collect(ctx context.Context, runtimeData []byte) (*Evidence, error) {
	if len(runtimeData) == 0 || len(runtimeData) > maxRuntimeData {
		return nil, fmt.Errorf("%w: runtime data of %d bytes, want 1 to %d", ErrSource, len(runtimeData), maxRuntimeData)
	}
	if s.SecurityContextDir == "" {
		return s.combined(ctx, runtimeData, &Evidence{})
	}
	e, err := ReadSecurityContext(s.SecurityContextDir)
	if err != nil {
		return nil, err
	}
	if e.VCEKChain == nil {
		return s.combined(ctx, runtimeData, e)
	}
	if e.Report, err = s.raw(ctx, runtimeData); err != nil {
		return nil, err
	}
	err = e.Check(runtimeData)
	if errors.Is(err, ErrChain) {
		return s.combined(ctx, runtimeData, e)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// raw asks for a bare report.
func (s *Sidecar) raw(ctx context.Context, runtimeData []byte) ([]byte, error) {
	var answer struct{ Report string }
	if err := s.post(ctx, "/attest/raw", runtimeData, maxRaw, &answer); err != nil {
		return nil, err
	}
	if len(answer.Report) != 2*snp.ReportSize {
		return nil, fmt.Errorf("%w: report of %d hex digits, want %d", ErrAnswer, len(answer.Report), 2*snp.ReportSize)
	}
	report, err := hex.DecodeString(answer.Report)
	if err != nil {
		return nil, fmt.Errorf("%w: report is not hex", ErrAnswer)
	}
	return report, nil
}

// combined asks for report, chain and endorsement. What known has beyond a chain
// is kept, for the sidecar reads the same files.
func (s *Sidecar) combined(ctx context.Context, runtimeData []byte, known *Evidence) (*Evidence, error) {
	var answer struct {
		Evidence     string
		Endorsements string
		UVM          string `json:"uvm_endorsements"`
	}
	if err := s.post(ctx, "/attest/combined", runtimeData, maxCombined, &answer); err != nil {
		return nil, err
	}
	e := &Evidence{UVM: known.UVM, CCEPolicy: known.CCEPolicy}
	var err error
	if e.Report, err = field("evidence", answer.Evidence); err != nil {
		return nil, err
	}
	chain, err := field("endorsements", answer.Endorsements)
	if err != nil {
		return nil, err
	}
	if e.VCEKChain, err = tidyChain(chain); err != nil {
		return nil, err
	}
	if e.UVM == nil && answer.UVM != "" {
		if e.UVM, err = field("uvm_endorsements", answer.UVM); err != nil {
			return nil, err
		}
	}
	if err := e.Check(runtimeData); err != nil {
		return nil, err
	}
	return e, nil
}

func field(name, text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("%w: %s is not standard base64", ErrAnswer, name)
	}
	return b, nil
}

// post sends runtime data and decodes the answer. The status decides first: on
// failure the stock sidecar writes {"error":…} and right behind it the empty
// answer object, so that only the first JSON value counts.
func (s *Sidecar) post(ctx context.Context, path string, runtimeData []byte, limit int64, answer any) error {
	base, err := s.base()
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"runtime_data": base64.StdEncoding.EncodeToString(runtimeData)})
	if err != nil {
		return err
	}
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client().Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &StatusError{Path: path, Status: resp.StatusCode, Message: message(resp.Body)}
	}
	return decode(resp.Body, path, limit, answer)
}

func decode(r io.Reader, path string, limit int64, answer any) error {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return fmt.Errorf("%w: answer to %s: %w", ErrUnavailable, path, err)
	}
	if int64(len(b)) > limit {
		return fmt.Errorf("%w: more than %d bytes to %s", ErrTooLarge, limit, path)
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(answer); err != nil {
		return fmt.Errorf("%w: answer to %s does not start with the documented JSON object", ErrAnswer, path)
	}
	return nil
}

// message reads the first JSON value of an error answer.
func message(r io.Reader) string {
	var answer struct{ Error string }
	if err := json.NewDecoder(io.LimitReader(r, maxRaw)).Decode(&answer); err != nil {
		return ""
	}
	s := answer.Error
	if len(s) > maxMessage {
		s = s[:maxMessage]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return ' '
		}
		return r
	}, s)
}

func (s *Sidecar) base() (string, error) {
	if s.URL == "" {
		return DefaultURL, nil
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.TrimSuffix(u.Path, "/") != "" {
		return "", fmt.Errorf("%w: sidecar URL %.200q: want http://host:port", ErrSource, s.URL)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("%w: sidecar URL %.200q is not on the loopback interface", ErrSource, s.URL)
	}
	return strings.TrimSuffix(s.URL, "/"), nil
}

// loopback has no proxy, for HTTP_PROXY belongs to the host's environment, and
// dials nothing but loopback, for so does the resolver that "localhost" asks.
var loopback = &http.Transport{
	DialContext: (&net.Dialer{
		Timeout: 5 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || !ap.Addr().Unmap().IsLoopback() {
				return fmt.Errorf("refusing to dial %s, which is not loopback", address)
			}
			return nil
		},
	}).DialContext,
	DisableCompression: true,
	IdleConnTimeout:    time.Minute,
}

func (s *Sidecar) client() *http.Client {
	c := http.Client{Transport: loopback}
	if s.HTTP != nil {
		c = *s.HTTP
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}
