/* topics.h: the words that make numbers personal. */
#ifndef PII_TOPICS_H
#define PII_TOPICS_H

#include "../scan/words.h"

enum {
	T_PHONE,  /* names a telephone number */
	T_CALL,   /* speaks of reaching somebody */
	T_NUMBER, /* is a word for numbers, which are somebody's telephone number if they are his */
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
	T_OWN, /* is of one kind of id, which OWN_WORDS tells */
	T_AT, T_AU, T_BE, T_BG, T_BR, T_CA, T_CH, T_CL, T_CN, T_CZ, T_DE, T_DK, T_ES, T_FI, T_FR, T_GB, T_GR, T_HK_SG_TW, T_HR, T_IE, T_IL, T_IN,
	T_IT, T_JP, T_KR, T_MX, T_NL, T_NO, T_NZ, T_PL, T_PT, T_RO, T_RU, T_SE, T_TH, T_TR, T_US, T_ZA, T_AR, T_EE,
	N_TOPICS
};
_Static_assert(N_TOPICS <= MAX_TOPICS, "topics fit into a word");

/* Words that are of one kind of id and of hardly anything else: national.h has its forms and check digits. Those for taxes on
 * sales stand before numbers that begin with the letters of their country. */
#define OWN_WORDS(X) \
	X(W_JMBG, "jmbg embg emso em\xc5\xa1o em\xc5\xa0o maticni mati\xc4\x8dni mati\xc4\x8dno mati\xc4\x8cni \xd0\x88\xd0\x9c\xd0\x91\xd0\x93 \xd1\x98\xd0\xbc\xd0\xb1\xd0\xb3 \xd0\x95\xd0\x9c\xd0\x91\xd0\x93 " \
		"\xd0\xb5\xd0\xbc\xd0\xb1\xd0\xb3 \xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8") \
	X(W_DNI, "dni") X(W_NIF, "nif") X(W_NIE, "nie") X(W_CIF, "cif") X(W_RFC, "rfc") X(W_RUT, "rut") \
	X(W_RUC, "ruc") X(W_NIT, "nit") X(W_CEDULA, "cedula c\xc3\xa9""dula c\xc3\x89""dula") X(W_NIK, "nik ktp ektp kependud") X(W_CI, "ci") X(W_CNIC, "cnic nicop") X(W_IC, "ic") X(W_MYKAD, "mykad nric pengenal") \
	X(W_RNTRC, "rntrc rnokpp \xd0\xa0\xd0\x9d\xd0\x9e\xd0\x9a \xd1\x80\xd0\xbd\xd0\xbe\xd0\xba \xd0\x86\xd0\x9f\xd0\x9d \xd1\x96\xd0\xbf\xd0\xbd") \
	X(W_KODS, "kods") X(W_KT, "kt") X(W_KENNITALA, "kennital") X(W_CCCD, "cccd c\xc6\xb0\xe1\xbb\x9b""c c\xc6\xaf\xe1\xbb\x9a""c") \
	X(W_IIN, "iin \xd0\x98\xd0\x98\xd0\x9d \xd0\xb8\xd0\xb8\xd0\xbd \xd0\x96\xd0\xa1\xd0\x9d \xd0\xb6\xd1\x81\xd0\xbd") X(W_NIN, "nin") X(W_TAJ, "taj") \
	X(W_ADOAZONOSITO, "adoazono ad\xc3\xb3""azon ad\xc3\x93""azon") X(W_ADOSZAM, "adoszam ad\xc3\xb3sz\xc3\xa1 ad\xc3\x93sz\xc3\x81") X(W_SZEMELYI, "szemelyi szem\xc3\xa9ly szem\xc3\x89ly") \
	X(W_EMIRATES, "emirates") X(W_EGYPT, "\xd8\xa7\xd9\x84\xd9\x82\xd9\x88") X(W_IQAMA, "iqama \xd8\xa7\xd9\x84\xd8\xa5\xd9\x82") \
	X(W_UID, "uid") X(W_BTW, "btw") X(W_UTR, "utr") X(W_IMEI, "imei") X(W_VIN, "vin chassis fahrgest") X(W_VAT, "ust ustid ustidnr umsatzst steuernu mwst tva moms alv dph di\xc4\x8d di\xc4\x8c ddv dds pdv kdv pvm cui cvr kmkr pvn momsnr intracom vatin vatid vatno vatnumbe \xd0\x94\xd0\x94\xd0\xa1")

