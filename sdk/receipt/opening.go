package receipt

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// An Opening discloses one record of a part: everything that its leaf hashes
// over, and the path from the leaf to the manifest's root. It opens this record
// and makes no other easier to guess.
type Opening struct {
	Index          uint64 `json:"index"`
	Kind           Kind   `json:"kind"`
	Salt           Hash   `json:"salt"`
	EditCommitment Hash   `json:"edit_commitment"`
	Resource       []byte `json:"resource"` // standard base64 in JSON
	Scope          []byte `json:"scope"`
	Record         []byte `json:"record"`
	// EditKey and Edits open the edit commitment. Both are absent when only
	// the record is shown.
	EditKey *Hash  `json:"edit_key,omitempty"`
	Edits   []byte `json:"edits,omitempty"`
	Path    []Hash `json:"path"`
}

// MaxPath bounds the path of an opening: a tree of 2^64 leaves has no longer.
const MaxPath = 64

// MaxOpening is the greatest length of an opening's JSON.
const MaxOpening = 64 << 20

// ErrOpening says that a disclosed record is not the one committed to.
var ErrOpening = errors.New("disclosed record does not open its leaf")

// Encode returns the opening as JSON. Absent bytes are written as "" and an
// absent path as [], never as null.
func (o *Opening) Encode() ([]byte, error) {
	e := *o
	for _, f := range []*[]byte{&e.Resource, &e.Scope, &e.Record} {
		*f = append([]byte{}, *f...)
	}
	e.Path = append([]Hash{}, e.Path...)
	return json.Marshal(e)
}

// ParseOpening reads an opening's JSON. It refuses bytes that Encode would not
// have made, so that two readers cannot see two different records.
func ParseOpening(b []byte) (*Opening, error) {
	if len(b) > MaxOpening {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrOpening, len(b), MaxOpening)
	}
	var o Opening
	if err := strictJSON(b, &o); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOpening, err)
	}
	if len(o.Path) > MaxPath {
		return nil, fmt.Errorf("%w: path of %d hashes", ErrOpening, len(o.Path))
	}
	again, err := o.Encode()
	if err != nil || !bytes.Equal(again, b) {
		return nil, fmt.Errorf("%w: not in its one encoding", ErrOpening)
	}
	return &o, nil
}

// Verify checks that the disclosed record is the leaf at the opening's index
// under the manifest's root and, if the edit list is shown, that it is the one
// committed to.
func (o *Opening) Verify(m *Manifest) error {
	if o.Kind < Span || o.Kind > Closing {
		return fmt.Errorf("%w: %v is unknown", ErrOpening, o.Kind)
	}
	r := Record{Kind: o.Kind, Bytes: o.Record}
	leaf := r.ContextLeafHash(o.Salt, o.EditCommitment, sha256.Sum256(o.Resource), sha256.Sum256(o.Scope))
	root, err := RootFromPath(leaf, o.Index, m.Leaves, o.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOpening, err)
	}
	if root != m.Root {
		return fmt.Errorf("%w: path leads to another root", ErrOpening)
	}
	if o.EditKey == nil {
		if len(o.Edits) != 0 {
			return fmt.Errorf("%w: an edit list without its key", ErrOpening)
		}
		return nil
	}
	if EditCommitment(*o.EditKey, o.Edits) != o.EditCommitment {
		return fmt.Errorf("%w: edit list is not the one committed to", ErrOpening)
	}
	if _, err := DecodeEdits(o.Edits); err != nil {
		return fmt.Errorf("%w: %w", ErrOpening, err)
	}
	return nil
}
