/* ids.h: national ids, postal codes and what else is known by its
 * form, its check digits and the words beside it. Part of number.h. */

static int sum(const uint8_t *d, const char *weights) {
	int v = 0;
	for (int i = 0; weights[i]; i++) v += d[i] * (weights[i] - '0'); /* ':' is ten, ';' eleven, and so on */
	return v;
}

static int all_same(const uint8_t *d, int n) {
	for (int i = 1; i < n; i++)
		if (d[i] != d[0]) return 0;
	return 1;
}

static int yymmdd(const uint8_t *d) { return day_of(value(d + 2, 2), value(d + 4, 2)); }
static int ddmmyy(const uint8_t *d) { return day_of(value(d + 2, 2), value(d, 2)); }

static int mod97_of(const uint8_t *d, int n, int lead) {
	int m = lead;
	for (int i = 0; i < n; i++) m = (m * 10 + d[i]) % 97;
	return m;
}

/* iso7064 is MOD 11,10 of ISO 7064. */
static int iso7064(const uint8_t *d, int n) {
	int p = 10;
	for (int i = 0; i < n - 1; i++) {
		int v = (d[i] + p) % 10;
		p = (v ? v : 10) * 2 % 11;
	}
	return (11 - p) % 10 == d[n - 1];
}

static uint8_t pentagon[10][10]; /* products in its dihedral group */

static void prepare_pentagon(void) {
	for (int c = 0; c < 10; c++)
		for (int p = 0; p < 10; p++) pentagon[c][p] = (uint8_t)(c < 5 ? (p < 5 ? (c + p) % 5 : 5 + (c + p) % 5) : (p < 5 ? 5 + (c - p) % 5 : (c - p + 5) % 5));
}

static int verhoeff(const uint8_t *d, int n) {
	static const uint8_t turn[8][10] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, {5, 8, 0, 3, 7, 9, 6, 1, 4, 2},
		{8, 9, 1, 6, 0, 4, 3, 5, 2, 7}, {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1}, {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}};
	int c = 0;
	for (int i = 0; i < n; i++) c = pentagon[c][turn[i % 8][d[n - 1 - i]]];
	return c == 0;
}

/* eleven is the usual check digit: 11 less the sum modulo 11, over as 0. */
static int eleven(int total) {
	int c = 11 - total % 11;
	return c > 9 ? 0 : c;
}

