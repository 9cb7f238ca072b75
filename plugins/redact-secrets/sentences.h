/* sentences.h: passwords that a sentence says, and what is said of passwords. */
#ifndef SECRETS_SENTENCES_H
#define SECRETS_SENTENCES_H

#include "makeup.h"

/* begins_way reports whether one of those that a_way knows begins with these letters. */
static inline int begins_way(uint8_t first, uint8_t second) {
	switch (second) {
	case 'h': return first == 's';
	case 'd': return first == 'm';
	case 'a': return first == 'b' || first == 'l' || first == 'o';
	case 't': return first == 'u';
	case 'e': case 'r': return first == 'a';
	case 's': return first == 'r';
	case 'c': return first == 'b' || first == 's';
	case 'b': return first == 'p';
	case 'l': return first == 'b';
	}
	return 0;
}

/* a_way reports whether a word of [a, b) names what passwords are hashed, encoded or encrypted with, with its number: sha256, UTF-8,
 * AES-256-GCM, argon2id. A password may begin like one, or have one within: shadow99, database1. */
RARE int a_way(const scan *s, int a, int b) {
	static const char *const ways[] = {"sha", "md", "base", "utf", "aes", "rsa", "bcrypt", "scrypt", "argon", "pbkdf", "blake", "latin", "oauth"};
	b = min(b, a + 64);
	for (int i = a; i < b; i++) {
		if (!is(s, i, LETTER) || (i > a && is(s, i - 1, ALNUM))) continue;
		spend(60);
		if (!begins_way(s->t[i] | 0x20, s->t[i + 1] | 0x20)) continue;
		spend(700);
		for (unsigned k = 0; k < sizeof ways / sizeof ways[0]; k++) {
			if (!has_any_case(s, i, ways[k])) continue;
			int number = i, end;
			for (const char *c = ways[k]; *c; c++) number++;
			number += is(s, number, URLSAFE) != 0;
			end = run_end(s, number, DIGIT, 5);
			if (number < end && end <= number + 4 && end <= b && !is(s, run_end(s, end, LETTER, 3), ALNUM)) return 1;
		}
	}
	return 0;
}

/* spoken reports whether a sentence says that [a, b) is the password, whose name begins at start: letters and digits, and not
 * what one is hashed, encoded or encrypted with. */
RARE int spoken(const scan *s, int a, int b, int start) {
	static const char *const verbs[] = {" is ", " was ", " ist ", " est ", " es ", " l\xc3\xa0 ", " lautet "};
	spend(600);
	int said = 0;
	for (unsigned k = 0; k < sizeof verbs / sizeof verbs[0]; k++) {
		int n = 0;
		while (verbs[k][n]) n++;
		said |= a - n > start && has_any_case(s, a - n, verbs[k]);
	}
	return said && run_end(s, a, ALNUM, b - a) == b && !a_way(s, a, b);
}

/* may_be_said reports whether "is", in one of some languages, stands before the value that begins at p. */
static inline int may_be_said(const uint8_t *p) {
	if (p[-1] != ' ') return 0;
	if (p[-3] == 0xc3) return p[-4] == ' ' && (p[-2] == 0xa8 || p[-2] == 0xa9); /* è, é */
	if (p[-2] == 's') return p[-4] == ' ' && (p[-3] == 'i' || p[-3] == 'e');
	return p[-2] == 't' && p[-3] == 's' && p[-5] == ' ' && (p[-4] == 'i' || p[-4] == 'e');
}

/* says_so reports whether the words of the sentence before a, whose last is "is", say that what follows is a password, or one for something:
 * "a senha do wifi é …", "the password for staging is …". */
