/* national.h: ids that their own word tells, and nothing else: each word has its forms and check digits. Part of number.h. */

static int jmbg(const uint8_t *d, int n) { return n > 0 && ddmmyy(d) && (d[4] == 9 || d[4] == 0) && eleven(sum(d, "765432765432")) == d[12]; }
static int ruc_pe(const uint8_t *d, int n) {
	int p = value(d, 2);
	return n > 0 && (p == 10 || (p >= 15 && p <= 17) || p == 20) && (11 - sum(d, "5432765432") % 11) % 10 == d[10];
}
static int id_ec(const uint8_t *d, int n) {
	int p = value(d, 2);
	return n > 0 && ((p >= 1 && p <= 24) || p == 30 || p == 50) && d[2] <= 6 && luhn(d, 10);
}
static int ruc_ec(const uint8_t *d, int n) { /* of people, and of companies */
	int p = value(d, 2), serial = value(d + 10, 3);
	if (n < 13 || p < 1 || (p > 24 && p != 30 && p != 50) || serial < 1 || serial > 9) return 0;
	return d[2] == 9 ? eleven(sum(d, "432765432")) == d[9] : (d[2] == 6 && d[9] == 0 && eleven(sum(d, "32765432")) == d[8]) || id_ec(d, 10);
}
static int ruc_py(const uint8_t *d, int n) {
	int v = 0;
	for (int i = 0; i < n - 1; i++) v += d[i] * (n - i);
	return eleven(v) == d[n - 1] && !all_same(d, n);
}
static int nit(const uint8_t *d, int n) {
	int c = sum(d, "YUMGCA=73") % 11;
	return n > 0 && d[0] > 0 && (c < 2 ? c : 11 - c) == d[9];
}
static int rntrc(const uint8_t *d, int n) { return n > 0 && value(d, 5) > 0 && sum(d, ":57946:57") % 11 % 10 == d[9]; }
static int luhn_only(const uint8_t *d, int n) { return luhn(d, n) && !all_same(d, n); }
static int ci_uy(const uint8_t *d, int n) {
	int date = (value(d, 2) == 19 || value(d, 2) == 20) && day_of(value(d + 4, 2), value(d + 6, 2));
	return !date && (10 - sum(d, "2987634") % 10) % 10 == d[7] && !all_same(d, n);
}
/* may_be_nik reports whether sixteen digits may be an Indonesian number, as far as the province and the month say. */
static inline int may_be_nik(const uint8_t *p) { return p[1] > '0' && p[1] <= (uint8_t)"0916035627"[p[0] - '0'] && p[8] < '2'; }
static int nik(const uint8_t *d, int n) { /* province, day of birth, of women with forty more */
	int day = value(d + 6, 2);
	return n > 0 && d[1] > 0 && d[1] <= "0916035627"[d[0]] - '0' && day_of(value(d + 8, 2), day > 40 ? day - 40 : day) && value(d + 12, 4) > 0;
}
static int cnic(const uint8_t *d, int n) { return d[0] > 0 && d[0] < 8 && !all_same(d, n); }
static int mykad(const uint8_t *d, int n) {
	int p = value(d + 6, 2); /* where born */
	return n > 0 && yymmdd(d) && p > 0 && !(p >= 17 && p <= 20) && p != 69 && p != 70 && p != 73 && p != 80 && p != 81 && !(p >= 94 && p <= 97);
}
static int code_lv(const uint8_t *d, int n) { return n > 0 && ddmmyy(d) && d[6] <= 2 && (1101 - sum(d, "16379:5842")) % 11 % 10 == d[10]; }
static int new_code_lv(const uint8_t *d, int n) { return d[0] == 3 && d[1] >= 2 && !all_same(d, n); } /* which tells nothing of a date, and has no check digit */
static int kennitala(const uint8_t *d, int n) {
	int day = value(d, 2);
	return n > 0 && day_of(value(d + 2, 2), day > 40 ? day - 40 : day) && (d[9] == 9 || d[9] == 0) && (11 - sum(d, "32765432") % 11) % 11 == d[8];
}
static int cccd(const uint8_t *d, int n) { return value(d, 3) >= 1 && value(d, 3) <= 96 && !all_same(d + 3, n - 3); }
static int iin(const uint8_t *d, int n) {
	int c = sum(d, "123456789:;") % 11;
	if (c == 10) c = sum(d, "3456789:;12") % 11;
	return n > 0 && yymmdd(d) && d[6] >= 1 && d[6] <= 6 && c == d[11];
}
static int nin(const uint8_t *d, int n) { return d[0] > 0 && !all_same(d, n); }
static int taj(const uint8_t *d, int n) { return sum(d, "37373737") % 10 == d[8] && !all_same(d, n); }
static int tax_hu(const uint8_t *d, int n) { return n > 0 && d[0] == 8 && sum(d, "123456789") % 11 == d[9]; }
static int vat_hu(const uint8_t *d, int n) { return d[0] > 0 && (10 - sum(d, "9731973") % 10) % 10 == d[7] && (n == 8 || (d[8] >= 1 && d[8] <= 5)); }
static int id_hu(const uint8_t *d, int n) {
	return n > 0 && d[0] >= 1 && d[0] <= 8 && yymmdd(d + 1) && (sum(d, "123456789:") % 11 == d[10] || sum(d, ":987654321") % 11 == d[10]);
}
static int id_ae(const uint8_t *d, int n) { return n > 0 && value(d, 3) == 784 && (value(d + 3, 2) == 19 || value(d + 3, 2) == 20); }
static int id_eg(const uint8_t *d, int n) {
	int p = value(d + 7, 2);
	return n > 0 && (d[0] == 2 || d[0] == 3) && yymmdd(d + 1) && ((p >= 1 && p <= 35) || p == 88);
}
static int id_sa(const uint8_t *d, int n) { return (d[0] == 1 || d[0] == 2) && luhn(d, n) && !all_same(d, n); }

