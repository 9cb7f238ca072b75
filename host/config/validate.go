package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/host/artifact"
	"github.com/veriproof/notary/sdk/journal"
)

// Bounds that a value must keep whatever the deployment.
const (
	maxPlugins    = 16
	maxRecipients = 16 // each costs 1.2 KB and an HPKE seal per wrap key
	maxTenants    = 10_000
	maxAPIKeys    = 16 // and names of another kind
	maxName       = 256
	maxOperators  = 1000
	maxNames      = 64
	maxKeys       = 32
	maxRequest    = 128 << 20 // of more the sessions could not be stored: segments of one request take as much at most
	recordMemory  = 4 << 10   // of sessions.memory, if a record is of a session of its own
	pageBytes     = 64 << 10  // a page of WebAssembly memory
	maxPages      = 1 << 16
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	originForm = regexp.MustCompile(`^[!-*,-~]{1,200}$`) // visible ASCII without plus
	dnsForm    = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
	hashForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`) // a SHA-256 in base64url
	apiForm    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$`)
)

const nameHint = "use 1 to 40 of a-z, 0-9 and the hyphen"

// A checker collects what is wrong with the values of a Config.
type checker struct {
	*Config
	lines    map[string]int
	problems []Problem
}

func validate(c *Config, lines map[string]int) []Problem {
	v := checker{Config: c, lines: lines}
	if c.Version != Version {
		v.fail("version", fmt.Sprintf("is %d, this notary reads version %d", c.Version, Version), fmt.Sprintf("write version: %d", Version))
	}
	v.oneOf("mode", c.Mode, ModeEnforce, ModeShadow, ModeNone)
	v.listen()
	v.attestation()
	v.plugins()
	v.registry()
	v.redaction()
	v.recipients()
	v.tenants()
	v.senders()
	v.operators()
	v.sessions()
	v.retention()
	v.limits()
	v.journal()
	v.log()
	v.storage()
	return v.problems
}

// fail notes a problem at the line of the key, or of what it would stand in.
func (v *checker) fail(key, text, hint string) {
	line, at := 0, key
	for line == 0 && at != "" {
		line = v.lines[at]
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	v.problems = append(v.problems, Problem{Line: line, Key: key, Text: text, Hint: hint})
}

func (v *checker) oneOf(key, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	v.fail(key, fmt.Sprintf("%.60q is not known", value), "use "+strings.Join(allowed, " or "))
}

func (v *checker) present(key, value, hint string) bool {
	if value == "" {
		v.fail(key, "is missing", hint)
	}
	return value != ""
}

// between checks a number, a Size or a Duration against its bounds.
func between[T interface {
	~int | ~int64
}](v *checker, key string, value, low, high T) {
	if value < low || value > high {
		v.fail(key, fmt.Sprintf("is %v", value), fmt.Sprintf("use %v to %v", low, high))
	}
}

func (v *checker) count(key string, n, low, high int, hint string) {
	switch {
	case n < low:
		v.fail(key, "is missing", hint)
	case n > high:
		v.fail(key, fmt.Sprintf("has %d entries, at most %d are allowed", n, high), "")
	}
}

// once notes a value that stands in two places. The value is not repeated: it
// may be the hash of a credential.
func (v *checker) once(seen map[string]string, key, value, what string) {
	if other, dup := seen[value]; dup {
		v.fail(key, "has the same "+what+" as "+other, "remove one of them")
		return
	}
	seen[value] = key
}

func (v *checker) listen() {
	l := &v.Listen
	v.address("listen.otlp", l.OTLP)
	v.address("listen.otlp_http", l.OTLPHTTP)
	v.address("listen.control", l.Control)
	v.apart("listen.otlp", l.OTLP, "listen.otlp_http", l.OTLPHTTP)
	v.apart("listen.otlp", l.OTLP, "listen.control", l.Control)
	v.apart("listen.otlp_http", l.OTLPHTTP, "listen.control", l.Control)
	v.count("listen.tls_names", len(v.Listen.TLSNames), 1, maxNames, "list the names that senders connect to")
	for i, n := range v.Listen.TLSNames {
		if _, err := netip.ParseAddr(n); err != nil && (len(n) > 253 || !dnsForm.MatchString(n)) {
			v.fail(fmt.Sprintf("listen.tls_names[%d]", i), fmt.Sprintf("%.60q is neither a DNS name nor an IP address", n), "")
		}
	}
}

func (v *checker) address(key, value string) {
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		v.fail(key, fmt.Sprintf("%.60q is not an address", value), `write host:port, such as "0.0.0.0:4317"`)
	}
}