static int npi(const uint8_t *d, int n) {
	uint8_t full[15] = {8, 0, 8, 4, 0};
	for (int i = 0; i < n; i++) full[5 + i] = d[i];
	return (d[0] == 1 || d[0] == 2) && luhn(full, 15);
}
static int aba(const uint8_t *d, int n) {
	(void)n;
	int p = value(d, 2);
	return (p <= 12 || (p >= 21 && p <= 32) || (p >= 61 && p <= 72) || p == 80) && sum(d, "371371371") % 10 == 0 && !all_same(d, 9);
}
static int nhs(const uint8_t *d, int n) { return 11 - sum(d, ":98765432") % 11 == (d[9] ? d[9] : 11) && !all_same(d, n); }
static int sin_ca(const uint8_t *d, int n) { return d[0] != 8 && value(d, 9) != 0 && luhn(d, n); }
static int tfn(const uint8_t *d, int n) { return sum(d, "14375869:") % 11 == 0 && !all_same(d, n); }
static int medicare_au(const uint8_t *d, int n) { return d[0] >= 2 && d[0] <= 6 && sum(d, "13791379") % 10 == d[8] && n > 0; }
static int abn(const uint8_t *d, int n) { return d[0] > 0 && n > 0 && (sum(d, ":13579;=?AC") - 10) % 89 == 0; }
static int acn(const uint8_t *d, int n) { return n > 0 && (10 - sum(d, "87654321") % 10) % 10 == d[8] && !all_same(d, 9); }
static int ird(const uint8_t *d, int n) {
	uint8_t p[9] = {0};
	for (int i = 0; i < n; i++) p[9 - n + i] = d[i];
	int v = value(p, 9), c = 11 - sum(p, "32765432") % 11;
	if (v < 10000000 || v > 150000000) return 0;
	if (c == 11) c = 0;
	if (c == 10) c = (11 - sum(p, "74325276") % 11) % 11;
	return c == p[8];
}
static int aadhaar(const uint8_t *d, int n) { return d[0] >= 2 && verhoeff(d, n) && !all_same(d, n); }
static int pesel(const uint8_t *d, int n) {
	int month = value(d + 2, 2) % 20;
	return n > 0 && day_of(month, value(d + 4, 2)) && sum(d, "13791379131") % 10 == 0;
}
static int nip(const uint8_t *d, int n) { return d[0] != 0 && n > 0 && sum(d, "657234567") % 11 == d[9]; }
static int idnr(const uint8_t *d, int n) {
	int seen[10] = {0}, most = 0, none = 0;
	for (int i = 0; i < 10; i++) seen[d[i]]++;
	for (int i = 0; i < 10; i++) most = max(most, seen[i]), none += !seen[i];
	return d[0] != 0 && most >= 2 && most <= 3 && none >= 1 && none <= 2 && iso7064(d, n);
}
static int bsn(const uint8_t *d, int n) {
	int v = 0;
	for (int i = 0; i < n; i++) v += d[i] * (i == n - 1 ? -1 : n - i);
	return v % 11 == 0 && !all_same(d, n);
}
static int nrn(const uint8_t *d, int n) {
	int c = value(d + 9, 2), month = value(d + 2, 2) % 20;
	return n > 0 && month <= 12 && value(d + 4, 2) <= 31 && c > 0 && (97 - mod97_of(d, 9, 0) == c || 97 - mod97_of(d, 9, 2) == c) && !all_same(d, 9);
}
static int nir(const uint8_t *d, int n) {
	int month = value(d + 3, 2);
	return n > 0 && (d[0] == 1 || d[0] == 2) && ((month >= 1 && month <= 12) || (month >= 20 && month <= 42)) && 97 - mod97_of(d, 13, 0) == value(d + 13, 2);
}
static int personnummer(const uint8_t *d, int n) {
	const uint8_t *p = d + n - 10;
	int day = value(p + 4, 2);
	if (n == 12 && value(d, 2) != 19 && value(d, 2) != 20) return 0;
	return day_of(value(p + 2, 2), day > 60 ? day - 60 : day) && luhn(p, 10);
}
static int fnr(const uint8_t *d, int n) {
	int day = value(d, 2);
	if (n != 11 || !day_of(value(d + 2, 2) % 40, day > 40 ? day - 40 : day)) return 0;
	return (sum(d, "376189452") + d[9]) % 11 == 0 && (sum(d, "5432765432") + d[10]) % 11 == 0;
}
static int cpr(const uint8_t *d, int n) { return n > 0 && ddmmyy(d); }
static int isikukood(const uint8_t *d, int n) {
	int c = sum(d, "1234567891") % 11;
	if (c == 10) c = sum(d, "3456789123") % 11 % 10;
	return n > 0 && d[0] >= 1 && d[0] <= 8 && day_of(value(d + 3, 2), value(d + 5, 2)) && c == d[10];
}
static int cnp(const uint8_t *d, int n) {
	int c = sum(d, "279146358279") % 11;
	return n > 0 && d[0] > 0 && day_of(value(d + 3, 2), value(d + 5, 2)) && (c == 10 ? 1 : c) == d[12];
}
static int egn(const uint8_t *d, int n) {
	return n > 0 && day_of(value(d + 2, 2) % 20, value(d + 4, 2)) && sum(d, "2485:9736") % 11 % 10 == d[9];
}
static int rodne(const uint8_t *d, int n) {
	int month = value(d + 2, 2) % 50, v = 0;
	for (int i = 0; i < n; i++) v = (v * 10 + d[i]) % 11;
	return day_of(month > 20 ? month - 20 : month, value(d + 4, 2)) && v == 0;
}
static int old_rodne(const uint8_t *d, int n) { /* of those born before 1954, without a check digit */
	int month = value(d + 2, 2) % 50;
	return n > 0 && value(d, 2) < 54 && day_of(month, value(d + 4, 2)) && value(d + 6, 3) > 0;
}
static int tckn(const uint8_t *d, int n) {
	int odd = d[0] + d[2] + d[4] + d[6] + d[8], even = d[1] + d[3] + d[5] + d[7];
	return n > 0 && d[0] > 0 && (odd * 7 - even + 100) % 10 == d[9] && (odd + even + d[9]) % 10 == d[10];
}
static int amka(const uint8_t *d, int n) { return ddmmyy(d) && luhn(d, n); }
static int afm(const uint8_t *d, int n) {
	int v = 0;
	for (int i = 0; i < 8; i++) v += d[i] << (8 - i);
	return v > 0 && n > 0 && v % 11 % 10 == d[8];
}
static int nif_pt(const uint8_t *d, int n) { return n > 0 && d[0] != 0 && d[0] != 4 && d[0] != 7 && eleven(sum(d, "98765432")) == d[8]; }
static int vat_it(const uint8_t *d, int n) { return luhn(d, n) && value(d, 7) > 0; }
static int ahv(const uint8_t *d, int n) { return n > 0 && value(d, 3) == 756 && sum(d, "1313131313131") % 10 == 0; }
static int svnr(const uint8_t *d, int n) {
	return n > 0 && d[0] > 0 && day_of(min(value(d + 6, 2), 12), value(d + 4, 2)) && sum(d, "3790584216") % 11 == d[3];
}
static int cpf(const uint8_t *d, int n) {
	return !all_same(d, n) && eleven(sum(d, ":98765432")) == d[9] && eleven(sum(d, ";:98765432")) == d[10];
}
static int cnpj(const uint8_t *d, int n) {
	return !all_same(d, n) && eleven(sum(d, "543298765432")) == d[12] && eleven(sum(d, "6543298765432")) == d[13];
}
static int rut(const uint8_t *d, int n) { /* a check letter K is the digit 10 */
	int v = 0, w = 2;
	for (int i = n - 2; i >= 0; i--, w = w == 7 ? 2 : w + 1) v += d[i] * w;
	v = 11 - v % 11;
	return (v == 11 ? 0 : v) == d[n - 1] && !all_same(d, n - 1);
}
static int cuit(const uint8_t *d, int n) {
	int p = value(d, 2), c = 11 - sum(d, "5432765432") % 11;
	return n > 0 && (p == 20 || p == 23 || p == 24 || p == 27 || p == 30 || p == 33 || p == 34) && (c == 11 ? 0 : c == 10 ? 9 : c) == d[10];
}
static int ric(const uint8_t *d, int n) { /* a check letter X is the digit 10 */
	int v = 0;
	for (int i = 0, w = 1; i < n; i++, w = w * 2 % 11) v += d[n - 1 - i] * w;
	return v % 11 == 1 && value(d + 6, 2) >= 18 && value(d + 6, 2) <= 20 && day_of(value(d + 10, 2), value(d + 12, 2)) && d[0] > 0;
}
static int rrn(const uint8_t *d, int n) { return n > 0 && yymmdd(d) && d[6] <= 8 && (11 - sum(d, "234567892345") % 11) % 10 == d[12]; }
static int my_number(const uint8_t *d, int n) {
	int v = sum(d, "65432765432") % 11;
	return (v <= 1 ? 0 : 11 - v) == d[11] && !all_same(d, n);
}
static int id_th(const uint8_t *d, int n) { return n > 0 && d[0] > 0 && (11 - sum(d, "=<;:98765432") % 11) % 10 == d[12]; }
static int id_za(const uint8_t *d, int n) { return yymmdd(d) && d[10] <= 2 && luhn(d, n); }
static int id_il(const uint8_t *d, int n) { return luhn(d, n) && !all_same(d, n); }
static int nss(const uint8_t *d, int n) { return luhn(d, n) && !all_same(d, n); }
#include "russian.h"

