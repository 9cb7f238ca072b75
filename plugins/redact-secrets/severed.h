/* severed.h: passwords in which a sign stands that ends a value elsewhere, so near to their beginning that what is read around their
 * digits does not reach back to it. Code has such signs everywhere: what no program, query or sentence looks like is taken. */
#ifndef SECRETS_SEVERED_H
#define SECRETS_SEVERED_H

#include "places.h"

enum { BEST_PASSWORD = 650, BEST_SECRET = 700 }; /* the highest scores of values */

RARE int decide(scan *s, int a, int b, int quoted, const value_name *v); /* values.h */
RARE int worth(scan *s, int a, int b, const value_name *v, int say, int quoted);

#define MAX_SEVERED 64 /* bytes of such a password */
#define BRACKETED_ON 96 /* how far beside it a bracket may be opened or closed that makes it code */

static inline int severs(uint8_t c) { return c > ' ' && c != '\\' && class[c] & STOP; }

#define MAX_REFUSED 64 /* of what looks like them in a text: with more it is a list or a program */

static int severed_to; /* how far the text has been looked at for them */
static int refused;    /* how many times in vain */
static int names_to, name_at; /* how far it has been looked at for what ends the name of a password, and where the last such name ends */

/* near_name reports whether what ends the name of a password stands near the digit at i: pass, password, Passwort, pwd, pw. Each byte of a text is looked at once,
 * so that lists without such a name are passed over at next to no cost. */
RARE int near_name(const scan *s, int i) {
	const v128_t small = wasm_u8x16_splat(0x20);
	int p = max(names_to, i - MAX_SEVERED);
	for (; p < i; p += 16) {
		v128_t first = wasm_v128_or(wasm_v128_load(s->t + p - 1), small), last = wasm_v128_or(wasm_v128_load(s->t + p), small), next = wasm_v128_or(wasm_v128_load(s->t + p + 1), small);
		v128_t d = wasm_i8x16_eq(last, wasm_u8x16_splat('d')), r = wasm_i8x16_eq(first, wasm_u8x16_splat('r'));
		v128_t ends = wasm_v128_or(wasm_v128_and(r, wasm_v128_or(d, wasm_i8x16_eq(last, wasm_u8x16_splat('t')))), wasm_v128_and(d, wasm_i8x16_eq(first, wasm_u8x16_splat('w'))));
		ends = wasm_v128_or(ends, wasm_v128_and(wasm_i8x16_eq(first, last), wasm_i8x16_eq(last, wasm_u8x16_splat('s'))));
		ends = wasm_v128_or(ends, wasm_v128_and(wasm_i8x16_eq(first, wasm_u8x16_splat('p')), wasm_i8x16_eq(last, wasm_u8x16_splat('w'))));
		uint32_t found = wasm_i8x16_bitmask(wasm_v128_andnot(ends, between(next, 'a', 'z')));
		spend(45);
		if (p == 0) found &= ~1u; /* what stands before the text is another one */
		if (found) name_at = p + 32 - __builtin_clz(found);
	}
	names_to = max(names_to, p);
	return name_at + MAX_SEVERED > i;
}

/* may_be_severed reports whether such a sign stands before the run [a, b) of the digit at i, or behind one that is too short without the rest, and letters of both
 * cases near it. */
RARE int may_be_severed(const scan *s, int i, int a, int b) {
	spend(40);
	if (i < severed_to || i < 5 || refused > MAX_REFUSED) return 0;
	uint8_t open = a > 1 ? s->t[a - 1] : 0, close = b < s->n ? s->t[b] : 0;
	if ((open == ',' && in(s->t[a - 2], DIGIT)) || (close == ',' && in(s->t[b - 1], DIGIT) && is(s, b + 1, DIGIT | URLSAFE))) return 0; /* numbers in a list */
	if (!severs(open)) {
		if (!severs(close) || b + 1 >= s->n || class[s->t[b + 1]] & SPACE) return 0;
		if (b - a >= 6 && !((class[s->t[b - 2]] | class[s->t[b - 3]] | class[s->t[b - 4]]) & OPERATOR)) return 0;
	} else if (class[s->t[a - 2]] & (SPACE | QUOTE) || class[s->t[a]] & OPERATOR || (open == '(' && close == ')')) return 0; /* nothing of it stands before the sign; or an argument */
	spend(30);
	if (!near_name(s, i)) return 0;
	v128_t before = wasm_v128_load(s->t + i - 16), behind = wasm_v128_load(s->t + i);
	return wasm_v128_any_true(wasm_v128_or(between(before, 'A', 'Z'), between(behind, 'A', 'Z'))) && wasm_v128_any_true(wasm_v128_or(between(before, 'a', 'z'), between(behind, 'a', 'z')));
}

