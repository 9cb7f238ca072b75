/* rdx.h: redactors for the confidential notary, in C. ABI rdx v1.
 *
 * One file, freestanding: it needs <stdint.h> and nothing else, allocates
 * nothing and calls nothing. ABI.md beside this directory is the specification;
 * a test holds the numbers here to it. A whole redactor:
 *
 *	#include "rdx.h"
 *
 *	_Alignas(16) static uint8_t reply[4096];
 *
 *	RDX_MARKER
 *
 *	RDX_EXPORT("rdx_alloc") uint32_t alloc(uint32_t len) { return rdx_heap(0, len); }
 *
 *	RDX_EXPORT("rdx_configure") int32_t configure(const uint8_t *text, uint32_t len) {
 *		(void)text;
 *		if (!rdx_heap(0, RDX_ROOM)) return 2;
 *		return len != 0; // there is nothing to configure: refuse what is not understood
 *	}
 *
 *	RDX_EXPORT("rdx_redact") uint64_t redact(const uint8_t *request, uint32_t len) {
 *		rdx_out out = rdx_begin(reply, sizeof reply);
 *		if (!rdx_valid(request, len)) return rdx_end(&out, 1);
 *		for (uint32_t i = 0; i < rdx_count(request); i++) {
 *			rdx_field f = rdx_get(request, i);
 *			for (uint32_t k = 0; k < f.text_len; k++)
 *				if (f.text[k] == '*') rdx_add(&out, i, k, k + 1, 0, 0);
 *		}
 *		return rdx_end(&out, 0);
 *	}
 *
 * Build it with clang and wasm-ld, one after the other: the driver of clang runs
 * an optimiser that it finds on PATH, so that the bytes depend on what is
 * installed.
 *
 *	clang --target=wasm32 -std=c11 -O2 -ffreestanding -nostdlib -mbulk-memory -c star.c -o star.o
 *	wasm-ld --no-entry --strip-all --stack-first -z stack-size=65536 star.o -o star.wasm
 *
 * Variables that change between batches are put back by the host; what
 * configure has computed stays. A megabyte of static buffers costs some
 * microseconds a batch, and each page that is written a tenth of one.
 */
#ifndef RDX_H
#define RDX_H

#include <stdint.h>

/* Numbers of the ABI. */
#define RDX_MAGIC_REQUEST 0x31584452u /* "RDX1" */
#define RDX_MAGIC_REPLY 0x31524452u   /* "RDR1" */
#define RDX_MAJOR 1
#define RDX_ALIGN 16u
#define RDX_TAIL 16u
#define RDX_MAX_MESSAGE (16u << 20)   /* bytes of a request or reply */
#define RDX_MAX_FIELDS (1u << 16)     /* fields of a request */
#define RDX_MAX_BATCH_TEXT (64u << 10) /* bytes of text in a request */
#define RDX_MAX_EDITS (32u << 10)     /* edits of a reply */

/* Room for the requests of ordinary batches: 64 KiB of text in a thousand fields.
 * A guest takes it in configure, so that it belongs to the image; what needs
 * more memory than the image has costs the instance. */
#define RDX_ROOM (128u << 10)

/* What a text is in the conversation. Treat an unknown role like RDX_OTHER. */
enum {
	RDX_OTHER = 0,
	RDX_SYSTEM = 1,
	RDX_USER = 2,
	RDX_ASSISTANT = 3,
	RDX_TOOL_CALL = 4,
	RDX_TOOL_RESULT = 5,
	RDX_ATTRIBUTE = 6,
	RDX_EVENT = 7,
	RDX_RESOURCE = 8
};

/* How a text is written. Treat an unknown format like RDX_TEXT. */
enum { RDX_TEXT = 0, RDX_JSON = 1, RDX_CODE = 2, RDX_BASE64 = 3 };

/* The messages as they lie in memory, little endian like wasm itself. */
typedef struct {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t total_len, n_fields, table_off, record_size, flags, reserved;
} rdx_request;

typedef struct {
	uint32_t text_off, text_len, key_off, key_len;
	uint16_t role, format;
	uint32_t group, reserved[2];
} rdx_record;

typedef struct {
	uint32_t magic, status, n_edits, edit_size;
} rdx_reply;

typedef struct {
	uint32_t field, start, end;
	uint16_t label, score;
} rdx_edit;

_Static_assert(sizeof(rdx_request) == 32, "request header");
_Static_assert(sizeof(rdx_record) == 32, "field record");
_Static_assert(sizeof(rdx_reply) == 16, "reply header");
_Static_assert(sizeof(rdx_edit) == 16, "edit");

/* Exports. A file needs RDX_MARKER once. */
#define RDX_EXPORT(name) __attribute__((export_name(name), visibility("default")))
#define RDX_MARKER RDX_EXPORT("rdx_abi_v1") void rdx_abi_v1(void) {}

/* A field of a request. Text and key are views of the request, not ended by a
 * zero. Text is valid UTF-8. It begins at a multiple of 16, and at least 16 bytes
 * after its end can be read, so whole vectors may be loaded. */
