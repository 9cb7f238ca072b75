// Package bundle defines the evidence bundle of one session part, one file with
// everything that an offline verifier needs, and verifies it: was this session
// handled by a genuine notary with an acceptable redactor, and is it in the log?
//
// # File
//
// A bundle is a ZIP file with one possible encoding: parts stored and not
// compressed, in one order, with one time stamp and no extra fields. Encode
// writes it and Parse refuses every other. Each part is in its native format, and
// manifest.json names each by its SHA-256, so that any part can be checked with
// other tools too. sdk/FORMATS.md specifies the file.
//
// # Checks
//
// Verify returns these checks each time, in this order; names are stable. Those
// marked * are required: without a pass of each, nothing is verified.
//
//	bundle.encoding *      one ZIP encoding, all parts as manifest.json lists them
//	bundle.parts *         the parts are those that the manifest calls for, and
//	                       certificate chains are in their one encoding
//	time *                 there is a time as of which the rest is appraised
//	policy … notary.*      the checks of attestation.Appraise about the epoch that sealed
//	config.file *          config.yaml is what the runtime data's digest names
//	config.plugins *       so is the configuration of each plugin
//	receipt.signature *    the receipt is signed by the runtime data's signing key
//	receipt.sealed-by *    it names this epoch and this runtime data as its signer
//	receipt.origin *       it names the epoch, plugin set and mode that handled the records
//	origin.*               time, appraisal, config.file and config.plugins of the epoch that
//	                       received the records, if a later one sealed them after a crash;
//	                       as of the time of opening, whatever Options.At says
//	log.proof *            the receipt's commitment is in a log that the policy pins
//	log.witnesses          as many witnesses as the policy wants have cosigned the tree that
//	                       the proof leads to; * if the policy names any
//	log.order              it was there before the close that the epoch's key signed
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
// other part; an audit of the journal does.
//
// An epoch's end is shown by whoever made the bundle, or withheld, which is why
// log.order is not required. A close counts if the epoch's key signed it and it
// accounts for the receipt. Whoever has stolen that key can sign a false close
// behind a false receipt; that the log has no earlier end is for an audit, which
// sees the true one. A fence is signed by another notary, whose Evidence a bundle
// does not have: log.order is then not-done, or failed if the fence's commitment
// came into the log before the receipt's.
//
// # Bytes that no check covers
//
// A verified bundle can be changed in these bytes by anybody and stays verified,
// with the same result but for the file's SHA-256. So that digest names a file,
// and the commitment names what it says.
//
//	maa-jwks.json          all of it: data, never an anchor
//	uvm.cose               the unprotected header (time stamp, SCITT receipts), and in how
//	                       many bytes CBOR writes the length of what is signed
//	report.bin             S of the ECDSA signature can be n - S: firmware may give either
//	*.tlog-proof           added signature lines by keys that the policy does not name, and
//	                       lines of witnesses beyond its quorum
//	epoch-end.entry        the signature, if the entry is a fence
//
// Parts can also be left out, a record's edit list too. What looks at them is then
// absent or not-done and never a pass; but a record that did not open its leaf, or
// an end that came too early, is out of sight.
//
// # Large bundles
//
// Write and VerifyReader are for bundles that do not fit into memory: of a session of
// 100,000 records they take what the list of parts takes, and one record at a time
// (TestBoundedMemory). The bytes and the verdict are those of Encode and Verify.
//
// # Guarantees
//
// Nothing here opens a file or a socket or reads a clock, and no function panics
// on input; sizes and counts are bounded before anything is allocated. All
// functions are safe for concurrent use. The package builds for js/wasm. A
// dependency (filippo.io/torchwood) links net/http, of which nothing is called.
package bundle
