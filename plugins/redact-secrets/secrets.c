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
}

static int begin_text(scan *s) { return jwt_tail(s); }

/* telling marks the bytes from '0' to '@', among which are digits, ':', '=', '>'
 * and '@', and two hyphens. */
static inline v128_t telling(const uint8_t *p) {
	v128_t v = wasm_v128_load(p), hyphen = wasm_u8x16_splat('-');
	return wasm_v128_or(between(v, '0', '@'), wasm_v128_and(wasm_i8x16_eq(v, hyphen), wasm_i8x16_eq(wasm_v128_load(p + 1), hyphen)));
}

static int candidate(scan *s, int i) {
	int found;
	switch (s->t[i]) {
	case '-': return dashes(s, i);
	case '@': return (found = url_credentials(s, i)) ? found : i + 1;
	case ':': return (found = command_login(s, i)) || (found = assigned(s, i)) ? found : i + 1;
	case '=': case '>': return (found = assigned(s, i)) ? found : i + 1;
	case ';': case '<': case '?': return i + 1;
	}
	if ((found = prefixed(s, i)) || (found = shaped(s, i)) || (found = valued(s, i))) return found;
	return run_end(s, i, DIGIT, s->n);
}