static int ein(const uint8_t *d, int n) { return n > 0 && value(d, 2) > 0; }

/* The ids that are digits. form: the groups it is printed in, which count as
 * evidence; '?' in place of a separator stands for none. alone: what check digits
 * and printed form are worth without a word; a bare number scores less, or is none (OFF). */
static const struct {
	uint8_t label, topic, other, digits; /* a word of topic or other names it */
	uint16_t alone, formed;
	const char *form;
	int (*valid)(const uint8_t *, int);
} id_forms[] = {
	{US_EIN, T_TAX, T_US, 9, 0, 300, "2-7", ein},
	{US_NPI, T_HEALTH, T_HEALTH, 10, 0, 0, 0, npi},
	{US_ROUTING, T_BANK, T_BANK, 9, 0, 0, 0, aba},
	{UK_NHS, T_GB, T_GB, 10, 100, 300, "3 3 4", nhs},
	{UK_NHS, T_GB, T_GB, 10, 100, 300, "3-3-4", nhs},
	{CA_SIN, T_CA, T_CA, 9, 100, 300, "3 3 3", sin_ca},
	{CA_SIN, T_CA, T_CA, 9, 100, 350, "3-3-3", sin_ca},
	{AU_TFN, T_AU, T_AU, 9, 100, 300, "3 3 3", tfn},
	{AU_MEDICARE, T_HEALTH, T_AU, 10, 100, 350, "4 5 1", medicare_au},
	{AU_ABN, T_AU, T_AU, 11, 200, 550, "2 3 3 3", abn},
	{AU_ACN, T_AU, T_AU, 9, 100, 300, "3 3 3", acn},
	{NZ_IRD, T_NZ, T_NZ, 9, 100, 300, "3-3-3", ird},
	{NZ_IRD, T_NZ, T_NZ, 8, 100, 300, "2-3-3", ird},
	{IN_AADHAAR, T_IN, T_IN, 12, 300, 450, "4 4 4", aadhaar},
	{IN_AADHAAR, T_IN, T_IN, 12, 300, 350, "4-4-4", aadhaar},
	{PL_PESEL, T_PL, T_PL, 11, 400, 400, 0, pesel},
	{PL_NIP, T_PL, T_PL, 10, 200, 450, "3-3-2-2", nip},
	{DE_TAX_ID, T_DE, T_TAX, 11, 200, 450, "2 3 3 3", idnr},
	{HR_OIB, T_HR, T_HR, 11, 100, 100, 0, iso7064},
	{NL_BSN, T_NL, T_NL, 9, 100, 300, "4.2.3", bsn},
	{NL_BSN, T_NL, T_NL, 9, OFF, 0, "3 3 3", bsn},
	{BE_NRN, T_BE, T_BE, 11, 400, 900, "2.2.2-3.2", nrn},
	{IL_ID, T_IL, T_IL, 9, 0, 300, "8-1", id_il},
	{FR_NIR, T_FR, T_SSN, 15, 700, 900, "1 2 2 2 3 3 2", nir},
	{SE_PERSONNUMMER, T_SE, T_IDENTITY, 10, 300, 700, "6-4", personnummer},
	{SE_PERSONNUMMER, T_SE, T_IDENTITY, 12, 400, 800, "8-4", personnummer},
	{NO_FNR, T_NO, T_NO, 11, 550, 700, "6 5", fnr},
	{DK_CPR, T_DK, T_DK, 10, 100, 350, "6-4", cpr},
	{EE_LT_CODE, T_EE, T_EE, 11, 350, 350, 0, isikukood},
	{RO_CNP, T_RO, T_RO, 13, 400, 400, 0, cnp},
	{BG_EGN, T_BG, T_BG, 10, 200, 200, 0, egn},
	{CZ_RC, T_CZ, T_CZ, 10, 200, 750, "6/4", rodne},
	{TR_TCKN, T_TR, T_TR, 11, 350, 350, 0, tckn},
	{GR_AMKA, T_GR, T_GR, 11, 300, 300, 0, amka},
	{GR_AFM, T_GR, T_GR, 9, 0, 0, 0, afm},
	{PT_NIF, T_PT, T_PT, 9, 100, 300, "3 3 3", nif_pt},
	{IT_VAT, T_IT, T_IT, 11, 100, 100, 0, vat_it},
	{CH_AHV, T_CH, T_CH, 13, 700, 950, "3.4.4.2", ahv},
	{AT_SVNR, T_AT, T_AT, 10, 100, 400, "4 6", svnr},
	{BR_CPF, T_BR, T_BR, 11, 400, 950, "3.3.3-2", cpf},
	{BR_CNPJ, T_BR, T_BR, 14, 400, 950, "2.3.3/4-2", cnpj},
	{CL_RUT, T_CL, T_CL, 9, 100, 850, "2.3.3-1", rut},
	{CL_RUT, T_CL, T_CL, 9, 100, 450, "8-1", rut},
	{CL_RUT, T_CL, T_CL, 8, 100, 800, "1.3.3-1", rut},
	{AR_CUIT, T_AR, T_AR, 11, 300, 800, "2-8-1", cuit},
	{CN_RIC, T_CN, T_IDENTITY, 18, 900, 900, 0, ric},
	{KR_RRN, T_KR, T_KR, 13, 350, 750, "6-7", rrn},
	{JP_MY_NUMBER, T_JP, T_JP, 12, 100, 350, "4 4 4", my_number},
	{JP_MY_NUMBER, T_JP, T_JP, 12, 100, 350, "4-4-4", my_number},
	{TH_ID, T_TH, T_TH, 13, 200, 850, "1-4-5-2-1", id_th},
	{TH_ID, T_TH, T_TH, 13, 200, 700, "1 4 5 2 1", id_th},
	{ZA_ID, T_ZA, T_ZA, 13, 400, 400, "6 4 2 1", id_za},
	{ZA_ID, T_ZA, T_ZA, 13, 400, 400, "6 4 3", id_za},
	{NZ_IRD, T_NZ, T_NZ, 8, OFF, 0, "7-1", ird},
	{IL_ID, T_IL, T_IL, 8, OFF, 0, "7-1", id_il},
	{CZ_RC, T_CZ, T_CZ, 9, OFF, 0, "6/3", old_rodne},
	{IL_ID, T_IL, T_IL, 9, 0, 0, 0, id_il},
	{MX_NSS, T_MX, T_MX, 11, 100, 300, "2-2-2-4-1", nss},
	{RU_INN, T_RU, T_RU, 10, 0, 0, 0, inn},
	{RU_INN, T_RU, T_RU, 12, 0, 0, 0, inn},
	{RU_SNILS, T_RU, T_RU, 11, 100, 600, "3-3-3 2", snils},
	{RU_SNILS, T_RU, T_RU, 11, 100, 300, "3-3-3-2", snils},
	{RU_SNILS, T_RU, T_RU, 11, 100, 300, "3 3 3 2", snils},
};


