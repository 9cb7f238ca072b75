package journal

import (
	"fmt"
	"regexp"

	"github.com/veriproof/notary/sdk/receipt"
)

// An ExportBody says that an operator was about to take the bundles of sealed session
// parts out of storage. It is durable before the first of them is written, and names no
// session.
type ExportBody struct {
	// FromUnixNano and ToUnixNano are the range of sealing times, by the hosts' clocks: from
	// the first on and before the second. Zero is no bound.
	FromUnixNano int64  `json:"from_unix_nano,omitempty"`
	ToUnixNano   int64  `json:"to_unix_nano,omitempty"`
	Parts        uint64 `json:"parts"` // that were in the range
	// Recipient is the ID of the recipient whose private key opens the records for this
	// export, zero if none are disclosed.
	Recipient receipt.Hash `json:"recipient,omitzero"`
	// For is for whom the export is, in the operator's words; see [ValidLabel].
	For string `json:"for,omitempty"`
	// By is the operator's name in the configuration: that of the token that was shown.
	By         string `json:"by"`
	AtUnixNano int64  `json:"at_unix_nano"` // the host's clock
}

var label = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,63}$`)

// ValidLabel says whether a text may stand in an export entry as the one for whom the
// export is: 1 to 64 letters, digits, spaces and ._@+-, of which the first is a letter or
// digit. None, for nobody in particular, is valid, too.
func ValidLabel(text string) bool { return text == "" || label.MatchString(text) }

// maxOperator bounds an operator's name, in bytes.
const maxOperator = 256

// Check returns an error that wraps [ErrBody] if the body says what no export can be.
func (b *ExportBody) Check() error {
	switch {
	case b.By == "" || len(b.By) > maxOperator:
		return fmt.Errorf("%w: an export by an operator whose name has %d bytes, want 1 to %d", ErrBody, len(b.By), maxOperator)
	case !ValidLabel(b.For):
		return fmt.Errorf("%w: an export for %.20q, which is no label", ErrBody, b.For)
	case b.FromUnixNano != 0 && b.ToUnixNano != 0 && b.FromUnixNano >= b.ToUnixNano:
		return fmt.Errorf("%w: an export of a range that ends before it begins", ErrBody)
	}
	return nil
}

// ParseExport reads the body of an export entry.
func ParseExport(raw []byte) (*ExportBody, error) {
	b := new(ExportBody)
	if err := ParseBody(raw, b); err != nil {
		return nil, err
	}
	return b, b.Check()
}
