/* shapes.h: tokens that are known by their shape and not by how they begin. */
#ifndef SECRETS_SHAPES_H
#define SECRETS_SHAPES_H

#include "makeup.h"

static inline __attribute__((always_inline)) int one_class(const scan *s, int a, int b, int mask) { return a < b && run_end(s, a, mask, b - a) == b; }

/* hashed reports whether a hash of a password begins at a, behind a dollar sign, as crypt(3) writes it. */
RARE int hashed(const scan *s, int a) {
	if (!at(s, a - 1, '$')) return 0;
	uint8_t c = s->t[a + 1];
	switch (s->t[a]) {
	case '2': return c == 'a' || c == 'b' || c == 'y'; /* bcrypt */
	case '1': case '5': case '6': case '8': case '9': return c == '$'; /* MD5, SHA-256, SHA-512; of Cisco, PBKDF2 and scrypt */
	case 'a': return has(s, a, "argon2") || has(s, a, "apr1");
	}
	return 0;
}

#define SID 34 /* bytes of the name of an account of Twilio */

/* beside_sid reports whether the 32 bytes at a stand right behind such a name: Client('AC…', '…'), AC…:…. */
static inline int beside_sid(const scan *s, int a) {
	int name = s->last - SID, gap = a - s->last;
	if (name < 0 || gap < 1 || gap > 4 || s->t[name] != 'A' || s->t[name + 1] != 'C') return 0;
	for (int k = s->last; k < a; k++)
		if (!(class[s->t[k]] & QUOTE) && s->t[k] != ',' && s->t[k] != ':' && s->t[k] != ' ' && s->t[k] != '\n') return 0;
	return 1;
}

/* may_be_shaped reports whether the length of the run, or what stands behind it, leaves
 * a shape open, once for each run. */
static inline int may_be_shaped(scan *s, int i) {
	if (i < s->shape) return 0;
	s->shape = s->run;
	int n = s->run - s->run_from;
	uint8_t c = s->run < s->n ? s->t[s->run] : 0;
	if (n >= 36 && n <= 50) return 1;
	if (c == '$') return n == 16 || n == 13 || (n <= 8 && hashed(s, after_escape(s, s->run_from)));
	if (n == 32 && s->last) return beside_sid(s, s->run_from);
	if (n == 64) return s->t[s->run_from + 11] == 'A';
	return n >= 5 && ((c == ':' && s->t[s->run + 1] == 'A') || (c == '~' && s->t[s->run - 1] == 'Q') || (n >= 14 && (c == '.' || c == '|' || c == '!')));
}

