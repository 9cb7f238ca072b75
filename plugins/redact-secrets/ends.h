/* ends.h: where a password ends that has signs in it which end a value elsewhere. */
#ifndef SECRETS_ENDS_H
#define SECRETS_ENDS_H

#include "makeup.h"

#define MAX_PASSWORD 128 /* what is looked at of one */

/* goes_on reports whether a value goes on behind the mark at k: a letter or a digit follows it, or behind the same mark once more, as YAML
 * and SQL have it. */
static inline int goes_on(const scan *s, int k) { return is(s, k + 1 + (k + 1 < s->n && s->t[k + 1] == s->t[k]), ALNUM); }

/* quote_end returns the end of the value at a, behind a quotation mark: at the same mark on the same line, unless the value goes on behind
 * it or a backslash hides it. It returns 0 if there is none in sight. */
RARE int quote_end(const scan *s, int a) {
	uint8_t quote = s->t[a - 1];
	int hidden = at(s, a - 2, '\\'), limit = min(s->n, a + MAX_PASSWORD);
	spend(100);
	for (int k = a; (k = ahead(s, k, limit, &sets[BREAKS], SIDES)) < limit; k++) {
		uint8_t c = s->t[k];
		spend(160);
		if (c == '\n' || c == '\r') return 0;
		if (c != quote || goes_on(s, k)) continue;
		int slashes = 0;
		while (k - slashes > a && s->t[k - slashes - 1] == '\\') slashes++;
		if (hidden ? slashes > 0 : slashes % 2 == 0) return k - hidden;
	}
	return 0;
}

/* ends_in_code reports whether the '<' or backslash at k, in what stands in no quotes, begins something else: a tag or an escape. */
RARE int ends_in_code(const scan *s, int k) {
	uint8_t c = s->t[k + 1];
	spend(100);
	if (!is(s, k + 1, ALNUM) || !is(s, k - 1, ALNUM)) return 1;
	if (s->t[k] == '<') return at(s, ahead(s, k, min(s->n, k + 32), &sets[IN_DOMAIN], 0), '>') || at(s, ahead(s, k + 1, min(s->n, k + 32), &sets[IN_DOMAIN], 0), '>');
	return c == 'n' || c == 'r' || c == 't' || c == 'b' || c == 'f' || c == 'u' || c == 'x';
}

/* password_end returns the end of a password that begins at a: brackets and bars
 * may be in it, spaces and quotes not. */
static int password_end(const scan *s, int a) {
	int limit = min(s->n, a + MAX_PASSWORD), end = ahead(s, a, limit, &sets[IN_QUOTES], SIDES);
	while (end > a && end < limit && (s->t[end] == '<' || s->t[end] == '\\') && !ends_in_code(s, end)) spend(100), end = ahead(s, end + 1, limit, &sets[IN_QUOTES], SIDES);
	return end;
}

#define SHORTEST_PASSWORD 6
#define MAX_BRACKETED 96 /* how far before a password the bracket may be opened that it stands in */

/* command reports whether [k, e), behind a sign, is a word of small letters before a space and more, or before a field of a query that ends by b:
 * ;psql -h, &remember&x=. One that ends its line may be the rest of a password. */
RARE int command(const scan *s, int k, int e, int b) {
	int from = k;
	spend(5 * (b - k));
	for (; k < e; k++)
		if (s->t[k] < 'a' || s->t[k] > 'z') return 0;
	if (e - from < 2) return 0;
	if (s->t[from - 1] == ';') return (at(s, e, ' ') || at(s, e, '\t')) && e + 1 < s->n && !in(s->t[e + 1], SPACE);
	return at(s, e, '&') && ahead(s, e + 1, b, &sets[BINDS], SIDES) < b;
}

/* bracket_end returns where [a, b), which stands in no quotes, ends without those brackets at its end that close what was opened before it on
 * its line, and not in it: [--password, x], {password: x}. Behind a quotation mark another text may begin, whose brackets are its own, and a bracket
 * behind an escape is of a colour. */
