// Package control is the notary's HTTPS interface for people and scripts beside
// the data path: Evidence, receipts, the end of a session, bundles, health and
// metrics. It has its own listener, so that it can be closed off by the network
// and does not compete with the OTLP receiver.
//
// # Endpoints
//
//	GET  /v1/evidence                   open        what a relying party appraises
//	GET  /v1/evidence?nonce=N           open        the same, and the answer to a challenge
//	GET  /v1/log/key                    open        the log's verifier key (C2SP vkey)
//	POST /v1/reload                     operator    a new epoch with the configuration as it is now
//	GET  /v1/sessions/{session}         credentials parts of a session, with receipts
//	POST /v1/sessions/{session}/end     credentials seals what is open
//	POST /v1/sessions/{session}/erase   operator    ends the session, destroys the keys of its parts
//	POST /v1/erasures                   operator    the same for one sealed part of any epoch
//	POST /v1/sessions/{session}/hold    operator    legal hold: nobody destroys the keys of the session
//	POST /v1/sessions/{session}/release operator    ends it
//	POST /v1/holds                      operator    the same hold for the session of a sealed part of any epoch
//	POST /v1/releases                   operator    ends one hold, wherever it stands
//	POST /v1/exports                    operator    says in the journal that bundles of this storage are taken out of it
//	GET  /v1/sessions/{session}/bundle  credentials evidence bundle of one part
//	GET  /metrics                       credentials Prometheus metrics
//	GET  /v1/events                     credentials the last warnings and errors of the log
//	GET  /healthz                       open        200 while the process lives
//	GET  /readyz                        open        200 if data is accepted, else 503 and why
//
// The session id is one percent-encoded path segment. Query parameters are
// tenant (operators and auditors must name one), and for a bundle epoch and part
// (which of several parts; may be left out where there is no choice) and
// disclose (leaf indices, repeatable), and for an erasure or a hold commitment, epoch and seq (of
// the part's manifest entry), for a release epoch and seq of the hold's entry, for an
// export parts (how many), and perhaps from and to (sealing times, Unix nanoseconds), recipient (the ID
// of the one whose key opens records) and for (whom, in words). An unknown parameter is an error: a
// misspelt one must not silently widen what is asked for.
//
// Errors are JSON, {"error": what failed, "hint": what to do}.
//
// # Challenges
//
// With a nonce (16 to 64 bytes in lower-case hex or base64url without padding) the
// answer to GET /v1/evidence has a fresh report that binds it, and a proof that the
// peer of this TLS connection has the keys of the runtime data (package
// attestation/challenge). They are limited per remote address and altogether (429),
// for the secure processor is slow, and a nonce that was answered within the last
// two minutes is refused (409). Something that terminates TLS in front of the
// notary makes the proof fail, as it must.
//
// # Who may do what
//
// Credentials are bearer tokens (RFC 6750 section 2.1). A tenant's API key
// reaches the sessions of that tenant; another tenant's session looks exactly
// like one that does not exist. Operators have tokens of their own with roles:
// RoleOperator reads, ends, holds and erases sessions and reloads, RoleAuditor reads them, RoleMetrics sees
// metrics and events and nothing else. Tokens are kept as hashes and compared in constant
// time.
//
// Failed attempts are counted per remote address. Beyond a few they are answered
// 429 and no longer logged. Valid credentials are let through all the same: with
// tokens of 128 bits and more there is nothing to slow down, and whoever shares
// an address with an operator must not be able to lock him out.
//
// # Guarantees
//
// TLS 1.3 only. Every size and time is bounded. No session id, tenant, token or
// payload gets into a log line, a metric or an error text; a log line names the
// route's pattern and a random request id, which the answer carries too.
//
// A Server may be used concurrently.
package control