// apart: one port on one address serves one listener, and no address at all
// means every one.
func (v *checker) apart(key, address, otherKey, otherAddress string) {
	host, port, _ := net.SplitHostPort(address)
	other, otherPort, _ := net.SplitHostPort(otherAddress)
	switch {
	case port != otherPort || port == "0":
	case host == other:
		v.fail(otherKey, "is the address of "+key, "give each its own port")
	case everyAddress(host) || everyAddress(other):
		v.fail(otherKey, "has the port of "+key+", and one of them takes it on every address", "give each its own port")
	}
}

func everyAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func (v *checker) attestation() {
	a := &v.Attestation
	v.oneOf("attestation.source", a.Source, SourceSidecar, SourceDevice)
	v.sidecar(a.SidecarURL)
	if v.present("attestation.maa_url", a.MAAURL, "write the attestation provider, such as https://NAME.REGION.attest.azure.net") {
		v.provider("attestation.maa_url", a.MAAURL)
	}
	if a.Issuer != a.MAAURL {
		v.provider("attestation.issuer", a.Issuer)
	}
	if a.PolicyHash != "" && !hashForm.MatchString(a.PolicyHash) {
		v.fail("attestation.policy_hash", "is not an x-ms-policy-hash", "copy the claim as it stands in a token, 43 characters of base64url")
	}
	if !apiForm.MatchString(a.APIVersion) {
		v.fail("attestation.api_version", fmt.Sprintf("%.40q is not an API version", a.APIVersion), "write a date, such as "+strconv.Quote(DefaultAPIVersion))
	}
	between(v, "attestation.margin", a.Margin, Duration(30*time.Second), Duration(4*time.Hour))
	if a.Policy != "" {
		if _, err := policy.Parse([]byte(a.Policy)); err != nil {
			v.fail("attestation.policy", "is not a policy: "+err.Error(), "see the example in the annotated configuration file")
		}
	}
	if a.MAACA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(a.MAACA)) {
		v.fail("attestation.maa_ca", "has no PEM certificate", "paste the certificate with its BEGIN and END lines")
	}
	if a.UVM.MinimumSVN == 0 {
		v.fail("attestation.uvm.minimum_svn", "is 0, which accepts every utility VM there ever was", fmt.Sprintf("remove the key to have %d, or write the current one", DefaultMinimumSVN))
	}
	v.present("attestation.uvm.feed", a.UVM.Feed, "remove the key to have "+DefaultUVMFeed)
}

// sidecar: only loopback speaks for this machine.
func (v *checker) sidecar(text string) {
	u, err := url.Parse(text)
	local := false
	if err == nil {
		ip, err := netip.ParseAddr(u.Hostname())
		local = u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	}
	if !local || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		v.fail("attestation.sidecar_url", fmt.Sprintf("%.100q is not an http URL on the loopback interface", text), "write such as "+strconv.Quote(DefaultSidecarURL))
	}
}

// provider: an MAA provider is a bare https origin, since the iss of its tokens
// is compared byte for byte.
func (v *checker) provider(key, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || text != "https://"+u.Host {
		v.fail(key, fmt.Sprintf("%.100q is not a provider", text), `write "https://host" or "https://host:port", without a path`)
	}
}

