/* names.h: what stands before a value, and what its words say. */
#ifndef SECRETS_NAMES_H
#define SECRETS_NAMES_H

#include "rules.h"
#include "words.h"

#define MAX_NAME 64

/* What name_of takes, and a word of a short name. These are spent by who asks, whether the name is known from
 * before or not: that depends on other texts. */
#define NAMING 1100
#define NAMING_WORD 200
#define UNNAMING 300 /* what wordless takes */

/* A name is what stands before a value, and what its words say. */
typedef struct {
	uint32_t any, last; /* bit sets of topics; last: of the last word */
	int bound;          /* an operator binds the value to the name: =, :, a closing tag or a comma */
	int start;
	int words; /* of a short name */
} value_name;

static struct {
	uint64_t word, mask; /* as the last bytes of eight */
	uint32_t topics;
} endings[9];

static void prepare_endings(void) {
	static const struct {
		const char *word;
		uint8_t topic;
	} ends[] = {{"password", W_PASS}, {"passwd", W_PASS}, {"pwd", W_PASS}, {"pswd", W_PASS}, {"passwrd", W_PASS}, {"secret", W_SECRET}, {"token", W_SECRET}, {"apikey", W_SECRET}, {"key", W_KEY}};
	for (unsigned k = 0; k < sizeof endings / sizeof endings[0]; k++) {
		endings[k].word = endings[k].mask = 0, endings[k].topics = 1u << ends[k].topic;
		for (const char *c = ends[k].word; *c; c++) endings[k].word = endings[k].word >> 8 | (uint64_t)(uint8_t)*c << 56, endings[k].mask = endings[k].mask >> 8 | 0xffull << 56;
	}
}

/* ending returns the topics of what the word of n letters before end ends with:
 * "pgpassword", "authtoken". */
static uint32_t ending(const uint8_t *end, int n) {
	uint8_t last = end[-1] | 0x20;
	if (last != 'd' && last != 't' && last != 'n' && last != 'y') return 0;
	uint64_t tail = small(end - 8);
	if (n < 8) tail &= ~0ull << (64 - 8 * n);
	for (unsigned k = 0; k < sizeof endings / sizeof endings[0]; k++)
		if ((tail & endings[k].mask) == endings[k].word) return endings[k].topics;
	return 0;
}

/* only_x has a bit for each X of at most 64 bytes. */
static uint64_t only_x(const uint8_t *p, int n) {
	uint64_t x = 0;
	for (int k = 0; k < n; k += 16) x |= (uint64_t)wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_or(wasm_v128_load(p + k), wasm_u8x16_splat(0x20)), wasm_u8x16_splat('x'))) << k;
	return x;
}

/* spelled reports whether the word of n letters at i is the one that its first eight stand for in the vocabulary, of those that other words begin
 * like: functionkey, connectionstring (each in two words or one), personalaccesstoken, webhooksecret. */
RARE int spelled(const scan *s, int i, int n) {
	uint8_t behind = s->t[i + 8] | 0x20;
	if (has_any_case(s, i, "function")) return has_any_case(s, i + 8 + (is(s, i + 8, URLSAFE | SPACE) != 0), "key");
	if (has_any_case(s, i, "webhooks")) return n > 8 && behind == 'e';
	if (has_any_case(s, i, "personal")) return n > 9 ? behind == 'a' && (s->t[i + 9] | 0x20) == 'c' : has_any_case(s, i + 8 + (is(s, i + 8, URLSAFE) != 0), "key");
	if (!has_any_case(s, i, "connection")) return 1;
	int next = i + 10 + (is(s, i + 10, URLSAFE | SPACE | DOT) != 0);
	return has_any_case(s, next, "str") || has_any_case(s, next, "ur") || has_any_case(s, next, "key");
}

/* site reports whether "site" stands before the word "key" at i, at the beginning of the name at a or behind what checks people with a key that a page shows. */
static inline int site(const scan *s, int a, int i) {
	i -= 4 + (is(s, i - 1, URLSAFE | SPACE) != 0);
	return i >= a && has_any_case(s, i, "site") && (i == a || has_any_case(s, i - 7 - (is(s, i - 1, URLSAFE) != 0), "captcha"));
}

