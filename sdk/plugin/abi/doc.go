// Package abi is the binary interface between the notary and its plugins:
// messages, names, bounds and the manifest, for the host and for guests.
//
// It depends on a small part of the standard library, not even on package fmt,
// and builds for wasip1 and js/wasm. Go guests use the kit in sdk/plugin on top
// of it; this text is enough to write a guest in any language that compiles to
// core WebAssembly 2.0 (no threads, no tail calls, no exceptions, one 32-bit
// memory). Functions of this package are pure and safe for concurrent use.
//
// # Conventions
//
// All integers are little endian and unsigned unless said otherwise. Reserved
// fields are written as zero and not read. A pointer is an offset in the
// guest's exported memory. "ptr<<32|len" is an i64 with a pointer in the upper
// and a length in the lower half. Signatures are written (params) -> results.
//
// Every plugin exports
//
//	memory                      the one memory
//	_initialize () -> ()        optional; called once, first (reactor)
//
// and carries its manifest. The host calls a guest in this order:
//
//	_initialize, alloc + configure, [sto_migrate]     once
//	  … image of memory and mutable globals is taken here …
//	alloc + one call                                  again and again
//
// After each call (for rdx: each batch) the host puts the image back: the guest
// keeps nothing that it learned, memory that it allocated is free again, and
// freeing is never needed. What is worth computing once is computed in
// configure. A mutable global that the module does not export is exported by
// the host for this purpose, under a name that begins with "rdx_"; a module
// must not use that prefix for anything but the exports named here.
//
// A guest never has the processor for as long as it likes: the host meters it
// (deterministically, by rewriting the module: function entries, loop headers
// and bulk memory operations take from a budget). A call that exceeds its
// budget, traps or answers malformed bytes fails the request, is counted, and
// loses the instance. Neither trap texts nor output get out of the host.
// Instructions that change tables or drop segments are refused, since the host
// could not undo them, and so are mutable globals that are no numbers.
//
// # Manifest
//
// A custom section named "notary.manifest" holds compact ASCII JSON with
// exactly these keys in this order, without escapes ([ParseManifest] refuses
// any other encoding):
//
//	{"abi":"rdx/1","capabilities":[],"kind":"redactor","labels":["EMAIL","CARD"],"limits":{"memory_pages":64},"name":"redact-pii","version":"0.1.0","wasi":"deny"}
//
//	abi           "rdx/1" for kind "redactor", "sto/1" for kind "storage"
//	capabilities  redactor: none; storage: sorted, of "blob", "payload"
//	labels        redactor: 1 to 256 different ones, [0-9A-Z_]{1,32}; storage: none
//	limits        memory_pages: 1 to 4096 pages of 64 KiB, what the guest needs at most
//	name          [a-z0-9-]{1,40}
//	version       [0-9A-Za-z.+-]{1,40}
//	wasi          "none": nothing is imported from wasi_snapshot_preview1;
//	              "deny": at most the ten functions of standard Go's runtime,
//	              which answer: no arguments, no environment, no files, a clock
//	              that goes on by one step each time, zeros as random bytes
//
// A module imports nothing else, unless it is a storage adapter, which imports
// functions of module "notary_sto_v1" that its capabilities open. Other custom
// sections than "notary.manifest", "name", "producers" and "target_features"
// are refused ([StripCustom] removes them).
//
// # Redaction: rdx v1
//
// Exports besides the common ones:
//
//	rdx_abi_v1    () -> ()                    marks the version, never called
//	rdx_alloc     (len i32) -> (ptr i32)      buffer of len bytes, aligned to 16, valid until
//	                                          the next rdx_alloc; 0 = failure
//	rdx_configure (ptr i32, len i32) -> i32   configuration bytes, may be none; 0 = accepted
//	rdx_redact    (ptr i32, len i32) -> i64   request; returns ptr<<32|len of the reply, which
//	                                          stays valid until the next call; 0 = failure
//
// For a message or configuration of len bytes the host allocates len+16 and
// writes zeros into the last 16, so that a guest may read whole vectors, and the
// buffer is never empty; the call gets len. Request:
//
//	 0 u32 magic 0x31584452 "RDX1"
//	 4 u16 major = 1            6 u16 minor = 0
//	 8 u32 total_len           12 u32 n_fields    at most 65536
//	16 u32 table_off           20 u32 record_size 32 in this minor version; a guest
//	24 u32 flags = 0           28 u32 reserved    steps by it and ignores what it does not know
//
//	record at table_off + i*record_size:
//	 0 u32 text_off   4 u32 text_len   text, valid UTF-8, begins at a multiple of 16
//	 8 u32 key_off   12 u32 key_len    OTLP attribute key, or empty
//	16 u16 role      18 u16 format     see [Role] and [Format]
//	20 u32 group                       equal for fields of one message or record
//	24 u64 reserved
//
// Offsets count from the request's first byte. A batch has at most 64 KiB of
// text; a longer text comes in overlapping windows, each as a field of its own.
// Reply:
//
//	 0 u32 magic 0x31524452 "RDR1"
//	 4 u32 status               0 = redacted; other: the host fails the request
//	 8 u32 n_edits             12 u32 edit_size = 16
//
//	edit at 16 + i*16:
//	 0 u32 field   4 u32 start   8 u32 end    bytes [start, end) of the field's text
//	12 u16 label  14 u16 score                label: index in the manifest's labels
//
// Edits are sorted by field and start, do not overlap, are not empty and cut no
// UTF-8 sequence; there are at most [MaxEdits] of them for the batch. The reply
// is exactly 16 + n_edits*16 bytes long. There is no place for text in it: the
// host writes the replacement, so a guest cannot move what it read elsewhere.
//
// # Storage: sto v1
//
// A storage adapter stores what it cannot read. Ciphertext stays in the host;
// the guest gets a handle, a number greater than 0 that is valid during one
// call. Exports besides the common ones:
//
//	sto_abi_v1    () -> ()                    marks the version, never called
//	sto_alloc     (len i32) -> (ptr i32)      as rdx_alloc
//	sto_configure (ptr i32, len i32) -> i32   as rdx_configure
//	sto_migrate   () -> i32                   makes the storage ready; 0 = done. May use the
//	                                          capabilities; called once per load
//	sto_put, sto_get, sto_list, sto_delete (ptr i32, len i32) -> i64
//	                                          request; returns ptr<<32|len of the reply; 0 = failure
//
// Request header:
//
//	 0 u32 magic 0x314f5453 "STO1"
//	 4 u16 major = 1            6 u16 minor = 0
//	 8 u32 total_len           12 u32 op          1 put, 2 get, 3 list, 4 delete
//	16 u32 n_entries           20 u32 n_keys      0 but for put
//	24 u64 reserved
//
// Put: n_entries (at least 1, at most 65536) entry records, then n_keys key
// records. The entries are of one epoch, with consecutive seqs.
//
//	entry, 80 bytes:                      key, 64 bytes:
//	 0 u32 handle    4 u32 length          0 u32 handle    4 u32 length
//	 8 epoch, 16 bytes                     8 epoch, 16 bytes
//	24 u64 seq                            24 session handle, 32 bytes
//	32 u32 part                           56 u32 part
//	36 u8 kind      37 3 bytes reserved   60 u32 reserved
//	40 session handle, 32 bytes
//	72 u64 reserved
//
// The entries become durable all or none, under the unique name (epoch, seq of
// the first entry). If the name is taken the answer is conflict, whatever
// stands there: the host reads back and decides whether it lost or won before.
// The keys become durable before the entries or with them, apart from them,
// since they are erasable and entries are not. A put may be repeated with the
// same bytes; a key that was erased in between must not come back by it.
//
// Get, list and delete: one selector, 72 bytes:
//
//	 0 u32 what     4 u32 part
//	 8 epoch, 16 bytes
//	24 u64 seq
//	32 session handle, 32 bytes
//	64 u64 flags   bit 0: first
//
//	get    what 1  the chunk (bytes stored by one put, concatenated) of the epoch with
//	               the greatest first seq <= seq: one item
//	get    what 2  the wrapped key (epoch, session handle, part): one item. seq, if not 0, is a
//	               hint: the key was put with or before the entry with this seq
//	list   what 3  epochs > epoch (with flag first: >= epoch), ascending, each with the first
//	               seq of its last chunk; up to 4096 items. No item: there are no more
//	delete what 2  erases the wrapped key
//
// Reply:
//
//	 0 u32 magic 0x31525453 "STR1"
//	 4 u32 status    0 ok, 1 conflict, 2 not found, 3 unavailable (outcome unknown), 4 bad request
//	 8 u32 n_items  12 u32 item_size = 32
//
//	item at 16 + i*32:
//	 0 u32 handle    4 u32 reserved
//	 8 epoch, 16 bytes
//	24 u64 seq
//
// The host concatenates nothing and reorders nothing of what a handle stands
// for, and trusts no answer: whoever reads the journal checks chain, signatures
// and log.
//
// # Host functions of module notary_sto_v1
//
// A result below 0 is an errno: -1 invalid argument, -2 no such object, -3
// object exists, -4 storage failed (outcome unknown), -5 too big, -6 no such
// handle. Keys of objects are [a-z0-9.-]{1,120} and begin and end with a letter
// or digit. Each object is at most 64 MiB; handles of a call are at most 131072
// and stand, apart from those of the request, for at most 64 MiB.
//
// Capability "blob":
//
//	blob_put (key_ptr, key_len, handles_ptr, n_handles, flags i32) -> i32
//	    handles_ptr: array of u32. Stores the concatenation of what the handles stand
//	    for, as one object, durable on return (0). flags 1: create, -3 if the object
//	    exists; 2: create or replace atomically.
//	blob_get (key_ptr, key_len i32) -> i64
//	    handle<<32 | length
//	blob_list (prefix_ptr, prefix_len, cursor_ptr, cursor_len, flags, out_ptr, out_cap i32) -> i64
//	    keys with the prefix, flags 0: greater than the cursor, ascending; 1: smaller
//	    than the cursor, descending, and an empty cursor is behind all. Cursor and
//	    prefix are any bytes of the alphabet, up to 121, possibly none. Writes as many
//	    whole keys as fit, each as u8 length || bytes, and returns the number of bytes
//	    written; 0: there are no more keys; -1: out_cap is less than 121. To go on,
//	    give the last key as cursor. Within one call of the guest a listing is a
//	    snapshot plus the guest's own changes.
//	blob_delete (key_ptr, key_len i32) -> i32
//	    0, durable, or -2
//
// Capability "payload":
//
//	payload_read  (handle, off, out_ptr, out_cap i32) -> i32   bytes copied from offset off
//	payload_new   (ptr, len i32) -> i32                        handle of a copy of guest memory
//	payload_slice (handle, off, len i32) -> i32                handle of a part, not copied
//	payload_free  (handle i32) -> i32                          0; the handle is gone
//
// Later minor versions will add capabilities with the names sql_exec, sql_begin,
// sql_commit, sql_rollback, http_do and now_ms; a guest does not use these names.
//
// # Layout of an adapter on objects
//
// Adapters with only blob storage keep to this layout, so that one can read
// what another has written: object "e-EPOCH-SEQ" (32 and 16 lower-case hex
// digits, so that lexical order is the order of seq) holds the entries of one
// put, created exclusively; object "k-EPOCH-SEQ", written before it, created
// exclusively and left alone if it exists, holds the wrapped keys of the same
// put as records epoch (16) || session handle (32) || u32 part || u32 length ||
// bytes. Erasing replaces that object by one without the record. The chunk with
// the greatest first seq <= s is "e-EPOCH-s" itself or the first key of a
// descending listing from there.
package abi
