/* places.h: passwords that only their place tells: behind an option of a command that takes one, among the
 * arguments of a call that logs in, or in a pair of name and password. */
#ifndef SECRETS_PLACES_H
#define SECRETS_PLACES_H

#include "ends.h"
#include "sentences.h"

#define MAX_LINE 96 /* how far before a value the command or the call may begin */

/* said_before returns the topics of the words of the line before i. */
RARE uint32_t said_before(const scan *s, int i) {
	int a = max(max(s->last, 0), i - MAX_NAME);
	for (int k = i; k > a; k--)
		if (s->t[k - 1] == '\n') a = k;
	value_name v;
	words_in(s, a, i, &v);
	spend(1600 + 20 * (i - a) + NAMING_WORD * v.words + 350 * max(0, v.words - 16)); /* many words are short ones, which are known more often: x-x-x */
	return v.any;
}

/* may_be_option reports whether an option of one letter that may take a password stands before the value at a: -p …, /p:…, /rp …. */
static int may_be_option(const scan *s, int a, int quoted) {
	const uint8_t *p = s->t + a - quoted;
	uint8_t c = p[-2];
	if (a - quoted < 7 || (c != 'p' && c != 'P' && c != 'a' && c != 'w' && c != 'k' && c != 'N')) return 0;
	if (p[-3] == '-') return p[-1] == ' ' || p[-1] == '=';
	return (p[-1] == ' ' || p[-1] == ':') && (p[-3] == '/' || (p[-3] == 'r' && p[-4] == '/'));
}

/* may_be_stored reports whether the option of gh that has a secret stands before p: --body …, --body=…, -b "…". */
static inline int may_be_stored(const uint8_t *p, int quoted) {
	if (quoted && p[-1] == 'b' && p[-2] == '-') return 1;
	return (p[-1] == ' ' || p[-1] == '=') && ((p[-2] == 'y' && p[-3] == 'd' && p[-4] == 'o') || (p[-2] == 'b' && p[-3] == '-'));
}

/* quoted_option: -p'…' */
static inline int quoted_option(const scan *s, int a, int quoted) { return quoted && s->t[a - 2] == 'p' && s->t[a - 3] == '-'; }

static int may_be_attached(const scan *s, int a, int b) { return s->t[a] == '-' && s->t[a + 1] == 'p' && b - a >= 8; }

/* plaintext reports whether the value in quotes at a is what PowerShell makes a secret of. */
static inline int plaintext(const scan *s, int a) {
	return (s->t[a - 3] == 'g' && (has_any_case(s, a - 14, "securestring") || has_any_case(s, a - 22, "securestring -string"))) ||
		(s->t[a - 3] == 't' && (has_any_case(s, a - 27, "securestring -asplaintext") || has_any_case(s, a - 34, "securestring -force -asplaintext")));
}

static int may_be_argument(const scan *s, int a, int b, int quoted) {
	return quoted && a >= 8 && (s->t[a - 2] == ',' || (s->t[a - 2] == ' ' && s->t[a - 3] == ',')) && (at(s, b + 1, ')') || at(s, b + 1, ','));
}

/* called returns the topics of the name of the call in which [a, b) stands, or of the pair of which it is the second, as far as
 * a line tells. More than two values are a list of names: tokens = ("…", "…", "…"). */
RARE uint32_t called(const scan *s, int a, int b) {
	spend(1200);
	int stop = max(s->last, a - MAX_LINE), open = back(s, a, stop, &sets[OPENS], SIDES);
	if (open <= stop || s->t[open - 1] != '(') return 0;
	value_name v;
	int end = open - 1, given = 0;
	for (int k = 0; k < 3 && end > 0 && (s->t[end - 1] == ' ' || s->t[end - 1] == '='); k++) given |= s->t[--end] == '='; /* auth = ("kim", "…") */
	if (!given && end < open - 1) return 0; /* words in brackets */
	if (given) {
		spend(10 * (a - open));
		for (int k = open; k < a - 3; k++)
			if (s->t[k] == ',') return 0;
		if (!at(s, b + 1, ')')) return 0;
	}
	int start = back(s, end, max(stop, end - MAX_NAME), &NAME_SET, 0);
	if (start == end) return 0;
	read_name(s, start, end, &v);
	return v.any;
}

/* strange reports whether [a, b) is nothing that people call things: letters, digits, and two cases or a sign; words joined only
 * where nothing but a password is expected. */
