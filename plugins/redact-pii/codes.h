/* codes.h: what has letters and digits in it: account numbers, national ids,
 * postal codes, wallets, network addresses. */
#ifndef PII_CODES_H
#define PII_CODES_H

#include "number.h"

/* IBAN (ISO 13616): two letters and two digits for each country and its length. */
static const char iban_lengths[] =
	"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28"
	"HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29"
	"RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

static uint8_t iban_by_country[26 * 26];
static uint32_t areas[27];           /* of British postcodes: first letter, 0 for one alone or the second letter */
static uint32_t codes_by_run[19];    /* sets of code_forms by the letters and digits that they begin with */

/* account_length returns how many characters the account numbers have that begin with the two letters at p, or 0. */
static inline int account_length(const uint8_t *p) { return iban_by_country[((p[0] & ~0x20) - 'A') * 26 + (p[1] & ~0x20) - 'A']; }

/* mod97 takes one more character to a remainder, of which it takes the modulus when it has to. */
static inline uint64_t mod97(uint64_t m, uint8_t c) {
	if (m >> 56) m %= 97;
	return c <= '9' ? m * 10 + c - '0' : m * 100 + c - 'A' + 10;
}

/* gap_of returns the bytes of the space, hyphen or dot between the groups of an account number at i, or 0. */
static inline int gap_of(const scan *s, int i) {
	uint8_t c = s->t[i];
	if (c == ' ' || c == '-' || c == '.') return 1;
	return c >= 0xc2 && typeset(s, i) ? typeset_size(c) : 0;
}

/* of_bank reports whether the letters of a country whose banks have such numbers stand at p. */
static inline int of_bank(const uint8_t *p) { return in(p[0], LETTER) && in(p[1], LETTER) && account_length(p) > 0; }

/* may_be_account reports whether the twelve bytes from i on may be of one in groups: tables have the end of a line, or of a field, among them. */
static inline int may_be_account(const scan *s, int i) {
	spend(100);
	const v128_t v = wasm_v128_load(s->t + i);
	uint32_t gaps = wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_u8x16_splat(' ')));
	if (i < 2 + at(s, i - 1, ' ') || i + 13 > s->n) return 0;
	const uint8_t *p = s->t + i, *country = p - 2 - (p[-1] == ' ');
	int gap = p[2] == ' ';
	if (gap && p[5] == ' ' && in(p[3], DIGIT) && p[8] == ' ' && in(p[9], DIGIT) && of_bank(p + 6)) return 0; /* FR 12 34 DE 56 78 */
	for (const char *c = "GBNLIEROBGLV"; *c && in(p[2 + gap], DIGIT); c += 2) /* whose banks have letters */
		if (((country[0] ^ (uint8_t)c[0]) & 0xdf) == 0 && ((country[1] ^ (uint8_t)c[1]) & 0xdf) == 0) return 0;
	return !(outside(s->t + i, &sets[set_number(ALNUM | URLSAFE | HIGH | DOT)]) & ~gaps & 0xfff);
}

/* iban reads an account number whose check digits begin at i: together, or in groups with spaces, hyphens or
 * dots; valid under ISO 7064 mod 97-10; in small letters beside a word, since hexadecimal ids look like it. It
 * returns the end, or 0. */
