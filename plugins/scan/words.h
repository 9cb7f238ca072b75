/* words.h: a vocabulary, in which each word speaks for topics.
 *
 * A redactor defines VOCABULARY, a list of {topic, "words of it in small letters"}.
 * Words are runs of letters; an upper case letter after a lower case one begins
 * a new word ("phoneNumber"). Eight bytes of a word count: longer ones are known
 * by their beginning.
 */
#ifndef SCAN_WORDS_H
#define SCAN_WORDS_H

#include "scan.h"

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

#endif
