package journal

import (
	"fmt"

	"github.com/veriproof/notary/sdk/receipt"
)

// Actions of a RetentionBody.
const (
	// RetentionErase orders to destroy the wrapped key of a session part that has
	// reached the age of the notary's configuration: an erasure that nobody asked for.
	RetentionErase = "erase"
	// RetentionHold says that no key of a session is to be destroyed.
	RetentionHold = "hold"
	// RetentionRelease ends one hold, which it names.
	RetentionRelease = "release"
)

// A RetentionBody says how long the keys of a session are kept. The session's handle
// stands in the header, and of RetentionErase the part's number.
//
// A session has the holds that no release names, in whatever epochs the entries stand:
// so it does not matter in which order they are read.
type RetentionBody struct {
	Action string        `json:"action"`
	Epoch  receipt.Epoch `json:"epoch"` // of the session's parts
	// WrappedDEK and Commitment are of RetentionErase, as in an ErasureBody.
	WrappedDEK receipt.Hash `json:"wrapped_dek,omitzero"`
	Commitment receipt.Hash `json:"commitment,omitzero"`
	// Hold is the entry that a RetentionRelease ends.
	Hold       *EntryRef `json:"hold,omitempty"`
	AtUnixNano int64     `json:"at_unix_nano"` // the host's clock
}

// An EntryRef is the place of an entry.
type EntryRef struct {
	Epoch receipt.Epoch `json:"epoch"`
	Seq   uint64        `json:"seq"`
}

// ParseRetention reads the body of a retention entry. It has the members of its action
// and no others.
func ParseRetention(b []byte) (*RetentionBody, error) {
	r := new(RetentionBody)
	if err := ParseBody(b, r); err != nil {
		return nil, err
	}
	erase := r.WrappedDEK != receipt.Hash{} && r.Commitment != receipt.Hash{}
	bare := r.WrappedDEK == receipt.Hash{} && r.Commitment == receipt.Hash{}
	switch {
	case r.Action == RetentionErase && erase && r.Hold == nil:
	case r.Action == RetentionHold && bare && r.Hold == nil:
	case r.Action == RetentionRelease && bare && r.Hold != nil:
	default:
		return nil, fmt.Errorf("%w: retention action %.20q without its members, or with those of another", ErrBody, r.Action)
	}
	return r, nil
}
