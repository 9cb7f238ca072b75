/* scan.h: the pass over a text that the built-in redactors share.
 *
 * A telling byte ('@', a digit, ':') is found sixteen at a time; everything else
 * is passed over. From a telling byte a detector looks back and ahead by bounded
 * amounts, and regions that could be read twice are remembered, so that the work
 * is linear in the text whatever it says. There is no backtracking, no floating
 * point, no allocation and no state that outlives a batch.
 *
 * Findings are reported in ascending order, do not overlap, and begin and end at
 * the borders of UTF-8 sequences. A finding never takes the letter of a JSON
 * escape ("\n") without its backslash. Equal input gives equal findings.
 *
 * A redactor is one translation unit. It defines, before it includes this file,
 * LABELS(X), which lists its labels in the order of its manifest, UNSEARCHED last;
 * FUEL_PER_BYTE, the allowance for each byte of a text; and behind it telling(), which
 * marks the telling bytes, key_tells(), which says whether a key tells as much, opaque(), which knows ids
 * that need no pass (ids.h), and candidate(), which examines a byte, and sees to it that the pass ends when
 * the allowance is spent.
 */
#ifndef SCAN_H
#define SCAN_H

#include <wasm_simd128.h>

#include "../../sdk/plugin/c/rdx.h"

enum {
#define LABEL(name) name,
	LABELS(LABEL)
#undef LABEL
	N_LABELS
};

static const char *const label_names[N_LABELS] = {
#define LABEL(name) #name,
	LABELS(LABEL)
#undef LABEL
};

#define MAX_SCORE 1000         /* of a finding that a checksum has proved */
#define DEFAULT_THRESHOLD 500  /* a checksum, a form of its own, or a word beside it */
#define OFF (MAX_SCORE + 1)    /* a threshold that no score reaches */

static uint16_t threshold[N_LABELS]; /* set by configure, part of the image */

/* Bits of a byte's class. */
#define DIGIT 1
#define UPPER 2
#define LOWER 4
#define HEXLETTER 8
#define URLSAFE 16 /* '-' and '_', the two that base64url adds to letters and digits */
#define STD 32     /* '+' and '/', the two of base64 */
#define LOCAL 64   /* what else an e-mail address may hold before the '@' */
#define UNDERSCORE 128
#define HIGH 256   /* part of a character beyond ASCII */
#define DOT 512
#define EQUALS 1024
#define SPACE 2048
#define QUOTE 4096
#define OPERATOR 16384 /* may stand between a name and its value */
#define STOP 8192 /* what else ends a value in code and markup */
#define GOES_ON 32768 /* may stand between the parts of a number */
#define LETTER (UPPER | LOWER)
#define ALNUM (DIGIT | LETTER)
#define WORD (ALNUM | UNDERSCORE)
#define HEX (DIGIT | HEXLETTER)
#define BASE64 (ALNUM | STD)
#define BASE64U (ALNUM | URLSAFE)