/* paired_off reports whether the bracket at k, in what ends at b, has its other one on its line. */
RARE int paired_off(const scan *s, int k, int b) {
	uint8_t c = s->t[k], other = c == '(' ? ')' : c == ')' ? '(' : c ^ 6; /* [ and ], { and } */
	int opens = c == '(' || c == '[' || c == '{', from = max(s->last, 0);
	spend(120);
	for (int n = 0, p = opens ? k + 1 : k - 16; n < BRACKETED_ON && p < s->n && p + 16 > from; n += 16, p += opens ? 16 : -16) {
		v128_t v = wasm_v128_load(s->t + p);
		uint32_t found = wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_u8x16_splat(other))), ends = found | (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_u8x16_splat('\n')));
		spend(40);
		if (!ends) continue;
		int next = opens ? __builtin_ctz(ends) : 31 - __builtin_clz(ends);
		if (found >> next & 1 && p + next >= from && p + next < s->n) return 1;
		break;
	}
	return opens && c != '{' && at(s, b, ',') && is(s, k - 1, ALNUM); /* it is closed on another line */
}

/* next_field reports whether a name and what binds its value stand at i, behind a sign, or the rest of an entity. */
RARE int next_field(const scan *s, int i) {
	int e = ahead(s, i, min(s->n, i + 32), &NAME_SET, 0);
	spend(60);
	return is(s, i, LETTER) && (at(s, e, '=') || at(s, e, ':') || (at(s, i - 1, '&') && at(s, e, ';') && run_end(s, i, LETTER, 8) == e));
}

/* coded reports whether the signs in [a, b) are those of code, markup or a query: in pairs, or before the next name. */
RARE int coded(const scan *s, int a, int b) {
	spend(60);
	for (int k = a; k < b; k++) {
		uint8_t c = s->t[k], next = k + 1 < b ? s->t[k + 1] : 0;
		spend(45);
		if (c == '.' && is(s, k - 1, LETTER) && in(next, LETTER)) return 1;
		if (c == ':' && next == ':') return 1;
		if (!severs(c)) continue;
		if ((next == c || (c == '>' && (s->t[k - 1] == '=' || s->t[k - 1] == '-'))) && !(next == c && k + 2 == b)) return 1;
		if ((c == '&' || c == ';' || c == ',' || c == '|' || c == '(' || c == '{') && next_field(s, k + 1)) return 1;
		if (c != '&' && c != ';' && c != ',' && c != '|' && c != '<' && c != '>' && paired_off(s, k, b)) return 1;
	}
	return 0;
}

/* orderly reports whether [a, b) is words and numbers with signs between them, as lists, types and ways through menus have it: UInt8|Str1ng, Q1&Q2Report. In a
 * password letters change from small to capital at once: xK1|mQ2vLp. */
RARE int orderly(const scan *s, int a, int b) {
	int numbers = 0, raised = 1, others = 0;
	spend(50 + 30 * (b - a));
	for (int k = a; k < b; k++) {
		uint8_t c = s->t[k], before = k > a ? s->t[k - 1] : '|';
		int begins = k == a || severs(before);
		if (begins) numbers = 0, raised &= !in(c, LOWER);
		if (severs(c)) {
			if (c != '&' && c != '|' && c != '>' && c != ',' && c != ';') return 0;
			others |= c != '&';
		} else if (in(c, DIGIT)) {
			if (!in(before, DIGIT) && numbers++) return 0;
			if (begins && !is(s, k + 1, UPPER)) return 0; /* but 2FA */
			if (begins) numbers = 0;
		} else if (!in(c, LETTER) || (in(c, UPPER) && in(before, LOWER) && (k < a + 2 || !in(s->t[k - 2], LETTER) || (in(s->t[k - 2], UPPER) && k < a + 3)))) return 0;
	}
	return raised || others;
}

