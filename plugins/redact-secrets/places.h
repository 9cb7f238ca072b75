/* places.h: passwords that only their place tells: behind an option of a command that takes one, among the
 * arguments of a call that logs in, or in a pair of name and password. */
#ifndef SECRETS_PLACES_H
#define SECRETS_PLACES_H

#include "makeup.h"

#define MAX_LINE 96 /* how far before a value the command or the call may begin */

/* said_before returns the topics of the words of the line before i. */
RARE uint32_t said_before(const scan *s, int i) {
	int a = max(max(s->last, 0), i - MAX_NAME);
	for (int k = i; k > a; k--)
		if (s->t[k - 1] == '\n') a = k;
	value_name v;
	read_name(s, a, i, &v);
	spend(1600 + 20 * (i - a) + NAMING_WORD * v.words);
	return v.any;
}

/* option reports whether an option of one letter that takes a password stands before the value at a. */
static int may_be_option(const scan *s, int a, int quoted) {
	const uint8_t *p = s->t + a - quoted;
	uint8_t c = p[-2];
	return p[-3] == '-' && (p[-1] == ' ' || p[-1] == '=') && (c == 'p' || c == 'P' || c == 'a' || c == 'w') && a - quoted >= 7;
}

/* quoted_option: -p'…' */
static inline int quoted_option(const scan *s, int a, int quoted) { return quoted && s->t[a - 2] == 'p' && s->t[a - 3] == '-'; }

static int may_be_attached(const scan *s, int a, int b) { return s->t[a] == '-' && s->t[a + 1] == 'p' && b - a >= 8; }

/* plaintext reports whether the value in quotes at a is what PowerShell makes a secret of. */
static inline int plaintext(const scan *s, int a) {
	return (s->t[a - 3] == 'g' && (has_any_case(s, a - 14, "securestring") || has_any_case(s, a - 22, "securestring -string"))) ||
		(s->t[a - 3] == 't' && has_any_case(s, a - 14, "-asplaintext"));
}

static int may_be_argument(const scan *s, int a, int b, int quoted) {
	return quoted && a >= 8 && (s->t[a - 2] == ',' || (s->t[a - 2] == ' ' && s->t[a - 3] == ',')) && (at(s, b + 1, ')') || at(s, b + 1, ','));
}

/* called returns the topics of the name of the call in which [a, b) stands, or of the pair of which it is the second, as far as
 * a line tells. More than two values are a list of names: tokens = ("…", "…", "…"). */
RARE uint32_t called(const scan *s, int a, int b) {
	spend(1200);
	int stop = max(s->last, a - MAX_LINE), open = back(s, a, stop, &sets[OPENS], SIDES);
	if (open <= stop || s->t[open - 1] != '(') return 0;
	value_name v;
	int end = open - 1, given = 0;
	for (int k = 0; k < 3 && end > 0 && (s->t[end - 1] == ' ' || s->t[end - 1] == '='); k++) given |= s->t[--end] == '='; /* auth = ("kim", "…") */
	if (given) {
		spend(10 * (a - open));
		for (int k = open; k < a - 3; k++)
			if (s->t[k] == ',') return 0;
		if (!at(s, b + 1, ')')) return 0;
	}
	int start = back(s, end, max(stop, end - MAX_NAME), &NAME_SET, 0);
	if (start == end) return 0;
	read_name(s, start, end, &v);
	return v.any;
}

/* strange reports whether [a, b) is nothing that people call things: letters, digits, and two cases or a sign. */
RARE int strange(scan *s, int a, int b) {
	spend(400);
	makeup m;
	if (b - a < 8 || b - a > 64) return 0;
	made_of(s, a, b, &m);
	if (wordy(&m, b - a) && !(m.special && m.upper)) return 0;
	return m.digits_ahead && m.letters && !m.dots && !m.spaced && ((m.upper && m.lower) || m.special || (b - a >= 32 && m.digits_ahead >= 6)) && entropy(s, a, b) >= 40 && !stands_in(s, a, b);
}

/* written_out reports whether [a, b), where nothing but a password stands, is one and not a variable. */
RARE int written_out(scan *s, int a, int b) {
	spend(400);
	makeup m;
	if (b - a < 6 || b - a > 64 || at(s, a, '$')) return 0;
	made_of(s, a, b, &m);
	return m.digits_ahead && m.letters && !m.spaced && !stands_in(s, a, b);
}

/* placed reads a password by its place. */
RARE int placed(scan *s, int a, int b, int quoted) {
	spend(1200);
	if (may_be_option(s, a, quoted) && said_before(s, a - quoted - 3) & 1 << W_COMMAND) return strange(s, a, b) && report(s, a, b, PASSWORD, 550) ? b : 0;
	if (may_be_attached(s, a, b)) return said_before(s, a) & 1 << W_ATTACHED && strange(s, a + 2, b) && report(s, a + 2, b, PASSWORD, 550) ? b : 0;
	if (quoted_option(s, a, quoted)) return said_before(s, a - 3) & 1 << W_ATTACHED && strange(s, a, b) && report(s, a, b, PASSWORD, 550) ? b : 0;
	if (quoted && plaintext(s, a)) return written_out(s, a, b) && report(s, a, b, PASSWORD, 550) ? b : 0;
	if (!may_be_argument(s, a, b, quoted)) return 0;
	uint32_t topics = called(s, a, b);
	if (!(topics & (1 << W_LOGIN | 1 << W_PASS | 1 << W_SECRET)) || topics & 1 << W_OPEN) return 0;
	return strange(s, a, b) && report(s, a, b, topics & (1 << W_LOGIN | 1 << W_PASS) ? PASSWORD : SECRET, 550) ? b : 0;
}

static inline int may_be_placed(const scan *s, int a, int quoted) {
	const uint8_t *p = s->t + a - quoted;
	if (a - quoted < 3) return 0; /* nothing before it: what stands before the text is another one */
	if (p[-1] == 'p' && p[-2] == '-') return quoted;
	return p[-1] == ' ' ? p[-2] == ',' || p[-3] == '-' || p[0] == '-' || (quoted && plaintext(s, a)) : p[-1] == ',' && quoted;
}

#endif