/* words_in reads the words of the line or identifier [a, b), and returns how many letters they have. */
RARE int words_in(const scan *s, int a, int b, value_name *v) {
	words w = letters_of(s->t + a, b - a);
	uint64_t letters = w.letters;
	uint64_t turns = w.upper & (w.lower << 1 | (w.upper << 1 & w.lower >> 1)); /* APIKey */
	w.starts = w.letters & ~(w.letters << 1 & ~turns);
	uint64_t single = w.starts & ~((w.letters & ~w.starts) >> 1);
	if (single) single &= ~only_x(s->t + a, b - a), w.starts &= ~single, w.letters &= ~single; /* the one word of one letter */
	uint32_t unknown = 0, other = 0;
	v->any = v->last = 0, v->words = __builtin_popcountll(w.starts);
	while (w.starts) {
		int end, from = next_word(&w, &end), n = end - from;
		uint32_t topics = (uint32_t)word_topics(word_at(s->t + a + from, n));
		other = topics & 1 << W_OTHER, topics &= ~(1u << W_OTHER);
		if (n == 12 && topics == 1 << W_LOGIN && s->t[a + from + 9] == 'i') topics = 1 << W_OPEN; /* authenticity, not authenticate */
		if (n >= 8 && topics & 1 << W_SECRET && !spelled(s, a + from, n)) topics = n == 10 ? topics & 1 << W_LOGIN : 0;
		if (n == 3 && topics == 1 << W_KEY && site(s, a, a + from)) topics = 1 << W_OPEN;
		if ((!topics && n > 5) || (topics == 1 << W_LOCK && n > 8)) topics |= ending(s->t + a + end, n);
		if (n > 1 || topics) v->any |= topics, v->last = topics;
		unknown |= !(topics & ~(1u << W_COMMON | 1u << W_LOGIN)) & (n > 3);
	}
	if (v->any & 1 << W_COMMON) v->any |= v->any & 1 << W_LOCK || !w.lower ? 1 << W_VENDOR : 0, v->any &= ~(1u << W_COMMON);
	if (unknown && (v->any & ~(1u << W_LOGIN)) == 1 << W_KEY && v->last) v->any |= 1 << W_SOMEBODY;
	if (v->any & 1 << W_VENDOR) v->any |= other;
	if (v->any & 1 << W_KEY && !w.lower) v->any |= 1 << W_CAPITALS;
	return __builtin_popcountll(letters);
}

/* leads_on reports whether the identifier [a, b) names what asks for the next part of a list: nextToken. */
RARE int leads_on(const scan *s, int a, int b) {
	static const char *const parts[] = {"next", "sync", "resume"};
	int end = b - 5; /* it takes as much when the name is known, and is not counted then */
	if (end <= a || !has_any_case(s, end, "token")) return 0;
	end -= is(s, end - 1, URLSAFE) != 0;
	for (unsigned k = 0; k < sizeof parts / sizeof parts[0]; k++) {
		int from = end - (k < 2 ? 4 : 6);
		if (k > 0 && is(s, from, UPPER) && is(s, from + 1, UPPER)) continue; /* SYNC_TOKEN is as often one of a service */
		if ((from == a || (from > a && s->t[from - 1] == '.')) && has_any_case(s, from, parts[k])) return 1;
	}
	return 0;
}

/* read_name reads the words of the identifier [a, b), that may have spaces. */
static void read_name(const scan *s, int a, int b, value_name *v) {
	int letters = words_in(s, a, b, v);
	if (v->any && 2 * letters < b - a) v->any = v->last = 0; /* digits, of which some spell a word */
	if (v->last & 1 << W_SECRET && leads_on(s, a, b)) v->any = v->last = 1 << W_OPEN;
}

/* What short names said, since JSON says the same ones again and again. A name is kept as the
 * last bytes of sixteen, so that only an equal one is taken for it. */