RARE int strange(scan *s, int a, int b, int expected) {
	spend(400);
	makeup m;
	if (b - a < 8 || b - a > 64) return 0;
	made_of(s, a, b, &m);
	if (!expected && wordy(&m, b - a) && !(m.special && m.upper) && !(m.special && has_sign(s, a, b))) return 0;
	return m.digits_ahead && m.letters && !m.dots && !m.spaced && ((m.upper && m.lower) || m.special || (b - a >= 32 && m.digits_ahead >= 6)) && entropy(s, a, b) >= 40 && !stands_in(s, a, b);
}

/* written_out reports whether [a, b), where nothing but a password stands, is one and not a variable. */
RARE int written_out(scan *s, int a, int b) {
	spend(400);
	makeup m;
	if (b - a < 6 || b - a > 64 || at(s, a, '$')) return 0;
	made_of(s, a, b, &m);
	return m.digits_ahead && m.letters && !m.spaced && !stands_in(s, a, b);
}

/* shouted returns the end of a password that ends at b, with the signs behind it that would end a sentence. */
static int shouted(const scan *s, int b) {
	while (at(s, b, '!') || at(s, b, '?')) b++;
	return b;
}

/* onward returns where the argument [a, b) of a command ends, in no quotes, if it goes on behind a sign with digits. */
RARE int onward(const scan *s, int a, int b) {
	uint8_t c = b < s->n ? s->t[b] : 0;
	if ((c != '&' && c != ',' && c != '(' && c != '[' && c != '{') || !is(s, b + 1, ALNUM)) return b;
	int e = ends_before(s, a, password_end(s, a));
	spend(150);
	return e > b && e - a <= 64 && any_digit(s, b + 1, e) ? e : b;
}

/* expected reports the password [a, b), where a command expects one. */
RARE int expected(scan *s, int a, int b) { return b = onward(s, a, b), strange(s, a, b, 1) && report(s, a, b, PASSWORD, 550) ? b : 0; }

static inline int may_be_echoed(const uint8_t *p) { return p[-1] == ' ' && ((p[-2] == 'o' && p[-3] == 'h') || (p[-2] == 'n' && p[-3] == '-')); }

/* echoed reports whether the value at a, which ends before b, is what a command is to read that asks for a password:
 * echo … | sudo -S. */
RARE int echoed(const scan *s, int a, int b) {
	spend(200);
	if (!(has(s, a - 5, "echo ") || has(s, a - 8, "echo -n ")) || !has(s, b, " | ")) return 0;
	int end = ahead(s, b, min(s->n, b + 64), &sets[ENDS_FIELD], SIDES);
	return contains(s, b, end, "-stdin") || contains(s, b, end, "chpasswd") || contains(s, b, end, "sudo -s");
}

/* may_be_given reports whether [a, b) may be an argument that no option names: it stands behind a word, and a capital or a sign is in
 * it, or right behind a command. */
static inline int may_be_given(const scan *s, int a, int b, int quoted) {
	const uint8_t *p = s->t + a - quoted;
	if (a < 10 || b - a < 8 || b - a > 64 || p[-1] != ' ') return 0;
	if ((p[-2] == 'n' && p[-3] == 'i' && p[-4] == 'g') || (p[-2] == 'l' && p[-3] == 'a' && p[-4] == 'e')) return 1; /* login, unseal */
	if (b - a > 24 || !in(p[-2], LETTER)) return 0;
	uint32_t odd = (uint32_t)wasm_i8x16_bitmask(between(wasm_v128_load(s->t + a), 'A', 'Z')) | (outside(s->t + a, &sets[SIGNS]) ^ SIDES);
	return (odd & ((1u << min(b - a, 16)) - 1)) != 0;
}

/* given reports the password [a, b) that stands behind a name of a user, or a command: net user kim …, htpasswd -b file kim …. */
RARE int given(scan *s, int a, int b, int quoted) {
	int end = a - quoted - 1, word = back(s, end, max(s->last, end - MAX_NAME), &sets[BREAKS], SIDES);
	spend(500);
	b = quoted ? b : onward(s, a, shouted(s, b));
	if (!strange(s, a, b, 1)) return 0;
	int known = has(s, word, "/user:") || has_any_case(s, word - 9, "add_user ") || has_any_case(s, word - 16, "change_password ") || has_any_case(s, word - 9, "net user ") || has_any_case(s, word, "unseal ") || (b - a >= 32 && has(s, word, "login "));
	return (known || contains(s, max(s->last, word - MAX_NAME), word, "htpasswd -")) && report(s, a, b, PASSWORD, 550) ? b : 0;
}

