/* check.h: the three or four digits on a payment card by which its holder shows that he has it. Part of number.h. */

/* may_be_checked reports whether what stands before the digit at i, but for what may join the two, ends like a word for such a code, or
 * like "is" or "back" behind one. */
static inline int may_be_checked(const scan *s, int i) {
	int e = i - 1; /* of the last byte of the word */
	for (int k = 0; k < 4 && e > 0 && is(s, e, SPACE | QUOTE | EQUALS | OPERATOR); k++) e--;
	if (e < 1) return 0;
	const uint8_t *p = s->t + e;
	uint8_t c = p[-1] | 0x20;
	switch (*p | 0x20) {
	case 'v': return c == 'v';
	case 'c': case 'n': return c == 'v';
	case '2': return c == 'v' || c == 'c';
	case 'e': return c == 'd' || c == 'u' || c == 'm';
	case 's': return (c == 'i' || c == 'e') && at(s, e - 2, ' ');
	case 't': return c == 's' && at(s, e - 3, ' ');
	case 'd': return c == 'a';
	case 'a': return c == 0xa7 || c == 'z';
	case 'r': return c == 'e';
	case 'k': return c == 'c';
	case 0xa9: return c == 0xe3; /* é */
	}
	return 0;
}

/* called_code returns 2 if the words before e name the code of a card, 1 if they are used for other things, too. */
RARE int called_code(const scan *s, int e) {
	static const struct {
		uint8_t length, sure;
		char words[22];
	} names[] = {
#define NAMED(words, sure) {sizeof words - 1, sure, words}
		NAMED("cvv", 2), NAMED("cvc", 1), NAMED("cvn", 1), NAMED("security code", 2), NAMED("security_code", 2), NAMED("securitycode", 2), NAMED("card code", 2), NAMED("verification value", 2),
		NAMED("cryptogramme", 2), NAMED("code de s\xc3\xa9""curit\xc3\xa9", 2), NAMED("de seguridad", 2), NAMED("de seguran\xc3\xa7""a", 2), NAMED("di sicurezza", 2), NAMED("sicherheitscode", 2),
		NAMED("kartenpr\xc3\xbc""fnummer", 2), NAMED("pr\xc3\xbc""fziffer", 1), NAMED("veiligheidscode", 2),
#undef NAMED
	};
	uint8_t last = s->t[e - 1] | 0x20;
	for (unsigned k = 0; k < sizeof names / sizeof names[0]; k++) {
		int start = e - names[k].length;
		if (((uint8_t)names[k].words[names[k].length - 1] | 0x20) != last || !has_any_case(s, start, names[k].words)) continue;
		return is(s, start - 1, ALNUM) && !(is(s, start - 1, LOWER) && is(s, start, UPPER)) ? 0 : names[k].sure; /* cardCvv */
	}
	return 0;
}

/* card_code reads the digits [i, end) as such a code right behind its name: CVV: 123, "cvc":"4821", security code is 123. Where only a
 * space stands between, words that may mean something else have to be followed by the end of a sentence, or a card named before. */
RARE int card_code(scan *s, int i, int end) {
	spend(700);
	int e = i, bound = 0, sure;
	for (; e > i - 5 && is(s, e - 1, SPACE | QUOTE | EQUALS | OPERATOR); e--) bound |= !is(s, e - 1, SPACE);
	if (e == i || at(s, e, '.') || at(s, i - 1, '.') || at(s, i - 1, '+') || !number_ends(s, end) || at(s, end, '.') * is(s, end + 1, ALNUM)) return 0;
	if (has(s, e - 3, " is") || has(s, e - 4, " ist") || has(s, e - 3, " es")) e -= has(s, e - 4, " ist") ? 4 : 3, bound = 1;
	if (has(s, e - 8, " on back")) e -= 8;
	else if (has(s, e - 12, " on the back")) e -= 12;
	else if (at(s, e - 1, '2') && is(s, e - 2, LETTER)) e--;
	else if (has_any_case(s, e - 8, "cvv code") || has_any_case(s, e - 8, "cvc code")) e -= 5;
	if (!(sure = called_code(s, e))) return 0;
	if (sure < 2 && !bound && at(s, end, ' ') && is(s, end + 1, LETTER) && !near(s, T_CARD, i)) return 0;
	return report(s, i, end, CARD_CODE, 650) ? end : 0;
}