#define KNOWN_BITS 6
static struct known_name {
	v128_t name;
	uint32_t any, last;
	int words;
} known_names[1 << KNOWN_BITS];

/* known_slot returns where the name of n bytes, from 1 to 16, that ends before end is kept, if it is. */
static inline struct known_name *known_slot(const uint8_t *end, int n, v128_t *name) {
	const v128_t lanes = wasm_u8x16_make(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	*name = wasm_v128_and(wasm_v128_load(end - 16), wasm_u8x16_le(wasm_u8x16_splat((uint8_t)(16 - n)), lanes));
	uint64_t mixed = ((uint64_t)wasm_i64x2_extract_lane(*name, 0) ^ (uint64_t)wasm_i64x2_extract_lane(*name, 1)) * 0x9e3779b97f4a7c15u;
	return &known_names[mixed >> (64 - KNOWN_BITS)];
}

static inline int same_name(const struct known_name *k, v128_t name) { return !wasm_v128_any_true(wasm_v128_xor(k->name, name)); }

static void name_words(const scan *s, int a, int b, value_name *v) {
	int n = b - a;
	if (n > 16 || n < 1) {
		read_name(s, a, b, v);
		spend(450 + NAMING_WORD * v->words), v->words = 0;
		return;
	}
	v128_t name;
	struct known_name *k = known_slot(s->t + b, n, &name);
	if (!same_name(k, name)) {
		read_name(s, a, b, v);
		k->name = name, k->any = v->any, k->last = v->last, k->words = v->words;
	}
	v->any = k->any, v->last = k->last, v->words = k->words;
}

#define NAME_SET sets[set_number(ALNUM | URLSAFE | HIGH | DOT)]

/* json_name reads the name of the value at i as JSON has it, in quotes before a colon, if it is
 * short and known, and reports whether it did. It says what name_of would. */
static inline int json_name(const scan *s, int i, value_name *v) {
	int end = i - (i > 0 && s->t[i - 1] == '"');
	end -= end > 0 && s->t[end - 1] == ' ';
	end -= 2;
	if (end < 2 || s->t[end + 1] != ':' || s->t[end] != '"' || s->t[end - 1] == '.') return 0;
	uint32_t out = outside(s->t + end - 16, &NAME_SET);
	int n = __builtin_clz(out | 1) - 16; /* 32 bits, of which sixteen count */
	if (n < 1 || n >= end || s->t[end - n - 1] != '"') return 0;
	v128_t name;
	const struct known_name *k = known_slot(s->t + end, n, &name);
	if (!same_name(k, name) || k->last & 1 << W_TYPE) return 0;
	v->any = k->any, v->last = k->last, v->bound = 1, v->start = end - n, v->words = k->words;
	return 1;
}

/* gap returns where what may stand between a name and its value at i begins, and whether any of it binds
 * the two: a bracket, comma, colon, equals sign or the end of a tag. */
static int gap(const scan *s, int i, int limit, int between, int *bound) {
	int end = back(s, i, max(limit, 0), &sets[between], 0);
	if (end < i) *bound |= ahead(s, end, i, &sets[BINDS], SIDES) < i;
	return end;
}

static value_name last_name; /* that ends at s->name_end: a value and a part of it often have the same */

/* identified reports whether the word at i is that of SQL before a password. */
RARE int identified(const scan *s, int i) { return has_any_case(s, i - 11, "identified by"); }

/* falls_back reports whether "or" stands at i, behind a call with an argument in quotes and before a quotation mark: get("NAME") or "…", environ["NAME"] or "…". */
static inline int falls_back(const scan *s, int i) { return s->t[i] == 'o' && (s->t[i - 2] == ')' || s->t[i - 2] == ']') && has(s, i, "or ") && is(s, i - 3, QUOTE) && is(s, i + 3, QUOTE); }

/* passed_over reports whether the letter, digit or sign at i stands between a name and its value: "password - …";
 * "password 7 …", as the kind of a hash; "Key 2: …"; b'…'; "password: |-" above a block of YAML. */
RARE int passed_over(const scan *s, int i, int hop) {
	if (i == 0) return 0;
	if (s->t[i - 1] == ' ' && (s->t[i + 1] == ' ' || (s->t[i + 1] == ':' && in(s->t[i], DIGIT)))) return !in(s->t[i], LETTER);
	if (s->t[i] == '-' && (s->t[i - 1] == '|' || s->t[i - 1] == '>')) return 1;
	return hop == 0 && is(s, i + 1, QUOTE) && !is(s, i - 1, QUOTE) && in(s->t[i], LETTER);
}

/* stepped_over returns where the signs begin that stand between a name and its value and end at end, or 0: those of a string of Objective-C or C# (@"…", $"…"), of
 * what holds if a variable does not (get("NAME") or "…", get("NAME") ?? "…"), of a comparison, and what is said of a name (password (root): …). */
RARE int stepped_over(const scan *s, int end, int hop, int *bound) {
	uint8_t c = end > 1 ? s->t[end - 1] : 0;
	spend(100);
	if (hop == 0 && (c == '@' || c == '$')) return is(s, end, QUOTE) ? end - 1 : 0;
	if (hop == 0 && c == '!') return *bound = 1, at(s, end, '=') && is(s, end + 1 + at(s, end + 1, ' '), QUOTE) ? end - 1 : 0;
	if (c != ')') return 0;
	if (is(s, end - 2, QUOTE) && (has(s, end, " ?? ") || has(s, end, " || "))) return *bound = 1, end - 1;
	int open = end - 2;
	spend(200);
	while (open > max(s->last, end - 24) && is(s, open, ALNUM | URLSAFE | SPACE) && s->t[open] != '\n') open--;
	return hop == 0 && at(s, end, ':') && at(s, open, '(') && at(s, open - 1, ' ') && open < end - 2 ? open : 0;
}

/* find_name reads the name that ends at end, or a type and the name before it. */
RARE void find_name(const scan *s, int end, value_name *v) {
	*v = (value_name){0};
	for (int hop = 0, bound = 0, limit = end - MAX_NAME - 16; hop < 3; hop++) {
		if (hop > 0) spend(1100 + NAMING_WORD * v->words), end = gap(s, end, limit, IN_TYPED, &bound);
		int stop = max(0, end - MAX_NAME), start = after_escape(s, back(s, end, stop, &NAME_SET, 0));
		if (start == end) {
			if (!(end = stepped_over(s, end, hop, &bound))) return;
			continue;
		}
		if (hop == 0 && end - start == 2 && falls_back(s, start)) {
			bound = 1, end = start - 2;
			continue;
		}
		if (end - start == 3 && has(s, start, "\xe2\x86\x92")) { /* API key → … */
			bound = 1, end = start;
			continue;
		}
		if (end - start == 1 && (s->t[start] | 0x20) != 'x') {
			if (passed_over(s, start, hop)) {
				bound |= s->t[start] == '-', end = start;
				continue;
			}
			*v = (value_name){0}; /* the one word of one letter */
			return;
		}
		name_words(s, start, end, v);
		if (hop == 0 && !(v->any & (1 << W_PASS | 1 << W_SECRET | 1 << W_KEY | 1 << W_THING)) && at(s, end, ':') && has(s, start - 5, " for ")) { /* password for root: … */
			end = start - 5;
			continue;
		}
		v->bound = bound, v->start = start;
		if (!(v->last & 1 << W_TYPE)) {
			/* "facebook access token": words before belong to the name */
			if (v->last && start > 1 && s->t[start - 1] == ' ' && class[s->t[start - 2]] & (LETTER | HIGH)) {
				value_name more;
				name_words(s, back(s, start - 1, stop, &sets[set_number(ALNUM | URLSAFE | HIGH | DOT)], 0), start - 1, &more);
				spend(600 + NAMING_WORD * more.words);
				v->any |= more.any;
				if (v->any == 1 << W_KEY && more.words) v->any |= 1 << W_BESIDE;
			}
			return;
		}
		if (end - start == 2 && identified(s, start)) {
			v->any = v->last = 1 << W_PASS, v->bound = 1;
			return;
		}
		end = start;
	}
}

/* wordless reports whether what name_of would read before the value at i is short and says nothing: fewer than half of its bytes are
 * letters, or no two of them stand together, or they are one word that is not known, or hexadecimal digits. The values of lists and tables have the one before
 * them in the place of a name. */
RARE int wordless(const scan *s, int i) {
	uint32_t not_gap = outside(s->t + i - 16, &sets[IN_GAP]);
	int end = i - __builtin_clz(not_gap << 16 | 1);
	if (end == i || end < 17 || !not_gap) return 0;
	uint32_t out = outside(s->t + end - 16, &NAME_SET);
	int n = __builtin_clz(out << 16 | 1), a = end - n;
	if (n < 1 || !out) return 0;
	uint8_t before = s->t[a - 1];
	if (may_be_behind(s, a) || (n == 2 && falls_back(s, a))) return 0;
	if (n == 1) return before != ' ' && !is(s, end, QUOTE) && (in(s->t[a], DIGIT) || (in(s->t[a], LETTER) && (s->t[a] | 0x20) != 'x'));
	uint32_t name = SIDES & ~((1u << (16 - n)) - 1), not_hex = outside(s->t + end - 16, &sets[set_number(HEX)]) & name;
	if (!not_hex) return 1; /* no word is spelled with digits alone */
	if (s->t[a] == '0' && s->t[a + 1] == 'x' && not_hex == 1u << (17 - n) && n > 2 && !(before == ' ' && is(s, a - 2, LETTER | HIGH))) return 1;
	v128_t v = wasm_v128_load(s->t + end - 16);
	uint32_t upper = (uint32_t)wasm_i8x16_bitmask(between(v, 'A', 'Z')) & name;
	uint32_t letters = upper | ((uint32_t)(wasm_i8x16_bitmask(between(v, 'a', 'z')) | wasm_i8x16_bitmask(v)) & name);
	if (2 * __builtin_popcount(letters) < n) return 1;
	int from = __builtin_ctz(letters), length = __builtin_popcount(letters), last = s->t[end - 17 + from + length] | 0x20;
	if ((!upper || (!(before == ' ' && s->t[a - 2] == 'r') && (upper == letters || upper == (letters & -letters)))) && length > 1 && letters >> from == (1u << length) - 1)
		return !(word_topics(word_at(s->t + end - 16 + from, length)) & ~(1ull << W_OTHER)) && (length <= 5 || (last != 'd' && last != 't' && last != 'n' && last != 'y'));
	return !(letters & letters << 1) && !((uint32_t)wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_or(v, wasm_u8x16_splat(0x20)), wasm_u8x16_splat('x'))) & name);
}

