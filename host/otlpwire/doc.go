// Package otlpwire reads OTLP export requests as wire bytes: which records are
// in this request, to which session does each belong, and where in the bytes
// can text hide?
//
// A request is never unmarshalled. [Scan] counts its submessages and their
// depth before anything is allocated, [Walk] then notes the byte range of every
// record and of every text, and [Request.Splice] writes the records anew with
// edits applied and every length prefix recomputed.
//
// # What is text
//
// Every proto string, every key and every value of an attribute at any depth,
// and every bytes value is a [Text]. A test walks the proto descriptors and
// fails on a string or bytes field that the schema in this package does not
// name. Exceptions are the trace and span identifiers: they are refused unless
// they have the length that the OTLP specification gives them. Numbers, times,
// booleans and enums are not text.
//
// A bytes value that is not valid UTF-8, or that holds a zero byte (UTF-16 of
// ASCII text is valid UTF-8 with zeros), cannot be shown to a redactor. It is
// listed in Request.Binary and always replaced by [BinaryReplacement].
//
// # What an edit does
//
// It masks a range of a text, with a label or with a stand-in for what is known
// later (a [Gap]); or it drops the innermost attribute around the text; or the
// record. What an edit writes has to be plain text for the place it comes to: a
// caller who masks inside JSON brings nothing that JSON would have to escape.
//
// # What is refused
//
// The walk accepts less than a proto parser does, because what two parsers
// read differently is a way around redaction. Refused are group wire types, a
// known field with a wire type other than its own, a singular field that occurs
// twice (proto merges or overwrites), a oneof set twice, varints over ten bytes,
// invalid UTF-8 in a proto string, and identifiers of a wrong length. Fields
// that the schema does not know are dropped at every level.
//
// # Determinism
//
// The bytes of a spliced record are a function of the record's own wire bytes
// and its edits. It makes no difference over how many requests, resources and
// scopes a sender spreads his records.
//
// # Concurrency and memory
//
// A Request serves one goroutine at a time. It keeps a reference to the bytes
// that it walked, and so do the slices it hands out: they are valid until the
// next Walk or Reset, and as long as the caller leaves the buffer alone.
//
// All errors about the wire are *[Error], and never hold bytes of the request.
package otlpwire