/* Sets of id_forms by the digits that they begin with, what separates these from the next, and how
 * many these are; and by all digits. */
static uint64_t formed_by_first[MAX_DIGITS], formed_by_separator[128], formed_by_second[17], bare_by_length[MAX_DIGITS];
static uint64_t formed_of_two, formed_by_joint[128], formed_by_third[17]; /* by what is behind the second group, if anything */
static uint64_t forms_of_topic[MAX_TOPICS], id_topics, unnamed_formed, unnamed_bare; /* what names any of them; those that reach their thresholds without a name */

static void prepare_ids(void) {
	_Static_assert(sizeof id_forms / sizeof id_forms[0] <= 64, "a set of forms fits into a word");
	id_topics = unnamed_formed = unnamed_bare = formed_of_two = 0;
	prepare_pentagon();
	for (unsigned f = 0; f < sizeof id_forms / sizeof id_forms[0]; f++) {
		if (id_forms[f].alone < OFF) bare_by_length[id_forms[f].digits] |= 1ull << f;
		forms_of_topic[id_forms[f].topic] |= 1ull << f, forms_of_topic[id_forms[f].other] |= 1ull << f;
		id_topics |= 1ull << id_forms[f].topic | 1ull << id_forms[f].other | 1ull << T_IDENTITY | 1ull << T_TAX;
		if (id_forms[f].alone && id_forms[f].alone < OFF && id_forms[f].alone >= threshold[id_forms[f].label]) unnamed_bare |= 1ull << f;
		if (id_forms[f].formed && id_forms[f].formed >= threshold[id_forms[f].label]) unnamed_formed |= 1ull << f;
		if (!id_forms[f].form) continue;
		formed_by_first[id_forms[f].form[0] - '0'] |= 1ull << f;
		formed_by_separator[(int)id_forms[f].form[1]] |= 1ull << f;
		formed_by_second[id_forms[f].form[2] - '0'] |= 1ull << f;
		if (!id_forms[f].form[3]) formed_of_two |= 1ull << f;
		else formed_by_joint[(int)id_forms[f].form[3]] |= 1ull << f, formed_by_third[id_forms[f].form[4] - '0'] |= 1ull << f;
		if (id_forms[f].label == CL_RUT && !id_forms[f].form[3]) formed_by_second[0] |= 1ull << f; /* a check letter alone */
	}
}

