/* redact-pii: the notary's built-in redactor of personal data, and of the tokens
 * that are most often in the way of it. README.md says what it finds. */

#define FUEL_PER_BYTE 440

#define LABELS(X) \
	X(EMAIL) X(CARD) X(SSN) X(PHONE) X(IP) X(IBAN) X(JWT) X(AWS_KEY) X(AWS_SECRET) X(GITHUB_TOKEN) X(OPENAI_KEY) X(SLACK_TOKEN) X(PRIVATE_KEY) \
	X(MAC) X(URL_CREDENTIALS) X(DATE_OF_BIRTH) X(CRYPTO_ADDRESS) X(POSTAL_CODE) X(PASSPORT) X(DRIVER_LICENSE) X(LICENSE_PLATE) X(ID_CARD) \
	X(AR_CUIT) X(AT_SVNR) X(AU_ABN) X(AU_MEDICARE) X(AU_TFN) X(BE_NRN) X(BG_EGN) X(BR_CNPJ) X(BR_CPF) X(CA_SIN) X(CH_AHV) X(CL_RUT) X(CN_RIC) \
	X(CZ_RC) X(DE_TAX_ID) X(DK_CPR) X(EE_LT_CODE) X(ES_NIF) X(FI_HETU) X(FR_NIR) X(GR_AFM) X(GR_AMKA) X(HK_HKID) X(HR_OIB) X(IE_PPS) X(IL_ID) \
	X(IN_AADHAAR) X(IN_PAN) X(IT_FISCAL_CODE) X(IT_VAT) X(JP_MY_NUMBER) X(KR_RRN) X(MX_CURP) X(MX_NSS) X(NL_BSN) X(NO_FNR) X(NZ_IRD) X(PL_NIP) \
	X(PL_PESEL) X(PT_NIF) X(RO_CNP) X(SE_PERSONNUMMER) X(SG_NRIC) X(TH_ID) X(TR_TCKN) X(TW_ID) X(UK_NHS) X(UK_NINO) X(US_EIN) X(US_MBI) X(US_NPI) \
	X(US_ROUTING) X(ZA_ID) X(AU_ACN) X(DE_PENSION) X(IN_GSTIN) X(US_DEA) X(BANK_ACCOUNT) X(CARD_CODE) X(RU_INN) X(RU_SNILS) \
	X(MX_RFC) X(DE_VAT) X(VAT_ID) X(JMBG) X(PE_RUC) X(PY_RUC) X(CO_NIT) X(EC_ID) X(DO_CEDULA) X(UY_CI) X(ID_NIK) X(PK_CNIC) X(MY_NRIC) X(LV_CODE) \
	X(IS_KENNITALA) X(VN_CCCD) X(KZ_IIN) X(NG_NIN) X(UA_RNTRC) X(HU_TAX_ID) X(HU_TAJ) X(HU_ID) X(AE_ID) X(EG_ID) X(SA_ID) X(UK_UTR) X(VIN) X(IMEI) X(UNSEARCHED)

#include "../scan/config.h"
#include "../scan/tokens.h"
#include "../scan/url.h"
#include "email.h"
#include "wallet.h"
#include "opaque.h"

static const rule rules[] = {
	{"AKIA", AWS_KEY, UPPER | DIGIT, 16, 16, 900, BASE32},
	{"ASIA", AWS_KEY, UPPER | DIGIT, 16, 16, 900, BASE32},
	{"ABIA", AWS_KEY, UPPER | DIGIT, 16, 16, 900, BASE32},
	{"ACCA", AWS_KEY, UPPER | DIGIT, 16, 16, 900, BASE32},
	{"A3T", AWS_KEY, UPPER | DIGIT, 17, 17, 900, BASE32},
	{"ghp_", GITHUB_TOKEN, ALNUM, 36, 251, 700, GITHUB_CRC},
	{"gho_", GITHUB_TOKEN, ALNUM, 36, 251, 700, GITHUB_CRC},
	{"ghu_", GITHUB_TOKEN, ALNUM, 36, 251, 700, GITHUB_CRC},
	{"ghs_", GITHUB_TOKEN, ALNUM, 36, 251, 700, GITHUB_CRC},
	{"ghr_", GITHUB_TOKEN, ALNUM, 36, 251, 700, GITHUB_CRC},
	{"github_pat_", GITHUB_TOKEN, WORD, 82, 255, 900, NONE},
	{"sk-", OPENAI_KEY, BASE64U, 20, 511, 900, OPENAI},
	{"xoxb-", SLACK_TOKEN, BASE64U, 16, 511, 900, SLACK},
	{"xoxp-", SLACK_TOKEN, BASE64U, 16, 511, 900, SLACK},
	{"xoxa-", SLACK_TOKEN, BASE64U, 16, 511, 900, NUMBERED},
	{"xoxr-", SLACK_TOKEN, BASE64U, 16, 511, 900, NUMBERED},
	{"xoxs-", SLACK_TOKEN, BASE64U, 16, 511, 900, SLACK},
	{"xoxo-", SLACK_TOKEN, BASE64U, 16, 511, 900, NUMBERED},
	{"xoxe-", SLACK_TOKEN, BASE64U, 16, 511, 900, NUMBERED},
	{"xoxc-", SLACK_TOKEN, BASE64U, 16, 511, 900, NUMBERED},
	{"xoxd-", SLACK_TOKEN, BASE64U | STD, 16, 511, 900, NUMBERED},
	{"xoxe.xoxp-", SLACK_TOKEN, BASE64U, 16, 511, 900, NUMBERED},
	{"xoxe.xoxb-", SLACK_TOKEN, BASE64U, 16, 511, 900, NUMBERED},
	{"xapp-", SLACK_TOKEN, BASE64U, 16, 511, 900, NUMBERED},
};
static const int n_rules = sizeof rules / sizeof rules[0];

