/* beside.h: what stands beside a number and says that it is of another kind than its digits alone would tell. Part of number.h. */

/* zeros returns the end of the fraction of zeros at i behind at least seven digits, or 0: tables that have gaps in a column of
 * numbers write these as decimal ones (4111111111111111.0), and the fraction is no part of them. */
static inline int zeros(const scan *s, int i) {
	if (!at(s, i, '.') || !at(s, i + 1, '0') || i < MIN_DIGITS || digits_at(s->t + i - 16) >> (16 - MIN_DIGITS) != (1u << MIN_DIGITS) - 1) return 0;
	int e = i + 2;
	while (e < i + 8 && at(s, e, '0')) e++;
	if (is(s, e, WORD | STD | URLSAFE | EQUALS) || at(s, e, '@') || at(s, e, '%')) return 0;
	return (at(s, e, '.') || at(s, e, ':') || at(s, e, ',')) && is(s, e + 1, WORD) && !at(s, e, ',') ? 0 : e;
}

/* mixed reports whether [a, a + n) are hexadecimal digits that nothing goes on from: 1 if there is a letter among them, 2 if a digit, too. */
static int mixed(const scan *s, int a, int n) {
	if (a < 0 || a + n > s->n || run_end(s, a, HEX, n + 1) != a + n || is(s, a + n, WORD) || !begins(s, a, WORD)) return 0;
	int m = classes(s, a, a + n);
	return m & LETTER ? m & DIGIT ? 2 : 1 : 0;
}

/* dumped reports whether the groups of n digits [start, end) are of a dump of bytes: the group beside them is as long, and has a letter
 * and a digit in it, or is of letters, as words are, and another such group goes on from it, or two of any kind; or there is such a group on both sides, or the
 * address of a line before them. */
RARE int dumped(const scan *s, int start, int end, int n) {
	int sides = 0, more = n == 2;
	spend(700);
	for (int side = 0; side < 2; side++) {
		int step = side ? n + 1 : -1 - n, a = side ? end + 1 : start - 1 - n, joint = side ? a + n : a - 1, m, next[2] = {0};
		if (!at(s, side ? end : start - 1, ' ') || !(m = mixed(s, a, n))) continue;
		for (int k = 0, far = a + step; k < 2 && far >= 0 && at(s, joint, ' ') && begins(s, far, WORD) && run_end(s, far, HEX, n + 1) == far + n && !is(s, far + n, WORD); k++) next[k] = 1 + mixed(s, far, n), far += step, joint += step;
		if (next[0] == 3 || (m == 1 ? next[0] == 2 : next[1])) return 1; /* a word like "de" may stand before what is a room */
		more |= next[0];
		if (m == 2 && ((sides++ && more) || (!side && at(s, a - 1, ' ') && at(s, a - 2, ':') && run_start(s, a - 2, HEX, 9) <= a - 6))) return 1;
	}
	return n == 4 && at(s, start - 1, ' ') && at(s, start - 2, ':') && run_start(s, start - 2, HEX, 9) == start - 10;
}

/* addresses reports whether [a, e) is the address before a line of a dump: 00000020  9e ea 33. */
static inline int addresses(const scan *s, int a, int e) {
	return e - a == 8 && at(s, e, ' ') && at(s, e + 1, ' ') && is(s, e + 2, HEX) && is(s, e + 3, HEX) && at(s, e + 4, ' ');
}

/* versioned reports whether what stands right before the dotted numbers at start names a thing that has versions: "==", a program
 * or library and one space, none that is called with the name of a host or may be one, or the name of an assembly as a key
 * ("Microsoft.NETCore.App": "8.0.100.1"). */
RARE int versioned(const scan *s, int start) {
	static const char products[] = " firefox chrome chromium safari opera brave webkit electron openssl libressl python ruby sqlite java jdk jre dotnet nuget ";
	spend(250);
	if (has(s, start - 2, "==")) return 1;
	int e = start - 1;
	if (at(s, e, ' ')) {
		int a = run_start(s, e, LETTER, 12), n = e - a;
		if (n < 3 || n > 10 || !begins(s, a, WORD | DOT | URLSAFE)) return 0;
		if (n > 4 && has(s, a, "lib") && !has(s, a + 3, "ra") && !has(s, a + 3, "er")) return 1;
		spend(2500);
		for (const char *p = products; p[1]; p++)
			if (*p == ' ') {
				int k = 0;
				while (k < n && p[1 + k] == (s->t[a + k] | 0x20)) k++;
				if (k == n && p[1 + k] == ' ') return 1;
			}
		return 0;
	}
	if (!at(s, e, '"')) return 0;
	e -= at(s, e - 1, ' ');
	if (!at(s, e - 1, ':') || !at(s, e - 2, '"')) return 0;
	int a = run_start(s, e - 2, ALNUM | URLSAFE | HIGH | DOT, 64), dots = 0;
	spend(20 * (e - a));
	if (!is(s, a, UPPER)) return 0;
	for (int k = a; k < e - 2; k++) {
		if (s->t[k] != '.') continue;
		if (!is(s, k + 1, UPPER)) return 0;
		dots++;
	}
	return dots > 1 || (dots && at(s, start + 1, '.'));
}

