package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	// Now is the time that no cosignature of a witness may be after; zero is the present.
	Now time.Time
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

func (o *Options) now() time.Time {
	if o.Now.IsZero() {
		return time.Now()
	}
	return o.Now
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

// Verify checks a bundle of at most MaxSize bytes against a relying party's policy.
// What is wrong with the bundle is in the result; the error is about the call.
func Verify(data []byte, p *policy.Policy, opts Options) (*Result, error) {
	v := &verification{p: p, opts: opts, r: bytes.NewReader(data), size: int64(len(data)), limit: MaxSize}
	v.each = v.collect
	return v.verify()
}

// VerifyReader is Verify for a bundle of at most MaxFileSize bytes of which not all is
// held in memory: it takes that of the largest part, which is manifest.json or a record,
// and some 200 bytes for each record. It reads the file from end to end, and the records
// once more.
//
// Instead of into the result, disclosed records go to each, if that is not nil, in order:
// the check on a record, and the record if the check passed. Result.Checks has only those
// of these checks that did not pass, and of them at most 100; the verdict is about all.
// An error of each ends the verification and is returned, as is one of the reader.
func VerifyReader(r io.ReaderAt, size int64, p *policy.Policy, opts Options, each func(attestation.Check, *Record) error) (*Result, error) {
	v := &verification{p: p, opts: opts, r: r, size: size, limit: MaxFileSize}
	bad := 0
	v.each = func(c attestation.Check, record *Record) error {
		if c.Status != attestation.Pass && bad < maxBadRecords {
			bad++
			v.result.Checks = append(v.result.Checks, c)
		}
		if each == nil {
			return nil
		}
		return each(c, record)
	}
	return v.verify()
}

// maxBadRecords bounds what a bundle full of nonsense makes of a result. All of these
// checks fail in the same way or are not done for the same reason, so that the rest of
// them would change neither verdict nor exit status.
const maxBadRecords = 100

// verification is one run. A field that is nil or zero is not known, and what
// needs it is not done.
type verification struct {
	p           *policy.Policy
	opts        Options
	r           io.ReaderAt
	size, limit int64
	each        func(attestation.Check, *Record) error // takes the records

	b       *Bundle // without its records; empty if the file cannot be read
	records []recordRef
	result  *Result

	readable bool
	m        *receipt.Manifest // as read; it counts only if signed is set
	signed   bool
	sealer   *runtimedata.RuntimeData
	origin   *runtimedata.RuntimeData
	index    *uint64 // of the commitment in the log
}

// A recordRef is where the file has a disclosed record.
type recordRef struct {
	index uint64
	at    int64
	size  int
	sum   receipt.Hash
}

func (v *verification) verify() (*Result, error) {
	if v.p == nil {
		return nil, ErrNoPolicy
	}
	v.b, v.result = new(Bundle), &Result{Records: []Record{}}
	if err := v.run(); err != nil {
		return nil, err
	}
	v.result.Verdict = attestation.Verdict(v.result.Checks)
	return v.result, nil
}

func (v *verification) collect(c attestation.Check, record *Record) error {
	v.result.Checks = append(v.result.Checks, c)
	if record != nil {
		v.result.Records = append(v.result.Records, *record)
	}
	return nil
}

func (v *verification) run() error {
	if err := v.read(); err != nil {
		return err
	}
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
	if err := v.checkRecords(); err != nil {
		return err
	}
	v.notDone("audit.rollback", false, "needs the journal or the senders' positions, which a bundle does not have")
	return nil
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
