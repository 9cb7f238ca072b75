/* asked.h: short names, and phrases that ask for a call, before a number. They speak for what is printed as telephone numbers are.
 * Part of number.h. */

/* What a short name speaks for: a number that begins with a zero, one with an American area, any in groups of ten digits, ten together
 * or as Mexicans print them, a mobile of Indonesia, nine digits as in Spain, Portugal and Poland, a Brazilian mobile, and one with the prefix of an
 * international call. A phrase speaks for all of these. */
enum { WITH_ZERO = 1, WITH_AREA = 2, TEN_DIGITS = 4, TEN_TOGETHER = 8, WITH_08 = 16, NINE_DIGITS = 32, OF_BRAZIL = 64, ABROAD = 128, ASKED = 255 };

enum { PHRASE = -1 }; /* in place of the sign behind a name */

#define ENDING(a, b, c) ((uint32_t)(uint8_t)(a) << 16 | (uint32_t)(uint8_t)(b) << 8 | (uint8_t)(c))

/* zero_leads reports whether the phrase with the letters of end is of a language of whose countries' numbers all have a zero in front, so that others are
 * of articles: bei uns unter 4512345678. */
static inline int zero_leads(uint32_t end) { return end == ENDING('t', 'e', 'r') || end == ENDING(' ', 'o', 'p') || end == ENDING('b', 'e', 'l') || end == ENDING(' ', 'a', 'u') || end == ENDING('p', 0xe3, 0xa5); }

/* asks returns what the phrase that ends at e, before a number, and with the letters of end, speaks for if it asks to call or to write there. "at" and "on" alone do not,
 * nor does "no". */
RARE int asks(const scan *s, int e, uint32_t end) {
#define ASK(a, b, c, before) {ENDING(a, b, c), sizeof before + 2, before}
	static const struct {
		uint32_t end;
		uint8_t n;
		const char *before; /* the last three bytes */
	} phrases[] = {
		ASK(' ', 'a', 't', "text me"), ASK(' ', 'o', 'n', "text me"), ASK(' ', 'a', 't', "text us"), ASK(' ', 'o', 'n', "text us"), ASK(' ', 'a', 't', "message me"), ASK(' ', 'o', 'n', "message me"),
		ASK(' ', 'a', 't', "whatsapp me"), ASK(' ', 'o', 'n', "whatsapp me"), ASK('t', 'e', 'r', "mich un"), ASK('t', 'e', 'r', "mir un"), ASK('t', 'e', 'r', "uns un"), ASK(' ', 'o', 'p', "bel me"),
		ASK(' ', 'o', 'p', "mij bereiken"), ASK(' ', 'o', 'p', "ons bereiken"), ASK('b', 'e', 'l', ""), ASK(' ', 'a', 'u', "me joindre"), ASK(' ', 'a', 'u', "nous joindre"), ASK(' ', 'a', 'u', "appelez-moi"),
		ASK(' ', 'e', 'l', "contactarme en"), ASK(' ', 'a', 'l', "contactarme"), ASK(' ', 'a', 'l', "ll\xc3\xa1mame"), ASK(' ', 'a', 'l', "llamar"), ASK(' ', 'a', 'l', "llamarme"), ASK(' ', 'a', 'l', "ll\xc3\xa1menos"),
		ASK(' ', 'i', 'l', "chiamare"), ASK(' ', 'a', 'l', "chiamare"), ASK(' ', 'a', 'l', "chiamami"), ASK(' ', 'a', 'l', "contattare"), ASK(' ', 'a', 'l', "contattarmi"), ASK('e', 'r', 'o', "contattatemi al num"),
		ASK(' ', 'n', 'o', "me liga"), ASK('a', 'r', 'a', "ligue p"), ASK('a', 'r', 'a', "ligar p"), ASK('a', 'r', 'a', "liga p"), ASK('m', 'e', 'r', "zadzwo\xc5\x84 pod nu"), ASK('m', 'e', 'r', "dzwoni\xc4\x87 pod nu"),
		ASK(' ', 'n', 'r', "zadzwo\xc5\x84 pod"), ASK(' ', 'n', 'r', "dzwoni\xc4\x87 pod"), ASK('p', 0xe3, 0xa5, "mig "),
	};
#undef ASK
	spend(400);
	for (unsigned k = 0; k < sizeof phrases / sizeof phrases[0]; k++)
		if (phrases[k].end == end && has_any_case(s, e - phrases[k].n, phrases[k].before) && begins(s, e - phrases[k].n, WORD | URLSAFE)) return zero_leads(end) ? WITH_ZERO | ABROAD : ASKED;
	return 0;
}

