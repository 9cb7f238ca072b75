/* dates.h: dates of birth, in digits and with the names of months. Part of number.h. */

static int month_name(const scan *s, int i, int end) {
	return end - i >= 3 && end - i <= 11 && word_topics(word_at(s->t + i, 3)) >> T_MONTH & 1;
}

static int year(const scan *s, int i, int end) {
	return end - i == 4 && (has(s, i, "19") || has(s, i, "20")) && prefix(s, i, 4) < 2040;
}

RARE int three_letters(const scan *s, int end) {
	spend(80);
	return is(s, end, LETTER) && is(s, end + 1, LETTER) && is(s, end + 2, LETTER) && is(s, end + 3, DIGIT) && month_name(s, end, end + 3);
}

/* month_joined reports whether the name of a month, cut to three letters, is at end and digits right behind it: 04Mar1980. Most of what goes on
 * behind a number has no digit there behind bytes of the columns of letters. */
static inline int month_joined(const scan *s, int end) {
	uint32_t next;
	__builtin_memcpy(&next, s->t + end, 4);
	return (next & 0xf0404040) == 0x30404040 && three_letters(s, end);
}

/* roman returns the letters of a month that is written in numerals at i, between signs that are the same: 25-V-1981. */
RARE int roman(const scan *s, int i) {
	static const char months[][5] = {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};
	int n = 0, known = 0;
	if (!at(s, i, 'I') && !at(s, i, 'V') && !at(s, i, 'X')) return 0;
	spend(400);
	while (n < 5 && (at(s, i + n, 'I') || at(s, i + n, 'V') || at(s, i + n, 'X'))) n++;
	for (int k = 0; n < 5 && k < 12; k++) known |= months[k][n - 1] && !months[k][n] && has(s, i, months[k]);
	return known && (at(s, i - 1, '-') || at(s, i - 1, '.') || at(s, i - 1, '/')) && at(s, i + n, (char)s->t[i - 1]) && is(s, i + n + 1, DIGIT) ? n : 0;
}

/* may_be_dated reports whether a date may go on at end: with a separator, "4th", the name of a month, or the sign for a year. */
static inline int may_be_dated(const scan *s, int end) {
	uint8_t c = end < s->n ? s->t[end] : 0;
	return c == ',' || (c == 'e' && at(s, end + 1, 'r')) || (c == ' ' && is(s, end + 1, ALNUM | HIGH)) || c == '-' || c == '/' || c == '.' || c == 's' || c == 'n' || c == 'r' || c == 't' || c == 0xe5 || c == 0xeb || month_joined(s, end);
}

/* timed returns the end of the time of day that may follow a date that ends at i: T00:00:00Z. */
static int timed(const scan *s, int i) {
	if (!at(s, i, 'T') || !is(s, i + 1, DIGIT)) return i;
	for (int stop = i + 36; i < stop && (is(s, i, DIGIT | DOT) || at(s, i, ':') || at(s, i, 'T') || at(s, i, 'Z') || at(s, i, '+')); i++) {}
	while (at(s, i - 1, '.') || at(s, i - 1, ':')) i--;
	return i;
}

/* date_ends returns where a date in digits that ends at i ends, with its time, or 0 if something else goes on there. */
static int date_ends(const scan *s, int i) {
	int e = timed(s, i);
	return number_ends(s, e) ? e : 0;
}

/* joint returns where the next part of a date begins: behind a separator and a space, or either. */
static int joint(const scan *s, int i) {
	if (at(s, i, '-') || at(s, i, '/') || at(s, i, '.') || at(s, i, ',')) i++;
	return i + at(s, i, ' ');
}

/* east_asian reads a date of which the year, before its sign at i, has been read: 1985年3月12日, 1985년 3월 12일. */
static int east_asian(const scan *s, int i) {
	static const char *const signs[] = {"\xe5\xb9\xb4", "\xe6\x9c\x88", "\xe6\x97\xa5", "\xeb\x85\x84", "\xec\x9b\x94", "\xec\x9d\xbc"};
	int korean = at(s, i, (char)0xeb) ? 3 : 0;
	for (int k = 0; k < 3; k++) {
		if (!has(s, i, signs[korean + k])) return 0;
		i += 3;
		if (k == 2) return i;
		i += korean && at(s, i, ' ');
		int e = run_end(s, i, DIGIT, 3);
		if (e == i || e > i + 2) return 0;
		i = e;
	}
	return 0;
}

