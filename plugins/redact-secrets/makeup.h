/* makeup.h: what a value consists of: how random it is, and whether it is words, or stands in the
 * place of a secret. */
#ifndef SECRETS_MAKEUP_H
#define SECRETS_MAKEUP_H

#include "names.h"

#define MAX_VALUE 512

static uint16_t log_table[257]; /* n * log2(n), in 1/16 */

/* entropy returns the Shannon entropy of [a, b), of 256 bytes at most, in 1/16 bit
 * a byte. */
RARE int entropy(const scan *s, int a, int b) {
	static uint8_t count[256]; /* zero before and behind */
	b = min(b, a + 255);
	int n = b - a;
	uint32_t sum = 0;
	spend(48 * n);
	if (n < 2) return 0;
	for (int i = a; i < b; i++) count[s->t[i]]++;
	for (int i = a; i < b; i++) sum += log_table[count[s->t[i]]], count[s->t[i]] = 0;
	return (log_table[n] - (int)sum) / n;
}

/* contains looks for a word of small letters in [a, b), whatever its case. */
RARE int contains(const scan *s, int a, int b, const char *word) {
	const v128_t small = wasm_u8x16_splat(0x20), first = wasm_u8x16_splat((uint8_t)word[0]), second = wasm_u8x16_splat((uint8_t)word[1]);
	for (b = min(b, a + 64); a < b; a += 16) {
		v128_t both = wasm_v128_and(wasm_i8x16_eq(wasm_v128_or(wasm_v128_load(s->t + a), small), first), wasm_i8x16_eq(wasm_v128_or(wasm_v128_load(s->t + a + 1), small), second));
		for (uint32_t hits = wasm_i8x16_bitmask(both); hits; hits &= hits - 1) {
			int i = a + __builtin_ctz(hits);
			spend(100);
			if (i < b && has_any_case(s, i, word)) return 1;
		}
	}
	return 0;
}

/* Words that stand in the place of a secret are looked for in sixteen places at a time, by their first three
 * bytes: those of a group, which are next to each other here, are a kind of byte, as in kinds(), in each. */
static const struct {
	uint8_t group;
	const char *word;
} in_place[] = {{0, "<"}, {1, "${"}, {1, "{{"}, {1, "$("}, {1, "%("}, {2, "***"}, {2, "://"}, {2, "_here"}, {3, "xxxx"}, {3, "your"},
	{4, "changeme"}, {4, "change_me"}, {4, "environ"}, {5, "placeholder"}, {5, "process.env"}, {5, "getenv"}, {6, "sample"}, {6, "secrets."}, {6, "os."},
	{7, "redacted"}, {7, "dummy"}, {7, "insert"}, {7, "..."}, {7, "replace_"}};
#define N_IN_PLACE (int)(sizeof in_place / sizeof in_place[0])

static struct {
	v128_t low, high;
} in_place_bytes[3];

static struct {
	uint64_t head, mask; /* the first eight bytes */
	int length;
} in_place_words[N_IN_PLACE];
static int group_start[9]; /* in in_place */

RARE int whole_word(const scan *s, int i, int k) {
	return i + in_place_words[k].length <= s->n && (in_place_words[k].length <= 8 || has_any_case(s, i, in_place[k].word));
}

/* names_something reports whether the template that opens with two bytes at i names something. One that goes on with a bracket
 * that nothing has opened, or not both of its own, is part of a password. */
RARE int names_something(const scan *s, int i) {
	spend(120);
	int j = i + 2, e;
	while (at(s, j, ' ') && j < i + 4) j++;
	e = ahead(s, j, min(s->n, j + 32), &NAME_SET, 0);
	if (s->t[i] == '%') return e > j && (at(s, e, ')') || at(s, e, ':')); /* %(name)s */
	return !at(s, e, ']') && !at(s, e, ')') && (!at(s, e, '}') || !at(s, i, '{') || at(s, e + 1, '}'));
}