static int check_letter(const scan *s, int i, int label) {
	if (label == CL_RUT) return at(s, i, 'K') || at(s, i, 'k');
	return label == CN_RIC && (at(s, i, 'X') || at(s, i, 'x'));
}

/* read_form reads groups of digits as a form spells them ("3.3.3-2") and returns
 * their end, or 0. A check letter stands for ten. */
RARE int read_form(const scan *s, int i, const char *form, int label, uint8_t *d) {
	spend(270);
	int n = 0;
	for (;; form++) {
		spend(140);
		for (int k = *form - '0'; k > 0; k--, i++) {
			if (is(s, i, DIGIT)) d[n++] = s->t[i] - '0';
			else if (k == 1 && !form[1] && check_letter(s, i, label)) d[n++] = 10;
			else return 0;
		}
		if (!*++form) break;
		if (!at(s, i++, *form)) return 0;
	}
	return number_ends(s, i) ? i : 0;
}

/* goes_on reports whether the groups of a form that end at e are followed by another like the last: then
 * they are part of a longer number, as of a card's. */
RARE int goes_on(const scan *s, int e, const char *form) {
	spend(140);
	while (form[1]) form += 2;
	int n = *form - '0';
	return at(s, e, form[-1]) && run_end(s, e + 1, DIGIT, n + 1) == e + 1 + n;
}

#include "national.h"

