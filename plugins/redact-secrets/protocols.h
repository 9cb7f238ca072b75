/* protocols.h: what a protocol has in the place of a password, under names that are used for other things, too: communities of
 * SNMP, signatures of requests to AWS and Google Cloud, answers of HTTP Digest, secret ids of Vault's AppRole. */
#ifndef SECRETS_PROTOCOLS_H
#define SECRETS_PROTOCOLS_H

#include "issuers.h"
#include "places.h"

#define MAX_HEADER 256 /* how far before a value the header or the block that it is of may begin */

/* speaks_of reports whether a word of small letters stands in what goes before e, as far as that may belong to the same thing. */
RARE int speaks_of(const scan *s, int e, const char *word) {
	spend(700);
	for (int k = max(0, e - MAX_HEADER); k < e; k += 64)
		if (contains(s, k, e, word)) return 1;
	return 0;
}

/* of_snmp reports whether "snmp" stands in the bytes before e, or in those of its line. */
RARE int of_snmp(const scan *s, int e, int line) {
	int from = max(0, e - 64);
	spend(500);
	for (int k = e; line && k > from; k--)
		if (s->t[k - 1] == '\n') from = k;
	return contains(s, from, e, "snmp");
}

/* community reports [a, b) if what ends at e, before it, says that it is the community of SNMP, which is its password: community …,
 * "community": "…", rocommunity …, snmpwalk -c …, snmp-server host 10.1.1.1 version 2c …. */
RARE int community(scan *s, int e, int a, int b) {
	int named = e;
	spend(400);
	if (has_any_case(s, named - 3, " is")) named -= 3;
	if (has_any_case(s, named - 6, "string")) named -= 6, named -= is(s, named - 1, SPACE | URLSAFE);
	if (has_any_case(s, named - 9, "community")) {
		if (!has_any_case(s, named - 11, "rocommunity") && !has_any_case(s, named - 11, "rwcommunity") && !of_snmp(s, named, 0)) return 0;
	} else if (!((has(s, e - 3, " -c") || has(s, e - 11, " version 2c") || has(s, e - 6, " traps")) && of_snmp(s, e, 1))) return 0;
	return written_out(s, a, b) && !contains(s, a, b, "snmp") && report(s, a, b, PASSWORD, 550) ? b : 0;
}

/* signature reports [a, b), hexadecimal digits, if what ends at e is the name of such a signature or answer. */
RARE int signature(scan *s, int e, int a, int b) {
	spend(300);
	if (ahead(s, a, b, &sets[set_number(HEX)], 0) < b) return 0;
	if (has_any_case(s, e - 8, "response")) {
		if (b - a > 64 || !speaks_of(s, e, "uri=") || !speaks_of(s, e, "digest ")) return 0;
	} else if (b - a < 64 || !has_any_case(s, e - 9, "signature")) return 0;
	else if (!has_any_case(s, e - 15, "x-amz-signature") && !has_any_case(s, e - 16, "x-goog-signature") && !speaks_of(s, e, "signedheaders")) return 0;
	return !stands_in(s, a, b) && report(s, a, b, SECRET, 600) ? b : 0;
}

/* secret_id reports the UUID [a, b), if what ends at e is the name that Vault has for half of a login. What Azure calls so is no
 * secret: written otherwise than Vault does, the name counts near a word of its own. */
RARE int secret_id(scan *s, int e, int a, int b) {
	spend(400);
	if (!has_any_case(s, e - 2, "id") || !at(s, a + 8, '-') || !at(s, a + 13, '-') || !at(s, a + 18, '-') || !at(s, a + 23, '-') || run_end(s, a, HEX, 9) < a + 8 || run_end(s, a + 24, HEX, 12) < b) return 0;
	if (!has_any_case(s, e - 9, "secret_id") && !((has_any_case(s, e - 8, "secretid") || has_any_case(s, e - 9, "secret-id") || has_any_case(s, e - 9, "secret id")) && (speaks_of(s, e, "vault") || speaks_of(s, e, "role")))) return 0;
	return !stands_in(s, a, b) && report(s, a, b, SECRET, 600) ? b : 0;
}