static const uint16_t class[256] = {
	['0' ... '9'] = DIGIT,
	['A' ... 'F'] = UPPER | HEXLETTER, ['G' ... 'Z'] = UPPER,
	['a' ... 'f'] = LOWER | HEXLETTER, ['g' ... 'z'] = LOWER,
	['-'] = URLSAFE | LOCAL | GOES_ON, ['_'] = URLSAFE | UNDERSCORE | LOCAL,
	['+'] = STD | LOCAL | OPERATOR | GOES_ON, ['/'] = STD | GOES_ON, ['.'] = LOCAL | DOT | OPERATOR | GOES_ON, ['%'] = LOCAL, ['='] = EQUALS | OPERATOR, [':'] = OPERATOR, ['?'] = OPERATOR, ['~'] = OPERATOR,
	[' '] = SPACE | GOES_ON, ['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE,
	['"'] = QUOTE, ['\''] = QUOTE, ['`'] = QUOTE,
	[0 ... 8] = STOP, [11 ... 12] = STOP, [14 ... 31] = STOP,
	['\\'] = STOP | OPERATOR, ['<'] = STOP, ['>'] = STOP | OPERATOR, ['('] = STOP | OPERATOR | GOES_ON, [')'] = STOP | GOES_ON, ['{'] = STOP, ['}'] = STOP, ['['] = STOP | OPERATOR, [']'] = STOP | OPERATOR,
	[','] = STOP | OPERATOR | GOES_ON, [';'] = STOP, ['|'] = STOP | OPERATOR, ['&'] = STOP,
	[0x80 ... 0xc1] = HIGH, [0xc2] = HIGH | GOES_ON, [0xc3 ... 0xe1] = HIGH, [0xe2] = HIGH | GOES_ON, [0xe3 ... 0xff] = HIGH,
};

#define MAX_TOPICS 64

/* A scan is the state of one pass over one text. Offsets are ints: a message
 * has at most 16 MiB, and some look before the beginning. */
typedef struct {
	const uint8_t *t;
	int n;
	const rdx_field *field;
	rdx_out *out;
	uint32_t index;   /* of the field */
	int last;         /* end of the last finding: look-behind stops here */
	int pem_none, last_key;
	int base64;       /* end of the value or run of base64 that was last examined */
	int judged;       /* start of the value that was last judged behind an operator: several may stand before it */
	int run_from, run; /* of letters, digits, '-' and '_', that was last examined */
	int word_from, word_to; /* the letters and digits in it around a digit */
	int parts;        /* end of the last run that was looked at like the two before it, which dots join to it */
	int stand_in, stand_in_size, stand_in_reach; /* what stood in the place of a value: where, or -1 before; its size; how far from the start of a value it counts */
	int stand_in_from, stand_in_to; /* the value */
	int name_end;     /* of the name that was last read; -1 before */
	int unruled;      /* where a token was last looked for, and none begins; -1 before */
	int open_runs;    /* whether there are any of this text */
	int shape;        /* end of the run that was last compared with the shapes of tokens */
	int words_read;   /* how far the words of the text have been heard; -1 before the first question */
	int seen[MAX_TOPICS]; /* where each topic was last named; spoken: any that speaks for a number */
	int spoken;
	int kty, kty_sought; /* where a type of JSON Web Key was last found, -1 before; how far it was looked for */
} scan;

/* What is left of the work that a text may take, in fuel as the host counts it, roughly. To look for telling bytes
 * is cheap. To judge a candidate takes hundreds of times that, and a text that is made for it has one at every second
 * byte: so what judges spends of an allowance, which goes with the length of the text, and when it is spent, what is not
 * judged yet is masked. What is spent for a text must depend on that text alone, so that
 * its neighbours in a batch change nothing. */
static int left;

static inline void spend(int fuel) { left -= fuel; }
static inline int exhausted(int fuel) { return (left -= fuel) < 0; }

/* The allowance of a text is for so many bytes more than it has: a short one is judged whatever it says. */
#define ALLOWED_BYTES 2048

/* What few bytes come to is kept out of what many go through: the engine's compiler
 * gives a large function its registers badly, and the short way through it pays. */
#define RARE static __attribute__((noinline))

/* What the redactor defines. */
static inline v128_t telling(const uint8_t *p); /* IS_DIGIT for digits, not 0 for what else tells */
static inline int key_tells(const uint8_t *request, const rdx_record *r); /* whether a field's key tells, whatever is in the text */
static int opaque(const uint8_t *t, uint32_t n); /* whether a text is an id in which nothing is found, unless its key tells */
static int candidate(scan *s, int i); /* returns where the pass goes on, behind i */
static int begin_text(scan *s);       /* returns where the pass begins */

/* in reports whether a byte is of the classes; for one of them a comparison is cheaper than
 * the table, since the engine checks the bounds of each load. */
static inline __attribute__((always_inline)) int in(uint8_t c, int mask) {
	switch (mask) {
	case DIGIT: return (uint8_t)(c - '0') < 10;
	case UPPER: return (uint8_t)(c - 'A') < 26;
	case LOWER: return (uint8_t)(c - 'a') < 26;
	case LETTER: return (uint8_t)((c | 0x20) - 'a') < 26;
	}
	return class[c] & mask;
}

static inline __attribute__((always_inline)) int is(const scan *s, int i, int mask) {
	return (unsigned)i < (unsigned)s->n && in(s->t[i], mask);
}

static inline int at(const scan *s, int i, char c) {
	return (unsigned)i < (unsigned)s->n && s->t[i] == (uint8_t)c;
}

/* has reports whether want stands at i, which may lie outside the text. */
static inline int has(const scan *s, int i, const char *want) {
	if (i < 0) return 0;
	int k = 0;
	for (; want[k]; k++)
		if (i + k >= s->n || s->t[i + k] != (uint8_t)want[k]) return 0;
	return 1;
}

/* has_any_case is has for a want in small letters and ASCII. */
static inline int has_any_case(const scan *s, int i, const char *want) {
	if (i < 0) return 0;
	int k = 0;
	for (; want[k]; k++) {
		if (i + k >= s->n) return 0;
		uint8_t c = s->t[i + k];
		if (class[c] & UPPER) c |= 0x20;
		if (c != (uint8_t)want[k]) return 0;
	}
	return 1;
}

static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }

