//go:build !race

package plugins_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// worst are the inputs that are the worst for each detector, to be repeated: as
// many candidates as fit, each almost right, and runs that a careless look-ahead
// would read again and again.
var worst = []string{
	"a", "0", "7 ", "1-", "12.", "1.1.1.1 ", "4111 1111 1111 1112 ", "4-", "123-45-6780 ", "(212) 555-01", "+1 ", "+491 2 3 4 5 6 7 ",
	"@", "a@", "a@b.c", "a@b.com@", "a.b@c.", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@", "://a:b@", "x:yyyyyyyyyyyyyyyyyyyyyyyyyy@",
	":", "::", "a:", "1:", "::1", "1::2:", "abcd:", "f:f:f:f:f:f:f:f:", "1:2:3:4:5:6:7:8.", "00:11:22:33:44:5 ",
	"eyJ", "eyJ.", "eyJ-", "eyJaaaaaaaaaa.", "eyJ1aaaaaaaaa.eyJaaaaaaaa.", "-", "--", "sk-", "xoxb-", "xoxb-.", "xapp-a", " sk-a1B2c3D4e5F6g7H8i9J0k1",
	"-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA", "-----END PRIVATE KEY-----",
	"-----BEGIN PRIVATE KEY-----a a a ", "a a a -----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----MIIEvQIBADANBgkqhkiG9w0BAQEFAASC ", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC -----END PRIVATE KEY-----",
	"PuTTY-User-Key-File-2:", "PuTTY-User-Key-File-2:Private-Lines:a a a ", "Private-Lines:1", "PuTTY-User-Key-File-2:PPPP",
	"_", "ghp_", " ghp_1", "github_pat_", "/", "hooks.slack.com/services/1", "AKIA", "AKIAAKIAAKIAAKIAAKIA ",
	"GB11", "GB11 ", "DE11 1111 1111 ", "a1", "a1/", "a1+", "a.1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa.1", "phone 1 ", "phone id 1234567 ", "\\n1", "\\u0031", "x", "1x1 ", "é1", "é@",
	"ann at example dot ", " at a dot a", "(at)", "a(at)a(dot)", " dot ", "1990-01-01 ", "born 1 May 1990 ", "44051401358 ", "12.345.678-5 ", "123456789 ", "12345678901 ",
	"AB123456C ", "SW1A 1AA ", "passport A1234567 ", "1BoatSLRHtKNngkdXEeobR76b53LETtpyU ", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdr ",
	"0x52908400098527886E0F7030069857D2E4169EE8 ", "=", "a=", "key=1 ", "password=a1 ", "token: a1b2c3d4e5f6 ", "\"key\":\"a1b2c3d4\",", "<a>1</a>", "secret ", "?", ";",
	"Bearer a1 ", "postgres://a:b@c/d ", "AccountKey=", "curl -u a:b ", "aB3$", "aB3dE5gH7jK9 ", "a1b2c3d4e5f60718293a4b5c6d7e8f90 ", "...1", "1=1=", "''1", "\"a1\"",
	// found by TestWorstTexts
	"::1 1B", ":1 9A:", "1@1@1_", "1@0@7.9_", "4@1B:1B:", "9H@TF9Gen", "NHS@9A::031 111 9A::046 011 9_9", "@1K@1xG4aC9SaA9wA1kG7ouGA1b1uB9b1kf1B",
	"Auth: : : =Geppeeeeepeeeepeeeeepepeeeeepeeeeepeeepeeeepeeeepeeeeea:@0", "Pass,\"=9As0A :.As1G :1", ": =ghs7s.s.sas7s0as0a", ":,=sk-x1:\n=sk--7:\"=sk-b9",
	".0/4 :sk-0/1 :sk", "5$1$", ":1@7x7\n", " =8/0.4", "\"=1@7-0", "=4:0x0\n", "7e:0b =", "=1//0:'", ".0\\5v9.-.3\\5v9",
	"SA7\\1F-7F-7A-4F-0", "SA-@1F-7A-4F-0A-0", "SA1@4F-7F-7F-7A-0", "B:1B:1B:1B:0B:1B:0 91:1", ":1A:9A:9A:9A:9A:9s\\9A", "7--9_9--5_4--5A--9_", "1tB/9B:1B::", "4+4A::1/7B::0+0A::", "1@1.A9@1.A9@1.911_", ":1A:7B\\9B:9A:9s\\1A", "NHS@::030 111 9::030 111 9A::9+9A::046 711 9A::044 917.9.9",
	" a:8/0=", "Pass :.As1G :.As11 :1", "Pass x::.As1G :-As44 :1", "\\=b.sas4as :b.sas4a4as7", "Pass :9As0A :.As1G :@1", ": =b.sas4as: =b.sas4a4as7", "Pass.\n:9As0A :1As.a':1", ":,@=sk-x1:\n=sk--4:'=sk--9:,:sk--9:,B:sk-b9", "::::::\"", "@pass:x", "Pass,:1Pass,:9", "Pass x:as.4\":As40b :4", "Pass,:.As1G,:1As1G,:://1", "Pass:1aaaaaa,", "Pass.,:.As19,:1", "Pass:1your,", "Pass=\n:9As0A: :1As.47':1", "_Pass x:-GAs41 :+xAs4:':1", ",@eaPW=",
	": =sas.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", "\\a:9e.4", "v:1e=9\\",
	// of kinds that say no length, of which each may go on to the end
	".t1.t1.t1.t.t1.t1.t1.t1.a", "DOB 77 7é3/7/4/3/3/5/3/4/3/5'", "tel 1 8 08 99 1 8 08 0 08 0 9 1 9", " At 9b dot 68 dot 68 dot 68 dot 68", "1:7):2@:2:2:2:2:2:2:2:2:2:", ": 1: 1: : : 1",
	"lepx-=aasbapassword a14", "x9x-p -pd#", "x9x/x-x-x+x#x-x+x#x- -x+x#x-p -pB#", "x9x/sk-sk-sk+sk#sk-sk+sk#sk- -sk+sk#sk-p -pB#", "&key=a1b2c3d4e5f60718293a", "\"a1;b=c2;d=e3\"", "\"a1;key=c2;key=e3\"", "1/", "/1/1/1",
	"\\4B", "/4F", "0)1\\9B\\4B", "DO 77 77_DO 71 9:DOB 77 77#", " At 8 dot 68 dot 68 dodo", ":1A:9:1::1:0B:", " 1:1r", "1@:4::@:1:", "09/", "994NxNAbxA0 1R0aka9 O2:-----END 0P", "PuTTY-User-Key-File-2:P:PPPP PPPPPPPP+ aPPPPPPPPP\nPPPPPPPPPPPPP2:7-ex :PPPPPP", "PuTTY-User-Key-File-2:Private-Private-Private-Lines", "Pass:.AsG,4eabCabC1bCabC1Ve9a9eEmbeabCeeabCaabC11abC1aabCaBIs_0,_://1", ".071 1 111 117 1713-ing numer-", "-Tel,0 (0 1 001 0 10 0 1 20 0 8 00 8 00 08 6 000 0 7 (96 000 0 7 (910 (1)20-06 001,1é./", "/01(1/1(1", " #9", ":b:@(9éA", "\\u0aa7-e:1:9A", "=sk-lf-9x99NasnRH9ucAZDTdeGJ8dbG9Uv7CQCBbEZDHUTCzybEZaTdeZDTdeG ",
	"/fm1a_1", "=sl.1", "/fm1a_1=sl.1", "(EAAC1", "-ZXlK1",
	// what may stand in the place of digits and of a name
	";pwd=({[", ";server;pwd=aa!b", "Pw=(Pw=[Pw={", "<pass>{1 1 1 1}<", "<a>{1", "login a password a1", "--password a1 ", "apikey=zqzqzqzqzqzqzqzqzqzq", "secret=({{a${a1", "jira Aa1Aa1Aa1Aa1Aa1Aa1Aa1Aa1 ", "x key=Aa1Aa1Aa1Aa1Aa1Aa1Aa1Aa1 ",
	// found by it since "é" stands between a name and its value
	"-token.\n.é b0éB/B/", "  é 777/pass...", ": 1+a.s-s+a.sas+a''.,  A4/a$a$a.sas4a\"\"\"+ \",\"", "Pass     +9As0A.  \\     é$é$71''é/1", "password é velvet7 ", ")é-11:1r", "é1G:8/0)é11é:8)é79é:+)",
	// letters of three bytes, and what stands beside a number
	"田@", "田@田.", "田田田田@", "田.a@田.ไทย", "o'a@b.co ", "o'o'@", "4111111111111111.0 ", "1234567.00.", "zip 12345 ", "CP 123-4567 ", "zip\"12345 ", "a0 06 03 55 04 03 a0 ", "4006 8010 5302 5976 a0a0 ",
	"libx 1.2.3.4 ", "\"A.B\":\"1.20.3.4\"", "look at a dot com ", "x at b dot com ", "rrn 850312-1234567 ", "account number of users 1234567 ",
	// values with signs in them, to their closing quotation marks or not
	`"pass":"a'b`, `"pass":"a'b1`, `"secret":"a\b1" `, `{"pass":"a<b","x`, `pass="a'a'a'a'a'a'a'a'a'a'a'a'a'a1`, "pass=a1;b", "pass=a1&b&c&d<e", "pass: a1<b<c<d<e ", `pass=a\g\g\g1 `, "pass=f(", "pass=ff1(a b c ", "pass 'a1", "IQoJb3JpZ2lu", "FwoGZXIvYXdz/1",
	"AC00000000000000000000000000000001:", "AC00000000000000000000000000000001:00000000000000000000000000000001,", "://a:a@b", "secret=1//////2", "secret=yourAyourAyourAyourAyourA1yourA ",
	"pass=\"a''''''''''", "token:  'ppeee0c3d2\"                    ",
	// values of a program, and in brackets
	"{pass: aa11bb}", ",pass, a-1b2c]", "[[[[[[[[pass=aa11bb],],],],", "pass=aa11bb]]]]]]]]", "[[[[[[pass=a1b2c3]}", "let pass = a.b1c2d ", "(pass == aa11b&&", "apikey: aa11Key,", "next_token=a1b2c3d4 ", "pass sha-256-aa ", "pass = a1b2([", "pass=\"a1b2\".format(", "lo1.injjdd(d.\\mybxaa'paa'password a1", "password a1(", " password Ab1c(D2", "[{[{pass=a1b2c3]}]}", "sub_4010001(a1)=pass ",
	// in which short values have no word before them
	"né :é9#", "é :G8.e+", "é:++é4 ", " =87$éé", "=4/#xe ", ",é1:1ré,,é11:éé",
	// keys of issuers, and rows of SQL
	`datadog="a1b2c3d4e5f6a7"`, `a_a_a_a_a_a_a_a_a_a_a_a_a_a='a1b2c3d4e5f6a7'`, `NewNewNewNewRelicNew:a1b2c3d4e5f6a7 `, `hunter.twilio.sentry('00a1b2c3d4e5f6a7')`, "--sentry 1a1a1a1a1a1a1a ", "sentry release=a1b2c3d4e5f6a7 ",
	"('a1b2c3',", "(password)values('a1b2c3',", "(a,a,a,a,a,a,a,a,a)values(',a1b2c3',", ")values", "()values 'a1'", "values('a1b2c3'),", "(pw)values'1a1a1a',",
	"acct no 1234567 ", "JG 103759 ", "nino JG-10-37-", "my German number 01-1 ",
	"nit 1234567-1 ", "VAT DE 11 11 ", "BE 01 11 ", "kt 123456-", "nin 123-", "iin 111111111111 ", "ABC-123456-", "dni 12.345.678 ",
	"Ph: 98765 43210 ", "m: 1 2 345678 ", "4Mar80 ", "7-V-8 ", "7-I-", "1985\ub1441\uc6d41\uc77c", "ip-10-2-3-4 ", "a[@]b[.]cd ", "415-555-0137 #1 ", "415-555-0137 poste", "GSM: 0 ", "call me at 10 00 12 30 ",
	"text me at 1 2 ", "liga no 1 ", "chiamare il 12345 6 ", "dn: 1/1/10 ", "F.N.: 1/1/10 ", "a (*1.1.10)", "1/1/10 in a a a a ", "1.1.10 is my ", "1.1.10 (d", "card 4049  4049  ", "4049/4049/4049 ", "012 - 12 34 ", "012/12.12.", "call 012/12 ", "my new number 01/1 ", "Contact: 123 456 789 ",
	"ssn 123-456789 ", "SS# 12345-6789 ", "ddn: 1/1/10 ", "Ph: 9878543210 ", "Contact 8 241290128e 23 4566111. 78987-0-87170 ", "NHS NHS number( 531 6641502..\n", "Max Muster (*1.1.10) ", "Kontakt 1234567890 ", "Dutch 271 828 183 ", "office: 1 ", "direct line 1 ", "GSM : (0 ",
}

