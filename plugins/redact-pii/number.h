/* number.h: numbers written as groups of digits.
 *
 * All readings of a number (card, social security number, telephone, address,
 * national id) work on the same groups, so each digit is read once, whatever it
 * turns out to be.
 */
#ifndef PII_NUMBER_H
#define PII_NUMBER_H

#include "topics.h"

#define MAX_GROUPS 16 /* that are kept at a time; no reading needs more than LOOKAHEAD of them */
#define LOOKAHEAD 8
#define MAX_DIGITS 20 /* one more than any reading takes */
#define MIN_DIGITS 7  /* the shortest number alone that is anything: a telephone number beside a word */

#define MIN_CARD 12

#define SOON 24 /* how many bytes before a number a word is that most likely names it and nothing else */

enum { NO_SEP, SPACED, DASHED, DOTTED, CLOSED, OPENED };
/* CLOSED is ')' and perhaps a space, hyphen or dot; OPENED the same before '('. */

#include "beside.h"

typedef struct {
	int start, end, sep; /* sep: what separates it from the group before */
} group;

typedef struct {
	scan *s;
	group g[MAX_GROUPS];
	int n;
	int next, pending; /* start of the group behind the last one, or -1, and its separator */
	int named;         /* what speaking() found for this run */
	int short_name;    /* what a short name before the first group speaks for */
	int spoken;        /* whether a short name speaks for the number that begins with the first group */
} numbers;

static inline int len(const numbers *r, int k) { return r->g[k].end - r->g[k].start; }

/* typeset returns which of the spaces and dashes beyond ASCII that word processors put between groups stands at i:
 * U+00A0; from U+2000 to U+200D, of which some have no width, U+202F and U+2060; from U+2010 to U+2015, and U+2212. */
RARE int typeset(const scan *s, int i) {
	uint8_t a = s->t[i], b = s->t[i + 1], c = s->t[i + 2];
	if (a == 0xc2) return b == 0xa0 ? SPACED : NO_SEP;
	if (a != 0xe2) return NO_SEP;
	if (b == 0x88) return c == 0x92 ? DASHED : NO_SEP;
	if (b == 0x81) return c == 0xa0 ? SPACED : NO_SEP;
	if (b != 0x80) return NO_SEP;
	return c <= 0x8d || c == 0xaf ? SPACED : c >= 0x90 && c <= 0x95 ? DASHED : NO_SEP;
}

static inline int typeset_size(uint8_t first) { return first == 0xc2 ? 2 : 3; }

/* separator reads what stands at i between two groups and returns the start of
 * the group behind it, or -1 if none follows. */
static int separator(const scan *s, int i, int *sep) {
	int j = i;
	*sep = NO_SEP;
	if (i >= s->n) return -1;
	switch (s->t[i]) {
	case ' ': *sep = SPACED, j = i + 1; break;
	case '-': *sep = DASHED, j = i + 1; break;
	case '.': *sep = zeros(s, i) ? NO_SEP : DOTTED, j = i + 1; break;
	case ')':
		*sep = CLOSED, j = i + 1;
		if (at(s, j, ' ') || at(s, j, '-') || at(s, j, '.')) j++;
		break;
	case 0xc2: case 0xe2: *sep = typeset(s, i), j = i + typeset_size(s->t[i]);
	}
	if (*sep != CLOSED && at(s, j, '(')) *sep = OPENED, j++;
	if (*sep == NO_SEP || !is(s, j, DIGIT)) {
		*sep = NO_SEP;
		return -1;
	}
	return j;
}

/* fill reads groups until the table is full or the run ends. */
static void fill(numbers *r) {
	int before = r->n;
	while (r->n < MAX_GROUPS && r->next >= 0) {
		int end = run_end(r->s, r->next, DIGIT, r->s->n);
		r->g[r->n++] = (group){r->next, end, r->pending};
		r->next = separator(r->s, end, &r->pending);
	}
	spend(250 * (r->n - before));
}

/* lead returns where a number begins that has its first digit at i: a plus or
 * an opening bracket belongs to it. */
static int lead(const scan *s, int i) {
	for (int k = 0; k < 2; k++)
		if (i > s->last && (at(s, i - 1, '+') || at(s, i - 1, '('))) i--;
	return i;
}