/* Runs are found sixteen bytes at a time. A set of classes is kept as the columns of
 * ASCII, by the low half of a byte, with a bit for each row, of which the high half is
 * the number. */
typedef struct {
	v128_t columns, high;
} byte_set;

/* Sets that are more than classes, or of one redactor: what ends a value in quotes, code, markup, a name and
 * wherever it stands; what is in a domain name and in a hash; what ends the name of a user in a URL, and the
 * fields of a query; and what stands between a name and its value, or its type, and binds them, and opens a call; brackets, signs that code hardly has within a word; what times, dates and addresses are made of, and pairs of hexadecimal digits. */
enum { IN_QUOTES, IN_CODE, IN_MARKUP, IN_NAME, BREAKS, IN_DOMAIN, IN_HASH, ENDS_USER, ENDS_FIELD, IN_GAP, IN_TYPED, BINDS, OPENS, BRACKETS, SIGNS, IN_FIGURES, IN_ROW, N_OTHER_SETS };

static const struct {
	uint16_t mask;
	uint8_t controls; /* the bytes below the space, too */
	const char *also;
} other_sets[N_OTHER_SETS] = {
	[IN_QUOTES] = {SPACE | QUOTE, 1, "\\<"},
	[IN_CODE] = {SPACE | QUOTE, 1, "\\<=:"},
	[IN_MARKUP] = {SPACE | QUOTE, 0, "\\<>"},
	[IN_NAME] = {SPACE | QUOTE | STOP, 0, ""},
	[BREAKS] = {SPACE | QUOTE, 0, ""},
	[IN_DOMAIN] = {ALNUM | HIGH | DOT, 0, "-"},
	[IN_HASH] = {BASE64 | DOT | EQUALS | URLSAFE, 0, "$,"},
	[ENDS_USER] = {SPACE | QUOTE, 0, "/@<>"},
	[ENDS_FIELD] = {0, 0, "&;"},
	[IN_GAP] = {SPACE | QUOTE | OPERATOR, 0, "*"},
	[IN_TYPED] = {SPACE | QUOTE | OPERATOR, 0, "*&{<"},
	[BINDS] = {0, 0, "(,:=>"},
	[OPENS] = {0, 0, "("},
	[BRACKETS] = {0, 0, "()[]{}"},
	[SIGNS] = {0, 0, "!#$^~"},
	[IN_FIGURES] = {DIGIT, 0, "+-./:"},
	[IN_ROW] = {HEX, 0, ":"},
};

static const uint16_t set_masks[] = {ALNUM, BASE64U, BASE64, HEX, LETTER, LETTER | HIGH, LOWER, UPPER | DIGIT, UPPER | DIGIT | URLSAFE, WORD | LOCAL | DOT,
	BASE64U | EQUALS, BASE64U | STD | DOT | EQUALS, ALNUM | URLSAFE | HIGH | DOT};
#define N_SETS (int)(sizeof set_masks / sizeof set_masks[0])
static byte_set sets[N_OTHER_SETS + N_SETS];