func (v *checker) plugins() {
	v.count("plugins", len(v.Plugins), 1, maxPlugins, "list the redactors and the storage adapter")
	names, kinds := map[string]string{}, map[string]int{}
	for i := range v.Plugins {
		key, p := fmt.Sprintf("plugins[%d]", i), &v.Plugins[i]
		v.plugin(key, p)
		v.once(names, key+".name", p.Name, "name")
		kinds[p.Kind]++
	}
	if len(v.Plugins) == 0 || kinds[KindRedactor]+kinds[KindStorage] < len(v.Plugins) {
		return // of which kind one is meant to be is yet to be said
	}
	// To a relying party a redactor that is not there must not look like one that
	// found nothing.
	switch n := kinds[KindRedactor]; {
	case n == 0 && v.Mode != ModeNone:
		v.fail("plugins", "have no redactor", "add one of kind redactor, or write mode: none to have everything stored as it was sent, and say so")
	case n > 0 && v.Mode == ModeNone:
		v.fail("mode", fmt.Sprintf("is none, and plugins have %d of kind redactor", n), "remove them, or write mode: enforce; mode: shadow runs them without editing")
	}
	if n := kinds[KindStorage]; n != 1 {
		v.fail("plugins", fmt.Sprintf("have %d storage adapters", n), "name exactly one of kind storage")
	}
}

func (v *checker) plugin(key string, p *Plugin) {
	if !nameForm.MatchString(p.Name) {
		v.fail(key+".name", fmt.Sprintf("%.60q is not a plugin name", p.Name), nameHint)
	}
	v.oneOf(key+".kind", p.Kind, KindRedactor, KindStorage)
	if v.present(key+".wasm", p.Wasm, "give the path of the module, or its OCI reference") && artifact.IsReference(p.Wasm) {
		if _, err := artifact.Parse(p.Wasm); err != nil {
			v.fail(key+".wasm", fmt.Sprintf("%.200q is not an OCI reference", p.Wasm), "write oci://REGISTRY/REPOSITORY@sha256:DIGEST, by digest and without a tag")
		}
	}
	if p.SHA256 == (Digest{}) {
		v.fail(key+".sha256", "is missing", "run `notary plugin measure` on the module you mean")
	}
	if p.Config != "" && p.Settings != "" {
		v.fail(key+".settings", "stands beside config", "give one of them")
	}
	if m := p.Limits.Memory; m%pageBytes != 0 || m > maxPages*pageBytes {
		v.fail(key+".limits.memory", fmt.Sprintf("is %v", m), "use a multiple of 64KiB up to 4GiB")
	}
	if p.Limits.Fuel > 1<<58 {
		v.fail(key+".limits.fuel", "is more than 2^58", "")
	}
}

func (v *checker) registry() {
	if ca := v.Registry.CA; ca != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(ca)) {
		v.fail("registry.ca", "has no PEM certificate", "give one, or remove the key to have the system's roots")
	}
}

func (v *checker) recipients() {
	v.count("recipients", len(v.Recipients), 1, maxRecipients, "run `notary keygen -o recipient.pem` and name the public key here")
	seen := map[string]string{}
	for i, r := range v.Recipients {
		key := fmt.Sprintf("recipients[%d]", i)
		if (r.File == "") == (r.PEM == "") {
			v.fail(key, "wants exactly one of file and pem", "")
		}
		v.once(seen, key, r.File+"\x00"+r.PEM, "key")
	}
}

func (v *checker) tenants() {
	v.count("tenants", len(v.Tenants), 1, maxTenants, "name at least one sender with the hash of its API key")
	names, hashes := map[string]string{}, map[string]string{}
	certificates, subjects := map[string]string{}, map[string]string{}
	for i, t := range v.Tenants {
		key := fmt.Sprintf("tenants[%d]", i)
		if !nameForm.MatchString(t.Name) {
			v.fail(key+".name", fmt.Sprintf("%.60q is not a tenant name", t.Name), nameHint)
		}
		v.once(names, key+".name", t.Name, "name")
		least := 1
		if len(t.CertificateNames)+len(t.TokenSubjects) > 0 {
			least = 0
		}
		v.count(key+".api_key_hashes", len(t.APIKeyHashes), least, maxAPIKeys, "run `notary keygen --api-key` for a key and its hash")
		v.known(certificates, key+".certificate_names", t.CertificateNames, v.Senders.ClientCA != "", "set senders.client_ca, or remove them")
		v.known(subjects, key+".token_subjects", t.TokenSubjects, v.Senders.Tokens.Issuer != "", "set senders.tokens, or remove them")
		for j, h := range t.APIKeyHashes {
			v.once(hashes, fmt.Sprintf("%s.api_key_hashes[%d]", key, j), h.String(), "hash")
		}
	}
}

