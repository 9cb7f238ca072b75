/* heads.h: tokens that no rule lists, and that say what they are: by the words they begin with, or by
 * a signature in a place of its own. */
#ifndef SECRETS_HEADS_H
#define SECRETS_HEADS_H

#include "makeup.h"

/* begun_by, for any of the rules, reports whether [start, end) begins like a token of a kind that is known
 * and was found not to be one: a mention, or one that is cut off. What is longer than
 * the kind may be of a kind that is not known yet. */
RARE int begun_by(const scan *s, int start, int end, int k) {
	if (!has_prefix(s, start, k)) return 0;
	const rule *r = &rules[rule_order[k]];
	int n = rule_heads[k].length, length = end - start;
	uint8_t last = (uint8_t)r->prefix[n - 1];
	return n >= 4 && (last == '-' || last == '_' || last == 'i' || last == 'J') && n <= length && r->score > 700 && (length - n <= r->min + 4 || r->check == SLACK);
}

RARE int begun_by_any(const scan *s, int start, int end) {
	spend(450);
	if (has(s, start, "pk_live_") || has(s, start, "pk_test_")) return 1; /* of Stripe and others, for everybody to see */
	int slot = rule_slot(s->t[start], s->t[start + 1]);
	uint64_t head;
	__builtin_memcpy(&head, s->t + start, 8);
	for (int k = rule_first[slot]; k < rule_first[slot + 1]; k++)
		if (may_be_of(head, k) && begun_by(s, start, end, k)) return 1;
	return 0;
}

static inline int begun(const scan *s, int start, int end) { return ruled(s, start) && begun_by_any(s, start, end); }

#define MIN_TAIL 20 /* characters of what is random behind the words */
#define MAX_HEAD 4  /* words */
#define NAMES_HEAD (1u << W_ISSUED | 1u << W_HEAD | 1u << W_SECRET)

#define MIN_PART 16 /* of them in a row */

/* has_part reports whether [a, b) is a UUID, or has a long run of letters and digits. */
RARE int has_part(const scan *s, int a, int b) {
	spend(600);
	if (b - a == 36 && at(s, a + 8, '-') && at(s, a + 23, '-')) return 1;
	for (int e; a < b; a = e + 1)
		if ((e = ahead(s, a, b, &sets[set_number(ALNUM)], 0)) - a >= MIN_PART) return 1;
	return 0;
}

/* random_tail reports whether [a, b), behind words that name a secret, is random. */
RARE int random_tail(scan *s, int a, int b) {
	spend(300);
	makeup m;
	if (b - a < MIN_TAIL || b - a > MAX_VALUE || !has_part(s, a, b)) return 0;
	made_of(s, a, b, &m);
	return m.digits_ahead >= 3 && m.letters && (b - a >= 24 || (m.upper && m.lower)) && !wordy(&m, b - a) && entropy(s, a, b) >= 48 && !stands_in(s, a, b);
}

/* headed reads a token with words before the first digit, at i, of which one names a kind of secret:
 * acme_live_…, sk_…, acme_api_…. Some words are said of other things, too: behind them there is one part. */
RARE int headed(scan *s, int i) {
	spend(1000);
	int a = after_escape(s, s->run_from), end = s->run;
	for (int part = a, k = 0; k < MAX_HEAD && part < i; k++) {
		int e = ahead(s, part, min(end, part + 12), &sets[set_number(LETTER)], 0);
		if (e == part || !is(s, e, URLSAFE)) return 0;
		uint32_t topics = (uint32_t)word_topics(word_at(s->t + part, e - part));
		part = e + 1;
		if (!(topics & NAMES_HEAD)) continue;
		if (a < s->last || (at(s, end, '.') && is(s, end + 1, ALNUM))) return 0; /* the name of a file */
		if (!(topics & 1 << W_ISSUED) && at(s, a - 1, '/')) return 0; /* the title of a page */
		if (!(topics & 1 << W_ISSUED) && ahead(s, part, end, &sets[set_number(ALNUM)], 0) < end) continue;
		return random_tail(s, part, end) && !begun(s, a, end) && report(s, a, end, SECRET, 600) ? end : 0;
	}
	return 0;
}

/* may_be_headed reports whether the run has room for words and a tail, once for each run. */
static inline int may_be_headed(const scan *s, int i) { return i - s->run_from >= 3 && s->run - s->run_from >= MIN_TAIL + 3; }

/* identifiable reads a key of Azure: base64 with the mark of its service ten to twelve characters before its end. */
RARE int identifiable(scan *s, int a, int b) {
	spend(2000);
	static const char marks[][5] = {"+ASt", "+ASb", "+AEh", "+ARm", "+ABa", "+AMC", "+ACR", "ACDb", "AzSe", "AzFu", "AIoT"};
	int n = b - a, marked = n == 84 && (has(s, b - 8, "AZDO") || has(s, a + 52, "JQQJ99"));
	for (unsigned k = 0; k < sizeof marks / sizeof marks[0] && !marked; k++)
		for (int behind = 10; behind <= 12; behind++) marked |= has(s, b - behind, marks[k]);
	if (!marked || ahead(s, a, b, &sets[set_number(BASE64U | STD | DOT | EQUALS)], 0) < b || fewer(s, a, b, 10)) return 0;
	return report(s, a, b, AZURE_SECRET, 900) ? b : 0;
}

static inline int may_be_identifiable(int n) { return n == 44 || n == 52 || n == 56 || n == 84 || n == 88; }

#endif
