package config

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
