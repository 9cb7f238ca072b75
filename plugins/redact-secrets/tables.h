/* tables.h: passwords in the rows of a statement of SQL that says which of its columns has one: INSERT INTO users (name, password) VALUES ('kim', '…'), …. */
#ifndef SECRETS_TABLES_H
#define SECRETS_TABLES_H

#include "names.h"

#define MAX_COLUMNS 512 /* bytes of their names */

/* The statement that was met last, and how far the text was read: no byte is looked at again for the next value. */
static struct {
	int sought, at, depth, column;
	uint64_t passwords, secrets; /* a bit for each column */
} rows;

static void no_rows(void) { rows.sought = rows.at = rows.depth = rows.column = 0, rows.passwords = rows.secrets = 0; }

/* columns_of reads the names of the columns before the word at i. */
RARE void columns_of(const scan *s, int i) {
	int end = i;
	rows.at = i + 6, rows.depth = rows.column = 0, rows.passwords = rows.secrets = 0;
	while (end > 0 && in(s->t[end - 1], SPACE)) end--;
	spend(100 + 10 * (i - end));
	if (!at(s, end - 1, ')')) return;
	int stop = max(0, end - MAX_COLUMNS), k = end - 1;
	while (k > stop && s->t[k - 1] != '(' && s->t[k - 1] != ')') k--;
	spend(200 + 20 * (end - k));
	if (k == stop || s->t[k - 1] != '(') return;
	int table = k - 1; /* behind INSERT INTO, REPLACE INTO, INSERT */
	while (table > stop && in(s->t[table - 1], SPACE)) table--;
	while (table > stop && !in(s->t[table - 1], SPACE)) table--;
	while (table > stop && in(s->t[table - 1], SPACE)) table--;
	spend(300 + 25 * (k - table));
	if (!has_any_case(s, table - 4, "into") && !has_any_case(s, table - 6, "insert")) return;
	for (int column = 0; k < end && column < 64; column++) {
		int e = k;
		while (e < end - 1 && s->t[e] != ',') e++;
		value_name v;
		if (e - k < MAX_NAME) {
			read_name(s, k, e, &v);
			spend(450 + NAMING_WORD * v.words);
			int say = level(&v); /* of the last word: last_password_change, pass_mark */
			rows.passwords |= (uint64_t)(say == 3 && v.last & 1 << W_PASS) << column, rows.secrets |= (uint64_t)(say == 2 && v.last & (1 << W_SECRET | 1 << W_KEY)) << column;
		}
		k = e + 1;
	}
}

/* may_be_of_row reports whether [a, b) is in quotes as SQL has them, in a list. */
static inline int may_be_of_row(const scan *s, int a, int b) {
	int k = a - 2, e = b + 1;
	if (a <= 8 || s->t[a - 1] != '\'') return 0;
	k -= s->t[k] == 'N' || s->t[k] == 'E'; /* N'…' */
	for (int stop = max(1, k - 32); k > stop && in(s->t[k], SPACE);) k--;
	for (int stop = b + 32; e < stop && in(s->t[e], SPACE);) e++;
	return (s->t[k] == ',' || s->t[k] == '(') && (at(s, e, ',') || at(s, e, ')') || has(s, e, "::"));
}

/* of_row returns what the column says that the value at a, behind a quotation mark, is of: 3 a password, 2 a secret, 0 neither. */
RARE int of_row(const scan *s, int a) {
	spend(200 + (a - rows.sought));
	for (int k = rows.sought; k < a && left >= 0; k += 16) {
		const v128_t small = wasm_u8x16_splat(0x20);
		uint32_t hits = wasm_i8x16_bitmask(wasm_v128_and(wasm_i8x16_eq(wasm_v128_or(wasm_v128_load(s->t + k), small), wasm_u8x16_splat('v')), wasm_i8x16_eq(wasm_v128_or(wasm_v128_load(s->t + k + 4), small), wasm_u8x16_splat('e'))));
		for (; hits; hits &= hits - 1) {
			int i = k + __builtin_ctz(hits);
			spend(200);
			if (i < a && has_any_case(s, i, "values") && !is(s, i - 1, WORD) && !is(s, i + 6, WORD)) columns_of(s, i);
		}
	}
	rows.sought = max(rows.sought, a);
	if (!(rows.passwords | rows.secrets)) return 0;
	int k = rows.at, ends = 0;
	spend(40 * (a - k));
	for (; k < a - 1; k++) {
		uint8_t c = s->t[k];
		if (c == '\'') while (++k < a - 1 && s->t[k] != '\'') k += s->t[k] == '\\';
		else if (c == '(') {
			if (rows.depth++ == 0) rows.column = 0;
		} else if (c == ')') ends |= --rows.depth < 0;
		else if (c == ',') rows.column += rows.depth == 1;
		else if (c == '-' && s->t[k + 1] == '-') while (k < a - 2 && s->t[k + 1] != '\n') k++;
		else if (c == '/' && s->t[k + 1] == '*') {
			while (k < a - 2 && !(s->t[k] == '*' && s->t[k + 1] == '/')) k++;
			k++;
		} else ends |= rows.depth == 0 && !in(c, SPACE);
	}
	if (ends) rows.passwords = rows.secrets = 0; /* something else than rows, and spaces and commas between them */
	rows.at = a - 1;
	if (ends || k > a - 1 || rows.depth != 1 || rows.column >= 64) return 0;
	return rows.passwords >> rows.column & 1 ? 3 : rows.secrets >> rows.column & 1 ? 2 : 0;
}

#endif
