package config

import "time"

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
	// DefaultMissing: nobody's backup takes the place of the journal unnoticed.
	DefaultMissing = MissingRefuse
	// DefaultTokenClaim is the claim of a bearer token that names the sender.
	DefaultTokenClaim = "sub"
	// DefaultLinger outlasts what lies between requests that an exporter sends at the
	// same time; a receipt is that much later.
	DefaultLinger = 2 * time.Second
	// DefaultIdle ends a session that has sent nothing for so long.
	DefaultIdle = 15 * time.Minute
	// DefaultMaxAge seals a part so that no receipt is more than a day away.
	DefaultMaxAge = 24 * time.Hour
	// DefaultMaxBytes seals a part that has grown to so many bytes of records.
	DefaultMaxBytes = 64 << 20
	// DefaultSessionMemory is for some 90,000 session parts at a time.
	DefaultSessionMemory = 256 << 20
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
		}, Silence: Duration(DefaultSilence), Missing: DefaultMissing},
		Sessions: Sessions{Linger: Duration(DefaultLinger), Idle: Duration(DefaultIdle), MaxAge: Duration(DefaultMaxAge), MaxBytes: DefaultMaxBytes, Memory: DefaultSessionMemory},
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
