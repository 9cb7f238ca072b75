/* url.h: where the password in a URL ends. */
#ifndef SCAN_URL_H
#define SCAN_URL_H

#include "scan.h"

#define MAX_SIGNS 4 /* '@' that are read of one password, and bytes between two of them: */
#define MAX_BETWEEN 64

/* host_end returns the end of the host that begins at i, behind an '@': a name with a dot and a top-level label, an IP address, localhost, or
 * any name with a port. It returns 0 if there stands none, or if it goes on with what no URL has behind one: that is of a password. */
RARE int host_end(const scan *s, int i) {
	int limit = min(s->n, i + MAX_BETWEEN), address = at(s, i, '['), e = address ? i + 1 : ahead(s, i, limit, &sets[IN_DOMAIN], 0), label = e, number;
	spend(200);
	if (address) {
		while (e < limit && (in(s->t[e], HEX | DOT) || s->t[e] == ':')) e++;
		spend(10 * (e - i));
		if (!at(s, e++, ']')) return 0;
		label = e;
	}
	while (label > i && in(s->t[label - 1], ALNUM)) label--;
	int host = address || (label > i + 1 && s->t[label - 1] == '.' && (e - label >= 2 || is(s, e - 1, DIGIT))) || (e - i == 9 && has(s, i, "localhost"));
	spend(5 * (e - label));
	if (at(s, e, ':') && (number = run_end(s, e + 1, DIGIT, 6)) > e + 2 && e > i) host = 1, e = number;
	if (!host || e >= limit) return host ? e : 0;
	return s->t[e] == '?' || s->t[e] == '#' || s->t[e] == '/' || in(s->t[e], SPACE | QUOTE | STOP) ? e : 0;
}

/* bracketed reports whether an address or a name in brackets may begin at i, as that of a host. */
static inline int bracketed(const scan *s, int i) { return at(s, i, '[') && (is(s, i + 1, ALNUM) || at(s, i + 1, ':')); }

/* last_sign returns the last '@' of a password in a URL that has one at i: what stands behind it may be a host, and what is before
 * it is none with a query, a fragment or a list behind it, which may have an '@' of their own. */
RARE int last_sign(const scan *s, int i) {
	for (int k = 0, more = i; k < MAX_SIGNS && !(more == i && host_end(s, i + 1)); k++) {
		int from = more;
		more = ahead(s, more + 1, min(s->n, more + MAX_BETWEEN), &sets[ENDS_USER], SIDES);
		spend(100 + 10 * (more - from));
		if (!at(s, more, '@')) break;
		int query = from + 1; /* in what is behind one an '@' may stand by itself */
		while (query < more && s->t[query] != '?' && s->t[query] != '#') query++;
		if (query == more || is(s, more + 1, ALNUM | HIGH) || at(s, more + 1, '[') || at(s, more + 1, '/')) i = more;
	}
	return i;
}

/* next_login returns where the next name of a list of hosts begins, of which the first host begins at i, behind an '@', or 0: …@h1:27017,name:password@h2. */
RARE int next_login(const scan *s, int i) {
	int e = host_end(s, i);
	return e && at(s, e, ',') ? e + 1 : 0;
}

/* follows_login reports whether the last finding ends at the '@' before i. */
static inline int follows_login(const scan *s, int i) { return i == s->last + 1 && at(s, i - 1, '@'); }

#endif
