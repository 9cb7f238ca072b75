/* hosts.h: IPv4 addresses, as numbers and in the names of machines. Part of number.h. */

static int octet(const scan *s, int start, int end) {
	int n = end - start;
	return n >= 1 && n <= 3 && (n == 1 || s->t[start] != '0') && prefix(s, start, n) <= 255;
}

/* arc reports whether a dotted quad is the id of an attribute or extension of a certificate, right behind a word for these (X509v3 extension 2.5.29.17),
 * or numbers a heading: at the beginning of a line, each below thirty, with a full stop behind it and a capital. */
static int arc(const scan *s, int start, int end) {
	int certificate = has(s, start, "2.5."), heading = end - start <= 9 && at(s, end, '.') && at(s, end + 1, ' ') && is(s, end + 2, UPPER) && (start == 0 || at(s, start - 1, '\n'));
	if (!certificate && !heading) return 0;
	spend(300);
	if (certificate && (has_any_case(s, start - 10, "extension ") || has_any_case(s, start - 10, "attribute ") || has_any_case(s, start - 4, "oid ") || has_any_case(s, start - 5, "oid: "))) return 1;
	if (!heading || has(s, start, "10.")) return 0; /* nor do headings count from zero */
	for (int k = start, n = 0; k <= end; k++, n++) {
		if (is(s, k, DIGIT)) continue;
		if (n > 2 || at(s, k - n, '0') || (n == 2 && s->t[k - 2] > '2')) return 0;
		n = -1;
	}
	return 1;
}

/* ipv4 reads a dotted quad. A port or prefix length may follow; a fifth number
 * may not. Four numbers below ten without a word that names an address are more
 * often a version or a section. */
RARE int ipv4(numbers *r, int k) {
	scan *s = r->s;
	if (k + 3 >= r->n) return k;
	spend(500);
	for (int j = k; j < k + 4; j++)
		if ((j > k && r->g[j].sep != DOTTED) || !octet(s, r->g[j].start, r->g[j].end)) return k;
	if (k + 4 < r->n && r->g[k + 4].sep != SPACED) return k;
	int start = r->g[k].start, end = r->g[k + 3].end;
	if (is(s, end, WORD) || ((at(s, end, '.') || at(s, end, '-')) && is(s, end + 1, WORD))) return k;
	int first = prefix(s, start, len(r, k)), score = 800;
	if (first == 0 || first == 127 || first == 255) score = 200; /* names no machine */
	else if (!near(s, T_IP, start) && (end - start == 7 || near(s, T_OTHER, start) || s->seen[T_OTHER] == 0 || versioned(s, start) || arc(s, start, end))) score = 300;
	return report(s, start, end, IP, score) ? k + 4 : k;
}

/* machine reads the address in the name that AWS gives to a machine: ip-10-2-3-4, ec2-203-0-113-7.compute-1.amazonaws.com. Four
 * digits alone are more often a number in some other list. It returns the end, or 0. */
RARE int machine(const numbers *r) {
	scan *s = r->s;
	int start = r->g[0].start, end = r->g[3].end, a = start - 3;
	spend(300);
	if (has(s, a, "c2-")) a--;
	if (!has(s, a, a < start - 3 ? "ec2-" : "ip-") || !begins(s, a, WORD | URLSAFE | DOT)) return 0;
	for (int j = 0; j < 4; j++)
		if ((j > 0 && r->g[j].sep != DASHED) || !octet(s, r->g[j].start, r->g[j].end)) return 0;
	if ((r->n > 4 && r->g[4].sep != SPACED) || is(s, end, WORD) || (at(s, end, '-') && is(s, end + 1, WORD)) || at(s, start, '0')) return 0;
	if (end - start == 7) return 0;
	return report(s, start, end, IP, 700) ? end : 0;
}