/* abbreviation reports whether the full stop at i ends one ("no.", "Tel."), and not a part of a dotted name. */
static int abbreviation(const scan *s, int i) {
	int a = i;
	while (a > i - 5 && is(s, a - 1, LETTER)) a--;
	return i - a >= 2 && i - a <= 4 && begins(s, a, WORD | DOT | URLSAFE | STD) && !at(s, a - 1, '@');
}

/* thousands reports whether the comma at i, between digits, joins the groups of one number ("1,234") rather
 * than stands between the fields of a line: three digits are behind it, and at most three before. */
RARE int thousands(const scan *s, int i) {
	int a = i, b = run_end(s, i + 1, DIGIT, 4);
	while (a > i - 4 && is(s, a - 1, DIGIT)) a--;
	return b == i + 4 && i - a <= 3 && !(at(s, b, '-') && is(s, b + 1, DIGIT)) && !(at(s, a - 1, '-') && is(s, a - 2, DIGIT));
}

/* number_begins reports whether what stands before the first digit at i allows a
 * number to begin there, rather than to go on: "v1.2", "$12", "#12", "a-1". */
static int number_begins(const scan *s, int i) {
	spend(120);
	i = lead(s, i);
	if (i == 0 || i == s->last) return 1;
	if (!begins(s, i, WORD)) return 0;
	switch (s->t[i - 1]) {
	case '$': case '%': return 0;
	case '#': return is(s, i - 2, LETTER); /* SSN#… */
	case '.': return !is(s, i - 2, WORD) || abbreviation(s, i - 1);
	case '\'': return !is(s, i - 2, WORD) || (is(s, i - 2, LETTER) && !is(s, i - 3, WORD)); /* b'…', N'…' */
	case '-': case '+': case '/': case '@': case '*': case '^': return !is(s, i - 2, WORD);
	case ':': return !is(s, i - 2, DIGIT);
	case ',': return !is(s, i - 2, DIGIT) || !thousands(s, i - 1);
	}
	return 1;
}

/* joined reports whether a sign that more often joins a number to others or to a name is all that keeps one from beginning
 * at i, as in the rows of grep, in paths, names of files and forms, and the fields of X12 and HL7. What is known by its check
 * or its form is read there, too. */
static int joined(const scan *s, int i) {
	spend(120);
	if (i == 0) return 0;
	switch (s->t[i - 1]) {
	case '#': case '*': case '^': case '_': case ':': case '/': return 1;
	case '-': return is(s, i - 2, LETTER);
	case '+': return !is(s, i - 2, DIGIT);
	}
	return 0;
}

static int number_ends(const scan *s, int i) {
	if (i >= s->n) return 1;
	switch (s->t[i]) {
	case '@': return 0;
	case '%': return percent(s, i);
	case '-': return !is(s, i + 1, WORD);
	case '.': case '/': case '+': case '*': case '^': return !is(s, i + 1, DIGIT | UNDERSCORE) || zeros(s, i);
	case ':': return !is(s, i + 1, DIGIT);
	case ',': return !is(s, i + 1, DIGIT) || !thousands(s, i);
	}
	return !is(s, i, WORD);
}

/* ends_at reports whether a number may end with group k: it is the last of its
 * run or followed by a space, and no word or further part goes on behind it. */
static int ends_at(const numbers *r, int k) {
	if (k + 1 < r->n) return r->g[k + 1].sep == SPACED || r->g[k + 1].sep == OPENED;
	return r->next < 0 && number_ends(r->s, r->g[k].end);
}

/* digits writes the digits of groups k to e into buf and returns their number,
 * or 0 if they do not fit. */
static int digits(const numbers *r, int k, int e, uint8_t *buf) {
	int n = 0;
	for (int j = k; j <= e; j++) {
		if (n + len(r, j) > MAX_DIGITS) return 0;
		for (int i = r->g[j].start; i < r->g[j].end; i++) buf[n++] = r->s->t[i] - '0';
	}
	return n;
}

static int value(const uint8_t *d, int n) {
	int v = 0;
	for (int i = 0; i < n; i++) v = v * 10 + d[i];
	return v;
}

static int prefix(const scan *s, int i, int n) {
	int v = 0;
	for (int k = 0; k < n; k++) v = v * 10 + s->t[i + k] - '0';
	return v;
}

/* shape returns the separator that is between all of the groups k, k+1, … if
 * they have the lengths that the string spells ("344"), or -1. */