/* takes_names reports whether the word at i is an option, or its value, or an argument of a command, that takes names and what they
 * stand for, and no secrets: --label=com.example.auth=basic-2, --set-secrets=TOKEN=token-of-app:5, kubectl label pod web auth=basic-v2. */
RARE int takes_names(const scan *s, int i) {
	spend(700);
	int end = ahead(s, i, min(s->n, i + 32), &NAME_SET, 0);
	if (has(s, i, "--")) return has(s, i + 2, "label") || has(s, i + 2, "annotation") || has(s, end - 8, "-secrets");
	int line = max(s->last, i - 64);
	for (int k = line; k < i; k++)
		if (s->t[k] == '\n') line = k;
	if (contains(s, line, i, "kubectl ") && contains(s, line, i, " label ")) return 1;
	return has(s, i - 8, "--label ") || has(s, i - 9, "-secrets ") || has(s, i - 13, "--annotation ") || has(s, i - 4, " -l ");
}

/* counts returns how many digits [a, e) has, and in ends whether they all stand at its end. */
static inline int counts(const scan *s, int a, int e, int *ends) {
	int n = 0;
	*ends = 1;
	for (int k = a; k < e; k++) {
		int digit = is(s, k, DIGIT) != 0;
		if (n && !digit) *ends = 0;
		n += digit;
	}
	return n;
}

/* is_type reports whether [a, e) is a type that is called like a function, with its width: uint32. */
static inline int is_type(const scan *s, int a, int e) {
	int n = run_end(s, a, LETTER, 8) - a;
	return (n == 3 || n == 4 || n == 5) && run_end(s, a + n, DIGIT, 4) == e && (has(s, a + n - 3, "int") || has(s, a, "float"));
}

/* lists_last reports whether a list names [a, b) last, before its bracket, behind a name that is no option and begins at name: [password2, setPassword2],
 * [login, password, 2fa-login], []method{withPassword, withMD5}, but [--password, x]. Tokens stand in lists of arguments, too. */
RARE int lists_last(const scan *s, int a, int b, int say, int name) {
	if (!at(s, a - 1 - at(s, a - 1, ' '), ',')) return 0;
	int name_like = is(s, a, LETTER | UNDERSCORE), small = say == 3, joints = 0, ends, fold = say == 3 || !(classes(s, a, b) & UPPER);
	spend(150 + 20 * (b - a));
	for (int k = a; k < b; k++) name_like &= in(s->t[k], WORD | DOT) != 0, small &= in(s->t[k], LOWER | DIGIT | URLSAFE | DOT) != 0, joints += in(s->t[k], fold ? URLSAFE | DOT : DOT) != 0;
	if (name_like && has(s, a, "set") && in(s->t[a + 3], UPPER)) return 1;
	counts(s, a, b, &ends);
	return ((name_like && (ends || joints)) || (small && joints)) && !is(s, name, URLSAFE) && !at(s, name - 1, '-') && !at(s, name - 1, '/');
}

/* noted reports whether what is in brackets from i on is said of a password, and no argument. */
RARE int noted(const scan *s, int i) {
	static const char *const notes[] = {"new)", "old)", "prod)", "test)", "dev)", "staging)", "temp)", "expired)", "case", "temporary)", "default)", "production)"};
	spend(300);
	for (unsigned k = 0; k < sizeof notes / sizeof notes[0]; k++)
		if (has(s, i, notes[k])) return 1;
	return 0;
}

/* verb reports whether the name at a begins with what functions do. */
RARE int verb(const scan *s, int a) {
	static const char *const verbs[] = {"get", "new", "make", "create", "read", "load", "set", "is", "has"};
	spend(250);
	for (unsigned k = 0; k < sizeof verbs / sizeof verbs[0]; k++)
		if (has(s, a, verbs[k])) return 1;
	return 0;
}

/* calls reports whether what stands in no quotes at a, behind a name whose value is worth say, is the call of a function, open or closed on its
 * line: opLen1Imm8(…), Field(min_length=8). Passwords have brackets, too. */
