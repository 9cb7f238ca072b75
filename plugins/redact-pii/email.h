/* email.h: mailbox addresses. The forms of RFC 5322 without quotes and comments,
 * and letters beyond ASCII (RFC 6531). */
#ifndef PII_EMAIL_H
#define PII_EMAIL_H

#include "topics.h"

#define MAX_LOCAL 64   /* octets before the '@' (RFC 5321 section 4.5.3.1.1) */
#define MAX_DOMAIN 253 /* octets of a domain name */

/* two_byte reports whether a, b are the UTF-8 form of a letter from U+00C0 on. */
static int two_byte(uint8_t a, uint8_t b) { return a >= 0xc3 && a <= 0xdf && b >= 0x80 && b <= 0xbf; }

/* three_byte reports whether the UTF-8 form of a letter from U+0800 on stands at p: none of the signs of sentences, of which
 * U+2000 to U+2FFF are full, as are the beginning of U+3000 and the wide forms of ASCII, nor one for private use. */
static int three_byte(const uint8_t *p) {
	uint8_t a = p[0], b = p[1], c = p[2];
	if (a < 0xe0 || a > 0xef || (b & 0xc0) != 0x80 || (c & 0xc0) != 0x80) return 0;
	switch (a) {
	case 0xe0: return b != 0xa5 || (c & 0xfe) != 0xa4; /* dandas */
	case 0xe2: case 0xee: return 0;
	case 0xe3: return b > 0x80 ? b != 0x83 || c != 0xbb : c >= 0x85 && c <= 0x87;
	case 0xef: return b == 0xbc ? (c >= 0x90 && c <= 0x99) || (c >= 0xa1 && c <= 0xba) : b == 0xbd ? (c >= 0x81 && c <= 0x9a) || c >= 0xa6 : b == 0xbe && c <= 0x9f;
	}
	return 1;
}

#define MAX_WIDE 16 /* letters of three bytes in a mailbox name: sentences run on without spaces */

/* local returns the start of the mailbox name that ends before i, or i. Letters of three bytes are in it if it ends with
 * one, or with one and digits: before letters of ASCII they are more likely of the sentence. */
static int local(const scan *s, int i) {
	int stop = max(s->last, i - MAX_LOCAL), j = i, k = i;
	while (k > max(stop, i - 8) && is(s, k - 1, DIGIT)) k--;
	int wide = k - 3 >= stop && three_byte(s->t + k - 3) ? MAX_WIDE : 0;
	for (;;) {
		j = back(s, j, stop, &sets[set_number(WORD | LOCAL | DOT)], 0);
		spend(130);
		if (j - 2 >= stop && two_byte(s->t[j - 2], s->t[j - 1])) j -= 2;
		else if (wide && j - 3 >= stop && three_byte(s->t + j - 3)) j -= 3, wide--;
		else break;
	}
	j = after_escape(s, j);
	spend(5 * (i - j));
	for (int k = i - 3; k >= j; k--) /* of a query: what stands for a sign that is in no name */
		if (s->t[k] == '%' && percent(s, k) && !has(s, k, "%2B") && !has(s, k, "%2D") && !has(s, k, "%2E") && !has(s, k, "%5F")) j = k + 3;
	while (j < i && class[s->t[j]] & LOCAL && s->t[j] != '_') j++;
	return j;
}

/* name_label returns the end of the label of a domain name that begins at i. */
static int name_label(const scan *s, int i, int limit) {
	int from = i;
	while (i < limit) {
		if (class[s->t[i]] & ALNUM || s->t[i] == '-') i++;
		else if (i + 1 < limit && two_byte(s->t[i], s->t[i + 1])) i += 2;
		else if (i + 2 < limit && three_byte(s->t + i)) i += 3;
		else break;
	}
	spend(150 + 20 * (i - from));
	return i;
}

/* top_level returns the end of the top-level domain that the label [a, b) is or
 * begins with, or -1: "com--" behind an address is a signature's dash, and what is no ASCII
 * a letter or a sign of the sentence. */
static int top_level(const scan *s, int a, int b) {
	if (b - a < 2 || (is(s, b, WORD) && (s->t[b] != '_' || is(s, b + 1, WORD)))) return -1; /* _in italics_ */
	if (has(s, a, "xn--")) return b;
	int end = run_end(s, a, LETTER, 25);
	if (end - a >= 2 && end - a <= 24 && (end == b || s->t[end] == '-' || s->t[end] & 0x80)) return end;
	return end < b && s->t[end] & 0x80 && end == a ? b : -1; /* a top-level domain beyond ASCII is so from its first letter */
}

/* domain reads a domain name of at least two labels at i. It returns its end and
 * the start of its top-level label, or -1. */
