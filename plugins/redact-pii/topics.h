/* topics.h: the words that make numbers personal. */
#ifndef PII_TOPICS_H
#define PII_TOPICS_H

#include "../scan/words.h"

enum {
	T_PHONE,  /* names a telephone number */
	T_CALL,   /* speaks of reaching somebody */
	T_CARD,   /* names a payment card */
	T_SSN,    /* names a social security number */
	T_TAX,    /* names a tax or national id */
	T_IP,     /* names a network address */
	T_AWS,    /* names AWS */
	T_SECRET, /* names a secret */
	T_ID,     /* says that the number is somebody's handle for a thing */
	T_OTHER,  /* names some other number: versions, counts, times */
	T_BIRTH, T_POSTAL, T_PASSPORT, T_LICENCE, T_DRIVER, T_PLATE, T_BANK, T_WALLET, T_STATE,
	T_IDENTITY, /* names an identity document or number of any country */
	T_HEALTH,
	T_MONTH, /* is how the name of a month begins */
	T_AT, T_AU, T_BE, T_BG, T_BR, T_CA, T_CH, T_CL, T_CN, T_CZ, T_DE, T_DK, T_ES, T_FI, T_FR, T_GB, T_GR, T_HK, T_HR, T_IE, T_IL, T_IN,
	T_IT, T_JP, T_KR, T_MX, T_NL, T_NO, T_NZ, T_PL, T_PT, T_RO, T_SE, T_SG, T_TH, T_TR, T_TW, T_US, T_ZA, T_AR, T_EE,
	N_TOPICS
};
_Static_assert(N_TOPICS <= MAX_TOPICS, "topics fit into a word");

