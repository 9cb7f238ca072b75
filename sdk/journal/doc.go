// Package journal defines what a notary writes to storage: the append-only,
// gapless sequence of entries of one epoch, the hash chain over them, the
// signed positions in it, and the encryption of what the entries carry.
//
// An entry has a header, which tells storage and auditors all that they may
// know, and a body. Each header's chain value hashes the one before, so one
// signature over (epoch, seq, chain), a Position, vouches for everything up to
// there. Bodies stand in the header by hash, so that they can be retired
// without breaking the chain.
//
// # Keys
//
// Three levels, so that short sessions stay cheap and one session can be
// erased. A wrap key is sealed by HPKE (RFC 9180) to each recipient. A part's
// data encryption key (DEK) is wrapped under a key derived from a wrap key and
// stored outside the journal, where it can be destroyed. From the DEK come the
// segment key, the salt key and the DEK commitment.
//
// # Guarantees
//
// All functions are pure: no file, no socket, no clock. They are safe for
// concurrent use unless a type says otherwise, and none panics on input. Every
// length is bounded before it is allocated. The package builds for js/wasm.
//
// The encodings are specified in sdk/FORMATS.md with vectors in testdata.
package journal
