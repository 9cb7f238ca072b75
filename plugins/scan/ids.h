/* ids.h: texts that are ids by their form: of traces, spans, requests, calls and pods, and UUIDs. Telemetry is full of
 * them, and all have digits that would have to be judged. What a redactor can find in one that has no sign but '-' and
 * '_' in it is little, so that most are seen to hold nothing by some bits for each of their bytes. */
#ifndef SCAN_IDS_H
#define SCAN_IDS_H

#include "tokens.h"

#define MAX_ID 39 /* bytes: a UUID, or 32 digits behind a word; many secrets have one more */

/* The bytes of an id, a bit for each. */
typedef struct {
	uint64_t lower, upper, digit, hyphen;
} id_bytes;

/* read_id reports whether a text is of that length and has only letters, digits, '-' and '_'. */
static inline int read_id(const uint8_t *t, uint32_t n, id_bytes *id) {
	*id = (id_bytes){0};
	if (n > MAX_ID) return 0;
	for (uint32_t k = 0; k < n; k += 16) {
		v128_t v = wasm_v128_load(t + k);
		uint32_t of_text = n - k < 16 ? (1u << (n - k)) - 1 : SIDES;
		if (outside(t + k, &sets[set_number(BASE64U)]) & of_text) return 0;
		id->lower |= (uint64_t)(wasm_i8x16_bitmask(between(v, 'a', 'z')) & of_text) << k;
		id->upper |= (uint64_t)(wasm_i8x16_bitmask(between(v, 'A', 'Z')) & of_text) << k;
		id->digit |= (uint64_t)(digits_at(t + k) & of_text) << k;
		id->hyphen |= (uint64_t)(wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_u8x16_splat('-'))) & of_text) << k;
	}
	return 1;
}

#endif
