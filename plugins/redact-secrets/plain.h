/* plain.h: short values that are judged by their names alone. */
#ifndef SECRETS_PLAIN_H
#define SECRETS_PLAIN_H

#include "protocols.h"

#define BRIEF 16 /* bytes of a value of which it is worth while to see whether a name may stand before it */

/* may_be_plain reports whether nothing but a name makes a secret of the short value [a, b) that stands in no quotes: most of lists
 * and tables are such. */
static inline int may_be_plain(const scan *s, int a, int b) {
	static const value_name none;
	if (b - a > BRIEF || a < 17 || ruled(s, a) || may_be_behind(s, a)) return 0;
	v128_t v = wasm_v128_load(s->t + a);
	uint32_t binds = wasm_i8x16_bitmask(wasm_v128_or(wasm_i8x16_eq(v, wasm_u8x16_splat('=')), wasm_i8x16_eq(v, wasm_u8x16_splat(':'))));
	if (binds & ((1u << (b - a)) - 1)) return 0;
	uint8_t before = s->t[a - 1] == ' ' ? s->t[a - 2] : s->t[a - 1];
	if (before == ',' || in(before, DIGIT)) return s->t[a] != '-'; /* as in a list, where the others have their letters */
	spend(200);
	return !may_be_of_protocol(s, a, b - a, 0, &none) && !may_be_placed(s, a, b, 0) && !may_be_given(s, a, b, 0);
}

#endif
