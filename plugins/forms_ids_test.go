//go:build !race

package plugins_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// idForms are ids of people and taxpayers beside their words, or behind the letters of their country, and what looks like them.
var idForms = []form{
	// of Mexico
	{"MX_RFC", "RFC: «LOMA850312KTA»"},
	{"MX_RFC", "RFC de la empresa «KLT990214QX8», CDMX"},
	{"MX_RFC", `{"rfc":"«VEGR920417H25»"}`},
	{"MX_RFC", "RFC «LOMA-850312-KTA»"},
	{"MX_RFC", "R.F.C. «KLT 990214 QX8»."},
	{"MX_RFC", "Tax ID «LOMA850312KTA»"},
	{"", "RFC: LOMA850312KTB"},
	{"", "RFC ABCD240115001"},
	{"", "RFC: LOMA851312KTA"},
	{"", "RFC 2616, RFC 7231 and RFC 9110"},
	{"", "see RFC4291 section 2.2, rfc 3339"},
	{"", "part LOMA850312KTA in stock"},
	{"", "SKU KLT990214QX8"},
	{"", "RFC KLT-990214-QX9"},
	{"", "RFC draft ABC-240115-001"},
	// of the countries that were Yugoslavia
	{"JMBG", "JMBG: «2204978710257»"},
	{"JMBG", "Matični broj građanina «1503005503146»"},
	{"JMBG", "EMŠO «1503005503146», Ljubljana"},
	{"JMBG", "emšo: «2204978710257»"},
	{"JMBG", `"jmbg": "«2204978710257»"`},
	{"JMBG", "ЈМБГ «2204978710257»"},
	{"JMBG", "ЕМБГ: «2204978710257»"},
	{"", "JMBG: 2204978710258"},
	{"", "JMBG 2213978710257"},
	{"", "JMBG checked at 1732999999123"},
	{"", "order 2204978710257"},
	{"", "ts=2204978710257"},
	{"", "JMBG of 12 users, 2204978710257"},
	// of America
	{"PE_RUC", "RUC: «10482137569»"},
	{"PE_RUC", "R.U.C. N° «20604153787»"},
	{"PE_RUC", `{"customerRuc":"«20604153787»"}`},
	{"PY_RUC", "RUC «80047138-5»"},
	{"EC_ID", "RUC «1715832042001», Quito"},
	{"CO_NIT", "NIT «901.582.746-0»"},
	{"CO_NIT", "Nit: «830471925-9»"},
	{"CO_NIT", "NIT «9015827460»"},
	{"CO_NIT", `"nit":"«9015827460»"`},
	{"EC_ID", "cédula: «1715832042»"},
	{"EC_ID", "Cedula de identidad No. «092741863-2»"},
	{"DO_CEDULA", "cédula «001-3847261-8»"},
	{"DO_CEDULA", "CÉDULA: «00138472618»"},
	{"UY_CI", "Cédula de identidad: «3.847.162-9»"},
	{"UY_CI", "cedula «4518273-8»"},
	{"UY_CI", "C.I. «3.847.162-9»"},
	{"", "CI build 3.847.162"},
	{"", "CI 38471629"},
	{"", "ci run 4518273-8x"},
	{"UY_CI", "cédula «38471629»"},
	{"", "RUC: 10482137568"},
	{"", "RUC 30482137569"},
	{"", "struct 20604153787"},
	{"", "instruc: 20604153787"},
	{"", "guid truc 10482137569"},
	{"", "nit: fix typo in 9015827460"},
	{"", "nit: 9015827460"},
	{"", "nit - rename x to 830471925"},
	{"", "NIT 901.582.746-1"},
	{"", "unit 901.582.746-0"},
	{"", "cédula 2715832042"},
	{"", "cédula expedida 20190412"},
	{"", "cédula: 1715832043"},
	{"", "cedula 001-3847261-7"},
	{"", "order 1715832042"},
	{"", "lot 3.847.162-9"},
	// of Asia
	{"ID_NIK", "NIK: «3174055203850007»"},
	{"ID_NIK", "No. KTP «3578121204920003»"},
	{"ID_NIK", "Nomor Induk Kependudukan : «3578121204920003»"},
	{"ID_NIK", `{"nik":"«3174055203850007»"}`},
	{"PK_CNIC", "CNIC: «35202-4718362-7»"},
	{"PK_CNIC", "CNIC No. «35202-4718362-7», Lahore"},
	{"PK_CNIC", "CNIC No. «3520247183627»"},
	{"PK_CNIC", "CNIC number: «3520247183627»"},
	{"MY_NRIC", "MyKad: «850312-14-5127»"},
	{"MY_NRIC", "NRIC «920417-01-6034»"},
	{"MY_NRIC", "IC No. «850312-14-5127»"},
	{"MY_NRIC", "kad pengenalan «850312145127»"},
	{"VN_CCCD", "CCCD: «001085012473»"},
	{"VN_CCCD", "số căn cước công dân «079192038471»"},
	{"KZ_IIN", "ИИН: «850312401285»"},
	{"KZ_IIN", "IIN «921108503178»"},
	{"KZ_IIN", "ЖСН «850312401285»"},
	{"AE_ID", "Emirates ID: «784-1985-4728361-5»"},
	{"AE_ID", "Emirates ID «784198547283615»"},
	{"SA_ID", "Iqama number «2038472615»"},
	{"EG_ID", "الرقم القومي: «28503121204736»"},
	{"", "NIK 3174055243850007"},
	{"", "Nik ran job 9974055203850007"},
	{"", "Nik's trace 3174055203850007"},
	{"", "CNIC 35202-4718362"},
	{"", "CNIC verified at 1732999999123"},
	{"", "part 35202-4718362-7"},
	{"", "IC 850342-14-5127"},
	{"", "IC 850312-00-5127"},
	{"", "ic 850312145127"},
	{"", "batch 850312-14-5127"},
	{"", "CCCD 101085012473"},
	{"", "cccd 00108501 2473"},
	{"", "ИИН: 850312401286"},
	{"", "IIN of the card 412345"},
	{"", "emirates flight 784198"},
	{"", "Emirates 785-1985-4728361-5"},
	{"", "id 784198547283615"},
	{"", "iqama 3038472617"},
	// of Europe and Africa
	{"LV_CODE", "Personas kods: «120585-11283»"},
	{"LV_CODE", "personas kods «23119020474»"},
	{"LV_CODE", "personas kods: «328471-50263»"},
	{"IS_KENNITALA", "kennitala: «120585-4369»"},
	{"IS_KENNITALA", "Kennitala «1703902889»"},
	{"IS_KENNITALA", "Kt. «120585-4369»"},
	{"UA_RNTRC", "РНОКПП: «3148520762»"},
	{"UA_RNTRC", "ІПН «3148520762»"},
	{"UA_RNTRC", "RNOKPP «3148520762»"},
	{"HU_TAJ", "TAJ szám: «127 483 654»"},
	{"HU_TAJ", "TAJ-szám «127483654»"},
	{"HU_TAJ", "Taj-szám: «127-483-654»"},
	{"HU_TAX_ID", "Adóazonosító jel: «8374829168»"},
	{"HU_TAX_ID", "adószám: «12837461-2-42»"},
	{"HU_ID", "személyi azonosító: «1-850312-4735»"},
	{"NG_NIN", "NIN: «48371926405»"},
	{"NG_NIN", "NIN number «48371926405»"},
	{"NG_NIN", `{"nin": "«48371926405»"}`},
	{"", "personas kods 120585-11284"},
	{"", "kods 328471 rows"},
	{"", "120 personas 328471-50263"},
	{"", "10 kt 120585-4368"},
	{"", "5 kt 1205854369"},
	{"", "РНОКПП 3148520763"},
	{"", "договір 3148520762"},
	{"", "Taj Mahal 127483654"},
	{"", "TAJ 127 483 655"},
	{"", "adószám 12837461-9-42"},
	{"", "adószám: 12837462-2-42"},
	{"", "NIN was played on 48371926405"},
	{"", "nin 48371926405"},
	{"", "(NIN) 4837192640"},
	// behind the letters of their country
	{"DE_VAT", "USt-IdNr.: «DE283746516»"},
	{"DE_VAT", "Umsatzsteuer-ID «DE 318472657»"},
	{"DE_VAT", "VAT ID: «DE 283 746 516»"},
	{"DE_VAT", `"vat_id":"«DE283746516»"`},
	{"HR_OIB", "OIB: «HR47382619054»"},
	{"IT_VAT", "Partita IVA «IT03847260100»"},
	{"IT_VAT", "P.IVA: «IT 03847260100»"},
	{"GR_AFM", "ΑΦΜ «EL093847262»"},
	{"PT_NIF", "NIF «PT503847267»"},
	{"VAT_ID", "UID: «ATU48372611»"},
	{"VAT_ID", "MwSt-Nr. «ATU 48372611»"},
	{"PL_NIP", "NIP: «PL5834726180»"},
	{"VAT_ID", "BTW: «NL385917264B29»"},
	{"VAT_ID", "BTW-nummer «BE0738472678»"},
	{"VAT_ID", "TVA «BE 0738.472.678»"},
	{"VAT_ID", "N° TVA : «FR62384726105»"},
	{"VAT_ID", "TVA «FR 62 384 726 105»"},
	{"VAT_ID", "«FR62384726105»"},
	{"ES_NIF", "VAT «ESB84736255»"},
	{"VAT_ID", "Moms: «SE556384726701»"},
	{"VAT_ID", "VAT no. «DK38472615»"},
	{"VAT_ID", "CVR «DK 38 47 26 15»"},
	{"VAT_ID", "VAT «GB 384 7261 27»"},
	{"VAT_ID", "VAT no. «IE 3847261F»"},
	{"", "IE 3847261 users"},
	{"", "CVR 38472615"},
	{"VAT_ID", "DIČ: «CZ28473612»"},
	{"VAT_ID", "ALV «FI23847263»"},
	{"VAT_ID", "UID «CHE-384.726.156» MWST"},
	{"VAT_ID", "áfa VAT «HU12837461»"},
	{"", "VAT ID: DE283746517"},
	{"", "order DE283746516"},
	{"", "trace DE283746516"},
	{"", "VAT invoice DE283746516"},
	{"", "item IT03847260100"},
	{"", "AT 12 BE 34 DE 283746516"},
	{"", "BE 2024.123.456"},
	{"", "VAT 20 %, DE 19 %"},
	{"", "IT 2024 budget 03847260100"},
	{"", "tax DE1234"},
	{"", "UID ATU48372612"},
	{"", "flight SE5563 of DK38472615"},
	{"", "VAT DE2837465161"},
	{"", "FR62384726106"},
	{"", "BE0738472679"},
	{"", "NL385917264B30"},
	// in other groups or letters
	{"ZA_ID", "South African ID «850312 5009 089»"},
	{"ZA_ID", "SA ID: «920417 4837 186»"},
	{"NZ_IRD", "IRD «4938472-6»"},
	{"IL_ID", "teudat zehut «3847261-9»"},
	{"CL_RUT", "RUT «7384726-5»"},
	{"ES_NIF", "NIE: «x-1847362-w»"},
	{"ES_NIF", "NIE «X-1847362-W»"},
	{"ES_NIF", "NIE «x1847362w»"},
	{"ES_NIF", "nie: «x1847362w»"},
	{"ES_NIF", "NIF: «48271635-v»"},
	{"ES_NIF", "dni=«48271635v»;"},
	{"ES_NIF", "DNI «48271635v»"},
	{"ES_NIF", "DNI «48.271.635-V»"},
	{"ES_NIF", "DNI «37461825 T», Madrid"},
	{"ES_NIF", "DNI «37461825-t»"},
	{"ES_NIF", "CIF: «B84736255»"},
	{"ES_NIF", "CIF «B-84736255»"},
	{"FR_NIR", "NIR «185032A12345601»"},
	{"FR_NIR", "numéro de sécu «2 78 11 2B 047 318 54»"},
	{"CZ_RC", "rodné číslo: «480312/123»"},
	{"KR_RRN", "주민등록번호 «850312-9234567»"},
	{"", "size 850312 5009 089"},
	{"", "South African order 850312 5009 088"},
	{"", "IRD 4938472-7"},
	{"", "lot 4938472-6"},
	{"", "teudat zehut 3847261-8"},
	{"", "Israeli order 38472619"},
	{"", "x-1847362-w"},
	{"", "nie x-1847362-a"},
	{"", "hex x1847362w and 48271635v"},
	{"", "DNI 48.271.635"},
	{"", "DNI 37461825 Tomás"},
	{"", "document B84736255"},
	{"", "CIF B84736254"},
	{"", "CIF price B84736-255"},
	{"", "part B-84736255"},
	{"", "185032A12345602"},
	{"", "2 78 11 2B 047 318 55"},
	{"", "číslo smlouvy 480399/123"},
	{"", "číslo smlouvy 480312/123"},
	{"CZ_RC", "rodne cislo «486112/047»"},
	{"", "release 480312/123"},
	{"", "Korea order 850312-9234567"},
	// words that mean something else, and numbers that are something else
	{"", "per RFC 5322 the id 20604153787 is opaque"},
	{"", "CI passed in 1.234.567 ms, build 4518273"},
	{"", "kt = 850312-4735"},
	{"", "nit (style): 2024-01-15 12:30:45"},
	{"", "RUC 2024-01-15"},
	{"", "NIK: 2024-01-15T12:30:45Z"},
	{"", "moms 192.0.2.300 and 1.2.3"},
	{"", "btw DE 19 or AT 20 rows"},
	{"", "btw 38472615 of 12837461"},
	{"", "IC U12 850312-14"},
	{"", "VAT of 2837465 EUR in DE"},
	{"", "tva 19,6 % de 847.261"},
	{"", "SE 2024 and FI 2025, VAT 25 %"},
	{"", "NIN 4837-1926-405"},
	{"", "emirates 2024-01-15 784"},
	{"", "iin = 850312"},
	// of other kinds, after a word that has one
	{"PHONE", "Firma AG\nCHE-999.999.999 MWST\nT: «044 555 01 98»"},
	{"PHONE", "Anna\nCVR 38472616\nT: «030 5550 1987»"},
	{"PHONE", "Beispiel GmbH, USt. 19 %\nT: «030 5550 1987»"},
	{"VAT_ID PHONE", "Nordlys AB\nMoms «SE556384726701»\nT: «08 555 123 45»"},
	{"PHONE", "CI/CD Lead\nT: «030 5550 1987»"},
	{"PHONE", "IC Design\nT: «030 5550 1987»"},
	{"PHONE", "CIF\nM: «030 5550 1987»"},
	{"PHONE", "CI 负责人«13912345678»"},
	{"PHONE", "nit 负责人«13912345678»"},
	// behind two words
	{"EC_ID", "RUC/CI: «1715832042001»"},
	{"EC_ID", "Cédula/RUC: «1715832042»"},
	{"CO_NIT", "NIT/CI: «901.582.746-0»"},
	{"MY_NRIC", "MyKad/IC: «850312145127»"},
	{"", "RUC/CI: 1715832042002000"},
	{"", "unit/ci: 901.582.746-0"},
	{"NG_NIN", "National Identification Number (NIN): «48371926405»"},
	{"NG_NIN", "NIN - «48371926405»"},
	{"NG_NIN", "NIN – «48371926405»"},
	{"LV_CODE", "personas kods (PK): «328471-50263»"},
	{"HU_TAJ", "TAJ-kártya száma: «127 483 654»"},
	{"ES_NIF", "DNI núm. «48271635 V»"},
	{"", "NIN – of the 48371926405"},
	{"", "TAJ kérdés: 127483654"},
	{"", "kods (PK): 328471-50263"},
	{"", "NIN - of 48371926405"},
	{"UY_CI", "CI: «3.847.162-9»"},
	{"UY_CI", "C.I.: «4518273-8»"},
	{"", "CI 3.847.162-9"},
	{"", "CI: 4518273-8"},
	{"", "gitlab-CI: 3.847.162-9"},
	{"UY_CI", "cédula de identidad «38471629»"},
	{"", "cédula profesional 38471629"},
	{"", "cédula de notificación 38471629"},
	{"", "cedula catastral 1715832042"},
	{"EC_ID", "cédula de ciudadanía N° «1715832042»"},
	{"EC_ID", "Cédula «1765832041»"},
	{"EC_ID", "cédula «3015832045»"},
	{"EC_ID", "cédula «5015832040»"},
	{"EC_ID", "RUC «1765832041001»"},
	{"", "cédula 1775832049"},
	{"", "RUC 4015832043001"},
	{"PK_CNIC", "CNIC «1733999999123»"},
	{"", "cnic=1733999999123"},
	{"", "IC lot 850312-14-5127"},
	{"", "Emirates flight EK 784198547283615"},
	{"", "iqama expiry 2038472615"},
	{"", "preces kods 328471-50263"},
	{"", "preces kods: 328471-50263"},
	{"", "TAJ HOTEL booking 127483654"},
	{"", `"taj": 127483654`},
	{"HU_TAJ", "TAJ: «127483654»"},
	{"CL_RUT", "RUT: «7384726-5»"},
	{"", "dry run 7384726-5"},
	{"", "RUN 7384726-5"},
	{"", `"run": "7384726-5"`},
	// of Spain and Mexico
	{"", "El documento B84736255 y el anexo"},
	{"", "documento SAP B84736255"},
	{"", "Spain site B84736255"},
	{"", "CIF price list B84736255"},
	{"", "mmCIF ref B84736255"},
	{"", "CIF B8473625E"},
	{"ES_NIF", "NIF: «P8473625E»"},
	{"", "NIF P84736255"},
	{"", "Nie znaleziono zamówienia 48271635v"},
	{"", "Das war noch nie so: 48271635 v"},
	{"", "nie wieder 48.271.635 v"},
	{"", "nie 48271635v"},
	{"", "nie x-1847362-w"},
	{"", "Nie ma pliku x1847362.w"},
	{"", "DNI 48271635-v.log"},
	{"", "DNI 48271635 v otros"},
	{"", "DNI 48271635.V"},
	{"ES_NIF", "DNI «48271635 v»"},
	{"ES_NIF", "DNI «48271635 v», Madrid"},
	{"", "El documento 48271635 v"},
	{"", "Ventas en España: 48.271.635 V"},
	{"", "Mexico lote KLT990214QX8"},
	{"", "CURP / lote KLT990214QX8"},
	{"", "Mexico NSS lote LOMA850312KTA"},
	{"", "RFC XAXX010101000"},
	{"", "RFC: XEXX010101000"},
	// behind the letters of a country
	{"", "UID CHE-584.726.154"},
	{"VAT_ID", "«CHE-384.726.156»"},
	{"", "CHE384726156"},
	{"VAT_ID", "MWST «CHE384726156»"},
	{"VAT_ID", "«BE 0738.472.678»"},
	{"", "TO BE 0738472678"},
	{"", "BE 0738 472 678"},
	{"", "btw DE 283746516"},
	{"", "btw DE283746516"},
	{"", "uid=SK2847361546"},
	{"", "UPS tax ref DE283746516"},
	{"", "tax code DE283746516"},
	{"", "fiscal year PT503847267"},
	{"", "national team PT503847267"},
	{"DE_VAT", "tax id: «DE283746516»"},
	{"DE_VAT", `"tax_number":"«DE283746516»"`},
	{"DE_VAT", "Umsatzsteuer-Identifikationsnummer: «DE283746516»"},
	{"DE_VAT", "Umsatzsteuer-Identifikationsnummer gemäß § 27 a Umsatzsteuergesetz: «DE 283 746 516»"},
	{"VAT_ID", "numéro de TVA intracommunautaire : «FR 62 384726105»"},
	{"VAT_ID", "VAT registration number: «GB 384 7261 27»"},
	{"", "VAT 20 % and 3 for DE283746516"},
}

