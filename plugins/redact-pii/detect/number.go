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

// minDigits is the length of the shortest number alone that is anything: a
// telephone number beside a word.
const minDigits = 7

// number examines the run of groups that begins with the digit at i.
func (s *scanner) number(i int) int {
	if !s.begins(i, isWord) {
		return s.token(i)
	}
	end := s.runEnd(i, isDigit, len(s.text))
	if s.is(end, isWord) && s.text[end] != 'x' {
		return s.token(i)
	}
	sep, next := s.separatorAt(end)
	if next < 0 && end-i < minDigits {
		return end
	}
	s.groups[0], s.n = group{start: i, end: end}, 1
	s.pending, s.next = sep, next
	s.fill()
	s.named = unasked
	for k := 0; k < s.n; {
		if s.mayBegin(k) {
			k = s.groupsAt(k)
		} else {
			k++
		}
		if s.n-k < lookahead && s.next >= 0 {
			s.n = copy(s.groups[:], s.groups[k:s.n])
			k = 0
			s.fill()
		}
	}
	return s.groupsEnd(i)
}

// mayBegin reports whether the length of group k, and what stands behind it,
// leave any reading open. It spares most groups of a table of numbers the look
// at each reading.
func (s *scanner) mayBegin(k int) bool {
	g := &s.groups[k]
	if g.sep == sepDash || g.sep == sepDot || g.sep == sepClose {
		return false
	}
	if g.end-g.start >= minDigits || s.at(g.start-1, '+') || s.hasShape(k) {
		return true
	}
	return k+1 < s.n && s.speaking()
}

// hasShape reports whether the lengths of groups k, k+1 and k+2 are those of a
// number that is known by its form.
func (s *scanner) hasShape(k int) bool {
	g := &s.groups[k]
	n := g.end - g.start
	if k+2 >= s.n { // of two groups there is only one
		return k+1 < s.n && n == 5
	}
	a, b := &s.groups[k+1], &s.groups[k+2]
	dotted := a.sep == sepDot && b.sep == sepDot
	switch na, nb := a.end-a.start, b.end-b.start; n {
	case 1:
		return dotted || na == 3 && nb == 3
	case 2:
		return dotted || na == 2 && nb == 2
	case 3:
		return dotted || na == 3 || na == 2 && nb == 4
	case 4:
		return na == 4 || na == 6
	}
	return false
}

// speaking reports whether words before this run of numbers speak of one that
// has no form of its own. It is found out once for a run, and only if needed.
func (s *scanner) speaking() bool {
	if s.named == unasked {
		s.named = unnamed
		at := s.groups[0].start
		for _, t := range [...]topic{phoneTopic, callTopic, ssnTopic, taxTopic} {
			if s.near(t, at) {
				s.named = named
			}
		}
	}
	return s.named == named
}

// Answers of scanner.named.
const (
	unasked = iota
	unnamed
	named
)

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
	for s.n < maxGroups && s.next >= 0 {
		end := s.runEnd(s.next, isDigit, len(s.text))
		s.groups[s.n] = group{s.next, end, s.pending}
		s.n++
		s.pending, s.next = s.separatorAt(end)
	}
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
