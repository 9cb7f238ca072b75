// Package bundle defines the evidence bundle of one session part, one file with
// everything that an offline verifier needs, and verifies it: was this session
// handled by a genuine notary with an acceptable redactor, and is it in the log?
//
// # File
//
// A bundle is a ZIP file with one possible encoding: parts stored and not
// compressed, in one order, with one time stamp and no extra fields. Encode
// writes it and Parse refuses every other, so that a byte that nobody looks at
// does not exist. Each part is in its native format, and manifest.json names
// each by its SHA-256, so that any part can be checked with other tools too.
// sdk/FORMATS.md specifies the file.
//
// # Checks
//
// Verify returns these checks each time, in this order; names are stable. Those
// marked * are required: without a pass of each, nothing is verified.
//
//	bundle.encoding *      one ZIP encoding, all parts as manifest.json lists them
//	bundle.parts *         the parts are those that the manifest calls for
//	time *                 there is a time as of which the rest is appraised
//	policy … notary.*      the checks of attestation.Appraise about the epoch that sealed
//	config.file *          config.yaml is what the runtime data's digest names
//	config.plugins *       so is the configuration of each plugin
//	receipt.signature *    the receipt is signed by the runtime data's signing key
//	receipt.sealed-by *    it names this epoch and this runtime data as its signer
//	receipt.origin *       it names the epoch, plugin set and mode that handled the records
//	origin.*               appraisal, config.file and config.plugins of the epoch that received
//	                       the records, if a later one sealed them after a crash
//	log.proof *            the receipt's commitment is in a log that the policy pins
//	log.order              it was there before the epoch ended
//	record.NNNNNNNN *      a disclosed record is the leaf with that index, one check each
//	audit.rollback         never done here: nothing was taken away from storage
//
// A check that could not be made is not-done and says why; a required one that
// is not-done makes the verdict incomplete, and one that failed makes it failed.
//
// # What a verdict does not say
//
// It is about the keys and Evidence of the time of sealing, as the notary's host
// had it: a notary inside the hardware boundary has no clock of its own. It does
// not say that the storage still holds the session, nor that the session has no
// other part; an audit of the journal does. An epoch's end is shown by whoever
// made the bundle: that no earlier end stands in the log is for an audit, too.
//
// # Guarantees
//
// Nothing here opens a file or a socket or reads a clock, and no function panics
// on input; sizes and counts are bounded before anything is allocated. All
// functions are safe for concurrent use. The package builds for js/wasm. A
// dependency (filippo.io/torchwood) links net/http, of which nothing is called.
package bundle
