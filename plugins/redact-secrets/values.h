/* values.h: secrets that are known by what stands before them, and by how random
 * they are. */
#ifndef SECRETS_VALUES_H
#define SECRETS_VALUES_H

#include "ends.h"
#include "harmless.h"
#include "heads.h"
#include "issuers.h"
#include "markup.h"
#include "places.h"
#include "phrases.h"
#include "protocols.h"
#include "severed.h"
#include "shapes.h"
#include "tables.h"
#include "plain.h"

/* file_name reports whether a value ends like the name of a file or host. */
static int file_name(const scan *s, int a, int b) {
	int i = run_start(s, b, LETTER, 5), n = b - i;
	return i > a && s->t[i - 1] == '.' && n >= 2 && n <= 4 && run_end(s, i, LOWER, n) == b;
}

/* telegram_like: a number, a colon and an A; shaped() has not found it whole. */
static int telegram_like(const scan *s, int a, int b) {
	int e = run_end(s, a, DIGIT, b - a);
	return e - a >= 4 && at(s, e, ':') && at(s, e + 1, 'A');
}

/* paired reports whether the name of the password at i is that of an option or of a variable in a Dockerfile, or behind the name of a user:
 * --password …, ENV DB_PASS …, login ops password … */
RARE int paired(const scan *s, int i, uint32_t last) {
	spend(400);
	if (has(s, i - 4, "ENV ") && (i == 4 || at(s, i - 5, '\n')) && is(s, i, UPPER)) return (last & 1 << W_PASS) != 0;
	if (at(s, i, '-') && (at(s, i + 1, '-') || is(s, i - 1, SPACE))) return 1;
	int k = i, stop = max(0, i - MAX_NAME);
	while (k > stop && class[s->t[k - 1]] & SPACE) k--;
	int user = back(s, k, stop, &sets[BREAKS], SIDES);
	if (user == k || k == i || !at(s, user - 1, ' ')) return 0;
	return has_any_case(s, user - 6, "login") || has_any_case(s, user - 9, "username");
}

/* fills_line reports whether the value [a, b) in quotes and its name at start, of eight letters and more, are all of a line, as settings are written
 * without an operator: storePassword '…'. What has a dot or a hyphen in it is something else as often. */
RARE int fills_line(const scan *s, int a, int b, int start) {
	int k = start, stop = max(0, start - 32);
	if (!is(s, start, LOWER) || run_end(s, start, LETTER, 8) < start + 8 || s->t[a - 1] == '`' || (run_end(s, a, ALNUM, b - a) < b && !has_sign(s, a, b))) return 0;
	while (k > stop && (s->t[k - 1] == ' ' || s->t[k - 1] == '\t')) k--;
	spend(100 + 8 * (start - k));
	return (k == 0 || at(s, k - 1, '\n')) && (b + 1 == s->n || at(s, b + 1, '\n') || at(s, b + 1, '\r'));
}

/* weak reports whether [a, b), which is called like a variable, is a password that people make of such a word: with a sign that names do not have, or three
 * digits at its end. */
RARE int weak(const scan *s, int a, int b) {
	int signs = 0;
	spend(100 + 12 * (b - a));
	for (int k = a; k < b; k++) {
		uint8_t c = s->t[k];
		int sign = c == '!' || c == '@' || c == '#' || c == '$' || c == '%';
		if (!sign && !in(c, ALNUM)) return 0;
		signs += sign;
	}
	return signs ? any_digit(s, a, b) : b - a > 3 && run_end(s, b - 3, DIGIT, 3) == b;
}

static int behind_slash; /* where the present value was split before a slash, which begins paths more often than keys; 0 if it was not */

