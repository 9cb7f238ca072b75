/* redact-secrets: the notary's built-in redactor of credentials. README.md says
 * what it finds. */

#include "labels.h"

#include "../scan/config.h"
#include "words.h"
#include "rules.h"
#include "values.h"
#include "logins.h"
#include "opaque.h"

static void prepare(void) {
	learn(vocabulary, sizeof vocabulary / sizeof vocabulary[0]);
	prepare_rules();
	prepare_values();
	prepare_endings();
	prepare_issuers();
}

static inline int key_tells(const uint8_t *request, const rdx_record *r) {
	int may = r->key_len > 0 && r->text_len >= MIN_KEYED && r->text_len <= MAX_KEYED;
	return key_says = may ? read_key(request + r->key_off + r->key_len, (int)r->key_len) : 0;
}

static int begin_text(scan *s) {
	no_rows();
	severed_to = refused = names_to = behind_slash = 0, name_at = -MAX_SEVERED;
	int from = jwt_tail(s);
	return from ? from : keyed(s);
}

/* telling marks digits, '@', ':', '=' and '>', two hyphens, and an f before '_': a token of Hugging Face, hf_…, has no digits. */
static inline v128_t telling(const uint8_t *p) {
	enum { AT = 1, OPERATES = 2, HYPHEN = 4, F = 8 };
	const v128_t low = wasm_u8x16_make(IS_DIGIT | AT, IS_DIGIT, IS_DIGIT, IS_DIGIT, IS_DIGIT, IS_DIGIT, IS_DIGIT | F, IS_DIGIT, IS_DIGIT, IS_DIGIT, OPERATES, 0, 0, HYPHEN | OPERATES, OPERATES, 0);
	const v128_t high = wasm_u8x16_make(0, 0, HYPHEN, IS_DIGIT | OPERATES, AT, 0, F, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	v128_t behind = wasm_v128_load(p + 1);
	v128_t hyphen = wasm_v128_or(wasm_i8x16_eq(behind, wasm_u8x16_splat('-')), wasm_u8x16_splat((uint8_t)~HYPHEN));
	v128_t bar = wasm_v128_or(wasm_i8x16_eq(behind, wasm_u8x16_splat('_')), wasm_u8x16_splat((uint8_t)~F));
	return wasm_v128_and(wasm_v128_and(kinds(wasm_v128_load(p), low, high), hyphen), bar);
}

/* may_precede reports whether a number may stand behind c. */
static int may_precede(uint8_t c) { return c == ' ' || c == ':' || c == '[' || c == ',' || c == '-' || c == '('; }

/* versioned returns the end of a version or an address, between spaces, that begins with the digit at
 * i, or 0: groups of digits with dots between them are no secret, whatever names them. */
RARE int versioned(const scan *s, int i) {
	int e = i, groups = 0;
	do e = run_end(s, e, DIGIT, 40); while (++groups < 4 && at(s, e, '.') && is(s, ++e, DIGIT));
	return groups > 2 && (e == s->n || is(s, e, SPACE)) ? e : 0;
}

/* alone reports whether the run that the digits [i, e) stand in is these and no more, or one or two with a letter
 * on either side, and no token begins there: what prefixed() would find out. What is behind a dot may be the rest of a
 * token that has no digit before it, unless the run before the dot has been looked at. */
static inline int alone(scan *s, int i, int e) {
	int a = i;
	if (e - i <= 2) a -= i > s->last && in(s->t[i - 1], LETTER), e += is(s, e, LETTER);
	uint8_t before = a > 0 ? s->t[a - 1] : '.';
	if (class[before] & BASE64U || (before == '.' && (a == 0 || a - 1 != s->parts)) || before == '/' || (before == '\\' && a < i && s->t[a] != 'x') || is(s, e, BASE64U) || ruled(s, a)) return 0;
	s->run_from = s->word_from = a, s->run = s->word_to = s->parts = e;
	return 1;
}

#define SHORT_RUN 8 /* bytes of one that is no token, unless a rule has one begin like it */

/* short_run is alone for the digit at i in a short run of letters, too. */
RARE int short_run(scan *s, int i) {
	const byte_set *set = &sets[set_number(BASE64U)];
	spend(190);
	int a = i - __builtin_clz(outside(s->t + i - 16, set) << 16 | 1), e = i + __builtin_ctz(outside(s->t + i, set) | 1 << 16);
	if (e - a > SHORT_RUN || a <= s->last || e > s->n) return 0;
	uint8_t before = s->t[a - 1];
	if (may_be_behind(s, a) || (before == '/' && (a < 4 || hook_ends >> hook_end(last_four(s->t + a)) & 1)) || (before == '.' && a - 1 != s->parts) || ruled(s, a)) return 0;
	s->run_from = s->word_from = a, s->run = s->word_to = s->parts = e;
	return 1;
}

/* begins_token looks for a token in the run that the digit at i stands in. */
static int begins_token(scan *s, int i) {
	int found = prefixed(s, i);
	return found || !may_be_headed(s, i) ? found : headed(s, i);
}

#define MIN_WITHIN 16 /* bytes of a run behind a hyphen, for a token to have room */

/* within looks for tokens behind the hyphens of a run that begins with something else, a word or the number of a line. */
RARE int within(scan *s) {
	int from = s->run_from, end;
	const uint8_t *p = s->t + from;
	v128_t v[4] = {wasm_v128_load(p), wasm_v128_load(p + 16), wasm_v128_load(p + 32), wasm_v128_load(p + 48)};
	uint64_t hyphens = equal(v, '-');
	int room = s->run - from - MIN_WITHIN;
	if (room < 64) hyphens &= (1ull << room) - 1;
	spend(50);
	for (; hyphens; hyphens &= hyphens - 1) {
		int start = from + __builtin_ctzll(hyphens) + 1;
		spend(30);
		if (start >= s->last && (end = by_rule(s, start))) return end;
	}
	return 0;
}

/* shapeless reports whether the run is too short for a shape, but with what stands behind it. */
static inline int shapeless(const scan *s) {
	int n = s->run - s->run_from;
	uint8_t c = s->t[s->run];
	return n < 14 && c != '$' && (n < 5 || (c != ':' && c != '~'));
}

/* figures examines what the digits [i, e) stand in. */
RARE int figures(scan *s, int i, int e) {
	int found;
	if (left < 0) return mask_rest(s);
	if (at(s, e, '.') && is(s, e + 1, DIGIT) && (i == 0 || is(s, i - 1, SPACE)) && (found = versioned(s, i))) return found;
	int first = i >= s->run;
	if (first && !alone(s, i, e) && !short_run(s, i) && (found = begins_token(s, i))) return found;
	if (i < s->base64 && shapeless(s)) { /* in a value that was examined */
		s->shape = s->run;
		spend(250);
		return e;
	}
	spend(690);
	if (may_be_shaped(s, i) && (found = shaped(s))) return found;
	int before = s->last;
	found = i >= s->base64 ? max(e, valued(s, i)) : e;
	return first && s->run - s->run_from > MIN_WITHIN && s->last == before ? max(found, within(s)) : found;
}

/* hexadecimal returns the end of the number in C's form at i, "0x2f1", or 0 if it is not plain or a name may be said before it. */
RARE int hexadecimal(scan *s, int i) {
	int n = __builtin_ctz(outside(s->t + i + 2, &sets[set_number(HEX)]) | 1 << 16), end = i + 2 + n;
	spend(100);
	if (n == 0 || n > 8 || end >= s->n || i == 0 || !in(s->t[end], SPACE | STOP) || !in(s->t[i - 1], SPACE | STOP)) return 0;
	spend(100 + UNNAMING);
	return !may_be_unspaced(s, i) && may_be_plain(s, i, end) && wordless(s, i) ? end : 0;
}

/* in_row returns where to go on from a colon that stands behind another and a group of hexadecimal digits, in a value that
 * was examined: at the last such colon in sight. Addresses and fingerprints are made of them, and groups of up to four
 * digits are nothing else. It returns 0 for other colons. */
static int in_row(const scan *s, int i) {
	const byte_set *hex = &sets[set_number(HEX)];
	int before = min(__builtin_clz(outside(s->t + i - 16, hex) | 1) - 16, i); /* 32 bits, of which sixteen count */
	if (before > 4 || !at(s, i - before - 1, ':')) return 0;
	uint32_t colons = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(s->t + i), wasm_u8x16_splat(':'))), digits = ~outside(s->t + i, hex) & SIDES;
	uint32_t row = ~(colons | digits) | (digits & digits >> 1 & digits >> 2 & digits >> 3 & digits >> 4);
	int length = min(__builtin_ctz(row), s->base64 - i);
	return max(i + 1, i + 31 - __builtin_clz(colons & ((1u << length) - 1)));
}