static int utr(const uint8_t *d, int n) { return n > 0 && d[0] == "21987654321"[sum(d + 1, "6789:5432") % 11] - '0' && !all_same(d, n); }

/* What a word has to be, besides near: LOUD in capitals or the name of a field ("nit" is what reviewers write, too); RIGHT behind
 * it is the number, as there is no check digit, or the word is of other things, too; CAPITAL, of which the name of a field is not, unless it
 * is the word for a number; INITIALS with dots; PERSONAL the "kods" of a person. */
enum { ANYHOW, LOUD = 1, RIGHT = 2, CAPITAL = 4, INITIALS = 8, PERSONAL = 16 };

/* form: as in id_forms, ':' is a group of ten digits, ';' of eleven, and so on. */
static const struct {
	uint8_t word, label, how;
	const char *form;
	int (*valid)(const uint8_t *, int);
} own_forms[] = {
	{W_JMBG, JMBG, ANYHOW, "=", jmbg},
	{W_RUC, PE_RUC, ANYHOW, ";", ruc_pe},
	{W_RUC, EC_ID, ANYHOW, "=", ruc_ec},
	{W_RUC, PY_RUC, ANYHOW, "8-1", ruc_py},
	{W_RUC, PY_RUC, ANYHOW, "7-1", ruc_py},
	{W_NIT, CO_NIT, ANYHOW, "3.3.3-1", nit},
	{W_NIT, CO_NIT, ANYHOW, "9-1", nit},
	{W_NIT, CO_NIT, LOUD, ":", nit},
	{W_RNTRC, UA_RNTRC, ANYHOW, ":", rntrc},
	{W_CEDULA, EC_ID, RIGHT, ":", id_ec},
	{W_CEDULA, EC_ID, RIGHT, "9-1", id_ec},
	{W_CEDULA, DO_CEDULA, ANYHOW, "3-7-1", luhn_only},
	{W_CEDULA, DO_CEDULA, RIGHT, ";", luhn_only},
	{W_CEDULA, UY_CI, ANYHOW, "1.3.3-1", ci_uy},
	{W_CEDULA, UY_CI, RIGHT, "7-1", ci_uy},
	{W_CEDULA, UY_CI, RIGHT, "8", ci_uy},
	{W_CI, UY_CI, RIGHT | INITIALS, "1.3.3-1", ci_uy},
	{W_CI, UY_CI, RIGHT | INITIALS, "7-1", ci_uy},
	{W_RUT, CL_RUT, ANYHOW, "7-1", rut},
	{W_NIK, ID_NIK, ANYHOW, "@", nik},
	{W_CNIC, PK_CNIC, ANYHOW, "5-7-1", cnic},
	{W_CNIC, PK_CNIC, RIGHT, "=", cnic}, /* also a time in milliseconds, unless the word is in capitals */
	{W_IC, MY_NRIC, RIGHT, "6-2-4", mykad},
	{W_MYKAD, MY_NRIC, ANYHOW, "6-2-4", mykad},
	{W_MYKAD, MY_NRIC, RIGHT, "<", mykad},
	{W_KODS, LV_CODE, PERSONAL, "6-5", code_lv},
	{W_KODS, LV_CODE, PERSONAL, ";", code_lv},
	{W_KODS, LV_CODE, RIGHT | PERSONAL, "6-5", new_code_lv},
	{W_KT, IS_KENNITALA, ANYHOW, "6-4", kennitala},
	{W_KENNITALA, IS_KENNITALA, ANYHOW, "6-4", kennitala},
	{W_KENNITALA, IS_KENNITALA, ANYHOW, "6 4", kennitala},
	{W_KENNITALA, IS_KENNITALA, ANYHOW, ":", kennitala},
	{W_CCCD, VN_CCCD, ANYHOW, "<", cccd},
	{W_IIN, KZ_IIN, ANYHOW, "<", iin},
	{W_NIN, NG_NIN, LOUD | RIGHT, ";", nin},
	{W_TAJ, HU_TAJ, RIGHT | CAPITAL, "9", taj},
	{W_TAJ, HU_TAJ, RIGHT | CAPITAL, "3 3 3", taj},
	{W_TAJ, HU_TAJ, RIGHT | CAPITAL, "3-3-3", taj},
	{W_ADOAZONOSITO, HU_TAX_ID, ANYHOW, ":", tax_hu},
	{W_ADOSZAM, HU_TAX_ID, ANYHOW, "8-1-2", vat_hu},
	{W_SZEMELYI, HU_ID, ANYHOW, "1-6-4", id_hu},
	{W_SZEMELYI, HU_ID, ANYHOW, ";", id_hu},
	{W_EMIRATES, AE_ID, RIGHT, "3-4-7-1", id_ae},
	{W_EMIRATES, AE_ID, RIGHT, "?", id_ae},
	{W_EGYPT, EG_ID, ANYHOW, ">", id_eg},
	{W_IQAMA, SA_ID, RIGHT, ":", id_sa},
	{W_UTR, UK_UTR, LOUD | RIGHT, ":", utr},
	{W_IMEI, IMEI, RIGHT, "?", luhn_only},
	{W_IMEI, IMEI, RIGHT, "2-6-6-1", luhn_only},
};