static void prepare_set(byte_set *set, int mask, int controls, const char *also) {
	uint8_t columns[16];
	for (int k = 0; k < 16; k++) columns[k] = controls ? 3 : 0;
	for (int c = 0; c < 128; c++)
		if (class[c] & mask) columns[c & 15] |= (uint8_t)(1 << (c >> 4));
	for (; *also; also++) columns[*also & 15] |= (uint8_t)(1 << (*also >> 4));
	set->columns = wasm_v128_load(columns);
	set->high = wasm_u8x16_splat(mask & HIGH ? 0x80 : 0);
}

static void prepare_sets(void) {
	for (int k = 0; k < N_OTHER_SETS; k++) prepare_set(&sets[k], other_sets[k].mask, other_sets[k].controls, other_sets[k].also);
	for (int k = 0; k < N_SETS; k++) prepare_set(&sets[N_OTHER_SETS + k], set_masks[k], 0, "");
}

__attribute__((error("these classes have no set in set_masks"))) int no_set(void);

/* set_number is known when this is compiled, which fails for classes that have no set. */
static inline __attribute__((always_inline)) int set_number(int mask) {
	for (int k = 0; k < N_SETS; k++)
		if (set_masks[k] == mask) return N_OTHER_SETS + k;
	return no_set();
}

static inline v128_t between(v128_t v, uint8_t from, uint8_t to) {
	return wasm_u8x16_le(wasm_i8x16_sub(v, wasm_u8x16_splat(from)), wasm_u8x16_splat((uint8_t)(to - from)));
}

/* outside has a bit for each of the sixteen bytes at p that is not of the set. */
static inline uint32_t outside(const uint8_t *p, const byte_set *set) {
	const v128_t half = wasm_u8x16_splat(15), rows = wasm_u8x16_make(1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0);
	v128_t v = wasm_v128_load(p);
	v128_t column = wasm_i8x16_swizzle(set->columns, wasm_v128_and(v, half)), row = wasm_i8x16_swizzle(rows, wasm_v128_and(wasm_u16x8_shr(v, 4), half));
	return wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_or(wasm_v128_and(column, row), wasm_v128_and(v, set->high)), wasm_i8x16_splat(0)));
}

/* kinds has a bit for each of eight kinds of byte. A kind is all bytes whose low half and whose
 * high half are in a set of halves each. */
static inline v128_t kinds(v128_t v, v128_t low, v128_t high) {
	const v128_t half = wasm_u8x16_splat(15);
	return wasm_v128_and(wasm_i8x16_swizzle(low, wasm_v128_and(v, half)), wasm_i8x16_swizzle(high, wasm_v128_and(wasm_u16x8_shr(v, 4), half)));
}

#define IS_DIGIT 128 /* the kind that telling() gives digits */

static inline v128_t digits_of(const uint8_t *p) { return between(wasm_v128_load(p), '0', '9'); }
static inline uint32_t digits_at(const uint8_t *p) { return wasm_i8x16_bitmask(digits_of(p)); }

#define SIDES 0xffffu /* turns bits for sixteen bytes round */

/* ahead returns the first of the bytes [i, end) that is outside of the set, or in it if sides
 * are turned, or else end. */
RARE int ahead(const scan *s, int i, int end, const byte_set *set, uint32_t sides) {
	for (int from = i; from < end; from += 16) {
		uint32_t out = outside(s->t + from, set) ^ sides;
		if (out) return min(from + __builtin_ctz(out), end);
	}
	return max(i, end);
}

RARE int ahead_digits(const scan *s, int i, int end, uint32_t sides) {
	for (int from = i; from < end; from += 16) {
		uint32_t out = digits_at(s->t + from) ^ sides;
		if (out) return min(from + __builtin_ctz(out), end);
	}
	return max(i, end);
}

/* back is ahead the other way: it returns the end of what it looks for, or stop. Before a text there
 * is at least the header of the message. */
