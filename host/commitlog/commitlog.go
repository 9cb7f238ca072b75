// Package commitlog puts 32-byte commitments into a transparency log and comes
// back with the proof that they are in it.
//
// A [Log] is all that a session needs: give a commitment, get a C2SP tlog-proof
// (index, RFC 6962 inclusion path, checkpoint signed by the log) that verifies
// offline with package sdk/receipt, with filippo.io/torchwood or with
// transparency-dev/formats, against the log's verifier key. The entry is the 32
// bytes and nothing else; its leaf hash is SHA-256(0x00 || commitment).
//
// # The embedded log, and what it is worth
//
// [POSIX] is a log in one directory, built on Tessera's POSIX driver, for
// deployments that have no other. It is operated by the same party as the
// notary: whoever can read its directory has the key that signs its
// checkpoints, and can sign a second, different history. So its proofs show
// order, and they show tampering to anyone who kept an earlier proof or
// checkpoint, the senders above all; they do not bind the operator towards
// somebody who kept nothing. A log run by others, or witnessed by them, does.
// Verifiers pin the key of the log they mean, so the two are never confused.
//
// # Several notaries
//
// One process has the directory of a log; every other is refused with [ErrInUse].
// Tessera itself would let several append to one directory, by record locks of
// the kernel. But those belong to processes, not threads: while one thread
// publishes a checkpoint under one lock and another integrates under a second,
// two processes look to the kernel like a deadlock, one of them gets EDEADLK
// (fcntl(2) allows that), and Tessera panics. With a signer or a witness that
// takes 60 ms, three processes did not live for a second. Nor would the two keys
// be one that are made by two processes which start on an empty directory.
//
// So notaries that share a storage do not share a log directory: they send their
// commitments to one process that has it ("notary log serve", which answers as
// [Endpoint] asks), or have the log in a database, where Tessera locks rows
// ([MySQL]).
//
// # Witnesses, and logs of others
//
// A log that others run, or witnesses who cosign it (C2SP tlog-witness), can
// contradict themselves only in a way that is found out. A tree that has [Witnesses]
// gives no proof before a quorum has cosigned. An [Endpoint] checks each proof under
// the log's key, and shows its checkpoint to a [Memory], which follows the
// consistency proof from the last one and keeps both if they contradict each other.
//
// # Delivery
//
// Submit returns only when a published checkpoint covers the entry, so a proof
// in hand is a proof on disk. An error other than a refusal up front means that
// the outcome is unknown; submitting the same commitment again is always safe.
// A log may hold one commitment twice, which says nothing more than once.
package commitlog

import (
	"context"
	"errors"
)

// Log takes commitments. All methods are safe for concurrent use.
type Log interface {
	// Submit adds the commitment, waits until a signed checkpoint covers it, and
	// returns the text of a C2SP tlog-proof and the entry's index in the log.
	// When ctx ends first, or on any other error, the entry may or may not
	// have been added: submit it again.
	Submit(ctx context.Context, commitment [32]byte) (proof []byte, index uint64, err error)

	// VerifierKey returns the log's key in the C2SP signed-note form
	// (name+hash+key) that relying parties pin.
	VerifierKey() string

	// Failures counts the requests to others, an endpoint or witnesses, that failed
	// and are made again by the log itself.
	Failures() uint64

	// Close lets the Submits under way finish and stops the log.
	Close() error
}

// What a caller may want to tell apart. Each is wrapped with the path or value
// that failed and what to do about it.
var (
	// ErrDirectory: the log directory cannot be made, read or written.
	ErrDirectory = errors.New("log directory is not usable")
	// ErrUnreachable: what has the log's files, at a URL or in a database, did not give them.
	ErrUnreachable = errors.New("log is not reachable")
	// ErrInUse: another process, or another Log in this one, has the directory open.
	ErrInUse = errors.New("log directory is in use")
	// ErrOrigin: the directory holds the log of another origin, or the origin
	// is no name for a log.
	ErrOrigin = errors.New("wrong log origin")
	// ErrDatabase: the database that the log is in does not answer as it should.
	ErrDatabase = errors.New("log database is not usable")
	// ErrKey: the log's signing key is missing, malformed, or not the one that
	// signed the checkpoint in the directory.
	ErrKey = errors.New("wrong log key")
	// ErrCorrupt: the tree on disk is not the one that its last checkpoint states.
	ErrCorrupt = errors.New("log is damaged")
	// ErrWitness: the witnesses that a log is to have make no sense.
	ErrWitness = errors.New("wrong witnesses")
	// ErrEndpoint: a log that others run does not answer as it should.
	ErrEndpoint = errors.New("log endpoint")
	// ErrForked: the log has signed two histories.
	ErrForked = errors.New("log contradicts itself")
	// ErrRolledBack: the log has fewer entries than it had.
	ErrRolledBack = errors.New("log was rolled back")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("log is closed")
)
