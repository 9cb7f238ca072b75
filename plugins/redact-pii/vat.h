/* vat.h: numbers of taxpayers behind the two letters of their country, and others of which letters are parted from digits. Part of codes.h. */

static int vat_de(const uint8_t *d, int n) { return d[0] > 0 && iso7064(d, n); }
static int vat_at(const uint8_t *d, int n) {
	int v = 4;
	for (int k = 0; k < n - 1; k++) v += k % 2 ? d[k] * 2 / 10 + d[k] * 2 % 10 : d[k];
	return (10 - v % 10) % 10 == d[7];
}
static int vat_be(const uint8_t *d, int n) { return n > 0 && d[0] <= 1 && value(d, 8) > 0 && 97 - value(d, 8) % 97 == value(d + 8, 2); }
static int vat_bg(const uint8_t *d, int n) {
	int c = sum(d, "12345678") % 11;
	if (c == 10) c = sum(d, "3456789:") % 11 % 10;
	return n > 0 && c == d[8];
}
static int vat_ch(const uint8_t *d, int n) { return n > 0 && d[0] >= 1 && d[0] <= 4 && (11 - sum(d, "54327654") % 11) % 11 == d[8]; }
static int vat_cz(const uint8_t *d, int n) { return n > 0 && (11 - sum(d, "8765432") % 11) % 10 == d[7]; }
static int vat_dk(const uint8_t *d, int n) { return n > 0 && d[0] > 0 && sum(d, "27654321") % 11 == 0; }
static int vat_ee(const uint8_t *d, int n) { return n > 0 && d[0] > 0 && sum(d, "371371371") % 10 == 0; }
static int vat_fi(const uint8_t *d, int n) { return n > 0 && (11 - sum(d, "79:5842") % 11) % 11 == d[7]; }
static int vat_fr(const uint8_t *d, int n) { return luhn(d + 2, n - 2) && value(d + 2, 9) > 0 && (12 + 3 * (value(d + 2, 9) % 97)) % 97 == value(d, 2); }
static int vat_gb(const uint8_t *d, int n) {
	int v = (sum(d, "8765432") + value(d + 7, 2)) % 97;
	return n > 0 && value(d, 7) > 0 && (v == 0 || v == 42);
}
static int vat_ie(const uint8_t *d, int n) {
	int v = (sum(d, "8765432") + (n == 9 ? 9 * (d[8] - 9) : 0)) % 23;
	return (v ? v : 23) == d[7] - 9;
}
static int vat_lt(const uint8_t *d, int n) {
	int c = sum(d, n == 9 ? "12345678" : "12345678912") % 11;
	if (c == 10) c = sum(d, n == 9 ? "34567891" : "34567891234") % 11 % 10;
	return c == d[n - 1] && d[n - 2] == 1;
}
static int vat_lu(const uint8_t *d, int n) { return n > 0 && value(d, 6) > 0 && value(d, 6) % 89 == value(d + 6, 2); }
static int vat_lv(const uint8_t *d, int n) { return n > 0 && d[0] > 3 && sum(d, "91483:25761") % 11 == 3; }
static int vat_mt(const uint8_t *d, int n) { return n > 0 && 37 - sum(d, "346789") % 37 == value(d + 6, 2); }
static int vat_nl(const uint8_t *d, int n) {
	int m = 2321; /* NL */
	for (int k = 0; k < n; k++) m = k == 9 ? ((m * 100 + 11) * 10 + d[k]) % 97 : (m * 10 + d[k]) % 97; /* B */
	return value(d + 9, 2) > 0 && (m == 1 || bsn(d, 9));
}
static int vat_ro(const uint8_t *d, int n) {
	uint8_t p[10] = {0};
	for (int k = 0; k < n; k++) p[10 - n + k] = d[k];
	return d[0] > 0 && sum(p, "753217532") * 10 % 11 % 10 == p[9];
}
static int vat_se(const uint8_t *d, int n) { return n > 0 && d[0] > 0 && luhn(d, 10) && d[10] == 0 && d[11] > 0; }
static int vat_si(const uint8_t *d, int n) { return n > 0 && d[0] > 0 && eleven(sum(d, "8765432")) == d[7]; }
static int vat_sk(const uint8_t *d, int n) {
	int v = 0;
	for (int k = 0; k < n; k++) v = (v * 10 + d[k]) % 11;
	return v == 0 && d[0] > 0 && d[2] >= 2;
}
static int vat_es(const uint8_t *d, int n) {
	uint8_t c[9];
	for (int k = 0; k < n; k++) c[k] = d[k] < 10 ? '0' + d[k] : 'A' + d[k] - 10;
	return spanish(c);
}