/* numeral reports whether what name_of would read before the value at i is a number, an address or a date, as in lists: it would say nothing. */
static inline int numeral(const scan *s, int i) {
	if (i < 34) return 0;
	spend(110);
	uint32_t not_gap = outside(s->t + i - 16, &sets[IN_GAP]);
	int end = i - __builtin_clz(not_gap << 16 | 1);
	if (end == i || !not_gap || !in(s->t[end - 1], DIGIT)) return 0;
	if (s->t[end - 2] == ' ' && in(s->t[end - 3], DIGIT)) end -= 2; /* a digit between spaces is passed over */
	uint32_t out = outside(s->t + end - 16, &NAME_SET), letters = outside(s->t + end - 16, &sets[set_number(LETTER | HIGH)]) ^ SIDES;
	int n = __builtin_clz(out << 16 | 1), a = end - n;
	return out && !(letters >> (16 - n)) && !may_be_behind(s, a) && (n > 1 || s->t[a - 1] != ' ') && !(s->t[a - 1] == ' ' && s->t[a - 2] == 'r') /* password for 10.2.3.4: … */;
}

/* name_of finds the name of the value that begins at i. */
RARE void name_of(scan *s, int i, value_name *v) {
	if (json_name(s, i, v)) {
		s->name_end = -1; /* as little is kept as if the name had been read: what is read again is paid for */
		return;
	}
	int bound = 0, end = gap(s, i, i - MAX_NAME - 16, IN_GAP, &bound);
	*v = (value_name){0};
	if (end > 0 && end == i) return;
	if (end != s->name_end) find_name(s, end, &last_name), s->name_end = end;
	*v = last_name;
	v->bound |= bound;
}

