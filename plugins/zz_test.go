package plugins_test
import ("testing";"fmt")
func TestZZ(t *testing.T) {
	f := newFinder(t, "redact-pii")
	for _, s := range []string{
		"NIF PT503847267", "NIF: PT 503847267", "P. IVA IT03847260100", "Partita IVA n. IT03847260100", "OIB HR47382619054", "Italy IT03847260100", "VAT No: GB 384 7261 27",
		"BTW-nr: NL385917264B29", "BTW nummer: BE0738472678", "BTW BE 0738 472 678","UID-Nr.: ATU48372611", "UID Nr. ATU 48372611", "CIF ESB84736255", "NIF ESB84736255", "DNI: X1847362W", "NIE: X1847362W", "NIE X 1847362 W", "DNI nº 48.271.635-V", "DNI núm. 48271635 V",
		"D.N.I. 48271635-V", "N.I.F.: 48.271.635-V", "C.I.F. B-84736255", "C.I.F.: B84736255", "N.I.E. X-1847362-W", "CIF/NIF: B84736255", "NIF/CIF B-84736255", "DNI/NIE: x1847362w", "dni: 48271635v",
		"R.F.C. KLT990214QX8", "rfc KLT990214QX8", "R.U.T. 7384726-5", "RUT N° 7384726-5", "RUT 7.384.726-5", "rut: 7384726-k", "T.A.J. 127483654", "taj szám 127483654", "TAJ-kártya száma: 127 483 654", "TAJ száma: 127 483 654",
		"personas kods (PK): 328471-50263", "Personas kods – 328471-50263", "Emirates ID No. 784-1985-4728361-5", "Emirates ID card number: 784198547283615", "Iqama No: 2038472615", "رقم الإقامة 2038472615", "cedula_identidad=38471629", "numero_cedula: 38471629", "Cédula Nro. 38471629", "C.C. 1715832042",
		"VAT\nDE283746516", "Steuernummer / USt-ID: DE283746516", "USt-IdNr. DE 283 746 516", "Ust.-ID-Nr.: DE283746516", "USt.-IdNr.: DE283746516", "Tax ID (VAT): DE283746516", "IVA IT03847260100", "TVA intra : FR62384726105", "N° TVA intracom. FR 62 384726105", "Tax Reg. No. DK38472615", "VAT: EL093847262", "EU VAT DE283746516", "VAT identification no. DE283746516", "VAT number is DE283746516", "Our VAT-ID is: DE283746516", "NIP: PL5834726180", "NIP UE PL5834726180", "NIP (UE): PL5834726180", `{"vatNumber":"DE283746516"}`, `{"tax":{"id":"DE283746516"}}`, "MVA", "Organisationsnr SE556384726701", "VAT reg no SE556384726701", "MOMS/VAT: SE556384726701", "Org.nr: 556384-7267 Momsreg.nr: SE556384726701", "Company: X GmbH, HRB 12345, USt-IdNr.: DE283746516",
		"dni-48271635-v", "7 dni 12345678z", "DNI 48271635", "El NIF del titular es 48271635-V", "con DNI número 48271635v.", "NIF: 48271635v, Madrid",
		} {
		fmt.Printf("%-60q", s)
		for _, e := range f.find(s) { fmt.Printf(" %s %q %d", e.Label, s[e.Start:e.End], e.Score) }
		fmt.Println()
	}
}
