package plugins_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/pluginhost"
)

// namedForms are numbers right behind the words that name them, which a review found missing or cut, and what it found taken for them, each
// among what looks like it: in those without a label nothing is found.
var namedForms = []form{
	// somebody's number, as Americans print it
	{"PHONE", "my number is «202 974 4389»"},
	{"PHONE", "my number: «713 394 7880»"},
	{"PHONE", "My number's «713 394 7880»"},
	{"PHONE", "my number is «212 555 0123», call any time"},
	{"", "my number is 1 000 000"},
	{"", "my favourite number is 202 974 4389"},
	{"", "the number 202 974 4389 is prime"},
	{"", "la suma es 202 974 4389"},
	// a country and an area with a full stop between
	{"PHONE", "Phone «+44.20 7946-0123»"},
	{"PHONE", "Tel: «+33.1 42-68.53 00»"},
	{"PHONE", "tel. «+49.30 123-4567»"},
	{"PHONE", "Fax «+39.06 6982 0123»"},
	{"", "phone: +44.20 100.50 +33.10"},
	{"", "phone +44.20 7946"},
	{"", "gained +44.20 7946 points"},
	{"", "Umsatz +49.30 123-4567"},
	{"", "phone price +12.50 300 units"},
	{"", "+12.50 300 400 +13.60 200 300"},
	// short names without a sign, and in further languages
	{"PHONE", "gsm «0475 17 48 75»"},
	{"PHONE", "GSM «0475174875»"},
	{"PHONE", "mob «0475174875»"},
	{"PHONE", "Mob «9876543210»"},
	{"PHONE", "Mob. no. «9876543210»"},
	{"PHONE", "Mob no: «98765 43210»"},
	{"PHONE", "Ph «9876543210»"},
	{"PHONE", "cel: «55 4778 1938»"},
	{"PHONE", "cel. «5547781938»"},
	{"PHONE", "wa: «081234567890»"},
	{"PHONE", "ĐT: «0903123456»"},
	{"PHONE", "đt «0903123456»"},
	{"PHONE", "טל: «03-1234567»"},
	{"PHONE", "موبايل: «01012345678»"},
	{"PHONE", "ফোন: «01712345678»"},
	{"PHONE", "tālr. «26123456»"},
	{"PHONE", "Tālrunis «26123456»"},
	{"PHONE", "номер: «89161234567»"},
	{"PHONE", "Мой номер «89161234567»"},
	{"PHONE", "звоните «8-800-555-35-35»"},
	{"PHONE", "Звони по номеру «8 916 123 45 67»"},
	{"", "GSM 0475 17 48 75 pages"},
	{"", "paper of 80 gsm 0475174875"},
	{"", "GSM 0123 4567 8910"},
	{"", "Инв. номер: 89161234567"},
	{"PHONE", "Номер: «8 916 123-45-67»"},
	{"", "GSM 850 900 1800 1900"},
	{"", "pH 0412345678"},
	{"", "ph 9876 543 210"},
	{"", "graph 9876543210"},
	{"", "a mob of 9876543210"},
	{"", "mob 1234567890 xp"},
	{"", "HP: 8973 3872"},
	{"", "HP 0475174875"},
	{"", "cel mai mare 5547781938"},
	{"", "wa 081234567890"},
	{"", "WA: 98101 4567"},
	{"", "ĐT Việt Nam 12 000 000"},
	{"", "טל 03-1234567"},
	{"", "номер заказа: 89161234567"},
	{"", "Трек номер: 89161234567"},
	{"", "номер 89161234567"},
	{"", "номер: 12345678901"},
	{"", "12 звонков 123456789"},
	{"", "звонок 4155550137"},
	// vehicles, devices, taxpayers
	{"VIN", "VIN: «1HGCM82633A004352»"},
	{"VIN", "VIN number «1M8GDM9AXKP042788»"},
	{"VIN", "chassis number «1M8GDM9AXKP042788»."},
	{"VIN", `{"vin":"«1M8GDM9AXKP042788»"}`},
	{"", "VIN 1HGCM82633A004353"},
	{"", "part 1M8GDM9AXKP042788"},
	{"", "un vin de 2012, lot 1M8GDM9AXKP042788"},
	{"", "VIN: 11111111111111111"},
	{"", "chassis ABCDEFGHJKLMNPRST"},
	{"IMEI", "IMEI «351665437057081»"},
	{"IMEI", "IMEI: «490154203237518»"},
	{"IMEI", "imei number: «490154203237518»"},
	{"IMEI", "phone with IMEI «49-015420-323751-8»"},
	{"", "IMEI 490154203237519"},
	{"", "IMEI database of 490154203237518"},
	{"", "imei: 000000000000000"},
	{"UK_UTR", "UTR «5841593055»"},
	{"UK_UTR", "UTR number: «5841593055»"},
	{"", "UTR 6841593055"},
	{"", "the utr 5841593055"},
	{"ZA_ID", "ID number «8001015009087»"},
	{"ZA_ID", "ID No: «8001015009087»"},
	{"", "ID number 8001015009088"},
	{"", "ID 8001015009087"},
	{"", "grid number 8001015009087"},
	{"CARD", "銀行卡號 «6222021234567890128»"},
	{"CARD", "卡號:«6222021234567890128»"},
	{"", "訂單號 6222021234567890128"},
	{"BANK_ACCOUNT", "sort code 20-00-00 account «54341261»"},
	{"BANK_ACCOUNT", "Sort code: 20-00-00 account «54341261»"},
	{"BANK_ACCOUNT", "sort code 20-00-00, account «54341261»"},
	{"", "code 20-00-00 account 54341261"},
	{"LICENSE_PLATE", "matrícula «1234-BCD»"},
	{"LICENSE_PLATE", "matricula: «1234-BCD»"},
	{"", "plate 1234-BCD"},
	{"", "matrícula 1234-BAD"},
	// account numbers at the beginning of a text, and tables that begin like them
	{"IBAN", "«NO08 8716 9315 676»"},
	{"IBAN", "«GB97 LXMK 9980 5275 9783 93»"},
	{"IBAN", "«FR 60 3092 9307 0807 7641 8253 054»"},
	{"IBAN", "«FR 60 30 92 93 07 08 07 76 41 82 53 05 4»"},
	{"IBAN", "x «GB 97 LXMK 9980 5275 9783 93»"},
	{"", "FR 12 34 DE 56 78 NL 12 30 33 75"},
	// names of policies, paths, digests, signatures, limits, headings
	{"AWS_SECRET", "secret «HGwlifXjw9APP8Dy+3XzZmBNQR2yTBGTCuSsH5LM»"},
	{"", "<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/domain-transfer>"},
	{"", "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"},
	{"", "arn:aws:iam::aws:policy/service-role/AWSFaultInjectionSimulatorEC2Access"},
	{"", "aws: AmazonSSMManagedEC2InstanceDefaultPolicy"},
	{"", "aws/auth.py,sha256=HLlVx9j8rKV5hfSAycP2ApOSglTz77R0tz7qCbbE-aE,10187"},
	{"", "aws/auth.py,sha256=aE-HLlVx9j8rKV5hfSAycP2ApOSglTz77R0tz7qCbbE,10187"},
	{"", "secretstorage/util.py,sha256=h-HLlVx9j8rKV5hfSAycP2ApOSglTz77R0tz7qCbbEE,10187"},
	{"", "foo-1.0.dist-info/LICENSE,sha256=YrwrczVsTuLoPAAkh4dlZYbfUcVEUe88wyM53fmUOtw,163196"},
	{"DRIVER_LICENSE", "DL# «A1234567»"},
	{"", "Signature Value:\n        2e:1f:aa:0b:7c:11:90:ae:c2:33:19:c2:10:11:20:31:41:51:\n        a9:8b:ba:51:b3:13"},
	{"", "Signature Value:\r\n\t2e:1f:aa:0b:7c:11:90:ae:c2:33:19:c2:10:11:20:31:41:51:\r\n\ta9:8b:ba:51:b3:13\r\n"},
	{"MAC", "ether:\n        «a9:8b:ba:51:b3:13»"},
	{"", "call: 4294967295"},
	{"", "CALL_LIMIT = 2147483648"},
	{"", "TAPI phone flags = 2147483648"},
	{"PHONE", "call: «214-748-3647»"},
	{"PHONE", "call: «2147483649»"},
	{"", "01 00 01 00 00"},
	{"PHONE", "«01 42 68 53 00»"},
	{"PHONE", "«01 00 70 17 24»"},
	{"PHONE", "«06 00 12 34 56»"},
	{"", "X509v3 extension 2.5.29.17"},
	{"", "attribute 2.5.4.10, then"},
	{"", "24.6.1.2. Edit menu"},
	{"IP", "«10.0.0.12». Then"},
	{"IP", "«52.0.14.8». Then"},
	{"IP", "see «24.6.1.2». Then"},
	{"IP", "server «2.5.29.17»"},
}

