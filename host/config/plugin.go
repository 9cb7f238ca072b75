package config

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
