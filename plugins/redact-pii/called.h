/* called.h: ids of persons and companies that are known by what they are called in their country alone. Part of codes.h. */

/* called_id reports whether the number at a stands right behind what the id of a person or a company is called in its country, for those without a
 * form or check digit here; or, if any, what others are called, too. */
RARE int called_id(scan *s, int a, int any) {
	static const char *const names[] = {"dula", "npwp", "nik", "cnic", "nicop", "mykad", "rif", "emso", "\xc5\xa1o", "\xc5\xa0o", "jmbg", "ruc", "nit", "pib", "cccd", "cmnd",
		"thu\xe1\xba\xbf", "\xd1\x96\xd0\xbf\xd0\xbd", "\xd0\x86\xd0\x9f\xd0\x9d", "\xd0\x9f\xd0\x9f", "\xd0\xbf\xd0\xbf", "cidad\xc3\xa3o", /* thuế, ІПН, РНОКПП */
		"idnr", "nric", "rfc", "identidad"}; /* these four have forms that are known, too */
	if (!soon(s, T_IDENTITY, a)) return 0;
	spend(2500);
	for (unsigned k = 0; k < sizeof names / sizeof names[0] - (any ? 0 : 4); k++) {
		int n = 0;
		while (names[k][n]) n++;
		if (has_any_case(s, s->seen[T_IDENTITY] - n, names[k])) return 1;
	}
	return 0;
}

/* of_groups reads an id of which the digits at i are the first, in groups, right behind what it is called: 001-1391820-5, 01.312.166.0-091.000. */
RARE int of_groups(scan *s, int i, int any) {
	spend(400);
	if (!number_begins(s, i) || !called_id(s, i, any)) return 0;
	int e = i, figures = 0, letters = 0;
	spend(400);
	for (; e < i + 24; e++)
		if (is(s, e, DIGIT)) figures++;
		else if (is(s, e, UPPER)) letters++;
		else if (!(at(s, e, '-') || at(s, e, '.') || at(s, e, ' ') || at(s, e, '/')) || !(is(s, e + 1, DIGIT) || (is(s, e + 1, UPPER) && is(s, e + 3, DIGIT)))) break;
	if (figures < 8 || figures > 16 || letters > 4 || is(s, e, WORD) || (year(s, i, i + 4) && at(s, i + 4, '-'))) return 0;
	return report(s, i, e, NATIONAL_ID, 650) ? e : 0;
}
