package receipt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/veriproof/notary/attestation/transcript"
)

// A Reason says why a part was sealed.
type Reason string

// The reasons for sealing a part.
const (
	ReasonEnd       Reason = "end"       // the sender or an operator ended the session
	ReasonIdle      Reason = "idle"      // nothing came for the idle time
	ReasonAge       Reason = "age"       // the part reached its greatest age
	ReasonSize      Reason = "size"      // the part reached its greatest size
	ReasonShutdown  Reason = "shutdown"  // the notary stopped, or stopped taking data, in good order
	ReasonRecovered Reason = "recovered" // a later notary sealed what a dead one had left open
)

func (r Reason) valid() bool {
	switch r {
	case ReasonEnd, ReasonIdle, ReasonAge, ReasonSize, ReasonShutdown, ReasonRecovered:
		return true
	}
	return false
}

// A Manifest is the notary's closing statement about one part of one session.
type Manifest struct {
	V string `json:"v"` // "1"
	// Origin is the epoch that received the records.
	Origin Origin `json:"origin"`
	// SealedBy is the epoch that signs: the origin, or the one that recovered it.
	SealedBy Sealer `json:"sealed_by"`
	// Seq numbers the manifests of the sealing epoch from 0, and Prev is the
	// commitment of the one before (zero for the first), so that none of them
	// can be withheld without a gap.
	Seq  uint64 `json:"seq"`
	Prev Hash   `json:"prev"`

	Handle Handle `json:"handle"`
	Part   uint32 `json:"part"`
	// Leaves and Root are the size and the head of the part's RFC 6962 tree.
	Leaves uint64 `json:"leaves"`
	Root   Hash   `json:"root"`
	// DEKCommitment binds the one key that opens the part's ciphertext.
	DEKCommitment Hash `json:"dek_commitment"`
	// FirstSeq and LastSeq are the journal entries of the origin's epoch
	// between which all segments of the part lie.
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
	// HostClock are times that the host claims; a notary inside the hardware
	// boundary has no clock of its own.
	HostClock HostClock `json:"host_clock"`
	Reason    Reason    `json:"reason"`
}

// An Origin names the epoch that received the records and what handled them.
type Origin struct {
	Epoch Epoch `json:"epoch"`
	// RuntimeData is the SHA-256 of the epoch's runtime data.
	RuntimeData Hash `json:"runtime_data"`
	PluginSet   Hash `json:"plugin_set"`
	// Mode is "enforce", "shadow" or "none".
	Mode string `json:"mode"`
}

// A Sealer names the epoch whose key signs the manifest.
type Sealer struct {
	Epoch       Epoch `json:"epoch"`
	RuntimeData Hash  `json:"runtime_data"`
}

// HostClock holds host times in Unix nanoseconds: opened is not after sealed. Who
// fills it in from a clock that was set back in between raises sealed.
type HostClock struct {
	OpenedUnixNano int64 `json:"opened_unix_nano"`
	SealedUnixNano int64 `json:"sealed_unix_nano"`
}

// MaxManifest is the greatest length of a manifest's bytes.
const MaxManifest = 8 << 10

// ErrManifest says that manifest bytes are malformed.
var ErrManifest = errors.New("malformed manifest")

// Encode returns the bytes that are signed and committed to. They are never
// made again from a parsed manifest.
func (m Manifest) Encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

// ParseManifest reads manifest bytes. It refuses bytes that Encode would not
// have made: unknown or repeated members, other spacing, numbers written
// otherwise. Two readers then cannot see two different statements.
func ParseManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxManifest {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrManifest, len(b), MaxManifest)
	}
	var m Manifest
	if err := strictJSON(b, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	again, err := m.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("%w: not in its one encoding", ErrManifest)
	}
	return &m, nil
}

func (m *Manifest) check() error {
	switch {
	case m.V != "1":
		return fmt.Errorf("%w: version %q, want \"1\"", ErrManifest, m.V)
	case m.Origin.Mode != "enforce" && m.Origin.Mode != "shadow" && m.Origin.Mode != "none":
		return fmt.Errorf("%w: mode %q", ErrManifest, m.Origin.Mode)
	case !m.Reason.valid():
		return fmt.Errorf("%w: reason %q", ErrManifest, m.Reason)
	case m.Leaves == 0:
		return fmt.Errorf("%w: no leaves", ErrManifest)
	case m.FirstSeq > m.LastSeq:
		return fmt.Errorf("%w: first seq %d after last %d", ErrManifest, m.FirstSeq, m.LastSeq)
	case m.HostClock.OpenedUnixNano > m.HostClock.SealedUnixNano:
		return fmt.Errorf("%w: opened at %d, after it was sealed at %d", ErrManifest, m.HostClock.OpenedUnixNano, m.HostClock.SealedUnixNano)
	case m.Seq >= 1<<53 || m.Leaves >= 1<<53 || m.LastSeq >= 1<<53:
		return fmt.Errorf("%w: a number is over 2^53", ErrManifest)
	case (m.Seq == 0) != (m.Prev == Hash{}):
		return fmt.Errorf("%w: number %d with previous commitment %v", ErrManifest, m.Seq, m.Prev)
	case (m.Reason == ReasonRecovered) != (m.Origin.Epoch != m.SealedBy.Epoch):
		return fmt.Errorf("%w: reason %q with origin and sealer as they are", ErrManifest, m.Reason)
	}
	return nil
}

// Commitment is the 32 bytes that leave the notary for the log: the hash of
// the manifest's exact bytes.
func Commitment(manifest []byte) Hash {
	return transcript.New("veriproof-notary/commitment/v1").Bytes(manifest).Sum()
}

// strictJSON decodes exactly one JSON value without unknown members.
func strictJSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("data after the JSON value")
	}
	return nil
}
