/* words.h: what the words before a candidate say about it.
 *
 * A redactor defines VOCABULARY, a list of {topic, "words of it in small letters"}.
 * Words are runs of letters; an upper case letter after a lower case one begins
 * a new word ("phoneNumber"). Eight bytes of a word count: longer ones are known
 * by their beginning.
 */
#ifndef SCAN_WORDS_H
#define SCAN_WORDS_H

#include "scan.h"

#define REACH 64 /* how far before a candidate, in bytes, a word still speaks for it */
#define NEVER (-(1 << 30))

typedef struct {
	uint8_t topic;
	const char *words;
} topic_words;

#define SLOT_BITS 11
/* An open hash table, some three times as large as what is in it; the entries
 * behind the last slot stay free, so that probing needs no wrap. */
static struct {
	uint64_t word;
	uint64_t topics; /* a bit for each */
} slots[(1 << SLOT_BITS) + 64];

static inline uint32_t word_slot(uint64_t word) { return (uint32_t)(word * 0x9e3779b97f4a7c15u >> (64 - SLOT_BITS)); }

static uint64_t word_topics(uint64_t word) {
	uint32_t h = word_slot(word);
	while (slots[h].word && slots[h].word != word) h++;
	return slots[h].word ? slots[h].topics : 0;
}

static void learn(const topic_words *v, int n) {
	for (int i = 0; i < (int)(sizeof slots / sizeof slots[0]); i++) slots[i].word = slots[i].topics = 0;
	for (int i = 0; i < n; i++) {
		uint64_t word = 0;
		int letters = 0;
		for (const char *c = v[i].words;; c++) {
			if (*c != ' ' && *c) {
				if (letters++ < 8) word = word << 8 | (uint8_t)*c;
				continue;
			}
			if (word) {
				uint32_t h = word_slot(word);
				while (slots[h].word && slots[h].word != word) h++;
				slots[h].word = word;
				slots[h].topics |= 1ull << v[i].topic;
			}
			word = 0, letters = 0;
			if (!*c) break;
		}
	}
}

static void note(scan *s, uint64_t topics, int end) {
	for (; topics; topics &= topics - 1) s->seen[__builtin_ctzll(topics)] = end;
}

/* read_words notes the topics of the words in t[from:to], at their ends or, for
 * a key, right before the text. A word that began before from is passed over. */
static void read_words(scan *s, const uint8_t *t, int from, int to, int key) {
	const int letters = LETTER | HIGH;
	if (from > 0)
		while (from < to && class[t[from - 1]] & letters && class[t[from]] & letters) from++;
	uint64_t word = 0;
	int n = 0, before = 0;
	for (int i = from; i <= to; i++) {
		int m = i < to ? class[t[i]] : 0;
		if (!(m & letters) || (m & UPPER && before & LOWER)) {
			if (n > 1) note(s, word_topics(word), key ? 0 : i);
			word = 0, n = 0;
		}
		before = m;
		if (m & letters && n++ < 8) word = word << 8 | (m & UPPER ? t[i] | 0x20 : t[i]);
	}
}

/* hear reads the words before offset to, each byte of a text at most once, and
 * only when a candidate asks: plain text costs nothing, dense candidates stay
 * linear. */
static void hear(scan *s, int to) {
	if (s->words_read < 0) {
		for (int i = 0; i < MAX_TOPICS; i++) s->seen[i] = NEVER;
		int n = (int)s->field->key_len, from = max(0, n - REACH);
		read_words(s, s->field->key + from, 0, n - from, 1);
		s->words_read = 0;
	}
	if (to <= s->words_read) return;
	read_words(s, s->t, max(s->words_read, to - REACH), to, 0);
	s->words_read = to;
}

/* named returns where a topic was last named before offset to, or NEVER. */
static int named(scan *s, int topic, int to) {
	hear(s, to);
	return to - s->seen[topic] <= REACH ? s->seen[topic] : NEVER;
}

#endif