// TestIDForms: each of these is found whole and as what it is, and nothing else.
func TestIDForms(t *testing.T) { checkLabelled(t, idForms) }

// TestOrdinaryNumbersBesideWords: numbers that are none of these ids are not found whatever their digits say, which is a check by
// chance: # is any digit.
func TestOrdinaryNumbersBesideWords(t *testing.T) {
	f, d := newFinder(t, "redact-pii"), newDice(71)
	for _, form := range []string{
		"Nie znaleziono zamówienia ######## w systemie", "Das war noch nie so: ######## a", "nie wieder ##.###.### a", "Nie ma pliku ########.w", "nie otwarto pliku ########-a.log", "NIE otwarto pliku ########-t.log",
		"Das gab es nie: ########-r", "7 dni ######## w", "El documento ######## y el anexo", "Número do documento: ######## a vencer", "Ventas en España: ##.###.### e", "DNI: ######## a las nueve", "Spain ########-t",
		"El documento C######## fue firmado", "documento SAP A########", "Spain site B########", "CIF price list A########", "CIF Rotterdam B########", "mmCIF ref J########",
		"CI run #######-#", "CI build #######-#", "ci: job #######-# failed", "gitlab-ci #######-#", "ci_pipeline_id=#######-#", "CI_JOB_ID: #######-#", "CI: #######-#",
		"run #######-#", "dry run #######-#", "test run #######-# failed", `"run": "#######-#"`, "payroll rol #######-#", "TEST RUN #######-#", "Chile #######-#",
		"Mexico lote ABC240115###", "CURP / lote ABC240115###", "NSS lote ABC240115###", "RFC draft ABC-240115-###", "see the RFC in ABC240115###", "México ABCD240115###",
		"CHE#########", "CHE #########", "TO BE 17########", "MUST BE 1#########", "BE 1024 2048 ##", "TO BE 0#########", "BE 0### ### ###",
		"TAJ HOTEL booking #########", `"taj": #########`, "Taj Mahal #########", "kods 3#####-#####", "preces kods: 32####-#####",
		"btw DE #########", "btw DE#########", "uid=SK##########", `"uid":"SK##########"`, "UPS tax ref RO########", "tax code SI########", "fiscal year PT#########", "national team PT#########", "VAT 20 % on 12 pieces DE#########",
		"cnic=1733#########", "nin 9##########", "cedula profesional ########", "cédula de notificación ########", "cedula catastral ##########", "cédula catastral #######-#", "cédula hipotecaria 00########",
		"IC lot 2401##-##-####", "mykad reader 2401########", "Emirates flight EK 784############", "Emirates EK 784-####-#######-#", "iqama expiry 14########",
	} {
		found, last := 0, ""
		for range 200 {
			text := form
			for strings.Contains(text, "#") {
				text = strings.Replace(text, "#", d.of(1, digitChars), 1)
			}
			if edits := f.find(text); len(edits) > 0 {
				found++
				last = fmt.Sprintf("%q: %v", text, edits)
			}
		}
		if found > 0 {
			t.Errorf("%s: %d of 200, as %s", form, found, last)
		}
	}
}