static const webhook webhooks[] = {
	WEBHOOK("hooks.slack.com/services/", SLACK_TOKEN, 20),
	WEBHOOK("hooks.slack.com/workflows/", SLACK_TOKEN, 20),
	WEBHOOK("hooks.slack.com/triggers/", SLACK_TOKEN, 20),
};
static const int n_webhooks = sizeof webhooks / sizeof webhooks[0];

static void prepare(void) {
	learn(vocabulary, sizeof vocabulary / sizeof vocabulary[0]);
	prepare_rules();
	prepare_email();
	prepare_ids();
	prepare_own();
	prepare_phones();
	prepare_codes();
	prepare_vat();
	prepare_wallets();
}

#define AWS_SECRET_LENGTH 40
_Static_assert(MAX_ID < AWS_SECRET_LENGTH, "no id holds a secret of AWS");
#define KEY_REACH 256 /* a secret stands within so many bytes of its key id */

/* named_things reports whether the forty characters at a are rather names of things than of chance, as those of policies and paths are: small letters follow
 * each other in them, and there is hardly a digit. Of secrets that chance has made less than one in ten thousand is like that. */
RARE int named_things(const scan *s, int a) {
	int digits = 0, small = 0;
	spend(500);
	for (int k = a; k < a + AWS_SECRET_LENGTH; k++) digits += is(s, k, DIGIT) != 0, small += is(s, k, LOWER) && is(s, k + 1, LOWER);
	return digits <= 2 && small >= 17;
}

/* in_digest reports whether what stands at a is a part of a digest in base64url, which a hyphen may cut to forty: requests/auth.py,sha256=h-HLlVx…. */
static int in_digest(const scan *s, int a) {
	int from = at(s, a - 1, '-') || at(s, a - 1, '_') ? run_start(s, a, BASE64U, 8) : a;
	return has(s, from - 7, "sha256=") || has(s, from - 7, "sha512=") || has(s, from - 7, "sha384=");
}

/* aws_secret reads a secret access key of which the digit at i is the first: forty
 * characters of base64 beside a word or a key id that says so. Forty hexadecimal
 * digits are a hash, not a key. A run of base64 is looked at once. */
RARE int aws_secret(scan *s, int i) {
	spend(120);
	if (i < s->base64) return 0;
	spend(200);
	int end = s->base64 = run_end(s, i, BASE64, s->n), start = end - AWS_SECRET_LENGTH;
	if (start > i || start < s->last || run_end(s, start, BASE64, i - start) != i || !begins(s, start, BASE64) || after_escape(s, start) > start || at(s, end, '=')) return 0;
	spend(600);
	int m = classes(s, start, end), score = 0;
	if (!(m & UPPER) || !(m & LOWER) || !(m & DIGIT) || named_things(s, start) || in_digest(s, start)) return 0;
	if (s->last_key >= 0 && start - s->last_key <= KEY_REACH) score = 900;
	else if (near(s, T_AWS, start)) score = 800;
	else if (near(s, T_SECRET, start)) score = 700;
	return score && report(s, start, end, AWS_SECRET, score) ? end : 0;
}

/* find_word sees the word alone, in a run that was seen before. */
RARE void find_word(scan *s, int i) {
	s->word_from = back(s, i, s->last, &sets[set_number(ALNUM)], 0);
	s->word_to = ahead(s, i, s->n, &sets[set_number(ALNUM)], 0);
}

/* token examines a run of letters and digits from the first digit in it, at i, and
 * returns its end, or that of a finding. */
