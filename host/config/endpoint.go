package config

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"time"
)

// Ways to authenticate to an endpoint.
const (
	// AuthNone adds nothing.
	AuthNone = "none"
	// AuthSAS adds the shared access signature of Azure Storage in SecretFile.
	AuthSAS = "sas"
	// AuthBearer adds the access token in SecretFile.
	AuthBearer = "bearer"
	// AuthIdentity adds an access token of Azure's identity service.
	AuthIdentity = "managed_identity"
	// AuthSigV4 signs as S3 asks for, with the access key in SecretFile.
	AuthSigV4 = "aws_sigv4"
)

// Endpoint is an HTTP service that a storage adapter asks by a name in its measured
// manifest.
type Endpoint struct {
	// Name is the name that the adapter's manifest has, [a-z0-9-]{1,40}.
	Name string `yaml:"name"`
	// URL is the base, "https://host[:port]/path". The adapter chooses what is below.
	URL string `yaml:"url"`
	// Auth is one of the ways above. Required.
	Auth string `yaml:"auth"`
	// SecretFile is the path of a file with the credential. It is a secret and not
	// measured.
	SecretFile string `yaml:"secret_file"`
	// IdentityURL is the identity service, at a link-local or loopback address.
	IdentityURL string `yaml:"identity_url"`
	// ClientID says which identity, if there are several.
	ClientID string `yaml:"client_id"`
	// Region is the one that AuthSigV4 signs for.
	Region string `yaml:"region"`
	// CA is the PEM certificate that TLS is checked by; empty means the system's
	// roots.
	CA string `yaml:"ca"`
	// Timeout bounds each request with its answer; 0 means DefaultRequestTimeout.
	Timeout Duration `yaml:"timeout"`
	// Connections is the most connections at a time; 0 means DefaultConnections.
	Connections int `yaml:"connections"`
	// Insecure allows an http URL on the loopback interface.
	Insecure bool `yaml:"insecure"`
}

// maxEndpoints is how many a manifest can name.
const maxEndpoints = 8

var regionForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// complete fills in what the file leaves out.
func (e *Endpoint) complete() {
	if e.Timeout == 0 {
		e.Timeout = Duration(DefaultRequestTimeout)
	}
	if e.Connections == 0 {
		e.Connections = DefaultConnections
	}
	if e.IdentityURL == "" && e.Auth == AuthIdentity {
		e.IdentityURL = DefaultIdentityURL
	}
}

// endpoints checks the endpoints, and says whether there are any. That they are those
// which the adapter asks is checked when the module is loaded.
func (v *checker) endpoints() bool {
	v.count("storage.endpoints", len(v.Storage.Endpoints), 0, maxEndpoints, "")
	names, urls := map[string]string{}, map[string]string{}
	for i := range v.Storage.Endpoints {
		key, e := fmt.Sprintf("storage.endpoints[%d]", i), &v.Storage.Endpoints[i]
		if !nameForm.MatchString(e.Name) {
			v.fail(key+".name", fmt.Sprintf("%.60q is not an endpoint's name", e.Name), nameHint+`; "notary plugin inspect" shows the adapter's`)
		}
		v.once(names, key+".name", e.Name, "name")
		v.once(urls, key+".url", e.URL, "URL")
		v.endpointURL(key+".url", e.URL, e.Insecure)
		v.auth(key, e)
		between(v, key+".timeout", e.Timeout, Duration(time.Second), Duration(5*time.Minute))
		between(v, key+".connections", e.Connections, 1, 100)
		if e.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(e.CA)) {
			v.fail(key+".ca", "has no PEM certificate", "give one, or remove the key to have the system's roots")
		}
	}
	return len(v.Storage.Endpoints) > 0
}

// endpointURL does not repeat the URL: somebody may have put a token into it.
func (v *checker) endpointURL(key, text string, insecure bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		v.fail(key, "is not a URL", "write https://HOST/PATH")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.RawPath != "":
		v.fail(key, "has a user, a query, a fragment or an escape", "write https://HOST/PATH; the credential goes into secret_file")
	case u.Scheme == "http" && !(insecure && local(u.Hostname(), false)):
		v.fail(key, "is without TLS", "write https; for a service on the loopback interface, add insecure: true")
	case u.Scheme == "https" && insecure:
		v.fail(key, "has TLS, and insecure is set", "remove insecure: TLS is always verified; ca names an authority of your own")
	case u.Scheme != "https" && u.Scheme != "http":
		v.fail(key, "is not an https URL", "write https://HOST/PATH")
	}
}

func (v *checker) auth(key string, e *Endpoint) {
	v.oneOf(key+".auth", e.Auth, AuthNone, AuthSAS, AuthBearer, AuthIdentity, AuthSigV4)
	byFile := e.Auth == AuthSAS || e.Auth == AuthBearer || e.Auth == AuthSigV4
	switch {
	case byFile:
		v.present(key+".secret_file", e.SecretFile, "give the path of the file with the credential")
	case e.SecretFile != "":
		v.fail(key+".secret_file", "is of no use with auth: "+e.Auth, "remove it, or use sas, bearer or aws_sigv4")
	}
	switch signs := e.Auth == AuthSigV4; {
	case signs && !regionForm.MatchString(e.Region):
		v.fail(key+".region", fmt.Sprintf("%.60q is not a region", e.Region), "write the one of the bucket, such as eu-central-1")
	case !signs && e.Region != "":
		v.fail(key+".region", "is of no use with auth: "+e.Auth, "remove it, or use aws_sigv4")
	}
	if e.Auth != AuthIdentity {
		if e.IdentityURL != "" || e.ClientID != "" {
			v.fail(key+".auth", "makes no use of identity_url and client_id", "remove them, or use managed_identity")
		}
		return
	}
	u, err := url.Parse(e.IdentityURL)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !local(u.Hostname(), true) {
		v.fail(key+".identity_url", "is not an http URL at a link-local or loopback address", "remove the key to have "+DefaultIdentityURL)
	}
}

// local says whether a host is this machine: on the loopback interface, or, if asked
// for, link-local.
func local(host string, link bool) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (ip.IsLoopback() || link && ip.IsLinkLocalUnicast())
}
