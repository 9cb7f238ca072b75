/* wallet.h: addresses of crypto currencies that carry a checksum. */
#ifndef PII_WALLET_H
#define PII_WALLET_H

#include "codes.h"

static uint32_t turn(uint32_t v, int n) { return v >> n | v << (32 - n); }

/* sha256_block hashes a message of at most 55 bytes (FIPS 180-4): enough for
 * addresses and their digests. */
static void sha256_short(const uint8_t *m, int n, uint8_t *out) {
	spend(9500);
	static const uint32_t k[64] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
		0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
		0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
		0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
		0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
		0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
	uint32_t w[64], h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	for (int i = 0; i < 16; i++) w[i] = 0;
	for (int i = 0; i < n; i++) w[i / 4] |= (uint32_t)m[i] << (24 - i % 4 * 8);
	w[n / 4] |= 0x80u << (24 - n % 4 * 8);
	w[15] = (uint32_t)n * 8;
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) + (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], last = h[7];
/* A round leaves its sums where the next one takes them from, so that eight of them need not move any. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
	h += (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (g ^ (e & (f ^ g))) + k[i] + w[i], d += h, \
	h += (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) | (c & (a | b)))
	for (int i = 0; i < 64; i += 8) {
		ROUND(a, b, c, d, e, f, g, last, i);
		ROUND(last, a, b, c, d, e, f, g, i + 1);
		ROUND(g, last, a, b, c, d, e, f, i + 2);
		ROUND(f, g, last, a, b, c, d, e, i + 3);
		ROUND(e, f, g, last, a, b, c, d, i + 4);
		ROUND(d, e, f, g, last, a, b, c, i + 5);
		ROUND(c, d, e, f, g, last, a, b, i + 6);
		ROUND(b, c, d, e, f, g, last, a, i + 7);
	}
#undef ROUND
	h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += last;
	for (int i = 0; i < 32; i++) out[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
}

static uint8_t base58[128], base32[128]; /* values of characters, one too high */

static void prepare_wallets(void) {
	static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", bech[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	for (int i = 0; alphabet[i]; i++) base58[(int)alphabet[i]] = (uint8_t)(i + 1);
	for (int i = 0; bech[i]; i++) base32[(int)bech[i]] = (uint8_t)(i + 1);
}

/* base58check reports whether [a, e) is 21 bytes and the first four of their
 * double SHA-256. */
static int base58check(const scan *s, int a, int e) {
	uint32_t limb[7] = {0};
	spend(2000);
	int top = 6, from = a; /* top: the first limb that is not 0 */
	uint8_t b[28], digest[32];
	while (a < e) {
		uint64_t carry = 0, power = 1; /* of up to five characters at a time */
		for (int k = 0; k < 5 && a < e; k++, a++, power *= 58) {
			uint32_t v = base58[s->t[a] & 127];
			if (v == 0) return 0;
			carry = carry * 58 + v - 1;
		}
		for (int i = 6; i >= top; i--, carry >>= 32) limb[i] = (uint32_t)(carry += limb[i] * power);
		if (carry && top > 0) limb[--top] = (uint32_t)carry;
	}
	if (limb[0] >> 8) return 0; /* more than 25 bytes */
	int ones = 0, zeros = 0; /* at the beginning, of which there are as many */
	while (s->t[from + ones] == '1') ones++;
	for (int i = 0; i < 28; i++) b[i] = (uint8_t)(limb[i / 4] >> (24 - i % 4 * 8));
	while (zeros < 25 && b[3 + zeros] == 0) zeros++;
	if (ones != zeros) return 0;
	sha256_short(b + 3, 21, digest);
	sha256_short(digest, 32, digest);
	return b[24] == digest[0] && b[25] == digest[1] && b[26] == digest[2] && b[27] == digest[3];
}

static uint32_t polymod(uint32_t c, uint32_t v) {
	static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	uint32_t top = c >> 25;
	c = (c & 0x1ffffff) << 5 ^ v;
	for (int k = 0; k < 5; k++)
		if (top >> k & 1) c ^= generator[k];
	return c;
}

