package detect

// ssn reads a US social security number. The forms 123-45-6789 and, beside a
// word that names it, 123 45 6789 or 123456789 count. Numbers that are never
// issued (area 000, 666, 900 and above, group 00, serial 0000) count only
// beside such a word: a person's typing error is still personal data.
func (s *scanner) ssn(k int) int {
	e, score := s.ssnGroups(k)
	if e < k || !s.endsAt(e) {
		return k
	}
	var buf [maxDigits]byte
	s.digits(k, e, &buf)
	start := s.groups[k].start
	named := s.near(ssnTopic, start)
	switch valid := issuedSSN(buf[:9]); {
	case named && valid:
		score += 300
	case named && e > k, s.near(taxTopic, start) && e > k:
		score = 550
	case !valid:
		return k
	}
	if !s.report(start, s.groups[e].end, SSN, score) {
		return k
	}
	return e + 1
}

// ssnGroups returns the last group of a number of nine digits at group k, and
// what its form alone is worth.
func (s *scanner) ssnGroups(k int) (e, score int) {
	if s.groups[k].len() == 9 {
		return k, 250
	}
	switch sep, ok := s.shape(k, 3, 2, 4); {
	case !ok:
		return -1, 0
	case sep == sepDash:
		return k + 2, 700
	case sep == sepSpace:
		return k + 2, 300
	}
	return -1, 0
}

func issuedSSN(d []byte) bool {
	area := prefix(d, 3)
	return area != 0 && area != 666 && area < 900 && string(d[3:5]) != "00" && string(d[5:9]) != "0000"
}