/* shaped reads tokens that are known by their shape and not by how they begin. */
RARE int shaped(scan *s) {
	spend(600);
	int a = after_escape(s, s->run_from), e = s->run, n = e - a;
	if (at(s, e, '$') && n <= 8 && hashed(s, a)) {
		int rest = ahead(s, e, min(s->n, e + 256), &sets[IN_HASH], 0);
		return rest - a >= 28 && report(s, a - 1, rest, PASSWORD_HASH, 800) ? rest : 0;
	}
	if (n < 5) return 0;
	if (n == 13 && has(s, a, "SCRAM-SHA-256$")) {
		int rest = ahead(s, e, min(s->n, e + 256), &sets[IN_HASH], 0);
		for (int k = 0; k < 2 && at(s, rest, ':'); k++) rest = ahead(s, rest + 1, min(s->n, e + 256), &sets[IN_HASH], 0);
		return rest - a >= 90 && report(s, a, rest, PASSWORD_HASH, 800) ? rest : 0;
	}
	/* Telegram: the number of a bot, and 35 characters */
	if (has(s, a, "bot") && is(s, a + 3, DIGIT)) a += 3, n -= 3;
	if (at(s, e, ':') && n >= 5 && n <= 16 && one_class(s, a, e, DIGIT) && at(s, e + 1, 'A')) {
		int b = run_end(s, e + 1, BASE64U, 40);
		if (b - e - 1 == 35 && !is(s, b, WORD) && !fewer(s, e + 1, b, 10) && report(s, a, b, TELEGRAM_TOKEN, 900)) return b;
	}
	if (n == 32 && beside_sid(s, a)) return one_class(s, s->last - SID + 2, s->last, HEX) && one_class(s, a, e, HEX) && report(s, a, e, TWILIO_KEY, 800) ? e : 0;
	/* Mailchimp: a digest and the data centre */
	if (n >= 36 && n <= 37 && has(s, a + 32, "-us") && one_class(s, a, a + 32, HEX) && report(s, a, e, MAILCHIMP_KEY, 900)) return e;
	if (n == 40 && has(s, e - 4, "_mmk") && report(s, a, e, MAXMIND_KEY, 950)) return e;
	/* New Relic, for what is sent to it */
	if (n == 40 && has(s, e - 4, "NRAL") && one_class(s, a, a + 36, HEX) && report(s, a, e, NEWRELIC_KEY, 950)) return e;
	/* Mailgun, since 2018 */
	if (n == 50 && at(s, a + 32, '-') && at(s, a + 41, '-') && one_class(s, a, a + 32, HEX) && one_class(s, a + 42, e, HEX) && report(s, a, e, MAILGUN_KEY, 900)) return e;
	/* Dropbox, without an end: eleven characters and a row of ten */
	if (n == 64 && has(s, a + 11, "AAAAAAAAAA") && !fewer(s, a + 21, e, 10) && report(s, a, e, DROPBOX_TOKEN, 900)) return e;
	/* Salesforce: the id of an organisation */
	if (n == 15 && at(s, e, '!') && has(s, a, "00D")) {
		int b = run_end(s, e + 1, BASE64U | STD | DOT | EQUALS, 120);
		if (b - e - 1 >= 80 && report(s, a, b, VENDOR_KEY, 900)) return b;
	}
	/* Braintree */
	if (n == 16 && at(s, e, '$') && has(s, a - 24, "access_token$production$") && run_end(s, e + 1, HEX, 33) == e + 33 && report(s, a - 24, e + 33, PAYPAL_TOKEN, 950)) return e + 33;
	/* Terraform: fourteen characters, .atlasv1., sixty and more */
	if (n == 14 && has(s, e, ".atlasv1.")) {
		int b = run_end(s, e + 9, BASE64U | EQUALS, 80);
		if (b - e - 9 >= 60 && report(s, a, b, TERRAFORM_TOKEN, 950)) return b;
	}
	/* Discord: the id of a bot in base64, a time, a digest */
	if (n >= 23 && n <= 28 && at(s, e, '.') && (s->t[a] == 'M' || s->t[a] == 'N' || s->t[a] == 'O')) {
		int b = run_end(s, e + 1, BASE64U, 8), c = run_end(s, b + 1, BASE64U, 48);
		if (b - e - 1 >= 6 && b - e - 1 <= 7 && at(s, b, '.') && c - b - 1 >= 27 && c - b - 1 <= 40 && report(s, a, c, DISCORD_TOKEN, 900)) return c;
	}
	/* Azure: three characters, a digit, Q~ and 31 to 34 more */
	if (at(s, e, '~') && n >= 5 && s->t[e - 1] == 'Q' && is(s, e - 2, DIGIT)) {
		int from = e - 5, b = e + 1;
		while (b < e + 37 && (is(s, b, BASE64U | DOT) || at(s, b, '~'))) b++;
		if (from >= s->last && from == a && b - e - 1 >= 31 && b - e - 1 <= 34 && !fewer(s, e + 1, b, 10) && report(s, from, b, AZURE_SECRET, 900)) return b;
	}
	/* Facebook: the id of an application, a bar, 27 characters */
	if (n >= 15 && n <= 16 && at(s, e, '|') && one_class(s, a, e, DIGIT)) {
		int b = run_end(s, e + 1, BASE64U, 41);
		if (b - e - 1 >= 27 && b - e - 1 <= 40 && report(s, a, b, FACEBOOK_TOKEN, 900)) return b;
	}
	return 0;
}

#endif
