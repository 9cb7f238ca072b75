// Package config reads the notary's one configuration file.
//
// # One file, measured
//
// The SHA-256 of the file's exact bytes goes into the runtime data that the
// hardware report binds, so a relying party knows the configuration of the
// notary it talks to, and a bundle carries the file so that it can be read.
// For that to mean something nothing else may change what the notary does:
// there is no environment variable, no overlay, no second file, and a flag of
// the command line never changes a setting. What the file names by path is
// either measured for itself (plugin modules and their configurations in
// plugin_set, recipients in the recipients digest), or is where data is kept, or is a
// credential for fetching what is measured.
// No secret stands in it: credentials are given as hashes, keys are born inside.
//
// # Strict
//
// The file is one YAML document of at most 1 MiB. A key that is not known, a
// key given twice, a key without a value, an anchor, alias, merge key or
// explicit tag is an error with file and line and, where one is near, the word
// that was meant. [Parse] reports every problem that it finds at once.
//
// Relative paths are relative to the file's directory. Durations are written
// as "15m" or "24h", sizes as "64MiB" or as a number of bytes.
//
// A [Config] does not change after it is read and is safe for concurrent use.
// The file testdata/notary.yaml shows and explains every key.
package config

import (
	"bytes"
	"crypto/sha256"
	"path/filepath"
	"time"
)

// MaxSize bounds the file: room for hundreds of tenants, and nothing to stall
// a parser with.
const MaxSize = 1 << 20

// Version is the version of the file's format.
const Version = 1

// Defaults of what the file leaves out (DESIGN section 8).
const (
	// DefaultMode: every record goes through every redactor, or is refused.
	DefaultMode = ModeEnforce
	// DefaultAction puts the label in the place of a value.
	DefaultAction = ActionMask
	// DefaultOTLP and DefaultControl listen on loopback, since a listener for
	// the network is for the operator to ask for. 4317 is OTLP/gRPC's port, 4318
	// that of OTLP/HTTP.
	DefaultOTLP     = "127.0.0.1:4317"
	DefaultOTLPHTTP = "127.0.0.1:4318"
	DefaultControl  = "127.0.0.1:8443"
	// DefaultSource is the attestation sidecar of a confidential container group.
	DefaultSource = SourceSidecar
	// DefaultSidecarURL has the port that deployments give the sidecar; the
	// stock image listens on 8080.
	DefaultSidecarURL = "http://127.0.0.1:8081"
	// DefaultAPIVersion is the MAA API with x-ms-runtime for SEV-SNP.
	DefaultAPIVersion = "2025-06-01"
	// DefaultMargin is how long before a token's expiry new data is refused:
	// time for what is under way to be sealed under a valid token.
	DefaultMargin = 5 * time.Minute
	// DefaultUVMFeed is Microsoft's line of utility VMs for ACI.
	DefaultUVMFeed = "ContainerPlat-AMD-UVM"
	// DefaultMinimumSVN: Microsoft calls utility VMs below it no production
	// ones. Set the current one.
	DefaultMinimumSVN = 100
	// DefaultStorageDir and DefaultLogDir stand beside the file.
	DefaultStorageDir = "data/store"
	DefaultLogDir     = "data/log"
	// DefaultPort and the following are those of a database.
	DefaultPort        = 5432
	DefaultMySQLPort   = 3306
	DefaultSchema      = "public"
	DefaultStatement   = 10 * time.Second
	DefaultConnections = 8
	// DefaultRequestTimeout bounds a request to an endpoint.
	DefaultRequestTimeout = 10 * time.Second
	// DefaultIdentityURL is Azure's identity service.
	DefaultIdentityURL = "http://169.254.169.254/metadata/identity/oauth2/token"
	// DefaultSilence outlasts a pause of a container; what a dead notary left open
	// waits for its receipt that much longer.
	DefaultSilence = 30 * time.Second
	// DefaultTokenClaim is the claim of a bearer token that names the sender.
	DefaultTokenClaim = "sub"
	// DefaultIdle ends a session that has sent nothing for so long.
	DefaultIdle = 15 * time.Minute
	// DefaultMaxAge seals a part so that no receipt is more than a day away.
	DefaultMaxAge = 24 * time.Hour
	// DefaultMaxBytes seals a part that has grown to so many bytes of records.
	DefaultMaxBytes = 64 << 20
	// DefaultRequestBytes bounds one request after decompression.
	DefaultRequestBytes = 16 << 20
	// DefaultMessages bounds the submessages of a request: an empty one costs
	// two bytes on the wire and a hundred in memory.
	DefaultMessages = 1_000_000
	// DefaultRecords bounds the spans or log records of a request.
	DefaultRecords = 1 << 16
	// DefaultDepth bounds the nesting of a request, and is the most there is.
	DefaultDepth = 64
	// DefaultInFlight bounds the memory for exports at a time; beyond it senders
	// are told to come again.
	DefaultInFlight = 256 << 20
	// DefaultGroupBytes bounds what one durable write carries.
	DefaultGroupBytes = 4 << 20
	// DefaultUnknownLimit is how long a write of unknown outcome is retried
	// before the epoch ends.
	DefaultUnknownLimit = 30 * time.Second
	// DefaultWrapKeyAge is how long one wrap key serves new session parts.
	DefaultWrapKeyAge = 10 * time.Minute
	// DefaultCheckpoint is how often the journal's head goes to the log.
	DefaultCheckpoint = 30 * time.Second
	// DefaultLogKind is the embedded log.
	DefaultLogKind = LogPOSIX
)

