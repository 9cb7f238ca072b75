//go:build !race

package plugins_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// denseTexts are what tools and people write and what has a candidate at every few bytes, each as
// long as a batch and made up: more than a usual text has, and less than what is made to be dear.
func denseTexts(t testing.TB) map[string][]byte {
	t.Helper()
	d := newDice(6)
	num := func(n int) string { return d.of(n, digitChars) }
	hex := func(n int) string { return d.of(n, hexChars) }
	upTo := func(n int) int { return d.IntN(n) }
	pairs := func(n int, sep string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = hex(2)
		}
		return strings.Join(all, sep)
	}
	date := func() string { return fmt.Sprintf("20%02d-%02d-%02d", upTo(27), 1+upTo(12), 1+upTo(28)) }
	clock := func() string { return fmt.Sprintf("%02d:%02d:%02d", upTo(24), upTo(60), upTo(60)) }
	ip := func() string { return fmt.Sprintf("%d.%d.%d.%d", 10+upTo(200), upTo(256), upTo(256), upTo(256)) }
	ipv6 := func() string { return "2001:db8:" + hex(4) + ":" + hex(3) + "::" + hex(4) + ":" + hex(2) }
	float := func() string { return fmt.Sprintf("%.*f", 1+upTo(6), d.Float64()*200-100) }
	kinds := map[string]func() string{
		"cards":            func() string { return "4" + num(15) + "\n" },
		"cards as printed": func() string { return "5" + num(3) + " " + num(4) + " " + num(4) + " " + num(4) + "\n" },
		"cards in a table": func() string {
			return "| " + d.word() + " | 4" + num(15) + " | " + num(2) + "/" + num(2) + " | " + num(3) + " |\n"
		},
		"card transactions":     func() string { return date() + "," + d.word() + ",4" + num(15) + "," + float() + ",USD,approved\n" },
		"telephone numbers":     func() string { return "(" + d.lead(3) + ") " + d.lead(3) + "-" + num(4) + "\n" },
		"numbers of E.164":      func() string { return "+49 30 " + num(4) + " " + num(4) + "\n" },
		"social security":       func() string { return num(3) + "-" + num(2) + "-" + num(4) + "\n" },
		"IBANs":                 func() string { return "DE" + num(20) + "\n" },
		"members of one letter": func() string { return `{"d":"` + hex(16) + `"},` },
		"members of two":        func() string { return `{"dp":"` + hex(32) + `"},` },
		"IBANs as printed": func() string {
			return "GB" + num(2) + " ABCD " + num(4) + " " + num(4) + " " + num(4) + " " + num(2) + "\n"
		},
		"tax ids":          func() string { return num(2) + " " + num(3) + " " + num(3) + " " + num(3) + "\n" },
		"Brazilian ids":    func() string { return num(3) + "." + num(3) + "." + num(3) + "-" + num(2) + "\n" },
		"numbers of firms": func() string { return pick(d, "DE", "PT", "EL") + num(9) + "," + pick(d, "IT", "HR") + num(11) + "\n" },
		"VAT of firms":     func() string { return "VAT " + pick(d, "DE", "FR12", "NL", "PL1") + num(9) + ", " + d.word() + "\n" },
		"words of ids": func() string {
			return pick(d, "RUC: ", "cedula ", "NIT ", "IIN ", "taj ") + num(8+upTo(5)) + ", " + d.word() + "\n"
		},
		"cards of a game":          func() string { return pick(d, "card OP", "Karte K", "Line card LC") + num(2) + "-" + num(3) + "\n" },
		"cards of a game, in JSON": func() string { return `"card":"OP` + num(2) + "-" + num(3) + `",` },
		"shares of countries":      func() string { return "NL " + num(2) + "," + num(1) + " BE " + num(2) + "," + num(1) + " DE 10,0\n" },
		"ids of users":             func() string { return `{"uid":5` + num(7) + `,"gid":5` + num(7) + "}\n" },
		"letters and numbers": func() string {
			return pick(d, "t", "m", "c", "p", "f", "a") + pick(d, ": ", ". ") + num(8+upTo(3)) + "\n"
		},
		"letters and groups": func() string {
			return pick(d, "c. ", "f: ", "m: ", "T: ") + num(4) + " " + num(4) + " " + num(4) + "\n"
		},
		"names and pairs": func() string {
			return pick(d, "Wien", "Kiel", "Mon", "Mob", "GSM") + ": " + num(2) + " " + num(2) + " " + num(2) + " " + num(2) + " " + num(2) + " " + num(2) + "\n"
		},
		"names and colours": func() string {
			return pick(d, "min: ", "rgb: ", "box: ", "Mon: ") + num(3) + " " + num(3) + " " + num(3) + "\n"
		},
		"short names":      func() string { return pick(d, "Ph: ", "Mob: ") + num(5) + " " + num(5) + "\n" },
		"areas and locals": func() string { return "Tel: 0" + num(3) + " " + num(6) + "\n" },
		"signatures": func() string {
			return "T: 0" + num(2) + " " + num(4) + " " + num(4) + " M: 07" + num(3) + " " + num(6) + "\n"
		},
		"days of March":    func() string { return num(2) + "mar" + num(2) + " " },
		"dates":            func() string { return date() + "\n" },
		"times":            func() string { return date() + "T" + clock() + "." + num(6) + "Z\n" },
		"epochs":           func() string { return "17" + num(8) + "\n" },
		"e-mail addresses": func() string { return d.word() + num(2) + "@" + d.word() + ".com\n" },
		"contacts": func() string {
			return d.word() + " <" + d.word() + "@" + d.word() + ".org>, +1 " + d.lead(3) + " " + d.lead(3) + " " + num(4) + "; "
		},
		"IPv6": func() string { return ipv6() + "\n" },
		"IPv6 in full": func() string {
			return "2001:0db8:" + hex(4) + ":" + hex(4) + ":" + hex(4) + ":" + hex(4) + ":" + hex(4) + ":" + hex(4) + "\n"
		},
		"networks":           func() string { return ip() + "/24 via " + ip() + " dev eth0\n" },
		"hosts":              func() string { return ip() + " " + d.word() + num(2) + ".example.com " + d.word() + num(2) + "\n" },
		"netstat":            func() string { return "tcp 0 0 " + ip() + ":443 " + ip() + ":" + num(5) + " ESTABLISHED\n" },
		"arp":                func() string { return "? (" + ip() + ") at " + pairs(6, ":") + " [ether] on eth0\n" },
		"hardware addresses": func() string { return pairs(6, ":") + "\n" },
		"fingerprints":       func() string { return "SHA256 Fingerprint=" + strings.ToUpper(pairs(32, ":")) + "\n" },
		"modulus":            func() string { return "    " + pairs(15, ":") + ":\n" },
		"bytes in C":         func() string { return "0x" + pairs(12, ", 0x") + ",\n" },
		"escapes":            func() string { return "\\x" + pairs(16, "\\x") + "\n" },
		"digests of images":  func() string { return d.word() + "/" + d.word() + "@sha256:" + hex(64) + "\n" },
		"git log": func() string {
			return "commit " + hex(40) + "\nAuthor: " + d.word() + " <" + d.word() + "@" + d.word() + ".com>\nDate:   " + date() + " " + clock() + " +0200\n\n    " + d.word() + " (#" + num(3) + ")\n"
		},
		"web server": func() string {
			return ip() + " - - [" + date() + ":" + clock() + " +0000] \"GET /" + d.word() + "?id=" + num(6) + " HTTP/1.1\" 200 " + num(4) + " \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n"
		},
		"key and value": func() string {
			return "ts=" + num(10) + " level=info id=" + hex(8) + " n=" + num(2) + " ms=" + num(3) + "\n"
		},
		"metrics": func() string {
			return "http_requests_total{code=\"200\",method=\"get\",pod=\"" + d.word() + "-" + hex(9) + "-" + d.of(5, lowerChars) + "\"} " + num(6) + "\n"
		},
		"environment": func() string {
			return strings.ToUpper(d.word()) + "_PASSWORD=" + d.of(16, alnumChars) + "\n" + strings.ToUpper(d.word()) + "_PORT=" + num(4) + "\n"
		},
		"quoted environment": func() string {
			return "export " + strings.ToUpper(d.word()) + "_TOKEN=\"" + d.of(32, alnumChars) + "\"\n"
		},
		"properties": func() string {
			return "spring." + d.word() + ".password=" + d.word() + num(3) + "!\nspring." + d.word() + ".url=jdbc:postgresql://" + d.word() + ":5432/" + d.word() + "\n"
		},
		"names and passwords": func() string { return d.word() + num(2) + ":" + d.password() + "\n" },
		"passwd": func() string {
			return d.word() + ":x:" + num(4) + ":" + num(4) + "::/home/" + d.word() + ":/bin/bash\n"
		},
		"shadow": func() string {
			return d.word() + ":$6$" + d.of(16, alnumChars) + "$" + d.of(86, alnumChars) + ":19" + num(3) + ":0:99999:7:::\n"
		},
		"API keys": func() string { return "sk-proj-" + d.of(48, alnumChars) + "\n" },
		"signed tokens": func() string {
			return "eyJhbGciOiJIUzI1NiJ9.eyJ" + d.of(40, alnumChars) + "." + d.of(43, urlChars) + "\n"
		},
		"certificates": func() string {
			return "-----BEGIN CERTIFICATE-----\n" + strings.Repeat(d.of(64, b64Chars)+"\n", 12) + "-----END CERTIFICATE-----\n"
		},
		"secrets of a cluster": func() string {
			return "  " + d.word() + "-token: " + d.of(24, b64Chars) + "==\n  " + d.word() + "-id: " + hex(8) + "\n"
		},
		"YAML": func() string {
			return "- name: " + d.word() + "\n  image: " + d.word() + ":v" + num(1) + "." + num(2) + "." + num(1) + "\n  port: " + num(4) + "\n  cpu: " + num(3) + "m\n"
		},
		"JSON of names": func() string {
			return "{\"id\":" + num(6) + ",\"sku\":\"" + strings.ToUpper(hex(8)) + "\",\"n\":" + num(1) + ",\"price\":" + float() + ",\"key\":\"" + d.word() + "\",\"at\":\"" + date() + "\"},"
		},
		"JSON of short pairs": func() string {
			return "{\"a\":" + num(2) + ",\"b\":\"" + d.of(8, alnumChars) + "\",\"c\":\"" + d.word() + "\"},"
		},
		"XML": func() string {
			return "<item id=\"" + num(4) + "\"><key>" + d.of(10, alnumChars) + "</key><value>" + num(3) + "</value></item>"
		},
		"HTML": func() string {
			return "<td class=\"c" + num(1) + "\" style=\"width:" + num(2) + "px\"><a href=\"/" + d.word() + "/" + num(4) + "\">" + d.word() + "</a></td>"
		},
		"SQL": func() string {
			return "(" + num(5) + ",'" + d.word() + "','" + d.word() + "@" + d.word() + ".com','" + date() + " " + clock() + "',NULL,1),"
		},
		"coordinates":       func() string { return "[" + float() + "," + float() + "]," },
		"vector":            func() string { return fmt.Sprintf("%.8f,", d.Float64()*2-1) },
		"numbers of tokens": func() string { return num(1+upTo(5)) + ", " },
		"single digits":     func() string { return num(1) + " " },
		"path of a drawing": func() string {
			return "M" + float() + "," + float() + "l" + float() + " " + float() + "h" + num(1) + "z"
		},
		"script": func() string {
			return d.of(1, lowerChars) + "=function(t,e){return t." + d.of(1, lowerChars) + "[" + num(1) + "]||e?" + num(2) + ":" + d.of(1, lowerChars) + "(" + num(3) + ")};"
		},
		"style sheet": func() string {
			return "." + d.word() + "{margin:" + num(1) + "px " + num(2) + "px;color:#" + hex(6) + ";flex:1 1 0}"
		},
		"assembly": func() string {
			return "  40" + hex(4) + ":\t48 8b " + hex(2) + " " + hex(2) + " \tmov    0x" + hex(2) + "(%rsp),%rax\n"
		},
		"memory map": func() string {
			return "7f" + hex(10) + "-7f" + hex(10) + " r-xp 000" + hex(5) + " fd:01 " + num(6) + " /usr/lib/lib" + d.word() + ".so.6\n"
		},
		"packages": func() string {
			return d.word() + "-" + d.word() + "@" + num(1) + "." + num(2) + "." + num(1) + " sha512-" + d.of(86, b64Chars) + "==\n"
		},
		"go.sum": func() string {
			return "github.com/" + d.word() + "/" + d.word() + " v" + num(1) + "." + num(1) + "." + num(1) + "/go.mod h1:" + d.of(43, b64Chars) + "=\n"
		},
		"processes": func() string {
			return "root " + num(5) + "  0." + num(1) + "  1." + num(1) + " " + num(6) + " " + num(5) + " ?  Ssl  " + clock()[:5] + "   0:" + num(2) + " /usr/bin/" + d.word() + " --port=" + num(4) + "\n"
		},
		"payments in coins": func() string {
			return date() + ",1" + d.of(33, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz") + ",0." + num(8) + "," + hex(64) + "\n"
		},
		"chess":  func() string { return fmt.Sprintf("%d. e%d Nf%d ", 1+upTo(60), 1+upTo(8), 1+upTo(8)) },
		"verses": func() string { return d.word() + " " + num(1) + ":" + num(2) + "; " },
		"subtitles": func() string {
			return num(3) + "\n00:" + clock()[3:] + "," + num(3) + " --> 00:" + clock()[3:] + "," + num(3) + "\n" + d.word() + " " + d.word() + "\n\n"
		},
	}
	texts := usualTexts()
	for _, what := range slices.Sorted(maps.Keys(kinds)) { // the same dice for each, in every run
		var b strings.Builder
		for b.Len() < abi.MaxBatchText {
			b.WriteString(kinds[what]())
		}
		texts[what] = []byte(b.String()[:abi.MaxBatchText])
	}
	return texts
}