/* ending returns the last three bytes before e, letters as small ones. */
static inline uint32_t ending(const scan *s, int e) { return e < 3 ? 0 : ENDING(s->t[e - 3], s->t[e - 2], s->t[e - 1]) | 0x202020; }

/* may_ask reports whether such a phrase may end at e, as far as a few bytes tell: most words there are others. */
static inline int may_ask(const scan *s, int e) {
	uint8_t a = e > 5 ? s->t[e - 4] : 0, b = e > 5 ? s->t[e - 5] : 0;
	switch (ending(s, e)) {
	case ENDING(' ', 'a', 't'): case ENDING(' ', 'o', 'n'): return ((a == 'e' && b == 'm') || (a == 's' && b == 'u')) && e > 7 && (s->t[e - 7] == 't' || s->t[e - 7] == 'e' || s->t[e - 7] == 'p'); /* not: call me at */
	case ENDING(' ', 'o', 'p'): return (a == 'e' && b == 'm') || (a == 'n' && b == 'e');
	case ENDING(' ', 'a', 'u'): return (a == 'e' && b == 'r') || (a == 'i' && b == 'o');
	case ENDING(' ', 'a', 'l'): return (a == 'e' && (b == 'm' || b == 'r')) || (a == 'r' && b == 'a') || (a == 'i' && b == 'm') || (a == 's' && b == 'o');
	case ENDING(' ', 'e', 'l'): return a == 'n' && b == 'e';
	case ENDING(' ', 'i', 'l'): return a == 'e' && b == 'r';
	case ENDING(' ', 'n', 'o'): return a == 'a' && b == 'g';
	case ENDING(' ', 'n', 'r'): return a == 'd' && b == 'o';
	case ENDING('t', 'e', 'r'): return a == 'n' && b == 'u';
	case ENDING('m', 'e', 'r'): return a == 'u' && has(s, e - 9, "pod n");
	case ENDING('e', 'r', 'o'): return a == 'm' && has(s, e - 9, "al n");
	case ENDING('a', 'r', 'a'): return a == 'p' && b == ' ';
	case ENDING('b', 'e', 'l'): return begins(s, e - 3, WORD | URLSAFE);
	case ENDING('p', 0xe3, 0xa5): return a == ' ' && b == 'g';
	}
	return 0;
}

/* alone reports whether the word at a begins a line, a field or the text: no word is before it. */
static inline int alone(const scan *s, int a) {
	a -= at(s, a - 1, ' ');
	return a == 0 || at(s, a - 1, '\n') || at(s, a - 1, ',') || at(s, a - 1, ';') || at(s, a - 1, '|');
}

/* a_field returns what the word [a, e), of a place, speaks for if it is the name of a field: Work: 0161 … */
RARE int a_field(const scan *s, int a, int e) { return (at(s, e, ':') || at(s, e + 1, ':')) && alone(s, a) ? WITH_ZERO | WITH_AREA : 0; }

/* short_name returns what the word that ends at e, before a number and a sign, or no more than a space, speaks for if it stands for a telephone in
 * signatures and forms. Without a sign it speaks for what has hardly another meaning. */