static int shape(const numbers *r, int k, const char *lengths) {
	int sep = NO_SEP;
	for (int j = 0; lengths[j]; j++) {
		if (k + j >= r->n || len(r, k + j) != lengths[j] - '0') return -1;
		if (j == 1) sep = r->g[k + 1].sep;
		if (j > 1 && r->g[k + j].sep != sep) return -1;
	}
	return sep;
}

static int day_of(int month, int day) { return month >= 1 && month <= 12 && day >= 1 && day <= (month == 2 ? 29 : 31); }

#include "cards.h"

static int issued_ssn(const uint8_t *d) {
	int area = value(d, 3);
	return area != 0 && area != 666 && area < 900 && value(d + 3, 2) != 0 && value(d + 5, 4) != 0;
}

/* listed reports whether a word for another number stands right before the number at start: SKU 123-45-6789. */
static int listed(scan *s, int start) {
	hear(s, start);
	return s->seen[T_OTHER] > 0 && start - s->seen[T_OTHER] <= 3;
}

/* sharp reports whether "SS#" stands right before the number at start. */
static inline int sharp(const scan *s, int start) {
	int e = start - at(s, start - 1, ' ');
	e -= at(s, e - 1, ':');
	return at(s, e - 1, '#') && has(s, e - 3, "SS") && begins(s, e - 3, WORD) && !at(s, e - 4, ':'); /* mm:SS */
}

/* ssn reads a US social security number. Numbers that are never issued count only
 * beside a word that names it: a person's typing error is still personal data. */
RARE int ssn(numbers *r, int k) {
	int e, score;
	if (len(r, k) == 9) e = k, score = 250;
	else switch (shape(r, k, "324")) {
	case DASHED: e = k + 2, score = listed(r->s, r->g[k].start) ? 350 : 700; break;
	case SPACED: e = k + 2, score = 300; break;
	case DOTTED: e = k + 2, score = 250; break;
	default: /* right behind the word, parts may be together */
		if ((shape(r, k, "36") != DASHED && shape(r, k, "54") != DASHED) || !near(r->s, T_SSN, r->g[k].start) || r->g[k].start - r->s->seen[T_SSN] > SOON || r->s->seen[T_SSN] < max(r->s->seen[T_POSTAL], max(r->s->seen[T_PHONE], r->s->seen[T_CALL]))) return k; /* SSN, phone: */
		e = k + 1, score = 300;
	}
	uint8_t d[MAX_DIGITS];
	if (!ends_at(r, e)) return k;
	spend(350);
	int start = r->g[k].start, word = near(r->s, T_SSN, start) || sharp(r->s, start);
	if (!word && score < threshold[SSN] && (e == k || !near(r->s, T_TAX, start))) return k; /* as most lists of nine digits are */
	spend(400);
	digits(r, k, e, d);
	int valid = issued_ssn(d) || (word && d[0] == 9 && value(d + 3, 2) >= 50); /* or the number of a taxpayer who has none */
	if (word && valid) score += 300;
	else if ((word && e > k) || (e > k && near(r->s, T_TAX, start))) score = 550;
	else if (!valid) return k;
	return report(r->s, start, r->g[e].end, SSN, score) ? e + 1 : k;
}

/* month_at reports whether what stands at i, behind a number and what joins it to another, may be a month. */
static inline int month_at(const scan *s, int i) {
	return is(s, i, DIGIT) || (is(s, i, LETTER | HIGH) && word_topics(word_at(s->t + i, 3)) >> T_MONTH & 1);
}

#include "hosts.h"
#include "asked.h"
#include "phone.h"
#include "dates.h"
#include "ids.h"
#include "check.h"

/* speaking reports whether words before this run of numbers speak of one that
 * has no form of its own. It is found out once for a run, and only if needed. */
static int speaking(numbers *r) {
	if (r->named < 0) {
		int start = r->g[0].start;
		r->named = r->spoken || called_in_line(r->s, start) || (silent(r->s, start) ? initialled(r->s, start) : near(r->s, T_NUMBER, start) || near(r->s, T_PHONE, start) || near(r->s, T_CALL, start) || near(r->s, T_SSN, start) || near(r->s, T_TAX, start));
	}
	return r->named;
}

/* has_shape reports whether the lengths of groups k, k+1 and k+2 are those of a
 * number that is known by its form. */
