package detect

// phone reads a telephone number. In descending order of evidence: E.164 with a
// plus sign, the forms of the North American Numbering Plan and two national
// forms that hardly anything else has, and other groups of digits beside a word
// that names a telephone.
func (s *scanner) phone(k int) int {
	start := s.groups[k].start
	from := s.lead(start)
	var e, score int
	if from < start && (s.at(from, '+') || s.at(start-1, '+')) {
		e, score = s.international(k)
	} else if e, score = s.northAmerican(k); e < k {
		if e, score = s.national(k); e < k {
			e, score = s.namedPhone(k)
		}
	}
	if e < k {
		return k
	}
	end := s.extension(s.groups[e].end)
	if end == s.groups[e].end && !s.endsAt(e) {
		return k
	}
	if s.at(from, '(') && !s.closes(k, e) {
		from++
	}
	if !s.report(from, end, Phone, score) {
		return k
	}
	return e + 1
}

// closes reports whether a bracket opened before group k closes in the number.
func (s *scanner) closes(k, e int) bool {
	for _, g := range s.groups[k+1 : e+1] {
		if g.sep == sepClose {
			return true
		}
	}
	return false
}

// international reads the digits after a plus sign (ITU-T E.164): a country
// code and at most fifteen digits in all.
func (s *scanner) international(k int) (e, score int) {
	e, n := s.extent(k, 15)
	var buf [maxDigits]byte
	if n < 8 || s.digits(k, e, &buf) != n || !countryCode(buf[:n]) {
		return -1, 0
	}
	if buf[0] == '1' {
		if e = s.exactly(k, 11); e < k || !nanp(buf[1:]) {
			return -1, 0
		}
	}
	if e == k && n < 10 {
		return e, 700
	}
	return e, 900
}

// extent returns the last group, and the digits up to it, of a number of at
// most limit digits that begins at group k. Behind a space it does not go on
// when the number is long enough already: what follows may be another number.
func (s *scanner) extent(k, limit int) (e, n int) {
	e = k - 1
	for j := k; j < s.n && j < k+lookahead; j++ {
		g := s.groups[j]
		if n+g.len() > limit || (j > k && g.sep == sepSpace && n >= 11) {
			break
		}
		n += g.len()
		e = j
	}
	return e, n
}

// exactly returns the group with which the digits from group k on sum up to n,
// or -1.
func (s *scanner) exactly(k, n int) int {
	for j := k; j < s.n && j < k+lookahead; j++ {
		if n -= s.groups[j].len(); n == 0 {
			return j
		} else if n < 0 {
			break
		}
	}
	return -1
}

// northAmerican reads [1] AAA EEE NNNN, perhaps behind the prefixes of an
// international call.
func (s *scanner) northAmerican(k int) (e, score int) {
	trunk := 0
	switch g := s.groups[k]; {
	case g.len() == 1 && s.text[g.start] == '1', g.len() == 3 && s.has(g.start, "001"):
		trunk = 1
	}
	if _, ok := s.nanpGroups(k + trunk); !ok {
		return -1, 0
	}
	var buf [maxDigits]byte
	s.digits(k+trunk, k+trunk+2, &buf)
	if !nanp(buf[:]) {
		return -1, 0
	}
	first, second := s.groups[k+trunk+1].sep, s.groups[k+trunk+2].sep
	switch {
	case first == sepClose:
		score = 850
	case first == sepDash && second == sepDash:
		score = 750
	case first == sepDot && second == sepDot, second == sepDash:
		score = 650
	default:
		score = 350
	}
	score += 50 * trunk
	if score < 500 && (s.near(phoneTopic, s.groups[k].start) || s.near(callTopic, s.groups[k].start)) {
		score = 700
	}
	return k + trunk + 2, score
}

func (s *scanner) nanpGroups(k int) (separator, bool) {
	if k+2 >= s.n || s.groups[k].len() != 3 || s.groups[k+1].len() != 3 || s.groups[k+2].len() != 4 {
		return sepNone, false
	}
	return s.groups[k+1].sep, s.groups[k+2].sep != sepOpen
}

// nanp reports whether ten digits can be a number of the North American
// Numbering Plan: neither area nor exchange begins with 0 or 1.
func nanp(d []byte) bool { return len(d) >= 10 && d[0] >= '2' && d[3] >= '2' }