/* compact reads a date of eight digits at i. */
static int compact(const scan *s, int i) {
	int ahead = year(s, i, i + 4) && day_of(prefix(s, i + 4, 2), prefix(s, i + 6, 2)), day = prefix(s, i, 2), month = prefix(s, i + 2, 2);
	return ahead || (year(s, i + 4, i + 8) && (day_of(month, day) || day_of(day, month))) ? date_ends(s, i + 8) : 0;
}

/* in_digits reads a date of which all parts are digits, the first of them [i, end). */
static int in_digits(const scan *s, int i, int end) {
	int n = end - i, sep = s->t[end], two = joint(s, end), e2 = run_end(s, two, DIGIT, 3), three = joint(s, e2), e3 = run_end(s, three, DIGIT, 5);
	if (e2 == two || e2 > two + 2 || !at(s, e2, (char)sep) || three - e2 != two - end || (two > end + 1 && sep != '.')) return 0;
	int last = e3 - three, a = prefix(s, i, n), b = prefix(s, two, e2 - two);
	if (n == 4) return year(s, i, end) && last >= 1 && last <= 2 && day_of(b, prefix(s, three, last)) ? date_ends(s, e3) : 0;
	return (last == 2 || year(s, three, e3)) && (day_of(a, b) || day_of(b, a)) ? date_ends(s, e3) : 0;
}

/* short_year reports whether the digits [i, end) are a year of two digits behind a hyphen, a slash or an apostrophe. */
static int short_year(const scan *s, int i, int end) { return end - i == 2 && (at(s, i - 1, '-') || at(s, i - 1, '/') || at(s, i - 1, '\'')); }

/* in_words reads the month and the day behind a year at i, between hyphens, slashes or full stops: 1981-May-25. It returns the end, or 0. */
static int in_words(const scan *s, int i) {
	if (!at(s, i, '-') && !at(s, i, '/') && !at(s, i, '.')) return 0;
	int e = run_end(s, i + 1, LETTER | HIGH, 20), end = run_end(s, e + 1, DIGIT, 3);
	if (!at(s, e, (char)s->t[i]) || !month_name(s, i + 1, min(e, i + 12))) return 0;
	return end > e + 1 && end < e + 4 && day_of(1, prefix(s, e + 1, end - e - 1)) && number_ends(s, end) ? end : 0;
}

/* date reads a calendar date of which the digits [i, end) are the first, or the
 * day behind the name of a month. It returns its end, or 0, and its start. */
RARE int date(const scan *s, int i, int end, int *start) {
	spend(1400);
	int n = end - i;
	*start = i;
	if (n == 8) return compact(s, i);
	if (n == 4 && year(s, i, end) && (at(s, end, (char)0xe5) || at(s, end, (char)0xeb))) return east_asian(s, end);
	if (n != 1 && n != 2 && n != 4) return 0;
	if (is(s, end, DOT | STD | URLSAFE) && is(s, joint(s, end), DIGIT)) {
		int e = in_digits(s, i, end);
		if (e || n == 4) return e;
	}
	if (n == 4) return year(s, i, end) ? in_words(s, end) : 0;
	if (is(s, end, LETTER)) /* 4th */
		for (int k = 0; k < 5; k++)
			if (has_any_case(s, end, (const char *const[]){"st", "nd", "rd", "th", "er"}[k])) end += 2;
	int before = i - 1 - at(s, i - 1, ' '), y = joint(s, end), ends = run_end(s, y, DIGIT, 5);
	if (has(s, before - 3, " the")) before -= 3; /* May the 25th 1981 */
	else before += at(s, i - 1, ' ') ? !at(s, before, '.') : 0; /* what stands between: a space, a full stop and one, '-' or '/' */
	if ((year(s, y, ends) || (short_year(s, y, ends) && i > 0 && s->t[y - 1] == s->t[i - 1])) && y > end && (at(s, i - 1, ' ') || at(s, i - 1, '-') || at(s, i - 1, '/'))) { /* March 12, 1985; Mar-12-1985; Mar/12/85 */
		int b = run_start(s, before, LETTER | HIGH, 12);
		if (month_name(s, b, before) && !at(s, b - 1, '/')) {
			*start = b;
			return number_ends(s, ends) ? ends : 0;
		}
	}
	int m = joint(s, end), close = m == end && month_joined(s, end), numeral = close ? 0 : roman(s, m); /* 12 March 1985, 12. März 1985, 12-Mar-85, 12 de marzo de 1985, 12Mar1985 */
	if ((m == end && !close) || !is(s, m, LETTER | HIGH)) return 0;
	if (has(s, m, "de ") || has(s, m, "of ")) m += 3;
	if (numeral && (n > 2 || prefix(s, i, n) > 31)) return 0;
	int e = numeral ? m + numeral : run_end(s, m, LETTER | HIGH, 20);
	if (!numeral && !month_name(s, m, min(e, m + 11))) return 0;
	y = joint(s, e);
	if (has(s, y, "de ") || has(s, y, "of ")) y += 3;
	else if (has(s, y, "del ")) y += 4;
	y += at(s, y, '\'');
	ends = run_end(s, y, DIGIT, 5);
	return (y > e || close) && (year(s, y, ends) || short_year(s, y, ends) || (close && ends == y + 2)) && number_ends(s, ends) ? ends : 0;
}

