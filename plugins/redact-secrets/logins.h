/* logins.h: passwords behind the name of a user and a colon: in URLs, and on command lines. */
#ifndef SECRETS_LOGINS_H
#define SECRETS_LOGINS_H

#include "../scan/url.h"
#include "values.h"

/* random_user reports whether [a, b), the name before the host of a URL, without a password, is a token: https://TOKEN@host. */
RARE int random_user(scan *s, int a, int b) {
	makeup m;
	spend(800);
	if (b - a < 20 || b - a > 256 || ahead(s, a, b, &sets[set_number(WORD | LOCAL | DOT)], 0) < b) return 0;
	made_of(s, a, b, &m);
	return m.digits_ahead >= 3 && m.letters && !m.dots && !wordy(&m, b - a) && entropy(s, a, b) >= 52 && !stands_in(s, a, b);
}

/* alike reports whether two texts of n bytes are the same. */
static int alike(const scan *s, int a, int b, int n) {
	int k = 0;
	while (k < n && s->t[a + k] == s->t[b + k]) k++;
	return k == n;
}

/* of_everybody reports whether the password between the colon and end, behind the name at user, is none that somebody keeps: a word in its
 * place, the name itself, or that of the protocol before "://". To mask it would mask that word wherever it stands. */
RARE int of_everybody(const scan *s, int user, int colon, int end) {
	static const char *const words[] = {"password", "pass", "passwd", "pwd", "secret", "mypassword"};
	int a = colon + 1, n = end - a, scheme = has(s, user - 3, "://") ? run_start(s, user - 3, LETTER, 16) : user - 3;
	spend(700);
	for (unsigned k = 0; k < sizeof words / sizeof words[0]; k++) {
		int length = 0;
		while (words[k][length]) length++;
		if (n == length && has_any_case(s, a, words[k])) return 1;
	}
	return n > 0 && ((n == colon - user && alike(s, a, user, n)) || (n >= 4 && n <= user - 3 - scheme && alike(s, a, scheme, n)));
}

/* slashed_login returns where the password begins that ends at the '@' at i and is base64 with a slash, behind the scheme and a colon, or the name of a
 * user, too, if it ends like base64: redis://:…@cache. Paths have an '@' before hosts, too. */
RARE int slashed_login(scan *s, int i) {
	int a = back(s, i, max(s->last, i - 128), &sets[set_number(BASE64U | STD | DOT | EQUALS)], 0), n = i - a, user;
	makeup m;
	spend(300);
	if (n < 24 || !at(s, a - 1, ':')) return 0;
	user = back(s, a - 1, max(s->last, a - 33), &NAME_SET, 0);
	if (!has(s, user - 3, "://") || (user < a - 1 && (n < 40 || !at(s, i - 1, '=')))) return 0;
	spend(700);
	made_of(s, a, i, &m);
	return m.digits_ahead >= 3 && m.upper && m.lower && entropy(s, a, i) >= 60 && !stands_in(s, a, i) ? a : 0;
}

#define MAX_HOSTS 8 /* of a list, that are looked at behind public logins */

/* url_credentials reads the password before the '@' at i, or behind it, if it stands in the name, as in that of a mailbox. */
RARE int url_credentials(scan *s, int i) {
	spend(330);
	int j = back(s, i, max(s->last, i - 256), &sets[ENDS_USER], SIDES);
	if (!at(s, j - 1, '/') && !follows_login(s, j) && !at(s, i + 4, '(') && !at(s, i + 5, '(')) return 0;
	spend(200);
	int next = follows_login(s, j) ? next_login(s, j) : 0, colon = next ? j = next : j;
	int bare = has(s, i + 1, "tcp(") || has(s, i + 1, "unix("); /* as drivers of Go have it, without a scheme */
	if (!next && !bare && !has(s, j - 3, "://")) return (j = slashed_login(s, i)) && is(s, i + 1, ALNUM) && report(s, j, i, URL_CREDENTIALS, 850) ? i : 0;
	for (; colon < i && s->t[colon] != ':'; colon++)
		if (bare && s->t[colon] == '=') j = colon + 1;
	spend(15 * (colon - j));
	if (colon == i && random_user(s, j, i) && !has(s, j - 8, "enode://")) return report(s, j, i, SECRET, 600) ? i : 0; /* a token alone */
	if (colon == i && i > j) { /* kim@example.org:…@smtp.example.org */
		colon = ahead(s, i + 1, min(s->n, i + 64), &sets[IN_DOMAIN], 0);
		i = ahead(s, colon, min(s->n, colon + 64), &sets[ENDS_USER], SIDES);
		spend(300);
		if (!at(s, colon, ':') || !at(s, i, '@')) return 0;
	}
	for (int k = 0; k < MAX_HOSTS; k++) {
		i = last_sign(s, i);
		if (!(is(s, i + 1, ALNUM | HIGH) || bracketed(s, i + 1) || at(s, i + 1, '/')) || i - colon < (k ? SHORTEST_PASSWORD : 2)) return 0;
		spend(400);
		if (!stands_in(s, colon + 1, i) && s->t[i - 1] != '}' && s->t[colon + 1] != '[' && !of_everybody(s, j, colon, i)) return report(s, j, i, URL_CREDENTIALS, 850) ? i : 0;
		if (!(j = next_login(s, i + 1))) return 0; /* which may have one of its own */
		colon = ahead(s, j, min(s->n, j + 64), &sets[BINDS], SIDES), i = ahead(s, j, min(s->n, j + 64), &sets[ENDS_USER], SIDES);
		spend(400);
		if (!at(s, colon, ':') || colon >= i || !at(s, i, '@')) return 0;
	}
	return 0;
}

