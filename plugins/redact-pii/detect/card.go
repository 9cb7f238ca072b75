package detect

// card reads a payment card number (ISO/IEC 7812): a known issuer range with a
// length that issuer uses, a valid Luhn digit, and digits written together or
// in the groups that are printed on cards.
func (s *scanner) card(k int) int {
	e := s.cardGroups(k)
	if e < k || !s.endsAt(e) {
		return k
	}
	var buf [maxDigits]byte
	n := s.digits(k, e, &buf)
	if n < 12 || n > 19 {
		return k
	}
	score := issuerScore(buf[:n], e > k)
	if score == 0 || !luhn(buf[:n]) {
		return k
	}
	if score < 900 && s.near(cardTopic, s.groups[k].start) {
		score = 900
	}
	if !s.report(s.groups[k].start, s.groups[e].end, Card, score) {
		return k
	}
	return e + 1
}

// cardGroups returns the last of the groups that a card number beginning with
// group k has, or -1.
func (s *scanner) cardGroups(k int) int {
	switch s.groups[k].len() {
	case 12, 13, 14, 15, 16, 17, 18, 19:
		return k
	case 4:
	default:
		return -1
	}
	for _, lengths := range [...][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 1}} {
		if sep, ok := s.shape(k, lengths...); ok && (sep == sepSpace || sep == sepDash) {
			return k + len(lengths) - 1
		}
	}
	return -1
}

// issuerScore says how telling the issuer range is for a number of this length;
// 0 if no issuer uses it. One number in ten passes Luhn, so ranges that are
// wide, or lengths that ids and times have too, need a word or groups.
func issuerScore(d []byte, grouped bool) int {
	const sure, weak = 850, 350
	telling, known := issuer(d)
	switch {
	case !known:
		return 0
	case grouped:
		return 950
	case telling:
		return sure
	}
	return weak
}

func issuer(d []byte) (telling, known bool) {
	n, p := len(d), prefix(d, 4)
	switch {
	case p/1000 == 4: // Visa
		return n == 16, n == 13 || n == 16 || n == 19
	case p/100 >= 51 && p/100 <= 55, p >= 2221 && p <= 2720: // Mastercard
		return true, n == 16
	case p/100 == 34, p/100 == 37: // American Express
		return true, n == 15
	case p == 6011, p/100 == 65, p/10 >= 644 && p/10 <= 649: // Discover
		return n == 16, n >= 16
	case p/100 == 35: // JCB, 3528 to 3589
		return n == 16 && p >= 3528 && p <= 3589, n >= 16
	case p == 1800, p == 2131: // JCB, old numbers
		return false, n == 15
	case p/10 >= 300 && p/10 <= 305, p/10 == 309, p/100 == 36, p/100 == 38, p/100 == 39: // Diners Club
		return false, n == 14 || n == 16
	case p/100 == 62: // UnionPay
		return n == 16, n >= 16
	case p >= 2200 && p <= 2204: // Mir
		return n == 16, n >= 16
	case p/100 == 50, p/100 >= 56 && p/100 <= 69: // Maestro
		return false, true
	}
	return false, false
}

func prefix(d []byte, n int) int {
	v := 0
	for _, c := range d[:n] {
		v = v*10 + int(c-'0')
	}
	return v
}

// luhn checks the check digit of ISO/IEC 7812-1 annex B.
func luhn(d []byte) bool {
	sum := 0
	for i, c := range d {
		v := int(c - '0')
		if (len(d)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}