RARE int iban(scan *s, int i) {
	if (!may_be_account(s, i)) return 0;
	spend(400);
	uint64_t m = 0;
	int start = i - 2 - at(s, i - 1, ' '), end = i + 2, fold = is(s, start, LOWER) ? 0x20 : 0, letters = fold ? LOWER : UPPER;
	if (start < s->last || !begins(s, start, WORD) || !is(s, start + 1, letters) || !is(s, i + 1, DIGIT)) return 0;
	int want = account_length(s->t + start) - 4;
	if (want <= 0) return 0;
	for (int k = 0, gap; k < want;) {
		uint8_t c = s->t[end++], digit = c - '0', letter = c - 'A' - (uint8_t)fold;
		if (digit < 10) spend(75), m = m * 10 + digit, k++; /* most of what begins so does not go on */
		else if (letter < 26) spend(75), m = m * 100 + letter + 10, k++;
		else if (class[c] & GOES_ON && (gap = gap_of(s, end - 1))) {
			end += gap - 1; /* one at a time */
			if (!is(s, end, ALNUM)) return 0;
			if (k > 0 && is(s, end + 2, DIGIT) && is(s, end + 3, DIGIT) && of_bank(s->t + end)) return 0; /* the next begins; BG00 in the first place is a bank's */
			if (at(s, end + 2, ' ') && s->t[end] == s->t[start] && s->t[end + 1] == s->t[start + 1]) return 0;
		} else return 0;
		if (m >> 56) m %= 97;
	}
	if (end > s->n) return 0;
	for (int k = 0; k < 4; k++) {
		uint8_t c = s->t[k < 2 ? start + k : i + k - 2];
		m = mod97(m, in(c, DIGIT) ? c : c & ~fold);
	}
	return m % 97 == 1 && !is(s, end, WORD) && (!fold || near(s, T_BANK, start)) && report(s, start, end, IBAN, MAX_SCORE) ? end : 0;
}

#include "letters.h"

/* spaced_nino reads a British insurance number in parts, of which the digits at i are the second, beside a word. */
RARE int spaced_nino(scan *s, int i) {
	if (!(is(s, i + 3, DIGIT) && is(s, i + 4, DIGIT)) && !(is(s, i + 2, DIGIT) && is(s, i + 5, DIGIT))) return 0;
	if (at(s, i + 2, ' ') && (!at(s, i + 8, ' ') || !is(s, i + 9, UPPER))) return 0; /* medals: GB 12 30 33 75 */
	spend(600);
	const char *form = at(s, i - 1, '-') ? "AA-99-99-99-A" : at(s, i + 2, ' ') ? "AA 99 99 99 A" : at(s, i + 6, ' ') ? "AA 999999 A" : "AA 999999A";
	int a = i - 3, e = a;
	for (const char *c = form; *c; c++) e++;
	if (a < s->last || e > s->n || !like(s, a, e, form) || !begins(s, a, WORD) || is(s, e, WORD)) return 0;
	return nino(s, a) && one_of("ABCD", s->t[e - 1]) && near(s, T_GB, a) && report(s, a, e, UK_NINO, 900) ? e : 0;
}

/* soon reports whether the topic was named so shortly before that the code at a
 * is most likely what was named. */
static int soon(scan *s, int topic, int a) {
	spend(60);
	int seen = named(s, topic, a);
	return seen != NEVER && a - seen <= SOON && seen >= s->seen[T_OTHER];
}

/* unnamed reports whether the words before a, as far as they have been heard, are known to name no document
 * so shortly before. */
static inline int unnamed(const scan *s, int a) {
	return s->words_read >= a && a - max(max(max(s->seen[T_PASSPORT], s->seen[T_LICENCE]), max(s->seen[T_PLATE], s->seen[T_BANK])), max(s->seen[T_CARD], s->seen[T_IDENTITY])) > SOON;
}