RARE int token(scan *s, int i) {
	int found;
	spend(560);
	if (is(s, i - 1, LETTER) && is(s, i - 2, LETTER) && (found = iban(s, i))) return found;
	int before = s->last;
	if ((found = prefixed(s, i))) {
		for (int k = 0; k < 3 && s->last > before; k++) /* a key id, in whose reach the secret may stand */
			if (has(s, found - 20, (const char *const[]){"AKIA", "ASIA", "A3T"}[k])) s->last_key = found;
		return found;
	}
	if (i >= s->word_to) find_word(s, i);
	int start = after_escape(s, max(s->word_from, s->last)), end = s->word_to, n = end - start;
	if (n <= MAX_CODE && !(i > start && is(s, i - 1, LOWER)) && !is(s, end - 1, LOWER) && (found = coded(s, start, end))) return found;
	if (n >= MIN_WALLET && (found = wallet(s, start, end))) return found;
	if ((n == AWS_SECRET_LENGTH || is(s, start - 1, STD) || is(s, end, STD)) && (found = aws_secret(s, i))) return found;
	switch (n) {
	case 2: return (found = hyphen_of(s, start)) && (found = mac(s, found)) ? found : end;
	case 4: return (at(s, end, '.') || at(s, start - 1, '.')) && (found = dotted_mac(s, start)) ? found : end;
	case 9: return i == start + 1 && s->t[start] >= 'x' && (found = small_spanish(s, start)) ? found : end;
	}
	return end;
}

static int has_name(scan *s, int i) { return near(s, T_SECRET, i); }

static int begin_text(scan *s) { return jwt_tail(s); }

static inline int key_tells(const uint8_t *request, const rdx_record *r) {
	(void)request, (void)r;
	return 0; /* what a key names has a digit */
}

/* telling marks digits and '@', and by the byte behind it a hyphen before another, the beginnings
 * of "(at)" and "dot", and a colon: of these JSON has many, but an address goes on behind one with
 * a hexadecimal digit or another. Digits and '@', ':', '-', 'd', '(', '[' and '{' are a kind each. */
static inline v128_t telling(const uint8_t *p) {
	enum { AT = 1, COLON = 2, HYPHEN = 4, D = 8, ROUND = 16, OPEN = 32, ANY = IS_DIGIT | AT, A = ROUND | OPEN };
	const v128_t low = wasm_u8x16_make(IS_DIGIT | AT, IS_DIGIT, IS_DIGIT, IS_DIGIT, IS_DIGIT | D, IS_DIGIT, IS_DIGIT, IS_DIGIT, IS_DIGIT | ROUND, IS_DIGIT, COLON, OPEN, 0, HYPHEN, 0, 0);
	const v128_t high = wasm_u8x16_make(0, 0, HYPHEN | ROUND, IS_DIGIT | COLON, AT | D, OPEN, D, OPEN, 0, 0, 0, 0, 0, 0, 0, 0);
	const v128_t next_low = wasm_u8x16_make(ANY | COLON, ANY | COLON | A, ANY | COLON, ANY | COLON, ANY | COLON, ANY | COLON, ANY | COLON, ANY | COLON, ANY | COLON, ANY | COLON, ANY | COLON,
		ANY | COLON, ANY | COLON, ANY | COLON | HYPHEN, ANY | COLON, ANY | COLON | D);
	const v128_t next_high = wasm_u8x16_make(ANY, ANY, ANY | HYPHEN, ANY | COLON, ANY | COLON | D | A, ANY, ANY | COLON | D | A, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY);
	return wasm_v128_and(kinds(wasm_v128_load(p), low, high), kinds(wasm_v128_load(p + 1), next_low, next_high));
}

/* dot examines a " dot ", and goes back to the " at " before it. */
RARE int dot(scan *s, int i) {
	spend(220);
	if (!at(s, i - 1, ' ') || !has_any_case(s, i, "dot ")) return i + 1;
	spend(130);
	int label = run_start(s, i - 1, ALNUM | URLSAFE, 64);
	if (label == i - 1 || !at(s, label - 1, ' ') || !has_any_case(s, label - 4, " at ")) return i + 1;
	int end = obfuscated(s, label - 4);
	return end > i ? end : i + 1;
}

RARE int candidate(scan *s, int i) {
	int found;
	if (exhausted(50)) return mask_rest(s);
	switch (s->t[i]) {
	case '@':
		if ((found = url_credentials(s, i))) return found;
		return is(s, i - 1, STOP) && is(s, i + 1, STOP) && (found = obfuscated(s, i - 1 - at(s, i - 2, ' '))) ? found : email(s, i, 1); /* [@] */
	case ':':
		if (s->t[i + 1] != ':' && !is(s, i - 1, HEX)) return i + 1;
		spend(240);
		if ((found = maybe_mac(s, i) ? mac(s, i) : 0)) return found;
		return maybe_ipv6(s, i) ? ipv6(s, i) : i + 1;
	case '-': return dashes(s, i);
	case 'd': case 'D': return dot(s, i);
	case '(': case '[': case '{': return (found = obfuscated(s, i - at(s, i - 1, ' '))) ? found : i + 1;
	}
	return number(s, i);
}