// Config is the whole file. Its fields are what the operator wrote, completed
// by the defaults; every one of them comes from the file and from nowhere else.
type Config struct {
	// Version of the file's format, 1. Required, so that a later notary knows
	// how the file was meant.
	Version int `yaml:"version"`
	// Mode is ModeEnforce or ModeShadow. It stands in the runtime data for relying
	// parties to pin.
	Mode string `yaml:"mode"`

	Listen      Listen      `yaml:"listen"`
	Attestation Attestation `yaml:"attestation"`
	// Plugins in their order: redactors, at least one, and one storage adapter.
	Plugins   []Plugin  `yaml:"plugins"`
	Registry  Registry  `yaml:"registry"`
	Redaction Redaction `yaml:"redaction"`
	Storage   Storage   `yaml:"storage"`
	// Recipients are the public keys that can open what is stored. At least
	// one: without it nobody ever could.
	Recipients []Recipient `yaml:"recipients"`
	// Tenants may send sessions. At least one.
	Tenants []Tenant `yaml:"tenants"`
	// Senders says what else than API keys is believed of a sender.
	Senders Senders `yaml:"senders"`
	// Operators may use the control interface. None is allowed.
	Operators []Operator `yaml:"operators"`
	Sessions  Sessions   `yaml:"sessions"`
	Retention Retention  `yaml:"retention"`
	Limits    Limits     `yaml:"limits"`
	Journal   Journal    `yaml:"journal"`
	Log       Log        `yaml:"log"`

	name   string
	raw    []byte
	digest [32]byte
}

// Modes.
const (
	// ModeEnforce: what a redactor reports is gone from what is stored.
	ModeEnforce = "enforce"
	// ModeShadow, for trials: what redactors report is counted, and stored as it was
	// sent.
	ModeShadow = "shadow"
)

// Sources of Evidence.
const (
	// SourceSidecar is the attestation sidecar of a confidential container group.
	SourceSidecar = "sidecar"
	// SourceDevice is the guest device of the kernel: nothing then stands between
	// the notary and the secure processor.
	SourceDevice = "device"
)

// Listen is where the notary serves.
type Listen struct {
	// OTLP is the host:port of the OTLP/gRPC receiver; port 0 takes a free one.
	OTLP string `yaml:"otlp"`
	// OTLPHTTP is the host:port of the OTLP/HTTP receiver.
	OTLPHTTP string `yaml:"otlp_http"`
	// Control is the host:port of the control interface.
	Control string `yaml:"control"`
	// TLSNames are the DNS names and IP addresses in the serving certificates,
	// whose key is born in the process.
	TLSNames []string `yaml:"tls_names"`
	// OpenMetrics serves /metrics on the control listener without credentials.
	OpenMetrics bool `yaml:"open_metrics"`
}