/* account_named reports whether an account was named so shortly before, and its number or the bank: not the id of one, nor any account. */
RARE int account_named(scan *s, int a) {
	static const char *const words[] = {"account", "acct", "konto", "cuenta", "compte", "conto", "rekening", "clabe"};
	if (!soon(s, T_BANK, a) || s->seen[T_ID] > s->seen[T_BANK]) return 0;
	spend(1500);
	int e = s->seen[T_BANK], start = run_start(s, e, LETTER, 16), named = 0;
	for (unsigned k = 0; k < sizeof words / sizeof words[0]; k++) named |= has_any_case(s, start, words[k]);
	if (!named) return 0;
	if (s->seen[T_NUMBER] > e && counted(s, s->seen[T_NUMBER], a)) return 0;
	if (s->seen[T_NUMBER] > e || has_any_case(s, start, "clabe") || has_any_case(s, start - 12, "beneficiary ") || has_any_case(s, e + 1, "no") || has_any_case(s, e + 1, "nr") || at(s, e + 1, '#') || e - start > 7) return 1;
	int code = start - 9 - at(s, start - 2, ',');
	if (a - e <= 3 && !at(s, a - 1, '+') && (at(s, e, ' ') || at(s, e, ':')) && at(s, start - 1, ' ') && code >= 10 && like(s, code, code + 8, "99-99-99") && (has_any_case(s, code - 10, "sort code ") || has_any_case(s, code - 11, "sort code: "))) return 1;
	if (code >= 9 && a - e <= 3 && like(s, code - 1, code + 8, "999999999") && (has_any_case(s, code - 9, "routing ") || has_any_case(s, code - 10, "routing: "))) return 1;
	int before = run_start(s, start - 1, LETTER, 16);
	return at(s, start - 1, ' ') && before < start - 1 && word_topics(word_at(s->t + before, start - 1 - before)) >> T_BANK & 1;
}

/* may_be_carded reports whether one of those words may end at e, as far as a few bytes tell: most cards show nothing. */
static inline int may_be_carded(const scan *s, int e) {
	if (e < 6) return 0; /* none is shorter; nor may what stands before the text be looked at */
	uint8_t a = s->t[e - 3] | 0x20, b = s->t[e - 2] | 0x20, c = s->t[e - 1] | 0x20, before = s->t[e - 5], word = s->t[e - 6] | 0x20;
	spend(100);
	if (c == 'd' && b == 'r') return (before | 0x20) == 'd' || ((before == ' ' || before == '_' || before == '-') && (word == 'd' || word == 'y' || word == 'n'));
	return (c == 'd' && b == 'a') || (c == 'e' && b == 'd') || (c == 's' && b == 'i' && a == 'e') || (c == 'r' && b == 'e' && a == 'm') || is(s, e - 2, HIGH);
}

/* carded reports whether what is right before a, but for "number" and the like, is a word for a card or paper that shows who somebody is: ID card no. */
RARE int carded(scan *s, int a) {
	static const char *const cards[] = {"id card", "id_card", "idcard", "id-card", "identity card", "identification card", "ausweis", "ausweisnummer", "identidad", "identidade"};
	enum { ENDINGS = 6 }; /* from here on a word may end so: Personalausweis */
	int e = max(s->seen[T_CARD], s->seen[T_IDENTITY]), to = e, found, named = 0;
	if (e <= 0 || a - e > SOON) return 0;
	if (!may_be_carded(s, e)) return 0;
	spend(600);
	if (s->seen[T_NUMBER] > e) to = s->seen[T_NUMBER];
	else if (has_any_case(s, e, " no") || has_any_case(s, e, " nr")) to += 3 + at(s, e + 3, '.');
	else if (has(s, e, " n\xc2\xb0")) to += 4;
	if (has(s, to, " is ")) to += 3;
	if (!bound(s, to, a, &named)) return 0;
	spend(2400);
	found = has_any_case(s, e - 9, "identit") && is(s, e - 2, HIGH); /* identité, identità */
	for (unsigned k = 0; k < sizeof cards / sizeof cards[0] && !found; k++) {
		int n = 0;
		while (cards[k][n]) n++;
		found = has_any_case(s, e - n, cards[k]) && (k >= ENDINGS || !is(s, e - n - 1, WORD));
	}
	return found;
}

/* in_token reports whether a letter and digits are right before the letters at i: as in a digest, h4DL. */
static int in_token(const scan *s, int i) { return is(s, i - 1, DIGIT) && (is(s, i - 2, LETTER) || (is(s, i - 2, DIGIT) && is(s, i - 3, LETTER))); }

/* document reads a number that has no form of its own, right behind the word that
 * names it. [a, e) has capitals, digits and hyphens. */