static int domain(const scan *s, int i, int *tld) {
	int end = -1, limit = min(s->n, i + MAX_DOMAIN);
	for (int label = i;;) {
		int j = name_label(s, label, limit), e = label > i ? top_level(s, label, j) : -1;
		if (e > 0 && (end < 0 || s->t[label] < 0xe0)) end = e, *tld = label; /* behind a full stop may be a sentence without spaces */
		if (j == label || j >= limit || s->t[j] != '.') return end;
		label = j + 1;
	}
}

/* Words of at most eight bytes have a mark each, by which most others are known not to be among them. */
typedef struct {
	uint8_t marks[1 << 10];
} mark_table;

static inline uint8_t *mark_of(mark_table *m, uint64_t word) { return &m->marks[word * 0x9e3779b97f4a7c15u >> 54]; }

static mark_table suffix_marks, domain_marks;
static uint64_t domain_words[64];
static int n_domain_words;

static const char file_suffixes[][8] = {"png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "mjs", "ts", "tsx", "jsx", "json", "html", "htm", "xml",
	"yaml", "yml", "toml", "txt", "csv", "pdf", "go", "py", "rb", "java", "class", "exe", "dll", "so", "lock", "log", "tgz", "gz", "whl", "jar", "tar",
	"service", "local"};

/* The top-level domains that people have mail under. */
static const char mail_domains[] = " com org net edu gov mil int info biz io co ai me dev app eu de uk fr es it nl be at ch pl cz se no fi dk pt gr ie ro hu ru ua tr us "
	"ca mx br ar cl au nz jp cn kr in sg hk tw za il ";

static void prepare_email(void) {
	for (unsigned k = 0; k < sizeof file_suffixes / sizeof file_suffixes[0]; k++) {
		uint64_t word;
		__builtin_memcpy(&word, file_suffixes[k], 8);
		*mark_of(&suffix_marks, word) = 1;
	}
	uint64_t word = 0;
	n_domain_words = 0;
	for (int i = 1, n = 0; mail_domains[i]; i++) {
		if (mail_domains[i] != ' ') word |= (uint64_t)mail_domains[i] << 8 * n++;
		else *mark_of(&domain_marks, word) = 1, domain_words[n_domain_words++] = word, word = 0, n = 0;
	}
}

/* file_suffix reports whether a top-level label is the suffix of a file name
 * ("logo@2x.png"), and no domain that anybody has mail under. */
static int file_suffix(const scan *s, int a, int b) {
	uint64_t name, known;
	if (b - a > 7) return 0;
	__builtin_memcpy(&name, s->t + a, 8);
	name &= (1ull << 8 * (b - a)) - 1;
	if (!*mark_of(&suffix_marks, name)) return 0;
	for (unsigned k = 0; k < sizeof file_suffixes / sizeof file_suffixes[0]; k++) {
		__builtin_memcpy(&known, file_suffixes[k], 8);
		if (known == name) return 1;
	}
	return 0;
}

/* maybe_domain reports whether a dot and two letters more are in what may be the name of a domain at p, as far
 * as sixteen bytes tell. */
static inline int maybe_domain(const uint8_t *p) {
	v128_t v = wasm_v128_load(p);
	uint32_t out = outside(p, &sets[IN_DOMAIN]), dots = wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_u8x16_splat('.')));
	uint32_t letters = wasm_i8x16_bitmask(wasm_v128_or(between(wasm_v128_or(v, wasm_u8x16_splat(0x20)), 'a', 'z'), v)) & ((out & -out) - 1);
	return !out || (dots & ~1u & letters >> 1 & letters >> 2);
}

/* spoken reports whether [a, b) is a top-level domain that people have mail under:
 * any word may stand behind a "dot". */
static int spoken(const scan *s, int a, int b) {
	if (b - a < 2 || b - a > 4) return 0;
	uint64_t word = word_at(s->t + a, b - a);
	if (!*mark_of(&domain_marks, word)) return 0;
	spend(1000);
	for (int k = 0; k < n_domain_words; k++)
		if (domain_words[k] == word) return 1;
	return 0;
}

/* apostrophe returns the start of a mailbox name that goes on before an apostrophe at i - 1, as in names of people (O'Brien,
 * D'Angelo, Dell'Acqua), or i: neither what stands in quotation marks, which end at end, nor a string of a program. */
static int apostrophe(const scan *s, int i, int end) {
	if (!at(s, i - 1, '\'') || !is(s, i, LETTER)) return i;
	uint8_t c = i - 2 >= s->last ? s->t[i - 2] | 0x20 : 0;
	if (c != 'o' && c != 'd' && c != 'l') return i;
	int start = local(s, i - 1);
	return at(s, end, '\'') && !at(s, start - 1, '\'') ? i : start;
}

