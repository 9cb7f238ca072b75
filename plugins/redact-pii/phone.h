/* phone.h: telephone numbers. In descending order of evidence: E.164 with a plus
 * sign, the forms of the North American Numbering Plan and two national forms that
 * hardly anything else has, and other groups of digits beside a word that names a
 * telephone. Part of number.h. */

static uint32_t country_codes[1000 / 32 + 1]; /* a bit for each three digits that begin with one */

static void prepare_phones(void) {
	static const uint8_t two[] = {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
		60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98};
	static const uint16_t three[][2] = {{211, 213}, {216, 216}, {218, 218}, {220, 269}, {290, 291}, {297, 299}, {350, 359}, {370, 389},
		{420, 421}, {423, 423}, {500, 509}, {590, 599}, {670, 692}, {800, 800}, {808, 808}, {850, 856}, {870, 870}, {878, 883}, {886, 888},
		{960, 968}, {970, 977}, {979, 979}, {992, 998}};
	for (int code = 0; code < 1000; code++) {
		int known = code / 100 == 1 || code / 100 == 7;
		for (unsigned i = 0; i < sizeof two; i++) known |= code / 10 == two[i];
		for (unsigned i = 0; i < sizeof three / sizeof three[0]; i++) known |= code >= three[i][0] && code <= three[i][1];
		country_codes[code / 32] |= (uint32_t)known << code % 32;
	}
}

/* country_code reports whether digits begin with an assigned country code. */
static int country_code(const uint8_t *d) { return country_codes[value(d, 3) / 32] >> value(d, 3) % 32 & 1; }

/* counted_behind reports whether the short group [a, b) behind a whole number is a number by itself: 12 days, 022 1234567. */
static int counted_behind(const scan *s, int a, int b) { return at(s, a, '0') || (at(s, b, ' ') && is(s, b + 1, LETTER)); }

/* extent returns the last group, and the digits up to it, of a number of at most
 * limit digits that begins at group k. Behind a space it does not go on when the
 * number is long enough already: what follows may be another number. */
static int extent(const numbers *r, int k, int limit, int *n) {
	int e = k - 1;
	*n = 0;
	const uint8_t *first = r->s->t + r->g[k].start;
	int abroad = len(r, k) == 3 && k + 1 < r->n && len(r, k + 1) == 2 && first[1] == '1' && first[2] == '1'; /* 011 44 20 …; 011 4123 4567 is of Delhi */
	int ten = first[0] != '0' && !at(r->s, r->g[k].start - 1, '+'), enough = first[0] != '0' ? 11 : first[1] == '0' ? 13 : abroad ? 14 : 11;
	for (int j = k; j < r->n && j < k + LOOKAHEAD; j++) {
		if (*n + len(r, j) > limit || (j > k && r->g[j].sep == SPACED && (*n >= enough || (*n == 10 && first[0] == '0' && first[1] != '0' && len(r, j) > 2 && at(r->s, r->g[j].start, '0')) || (*n == 10 && ten && len(r, j) < 4 && (j == k + 1 || (j == k + 2 && len(r, k) == 5)) && counted_behind(r->s, r->g[j].start, r->g[j].end))))) break; /* 9876543210 12 days, 98765 43210 24 hours, 052 1234567 054 … */
		*n += len(r, j);
		e = j;
	}
	return e;
}

/* exactly returns the group with which the digits from group k on sum up to n, or -1. */
static int exactly(const numbers *r, int k, int n) {
	for (int j = k; j < r->n && j < k + LOOKAHEAD && n > 0; j++)
		if ((n -= len(r, j)) == 0) return j;
	return -1;
}

/* nanp reports whether ten digits can be a number of the North American Numbering
 * Plan: neither area nor exchange begins with 0 or 1. Behind the area 555 people make numbers up. */
static int nanp(const uint8_t *d) { return d[0] >= 2 && (d[3] >= 2 || value(d, 3) == 555); }

/* as_printed reports whether the groups from k on are those in which ten digits of it are printed: AAA EEE NNNN. */
static int as_printed(const numbers *r, int k) { return k + 2 < r->n && len(r, k) == 3 && len(r, k + 1) == 3 && len(r, k + 2) == 4; }