enum {
#define NAME(name, words) name,
	OWN_WORDS(NAME)
#undef NAME
	N_OWN
};

static const topic_words vocabulary[] = {
#define WORDS(name, words) {T_OWN, words},
	OWN_WORDS(WORDS)
#undef WORDS
	{T_PHONE, "phone phones telephon tel mobile cell cellphon fax whatsapp sms handy telefon telefono mobil portable landline "
		"hotline helpline t\xc3\xa9l t\xc3\xa9l\xc3\xa9ph tel\xc3\xa9"
		"fon telef\xc3\xb3n m\xc3\xb3vil celular rufnumme handynum phonenum telefone telemove komorka telefonn puhelin "
		"mobilnum msisdn \xe7\x94\xb5\xe8\xaf\x9d \xe6\x89\x8b\xe6\x9c\xba \xe9\x9b\xbb\xe8\xa9\xb1 signal telegram viber"
		" telefonu telefoon \xd1\x82\xd0\xb5\xd0\xbb \xd1\x82\xd0\xb5\xd0\xbb\xd0\xb5 \xd0\xa2\xd0\xb5\xd0\xbb\xd0\xb5"
		" \xd0\xa2\xd0\xb5\xd0\xbb \xd0\xbc\xd0\xbe\xd0\xb1 \xd0\xbc\xd0\xbe\xd0\xb1\xd0\xb8 \xcf\x84\xce\xb7\xce\xbb"
		" \xcf\x84\xce\xb7\xce\xbb\xce\xad \xce\xa4\xce\xb7\xce\xbb\xce\xad \xce\xba\xce\xb9\xce\xbd\xce\xb7"
		" \xe6\x89\x8b\xe6\x9c\xba\xe5\x8f \xe6\x89\x8b\xe6\x9c\xba\xef\xbc \xe7\x94\xb5\xe8\xaf\x9d\xef\xbc"
		" \xe7\x94\xb5\xe8\xaf\x9d\xe6\x98 \xe6\x89\x8b\xe6\x9c\xba\xe6\x98 \xe9\x9b\xbb\xe8\xa9\xb1\xe3\x81 \xe7\x94\xb5\xe8\xaf\x9d\xe5\x8f \xe8\x81\x94\xe7\xb3\xbb\xe7\x94 \xe6\x89\x8b\xe6\xa9\x9f \xe9\x9b\xbb\xe8\xa9\xb1\xe7\x95"
		" \xe9\x9b\xbb\xe8\xa9\xb1\xef\xbc \xe6\x90\xba\xe5\xb8\xaf \xe6\x90\xba\xe5\xb8\xaf\xe9\x9b \xec\xa0\x84\xed\x99\x94"
		" \xec\xa0\x84\xed\x99\x94\xeb\xb2 \xed\x9c\xb4\xeb\x8c\x80\xed\x8f \xec\x97\xb0\xeb\x9d\xbd\xec\xb2"
		" \xe0\xb9\x82\xe0\xb8\x97\xe0\xb8 \xe0\xb9\x82\xe0\xb8\x97\xe0\xb8 \xe0\xb9\x80\xe0\xb8\x9a\xe0\xb8"
		" \xd9\x87\xd8\xa7\xd8\xaa\xd9\x81 \xd8\xa7\xd9\x84\xd9\x87\xd8\xa7 \xd8\xac\xd9\x88\xd8\xa7\xd9\x84"
		" \xe0\xa4\xab\xe0\xa4\xbc\xe0\xa5 \xe0\xa4\xab\xe0\xa5\x8b\xe0\xa4 \xe0\xa4\xae\xe0\xa5\x8b\xe0\xa4"
		" \xd7\x98\xd7\x9c\xd7\xa4\xd7\x95 \xd7\xa0\xd7\x99\xd7\x99\xd7\x93 s\xc4\x91t s\xc4\x90t tho\xe1\xba\xa1i telp tlf puh mobiltel"
		" t\xc4\x81lr t\xc4\x81lruni t\xc4\x81lru\xc5\x86\x61 \xd9\x85\xd9\x88\xd8\xa8\xd8\xa7"
		" mobitel telem\xc3\xb3v cep ponsel telpon telf t\xc3\xa9l\xef\xbc\x9a whatsapp phoneno phonenum voicemai tollfree pager cellular"
		" natel fone tfno mobiel mobilnr mobilfun handynr freephon freecall festnetz puhelinn telefonn mobnr telnr telno \xce\xba\xce\xb9\xce\xbd"
		" \xf0\x9f\x93\x9e \xf0\x9f\x93\xb1 \xe2\x98\x8e \xe2\x98\x8e\xef\xb8\x8f \xe2\x9c\x86"},
	{T_CALL, "call calls called contact dial reach reached ring callback appelez anrufen llamar ruf rufen r\xc3\xbc""ckruf erreichb "
		"chiamami joignabl bereikba"
		" ll\xc3\xa1mame ll\xc3\xa1menos rappeler rappelez zadzwo\xc5\x84 dzwoni\xc4\x87 volejte hubungi suna\xc8\x9bi numaram aray\xc4\xb1n"
		" \xd0\xb7\xd0\xb2\xd0\xbe\xd0\xbd \xd0\x97\xd0\xb2\xd0\xbe\xd0\xbd kontakt contacto contato contacta contatta recapito notfallk urgence telefoni kom\xc3\xb3rka"},
	{T_NUMBER, "number numero n\xc3\xbamero num\xc3\xa9ro nummer numer num\xc4\x83rul nomor \xd0\xbd\xd0\xbe\xd0\xbc\xd0\xb5 \xd0\x9d\xd0\xbe\xd0\xbc\xd0\xb5"},
	{T_CARD, "card cards visa masterca amex maestro diners discover jcb credit debit cc pan cardnumb creditca debitcar karte "
		"kreditka tarjeta carte carta american unionpay mir girocard rupay kaartnum cart\xc3\xa3o kortnumm"
		" \xe9\x93\xb6\xe8\x81\x94\xe5\x8d \xe4\xbf\xa1\xe7\x94\xa8\xe5\x8d \xe9\x93\xb6\xe8\xa1\x8c\xe5\x8d \xe5\x8d\xa1\xe5\x8f\xb7\xef\xbc \xe5\x8d\xa1\xe5\x8f\xb7 \xe9\x8a\x80\xe8\xa1\x8c\xe5\x8d \xe5\x8d\xa1\xe8\x99\x9f \xe5\x8d\xa1\xe8\x99\x9f\xef\xbc \xe3\x82\xab\xe3\x83\xbc\xe3\x83 \xec\xb9\xb4\xeb\x93\x9c \xec\xb9\xb4\xeb\x93\x9c\xeb\xb2"},
	{T_SSN, "ssn ssns social itin socialse"
		" soc socsec"},
	{T_TAX, "tax taxpayer tin national ein fein taxid taxnumbe vat"},
	{T_IP, "ip ips ipv host server address addr client peer gateway dns from ipaddres hostname remote mac hwaddr ether ethernet bssid"},
	{T_AWS, "aws amazon"},
	{T_SECRET, "secret secrets secretke"},
	{T_ID, "id ids identifi"},
	{T_OTHER, "order invoice version versions timestam trace span tokens count isbn tracking ticket sku serial build release commit "
		"hash uuid guid index created updated epoch size bytes offset seed"
		" chapter section clause paragrap firmware row rows oid"},
	{T_BIRTH, "born birth birthday dob birthdat birthday geboren geb geburtst geburtsd naissanc nacimien nascita nascimen nacido nacida "
		"urodzeni syntym narozeni dateofbi bday f\xc3\xb8"
		"dt f\xc3\xb6"
		"dd geboorte n\xc3\xa9 n\xc3\xa9"
		"e d\xc3\xb8"
		"dt nato nata"
		" nac nasc nascido nascida nascimen naci\xc3\xb3 narozen\xc3 narozen do\xc4\x9fum dogum sinh \xd1\x80\xd0\xbe\xd0\xb6\xd0\xb4"
		" \xd0\xa0\xd0\xbe\xd0\xb6\xd0\xb4 \xd1\x80\xd0\xbe\xd0\xb4\xd0\xb8 \xd1\x80\xd0\xbe\xd0\xb4\xd0\xb8"
		" \xd0\xbd\xd0\xb0\xd1\x80\xd0\xbe \xd8\xa7\xd9\x84\xd9\x85\xd9\x8a \xd9\x85\xd9\x8a\xd9\x84\xd8\xa7"
		" \xe0\xa4\x9c\xe0\xa4\xa8\xe0\xa5 \xe7\x94\x9f\xe5\xb9\xb4\xe6\x9c \xe5\x87\xba\xe7\x94\x9f \xe5\x87\xba\xe7\x94\x9f\xe6\x97"
		" \xe5\x87\xba\xe7\x94\x9f\xe5\xb9 \xec\x83\x9d\xeb\x85\x84\xec\x9b f\xc3\xb6""delse f\xc3\xb8""dsels f\xc3\xb8""dsels urodzona"
		" urodzony ur sz\xc3\xbclete sz\xc3\xbclet\xc3 na\xc8\x99teri nasterii n\xc4\x83scut lahir syntym\xc3\xa4 syntynyt"
		" \xce\xb3\xce\xad\xce\xbd\xce\xbd \xce\xb3\xce\xb5\xce\xbd\xce\xbd \xd7\x9c\xd7\x99\xd7\x93\xd7\x94"
		" \xd7\xa0\xd7\x95\xd7\x9c\xd7\x93 ro\xc4\x91""en ro\xc4\x91""enja rojstva fechanac geborene geburt naiss cumplea\xc3 nac\xc3\xad nasci complean verjaard urodzi\xc5\x82 urodziny gebdat"},
	{T_POSTAL, "zip zipcode postcode postal postleit plz cap cp codigo postnumm postnumb kodpoczt pincode psc"
		" cep pocztowy \xd0\xbf\xd0\xbe\xd1\x87\xd1\x82 \xd0\xbf\xd0\xbe\xd1\x87\xd1\x82 \xe9\x82\xae\xe7\xbc\x96"
		" \xe9\x82\xae\xe7\xbc\x96\xef\xbc \xe9\x82\xae\xe6\x94\xbf\xe7\xbc \xe9\x83\xb5\xe4\xbe\xbf\xe7\x95 \xe3\x80\x92"
		" \xec\x9a\xb0\xed\x8e\xb8\xeb\xb2 ps\xc4\x8d irsz ir\xc3\xa1ny\xc3\xad postnr codposta po\xc8\x99tal posta"
		" ps\xc4\x8c"},
	{T_PASSPORT, "passport passeport pasaport passapor reisepas paszport passnumm paspoort passnr"
		" \xd0\xbf\xd0\xb0\xd1\x81\xd0\xbf \xd0\x9f\xd0\xb0\xd1\x81\xd0\xbf \xe6\x8a\xa4\xe7\x85\xa7 \xe6\x8a\xa4\xe7\x85\xa7\xe5\x8f"
		" \xe8\xad\xb7\xe7\x85\xa7 \xe3\x83\x91\xe3\x82\xb9\xe3\x83 \xe6\x97\x85\xe5\x88\xb8\xe7\x95 \xec\x97\xac\xea\xb6\x8c"
		" \xec\x97\xac\xea\xb6\x8c\xeb\xb2 \xd8\xac\xd9\x88\xd8\xa7\xd8\xb2 passapor \xce\xb4\xce\xb9\xce\xb1\xce\xb2"},
	{T_LICENCE, "licence license licences licenses lic dl permis permiso patente fuehrers f\xc3\xbchrers rijbewij"
		" driversl driverli rijbewij"},
	{T_DRIVER, "driver drivers driving dl dln conduire conducir guida fuehrers f\xc3\xbchrers rijbewij"
		" driversl driverli"},
	{T_PLATE, "plate plates licensep kennzeic matricul targa vrn immatric rego numberpl"
		" matr\xc3\xad""cu plaque kenteken rejestra"},
	{T_STATE, "alabama alaska arizona arkansas californ colorado connecti delaware florida georgia hawaii idaho illinois indiana iowa "
		"kansas kentucky louisian maine maryland massachu michigan minnesot mississi missouri montana nebraska nevada hampshir jersey "
		"mexico york carolina dakota ohio oklahoma oregon pennsylv island tennesse texas utah vermont virginia washingt wisconsi wyoming"},
	{T_BANK, "routing aba rtn bank account acct checking savings swift bic sort sortcode iban konto kontonum kontonr cuenta compte conto rekening clabe"},
	{T_WALLET, "bitcoin btc wallet eth ethereum crypto litecoin ltc xrp ripple doge dogecoin tron trx monero xmr solana address"
		" sol bch ada cardano bitcoinc usdt usdc polygon bnb xlm stellar tether"},
	{T_IDENTITY, "identity identit identit\xc3 identida ausweis personal identifi documen citizen resident idcard nric idnumber personnu kennitala"},
	{T_HEALTH, "medicare prescrib mbi beneficiary npi provider dea medical health patient beneficia nationalp"},
	{T_MONTH, "jan ene gen feb f\xc3\xa9 mar m\xc3\xa4 apr abr avr may mai mag maj mei jun jui giu jul lug aug ago ao\xc3 sep set oct okt ott out nov dec dez dic "
		"d\xc3\xa9"
		" m\xc3\xa1 \xc3\xa1p j\xc3\xba sze ian iun iul \xce\x99\xce \xce\xa6\xce \xce\x9c\xce \xce\x91\xcf \xce\xa3\xce \xce\x9f\xce \xce\x9d\xce \xce\x94\xce"
		" sty lut kwi cze lip sie wrz pa\xc5 lis gru led \xc3\xban b\xc5\x99 dub kv\xc4 \xc4\x8d""e srp z\xc3\xa1 \xc5\x99\xc3 pro oca"
		" \xc5\x9fu nis haz tem a\xc4\x9f eyl eki kas ara \xd1\x8f\xd0 \xd1\x84\xd0 \xd0\xbc\xd0 \xd0\xb0\xd0 \xd0\xb8\xd1 \xd0\xb0\xd0"
		" \xd1\x81\xd0 \xd0\xbe\xd0 \xd0\xbd\xd0 \xd0\xb4\xd0 maa tam hel huh tou kes hei elo syy lok jou"},
	{T_AT, "svnr sozialve austria austrian versiche"
		" sv"},
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
	{T_HK_SG_TW, "hkid hong kong taiwan taiwanes nric fin uen singapor"}, /* whose ids have forms of their own */
	{T_HR, "oib croatian croatia hrvatska"},
	{T_IE, "pps ppsn irish ireland"},
	{T_IL, "teudat zehut israeli israel"
		" \xd7\xaa\xd7\xa2\xd7\x95\xd7\x93 \xd7\x96\xd7\x94\xd7\x95\xd7\xaa"},
	{T_IN, "aadhaar aadhar uidai uid pan gstin gst india indian permanen"
		" \xe0\xa4\x86\xe0\xa4\xa7\xe0\xa4"},
	{T_IT, "codice fiscale italian italy italia partita iva piva"},
	{T_JP, "mynumber japan japanese \xe3\x83\x9e\xe3\x82\xa4\xe3\x83\x8a\xe3\x83\xb3\xe3\x83\x90\xe3\x83\xbc \xe3\x83\x9e\xe3\x82\xa4"
		" \xe5\x80\x8b\xe4\xba\xba\xe7\x95"},
	{T_KR, "rrn korean korea resident \xec\xa3\xbc\xeb\xaf\xbc\xeb\x93\xb1 \xec\xa3\xbc\xeb\xaf\xbc\xeb\xb2 \xec\x99\xb8\xea\xb5\xad\xec\x9d"},
	{T_MX, "curp rfc mexican mexico m\xc3\xa9xico nss imss"},
	{T_NL, "bsn burgerse dutch nederlan netherla sofinumm sofi"},
	{T_NO, "fnr f\xc3\xb8"
		"dselsn fodselsn norwegia norway personnu"},
	{T_NZ, "ird nhi zealand inland"},
	{T_PL, "pesel nip regon polish poland polska dowod dow\xc3\xb3"
		"d"},
	{T_PT, "nif contribu portugue portugal fiscal nipc"},
	{T_RO, "cnp romanian romania numeric"},
	{T_RU, "inn snils \xd0\x98\xd0\x9d\xd0\x9d \xd0\x98\xd0\xbd\xd0\xbd \xd0\xb8\xd0\xbd\xd0\xbd \xd0\x98\xd0\x9d\xd0\x9d\xe2\x84 \xd0\xa1\xd0\x9d\xd0\x98\xd0\x9b \xd0\xa1\xd0\xbd\xd0\xb8\xd0\xbb \xd1\x81\xd0\xbd\xd0\xb8\xd0\xbb \xd0\xbd\xd0\xb0\xd0\xbb\xd0\xbe \xd0\x9d\xd0\xb0\xd0\xbb\xd0\xbe"}, /* called_russian says of which */
	{T_SE, "personnu swedish sweden samordni orgnr"},
	{T_TH, "thai thailand \xe0\xb9\x80\xe0\xb8\xa5\xe0\xb8 \xe0\xb8\x9a\xe0\xb8\xb1"
		" \xe0\xb8\x9a\xe0\xb8\xb1\xe0\xb8 \xe0\xb8\x9b\xe0\xb8\xa3\xe0\xb8"},
	{T_TR, "tckn kimlik turkish turkey t\xc3\xbcrk t\xc3\xbcrkiye tc"},
	{T_US, "ein fein itin american usa"},
	{T_ZA, "south african rsa sa"},
	{T_AR, "cuit cuil argentin argentina"},
	{T_EE, "isikukoo estonian estonia asmens lithuani lithuania"},
};