/* cut_short returns where what else stands behind the password [a, b) begins, which has a sign already: the next cell or argument, or a mark of markup; or b. */
RARE int cut_short(const scan *s, int a, int b) {
	int signs = 0;
	spend(50 + 25 * (b - a));
	for (int k = a; k < b; k++) {
		uint8_t c = s->t[k];
		if (signs && k >= a + 8 && (k + 1 == b ? c == '|' || c == '>' || c == '*' : (c == '|' || c == ',' || c == ';') ? in(s->t[k + 1], UPPER) : c == '*' && k + 2 == b && s->t[k + 1] == c)) return k;
		signs |= severs(c);
	}
	return b;
}

/* may_start reports whether the byte at a may begin such a password, and hardly begins code. */
static inline int may_start(const scan *s, int a) { return in(s->t[a], ALNUM) || (s->t[a] == '!' && !is(s, a + 1, LOWER)) || s->t[a] == '#' || s->t[a] == '^' || s->t[a] == '_'; }

/* muddled reports whether [a, b) is such a password: with digits, capitals and small letters, at random, and without a word if only one before it says what it is. */
RARE int muddled(const scan *s, int a, int b, int bound) {
	makeup m;
	int n = b - a;
	if (n < 8 || n > MAX_SEVERED) return 0;
	spend(500);
	made_of(s, a, b, &m);
	if (!m.upper || !m.lower || !m.digits_ahead || wordy(&m, n) || (!bound && m.long_word) || (m.turns * 4 < n && !jumpy(s, a, b))) return 0;
	return entropy(s, a, b) >= 40 && !coded(s, a, b) && !orderly(s, a, b) && !contains(s, a, b, "|0x") && !a_way(s, a, b);
}

/* may_begin reports whether the sign at a, with which a variable begins, begins the password [a, b) in quotes: what follows is no name, by letters
 * behind digits and no word in it, or by signs. */
RARE int may_begin(const scan *s, int a, int b) {
	makeup m;
	int n = b - a, from = a + 1, word = ahead(s, from, b, &NAME_SET, 0);
	if (n < 8 || n > MAX_SEVERED || !(s->t[a] == '$' || s->t[a] == '%' || s->t[a] == '@' || s->t[a] == '&') || !is(s, from, LETTER) || percent(s, a) || s->t[b - 1] == s->t[a]) return 0;
	spend(600);
	made_of(s, from, b, &m);
	if (!m.upper || !m.lower || !m.digits_ahead || m.long_word || m.dots || m.spaced || (s->t[a] == '%' && (at(s, word, '%') || at(s, from + 1, ':')))) return 0;
	if (!has_sign(s, from, b) && (word < b || m.digits_ahead < 2 + (s->t[a] == '$' || s->t[a] == '%') || !jumpy(s, from, b))) return 0;
	return entropy(s, a, b) >= 40 && !coded(s, from, b) && !a_way(s, from, b) && !has(s, from, "sha") && !contains(s, from, b, "pass") && !contains(s, from, b, "name") && !contains(s, from, b, "user") && !contains(s, from, b, "key") && !contains(s, from, b, "pwd");
}

/* behind_mark returns where what stands behind a quotation mark begins, if the '>' before open is in it and ends no tag, or else open. */
RARE int behind_mark(const scan *s, int open, int stop) {
	int from = back(s, open - 1, max(stop, open - MAX_SEVERED), &sets[BREAKS], SIDES);
	spend(100 + 6 * (open - from));
	if (from < 1 || !(class[s->t[from - 1]] & QUOTE)) return open;
	for (int k = from; k < open; k++)
		if (s->t[k] == '<' || s->t[k] == '\\' || s->t[k] == '=') return open;
	return from;
}

/* slashed reports whether [a, b), which begins with a slash, is base64 as keys are, and no path. */
RARE int slashed(const scan *s, int a, int b, const makeup *m) {
	int e = run_end(s, a, BASE64, b - a), slashes = 0;
	spend(60 + 4 * (b - a));
	for (int k = a; k < b; k++) slashes += s->t[k] == '/';
	return b - a >= 32 && (e == b || (at(s, e, '=') && e + 2 >= b)) && m->upper && m->lower && m->digits_ahead >= 3 && slashes * 8 <= b - a && m->turns * 4 >= b - a;
}

/* leads reports whether what stands before the space before a may bind a value to a name, or says that it is one. */
static inline int leads(const scan *s, int a) {
	if (a < 5 || !(class[s->t[a - 1]] & SPACE)) return 0;
	uint8_t c = s->t[a - 2];
	return c == ':' || c == '=' || ((c | 0x20) == 'd' && (has_any_case(s, a - 9, "password") || has_any_case(s, a - 7, "passwd"))) || ((c == 's' || c == 't') && may_be_said(s->t + a));
}