RARE int document(scan *s, int a, int e) {
	int n = e - a, label;
	spend(240);
	if (n < 5 || n > 18 || is(s, e, WORD) || unnamed(s, a)) return 0;
	if (at(s, a - 1, '-') && is(s, a - 2, UPPER | DIGIT) && (!soon(s, T_PLATE, a) || near(s, T_LICENCE, a))) spend(300), a = back(s, a, max(s->last, e - 18), &sets[set_number(UPPER | DIGIT | URLSAFE)], 0), n = e - a;
	uint32_t digits = (digits_at(s->t + a) | digits_at(s->t + a + 16) << 16) & ((1u << n) - 1);
	if (!digits || (!(digits & (digits - 1)) && n < 8) || !number_begins(s, a) || addresses(s, a, e)) return 0; /* less than two, as words have */
	if (soon(s, T_PASSPORT, a) && n >= 6) label = PASSPORT;
	else if (soon(s, T_LICENCE, a) && soon(s, T_DRIVER, a - 1) && n >= 6 && !in_token(s, s->seen[T_LICENCE] - 2)) label = DRIVER_LICENSE;
	else if (soon(s, T_PLATE, a) && n <= 9) label = LICENSE_PLATE;
	else if (carded(s, a) && !(n == 10 && at(s, a + 4, '-')) && !(at(s, e, '/') && is(s, e + 1, DIGIT)) && (n >= 7 || soon(s, T_NUMBER, a))) label = ID_CARD; /* not a date */
	else if (n >= 7 && digits + 1 == 1u << n && account_named(s, a)) label = BANK_ACCOUNT;
	else return 0;
	return report(s, a, e, label, 700) ? e : 0;
}

/* The ids and codes that are letters and digits. alone: what form and check
 * character are worth without a word. */
static const struct {
	const char *form;
	uint8_t label, topic;
	uint16_t alone;
} code_forms[] = {
	{"AA999999A", UK_NINO, T_GB, 550}, {"99999999A", ES_NIF, T_ES, 600}, {"99999999-A", ES_NIF, T_ES, 650}, {"A9999999A", ES_NIF, T_ES, 700},
	{"A9999999A", SG_NRIC, T_HK_SG_TW, 700}, {"AAAAAA99A99A999A", IT_FISCAL_CODE, T_IT, 950}, {"AAAAA9999A", IN_PAN, T_IN, 600},
	{"A999999999", TW_ID, T_HK_SG_TW, 600}, {"A999999(X)", HK_HKID, T_HK_SG_TW, 750}, {"9999999A", IE_PPS, T_IE, 400}, {"9999999AA", IE_PPS, T_IE, 450},
	{"AAAA999999AAAAAAX9", MX_CURP, T_MX, 900}, {"AAAA999999XXX", MX_RFC, T_OWN, 400}, {"AAA999999XXX", MX_RFC, T_OWN, 0},
	{"A9999999X", ES_NIF, T_OWN, 0}, {"999999A99999999", FR_NIR, T_FR, 900}, {"999999-999X", FI_HETU, T_FI, 900}, {"999999A999X", FI_HETU, T_FI, 850},
	{"999999+999X", FI_HETU, T_FI, 800}, {"9AX9AX9AA99", US_MBI, T_HEALTH, 450}, {"9AX9-AX9-AA99", US_MBI, T_HEALTH, 600},
	{"99999999A999", DE_PENSION, T_DE, 600}, {"99AAAAA9999AXAX", IN_GSTIN, T_IN, 900}, {"AA9999999", US_DEA, T_HEALTH, 400},
	{"XXXXXXXXXXXXXXXXX", VIN, T_OWN, 0},
};

/* Where a form has capitals and digits, a bit for each, in the run that it begins with. */
static uint32_t capitals_of[sizeof code_forms / sizeof code_forms[0]], digits_of_form[sizeof code_forms / sizeof code_forms[0]];