// timesTheMean is how many times the mean of usualTexts a long text may take.
const timesTheMean = 5

// TestWorkIsLinear counts the fuel of each of these texts, as long as the batches of 64 KiB that the
// host makes, of what is behind a long head, and of usual ones. None takes more than five times what those
// take on average, since what is behind a text's allowance is not judged, and none grows faster than its length.
func TestWorkIsLinear(t *testing.T) {
	heads := map[string]string{
		"end lines behind base64":   strings.Repeat("QUJD", 1<<11) + strings.Repeat("-----END PRIVATE KEY-----\n", 1<<12),
		"begin lines without end":   strings.Repeat("-----BEGIN RSA PRIVATE KEY-----\n", 1<<10) + strings.Repeat("a", 1<<15),
		"begin lines, words behind": strings.Repeat("-----BEGIN PRIVATE KEY-----words ", 1<<12),
		"dots behind a long run":    strings.Repeat("a", 1<<15) + strings.Repeat(".eyJaaaaaaaaaa", 1<<11),
		"spaces before a list":      strings.Repeat(strings.Repeat("  =", 1<<10)+`("k", "Quar99", "Quar98", "Quar97", "Quar96", "Quar95", "Quar94", "Quar93", "Quar92")`, 32),
		"one run of digits":         strings.Repeat("1 ", 1<<15) + "x",
	}
	for _, name := range scanners {
		for _, config := range []string{"", `{"threshold":0}`, `{"threshold":1000}`} {
			p := probe(t, name, []byte(config))
			measure := func(text string) uint64 {
				text = text[:min(len(text), abi.MaxBatchText)]
				for !utf8.ValidString(text) {
					text = text[:len(text)-1]
				}
				out, err := p.Try(t.Context(), []abi.Field{{Text: []byte(text)}})
				if err != nil {
					t.Errorf("%s with %q: %.40q: %v", name, config, text, err)
				}
				return out.Fuel
			}
			perByte := func(fuel uint64) float64 { return float64(fuel) / abi.MaxBatchText }
			mean, prose := 0.0, 0.0
			for what, text := range usualTexts() {
				c := perByte(measure(string(text)))
				mean += c / float64(len(usualTexts()))
				if what == "prose" {
					prose = c
				}
			}
			dearest := costly{}
			check := func(what string, fuel uint64) {
				c := perByte(fuel)
				if c > timesTheMean*mean {
					t.Errorf("%s with %q: %q: %.0f fuel a byte; the mean is %.0f", name, config, what, c, mean)
				}
				if c > dearest.fuel {
					dearest = costly{what, c}
				}
			}
			for _, unit := range worst {
				whole, half := measure(strings.Repeat(unit, abi.MaxBatchText/len(unit))), measure(strings.Repeat(unit, abi.MaxBatchText/2/len(unit)))
				if whole > 5*half/2+fuelOfCall {
					t.Errorf("%s: %q: fuel %d, and %d for half of it", name, unit, whole, half)
				}
				check(unit, whole)
			}
			for what, text := range heads {
				check(what, measure(text))
			}
			t.Logf("%s with %q: prose takes %.0f fuel a byte, usual texts %.0f, the worst %.0f, %.1f times that: %q", name, config, prose, mean, dearest.fuel, dearest.fuel/mean, dearest.unit)
		}
	}
}