static int has_shape(const numbers *r, int k) {
	int n = len(r, k);
	if (k + 2 >= r->n) return k + 1 < r->n && n == 5;
	int dotted = r->g[k + 1].sep == DOTTED && r->g[k + 2].sep == DOTTED, a = len(r, k + 1), b = len(r, k + 2);
	switch (n) {
	case 1: return dotted || (a == 3 && b == 3);
	case 2: return dotted || (a == 5 && b == 4) || (k == 0 && a == 2 && b == 2 && at(r->s, r->g[0].start, '0')); /* of France */
	case 3: return dotted || a == 3 || (a == 2 && b == 4);
	case 4: return a == 4 || a == 6;
	}
	return 0;
}

/* may_begin reports whether the length of group k, and what stands behind it,
 * leave any reading open. It spares most groups of a table of numbers the look at
 * each reading. */
static int may_begin(numbers *r, int k) {
	const group *g = &r->g[k];
	if (g->sep == DASHED || g->sep == DOTTED || g->sep == CLOSED) return 0;
	spend(120);
	if (g->end - g->start >= MIN_DIGITS || at(r->s, g->start - 1, '+') || has_shape(r, k)) return 1;
	return k + 1 < r->n && speaking(r);
}

/* groups_at tries the readings that begin with group k and returns the group to
 * go on with, behind k. */
RARE int groups_at(numbers *r, int k) {
	spend(200);
	int next = k;
	int n = len(r, k), start = r->g[k].start;
	if (!number_begins(r->s, start)) {
		if (at(r->s, start - 1, '@') || at(r->s, start - 1, ':')) next = ipv4(r, k); /* root@192.0.2.1 */
		if (next > k || !joined(r->s, start)) return max(k + 1, next);
		if ((n == 4 || n >= MIN_CARD) && (next = card(r, k)) > k) return next;
		if (n == 3 && (next = ssn(r, k)) > k) return next;
		return at(r->s, start - 1, '+') && !is(r->s, start - 2, LETTER) ? max(k + 1, phone(r, k)) : k + 1;
	}
	if ((n == 4 || n >= MIN_CARD) && (next = card(r, k)) > k) return next;
	if ((n == 3 || n == 9 || (n == 5 && k + 1 < r->n && len(r, k + 1) == 4)) && (next = ssn(r, k)) > k) return next;
	if (k + 3 < r->n && r->g[k + 1].sep == DOTTED && (next = ipv4(r, k)) > k) return next;
	return max(k + 1, phone(r, k));
}

RARE int token(scan *s, int i);
static inline int hyphen_of(const scan *s, int a);
RARE int mac(scan *s, int i);

/* lone reports whether up to three digits, which end at end, are a number that nothing
 * reads: in JSON, a list or a sentence. No name stands before, and neither further groups
 * of digits nor a month go on behind it. */
static inline int lone(const scan *s, int i, int end) {
	uint8_t before = i > 0 ? s->t[i - 1] : 0, c = end < s->n ? s->t[end] : 0; /* what stands there else is another text */
	if (before == '-') return 0;
	if (!(class[c] & (WORD | GOES_ON))) return 1;
	if (i == 0 || end >= s->n) return 0;
	switch (c) {
	case '.': return is(s, end + 1, QUOTE) || (is(s, end + 1, SPACE) && !month_at(s, end + 2)); /* 12. März 1985, 12. 3. 1985 */
	case ',': return before != ' ' || !is(s, end + 1 + at(s, end + 1, ' '), DIGIT); /* March 12, 1985 */
	}
	return 0;
}

/* readings tries what a run of groups may be, and returns its end. */
RARE int readings(numbers *r) {
	int end = r->g[0].start + 1, named;
	spend(150);
	r->spoken = signed_for(r);
	if (r->n >= 4 && r->s->t[end - 2] == '-' && (named = machine(r))) return named;
	for (int k = 0; k < r->n;) {
		spend(90);
		k = may_begin(r, k) ? groups_at(r, k) : k + 1;
		if (r->n - k < LOOKAHEAD && r->next >= 0) {
			for (int j = k; j < r->n; j++) r->g[j - k] = r->g[j];
			r->n -= k, k = 0, r->spoken = r->short_name = 0;
			fill(r);
		}
	}
	end = max(end, r->s->last);
	return r->n > 0 ? max(end, r->g[r->n - 1].end) : end;
}