// TestNamedForms: each is found whole and as what it is, and in its double nothing is.
func TestNamedForms(t *testing.T) { checkLabelled(t, namedForms) }

// TestTablesAreSearched: tables and lists of short groups, and numbers with a wrong check digit behind their word, are searched to their end.
func TestTablesAreSearched(t *testing.T) {
	f, d := newFinder(t, "redact-pii"), newDice(41)
	for _, line := range []string{"FR {2 digit} {2 digit}", "NL {2 digit} {2 digit} {2 digit} {2 digit}", "FR {2 digit} {2 digit} {2 digit} {3 digit}", "call me {2 digit} {2 digit} {2 digit} {2 digit}", "call me at 10 00 12 30", "BSN {9 digit}", "UTR {10 digit}", "IMEI {15 digit}", "номер 8{10 digit}"} {
		for _, size := range []int{4 << 10, 8 << 10, 16 << 10, 60 << 10} {
			for _, between := range []string{"\n", ", "} {
				var b strings.Builder
				for b.Len() < size {
					b.WriteString(d.fill(line) + between)
				}
				if slices.ContainsFunc(f.find(b.String()), func(e pluginhost.Edit) bool { return e.Label == "UNSEARCHED" }) {
					t.Errorf("%d bytes of %q with %q between are masked as unsearched", size, line, between)
				}
			}
		}
	}
}