/* judged says what a value is worth under a name by what it consists of. */
static int judged(const scan *s, int a, int b, const makeup *m, const value_name *v, int say, int quoted) {
	int n = b - a, digits = m->digits_ahead, letters = m->upper | m->lower;
	if (say == 3) {
		if (digits == 0 && !quoted) return v->bound ? 520 : 0; /* decide has seen what it has in the place of digits */
		if (s->t[a] == '/' && ahead(s, a + 1, b, &sets[ENDS_USER], SIDES) < b) return 0; /* a path */
		if (!v->bound && wordy(m, n) && classes(s, a, b) & STD) return 0; /* a path */
		if (!v->bound && !m->upper && a_way(s, a, b) && !has_sign(s, a, b)) return 0;
		if (!v->bound && !quoted && mentioned(s, a, b, v->start)) return paired(s, v->start, v->last) ? 520 : 0;
		if (!v->bound && n >= 16 && digits > 0 && letters && !wordy(m, n) && entropy(s, a, b) >= 48) return 520;
		if (!v->bound) return digits > 0 && ((n >= 8 && (m->special || (m->upper && m->lower)) && !fewer(s, a, b, 6)) || paired(s, v->start, v->last) || (quoted && n >= 8 && !wordy(m, n) && fills_line(s, a, b, v->start)) || (!quoted && v->last & 1 << W_PASS && spoken(s, a, b, v->start))) ? 520 : 0;
		if ((s->t[b - 1] == ')' || s->t[b - 1] == '(') && !quoted) return 0; /* a call */
		if (!quoted && wordy(m, n) && m->dots) return 0; /* a variable */
		if (!quoted && wordy(m, n) && (contains(s, a, b, "pass") || contains(s, a, b, "token") || contains(s, a, b, "secret"))) return weak(s, a, b) ? 510 : 0;
		if (digits > 0 && letters) return quoted || !wordy(m, n) ? BEST_PASSWORD : a_way(s, a, b) ? 0 : 510;
		if (m->special && letters) return quoted ? 600 : 0;
		if (digits == n) return quoted || n <= 12 ? 520 : 0;
		return quoted && n >= 8 && !m->dots && !fewer(s, a, b, 6) ? 520 : 0;
	}
	if (digits == 0 && letters && n >= 12 && (v->bound || quoted) && m->special && mangled(s, a, b)) return 550;
	if (!letters || (digits == 0 && n < (quoted ? 12 : 20))) return digits == n && v->bound && say == 2 && (n >= 20 || (n >= 15 && v->any & 1 << W_VENDOR)) && entropy(s, a, b) > 40 ? 520 : 0;
	if ((say == 2 && n <= 24 && (m->dots || (n <= 16 && run_end(s, a, ALNUM, n) >= b - 9)) && (has_any_case(s, b - 9, "-or-later") || has_any_case(s, b - 5, "-only"))) /* a license */ || (say == 2 && has(s, b - 13, "/aws4_request")) /* what a key is for */ || (say == 2 && n <= 16 && a_way(s, a, b)) || (n <= 32 && numbered(s, a, b))) return 0;
	if (behind_slash && a == behind_slash && !slashed(s, a, b, m)) return 0;
	int jumble = (digits == 0 || wordy(m, n)) && n >= 14 && say == 2 && !m->special && jumbled(s, a, b);
	if (digits == 0 && !(m->upper && m->lower) && !jumble) return 0;
	if (say == 1 && !(v->any & 1 << W_KEY) && (may_be_id(s, a, b) || begins_with_word(s, a, b, m))) return 0; /* of_issuer knows whose keys are such */
	if (say == 1 && v->any & (1 << W_BESIDE | 1 << W_DATA) && (n < 24 || digits < 3 || !m->upper || !m->lower || !v->bound)) return 0;
	if (say == 1 && v->any & 1 << W_SOMEBODY && !(v->any & 1 << W_CAPITALS) && (n < 20 || digits < 3)) return 0;
	if ((say == 1 && (m->special || m->dots) && !(n >= 32 && digits >= 3 && m->upper && m->lower && !m->dots && ahead(s, a, b, &sets[set_number(BASE64U | STD | DOT | EQUALS)], 0) == b)) || (!quoted && (s->t[b - 1] == ')' || s->t[b - 1] == '('))) return 0;
	if ((wordy(m, n) && !jumble) || entropy(s, a, b) < (n < 16 ? 40 : n < 24 ? 46 : 48)) return 0;
	if (!v->bound && say == 1) return v->last & 1 << W_VENDOR && n >= 24 && digits >= 3 && m->upper && m->lower && run_end(s, a, ALNUM, n) == b ? 520 : 0;
	if (!v->bound) return n >= 15 + m->special && say == 2 && s->t[a] != '/' && v->last & (1 << W_SECRET | 1 << W_KEY) && !contains(s, a, b, "token") ? 520 : 0;
	return say == 2 ? BEST_SECRET : 550;
}

/* shortest returns how many bytes a value has at least that is worth anything under a name. */
static inline int shortest(int say) { return say == 3 ? SHORTEST_PASSWORD : say == 2 ? 8 : 14; }

/* asks reports whether a value asks for a password, in the place of one. */
static int asks(const scan *s, int a, int b) { return contains(s, a, b, "password") || contains(s, a, b, "required") || contains(s, a, b, "optional") || contains(s, a, b, "undefined"); }

/* joined reports whether what makes [a, b) look like words is quotation marks in it, and no spaces. */
RARE int joined(const scan *s, int a, int b) {
	spend(15 * (b - a));
	while (a < b && !(class[s->t[a]] & SPACE)) a++;
	return a == b;
}

/* lists reports whether [a, b) has spaces, or quotation marks that end something in it rather than to stand in a word. */
RARE int lists(const scan *s, int a, int b) {
	for (int k = a; (k = ahead(s, k, b, &sets[BREAKS], SIDES)) < b; k++) {
		spend(60);
		if (class[s->t[k]] & SPACE || k == a || !in(s->t[k - 1], ALNUM) || !in(s->t[k + 1], ALNUM)) return 1;
	}
	return 0;
}

