/* rest.h: what is masked of a text whose allowance is spent. Part of scan.h. */
#ifndef SCAN_REST_H
#define SCAN_REST_H

/* mask_rest ends the pass when the allowance is spent: it masks what is behind the last finding. Findings come in
 * ascending order: all that the pass would still make lie there, whatever they are. */
RARE int mask_rest(scan *s) {
	int start = after_escape(s, s->last);
	if (start < s->n) add(s, start, s->n, UNSEARCHED, MAX_SCORE);
	return s->n;
}

/* pay is what a candidate that is none is worth: it lets the pass go on, or ends it. */
static inline int pay(scan *s, int fuel) { return exhausted(fuel) ? mask_rest(s) : 0; }

#endif
