package plugins_test

import "testing"

// writtenForms are further ones, of what forms, signatures, call centres, lists and machines write around personal data, and what only looks
// like it: in those without a label nothing is found.
var writtenForms = []form{
	// telephones behind a short name and a sign
	{"PHONE", "Ph: «9876 543 210»"}, {"PHONE", "ph. «9876543210»"}, {"PHONE", "mob: «0412 345 678»"}, {"PHONE", "Mob. «07911 123456»"}, {"PHONE", "GSM: «0472 12 34 56»"}, {"PHONE", "No. HP: «0812 3456 7890»"}, {"PHONE", "HP: «081234567890»"},
	{"PHONE", "toll-free «1-800-555-0142»"}, {"PHONE", "Toll free: «1800 555 014»"}, {"PHONE", "Fax - «030 5550143»"}, {"", "c: 415 555 0137"}, {"PHONE", "m: «07700 900461»"}, {"PHONE", "cell# «4155550137»"},
	{"PHONE", "M:«07700 900461»"}, {"PHONE", "F. «030 5550143»"},
	{"", "pH: 7.35 7.40 7.45"}, {"", "pH: 12345678"}, {"", "mob: 10 000 000"}, {"", "ph: 700 800 900"}, {"", "dir: 0755 0644 0600"}, {"", "HP: 0100 0200 0300"}, {"", "t: 0412345678"}, {"", "cel: 12 345 678"}, {"", "Llama 3 has 6738415616 parameters"}, {"", "taux fixe 1 234 567"}, {"", "cellular 1234567 bytes"}, {"", "ph 9876 543 210"}, {"", "graph: 9876 543 210"}, {"", "GSM: 850 900 1800 1900"}, {"", "GSM: 900 1800"}, {"", "GSM 0472 12 34 56 pages"}, {"", "HP: 1200 MP: 3005550"}, {"", "HP: 1200 1500 2000"}, {"", "HP 12 345 678"}, {"", "mob 98765 43210"},
	{"", "m: 100 200 3000"}, {"", "m: 4155550137"}, {"", "c: 2125550188"}, {"", "m: 2024-01-15 10:20"}, {"", "c: 12 34 56 78"}, {"", `"m": 0412345678`}, {"", "m-0412345678"}, {"", "x.m: 0412 345 678"}, {"", "c=0412345678"}, {"", "m = 0412345678"}, {"", "ph-98765432"}, {"", "items: 0412 345 678"}, {"", "cb: 12 34 56"},
	{"", "rgb: 040 013 144"}, {"", "Wien: 05 56 06 51 07 01"}, {"PHONE", "Natel: «079 123 45 67»"}, {"PHONE", "Telefon: «021.312.34.56»"},
	{"PHONE", "мой номер «8 916 123 47 11»"}, {"PHONE", "mój numer to «601 123 471»"}, {"PHONE", "nomor saya «0812 1234 4711»"}, {"PHONE", "Merci de rappeler au «06 39 98 47 11»"},
	{"", "order #212-555-0188"}, {"", "PR #4155550137"}, {"", "telephone desk, ticket #415-555-0137"}, {"", "delta +1.2125550188"}, {"", "no.: 0412 345 678"}, {"", "cp: 012 345 67"}, {"", "llama al 10 30"}, {"", "номер 8 916 123 47 11"}, {"", "numer 601 123 471"}, {"", "version 021.312.34.56"}, {"", "unter 0664/123 45 67"},
	// with a plus
	{"PHONE", "phone «+19 888 123 4567»"}, {"", "+19 888 123 4567"}, {"PHONE", "tel «00 44 20 7946 0312»"}, {"PHONE", "phone: «011 44 20 7946 0312»"}, {"PHONE", "«+44 (0)20 7946 0312» x"}, {"PHONE", "Tel.: «+49 (0) 89 / 55 50 143»"},
	{"", "offset +290 8454"}, {"", "+19 000 123 4567"}, {"", "+10 200 300 4000"}, {"", "p: 01 02 03 04 05 06 07 08"}, {"", "+123 456 additions"}, {"", "+12 345 678 pts"}, {"", "phone +291 845"}, {"", "tel +999 8454"},
	// extensions
	{"PHONE", "«415-555-0137 x123»"}, {"PHONE", "«415-555-0137, ext 12»"}, {"PHONE", "«(415) 555-0137 #12»"}, {"PHONE", "Tel. «030 5550143 Durchwahl 12»"}, {"PHONE", "Tel «514-555-0167 poste 214»"}, {"PHONE", "тел. «8 (495) 123-45-67 доб. 123»"},
	{"PHONE", "«415-555-0137», 12 of 30"}, {"PHONE", "«415-555-0137» # 12345678 rows"}, {"PHONE", "«415-555-0137» posted 12"}, {"PHONE", "«415-555-0137», x12"},
	// dates of birth
	{"DATE_OF_BIRTH", "DOB «04Mar1980»"}, {"DATE_OF_BIRTH", "born «4Mar80»"}, {"DATE_OF_BIRTH", "DOB: «25MAY1981»"}, {"", "b. 11 March 1985"}, {"", "Kim Roe (b. 1985-03-11) sings"}, {"", "Kim Roe, b. March 11, 1985"}, {"", "*11.03.1985"}, {"", "Kim Roe * 11.03.1985 in Graz"}, {"", "(*11.3.1985)"},
	{"DATE_OF_BIRTH", "née le «11/03/1985»"}, {"DATE_OF_BIRTH", "geb. am «11.03.1985»"}, {"DATE_OF_BIRTH", "aged 43, born on the «5th of May, 1981»"}, {"DATE_OF_BIRTH", "birthdate=«19810505»"}, {"DATE_OF_BIRTH", "dob: «1981.05.05»"}, {"DATE_OF_BIRTH", "dob: «1981/05/05»"}, {"DATE_OF_BIRTH", "dob «1981-May-05»"},
	{"DATE_OF_BIRTH", "born «25-V-1981»"}, {"DATE_OF_BIRTH", "birthday is «May the 25th 1981»"}, {"DATE_OF_BIRTH", "생년월일: «1981년 5월 25일»"},
	{"", "생년월일 810525"}, {"", "birth date 620714"}, {"", "Kim Roe (n. 14 de julio de 1962)"}, {"", "Kim Roe (f. 14. juli 1962)"}, {"", "ロエ（1962年7月14日生まれ）"}, {"", "1962年7月14日出生"}, {"DATE_OF_BIRTH", "γεννήθηκε «25 Μαΐου 1981»"},
	{"", "birthday in row 810525"}, {"", "birth 819925"}, {"", "(c. 14 June 1962)"}, {"", "(p. 14 June 1962)"}, {"", "f. 14. juli 2024"}, {"", "1962年7月14日発行"}, {"", "1981, May 25"}, {"", "b.11.03.1985"},
	{"", "04Mar1980"}, {"", "build 04Mar1980"}, {"", "a. 10 March 1985"}, {"", "\nb. 11 March 1985"}, {"", "* 11.03.1985"}, {"", "\n * 11.03.2024 fixed"}, {"", "*11.03.1985* x"}, {"", "**11.03.1985**"}, {"", "x: * 11.03.2024"}, {"", "2 * 11.03.1985"}, {"", "Fig. b. 12 items"}, {"", "b. 1985"}, {"", "25-V-1981"}, {"", "born 25-VX-1981"}, {"", "born 4abc80"}, {"", "1981年5月25日"}, {"", "昭和56年5月25日"}, {"", "c/b: 25/05/1981"},
	// addresses of machines
	{"IP", "x-forwarded-for: «203.0.113.7»"}, {"IP IP IP", "x-forwarded-for: «203.0.113.7», «198.51.100.23», «10.2.3.4»"}, {"IP", "[«2001:db8::1»]:443"}, {"IP", "inet6 «fe80::a00:27ff:fe4e:66a1»/64"}, {"IP", "ip-«10-2-3-4».ec2.internal"}, {"IP", "host ip-«172-31-44-12»"}, {"IP", "ec2-«203-0-113-7».compute-1.amazonaws.com"}, {"IP", "[«::ffff:203.0.113.7»]:51234"}, {"IP", "http://«203.0.113.7»:8080/a"},
	{"", "ns::dead:beef"}, {"", "x:1:2:3"},
	{"", "ship-10-20-30-40"}, {"", "zip-10-20-30-40.tar"}, {"", "ip-1-2-3-4"}, {"", "ip-10-2-3"}, {"", "ip-300-20-30-40"}, {"", "ip-10-20-30-40-50"}, {"", "my-ec2-10-20-30-40"}, {"", "ip-10-20-30-40x"}, {"", "vec2-10-20-30-40"},
	// cards
	{"", "UATP 122012345678906"}, {"CARD", "Maestro «501800000009»"}, {"CARD", "Maestro: «6759000000000000»"},
	{"", "flow 122012345678906"}, {"", "1220 12345 678906"}, {"", "1220 123456 78906"}, {"", "card 411111******1111"}, {"", "card 411111xxxxxx1111"}, {"", "maestro run 20240115103045"},
	// mailboxes
	{"EMAIL", "«ann.lee[at]tinroof[dot]org»"}, {"EMAIL", "«ann.lee AT tinroof DOT org»"}, {"", "ann.lee[@]tinroof.org"}, {"", "ann.lee (@) tinroof.org"}, {"", "ann.lee(a)tinroof.org"}, {"", "ann.lee(a)tinroof(dot)org"}, {"", "correo: ann.lee (arroba) tinroof.es"}, {"", "ann.lee_at_tinroof_dot_org"}, {"", "mail ann_at_mail_dot_tinroof_dot_com, x"},
	{"", `"ann lee"@tinroof.org`}, {"", `to: "ann.lee"@tinroof.org`}, {"EMAIL", "mailto:«ann.lee%40tinroof.org»"}, {"EMAIL", "<«ann@tinroof.org»>"},
	{"EMAIL", "«kim[at]tinroof[.]org»"}, {"EMAIL", "«kim[@]tinroof[dot]org»"}, {"EMAIL", "«kim [@] tinroof [.] org»"}, {"EMAIL", "correo: «kim (arroba) tinroof (punto) es»"}, {"EMAIL", "«kim (at) tinroof (punkt) de»"}, {"", "[.]"}, {"", "a[.]b"}, {"", "row underscore 12 at page dot 4"},
	{"", "f(a)b.org"}, {"", "see (a)our.com"}, {"", "list(a)list.io"}, {"", "pos_at_origin_dot_no"}, {"", "kim(A)tinroof.fi"},
	{"", "f(a)x.y"}, {"", "foo(a)bar.baz"}, {"", "sum(a)total.count"}, {"", "look_at_me_dot_png"}, {"", "meet_at_noon"}, {"", "connect_the_dot_com"}, {"", "x[@]y"}, {"", `"a b"@localhost`}, {"", `{"a":"b c"@x}`}, {"", `"chat"@en.`}, {"", "f(@)x.y"}, {"", "created_at_dot_notation"},
}

// TestWrittenForms: each of these is found whole and as what it is, and nothing else.
func TestWrittenForms(t *testing.T) { checkLabelled(t, writtenForms) }
