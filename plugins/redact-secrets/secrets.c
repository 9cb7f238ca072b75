/* redact-secrets: the notary's built-in redactor of credentials. README.md says
 * what it finds. */

#include "labels.h"

#include "../scan/config.h"
#include "words.h"
#include "rules.h"
#include "values.h"

static void prepare(void) {
	learn(vocabulary, sizeof vocabulary / sizeof vocabulary[0]);
	prepare_rules();
	prepare_values();
	prepare_endings();
}

static int begin_text(scan *s) { return jwt_tail(s); }

/* telling marks the bytes from '0' to '@', among which are digits, ':', '=', '>'
 * and '@', and two hyphens. */
static inline v128_t telling(const uint8_t *p) {
	v128_t v = wasm_v128_load(p), hyphen = wasm_u8x16_splat('-');
	return wasm_v128_or(between(v, '0', '@'), wasm_v128_and(wasm_i8x16_eq(v, hyphen), wasm_i8x16_eq(wasm_v128_load(p + 1), hyphen)));
}

/* may_precede reports whether a number may stand behind c. */
static int may_precede(uint8_t c) { return c == ' ' || c == ':' || c == '[' || c == ',' || c == '-' || c == '('; }

/* figures examines what the digit at i stands in. */
RARE int figures(scan *s, int i) {
	int found;
	if ((found = prefixed(s, i)) || (may_be_shaped(s, i) && (found = shaped(s))) || (found = valued(s, i))) return found;
	return run_end(s, i, DIGIT, s->n);
}

static inline int candidate(scan *s, int i) {
	int found;
	switch (s->t[i]) {
	case '-': return dashes(s, i);
	case '@': return (found = url_credentials(s, i)) ? found : i + 1;
	case ':': if (is(s, i - 1, WORD | LOCAL | DOT) && (found = command_login(s, i))) return found; /* fall through */
	case '=': case '>': return (found = assigned(s, i)) ? found : i + 1;
	case ';': case '<': case '?': return i + 1;
	}
	/* numbers, of which JSON has many: short ones, and ones with a point */
	int e = run_end(s, i, DIGIT, 40), point = at(s, e, '.') && is(s, e + 1, DIGIT);
	if (point) e = run_end(s, e + 1, DIGIT, 40);
	if ((point || e - i < 6) && (i == 0 || may_precede(s->t[i - 1])) && (e == s->n || (ends_value(s->t[e]) && !(class[s->t[e]] & QUOTE)))) return e;
	return figures(s, i);
}
