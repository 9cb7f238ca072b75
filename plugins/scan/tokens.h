/* tokens.h: tokens that are known by how they begin, and private keys.
 *
 * A redactor defines rules[], one line for each kind of token. A token is looked
 * for where a run of letters, digits, '-' and '_' begins that has a digit in it.
 */
#ifndef SCAN_TOKENS_H
#define SCAN_TOKENS_H

#include "scan.h"

enum check {
	NONE,
	GITHUB_CRC, /* the last six characters are the CRC-32 of the others; raises the score */
	NUMBERED,   /* holds at least four digits: numbers of a workspace or a user */
	BASE32,     /* holds digits from 2 to 7 only */
	OPENAI,     /* see openai() */
	MIXED,      /* digits and letters of both cases */
	WHOLE,      /* no '.' and a name may follow, as in the name of a file */
	SLACK,      /* the number of a workspace comes first */
	NAMED,      /* not a secret everywhere: half the score without a name before it */
	LITERAL,    /* the prefix says it all, whatever follows */
	AIRTABLE,   /* fourteen characters, a dot, 64 hexadecimal digits */
	PUTTY,      /* goes on to the end of the key */
	ENDS_AA,    /* as keys of Anthropic do, in 93 characters and more */
};

typedef struct {
	const char *prefix;
	uint16_t label;
	uint16_t mask;     /* classes of the bytes behind the prefix */
	uint16_t min, max; /* how many of them; max 0: as many as there are */
	uint16_t score;
	uint16_t check;
} rule;

static const rule rules[];
static const int n_rules;

/* In the path of a webhook the secret stands behind the name of the host. */
typedef struct {
	const char *before;
	uint16_t length, label, min;
} webhook;

#define WEBHOOK(before, label, min) {before, sizeof before - 1, label, min}

static const webhook webhooks[];
static const int n_webhooks;

/* The last four bytes of these, and a bit for each hash of such. */
static uint32_t hook_tails[24];
static uint64_t hook_ends;

static inline uint32_t last_four(const uint8_t *end) {
	uint32_t last;
	__builtin_memcpy(&last, end - 4, 4);
	return last;
}

static inline int hook_end(uint32_t last) { return (int)(last * 0x9e3779b1u >> 26); }

#define RULES_BITS 10
static uint16_t rule_first[(1 << RULES_BITS) + 1], rule_order[512];

/* Of each rule, in that order: the first eight bytes of its prefix, and the set of the bytes behind. */
static struct {
	uint64_t head, mask;
	uint8_t length, set;
} rule_heads[512];

#define MAX_RULE_SETS 32
static byte_set rule_sets[MAX_RULE_SETS];

/* Runs of bytes behind the prefixes of rules that say no length, by their sets: each may go on
 * to the end of the text, and is looked through once. */
static struct {
	int from, to;
} open_runs[MAX_RULE_SETS];

static inline int rule_slot(uint8_t a, uint8_t b) { return (a * 31 + b) & ((1 << RULES_BITS) - 1); }

/* A bit for each hash of three bytes with which a token may begin. A prefix has at least two. */
#define BEGINNING_BITS 15
static uint32_t beginnings[1 << (BEGINNING_BITS - 5)];

static inline uint32_t beginning(const uint8_t *p) {
	uint32_t word;
	__builtin_memcpy(&word, p, 4);
	return (word << 8) * 0x9e3779b1u >> (32 - BEGINNING_BITS);
}

