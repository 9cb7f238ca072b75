/* The reference redactor of ABI.md, section 10, on the header for C. */
#include "../../c/rdx.h"

enum { run, star };

#define REPLY (sizeof(rdx_reply) + 1024 * sizeof(rdx_edit))

RDX_MARKER

/* The reply lies behind the static data, the request behind the reply. */
RDX_EXPORT("rdx_alloc") uint32_t alloc(uint32_t len) { return rdx_heap(REPLY, len); }

RDX_EXPORT("rdx_configure") int32_t configure(const uint8_t *text, uint32_t len) {
	(void)text;
	if (len != 0) return 1;
	return rdx_heap(REPLY, RDX_ROOM) ? 0 : 2;
}

static uint16_t score(const rdx_field *f) {
	return f->role + 16 * f->format + 256 * f->key_len + 4096 * f->group + (f->key_len ? 3 * f->key[0] : 0);
}

static void look(rdx_out *out, uint32_t field, const rdx_field *f) {
	const uint8_t *t = f->text;
	for (uint32_t i = 0; i < f->text_len; i++) {
		uint32_t from = i;
		if (t[i] == '*') {
			while (i + 1 < f->text_len && t[i + 1] == '*') i++;
			rdx_add(out, field, from, i + 1, run, score(f));
		} else if (t[i] == 0xe2 && t[i + 1] == 0x98 && t[i + 2] == 0x85) { /* UTF-8 is whole, and the tail can be read */
			rdx_add(out, field, i, i + 3, star, score(f));
			i += 2;
		}
	}
}

RDX_EXPORT("rdx_redact") uint64_t redact(const uint8_t *request, uint32_t len) {
	rdx_out out = rdx_begin((void *)(uintptr_t)rdx_heap(0, REPLY), REPLY);
	if (!rdx_valid(request, len)) return rdx_end(&out, 1);
	for (uint32_t i = 0; i < rdx_count(request); i++) {
		rdx_field f = rdx_get(request, i);
		look(&out, i, &f);
	}
	return rdx_end(&out, 0);
}
