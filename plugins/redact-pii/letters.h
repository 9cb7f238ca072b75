/* letters.h: the check letters and digits of ids that have letters in them. Part of codes.h. */

/* like reports whether [a, e) has the form: A for a capital, 9 for a digit, X for
 * either, and other characters for themselves. */
static int like(const scan *s, int a, int e, const char *form) {
	for (; *form; form++, a++) {
		if (a >= e) return 0;
		int m = class[s->t[a]];
		if (*form == 'A' ? !(m & UPPER) : *form == '9' ? !(m & DIGIT) : *form == 'X' ? !(m & (UPPER | DIGIT)) : s->t[a] != (uint8_t)*form) return 0;
	}
	return a == e;
}

static int one_of(const char *set, uint8_t c) {
	while (*set && (uint8_t)*set != c) set++;
	return *set != 0;
}

static int letter(const scan *s, int i) { return s->t[i] - 'A'; }
static int figure(const scan *s, int i) { return s->t[i] - '0'; }

static int weighed(const scan *s, int i, const char *weights) {
	int v = 0;
	for (; *weights; weights++, i++) v += figure(s, i) * (*weights - '0');
	return v;
}

static int nino(const scan *s, int a) {
	static const char *const never[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"};
	for (int k = 0; k < 7; k++)
		if (has(s, a, never[k])) return 0;
	return !one_of("DFIQUV", s->t[a]) && !one_of("DFIQUVO", s->t[a + 1]);
}

static int nif(const scan *s, int a, int nie) {
	int v = nie ? (s->t[a] - 'X') * 10000000 + prefix(s, a + 1, 7) : prefix(s, a, 8);
	return s->t[a + 8] == (uint8_t)"TRWAGMYFPDXBNJZSQVHLCKE"[v % 23];
}

static int codice_fiscale(const scan *s, int a) {
	static const uint8_t odd[26] = {1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
	int v = 0;
	for (int k = 0; k < 15; k++) {
		int c = is(s, a + k, DIGIT) ? figure(s, a + k) : letter(s, a + k);
		v += k % 2 ? c : odd[c];
	}
	return v % 26 == letter(s, a + 15) && one_of("ABCDEHLMPRST", s->t[a + 8]);
}

static int nric(const scan *s, int a) {
	int v = weighed(s, a + 1, "2765432"), c = s->t[a];
	if (c == 'T' || c == 'G') v += 4;
	if (c == 'M') v += 3;
	const char *check = c == 'S' || c == 'T' ? "JZIHGFEDCBA" : c == 'M' ? "XWUTRQPNJLK" : "XWUTRQPNMLK";
	if (c == 'M') return s->t[a + 8] == (uint8_t)check[10 - v % 11] || s->t[a + 8] == (uint8_t)check[v % 11];
	return s->t[a + 8] == (uint8_t)check[v % 11];
}

static int id_tw(const scan *s, int a) {
	static const uint8_t area[26] = {10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33};
	int v = area[letter(s, a)];
	return (v / 10 + v % 10 * 9 + weighed(s, a + 1, "876543211")) % 10 == 0;
}

static int hkid(const scan *s, int a) { /* one letter; a space counts 36 before it */
	int v = 36 * 9 + (letter(s, a) + 10) * 8 + weighed(s, a + 1, "765432"), c = (11 - v % 11) % 11;
	return c == 10 ? s->t[a + 8] == 'A' : s->t[a + 8] == '0' + c;
}

static int pps(const scan *s, int a, int e) {
	int v = weighed(s, a, "8765432") + (e - a == 9 ? 9 * (letter(s, a + 8) + 1) % 23 : 0);
	v %= 23;
	return s->t[a + 7] == (v ? 'A' + v - 1 : 'W');
}

static int curp(const scan *s, int a) {
	int v = 0;
	for (int k = 0; k < 17; k++) { /* the alphabet has a letter between N and O */
		int c = is(s, a + k, DIGIT) ? figure(s, a + k) : letter(s, a + k) + 10 + (s->t[a + k] > 'N');
		v += c * (18 - k);
	}
	return (10 - v % 10) % 10 == figure(s, a + 17) && one_of("HMX", s->t[a + 10]) && day_of(prefix(s, a + 6, 2), prefix(s, a + 8, 2));
}

static int hetu(const scan *s, int i) {
	static const char check[] = "0123456789ABCDEFHJKLMNPRSTUVWXY";
	return is(s, i + 7, DIGIT) && is(s, i + 8, DIGIT) && is(s, i + 9, DIGIT) && i + 10 < s->n && day_of(prefix(s, i + 2, 2), prefix(s, i, 2)) &&
		s->t[i + 10] == (uint8_t)check[(prefix(s, i, 6) * 1000 + prefix(s, i + 7, 3)) % 31];
}

/* pension checks a German insurance number: area, date of birth, initial, serial,
 * check digit; the sum is that of the digits of the products. */
static int pension(const scan *s, int a) {
	static const uint8_t weights[] = {2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1};
	uint8_t d[12];
	int v = 0;
	for (int k = 0, n = 0; k < 11; k++) {
		int c = is(s, a + k, DIGIT) ? figure(s, a + k) : letter(s, a + k) + 1;
		if (k == 8) d[n++] = (uint8_t)(c / 10), c %= 10;
		d[n++] = (uint8_t)c;
	}
	for (int k = 0; k < 12; k++) v += d[k] * weights[k] / 10 + d[k] * weights[k] % 10;
	return v % 10 == figure(s, a + 11) && day_of(prefix(s, a + 4, 2), max(1, prefix(s, a + 2, 2) % 50));
}

static int gstin(const scan *s, int a) {
	int v = 0;
	for (int k = 0; k < 14; k++) {
		int c = (is(s, a + k, DIGIT) ? figure(s, a + k) : letter(s, a + k) + 10) * (1 + k % 2);
		v += c / 36 + c % 36;
	}
	v = (36 - v % 36) % 36;
	return s->t[a + 14] == (v < 10 ? '0' + v : 'A' + v - 10);
}

static int dea(const scan *s, int a) {
	const int i = a + 2;
	return one_of("ABCDEFGHJKLMPRSTUX", s->t[a]) &&
		(figure(s, i) + figure(s, i + 2) + figure(s, i + 4) + 2 * (figure(s, i + 1) + figure(s, i + 3) + figure(s, i + 5))) % 10 == figure(s, i + 6);
}

static int mbi(const scan *s, int a, int dashed) {
	static const char form[] = "9AX9AX9AA99";
	for (int k = 0; k < 11; k++) {
		int i = a + k + (dashed ? (k > 3) + (k > 6) : 0), m = is(s, i, UPPER | DIGIT) ? class[s->t[i]] : 0;
		if (form[k] == 'A' ? !(m & UPPER) : form[k] == '9' ? !(m & DIGIT) : !m) return 0;
		if (one_of("SLOIBZ", s->t[i])) return 0;
	}
	return s->t[a] != '0';
}

/* rfc checks a Mexican taxpayer's number of 12 characters (companies) or 13 (people), with the date that is in it. */
static int rfc(const uint8_t *c, int n) {
	const uint8_t *date = c + n - 9;
	int v = n == 12 ? 37 * 13 : 0;
	for (int k = 0; k < n - 1; k++) v += (n - k) * (in(c[k], DIGIT) ? c[k] - '0' : c[k] - 'A' + 10 + (c[k] > 'N'));
	v = 11 - v % 11;
	return c[n - 1] == (v == 11 ? '0' : v == 10 ? 'A' : '0' + v) && day_of((date[2] - '0') * 10 + date[3] - '0', (date[4] - '0') * 10 + date[5] - '0');
}

/* vin checks the number of a vehicle (ISO 3779), as makers for America give it: the ninth character checks the others. */
static int vin(const uint8_t *c) {
	static const uint8_t values[26] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 2, 3, 4, 5, 6, 7, 8, 9}, weights[17] = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
	int v = 0, digits = 0;
	for (int k = 0; k < 17; k++) {
		int digit = in(c[k], DIGIT);
		if (!digit && !values[c[k] - 'A']) return 0; /* I, O and Q */
		v += weights[k] * (digit ? c[k] - '0' : values[c[k] - 'A']), digits += digit;
	}
	return digits > 2 && c[8] == (v % 11 == 10 ? 'X' : '0' + v % 11);
}

/* spanish checks the nine capitals and digits of a Spanish id: of people, of foreigners and of companies. */
static int spanish(const uint8_t *c) {
	int number = 0, odd = 0, even = 0;
	for (int k = 1; k < 8; k++) {
		int v = c[k] - '0';
		if (!in(c[k], DIGIT)) return 0;
		number = number * 10 + v;
		if (k % 2) odd += v > 4 ? v * 2 - 9 : v * 2;
		else even += v;
	}
	if (in(c[0], DIGIT) || one_of("XYZ", c[0])) return c[8] == (uint8_t)"TRWAGMYFPDXBNJZSQVHLCKE"[((in(c[0], DIGIT) ? c[0] - '0' : c[0] - 'X') * 10000000 + number) % 23];
	int check = (10 - (odd + even) % 10) % 10;
	if (!one_of("ABCDEFGHJNPQRSUVW", c[0]) || number == 0) return 0;
	return in(c[8], DIGIT) ? c[8] == '0' + check && !one_of("NPQSW", c[0]) : c[8] == (uint8_t)"JABCDEFGHI"[check] && !one_of("ABEH", c[0]);
}

/* called_spanish reports whether the word for the Spanish id at a, of which the first character is c, stands right before it, in capitals or
 * as the name of a field: in other languages "nie" and "dni" are words that have nothing to do with it. */
RARE int called_spanish(scan *s, int a, uint8_t c) {
	spend(100);
	if (!near(s, T_OWN, a)) return 0;
	int e = s->seen[T_OWN], g = own_group_of(s);
	if (g != W_DNI && g != W_NIF && g != W_NIE && g != W_CIF) return 0;
	if (in(c, DIGIT) ? g == W_NIE || g == W_CIF : one_of("XYZ", c) ? g == W_CIF : g == W_DNI || g == W_NIE) return 0;
	return (loud(s, e) || at(s, e, ':')) && right_behind(s, e, a);
}

/* called_rfc reports whether a word for the Mexican taxpayer's number [a, e) is before it. The three at its end are a serial number behind a
 * date, unless a letter is among them or the word is right before it. Some numbers are of everybody. */
RARE int called_rfc(scan *s, int a, int e) {
	spend(100);
	if (has(s, a, "XAXX010101000") || has(s, a, "XEXX010101000")) return 0;
	int letters = is(s, e - 3, UPPER) || is(s, e - 2, UPPER);
	if (near(s, T_OWN, a) && own_group_of(s) == W_RFC) return letters || right_behind(s, s->seen[T_OWN], a);
	return letters && e - a == 13 && (near(s, T_TAX, a) || near(s, T_IDENTITY, a));
}

/* corsican checks a French number whose department is 2A or 2B, which count as 19 and 18. */
static int corsican(const uint8_t *c) {
	uint8_t d[15];
	for (int k = 0; k < 15; k++) d[k] = c[k] - '0';
	if (c[5] != '2' || (c[6] != 'A' && c[6] != 'B')) return 0;
	d[5] = 1, d[6] = c[6] == 'A' ? 9 : 8;
	return nir(d, 15);
}