/* worth says what a value is worth under a name. */
RARE int worth(scan *s, int a, int b, const value_name *v, int say, int quoted) {
	int n = b - a;
	if (n < shortest(say) || n > MAX_VALUE || known_to_stand_in(s, a, b)) return 0;
	makeup m;
	spend(say < 3 ? 1200 : 700);
	made_of(s, a, b, &m);
	if ((m.spaced && !joined(s, a, b)) || telegram_like(s, a, b) || (say < 3 && file_name(s, a, b))) return 0;
	int score = judged(s, a, b, &m, v, say, quoted);
	return score && !(say == 3 && m.digits_ahead == 0 && asks(s, a, b)) && !stands_in(s, a + (say == 3 && quoted && v->bound && may_begin(s, a, b)), b) ? score : 0;
}

static int has_name(scan *s, int i) {
	value_name v;
	name_of(s, i, &v);
	spend(NAMING + NAMING_WORD * v.words);
	return v.any & (1 << W_PASS | 1 << W_SECRET | 1 << W_KEY | 1 << W_LOCK | 1 << W_VENDOR) && !(v.any & 1 << W_OPEN);
}

static int ends_value(uint8_t c) { return class[c] & (SPACE | QUOTE | STOP); }

/* may_decide reports whether [a, b) may be a value behind a name: it is none if it is the argument of a call. */
static inline int may_decide(const scan *s, int a, int b, int quoted) {
	uint8_t before = a > 0 ? s->t[a - 1] : 0;
	return a >= s->last && b - a >= 4 && (quoted || before != '(') && class[before] & (SPACE | QUOTE | OPERATOR);
}

/* connects reports whether the name at i is one of a connection string: behind a semicolon, on a line that names a server,
 * a database or a user. */
RARE int connects(const scan *s, int i) {
	spend(200);
	int k = i;
	while (k > i - 8 && k > 0 && (class[s->t[k - 1]] & (SPACE | QUOTE | STD) || s->t[k - 1] == '&') && s->t[k - 1] != '\n') k--; /* a string may be joined */
	return at(s, k - 1, ';') && said_before(s, k) & 1 << W_CONNECTS;
}

/* lacks_digits reports whether [a, b) may be a password without a digit and without quotes: only by what stands before it, or
 * by signs that neither names nor code have. */
RARE int lacks_digits(const scan *s, int a, int b, const value_name *v) {
	spend(200);
	return v->bound && b - a >= 6 && (connects(s, v->start) || four_fours(s, a, b) || (b - a >= 8 && (has_sign(s, a, b) || mangled(s, a, b))));
}

/* braced reports whether a bracket in [a, b) is opened for what will be in its place. */
RARE int braced(const scan *s, int a, int b) {
	spend(10 * (b - a));
	while (a < b && s->t[a] != '{') a++;
	return a < b;
}

/* apart reports whether a line ends between the name that begins at start and the value at i, and not behind
 * what opens a value. */
RARE int apart(const scan *s, int start, int i) {
	int line = 0;
	for (int k = i - 1; k >= start; k--) {
		uint8_t c = s->t[k];
		if (c == '\n') line = 1;
		else if (line && c != ' ' && c != '\t' && c != '\r') return c != ':' && c != '>' && c != '(' && c != '[' && c != '|' && c != '{' && c != '\\' && c != '"' && !(c == '=' && class[s->t[i - 1]] & QUOTE);
	}
	return line && !(at(s, start - 1, '-') && (at(s, start - 2, '|') || at(s, start - 2, '>')));
}

/* closes reports whether the quotation mark before a ends the text in which the name stands, with its colon: "Password:", x2 = "…". */
RARE int closes(const scan *s, int a, int start) {
	if (s->t[a - 2] != ':' || s->name_end != a - 2) return 0;
	int k = start, stop = max(0, start - 24);
	while (k > stop && class[s->t[k - 1]] & (LETTER | HIGH | SPACE) && s->t[k - 1] != '\n') k--;
	spend(60 + 8 * (start - k));
	return k > 0 && s->t[k - 1] == s->t[a - 1];
}

/* joins reports whether a program joins something to [a, b), in quotes, that ends in a colon and is no password by a digit or a sign: "application:" + key. */
static inline int joins(const scan *s, int a, int b) { return s->t[b - 1] == ':' && (has(s, b + 1, " +") || at(s, b + 1, '+')) && !any_digit(s, a, b) && ahead(s, a, b - 1, &NAME_SET, 0) == b - 1; }