/* prepare_rules sorts the rules by their first two bytes. */
static void prepare_rules(void) {
	int n = 0;
	for (int i = 0; i < 1 << (BEGINNING_BITS - 5); i++) beginnings[i] = 0;
	for (int i = 0; i < n_rules; i++) {
		const char *c = rules[i].prefix;
		for (int third = 0; third < 256; third++) {
			uint32_t h = beginning((const uint8_t[4]){(uint8_t)c[0], (uint8_t)c[1], (uint8_t)third});
			if (c[2] ? third == (uint8_t)c[2] : class[third] & rules[i].mask) beginnings[h >> 5] |= 1u << (h & 31);
		}
	}
	for (int slot = 0; slot < 1 << RULES_BITS; slot++) {
		rule_first[slot] = (uint16_t)n;
		for (int i = 0; i < n_rules; i++)
			if (rule_slot((uint8_t)rules[i].prefix[0], (uint8_t)rules[i].prefix[1]) == slot) rule_order[n++] = (uint16_t)i;
	}
	rule_first[1 << RULES_BITS] = (uint16_t)n;
	uint16_t masks[MAX_RULE_SETS];
	int n_sets = 0;
	for (int k = 0; k < n; k++) {
		const rule *r = &rules[rule_order[k]];
		int set = 0, length = 0;
		while (set < n_sets && masks[set] != r->mask) set++;
		if (set == MAX_RULE_SETS) __builtin_trap();
		if (set == n_sets) prepare_set(&rule_sets[n_sets], r->mask, 0, ""), masks[n_sets++] = r->mask;
		rule_heads[k].head = rule_heads[k].mask = 0;
		for (; r->prefix[length]; length++)
			if (length < 8) rule_heads[k].head |= (uint64_t)(uint8_t)r->prefix[length] << 8 * length, rule_heads[k].mask |= 0xffull << 8 * length;
		rule_heads[k].length = (uint8_t)length, rule_heads[k].set = (uint8_t)set;
	}
	hook_ends = 0;
	for (int k = 0; k < n_webhooks; k++) {
		hook_tails[k] = last_four((const uint8_t *)webhooks[k].before + webhooks[k].length);
		hook_ends |= 1ull << hook_end(hook_tails[k]);
	}
}

/* may_be_of reports whether the first bytes of a text are those of the prefix of rule_order[k], has_prefix
 * whether all of it stands at start, where may_be_of is true. */
static inline int may_be_of(uint64_t head, int k) { return (head & rule_heads[k].mask) == rule_heads[k].head; }

static int has_prefix(const scan *s, int start, int k) {
	return start + rule_heads[k].length <= s->n && (rule_heads[k].length <= 8 || has(s, start + 8, rules[rule_order[k]].prefix + 8));
}

/* body_end returns the end of what may be a token by rule_order[k] behind its prefix: with one byte more than
 * it may have, it is none. */
static int body_end(scan *s, int body, int k) {
	const rule *r = &rules[rule_order[k]];
	int set = rule_heads[k].set;
	if (r->max) {
		int end = ahead(s, body, min(s->n, body + r->max + 1), &rule_sets[set], 0);
		spend(end - body);
		return end;
	}
	if (!s->open_runs)
		for (int i = 0; i < MAX_RULE_SETS; i++) open_runs[i].from = open_runs[i].to = 0;
	s->open_runs = 1;
	if (body < open_runs[set].from || body >= open_runs[set].to) open_runs[set].from = body, open_runs[set].to = ahead(s, body, s->n, &rule_sets[set], 0);
	return open_runs[set].to;
}

/* equal has a bit for each of 64 bytes that is c. */
static inline uint64_t equal(const v128_t *v, uint8_t c) {
	const v128_t all = wasm_u8x16_splat(c);
	return bits(wasm_i8x16_eq(v[0], all), wasm_i8x16_eq(v[1], all), wasm_i8x16_eq(v[2], all), wasm_i8x16_eq(v[3], all));
}

/* fewer reports whether [a, b), of 256 bytes at most, has fewer than k different characters;
 * placeholders ("xxxxxxxx") have few. */
RARE int fewer(const scan *s, int a, int b, int k) {
	uint8_t seen[16];
	int n = 0;
	for (b = min(b, a + 256); a < b; a += 64) {
		const uint8_t *p = s->t + a;
		v128_t v[4] = {wasm_v128_load(p), wasm_v128_load(p + 16), wasm_v128_load(p + 32), wasm_v128_load(p + 48)};
		uint64_t left = b - a < 64 ? (1ull << (b - a)) - 1 : ~0ull;
		for (int i = 0; i < n && left; i++) left &= ~equal(v, seen[i]);
		while (left) {
			if (n + 1 >= k) return 0;
			seen[n] = p[__builtin_ctzll(left)];
			left &= ~equal(v, seen[n++]);
		}
	}
	return 1;
}