/* international reads the digits after a plus sign (ITU-T E.164): a country code
 * and at most fifteen digits in all. */
static int international(const numbers *r, int k, int *score) {
	spend(500);
	int n, e = extent(r, k, 15, &n);
	uint8_t d[MAX_DIGITS];
	if (n < 8 || digits(r, k, e, d) != n || !country_code(d)) return -1;
	if (d[0] == 1 && len(r, k) == 2 && d[1] > 0 && d[2] >= 2 && as_printed(r, k + 1) && near(r->s, T_PHONE, r->g[k].start)) e = k + 3; /* +19 888 123 4567 */
	else if (d[0] == 1 && ((e = exactly(r, k, 11)) < k || !(nanp(d + 1) || (len(r, k) == 1 && as_printed(r, k + 1))))) return -1;
	*score = e == k && n < 10 ? 700 : 900;
	return e;
}

/* spoken_for reports whether the short name before the first group, if any, which speaks for what r->short_name says, speaks for the number that begins
 * with this. Where there is no sign, nothing is counted behind it, and ten digits begin as a mobile's of India. */
RARE int spoken_for(const numbers *r, int sign) {
	spend(200);
	const scan *s = r->s;
	int n, e = extent(r, 0, 15, &n), end = r->g[e].end;
	if (!sign && (n > 11 || (at(s, end, ' ') && is(s, end + 1, LETTER)) || (!at(s, r->g[0].start, '0') && s->t[r->g[0].start] < '6'))) return 0;
	return in_form(r, 0, e, n) & r->short_name;
}

/* signed_for finds out what short name is before the first group, once for a run. */
static inline int signed_for(numbers *r) {
	int sign = 0, e = name_before(r->s, r->g[0].start, &sign);
	r->short_name = e ? short_name(r->s, e, sign) : 0;
	if (sign > 0 && r->short_name & (WITH_ZERO | NINE_DIGITS)) r->short_name |= ABROAD;
	return r->short_name && spoken_for(r, sign);
}

RARE int of_somebody(const scan *s, int start);
static int cyrillic(const scan *s, int e);

/* in_sentence reports whether what is behind group k goes on in a sentence, in which a number is told rather than given: … votes; not an extension. */
static inline int in_sentence(const numbers *r, int k) {
	int e = r->g[k].end;
	return !ends_at(r, k) || (at(r->s, e, ' ') && is(r->s, e + 1, LETTER) && !(at(r->s, e + 1, 'x') && is(r->s, e + 2, DIGIT)));
}

/* north_american reads [1] AAA EEE NNNN, perhaps behind the prefix of an
 * international call. */
static int north_american(const numbers *r, int k, int *score) {
	int trunk = (len(r, k) == 1 && at(r->s, r->g[k].start, '1')) || (len(r, k) == 3 && has(r->s, r->g[k].start, "001"));
	int a = k + trunk;
	uint8_t d[MAX_DIGITS];
	if (!as_printed(r, a) || r->g[a + 2].sep == OPENED) return -1;
	digits(r, a, a + 2, d);
	if (!nanp(d)) return -1;
	int first = r->g[a + 1].sep, second = r->g[a + 2].sep;
	*score = first == CLOSED ? 850 : first == DASHED && second == DASHED ? 750 : (first == DOTTED && second == DOTTED) || (second == DASHED && first != DOTTED) ? 650 : 350;
	*score += 50 * trunk;
	int start = r->g[k].start;
	if (*score < 500 && (near(r->s, T_PHONE, start) || (near(r->s, T_CALL, start) && !cyrillic(r->s, r->s->seen[T_CALL])) || (k == 0 && r->short_name & WITH_AREA) || (!in_sentence(r, a + 2) && of_somebody(r->s, start)))) *score = 700;
	return a + 2;
}

/* in_chinese reports whether the eleven digits [start, end) have the form of a Chinese mobile number, and stand right behind a
 * Chinese or Japanese character, in a text without spaces; not if that says that they are a number of something else, nor
 * before what is counted. */