/* decide reports the value [a, b) if its name speaks for it. */
RARE int decide(scan *s, int a, int b, int quoted, const value_name *v) {
	spend(250);
	int say = level(v), first = b;
	if (!say || (say == 3 ? threshold[PASSWORD] > BEST_PASSWORD : threshold[SECRET] > BEST_SECRET)) return 0; /* what no score reaches is not looked for */
	if (say < 3 && b - a < shortest(say)) return 0;
	if (!quoted && (calls(s, a, say) || ((at(s, b, ']') || at(s, b, '}')) && lists_last(s, a, b, say, v->start)) || (say == 3 && may_be_variable(s, a, b) && variable(s, a, b, v->start)) || ((say < 3 || at(s, b, '{')) && named_alike(s, a, b, v->start)))) return 0;
	if (class[s->t[a - 1]] & QUOTE && at(s, a - 2, '(') && at(s, b, ':') && at(s, b + 1, ' ') && !(classes(s, a, b) & UPPER)) return 0; /* ("pkcs12: no password") */
	if (quoted && ((has(s, b + 1, ".format(") && braced(s, a, b)) || joins(s, a, b))) return 0;
	if (class[s->t[a - 1]] & QUOTE && closes(s, a, v->start)) return 0;
	if (!quoted && at(s, s->name_end, '=') && is(s, s->name_end + 1, QUOTE) && is(s, s->name_end + 2, SPACE)) return 0; /* "password=" + value1 */
	if (say == 3 && has(s, v->start, "PASS") && (has(s, b, " (") || has(s, a, "Test"))) return 0; /* --- PASS: TestName2 (0.01s) */
	if (class[s->t[a - 1 - quoted]] & SPACE && apart(s, max(v->start, s->name_end), a)) return 0;
	if (!quoted && say == 3) {
		spend(350);
		b = password_end(s, a);
		if (at(s, b, '\'') && at(s, a - 1, '=') && goes_on(s, b) && connects(s, v->start)) b = password_end(s, b + 1); /* in which an apostrophe ends nothing */
		int plain = !any_digit(s, a, b);
		b = field_end(s, a, ends_before(s, a, b), v->start);
		if ((plain || !any_digit(s, a, b)) && !lacks_digits(s, a, b, v)) return 0;
	}
	b = min(b, a + MAX_VALUE);
	int score = worth(s, a, b, v, say, quoted);
	if (!score && first < b && (s->t[first] == '&' || s->t[first] == ';' || s->t[first] == '<') && any_digit(s, a, first)) score = worth(s, a, b = first, v, say, quoted); /* what goes on behind a sign is something else */
	if (!score || (!quoted && takes_names(s, back(s, a, max(s->last, a - MAX_LINE), &sets[IN_MARKUP], SIDES))) || harmless(s, a, b, quoted, v, say)) return 0;
	if (class[s->t[a - 1]] & QUOTE && !(a - 1 == s->name_end && v->start > 0 && s->t[v->start - 1] == s->t[a - 1]) /* which ends the name */ && (!at(s, b, (char)s->t[a - 1]) || goes_on(s, b))) b = max(b, quote_end(s, a));
	if (b - a >= MAX_PASSWORD) b = ahead(s, b, s->n, &sets[IN_NAME], SIDES); /* it may go on where no more was looked at */
	return report(s, a, b, say == 3 ? PASSWORD : SECRET, score) ? b : 0;
}

/* of_a_key reports the value [a, b) of what is called a key and nothing else, which is one of a table as often: letters of both cases and digits. */
RARE int of_a_key(scan *s, int a, int b) {
	makeup m;
	spend(800);
	if (b - a < 24 || b - a > 128 || run_end(s, a, ALNUM, b - a) < b) return 0;
	made_of(s, a, b, &m);
	if (m.digits_ahead < 3 || !m.upper || !m.lower || wordy(&m, b - a) || entropy(s, a, b) < 60 || !any_digit(s, a, b - 8) || stands_in(s, a, b)) return 0; /* a name may end in a number */
	return report(s, a, b, SECRET, 520) ? b : 0;
}

/* in_column reports the value [a, b) in quotes, if it stands in a row of SQL in the column of a password or a secret. */
RARE int in_column(scan *s, int a, int b) {
	int say = at(s, run_end(s, a, LOWER, 16), ':') || (b - a == 42 && has(s, a, "0x")) ? 0 : of_row(s, a); /* where one is kept, or the address of a contract */
	value_name v = {.any = 1u << (say == 3 ? W_PASS : W_SECRET), .last = 1u << (say == 3 ? W_PASS : W_SECRET), .bound = 1, .start = a};
	return say ? decide(s, a, b, 1, &v) : 0;
}

/* beside_key reports whether [a, b), of forty bytes, is base64 right behind an access key of AWS: S3Connection('AKIA…', '…'), AKIA…:…. */
RARE int beside_key(const scan *s, int a, int b) {
	int id = s->last - 20;
	spend(150);
	if (id < 0 || a - s->last > 4 || s->t[id] != 'A' || s->t[id + 2] != 'I' || s->t[id + 3] != 'A' || ahead(s, a, b, &sets[set_number(BASE64)], 0) < b) return 0;
	for (int k = s->last; k < a; k++)
		if (!(class[s->t[k]] & QUOTE) && s->t[k] != ',' && s->t[k] != ':' && s->t[k] != ' ' && s->t[k] != '\n') return 0;
	makeup m;
	spend(400);
	made_of(s, a, b, &m);
	return m.upper && m.lower && m.digits_ahead && !fewer(s, a, b, 12);
}

