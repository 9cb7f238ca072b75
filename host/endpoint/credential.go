package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxSecret is the greatest size of a file with a credential in bytes: an access
	// token has some thousand.
	maxSecret = 64 << 10
	// storageResource is what an access token has to be for, in every Azure cloud.
	storageResource = "https://storage.azure.com/"
	// identityVersion is the version of the identity service's interface.
	identityVersion = "2018-02-01"
	// renewBefore is how long before its end an access token is replaced: longer than
	// any request takes.
	renewBefore = 5 * time.Minute
	// identityTimeout bounds a request to the identity service.
	identityTimeout = 10 * time.Second
)

// DefaultIdentityURL is the identity service of an Azure machine or container group,
// at a link-local address.
const DefaultIdentityURL = "http://169.254.169.254/metadata/identity/oauth2/token"

// A Credential is what the host adds to a request. It is safe for concurrent use. No
// error of it repeats a secret.
type Credential interface {
	// check reports whether there is a credential to be had, as far as that can be
	// told without a network.
	check() error
	// apply adds it to a request that is complete but for it.
	apply(ctx context.Context, r *http.Request, body *body) error
}

// SAS is a shared access signature of Azure Storage, the query of a URL, in a file that
// is read for each request, so that one that is renewed in place is used.
func SAS(path string) Credential { return sasFile(path) }

type sasFile string

func (f sasFile) check() error {
	_, err := f.read()
	return err
}

func (f sasFile) read() (string, error) {
	text, err := readSecret(string(f))
	if err != nil {
		return "", err
	}
	text = strings.TrimPrefix(text, "?")
	values, err := url.ParseQuery(text)
	if err != nil || values.Get("sig") == "" {
		return "", fmt.Errorf("file %s holds no shared access signature: it is the query of a URL, with sig=", filepath.Base(string(f)))
	}
	return text, nil
}

func (f sasFile) apply(_ context.Context, r *http.Request, _ *body) error {
	text, err := f.read()
	if err != nil {
		return err
	}
	if r.URL.RawQuery != "" {
		r.URL.RawQuery += "&"
	}
	r.URL.RawQuery += text
	return nil
}

// Bearer is an access token in a file that is read for each request: something else
// renews it there.
func Bearer(path string) Credential { return bearerFile(path) }

type bearerFile string

func (f bearerFile) check() error {
	_, err := readSecret(string(f))
	return err
}

func (f bearerFile) apply(_ context.Context, r *http.Request, _ *body) error {
	token, err := readSecret(string(f))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// ManagedIdentity is the identity that Azure gives the machine or container group. Its
// access token is fetched from the identity service at a link-local or loopback
// address, and kept until five minutes before its end. clientID says which identity, if
// there are several; empty means the only one.
func ManagedIdentity(serviceURL, clientID string) (Credential, error) {
	u, err := url.Parse(serviceURL)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !local(u.Hostname()) {
		return nil, errors.New("endpoint: the identity service is not an http URL at a link-local or loopback address")
	}
	query := url.Values{"api-version": {identityVersion}, "resource": {storageResource}}
	if clientID != "" {
		query.Set("client_id", clientID)
	}
	u.RawQuery = query.Encode()
	return &identity{
		url:    u.String(),
		client: client(&http.Transport{DialContext: (&net.Dialer{Timeout: identityTimeout}).DialContext, MaxResponseHeaderBytes: maxHeaders, DisableKeepAlives: true}),
		now:    time.Now,
	}, nil
}

// local reports whether an address is of this machine: others could hand out tokens
// that send the ciphertext to an account of theirs.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast())
}

type identity struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex
	token string
	until time.Time
}

func (*identity) check() error { return nil }

func (i *identity) apply(ctx context.Context, r *http.Request, _ *body) error {
	token, err := i.current(ctx)
	if err != nil {
		return fmt.Errorf("identity service: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// current returns a token that is good for a while. Whoever comes while one is fetched
// waits for it.
func (i *identity) current(ctx context.Context) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.token != "" && i.now().Before(i.until) {
		return i.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	token, life, err := i.fetch(ctx)
	if err != nil {
		return "", err
	}
	i.token, i.until = token, i.now().Add(life-renewBefore)
	return token, nil
}

func (i *identity) fetch(ctx context.Context) (token string, life time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.url, http.NoBody)
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Metadata", "true") // or it does not answer, against forwarded requests
	response, err := i.client.Do(request)
	if err != nil {
		return "", 0, noAnswer(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(io.LimitReader(response.Body, maxSecret))
	if err != nil {
		return "", 0, noAnswer(err)
	}
	if response.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("it answered with %d", response.StatusCode)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   string `json:"expires_in"` // seconds, as a text
	}
	if json.Unmarshal(b, &answer) != nil || !printable(answer.AccessToken) {
		return "", 0, errors.New("its answer has no access_token")
	}
	seconds, err := strconv.ParseUint(answer.ExpiresIn, 10, 31)
	if err != nil {
		return "", 0, errors.New("its answer has no expires_in")
	}
	return answer.AccessToken, time.Duration(seconds) * time.Second, nil
}

// readSecret reads a file with one line of printable ASCII.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("credential: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	text := strings.TrimRight(string(b), "\r\n")
	switch {
	case err != nil:
		return "", fmt.Errorf("credential: %w", err)
	case len(b) > maxSecret:
		return "", fmt.Errorf("credential file %s has more than %d bytes", filepath.Base(path), maxSecret)
	case !printable(text):
		return "", fmt.Errorf("credential file %s is not one line of printable ASCII without spaces", filepath.Base(path))
	}
	return text, nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}
