package detect

// token examines a run of letters and digits from the first digit in it, at i,
// and returns the end of the run.
func (s *scanner) token(i int) int {
	if s.is(i-1, isUpper) && s.is(i-2, isUpper) {
		if end := s.iban(i); end > i {
			return end
		}
	}
	end := s.runEnd(i, isAlnum, len(s.text))
	if i < s.base64 {
		return end
	}
	// A run of base64 is looked at once, from its first digit.
	s.base64 = end
	if s.is(end, isStd) {
		s.base64 = s.runEnd(end, isBase64, len(s.text))
	}
	if start := s.base64 - secretLength; start <= i && start >= s.last && s.is(start, isBase64) && s.awsSecret(start, i) {
		return s.base64
	}
	return end
}

// iban reads an account number (ISO 13616) whose check digits begin at i:
// country, check digits and account in the length of that country, together or
// in groups of four, valid under ISO 7064 mod 97-10.
func (s *scanner) iban(i int) int {
	start := i - 2
	if start < s.last || !s.begins(start, isWord) {
		return 0
	}
	want := int(ibanLength[country(s.text[start], s.text[start+1])])
	if want == 0 {
		return 0
	}
	end, mod := s.mod97(start+4, want-4)
	if end < 0 {
		return 0
	}
	for _, c := range s.text[start : start+4] {
		mod = mod97(mod, c)
	}
	if mod != 1 || s.is(end, isWord) || !s.is(i+1, isDigit) || !s.report(start, end, IBAN, MaxScore) {
		return 0
	}
	return end
}

// mod97 reads n letters and digits from i, with a space allowed after every
// fourth, and returns where they end and their value modulo 97.
func (s *scanner) mod97(i, n int) (end, mod int) {
	for j := range n {
		if j%4 == 0 && s.at(i, ' ') {
			i++
		}
		if !s.is(i, isDigit|isUpper) {
			return -1, 0
		}
		mod = mod97(mod, s.text[i])
		i++
	}
	s.work += n
	return i, mod
}

func mod97(mod int, c byte) int {
	if c <= '9' {
		return (mod*10 + int(c-'0')) % 97
	}
	return (mod*100 + int(c-'A') + 10) % 97
}

func country(a, b byte) int { return int(a-'A')*26 + int(b-'A') }

// ibanLength is the length of an IBAN by country, 0 for countries without.
var ibanLength = func() (t [26 * 26]uint8) {
	const registry = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28" +
		"EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30" +
		"KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23" +
		"PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26" +
		"UA29VA22VG24XK20YE30"
	for i := 0; i < len(registry); i += 4 {
		t[country(registry[i], registry[i+1])] = (registry[i+2]-'0')*10 + registry[i+3] - '0'
	}
	return t
}()
