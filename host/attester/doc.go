// Package attester is the notary in the role of the RATS Attester (RFC 9334):
// who am I, and can I prove it now?
//
// # Start-up
//
// [GenerateKeys] makes the keys of one epoch, [Claims] name what was loaded and
// measured, and [Attester.Attest] obtains the proof, in steps of which none can
// be left out: runtime data, Evidence, the report's own truth, the endorsement of
// the utility VM, HOST_DATA, the token of Microsoft Azure Attestation (MAA), its
// issuer's keys, and the token's verification as a relying party would do it. A
// notary that would not convince a relying party must not start, for then it
// would collect sessions under a proof that nobody accepts. Each step is told to
// the caller as it ends, in words for a person; a failure is a [*StepError].
//
// # Renewal
//
// [Attester.Run] repeats all of it at half of the token's remaining life, each
// time with a fresh report, since a token over an old report proves nothing
// about now. While MAA cannot be reached it tries again, and the notary serves
// until the token's expiry less a margin. From then on [Attester.Fresh] returns a
// [*StaleError]: new data must be refused (retryable), sealed data stays.
//
// # Challenges
//
// [Attester.Answer] proves to one relying party, over one connection, that the
// notary is alive and has its keys (package attestation/challenge).
//
// # Time
//
// The clock belongs to the host, who may stop it or set it back to keep an old
// token alive. Freshness is therefore judged by the later of two clocks: the wall
// clock, and the moment at which the current token was verified plus what the
// monotonic clock counted since. A jump forward makes the notary refuse data
// until it is undone or a token satisfies the new time. A host that holds back
// both clocks from the start is not detected here; relying parties judge the
// token by their own.
//
// # Keys
//
// All private keys are born in the process and are never written anywhere. The
// RSA key is a transport key only and has no method that uses it. [Keys.Signing]
// is handed to the host code that signs journal positions (sdk/journal) and
// receipts (sdk/receipt), and signs answers to challenges here; each signs
// domain-separated input of its own format, and nothing else may sign with it: no
// caller-chosen bytes, ever.
//
// # Concurrency
//
// All methods of an [Attester] may be called concurrently; attestations run one
// at a time.
package attester