static int code_valid(scan *s, int label, const char *form, int a, int e) {
	switch (label) {
	case UK_NINO: return nino(s, a) && one_of("ABCD", s->t[e - 1]);
	case ES_NIF:
		if (form[8] == 'X') return spanish(s->t + a) && called_spanish(s, a, s->t[a]);
		if (form[0] == 'A') return s->t[a] >= 'X' && nif(s, a, 1);
		return form[8] == '-' ? s->t[e - 1] == (uint8_t)"TRWAGMYFPDXBNJZSQVHLCKE"[prefix(s, a, 8) % 23] : nif(s, a, 0);
	case SG_NRIC: return one_of("STFGM", s->t[a]) && nric(s, a);
	case IT_FISCAL_CODE: return codice_fiscale(s, a);
	case IN_PAN: return one_of("ABCFGHJLPT", s->t[a + 3]);
	case TW_ID: return one_of("1289", s->t[a + 1]) && id_tw(s, a);
	case HK_HKID: return hkid(s, a);
	case IE_PPS: return pps(s, a, e);
	case MX_CURP: return curp(s, a);
	case MX_RFC: return rfc(s->t + a, e - a) && called_rfc(s, a, e);
	case FR_NIR: return corsican(s->t + a);
	case FI_HETU: return hetu(s, a);
	case DE_PENSION: return pension(s, a);
	case IN_GSTIN: return gstin(s, a);
	case US_DEA: return dea(s, a);
	case US_MBI: return mbi(s, a, form[4] == '-');
	case VIN: return vin(s->t + a) && near(s, T_OWN, a) && own_group_of(s) == W_VIN && right_behind(s, s->seen[T_OWN], a);
	}
	return 0;
}

#include "vat.h"

static const char area_names[] = "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU GY HA "
	"HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK "
	"SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE ";

static void prepare_codes(void) {
	for (const char *c = iban_lengths; *c; c += 4) iban_by_country[(c[0] - 'A') * 26 + c[1] - 'A'] = (uint8_t)((c[2] - '0') * 10 + c[3] - '0');
	for (const char *c = area_names; *c; c += c[1] == ' ' ? 2 : 3) areas[c[0] - 'A'] |= 1u << (c[1] == ' ' ? 0 : c[1] - 'A' + 1);
	for (unsigned f = 0; f < sizeof code_forms / sizeof code_forms[0]; f++) {
		int n = 0;
		capitals_of[f] = digits_of_form[f] = 0;
		for (const char *c = code_forms[f].form; *c && one_of("AX9", (uint8_t)*c); c++, n++) capitals_of[f] |= (uint32_t)(*c == 'A') << n, digits_of_form[f] |= (uint32_t)(*c == '9') << n;
		codes_by_run[n] |= 1u << f;
	}
}

/* postcode reads British and Canadian postal codes that begin with the run [a, e) of two to
 * four letters and digits, a capital first. */
RARE int postcode(scan *s, int a, int e) {
	spend(300);
	int n = e - a, b = e + at(s, e, ' '), score = 0;
	if (!is(s, b, DIGIT) || threshold[POSTAL_CODE] > 850 || !number_begins(s, a)) return 0;
	int end = run_end(s, b, ALNUM, 4);
	if (n == 3 && like(s, a, e, "A9A") && like(s, b, end, "9A9") && !one_of("DFIOQUWZ", s->t[a])) score = 550;
	if (b > e && like(s, b, end, "9AA") && !one_of("CIKMOV", s->t[b + 1]) && !one_of("CIKMOV", s->t[b + 2])) {
		int letters = 1 + is(s, a + 1, UPPER), rest = n - letters;
		int area = letters == 1 ? 0 : s->t[a + 1] - 'A' + 1;
		if (rest >= 1 && rest <= 2 && is(s, a + letters, DIGIT) && is(s, e - 1, UPPER | DIGIT) && areas[s->t[a] - 'A'] >> area & 1) score = 550;
	}
	if (!score || is(s, end, WORD)) return 0;
	if (near(s, T_POSTAL, a)) score = 850;
	else if (at(s, b + 2, 'B') && (at(s, b + 1, 'G') || at(s, b + 1, 'T'))) return 0; /* M1 8GB */
	return report(s, a, end, POSTAL_CODE, score) ? end : 0;
}

#define MAX_CODE 18

