package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/veriproof/notary/sdk/journal/internal/sha256x2"
	"github.com/veriproof/notary/sdk/receipt"
)

func sha256Sum(b []byte) receipt.Hash { return sha256.Sum256(b) }

// HashBodies puts the hash of each body, as an entry's header has it, into sums, which has
// as many. Where the processor can it takes two at a time.
func HashBodies(bodies [][]byte, sums []receipt.Hash) {
	if !twoAtOnce {
		for i, b := range bodies {
			sums[i] = sha256Sum(b)
		}
		return
	}
	w := bodyWorks.Get().(*bodyWork)
	defer bodyWorks.Put(w)
	w.hash(bodies, sums)
}

// A bodyWork is memory for HashBodies. It keeps hashes, which storage has.
type bodyWork struct {
	hasher   sha256x2.Hasher
	messages [32]sha256x2.Message
	sums     [32][sha256.Size]byte
}

func (w *bodyWork) hash(bodies [][]byte, sums []receipt.Hash) {
	for len(bodies) > 0 {
		n := min(len(bodies), len(w.messages))
		for i, b := range bodies[:n] {
			w.messages[i] = sha256x2.Message{Body: b}
		}
		w.hasher.Sum(w.messages[:n], w.sums[:n])
		for i := range n {
			sums[i] = w.sums[i]
		}
		bodies, sums = bodies[n:], sums[n:]
	}
	clear(w.messages[:]) // bodies are not to be kept
	w.hasher.Clear()     // nor by its lanes
}

var bodyWorks = sync.Pool{New: func() any { return new(bodyWork) }}

// An EvidenceBody is the Evidence for an epoch's runtime data and MAA's
// Attestation Result about it. Byte slices are standard base64 in JSON.
type EvidenceBody struct {
	Report    []byte `json:"report"`               // SNP report, 1184 bytes
	Chain     []byte `json:"vcek_chain"`           // PEM: VCEK, ASK, ARK
	UVM       []byte `json:"uvm,omitempty"`        // COSE_Sign1
	CCEPolicy []byte `json:"cce_policy,omitempty"` // Rego
	Token     string `json:"maa_token"`            // JWT
	JWKS      []byte `json:"maa_jwks,omitempty"`   // the issuer's keys as fetched; data, never an anchor
}

// An EpochBody is the body of entry 0: everything that a later reader needs to
// decide whether to believe the rest.
type EpochBody struct {
	Format      string       `json:"format"` // "1"
	RuntimeData []byte       `json:"runtime_data"`
	Evidence    EvidenceBody `json:"evidence"`
	// Config is the measured configuration file, and PluginConfigs the plugins'
	// own, by plugin name, so that the digests in the runtime data can be opened.
	Config        []byte            `json:"config"`
	PluginConfigs map[string][]byte `json:"plugin_configs"`
	// Lookup is the epoch's lookup key, sealed to each recipient.
	Lookup []SealedSecret `json:"lookup"`
	// Heads are the heads of all epochs known in this storage, in order of
	// their ids, so that none can vanish unnoticed.
	Heads []EpochHead `json:"heads"`
	// OpenedUnixNano is the host's clock.
	OpenedUnixNano int64 `json:"opened_unix_nano"`
}

// An EpochHead is the last entry of an epoch as another epoch found it.
type EpochHead struct {
	Epoch receipt.Epoch `json:"epoch"`
	Seq   uint64        `json:"seq"`
	Chain receipt.Hash  `json:"chain"`
}

// A SealedSecret is one secret sealed to one recipient.
type SealedSecret struct {
	Recipient  receipt.Hash `json:"recipient"` // Recipient.ID
	Ciphertext []byte       `json:"ciphertext"`
}

// A WrapKeyBody is a wrap key, sealed to each recipient.
type WrapKeyBody struct {
	Number uint64         `json:"number"`
	Sealed []SealedSecret `json:"sealed"`
}

// A ProofBody is the log proof of a commitment that was made before.
type ProofBody struct {
	Commitment receipt.Hash `json:"commitment"`
	Index      uint64       `json:"index"`
	Proof      []byte       `json:"proof"` // C2SP tlog-proof
}

// A CheckpointBody opens a commitment of the chain in the log.
type CheckpointBody struct {
	Seq    uint64       `json:"seq"`
	Chain  receipt.Hash `json:"chain"`
	Random receipt.Hash `json:"random"`
}

// A FenceBody ends the epoch whose journal it stands in. The entry's signature
// is by the author's key, which the author's entry 0 binds.
type FenceBody struct {
	By          receipt.Epoch `json:"by"`
	RuntimeData receipt.Hash  `json:"runtime_data"` // SHA-256, of the author's
}

// A CloseBody ends the epoch that writes it: so many manifests, the last of
// which had this commitment.
type CloseBody struct {
	Manifests uint64       `json:"manifests"`
	Last      receipt.Hash `json:"last"`
}

// An ErasureBody is the order to destroy the wrapped key of a session part, whose
// handle and number stand in the header. Whether storage did so, only a look for the
// key tells.
type ErasureBody struct {
	Epoch           receipt.Epoch `json:"epoch"`       // of the part
	WrappedDEK      receipt.Hash  `json:"wrapped_dek"` // SHA-256, as in the part's segments
	Commitment      receipt.Hash  `json:"commitment"`  // of the part's manifest
	OrderedUnixNano int64         `json:"ordered_unix_nano"`
}

// ErrBody says that an entry's body is malformed.
var ErrBody = errors.New("malformed journal body")

// EncodeBody returns the JSON bytes of one of the body types above.
func EncodeBody(v any) ([]byte, error) { return json.Marshal(v) }

// ParseBody reads a JSON body into one of the body types above: one value, no
// unknown member.
func ParseBody(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrBody, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: data after the JSON value", ErrBody)
	}
	return nil
}