/* ahead_of reports whether c stands in the 64 bytes behind i, before b. */
static int ahead_of(const scan *s, int i, int b, uint8_t c) {
	b = min(b, i + 64);
	while (i < b && s->t[i] != c) i++;
	spend(300);
	return i < b;
}

/* placeholder reports whether one of the words of some groups stands at i, and for [a, b). */
RARE int placeholder(const scan *s, int a, int b, int i, int groups) {
	uint64_t head = small(s->t + i);
	for (; groups; groups &= groups - 1) {
		int group = __builtin_ctz(groups);
		for (int k = group_start[group]; k < group_start[group + 1]; k++)
			if ((head & in_place_words[k].mask) == in_place_words[k].head && whole_word(s, i, k) && (!in(s->t[i], LETTER) || stands_alone(s, a, b, i, in_place_words[k].length))) return group == 0 ? i == a || ahead_of(s, i, b, '>') : group != 1 || names_something(s, i);
	}
	return 0;
}

/* remember keeps where the value [a, b) had what stands in the place of one: many may begin before it, of which each
 * goes on to it. It returns 1. */
static int remember(scan *s, int a, int b, int at, int size, int reach) {
	s->stand_in = at, s->stand_in_size = size, s->stand_in_reach = reach, s->stand_in_from = a, s->stand_in_to = b;
	return 1;
}

/* known_to_stand_in reports whether stands_in would find what it found in a value of which [a, b) is a part. It does not
 * look for it behind a hash. */
static inline int known_to_stand_in(const scan *s, int a, int b) {
	return s->stand_in >= a && a >= s->stand_in_from && b <= s->stand_in_to && s->t[a] != '#' && s->stand_in + s->stand_in_size <= min(b, a + s->stand_in_reach);
}

/* stands_in reports whether a value stands in the place of a secret: a variable,
 * an example, a row of the same character. */
RARE int stands_in(scan *s, int a, int b) {
	uint8_t first = s->t[a], last = s->t[b - 1];
	spend(500);
	if (first == '$' || first == '%' || first == '&' || first == '@' || first == '#' || (first == '*' && last == '*')) return first != '#' || b - a < 8 || (s->t[a + 1] == '{' && last == '}');
	int found;
	if ((found = repeats(s, a, b))) return remember(s, a, b, found - 1, 6, 256);
	if ((found = published(s, a, b, 1))) return remember(s, a, b, found - 1, 1, 256);
	int end = min(b, a + 64);
	for (int k = a; k < end; k += 16) {
		v128_t groups = wasm_i8x16_splat(-1);
		for (int n = 0; n < 3; n++) groups = wasm_v128_and(groups, kinds(wasm_v128_or(wasm_v128_load(s->t + k + n), wasm_u8x16_splat(0x20)), in_place_bytes[n].low, in_place_bytes[n].high));
		for (uint32_t hits = wasm_i8x16_bitmask(wasm_i8x16_ne(groups, wasm_i8x16_splat(0))); hits; hits &= hits - 1) {
			int lane = __builtin_ctz(hits);
			if (k + lane >= end) break;
			spend(200);
			uint8_t groups_at[16];
			wasm_v128_store(groups_at, groups);
			if (placeholder(s, a, b, k + lane, groups_at[lane])) return remember(s, a, b, k + lane, 1, 64);
		}
	}
	return 0;
}