// TestScoreOfCapitalNIF: what has the form of an id, right behind its word, counts as much as it does in a text that has no other form of it.
func TestScoreOfCapitalNIF(t *testing.T) {
	p := probe(t, "redact-pii", nil)
	for _, text := range []string{"DNI 48271635V", "DNI:48271635V", "SPAIN 48271635V", "DNI 48271635-V"} {
		if edits := try(t, p, []byte(text), nil).Edits; len(edits) != 1 || edits[0].Score != 900 {
			t.Errorf("%q: %v, want one of 900", text, edits)
		}
	}
}

// TestNothingBehindTextCounts: what lies behind a text in the message, here the rest of what it is cut from as its key, changes nothing
// beyond what the words of the key say.
func TestNothingBehindTextCounts(t *testing.T) {
	texts := []string{"NIR 2 78 11 2B 047 318 54"}
	for _, c := range slices.Concat(idForms, forms) {
		text, _ := marked(c.text)
		texts = append(texts, text)
	}
	for _, config := range []string{"", `{"threshold":0}`} {
		p := probe(t, "redact-pii", []byte(config))
		for _, text := range texts {
			for k := 1; k < len(text); k++ {
				got, want := try(t, p, []byte(text[:k]), []byte(text[k:])).Edits, try(t, p, []byte(text[:k]), []byte("~"+text[k:])).Edits
				if !slices.Equal(got, want) {
					t.Errorf("%s: %q before %q: %v, elsewhere %v", config, text[:k], text[k:], got, want)
				}
			}
		}
	}
}