// Attestation is where Evidence comes from and who appraises it.
type Attestation struct {
	// Source of Evidence: SourceSidecar or SourceDevice.
	Source string `yaml:"source"`
	// SidecarURL is the attestation sidecar's base URL, on loopback: a report
	// fetched elsewhere attests elsewhere.
	SidecarURL string `yaml:"sidecar_url"`
	// SecurityContextDir is the directory with the host's AMD certificate,
	// reference info and CCE policy; empty means where the platform says that it
	// left them (evidence.SecurityContextDir).
	SecurityContextDir string `yaml:"security_context_dir"`
	// MAAURL is the attestation provider, "https://host[:port]". Required.
	MAAURL string `yaml:"maa_url"`
	// Issuer is the exact iss of acceptable tokens; empty means MAAURL.
	Issuer string `yaml:"issuer"`
	// PolicyHash, if set, is the exact x-ms-policy-hash of acceptable tokens:
	// providers of a region share keys and differ in their policies.
	PolicyHash string `yaml:"policy_hash"`
	// APIVersion of the provider's API.
	APIVersion string `yaml:"api_version"`
	// Margin is how long before a token's expiry the notary stops accepting.
	Margin Duration `yaml:"margin"`
	UVM    UVM      `yaml:"uvm"`
	// Policy is a relying party's policy (package attestation/policy), inline,
	// so that it is measured with the file. By it the notary appraises other
	// epochs in its storage before it speaks for them. Empty means what the
	// notary's own Evidence says: the same image on the same product line.
	Policy string `yaml:"policy"`
	// MAACA is the PEM certificate of the authority, or of the provider itself,
	// that TLS to the provider is checked by; empty means the system's roots.
	MAACA string `yaml:"maa_ca"`
}

// UVM is what is asked of Microsoft's endorsement of the utility VM.
type UVM struct {
	// Feed is the exact feed of the endorsement.
	Feed string `yaml:"feed"`
	// MinimumSVN is the least security version number, 1 or more.
	MinimumSVN uint64 `yaml:"minimum_svn"`
}

// Plugin kinds.
const (
	KindRedactor = "redactor"
	KindStorage  = "storage"
)

// Plugin is one measured WebAssembly module.
type Plugin struct {
	// Name is the plugin's name, [a-z0-9-]{1,40}, which its manifest repeats.
	Name string `yaml:"name"`
	// Kind is "redactor" or "storage".
	Kind string `yaml:"kind"`
	// Wasm is the path of the module, or its OCI reference,
	// "oci://registry/repository@sha256:digest".
	Wasm string `yaml:"wasm"`
	// SHA256 of the module. Required: a name or path says nothing about bytes.
	SHA256 Digest `yaml:"sha256"`
	// Config is the path of the plugin's own configuration. At most one of
	// Config and Settings is given.
	Config string `yaml:"config"`
	// Settings is the plugin's own configuration, inline.
	Settings string       `yaml:"settings"`
	Limits   PluginLimits `yaml:"limits"`
}

// PluginLimits bound what a plugin may use; they are part of its measurement.
type PluginLimits struct {
	// Memory is the greatest linear memory, a multiple of 64 KiB; 0 means what
	// the module's manifest asks for.
	Memory Size `yaml:"memory"`
	// Fuel bounds the work of one call; 0 means the host's default.
	Fuel uint64 `yaml:"fuel"`
}

// Registry is how modules named by OCI references are fetched. Nothing in it decides
// what is loaded: digests do.
type Registry struct {
	// Credentials is the path of a file in the form of Docker's config.json; empty
	// means anonymous. It is a secret and not measured.
	Credentials string `yaml:"credentials"`
	// CA is the PEM certificate that TLS to registries is checked by; empty means
	// the system's roots.
	CA string `yaml:"ca"`
}

// Redaction says what becomes of what the redactors report.
type Redaction struct {
	// DoubleRun gives every batch to two instances of each redactor and refuses a
	// request for which they differ.
	DoubleRun bool `yaml:"double_run"`
	// Labels are the rules, each label once.
	Labels []Label `yaml:"labels"`
}

// Label is the rule for what is reported under a label.
type Label struct {
	// Label is a label of one of the redactors, or AnyLabel for those that have no
	// rule of their own. Without either, ActionMask and no threshold.
	Label string `yaml:"label"`
	// Action is one of the Actions.
	Action string `yaml:"action"`
	// Threshold is the least score that counts. Redactors give 0 to 65535; those of
	// this project 0 to 1000.
	Threshold int `yaml:"threshold"`
}

// AnyLabel stands for every label without a rule of its own.
const AnyLabel = "*"

// Actions. Where findings overlap, the one that stands last here holds.
const (
	ActionToken      = "token"       // a keyed token, the same for the same value in a session part
	ActionMask       = "mask"        // the label alone
	ActionDropField  = "drop_field"  // the attribute goes
	ActionDropRecord = "drop_record" // the record goes
)

