// Package pluginhost runs the notary's WebAssembly plugins: redactors, which
// see plaintext and can reach nothing, and at most one storage adapter, which
// can reach storage and sees no plaintext. The interface to guests is that of
// package abi.
//
// # What a set guarantees
//
// A plugin is loaded only if its bytes have the pinned SHA-256, carry a
// manifest that fits the configuration, export what the ABI demands and import
// nothing but what the manifest opens, and are within static limits that keep
// compilation short (limits.go). What decides on its behaviour is measured:
// module, configuration, limits and engine ([Set.Digest]).
//
// A guest cannot stop the process: all its work is metered, also _initialize,
// the start function and configure, by rewriting the module before compilation
// (package fuel), and is done in slices. It cannot remember: memory and globals are put back to the image
// taken after configure when a call ends, and instructions whose effect could
// not be put back are refused. It cannot tell: a redactor has no imports, or
// those of Go bound to a world with nothing in it (wasi.go), and answers with
// ranges and label numbers only.
//
// Redaction fails closed. A trap, spent fuel, a malformed reply, an edit out of
// range fail the whole call with a [*PluginError], which holds no text from the
// guest, and no partial result.
//
// # What it does not
//
// A redactor can fail to find something; see [Set.Redact] for what the host
// adds. A guest's choice of edits, its fuel and its time depend on the text:
// counters are per plugin and label and never per sender. A storage adapter can
// lie; the journal checks what it reads. The engine itself is trusted: a hole
// in its sandbox is a hole in the notary.
//
// # Concurrency
//
// A [Set] and its [Adapter] are safe for concurrent use. Calls beyond the
// number of instances wait. Compiled code cannot be preempted, so the garbage
// collector, and whoever changes the number of processors, may have to wait for
// the end of a guest's slice of fuel.
package pluginhost