/* may_be_login reports whether a space, a quote or '=' stands before the name before the colon at
 * i, as far as sixteen bytes tell. */
static inline int may_be_login(const scan *s, int i) {
	uint32_t out = outside(s->t + i - 16, &sets[set_number(WORD | LOCAL | DOT)]);
	int a = i + 16 - __builtin_clz(out | 1);
	if (a <= s->last || !out) return 1;
	uint8_t before = s->t[a - 1];
	return a < i && (before == '@' || before == ' ' || before == '=' || class[before] & QUOTE);
}

/* may_be_nameless reports whether the option of a login stands right before the colon at i: -u :… */
static inline int may_be_nameless(const scan *s, int i) {
	if (i < 8) return 0;
	const uint8_t *p = s->t + i - (class[s->t[i - 1]] & QUOTE ? 1 : 0);
	return p[-1] == ' ' && ((p[-2] == 'u' && p[-3] == '-') || (p[-2] == 'r' && p[-3] == 'e'));
}

/* of_curl reports whether curl is named in what stands before i. Other commands have groups and names behind such an option. */
RARE int of_curl(const scan *s, int i) {
	spend(300);
	return contains(s, max(s->last, i - 128), i - 64, "curl") || contains(s, max(s->last, i - 64), i, "curl");
}

/* token_alone reports whether [a, b), before a colon that nothing follows, is a token in the place of the name of a user. */
RARE int token_alone(scan *s, int a, int b) { return b - a >= 12 && of_curl(s, a) && run_end(s, a, ALNUM, b - a) == b && strange(s, a, b, 0) && report(s, a, b, PASSWORD, 600); }

/* login reads the password of a command line, behind the colon at i; the name begins at a. */
RARE int login(scan *s, int a, int i, int quote) {
	int from = i + 1, b = from;
	if (!quote && is(s, from, QUOTE)) quote = s->t[b++], a = from = b; /* kim:'…' */
	while (b < s->n && b < i + 128 && (quote ? s->t[b] != quote : !(class[s->t[b]] & (SPACE | QUOTE)))) b++;
	spend(2000 + 40 * (b - min(a, i)));
	if (b == i + 1) return token_alone(s, a, i) ? i : 0;
	if (b - i < 4 || stands_in(s, from, b) || s->t[i + 1] == '[' || s->t[a] == '$' || (a >= i && s->t[from] == '{' && s->t[b - 1] == '}')) return 0;
	if (a == i) return strange(s, from, b, 1) && report(s, from, b, PASSWORD, 600) ? b : 0;
	if (a == from) return at(s, b, (char)quote) && report(s, a, b, PASSWORD, 700) ? b : 0;
	int n = i - a;
	if (b - i - 1 == n) { /* "test:test" */
		int same = 1;
		for (int k = 0; k < n; k++) same &= s->t[a + k] == s->t[i + 1 + k];
		if (same) return 0;
	}
	if (contains(s, i + 1, b, "pass") || contains(s, i + 1, b, "token") || contains(s, i + 1, b, "secret") || contains(s, i + 1, b, "yyy"))
		if (!(classes(s, i + 1, b) & DIGIT)) return 0;
	return report(s, a, b, PASSWORD, 700) ? b : 0;
}

/* command_login reads name and password of a command line: -u name:password. */
RARE int command_login(scan *s, int i) {
	spend(320);
	int a = run_start(s, i, WORD | LOCAL | DOT, 64);
	if (at(s, a - 1, '@') && a < i) a = run_start(s, a - 1, WORD | LOCAL | DOT, 64); /* of a mailbox */
	int q = a;
	if ((a == i && (!may_be_nameless(s, i) || !of_curl(s, i))) || a < 3 || at(s, i + 1, ':')) return 0; /* g++ -u Foo::bar */
	int quote = is(s, a - 1, QUOTE) ? s->t[--q] : 0;
	while (q > 0 && (s->t[q - 1] == ' ' || s->t[q - 1] == '=')) q--;
	uint8_t option = q > 2 ? s->t[q - 1] : 0; /* the last letter of it */
	if (option != 'u' && option != 'r' && option != 'U') return 0;
	if (option == 'U') return has(s, q - 3, " -U") && contains(s, max(s->last, q - MAX_NAME), q, "curl") ? login(s, a, i, quote) : 0; /* for a proxy */
	return has(s, q - 3, " -u") || has(s, q - 4, "\\\n-u") || has(s, q - 6, "--user") || has(s, q - 12, "--proxy-user") || has(s, q - 3, "'-u") || has(s, q - 3, "\"-u") ? login(s, a, i, quote) : 0;
}

#endif