/* by_form reads a code that begins with the run [a, e) and has one of the forms. */
RARE int by_form(scan *s, int a, int e) {
	spend(300);
	int n = e - a, best = 0, label = 0, to = 0;
	const uint8_t *p = s->t + a;
	uint32_t capital = wasm_i8x16_bitmask(between(wasm_v128_load(p), 'A', 'Z')), digit = digits_at(p);
	if (n > 16) capital |= (uint32_t)wasm_i8x16_bitmask(between(wasm_v128_load(p + 16), 'A', 'Z')) << 16, digit |= digits_at(p + 16) << 16;
	if (~(capital | digit) & ((1u << n) - 1)) return 0; /* it has small letters */
	for (uint32_t forms = codes_by_run[n]; forms; forms &= forms - 1) {
		int f = __builtin_ctz(forms), m = 0;
		const char *form = code_forms[f].form;
		if (capitals_of[f] & ~capital || digits_of_form[f] & ~digit) continue;
		spend(600);
		while (form[m]) m++;
		if (a + m > s->n || is(s, a + m, WORD) || !like(s, a, a + m, form)) continue;
		if (!number_begins(s, a)) return 0;
		if (!code_valid(s, code_forms[f].label, form, a, a + m)) continue;
		int score = near(s, code_forms[f].topic, a) ? 900 : code_forms[f].alone;
		if (score && score < 600 && (near(s, T_IDENTITY, a) || near(s, T_TAX, a))) score = 600;
		if (score > best) best = score, label = code_forms[f].label, to = a + m;
	}
	return best && report(s, a, to, label, best) ? to : 0;
}

/* coded examines the run of letters and digits [a, e), and what may belong to it
 * behind a hyphen or bracket. It returns the end of a finding, or 0. */
RARE int coded(scan *s, int a, int e) {
	spend(100);
	int n = e - a, end;
	if (n > MAX_CODE || a < s->last) return 0;
	if (codes_by_run[n] && (end = by_form(s, a, e))) return end;
	if (in(s->t[a + 1], UPPER) && n >= 4 && of_country(s->t + a) && (n >= 10 || is(s, e + 1, DIGIT)) && (end = vat(s, a, a + 2, n - 2))) return end;
	if (n >= 2 && n <= 4 && in(s->t[a], UPPER) && in(s->t[e + (s->t[e] == ' ')], DIGIT) && (end = postcode(s, a, e))) return end;
	if (n <= 4 && ((at(s, e, ' ') && is(s, e + 1, UPPER)) || (n > 1 && at(s, a - 1, ' ') && is(s, a - 2, UPPER))) && (end = plated(s, a, e))) return end;
	if (n < 5 && !(class[s->t[e]] & URLSAFE)) return 0;
	spend(120);
	int longer = run_end(s, a, UPPER | DIGIT | URLSAFE, 19);
	while (longer > e && !(class[s->t[longer - 1]] & ALNUM)) longer--;
	return longer - a >= 5 ? document(s, a, longer) : 0;
}

/* pairs_at returns how many bytes from a on are pairs of hexadecimal digits with the separator between them and
 * perhaps behind them: 17 or 18 are a hardware address, 30 and more are given as 30. */
static inline int pairs_at(const scan *s, int a, uint8_t separator) {
	const uint8_t *p = s->t + a;
	const v128_t all = wasm_u8x16_splat(separator);
	const byte_set *hex = &sets[set_number(HEX)];
	uint32_t out = outside(p, hex) | outside(p + 14, hex) << 14;
	uint32_t separators = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(p), all)) | (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(p + 14), all)) << 14;
	const uint32_t between = 0x24924924; /* each third byte */
	return min(__builtin_ctz((out & ~between) | (~separators & between) | 1u << 30), s->n - a);
}

/* maybe_mac reports whether the separator at i stands between two of three pairs of hexadecimal digits, as far as a
 * byte of each tells. */
static inline int maybe_mac(const scan *s, int i) {
	const uint8_t *p = s->t + i;
	return i >= 2 && p[3] == p[0] && in(p[1], HEX) && in(p[2], HEX) && in(p[-1], HEX);
}