/* formed_ids returns the ids that begin with a group of n digits, what stands at end, and two more groups, if they have as many. */
static inline uint64_t formed_ids(const scan *s, int end, int n) {
	if (n >= 10 || end + 1 >= s->n || s->t[end] >= 128 || !(is(s, end + 1, DIGIT) || (s->t[end + 1] | 0x20) == 'k')) return 0;
	uint64_t forms = formed_by_first[n] & formed_by_separator[s->t[end]];
	if (!forms) return 0;
	uint32_t out = (digits_at(s->t + end + 1) ^ SIDES) | 1u << min(s->n - end - 1, 16), rest = out & (out - 1);
	int second = __builtin_ctz(out), third = rest ? __builtin_ctz(rest) - second - 1 : 0;
	return forms & formed_by_second[second] & (formed_of_two | (formed_by_joint[s->t[end + 1 + second] & 127] & formed_by_third[third]));
}

RARE int grouped_spanish(scan *s, int i, int end);
RARE int spaced_corsican(scan *s, int i);

/* called_bsn reports whether the Dutch word that was last read is one for the number of a citizen, and not of the country, which has other numbers in threes. */
RARE int called_bsn(const scan *s) {
	int e = s->seen[T_NL];
	spend(100);
	if (e <= 0) return 0;
	int a = run_start(s, e, LETTER, 30);
	return has_any_case(s, a, "bsn") || has_any_case(s, a, "burger") || has_any_case(s, a, "sofi");
}

/* national_id reads an id from the digit at i, of which the run ends at end, and
 * returns the end of the id, or 0. Of several readings the best word wins. */
RARE int national_id(scan *s, int i, int end) {
	int n = end - i, best = 0, label = 0, to = 0, bare = n >= 8 && (number_ends(s, end) || (n == 10 && before_kpp(s, end))), letter = 0;
	if (n >= MAX_DIGITS) return 0;
	if (n == 17 && check_letter(s, end, CN_RIC) && number_ends(s, end + 1)) letter = 1, bare = 1;
	uint64_t formed = formed_ids(s, end, n);
	uint64_t forms = formed | (bare ? bare_by_length[n + letter] : 0);
	uint8_t alone[MAX_DIGITS], grouped[MAX_DIGITS];
	if (!forms && (bare ? n != 16 || !may_be_nik(s->t + i) : n != 8 && n != 9)) return 0; /* of these lengths are ids of other tables */
	uint64_t named = near_set(s, i);
	int id_number = n == 13 && bare && behind_id_number(s, i);
	if (named >> T_OWN & 1 && !(at(s, end, '-') && may_be_own(s, end, n)) /* which was tried */ && (to = own_id(s, i, end))) return to;
	if (named >> T_OWN & 1 && may_be_spanish(s, i, end, n) && (to = grouped_spanish(s, i, end))) return to;
	if (n == 1 && at(s, end + 7, '2') && (to = spaced_corsican(s, i))) return to;
	if (!(named & (1ull << T_IDENTITY | 1ull << T_TAX))) { /* these speak for every form */
		uint64_t kept = (formed & unnamed_formed) | (bare ? unnamed_bare : 0) | (id_number ? forms_of_topic[T_ZA] : 0);
		for (uint64_t topics = named & id_topics; topics; topics &= topics - 1) kept |= forms_of_topic[__builtin_ctzll(topics)];
		forms &= kept;
	}
	spend(600 + 300 * __builtin_popcountll(forms));
	if (bare && forms) {
		for (int k = 0; k < n; k++) alone[k] = s->t[i + k] - '0';
		alone[n] = 10;
	}
	const char *form = 0; /* that was read last: several ids have the same */
	for (int read = 0; forms; forms &= forms - 1) {
		int f = __builtin_ctzll(forms), e = 0, score = 0;
		const uint8_t *d = grouped;
		if (formed >> f & 1) {
			if (id_forms[f].form != form) form = id_forms[f].form, read = read_form(s, i, form, id_forms[f].label, grouped);
			e = read, score = id_forms[f].formed;
		}
		if (!e && bare && id_forms[f].digits == n + letter) d = alone, e = end + letter, score = id_forms[f].alone;
		if (!e || (id_forms[f].label == US_EIN && d == alone && named >> T_SSN & 1 && s->seen[T_SSN] + 4 >= max(s->seen[T_TAX], s->seen[T_US]))) continue; /* SSN/TIN */
		if ((named >> id_forms[f].topic | named >> id_forms[f].other) & 1 && (id_forms[f].topic != T_RU || called_russian(s, i, id_forms[f].label)) && (id_forms[f].label != US_ROUTING || !keyed(s)) && (id_forms[f].valid != old_rodne || called_rodne(s, i)) && (id_forms[f].label != NL_BSN || id_forms[f].alone != OFF || called_bsn(s))) score += 500;
		else if (d == grouped && goes_on(s, e, id_forms[f].form)) continue;
		else if (id_number && id_forms[f].label == ZA_ID) score = 600;
		else if (score > 0 && (named >> T_IDENTITY | named >> T_TAX) & 1) score = max(score, 600);
		if (score <= best || score < threshold[id_forms[f].label]) continue;
		if (!id_forms[f].valid(d, id_forms[f].digits)) {
			if (id_forms[f].label != KR_RRN || best >= 650 || threshold[KR_RRN] > 650 || !(named >> T_KR & 1) || !yymmdd(d) || !called_korean(s, i, d == grouped)) continue;
			score = 650;
		}
		best = score, label = id_forms[f].label, to = e;
	}
	return best && number_begins(s, i) && report(s, i, to, label, min(best, 950)) ? to : 0;
}