RARE int calls(const scan *s, int a, int say) {
	int e = a, limit = min(s->n, a + MAX_NAME), camel = 0, turned = 0, ends;
	if (!is(s, a, LETTER | UNDERSCORE)) return 0;
	for (; e < limit && class[s->t[e]] & (WORD | DOT); e++) camel |= s->t[e] == '.' || s->t[e] == '_', turned |= e > a && in(s->t[e - 1], LOWER) && in(s->t[e], UPPER);
	camel |= turned;
	spend(100 + 15 * (e - a));
	if (!at(s, e, '(')) return 0;
	spend(200);
	if (e + 1 >= s->n || at(s, e + 1, ')') || is(s, e + 1, SPACE | QUOTE)) return 1;
	spend(100 + 60 * (e - a));
	int digits = counts(s, a, e, &ends);
	if (digits > 3 && ((say < 3 && !camel) || (noted(s, e + 1) && !(turned && in(s->t[e - 1], DIGIT) && ends && verb(s, a))))) return 0; /* a token, or a password and what is said of it: Acme_2024(new), but not getUser1234(test) */
	uint8_t c = s->t[e + 1];
	int sign = !is(s, e + 1, ALNUM | UNDERSCORE), opened = c == '[' || c == '{';
	if (sign && (say < 3 || (opened && (e + 2 >= s->n || is(s, e + 2, SPACE))))) return 1;
	if (((sign && !opened && c != '&' && c != '$' && c != '*') || (say == 3 && is(s, e - 1, DIGIT) && !camel && !is_type(s, a, e))) && !(say == 3 && a_way(s, a, e))) return 0;
	int k = e + 2, end = min(s->n, e + 64);
	while (k < end && s->t[k] != '\n' && s->t[k] != ')') k++;
	spend(100 + 18 * (k - e));
	return at(s, k, ')') && k < end && (say < 3 || !is(s, k + 1, ALNUM));
}

/* may_be_variable reports whether a type or "= ", "==" or ":= " stands beside [a, b). */
static inline int may_be_variable(const scan *s, int a, int b) { return a >= 3 && (s->t[a - 2] == '=' || at(s, b, '<')); }

/* variable reports whether [a, b), in no quotes behind the name that begins at start, is what a program calls something: what it declares the
 * name by (let x = form.arg12;), compares it with in brackets (x == user12&&), or has as its type (x: Signal2<string>). */
RARE int variable(const scan *s, int a, int b, int start) {
	static const char *const types[] = {"<string>", "<String>", "<number>", "<boolean>"}, *const declare[] = {"let ", "const ", "var ", "val ", "final ", "mut ", "auto ", "String "};
	int dots = 0, e = a, k = a - at(s, a - 1, ' ');
	if (!is(s, a, LETTER | UNDERSCORE)) return 0;
	for (; e < b && class[s->t[e]] & (WORD | DOT); e++) dots += s->t[e] == '.' && is(s, e + 1, LETTER | UNDERSCORE);
	spend(150 + 10 * (e - a));
	for (unsigned t = 0; at(s, e, '<') && t < sizeof types / sizeof types[0]; t++)
		if (in(s->t[a], UPPER) && has(s, e, types[t])) return 1;
	if (has(s, k - 2, "==")) {
		int sign = e + at(s, e, ' '), from = max(0, start - MAX_LINE);
		return (at(s, e, ')') || has(s, sign, "&&") || has(s, sign, "||")) && !at(s, start - 1, '$') && back(s, start, from, &sets[OPENS], SIDES) > from;
	}
	if (has(s, k - 2, ":=") && at(s, e, '[')) return 1;
	if (!at(s, k - 1, '=') || !dots || !(e == s->n || at(s, e, ';') || is(s, e, SPACE))) return 0;
	if (has(s, k - 2, ":=")) return !(in(s->t[start], UPPER) && is(s, start + 1, UPPER)); /* nor in a Makefile */
	spend(400);
	for (unsigned d = 0; d < sizeof declare / sizeof declare[0]; d++) {
		int n = 0;
		while (declare[d][n]) n++;
		if (start >= n && has(s, start - n, declare[d])) return 1;
	}
	return 0;
}

/* named_alike reports whether [a, b), in no quotes, behind a space and before what goes on with a program, ends in the words that its name
 * ends in, which begins at start, or is of that name: PrivateKey: testP256PrivateKey, UserAuth: TPM2BAuth{, AuthStyle: oauth2.AuthStyleInParams. */