/* hyphen_of returns a hyphen of the hardware address that the two digits at a may be a group of, or 0. */
static inline int hyphen_of(const scan *s, int a) {
	if (s->t[a + 2] == '-') return maybe_mac(s, a + 2) ? a + 2 : 0;
	return s->t[a - 1] == '-' && maybe_mac(s, a - 4) ? a - 4 : 0;
}

/* labelled reports whether the colon at i ends a name ("ether:") and no further group of hexadecimal digits. */
static int labelled(const scan *s, int i) {
	for (int k = i - 1; k >= i - 12 && is(s, k, ALNUM); k--)
		if (!is(s, k, HEX)) return 1;
	return 0;
}

/* wrapped reports whether the pair at start goes on from the line before, which ends with eight others and more, and a colon: the bytes of a signature or a key. */
RARE int wrapped(const scan *s, int start) {
	int k = start;
	spend(400);
	while (k > start - 40 && (at(s, k - 1, ' ') || at(s, k - 1, '\t'))) k--;
	if (!at(s, k - 1, '\n')) return 0;
	k -= 1 + at(s, k - 2, '\r');
	for (int n = 0; n < 8; n++, k -= 3)
		if (!at(s, k - 1, ':') || !is(s, k - 2, HEX) || !is(s, k - 3, HEX)) return 0;
	return 1;
}

/* mac reads a hardware address of which the first colon or any hyphen stands at i. */
RARE int mac(scan *s, int i) {
	spend(280);
	uint8_t separator = s->t[i];
	int start = i - 2;
	for (int k = 0; separator == '-' && k < 4 && at(s, start - 1, '-') && is(s, start - 2, HEX) && is(s, start - 3, HEX); k++) start -= 3;
	int pairs = pairs_at(s, start, separator), end = start + 17;
	int inside = at(s, start - 1, ':') && !labelled(s, start - 1);
	/* What stands between two of the pairs of a longer row is nothing else, either. */
	if (separator == ':' && (pairs > 25 || (inside && pairs > 7))) return start + (pairs + 1) / 3 * 3 - 3;
	if ((pairs != 17 && pairs != 18) || inside || start < s->last || !begins(s, start, WORD) || at(s, start - 1, '-')) return 0;
	if (pairs == 17 && is(s, end, WORD)) return 0;
	if (separator == ':' && wrapped(s, start)) return 0;
	int same = 1;
	for (int k = 0; k < 17; k += 3) same &= s->t[start + k] == s->t[start] && s->t[start + k + 1] == s->t[start];
	return report(s, start, end, MAC, same ? 200 : 850) ? end : 0;
}

/* dotted_mac reads a hardware address of three groups ("0123.4567.89ab") of which one
 * begins at a, beside a word. */
RARE int dotted_mac(scan *s, int a) {
	spend(400);
	for (int k = 0; k < 2 && at(s, a - 1, '.') && back(s, a - 1, a - 5, &sets[set_number(HEX)], 0) == a - 5; k++) a -= 5;
	if (a < s->last || !begins(s, a, WORD | DOT)) return 0;
	for (int k = 0; k < 3; k++)
		if (run_end(s, a + 5 * k, HEX, 5) != a + 5 * k + 4 || (k < 2 && !at(s, a + 5 * k + 4, '.'))) return 0;
	return !is(s, a + 14, WORD | DOT) && near(s, T_IP, a) && report(s, a, a + 14, MAC, 800) ? a + 14 : 0;
}

/* ipv6 reads an address in the forms of RFC 4291 section 2.2 from its first
 * colon, with a zone (RFC 4007) if it has one. */
static int quad(const scan *s, int i) {
	for (int k = 0; k < 4; k++) {
		if (k > 0 && !at(s, i++, '.')) return 0;
		int end = run_end(s, i, DIGIT, 4);
		if (!octet(s, i, end)) return 0;
		i = end;
	}
	return i;
}