/* of_device reports [a, b), if what ends at e, on its line, is how a router or a switch has a key that it shares: tacacs-server key …, radius-server host … key 7 …,
 * crypto isakmp key …, key-string …, authentication-key 1 md5 …. */
RARE int of_device(scan *s, int e, int a, int b) {
	static const char *const ways[] = {"tacacs", "radius", "isakmp key", "pac key", "key-string", "authentication-key", "digest-key"};
	int line = max(s->last, e - 64), named = 0;
	spend(900);
	for (int k = line; k < e; k++)
		if (s->t[k] == '\n') line = k;
	for (unsigned k = 0; k < sizeof ways / sizeof ways[0]; k++) named |= contains(s, line, e, ways[k]);
	return named && written_out(s, a, b) && report(s, a, b, PASSWORD, 550) ? b : 0;
}

/* may_be_of_device reports whether what stands before p ends like "key ", perhaps with the kind of its hash, "string " or "md5 ". */
static inline int may_be_of_device(const uint8_t *p) {
	if (p[-3] == ' ' && in(p[-2], DIGIT)) p -= 2;
	return (p[-2] == 'y' && p[-3] == 'e' && p[-4] == 'k') || (p[-2] == 'g' && p[-3] == 'n' && p[-4] == 'i') || (p[-2] == '5' && p[-3] == 'd' && p[-4] == 'm');
}

/* of_protocol reads the value [a, b) by the last byte of its name, which tells which of them it may be. */
RARE int of_protocol(scan *s, int a, int b, int quoted) {
	int e = back(s, a - quoted, max(0, a - MAX_NAME), &sets[IN_GAP], 0), n = b - a;
	spend(250);
	if (e < 2) return 0;
	if (n <= 64 && a - quoted > 9 && may_be_of_device(s->t + a - quoted)) return of_device(s, e, a, quoted ? b : shouted(s, b));
	switch (s->t[e - 1] | 0x20) {
	case 'e': return n == 32 || n >= 64 ? signature(s, e, a, b) : 0;
	case 'd': return n == 36 ? secret_id(s, e, a, b) : 0;
	}
	return n <= 64 ? community(s, e, a, b) : 0;
}

/* may_be_of_protocol reports whether its name, or an option or word right before it, may make one of these of the value of n bytes at a. */
static inline int may_be_of_protocol(const scan *s, int a, int n, int quoted, const value_name *v) {
	if (v->any & (1 << W_COMMUNITY | 1 << W_THING)) return v->any & 1 << W_COMMUNITY || n == 32 || n == 36 || n >= 64;
	if (a - quoted < 10 || s->t[a - quoted - 1] != ' ') return 0;
	uint8_t c = s->t[a - quoted - 2], before = s->t[a - quoted - 3];
	if (may_be_of_device(s->t + a - quoted)) return 1;
	return (c == 'c' && (before == '-' || before == '2')) || (c == 's' && before == 'p' && s->t[a - quoted - 4] == 'a');
}

/* asked_of returns where the host begins of the URL in which the name of a field ends at e, and in end where it ends, without its last part: "org" says of
 * other names that they are of something else. It returns 0 if there is none. */
RARE int asked_of(const scan *s, int e, int *end) {
	int k = 0;
	spend(150);
	for (int from = back(s, e, max(s->last, e - MAX_HEADER), &sets[BREAKS], SIDES); (from = ahead(s, from, e, &sets[BINDS], SIDES)) < e; from++) {
		spend(100);
		if (has(s, from, "://")) k = from + 3;
	}
	if (!k) return 0;
	*end = ahead(s, k, e, &sets[IN_DOMAIN], 0);
	while (*end > k && s->t[--*end] != '.') {}
	return k;
}

/* asked reports the key [a, b) in a query, behind a name that says little and ends at e, if the host is of somebody who hands out keys: ?key=…,
 * &appid=…. */
