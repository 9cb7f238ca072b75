// Package abi is the binary interface between the notary and its plugins:
// messages, names, bounds and the manifest, for the host and for guests.
//
// ABI.md in the directory above is the specification: what is exported and
// imported, in which order the host calls, every byte of the messages, and test
// vectors. It is enough to write a guest in any language that compiles to core
// WebAssembly; what is said there is not repeated here.
//
// The package depends on a small part of the standard library, not even on
// package fmt, and builds for wasip1 and js/wasm. Go guests use the kit in
// sdk/plugin on top of it. Its functions are pure and safe for concurrent use.
// They read whatever bytes they are given: what is malformed gives an error
// that is [ErrFormat] and never more memory than a multiple of the input.
package abi
