/* cards.h: numbers of payment cards. Part of number.h. */

/* luhn checks the check digit of ISO/IEC 7812-1 annex B. */
static int luhn(const uint8_t *d, int n) {
	int sum = 0;
	for (int i = 0; i < n; i++) {
		int v = d[i];
		if ((n - i) % 2 == 0 && (v *= 2) > 9) v -= 9;
		sum += v;
	}
	return sum % 10 == 0;
}

/* issuer says whether an issuer uses the range for numbers of this length (1),
 * and for hardly anything else (2). */
static int issuer(const uint8_t *d, int n) {
	int p = value(d, 4);
	if (p / 1000 == 4) return n == 16 ? 2 : n == 13 || n == 19;                                             /* Visa */
	if ((p / 100 >= 51 && p / 100 <= 55) || (p >= 2221 && p <= 2720)) return n == 16 ? 2 : 0;               /* Mastercard */
	if (p / 100 == 34 || p / 100 == 37) return n == 15 ? 2 : 0;                                             /* American Express */
	if (p == 6011 || p / 100 == 65 || (p / 10 >= 644 && p / 10 <= 649)) return n == 16 ? 2 : n >= 16;       /* Discover */
	if (p / 100 == 35) return n == 16 && p >= 3528 && p <= 3589 ? 2 : n >= 16;                              /* JCB */
	if (p == 1800 || p == 2131) return n == 15;                                                             /* JCB, old numbers */
	if ((p / 10 >= 300 && p / 10 <= 305) || p / 10 == 309 || p / 100 == 36 || p / 100 == 38 || p / 100 == 39) return n == 14 || n == 16; /* Diners Club */
	if (p / 100 == 62) return n == 16 ? 2 : n >= 16;                                                        /* UnionPay */
	if (p >= 2200 && p <= 2204) return n == 16 ? 2 : n >= 16;                                               /* Mir */
	return p / 100 == 50 || (p / 100 >= 56 && p / 100 <= 69);                                               /* Maestro */
}

/* dated reports whether group k is the last of its run, and what goes on behind it is what is noted behind the
 * number of a card: 4111…/12, 4111…:12/27. */
static int dated(const numbers *r, int k) {
	int end = r->g[k].end;
	return k + 1 == r->n && r->next < 0 && (at(r->s, end, '/') || at(r->s, end, ':'));
}

/* card_of reads groups k to e as a card number, and returns the group behind them, or k. */
RARE int card_of(numbers *r, int k, int e) {
	uint8_t d[MAX_DIGITS];
	if (!ends_at(r, e) && !dated(r, e)) return k;
	spend(1150);
	int n = digits(r, k, e, d);
	if (n < MIN_CARD || n > 19) return k;
	int known = issuer(d, n), score = e > k ? 950 : known == 2 ? 850 : 350;
	if (!known || !luhn(d, n)) return k;
	int start = r->g[k].start;
	if (e > k && len(r, k + 1) == 4 && r->g[e].sep == SPACED && !near(r->s, T_CARD, start) && dumped(r->s, start, r->g[e].end, 4)) return k;
	if (e > k && r->g[e].sep == DOTTED && at(r->s, start - 1, '.') && !is(r->s, start - 2, WORD | DOT)) return k; /* weights of collation: [.4180.0024.0002.6613] */
	if (score < 900 && near(r->s, T_CARD, start)) score = 900;
	if (score < 500 && n == 16 && start == 0 && r->g[e].end == r->s->n) score = 550; /* the whole text */
	return report(r->s, start, r->g[e].end, CARD, score) ? e + 1 : k;
}

/* card reads a payment card number (ISO/IEC 7812): a known issuer range with a
 * length that issuer uses, a valid check digit, and digits written together or in
 * the groups that are printed on cards. One number in ten passes the check, so
 * ranges that are wide, or lengths that ids and times have too, need a word or
 * groups. */
RARE int card(numbers *r, int k) {
	int e = -1, n = len(r, k);
	spend(150);
	if (n >= MIN_CARD && n <= 19) e = k;
	if (n == 4 && k + 2 < r->n) { /* 4444 4444 4444 4444 444, 4444 666666 55555 and the like */
		int sep = r->g[k + 1].sep, second = len(r, k + 1), third = len(r, k + 2);
		if ((sep != SPACED && sep != DASHED && sep != DOTTED) || r->g[k + 2].sep != sep) return k;
		if (second == 6 && (third == 5 || third == 4)) e = k + 2;
		if (second == 4 && third == 4 && k + 3 < r->n && r->g[k + 3].sep == sep) {
			int fourth = len(r, k + 3);
			if (fourth == 4 || fourth == 1) e = k + 3;
			if (fourth == 4 && k + 4 < r->n && len(r, k + 4) == 3 && r->g[k + 4].sep == sep) e = k + 4;
		}
	}
	int found = e < k ? k : card_of(r, k, e);
	return found > k || e < k + 4 ? found : card_of(r, k, k + 3); /* the last three may be the code on its back */
}

/* spread_card reads the number of a card in groups of four, of which the digits [i, end) are the first, that are set apart by more than a space or a hyphen, always
 * the same: two spaces, " - ", a slash. It returns the end, or 0. Tables have such rows, so a card must have been named. */
RARE int spread_card(scan *s, int i, int end) {
	int gap = 0, e = end, n = 0;
	uint8_t d[16];
	spend(150);
	while (gap < 6 && (at(s, end + gap, ' ') || at(s, end + gap, '-') || at(s, end + gap, '/') || at(s, end + gap, '.') || is(s, end + gap, HIGH))) gap++;
	if (gap == 6 || !number_begins(s, i) || !near(s, T_CARD, i)) return 0;
	for (int k = i;; k = e + gap, e = k + 4) {
		spend(150);
		if (run_end(s, k, DIGIT, 5) != k + 4) return 0;
		for (int b = 0; b < 4; b++) d[n++] = s->t[k + b] - '0';
		if (n == 16) break;
		for (int b = 0; b < gap; b++)
			if (s->t[e + b] != s->t[end + b]) return 0;
	}
	if (issuer(d, 16) != 2 || !luhn(d, 16) || !number_ends(s, e) || (at(s, e, (char)s->t[end]) && is(s, e + gap, DIGIT))) return 0;
	return report(s, i, e, CARD, 900) ? e : 0;
}