static void prepare_values(void) {
	for (int n = 2; n <= 256; n++) { /* log2 by squaring: no floating point */
		uint32_t x = (uint32_t)n << 16, whole = 0, part = 0;
		while (x >= 2u << 16) x >>= 1, whole++;
		for (int bit = 0; bit < 8; bit++) {
			x = (uint32_t)((uint64_t)x * x >> 16), part <<= 1;
			if (x >= 2u << 16) x >>= 1, part |= 1;
		}
		log_table[n] = (uint16_t)(((whole << 8 | part) * (uint32_t)n) >> 4);
	}
	uint8_t low[3][16] = {{0}}, high[3][16] = {{0}};
	for (int k = 0; k < N_IN_PLACE; k++) {
		const char *w = in_place[k].word;
		uint8_t group = (uint8_t)(1 << in_place[k].group);
		for (int n = 0, ended = 0; n < 3; n++) {
			ended |= !w[n];
			for (int half = 0; half < 16; half++) {
				if (ended || ((w[n] | 0x20) & 15) == half) low[n][half] |= group;
				if (ended || (w[n] | 0x20) >> 4 == half) high[n][half] |= group;
			}
		}
		int length = 0;
		in_place_words[k].head = in_place_words[k].mask = 0;
		for (; w[length]; length++)
			if (length < 8) in_place_words[k].head |= (uint64_t)(uint8_t)w[length] << 8 * length, in_place_words[k].mask |= 0xffull << 8 * length;
		in_place_words[k].length = length, group_start[in_place[k].group + 1] = k + 1;
	}
	for (int n = 0; n < 3; n++) in_place_bytes[n].low = wasm_v128_load(low[n]), in_place_bytes[n].high = wasm_v128_load(high[n]);
}

/* A makeup is what a value consists of. */
typedef struct {
	int letters, digits;
	int turns;     /* from letters to digits and back, and from small letters to capitals */
	int long_word; /* five letters in a row: of one case, or a capital and small ones */
	int digits_ahead; /* in the first 256 bytes, as what follows */
	int upper, lower, dots, spaced;
	int special;   /* in the first 64 bytes, something that neither names nor numbers have */
} makeup;

/* made_of looks at [a, b) in blocks of 64 bytes, in which a bit stands for each. */
RARE void made_of(const scan *s, int a, int b, makeup *m) {
	uint64_t was_upper = 0, was_lower = 0, was_digit = 0, was_same = 0; /* the bits of the block before */
	*m = (makeup){0};
	spend(22 * (b - a));
	for (int k = 0; a + k < b; k += 64) {
		uint64_t upper = 0, lower = 0, digit = 0, dot = 0, spaced = 0, special = 0, all = b - a - k < 64 ? (1ull << (b - a - k)) - 1 : ~0ull;
		for (int j = 0; j < 64 && a + k + j < b; j += 16) {
			const uint8_t *p = s->t + a + k + j;
			v128_t v = wasm_v128_load(p);
			upper |= (uint64_t)wasm_i8x16_bitmask(between(v, 'A', 'Z')) << j, lower |= (uint64_t)wasm_i8x16_bitmask(between(v, 'a', 'z')) << j;
			digit |= (uint64_t)digits_at(p) << j, dot |= (uint64_t)wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_u8x16_splat('.'))) << j;
			spaced |= (uint64_t)(outside(p, &sets[BREAKS]) ^ SIDES) << j, special |= (uint64_t)outside(p, &NAME_SET) << j;
		}
		upper &= all, lower &= all, digit &= all;
		uint64_t letter = upper | lower, upper_before = upper << 1 | was_upper >> 63, lower_before = lower << 1 | was_lower >> 63;
		uint64_t letter_before = upper_before | lower_before, digit_before = digit << 1 | was_digit >> 63;
		uint64_t same = (upper & upper_before) | (lower & lower_before) | (lower & upper_before & ~(upper << 2 | was_upper >> 62)); /* bytes that go on with a word */
		m->turns += __builtin_popcountll((digit & letter_before) | (letter & digit_before) | (upper & lower_before));
		m->letters += __builtin_popcountll(letter), m->digits += __builtin_popcountll(digit);
		m->long_word |= (same & (same << 1 | was_same >> 63) & (same << 2 | was_same >> 62) & (same << 3 | was_same >> 61)) != 0;
		if (k < 256) {
			m->digits_ahead = m->digits;
			m->upper |= upper != 0, m->lower |= lower != 0, m->dots |= (dot & all) != 0, m->spaced |= (spaced & all) != 0;
		}
		if (k == 0) m->special = (special & all) != 0;
		was_upper = upper, was_lower = lower, was_digit = digit, was_same = same;
	}
}