// Storage is what stands behind the storage adapter's capabilities: a directory,
// a database, or services of object storage.
type Storage struct {
	// Dir is the directory behind the adapter's blob capability. It is not used if
	// there is a database, or an endpoint.
	Dir string `yaml:"dir"`
	// Postgres is the database behind the adapter's sql capability.
	Postgres Postgres `yaml:"postgres"`
	// Endpoints are behind the adapter's http capability.
	Endpoints []Endpoint `yaml:"endpoints"`
	// Shared says that other notaries write to the storage at the same time: a
	// start then fences none that may live.
	Shared bool `yaml:"shared"`
	// Silence is how long the journal of another notary in a shared storage does not
	// grow until that one is taken for dead.
	Silence Duration `yaml:"silence"`
}

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

// Postgres is a database of PostgreSQL, or of an engine that speaks its protocol.
// Only a Host makes it one.
type Postgres struct {
	// Host is a name or address, whose certificate TLS verifies, or the directory
	// of a Unix socket.
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
	// Database and User are required.
	Database string `yaml:"database"`
	User     string `yaml:"user"`
	// PasswordFile is the path of a file with the password, or with an access
	// token that is renewed in place. It is a secret and not measured.
	PasswordFile string `yaml:"password_file"`
	// CA is the PEM certificate that TLS is checked by; empty means the system's
	// roots.
	CA string `yaml:"ca"`
	// Schema is where the tables are.
	Schema string `yaml:"schema"`
	// Timeout bounds each statement.
	Timeout Duration `yaml:"timeout"`
	// Connections is the most connections at a time.
	Connections int `yaml:"connections"`
}

// Recipient is one public key, by exactly one of its two forms.
type Recipient struct {
	// File is the path of a PEM file, as "notary keygen" writes it.
	File string `yaml:"file"`
	// PEM is the key itself.
	PEM string `yaml:"pem"`
}

// Tenant is a party that sends sessions and reaches only its own.
type Tenant struct {
	// Name is the tenant's name, [a-z0-9-]{1,40}.
	Name string `yaml:"name"`
	// APIKeyHashes are the hashes of its keys, several while keys rotate.
	APIKeyHashes []Digest `yaml:"api_key_hashes"`
	// CertificateNames are names in its client certificates, as they stand in the
	// subject alternative names. They need Senders.ClientCA.
	CertificateNames []string `yaml:"certificate_names"`
	// TokenSubjects are its names in bearer tokens. They need Senders.Tokens.
	TokenSubjects []string `yaml:"token_subjects"`
}

// Senders is what is believed of who sends: client certificates, bearer tokens.
// Certificates and keys stand inline, so that they are measured.
type Senders struct {
	// ClientCA are the PEM certificates of those who sign client certificates;
	// empty asks for none.
	ClientCA string `yaml:"client_ca"`
	Tokens   Tokens `yaml:"tokens"`
}

// Tokens says which JSON Web Tokens are believed. No issuer means none.
type Tokens struct {
	// Issuer is the exact iss.
	Issuer string `yaml:"issuer"`
	// Audience is what aud has to name.
	Audience string `yaml:"audience"`
	// JWKS is the issuer's key set (RFC 7517), of RS256 keys.
	JWKS string `yaml:"jwks"`
	// Claim is the claim that names the sender.
	Claim string `yaml:"claim"`
}

// Operator is a person or program that uses the control interface.
type Operator struct {
	// Name is the operator's name, [a-z0-9-]{1,40}.
	Name string `yaml:"name"`
	// Roles: "operator" reads and ends sessions, "auditor" reads them,
	// "metrics" reads metrics.
	Roles []string `yaml:"roles"`
	// TokenHash is the hash of the operator's token.
	TokenHash Digest `yaml:"token_hash"`
}

// Sessions says what a session is and when it ends.
type Sessions struct {
	// Idle ends a session that has sent nothing for so long.
	Idle Duration `yaml:"idle"`
	// MaxAge seals a session part of this age.
	MaxAge Duration `yaml:"max_age"`
	// MaxBytes seals a session part of so many bytes of records.
	MaxBytes Size `yaml:"max_bytes"`
	// Keys are attribute names that hold the session id in this deployment;
	// they come before the well-known ones.
	Keys []string `yaml:"keys"`
}