RARE int in_chinese(const scan *s, int start, int end) {
	static const char counted[][4] = {"\xe5\x85\x83", "\xe4\xb8\xaa", "\xe6\x9d\xa1", "\xe5\xad\x97", "\xe6\xac\xa1", "\xe4\xba\xba"}; /* 元个条字次人 */
	uint8_t c = start >= 3 ? s->t[start - 3] : 0;
	if (c < 0xe3 || c > 0xe9 || s->t[start] != '1' || s->t[start + 1] < '3') return 0;
	spend(500);
	for (unsigned k = 0; k < sizeof counted / sizeof counted[0]; k++)
		if (has(s, end, counted[k])) return 0;
	return !has(s, start - 3, "\xe5\x8f\xb7") || has(s, start - 6, "\xe6\x9c\xba") || has(s, start - 6, "\xe8\xaf\x9d"); /* 号, but of 机号 or 话号 */
}

/* brazilian reads a mobile number with its area in brackets, (11) 91234-5678, which hardly anything else has. */
static int brazilian(const numbers *r, int k) {
	return shape(r, k, "2") >= 0 && k + 2 < r->n && at(r->s, r->g[k].start - 1, '(') && !at(r->s, r->g[k].start, '0') && !at(r->s, r->g[k].start + 1, '0') && r->g[k + 1].sep == CLOSED && len(r, k + 1) == 5 && at(r->s, r->g[k + 1].start, '9') && r->g[k + 2].sep == DASHED && len(r, k + 2) == 4;
}

/* national reads French numbers (five pairs) and British mobiles (07xxx xxxxxx),
 * if nothing else stands in the same run of groups but the hours or days behind it: … 78 7j/7. */
static int national(const numbers *r, int k, int *score) {
	if (brazilian(r, k)) return *score = 600, k + 2;
	if (k != 0 || !at(r->s, r->g[0].start, '0') || at(r->s, r->g[0].start + 1, '0') || has(r->s, r->g[0].start, "01 02 03 04 05")) return -1; /* these are examples of bytes */
	if (r->n > 4 && at(r->s, r->g[0].start + 1, '1') && has(r->s, r->g[1].start, "00") && (has(r->s, r->g[3].start, "00") || has(r->s, r->g[4].start, "00"))) return -1; /* and so are these; no French number begins so */
	*score = 600;
	int sep = shape(r, k, "22222");
	if ((r->n == 5 || (r->n == 6 && r->g[5].sep == SPACED && (at(r->s, r->g[5].end, 'j') || at(r->s, r->g[5].end, 'h')))) && (sep == DOTTED || (sep == SPACED && !dumped(r->s, r->g[0].start, r->g[4].end, 2)))) return 4;
	if (r->n == 2 && shape(r, k, "56") == SPACED && at(r->s, r->g[0].start + 1, '7')) return 1;
	return -1;
}

/* date_like reports whether the groups have the form of a date, of an IPv4
 * address or of Unix seconds or milliseconds. */
static int date_like(const numbers *r, int k, int e) {
	int start = r->g[k].start, century = has(r->s, start, "19") || has(r->s, start, "20");
	switch (len(r, k)) {
	case 4: return century && e > k && (len(r, k + 1) <= 2 || (e == k + 1 && len(r, e) == 4 && (has(r->s, r->g[e].start, "19") || has(r->s, r->g[e].start, "20")))); /* or years */
	case 10: case 13: return e == k && at(r->s, start, '1');
	case 8: return e == k && century && day_of(prefix(r->s, start + 4, 2), prefix(r->s, start + 6, 2));
	case 1: case 2: return e == k + 2 && len(r, k + 1) <= 2 && len(r, k + 2) == 4;
	}
	return e == k + 3 && r->g[k + 1].sep == DOTTED && len(r, k + 3) <= 3 && !(len(r, k) == 3 && at(r->s, start, '0')); /* 021.312.34.56 */
}

