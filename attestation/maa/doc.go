// Package maa speaks to Microsoft Azure Attestation and verifies its tokens:
// is this Attestation Result true? Whether it is acceptable is the policy's
// question, answered elsewhere.
//
// # Verification
//
// [VerifyToken] accepts a token only when it is one compact JWS, signed RS256
// by a key of the given [KeySet], from exactly the expected issuer, inside its
// validity, with the claims of an SEV-SNP token at the top level and in their
// documented shape. Everything that has fooled JWT verifiers is refused: other
// algorithms, critical headers, duplicate members, trailing data, claims nested
// under x-ms-isolation-tee (an Azure CVM, where the same names are about
// another machine). A URL inside a token is never followed.
//
// A true token implies less than it seems. MAA issues tokens without UVM
// endorsements and without runtime data, for debuggable guests, and again and
// again for the same old report. A relying party must require
// [Claims.ComplianceStatus], [Claims.RuntimeRaw] (hashed against
// [Claims.ReportData]), the launch measurement's equality with the endorsed
// one, and its own HOST_DATA.
//
// # Keys
//
// A KeySet is an anchor only by where it came from: [Client.FetchKeys] over TLS
// from the configured issuer, or a file that the relying party chose. A key set
// that travels with the token proves nothing. A verifier that runs for long keeps
// its keys in a [KeyCache], which follows the issuer's rotations.
//
// # Platforms and concurrency
//
// Verification builds for js/wasm and opens no socket; [Client] is left out
// there. All functions and methods are safe for concurrent use.
package maa
