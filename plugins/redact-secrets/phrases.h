/* phrases.h: the words from which a wallet makes its keys (BIP 39). */
#ifndef SECRETS_PHRASES_H
#define SECRETS_PHRASES_H

#include "makeup.h"

enum { MIN_WORDS = 12, MAX_WORDS = 24 };

/* may_be_phrase reports whether the name before the operator at i ends like one of such a phrase. */
static inline int may_be_phrase(const scan *s, int i) {
	int end = i - is(s, i - 1, QUOTE);
	switch (s->t[end - 1] | 0x20) {
	case 'c': return has_any_case(s, end - 8, "mnemonic");
	case 'd': return has_any_case(s, end - 4, "seed");
	case 'e': return has_any_case(s, end - 6, "phrase");
	}
	return 0;
}

/* words_of reads the words at a, of which the operator at i says that they are such a phrase: 12, 15, 18, 21 or 24 of three to eight
 * small letters, none of which is among the first in any sentence and not in the list of BIP 39. It returns their end, or 0, also if there
 * are more words that could be of it. */
RARE int words_of(scan *s, int i, int a) {
	static const char *const none[] = {"the", "and", "for", "are", "was", "not", "has"};
	int end = a, n = 0;
	spend(300);
	for (int at_word = a; n <= MAX_WORDS; n++) {
		int e = run_end(s, at_word, LOWER, 9);
		spend(250);
		if (e - at_word < 3 || e - at_word > 8) break;
		for (unsigned k = 0; e - at_word == 3 && k < sizeof none / sizeof none[0]; k++)
			if (has(s, at_word, none[k])) return 0;
		end = e, at_word = e + 1;
		if (!at(s, e, ' ')) {
			n++;
			break;
		}
	}
	if (n < MIN_WORDS || n > MAX_WORDS || n % 3 || is(s, end, WORD) || at(s, end, '-') || (at(s, end, ' ') && is(s, end + 1, LETTER) && run_end(s, end + 1, LOWER, 9) - end < 10) || i < s->last) return 0;
	return report(s, a, end, SECRET, 650) ? end : 0;
}

#endif
