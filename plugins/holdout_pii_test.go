//go:build !race

package plugins_test

import (
	"fmt"
	"strings"
	"testing"
)

func digitsOf(s string) (d []int) {
	for _, c := range s {
		d = append(d, int(c-'0'))
	}
	return d
}

// luhn returns the digits with their check digit (ISO/IEC 7812-1).
func luhn(s string) string {
	sum := 0
	for i, v := range digitsOf(s) {
		if (len(s)-i)%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return s + string(rune('0'+(10-sum%10)%10))
}

// iban returns an account number with its check digits (ISO 13616).
func iban(country, account string) string {
	m := 0
	for _, c := range account + country + "00" {
		if c >= 'A' {
			m = (m*100 + int(c-'A') + 10) % 97
		} else {
			m = (m*10 + int(c-'0')) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", country, 98-m, account)
}

// groups writes s in groups of n.
func groups(s, sep string, n int) string {
	var out []string
	for len(s) > n {
		out, s = append(out, s[:n]), s[n:]
	}
	return strings.Join(append(out, s), sep)
}

// from returns one character of a set.
func (d dice) from(set string) string { return d.of(1, set) }

// lead returns a number of n digits that does not begin with 0 or 1.
func (d dice) lead(n int) string { return d.from("23456789") + d.of(n-1, digitChars) }

// A personal value, in the ways that people write it, and texts around it.
type personal struct {
	label  string
	value  func(dice) string
	around []string
}

var plain = []string{"%s", "Please write to %s today.", `{"contact":"%s","active":true}`, "contact: %s\n", "| %s |", `{\"value\":\"%s\"}`, "(%s)", "User said: %s", "name;%s;x", "\n%s\n"}

var people = []personal{
	{"EMAIL", func(d dice) string { return d.word() + "." + d.word() + "@" + d.word() + ".com" }, plain},
	{"EMAIL", func(d dice) string {
		return strings.ToUpper(d.word()) + "+" + d.word() + d.of(2, digitChars) + "@mail." + d.word() + ".co.uk"
	}, plain},
	{"EMAIL", func(d dice) string { return d.word() + "_ü@" + d.word() + "é.fr" }, plain[:5]},
	{"EMAIL", func(d dice) string { return d.word() + " (at) " + d.word() + " (dot) org" }, []string{"reach me: %s", "%s", "mail %s please"}},
	{"EMAIL", func(d dice) string { return d.word() + "[at]" + d.word() + "[dot]net" }, []string{"reach me: %s", "%s", "mail %s please"}},
	{"EMAIL", func(d dice) string { return d.word() + " at " + d.word() + " dot com" }, []string{"reach me: %s", "mail %s please"}},
	{"EMAIL", func(d dice) string { return d.word() + "@" + d.word() + ".de" }, []string{"<%s>", "mailto:%s", "From: Kim <%s>", `to="%s"`, "%s,", "is it %s?"}},
	{"CARD", func(d dice) string { return luhn("4" + d.of(14, digitChars)) }, []string{"card %s", "my visa is %s thanks", `{"pan":"%s"}`, "%s"}},
	{"CARD", func(d dice) string { return groups(luhn("5"+d.from("12345")+d.of(13, digitChars)), " ", 4) }, []string{"card: %s", "pay with %s, exp 11/29", "%s"}},
	{"CARD", func(d dice) string { return groups(luhn("4"+d.of(14, digitChars)), "-", 4) }, []string{"card: %s", "%s"}},
	{"CARD", func(d dice) string {
		s := luhn("37" + d.of(12, digitChars))
		return s[:4] + " " + s[4:10] + " " + s[10:]
	}, []string{"amex %s", "%s"}},
	{"IBAN", func(d dice) string { return iban("DE", d.of(18, digitChars)) }, plain[:6]},
	{"IBAN", func(d dice) string { return groups(iban("GB", d.of(4, upperChars)+d.of(14, digitChars)), " ", 4) }, plain[:6]},
	{"IBAN", func(d dice) string { return groups(iban("FR", d.of(23, digitChars)), " ", 4) }, plain[:4]},
	{"IBAN", func(d dice) string { return groups(iban("NL", d.of(4, upperChars)+d.of(10, digitChars)), "-", 4) }, []string{"IBAN %s", "account: %s"}},
	{"IBAN", func(d dice) string { return strings.ToLower(iban("ES", d.of(20, digitChars))) }, []string{"iban: %s", "my iban is %s"}},
	{"SSN", func(d dice) string { return "5" + d.of(2, digitChars) + "-4" + d.from("123456789") + "-" + d.lead(4) }, []string{"SSN %s", "her ssn: %s", `{"ssn":"%s"}`, "%s", "social security no. %s"}},
	{"SSN", func(d dice) string { return "5" + d.of(2, digitChars) + " 4" + d.from("123456789") + " " + d.lead(4) }, []string{"SSN %s", "social security number is %s"}},
	{"SSN", func(d dice) string { return "5" + d.of(2, digitChars) + "4" + d.from("123456789") + d.lead(4) }, []string{"SSN: %s", `"ssn": %s,`}},
	{"PHONE", func(d dice) string { return "+1 " + d.lead(3) + "-" + d.lead(3) + "-" + d.of(4, digitChars) }, plain},
	{"PHONE", func(d dice) string { return "(" + d.lead(3) + ") " + d.lead(3) + "-" + d.of(4, digitChars) }, plain[:6]},
	{"PHONE", func(d dice) string { return d.lead(3) + "." + d.lead(3) + "." + d.of(4, digitChars) }, []string{"call %s", "tel %s", "Phone: %s"}},
	{"PHONE", func(d dice) string {
		return "+44 7" + d.of(3, digitChars) + " " + d.of(6, digitChars)
	}, plain[:6]},
	{"PHONE", func(d dice) string { return "+49 (0) 30 " + d.of(8, digitChars) }, []string{"Tel: %s", "phone %s"}},
	{"PHONE", func(d dice) string { return "+49 30 " + d.of(4, digitChars) + "-" + d.of(3, digitChars) }, plain[:4]},
	{"PHONE", func(d dice) string { return "+33 6 " + groups(d.of(8, digitChars), " ", 2) }, plain[:6]},
	{"PHONE", func(d dice) string { return "06 " + groups(d.of(8, digitChars), " ", 2) }, []string{"Tél : %s", "mon numéro: %s", "%s"}},
	{"PHONE", func(d dice) string { return "+91 9" + d.of(4, digitChars) + " " + d.of(5, digitChars) }, plain[:6]},
	{"PHONE", func(d dice) string { return "+91-9" + d.of(9, digitChars) }, plain[:3]},
	{"PHONE", func(d dice) string { return "+81 3-" + d.lead(4) + "-" + d.of(4, digitChars) }, plain[:3]},
	{"PHONE", func(d dice) string { return "+55 (11) 9" + d.of(4, digitChars) + "-" + d.of(4, digitChars) }, plain[:3]},
	{"PHONE", func(d dice) string { return "+61" + d.from("23478") + d.of(8, digitChars) }, plain[:4]},
	{"PHONE", func(d dice) string { return "0171/" + d.of(7, digitChars) }, []string{"Handy: %s", "Telefon %s"}},
	{"PHONE", func(d dice) string { return "00" + "49 171 " + d.of(7, digitChars) }, []string{"Mobil: %s", "phone: %s"}},
	{"PHONE", func(d dice) string {
		return d.lead(3) + "-" + d.lead(3) + "-" + d.of(4, digitChars) + " ext. " + d.of(3, digitChars)
	}, []string{"call %s", "office: %s"}},
	{"PHONE", func(d dice) string {
		return d.lead(3) + "-" + d.lead(3) + "-" + d.of(4, digitChars) + " extension " + d.of(3, digitChars)
	}, []string{"call %s", "office: %s"}},
	{"PHONE", func(d dice) string { return "07" + d.lead(9) }, []string{"call us on %s", "Tél. %s"}},
	{"PHONE", func(d dice) string { return "0171-" + d.lead(7) }, []string{"Tél. %s"}},
	{"SSN", func(d dice) string { return "5" + d.of(2, digitChars) + ".4" + d.from("123456789") + "." + d.lead(4) }, []string{"SSN %s", `"ssn":"%s"`}},
	{"SSN", func(d dice) string { return "5" + d.of(2, digitChars) + "-4" + d.from("123456789") + "-" + d.lead(4) }, []string{"SSN#%s"}},
	{"IP", func(d dice) string { return fmt.Sprintf("203.0.%d.%d", 1+d.IntN(250), 10+d.IntN(240)) }, []string{"login from %s", `"client_ip":"%s"`, "%s - - [01/Mar/2026]", "host %s:8080", "%s/24", "ssh root@%s"}},
	{"IP", func(d dice) string { return "2001:db8:" + d.of(4, hexChars) + "::" + d.of(4, hexChars) }, []string{"from %s", `"ip":"%s"`, "[%s]:443"}},
	{"IP", func(d dice) string { return groups("fe80"+d.of(28, hexChars), ":", 4) }, []string{"addr %s up", "inet6 %s/64"}},
	{"IP", func(d dice) string { return fmt.Sprintf("::ffff:198.51.100.%d", 10+d.IntN(200)) }, []string{"peer %s closed"}},
	{"MAC", func(d dice) string { return groups("3c"+d.of(10, hexChars), ":", 2) }, []string{"ether %s", `"mac":"%s"`, "%s"}},
	{"MAC", func(d dice) string { return groups(strings.ToUpper("3c"+d.of(10, hexChars)), "-", 2) }, []string{"Physical Address: %s", "%s"}},
	{"MAC", func(d dice) string { return groups("3c4d"+d.of(8, hexChars), ".", 4) }, []string{"mac address %s", "hwaddr %s"}},
	{"DATE_OF_BIRTH", func(d dice) string { return fmt.Sprintf("19%d-0%d-1%d", 50+d.IntN(49), 1+d.IntN(9), d.IntN(10)) }, []string{"born %s", "DOB: %s", `"date_of_birth":"%s"`, "geboren am %s", `"birthDate": "%s"`}},
	{"DATE_OF_BIRTH", func(d dice) string {
		return fmt.Sprintf("%d %s 19%d", 1+d.IntN(27), pick(d, "January", "March", "July", "Oct"), 50+d.IntN(49))
	}, []string{"born on %s", "Date of birth: %s", "my birthday is %s"}},
	{"DATE_OF_BIRTH", func(d dice) string {
		return fmt.Sprintf("%s %d, 19%d", pick(d, "January", "March", "July", "Oct"), 1+d.IntN(27), 50+d.IntN(49))
	}, []string{"born on %s", "DOB %s"}},
	{"DATE_OF_BIRTH", func(d dice) string { return fmt.Sprintf("%02d.%02d.19%d", 1+d.IntN(27), 1+d.IntN(11), 50+d.IntN(49)) }, []string{"geb. %s", "geboren: %s", "né le %s", "nato il %s"}},
	{"URL_CREDENTIALS", func(d dice) string { return d.word() + ":" + d.of(10, alnumChars) }, []string{"https://%s@example.com/a", "ftp://%s@files.example.org"}},
	{"UK_NINO", func(d dice) string { return "AB" + d.of(6, digitChars) + "C" }, []string{"NI number %s", "%s"}},
	{"UK_NINO", func(d dice) string { return "AB " + groups(d.of(6, digitChars), " ", 2) + " C" }, []string{"national insurance number: %s", "NINO %s"}},
	{"PASSPORT", func(d dice) string { return d.from("CFGHJK") + d.of(8, digitChars) }, []string{"passport %s", "Passport number: %s", `"passport_number":"%s"`}},
	{"POSTAL_CODE", func(d dice) string { return "SW" + d.from("123456789") + "A " + d.from(digitChars) + "AA" }, []string{"London %s", "postcode: %s"}},
	{"US_EIN", func(d dice) string { return "12-" + d.of(7, digitChars) }, []string{"EIN: %s", "tax id %s"}},
}

// impersonal are texts that look like it and name nobody.
var impersonal = []string{
	"portable library, copyright 1991-1997", "mobile edition 2008-2019", "clause 252.227-7013", "call [.0000.0024.0002]", "issue#12{2 digit}", "sec. 5{2 digit}.4{1 digit}.2{3 digit}",
	"order 10{8 digit} was shipped", `"created":17{8 digit},"id":{6 digit}`, "commit {40 hex}", "uuid {uuid}", "version 1.{2 digit}.{1 digit}", "v2.{1 digit}.{2 digit}.{1 digit}", "sha256:{64 hex}",
	"total 1,{3 digit},{3 digit}.00 USD", "EUR {3 digit}.{3 digit},50", "at 2026-03-1{1 digit}T10:{2 digit}:22Z", "2026-03-1{1 digit} 10:22:3{1 digit},{3 digit} INFO", "invoice INV-2026-{6 digit}", "tracking 1Z{6 upper}{10 digit}",
	"chapter 3.{1 digit}.{1 digit}.{1 digit}", "section 4.2.1.{1 digit}", "localhost:{4 digit}", "127.0.0.1:{4 digit}", "0.0.0.0", "ISBN 978-3-16-148410-0", "port {5 digit} is open", "{3 digit} ms, {4 digit} rows",
	"std::vector<int>::{word}", "a::b::{word}", "10:2{1 digit}:3{1 digit}", "ratio 16:9, {2 digit}:{2 digit}", "@{word} please review", "@{word}/{word}@1.{1 digit}.0", "logo@2x.png", "git@github.com:{word}/{word}.git",
	"def f(x: int) -> {word}", "0x{8 hex}", "#{6 hex}", "rgba(12, 34, 56, 0.{2 digit})", "temperature 0.{8 digit}", "[0.{9 digit}, -0.0{8 digit}, 0.{9 digit}]", "max_tokens={4 digit}", "seed {9 digit}",
	"phone_number_id: {15 digit}", "call_{24 alnum}", "page {3 digit}-{3 digit}", "between 2019-2024", "1-2-3", "{2 digit}/{2 digit} passed", "5 of {2 digit} done", "SKU {8 digit}", "build {10 digit}", "span {16 hex}",
	"meeting on 2026-04-1{1 digit}", "released March {2 digit}, 2026", "due 12.0{1 digit}.2026", "err {4 digit}-{4 digit}", "GPT-4o, Claude 3.5, Llama-3.1-{2 digit}b", "{4 digit}x{4 digit} px", "latency p99 {3 digit}.{2 digit}",
	"request req_{24 alnum}", "offset {12 digit}", "epoch {13 digit}", "${5 digit}.{2 digit}", "case no. {2 digit}-{4 digit}", "RFC {4 digit}", "ISO 8601", "A4, B5, C{1 digit}", "COVID-19 in 2020", "room B{3 digit}", "flight LH{3 digit}",
	"12 apples and {2 digit} pears", "look at the dot on the map", "arrive at noon dot", "etag W/\"{32 hex}\"", "docker@sha256:{64 hex}", "{word}.{word}.{word}()", "import {word}.{word}", "key={12 hex}", "x-{4 digit}-{4 digit}-{4 digit}",
	"{8 digit}-{4 digit}-{4 digit}", "ids [{5 digit}, {5 digit}, {5 digit}]", "lat 52.{6 digit}, lon 13.{6 digit}", "CVE-2026-{5 digit}", "PMC{7 digit}", "doi:10.1000/{6 digit}", "arXiv:2401.{5 digit}", "node-{2 digit}.internal",
}

func piiSamples() []sample {
	d := newDice(2)
	var out []sample
	for _, p := range people {
		for n := range max(6, len(p.around)) {
			value := p.value(d)
			out = append(out, sample{kind: "person", text: strings.ReplaceAll(p.around[n%len(p.around)], "%s", value), want: value, labels: []string{p.label}})
		}
	}
	for _, form := range impersonal {
		for range 4 {
			out = append(out, sample{kind: "impersonal", text: d.fill(form)})
		}
	}
	return out
}

// TestHoldOutPII measures redact-pii on them: the whole value, and nothing else, as what it is.
func TestHoldOutPII(t *testing.T) {
	found, wrong := measureSamples(t, "redact-pii", piiSamples(), true)
	if found < 95 || wrong > 3 {
		t.Error("want 95 and 3")
	}
}