RARE int says_so(const scan *s, int a) {
	static const char *const links[] = {" for ", " of ", " to ", " do ", " da ", " de ", " del ", " du ", " della ", " para ", " pour ", " f\xc3\xbcr ", " zum ", " vom "};
	int verb = a - (s->t[a - 2] == 't' ? 5 : 4), from = max(s->last, verb - MAX_NAME);
	spend(1000);
	for (int k = verb; k > from; k--)
		if (s->t[k - 1] == '\n' || s->t[k - 1] == '.') from = k;
	if (verb <= from) return 0;
	words w = letters_of(s->t + from, verb - from);
	for (w.starts = w.letters & ~(w.letters << 1); w.starts;) {
		int end, start = next_word(&w, &end);
		spend(250);
		if (end == start + 1 || (end == start + 9 && s->t[from + end - 1] == 's') || !(word_topics(word_at(s->t + from + start, end - start)) & 1 << W_PASS)) continue;
		if (from + end == verb) return 1;
		spend(1200);
		for (unsigned k = 0; k < sizeof links / sizeof links[0]; k++)
			if (has_any_case(s, from + end, links[k])) return 1;
	}
	return 0;
}

/* said_of reports whether right before a, or before a space there, stands that the password is what follows, in a script without spaces. */
RARE int said_of(const scan *s, int a) {
	static const char *const phrases[] = {"\xe5\xaf\x86\xe7\xa0\x81\xe6\x98\xaf", "\xe5\xaf\x86\xe7\xa2\xbc\xe6\x98\xaf", "\xe5\xaf\x86\xe7\xa0\x81\xe4\xb8\xba", "\xe5\xaf\x86\xe7\xa2\xbc\xe7\x82\xba", /* 密码是 密碼是 密码为 密碼為 */
		"\xe3\x83\x91\xe3\x82\xb9\xe3\x83\xaf\xe3\x83\xbc\xe3\x83\x89\xe3\x81\xaf", "\xeb\xb9\x84\xeb\xb0\x80\xeb\xb2\x88\xed\x98\xb8\xeb\x8a\x94", /* パスワードは 비밀번호는 */
		"\xeb\xb9\x84\xeb\xb2\x88\xec\x9d\x80", "\xec\x95\x94\xed\x98\xb8\xeb\x8a\x94", "\xed\x8c\xa8\xec\x8a\xa4\xec\x9b\x8c\xeb\x93\x9c\xeb\x8a\x94"}; /* 비번은 암호는 패스워드는 */
	a -= at(s, a - 1, ' ');
	uint8_t last = s->t[a - 1];
	if (a < 9 || (last != 0xaf && last != 0xba && last != 0x94 && last != 0x80)) return 0; /* with which these end */
	spend(500);
	for (unsigned k = 0; k < sizeof phrases / sizeof phrases[0]; k++) {
		int n = 9;
		while (phrases[k][n]) n++;
		if (has(s, a - n, phrases[k])) return 1;
	}
	return 0;
}

/* mentioned reports whether a password is only spoken of before [a, b), to which nothing binds the name that begins at start: in a path
 * ("GET /reset-password HTTP/1.1"), by a verb ("tests pass Python3.12-dev"), before a date or what it is made by ("UTF8-encoded"). */
RARE int mentioned(const scan *s, int a, int b, int start) {
	uint8_t before = start > 0 ? s->t[start - 1] : ' ';
	spend(500);
	if (has_any_case(s, a, "http/")) return 1;
	if (before == '/' || before == '=' || before == '?' || before == '&') {
		int path = back(s, start, max(0, start - MAX_NAME), &sets[BREAKS], SIDES);
		if (at(s, path, '/') || has_any_case(s, path, "http")) return 1;
	}
	if (a == start + 5 && has_any_case(s, start, "pass")) return has(s, b, " (") || (classes(s, a, b) & (DOT | STD | URLSAFE) && !has_sign(s, a, b));
	if (run_end(s, a, DIGIT, 5) == a + 4 && at(s, a + 4, '-') && run_end(s, a + 5, DIGIT, 3) == a + 7 && at(s, a + 7, '-') && is(s, a + 8, DIGIT)) return 1;
	int word = run_start(s, b, LOWER, b - a);
	return b - word >= 5 && s->t[word - 1] == '-' && (has(s, b - 2, "ed") || has(s, b - 3, "ing"));
}

#endif