/* bech32 checks an address of BIP 173 or BIP 350 behind its separator at sep. */
static int bech32(const scan *s, int a, int sep, int e) {
	spend(150 * (e - a));
	uint32_t c = 1;
	for (int i = a; i < sep; i++) c = polymod(c, s->t[i] >> 5);
	c = polymod(c, 0);
	for (int i = a; i < sep; i++) c = polymod(c, s->t[i] & 31);
	for (int i = sep + 1; i < e; i++) {
		uint32_t v = base32[s->t[i] & 127];
		if (v == 0) return 0;
		c = polymod(c, v - 1);
	}
	return c == 1 || c == 0x2bc830a3;
}

#define MIN_WALLET 26

/* of_base58 reports whether [a, e) has no other characters, and digits and letters of both cases. */
RARE int of_base58(const scan *s, int a, int e) {
	spend(150);
	for (int k = a; k < e; k++)
		if (!base58[s->t[k] & 127]) return 0;
	spend(20 * (e - a));
	int m = classes(s, a, e);
	return m & DIGIT && m & UPPER && m & LOWER && !fewer(s, a, e, 10);
}

/* of_base32 reports whether [a, e) has only characters of BIP 173. */
RARE int of_base32(const scan *s, int a, int e) {
	spend(20 * (e - a));
	for (int k = a; k < e; k++)
		if (!base32[s->t[k] & 127]) return 0;
	return !fewer(s, a, e, 10);
}

/* by_prefix returns the score of an address of BIP 173 that begins with the prefix, which ends in the separator. */
RARE int by_prefix(const scan *s, int a, int e, const char *prefix) {
	if (!has(s, a, prefix)) return 0;
	int sep = a;
	while (s->t[sep] != '1') sep++;
	return bech32(s, a, sep, e) ? MAX_SCORE : 0;
}

/* wallet reads an address that is the whole run of letters and digits [a, e). */
RARE int wallet(scan *s, int a, int e) {
	spend(200);
	int n = e - a, score = 0;
	if (n < MIN_WALLET || n > 110 || a < s->last || !begins(s, a, WORD)) return 0;
	switch (s->t[a]) {
	case '0':
		if (n == 42 && has(s, a, "0x") && run_end(s, a + 2, HEX, 41) == e) score = near(s, T_WALLET, a) ? 900 : !fewer(s, a + 2, e, 8) ? 550 : 0;
		break;
	case 'a': score = by_prefix(s, a, e, "addr1"); break;
	case 'b': score = by_prefix(s, a, e, "bc1"); break;
	case 'c': score = by_prefix(s, a, e, "cosmos1"); break;
	case 'l': score = by_prefix(s, a, e, "ltc1"); break;
	case 't': score = by_prefix(s, a, e, "tb1"); break;
	case 'p': case 'q': /* Bitcoin Cash */
		if (n == 42 && of_base32(s, a, e) && (near(s, T_WALLET, a) || has(s, a - 5, "cash:"))) score = 800;
		break;
	case '4': case '8': /* Monero */
		if (n == 95 && of_base58(s, a, e)) score = 700;
		break;
	case 'r': /* XRP */
		if (n <= 35 && of_base58(s, a, e) && near(s, T_WALLET, a)) score = 600;
		break;
	case '1': case '3': case 'L': case 'M': case 'D': case 'X': case 'T': case '2': case '9': case 'A': case 'm':
		/* 25 bytes take 33 characters and more, unless they begin with zeros, which are ones. */
		if (n <= 35 && (n >= 33 || s->t[a] == '1')) score = base58check(s, a, e) ? MAX_SCORE : 0;
	}
	if (!score && (n == 43 || n == 44) && of_base58(s, a, e) && near(s, T_WALLET, a)) score = 600; /* Solana */
	return score && report(s, a, e, CRYPTO_ADDRESS, score) ? e : 0;
}

#endif