/* bound reports whether no more than a few signs, and no end of a line, are between a word that ends at e and the number at i. A
 * colon or an equals sign among them is noted. */
static int bound(const scan *s, int e, int i, int *named) {
	if (i - e > 7) return 0;
	for (int k = e; k < i; k++) {
		if (s->t[k] == '\n' || !(is(s, k, SPACE | QUOTE | OPERATOR | EQUALS) || at(s, k, '#'))) return 0;
		*named |= at(s, k, ':') || at(s, k, '=') || at(s, k, '>');
	}
	return 1;
}

/* posted reports whether the word that speaks of the postal code at i means one. Some are commands and suffixes of files, too: "CAP"
 * is in capitals, "CP" so or a name, and "zip" right before the code, or "zip code". */
RARE int posted(const scan *s, int i) {
	int e = s->seen[T_POSTAL], named = 0;
	spend(400);
	if (has_any_case(s, e - 3, "cap")) return at(s, e - 1, 'P') && i - e <= 2;
	if (has_any_case(s, e - 3, "zip")) {
		if (has_any_case(s, e + is(s, e, SPACE | URLSAFE), "code")) return 1;
		if (at(s, e - 4, '.')) return 0;
		if (has(s, e, "+4")) e += 2;
		if (has(s, e, " is ") || has(s, e, "'s ") || has(s, e, " - ")) e += 2;
		e += at(s, e, 's');
		return bound(s, e, i, &named);
	}
	if (has_any_case(s, e - 2, "cp")) return !at(s, e - 3, '.') && bound(s, e, i, &named) && (named || has(s, e - 2, "CP"));
	return 1;
}

/* keyed reports whether the word for routing before a number is of a message, not of a bank: routing_key. */
static int keyed(const scan *s) {
	int e = s->seen[T_BANK];
	return has_any_case(s, e + is(s, e, SPACE | URLSAFE), "key");
}

/* behind_id_number reports whether "ID number" is right before the number at i. */
RARE int behind_id_number(const scan *s, int i) {
	int e = i;
	spend(60);
	while (e > i - 3 && (at(s, e - 1, ' ') || at(s, e - 1, ':') || at(s, e - 1, '.'))) e--;
	return e < i && ((has_any_case(s, e - 9, "id number") && begins(s, e - 9, WORD)) || (has_any_case(s, e - 5, "id no") && begins(s, e - 5, WORD)));
}

/* spanish_plate reports whether four digits and three consonants stand at i, right behind the Spanish word for plates, and not a year: matrícula 1234-BCD. */
static int spanish_plate(const scan *s, int i, int end) {
	int e = s->seen[T_PLATE], a = run_start(s, e, LETTER | HIGH, 16);
	spend(100);
	if (end - i != 4 || is(s, end + 4, WORD) || has(s, i, "19") || has(s, i, "20") || !has_any_case(s, a, "matr") || !has_any_case(s, e - 4, "cula")) return 0;
	if (i != e + 1 + at(s, e, ':') || !at(s, i - 1, ' ')) return 0;
	for (int k = end + 1; k < end + 4; k++)
		if (!is(s, k, UPPER) || at(s, k, 'A') || at(s, k, 'E') || at(s, k, 'I') || at(s, k, 'O') || at(s, k, 'U')) return 0;
	return 1;
}

/* counted reports whether the words behind one for numbers, which ends at e, say that the number at a counts things: "number of users 12". */
static int counted(const scan *s, int e, int a) {
	spend(150);
	return has(s, e, " of ") && is(s, e + 4, LOWER) && run_end(s, e + 4, LOWER, 24) == a - 1 && at(s, a - 1, ' ') && at(s, a - 2, 's');
}

/* called_korean reports whether the words before the number at i name a resident registration number: since October 2020 these have no
 * check digit. Digits that are not in its groups are believed only behind the word in Korean or its initials. */
RARE int called_korean(const scan *s, int i, int grouped) {
	int e = s->seen[T_KR];
	spend(200);
	if (e <= 0) return e == 0 && grouped; /* the key */
	return i - e <= SOON + 8 && (is(s, e - 1, HIGH) || has_any_case(s, e - 3, "rrn") || (grouped && has_any_case(s, e - 8, "resident")));
}