/* told_behind reports whether the words behind a date that ends at e say that somebody was born then: 12.3.1985 in Köln geboren, 1985-03-12 is my birthday,
 * 12/03/1985 (DOB). */
RARE int told_behind(const scan *s, int start, int e) {
	static const char *const owners[] = {" is my ", " is his ", " is her "}, *const days[] = {"birthday", "date of birth", "birth date", "dob"};
	if (!at(s, e, ' ') || !(year(s, e - 4, e) || year(s, start, start + 4))) return 0; /* versions */
	spend(400);
	if (has_any_case(s, e, " geboren") || has_any_case(s, e, " (dob)") || has_any_case(s, e, " (date of birth)")) return 1;
	if (has(s, e, " in ") || has(s, e, " te "))
		for (int k = e + 4; k < e + 32 && is(s, k, LETTER | HIGH | SPACE | URLSAFE) && !at(s, k, '\n'); k++) {
			spend(30);
			if (at(s, k, ' ') && has(s, k, " geboren")) return 1;
		}
	for (unsigned k = 0; k < sizeof owners / sizeof owners[0]; k++)
		if (has(s, e, owners[k]))
			for (unsigned w = 0; w < sizeof days / sizeof days[0]; w++)
				if (has_any_case(s, e + (k ? 8 : 7), days[w]) && (w < 3 || !is(s, e + (k ? 11 : 10), LETTER))) return 1;
	return 0;
}

/* may_be_told reports whether such words may stand behind the date that begins with the digits [i, end), as far as a letter tells: what
 * most often follows a date is a time, a sign or the end. */
static inline int may_be_told(const scan *s, int end) {
	int e = end;
	if (at(s, end, ' ') && is(s, end + 1, DIGIT)) return 0;
	spend(100);
	for (int part = 0; part < 2; part++) {
		int j = joint(s, e);
		if (j == e) break;
		if (is(s, j, DIGIT)) e = run_end(s, j, DIGIT, 5);
		else if (part == 0 && month_at(s, j)) e = run_end(s, j, LETTER | HIGH, 12);
		else break;
	}
	uint8_t c = at(s, e, ' ') && e + 4 < s->n ? s->t[e + 1] | 0x20 : 0;
	return (c == 'g' && at(s, e + 2, 'e')) || (c == 'i' && (at(s, e + 2, 's') || at(s, e + 2, 'n')) && at(s, e + 3, ' ')) || (c == 't' && at(s, e + 2, 'e') && at(s, e + 3, ' ')) || (c == '(' && (s->t[e + 2] | 0x20) == 'd');
}

/* full_name reports whether two words with capitals end at e, as most names of persons are. */
RARE int full_name(const scan *s, int e) {
	spend(300);
	for (int k = 0; k < 2; k++) {
		int a = run_start(s, e, LETTER | HIGH, 20);
		if (a == e || (!is(s, a, UPPER) && s->t[a] != 0xc3) || is(s, a + 1, UPPER) || (k == 0 && !at(s, a - 1, ' '))) return 0;
		e = a - 1;
	}
	return 1;
}

