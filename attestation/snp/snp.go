// Package snp reads AMD SEV-SNP attestation reports and answers two questions
// about them, one function each:
//
//   - Verify: is it true? The report was signed by a genuine AMD chip, with the
//     firmware that it claims.
//   - Appraise: is it acceptable? What it says agrees with the Reference Values
//     (RFC 9334) of a relying party.
//
// A report needs both. A true report may come from anybody's machine in debug
// mode; an acceptable one may have been typed in by hand.
//
// # Scope
//
// Reports of version 2, 3 and 5, signed by a VCEK, of the product lines Milan,
// Genoa and Turin. VLEK is refused (ErrVLEK). The trust anchors are AMD's current
// ARKs, pinned by digest, and a chain below them counts only inside of its
// validity at the time that the caller names. Revocation is a question of its
// own, CheckRevocation, for lists are given by the caller and never fetched.
//
// # Guarantees
//
// Nothing here uses the network, the clock or any state; all functions may be
// called concurrently. The package needs no module besides this one and builds
// for js/wasm, so that a browser can verify. Input of any length and content
// gives an error, never a panic.
package snp