/* wordy reports whether a value of n bytes is words joined, as identifiers, paths and
 * versions are: a random one has digits between its letters, or both cases. */
static int wordy(const makeup *m, int n) {
	int joints = n - m->letters - m->digits;
	if (m->digits == 0 && joints == 0) return m->turns * 6 < n;
	if (m->digits >= m->letters) return 0;
	return m->long_word && (m->turns + joints) * 5 < n + joints;
}

/* Pairs of small letters, a bit for the second one, that hardly occur in words: less than once in ten thousand, as counted in the
 * sources and comments of the standard library of Go and the documentation of Debian, but for those that are usual in other
 * languages of Europe. Of random pairs they are two in five. */
static const uint32_t unusual_pairs[26] = {
	0x0014200, 0x2e1b4e8, 0x0c10202, 0x2c10482, 0x2000000, 0x2e126c2, 0x3e1862a, 0x2e186e6, 0x1510180,
	0x3ebbfee, 0x3e196ae, 0x2810280, 0x3e302e4, 0x2c10200, 0x3010080, 0x2e13202, 0x3efffff, 0x0810280,
	0x0a10202, 0x0210600, 0x3710680, 0x3fdbeee, 0x3b9966e, 0x3f77eea, 0x3b106aa, 0x3b7feee,
};

/* numbered reports whether [a, b) is what people call things of which there are several: words joined by hyphens, and among them
 * numbers, no more and short, with a letter or two before or behind them: sea-salt-500g, auth=basic-v2. There are
 * no capitals, a word has a vowel, and of the pairs of letters that words hardly have one may be in all of it. */
RARE int numbered(const scan *s, int a, int b) {
	int words = 0, numbers = 0, unusual = 0;
	spend(100);
	for (int e; a < b; a = e + 1) {
		int vowel = 0, digit = run_end(s, a, LOWER, 13), number = run_end(s, digit, DIGIT, 4);
		spend(400);
		e = number > digit ? run_end(s, number, LOWER, digit > a ? 0 : 2) : digit;
		if (e < b && !in(s->t[e], URLSAFE | EQUALS)) return 0;
		if (number > digit ? digit - a > 2 : e - a < 2) return 0;
		words += number == digit, numbers += number > digit;
		if (number > digit) continue;
		for (int k = a; k < e; k++) {
			uint8_t c = s->t[k];
			if (k > a) unusual += unusual_pairs[s->t[k - 1] - 'a'] >> (c - 'a') & 1;
			vowel |= c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
		}
		if (!vowel) return 0;
	}
	return numbers > 0 && words >= numbers && unusual < 2;
}

/* begins_with_word reports whether [a, b) is what programs call things: a word, a hyphen, and no capitals: web-7f9c8d6b5f-x2k4q. */
static int begins_with_word(const scan *s, int a, int b, const makeup *m) {
	int e = run_end(s, a, LOWER, b - a);
	return !m->upper && e >= a + 3 && at(s, e, '-') && run_end(s, e + 1, ALNUM, 24) < e + 25;
}

/* may_be_id reports whether [a, b) may be what is called by a digest or a UUID as often as it is a key. */
RARE int may_be_id(const scan *s, int a, int b) {
	int n = b - a, e;
	if (n != 36 && n != 40 && n != 64) return 0;
	spend(60);
	e = run_end(s, a, HEX, n);
	if (n != 36 && e == b && (classes(s, a, b) & (UPPER | LOWER)) == (UPPER | LOWER)) return 0; /* a digest has letters of one case */
	return n == 36 ? e == a + 8 && at(s, e, '-') && at(s, a + 23, '-') : e == b;
}

#define MIN_JUMBLE 10

/* jumbled reports whether ten letters and more of one case stand in a row in [a, b) that are no words: a fifth
 * of the pairs are unusual. */