/* signed_birth reports whether a sign or a word that is of other things, too, says right before the date at i, of which the first digits end at end, that
 * somebody was born then: Max Muster (*12.3.1985), (* 12. März 1985 in Köln); nee le 12/03/1985; anniversaire : 12/03/1985; F.N.: 12/03/1985. */
static inline int signed_birth(const scan *s, int i, int end) {
	int a = i - at(s, i - 1, ' ');
	if (a < 3 || (at(s, end, ' ') && !is(s, end + 1, LETTER | HIGH))) return 0;
	uint8_t c = s->t[a - 1];
	if (c == '*') return at(s, a - 2, '(') && at(s, a - 3, ' ') && end <= i + 2 && (at(s, end, '.') || at(s, end, ' ')) && full_name(s, a - 3);
	if (a == i || (c != ':' && c != 'e' && c != 0xa9)) return 0;
	spend(200);
	if (c == 0xa9) return has_any_case(s, a - 15, "anivers\xc3\xa1rio \xc3\xa9");
	if (c == 'e') return (has_any_case(s, a - 5, "ne le") && begins(s, a - 5, WORD)) || (has_any_case(s, a - 6, "nee le") && begins(s, a - 6, WORD)) || has_any_case(s, a - 19, "anniversaire est le");
	switch (s->t[a - 2] | 0x20) {
	case 'n': return has_any_case(s, a - 4, "ddn") && begins(s, a - 4, WORD | DOT | URLSAFE);
	case '.': return (has_any_case(s, a - 5, "f.n") || has_any_case(s, a - 5, "d.n")) && begins(s, a - 5, WORD | DOT | URLSAFE);
	case 'y': return has_any_case(s, a - 6, "b-day") && begins(s, a - 6, WORD | DOT | URLSAFE);
	case 'o': return has_any_case(s, a - 13, "anivers\xc3\xa1rio") && alone(s, a - 13);
	case 'e': return has_any_case(s, a - 13, "anniversaire") && alone(s, a - 13);
	case ' ': return (has_any_case(s, a - 14, "anniversaire") && alone(s, a - 14)) || (has_any_case(s, a - 5, "ddn") && begins(s, a - 5, WORD | DOT | URLSAFE));
	}
	return 0;
}

/* starred reports whether a star is right before the date [i, e) that is none of a birth: what is in brackets ends with a year, and there or with a place. */
static inline int starred(const scan *s, int i, int e) {
	return (at(s, i - 1, '*') || at(s, i - 2, '*')) && !(year(s, e - 4, e) && (at(s, e, ')') || at(s, e, ';') || has(s, e, ", ") || has(s, e, " in ")));
}

/* maybe_born reports whether the digits [i, end) may begin a date, and a word before speaks of a
 * birth: what comes before the date itself may be the name of a month. */
static inline int maybe_born(scan *s, int i, int end) {
	int n = end - i, next = is(s, end + 1, DIGIT);
	if (n == 8) return s->words_read >= i && i - s->seen[T_BIRTH] <= REACH; /* whose words have been heard for an id */
	if (n > 4 || n == 3 || (n > 1 && s->t[i] > '3') || !may_be_dated(s, end)) return 0;
	spend(100);
	switch (s->t[end]) {
	case '-': case '/': if (!next && !month_at(s, end + 1) && (n > 2 || !roman(s, end + 1))) return 0; break;
	case '.': if (!next && (n > 2 ? !month_at(s, end + 1) : !at(s, end + 1, ' ') && !roman(s, end + 1))) return 0; break;
	case ',': if (n > 2 || !at(s, i - 1, ' ')) return 0; break;
	case ' ': if (n > 2 || (next && !at(s, i - 1, ' '))) return 0;
	}
	hear(s, i);
	return i - s->seen[T_BIRTH] <= REACH + 16 || may_be_told(s, end) || signed_birth(s, i, end);
}

/* birth reads a date of birth. */
RARE int birth(scan *s, int i, int end) {
	int start, e = date(s, i, end, &start);
	return e && (near(s, T_BIRTH, start) || told_behind(s, start, e) || (signed_birth(s, i, end) && !starred(s, i, e))) && report(s, after_escape(s, start), e, DATE_OF_BIRTH, 800) ? e : 0;
}