/* fal reports whether [a, b) is a UUID, a colon and 32 hexadecimal digits, as the keys of fal.ai are. */
RARE int fal(const scan *s, int a, int b) { return at(s, a + 8, '-') && at(s, a + 23, '-') && at(s, a + 36, ':') && run_end(s, a + 24, HEX, 13) == a + 36 && run_end(s, a + 37, HEX, 33) == b; }

/* named_value looks for the name of the value [a, b), too. */
RARE int named_value(scan *s, int a, int b, int quoted) {
	if (!may_decide(s, a, b, quoted)) return 0;
	spend(60);
	if (b - a == 40 && s->last && beside_key(s, a, b)) return report(s, a, b, AWS_KEY, 700) ? b : 0;
	value_name v = {0};
	int brief = b - a < BRIEF, unnamed = numeral(s, a);
	if (brief && !unnamed) spend(UNNAMING);
	if (!unnamed && (!brief || !wordless(s, a))) name_of(s, a, &v), spend(NAMING - brief * 150 + NAMING_WORD * v.words);
	else spend(400); /* of what led here, which a name pays for */
	if (!v.bound && v.start >= 15 && s->t[v.start - 2] == ':' && has_any_case(s, v.start - 15, "authorization")) v.any = v.last = 1 << W_SECRET, v.bound = 1; /* the name was that of a scheme */
	int found = v.any ? decide(s, a, b, quoted, &v) : 0;
	if (b - a == 69 && !found && level(&v) && fal(s, a, b)) return report(s, a, b, SECRET, 600) ? b : 0;
	if (!found && may_be_in_markup(s, a, quoted) && (found = in_markup(s, a, b, quoted))) return found;
	if (quoted && v.any == 1 << W_KEY && v.bound && b - a >= 24 && has_any_case(s, v.start, "key") && !is(s, v.start + 3, WORD | LOCAL | DOT) && (found = of_a_key(s, a, b))) return found;
	if (found || (may_be_of_protocol(s, a, b - a, quoted, &v) && (found = of_protocol(s, a, b, quoted))) || v.any & (1 << W_PASS | 1 << W_SECRET)) return found;
	if (may_be_issued(s, a, b - a, quoted, &v) && (found = of_issuer(s, a, b, quoted, &v))) return found;
	if (quoted && may_be_of_row(s, a, b) && (found = in_column(s, a, b))) return found;
	if (quoted && may_be_jwk(s, a) && (found = private_member(s, a, b))) return found;
	if (may_be_placed(s, a, b, quoted)) return placed(s, a, b, quoted);
	return may_be_given(s, a, b, quoted) ? given(s, a, b, quoted) : 0;
}

/* unspaced reads the password [a, b), or what of it stands before a character beyond ASCII, if a script that has no spaces says that it is one. */
RARE int unspaced(scan *s, int a, int b) {
	int from = a, e, score;
	while (a < b && class[s->t[a]] & HIGH) a++;
	spend(100 + 5 * (a - from));
	if (b - a < shortest(3) || threshold[PASSWORD] > BEST_PASSWORD || !said_of(s, a)) return 0;
	for (e = a; e < b && !(class[s->t[e]] & HIGH);) e++;
	e += e == b && at(s, e, '!'); /* ends passwords more often than what is said of them */
	spend(5 * (e - a));
	if (a_way(s, a, e)) return 0;
	value_name v = {.any = 1 << W_PASS, .last = 1 << W_PASS, .bound = 1, .start = a};
	return (score = worth(s, a, e, &v, 3, 0)) && report(s, a, e, PASSWORD, score) ? e : 0;
}

/* may_be_unspaced reports whether the value at a begins with a character beyond ASCII, or has one before it. */
static inline int may_be_unspaced(const scan *s, int a) {
	return is(s, a, HIGH) || is(s, a - 1 - at(s, a - 1, ' '), HIGH);
}

/* first_field returns where the value of the first field of a query begins, if its '?' stands behind i in the URL that ends at b, or 0. */
RARE int first_field(const scan *s, int i, int b) {
	for (; i < b; i += 16) {
		uint32_t hits = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(s->t + i), wasm_u8x16_splat('?')));
		spend(12);
		if (!hits) continue;
		int name = i + __builtin_ctz(hits) + 1;
		if (name >= b) return 0;
		int e = ahead(s, name, min(b, name + MAX_NAME), &NAME_SET, 0);
		spend(120);
		return e > name && e + 1 < b && s->t[e] == '=' ? e + 1 : 0;
	}
	return 0;
}