RARE int named_alike(const scan *s, int a, int b, int start) {
	if (!at(s, a - 1, ' ') || (!at(s, b, ',') && !at(s, b, '{') && !at(s, b, ';') && !at(s, b, ')'))) return 0;
	int name = ahead(s, start, min(a, start + MAX_NAME), &NAME_SET, 0), n = 0, last = a, length = name - start;
	spend(100 + 25 * (b - a));
	for (int k = a; k < b; k++) {
		if (!in(s->t[k], WORD | DOT)) return 0;
		if (s->t[k] == '.') last = k + 1;
	}
	while (n < length && n < b - a && in(s->t[b - n - 1], LETTER) && (s->t[b - n - 1] | 0x20) == (s->t[name - n - 1] | 0x20)) n++;
	if (n >= 3 && in(s->t[b - n], UPPER)) return 1;
	for (n = 0; n < length && n < b - last && in(s->t[last + n], LETTER) && (s->t[last + n] | 0x20) == (s->t[start + n] | 0x20);) n++;
	return last > a && n >= 4 && n == length;
}

/* may_be_jwk reports whether the value in quotes at a may be a private member of a JSON Web Key, by its name of one or two letters. */
static inline int may_be_jwk(const scan *s, int a) {
	int end = a - 2 - (s->t[a - 2] == ' ');
	if (a < 6 || s->t[end] != ':' || s->t[end - 1] != '"') return 0;
	uint8_t c = s->t[end - 2], before = s->t[end - 3];
	if (before == '"') return c == 'd' || c == 'k' || c == 'p' || c == 'q';
	return end > 3 && s->t[end - 4] == '"' && (before == 'd' ? c == 'p' || c == 'q' : before == 'q' && c == 'i');
}

#define MAX_JWK 1024 /* how far from a member of a key its type may stand */

/* private_member reports the value [a, b) as part of a private key (RFC 7517), if a type of key stands near it, or a member
 * of one: those of a long key are far from its type. */
RARE int private_member(scan *s, int a, int b) {
	spend(300 + 5 * (b - a));
	if (b - a < 16 || ahead(s, a, b, &sets[set_number(BASE64U | EQUALS)], 0) < b || fewer(s, a, b, 8)) return 0;
	int from = max(0, a - MAX_JWK), end = min(s->n, b + MAX_JWK);
	if (s->kty >= from) return s->kty = max(s->kty, a), report(s, a, b, PRIVATE_KEY, 800) ? b : 0;
	for (int k = max(from, s->kty_sought); k < end; k += 16) { /* no byte is looked at again for the next value */
		spend(60);
		s->kty_sought = min(k + 16, end);
		for (uint32_t hits = wasm_i8x16_bitmask(wasm_v128_and(wasm_i8x16_eq(wasm_v128_load(s->t + k), wasm_u8x16_splat('k')), wasm_i8x16_eq(wasm_v128_load(s->t + k + 1), wasm_u8x16_splat('t')))); hits; hits &= hits - 1) {
			if (k + __builtin_ctz(hits) >= end) break; /* there stands another text */
			spend(60);
			if (!has(s, k + __builtin_ctz(hits) - 1, "\"kty\"")) continue;
			s->kty = max(a, k + __builtin_ctz(hits));
			return report(s, a, b, PRIVATE_KEY, 800) ? b : 0;
		}
	}
	return 0;
}

/* may_be_signed reports whether a sign stands beside [a, b) that ends values, and passwords have. */
static inline int may_be_signed(const scan *s, int a, int b) {
	uint8_t before = a > 9 ? s->t[a - 1] : 0, behind = b < s->n ? s->t[b] : 0;
	return before == '(' || before == ')' || before == '&' || before == '*' || before == '@' || ((behind == '(' || behind == ')' || behind == '&') && before == ' ');
}