/* form: 9 is a digit, A a letter, X either, and the others are themselves. alone: what check digits are worth without a word. */
static const struct {
	char country[3];
	uint8_t label;
	uint16_t alone;
	const char *form;
	int (*valid)(const uint8_t *, int);
} vat_forms[] = {
	{"AT", VAT_ID, 0, "U99999999", vat_at}, {"BE", VAT_ID, 600, "9999999999", vat_be}, {"BG", VAT_ID, 0, "999999999", vat_bg}, {"BG", BG_EGN, 0, "9999999999", egn},
	{"CH", VAT_ID, 750, "E999999999", vat_ch}, {"CZ", VAT_ID, 0, "99999999", vat_cz}, {"CZ", CZ_RC, 0, "9999999999", rodne}, {"DE", DE_VAT, 0, "999999999", vat_de},
	{"DK", VAT_ID, 0, "99999999", vat_dk}, {"EE", VAT_ID, 0, "999999999", vat_ee}, {"EL", GR_AFM, 0, "999999999", afm}, {"ES", ES_NIF, 0, "X9999999X", vat_es},
	{"FI", VAT_ID, 0, "99999999", vat_fi}, {"FR", VAT_ID, 650, "99999999999", vat_fr}, {"GB", VAT_ID, 0, "999999999", vat_gb}, {"HR", HR_OIB, 0, "99999999999", iso7064},
	{"HU", VAT_ID, 0, "99999999", vat_hu}, {"IE", VAT_ID, 0, "9999999A", vat_ie}, {"IE", VAT_ID, 0, "9999999AA", vat_ie}, {"IT", IT_VAT, 0, "99999999999", vat_it},
	{"LT", VAT_ID, 0, "999999999", vat_lt}, {"LT", VAT_ID, 0, "999999999999", vat_lt}, {"LU", VAT_ID, 0, "99999999", vat_lu}, {"LV", VAT_ID, 0, "99999999999", vat_lv},
	{"MT", VAT_ID, 0, "99999999", vat_mt}, {"NL", VAT_ID, 700, "999999999B99", vat_nl}, {"PL", PL_NIP, 0, "9999999999", nip}, {"PT", PT_NIF, 0, "999999999", nif_pt},
	{"RO", VAT_ID, 0, "99999999", vat_ro}, {"RO", VAT_ID, 0, "9999999", vat_ro}, {"RO", VAT_ID, 0, "9999999999", vat_ro}, {"SE", VAT_ID, 0, "999999999999", vat_se},
	{"SI", VAT_ID, 0, "99999999", vat_si}, {"SK", VAT_ID, 0, "9999999999", vat_sk},
};

#define N_VATS (int)(sizeof vat_forms / sizeof vat_forms[0])
static uint8_t vats_from[26 * 26]; /* one more than the first of the forms of a country, which are together */
static uint8_t vat_sizes[N_VATS];

static const uint8_t vat_topics[] = {T_TAX, T_OWN, T_IT, T_PL, T_PT, T_GR, T_HR};

static inline int of_letters(const char *c) { return (c[0] - 'A') * 26 + c[1] - 'A'; }

static void prepare_vat(void) {
	for (int f = N_VATS; f > 0; f--) {
		vats_from[of_letters(vat_forms[f - 1].country)] = (uint8_t)f, vat_sizes[f - 1] = 0;
		for (const char *c = vat_forms[f - 1].form; *c; c++) vat_sizes[f - 1]++;
	}
}

static inline int of_country(const uint8_t *p) { return in(p[0], UPPER) && in(p[1], UPPER) && vats_from[of_letters((const char *)p)]; }

/* read_vat reads what is behind the letters of a country as a form spells it, with single spaces, dots or hyphens at a few places, and
 * returns its end, or 0. */
