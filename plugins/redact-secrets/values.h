/* values.h: secrets that are known by what stands before them, and by how random
 * they are. */
#ifndef SECRETS_VALUES_H
#define SECRETS_VALUES_H

#include "names.h"

#define MAX_VALUE 512

static uint16_t log_table[257]; /* n * log2(n), in 1/16 */

/* entropy returns the Shannon entropy of [a, b), of 256 bytes at most, in 1/16 bit
 * a byte. */
RARE int entropy(const scan *s, int a, int b) {
	uint8_t count[256] = {0};
	b = min(b, a + 255);
	int n = b - a;
	uint32_t sum = 0;
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
			if (i < b && has_any_case(s, i, word)) return 1;
		}
	}
	return 0;
}

static const char *const in_place[] = {"xxxx", "your", "placeholder", "changeme", "change_me", "redacted", "dummy", "sample", "insert", "<", "${", "{{", "$(", "%(", "***",
	"...", "process.env", "environ", "getenv", "os.", "secrets.", "0000000", "_here", "://"};
static uint32_t in_place_by_first[256]; /* sets of them */

/* They are looked for in sixteen places at a time, by their first three bytes: words of a group are a kind
 * of byte, as in kinds(), in each. Of the groups two are for words of one byte and of two. */
static struct {
	v128_t low, high;
} in_place_bytes[3];

/* stands_in reports whether a value stands in the place of a secret: a variable,
 * an example, a row of the same character. */
