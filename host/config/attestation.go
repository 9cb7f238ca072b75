package config

// Sources of Evidence.
const (
	// SourceSidecar is the attestation sidecar of a confidential container group.
	SourceSidecar = "sidecar"
	// SourceDevice is the guest device of the kernel: nothing then stands between
	// the notary and the secure processor.
	SourceDevice = "device"
)

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