/* grouped examines the run of groups that begins with the digits [i, end). */
RARE int grouped(scan *s, int i, int end) {
	spend(760);
	int known, sep;
	if (end - i == 2 && (known = hyphen_of(s, i)) && (known = mac(s, known))) return known;
	if ((known = known_form(s, i, end))) return known;
	if (is(s, end, WORD) && s->t[end] != 'x') return token(s, i);
	int next = separator(s, end, &sep);
	int n = end - i;
	if (next < 0 && n < MIN_DIGITS) return end;
	if (next < 0 && n == 11 && s->t[i] == '1' && near(s, T_CARD, i) && !(near_set(s, i) & ~(1ull << T_CARD)) && in_chinese(s, i, end) && report(s, i, end, PHONE, 600)) return end;
	/* one group, of a length that only words make anything of */
	if (next < 0 && n < MIN_CARD && n != 9 && !at(s, i - 1, '+') && !at(s, end, 'x') && silent(s, i) && !(n >= 10 && (s->t[i] == '0' || n == 10) && short_named(s, i))) {
		if (n == 11 && in_chinese(s, i, end)) report(s, i, end, PHONE, 600);
		return end;
	}
	spend(100);
	numbers r; /* not cleared: the table is larger than most numbers */
	r.s = s, r.n = 1, r.next = next, r.pending = sep, r.named = -1;
	r.g[0] = (group){i, end, NO_SEP};
	fill(&r);
	/* too few digits for all but addresses */
	if (r.next < 0 && r.n < 4 && r.g[r.n - 1].end - i < MIN_DIGITS + r.n - 1 && !at(s, r.g[r.n - 1].end, '/')) end = r.g[r.n - 1].end;
	else end = readings(&r);
	if (s->last <= end - 2 && (known = hyphen_of(s, end - 2)) && (known = mac(s, known))) return known;
	/* The last group may turn out to be the head of a longer token. */
	return is(s, end, WORD) && s->last < end ? token(s, end - 1) : end;
}

/* encoded returns where the pass goes on at the digit at i, behind a sign: behind an address with "%40" or "&#64;" in it,
 * behind another byte of a URL, or at i. */
RARE int encoded(scan *s, int i) {
	int end = i;
	spend(160);
	if (i == 0) return i;
	if (s->t[i - 1] == '%') {
		if (percent(s, i - 1)) return i + 2;
		if (has(s, i, "40")) end = email(s, i - 1, 3);
	} else if (at(s, i - 2, '&') && has(s, i, "64;")) end = email(s, i - 2, 5);
	return max(i, end);
}

/* number examines what begins with the digit at i. */
static inline int number(scan *s, int i) {
	spend(280);
	if (i > 0 && (uint8_t)(s->t[i - 1] - '#') <= '%' - '#') {
		int to = encoded(s, i);
		if (to > i + 2 || !is(s, to, DIGIT)) return to;
		i = to; /* behind the byte may be a number */
	}
	if (i >= 2 && s->t[i - 2] == '%' && percent(s, i - 2)) { /* the second digit of a byte of a URL */
		if (!is(s, i + 1, DIGIT)) return i + 1;
		i++;
	}
	int end = run_end(s, i, DIGIT, s->n), code;
	if (!begins(s, i, WORD) && !(at(s, i - 1, '_') && (end - i >= MIN_CARD || (end - i <= 4 && end - i >= 3 && is(s, end, URLSAFE | SPACE))))) return token(s, i);
	if ((end - i == 3 || end - i == 4) && (code = may_be_checked(s, i) ? card_code(s, i, end) : 0)) return code;
	if (end - i <= 3 && lone(s, i, end)) return end;
	if (end - i <= 3 && at(s, end, 'm') && colour_end(s, end + 1)) return end + 1;
	if (end - i <= 2 && at(s, end, '.')) { /* a decimal number, of which JSON has many */
		int e = run_end(s, end + 1, DIGIT, 32);
		if (e > end + 1 && !is(s, e, DIGIT | DOT | URLSAFE) && !at(s, e, '/') && !at(s, e, '@')) return e;
	}
	if (end - i <= 3 && is(s, end, WORD) && s->t[end] != 'x' && !may_be_dated(s, end) && !at(s, i - 1, '-')) return token(s, i);
	return grouped(s, i, end);
}

#endif