/* email reads an address around what stands at i for '@', of width bytes. */
RARE int email(scan *s, int i, int width) {
	if (threshold[EMAIL] > 900) return i + 1; /* what no score reaches is not looked for */
	if (!maybe_domain(s->t + i + width)) return i + 1;
	spend(400);
	int start = local(s, i), tld = 0, end = start < i ? domain(s, i + width, &tld) : -1;
	if (end < 0) return i + 1;
	int score = file_suffix(s, tld, end) ? 200 : i - start == 3 && has(s, start, "git") ? 300 : end - tld > 6 ? 700 : 900;
	if (s->t[i - 1] >= 0x80 && s->t[start] >= 0xe0 && s->t[tld] < 0x80 && end - tld > 2 && !spoken(s, tld, end)) score = min(score, 400); /* somebody is called in a sentence: …@ann.lee */
	start = apostrophe(s, start, end);
	return report(s, start, end, EMAIL, score) ? end : i + 1;
}

/* spelled reads one of the ways to spell '@' or '.' at i and returns its end, or 0: "(at)", "[dot]", " at ", " dot ", and any of them
 * with spaces around. In brackets may be the sign itself, "arroba", and "punkt" or "punto". */
static int spelled(const scan *s, int i, const char *word) {
	int j = i, bracket;
	spend(380);
	while (at(s, j, ' ') && j < i + 2) j++;
	bracket = at(s, j, '(') ? ')' : at(s, j, '[') ? ']' : at(s, j, '{') ? '}' : 0;
	if (bracket) j++;
	else if (j == i) return 0;
	if (has_any_case(s, j, word)) while (*word++) j++;
	else if (!bracket) return 0;
	else if (at(s, j, *word == 'a' ? '@' : '.')) j++;
	else if (*word == 'a' ? has_any_case(s, j, "arroba") : has_any_case(s, j, "punkt") || has_any_case(s, j, "punto")) j += *word == 'a' ? 6 : 5;
	else return 0;
	if (bracket ? !at(s, j++, (char)bracket) : !at(s, j, ' ')) return 0;
	while (at(s, j, ' ')) j++;
	return j;
}

/* said reports whether what is spelled out is of a sentence: a word that goes before "at" stands in the place of a name, or one that
 * goes before "dot com" in that of a host, which begins at i ("look at this dot com bubble"). */
RARE int said(const scan *s, int start, int name_end, int i, int end) {
	static const char *const before[] = {"look", "looks", "looked", "looking", "up", "down", "in", "out", "over", "back", "here", "there", "is", "are", "was", "be", "me", "us", "them", "it", "that",
		"work", "works", "worked", "working", "arrive", "arrived", "hosted", "available", "live"};
	static const char *const hosts[] = {"this", "that", "the", "these", "a", "any", "some", "every"};
	spend(3000);
	for (unsigned k = 0; k < sizeof before / sizeof before[0] + sizeof hosts / sizeof hosts[0]; k++) {
		int host = k >= sizeof before / sizeof before[0], a = host ? i : start, n = 0;
		const char *word = host ? hosts[k - sizeof before / sizeof before[0]] : before[k];
		while (word[n]) n++;
		if (has_any_case(s, a, word) && (host ? at(s, a + n, ' ') : a + n == name_end)) return 1;
	}
	return has_any_case(s, end, " bubble") || has_any_case(s, end, " boom");
}

/* obfuscated reads an address of which the way to spell '@' begins at i. Two words
 * ("ann at example dot com") are believed only if both are spelled out. */
RARE int obfuscated(scan *s, int i) {
	int name_end = i, j = spelled(s, i, "at"), bracketed = !at(s, i + at(s, i, ' '), 'a') && !at(s, i + at(s, i, ' '), 'A');
	spend(500);
	if (!j) return 0;
	int both = bracketed && !has_any_case(s, i + at(s, i, ' ') + 1, "at"); /* [@] and (arroba), which code may have, need spelled dots */
	const int j0 = j;
	int start = local(s, name_end), dots = 0, end = 0;
	if (start >= name_end || !begins(s, start, WORD)) return 0;
	for (int k = 0; k < 3 && at(s, start - 1, ' ') && has_any_case(s, start - 5, " dot ") && is(s, start - 6, WORD); k++) start = local(s, start - 5); /* ann dot lee */
	for (int limit = min(s->n, j + MAX_DOMAIN);;) {
		spend(700);
		int e = name_label(s, j, limit), next = spelled(s, e, "dot");
		if (e == j) break;
		if ((dots || end) && (bracketed ? top_level(s, j, e) == e : spoken(s, j, e))) end = e;
		if (next) dots++, j = next, end = end ? end : -1;
		else if (bracketed && !both && at(s, e, '.')) j = e + 1, end = end ? end : -1;
		else break;
	}
	if (end <= 0 || (!bracketed && (!dots || said(s, start, name_end, j0, end)))) return 0;
	return report(s, start, end, EMAIL, bracketed ? 800 : 750) ? end : 0;
}

#endif
