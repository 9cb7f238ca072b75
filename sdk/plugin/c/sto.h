/* sto.h: storage adapters for the confidential notary, in C. ABI sto v1.
 *
 * It stands on rdx.h: exports, messages and memory are as there. ABI.md beside this
 * directory is the specification; a test holds the numbers here to it.
 * plugins/store-dir is a whole adapter.
 *
 * An adapter gets numbers, handles, that stand for ciphertext in the host during one
 * call, and says where it goes. It exports sto_alloc, sto_configure, sto_migrate, sto_put,
 * sto_get, sto_list and sto_delete, and imports only functions of the capabilities in
 * its manifest: of those that are declared here, what a file does not call is no import.
 */
#ifndef STO_H
#define STO_H

#include "rdx.h"

/* Numbers of the ABI. */
#define STO_MAGIC_REQUEST 0x314f5453u /* "STO1" */
#define STO_MAGIC_REPLY 0x31525453u   /* "STR1" */
#define STO_MAJOR 1
#define STO_MAX_ENTRIES (1u << 16) /* entries of a put, and keys */
#define STO_MAX_ITEMS (1u << 12)   /* items of a reply */
#define STO_MAX_KEY 120u           /* bytes of a stream's key */
#define STO_MAX_SLOTS (1u << 16)   /* slots of a record */

enum { STO_PUT = 1, STO_GET = 2, STO_LIST = 3, STO_DELETE = 4 };
enum { STO_ENTRY = 1, STO_KEY = 2, STO_EPOCHS = 3, STO_SESSION = 4 };
enum {
	STO_OK = 0,
	STO_CONFLICT = 1,
	STO_NOT_FOUND = 2,
	STO_UNAVAILABLE = 3, /* the outcome is unknown */
	STO_BAD_REQUEST = 4,
	STO_PROTECTED = 5
};

/* Why a host function failed: its result is the negative. */
enum {
	STO_E_INVALID = 1,
	STO_E_NO_ENTRY = 2,
	STO_E_EXIST = 3,
	STO_E_IO = 4,
	STO_E_TOO_BIG = 5,
	STO_E_HANDLE = 6,
	STO_E_DAMAGED = 7
};

/* The messages as they lie in memory. */
typedef struct {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t total_len, op, n_entries, n_keys;
	uint64_t reserved;
} sto_request;

typedef struct {
	uint32_t handle, length;
	uint8_t epoch[16];
	uint64_t seq;
	uint32_t part;
	uint8_t kind, reserved[3];
	uint8_t session[32];
	uint64_t reserved2;
} sto_entry;

/* Session and part stand one after the other: 36 bytes that name a key in its epoch. */
typedef struct {
	uint32_t handle, length;
	uint8_t epoch[16];
	uint8_t session[32];
	uint32_t part, reserved;
} sto_key;

typedef struct {
	uint32_t what, part;
	uint8_t epoch[16];
	uint64_t seq;
	uint8_t session[32];
	uint64_t flags; /* bit 0: first */
} sto_selector;

typedef struct {
	uint32_t magic, status, n_items, item_size;
} sto_reply;

typedef struct {
	uint32_t handle, kind; /* kind: of STO_SESSION, else 0 */
	uint8_t epoch[16];
	uint64_t seq;
} sto_item;

/* What stream_find writes. */
typedef struct {
	uint64_t first, last;
	uint32_t body, slots;
} sto_record;

_Static_assert(sizeof(sto_request) == 32, "request header");
_Static_assert(sizeof(sto_entry) == 80, "entry");
_Static_assert(sizeof(sto_key) == 64, "key");
_Static_assert(sizeof(sto_selector) == 72, "selector");
_Static_assert(sizeof(sto_reply) == 16, "reply header");
_Static_assert(sizeof(sto_item) == 32, "item");
_Static_assert(sizeof(sto_record) == 24, "record");

/* A file needs STO_MARKER once. */
#define STO_MARKER RDX_EXPORT("sto_abi_v1") void sto_abi_v1(void) {}

#ifdef __wasm__
#define STO_IMPORT(name) __attribute__((import_module("notary_sto_v1"), import_name(#name))) extern