// Retention says how long what is stored can be read.
type Retention struct {
	// Sessions is how long after its sealing the wrapped key of a session part is
	// destroyed, unless its session is held; 0 keeps it for ever.
	Sessions Duration `yaml:"sessions"`
}

// Limits bound what a sender can cost.
type Limits struct {
	// RequestBytes bounds one request after decompression.
	RequestBytes Size `yaml:"request_bytes"`
	// Messages bounds the submessages in a request.
	Messages int `yaml:"messages"`
	// Records bounds the spans or log records in a request.
	Records int `yaml:"records"`
	// Depth bounds the nesting of a request.
	Depth int `yaml:"depth"`
	// InFlight bounds the memory for all exports at a time: their bytes, and what it
	// takes to handle them, by what is in them.
	InFlight Size `yaml:"in_flight"`
}

// Journal says how the journal is written.
type Journal struct {
	// GroupBytes bounds what one durable write carries.
	GroupBytes Size `yaml:"group_bytes"`
	// UnknownLimit is how long a write of unknown outcome is retried.
	UnknownLimit Duration `yaml:"unknown_limit"`
	// WrapKeyAge is how long one wrap key serves new session parts.
	WrapKeyAge Duration `yaml:"wrap_key_age"`
	// Checkpoint is how often the journal's head goes to the log.
	Checkpoint Duration `yaml:"checkpoint"`
}

// defaults is the configuration of a file that says nothing.
func defaults() *Config {
	return &Config{
		Mode:   DefaultMode,
		Listen: Listen{OTLP: DefaultOTLP, OTLPHTTP: DefaultOTLPHTTP, Control: DefaultControl, TLSNames: []string{"localhost", "127.0.0.1", "::1"}},
		Attestation: Attestation{
			Source: DefaultSource, SidecarURL: DefaultSidecarURL, APIVersion: DefaultAPIVersion,
			Margin: Duration(DefaultMargin), UVM: UVM{Feed: DefaultUVMFeed, MinimumSVN: DefaultMinimumSVN},
		},
		Senders: Senders{Tokens: Tokens{Claim: DefaultTokenClaim}},
		Storage: Storage{Dir: DefaultStorageDir, Postgres: Postgres{
			Port: DefaultPort, Schema: DefaultSchema, Timeout: Duration(DefaultStatement), Connections: DefaultConnections,
		}, Silence: Duration(DefaultSilence)},
		Sessions: Sessions{Idle: Duration(DefaultIdle), MaxAge: Duration(DefaultMaxAge), MaxBytes: DefaultMaxBytes},
		Limits: Limits{
			RequestBytes: DefaultRequestBytes, Messages: DefaultMessages, Records: DefaultRecords,
			Depth: DefaultDepth, InFlight: DefaultInFlight,
		},
		Journal: Journal{
			GroupBytes: DefaultGroupBytes, UnknownLimit: Duration(DefaultUnknownLimit),
			WrapKeyAge: Duration(DefaultWrapKeyAge), Checkpoint: Duration(DefaultCheckpoint),
		},
		Log: Log{Kind: DefaultLogKind, Dir: DefaultLogDir, MySQL: MySQL{
			Port: DefaultMySQLPort, Timeout: Duration(DefaultStatement), Connections: DefaultConnections,
		}},
	}
}

// complete fills in the defaults that follow from other values.
func (c *Config) complete() {
	if c.Attestation.Issuer == "" {
		c.Attestation.Issuer = c.Attestation.MAAURL
	}
	for i := range c.Storage.Endpoints {
		c.Storage.Endpoints[i].complete()
	}
	for i := range c.Redaction.Labels {
		if l := &c.Redaction.Labels[i]; l.Action == "" {
			l.Action = DefaultAction
		}
	}
}

// Name returns the name that the file was read under.
func (c *Config) Name() string { return c.name }

// Raw returns a copy of the file's bytes, as a bundle carries them.
func (c *Config) Raw() []byte { return bytes.Clone(c.raw) }

// Digest returns the SHA-256 of the file's bytes, which stands in the runtime
// data as "config". It has no domain string, so that sha256sum checks it.
func (c *Config) Digest() [32]byte { return c.digest }

// Path makes a path of the file usable: relative to the file's directory.
func (c *Config) Path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.name), path)
}

// own records which bytes the configuration was read from.
func (c *Config) own(name string, raw []byte) {
	c.name, c.raw, c.digest = name, bytes.Clone(raw), sha256.Sum256(raw)
}