/* signed_password reports the password that begins at a behind that word, with signs in it that end a value elsewhere: Reset password O(0yl55k(gT for kim. */
RARE int signed_password(scan *s, int a) {
	if (a < 9 || s->t[a - 1] != ' ' || (s->t[a - 2] | 0x20) != 'd') return spend(60), 0;
	spend(800);
	if (a < s->last || !at(s, a - 1, ' ') || !has_any_case(s, a - 9, "password") || at(s, a, '$') || at(s, a, '(') || has(s, a, "&#") || calls(s, a, 3)) return 0;
	int b = ends_before(s, a, password_end(s, a));
	spend(100 + 25 * (b - a));
	if (b - a < 8) return 0;
	spend(1200);
	for (int k = a; k < b; k++)
		if (s->t[k] == '=' || s->t[k] == '[' || s->t[k] == '{' || (s->t[k] == '/' && s->t[k + 1] == '/')) return 0; /* an argument, a link, what is put in its place */
	if (at(s, b, ')') && ahead(s, a, b, &sets[BRACKETS], SIDES) < b && ahead(s, a, b, &NAME_SET, 0) == ahead(s, a, b, &sets[BRACKETS], SIDES)) return 0; /* Error1045(HY000) */
	int sign = run_end(s, a, ALNUM, b - a);
	int joint = at(s, sign, '&') && run_end(s, sign + 1, ALNUM, b - sign) >= b;
	if (at(s, sign, '&') && at(s, run_end(s, sign + 1, LETTER, b - sign), ';')) return 0; /* Step1&nbsp;of3 */
	makeup m;
	made_of(s, a, b, &m);
	if (joint && (m.long_word || !jumpy(s, a, b))) return 0; /* Q3&Q4Report, Vol1&Vol2 */
	return m.upper && m.lower && !wordy(&m, b - a) && strange(s, a, b, 1) && report(s, a, b, PASSWORD, 520) ? b : 0;
}

/* may_log_on reports whether what stands before p ends like "sqlplus ", perhaps with "-s ", "CONNECT " or "thin:". */
static inline int may_log_on(const uint8_t *p) {
	if (p[-1] == ':') return p[-2] == 'n' && p[-3] == 'i' && p[-4] == 'h';
	return p[-1] == ' ' && ((p[-2] == 's' && (p[-3] == 'u' || p[-3] == '-')) || (p[-2] == 'T' && p[-3] == 'C'));
}

/* logs_on reports the password of Oracle in [a, b), between the name of a user and that of a service: sqlplus kim/…@orcl. */
RARE int logs_on(scan *s, int a, int b) {
	int slash = ahead(s, a, b, &sets[ENDS_USER], SIDES), end = ahead(s, slash + 1, b, &sets[ENDS_USER], SIDES);
	spend(500);
	if (slash == a || !at(s, slash, '/') || !at(s, end, '@')) return 0;
	if (!has(s, a - 5, "thin:") && !has_any_case(s, a - 8, "sqlplus ") && !has_any_case(s, a - 11, "sqlplus -s ") && !has(s, a - 8, "CONNECT ")) return 0;
	return written_out(s, slash + 1, end) && report(s, slash + 1, end, PASSWORD, 550) ? end : 0;
}

/* serves reports whether the digits [port, end) behind the host at i may be the port of PostgreSQL: any of four or five, if the host has a dot
 * or is this one or any, and else one of those that it and its poolers are known for. Keys of caches have numbers there: tenant:1234:orders. */
RARE int serves(const scan *s, int i, int port, int end) {
	spend(100 + 5 * (port - i));
	if (end - port < 4 || end - port > 5 || run_end(s, port, DIGIT, 5) != end) return 0;
	for (int k = i; k < port; k++)
		if (s->t[k] == '.' || s->t[k] == '*') return 1;
	return has(s, i, "localhost:") || has(s, port, "5432:") || has(s, port, "5433:") || has(s, port, "6432:");
}

/* passfile reports the password in [a, b), if that is a line in which libpq keeps one: host:port:database:user:password. */
RARE int passfile(scan *s, int a, int b) {
	spend(300);
	int host = a, port = a;
	for (int k = 0; k < 4; k++) {
		int end = ahead(s, a, b, &sets[BINDS], SIDES);
		spend(100);
		if (!at(s, end, ':') || end == a || (k == 1 && !serves(s, host, a, end)) || (k == 2 && run_end(s, a, DIGIT, 16) == end)) return 0;
		if (k == 0) port = end + 1;
		a = end + 1;
	}
	int k = a, from = a; /* more colons, with no more than four hexadecimal digits between, are of a fingerprint or an address */
	while (k < b && (k = run_end(s, from = k, HEX, b - k)) < b && k - from <= 4 && s->t[k] == ':') k++;
	if (k == b && from > a && k - from <= 4) return 0;
	return a - port >= 8 ? expected(s, a, shouted(s, b)) : 0;
}

