/* words.h: a vocabulary, in which each word speaks for topics.
 *
 * A redactor defines VOCABULARY, a list of {topic, "words of it in small letters"}.
 * Words are runs of letters; an upper case letter after a lower case one begins
 * a new word ("phoneNumber"). Eight bytes of a word count, as they lie in memory:
 * longer ones are known by their beginning.
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

/* Most words are not in it, which a small table says for most of these: a mark for each hash. */
#define MARK_BITS 13
static uint8_t word_marks[1 << (MARK_BITS - 3)];

static inline uint32_t word_slot(uint64_t word) { return (uint32_t)(word * 0x9e3779b97f4a7c15u >> (64 - SLOT_BITS)); }

static inline uint32_t word_mark(uint64_t word) { return (uint32_t)(word * 0x9e3779b97f4a7c15u >> (64 - MARK_BITS)); }

static inline uint64_t word_topics(uint64_t word) {
	uint32_t m = word_mark(word), h = m >> (MARK_BITS - SLOT_BITS);
	if (!(word_marks[m >> 3] >> (m & 7) & 1)) return 0;
	while (slots[h].word && slots[h].word != word) h++;
	return slots[h].word ? slots[h].topics : 0;
}

static void learn(const topic_words *v, int n) {
	for (int i = 0; i < (int)(sizeof slots / sizeof slots[0]); i++) slots[i].word = slots[i].topics = 0;
	for (int i = 0; i < (int)sizeof word_marks; i++) word_marks[i] = 0;
	for (int i = 0; i < n; i++) {
		uint64_t word = 0;
		int letters = 0;
		for (const char *c = v[i].words;; c++) {
			if (*c != ' ' && *c) {
				if (letters < 8) word |= (uint64_t)(uint8_t)*c << 8 * letters++;
				continue;
			}
			if (word) {
				uint32_t h = word_slot(word);
				while (slots[h].word && slots[h].word != word) h++;
				slots[h].word = word;
				word_marks[word_mark(word) >> 3] |= (uint8_t)(1 << (word_mark(word) & 7));
				slots[h].topics |= 1ull << v[i].topic;
			}
			word = 0, letters = 0;
			if (!*c) break;
		}
	}
}

/* small returns the eight bytes at p with capitals as small letters. */
static inline uint64_t small(const uint8_t *p) {
	v128_t v = wasm_v128_load64_zero(p);
	return (uint64_t)wasm_i64x2_extract_lane(wasm_v128_or(v, wasm_v128_and(between(v, 'A', 'Z'), wasm_u8x16_splat(0x20))), 0);
}

/* word_at returns the word of n letters at p. */
static inline uint64_t word_at(const uint8_t *p, int n) { return n < 8 ? small(p) & ((1ull << 8 * n) - 1) : small(p); }

/* Words of at most 64 bytes, in which a bit stands for each. */
typedef struct {
	uint64_t letters, upper, lower;
	uint64_t starts; /* of words */
} words;

static words letters_of(const uint8_t *p, int n) {
	words w = {0};
	for (int k = 0; k < n; k += 16) {
		v128_t v = wasm_v128_load(p + k);
		uint64_t upper = wasm_i8x16_bitmask(between(v, 'A', 'Z')), lower = wasm_i8x16_bitmask(between(v, 'a', 'z')), high = wasm_i8x16_bitmask(v);
		w.upper |= upper << k, w.lower |= lower << k, w.letters |= (upper | lower | high) << k;
	}
	uint64_t all = n < 64 ? (1ull << n) - 1 : ~0ull;
	w.letters &= all, w.upper &= all, w.lower &= all;
	return w;
}

/* last_word takes the last word, and returns its start and end. */
static inline int last_word(words *w, int *end) {
	int a = 63 - __builtin_clzll(w->starts);
	uint64_t stops = a < 63 ? ~w->letters >> (a + 1) : 0;
	w->starts &= ~(1ull << a), w->letters &= ~(1ull << a); /* a word ends where the next one starts */
	*end = stops ? a + 1 + __builtin_ctzll(stops) : 64;
	return a;
}

/* next_word takes the first word, and returns its start and end. */
static inline int next_word(words *w, int *end) {
	int a = __builtin_ctzll(w->starts);
	w->starts &= w->starts - 1;
	uint64_t on = w->letters & ~w->starts; /* a word ends where the next one starts */
	uint64_t stops = a < 63 ? ~on >> (a + 1) : 0;
	*end = stops ? a + 1 + __builtin_ctzll(stops) : 64;
	return a;
}

#endif