// national reads French numbers (five pairs) and British mobiles (07xxx
// xxxxxx), if nothing else stands in the same run of groups.
func (s *scanner) national(k int) (e, score int) {
	if k != 0 || !s.at(s.groups[0].start, '0') || s.at(s.groups[0].start+1, '0') {
		return -1, 0
	}
	if sep, ok := s.shape(k, 2, 2, 2, 2, 2); ok && s.n == 5 && (sep == sepSpace || sep == sepDot) {
		return 4, 600
	}
	if sep, ok := s.shape(k, 5, 6); ok && s.n == 2 && sep == sepSpace && s.at(s.groups[0].start+1, '7') {
		return 1, 600
	}
	return -1, 0
}

// namedPhone reads digits in any form beside a word that says what they are.
// A verb ("call 4777848739") is believed only for a number that dials.
func (s *scanner) namedPhone(k int) (e, score int) {
	e, n := s.extent(k, 15)
	if n < minDigits || s.dateLike(k, e) {
		return -1, 0
	}
	start := s.groups[k].start
	phone := s.near(phoneTopic, start) && !s.idSince(phoneTopic)
	call := s.near(callTopic, start) && !s.idSince(callTopic)
	if !phone && !call {
		return -1, 0
	}
	var buf [maxDigits]byte
	s.digits(k, e, &buf)
	dials := n == 10 && nanp(buf[:n]) || n == 11 && buf[0] == '1' && nanp(buf[1:n]) ||
		e > k && buf[0] == '0' && n >= 9
	switch {
	case phone:
		return e, 650
	case dials:
		return e, 550
	}
	return -1, 0
}

// idSince reports whether the words called the number an id after they named
// the topic ("phone_number_id", "call id").
func (s *scanner) idSince(t topic) bool { return s.context.seen[idTopic] > s.context.seen[t] }

// dateLike reports whether the groups have the form of a date, of an IPv4
// address or of Unix seconds or milliseconds.
func (s *scanner) dateLike(k, e int) bool {
	g := s.groups[k]
	switch g.len() {
	case 4:
		return e > k && s.groups[k+1].len() <= 2 && (s.has(g.start, "19") || s.has(g.start, "20"))
	case 10, 13:
		return e == k && s.has(g.start, "1")
	case 8:
		return e == k && (s.has(g.start, "19") || s.has(g.start, "20"))
	case 1, 2:
		return e == k+2 && s.groups[k+1].len() <= 2 && s.groups[k+2].len() == 4
	}
	return e == k+3 && s.groups[k+1].sep == sepDot && s.groups[k+3].len() <= 3
}

// extension returns the end of a telephone number that ends at i, with the
// extension behind it if there is one: x123, ext. 123.
func (s *scanner) extension(i int) int {
	j := i
	if s.at(j, ' ') {
		j++
	}
	switch {
	case s.has(j, "ext."), s.has(j, "Ext."):
		j += 4
	case s.has(j, "ext"), s.has(j, "Ext"):
		j += 3
	case s.at(j, 'x'):
		j++
	default:
		return i
	}
	if s.at(j, ' ') {
		j++
	}
	end := s.runEnd(j, isDigit, 7)
	if end == j || end > j+6 || !s.numberEnds(end) {
		return i
	}
	return end
}

// countryCodes has a bit for each assigned country code of one to three digits.
var countryCodes = func() (t [1000]bool) {
	t[1], t[7] = true, true
	two := "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 " +
		"60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"
	for i := 0; i < len(two); i += 3 {
		t[prefix([]byte(two[i:]), 2)] = true
	}
	for _, r := range [...][2]int{
		{211, 213},
		{216, 216},
		{218, 218},
		{220, 269},
		{290, 291},
		{297, 299},
		{350, 359},
		{370, 389},
		{420, 421},
		{423, 423},
		{500, 509},
		{590, 599},
		{670, 692},
		{800, 800},
		{808, 808},
		{850, 856},
		{870, 870},
		{878, 883},
		{886, 888},
		{960, 968},
		{970, 977},
		{979, 979},
		{992, 998},
	} {
		for c := r[0]; c <= r[1]; c++ {
			t[c] = true
		}
	}
	return t
}()

func countryCode(d []byte) bool {
	return countryCodes[prefix(d, 1)] || countryCodes[prefix(d, 2)] || countryCodes[prefix(d, 3)]
}