RARE int stands_in(const scan *s, int a, int b) {
	uint8_t first = s->t[a], last = s->t[b - 1];
	if (first == '$' || first == '%' || first == '&' || first == '@' || first == '#' || (first == '*' && last == '*')) return first != '#' || b - a < 8;
	if (repeats(s, a, b) || published(s, a, b)) return 1;
	int end = min(b, a + 64);
	for (int k = a; k < end; k += 16) {
		v128_t groups = wasm_i8x16_splat(-1);
		for (int n = 0; n < 3; n++) groups = wasm_v128_and(groups, kinds(wasm_v128_or(wasm_v128_load(s->t + k + n), wasm_u8x16_splat(0x20)), in_place_bytes[n].low, in_place_bytes[n].high));
		for (uint32_t hits = wasm_i8x16_bitmask(wasm_i8x16_ne(groups, wasm_i8x16_splat(0))); hits; hits &= hits - 1) {
			int i = k + __builtin_ctz(hits);
			if (i >= end) break;
			for (uint32_t words = in_place_by_first[s->t[i]]; words; words &= words - 1)
				if (has_any_case(s, i, in_place[__builtin_ctz(words)])) return 1;
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
	for (unsigned k = 0; k < sizeof in_place / sizeof in_place[0]; k++) {
		const char *w = in_place[k];
		uint8_t group = (uint8_t)(1 << (!w[1] ? 0 : !w[2] ? 1 : 2 + k % 6));
		for (int n = 0, ended = 0; n < 3; n++) {
			ended |= !w[n];
			for (int half = 0; half < 16; half++) {
				if (ended || ((w[n] | 0x20) & 15) == half) low[n][half] |= group;
				if (ended || (w[n] | 0x20) >> 4 == half) high[n][half] |= group;
			}
		}
		uint8_t c = (uint8_t)in_place[k][0];
		in_place_by_first[c] |= 1u << k;
		if (class[c] & LOWER) in_place_by_first[c & ~0x20] |= 1u << k;
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
	for (int k = 0; a + k < b; k += 64) {
		uint64_t upper = 0, lower = 0, digit = 0, dot = 0, spaced = 0, special = 0, all = b - a - k < 64 ? (1ull << (b - a - k)) - 1 : ~0ull;
		for (int j = 0; j < 64 && a + k + j < b; j += 16) {
			const uint8_t *p = s->t + a + k + j;
			v128_t v = wasm_v128_load(p);
			upper |= (uint64_t)wasm_i8x16_bitmask(between(v, 'A', 'Z')) << j, lower |= (uint64_t)wasm_i8x16_bitmask(between(v, 'a', 'z')) << j;
			digit |= (uint64_t)digits_at(p) << j, dot |= (uint64_t)wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_u8x16_splat('.'))) << j;
			spaced |= (uint64_t)(outside(p, &sets[IN_BREAKS]) ^ SIDES) << j, special |= (uint64_t)outside(p, &NAME_SET) << j;
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

/* begun_by, for any of the rules, reports whether [start, end) begins like a token of a kind that is known
 * and was found not to be one: a mention, or one that is cut off. What is longer than
 * the kind may be of a kind that is not known yet. */
RARE int begun_by(const scan *s, int start, int end, int k) {
	if (!has_prefix(s, start, k)) return 0;
	const rule *r = &rules[rule_order[k]];
	int n = rule_heads[k].length, length = end - start;
	uint8_t last = (uint8_t)r->prefix[n - 1];
	return n >= 4 && (last == '-' || last == '_' || last == 'i') && n <= length && r->score > 700 && (length - n <= r->min + 4 || r->check == SLACK);
}

RARE int begun_by_any(const scan *s, int start, int end) {
	int slot = rule_slot(s->t[start], s->t[start + 1]);
	uint64_t head;
	__builtin_memcpy(&head, s->t + start, 8);
	for (int k = rule_first[slot]; k < rule_first[slot + 1]; k++)
		if (may_be_of(head, k) && begun_by(s, start, end, k)) return 1;
	return 0;
}

static inline int begun(const scan *s, int start, int end) { return ruled(s, start) && begun_by_any(s, start, end); }

/* file_name reports whether a value ends like the name of a file or host. */
static int file_name(const scan *s, int a, int b) {
	int i = run_start(s, b, LETTER, 5), n = b - i;
	return i > a && s->t[i - 1] == '.' && n >= 2 && n <= 4 && run_end(s, i, LOWER, n) == b;
}

/* telegram_like: a number, a colon and an A; shaped() has not found it whole. */
static int telegram_like(const scan *s, int a, int b) {
	int e = run_end(s, a, DIGIT, b - a);
	return e - a >= 4 && at(s, e, ':') && at(s, e + 1, 'A');
}

/* worth says what a value is worth under a name. */
RARE int worth(const scan *s, int a, int b, const value_name *v, int quoted) {
	int n = b - a, say = level(v);
	if (say == 0 || n < 4 || n > MAX_VALUE) return 0;
	makeup m;
	made_of(s, a, b, &m);
	int digits = m.digits_ahead, letters = m.upper | m.lower;
	if (m.spaced || telegram_like(s, a, b) || (say < 3 && file_name(s, a, b)) || stands_in(s, a, b)) return 0;
	if (say == 3) {
		if (digits == 0 && (contains(s, a, b, "password") || contains(s, a, b, "required") || contains(s, a, b, "optional") || contains(s, a, b, "undefined"))) return 0;
		if (!v->bound && n >= 16 && digits > 0 && letters && !wordy(&m, n) && entropy(s, a, b) >= 48) return 520;
		if (!v->bound) return n >= 8 && digits > 0 && (m.special || (m.upper && m.lower)) && !fewer(s, a, b, 6) ? 520 : 0;
		if (s->t[b - 1] == ')' && !quoted) return 0; /* a call */
		if (digits > 0 && letters && n >= 6) return quoted || !wordy(&m, n) ? 650 : 510;
		if (m.special && letters && n >= 6) return quoted ? 600 : 0;
		if (digits == n) return n >= 6 && (quoted || n <= 12) ? 520 : 0;
		return quoted && n >= 8 && !m.dots && !fewer(s, a, b, 6) ? 520 : 0;
	}
	if (n < (say == 2 ? 8 : 14) || !letters || (digits == 0 && n < (quoted ? 12 : 20))) return digits == n && n >= 15 && v->bound && v->any & 1 << W_VENDOR && entropy(s, a, b) > 40 ? 520 : 0;
	if (digits == 0 && !(m.upper && m.lower)) return 0;
	if (wordy(&m, n) || entropy(s, a, b) < (n < 16 ? 40 : n < 24 ? 46 : 48)) return 0;
	if (!v->bound) return n >= 16 && say == 2 && s->t[a] != '/' && v->last & (1 << W_SECRET | 1 << W_KEY) ? 520 : 0;
	return say == 2 ? 700 : 550;
}

static int has_name(scan *s, int i) {
	value_name v = name_of(s, i);
	return v.any & (1 << W_PASS | 1 << W_SECRET | 1 << W_KEY | 1 << W_LOCK | 1 << W_VENDOR) && !(v.any & 1 << W_OPEN);
}

static int ends_value(uint8_t c) { return class[c] & (SPACE | QUOTE | STOP); }

/* password_end returns the end of a password that begins at a: brackets and bars
 * may be in it, spaces and quotes not. */
static int password_end(const scan *s, int a) {
	return ahead(s, a, min(s->n, a + 128), &sets[IN_QUOTES], SIDES);
}

/* may_decide reports whether [a, b) may be a value behind a name: it is none if it is the argument of a call. */
static inline int may_decide(const scan *s, int a, int b, int quoted) {
	uint8_t before = a > 0 ? s->t[a - 1] : 0;
	return a >= s->last && b - a >= 4 && (quoted || before != '(') && class[before] & (SPACE | QUOTE | OPERATOR);
}

/* decide reports the value [a, b) if its name speaks for it. */
RARE int decide(scan *s, int a, int b, int quoted, const value_name *v) {
	if (!v->any) return 0;
	if (!quoted && level(v) == 3) {
		b = password_end(s, a);
		while (b > a && (s->t[b - 1] == ',' || s->t[b - 1] == ';' || s->t[b - 1] == '.' || s->t[b - 1] == ')' || s->t[b - 1] == '&')) b--;
		for (int i = a; i < b; i++)
			if (s->t[i] == '&' || s->t[i] == ';') b = i; /* of a query or a connection string */
	}
	int score = worth(s, a, b, v, quoted);
	return score && report(s, a, b, level(v) == 3 ? PASSWORD : SECRET, score) ? b : 0;
}

/* named_value looks for the name of the value [a, b), too. */
RARE int named_value(scan *s, int a, int b, int quoted) {
	if (!may_decide(s, a, b, quoted)) return 0;
	value_name v = name_of(s, a);
	return decide(s, a, b, quoted, &v);
}

/* valued examines the value that the digit at i stands in, once. */
RARE int valued(scan *s, int i) {
	if (i < s->base64) return 0;
	int a = i, b = i, stop = max(max(s->last, s->base64), i - MAX_VALUE);
	uint32_t ends = outside(s->t + i - 16, &sets[IN_NAME]) ^ SIDES;
	a = max(ends ? i + 16 - __builtin_clz(ends) : back(s, i - 16, stop, &sets[IN_NAME], SIDES), stop);
	b = ahead(s, i, min(s->n, i + MAX_VALUE), &sets[IN_NAME], SIDES);
	s->base64 = b;
	int open = a, close = b;
	if (a > stop && !(class[s->t[a - 1]] & QUOTE)) open = back(s, a, stop, &sets[IN_MARKUP], SIDES);
	if (open > 0 && class[s->t[open - 1]] & QUOTE && !is(s, open - 2, ALNUM)) { /* in quotes, anything */
		while (close < s->n && close < i + MAX_VALUE && !(class[s->t[close]] & (SPACE | QUOTE)) && s->t[close] != '\\' && s->t[close] != '<') close++;
		if (close < s->n && (s->t[close] == s->t[open - 1] || s->t[close] == '\\')) a = open, b = s->base64 = close;
	}
	int quoted = a > 0 && class[s->t[a - 1]] & QUOTE && b < s->n && (s->t[b] == s->t[a - 1] || s->t[b] == '\\');
	int full = b, found = 0;
	if (!quoted)
		while (b > a && (s->t[b - 1] == '.' || s->t[b - 1] == ':' || s->t[b - 1] == '!' || s->t[b - 1] == '?')) b--;
	if (b - a < 6) return 0;
	a = after_escape(s, a);
	if ((found = by_rule(s, a))) return found;
	if (begun(s, a, b)) return 0;
	/* name=value within: the last '=' or ':' that does not end the value */
	int split = 0;
	for (int k = a; k < i; k++)
		if ((s->t[k] == '=' || s->t[k] == ':') && k + 1 < b && s->t[k + 1] != '/' && s->t[k + 1] != '=') {
			split = k + 1;
			if (s->t[k] == '=' && !quoted) break;
		}
	if (quoted && (found = named_value(s, a, b, 1))) return found;
	if (split && split < b) {
		int query = split;
		while (query < b && s->t[query] != '&' && s->t[query] != ';') query++;
		if ((found = by_rule(s, split))) return found;
		if (!begun(s, split, b) && (found = named_value(s, split, quoted ? b : query, quoted))) return found;
	}
	if (!quoted && (found = named_value(s, a, b, 0))) return found;
	return max(i + 1, min(full, s->run));
}

/* undigited examines the value that begins at a. */
RARE int undigited(scan *s, int a, int quote) {
	int b = ahead(s, a, min(s->n, a + 128), &sets[quote ? IN_QUOTES : IN_CODE], SIDES);
	if (b - a < 6 || b - a >= 128 || (quote && (b >= s->n || (s->t[b] != quote && s->t[b] != '\\')))) return 0;
	/* Digits have their own way, of which this is the same. */
	if (any_digit(s, a, b)) return 0;
	int token = by_rule(s, a);
	if (token) return token;
	if (begun(s, a, b)) return 0;
	if (!may_decide(s, a, b, quote != 0)) return 0;
	value_name v = name_of(s, a);
	return level(&v) < 2 ? 0 : decide(s, a, b, quote != 0, &v);
}

/* holds_none reports whether the colon at i stands behind a name in quotes, and before a number, a
 * literal, an array or an object: most of JSON that is no string. */
static inline int holds_none(const scan *s, int i) {
	uint8_t c = s->t[i + 1];
	if (s->t[i - 1] != '"' || c == '"') return 0;
	if (c == ' ') return c = s->t[i + 2], in(c, DIGIT) || in(c, LOWER) || c == '{' || c == '[';
	const uint8_t *value = s->t + i + 1;
	if (in(c, LOWER)) return (value[4] == ',' && value[5] == '"') || (c == 'f' && value[5] == ',' && value[6] == '"');
	if (c == '-') return in(value[1], DIGIT);
	return in(c, DIGIT) || ((c == '{' || c == '[') && value[1] == '"');
}

/* assigned examines the value behind the operator at i, for values without a
 * digit, which passwords may be. */
static int assigned(scan *s, int i) {
	int a = i + 1, quote = 0;
	if (!(class[s->t[i > 0 ? i - 1 : 0]] & (WORD | QUOTE | SPACE | URLSAFE | HIGH))) return 0;
	if (!at(s, a, '"')) /* as JSON has it */
		while (a < i + 8 && a < s->n && (class[s->t[a]] & SPACE || s->t[a] == '=' || s->t[a] == '>' || s->t[a] == ':' || s->t[a] == '\\')) a++;
	if (is(s, a, QUOTE)) quote = s->t[a++];
	if (!quote && s->t[i] == ':' && a > i + 1 && !is(s, a, UPPER | DIGIT)) return 0; /* prose */
	if (a < s->base64 || a >= s->n || a == s->judged) return 0;
	uint32_t out = outside(s->t + a, &sets[quote ? IN_QUOTES : IN_CODE]) ^ SIDES, digits = digits_at(s->t + a);
	if (out) { /* many values are short, or sentences */
		int n = __builtin_ctz(out);
		if (n < 6 || digits & (out ^ (out - 1)) || (quote && s->t[a + n] != quote && s->t[a + n] != '\\')) return 0;
	}
	value_name v;
	if (!ruled(s, a) && json_name(s, a, &v) && level(&v) < 2) return 0;
	s->judged = a;
	return undigited(s, a, quote);
}

/* url_credentials reads the password before the '@' at i: the name stays. */
RARE int url_credentials(scan *s, int i) {
	int stop = max(s->last, i - 256), j = i, colon = -1;
	while (j > stop && !(class[s->t[j - 1]] & (SPACE | QUOTE)) && s->t[j - 1] != '/' && s->t[j - 1] != '@' && s->t[j - 1] != '<' && s->t[j - 1] != '>') {
		j--;
		if (s->t[j] == ':') colon = j;
	}
	if (colon < 0 || !has(s, j - 3, "://") || !is(s, i + 1, ALNUM | HIGH) || i - colon < 2) return 0;
	if (stands_in(s, colon + 1, i) || s->t[i - 1] == '}' || s->t[colon + 1] == '[') return 0;
	for (int k = 0; k < 4; k++) { /* in the place of a password */
		const char *word = (const char *const[]){"password", "pass", "passwd", "pwd"}[k];
		int n = 0;
		while (word[n]) n++;
		if (i - colon - 1 == n && has_any_case(s, colon + 1, word)) return 0;
	}
	return report(s, j, i, URL_CREDENTIALS, 850) ? i : 0;
}

/* may_be_login reports whether a space, a quote or '=' stands before the name before the colon at
 * i, as far as sixteen bytes tell. */
static inline int may_be_login(const scan *s, int i) {
	uint32_t out = outside(s->t + i - 16, &sets[set_number(WORD | LOCAL | DOT)]);
	int a = i + 16 - __builtin_clz(out | 1);
	if (a <= s->last || !out) return 1;
	uint8_t before = s->t[a - 1];
	return a < i && (before == ' ' || before == '=' || class[before] & QUOTE);
}

/* command_login reads name and password of a command line: -u name:password. */
RARE int command_login(scan *s, int i) {
	int a = run_start(s, i, WORD | LOCAL | DOT, 64), b = i + 1, q = a;
	if (a == i || a < 3) return 0;
	int quote = is(s, a - 1, QUOTE) ? s->t[--q] : 0;
	while (q > 0 && (s->t[q - 1] == ' ' || s->t[q - 1] == '=')) q--;
	if (!(has(s, q - 3, " -u") || has(s, q - 6, "--user") || has(s, q - 3, "'-u") || has(s, q - 3, "\"-u"))) return 0;
	while (b < s->n && b < i + 128 && (quote ? s->t[b] != quote : !(class[s->t[b]] & (SPACE | QUOTE)))) b++;
	if (b - i < 4 || stands_in(s, i + 1, b) || s->t[i + 1] == '[' || s->t[a] == '$') return 0;
	int n = i - a;
	if (b - i - 1 == n) { /* "test:test" */
		int same = 1;
		for (int k = 0; k < n; k++) same &= s->t[a + k] == s->t[i + 1 + k];
		if (same) return 0;
	}
	if (contains(s, i + 1, b, "pass") || contains(s, i + 1, b, "token") || contains(s, i + 1, b, "secret") || contains(s, i + 1, b, "yyy"))
		if (!(classes(s, i + 1, b) & DIGIT)) return 0;
	return report(s, a, b, PASSWORD, 700) ? b : 0;
}

static int one_class(const scan *s, int a, int b, int mask) { return a < b && run_end(s, a, mask, b - a) == b; }

/* hashed reports whether a hash of a password begins at a, behind a dollar sign, as crypt(3) writes it. */
static inline int hashed(const scan *s, int a) {
	if (!at(s, a - 1, '$')) return 0;
	uint8_t c = s->t[a + 1];
	switch (s->t[a]) {
	case '2': return c == 'a' || c == 'b' || c == 'y'; /* bcrypt */
	case '1': case '5': case '6': return c == '$';     /* MD5, SHA-256, SHA-512 */
	case 'a': return has(s, a, "argon2") || has(s, a, "apr1");
	}
	return 0;
}

/* may_be_shaped reports whether the length of the run, or what stands behind it, leaves
 * a shape open, once for each run. */
static inline int may_be_shaped(scan *s, int i) {
	if (i < s->shape) return 0;
	s->shape = s->run;
	int n = s->run - s->run_from;
	uint8_t c = s->run < s->n ? s->t[s->run] : 0;
	if (n >= 36 && n <= 48) return 1;
	if (c == '$') return n <= 8 && hashed(s, after_escape(s, s->run_from));
	return n >= 5 && (c == ':' || c == '~' || (n >= 14 && (c == '.' || c == '|')));
}

/* shaped reads tokens that are known by their shape and not by how they begin. */
RARE int shaped(scan *s) {
	int a = after_escape(s, s->run_from), e = s->run, n = e - a;
	if (at(s, e, '$') && n <= 8 && hashed(s, a)) {
		int rest = ahead(s, e, min(s->n, e + 256), &sets[IN_HASH], 0);
		return rest - a >= 30 && report(s, a - 1, rest, PASSWORD_HASH, 800) ? rest : 0;
	}
	if (n < 5) return 0;
	/* Telegram: the number of a bot, and 35 characters */
	if (at(s, e, ':') && n >= 5 && n <= 16 && one_class(s, a, e, DIGIT) && at(s, e + 1, 'A')) {
		int b = run_end(s, e + 1, BASE64U, 40);
		if (b - e - 1 == 35 && !is(s, b, WORD) && !fewer(s, e + 1, b, 10) && report(s, a, b, TELEGRAM_TOKEN, 900)) return b;
	}
	/* Mailchimp: a digest and the data centre */
	if (n >= 36 && n <= 37 && has(s, a + 32, "-us") && one_class(s, a, a + 32, HEX) && report(s, a, e, MAILCHIMP_KEY, 900)) return e;
	if (n == 40 && has(s, e - 4, "_mmk") && report(s, a, e, MAXMIND_KEY, 950)) return e;
	/* Terraform: fourteen characters, .atlasv1., sixty and more */
	if (n == 14 && has(s, e, ".atlasv1.")) {
		int b = run_end(s, e + 9, BASE64U | EQUALS, 80);
		if (b - e - 9 >= 60 && report(s, a, b, TERRAFORM_TOKEN, 950)) return b;
	}
	/* Discord: the id of a bot in base64, a time, a digest */
	if (n >= 23 && n <= 28 && at(s, e, '.') && (s->t[a] == 'M' || s->t[a] == 'N' || s->t[a] == 'O')) {
		int b = run_end(s, e + 1, BASE64U, 8), c = run_end(s, b + 1, BASE64U, 48);
		if (b - e - 1 >= 6 && b - e - 1 <= 7 && at(s, b, '.') && c - b - 1 >= 27 && c - b - 1 <= 40 && report(s, a, c, DISCORD_TOKEN, 900)) return c;
	}
	/* Azure: three characters, a digit, Q~ and 31 to 34 more */
	if (at(s, e, '~') && n >= 5 && s->t[e - 1] == 'Q' && is(s, e - 2, DIGIT)) {
		int from = e - 5, b = e + 1;
		while (b < e + 37 && (is(s, b, BASE64U | DOT) || at(s, b, '~'))) b++;
		if (from >= s->last && from == a && b - e - 1 >= 31 && b - e - 1 <= 34 && !fewer(s, e + 1, b, 10) && report(s, from, b, AZURE_SECRET, 900)) return b;
	}
	/* Facebook: the id of an application, a bar, 27 characters */
	if (n >= 15 && n <= 16 && at(s, e, '|') && one_class(s, a, e, DIGIT)) {
		int b = run_end(s, e + 1, BASE64U, 41);
		if (b - e - 1 >= 27 && b - e - 1 <= 40 && report(s, a, b, FACEBOOK_TOKEN, 900)) return b;
	}
	return 0;
}

#endif