#define REACH 64 /* how far before a candidate, in bytes, a word still speaks for it */
#define NEVER (-(1 << 30))

static inline void note(scan *s, uint64_t topics, int end) {
	if (topics & ~(1ull << T_OTHER | 1ull << T_ID | 1ull << T_MONTH | 1ull << T_OWN)) s->spoken = max(s->spoken, end);
	for (; topics; topics &= topics - 1) {
		int *seen = &s->seen[__builtin_ctzll(topics)];
		*seen = max(*seen, end);
	}
}

/* pieced returns the topics of a word that capitals or dots have cut in pieces ("WhatsApp", "DoB", "D.O.B."), of which
 * [a, e) is the last one. */
RARE uint64_t pieced(const uint8_t *t, int a, int e) {
	spend(400);
	int from = a;
	uint64_t word = 0;
	if (a > 0 && class[t[a - 1]] & LOWER) {
		while (from > 0 && e - from < 16 && class[t[from - 1]] & LETTER) from--;
		return word_topics(word_at(t + from, e - from));
	}
	int n = 1;
	while (from > 1 && n < 8 && t[from - 1] == '.' && class[t[from - 2]] & LETTER) from -= 2, n++;
	if (n < 2 || (from > 0 && class[t[from - 1]] & (WORD | DOT))) return 0;
	for (int k = 0; k < n; k++) word |= (uint64_t)(t[from + 2 * k] | 0x20) << 8 * k;
	return word_topics(word);
}

/* cellular reports whether the eight letters at p are of this word: cells are of many things, but those of the Italian one for telephones, which has nine. */
static inline int cellular(const uint8_t *p) { return word_at(p, 8) == 0x72616c756c6c6563; }

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
		if (!topics && from + a > 0 && (class[t[from + a - 1]] & LOWER || (end - a == 1 && from + a > 1 && t[from + a - 1] == '.' && class[t[from + a - 2]] & LETTER))) topics = pieced(t, from + a, from + end);
		if (!topics || (end - a > 7 && end - a != 9 && cellular(t + from + a))) continue;
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
	return !(letters & (letters << 1 | letters << 2)); /* "D.O.B." */
}

/* hear reads the words before offset to, each byte of a text at most once, and
 * only when a candidate asks: plain text costs nothing, dense candidates stay
 * linear. */
static inline void hear(scan *s, int to) {
	if (to <= s->words_read) return;
	if (unspoken(s, to)) s->words_read = to;
	else listen(s, to);
}

/* silent reports whether near would be false for every topic but the words of one kind of id, which speak for nothing else. */
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
	if (silent(s, to) && !near(s, T_OWN, to)) return 0;
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
