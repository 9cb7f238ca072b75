/* opaque.h: ids in which nothing is found. */
#ifndef SECRETS_OPAQUE_H
#define SECRETS_OPAQUE_H

#include "../scan/ids.h"
#include "heads.h"

/* may_have_head reports whether an id is long enough for a token by its words (headed), and one of those before the first digit
 * names a kind of secret. */
static inline int may_have_head(const uint8_t *t, uint32_t n, const id_bytes *id) {
	uint64_t letters = id->lower | id->upper, before = (id->digit & -id->digit) - 1;
	if (n < MIN_TAIL + 3) return 0;
	for (int part = 0, length; before >> part & 1; part += length + 1) {
		length = __builtin_ctzll(~(letters >> part));
		if (length == 0) return 0;
		if ((uint32_t)word_topics(word_at(t + part, length)) & NAMES_HEAD) return 1;
	}
	return 0;
}

/* opaque reports whether a text, whose key does not speak for it, is an id in which nothing is found, whatever the thresholds are. No
 * name or operator stands before a value in it, and
 *
 *   - no rule has a token begin like it, or like what stands behind one of its hyphens;
 *   - no words before its first digit say what it is;
 *   - it has no shape: of those that nothing has to follow, only Mailchimp's is that short. */
RARE int opaque(const uint8_t *t, uint32_t n) {
	id_bytes id;
	if (!read_id(t, n, &id) || rule_begins(t) || id.hyphen >> 32 & 1) return 0;
	for (uint64_t h = id.hyphen; h; h &= h - 1)
		if (rule_begins(t + __builtin_ctzll(h) + 1)) return 0;
	return !may_have_head(t, n, &id);
}

#endif
