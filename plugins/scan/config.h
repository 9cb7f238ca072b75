/* config.h: the configuration that the built-in redactors share.
 *
 *	{"threshold": 500, "labels": {"PHONE": {"threshold": 700}, "IP": {"enabled": false}}}
 *
 * An empty text means the defaults. The member threshold is the default of the
 * labels that have none of their own, wherever it stands. An unknown key or
 * label, a member that comes twice, and a threshold outside 0 to 1000 are
 * refused: a typing error must not switch a detector off. UNSEARCHED is none that
 * can be set: who could switch it off would have it search without end.
 */
#ifndef SCAN_CONFIG_H
#define SCAN_CONFIG_H

#include "scan.h"

typedef struct {
	const uint8_t *t;
	uint32_t at, n;
	int wrong;
} reader;

static uint8_t peek(reader *r) {
	while (r->at < r->n && class[r->t[r->at]] & SPACE) r->at++;
	return r->at < r->n ? r->t[r->at] : 0;
}

static int take(reader *r, char c) {
	if (peek(r) != (uint8_t)c) return 0;
	r->at++;
	return 1;
}

static void expect(reader *r, char c) {
	if (!take(r, c)) r->wrong = 1;
}

static int word_is(reader *r, const char *want) {
	uint32_t k = 0;
	peek(r);
	for (; want[k]; k++)
		if (r->at + k >= r->n || r->t[r->at + k] != (uint8_t)want[k]) return 0;
	r->at += k;
	return 1;
}

/* name reads a string of the configuration and returns which of the names it
 * is, or -1. Names have no characters that JSON would have to escape. */
static int name(reader *r, const char *const *names, int n) {
	peek(r);
	for (int i = 0; i < n; i++) {
		uint32_t before = r->at;
		if (word_is(r, "\"") && word_is(r, names[i]) && r->at < r->n && r->t[r->at] == '"') {
			r->at++;
			expect(r, ':');
			return i;
		}
		r->at = before;
	}
	r->wrong = 1;
	return -1;
}

static int score_value(reader *r) {
	int v = 0, digits = 0;
	peek(r);
	while (r->at < r->n && class[r->t[r->at]] & DIGIT && digits < 5) v = v * 10 + r->t[r->at++] - '0', digits++;
	if (digits == 0 || v > MAX_SCORE || (digits > 1 && r->t[r->at - digits] == '0')) r->wrong = 1;
	return v;
}

static int bool_value(reader *r) {
	if (word_is(r, "true")) return 1;
	if (!word_is(r, "false")) r->wrong = 1;
	return 0;
}

/* members reads an object. seen is a bit set of the members before. */
static int member(reader *r, const char *const *names, int n, uint32_t *seen, int *first) {
	if (r->wrong || take(r, '}')) return -1;
	if (!*first) expect(r, ',');
	*first = 0;
	int i = r->wrong ? -1 : name(r, names, n);
	if (i >= 0 && *seen >> i & 1) r->wrong = 1;
	if (i >= 0) *seen |= 1u << i;
	return r->wrong ? -1 : i;
}

static int read_config(const uint8_t *text, uint32_t len) {
	static const char *const top[] = {"threshold", "labels"}, *const own[] = {"threshold", "enabled"};
	static uint16_t set[N_LABELS]; /* one too high: zero stands for nothing said */
	static uint8_t named[N_LABELS];
	int all = DEFAULT_THRESHOLD;
	for (int l = 0; l < N_LABELS; l++) set[l] = named[l] = 0;
	reader r = {text, 0, len, 0};
	if (peek(&r) == 0 && r.at == len) goto done;
	expect(&r, '{');
	uint32_t seen = 0;
	for (int i, first = 1; (i = member(&r, top, 2, &seen, &first)) >= 0;) {
		if (i == 0) {
			all = score_value(&r);
			continue;
		}
		expect(&r, '{');
		for (int begun = 0; !r.wrong && !take(&r, '}'); begun = 1) {
			if (begun) expect(&r, ',');
			int l = r.wrong ? -1 : name(&r, label_names, UNSEARCHED), enabled = 1, starts = 1;
			if (l < 0 || named[l]) {
				r.wrong = 1;
				break;
			}
			named[l] = 1;
			expect(&r, '{');
			uint32_t said = 0;
			for (int k; (k = member(&r, own, 2, &said, &starts)) >= 0;) {
				if (k == 0) set[l] = (uint16_t)(score_value(&r) + 1);
				else enabled = bool_value(&r);
			}
			if (!enabled) set[l] = OFF + 1;
		}
	}
	if (peek(&r) != 0 || r.at != len) r.wrong = 1;
done:
	for (int l = 0; l < N_LABELS; l++) threshold[l] = set[l] ? set[l] - 1 : (uint16_t)all;
	return r.wrong;
}

/* A redactor's own tables, built once and kept in the image. */
static void prepare(void);

RDX_EXPORT("rdx_configure") int32_t configure(const uint8_t *text, uint32_t len) {
	if (read_config(text, len)) return 1;
	prepare_sets();
	prepare();
	return rdx_heap(0, RDX_ROOM + REPLY_ROOM) ? 0 : 2;
}

#endif