RARE int read_vat(const scan *s, int i, const char *form, uint8_t *d, int *n) {
	int e = i, joints = 0;
	spend(200);
	*n = 0;
	for (const char *c = form; *c; c++, e++) {
		spend(30);
		if (c > form && (at(s, e, ' ') || at(s, e, '.') || at(s, e, '-')) && ++joints < 5) e++;
		if (*c == '9' || (*c == 'X' && is(s, e, DIGIT))) {
			if (!is(s, e, DIGIT)) return 0;
			d[(*n)++] = s->t[e] - '0';
		} else if (*c == 'A' || *c == 'X') {
			if (!is(s, e, UPPER)) return 0;
			d[(*n)++] = s->t[e] - 'A' + 10;
		} else if (!at(s, e, *c)) return 0;
	}
	if (joints && is(s, e, GOES_ON) && is(s, e + 1, DIGIT)) return 0;
	return number_ends(s, e) ? e : 0;
}

/* called_vat reports whether a word for such numbers is so shortly before the one at a that it most likely names it, with no other number
 * between; right before it if it is a word for other numbers or things, too. "btw" and "uid" are of two countries each. */
RARE int called_vat(scan *s, int a) {
	static const char *const words[] = {"vat", "iva", "nip", "nif", "afm", "oib", "\xa6\xce\x9c"}; /* ΑΦΜ */
	int e = NEVER, g;
	if (silent(s, a) && !near(s, T_OWN, a)) return 0;
	spend(400);
	for (unsigned k = 0; k < sizeof vat_topics; k++) e = max(e, s->seen[vat_topics[k]]);
	if (e < max(0, s->seen[T_OTHER]) || a - e > 48 || any_digit(s, max(e, s->last), a)) return 0;
	if (e == s->seen[T_OWN]) {
		uint8_t c = s->t[a], b = s->t[a + 1];
		g = own_group_of(s);
		if (g == W_UID || g == W_BTW) return (g == W_UID ? (c == 'A' && b == 'T') || (c == 'C' && b == 'H') : (c == 'N' && b == 'L') || (c == 'B' && b == 'E')) && right_behind(s, e, a);
		return (g == W_VAT || g == W_NIF || g == W_CIF) && ((e > 0 && a - e <= SOON) || right_behind(s, e, a));
	}
	for (unsigned k = 0; k < sizeof words / sizeof words[0] && e > 0 && a - e <= SOON; k++)
		if (has_any_case(s, e - 3, words[k])) return 1;
	return right_behind(s, e, a);
}

/* vat_alone reports whether the number [a, e) is written so that it is one even where no word says so: the Belgian one as "BE" is a word, too. */
RARE int vat_alone(const scan *s, int a, int e) {
	int b = a + 2 + at(s, a + 2, ' ');
	spend(150);
	if (has(s, a, "BE")) return run_end(s, b, DIGIT, 11) == e ? b == a + 2 : at(s, b + 4, '.') && at(s, b + 8, '.');
	return !has(s, a, "CH") || (at(s, a + 3, '-') && at(s, a + 7, '.') && at(s, a + 11, '.'));
}

/* vat reads such a number: the letters of a country are at a, what is behind them begins at i and goes on for n letters and digits at least. */
RARE int vat(scan *s, int a, int i, int known) {
	spend(400);
	if (!begins(s, a, WORD)) return 0; /* nor are words heard up to the middle of one */
	int country = of_letters((const char *)s->t + a), f = vats_from[country] - 1, n, e;
	int named = called_vat(s, a);
	for (; f < N_VATS && of_letters(vat_forms[f].country) == country; f++) {
		uint8_t d[MAX_DIGITS];
		int score = named ? 850 : vat_forms[f].alone, size = vat_sizes[f];
		if (score < threshold[vat_forms[f].label] || known > size || (known >= 7 && known < size && !is(s, i + known, ALNUM | GOES_ON))) continue;
		if (!(e = read_vat(s, i, vat_forms[f].form, d, &n))) continue;
		spend(300);
		if (vat_forms[f].valid(d, n) && number_begins(s, a) && (named || vat_alone(s, a, e)) && report(s, a, e, vat_forms[f].label, score)) return e;
	}
	return 0;
}