/* called_rodne reports whether the words before the number at i are for birth numbers of Czechs and Slovaks, and not "number" alone
 * ("číslo"): before 1954 these had no check digit. */
RARE int called_rodne(const scan *s, int i) {
	spend(400);
	if (s->seen[T_CZ] <= 0) return 1; /* the key */
	for (int k = i - 6; k > i - 32; k--)
		if (has_any_case(s, k, "rodn") || has_any_case(s, k, "birth")) return 1;
	return 0;
}

#define N_OWN_FORMS (int)(sizeof own_forms / sizeof own_forms[0])
#define OWN_SLOT_BITS 8
static struct { /* of these words, a hash table; behind its last slot are free ones */
	uint64_t word;
	uint8_t group;
} own_slots[(1 << OWN_SLOT_BITS) + 32];
static uint8_t own_from[N_OWN]; /* the first of the forms of a word, which are together */

static inline int own_slot(uint64_t word) { return (int)(word * 0x9e3779b97f4a7c15u >> (64 - OWN_SLOT_BITS)); }

static void prepare_own(void) {
	static const char *const words[] = {
#define WORDS(name, words) words,
		OWN_WORDS(WORDS)
#undef WORDS
		/* and those which say that a number is meant */
		"no nr num n\xc3\xbam nro id idnr is es number numero n\xc3\xbamero num\xc3\xa9ro nummer numer nomor n\xc2\xba n\xc2\xb0 \xe2\x84\x96 sz\xc3\xa1m sz\xc3\xa1ma szam szama k\xc3\xa1rtya pk de identida ciudadan registra reg identifi",
	};
	for (int k = 0; k < (int)(sizeof own_slots / sizeof own_slots[0]); k++) own_slots[k].word = 0;
	for (int f = N_OWN_FORMS; f > 0; f--) own_from[own_forms[f - 1].word] = (uint8_t)(f - 1);
	for (int g = 0; g <= N_OWN; g++)
		for (const char *c = words[g]; *c;) {
			uint64_t word = 0;
			for (int letters = 0; *c && *c != ' '; c++)
				if (letters < 8) word |= (uint64_t)(uint8_t)*c << 8 * letters++;
			c += *c == ' ';
			int h = own_slot(word);
			while (own_slots[h].word) h++;
			own_slots[h].word = word, own_slots[h].group = (uint8_t)g;
		}
}

