// Package attestation answers a relying party's question about a notary: is it
// genuine hardware that runs code, plugins and configuration that I accept? It
// compares Evidence and Attestation Results (RFC 9334) with a policy and returns
// a list of checks; Verdict draws the conclusion.
//
// # Two paths
//
// The MAA path trusts Microsoft Azure Attestation's word, a signed token. The
// hardware path does not: it checks the report against AMD's pinned roots, the
// utility VM against Microsoft's endorsement, and HOST_DATA against the container
// policy. They share nothing but the runtime data that both bind. Which of them
// must pass says the policy's "require".
//
// A key set that travels with Evidence is data and no anchor: tokens count only
// under keys that the policy pins or, for an issuer without pinned keys, that the
// caller brings as TrustedJWKS or has kept as KeptKeys (package truststore).
//
// # Checks
//
// Appraise returns every check of this table each time, in this order. Names are
// stable. A check passes only on what earlier ones have shown to be true: under a
// report that does not verify, all that depends on it is not-done.
//
//	policy             the policy may be used here, and a time of appraisal is given
//	runtime-data       the runtime data is well formed, in its one encoding
//	maa.token          signature, issuer and validity of the token
//	maa.policy-hash    the issuer's own policy is the pinned one
//	maa.compliance     MAA verified the utility VM
//	maa.runtime-data   the token binds this runtime data
//	maa.debug          the host cannot debug the guest
//	maa.migration      no migration agent
//	maa.vmpl           the report was asked for at VMPL 0
//	maa.host-data      the container policy is an accepted one
//	maa.uvm            issuer, feed, SVN and measurement of the utility VM
//	maa.platform       product line, reported TCB without FMC, and chip, as far as the token tells
//	maa.age            the token is not older than the policy wants
//	maa.same-report    the token and the report are about one guest
//	snp.report         the report is well formed
//	snp.verify         AMD's root, chain, chip and the report's signature
//	snp.runtime-data   the report binds this runtime data
//	snp.debug          as in the MAA path
//	snp.migration      as in the MAA path
//	snp.vmpl           as in the MAA path
//	snp.guest-policy   the guest policy is well formed
//	snp.platform       the platform's features are as demanded
//	snp.firmware       the firmware cannot be rolled back
//	snp.revocation     AMD has not revoked the chain, by a list at hand
//	snp.product        the product line is accepted
//	snp.tcb            reported, committed and launch TCB reach the minimum
//	snp.host-data      as in the MAA path
//	snp.chip-id        the chip is an accepted one
//	uvm.signature      the endorsement is signed by the accepted issuer
//	uvm.feed           it is of the accepted feed
//	uvm.svn            its SVN reaches the minimum
//	uvm.measurement    it endorses the report's launch measurement
//	cce.policy         HOST_DATA is the digest of the container policy at hand
//	notary.plugin-set  the plugin set is an accepted one
//	notary.plugins     each plugin obeys its rule
//	notary.config      the configuration is an accepted one
//	notary.recipients  the recipients are accepted ones
//	notary.mode        the mode is the demanded one
//	notary.version     the version is an accepted one
//
// # What a verdict does not say
//
// It is about the time Input.At and about the keys in the runtime data. That the
// peer of a connection holds these keys, and that it holds them now, is shown by
// proof of possession, not by Evidence, which anybody can copy.
//
// Appraise opens no socket, reads no clock, does not change its input and may be
// called concurrently. It builds for js/wasm.
package attestation

import (
	"time"

	"github.com/veriproof/notary/attestation/evidence"
)

// Status is the result of one check.
type Status string

// A check that is NotDone says nothing; it is never a pass.
const (
	Pass    Status = "pass"
	Fail    Status = "fail"
	NotDone Status = "not-done"
)

// Class says in which way a check failed; a CLI makes its exit status of it.
type Class string

const (
	// ClassFalse: the Evidence is malformed or does not verify.
	ClassFalse Class = "false"
	// ClassUnacceptable: true, but not what the policy accepts.
	ClassUnacceptable Class = "unacceptable"
	// ClassStale: outside of its validity or too old.
	ClassStale Class = "stale"
	// ClassRevoked: a certificate was revoked.
	ClassRevoked Class = "revoked"
)

// A Check is one question and its answer.
type Check struct {
	// Name is from the table in the package comment.
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Required: without a pass of this check nothing is verified.
	Required bool `json:"required"`
	// Class is set if Status is Fail.
	Class Class `json:"class,omitempty"`
	// Detail says in words what was found, or why the check was not done.
	Detail string `json:"detail,omitempty"`
	// Anchor names the trusted key that the answer rests on, for checks of
	// signatures.
	Anchor string `json:"anchor,omitempty"`
}

// Input is what is known about a notary. Parts may be absent; what depends on
// them is then not-done.
type Input struct {
	// RuntimeData are the exact bytes that the notary says about itself.
	RuntimeData []byte
	// Token is the MAA token, a compact JWS.
	Token string
	// BundledJWKS is the key set that came with the token. It never makes a
	// check pass.
	BundledJWKS []byte
	// TrustedJWKS is a key set that the caller trusts: it was fetched from the
	// accepted issuer over TLS, or comes from a file that the caller chose. It
	// counts for one issuer whose keys the policy does not pin; a pinned key set
	// is never widened.
	TrustedJWKS []byte
	// TrustedIssuer says whose keys TrustedJWKS are. It may be empty if the policy
	// has exactly one issuer without pinned keys, which it then is.
	TrustedIssuer string
	// KeptKeys are key sets that the caller fetched in the course of time and kept,
	// in any order. They count for issuers whose keys the policy does not pin. Of an
	// issuer two count: the set that was fetched last before the token was issued, and
	// the one fetched first after. A key that the issuer had given up by then, or did
	// not have yet, does not count, and neither does a token a day after its issue, so that
	// a bundle verifies for ever and a key that leaks later signs nothing of today.
	KeptKeys []KeptKeySet
	// Evidence is the raw hardware Evidence.
	Evidence evidence.Evidence
	// CRLs are revocation lists of AMD that the caller trusts to be current,
	// each as DER or PEM. They add to those in the policy.
	CRLs [][]byte
	// At is the time of appraisal: now for a live peer, the time of signing for
	// an old receipt.
	At time.Time
	// AllowSimulated permits a policy that trusts simulated hardware.
	AllowSimulated bool
}

// A KeptKeySet is what an MAA instance had as its key set at a time, by its own word:
// fetched from it over TLS, or obtained in another way that the caller trusts.
type KeptKeySet struct {
	Issuer string    // exact iss claim
	At     time.Time // when it was fetched
	JWKS   []byte
}

// Outcome is the conclusion from a list of checks.
type Outcome string

const (
	// Verified: no check failed and every required one passed.
	Verified Outcome = "verified"
	// Failed: at least one check failed, required or not.
	Failed Outcome = "failed"
	// Incomplete: nothing failed, but a required check was not done.
	Incomplete Outcome = "incomplete"
)

// Verdict draws the conclusion. A list without a required check, such as an
// empty one, is Incomplete, and so is one with a status that is not known here.
func Verdict(checks []Check) Outcome {
	required, complete := 0, true
	for _, c := range checks {
		if c.Required {
			required++
		}
		switch c.Status {
		case Fail:
			return Failed
		case Pass:
		case NotDone:
			complete = complete && !c.Required
		default:
			complete = false
		}
	}
	if required == 0 || !complete {
		return Incomplete
	}
	return Verified
}
