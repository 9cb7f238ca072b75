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

/* figures_alone reports whether the value [a, b) is digits and what stands between the parts of a time, a date, an address or a port: whatever names it, if it
 * stands in no quotes, and in them, if a number does. */
static inline int figures_alone(const scan *s, int a, int b, int quoted) {
	if (b - a <= BRIEF && (s->t[a + 1] == ':' || s->t[a + 2] == ':') && in(s->t[a], HEX) && !quoted) { /* a4:1f:2c, behind one that is no name */
		spend(100);
		if (ahead(s, a, b, &sets[IN_ROW], 0) == b && ahead(s, a, b, &sets[IN_FIGURES], 0) < b) return a > 0 && s->t[a - 1] != '>' && (spend(UNNAMING), wordless(s, a));
	}
	if (s->t[b - 1] == 'm' && (s->t[b - 2] == 'a' || s->t[b - 2] == 'p')) b -= 2; /* 9:05am */
	if (b - a > 2 * BRIEF || !in(s->t[a], DIGIT) || !in(s->t[b - 1], DIGIT | STD) || a < 5 || s->t[a - 1] == '>') return 0;
	spend(100);
	if (ahead(s, a, b, &sets[IN_FIGURES], 0) < b) return 0;
	if (quoted) return run_end(s, a, DIGIT, b - a) < b && numeral(s, a);
	uint8_t last = s->t[a - 2] | 0x20, before = s->t[a - 3] | 0x20;
	if (s->t[a - 1] == ' ' && ((last == 'd' && (before == 'r' || before == 'w')) || (last == 's' && before == 'i'))) return 0; /* password 12-34-56 */
	if (b < s->n && class[s->t[b]] & STOP && (s->t[a - 1] == '=' || s->t[a - 1] == ':' || (s->t[a - 1] == ' ' && s->t[a - 2] == ':'))) return 0; /* what goes on */
	if (run_end(s, a, DIGIT, b - a) < b) return 1;
	return s->t[a - 1] == ' ' && last == 'd' && before == 'i' && !in(s->t[a - 4], WORD); /* id 12345678 */
}

/* coordinates reports whether [a, b) stands in a list of numbers and no letter in it beside another: l-1.25,3.4c5.66-7,8 of a path that is drawn. */
static inline int coordinates(const scan *s, int a, int b) {
	if (s->t[a - 1] != ',' || !in(s->t[a - 2], DIGIT) || s->t[b] != ',' || !in(s->t[b - 1], DIGIT) || b - a > BRIEF) return 0;
	v128_t v = wasm_v128_or(wasm_v128_load(s->t + a), wasm_u8x16_splat(0x20));
	uint32_t letters = wasm_i8x16_bitmask(between(v, 'a', 'z')) & ((1u << (b - a)) - 1);
	spend(40);
	return !(letters & letters << 1) && b < s->n && a > 1;
}

/* brief_part reports whether the part [split, b) of the value at a, behind a colon, is too short to be a secret, or a port behind the number of a host in a
 * list: whatever the name is. */
static inline int brief_part(const scan *s, int split, int b) {
	spend(50);
	if (b - split >= SHORTEST_PASSWORD) return (b == s->n || is(s, b, SPACE)) && figures_alone(s, split, b, 0);
	return b == s->n || is(s, b, SPACE) || (b - split >= 4 && s->t[b] == ',' && in(s->t[split - 2], DIGIT) && run_end(s, split, DIGIT, 6) == b);
}

/* link reports whether a scheme and what separates it from a host begin the value at a: stands_in says of it that it is no secret. */
static inline int link(const scan *s, int a) {
	v128_t v = wasm_v128_load(s->t + a);
	uint32_t colons = wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_u8x16_splat(':')));
	int k = a + __builtin_ctz(colons | 1 << 16);
	return k > a && k < a + 16 && k + 2 < s->n && s->t[k + 1] == '/' && s->t[k + 2] == '/' && !(outside(s->t + a, &NAME_SET) & ((1u << (k - a)) - 1));
}

#endif