static inline int cut_off(uint8_t c) { return c == ':' || class[c] & (SPACE | QUOTE); }

#define HF_LETTERS 34 /* of a token of Hugging Face: with fewer or more it may be a name */

static inline int candidate(scan *s, int i) {
	int found;
	switch (s->t[i]) {
	case '-': return dashes(s, i);
	case '@': return (found = url_credentials(s, i)) ? found : i + 1;
	case 'f': return at(s, i - 1, 'h') && run_end(s, i + 2, LETTER, HF_LETTERS + 1) == i + 2 + HF_LETTERS && (found = begins_token(s, i)) ? found : i + 1;
	case ':':
		if (holds_none(s, i)) return i + 1;
		if (i + 1 < s->base64 && (found = in_row(s, i))) return exhausted(200) ? mask_rest(s) : found;
		spend(190);
		if ((is(s, i - 1, WORD | LOCAL | DOT) ? may_be_login(s, i) : may_be_nameless(s, i)) && (found = command_login(s, i))) return found;
		if (is(s, i + 1, DIGIT) || (class[s->t[i + 1]] & HEX && (cut_off(s->t[i + 2]) || cut_off(s->t[i + 3])))) return (found = pay(s, 190)) ? found : i + 1; /* too short for a value without a digit, or none. Fall through */
	case '=': return (may_be_granted(s, i) && (found = granted(s, i))) || (found = assigned(s, i)) ? found : i + 1;
	case '>': return (at(s, i + 1, '{') && (found = element(s, i))) || (found = assigned(s, i)) ? found : i + 1;
	}
	/* numbers, of which JSON has many: short ones, and ones with a point */
	spend(230);
	int e = run_end(s, i, DIGIT, s->n);
	if (at(s, i + 1, 'x') && s->t[i] == '0' && (found = hexadecimal(s, i))) return left < 0 ? mask_rest(s) : found;
	if (i == 0 || (may_precede(s->t[i - 1]) && !(s->t[i - 1] == '-' && is(s, i - 2, LETTER)))) { /* correct-horse-58 */
		int point = at(s, e, '.') && is(s, e + 1, DIGIT), end = point ? run_end(s, e + 1, DIGIT, 40) : e;
		if ((point || end - i < 6) && (end == s->n || (ends_value(s->t[end]) && !(class[s->t[end]] & QUOTE)))) return end;
	}
	return i < s->run && i < s->shape && i < s->base64 ? e : figures(s, i, e);
}