/* valued examines the value that the digit at i stands in, once. */
RARE int valued(scan *s, int i) {
	if (i < s->base64) return 0;
	int a = i, b = i, stop = max(max(s->last, s->base64), i - MAX_VALUE);
	uint32_t ends = outside(s->t + i - 16, &sets[IN_NAME]) ^ SIDES;
	a = max(ends ? i + 16 - __builtin_clz(ends) : back(s, i - 16, stop, &sets[IN_NAME], SIDES), stop);
	b = ahead(s, i, min(s->n, i + MAX_VALUE), &sets[IN_NAME], SIDES);
	s->base64 = b, behind_slash = 0;
	int open = a, close = b, found = 0, rest = b;
	if (b - a < 6 && a > stop && class[s->t[a - 1]] & SPACE) return may_be_signed(s, a, b) && (found = signed_password(s, a)) ? found : class[s->t[b]] & STOP && may_be_severed(s, i, a, b) ? severed(s, i) : 0; /* which stands in no quotes */
	if (a > stop && !(class[s->t[a - 1]] & QUOTE)) open = back(s, a, stop, &sets[IN_MARKUP], SIDES);
	if (open > 1 && s->t[open - 1] == '>' && in(s->t[open - 2], ALNUM)) open = behind_mark(s, open, stop);
	if (open > 0 && class[s->t[open - 1]] & QUOTE && (!is(s, open - 2, ALNUM) || (is(s, open - 2, LETTER) && !is(s, open - 3, ALNUM)))) { /* in quotes, anything */
		while (close < s->n && close < i + MAX_VALUE && !(class[s->t[close]] & (SPACE | QUOTE)) && s->t[close] != '\\' && s->t[close] != '<') close++;
		spend(15 * (close - b));
		if (close < s->n && (s->t[close] == s->t[open - 1] || s->t[close] == '\\') && !in_query(s, b)) a = open, b = s->base64 = close;
	}
	int quoted = a > 0 && class[s->t[a - 1]] & QUOTE && b < s->n && (s->t[b] == s->t[a - 1] || s->t[b] == '\\');
	int full = b;
	if (!quoted)
		while (b > a && (s->t[b - 1] == '.' || s->t[b - 1] == ':' || s->t[b - 1] == '!' || s->t[b - 1] == '?')) b--;
	if (b < full && at(s, full, '<') && a > 0 && s->t[a - 1] == '>') b = full; /* of an element, which it fills */
	spend(200);
	if (!quoted && may_be_signed(s, a, full) && (found = signed_password(s, back(s, a, stop, &sets[BREAKS], SIDES)))) return found;
	if (b - a >= 6 && (figures_alone(s, a, b, quoted) || (!quoted && coordinates(s, a, b)))) return max(i + 1, min(full, s->run));
	if (!quoted && (class[s->t[a - 1]] | class[s->t[full]]) & STOP && may_be_severed(s, i, a, full) && (found = severed(s, i))) return found;
	spend(340);
	if (b - a < 6) return 0;
	if (!quoted && in(s->t[a], LETTER) && may_be_paired(s, a, b) && (found = paired_with(s, a, b))) return found;
	if (!quoted && b - a <= BRIEF) spend(100);
	if (!quoted && !may_be_unspaced(s, a) && may_be_plain(s, a, b) && !(a > 1 && s->t[a - 1] == '>' && class[s->t[a - 2]] & QUOTE) && !(a > 1 && s->t[a - 1] == '[' && s->t[a - 2] == 'A') /* CDATA */ && !(a > 9 && may_be_of_device(s->t + a))) {
		if (numeral(s, a)) return max(i + 1, min(full, s->run));
		spend(UNNAMING);
		if (wordless(s, a)) return max(i + 1, min(full, s->run));
	}
	spend(600);
	a = after_escape(s, a);
	if ((found = by_rule(s, a))) return found;
	if (may_be_identifiable(b - a) && (found = identifiable(s, a, b))) return found;
	if (begun(s, a, b)) return 0;
	/* name=value within: the last '=' or ':' that does not end the value */
	int split = 0;
	spend(25 * (i - a));
	for (int k = a; k < i; k++)
		if ((s->t[k] == '=' || s->t[k] == ':') && k + 1 < b && (s->t[k + 1] != '/' || (s->t[k] == '=' && s->t[k + 2] != '/' && b - k > 32)) && s->t[k + 1] != '=') {
			split = k + 1;
			if (s->t[k] == '=' && !quoted) break;
		}
	if (!split && !in(s->t[a], DIGIT)) { /* the digit is in the name: AUTH0_SECRET=… */
		int k = ahead(s, i, min(b - 1, i + 24), &sets[BINDS], SIDES);
		if (k < b - 1 && (s->t[k] == '=' || s->t[k] == ':') && s->t[k + 1] != '/' && s->t[k + 1] != '=' && s->t[k + 1] != ':') split = k + 1;
	}
	int field = b - i >= 16 && (split || wasm_v128_any_true(wasm_i8x16_eq(wasm_v128_load(s->t + a), wasm_u8x16_splat('/')))) ? first_field(s, split ? min(split, i) : i, b) : 0; /* in a path or URL */
	split = field ? field : split;
	behind_slash = split && !field && s->t[split] == '/' ? split : 0;
	if (!quoted && may_be_unspaced(s, a) && (found = unspaced(s, a, b))) return found;
	int linked = link(s, a);
	spend(100);
	if (quoted && !linked && (found = named_value(s, a, b, 1))) return found;
	if (split && split < b) {
		int query = split;
		while (query < b && s->t[query] != '&' && s->t[query] != ';') query++;
		spend(20 * (query - split));
		if ((found = by_rule(s, split)) || (may_be_identifiable(b - split) && (found = identifiable(s, split, b)))) return found;
		if (!begun(s, split, b) && !(!quoted && brief_part(s, split, query)) && (found = named_value(s, split, quoted ? b : query, quoted))) return found;
		if (!quoted && at(s, a, '-') && at(s, a + 1, '-')) { /* --from-literal=password=…: the value of an option is a name and a value */
			int own = ahead(s, split, i, &sets[BINDS], SIDES) + 1;
			spend(15 * (own - split));
			if (own <= i && s->t[own - 1] == '=' && !begun(s, own, b) && (found = named_value(s, own, query, 0))) return found;
		}
	}
	if (!quoted && !linked && (found = named_value(s, a, b, 0))) return found;
	if (b - split >= 40 && at(s, split - 6, '?') && has(s, split - 5, "code=") && contains(s, a, split, ".azurewebsites.net/") && report(s, split, b, WEBHOOK_SECRET, 900)) return b;
	if (split && !quoted && may_be_paired(s, split, b) && (found = paired_with(s, split, b))) return found;
	if (split && !quoted && s->t[split - 1] == ':' && is(s, split, DIGIT) && (found = passfile(s, a, b))) return found;
	if (quoted && rest < b && at(s, rest, ';') && (rest = in_fields(s, rest, b))) s->base64 = rest; /* the other fields of a connection string are read for themselves */
	return max(i + 1, min(full, s->run));
}