/* maybe_ipv6 reports whether two colons together, or five more, may follow that at i in an address, as far as
 * sixteen bytes tell, and neither a colon nor a dot or hyphen stands before the group before it. */
static inline int maybe_ipv6(const scan *s, int i) {
	const uint8_t *p = s->t + i;
	const byte_set *hex = &sets[set_number(HEX)];
	int before = min(__builtin_clz(outside(p - 16, hex) | 1) - 16, i); /* 32 bits, of which sixteen count */
	if (before > 4 || (p[1] != ':' && before == 0)) return 0;
	uint8_t c = before < i ? p[-before - 1] : ' ';
	if (c == ':' || c == '.' || c == '-') return 0;
	uint32_t colons = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(p + 1), wasm_u8x16_splat(':'))), out = outside(p + 1, hex) & ~colons;
	colons &= (out & -out) - 1; /* those of what may be one address */
	return !out || p[1] == ':' || colons & colons >> 1 || __builtin_popcount(colons) >= 5;
}

RARE int ipv6(scan *s, int i) {
	if (threshold[IP] > 900) return i + 1; /* what no score reaches is not looked for */
	spend(500);
	int start = after_escape(s, run_start(s, i, HEX, 5));
	if (i - start > 4 || (start == i && !at(s, i + 1, ':'))) return i + 1;
	if (!begins(s, start, WORD) || at(s, start - 1, ':') || at(s, start - 1, '.') || at(s, start - 1, '-')) return i + 1;
	int j = start, groups = 0, written = 0, first = 0, longest = 0, digit = 0, elided = 0, dotted = 0;
	while (groups <= 8) {
		spend(310);
		if (at(s, j, ':') && at(s, j + 1, ':') && !elided) {
			elided = 1, j += 2;
			if (!is(s, j, HEX)) break;
		}
		int end = run_end(s, j, HEX, 5), n = end - j;
		if (n == 0 || n > 4) return i + 1;
		if (at(s, end, '.') && is(s, end + 1, DIGIT)) {
			if (!(j = quad(s, j))) return i + 1;
			dotted = digit = 1, groups += 2, written += 2;
			break;
		}
		digit |= classes(s, j, end) & DIGIT;
		if (groups == 0 && !elided) first = n;
		longest = max(longest, n);
		j = end, groups++, written++;
		if (!at(s, j, ':')) break;
		if (!at(s, j + 1, ':')) j++;
	}
	if (elided ? groups > 7 : groups != 8) return i + 1;
	if (at(s, j, '%') && is(s, j + 1, ALNUM)) j = run_end(s, j + 1, ALNUM, 16);
	int sentence = at(s, j, '.') && !is(s, j + 1, WORD);
	if (!sentence && (is(s, j, WORD) || (at(s, j, ':') && is(s, j + 1, HEX)) || at(s, j, '.'))) return i + 1;
	/* Addresses, and not the other things that have colons: scope operators, byte dumps, clocks. */
	int score = !elided && longest <= 2 ? 300 : !elided || dotted ? 900 : !digit ? 100 : written >= 3 || first >= 3 ? 800 : 200;
	return report(s, start, j, IP, score) ? j : i + 1;
}

/* URL credentials: the name and password before the '@' at i. */
RARE int url_credentials(scan *s, int i) {
	spend(400);
	int j = back(s, i, max(s->last, i - 256), &sets[ENDS_USER], SIDES), next = follows_login(s, j) ? next_login(s, j) : 0, colon = next ? j = next : j;
	if (!next && !has(s, j - 3, "://")) return 0;
	while (colon < i && s->t[colon] != ':') colon++;
	spend(10 * (colon - j));
	if (colon < i) i = last_sign(s, i);
	if ((!is(s, i + 1, ALNUM | HIGH | EQUALS) && !bracketed(s, i + 1)) || i - colon < 2 || colon - j > 128) return 0;
	if (one_of("${[(%*", s->t[colon + 1]) || s->t[i - 1] == '}') return 0; /* a variable in its place */
	return report(s, j, i, URL_CREDENTIALS, 850) ? i : 0;
}

#endif