/* classes returns the classes of the bytes of [a, b), of 256 at most. */
static int classes(const scan *s, int a, int b) {
	int m = 0;
	for (b = min(b, a + 256); a < b; a++) m |= class[s->t[a]];
	return m;
}

static int digits_in(const scan *s, int a, int b) {
	int n = 0;
	for (b = min(b, a + 256); a < b; a++) n += class[s->t[a]] & DIGIT;
	return n;
}

#define MIN_REST 16 /* of a value beside its rows, for the value to be random */

/* repeats reports whether [a, b) consists of rows of a character, as placeholders do ("AKIAXXXXXX"): six of it and more make up a third,
 * or leave little beside them. Session tokens of AWS have a row within what is random. It returns one more than where the first row
 * begins, or 0. */
RARE int repeats(const scan *s, int a, int b) {
	int n = b - a, first = 0, rows = 0, next = a;
	b = min(b, a + 256) - 5;
	for (; a < b; a += 16) { /* a bit for each byte that is like the next one */
		const uint8_t *p = s->t + a;
		uint32_t same = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(p), wasm_v128_load(p + 1))) |
			(uint32_t)wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(p + 4), wasm_v128_load(p + 5))) << 4;
		same &= same >> 1, same &= same >> 2 & same >> 3;
		if (b - a < 16) same &= (1u << (b - a)) - 1;
		for (same &= SIDES; same; same &= same - 1) {
			int row = a + __builtin_ctz(same), end = row + 6;
			if (row < next) continue; /* of the row before */
			while (end < b + 5 && s->t[end] == s->t[row]) end++;
			spend(30 + 15 * (end - row));
			next = end, rows += end - row;
			if (!first) first = row + 1;
		}
	}
	return first && (3 * rows >= n || n - rows < MIN_REST) ? first : 0;
}

#define MIN_LONG 24 /* bytes of a value in which letters may spell a word by chance */

/* stands_alone reports whether the word of n letters at i says something of [a, b): it begins or ends that or a part of it. In a long
 * one that is random, a short word may come by chance. */
static inline int stands_alone(const scan *s, int a, int b, int i, int n) {
	return b - a < MIN_LONG || i == a || i + n >= b || !in(s->t[i - 1], ALNUM) || !in(s->t[i + n], ALNUM);
}

/* published reports whether [a, b) says of itself that it is an example, or counts
 * through the alphabet. Dots behind it say nothing: people end a sentence with a
 * token and an ellipsis, too. It returns one more than where, or 0. */
RARE int published(const scan *s, int a, int b, int counts) {
	int from = a, to = b;
	for (b = min(b, a + 256); a < b; a += 16) {
		const uint8_t *p = s->t + a;
		const v128_t small = wasm_u8x16_splat(0x20);
		v128_t first = wasm_v128_or(wasm_v128_load(p), small), second = wasm_v128_or(wasm_v128_load(p + 1), small), third = wasm_v128_or(wasm_v128_load(p + 2), small);
		v128_t exa = wasm_v128_and(wasm_v128_and(wasm_i8x16_eq(first, wasm_u8x16_splat('e')), wasm_i8x16_eq(second, wasm_u8x16_splat('x'))), wasm_i8x16_eq(third, wasm_u8x16_splat('a')));
		v128_t abc = wasm_v128_and(wasm_v128_and(wasm_i8x16_eq(first, wasm_u8x16_splat('a')), wasm_i8x16_eq(second, wasm_u8x16_splat('b'))), wasm_i8x16_eq(third, wasm_u8x16_splat('c')));
		for (uint32_t hits = wasm_i8x16_bitmask(wasm_v128_or(exa, abc)); hits; hits &= hits - 1) {
			int i = a + __builtin_ctz(hits);
			spend(350);
			if (i >= b) continue;
			if (has_any_case(s, i, "example") && (stands_alone(s, from, to, i, 7) || has(s, i, "EXAMPLE"))) return i + 1; /* vendors write it in capitals within a key */
			if (counts && has_any_case(s, i, "abcdefghij")) return i + 1;
		}
	}
	return 0;
}

/* github_checked reports whether the last 6 of 36 characters are the CRC-32 of the
 * others in base 62. */
