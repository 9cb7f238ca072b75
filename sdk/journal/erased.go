package journal

import (
	"fmt"
	"regexp"

	"github.com/veriproof/notary/sdk/receipt"
)

// Bounds of an [ErasedBody].
const (
	// MaxErased is how many orders one entry is about.
	MaxErased = 1024
	maxFound  = 32
)

// An ErasedBody says what became of orders to erase: storage was asked for the wrapped
// keys, and had none of them in its place any more. What it told then of copies that may
// still have them is counted by kind, and named by nothing else. An order may have
// several, of which the latest counts.
type ErasedBody struct {
	// Orders are the erasure and retention entries, 1 to [MaxErased].
	Orders []EntryRef `json:"orders"`
	// Found is what the storage itself told of, in the order of kinds.
	Found []Copies `json:"found"`
	// Unasked is the number of places that storage cannot be asked about.
	Unasked    uint64 `json:"unasked"`
	AtUnixNano int64  `json:"at_unix_nano"` // the host's clock
}

// Copies are those of one kind.
type Copies struct {
	Kind  string `json:"kind"`
	Count uint64 `json:"count"` // at least
}

// Partial says whether copies of the keys were found, or could not be excluded.
func (b *ErasedBody) Partial() bool { return len(b.Found) > 0 || b.Unasked > 0 }

var copiesKind = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// Check returns an error that wraps [ErrBody] if the body says what no erasure can have.
func (b *ErasedBody) Check() error {
	if n := len(b.Orders); n == 0 || n > MaxErased {
		return fmt.Errorf("%w: what became of %d orders to erase, want 1 to %d", ErrBody, n, MaxErased)
	}
	for _, o := range b.Orders {
		if o.Epoch == (receipt.Epoch{}) {
			return fmt.Errorf("%w: what became of an order in no epoch", ErrBody)
		}
	}
	if n := len(b.Found); n > maxFound {
		return fmt.Errorf("%w: %d kinds of copies, want up to %d", ErrBody, n, maxFound)
	}
	for i, c := range b.Found {
		switch {
		case !copiesKind.MatchString(c.Kind):
			return fmt.Errorf("%w: copies of kind %.20q, which is no name of one", ErrBody, c.Kind)
		case c.Count == 0:
			return fmt.Errorf("%w: no copies of kind %s", ErrBody, c.Kind)
		case i > 0 && b.Found[i-1].Kind >= c.Kind:
			return fmt.Errorf("%w: copies of kind %s are not in order", ErrBody, c.Kind)
		}
	}
	return nil
}

// ParseErased reads the body of an erased entry.
func ParseErased(raw []byte) (*ErasedBody, error) {
	b := new(ErasedBody)
	if err := ParseBody(raw, b); err != nil {
		return nil, err
	}
	return b, b.Check()
}