/* field_start returns where the value of the field begins in which the digit at i stands, behind its name, in the word that begins at from; or 0. */
RARE int field_start(const scan *s, int from, int i) {
	int a = 0;
	for (int k = 0; k < 6 && from < i; k++) {
		while (from < i && !is(s, from, WORD | URLSAFE)) from++, spend(20);
		int end = ahead(s, from, i, &NAME_SET, 0);
		spend(320);
		if (at(s, end, '=') || at(s, end, ':') || (at(s, end, '>') && at(s, from - 1, '<'))) a = from = end + 1;
		else if (a && from == a) { /* what follows is no other name */
			from = ahead(s, end, i, &sets[ENDS_FIELD], SIDES);
			if (from == i || !next_field(s, from + 1)) return may_start(s, a) ? a : 0;
		} else from = end + 1;
	}
	return a == i ? a : 0;
}

/* look_severed examines the password that the digit at i stands in, from its name on: that of the word before, or one in the same word. */
RARE int look_severed(scan *s, int i) {
	int from = back(s, i, max(s->last, i - MAX_NAME), &sets[BREAKS], SIDES), led = leads(s, from);
	spend(500);
	severed_to = ahead(s, i, min(s->n, i + MAX_NAME), &sets[name_at <= i ? BREAKS : IN_CODE], SIDES); /* before which no other name can be */
	if (threshold[PASSWORD] > BEST_PASSWORD) return 0;
	for (int k = !led; k < 2; k++) {
		int a = k == 0 ? from : field_start(s, from, i), b;
		if (a > i || (k && !a) || !may_start(s, a) || name_at + MAX_SEVERED < a) continue;
		spend(250);
		if ((b = password_end(s, a)) < a + 8) continue;
		spend(300 + 20 * (b - a));
		b = field_end(s, a, ends_before(s, a, b), a);
		if (b <= i || !muddled(s, a, b, k || !is(s, a - 2, LETTER))) continue;
		value_name v;
		spend(NAMING);
		name_of(s, a, &v);
		spend(NAMING_WORD * v.words);
		spend(80 * (b - a) * (level(&v) == 3));
		int cut = level(&v) == 3 ? cut_short(s, a, b) : b;
		if (cut < b && muddled(s, a, cut, 1)) return worth(s, a, cut, &v, 3, 0) && !harmless(s, a, cut, 0, &v, 3) && report(s, a, cut, PASSWORD, BEST_PASSWORD) ? severed_to = cut : 0;
		if (level(&v) == 3) return severed_to = b, decide(s, a, field_end(s, a, b, v.start), 0, &v);
	}
	return 0;
}

RARE int severed(scan *s, int i) {
	int found = look_severed(s, i);
	refused += !found;
	return found;
}

/* four_groups examines what is at a, behind a quotation mark, as what Google makes for one application, in groups of four small letters: beside a name that says
 * what it is for, or two of them without a vowel, which no words are. */
RARE int four_groups(scan *s, int a, int quote) {
	static const char *const usual[] = {"this", "that", "with", "your", "must", "have", "need", "when", "what", "from", "been", "will", "type", "here", "same", "word", "good", "next", "time", "test", "demo", "pass"};
	int mute = 0;
	spend(600);
	if (!at(s, a + 19, (char)quote) || a < s->last) return 0;
	for (int k = 0; k < 4; k++) {
		if (run_end(s, a + 5 * k, LOWER, 5) != a + 5 * k + 4 || (k < 3 && !at(s, a + 5 * k + 4, ' '))) return 0;
		for (unsigned w = 0; w < sizeof usual / sizeof usual[0]; w++)
			if (has(s, a + 5 * k, usual[w])) return 0;
		int vowels = 0;
		for (int j = 0; j < 4; j++) vowels += (0x1104111 >> (s->t[a + 5 * k + j] - 'a') & 1) != 0;
		mute += vowels == 0;
	}
	value_name v;
	spend(NAMING);
	name_of(s, a, &v);
	spend(NAMING_WORD * v.words);
	if (mute < 2 && !contains(s, v.start, a, "mail") && !contains(s, v.start, a, "smtp") && !contains(s, v.start, a, "google")) return 0;
	return v.bound && level(&v) == 3 && v.last & 1 << W_PASS && report(s, a, a + 19, PASSWORD, 550) ? a + 19 : 0;
}

#endif