RARE int asked(scan *s, int e, int a, int b) {
	makeup m;
	int end, beside = 0, known = 0;
	spend(100);
	if (b - a > 64 || run_end(s, a, ALNUM, b - a) < b) return 0;
	int host = asked_of(s, e, &end);
	uint64_t rows = host ? issuer_in(s, host, end, &beside) : 0;
	if (host ? !rows || rows & COMMON_WORD : !has_any_case(s, e - 5, "appid") || !(speaks_of(s, e, "/data/2.5/") || speaks_of(s, e, "/data/3.0/"))) return 0; /* OpenWeather's, without its host */
	spend(900);
	made_of(s, a, b, &m);
	if (m.digits_ahead < 4 || !m.letters || (wordy(&m, b - a) && run_end(s, a, HEX, b - a) < b) || fewer(s, a, b, 8) || entropy(s, a, b) < 48 || stands_in(s, a, b)) return 0;
	int kind = made_like(s, a, b, &m);
	for (uint64_t r = rows; r; r &= r - 1) {
		int row = __builtin_ctzll(r);
		known |= b - a >= issued[row].min && b - a <= issued[row].max && kind <= issued[row].kind;
	}
	if (host && (rows & HAS_IDS || !known) && !((known || !(rows & HAS_IDS)) && contains(s, host, end, "api"))) return 0;
	return report(s, a, b, SECRET, 550) ? b : 0;
}

/* may_be_asked reports whether the field of a query before the equals sign at p is called key or appid. */
static inline int may_be_asked(const uint8_t *p) {
	if (p[-1] == 'y') return p[-2] == 'e' && p[-3] == 'k' && (p[-4] == '?' || p[-4] == '&');
	return p[-1] == 'd' && p[-2] == 'i' && p[-3] == 'p' && p[-4] == 'p' && p[-5] == 'a' && (p[-6] == '?' || p[-6] == '&');
}

/* may_be_granted reports whether the name before the equals sign at i ends like one of these that a value of hexadecimal digits has. */
static inline int may_be_granted(const scan *s, int i) {
	const uint8_t *p = s->t + i;
	if (i < 8) return 0;
	if (may_be_asked(p)) return 1;
	switch (p[-1]) {
	case 'e': return (p[-2] == 'r' && p[-3] == 'u') || (p[-2] == 's' && p[-3] == 'n');
	case 'd': case 'D': return (p[-2] | 0x20) == 'i' && (p[-3] == '_' || p[-3] == '-' || (p[-3] | 0x20) == 't');
	}
	return 0;
}

/* granted reads what stands behind such a name and the equals sign at i, wherever it stands: among the fields of a URL or a header. */
RARE int granted(scan *s, int i) {
	int quoted = is(s, i + 1, QUOTE) != 0, a = i + 1 + quoted, b = ahead(s, a, min(s->n, a + MAX_VALUE), &sets[IN_NAME], SIDES);
	spend(300 + 5 * (b - a));
	if (may_be_asked(s->t + i)) return b - a >= 20 ? asked(s, i, a, b) : 0;
	return b - a >= 32 ? of_protocol(s, a, b, quoted) : 0;
}

/* borne reports the token of letters alone that "Bearer" at a says, behind the name of the header that ends at end. */
RARE int borne(scan *s, int end, int a) {
	spend(100);
	if (!has(s, a, "Bearer ") || !has_any_case(s, end - 13, "authorization")) return 0;
	int b = run_end(s, a += 7, LETTER, MAX_VALUE);
	makeup m;
	if (b - a < 24 || is(s, b, ALNUM | URLSAFE | STD | DOT | EQUALS)) return 0;
	spend(700);
	made_of(s, a, b, &m);
	return m.upper && m.lower && m.turns * 5 >= b - a && entropy(s, a, b) >= 60 && !stands_in(s, a, b) && !contains(s, a, b, "token") && !contains(s, a, b, "secret") && !contains(s, a, b, "value") && !contains(s, a, b, "here") && report(s, a, b, SECRET, 550) ? b : 0;
}

#endif
