/* opaque.h: ids in which nothing is found. */
#ifndef PII_OPAQUE_H
#define PII_OPAQUE_H

#include "../scan/ids.h"
#include "wallet.h"

#define UUID_HYPHENS (1ull << 8 | 1ull << 13 | 1ull << 18 | 1ull << 23)

/* behind marks what stands behind the runs of a set that begin at one of the starts: it is carried there. */
static inline uint64_t behind(uint64_t set, uint64_t starts) { return (set + (set & starts)) & ~set; }

/* may_be_wallet reports whether a word of an id has the length of an address of a crypto currency, and may be one. Of up to 32
 * bytes have those of which the first digit is a one, as the first byte or behind a prefix, and those that begin with 'r'. */
static inline int may_be_wallet(const uint8_t *t, uint64_t word, uint64_t starts, uint64_t digit) {
	const int middle = MAX_ID / 2; /* is in the word, if any is that long */
	if (!(word >> middle & 1)) return 0;
	int a = 63 - __builtin_clzll(starts & ((2ull << middle) - 1)), n = __builtin_ctzll(~(word >> a));
	if (n < MIN_WALLET) return 0;
	uint64_t digits = digit >> a;
	return n > 32 || t[a] == 'r' || !digits || t[a + __builtin_ctzll(digits)] == '1';
}

/* opaque reports whether a text is an id in which nothing is found, whatever its key and the thresholds say. A token can
 * begin at its beginning alone, and a secret of AWS is longer. Besides,
 *
 *   - no rule has a token begin like it;
 *   - behind the digits and capitals that a word of it begins with comes a small letter. Numbers, dates and codes of
 *     capitals begin where a word does, and end where no letter goes on. In a UUID in small letters the groups in the middle
 *     may be digits: no number begins behind a word and a hyphen, or ends before a hyphen and a word;
 *   - this letter is no 'x', which stands before extensions, and for a check digit of ten;
 *   - no word begins with the two small letters of a country and two digits, as account numbers do;
 *   - no two hyphens have two bytes between them, as in hardware addresses;
 *   - no name of a month, in small letters, is right between one or two digits and others;
 *   - no word may be an address of a crypto currency;
 *   - it is not as short as a Spanish id in small letters, with as many digits. */
RARE int opaque(const uint8_t *t, uint32_t n) {
	id_bytes id;
	if (!read_id(t, n, &id) || rule_begins(t)) return 0;
	uint64_t word = id.lower | id.upper | id.digit, starts = word & ~(word << 1);
	uint64_t next = behind(id.upper | id.digit, starts), may_follow = id.lower;
	if (!id.upper && id.hyphen == UUID_HYPHENS) may_follow |= id.hyphen & (id.hyphen - 1); /* but for the first */
	if (n <= 11 && id.digit & id.digit >> 1 & id.digit >> 2 & id.digit >> 3 & id.digit >> 4 & id.digit >> 5 & id.digit >> 6) return 0;
	if (next & ~may_follow || id.hyphen & id.hyphen >> 3) return 0;
	for (; next; next &= next - 1)
		if (t[__builtin_ctzll(next)] == 'x') return 0;
	for (uint64_t account = starts & id.lower & id.lower >> 1 & id.digit >> 2 & id.digit >> 3; account; account &= account - 1)
		if (account_length(t + __builtin_ctzll(account))) return 0;
	uint64_t joined = id.digit & id.lower >> 1 & id.lower >> 2 & id.lower >> 3 & id.digit >> 4; /* 4mar85, 04mar1980 */
	for (joined &= starts | (starts & id.digit) << 1; joined; joined &= joined - 1) {
		const uint8_t *p = t + __builtin_ctzll(joined);
		if (word_topics(word_at(p + 1, 3)) >> T_MONTH & 1) return 0;
	}
	return !may_be_wallet(t, word, starts, id.digit);
}

#endif