/* level is how much a name speaks for a secret: 3 names a password, 2 a secret, 1
 * somebody who hands them out, 0 something else. */
static int level(const value_name *v) {
	uint32_t any = v->any;
	if (v->last & 1 << W_THING && !(v->last & (1 << W_PASS | 1 << W_SECRET))) return 0;
	if (any & 1 << W_OPEN) return 0;
	if (any & 1 << W_PASS) return 3;
	if (any & 1 << W_SECRET) return 2;
	if (any & 1 << W_KEY && any & 1 << W_DATA && !(any & (1 << W_LOCK | 1 << W_CAPITALS))) return (any & 1 << W_CLOUD) != 0; /* messaging.kafka.message.key, but azure_redis_key */
	if (any & 1 << W_KEY) return any & (1 << W_LOCK | 1 << W_VENDOR) ? 2 : any & (1 << W_CAPITALS | 1 << W_SOMEBODY | 1 << W_BESIDE) && v->last & 1 << W_KEY;
	return any & 1 << W_VENDOR && !(any & 1 << W_OTHER);
}

/* The key of an attribute names its text, if that may be one value. */
#define MIN_KEYED 6
#define MAX_KEYED 1024
#define MAX_KEY 32 /* what is read of a key: its end */

static int key_says;        /* the level of what the key of the present text says */
static value_name key_name; /* and what it says, if that is not 0 */

