/* markup.h: values that an element, an attribute or a key of markup names. */
#ifndef SECRETS_MARKUP_H
#define SECRETS_MARKUP_H

#include "makeup.h"

RARE int decide(scan *s, int a, int b, int quoted, const value_name *v); /* values.h */

#define MAX_BRACED 4 /* words */

/* element reads the value that an element of markup holds in braces, as the last of a few words; its tag ends at i: <secret>{AQAAABAAA…}</secret>. */
RARE int element(scan *s, int i) {
	spend(400);
	int name = back(s, i, max(s->last, i - MAX_NAME), &NAME_SET, 0), a = i + 2, b = 0;
	for (int k = 0; k < MAX_BRACED && !at(s, b, '}'); k++) {
		if (k > 0 && !at(s, b, ' ')) return 0;
		a = k > 0 ? b + 1 : a;
		b = ahead(s, a, min(s->n, a + MAX_VALUE), &sets[IN_NAME], SIDES);
		spend(200 + 5 * (b - a));
	}
	if (!at(s, b, '}') || !at(s, b + 1, '<') || !at(s, name - 1, '<') || name == i || !any_digit(s, a, b)) return 0; /* {value} of a program */
	value_name v = {.bound = 1, .start = name};
	read_name(s, name, i, &v);
	spend(NAMING + NAMING_WORD * v.words);
	return v.any ? decide(s, a, b, 1, &v) : 0;
}

/* named_by returns where the name ends that markup has for the value at a, and puts where it begins: that of an element with attributes or around CDATA; the key
 * before a string of a property list; the attribute "name" of what is before <value>, or beside "content". It returns 0 if there is none. */
RARE int named_by(const scan *s, int a, int *start) {
	int e = a - 1, stop = max(s->last, a - 128), n;
	spend(400);
	if (at(s, a - 2, '=')) e = a - 10, n = e; /* content="… */
	else {
		if (has(s, a - 9, "<![CDATA[")) e = a - 10;
		int open = e;
		while (open > stop && s->t[open] != '<' && s->t[open] != '\n') open--;
		*start = open + 1, n = ahead(s, *start, e, &NAME_SET, 0);
		if (at(s, n, ':') && (has(s, *start, "wss") || has(s, *start, "soap"))) *start = n + 1, n = ahead(s, n + 1, e, &NAME_SET, 0); /* wsse:Password */
		spend(8 * (e - open));
		if (!at(s, e, '>') || !at(s, open, '<') || at(s, e - 1, '/')) return 0;
		if (!has(s, open, "<string>") && !has(s, open, "<value>")) return n == e || at(s, n, ' ') ? n : 0;
		for (e = open; e > stop && class[s->t[e - 1]] & SPACE;) e--;
		if (has(s, e - 6, "</key>")) return *start = back(s, e - 6, max(stop, e - MAX_NAME), &NAME_SET, 0), e - 6;
		if (!at(s, e - 1, '>')) return 0;
	}
	do e--; while (e > stop && s->t[e] != '<' && !has(s, e, " name=\""));
	spend(20 * (a - e));
	*start = e + 7;
	return at(s, e, ' ') ? ahead(s, e + 7, min(s->n, e + MAX_NAME), &NAME_SET, 0) : 0;
}

/* in_markup reads the value [a, b) by such a name, if it is all that stands there. */
RARE int in_markup(scan *s, int a, int b, int quoted) {
	int start = 0, end;
	if (!quoted && !at(s, b, '<') && !has(s, b, "]]>")) return 0;
	if (!(end = named_by(s, a, &start)) || start >= end || a < s->last) return 0;
	value_name v = {.bound = 1, .start = start};
	read_name(s, start, end, &v);
	spend(NAMING + NAMING_WORD * v.words);
	return v.any ? decide(s, a, b, 1, &v) : 0;
}

/* may_be_in_markup reports whether an element, CDATA or an attribute that is called content may stand before the value at a. */
static inline int may_be_in_markup(const scan *s, int a, int quoted) {
	if (a < 12) return 0;
	const uint8_t *p = s->t + a;
	if (quoted) return p[-2] == '=' && p[-3] == 't' && has(s, a - 9, "content=");
	return p[-1] == '>' || (p[-1] == '[' && p[-2] == 'A');
}

#endif