RARE int back(const scan *s, int i, int stop, const byte_set *set, uint32_t sides) {
	for (int to = i; to > stop; to -= 16) {
		uint32_t out = outside(s->t + to - 16, set) ^ sides;
		if (out) return max(to + 16 - __builtin_clz(out), stop);
	}
	return min(i, stop);
}

/* run_end returns the end of the run of bytes of the classes that begins at i,
 * looking at limit bytes at most. */
static inline __attribute__((always_inline)) int run_end(const scan *s, int i, int mask, int limit) {
	int end = limit < s->n - i ? i + limit : s->n;
	if (mask != DIGIT) return ahead(s, i, end, &sets[set_number(mask)], 0);
	uint32_t out = digits_at(s->t + i) ^ SIDES; /* most numbers are short */
	return i < end && out ? min(i + __builtin_ctz(out), end) : ahead_digits(s, i, end, SIDES);
}

/* run_start returns the start of the run of bytes of the classes that ends
 * before i, looking back limit bytes at most, and never into a finding. */
static inline __attribute__((always_inline)) int run_start(const scan *s, int i, int mask, int limit) {
	return back(s, i, max(s->last, i - limit), &sets[set_number(mask)], 0);
}

/* Words joined by '-' and '_' are the runs in which tokens are looked for. find_runs sees
 * both runs around the digit at i at a time. */
static inline uint32_t joints(const uint8_t *p) {
	v128_t v = wasm_v128_load(p);
	return wasm_i8x16_bitmask(wasm_v128_or(wasm_i8x16_eq(v, wasm_u8x16_splat('-')), wasm_i8x16_eq(v, wasm_u8x16_splat('_'))));
}

RARE void find_runs(scan *s, int i) {
	const byte_set *word = &sets[set_number(ALNUM)], *run = &sets[set_number(BASE64U)];
	const uint8_t *p = s->t + i;
	uint32_t out = outside(p - 16, word), in_run = out & ~joints(p - 16);
	s->word_from = max(out ? i + 16 - __builtin_clz(out) : back(s, i - 16, s->last, word, 0), s->last);
	s->run_from = max(in_run ? i + 16 - __builtin_clz(in_run) : back(s, i - 16, s->last, run, 0), s->last);
	out = outside(p, word), in_run = out & ~joints(p);
	s->word_to = min(out ? i + __builtin_ctz(out) : ahead(s, i + 16, s->n, word, 0), s->n);
	s->run = min(in_run ? i + __builtin_ctz(in_run) : ahead(s, i + 16, s->n, run, 0), s->n);
}

static inline int any_digit(const scan *s, int a, int b) { return ahead_digits(s, a, b, 0) < b; }

/* escape_end reports whether a JSON escape sequence ends right before i. The
 * texts of AI sessions are often JSON strings inside JSON, with "\n" spelled as
 * a backslash and a letter. */
RARE int escape_end(const scan *s, int i) {
	if (i < 2 || (i < 6 && s->t[i - 2] != '\\')) return 0; /* nor is it paid for: who asks has looked at bytes that are of another text */
	spend(60);
	if (s->t[i - 2] == '\\') switch (s->t[i - 1]) case 'n': case 'r': case 't': case 'b': case 'f': return 1;
	if (i < 6 || s->t[i - 6] != '\\' || s->t[i - 5] != 'u') return 0;
	for (int k = i - 4; k < i; k++)
		if (!(class[s->t[k]] & HEX)) return 0;
	return 1;
}

/* percent reports whether the percent sign at i and what is behind it stand for a byte (RFC 3986 section 2.1) that is
 * no letter of ASCII: "%20", "%0A", "%C2". */
static inline int percent(const scan *s, int i) {
	return i >= 0 && is(s, i + 1, HEX) && !at(s, i + 1, '4') && !at(s, i + 1, '6') && is(s, i + 2, HEX);
}

/* colour_end reports whether what sets the colours of a terminal, and has lost the character that it began with, ends
 * right before i: "[31m", "[0;1m". The host takes out whole ones. */
RARE int colour_end(const scan *s, int i) {
	int k = i - 1;
	spend(60);
	while (k > i - 12 && (is(s, k - 1, DIGIT) || at(s, k - 1, ';'))) k--;
	return k < i - 1 && at(s, k - 1, '[');
}