/* stored reports the secret [a, b) that "gh secret set" keeps. */
RARE int stored(scan *s, int a, int b) {
	spend(300);
	return contains(s, max(s->last, a - 64), a, "secret set") && strange(s, a, b, 1) && report(s, a, b, SECRET, 550) ? b : 0;
}

/* placed reads a password by its place. */
RARE int placed(scan *s, int a, int b, int quoted) {
	int whole = quoted ? b : shouted(s, b);
	if (a - quoted > 4 && may_be_stored(s->t + a - quoted, quoted)) return stored(s, a, whole);
	spend(1200);
	if (may_be_option(s, a, quoted) && (s->t[a - quoted - 2] != 'N' || contains(s, max(s->last, a - 64), a, "ssh-keygen")) && said_before(s, a - quoted - 3) & 1 << W_COMMAND) return expected(s, a, whole);
	if (may_be_attached(s, a, b)) return said_before(s, a) & 1 << W_ATTACHED || contains(s, max(s->last, a - 32), a, "7z ") ? expected(s, a + 2, whole) : 0;
	if (quoted_option(s, a, quoted)) return said_before(s, a - 3) & 1 << W_ATTACHED ? expected(s, a, b) : 0;
	if (may_be_echoed(s->t + a - quoted) && echoed(s, a - quoted, whole + quoted)) return expected(s, a, whole);
	if (!quoted && may_log_on(s->t + a)) return logs_on(s, a, b);
	if (a - quoted > 4 && may_be_said(s->t + a - quoted) && says_so(s, a - quoted)) return written_out(s, a, whole) && !a_way(s, a, whole) && report(s, a, whole, PASSWORD, 520) ? whole : 0;
	if (quoted && plaintext(s, a)) return written_out(s, a, b) && report(s, a, b, PASSWORD, 550) ? b : 0;
	if (!may_be_argument(s, a, b, quoted)) return 0;
	uint32_t topics = called(s, a, b);
	if (!(topics & (1 << W_LOGIN | 1 << W_PASS | 1 << W_SECRET)) || topics & 1 << W_OPEN) return 0;
	return strange(s, a, b, 0) && report(s, a, b, topics & (1 << W_LOGIN | 1 << W_PASS) && (topics & (1 << W_VENDOR | 1 << W_ATTACHED)) != 1 << W_VENDOR ? PASSWORD : SECRET, 550) ? b : 0;
}

/* may_be_strange reports whether strange may hold of [a, b) among the arguments of a call: it has a capital or a sign, if it is not long. Lists
 * of short names and numbers are told from calls by it. */
static inline int may_be_strange(const scan *s, int a, int b) {
	if (b - a < 8 || b - a >= 32) return b - a >= 32;
	uint32_t odd = (uint32_t)wasm_i8x16_bitmask(between(wasm_v128_load(s->t + a), 'A', 'Z')) | outside(s->t + a, &NAME_SET);
	if (b - a > 16) odd |= ((uint32_t)wasm_i8x16_bitmask(between(wasm_v128_load(s->t + a + 16), 'A', 'Z')) | outside(s->t + a + 16, &NAME_SET)) << 16;
	return (odd & ((1u << (b - a)) - 1)) != 0;
}

static inline int may_be_placed(const scan *s, int a, int b, int quoted) {
	const uint8_t *p = s->t + a - quoted;
	int before = a - quoted; /* what stands before the text is another one */
	if (before < 3) return 0;
	if (p[-1] == 'p' && p[-2] == '-') return quoted;
	if (before > 4 && may_be_stored(p, quoted)) return 1;
	if (p[-1] != ' ') return (p[-1] == ',' && quoted && may_be_strange(s, a, b)) || (p[-1] == '=' && quoted && p[-2] == 'p' && p[-3] == '-') || (p[-1] == ':' && (p[-3] == '/' || (before > 3 && may_log_on(p))));
	return (p[-2] == ',' && quoted && may_be_strange(s, a, b)) || p[-3] == '-' || p[-3] == '/' || p[0] == '-' || may_be_echoed(p) || (before > 3 && ((p[-3] == 'r' && p[-4] == '/') || may_log_on(p)))
		|| (before > 4 && may_be_said(p)) || (quoted && plaintext(s, a));
}

