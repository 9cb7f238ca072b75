// Package ingest receives OTLP over gRPC: who sends this, may it be taken now,
// and what is the sender told?
//
// A [Server] speaks TLS 1.3 only and takes traces and logs; metrics and
// everything else is answered Unimplemented. A request reaches the [Exporter]
// as the bytes that came over the wire, decompressed but never unmarshalled.
//
// # Order of checks
//
// The sender is authenticated before a byte of his message is read. Then room
// for the message is taken from the budget of plaintext in memory, the message
// is received within [Config].ReceiveTimeout, and the export waits for its turn
// to use a CPU. What there is no room for is refused at once, retryably: memory
// is never what a flood runs into.
//
// # What a sender is told
//
// Errors of the exporter are mapped by type ([*Error], *otlpwire.Error, context
// errors) to the codes of the OTLP specification. An error of no known type is
// UNAVAILABLE without its text, and a status text is always a constant or made
// by otlpwire, so that no status carries what a sender or a plugin wrote.
// RESOURCE_EXHAUSTED comes with RetryInfo when the sender shall try again, and
// without it when he shall not.
//
// A success is an empty response and, in the response header
// [PositionHeader], the signed journal positions of the exporter's [Receipt].
//
// # Concurrency
//
// A Server is safe for concurrent use; so must its Exporter be.
package ingest
