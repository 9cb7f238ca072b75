/* russian.h: the numbers of taxpayers and of pension insurance in Russia. Part of number.h. */

static int inn(const uint8_t *d, int n) {
	if (value(d, 2) == 0) return 0; /* of no region */
	if (n == 10) return sum(d, "24:359468") % 11 % 10 == d[9];
	return sum(d, "724:359468") % 11 % 10 == d[10] && sum(d, "3724:359468") % 11 % 10 == d[11];
}

/* before_kpp reports whether the number that ends at e may be the first of the two that a Russian organisation has: 7707083893/770801001. */
static inline int before_kpp(const scan *s, int e) { return at(s, e, '/') && run_end(s, e + 1, DIGIT, 10) == e + 10; }

static int snils(const uint8_t *d, int n) { /* the first that had check digits was 001-001-999 */
	return n > 0 && value(d, 9) > 1001998 && sum(d, "987654321") % 101 % 100 == value(d + 9, 2);
}

/* called_russian reports whether the word of these ids before the number at i names this one. One number in eleven has the check
 * digit of an organisation's: that one stands right behind the word, with no other between, and "inn", which is where travellers sleep,
 * is in capitals, and not the name of one (HOLIDAY INN), or is the name of a field. It names no pension insurance. */
RARE int called_russian(const scan *s, int i, int label) {
	int e = s->seen[T_RU], a = e - 3;
	spend(250);
	if (e <= 0) return 1; /* the key */
	if (label == RU_SNILS) return !has_any_case(s, a, "inn");
	if (any_digit(s, max(e, s->last), i)) return 0;
	if (is(s, e - 1, HIGH)) { /* "ИНН" and forms of "налогоплательщик", which has a beginning that other words have, too */
		int start = back(s, e, max(0, e - 40), &sets[set_number(LETTER | HIGH)], 0);
		return e - start < 10 || has(s, start + 2, "\xd0\xb0\xd0\xbb\xd0\xbe\xd0\xb3\xd0\xbe\xd0\xbf\xd0\xbb\xd0\xb0\xd1\x82");
	}
	if (!has_any_case(s, a, "inn")) return 0;
	int field = is(s, e, QUOTE | EQUALS | UNDERSCORE) || at(s, e, ':') || at(s, e, '>') || at(s, a - 1, '_');
	if (has(s, a, "INN")) return field || !(at(s, a - 1, ' ') && is(s, a - 2, UPPER));
	return at(s, a, 'i') ? field : is(s, a - 1, LOWER);
}