/* owned reports whether [a, e) is a word for somebody to whom something belongs. */
RARE int owned(const scan *s, int a, int e) {
	static const char *const owners[] = {"my", "mi", "mio", "meu", "mon", "min", "mitt", "mijn", "mein", "meine", "moj", "m\xc3\xb3j", "m\xc5\xafj", "\xd0\xbc\xd0\xbe\xd0\xb9", "\xd0\x9c\xd0\xbe\xd0\xb9", "\xd0\xbc\xd1\x96\xd0\xb9", "benim", "minun", "his", "her", "our", "your", "their"};
	spend(1500);
	for (unsigned k = 0; k < sizeof owners / sizeof owners[0]; k++) {
		int n = 0;
		while (owners[k][n]) n++;
		if (e - a == n && has_any_case(s, a, owners[k])) return 1;
	}
	return 0;
}

/* his reports whether the word for numbers that was last read says whose the number at start is ("my number is", "my German number", "my new number"). */
RARE int his(const scan *s, int start) {
	int e = s->seen[T_NUMBER];
	spend(100);
	if (e <= 0 || start - e > 12 || e < s->seen[T_OTHER]) return 0;
	spend(500);
	if (has(s, e, " saya")) return 1;
	e = run_start(s, e, LETTER | HIGH, 20);
	if (!at(s, e - 1, ' ')) return 0;
	int a = run_start(s, e - 1, LETTER | HIGH, 10), which = is(s, a, UPPER);
	if (owned(s, a, e - 1)) return 1;
	static const char *const kinds[] = {"new ", "work ", "home ", "office ", "personal ", "private ", "direct ", "other "};
	for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0] && !which; k++) which = s->t[a] == kinds[k][0] && has_any_case(s, a, kinds[k]);
	return which && at(s, a - 1, ' ') && owned(s, run_start(s, a - 1, LETTER, 6), a - 1);
}

/* of_somebody reports whether the number at start is said to be somebody's, and of nothing else: my number is, my number:, my number's. */
RARE int of_somebody(const scan *s, int start) {
	int e = s->seen[T_NUMBER];
	spend(60);
	if (e <= 0 || start - e > 6 || start - e < 2 || e < s->seen[T_OTHER]) return 0;
	spend(200);
	int said = has(s, e, " is: ") ? 5 : has(s, e, " is ") ? 4 : has(s, e, "'s ") ? 3 : has(s, e, ": ") ? 2 : 0;
	if (said != start - e) return 0;
	e = run_start(s, e, LETTER | HIGH, 20);
	return at(s, e - 1, ' ') && owned(s, run_start(s, e - 1, LETTER | HIGH, 10), e - 1);
}

/* contact_number reports whether the word for numbers follows one of reaching somebody. */
static inline int contact_number(scan *s, int start) {
	return near(s, T_NUMBER, start) && near(s, T_CALL, start) && (unsigned)(s->seen[T_NUMBER] - s->seen[T_CALL]) < 10;
}

/* initialled reports whether one of the letters that stand for telephones in signatures is before a number: "T: 030 …". */
static inline int initialled(const scan *s, int start) {
	int i = start - 1 - at(s, start - 1, '(');
	if (i < 2 || !at(s, i, ' ') || (!at(s, i - 1, ':') && !at(s, i - 1, '.'))) return 0;
	uint8_t c = s->t[i - 2];
	return (c == 'T' || c == 'M' || c == 'P' || c == 'F') && begins(s, i - 2, WORD | DOT | URLSAFE) && !is(s, i - 3, QUOTE);
}

/* called_in_line returns 1 if the word for telephones stands right before the number at start in a script that has no spaces, where it
 * is part of a line and no word by itself: …。電話番号は03-…, 我的电话号码是0571-…. */