static int own_word(uint64_t word) {
	int h = own_slot(word);
	spend(80);
	while (own_slots[h].word && own_slots[h].word != word) h++;
	return own_slots[h].word ? own_slots[h].group : -1;
}

static int own_group(uint64_t word) {
	int g = own_word(word);
	return g == N_OWN ? -1 : g;
}

/* right_behind reports whether nothing but a few signs, and words that say that a number is meant, stand between a word that ends at e, or the
 * beginning of the text under a key, and the number at i: NIN number: …, Cédula de identidad N° …, National Identification Number (NIN) - … */
RARE int right_behind(const scan *s, int e, int i) {
	int k = max(e, 0), signs = 0, others = 0;
	spend(200);
	if (i - k > 48) return 0;
	while (k < i) {
		if (!is(s, k, LETTER | HIGH)) {
			if (at(s, k, '\n') || at(s, k, '\r') || ++signs > 8 || !(is(s, k, SPACE | QUOTE | OPERATOR | EQUALS | URLSAFE) || at(s, k, '#') || at(s, k, ')'))) return 0;
			k++;
			continue;
		}
		int to = k;
		if (s->t[k] >= 0xc2 && typeset(s, k)) { /* a dash, or a space that keeps words together */
			if (++signs > 8) return 0;
			k += typeset_size(s->t[k]);
			continue;
		}
		while (to < i && is(s, to, LETTER | HIGH)) to++;
		if (to == i || ++others > 3 || (k == e && e > 0 && !is(s, k, UPPER))) return 0; /* the word goes on */
		if (own_word(word_at(s->t + k, to - k)) != N_OWN) return 0;
		k = to;
	}
	return 1;
}

/* own_group_at returns which of these words ends at e, or -1. It may be initials ("R.U.C."), or in pieces ("MyKad"). */
RARE int own_group_at(const uint8_t *t, int e) {
	int a = e, g;
	spend(180);
	while (a > 0 && e - a < 24 && class[t[a - 1]] & (LETTER | HIGH) && !(a < e && class[t[a]] & UPPER && class[t[a - 1]] & LOWER)) a--;
	if (e - a == 1) {
		uint64_t word = t[a] | 0x20;
		for (int n = 1; n < 8 && a > 1 && t[a - 1] == '.' && class[t[a - 2]] & LETTER; n++) a -= 2, word = word << 8 | (t[a] | 0x20);
		return own_group(word);
	}
	if ((g = own_group(word_at(t + a, e - a))) >= 0) return g;
	while (a > 0 && e - a < 16 && class[t[a - 1]] & LETTER) a--;
	return own_group(word_at(t + a, e - a));
}

/* own_group_of returns which of these words was heard last: in the text, or in the key. */
RARE int own_group_of(const scan *s) {
	int e = s->seen[T_OWN], g = -1;
	if (e > 0) return own_group_at(s->t, e);
	const uint8_t *key = s->field->key;
	int n = (int)s->field->key_len;
	for (e = n; g < 0 && e > max(0, n - REACH); e--)
		if (class[key[e - 1]] & (LETTER | HIGH) && (e == n || !(class[key[e]] & (LETTER | HIGH)) || (class[key[e]] & UPPER && class[key[e - 1]] & LOWER))) g = own_group_at(key, e);
	return g;
}

/* may_be_own reports whether a first group of n digits that ends before the hyphen at end may be that of a form which id_forms has not. */
static inline int may_be_own(const scan *s, int end, int n) {
	if (n == 5 || n == 6) return 1;
	if (n == 2) return at(s, end + 7, '-') && at(s, end + 14, '-');
	return n == 1 ? at(s, end + 7, '-') : n == 3 && (at(s, end + 5, '-') || at(s, end + 8, '-'));
}