// known checks the names of a tenant in credentials of a kind.
func (v *checker) known(seen map[string]string, key string, names []string, used bool, hint string) {
	v.count(key, len(names), 0, maxAPIKeys, "")
	if len(names) > 0 && !used {
		v.fail(key, "mean nothing, since nobody signs them", hint)
	}
	for i, n := range names {
		at := fmt.Sprintf("%s[%d]", key, i)
		if n == "" || len(n) > maxName {
			v.fail(at, "is not a name", fmt.Sprintf("use 1 to %d bytes", maxName))
		}
		v.once(seen, at, n, "name")
	}
}

func (v *checker) senders() {
	s := &v.Senders
	if s.ClientCA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.ClientCA)) {
		v.fail("senders.client_ca", "has no PEM certificate", "paste the certificate with its BEGIN and END lines")
	}
	t := &s.Tokens
	if t.Issuer == "" && t.Audience == "" && t.JWKS == "" {
		return
	}
	v.present("senders.tokens.issuer", t.Issuer, "write the iss of the tokens")
	v.present("senders.tokens.audience", t.Audience, "write the aud that tokens for this notary have")
	v.present("senders.tokens.claim", t.Claim, "remove the key to have "+DefaultTokenClaim)
	if v.present("senders.tokens.jwks", t.JWKS, "paste the issuer's key set") {
		if _, err := maa.ParseKeySet([]byte(t.JWKS)); err != nil {
			v.fail("senders.tokens.jwks", "is not a key set: "+err.Error(), "paste the JSON that the issuer serves as its jwks_uri")
		}
	}
}

func (v *checker) operators() {
	v.count("operators", len(v.Operators), 0, maxOperators, "")
	names, hashes := map[string]string{}, map[string]string{}
	for i, o := range v.Operators {
		key := fmt.Sprintf("operators[%d]", i)
		if !nameForm.MatchString(o.Name) {
			v.fail(key+".name", fmt.Sprintf("%.60q is not an operator name", o.Name), nameHint)
		}
		v.once(names, key+".name", o.Name, "name")
		v.count(key+".roles", len(o.Roles), 1, 3, "use operator, auditor or metrics")
		for j, r := range o.Roles {
			v.oneOf(fmt.Sprintf("%s.roles[%d]", key, j), r, "operator", "auditor", "metrics")
		}
		if o.TokenHash == (Digest{}) {
			v.fail(key+".token_hash", "is missing", "run `notary keygen --operator-token` for one and its hash")
		}
		v.once(hashes, key+".token_hash", o.TokenHash.String(), "hash")
	}
}

func (v *checker) sessions() {
	s := &v.Sessions
	between(v, "sessions.linger", s.Linger, 0, Duration(time.Minute))
	between(v, "sessions.idle", s.Idle, Duration(time.Second), Duration(24*time.Hour))
	between(v, "sessions.max_age", s.MaxAge, Duration(time.Second), Duration(31*24*time.Hour))
	between(v, "sessions.max_bytes", s.MaxBytes, 64<<10, 1<<30)
	between(v, "sessions.memory", s.Memory, 4<<20, 1<<40)
	if least := Size(recordMemory * v.Limits.Records); s.Memory < least {
		v.fail("sessions.memory", "is too little for the sessions of one request", fmt.Sprintf("say at least %d, 4KiB for each of limits.records, or lower these", least))
	}
	v.count("sessions.keys", len(s.Keys), 0, maxKeys, "")
	seen := map[string]string{}
	for i, k := range s.Keys {
		key := fmt.Sprintf("sessions.keys[%d]", i)
		if k == "" || len(k) > 200 {
			v.fail(key, "is not an attribute name", "use 1 to 200 bytes")
		}
		v.once(seen, key, k, "name")
	}
}

func (v *checker) retention() {
	if r := v.Retention.Sessions; r != 0 { // what is destroyed too early is so for good
		between(v, "retention.sessions", r, Duration(24*time.Hour), Duration(36500*24*time.Hour))
	}
}