typedef struct {
	const uint8_t *text, *key;
	uint32_t text_len, key_len, group;
	uint16_t role, format;
} rdx_field;

static inline const rdx_record *rdx_record_at(const void *request, uint32_t i) {
	const rdx_request *h = (const rdx_request *)request;
	return (const rdx_record *)((const uint8_t *)request + h->table_off + i * h->record_size);
}

/* rdx_valid reports whether the bytes are a request that this header reads: of
 * this major version, with every field inside. The other functions rely on it. */
static inline int rdx_valid(const void *request, uint32_t len) {
	const rdx_request *h = (const rdx_request *)request;
	if (len < sizeof *h || h->magic != RDX_MAGIC_REQUEST || h->major != RDX_MAJOR || h->total_len != len) return 0;
	if (h->n_fields > RDX_MAX_FIELDS || h->record_size < sizeof(rdx_record) || h->record_size > 1024) return 0;
	if (h->table_off + (uint64_t)h->n_fields * h->record_size > len) return 0;
	for (uint32_t i = 0; i < h->n_fields; i++) {
		const rdx_record *r = rdx_record_at(request, i);
		if ((uint64_t)r->text_off + r->text_len > len || (uint64_t)r->key_off + r->key_len > len) return 0;
	}
	return 1;
}

/* rdx_count returns the number of fields. */
static inline uint32_t rdx_count(const void *request) { return ((const rdx_request *)request)->n_fields; }

/* rdx_get returns field i of a valid request, i < rdx_count. */
static inline rdx_field rdx_get(const void *request, uint32_t i) {
	const rdx_record *r = rdx_record_at(request, i);
	const uint8_t *base = (const uint8_t *)request;
	return (rdx_field){
		.text = base + r->text_off, .text_len = r->text_len,
		.key = base + r->key_off, .key_len = r->key_len,
		.group = r->group, .role = r->role, .format = r->format,
	};
}

/* An rdx_out collects edits in a buffer of the guest's. */
typedef struct {
	rdx_reply *reply;
	uint32_t room; /* edits that still fit */
	int full;
} rdx_out;

/* rdx_begin starts a reply in a buffer, aligned to 4, of at least 16 bytes. */
static inline rdx_out rdx_begin(void *buffer, uint32_t size) {
	rdx_out out = {(rdx_reply *)buffer, (size - (uint32_t)sizeof(rdx_reply)) / (uint32_t)sizeof(rdx_edit), 0};
	if (out.room > RDX_MAX_EDITS) out.room = RDX_MAX_EDITS;
	*out.reply = (rdx_reply){RDX_MAGIC_REPLY, 0, 0, sizeof(rdx_edit)};
	return out;
}

/* rdx_add asks the host to replace bytes [start, end) of a field's text. Edits
 * come sorted by field and start, do not overlap, are not empty and cut no UTF-8
 * sequence: the host refuses the whole batch otherwise. If the buffer is full,
 * nothing is added, and rdx_end fails the batch. */
static inline void rdx_add(rdx_out *out, uint32_t field, uint32_t start, uint32_t end, uint16_t label, uint16_t score) {
	if (out->room == 0) {
		out->full = 1;
		return;
	}
	rdx_edit *e = (rdx_edit *)(out->reply + 1) + out->reply->n_edits;
	*e = (rdx_edit){field, start, end, label, score};
	out->reply->n_edits++;
	out->room--;
}

/* rdx_end returns what rdx_redact returns. A status other than 0 fails the
 * request that the batch is of, and so does a reply that was too small for its
 * edits: rather no answer than half of one. */
static inline uint64_t rdx_end(rdx_out *out, uint32_t status) {
	if (out->full && status == 0) status = UINT32_MAX;
	out->reply->status = status;
	if (status != 0) out->reply->n_edits = 0;
	uint64_t len = sizeof(rdx_reply) + (uint64_t)out->reply->n_edits * sizeof(rdx_edit);
	return (uint64_t)(uintptr_t)out->reply << 32 | len;
}

#ifdef __wasm__
extern uint8_t __heap_base; /* the linker's: where static data ends */

/* rdx_heap returns the address of len bytes, aligned to 16, that begin skip bytes
 * behind the static data. It grows the memory if it has to, and returns 0 if it
 * cannot. It keeps no account: the same skip gives the same bytes. */
static inline uint32_t rdx_heap(uint32_t skip, uint32_t len) {
	uint64_t at = ((uint64_t)(uintptr_t)&__heap_base + skip + RDX_ALIGN - 1) & ~(uint64_t)(RDX_ALIGN - 1);
	uint64_t pages = (at + len + 0xffff) >> 16, have = __builtin_wasm_memory_size(0);
	if (pages > 0x10000 || (pages > have && __builtin_wasm_memory_grow(0, (uint32_t)(pages - have)) == (__SIZE_TYPE__)-1)) return 0;
	return (uint32_t)at;
}
#endif

#endif