static const topic_words vocabulary[] = {
	{T_PHONE, "phone phones telephon tel mobile cell cellphon fax whatsapp sms handy telefon telefono mobil portable landline "
		"hotline t\xc3\xa9l t\xc3\xa9l\xc3\xa9ph tel\xc3\xa9"
		"fon telef\xc3\xb3n m\xc3\xb3vil celular rufnumme handynum phonenum telefone telemove komorka telefonn puhelin "
		"mobilnum msisdn \xe7\x94\xb5\xe8\xaf\x9d \xe6\x89\x8b\xe6\x9c\xba \xe9\x9b\xbb\xe8\xa9\xb1 signal telegram viber"},
	{T_CALL, "call calls called contact dial reach reached ring callback appelez anrufen llamar"},
	{T_CARD, "card cards visa masterca amex maestro diners discover jcb credit debit cc pan cardnumb creditca debitcar karte "
		"kreditka tarjeta carte carta american unionpay mir"},
	{T_SSN, "ssn ssns social itin socialse"},
	{T_TAX, "tax taxpayer tin national ein fein taxid taxnumbe vat"},
	{T_IP, "ip ips ipv host server address addr client peer gateway dns from ipaddres hostname remote mac hwaddr ether ethernet bssid"},
	{T_AWS, "aws amazon"},
	{T_SECRET, "secret secrets secretke"},
	{T_ID, "id ids identifi"},
	{T_OTHER, "order invoice version versions timestam trace span tokens count isbn tracking ticket sku serial build release commit "
		"hash uuid guid index created updated epoch size bytes offset seed"},
	{T_BIRTH, "born birth birthday dob birthdat birthday geboren geb geburtst geburtsd naissanc nacimien nascita nascimen nacido nacida "
		"urodzeni syntym narozeni dateofbi bday f\xc3\xb8"
		"dt f\xc3\xb6"
		"dd geboorte n\xc3\xa9 n\xc3\xa9"
		"e d\xc3\xb8"
		"dt nato nata"},
	{T_POSTAL, "zip zipcode postcode postal postleit plz cap cp codigo postnumm postnumb kodpoczt pincode psc"},
	{T_PASSPORT, "passport passeport pasaport passapor reisepas paszport"},
	{T_LICENCE, "licence license licences licenses lic dl permis permiso patente fuehrers f\xc3\xbchrers rijbewij"},
	{T_DRIVER, "driver drivers driving dl dln conduire conducir guida fuehrers f\xc3\xbchrers rijbewij"},
	{T_PLATE, "plate plates licensep kennzeic matricul targa vrn immatric rego numberpl"},
	{T_STATE, "alabama alaska arizona arkansas californ colorado connecti delaware florida georgia hawaii idaho illinois indiana iowa "
		"kansas kentucky louisian maine maryland massachu michigan minnesot mississi missouri montana nebraska nevada hampshir jersey "
		"mexico york carolina dakota ohio oklahoma oregon pennsylv island tennesse texas utah vermont virginia washingt wisconsi wyoming"},
	{T_BANK, "routing aba rtn bank account acct checking savings swift bic sort sortcode iban konto cuenta compte conto"},
	{T_WALLET, "bitcoin btc wallet eth ethereum crypto litecoin ltc xrp ripple doge dogecoin tron trx monero xmr solana address"},
	{T_IDENTITY, "identity identit identida ausweis personal identifi documen citizen resident idcard nric idnumber personnu kennitala"},
	{T_HEALTH, "medicare prescrib mbi beneficiary npi provider dea medical health patient beneficia nationalp"},
	{T_MONTH, "jan ene gen feb f\xc3\xa9 mar m\xc3\xa4 apr abr avr may mai mag maj mei jun jui giu jul lug aug ago ao\xc3 sep set oct okt ott out nov dec dez dic "
		"d\xc3\xa9"},
	{T_AT, "svnr sozialve austria austrian versiche"},
	{T_AU, "tfn abn acn australi taxfile business company medicare"},
	{T_BE, "rijksreg registre niss insz belgian belge belgium rrn nn"},
	{T_BG, "egn bulgaria \xd0\x95\xd0\x93\xd0\x9d edinen"},
	{T_BR, "cpf cnpj brazil brasil cadastro contribu"},
	{T_CA, "sin canadian canada insuranc"},
	{T_CH, "ahv avs oasi swiss schweiz suisse sozialve"},
	{T_CL, "rut run chile chilean rol"},
	{T_CN, "chinese china shenfenz resident \xe8\xba\xab\xe4\xbb\xbd \xe8\xba\xab\xe4\xbb\xbd\xe8\xaf\x81\xe5\x8f\xb7 \xe8\xba\xab\xe4\xbb\xbd\xe8\xaf\x81"},
	{T_CZ, "rodn\xc3\xa9 rodne cislo czech slovak birthnum \xc4\x8d\xc3\xadslo"},
	{T_DE, "steuerid steueri steuer identifi idnr rentenve sozialve versiche german germany deutsche steuerid tin"},
	{T_DK, "cpr danish denmark personnu"},
	{T_ES, "dni nif nie spanish spain espa\xc3\xb1"
		"a documento"},
	{T_FI, "hetu finnish finland henkil\xc3\xb6 henkilot personbe"},
	{T_FR, "nir insee french france s\xc3\xa9"
		"curi securite secu"},
	{T_GB, "nhs nino ni insuranc uk british utr england"},
	{T_GR, "amka afm greek greece \xce\x91\xce\x9c\xce\x9a\xce\x91 \xce\x91\xce\xa6\xce\x9c"},
	{T_HK, "hkid hong kong"},
	{T_HR, "oib croatian croatia hrvatska"},
	{T_IE, "pps ppsn irish ireland"},
	{T_IL, "teudat zehut israeli israel"},
	{T_IN, "aadhaar aadhar uidai uid pan gstin gst india indian permanen"},
	{T_IT, "codice fiscale italian italy italia partita iva piva"},
	{T_JP, "mynumber japan japanese \xe3\x83\x9e\xe3\x82\xa4\xe3\x83\x8a\xe3\x83\xb3\xe3\x83\x90\xe3\x83\xbc \xe3\x83\x9e\xe3\x82\xa4"},
	{T_KR, "rrn korean korea resident \xec\xa3\xbc\xeb\xaf\xbc\xeb\x93\xb1"},
	{T_MX, "curp rfc mexican mexico m\xc3\xa9xico nss imss"},
	{T_NL, "bsn burgerse dutch nederlan netherla sofinumm sofi"},
	{T_NO, "fnr f\xc3\xb8"
		"dselsn fodselsn norwegia norway personnu"},
	{T_NZ, "ird nhi zealand inland"},
	{T_PL, "pesel nip regon polish poland polska dowod dow\xc3\xb3"
		"d"},
	{T_PT, "nif contribu portugue portugal fiscal nipc"},
	{T_RO, "cnp romanian romania numeric"},
	{T_SE, "personnu swedish sweden samordni orgnr"},
	{T_SG, "nric fin uen singapor"},
	{T_TH, "thai thailand \xe0\xb8\x9a\xe0\xb8\xb1"},
	{T_TR, "tckn kimlik turkish turkey t\xc3\xbcrk t\xc3\xbcrkiye tc"},
	{T_TW, "taiwan taiwanes"},
	{T_US, "ein fein itin american usa"},
	{T_ZA, "south african rsa sa"},
	{T_AR, "cuit cuil argentin argentina"},
	{T_EE, "isikukoo estonian estonia asmens lithuani lithuania"},
};

#define REACH 64 /* how far before a candidate, in bytes, a word still speaks for it */
#define NEVER (-(1 << 30))