RARE int bracket_end(const scan *s, int a, int b) {
	int end = b;
	while (end > a && (s->t[end - 1] == ']' || s->t[end - 1] == '}')) end--;
	if (end == b) return b;
	int k = end, stop = max(0, a - MAX_BRACKETED), depth[2] = {0}, opened[2] = {0}; /* of "[]" and "{}" */
	while (--k >= stop && opened[0] + opened[1] < b - end && (k >= a || (s->t[k] != '\n' && s->t[k] != '"' && !(s->t[k] == '\'' && at(s, b, '\''))))) {
		int curly = s->t[k] >> 5 & 1;
		if (s->t[k] == ']' || s->t[k] == '}') depth[curly]++;
		else if ((s->t[k] == '[' || s->t[k] == '{') && !(k > 0 && s->t[k - 1] == 0x1b) && --depth[curly] < 0) opened[curly] += k < a, depth[curly] = 0;
	}
	spend(400 + 60 * (end - k) + 60 * (b - end));
	if (opened[s->t[end] >> 5 & 1] && (k < stop ? stop > 0 : s->t[k] == '"' || s->t[k] == '\n')) return end; /* what opened the others stands before it */
	for (int extra = 1; extra; end += extra) { /* what nothing opened is of the password */
		int closed[2] = {0};
		for (int j = end; j < b; j++) closed[s->t[j] >> 5 & 1]++;
		extra = closed[0] > opened[0] || closed[1] > opened[1];
	}
	return end;
}

/* ends_before returns where [a, b), which stands in no quotes, ends without what only ends it: the signs of a sentence or a program. */
RARE int ends_before(const scan *s, int a, int b) {
	for (int end = b, k = 0; b > a && k < 4; b = end, k++) {
		while (end > a && (s->t[end - 1] == ',' || s->t[end - 1] == ';' || s->t[end - 1] == '.' || s->t[end - 1] == ')' || s->t[end - 1] == '&')) end--;
		end = bracket_end(s, a, end);
		if (end == b) break;
		spend(50 + 15 * (b - end));
	}
	return b;
}

RARE int connects(const scan *s, int i); /* values.h */

/* next_begins reports whether the comma before i ends the value that begins at a, and the next name and its value stand behind it: password=x1,user=y. */
RARE int next_begins(const scan *s, int a, int i, int b) {
	int e = run_end(s, i, LETTER, b - i), capitals = 0;
	spend(100);
	if (e - i < 4 || e >= b || (s->t[e] != '=' && s->t[e] != ':')) return 0;
	spend(60 + 8 * (e - i));
	for (int k = i; k < e; k++) capitals += in(s->t[k], UPPER);
	if (capitals * 4 > e - i && capitals < e - i) return 0;
	return (i - 1 - a >= SHORTEST_PASSWORD && any_digit(s, a, i - 1)) || has_any_case(s, i, "user") || has_any_case(s, i, "host") || has_any_case(s, e - 4, "name");
}

/* field_end returns where the password [a, b), which stands in no quotes and whose name begins at start, ends as the field of a query
 * or a connection string, or before the next command of a shell. */
RARE int field_end(const scan *s, int a, int b, int start) {
	if (at(s, a - 1, '>') && !at(s, a - 2, '=')) return b; /* of an element, in which '&' begins a character */
	int named = at(s, a - 1, '='), query = start > 0 && (s->t[start - 1] == '?' || s->t[start - 1] == '&' || has(s, start - 5, "&amp;")), field = query || at(s, start - 1, ';');
	spend(50);
	for (int k = a, names = 0; k < b && names < 3; k += 16) { /* password=x,user=y */
		v128_t letters = between(wasm_v128_or(wasm_v128_load(s->t + k + 1), wasm_u8x16_splat(0x20)), 'a', 'z'); /* behind the comma */
		spend(25);
		for (uint32_t commas = wasm_i8x16_bitmask(wasm_v128_and(letters, wasm_i8x16_eq(wasm_v128_load(s->t + k), wasm_u8x16_splat(',')))); commas && names < 3; commas &= commas - 1) {
			int next = k + __builtin_ctz(commas) + 1;
			spend(20);
			names++;
			if (next < b && next_begins(s, a, next, b)) b = next - 1;
		}
	}
	for (int k = a; (k = ahead(s, k, b, &sets[ENDS_FIELD], SIDES)) < b; k++) {
		int e = ahead(s, k + 1, min(s->n, k + 32), &NAME_SET, 0);
		spend(120);
		if (s->t[k] == '&' && !query && e > k + 1) {
			int letters = run_end(s, k + 1, LETTER, 32);
			spend(40);
			if (at(s, letters, ';') && letters > k + 2 && letters < k + 8 && run_end(s, k + 1, LOWER, 8) == letters) return k; /* an entity */
			if (field && (letters == e || !connects(s, start))) return k;
		}
		if ((s->t[k] == ';' ? field : query) || e == k + 1 || at(s, e, '=') || has(s, k, "&amp;") || (named && k - a >= SHORTEST_PASSWORD && command(s, k + 1, e, b))) return k;
	}
	return b;
}

#endif