/* parted reads a postal code of two parts beside a word, the first of them the digits [i, end), and returns its
 * end, or 0: 12345-678, 12-345, 123-4567, 1234-567, 123 45, 1234 AB. */
RARE int parted(scan *s, int i, int end) {
	static const char parts[] = "53 23 34 43";
	int n = end - i, e = run_end(s, end + 1, DIGIT, 5), m = e - end - 1;
	if (at(s, end, ' ')) {
		if (n == 4 && is(s, end + 1, UPPER) && is(s, end + 2, UPPER)) e = end + 3;
		else if (n != 3 || m != 2) return 0;
	} else {
		int known = 0;
		for (const char *p = parts; *p; p += 3) {
			known |= n == p[0] - '0' && m == p[1] - '0';
			if (!p[2]) break;
		}
		if (!known) return 0;
	}
	return number_ends(s, e) && near(s, T_POSTAL, i) && posted(s, i) ? e : 0;
}

/* may_be_parted reports whether two or three digits before end may be the first part of a postal code. */
static inline int may_be_parted(const scan *s, int end, int n) { return (s->t[end] == '-' || (n == 3 && s->t[end] == ' ')) && is(s, end + 1, DIGIT); }

/* postal reads a postal code from four to six digits alone: beside a word, or behind the
 * name or the two letters of a state. */
RARE int postal(scan *s, int i, int end) {
	spend(200);
	int n = end - i, to = end, score = 0;
	if (silent(s, i) && (n != 5 || s->t[i - 1] != ' ' || !is(s, i - 2, LETTER))) return 0;
	if (!number_begins(s, i)) return 0;
	if (n == 5 && at(s, end, '-') && run_end(s, end + 1, DIGIT, 5) == end + 5) to = end + 5;
	else if (n < 6 && (at(s, end, '-') || at(s, end, ' ')) && (to = parted(s, i, end))) return report(s, i, to, POSTAL_CODE, 700) ? to : 0;
	else to = end;
	if (n < 4) return 0;
	if (!number_ends(s, to)) return 0;
	if (n == 5 && at(s, i - 1, ' ')) {
		static const char states[] = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD "
			"TN TX UT VT VA WA WV WI WY DC PR ";
		if (is(s, i - 2, UPPER) && is(s, i - 3, UPPER) && has(s, i - 5, ", "))
			for (const char *c = states; *c; c += 3)
				if (at(s, i - 3, c[0]) && at(s, i - 2, c[1])) score = 700;
		if (!score && is(s, i - 2, LOWER) && named(s, T_STATE, i) == i - 1) score = 650;
	}
	if (score < 650 && near(s, T_POSTAL, i) && posted(s, i)) score = n == 5 ? 800 : 600;
	return score && report(s, i, to, POSTAL_CODE, score) ? to : 0;
}

RARE int coded(scan *s, int a, int e);
RARE int spaced_nino(scan *s, int i);
RARE int lettered(scan *s, int i, int end);
RARE int document(scan *s, int a, int e);
RARE int iban(scan *s, int i);
static int soon(scan *s, int topic, int a);
static inline int unnamed(const scan *s, int a);

/* hyphenated reads the number of a document of which the digits [i, end), behind a hyphen, are a part. */
RARE int hyphenated(scan *s, int i, int end) {
	spend(250);
	int nino = end - i == 2 && at(s, end, '-') ? spaced_nino(s, i) : 0;
	if (nino || (is(s, i - 2, UPPER) && (nino = lettered(s, i, end)))) return nino;
	int start = run_start(s, i, UPPER | DIGIT | URLSAFE, 12);
	if (silent(s, start)) return 0;
	end = run_end(s, end, UPPER | DIGIT | URLSAFE, 12);
	while (at(s, end - 1, '-') || at(s, end - 1, '_')) end--;
	return document(s, start, end);
}