/* may_be_paired reports whether the value [a, b) may be a name, a slash and a password, or a password behind a slash between spaces. */
static inline int may_be_paired(const scan *s, int a, int b) {
	if (a < 3 || b - a < 8 || b - a > 64) return 0;
	if (s->t[a - 1] == ' ' && s->t[a - 2] == '/' && s->t[a - 3] == ' ') return 1;
	if (b - a < 11 || !(class[s->t[a - 1]] & (SPACE | OPERATOR | HIGH))) return 0;
	uint32_t slashes = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(s->t + a + 2), wasm_u8x16_splat('/')));
	return (slashes & ((1u << min(b - a - 2, 16)) - 1)) != 0;
}

/* resource reports whether [a, b), behind a slash, is what a path ends in as well as a password: without a sign of its own, and hexadecimal or joined. */
static int resource(const scan *s, int a, int b) {
	int e = ahead(s, a, b, &NAME_SET, 0);
	if (e < b) return s->t[e] == '=' && run_end(s, a, LETTER, e - a) == e; /* page=… */
	return run_end(s, a, ALNUM, b - a) < b || run_end(s, a, HEX, b - a) == b;
}

/* ends_login reports whether what ends at e may be an address or one of the words that paired_with knows, as far as its last bytes tell. */
static inline int ends_login(const scan *s, int e) {
	if (e < 16) return e > 2;
	const uint8_t *p = s->t + e;
	if (class[p[-1]] & HIGH) return 1;
	if (in(p[-1], DIGIT)) {
		uint32_t dots = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(p - 16), wasm_u8x16_splat('.')));
		int n = __builtin_clz(~(dots | digits_at(p - 16)) << 16 | 1);
		return __builtin_popcount(dots >> (16 - n)) >= 3;
	}
	switch (p[-1] | 0x20) {
	case 'n': return (p[-2] | 0x20) == 'i' && (p[-3] | 0x20) == 'g';
	case 'w': return (p[-2] | 0x20) == 'p';
	case 's': return (p[-3] | 0x20) == 'e' || (p[-3] | 0x20) == 'a'; /* creds, pass, credentials */
	}
	return 0;
}

/* paired_with reports the password of such a pair, right behind an IPv4 address or a word for a login: 10.2.3.4 (kim/…), login: kim / …, ID/PW: kim/…. What
 * "id" and "account" name has a slash in it as often: id: deepseek-ai/DeepSeek-R1. */
RARE int paired_with(scan *s, int a, int b) {
	static const char *const names[] = {"login", "creds", "credentials", "id/pw", "id/pass", "\xea\xb3\x84\xec\xa0\x95", "\xec\x95\x84\xec\x9d\xb4\xeb\x94\x94"}; /* 계정 아이디 */
	int name = a, slash = ahead(s, a, b, &sets[ENDS_USER], SIDES), e, dots = 0, known = 0;
	spend(300);
	if (has(s, a - 3, " / ")) name = back(s, a - 3, max(s->last, a - 3 - MAX_NAME), &sets[BREAKS], SIDES), slash = a - 1;
	else if (!at(s, slash, '/') || slash < a + 2 || slash - a > 16 || in(s->t[a], DIGIT)) return 0;
	for (e = name; e > max(s->last, name - 6) && (class[s->t[e - 1]] & SPACE || s->t[e - 1] == '(' || s->t[e - 1] == ':' || s->t[e - 1] == ',' || s->t[e - 1] == '-' || s->t[e - 1] == '>'); e--) {}
	if ((e == name && !is(s, e - 1, HIGH)) || !ends_login(s, e)) return 0;
	spend(2000);
	int k = e;
	for (; k > max(s->last, e - 15) && (in(s->t[k - 1], DIGIT) || s->t[k - 1] == '.'); k--) dots += s->t[k - 1] == '.';
	for (unsigned w = 0; !known && w < sizeof names / sizeof names[0]; w++) {
		int n = 0;
		while (names[w][n]) n++;
		known = has_any_case(s, e - n, names[w]) && !is(s, e - n - 1, WORD);
	}
	if (!known && dots != 3) return 0;
	a = slash + 1 + at(s, slash + 1, ' ');
	if (ahead(s, a, b, &sets[ENDS_USER], SIDES) < b || !strange(s, a, b, 0) || a_way(s, a, b) || resource(s, a, b)) return 0;
	spend(10 * (b - a));
	return report(s, a, b = shouted(s, b), PASSWORD, 520) ? b : 0;
}

#endif
