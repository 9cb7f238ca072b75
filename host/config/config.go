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
)

// MaxSize bounds the file: room for hundreds of tenants, and nothing to stall
// a parser with.
const MaxSize = 1 << 20

// Version is the version of the file's format.
const Version = 1

// Config is the whole file. Its fields are what the operator wrote, completed
// by the defaults; every one of them comes from the file and from nowhere else.
type Config struct {
	// Version of the file's format, 1. Required, so that a later notary knows
	// how the file was meant.
	Version int `yaml:"version"`
	// Mode is ModeEnforce, ModeShadow or ModeNone. It stands in the runtime data for
	// relying parties to pin.
	Mode string `yaml:"mode"`

	Listen      Listen      `yaml:"listen"`
	Attestation Attestation `yaml:"attestation"`
	// Plugins in their order: redactors, at least one but in ModeNone, which has none,
	// and one storage adapter.
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
	// ModeNone: there is no redactor, and everything is stored as it was sent.
	ModeNone = "none"
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

// BaseMemory is what a notary holds whatever it is sent: code, compiled plugins and what
// they work in, connections. It was measured with two redactors on two processors; more of either take more.
const BaseMemory = 320 << 20

// MostMemory returns what the process may hold at most, and its container needs to have:
// for exports four times what may be in flight, since the collector of garbage is given as much
// again and more, and what sessions may take.
func (c *Config) MostMemory() Size {
	return BaseMemory + 4*c.Limits.InFlight + c.Sessions.Memory
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