/* plated reads a licence plate in parts, of which the digits [i, end) are one, right behind the word: B-MW 1234, AB12 CDE,
 * 1234 BCD, 85-OV28. */
RARE int plated(scan *s, int i, int end) {
	spend(250);
	if (silent(s, i) || i - s->seen[T_PLATE] > SOON + 8 || (at(s, end, '-') && !near(s, T_LICENCE, i) && !spanish_plate(s, i, end))) return 0; /* plates have rows and columns, too: plate 12-A01 */
	spend(900);
	int a = i, e = end, letters = 0, figures = 0, stop = max(max(s->last, s->seen[T_PLATE]), i - 8);
	while (a > stop && (is(s, a - 1, UPPER | DIGIT) || (is(s, a - 2, UPPER | DIGIT) && (at(s, a - 1, ' ') || at(s, a - 1, '-'))))) a--;
	while (e < i + 9 && (is(s, e, UPPER | DIGIT) || (is(s, e + 1, UPPER | DIGIT) && (at(s, e, ' ') || at(s, e, '-'))))) e++;
	for (int k = a; k < e; k++) letters += is(s, k, UPPER) != 0, figures += is(s, k, DIGIT) != 0;
	if (!soon(s, T_PLATE, a) || !letters || figures < 2 || letters + figures > 8 || is(s, e, WORD) || !begins(s, a, WORD)) return 0;
	return report(s, a, e, LICENSE_PLATE, 650) ? e : 0;
}

/* known_form reads what digits at i are as a whole, or the beginning of: an id, a
 * date of birth, a postal code, the number of a document. It returns the end, or 0. */
static int known_form(scan *s, int i, int end) {
	int n = end - i, e;
	uint8_t before = i > 0 ? s->t[i - 1] : 0, after = end < s->n ? s->t[end] : 0;
	if (before == '-' && is(s, i - 2, UPPER | DIGIT)) return hyphenated(s, i, end);
	if (before == ' ' && n < 13 && is(s, i - 2, UPPER)) {
		if (n > 1 && is(s, i - 3, UPPER) && (n > 6 || (after != ',' && is(s, end, GOES_ON) && (is(s, end + 1, DIGIT) || (n == 6 && after == before)))) && (e = lettered(s, i, end))) return e;
		if (((n == 2 && after == ' ') || n == 6) && is(s, i - 3, UPPER) && ((e = spaced_nino(s, i)) || (n == 2 && (e = iban(s, i))))) return e;
		if (n <= 4 && (e = plated(s, i, end))) return e;
	}
	switch (after) {
	case ' ':
		if (n <= 4 && is(s, end + 1, UPPER) && (e = plated(s, i, end))) return e;
		if (n == 4 && !is(s, end + 1, ALNUM) && s->t[i] > '1' && s->t[i] < '7' && (e = spread_card(s, i, end))) return e;
		if (n >= 3 && n <= 5 && s->t[i] == '0' && (at(s, end + 1, '-') || at(s, end + 1, '/')) && at(s, end + 2, ' ') && is(s, end + 3, DIGIT) && (e = area_code(s, i, end))) return e;
		break;
	case '-': case '+':
		if (may_be_own(s, end, n) && (e = own_id(s, i, end))) return e;
		if (n <= 4 && is(s, end + 1, UPPER) && (e = plated(s, i, end))) return e;
		if (n == 7 && before == '-' && (e = grouped_spanish(s, i, end))) return e;
		if ((n == 6 || n == 8) && (e = coded(s, i, end))) return e;
		break;
	case '/':
		if (n >= 2 && n <= 5 && (s->t[i] == '0' || n == 3 || before == '+') && (e = area_code(s, i, end))) return e;
		if (n == 4 && s->t[i] > '1' && s->t[i] < '7' && (e = spread_card(s, i, end))) return e;
	}
	if ((n >= 8 || formed_ids(s, end, n)) && (e = national_id(s, i, end))) return e;
	if (maybe_born(s, i, end) && (e = birth(s, i, end))) return e;
	if (n >= 2 && n <= 6 && before != ',' && (n >= 4 || may_be_parted(s, end, n)) && (e = postal(s, i, end))) return e;
	if (n < 6 || (n <= 10 ? silent(s, i) : n > 18 || s->words_read < i || unnamed(s, i))) return 0; /* of longer ones the words have been heard */
	return document(s, i, end);
}