/* spanish_from reads a Spanish id that begins at a beside its word, in letters of any size, with hyphens, dots or a space in it. */
RARE int spanish_from(scan *s, int a) {
	uint8_t c[9];
	int e = a, n = 0, joints = 0;
	spend(600);
	if (a < s->last || is(s, a - 1, URLSAFE) || !begins(s, a, WORD)) return 0;
	for (; n < 9; e++) {
		uint8_t b = s->t[e];
		if (is(s, e, ALNUM)) c[n++] = in(b, LOWER) ? b - 0x20 : b;
		else if (!is(s, e + 1, ALNUM) || !(b == '-' ? n == 1 || n == 8 : b == '.' ? n == 2 || n == 3 || n == 5 || n == 6 : b == ' ' && n == 8)) return 0;
		else joints++;
	}
	if (is(s, e, WORD | URLSAFE) || (at(s, e, '.') && is(s, e + 1, WORD))) return 0;
	if (is(s, e - 1, LOWER) ? at(s, e - 2, ' ') && at(s, e, ' ') : !joints && is(s, a, UPPER | DIGIT)) return 0; /* what follows is a word; and what codes.h reads */
	return spanish(c) && called_spanish(s, a, c[0]) && report(s, a, e, ES_NIF, 850) ? e : 0;
}

/* grouped_spanish reads one of which the digits [i, end) are a part: x-1234567-l, 12.345.678-Z, 12345678 z, B-12345678. */
RARE int grouped_spanish(scan *s, int i, int end) {
	return spanish_from(s, at(s, i - 1, '-') && end - i > 6 ? i - 2 : i);
}

RARE int small_spanish(scan *s, int a) { return spanish_from(s, a); }

/* spaced_corsican reads a French number of Corsica in its groups. */
RARE int spaced_corsican(scan *s, int i) {
	static const char form[] = "9 99 99 9A 999 999 99";
	uint8_t c[15];
	int e = i + (int)sizeof form - 1, n = 0;
	spend(500);
	if (e > s->n || !like(s, i, e, form) || !number_begins(s, i) || !number_ends(s, e)) return 0;
	for (int k = i; k < e; k++)
		if (s->t[k] != ' ') c[n++] = s->t[k];
	return corsican(c) && report(s, i, e, FR_NIR, 900) ? e : 0;
}

/* parted_rfc reads a Mexican taxpayer's number in its parts, of which the digits [i, i + 6) are the second, beside a word: LOMA-850312-KTA.
 * Three digits at its end are more often a serial number behind a date. */
RARE int parted_rfc(scan *s, int i) {
	uint8_t c[13];
	int a = i - 1, e = i + 10;
	spend(300);
	while (a > i - 6 && is(s, a - 1, UPPER)) a--;
	int n = i - 1 - a;
	if ((n != 3 && n != 4) || !at(s, i + 6, s->t[i - 1]) || !begins(s, a, WORD)) return 0;
	for (int k = 7; k < 10; k++)
		if (!is(s, i + k, UPPER | DIGIT)) return 0;
	if (is(s, e, WORD) || run_end(s, i + 7, DIGIT, 3) == e) return 0;
	for (int k = 0; k < n; k++) c[k] = s->t[a + k];
	for (int k = 0; k < 9; k++) c[n + k] = s->t[i + k + (k > 5)];
	return rfc(c, n + 9) && called_rfc(s, a, e) && report(s, a, e, MX_RFC, 900) ? e : 0;
}

/* lettered reads numbers of which the digits [i, end) stand behind letters and a space or hyphen: DE 123456789, ATU 12345678. */
RARE int lettered(scan *s, int i, int end) {
	int a = i - 3, n = end - i, found;
	spend(100);
	if (n > 8 && i > 4 && at(s, i - 1, ' ') && !of_country(s->t + a) && !has(s, i - 4, "ATU") && !has(s, i - 4, "CHE")) return 0;
	spend(200);
	if (n == 6 && s->t[end] == s->t[i - 1] && is(s, i - 4, UPPER) && (found = parted_rfc(s, i))) return found;
	if ((n == 7 || n == 8) && at(s, i - 1, '-') && !is(s, i - 3, WORD) && (found = grouped_spanish(s, i, end))) return found;
	if (has(s, i - 4, "ATU") || has(s, i - 4, "CHE")) a = i - 4;
	return a >= 0 && of_country(s->t + a) ? vat(s, a, a < i - 3 ? a + 2 : i, n + (a < i - 3)) : 0;
}
