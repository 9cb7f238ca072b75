package plugins_test

import "testing"

// shortForms are telephones behind letters and short names, and what else stands behind these, before dates, around "@" and in rows of numbers:
// in those without a label nothing is found.
var shortForms = []form{
	// telephones behind a letter or the name of one
	{"PHONE", "iPhone: «0412345678»"}, {"PHONE", "iPhone: «4155550137»"}, {"PHONE", "iPhone: «0630 785 131»"}, {"PHONE", "iPhone «07700900461»"}, {"PHONE", `"iPhone": "«01701234567»"`}, {"PHONE", "type=iPhone: «015112345678»"}, {"PHONE", "Mobile/iPhone: «0170 1234567»"}, {"PHONE", "tel iPhone «12345678»"}, {"PHONE", "my iPhone number is «12345678»"}, {"PHONE", "Phone (iPhone): «12345678»"},
	{"PHONE", "T: «030 123450»"}, {"PHONE", "T: «020 3450 7890»"}, {"PHONE", "T: «040 3990 1230»"}, {"PHONE", "T: «0800 280 280»"}, {"PHONE", "P: «0800 40 40 40»"}, {"PHONE", "T: «0470 10 20 30»"}, {"PHONE", "T: «020 7946 0000»"}, {"PHONE", "F: «030 555 000»"}, {"PHONE", "T: «01234 056789»"}, {"PHONE", "T: «030-123450»"}, {"PHONE", "P: «09 0023 0122»"}, {"PHONE", "T: «0120 450 670»"}, {"PHONE", "T: «120 450 780»"},
	{"PHONE", "T: «0 20 79 46 03 12»"}, {"PHONE", "T: «01 5 12 34 56»"}, {"PHONE", "T: «02 9 876 5432»"}, {"PHONE", "M: «06 1 234 5678»"}, {"PHONE", "T: «0221 9 876 543»"}, {"PHONE", "T: «00 49 30 555 01 43»"}, {"PHONE", "T: «0044 20 7946 0312»"}, {"PHONE", "T: «011 44 20 7946 0312»"}, {"PHONE", "M: «0171.123 4567»"}, {"PHONE", "T: «0221.1234-567»"},
	// what else stands behind letters and short names
	{"", "c: 0101 1010 1100"}, {"", "m: 010 101 111"}, {"", "t: 0930 1015 1100"}, {"", "p: 0123 4567 8910"}, {"", "c: 0123.456789"}, {"", "a. 0345 678 901 b. 0456 789 012 c. 0567 890 123"}, {"", "C# 212 555 0188"}, {"", "F# 123456789"}, {"", "Vitamin C: 212 555 0188"}, {"", "Option C: 212 555 0188"}, {"", "A. 1230456789 B. 0234567891 C. 0123456789"},
	{"", "PH: 735 740 745"}, {"", "PH: 12345678"}, {"", "Ph: 120 241 362"}, {"", "Mob: 64 128 256"}, {"", "mob: 1024 2048 4096"}, {"", "flash mob: 12345678"}, {"", "Ph: 1712414476"}, {"", "Mob: 75 25 67 46 08"}, {"", "hp: 9876543210"}, {"", "GSM: 850 900 1800"}, {"", "GSM: 4155550137"}, {"", "ph: 0.12 0.34 0.56"}, {"", "pH: 0412 345 678"}, {"", "tph: 0412 345 678"}, {"PHONE", "Tel/Mob: «98765 43210»"}, {"", "free: 0412 345 678"}, {"", "cel: 9876 543 210"}, {"PHONE", "Cel.: «415 555 0137»"}, {"PHONE", "HP: «0812 3456 7890»"}, {"PHONE", "DDI: «020 7946 0312»"}, {"PHONE", "gsm: «0470 10 20 30»"}, {"PHONE", "Ph.: «0412 345 678»"}, {"PHONE", "mob. «0800 40 40 40»"}, {"", "mob: 0100 0200 0300"}, {"", "ph: 2000 500 000"},
	// words for calls and telephones that are others, too
	{"", "whats 12345678 in hex"}, {"", "whats 123456789 * 987654321"}, {"", "Whats 4294967296 squared"}, {"", "API call 250/10000"}, {"", "call 512/1048576"}, {"", "P: 250/10000 episodes"}, {"", "F: 100/20000"}, {"", "dir: 100/20000"},
	{"", "Ligue 1 2125550188"}, {"", "la méthode appelle 2125550188"}, {"", "Cellular cells 2125550188"}, {"", "taux fixe 2125550188"}, {"", "contact au 1 234 567"}, {"", "call al 2 500 000"}, {"", "phone usage +2.3456789 pp"}, {"", "phone accuracy +1.2345678901"}, {"", "phone price +290 8454"}, {"", "+13 245 678 9012 tokens"}, {"", "kort 123456789012347"}, {"", "kart 123456789012347"},
	{"PHONE", "call «415-555-0137» #1 reason"}, {"PHONE", "«415-555-0137» #123 and"}, {"PHONE", "call «415-555-0137 #12»\nnext"}, {"PHONE", "«415-555-0137» #12345"},
	{"PHONE", "call me at «9876543210» 12 days"}, {"PHONE", "call me at «98765 43210» 24 hours"}, {"", "call me at 10 00 12 30"}, {"PHONE", "call me at «22 83 44 95»"}, {"PHONE", "contact me at «3600 6517»"}, {"PHONE", "contact us on «3600 6517»"}, {"", "contact us at 0900 1700"}, {"", "contact us on 10 12 2024"}, {"PHONE", "«+4930123456 78» x"}, {"PHONE", "Tel. «08031 12345 67»"}, {"PHONE", "«415-555-0137» X 3 items"}, {"", "contact us on 3600 items"}, {"", "contact them at 3600 6517"},
	// dates of something else
	{"", "本协议自2024年3月12日生效"}, {"", "2024年3月12日生成"}, {"", "生产日期 2024年3月12日"}, {"", "2024年3月12日生活"}, {"", "2024年3月12日生放送"}, {"", "2024年3月12日生配信"}, {"", "2024年3月12日生中継"}, {"", "2024年3月12日出生产"}, {"", "2024년 3월 12일"},
	{"", "x *1/2/10"}, {"", "total * 1/12/24"}, {"", "numpy *1.10.12"}, {"", "*2024.03.11 fixed"}, {"", "Changelog, *2024.03.11"}, {"", "(*2024-03-11: first version *)"}, {"", "Updated *2024-03-11"}, {"", "(*January 2, 2024)"}, {"", "b. 11 March 2024"}, {"", "section b. 5.12.1999"}, {"", "Release b. 2024-03-11"}, {"", "(s. 12.03.2024)"}, {"", "(n. 3/4/2024)"}, {"", "(f. 1 January 2024)"},
	{"", "nar 2024-03-12"}, {"", "synt: 12.3.2024"}, {"", "вид и род 12.03.2024"}, {"", "Party 生日 2024-03-12"}, {"", "born in 1981, May 12 friends"}, {"", "birthday party 2024, June 12"}, {"", "birth 12 10 2013"}, {"", `"birth": 120530`},
	// colons, quotation marks, and signs of code around "@"
	{"", "ubuntu:x:1000:1000::/home/ubuntu:/bin/bash"}, {"", "port:8080::80"}, {"", "scale:1280:720::"}, {"", "uid:1000::1000"}, {"", "level:1:2::3"},
	{"", `ssh "$USER"@db.example.com`}, {"", `echo "$1"@example.com`}, {"", `npm "react"@latest.com`}, {"", `"he said hello to"@ann.com`}, {"", `{"cmd":"echo hi\"@example.com"}`},
	{"", "def test_user_at_example_dot_com(self)"}, {"", "created_at_foo_dot_com"}, {"", "value_at_risk_dot_pl"}, {"", "point_at_infinity_dot_es"}, {"", "fun(a)bar.com"}, {"", "max(a)array.net"}, {"", "foo[a]bar.com"}, {"", "arr[@]arr.com"}, {"", "${arr[@]} arr.com"}, {"", "f(arroba)b.com"}, {"", "press dash key at home"}, {"", "a[@]b[.]c"}, {"", "x[@][.]y"},
}

// TestShortForms: each of these is found whole and as what it is, and nothing else.
func TestShortForms(t *testing.T) { checkLabelled(t, shortForms) }
