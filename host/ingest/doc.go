// Package ingest receives OTLP over gRPC and over HTTP: who sends this, may it be
// taken now, and what is the sender told?
//
// A [Server] speaks TLS 1.3 only and takes traces and logs; metrics and
// everything else is answered Unimplemented, over HTTP 404, upon which exporters do
// not try again. A request reaches the [Exporter] as protobuf wire bytes, as they
// came, decompressed but never unmarshalled; OTLP/JSON is turned into them by
// package otlpjson.
//
// # Order of checks
//
// The sender is authenticated before a byte of his message is read. Then room
// for the message is taken from the budget of plaintext in memory, more as it grows,
// the message is received within [Config].ReceiveTimeout, and the export waits for its turn
// to use a CPU. What handling the message takes the exporter reserves ([Reserve]) when
// it knows what is in it, before it allocates anything. What there is no room for is refused
// at once, retryably, unless a message of who has more is still arriving: then that is. Memory
// is never what a flood runs into.
//
// A connection is in good standing when the last export on it was taken. On others
// everything from the handshake on is done in turns, on half of the processors, so that
// who has shown nothing yet, or sends what is refused, leaves the rest to others. So is
// the unpacking of gzip, and of JSON, whoever sends them.
//
// # What a sender is told
//
// Errors of the exporter are mapped by type ([*Error], *otlpwire.Error, context
// errors) to the codes of the OTLP specification. An error of no known type is
// UNAVAILABLE without its text, and a status text is always a constant, with a limit
// of the configuration in it at most, or made by otlpwire, so that no status carries what a sender or a plugin wrote.
// RESOURCE_EXHAUSTED comes with RetryInfo when the sender shall try again, and
// without it when he shall not.
//
// Over HTTP the same errors have the status codes that mean the same: 429 and 503
// for what is to be sent again, with Retry-After, 504 for what took too long, 413
// for what is too large for good. The body is the Status message that gRPC would
// have sent, in the content type of the request.
//
// A success is an empty response and, in the response header
// [PositionHeader], the signed journal positions of the exporter's [Receipt]; over
// HTTP in base64. partial_success stays unset: a request is taken whole or not at
// all. But of a request with nothing in it but fields that nobody knows, as of JSON that came
// to the path of the other signal, it has a warning, and so has one of JSON with members in snake_case.
//
// # Concurrency
//
// A Server is safe for concurrent use; so must its Exporter be.
package ingest
