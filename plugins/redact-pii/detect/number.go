package detect

// A number is written as groups of digits. All readings of it (card, social
// security number, telephone, IPv4) work on the same groups, so each digit is
// read once, whatever it turns out to be.

const (
	// maxGroups is how many groups are kept at a time; no reading needs more
	// than lookahead of them.
	maxGroups = 16
	lookahead = 8
	// maxDigits is one more than any reading takes in one group.
	maxDigits = 20
)

// group is one run of digits and what separates it from the one before.
type group struct {
	start, end int
	sep        separator
}

func (g group) len() int { return g.end - g.start }

// separator is what may stand between two groups of one number.
type separator uint8

const (
	sepNone  separator = iota
	sepSpace           // one space or no-break space
	sepDash            // -
	sepDot             // .
	sepClose           // ) and perhaps a space, hyphen or dot
	sepOpen            // perhaps a space, hyphen or dot, and (
)

// number examines the run of groups that begins with the digit at i.
func (s *scanner) number(i int) int {
	if !s.begins(i, isWord) {
		return s.token(i)
	}
	if end := s.runEnd(i, isDigit, len(s.text)); s.is(end, isWord) && s.text[end] != 'x' {
		return s.token(i)
	}
	s.n, s.next = 0, i
	s.fill()
	for k := 0; k < s.n; {
		k = s.groupsAt(k)
		if s.n-k < lookahead && s.next >= 0 {
			s.n = copy(s.groups[:], s.groups[k:s.n])
			k = 0
			s.fill()
		}
	}
	return s.groupsEnd(i)
}

// groupsEnd is where the pass goes on after the groups.
func (s *scanner) groupsEnd(i int) int {
	end := max(i+1, s.last)
	if s.n > 0 {
		end = max(end, s.groups[s.n-1].end)
	}
	if s.is(end, isWord) && s.last < end {
		// The last group turned out to be the head of a longer token.
		return s.token(end - 1)
	}
	return end
}

// groupsAt tries the readings that begin with group k and returns the group to
// go on with, behind k.
func (s *scanner) groupsAt(k int) int {
	if sep := s.groups[k].sep; sep != sepNone && sep != sepSpace && sep != sepOpen {
		return k + 1
	}
	if !s.numberBegins(s.groups[k].start) {
		return k + 1
	}
	if next := s.card(k); next > k {
		return next
	}
	if next := s.ssn(k); next > k {
		return next
	}
	if next := s.ipv4(k); next > k {
		return next
	}
	return max(k+1, s.phone(k))
}

// fill reads groups until the table is full or the run ends.
func (s *scanner) fill() {
	sep := sepNone
	if s.n > 0 {
		sep = s.pendingSep()
	}
	for s.n < maxGroups && s.next >= 0 {
		end := s.runEnd(s.next, isDigit, len(s.text))
		s.groups[s.n] = group{s.next, end, sep}
		s.n++
		sep, s.next = s.separatorAt(end)
	}
}

// pendingSep reads again what stands before s.next.
func (s *scanner) pendingSep() separator {
	sep, _ := s.separatorAt(s.groups[s.n-1].end)
	return sep
}

// separatorAt reads the separator at i and returns it with the start of the
// group behind it, or -1 if none follows.
func (s *scanner) separatorAt(i int) (separator, int) {
	sep, j := sepNone, i
	switch {
	case s.at(i, ' '):
		sep, j = sepSpace, i+1
	case s.has(i, "\u00a0"):
		sep, j = sepSpace, i+2
	case s.at(i, '-'):
		sep, j = sepDash, i+1
	case s.at(i, '.'):
		sep, j = sepDot, i+1
	case s.at(i, ')'):
		sep, j = sepClose, i+1
		if s.at(j, ' ') || s.at(j, '-') || s.at(j, '.') {
			j++
		}
	}
	if sep != sepClose && s.at(j, '(') {
		sep, j = sepOpen, j+1
	}
	if sep == sepNone || !s.is(j, isDigit) {
		return sepNone, -1
	}
	return sep, j
}

// lead returns where a number begins that has its first digit at i: a plus or
// an opening bracket belongs to it.
func (s *scanner) lead(i int) int {
	for range 2 {
		if i > s.last && (s.at(i-1, '+') || s.at(i-1, '(')) {
			i--
		}
	}
	return i
}

// numberBegins reports whether what stands before the first digit at i allows a
// number to begin there, rather than to go on: "v1.2", "$12", "#12", "a-1".
func (s *scanner) numberBegins(i int) bool {
	i = s.lead(i)
	if i == 0 || i == s.last {
		return true
	}
	if !s.begins(i, isWord) {
		return false
	}
	switch s.text[i-1] {
	case '$', '#', '%':
		return false
	case '-', '.', '+', '/', '@', '\'', '*', '^':
		return !s.is(i-2, isWord)
	case ':', ',':
		return !s.is(i-2, isDigit)
	}
	return true
}

// endsAt reports whether a number may end with group k: it is the last of its
// run or followed by a space, and no word or further part goes on behind it.
func (s *scanner) endsAt(k int) bool {
	if k+1 < s.n {
		sep := s.groups[k+1].sep
		return sep == sepSpace || sep == sepOpen
	}
	return s.next < 0 && s.numberEnds(s.groups[k].end)
}

func (s *scanner) numberEnds(i int) bool {
	if i >= len(s.text) {
		return true
	}
	switch s.text[i] {
	case '@', '%':
		return false
	case '-', '.', '/', '+', '*', '^':
		return !s.is(i+1, isWord)
	case ':', ',':
		return !s.is(i+1, isDigit)
	}
	return !s.is(i, isWord)
}

// digits writes the digits of groups k to e into buf and returns their number,
// or 0 if they do not fit.
func (s *scanner) digits(k, e int, buf *[maxDigits]byte) int {
	n := 0
	for _, g := range s.groups[k : e+1] {
		if n+g.len() > maxDigits {
			return 0
		}
		n += copy(buf[n:], s.text[g.start:g.end])
	}
	s.work += n
	return n
}

// shape reports whether groups k, k+1, … have the given lengths, with one of
// the same separator between all of them, and returns that separator.
func (s *scanner) shape(k int, lengths ...int) (separator, bool) {
	if k+len(lengths) > s.n {
		return sepNone, false
	}
	sep := sepNone
	for j, want := range lengths {
		g := s.groups[k+j]
		if g.len() != want {
			return sepNone, false
		}
		if j == 1 {
			sep = g.sep
		}
		if j > 1 && g.sep != sep {
			return sepNone, false
		}
	}
	return sep, true
}
