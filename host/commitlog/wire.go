package commitlog

// The HTTP interface of a log that others run; ENDPOINT.md specifies it.
const (
	// SubmitPath is where commitments are posted.
	SubmitPath = "/v1/enterprise/commitments"
	// MaxSubmission is the greatest number of commitments in a request.
	MaxSubmission = 500
	// MaxRequest bounds a request's body in bytes: 500 of 67 bytes, with spaces.
	MaxRequest = 64 << 10
	// maxAnswer bounds an answer: 500 proofs of up to 16 KiB.
	maxAnswer = 8 << 20
)

// A Submission is the body of a request.
type Submission struct {
	// Commitments are 32 bytes each, in hex, none twice. Each is its own
	// idempotency key.
	Commitments []string `json:"commitments"`
}

// An Answer is the body of the answer to one. A commitment that it does not mention
// is not in a tree that the log has signed yet: it is submitted again.
type Answer struct {
	Proofs []Proved `json:"proofs"`
}

// Proved is a commitment that is in the log.
type Proved struct {
	Commitment string `json:"commitment"` // hex
	Proof      string `json:"proof"`      // C2SP tlog-proof
}
