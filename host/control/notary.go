package control

import (
	"context"
	"errors"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/sdk/journal"
)

// Errors that a [Notary] may return, wrapped or not. Any other error is
// answered as an internal one, without its text.
var (
	// ErrNotFound: the tenant has no such session or part.
	ErrNotFound = errors.New("no such session")
	// ErrState: the part's state does not allow it, for instance a bundle of a
	// part that is still open, or the disclosure of records whose key the notary
	// has already forgotten.
	ErrState = errors.New("not possible in this state")
	// ErrProtected: a retention policy or legal hold of the storage forbids what was
	// asked for.
	ErrProtected = errors.New("protected by the storage")
	// ErrHeld: the session is under a legal hold, and is not erased.
	ErrHeld = errors.New("the session is held")
	// ErrUnavailable: storage or log cannot be reached; it may work later.
	ErrUnavailable = errors.New("not available now")
)

// A Notary is what the control interface needs to know about the rest of the
// process. Its methods are called concurrently.
type Notary interface {
	// Ready returns nil if new data is accepted. The error's text is one line
	// for operators, shown to anybody who asks.
	Ready() error
	// Attestation returns the current attestation, or nil before the first.
	Attestation() *attester.Attestation
	// Fresh returns nil while the attestation is good for new data. Ready says so
	// too, but may have other reasons.
	Fresh() error
	// Answer answers a relying party's challenge, as [attester.Attester.Answer].
	Answer(ctx context.Context, nonce []byte, exporter [challenge.ExporterSize]byte) (*challenge.Answer, error)
	// EndSession seals what is open of a session, and returns when its receipt
	// is durable. A session without an open part is no error.
	EndSession(ctx context.Context, tenant, session string) error
	// Parts returns the parts of a session, oldest first. A known session has
	// at least one.
	Parts(ctx context.Context, tenant, session string) ([]Part, error)
	// Bundle returns the evidence bundle of one part (sdk/bundle), with the
	// records of the given leaf indices opened.
	Bundle(ctx context.Context, tenant, session string, part PartRef, disclose []uint64) ([]byte, error)
	// EraseSession ends a session and destroys the keys of its parts, and ErasePart
	// those of one part. They return what storage confirmed to be without a key; after
	// an error they may be called again.
	EraseSession(ctx context.Context, tenant, session string) (Erasures, error)
	ErasePart(ctx context.Context, part SealedRef) (Erasures, error)
	// HoldSession keeps the keys of a session, in the epoch that serves, from being
	// destroyed, and HoldPart those of the session of a part, in the part's epoch.
	// ReleaseSession and ReleaseHold end holds. After an error, and after success, they
	// may be called again.
	HoldSession(ctx context.Context, tenant, session string) (Holds, error)
	HoldPart(ctx context.Context, part SealedRef) (Holds, error)
	ReleaseSession(ctx context.Context, tenant, session string) (Holds, error)
	ReleaseHold(ctx context.Context, epoch [16]byte, seq uint64) (Holds, error)
	// JournalExport says in the journal that an operator is about to take bundles out of
	// storage, and returns when that is durable. The body was checked. Of is one of the
	// parts, nil if there is none; it is ErrNotFound if the storage does not have it.
	JournalExport(ctx context.Context, b journal.ExportBody, of *SealedRef) (Exported, error)
}

// Holds are those that were set, or released: none if a session has none.
type Holds struct {
	Holds []Hold `json:"holds"`
}

// A Hold is one on the parts that a session has in an epoch.
type Hold struct {
	Epoch  string `json:"epoch"`
	Handle string `json:"handle"`
	Order  Order  `json:"order"` // where the journal has the hold
}

// A SealedRef names a sealed part of any epoch, as storage shows it: by its commitment,
// and by the place of its manifest.
type SealedRef struct {
	Commitment [32]byte
	Epoch      [16]byte // that sealed it
	Seq        uint64
}

// Erasures are the answer to an order to erase.
type Erasures struct {
	Erased []Erased `json:"erased"`
	// Complete says that no copy of the keys can exist. Found is what the storage itself
	// tells of copies, and Copies what it cannot be asked about, for the operator to see
	// to.
	Complete bool     `json:"complete"`
	Found    []string `json:"found"`
	Copies   []string `json:"copies"`
}

// An Erased part has no key any more, by an order in the journal.
type Erased struct {
	Epoch      string `json:"epoch"`
	Handle     string `json:"handle"`
	Part       uint32 `json:"part"`
	Commitment string `json:"commitment"`
	Order      Order  `json:"order"`
}

// An Order is the place of an erasure, retention or export entry.
type Order struct {
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// A PartRef names one part of a session. The number alone does not: parts are
// numbered per epoch, and a session that outlived a restart has two parts 0.
type PartRef struct {
	Epoch string // 32 characters of lower-case hex
	Part  uint32
}

// State says how far a part has come.
type State string

// States of a part, in their order.
const (
	StateOpen    State = "open"    // takes records
	StateSealing State = "sealing" // takes no more; its receipt is being made durable
	StateSealed  State = "sealed"  // its receipt is durable
	StateLogged  State = "logged"  // its commitment is in the log
)

// A Part is one sealed or open part of a session. Digests and ids are lower-case
// hex.
type Part struct {
	Epoch      string  `json:"epoch"`
	Handle     string  `json:"handle"`
	Part       uint32  `json:"part"`
	State      State   `json:"state"`
	Leaves     uint64  `json:"leaves"`
	Root       string  `json:"root,omitempty"`       // RFC 6962 root, once sealed
	Commitment string  `json:"commitment,omitempty"` // once sealed
	Receipt    string  `json:"receipt,omitempty"`    // compact JWS, once sealed
	Reason     string  `json:"reason,omitempty"`     // why it was sealed
	LogIndex   *uint64 `json:"log_index,omitempty"`  // place in the log, once logged
	FirstSeq   uint64  `json:"first_seq"`            // journal sequence of the first segment
	LastSeq    uint64  `json:"last_seq"`             // and of the last
	Erased     *Order  `json:"erased,omitempty"`     // the order to destroy the key, if there is one
}
