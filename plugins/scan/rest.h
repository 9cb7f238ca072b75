/* rest.h: what is masked of a text whose allowance is spent. Part of scan.h. */
#ifndef SCAN_REST_H
#define SCAN_REST_H

/* How far before a candidate what it makes a finding of may begin: behind a few words, or within what has no space before it, if
 * that is not longer than any value; and the lines of a key, each with so many bytes of base64 at least and so many others between, of
 * which an END line may still come. If those go back AFAR, too, they are not followed farther. A run in which a token may be has no bound. */
#define REACH_BACK 512
#define REACH_LINE 16
#define REACH_BETWEEN 128
#define AFAR 4096

/* reach_back returns where the earliest finding may begin that the candidate at i or one behind it may make. */
RARE int reach_back(const scan *s, int i) {
	int start = i - REACH_BACK, letters = 0, run = 0;
	while (start > max(s->last, i - AFAR) && !(class[s->t[start - 1]] & SPACE)) start--;
	start = min(start, back(s, i, s->last, &sets[set_number(ALNUM | URLSAFE | HIGH | DOT)], 0));
	int stop = max(s->last, start - AFAR);
	for (int k = start; k > stop && start - k <= REACH_BETWEEN + REACH_LINE; k--) {
		uint16_t c = class[s->t[k - 1]];
		if (!(c & BASE64)) run = letters = 0;
		else if (letters |= c & LETTER, ++run >= REACH_LINE && letters == LETTER) start = k;
	}
	return start > stop ? start : s->last;
}

/* mask_rest ends the pass when the allowance is spent: it masks all that findings might still take of the text. They come in
 * ascending order and begin where a candidate reaches back to, at the earliest: what is before that has been judged. */
RARE int mask_rest(scan *s) {
	int start = after_escape(s, reach_back(s, s->here));
	if (start < s->n) add(s, start, s->n, UNSEARCHED, MAX_SCORE);
	return s->n;
}

/* pay is what a candidate that is none is worth: it lets the pass go on, or ends it. */
static inline int pay(scan *s, int fuel) { return exhausted(fuel) ? mask_rest(s) : 0; }

#endif