func (v *checker) limits() {
	l := &v.Limits
	between(v, "limits.request_bytes", l.RequestBytes, 64<<10, maxRequest)
	between(v, "limits.messages", l.Messages, 1000, 100_000_000)
	between(v, "limits.records", l.Records, 1, journal.MaxLeaves-1) // one segment holds them all
	between(v, "limits.depth", l.Depth, 16, DefaultDepth)
	between(v, "limits.in_flight", l.InFlight, 64<<10, 1<<40)
	if l.InFlight < l.RequestBytes {
		v.fail("limits.in_flight", fmt.Sprintf("is %v, less than one request of %v", l.InFlight, l.RequestBytes), "raise it, or lower limits.request_bytes")
	}
}

func (v *checker) journal() {
	j := &v.Journal
	between(v, "journal.group_bytes", j.GroupBytes, 64<<10, journal.MaxBody) // one object of a storage adapter holds a group
	between(v, "journal.unknown_limit", j.UnknownLimit, Duration(time.Second), Duration(time.Hour))
	between(v, "journal.wrap_key_age", j.WrapKeyAge, Duration(time.Second), Duration(24*time.Hour))
	between(v, "journal.checkpoint", j.Checkpoint, Duration(time.Second), Duration(time.Hour))
}

// storage: the adapter may write in its directory only, and the log's tree may be
// published.
func (v *checker) storage() {
	if !v.present("storage.dir", v.Storage.Dir, "remove the key to have "+DefaultStorageDir) {
		return
	}
	between(v, "storage.silence", v.Storage.Silence, Duration(minSilence), Duration(time.Hour))
	v.oneOf("storage.missing", v.Storage.Missing, MissingRefuse, MissingRequire, MissingTell)
	if v.Storage.Missing == MissingRequire && v.Log.Kind == LogEndpoint && v.Log.Endpoint.Tiles == "" {
		v.fail("storage.missing", "wants a log that can be read", "set log.endpoint.tiles, or use "+MissingRefuse)
	}
	v.count("storage.lost", len(v.Storage.Lost), 0, maxLost, "one range may cover several")
	if database, endpoints := v.postgres(), v.endpoints(); database || endpoints {
		return
	}
	if v.Storage.Shared {
		v.fail("storage.shared", "needs a database or a service", "name one in storage.postgres or storage.endpoints; a directory is one notary's")
	}
	store, log := v.Path(v.Storage.Dir), v.Path(v.Log.Dir)
	switch {
	case store == log:
		v.fail("storage.dir", "is the directory of the log", "give each its own")
	case within(store, log):
		v.fail("storage.dir", "holds the directory of the log", "give each its own")
	case within(log, store):
		v.fail("storage.dir", "lies in the directory of the log", "give each its own")
	}
}

// minSilence: a notary shows at most every two seconds or so that it lives, since it
// looks at its clock once a second.
const minSilence = 5 * time.Second

var schemaForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// postgres checks the database, and says whether there is one.
func (v *checker) postgres() bool {
	p := &v.Storage.Postgres
	none := Postgres{Port: DefaultPort, Schema: DefaultSchema, Timeout: Duration(DefaultStatement), Connections: DefaultConnections}
	if *p == none {
		return false
	}
	const key = "storage.postgres."
	v.present(key+"host", p.Host, "give the server's name, or the directory of its Unix socket")
	v.present(key+"database", p.Database, "give the database's name")
	v.present(key+"user", p.User, "give the role that the notary connects as")
	between(v, key+"port", p.Port, 1, 65535)
	between(v, key+"timeout", p.Timeout, Duration(time.Second), Duration(5*time.Minute))
	between(v, key+"connections", p.Connections, 1, 100)
	if !schemaForm.MatchString(p.Schema) {
		v.fail(key+"schema", fmt.Sprintf("%.60q is not a schema's name", p.Schema), "use lower case letters, digits and underscores")
	}
	if p.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(p.CA)) {
		v.fail(key+"ca", "has no PEM certificate", "give one, or remove the key to have the system's roots")
	}
	return true
}

// within says whether a path lies below a directory, by its name.
func within(dir, path string) bool {
	rest, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rest)
}