RARE int short_name(const scan *s, int e, int sign) {
	enum { PH = 'p' << 8 | 'h', HP = 'h' << 8 | 'p', WA = 'w' << 8 | 'a', MOB = 'm' << 16 | 'o' << 8 | 'b', CEL = 'c' << 16 | 'e' << 8 | 'l', GSM = 'g' << 16 | 's' << 8 | 'm', DDI = 'd' << 16 | 'd' << 8 | 'i',
		FON = 'f' << 16 | 'o' << 8 | 'n', TLM = 't' << 16 | 'l' << 8 | 'm', TFN = 't' << 16 | 'f' << 8 | 'n', KOM = 'k' << 16 | 'o' << 8 | 'm', WORK = 'w' << 24 | 'o' << 16 | 'r' << 8 | 'k', HOME = 'h' << 24 | 'o' << 16 | 'm' << 8 | 'e',
		FIXE = 'f' << 24 | 'i' << 16 | 'x' << 8 | 'e', CAPITAL_DT = 0xe4b074, DT = 0xe4b174 }; /* the last are Vietnamese, with a stroke */
	const uint32_t tel = 0xf7b8f7bc; /* Hebrew */
	if (sign == PHRASE) return asks(s, e, ending(s, e));
	spend(160);
	if (at(s, e - 2, 'n') && has_any_case(s, e - 11, "direct line") && !is(s, e - 12, LETTER)) return WITH_ZERO | WITH_AREA;
	if (at(s, e - 2, 'c') && has_any_case(s, e - 6, "office")) return a_field(s, e - 6, e);
	int a = e;
	uint32_t word = 0;
	while (a > e - 5 && is(s, a - 1, LETTER | HIGH)) a--;
	if (e - a < 2 || e - a > 4) return 0;
	for (int i = a; i < e; i++) word = word << 8 | s->t[i] | 0x20;
	if (word == tel) return sign && begins(s, a, WORD | DOT | URLSAFE) ? WITH_ZERO : 0;
	if (e - a == 4 && has_any_case(s, a, "free")) return has_any_case(s, a - 5, "toll") ? WITH_ZERO | WITH_AREA | TEN_DIGITS : 0;
	if (!begins(s, a, WORD | DOT | URLSAFE) || (!sign && !alone(s, a))) return 0;
	switch (word) {
	case PH: if (has(s, a, "pH") || (!sign && at(s, a + 1, 'H'))) return 0; /* pH: 7.35 */ /* fall through */
	case MOB: return sign ? WITH_ZERO | WITH_AREA | TEN_DIGITS : WITH_ZERO | TEN_TOGETHER;
	case CEL: return sign ? WITH_ZERO | WITH_AREA | TEN_TOGETHER : 0;
	case HP: case DDI: case FON: return sign ? WITH_ZERO : 0;
	case TFN: return WITH_ZERO;
	case TLM: case KOM: return sign ? NINE_DIGITS : 0;
	case WORK: case HOME: case FIXE: return a_field(s, a, e); /* the fields of a card, not: taux fixe, at work */
	case WA: return sign && (at(s, a, 'w') || (at(s, e, ':') && !at(s, a - 2, ','))) ? WITH_08 : 0; /* Seattle, WA. */
	case GSM: return sign || (at(s, e + 1, '0') && s->t[e + 2] >= '4' && s->t[e + 2] <= '7') ? WITH_ZERO : 0; /* GSM 0900 is no number */
	case CAPITAL_DT: case DT: return WITH_ZERO;
	}
	return 0;
}

/* name_before returns the end of the word that stands before the number at start, with a sign between or not, if it ends as such a name does, or a phrase:
 * "Ph: 98765 43210", "Mob. no. 0412 …", "gsm 0470 …", "GSM : (0470) …". Most numbers have none of these letters before them. */