// TestIDFormsUnderKeys: what the key says of a text counts as a word right before it does, where it is one that is a name of such a field.
func TestIDFormsUnderKeys(t *testing.T) {
	p, labels := probe(t, "redact-pii", nil), manifest(t, "redact-pii").Labels
	for _, c := range []struct{ label, key, text string }{
		{"PHONE", "nit", "T: 030 5550 1987"},
		{"PHONE", "ci", "T: 030 5550 1987"},
		{"PHONE", "cif", "M: 030 5550 1987"},
		{"CO_NIT", "customer.nit", "9015827460"},
		{"CL_RUT", "rut", "7384726-5"},
		{"ES_NIF", "cif", "B84736255"},
		{"ES_NIF", "nif", "b-84736255"},
		{"ES_NIF", "nie", "X1847362W"},
		{"MX_RFC", "rfc", "KLT990214QX8"},
		{"LV_CODE", "personas_kods", "328471-50263"},
		{"HU_TAJ", "user", "TAJ szám: 127483654"},
		{"DE_VAT", "vat_id", "DE283746516"},
		{"DE_VAT", "customer.taxNumber", "DE 283746516"},
		{"VAT_ID", "uid", "ATU48372611"},
		{"VAT_ID", "btw", "NL385917264B29"},
		{"", "uid", "DE283746516"},
		{"", "btw", "DE283746516"},
		{"", "uid", "pod DE283746516 of 12"},
		{"", "tax.note", "see the lot DE283746516"},
		{"", "kods", "328471-50263"},
		{"", "taj", "127483654"},
		{"", "run", "7384726-5"},
		{"", "ci", "4518273-8"},
		{"", "ci.job", "3.847.162-9"},
		{"", "ci_pipeline_id", "4518273-8"},
		{"", "dni", "od 48271635 v roku"},
		{"", "nie", "48271635v"},
		{"", "country: Spain", "B84736255"},
		{"", "documento", "B84736255"},
		{"", "mexico", "KLT990214QX8"},
		{"", "rfc", "draft ABC-240115-001"},
		{"", "cnic", "1733999999123"},
	} {
		edits := try(t, p, []byte(c.text), []byte(c.key)).Edits
		if c.label == "" && len(edits) == 0 {
			continue
		}
		if len(edits) != 1 || labels[edits[0].Label] != c.label {
			t.Errorf("%q under %q: %v, want %q", c.text, c.key, edits, c.label)
		}
	}
}
