// Package receipt defines what a notary states about one session, and how
// anybody checks it: the record's leaf, the session's Merkle tree, the
// manifest, the commitment, the receipt and the log proof.
//
// The chain of statements, from the outside in:
//
//	log proof   says   this 32-byte commitment stands in the log (C2SP tlog-proof)
//	commitment  is     SHA-256 of a manifest under a domain string
//	receipt     is     the manifest signed by the notary's Ed25519 key (compact JWS, RFC 7515, RFC 8037)
//	manifest    says   which epoch, which session part, how many leaves, which root
//	root        is     the RFC 6962 tree head over the part's leaf hashes
//	leaf        is     salt, context, edit commitment and one redacted record
//
// That the Ed25519 key belongs to an attested notary is not stated here: it
// follows from the runtime data that package attestation appraises.
//
// # Guarantees
//
// Everything is verified over the bytes as they are carried; nothing is
// re-encoded before it is hashed. No function opens a file or a socket. All
// functions are pure and safe for concurrent use, and none panics on input.
// The package builds for js/wasm.
//
// The encodings are specified in sdk/FORMATS.md with vectors in testdata.
package receipt