/* begins reports whether a token may begin at i: nothing stands before it, or a
 * byte outside the classes, or the end of a JSON escape sequence, whose last
 * letter looks like part of the token and is not, or of what stands for a byte in a URL ("%3D") or for a colour. */
static inline int begins(const scan *s, int i, int mask) {
	return i == 0 || !is(s, i - 1, mask) || ((s->t[i - 2] == '\\' || s->t[i - 6] == '\\') && escape_end(s, i)) || (s->t[i - 3] == '%' && percent(s, i - 3)) || (s->t[i - 1] == 'm' && colour_end(s, i));
}

/* after_escape moves start, which lies in a run of letters and digits, behind
 * the escape sequence the run begins in, so that an edit cannot cut one in two. */
RARE int behind_escape(const scan *s, int start) {
	spend(130);
	if (at(s, start - 1, '%')) return percent(s, start - 1) ? start + 2 : start;
	if (!at(s, start - 1, '\\')) {
		int end = run_end(s, start, DIGIT, 3);
		return at(s, end, 'm') && colour_end(s, end + 1) ? end + 1 : start;
	}
	if (is(s, start, ALNUM) && escape_end(s, start + 1)) return start + 1;
	if (at(s, start, 'u') && escape_end(s, min(start + 5, s->n))) return start + 5;
	return start;
}

static inline int after_escape(const scan *s, int start) {
	uint8_t before = start > 0 ? s->t[start - 1] : 0;
	return before == '\\' || before == '%' || before == '[' || before == ';' ? behind_escape(s, start) : start;
}

/* may_be_behind reports whether after_escape may move the start of a word from i, as far as one byte before and one behind it tell. */
static inline int may_be_behind(const scan *s, int i) {
	uint8_t before = i > 0 ? s->t[i - 1] : 0;
	return before == '\\' || before == '%' || ((before == '[' || before == ';') && (in(s->t[i], DIGIT) || s->t[i] == 'm'));
}

/* more_room makes the reply longer, if it may be. The reply is the last thing in memory, so that it
 * can grow where it is. Not to be inlined: who may grow memory pays for it in advance. */
RARE void more_room(rdx_out *out) {
	uint32_t have = sizeof(rdx_reply) + out->reply->n_edits * sizeof(rdx_edit), more = 64 << 10;
	uint32_t skip = (uint32_t)(uintptr_t)out->reply - (uint32_t)(uintptr_t)&__heap_base;
	if (out->reply->n_edits >= RDX_MAX_EDITS || !rdx_heap(skip, have + more)) return;
	out->room = (uint32_t)min((int)(more / sizeof(rdx_edit)), (int)(RDX_MAX_EDITS - out->reply->n_edits));
}

/* add emits a finding. One that a bound has cut short in the middle of a character takes all of it. None goes beyond
 * the text: the host would refuse the request. */
RARE void add(scan *s, int start, int end, int label, int score) {
	spend(140);
	end = min(end, s->n);
	if (start >= end) return;
	if (s->out->room == 0) more_room(s->out);
	while (start > s->last && (s->t[start] & 0xc0) == 0x80) start--;
	while (end < s->n && (s->t[end] & 0xc0) == 0x80) end++;
	rdx_add(s->out, s->index, (uint32_t)start, (uint32_t)end, (uint16_t)label, (uint16_t)min(score, MAX_SCORE));
	s->last = end;
}

/* report emits a finding if it reaches its threshold, and says whether it did,
 * so that a reading with less evidence may give way to another. */
static inline int report(scan *s, int start, int end, int label, int score) {
	if (score < threshold[label] || start < s->last || end <= start) return 0;
	add(s, start, end, label, score);
	return 1;
}

static inline uint64_t bits(v128_t a, v128_t b, v128_t c, v128_t d) {
	return wasm_i8x16_bitmask(a) | wasm_i8x16_bitmask(b) << 16 | (uint64_t)(wasm_i8x16_bitmask(c) | wasm_i8x16_bitmask(d) << 16) << 32;
}

