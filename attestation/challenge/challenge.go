// Package challenge lets a relying party ask a notary to prove, over the
// connection at hand, that it is the one its Evidence speaks of, and that it is
// so now. Evidence alone shows neither: anybody can copy it, and Microsoft Azure
// Attestation issues fresh tokens over old reports.
//
// # Exchange
//
// The relying party sends a nonce, 16 to 64 random bytes, to
// GET /v1/evidence?nonce=… over TLS 1.3. The answer, a [Document], has beside the
// notary's standing Evidence an [Answer]:
//
//   - a fresh SNP report that binds the nonce, so it was made after the question;
//   - a proof of possession: an Ed25519 signature, under the signing key of the
//     runtime data, over the nonce and a value that only the two ends of this
//     very TLS connection can compute.
//
// # Messages
//
// Both are transcripts (package transcript: each field framed by a u32 big endian
// length, the domain first), with R = SHA-256(runtime data):
//
//	C = transcript("veriproof-notary/challenge/v1", nonce, R)
//	P = transcript("veriproof-notary/possession/v1", nonce, R, X)
//
// The report has REPORT_DATA = SHA-256(C) followed by 32 zero bytes: C takes the
// place of the runtime data in a request to the stock sidecar, which hashes it, and
// a notary with direct access to the device does the same. The signature is over
// P. X are 32 bytes exported from the connection (RFC 8446 section 7.5, RFC 5705)
// with the label [ExporterLabel] and without a context. In Go:
//
//	x, err := state.ExportKeyingMaterial(challenge.ExporterLabel, nil, 32)
//
// in OpenSSL SSL_export_keying_material with use_context 0. The domains are used
// for nothing else, so neither a report nor a signature made here can stand for
// something other than the answer to a challenge.
//
// # What is shown
//
// X differs between any two connections, also between the two halves of a relay
// that terminates TLS, so an answer obtained elsewhere does not verify here. It
// would not differ for somebody who has the notary's TLS key, hence the relying
// party also checks that the peer's certificate has the key that the runtime data
// names, and with it the hardware. If a key leaks out of some other genuine machine
// that the policy accepts, whoever has it can impersonate that machine; chip_ids in
// the policy limit which machines that may be.
//
// # Use
//
// [Fetch] does the exchange and [Proof.Appraise] compares the result with a policy.
// Those with a transport of their own use [New] and [Challenge.Verify]. A nonce is
// good for one answer within [MaxAge].
//
// Everything here is safe for concurrent use.
package challenge

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/transcript"
)

const (
	// MinNonce and MaxNonce bound a nonce in bytes.
	MinNonce = 16
	MaxNonce = 64
	// MaxAge is how long after the question an answer counts.
	MaxAge = 2 * time.Minute
	// ExporterLabel is the label of the TLS exporter. RFC 5705 section 4 keeps
	// the prefix for private use.
	ExporterLabel = "EXPERIMENTAL veriproof-notary possession v1"
	// ExporterSize is how many bytes are exported.
	ExporterSize = 32

	challengeDomain  = "veriproof-notary/challenge/v1"
	possessionDomain = "veriproof-notary/possession/v1"
)

// Reasons for which an answer is refused. Test with [errors.Is].
var (
	// ErrNonce: not a nonce, or the answer is to another one.
	ErrNonce = errors.New("not an answer to this nonce")
	// ErrUsed: this challenge has been answered before.
	ErrUsed = errors.New("nonce was used before")
	// ErrLate: the answer came more than MaxAge after the question, or the clock
	// went back in between.
	ErrLate = errors.New("answer is not fresh")
	// ErrFormat: the answer lacks a part or cannot be read.
	ErrFormat = errors.New("malformed answer to a challenge")
	// ErrConnection: the connection is not TLS 1.3 with the key that the runtime
	// data names.
	ErrConnection = errors.New("connection is not the notary's")
	// ErrReport: the fresh report does not verify or does not bind the nonce.
	ErrReport = errors.New("fresh report does not answer the challenge")
	// ErrPossession: the signature does not verify.
	ErrPossession = errors.New("proof of possession does not verify")
)

// Message returns C, the bytes that the fresh report is made over. runtimeData are
// the notary's exact runtime data.
func Message(nonce, runtimeData []byte) []byte {
	r := runtimedata.Digest(runtimeData)
	return transcript.New(challengeDomain).Bytes(nonce).Bytes(r[:]).Encode()
}

// ReportData returns the REPORT_DATA of the fresh report: SHA-256(C) and zeros.
func ReportData(nonce, runtimeData []byte) [64]byte {
	return runtimedata.ReportData(Message(nonce, runtimeData))
}

// Possession returns P, the bytes that the proof of possession signs.
func Possession(nonce, runtimeData []byte, exporter [ExporterSize]byte) []byte {
	r := runtimedata.Digest(runtimeData)
	return transcript.New(possessionDomain).Bytes(nonce).Bytes(r[:]).Bytes(exporter[:]).Encode()
}

// Exporter returns X of a connection. Older versions of TLS are refused: their
// exporters do not bind the handshake unless an extension was negotiated (RFC 7627).
func Exporter(s *tls.ConnectionState) (x [ExporterSize]byte, err error) {
	if s == nil || !s.HandshakeComplete || s.Version < tls.VersionTLS13 {
		return x, fmt.Errorf("%w: TLS 1.3 is needed", ErrConnection)
	}
	b, err := s.ExportKeyingMaterial(ExporterLabel, nil, ExporterSize)
	if err != nil {
		return x, fmt.Errorf("%w: %w", ErrConnection, err)
	}
	return [ExporterSize]byte(b), nil
}

// ParseNonce reads a nonce as it stands in a URL: lower-case hex if it has hex
// digits only and an even number of them, else base64url without padding. Errors
// wrap [ErrNonce] and do not repeat the text.
func ParseNonce(text string) ([]byte, error) {
	if len(text) > 2*MaxNonce {
		return nil, fmt.Errorf("%w: nonce is longer than %d bytes", ErrNonce, MaxNonce)
	}
	decode := base64.RawURLEncoding.Strict().DecodeString
	if len(text)%2 == 0 && strings.Trim(text, "0123456789abcdef") == "" {
		decode = hex.DecodeString
	}
	nonce, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("%w: nonce is neither lower-case hex nor base64url without padding", ErrNonce)
	}
	return nonce, CheckNonce(nonce)
}

// CheckNonce returns an error that wraps [ErrNonce] unless the length is allowed.
func CheckNonce(nonce []byte) error {
	if len(nonce) < MinNonce || len(nonce) > MaxNonce {
		return fmt.Errorf("%w: nonce of %d bytes, want %d to %d", ErrNonce, len(nonce), MinNonce, MaxNonce)
	}
	return nil
}
