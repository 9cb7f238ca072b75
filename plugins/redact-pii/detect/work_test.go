package detect

import (
	"strings"
	"testing"
)

// maxWork is the bound on examined bytes beyond one per byte of the text.
// Ten is what the densest candidates cost; the constant is for a short text.
func maxWork(n int) int { return 10*n + 4096 }

func workOf(text, key []byte) int {
	d := everything()
	d.threshold[PrivateKey] = off // findings shorten the way; refuse the longest
	s := scanner{text: text, threshold: &d.threshold, emit: func(Finding) {}}
	s.run(key)
	silent := Detector{}
	silent.setAll(off)
	q := scanner{text: text, threshold: &silent.threshold, emit: func(Finding) {}}
	q.run(key)
	return max(s.work, q.work)
}

// TestWorkIsLinear counts steps on 64 KiB of the inputs that are the worst for
// each detector: as many candidates as fit, each almost right, and runs that a
// careless look-ahead would read again and again.
func TestWorkIsLinear(t *testing.T) {
	const size = 64 << 10
	for _, unit := range []string{
		"a", "0", "7 ", "1-", "12.", "1.1.1.1 ", "4111 1111 1111 1112 ", "4-", "123-45-6780 ", "(212) 555-01", "+1 ", "+491 2 3 4 5 6 7 ",
		"@", "a@", "a@b.c", "a@b.com@", "a.b@c.", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@",
		":", "::", "a:", "1:", "::1", "1::2:", "abcd:", "f:f:f:f:f:f:f:f:", "1:2:3:4:5:6:7:8.",
		"eyJ", "eyJ.", "eyJ-", "eyJaaaaaaaaaa.", "eyJaaaaaaaaaa.eyJaaaaaaaa.", "-", "--", "sk-", "xoxb-", "xoxb-.", "xapp-a", " sk-a1B2c3D4e5F6g7H8i9J0k1",
		"-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA", "-----END PRIVATE KEY-----",
		"_", "ghp_", " ghp_", "github_pat_", "/", "hooks.slack.com/services/", "AKIA", "AKIAAKIAAKIAAKIAAKIA ",
		"GB11", "GB11 ", "DE11 1111 1111 ", "a1", "a1/", "a1+", "phone 1 ", "phone id 1234567 ", "\\n1", "\\u0031", "x", "1x1 ", "é1", "\xc3", "\xff@",
	} {
		text := []byte(strings.Repeat(unit, size/len(unit)))
		if w := workOf(text, nil); w > maxWork(len(text)) {
			t.Errorf("%q repeated: %.1f steps a byte", unit, float64(w)/float64(len(text)))
		}
	}
}

// TestWorkBehindLongHead repeats what looks back behind a long run that fits.
func TestWorkBehindLongHead(t *testing.T) {
	for name, text := range map[string]string{
		"end lines behind base64":   strings.Repeat("QUJD", 1<<11) + strings.Repeat("-----END PRIVATE KEY-----\n", 1<<12),
		"begin lines without end":   strings.Repeat("-----BEGIN RSA PRIVATE KEY-----\n", 1<<12) + strings.Repeat("a", 1<<16),
		"begin lines, words behind": strings.Repeat("-----BEGIN PRIVATE KEY-----words ", 1<<12),
		"dots behind a long run":    strings.Repeat("a", 1<<16) + strings.Repeat(".eyJaaaaaaaaaa", 1<<12),
		"one run of digits":         strings.Repeat("1 ", 1<<16) + "x",
	} {
		if w := workOf([]byte(text), nil); w > maxWork(len(text)) {
			t.Errorf("%s: %.1f steps a byte", name, float64(w)/float64(len(text)))
		}
	}
}