static inline uint64_t told(v128_t a, v128_t b, v128_t c, v128_t d) {
	const v128_t none = wasm_i8x16_splat(0);
	return bits(wasm_i8x16_ne(a, none), wasm_i8x16_ne(b, none), wasm_i8x16_ne(c, none), wasm_i8x16_ne(d, none));
}

#include "rest.h"

/* pass is the one pass. Digits tell only where a run of them begins. What it reads behind
 * the end of the text it does not look at. */
RARE void pass(scan *s) {
	int next = begin_text(s);
	for (int base = next & ~15; base < s->n; base = max(base + 64, next & ~15)) {
		const uint8_t *p = s->t + base;
		v128_t a = telling(p), b = telling(p + 16), c = telling(p + 32), d = telling(p + 48);
		if (!wasm_v128_any_true(wasm_v128_or(wasm_v128_or(a, b), wasm_v128_or(c, d)))) continue;
		uint64_t digits = bits(a, b, c, d);
		uint64_t m = told(a, b, c, d) & ~(digits & (digits << 1 | (uint64_t)is(s, base - 1, DIGIT)));
		if (s->n - base < 64) m &= (1ull << (s->n - base)) - 1;
		if (next > base) m &= ~0ull << (next - base);
		while (m) {
			next = candidate(s, base + (int)__builtin_ctzll(m));
			if (next >= base + 64) break;
			m &= ~0ull << (next - base);
		}
	}
}

/* tells_nothing reports whether a text, which is not empty, has no telling byte. Most fields
 * are short names and numbers without one: it spares them the pass. */
static inline int tells_nothing(const uint8_t *t, uint32_t n) {
	const v128_t lanes = wasm_u8x16_make(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	if (n > 32) return 0;
	v128_t v = telling(t), in_last = wasm_u8x16_lt(lanes, wasm_u8x16_splat((uint8_t)(n - 1) % 16 + 1));
	if (n > 16) v = wasm_v128_or(v, wasm_v128_and(telling(t + 16), in_last));
	else v = wasm_v128_and(v, in_last);
	return !wasm_v128_any_true(v);
}

/* Whole redactors: what rdx calls, but for configure. */

RDX_MARKER

RDX_EXPORT("rdx_alloc") uint32_t alloc(uint32_t len) { return rdx_heap(0, len); }

#define REPLY_ROOM (64u << 10) /* of the image; a reply that needs more makes it grow */

RDX_EXPORT("rdx_redact") uint64_t redact(const uint8_t *request, uint32_t len) {
	int foreign = request != (const uint8_t *)(uintptr_t)rdx_heap(0, 0);
	uint64_t skip = (uint64_t)len + RDX_TAIL + RDX_ALIGN;
	uint32_t behind = foreign || len > RDX_MAX_MESSAGE ? 0 : rdx_heap((uint32_t)skip, 4096);
	if (!behind) return 0;
	rdx_out out = rdx_begin((void *)(uintptr_t)behind, 4096);
	if (!rdx_valid(request, len)) return rdx_end(&out, 1);
	for (uint32_t i = 0; i < rdx_count(request); i++) {
		const rdx_record *r = rdx_record_at(request, i);
		const uint8_t *t = request + r->text_off;
		if (r->text_len == 0 || (!key_tells(request, r) && (tells_nothing(t, r->text_len) || opaque(t, r->text_len)))) continue;
		rdx_field f = rdx_get(request, i);
		static scan s; /* not on the stack: it has many words, of which a plain text touches few */
		s.t = f.text, s.n = (int)f.text_len, s.field = &f, s.out = &out, s.index = i;
		s.last = s.pem_none = s.base64 = s.run_from = s.run = s.word_from = s.word_to = s.parts = s.shape = s.judged = s.open_runs = s.kty_sought = 0;
		s.last_key = s.words_read = s.unruled = s.name_end = s.stand_in = s.kty = -1;
		left = FUEL_PER_BYTE * min(s.n + ALLOWED_BYTES, 1 << 20);
		pass(&s);
	}
	return rdx_end(&out, 0);
}

#endif