/* loud reports whether the word that ends at e is in capitals or the name of a field, as the key is. */
static int loud(const scan *s, int e) { return e <= 0 || is(s, e - 1, UPPER) || is(s, e, QUOTE | EQUALS | UNDERSCORE) || at(s, e, '>'); }

/* how_called returns what the word of the group g that ends at e is, right before a number or not. */
RARE int how_called(const scan *s, int g, int e, int right) {
	int how = 0, capital = e > 0 && is(s, e - 1, UPPER), counts = e > 0 && has_any_case(s, e + 1, "sz");
	spend(300);
	if (loud(s, e) || counts) how |= LOUD;
	if (right) how |= RIGHT;
	if (capital || counts) how |= CAPITAL;
	if (g == W_CI && capital && (at(s, e - 2, '.') || (at(s, e, ':') && !is(s, e - 3, WORD | URLSAFE)))) how |= INITIALS;
	if (g == W_KODS) {
		const uint8_t *t = e > 0 ? s->t : s->field->key;
		int to = e > 0 ? e : (int)s->field->key_len;
		for (int k = max(0, to - 16); k + 13 <= to; k++)
			if (word_at(t + k, 8) == word_at((const uint8_t *)"personas", 8)) how |= PERSONAL;
	}
	return how;
}

/* own_form reads the number that begins with the n digits at i as one of the forms of the group g, and returns the end, or 0. */
RARE int own_form(scan *s, int i, int n, int g, int e, int right) {
	int called = how_called(s, g, e, right);
	for (int f = own_from[g]; f < N_OWN_FORMS && own_forms[f].word == g; f++) {
		uint8_t d[MAX_DIGITS];
		int to, how = own_forms[f].how, digits = 0;
		const char *form = own_forms[f].form;
		if (form[0] - '0' != n || how & ~called) continue;
		if (g == W_CI && form[0] == '7' && !at(s, e - 2, '.')) continue;
		if (g == W_CNIC && !form[1] && has(s, i, "17") && !(called & CAPITAL)) continue;
		if (!(to = read_form(s, i, form, own_forms[f].label, d)) || (form[1] && goes_on(s, to, form))) continue;
		spend(200);
		for (const char *c = form;; c += 2) {
			digits += *c - '0';
			if (!c[1]) break;
		}
		if (own_forms[f].valid(d, digits) && report(s, i, to, own_forms[f].label, form[1] ? 900 : 850)) return to;
	}
	return 0;
}

/* begins_own reports whether a form of the group g begins with n digits. */
static int begins_own(int g, int n) {
	for (int f = own_from[g]; f < N_OWN_FORMS && own_forms[f].word == g; f++)
		if (own_forms[f].form[0] - '0' == n) return 1;
	return 0;
}

/* may_be_spanish reports whether the n digits [i, end) may be a part of a Spanish id with a letter, as far as what is beside them tells. */
static inline int may_be_spanish(const scan *s, int i, int end, int n) {
	if (n == 2) return at(s, end, '.');
	if (n != 8) return 0;
	return is(s, end, LETTER) || ((at(s, end, ' ') || at(s, end, '-')) && is(s, end + 1, LETTER) && !is(s, end + 2, WORD)) || (at(s, i - 1, '-') && is(s, i - 2, LETTER));
}

/* own_id reads the number that begins with the digits [i, end) and has a form of the word that was heard last, or of the one before it
 * and a slash ("RUC/CI"), with no other number between. It returns the end, or 0. */
RARE int own_id(scan *s, int i, int end) {
	if (!near(s, T_OWN, i)) return 0;
	spend(80);
	int e = s->seen[T_OWN], n = end - i, g, to, a;
	if (i - e > 40 || any_digit(s, max(e, s->last), i) || !number_begins(s, i) || (g = own_group_of(s)) < 0) return 0;
	for (a = max(e, 0); a > max(0, e - 24) && is(s, a - 1, LETTER | HIGH);) a--;
	int two = a > 0 && at(s, a - 1, '/');
	if (!two && !begins_own(g, n)) return 0;
	spend(300);
	int right = right_behind(s, e, i);
	if ((to = own_form(s, i, n, g, e, right))) return to;
	return two && (g = own_group_at(s->t, a - 1)) >= 0 && right ? own_form(s, i, n, g, a - 1, right) : 0;
}
