/* harmless.h: what looks like a secret behind the name of one, and is of something else: of the next name, because the value of
 * this one is empty; what is public; what services call their users; and what a list of ways to log in has. */
#ifndef SECRETS_HARMLESS_H
#define SECRETS_HARMLESS_H

#include "places.h"

/* none_given reports whether the name that ends at or behind name has an empty value, before a: password="" host2=. What is in two marks on
 * either side goes on right behind them. */
RARE int none_given(const scan *s, int name, int a) {
	spend(50 + 12 * (a - name));
	for (int k = name + 1; k < a - 1; k++) {
		if (!(class[s->t[k]] & QUOTE)) continue;
		int end = k + 1 + (s->t[k + 1] == '\\');
		if (end < a && s->t[end] == s->t[k] && s->t[k - 1] != s->t[k] && (is(s, end + 1, SPACE) || at(s, end + 1, ','))) return 1;
	}
	return 0;
}

/* next_key reports whether what begins at a, in no quotes, is the key of the next line of YAML: "password:\n  s3_bucket: x". */
RARE int next_key(const scan *s, int a) {
	int e = ahead(s, a, min(s->n, a + MAX_NAME), &NAME_SET, 0), k = a;
	spend(100);
	if (!at(s, e, ':') || e - a >= 20 || !(e + 1 == s->n || is(s, e + 1, SPACE))) return 0;
	int kinds = classes(s, a, e), digits = 0;
	for (int j = a; j < e; j++) digits += in(s->t[j], DIGIT) != 0;
	if ((kinds & (UPPER | LOWER)) == (UPPER | LOWER) || (digits > 1 && !(kinds & URLSAFE))) return 0; /* which keys of a list of tokens are */
	while (k > max(0, a - 32) && (s->t[k - 1] == ' ' || s->t[k - 1] == '\t')) k--;
	spend(8 * (a - k));
	return at(s, k - 1, '\n');
}

/* of_attribute reports whether the name that begins at start is the value of an attribute, and nothing binds what is behind it to it: for="password" data-v-7ba5bd90. */
static inline int of_attribute(const scan *s, int start, int bound) { return !bound && start > 1 && class[s->t[start - 1]] & QUOTE && s->t[start - 2] == '='; }

/* expression reports whether [a, b) is a regular expression, or a class of one: ^(?=.*[A-Z]).{8,}$. One mark of it may be of a password. */
RARE int expression(const scan *s, int a, int b) {
	int at_class = at(s, a - 1, '['), marks = at_class || at(s, a, '^');
	spend(60);
	if (!at_class && ahead(s, a, min(b, a + 64), &sets[BRACKETS], SIDES) == min(b, a + 64)) return 0;
	spend(100 + 10 * (min(b, a + 64) - a));
	for (int k = a - at_class; k < min(b, a + 64) - 3; k++) {
		const uint8_t *p = s->t + k;
		if (p[0] == '[' && p[2] == '-' && ((p[1] == 'a' && p[3] == 'z') || (p[1] == 'A' && p[3] == 'Z') || (p[1] == '0' && p[3] == '9'))) marks++;
		if (p[0] == '(' && p[1] == '?' && (p[2] == '=' || p[2] == '!' || p[2] == ':')) marks++;
		if (p[0] == ']' && (p[1] == '{' || p[1] == '+' || p[1] == '*')) marks++;
	}
	return marks > 1;
}

/* once reports whether the UUID at a only tells one request, or one state of a thing, from others, as AWS has it: ClientToken, clientRequestToken,
 * LockToken, ChangeToken. "client_token" is what Vault calls a token. */
RARE int once(const scan *s, int a, int start) {
	int e = ahead(s, start, min(a, start + MAX_NAME), &NAME_SET, 0), k = e - 5;
	spend(250);
	if (!at(s, a + 8, '-') || !at(s, a + 23, '-') || !has_any_case(s, k, "token")) return 0;
	if (k - 6 == start && has_any_case(s, start, "client")) return 1;
	k -= is(s, k - 1, URLSAFE) != 0;
	if (k - 4 == start ? has_any_case(s, start, "lock") : k - 6 == start && has_any_case(s, start, "change")) return 1;
	return has_any_case(s, k - 13, "clientrequest") || has_any_case(s, k - 14, "client-request") || has_any_case(s, k - 14, "client_request");
}

/* digest reports whether the value at a says by what it was made: sha256=…, of the files of a wheel. */
RARE int digest(const scan *s, int a) {
	static const char *const ways[] = {"sha256=", "sha384=", "sha512=", "sha1=", "md5="};
	spend(100);
	for (unsigned k = 0; k < sizeof ways / sizeof ways[0]; k++)
		if (has(s, a, ways[k])) return 1;
	return 0;
}

/* listed reports whether a bracket of a list is open before i, and none of a call behind it. */
RARE int listed(const scan *s, int i) {
	int k = i, stop = max(0, i - 64);
	while (k > stop && s->t[k - 1] != '[' && s->t[k - 1] != '(' && s->t[k - 1] != '\n') k--;
	spend(30 + 8 * (i - k));
	return at(s, k - 1, '[');
}