/* torn examines the value at a, behind a quotation mark, in which another mark, a backslash or a '<' stands at stop: what would end it
 * anywhere else, and leave the rest of it to be read. Spaces are in sentences, and a letter and a colon before a backslash in paths. */
RARE int torn(scan *s, int a, int stop) {
	uint8_t c = s->t[stop];
	spend(150);
	if (!(class[c] & QUOTE || c == '\\' || c == '<') || stop == a || (c == s->t[a - 1] && !goes_on(s, stop)) || a < s->last || !(goes_on(s, stop) || is(s, stop - 1, ALNUM)) || at(s, stop - 1, ':')) return 0;
	value_name v;
	int b = by_rule(s, a);
	if (b) return b;
	spend(NAMING);
	name_of(s, a, &v);
	spend(NAMING_WORD * v.words);
	if (!v.bound || level(&v) < 2) return 0;
	b = quote_end(s, a);
	return b > stop && joined(s, a, b) && (any_digit(s, a, b) || has_sign(s, a, b)) && !begun(s, a, b) ? decide(s, a, b, 1, &v) : 0;
}

/* undigited examines the value that begins at a. */
RARE int undigited(scan *s, int a, int quote) {
	int b = ahead(s, a, min(s->n, a + 128), &sets[quote ? IN_QUOTES : IN_CODE], SIDES), torn_end;
	if (quote && b > a + 16 && b < s->n && (s->t[b] != quote || goes_on(s, b)) && (torn_end = torn(s, a, b))) return torn_end;
	if (b - a < 6 || b - a >= 128 || (quote && (b >= s->n || (s->t[b] != quote && s->t[b] != '\\')))) return 0;
	/* Digits have their own way, of which this is the same. */
	if (any_digit(s, a, b)) return 0;
	int token = by_rule(s, a);
	if (token) return token;
	if (begun(s, a, b)) return 0;
	if (!may_decide(s, a, b, quote != 0)) return 0;
	value_name v;
	name_of(s, a, &v);
	return level(&v) < 2 ? 0 : decide(s, a, b, quote != 0, &v);
}

/* keyed reads a text that is one value, which the key of its attribute names, and returns where the pass
 * begins: behind it. Quotation marks, brackets and spaces around it are none of it. */