/* Capability "stream". */
STO_IMPORT(stream_append)
int32_t stream_append(const void *key, uint32_t key_len, uint64_t first, uint64_t last, const uint32_t *handles, uint32_t n_handles, uint32_t n_slots);
STO_IMPORT(stream_find) int32_t stream_find(const void *key, uint32_t key_len, uint64_t number, sto_record *out);
STO_IMPORT(stream_read) int64_t stream_read(const void *key, uint32_t key_len, uint64_t first, uint32_t part);
STO_IMPORT(stream_erase) int32_t stream_erase(const void *key, uint32_t key_len, uint64_t first, uint32_t part);
STO_IMPORT(stream_list)
int64_t stream_list(const void *prefix, uint32_t prefix_len, const void *cursor, uint32_t cursor_len, uint32_t flags, void *out, uint32_t out_cap);

/* Capability "payload". */
STO_IMPORT(payload_read) int32_t payload_read(uint32_t handle, uint32_t off, void *out, uint32_t out_cap);
STO_IMPORT(payload_new) int32_t payload_new(const void *bytes, uint32_t len);
STO_IMPORT(payload_slice) int32_t payload_slice(uint32_t handle, uint32_t off, uint32_t len);
STO_IMPORT(payload_free) int32_t payload_free(uint32_t handle);
#endif

static inline int sto_same(const uint8_t *a, const uint8_t *b, uint32_t n) {
	for (uint32_t i = 0; i < n; i++)
		if (a[i] != b[i]) return 0;
	return 1;
}

/* sto_valid reports whether the bytes are the request of an operation, of this major
 * version and as long as it says. The other functions rely on it. */
static inline int sto_valid(const void *request, uint32_t len, uint32_t op) {
	const sto_request *h = (const sto_request *)request;
	if (len < sizeof *h || h->magic != STO_MAGIC_REQUEST || h->major != STO_MAJOR || h->total_len != len || h->op != op) return 0;
	if (op != STO_PUT) return len == sizeof *h + sizeof(sto_selector);
	if (h->n_entries == 0 || h->n_entries > STO_MAX_ENTRIES || h->n_keys > STO_MAX_ENTRIES) return 0;
	return len == sizeof *h + h->n_entries * sizeof(sto_entry) + h->n_keys * sizeof(sto_key);
}

static inline const sto_entry *sto_entries(const void *request) { return (const sto_entry *)((const sto_request *)request + 1); }
static inline const sto_key *sto_keys(const void *request) {
	return (const sto_key *)(sto_entries(request) + ((const sto_request *)request)->n_entries);
}
static inline const sto_selector *sto_select(const void *request) { return (const sto_selector *)((const sto_request *)request + 1); }

/* sto_follows reports whether the entries of a put are of one epoch, with seqs one after
 * the other, which is what the host promises. */
static inline int sto_follows(const void *request) {
	const sto_entry *e = sto_entries(request);
	for (uint32_t i = 1; i < ((const sto_request *)request)->n_entries; i++)
		if (e[i].seq != e->seq + i || !sto_same(e[i].epoch, e->epoch, sizeof e->epoch)) return 0;
	return 1;
}

/* sto_status is what an adapter answers when a host function returned this. */
static inline uint32_t sto_status(int64_t result) {
	if (result >= 0) return STO_OK;
	switch (-result) {
	case STO_E_NO_ENTRY: return STO_NOT_FOUND;
	case STO_E_EXIST: return STO_CONFLICT;
	case STO_E_IO:
	case STO_E_DAMAGED: return STO_UNAVAILABLE;
	}
	return STO_BAD_REQUEST;
}

/* sto_end fills in a reply in front of its items, and returns what an export returns. */
static inline uint64_t sto_end(sto_reply *reply, uint32_t status, uint32_t n_items) {
	if (status != STO_OK) n_items = 0;
	*reply = (sto_reply){STO_MAGIC_REPLY, status, n_items, sizeof(sto_item)};
	return (uint64_t)(uintptr_t)reply << 32 | (sizeof(sto_reply) + n_items * sizeof(sto_item));
}

#endif