static inline void note(scan *s, uint64_t topics, int end) {
	if (topics & ~(1ull << T_OTHER | 1ull << T_ID)) s->spoken = max(s->spoken, end);
	for (; topics; topics &= topics - 1) {
		int *seen = &s->seen[__builtin_ctzll(topics)];
		*seen = max(*seen, end);
	}
}

/* read_words notes the topics of the words in t[from:to], at their ends or, for
 * a key, right before the text. A word that began before from is passed over. It begins
 * with the last word and stops at one that names some other number, which it tells:
 * what stands before that one speaks for nothing behind it. */
static int read_words(scan *s, const uint8_t *t, int from, int to, int key) {
	words w = letters_of(t + from, to - from);
	if (from > 0 && class[t[from - 1]] & (LETTER | HIGH)) w.letters &= w.letters + 1;
	w.starts = w.letters & ~(w.letters << 1 & ~(w.upper & w.lower << 1));
	spend(120);
	for (int end; w.starts;) {
		spend(170);
		int a = last_word(&w, &end);
		uint64_t topics = end - a > 1 ? word_topics(word_at(t + from + a, end - a)) : 0;
		if (!topics) continue;
		note(s, topics, key ? 0 : from + end);
		if (topics >> T_OTHER & 1 && !key) return 1;
	}
	return 0;
}

RARE void listen(scan *s, int to) {
	spend(250);
	if (s->words_read < 0) {
		for (int i = 0; i < MAX_TOPICS; i++) s->seen[i] = NEVER;
		s->spoken = NEVER;
		int n = (int)s->field->key_len, from = max(0, n - REACH);
		read_words(s, s->field->key + from, 0, n - from, 1);
		s->words_read = 0;
	}
	if (to <= s->words_read) return;
	int from = max(s->words_read, to - REACH);
	if (!read_words(s, s->t, from, to, 0) && from > s->words_read && is(s, from - 1, LETTER | HIGH)) { /* a word that ends within reach is heard, whoever asked before */
		const byte_set *letters = &sets[set_number(LETTER | HIGH)];
		int start = back(s, from, max(s->words_read, from - REACH / 2), letters, 0);
		read_words(s, s->t, start, ahead(s, from, min(to, from + REACH / 2), letters, 0), 0);
	}
	s->words_read = to;
}

/* unspoken reports whether no word, which has two letters at least, is among the few bytes that
 * listen would read. */
RARE int unspoken(const scan *s, int to) {
	int few = to - s->words_read;
	if (s->words_read < 0 || few > 16) return 0;
	v128_t v = wasm_v128_load(s->t + to - 16);
	uint32_t letters = wasm_i8x16_bitmask(wasm_v128_or(between(wasm_v128_or(v, wasm_u8x16_splat(0x20)), 'a', 'z'), v)) >> (16 - few);
	return !(letters & letters << 1);
}

/* hear reads the words before offset to, each byte of a text at most once, and
 * only when a candidate asks: plain text costs nothing, dense candidates stay
 * linear. */
static inline void hear(scan *s, int to) {
	if (to <= s->words_read) return;
	if (unspoken(s, to)) s->words_read = to;
	else listen(s, to);
}

/* silent reports whether near would be false for every topic. */
static inline int silent(scan *s, int to) {
	hear(s, to);
	return s->spoken < max(to - REACH, s->seen[T_OTHER]);
}

/* named returns where a topic was last named before offset to, or NEVER. */
static inline int named(scan *s, int topic, int to) {
	hear(s, to);
	return to - s->seen[topic] <= REACH ? s->seen[topic] : NEVER;
}

/* near reports whether the topic was named within reach before offset to, and no
 * other number since. */
static inline int near(scan *s, int topic, int to) {
	int seen = named(s, topic, to);
	return seen != NEVER && seen >= s->seen[T_OTHER];
}

/* near_set returns the topics for which near is true. */
static uint64_t near_set(scan *s, int to) {
	if (silent(s, to)) return 0;
	const v128_t from = wasm_i32x4_splat(max(to - REACH, s->seen[T_OTHER]));
	uint64_t topics = 0;
	for (int k = 0; k < MAX_TOPICS; k += 16) {
		const int *seen = s->seen + k;
		v128_t low = wasm_i16x8_narrow_i32x4(wasm_i32x4_ge(wasm_v128_load(seen), from), wasm_i32x4_ge(wasm_v128_load(seen + 4), from));
		v128_t high = wasm_i16x8_narrow_i32x4(wasm_i32x4_ge(wasm_v128_load(seen + 8), from), wasm_i32x4_ge(wasm_v128_load(seen + 12), from));
		topics |= (uint64_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(low, high)) << k;
	}
	return topics;
}

/* id_since reports whether the words called the number an id after they named
 * the topic ("phone_number_id", "call id"). */
static int id_since(const scan *s, int topic) { return s->seen[T_ID] > s->seen[topic]; }

#endif