RARE int keyed(scan *s) {
	int say = key_says, a = 0, b = s->n, found;
	if (!say) return 0;
	while (a < b && (is(s, a, SPACE | QUOTE) || at(s, a, '['))) a++;
	while (b > a && (is(s, b - 1, SPACE | QUOTE) || at(s, b - 1, ']'))) b--;
	spend(NAMING + 15 * (s->n - b + a));
	if (b - a < MIN_KEYED || at(s, a, '{') || lists(s, a, b)) return 0;
	if ((found = begun_at(s, a)) || (may_be_identifiable(b - a) && (found = identifiable(s, a, b)))) return found;
	int score = begun(s, a, b) ? 0 : worth(s, a, min(b, a + MAX_VALUE), &key_name, say, 1);
	return score && report(s, a, b, say == 3 ? PASSWORD : SECRET, score) ? b : 0;
}

/* holds_none reports whether the colon at i stands behind a name in quotes, and before a number, a
 * literal, an array or an object: most of JSON that is no string. */
static inline int holds_none(const scan *s, int i) {
	uint8_t c = s->t[i + 1];
	if (i == 0 || s->t[i - 1] != '"' || c == '"') return 0;
	if (c == ' ') return c = s->t[i + 2], in(c, DIGIT) || in(c, LOWER) || c == '{' || c == '[';
	const uint8_t *value = s->t + i + 1;
	if (in(c, LOWER)) return (value[4] == ',' && value[5] == '"') || (c == 'f' && value[5] == ',' && value[6] == '"');
	if (c == '-') return in(value[1], DIGIT);
	return in(c, DIGIT) || ((c == '{' || c == '[') && value[1] == '"');
}

/* assigned examines the value behind the operator at i, for values without a
 * digit, which passwords may be. */
static int assigned(scan *s, int i) {
	int a = i + 1, quote = 0, phrase;
	if (!(class[s->t[i > 0 ? i - 1 : 0]] & (WORD | QUOTE | SPACE | URLSAFE | HIGH))) return pay(s, 300);
	if (!at(s, a, '"')) /* as JSON has it */
		while (a < i + 8 && a < s->n && (class[s->t[a]] & SPACE || s->t[a] == '=' || s->t[a] == '>' || s->t[a] == ':' || s->t[a] == '\\')) a++;
	if (s->t[a - 1] == '\\') a = after_escape(s, a);
	int short_of = 410 + 100 * (a - i - 1); /* what it takes to see that there is no value */
	if (is(s, a, QUOTE)) quote = s->t[a++];
	else if (at(s, a + 1, '\'') && is(s, a, LETTER)) quote = s->t[a + 1], a += 2; /* N'…' */
	else if ((at(s, a, '@') || at(s, a, '$')) && at(s, a + 1, '"')) quote = '"', a += 2; /* of Objective-C and C# */
	if (!quote && s->t[i] == ':' && a > i + 1 && s->t[i + 1] != '=' && !is(s, a, UPPER | DIGIT)) return (phrase = may_be_phrase(s, i) ? words_of(s, i, a) : 0) ? phrase : pay(s, short_of); /* prose */
	if (a < s->base64 || a >= s->n || a == s->judged || (!quote && (s->t[a] == '$' || (a == i + 1 && s->t[a] == '/' && s->t[a + 1] == '/'))) /* a variable, a URL */) return pay(s, short_of);
	uint32_t out = outside(s->t + a, &sets[quote ? IN_QUOTES : IN_CODE]) ^ SIDES, digits = digits_at(s->t + a);
	if (s->n - a < 16) out |= 1u << (s->n - a); /* what stands behind the text is another one */
	if (out) { /* many values are short, or sentences */
		int n = __builtin_ctz(out);
		if (n == 6 && s->t[a] == 'B' && (phrase = borne(s, i - at(s, i - 1, '"'), a))) return phrase;
		if (quote && n == 4 && at(s, a + 4, ' ') && at(s, a + 9, ' ') && (phrase = four_groups(s, a, quote))) return phrase;
		if (n <= 8 && n >= 3 && at(s, a + n, ' ') && may_be_phrase(s, i) && (phrase = words_of(s, i, a))) return phrase;
		if (quote && n > 0 && (!at(s, a + n, (char)quote) || goes_on(s, a + n)) && (phrase = torn(s, a, a + n))) return phrase;
		if (n < 6 || digits & ((out & -out) - 1) || (!quote && n < 12 && s->t[a + n] == ':' && s->t[a + n + 1] == ' ' && !(outside(s->t + a, &NAME_SET) & ((out & -out) - 1))) /* another name */ || (quote && !at(s, a + n, (char)quote) && !at(s, a + n, '\\'))) return pay(s, short_of);
	}
	else if (!quote && digits) return pay(s, short_of); /* which have their own way */
	value_name v;
	if (exhausted(1500 + NAMING)) return mask_rest(s); /* of undigited, too, which need not be asked if the name is known */
	s->name_end = -1;
	if (!ruled(s, a) && json_name(s, a, &v) && level(&v) < 2) return 0;
	s->judged = a;
	return undigited(s, a, quote);
}

#endif