static inline int name_before(const scan *s, int start, int *sign) {
	int e = start - 1 - at(s, start - 1, '(');
	if (e < 2 || s->t[e] != ' ') return 0;
	*sign = s->t[e - 1] == ':' || s->t[e - 1] == '.';
	e -= *sign;
	if (*sign) e -= at(s, e - 1, ' ') && at(s, e, ':');
	else if (may_ask(s, e)) return *sign = PHRASE, e;
	if ((s->t[e - 1] | 0x20) == 'o' && has_any_case(s, e - 3, " no")) e -= 3, *sign = 1;
	e -= at(s, e - 1, '.');
	if (e < 2) return 0;
	uint32_t c = (s->t[e - 2] << 8 | s->t[e - 1]) | 0x2020, before = e > 2 ? s->t[e - 3] | 0x20 : 0;
	switch (c) {
	case 'p' << 8 | 'h': case 'h' << 8 | 'p': case 'w' << 8 | 'a': return e;
	case 'o' << 8 | 'b': return before == 'm' ? e : 0;
	case 'e' << 8 | 'l': return before == 'c' ? e : 0;
	case 's' << 8 | 'm': return before == 'g' ? e : 0;
	case 'o' << 8 | 'n': return before == 'f' ? e : 0;
	case 'o' << 8 | 'm': return before == 'k' ? e : 0;
	case 'l' << 8 | 'm': case 'f' << 8 | 'n': return before == 't' ? e : 0;
	case 'r' << 8 | 'k': case 'm' << 8 | 'e': return before == 'o' ? e : 0;
	case 'x' << 8 | 'e': case 'c' << 8 | 'e': case 'n' << 8 | 'e': return before == 'i' ? e : 0;
	case 'd' << 8 | 'i': return before == 'd' ? e : 0;
	case 'e' << 8 | 'e': return before == 'r' ? e : 0;
	case 0xb0 << 8 | 't': case 0xb1 << 8 | 't': return before == 0xe4 ? e : 0;
	case 0xf7 << 8 | 0xbc: return before == 0xb8 ? e : 0;
	}
	return 0;
}

static inline int short_named(const scan *s, int start) {
	int sign, e = name_before(s, start, &sign);
	return e ? short_name(s, e, sign) : 0;
}

/* in_form returns what a short name has to speak for before groups k to e, of n digits: they are printed as telephone numbers are, none of
 * them round, nor each with a zero before it. */
static int in_form(const numbers *r, int k, int e, int n) {
	const uint8_t *first = r->s->t + r->g[k].start;
	int zeros = 0;
	if (n < 9 || e > k + 5 || has(r->s, r->g[e].end - 3, "000")) return 0;
	for (int j = k; j <= e; j++) {
		if (j > k && ((len(r, j) < 2 && (j != k + 1 || (n != 11 && (first[0] != '0' || first[1] != '0')))) || r->g[j].sep == DOTTED)) return 0;
		zeros += at(r->s, r->g[j].start, '0');
	}
	if (first[0] == '0' && first[1] == '0' && first[2] > '0') return n > 10 && len(r, k) != 2 ? ABROAD : 0;
	if (n > 12 || (e > k + 4)) return 0;
	if (first[0] == '0') return (len(r, k) == 1 || first[1] != '0') && (e > k ? zeros <= e - k : n == 10 || n == 11 || (n == 12 && (first[1] == '8' || (first[1] == '1' && first[2] >= '5' && first[2] <= '7')))) ? WITH_ZERO | (first[1] == '8' ? WITH_08 : 0) : 0;
	if (n == 9) return first[0] > '1' && (e == k || (e == k + 2 && len(r, k) == 3 && len(r, k + 1) == 3) || (e == k + 3 && len(r, e) == 2 && len(r, k) + len(r, k + 1) == 5)) ? NINE_DIGITS : 0;
	if (n == 11) return len(r, k) == 2 && e >= k + 2 && e <= k + 3 && len(r, e) == 4 && len(r, e - 1) + (e - k == 3) * len(r, k + 1) == 5 && at(r->s, r->g[k + 1].start, '9') ? OF_BRAZIL : 0;
	if (n != 10 || (first[0] == '1' && !has(r->s, r->g[k].start, "1800") && !has(r->s, r->g[k].start, "1300"))) return 0;
	if (e == k) return TEN_DIGITS | TEN_TOGETHER;
	if ((e == k + 2 && len(r, k) == 2 && len(r, k + 1) == 4) || (e == k + 1 && len(r, k) == 3 && first[0] == '3')) return TEN_TOGETHER; /* the second is of Italy */
	return (e == k + 1 && len(r, k) == 5) || (e == k + 2 && len(r, k) >= 3 && len(r, k + 1) == 3 && len(r, e) >= 3) ? TEN_DIGITS : 0;
}