RARE int called_in_line(const scan *s, int start) {
	static const char *const joints[] = {":", "\xe6\x98\xaf", "\xe4\xb8\xba", "\xe7\x82\xba", "\xe3\x81\xaf", "\xe3\x81\x8c"}; /* 是 为 為 は が */
	static const char *const numbers[] = {"\xe5\x8f\xb7\xe7\xa0\x81", "\xe8\x99\x9f\xe7\xa2\xbc", "\xe7\x95\xaa\xe5\x8f\xb7", "\xe5\x8f\xb7"}; /* 号码 號碼 番号 号 */
	static const char *const phones[] = {"\xe7\x94\xb5\xe8\xaf\x9d", "\xe9\x9b\xbb\xe8\xa9\xb1", "\xe6\x89\x8b\xe6\x9c\xba", "\xe6\x89\x8b\xe6\xa9\x9f", "\xe5\xba\xa7\xe6\x9c\xba", "\xe6\x90\xba\xe5\xb8\xaf"}; /* 电话 電話 手机 手機 座机 携帯 */
	int i = start - at(s, start - 1, ' '), n;
	if (i < 6 || !(s->t[i - 1 - at(s, i - 1, ':')] & 0x80)) return 0;
	spend(700);
	for (unsigned k = 0; k < sizeof joints / sizeof joints[0]; k++)
		if (has(s, i - (n = k ? 3 : 1), joints[k])) {
			i -= n + at(s, i - n - 1, ' ');
			break;
		}
	for (unsigned k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
		if (has(s, i - (n = k < 3 ? 6 : 3), numbers[k])) {
			i -= n;
			break;
		}
	for (unsigned k = 0; k < sizeof phones / sizeof phones[0]; k++)
		if (has(s, i - 6, phones[k])) return 1;
	return 0;
}

/* asked reports whether the number at start is where somebody asks to be reached: call me at …, reach us on … */
RARE int asked(const scan *s, int start) {
	static const char *const verbs[] = {"call", "reach", "ring", "phone", "text", "contact"}, *const whom[] = {" me", " us", " him", " her"};
	int e = start - 4;
	if (!has_any_case(s, e, " at ") && !has_any_case(s, e, " on ")) return 0;
	spend(800);
	for (unsigned w = 0; w < sizeof whom / sizeof whom[0]; w++) {
		int n = w < 2 ? 3 : 4;
		if (!has_any_case(s, e - n, whom[w])) continue;
		for (unsigned v = 0; v < sizeof verbs / sizeof verbs[0]; v++)
			if (has_any_case(s, e - n - (v == 5 ? 7 : v == 1 || v == 3 ? 5 : 4), verbs[v])) return 1;
	}
	return 0;
}

/* times reports whether groups k to e are hours and minutes: 10 00 12 30, 0900 1700. */
static int times(const numbers *r, int k, int e, const uint8_t *d) {
	if (e == k + 1 ? len(r, k) != 4 || len(r, e) != 4 : e != k + 3) return 0;
	for (int j = k; j <= e && e == k + 3; j++)
		if (len(r, j) != 2) return 0;
	return value(d, 2) <= value(d + 4, 2) && value(d + 4, 2) < 24 && value(d + 2, 2) < 60 && value(d + 6, 2) < 60 && value(d + 2, 2) % 5 == 0 && value(d + 6, 2) % 5 == 0;
}

/* in_thousands reports whether groups k to e are one number in groups of three, and not of somebody: 1 000 000. */
static int in_thousands(const numbers *r, int k, int e, int n) {
	for (int j = k + 1; j <= e; j++)
		if (len(r, j) != 3) return 0;
	return e > k && len(r, k) < 4 && (n < 9 || has(r->s, r->g[e].end - 3, "000"));
}

/* trunk reports whether digits are a Russian mobile number, or one that is free to call, as dialled within the country. */
static inline int trunk(const uint8_t *d, int n) { return n == 11 && d[0] == 8 && (d[1] == 9 || value(d + 1, 3) == 800); }

static int cyrillic(const scan *s, int e) { return e > 1 && (s->t[e - 2] == 0xd0 || s->t[e - 2] == 0xd1); }

/* russian reports whether the number at start is one to call in Russian: звоните 8 …, Мой номер 8 … */
RARE int russian(scan *s, int start) {
	int e = s->seen[T_CALL], n = s->seen[T_NUMBER];
	spend(300);
	if (near(s, T_CALL, start) && cyrillic(s, e)) {
		int a = run_start(s, e, LETTER | HIGH, 20);
		if ((has(s, a + 2, "\xd0\xb2\xd0\xbe\xd0\xbd\xd0\xb8") && e - a == 10) || (has(s, a + 2, "\xd0\xb2\xd0\xbe\xd0\xbd\xd0\xb8\xd1\x82\xd0\xb5") && e - a == 14)) return 1;
	}
	if (!near(s, T_NUMBER, start) || start - n > 2 || !cyrillic(s, n)) return 0;
	n = run_start(s, n, LETTER | HIGH, 20);
	return at(s, n - 1, ' ') && owned(s, run_start(s, n - 1, LETTER | HIGH, 10), n - 1);
}

/* a_limit reports whether ten digits are the largest number of 32 bits, or one more: a count of calls, more likely than a number to call. */
static inline int a_limit(const scan *s, int i) {
	return (has(s, i, "21474836") && (has(s, i + 8, "47") || has(s, i + 8, "48"))) || (has(s, i, "42949672") && (has(s, i + 8, "95") || has(s, i + 8, "96")));
}

enum { A_CONTACT = 1, IN_FIELD = 2 };

/* a_contact tells of the word for calls that was last read whether it is one for a contact, which is of persons and of much else, and whether
 * a colon and nothing else stand between it and the number at start: Contacto: 612 34 56 78. */
RARE int a_contact(const scan *s, int start) {
	static const char *const words[] = {"contact", "contato", "contatt", "kontakt", "recapito", "notfallk", "urgence", "telefoni", "kom\xc3\xb3rka"};
	int e = s->seen[T_CALL], i = start - at(s, start - 1, '('), known = 0;
	spend(300);
	if (e <= 0) return 0;
	int a = run_start(s, e, LETTER | HIGH, 20);
	for (unsigned k = 0; k < sizeof words / sizeof words[0]; k++) if (words[k][0] == (s->t[a] | 0x20)) known |= has_any_case(s, a, words[k]);
	return known ? A_CONTACT | (i - e <= 3 && at(s, i - 1, ' ') && at(s, i - 2, ':') && !at(s, e - 1, 's') ? IN_FIELD : 0) : 0;
}

/* in_a_field reports whether groups k to e, of n digits, are printed as a telephone number is and stand in the field of a contact; digits that are together in
 * one that English has not. */
RARE int in_a_field(const numbers *r, int k, int e, int n) {
	const scan *s = r->s;
	if (!(a_contact(s, r->g[k].start) & IN_FIELD) || (e == k && has_any_case(s, s->seen[T_CALL] - 7, "contact"))) return 0;
	return in_form(r, k, e, n) & (NINE_DIGITS | OF_BRAZIL | TEN_TOGETHER);
}

/* named_phone reads digits in any form beside a word that says what they are. A
 * verb ("call 4777848739") is believed only for a number that dials. */
static int named_phone(const numbers *r, int k, int *score) {
	int start = r->g[k].start;
	int initial = 0, named = 0, in_line = called_in_line(r->s, start);
	if (!in_line && (r->s->words_read >= start || unspoken(r->s, start)) && silent(r->s, start) && !(initial = initialled(r->s, start)) && !(named = k == 0 && r->spoken)) return -1; /* not to listen for what is too short */
	int n, e = extent(r, k, 15, &n);
	spend(400);
	if (n < MIN_DIGITS || date_like(r, k, e) || (n == 10 && e == k && a_limit(r->s, start))) return -1;
	int phone = in_line || (near(r->s, T_PHONE, start) && !id_since(r->s, T_PHONE)) || contact_number(r->s, start);
	int call = initial || (near(r->s, T_CALL, start) && !id_since(r->s, T_CALL) && !cyrillic(r->s, r->s->seen[T_CALL])), own = !phone && his(r->s, start);
	uint8_t d[MAX_DIGITS];
	if (!phone && !call && !own && !near(r->s, T_NUMBER, start) && !near(r->s, T_CALL, start) && !(k == 0 && r->spoken)) return -1;
	spend(400 + 150 * (e - k + 1));
	if (phone) return *score = 650, e;
	digits(r, k, e, d);
	if (trunk(d, n) && russian(r->s, start)) return *score = 550, e;
	named = k == 0 && r->spoken;
	if (!call && !own && !named) return -1;
	int dials = (n == 10 && (nanp(d) || as_printed(r, k))) || (n == 11 && d[0] == 1 && (nanp(d + 1) || d[1] >= 3)) || (d[0] == 0 && value(d, 2) + d[2] != 0 && (e > k ? n >= 9 : n == 10 || n == 11 || (n == 12 && d[1] == 1 && d[2] >= 5 && d[2] <= 7))) || /* 12 are of Germany */
		(own && e > k && n >= 8) || ((own || initial) && n == 9) || (call && n >= 7 && asked(r->s, start) && !times(r, k, e, d) && !in_thousands(r, k, e, n)) ||
		(call && n >= 9 && n <= 11 && d[0] > 0 && at(r->s, start - 2 - at(r->s, start - 1, '('), ':') && in_a_field(r, k, e, n)) || named;
	if (dials && call && !own && !named && e == k && !initial && !has_any_case(r->s, r->s->seen[T_CALL] - 7, "contact") && a_contact(r->s, start) == A_CONTACT) dials = 0; /* Kontakt …, Vorgang 2345678901 */
	if (call && d[0] != 0 && has_any_case(r->s, r->s->seen[T_CALL] - 3, "ruf")) dials = 0; /* a word for reputation, too */
	*score = 550;
	return dials ? e : -1;
}

/* extension returns the end of a telephone number that ends at i, with the extension behind it if there is one: x123, ext. 123,
 * Durchwahl 12, poste 12; #12 at the end of a line. */
static int extension(const scan *s, int i) {
	static const char *const words[] = {"extension", "ext.", "ext", "x", "#", "durchwahl", "poste", "toestel", "interno", "ramal", "anexo", "wew.", "klapka", "dahili",
		"\xd0\xb4\xd0\xbe\xd0\xb1.", "\xe5\x88\x86\xe6\x9c\xba", "\xe5\x86\x85\xe7\xba\xbf", "\xe5\x86\x85\xe7\xb7\x9a"}; /* доб. 分机 内线 内線 */
	int listed = at(s, i, ','), j = i + listed;
	j += at(s, j, ' ');
	if (!is(s, j, LETTER | HIGH) && !at(s, j, '#')) return i;
	spend(700);
	for (unsigned k = 0; k < sizeof words / sizeof words[0]; k++) {
		if (!has_any_case(s, j, words[k]) || (listed && k > 2) || at(s, j, 'X')) continue;
		for (int n = 0; words[k][n]; n++) j++;
		if (k != 4) j += at(s, j, ' ');
		int end = run_end(s, j, DIGIT, 7);
		return end == j || end > j + (k == 4 ? 4 : 6) || !number_ends(s, end) || (k == 4 && end < s->n && !at(s, end, '\n') && !at(s, end, '\r')) ? i : end;
	}
	return i;
}

/* local_part returns the end of what goes on at i behind a slash or a hyphen, with spaces or without, if it has four digits and
 * more, which it adds to n. Further parts may stand behind dots: 0470/12.34.56. */
RARE int local_part(const scan *s, int i, int limit, int *n) {
	spend(200);
	int from = i, total = *n;
	for (int parts = 0; parts < 4; parts++) {
		spend(200);
		int j = i + at(s, i, ' ');
		if (at(s, j, '/') || (j > i && at(s, j, '-'))) j++, j += at(s, j, ' ');
		else if (parts == 0) break;
		else if (j == i && (at(s, j, '-') || at(s, j, '.'))) j++;
		int e = run_end(s, j, DIGIT, 12);
		if (e < j + 2 || total + e - j > limit) break;
		total += e - j, i = e;
	}
	if (total - *n < 4 || !number_ends(s, i)) return from;
	*n = total;
	return i;
}

RARE int phone(numbers *r, int k) {
	spend(700);
	scan *s = r->s;
	int start = r->g[k].start, from = lead(s, start), score = 0, e;
	int split = r->next < 0 && is(s, r->g[r->n - 1].end, STD | SPACE), open = 0, n = 0;
	if (from < start && (at(s, from, '+') || at(s, start - 1, '+'))) {
		e = international(r, k, &score);
		if (e < k && split && r->n - k < LOOKAHEAD) e = r->n - 1, score = 800, open = 1; /* +43 664/1234567: too short without what is behind the slash */
	} else if ((e = north_american(r, k, &score)) < k && (e = national(r, k, &score)) < k) e = named_phone(r, k, &score);
	if (e < k) return k;
	int end = extension(s, r->g[e].end);
	if (end == r->g[e].end && e + 1 == r->n && split) {
		for (int j = k; j <= e; j++) n += len(r, j);
		end = local_part(s, end, 15, &n);
	}
	if (open && (end == r->g[e].end || n < 8)) return k;
	if (end == r->g[e].end && e > k && r->g[e].sep == SPACED && len(r, e) < 3 && is(s, end, LOWER)) { /* what follows is a word: 3e, 24h */
		int m = 0;
		for (int j = k; j < e; j++) m += len(r, j);
		if (m >= 8) e--, end = r->g[e].end;
	}
	if (end == r->g[e].end && !ends_at(r, e)) return k;
	if (at(s, from, '(')) { /* belongs to the number only if it closes there */
		int closes = 0;
		for (int j = k + 1; j <= e && !closes && r->g[j].sep != OPENED; j++) closes = r->g[j].sep == CLOSED;
		from += !closes || at(s, from + 1, '(');
	}
	return report(s, from, end, PHONE, score) ? e + 1 : k;
}

/* dialled reports whether the number at i, which goes on behind a slash, is one to call, although no word for telephones is before it: one with a zero
 * in front, or American. */
RARE int dialled(scan *s, int i, int end, int e, int n) {
	int sign, named, italian = n == 10 && end - i == 3 && s->t[i] == '3' && e == end + 8, american = n == 10 && end - i == 3 && s->t[i] > '1' && at(s, end + 4, '-') && e == end + 9;
	spend(300);
	if ((!american && !italian && (s->t[i] != '0' || n < 9)) || has(s, e - 3, "000")) return 0;
	if (!italian && near(s, T_CALL, i) && !id_since(s, T_CALL) && !cyrillic(s, s->seen[T_CALL]) && s->t[i + 1] != '0' && (i - s->seen[T_CALL] <= 2 || at(s, i - 2, ':') || asked(s, i) || has(s, i - 7, " unter "))) return 1;
	return initialled(s, i) || his(s, i) || ((named = name_before(s, i, &sign)) && short_name(s, named, sign) & (american ? WITH_AREA : italian ? TEN_TOGETHER : WITH_ZERO));
}

/* area_code reads a telephone number that goes on at end, behind a slash or a spaced hyphen: 030/1234567, +49/30/1234567, 0341 - 123456. What may be
 * a date or times (12/03 2024, 0900 - 1700) has a zero and two digits before it, and nine in all. */
RARE int area_code(scan *s, int i, int end) {
	spend(430);
	int plus = at(s, i - 1, '+'), n = end - i, e = local_part(s, end, 15, &n), local = end + 1 + 2 * at(s, end, ' ');
	if (e == end || n < MIN_DIGITS || !number_begins(s, i)) return 0;
	if (!plus && at(s, end, ' ') && (has(s, e - 3, "000") || s->t[i + 1] == '0')) return 0; /* 001 - 100000 */
	if (plus ? n < 8 : (at(s, end, ' ') || run_end(s, local, DIGIT, 3) < local + 3) && (s->t[i] != '0' || end < i + 3 || n < 9)) return 0;
	if (!plus && !near(s, T_PHONE, i) && !dialled(s, i, end, e, n)) return 0;
	return number_ends(s, e) && report(s, i - plus, e, PHONE, plus ? 800 : 650) ? e : 0;
}
