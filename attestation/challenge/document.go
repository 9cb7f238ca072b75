package challenge

import (
	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
)

// Path is the path of the notary's Evidence on its control interface.
const Path = "/v1/evidence"

// A Document is the answer of GET /v1/evidence: all that a relying party appraises
// before it trusts a notary. Fields of bytes are standard base64 in JSON. Nothing
// in it is an anchor; the key set least of all.
type Document struct {
	RuntimeData    []byte `json:"runtime_data"`    // exact bytes, whose SHA-256 is REPORT_DATA[0:32]
	Token          string `json:"maa_token"`       // MAA's JWT
	JWKS           []byte `json:"maa_jwks"`        // the issuer's keys as the notary fetched them
	Report         []byte `json:"report"`          // SNP report over the runtime data
	VCEKChain      []byte `json:"vcek_chain"`      // PEM: VCEK, ASK, ARK
	UVM            []byte `json:"uvm"`             // COSE_Sign1
	CCEPolicy      []byte `json:"cce_policy"`      // Rego
	TLSCertificate string `json:"tls_certificate"` // PEM, of the OTLP listener

	// Answer is there if the request had a nonce.
	Answer *Answer `json:"challenge,omitempty"`
}

// An Answer is what a notary answers to a nonce, beside its standing Evidence.
type Answer struct {
	Nonce      []byte `json:"nonce"`      // as it was understood
	Report     []byte `json:"report"`     // SNP report with [ReportData]
	VCEKChain  []byte `json:"vcek_chain"` // PEM, of the fresh report
	Possession []byte `json:"possession"` // Ed25519 signature over [Possession], 64 bytes
}

// Input returns the standing Evidence as [attestation.Appraise] takes it; the time,
// trusted keys and the permission to simulate are the caller's to add.
func (d *Document) Input() attestation.Input {
	return attestation.Input{
		RuntimeData: d.RuntimeData, Token: d.Token, BundledJWKS: d.JWKS,
		Evidence: evidence.Evidence{Report: d.Report, VCEKChain: d.VCEKChain, UVM: d.UVM, CCEPolicy: d.CCEPolicy},
	}
}