/* a_kind reports whether [a, b), in quotes, behind the name that begins at start, is no password but what one is hashed with, or a kind of field or login in
 * a list that has "password", too: ["text", "password", "datetime-local2"]. A pair is none. */
RARE int a_kind(const scan *s, int a, int b, int start) {
	int hyphens = 0, digits = 0;
	spend(100 + 10 * (b - a));
	for (int k = a; k < b; k++) {
		if (!in(s->t[k], LOWER | DIGIT | URLSAFE)) return 0;
		hyphens += in(s->t[k], URLSAFE) != 0, digits += in(s->t[k], DIGIT) != 0;
	}
	if (!hyphens) return 0;
	if (a_way(s, a, b)) return has(s, a, "scram-sha-") || has(s, a, "sha-") || has(s, a, "pbkdf2-sha") || listed(s, start);
	int before = start - 2 - at(s, start - 2, ' ');
	return digits == 1 && is(s, b - 1, DIGIT) && is(s, start, LETTER) && is(s, start - 1, QUOTE) && (at(s, before, ',') || (at(s, before, '[') && at(s, b + 1, ','))) && at(s, a - 2 - at(s, a - 2, ' '), ',') && listed(s, start);
}

/* cipher reports whether the value at a says how something is encrypted: AES256-GCM-HKDF-4KB. */
RARE int cipher(const scan *s, int a) { return has_any_case(s, a, "aes") || has_any_case(s, a, "chacha") || has_any_case(s, a, "rsa"); }

/* called_so reports whether [a, b), behind the name of a service alone, is what that calls a user or a thing: cus_… of Stripe, rec… of Airtable, and what
 * Spotify has. What has a secret behind an id is none. */
RARE int called_so(const scan *s, int a, int b, int start) {
	static const char *const kinds[] = {"cus_", "acct_", "sub_", "price_", "prod_", "plan_", "pi_", "pm_", "evt_"}, *const bases[] = {"rec", "app", "tbl", "viw", "fld", "usr"};
	spend(300);
	for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
		if (has(s, a, kinds[k])) return has_any_case(s, start, "stripe") && !contains(s, a, b, "secret_");
	if (b - a == 22 && has_any_case(s, start, "spotify")) return 1;
	if (b - a == 17 && has_any_case(s, start, "airtable"))
		for (unsigned k = 0; k < sizeof bases / sizeof bases[0]; k++)
			if (has(s, a, bases[k])) return 1;
	return 0;
}

/* of_digests reports whether the object in which the name at start stands is called one of digests: {"commits": {"github": "…"}}. */
RARE int of_digests(const scan *s, int start) {
	static const char *const words[] = {"commit", "commits", "checksum", "checksums", "digest", "digests", "sha", "shas", "sha1", "sha256", "md5", "revision", "revisions"};
	int open = start, stop = max(0, start - 256);
	while (open > stop && s->t[open - 1] != '{' && s->t[open - 1] != '}') open--;
	spend(100 + 8 * (start - open));
	int e = open - 1;
	if (!at(s, e, '{')) return 0;
	while (e > max(0, open - 8) && (class[s->t[e - 1]] & (SPACE | QUOTE) || s->t[e - 1] == ':')) e--;
	spend(500);
	for (unsigned k = 0; k < sizeof words / sizeof words[0]; k++) {
		int n = 0;
		while (words[k][n]) n++;
		if (has_any_case(s, e - n, words[k]) && !is(s, e - n - 1, LETTER)) return 1;
	}
	return 0;
}

/* harmless reports whether the value [a, b), which would be a secret by its name that is worth say, is none of these. */
RARE int harmless(const scan *s, int a, int b, int quoted, const value_name *v, int say) {
	int name = max(v->start, s->name_end);
	spend(60);
	if ((a - quoted - name > 3 && (!quoted || at(s, b + 1, ':') || at(s, b + 1, '=')) && none_given(s, name, a - quoted)) || (!quoted && is(s, a - 1, SPACE) && (next_key(s, a) || (at(s, a - 2, (char)s->t[max(0, v->start - 1)]) && of_attribute(s, v->start, v->bound))))) return 1;
	if (expression(s, a, b)) return 1;
	if (say == 3) return quoted && a_kind(s, a, b, v->start);
	spend(100);
	if (has(s, a, "arn:aws") || digest(s, a) || (b - a == 36 && once(s, a, v->start))) return 1;
	if (has_any_case(s, name - 10, "encryption") && cipher(s, a)) return 1;
	if (!quoted && ((s->t[a] == '*' && !v->bound) || is_type(s, a, b - 2 * has(s, b - 2, "_t")))) return 1;
	return say == 1 && !(v->any & 1 << W_KEY) && (called_so(s, a, b, v->start) || of_digests(s, v->start));
}

#endif
