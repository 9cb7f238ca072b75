package bundle

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/sdk/receipt"
)

// Options of a verification. The zero value is right for most.
type Options struct {
	// At is the time as of which the sealing epoch is appraised. Zero is the
	// time of sealing that the manifest states, which is the host's word.
	At time.Time
	// TrustedJWKS is a key set of the MAA instance that the verifier has from
	// elsewhere than the bundle and trusts. Keys may also be pinned in the policy.
	TrustedJWKS []byte
	// TrustedIssuer says whose TrustedJWKS are, see [attestation.Input].
	TrustedIssuer string
	// KeptKeys are key sets that the verifier kept over time, see [attestation.Input]:
	// with them a bundle verifies when its MAA has long changed its keys.
	KeptKeys []attestation.KeptKeySet
	// CRLs are AMD's revocation lists, see [attestation.Input].
	CRLs [][]byte
	// AllowSimulated permits a policy that trusts simulated hardware.
	AllowSimulated bool
}

// A Result is what Verify found.
type Result struct {
	Verdict attestation.Outcome `json:"verdict"`
	// SHA256 identifies the bundle file.
	SHA256 receipt.Hash `json:"sha256"`
	// At is the time as of which the sealing epoch was appraised.
	At     time.Time           `json:"at,omitzero"`
	Checks []attestation.Check `json:"checks"`
	// Manifest is what the receipt says, nil if it cannot be read. It counts only
	// with a verdict of verified; otherwise it is for display beside the checks.
	Manifest *receipt.Manifest `json:"manifest,omitempty"`
	// Commitment is that of the manifest, and LogIndex where the log has it, nil
	// if the proof does not hold.
	Commitment *receipt.Hash `json:"commitment,omitempty"`
	LogIndex   *uint64       `json:"log_index,omitempty"`
	// Records are the disclosed records whose check passed, by index.
	Records []Record `json:"records"`
}

// A Record is one disclosed record.
type Record struct {
	Index    uint64 `json:"index"`
	Kind     string `json:"kind"`     // "span", "log" or "summary"
	Resource []byte `json:"resource"` // OTLP, standard base64 in JSON, as is the next
	Scope    []byte `json:"scope"`
	Record   []byte `json:"record"` // OTLP, or the summary's JSON
	// EditsShown says that Edits is the list that the notary committed to; if
	// not, nothing is known about it.
	EditsShown bool           `json:"edits_shown"`
	Edits      []receipt.Edit `json:"edits"`
	// Summary is the parsed record of kind "summary".
	Summary *receipt.Summary `json:"summary,omitempty"`
}

// ErrNoPolicy says that Verify was called without a policy: without Reference
// Values there is nothing to compare with.
var ErrNoPolicy = errors.New("no policy to verify the bundle by")

// Verify checks a bundle against a relying party's policy. What is wrong with
// the bundle is in the result; the error is about the call.
func Verify(data []byte, p *policy.Policy, opts Options) (*Result, error) {
	if p == nil {
		return nil, ErrNoPolicy
	}
	v := &verification{p: p, opts: opts, b: new(Bundle), result: &Result{SHA256: sha256.Sum256(data), Records: []Record{}}}
	v.run(data)
	v.result.Verdict = attestation.Verdict(v.result.Checks)
	return v.result, nil
}

// verification is one run. A field that is nil or zero is not known, and what
// needs it is not done.
type verification struct {
	p      *policy.Policy
	opts   Options
	b      *Bundle // empty if the file cannot be read
	result *Result

	readable bool
	m        *receipt.Manifest // as read; it counts only if signed is set
	signed   bool
	sealer   *runtimedata.RuntimeData
	origin   *runtimedata.RuntimeData
	index    *uint64 // of the commitment in the log
}

func (v *verification) run(data []byte) {
	v.read(data)
	v.checkParts()
	v.checkTime()
	v.appraise("", &v.b.Sealer, v.result.At)
	v.checkConfigs("", &v.b.Sealer, v.sealer)
	v.checkSignature()
	v.checkSealedBy()
	v.checkOrigin()
	if v.recovered() || v.b.Origin != nil {
		v.appraiseOrigin()
	}
	v.checkProof()
	v.checkWitnesses()
	v.checkOrder()
	v.checkRecords()
	v.notDone("audit.rollback", false, "needs the journal or the senders' positions, which a bundle does not have")
}

// recovered says that, as the receipt has it, a later epoch sealed the part.
func (v *verification) recovered() bool {
	return v.m != nil && v.m.Origin.Epoch != v.m.SealedBy.Epoch
}

func (v *verification) add(name string, required bool, status attestation.Status, class attestation.Class, detail string) {
	v.result.Checks = append(v.result.Checks, attestation.Check{Name: name, Status: status, Required: required, Class: class, Detail: detail})
}

func (v *verification) pass(name, format string, args ...any) {
	v.add(name, true, attestation.Pass, "", fmt.Sprintf(format, args...))
}

func (v *verification) fail(name, format string, args ...any) {
	v.add(name, true, attestation.Fail, attestation.ClassFalse, fmt.Sprintf(format, args...))
}

func (v *verification) notDone(name string, required bool, format string, args ...any) {
	v.add(name, required, attestation.NotDone, "", fmt.Sprintf(format, args...))
}