static int github_checked(const scan *s, int body) {
	static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint32_t crc = 0xffffffff;
	spend(3000);
	for (int i = body; i < body + 30; i++) {
		crc ^= s->t[i];
		for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	crc = ~crc;
	for (int i = body + 35; i >= body + 30; i--, crc /= 62)
		if (s->t[i] != (uint8_t)base62[crc % 62]) return 0;
	return 1;
}

/* openai says what the key behind "sk-" is worth: by its marker, by the kind that
 * is written before it, or by the length of the old keys. */
static int openai(const scan *s, int body, int end) {
	int n = end - body;
	spend(200 + 5 * n);
	for (int k = body; k + 8 <= end; k += 16) {
		v128_t first = wasm_i8x16_eq(wasm_v128_load(s->t + k), wasm_u8x16_splat('T')), second = wasm_i8x16_eq(wasm_v128_load(s->t + k + 1), wasm_u8x16_splat('3'));
		for (uint32_t hits = wasm_i8x16_bitmask(wasm_v128_and(first, second)); hits; hits &= hits - 1) {
			int i = k + __builtin_ctz(hits);
			spend(120);
			if (i + 8 <= end && has(s, i, "T3BlbkFJ")) return MAX_SCORE;
		}
	}
	if (n >= 40 && (has(s, body, "proj-") || has(s, body, "svcacct-") || has(s, body, "admin-") || has(s, body, "None-"))) return 900;
	int plain = n >= 32 && run_end(s, body, ALNUM, n) == end && any_digit(s, body, end) && run_end(s, body, DIGIT, n) < end;
	return !plain ? 0 : n == 48 ? 850 : 600;
}

/* has_name reports whether a name that speaks for a secret stands before i. */
static int has_name(scan *s, int i);

static int checked(scan *s, const rule *r, int body, int end) {
	int score = r->score, n = end - body;
	switch (r->check) {
	case GITHUB_CRC: return n == 36 && github_checked(s, body) ? MAX_SCORE : score;
	case NUMBERED: return digits_in(s, body, end) >= 4 ? score : 0;
	case BASE32:
		for (int i = body; i < end; i++)
			if (s->t[i] == '0' || s->t[i] == '1' || s->t[i] == '8' || s->t[i] == '9') return 0;
		return score;
	case OPENAI: return openai(s, body, end);
	case MIXED: {
		int m = classes(s, body, end);
		return m & UPPER && m & LOWER && m & DIGIT ? score : 0;
	}
	case SLACK: return run_end(s, body, DIGIT, 16) - body >= 9 ? score : 0;
	case ENDS_AA: return n >= 90 && at(s, end - 1, 'A') && at(s, end - 2, 'A') ? score : 0;
	case AIRTABLE: return at(s, body + 14, '.') && run_end(s, body + 15, HEX, 64) == end ? score : 0;
	case NAMED: return has_name(s, body - 4) ? score : score / 2;
	case WHOLE: return at(s, end, '.') && is(s, end + 1, WORD) ? 0 : score;
	}
	return score;
}

/* rule_begins reports whether a rule may have a token begin with the three bytes at p, ruled the same at start. */
static inline int rule_begins(const uint8_t *p) {
	uint32_t h = beginning(p);
	return beginnings[h >> 5] >> (h & 31) & 1;
}

static inline int ruled(const scan *s, int start) { return start + 3 <= s->n && rule_begins(s->t + start); }

static int putty_end(scan *s, int i);

/* read_rule reads a token by rule_order[k], which it may be of, and returns its end, or 0. */
RARE int read_rule(scan *s, int start, int k) {
	if (!has_prefix(s, start, k)) return 0;
	const rule *r = &rules[rule_order[k]];
	int body = start + rule_heads[k].length, end = body_end(s, body, k);
	spend(350);
	while (end > body && r->mask & DOT && s->t[end - 1] == '.') end--; /* a full stop of the sentence */
	int n = end - body;
	if (n < r->min || (r->max && n > r->max) || is(s, end, WORD) || !begins(s, start, WORD)) return 0;
	spend(400 + 30 * min(n, 256));
	if (r->check == PUTTY) return (end = putty_end(s, end)) && report(s, start, end, r->label, r->score) ? end : 0;
	int score = checked(s, r, body, end);
	if (!score || score < threshold[r->label]) return 0;
	if (r->check != LITERAL && (fewer(s, body, end, n >= 30 ? 10 : 6) || (r->check != SLACK && r->check != NUMBERED && repeats(s, body, end)) || published(s, body, end, 0))) return 0;
	return report(s, start, end, r->label, score) ? end : 0;
}

/* by_rule reads a token that begins at start and returns its end, or 0. */
RARE int read_rules(scan *s, int start) {
	if (start < s->last) return 0;
	spend(250);
	int slot = rule_slot(s->t[start], s->t[start + 1]), end;
	uint64_t head;
	__builtin_memcpy(&head, s->t + start, 8);
	for (int k = rule_first[slot]; k < rule_first[slot + 1]; k++)
		if (may_be_of(head, k) && (end = read_rule(s, start, k))) return end;
	return 0;
}

/* What no rule took it is not asked for again: a value often begins where a run does. */
static inline int by_rule(scan *s, int start) {
	if (start == s->unruled || !ruled(s, start)) return 0;
	int end = read_rules(s, start);
	if (!end) s->unruled = start;
	return end;
}

/* jwt reads a JSON Web Token (RFC 7519) or encrypted JWT (RFC 7516): "ey" is how
 * base64url begins a JSON object. Three parts are signed, five are encrypted. */
static int more_parts(const scan *s, int end) {
	for (int k = 0; k < 3 && at(s, end, '.') && is(s, end + 1, BASE64U); k++) end = run_end(s, end + 1, BASE64U, s->n);
	return end;
}

RARE int read_jwt(scan *s, int start) {
	spend(250);
	if (start < s->last || !is(s, start + 2, UPPER) || !begins(s, start, BASE64U)) return 0;
	int end = run_end(s, start, BASE64U, s->n);
	if (end - start < 10 || !at(s, end, '.')) return 0;
	int body = end + 1, score = has(s, body, "eyJ") && has(s, start, "eyJ") ? MAX_SCORE : has(s, start, "eyJ") ? 800 : 300;
	if (score == 300 && has(s, body, "ey") && is(s, body + 2, UPPER)) score = 700;
	end = run_end(s, body, BASE64U, s->n);
	if (end - body < 8 && !(at(s, body, '.') && is(s, body + 1, BASE64U))) return 0;
	end = more_parts(s, end);
	return report(s, start, end, JWT, score) ? end : 0;
}

static inline int jwt(scan *s, int start) { return at(s, start, 'e') && at(s, start + 1, 'y') ? read_jwt(s, start) : 0; }

#define WINDOW_OVERLAP 1024 /* how much of a long field two windows share: the host cuts fields at 64 KiB */

/* jwt_tail handles a token that is longer than the overlap of two windows and
 * began in the window before: its head was found there, its end is reported here. */
static int jwt_tail(scan *s) {
	if (s->n < WINDOW_OVERLAP) return 0;
	int dot = run_end(s, 0, BASE64U, s->n);
	if (dot < 8 || !at(s, dot, '.') || has(s, 0, "eyJ")) return 0;
	int end = more_parts(s, dot);
	return end >= WINDOW_OVERLAP && end - dot >= 22 && report(s, 0, end, JWT, 700) ? end : 0;
}

RARE int read_hook(scan *s, int start, int k) {
	int n = webhooks[k].length;
	spend(300);
	if (start < n || !has(s, start - n, webhooks[k].before)) return 0;
	int end = run_end(s, start, BASE64U | STD | DOT | EQUALS, 256);
	if (at(s, end, '@')) end = run_end(s, end + 1, BASE64U | STD | DOT | EQUALS, 256); /* the tenant of a user */
	while (end > start && s->t[end - 1] == '.') end--;
	return start >= s->last && end - start >= webhooks[k].min && !fewer(s, start, end, 6) && report(s, start, end, webhooks[k].label, 900) ? end : 0;
}

RARE int read_hooks(scan *s, int start) {
	uint32_t last = last_four(s->t + start);
	int end;
	spend(50 + 20 * n_webhooks);
	for (int k = 0; k < n_webhooks; k++)
		if (hook_tails[k] == last && (end = read_hook(s, start, k))) return end;
	return 0;
}

static inline int hook(scan *s, int start) { return start >= 4 && (s->t[start - 1] == '/' || s->t[start - 1] == 't' || s->t[start - 1] == '=') && hook_ends >> hook_end(last_four(s->t + start)) & 1 ? read_hooks(s, start) : 0; }

/* begun_at reads what is known by how it begins at start. */
static inline int begun_at(scan *s, int start) {
	int end;
	if ((end = by_rule(s, start)) || (end = jwt(s, start))) return end;
	return hook(s, start);
}

/* parts_before looks for the beginning of a token in the two parts before start, the first
 * one first. */
RARE int parts_before(scan *s, int start) {
	int starts[3] = {start}, n = 1, end;
	spend(300);
	while (n < 3 && at(s, starts[n - 1] - 1, '.') && is(s, starts[n - 1] - 2, BASE64U))
		starts[n] = after_escape(s, run_start(s, starts[n - 1] - 1, BASE64U, WINDOW_OVERLAP)), n++;
	spend(550 * (n - 1));
	while (--n > 0)
		if ((end = begun_at(s, starts[n]))) return end;
	return 0;
}

/* prefixed looks for a token in the run of letters, digits, '-' and '_' that the
 * digit at i stands in, once for each run. The parts of a token may be joined by
 * dots, and the digit stand behind them; a part that has none is looked at again, but
 * not beyond the overlap of windows. It returns the end of the token, or 0. */
static int prefixed(scan *s, int i) {
	int end;
	if (i < s->run) return 0;
	spend(430);
	find_runs(s, i);
	int start = after_escape(s, s->run_from);
	if (at(s, start - 1, '.') && start - 1 != s->parts && (end = parts_before(s, start))) return end;
	s->parts = s->run;
	return begun_at(s, start);
}

/* Private keys in armour (RFC 7468, and the older forms of OpenSSL, OpenSSH and
 * PGP). Line ends may be real or spelled as escapes. */

#define ARMOUR "-----"
#define MAX_PEM (32 << 10) /* RSA with 16384 bits and attributes stays below */
#define MIN_PEM 24         /* the shortest body that is a key rather than a mention of the armour */

/* pem_label reads a label that ends in PRIVATE KEY [BLOCK] and the hyphens behind
 * it, and returns their end, or -1. */
static int pem_label(const scan *s, int i) {
	spend(100);
	for (int j = i; j <= i + 24; j++) {
		spend(280);
		if (at(s, j, 'P') && has(s, j, "PRIVATE KEY")) {
			j += 11;
			if (has(s, j, " BLOCK")) j += 6;
			return has(s, j, ARMOUR) ? j + 5 : -1;
		}
		if (!is(s, j, ALNUM) && !at(s, j, ' ')) return -1;
	}
	return -1;
}

/* pem_end returns the start and end of the next END line for a private key within
 * MAX_PEM bytes, or -1. What it has searched in vain it remembers, so that many
 * BEGIN lines cost no more than one. */
static int pem_end(scan *s, int body, int *end) {
	int limit = min(s->n, body + MAX_PEM), j = max(body, s->pem_none);
	for (; j < limit; j++) {
		if (s->t[j] != '-' || !has(s, j, ARMOUR)) continue;
		if (has(s, j, ARMOUR "END ") && (*end = pem_label(s, j + 9)) >= 0) return j;
		if (has(s, j, ARMOUR "BEGIN ")) break;
	}
	spend(15 * (j - max(body, s->pem_none)));
	s->pem_none = max(s->pem_none, j);
	return -1;
}

/* pem_body returns the end of the base64 lines at i. Escaped line ends count. */
static int pem_body(const scan *s, int i) {
	int j = i;
	while (j < s->n && (class[s->t[j]] & (BASE64 | EQUALS) || s->t[j] == '\n' || s->t[j] == '\r' || s->t[j] == '\\')) j++;
	spend(15 * (j - i));
	while (j > i && (s->t[j - 1] == '\n' || s->t[j - 1] == '\r' || s->t[j - 1] == '\\')) j--;
	return j;
}

/* Where only one end of a key is left, its lines are known by what they look like: the first that is met
 * is long, and between two is no more than texts have between lines: indentation, quotation marks, signs
 * of comments, operators. */
#define FIRST_LINE 32
#define NEXT_LINE 16
#define BETWEEN_LINES 64
#define HEADERS 256 /* of armour: Proc-Type, DEK-Info, Version, Comment */
#define TRAILER 128 /* a short last line, and a checksum */

static int key_line(const scan *s, int a, int b, int first) {
	if (b - a < (first ? FIRST_LINE : NEXT_LINE)) return 0;
	int m = classes(s, a, b);
	spend(25 * min(b - a, 256));
	return m & UPPER && m & LOWER && (!first || m & DIGIT);
}

/* key_lines returns the end of the lines of a key from i on, behind so many bytes at most, or what may be the
 * beginning of one. */
RARE int key_lines(const scan *s, int i, int behind) {
	int end = i, j = i, limit = min(s->n, i + MAX_PEM);
	while (j < limit && j - end <= (end == i ? behind : BETWEEN_LINES)) {
		int b = run_end(s, j, BASE64, limit - j);
		spend(200);
		if (b == j && has(s, j, ARMOUR)) break;
		if (key_line(s, j, b, end == i)) end = b;
		j = max(b, j + 1);
	}
	if (end == i) return pem_body(s, i);
	while (at(s, end, '=')) end++;
	return end;
}

/* key_lines_before returns the start of the lines of a key that ends at i, or i. */
RARE int key_lines_before(const scan *s, int i) {
	int start = i, j = i, stop = max(s->last, i - MAX_PEM);
	while (j > stop && start - j <= (start == i ? TRAILER : BETWEEN_LINES)) {
		int a = run_start(s, j, BASE64, j - stop);
		spend(200);
		if (a == j && has(s, j - 5, ARMOUR) && j < i) break;
		if (key_line(s, a, j, start == i)) start = a;
		j = min(a, j - 1);
	}
	return start;
}

RARE int pem(scan *s, int start, int i) {
	int body = pem_label(s, i), end;
	if (body < 0) return 0;
	int stop = pem_end(s, body, &end);
	if (stop < 0) stop = end = key_lines(s, body, HEADERS); /* cut off */
	return stop - body >= MIN_PEM && report(s, start, end, PRIVATE_KEY, MAX_SCORE) ? end : 0;
}

/* pem_tail handles an END line without a BEGIN line: the lines before it that look like a key. */
RARE int pem_tail(scan *s, int start, int i) {
	int end = pem_label(s, i);
	if (end < 0) return 0;
	int body = after_escape(s, key_lines_before(s, start));
	return start - body >= MIN_PEM && report(s, body, end, PRIVATE_KEY, 900) ? end : 0;
}

/* putty_end returns the end of a key of PuTTY, of which the name of its form ends at i, or 0: the
 * public half comes first. */
static int putty_end(scan *s, int i) {
	const uint64_t private = 0x2d65746176697250, form = 0x73552d5954547550; /* "Private-", "PuTTY-Us" */
	int end = 0, limit = min(s->n, i + MAX_PEM);
	for (int k = i; k < limit; k += 16) {
		spend(40);
		for (uint32_t hits = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(s->t + k), wasm_u8x16_splat('P'))); hits; hits &= hits - 1) {
			int j = k + __builtin_ctz(hits);
			uint64_t head;
			__builtin_memcpy(&head, s->t + j, 8);
			spend(30);
			if (j >= limit || (head != private && head != form)) continue;
			spend(700);
			if (!end && has(s, j, "Private-Lines:")) end = key_lines(s, j, BETWEEN_LINES);
			if (has(s, j, "Private-MAC:")) return run_end(s, j + 12 + at(s, j + 12, ' '), HEX, 64);
			if (has(s, j, "PuTTY-User-Key-File-")) return end;
		}
	}
	return end;
}

/* dashes examines two hyphens at i: armour may begin or end there. */
RARE int dashes(scan *s, int i) {
	spend(300);
	int end = i;
	while (at(s, end, '-')) end++;
	int start = end - 5, found = 0;
	if (start < i) return end;
	if (has(s, end, "BEGIN ")) found = pem(s, start, end + 6);
	else if (has(s, end, "END ")) found = pem_tail(s, start, end + 4);
	return max(end, found);
}

#endif