RARE int jumbled(const scan *s, int a, int b) {
	b = min(b, a + 256);
	spend(150 + 25 * (b - a));
	for (int run = 0, unusual = 0, kind = 0; a < b; a++) {
		uint8_t c = s->t[a];
		int of = class[c] & LETTER;
		if (of != kind || !of) run = unusual = 0, kind = of;
		else unusual += unusual_pairs[((s->t[a - 1] | 0x20) - 'a') & 31] >> ((c | 0x20) - 'a') & 1;
		if (of && ++run >= MIN_JUMBLE && unusual >= 3 && unusual * 5 >= run) return 1;
	}
	return 0;
}

/* mangled reports whether a bracket in [a, b) closes one of another kind than was opened last, which neither code nor templates do. */
RARE int mangled(const scan *s, int a, int b) {
	uint64_t open = 0;
	spend(60 + 6 * (b - a));
	for (; (a = ahead(s, a, b, &sets[BRACKETS], SIDES)) < b; a++) {
		uint8_t c = s->t[a];
		spend(120);
		if (c == '(' || c == '[' || c == '{') open = open << 8 | c;
		else if (open && ((uint8_t)open & 0x60) != (c & 0x60)) return 1; /* round ones are at 28 and 29, the others at 5b and 5d, 7b and 7d */
		else open >>= 8;
	}
	return 0;
}

/* has_sign reports whether a sign that code hardly has there stands between two letters or digits of [a, b). */
RARE int has_sign(const scan *s, int a, int b) {
	spend(60 + 6 * (b - a));
	for (int k = a + 1; (k = ahead(s, k, b - 1, &sets[SIGNS], SIDES)) < b - 1; k++) {
		spend(100);
		if (in(s->t[k - 1], ALNUM) && in(s->t[k + 1], ALNUM)) return 1;
	}
	return 0;
}

/* jumpy reports whether a letter follows a digit in [a, b), which numbered names hardly have. */
RARE int jumpy(const scan *s, int a, int b) {
	spend(12 * (b - a));
	for (; a + 1 < b; a++)
		if (in(s->t[a], DIGIT) && in(s->t[a + 1], LETTER)) return 1;
	return 0;
}

/* four_fours reports whether [a, b) is of the form of what Apple and Google make for one application: abcd-efgh-ijkl-mnop. */
static int four_fours(const scan *s, int a, int b) {
	for (int k = 0; k < 4; k++)
		if (run_end(s, a + 5 * k, LOWER, 5) != a + 5 * k + 4 || (k < 3 && !at(s, a + 5 * k + 4, '-'))) return 0;
	return b - a == 19;
}

/* in_query reports whether the next name and value of a query begin at i. */
static int in_query(const scan *s, int i) {
	if (!at(s, i, '&')) return 0;
	int e = ahead(s, i + 1, min(s->n, i + 32), &NAME_SET, 0);
	spend(100);
	return e > i + 1 && at(s, e, '=');
}

/* in_fields returns the semicolon from i on, before b, behind which a field of a connection string begins that is called a password or a key, or 0:
 * ";Password=…", "; AccountKey=…". The values of the others are read as one. */
RARE int in_fields(const scan *s, int i, int b) {
	spend(100);
	if (ahead(s, i, b, &sets[BINDS], SIDES) == b) return 0;
	for (; (i = ahead(s, i, b, &sets[ENDS_FIELD], SIDES)) < b; i++) {
		int a = i + 1 + at(s, i + 1, ' '), e = ahead(s, a, min(b, i + 32), &NAME_SET, 0);
		spend(150);
		if (e - a < 3 || !at(s, e, '=') || s->t[i] != ';' || (e - a == 3 && (s->t[a] | 0x20) == 'k')) continue;
		uint32_t last = (uint32_t)s->t[e - 3] << 16 | (uint32_t)s->t[e - 2] << 8 | s->t[e - 1];
		switch (last | 0x202020) case 0x6b6579: case 0x707764: case 0x737764: case 0x6f7264: case 0x726574: case 0x6b656e: return i; /* key, pwd, swd, ord, ret, ken */
	}
	return 0;
}

#endif