/* What keys said, since the same ones come again and again: their first and last sixteen bytes,
 * zero where they are shorter, so that only an equal one is taken for it. */
#define KEYS_BITS 8
static struct {
	v128_t first, last;
	value_name says;
	int level;
} known_keys[1 << KEYS_BITS];

RARE void learn_key(const uint8_t *key, int n, int slot, v128_t first, v128_t last) {
	scan as_text;
	as_text.t = key, as_text.n = n;
	int a = 0;
	if (n == MAX_KEY) /* its first word may be the end of one */
		while (a < n && class[key[a]] & (LETTER | HIGH)) a++;
	read_name(&as_text, a, n, &known_keys[slot].says);
	known_keys[slot].says.bound = 1;
	known_keys[slot].first = first, known_keys[slot].last = last;
	known_keys[slot].level = level(&known_keys[slot].says);
}

/* read_key returns the level of what the key that ends at end says. */
RARE int read_key(const uint8_t *end, int n) {
	n = min(n, MAX_KEY);
	const uint8_t *key = end - n;
	v128_t first = wasm_i8x16_splat(0), last = wasm_v128_load(key + n - 16);
	if (n > 16) first = wasm_v128_load(key);
	else last = wasm_v128_and(last, wasm_u8x16_le(wasm_u8x16_splat((uint8_t)(16 - n)), wasm_u8x16_make(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
	v128_t both = wasm_v128_xor(first, last);
	uint64_t mixed = ((uint64_t)wasm_i64x2_extract_lane(both, 0) ^ (uint64_t)wasm_i64x2_extract_lane(both, 1)) * 0x9e3779b97f4a7c15u;
	int slot = (int)(mixed >> (64 - KEYS_BITS));
	if (wasm_v128_any_true(wasm_v128_or(wasm_v128_xor(first, known_keys[slot].first), wasm_v128_xor(last, known_keys[slot].last)))) learn_key(key, n, slot, first, last);
	if (known_keys[slot].level) key_name = known_keys[slot].says;
	return known_keys[slot].level;
}

#endif
