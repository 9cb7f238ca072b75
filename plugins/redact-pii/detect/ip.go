package detect

// ipv4 reads a dotted quad. Four numbers below ten without a word that names an
// address are more often a version or a section.
func (s *scanner) ipv4(k int) int {
	if s.quadEnd(k) < 0 {
		return k
	}
	start, end := s.groups[k].start, s.groups[k+3].end
	score := 800
	switch first := s.groups[k]; prefix(s.text[first.start:first.end], first.len()) {
	case 0, 127, 255:
		score = 200 // names no machine
	}
	if score > 200 && !s.near(ipTopic, start) {
		if end-start == len("1.2.3.4") || s.near(otherTopic, start) || s.context.seen[otherTopic] == 0 {
			score = 300
		}
	}
	if !s.report(start, end, IP, score) {
		return k
	}
	return k + 4
}

// quadEnd returns the last of the four groups of a dotted quad at group k, or
// -1. A port or prefix length may follow; a fifth number may not.
func (s *scanner) quadEnd(k int) int {
	if k+3 >= s.n || s.groups[k].len() > 3 {
		return -1
	}
	for j := k; j < k+4; j++ {
		g := s.groups[j]
		if g.len() > 3 || (j > k && g.sep != sepDot) || !s.octet(g.start, g.end) {
			return -1
		}
	}
	if k+4 < s.n && s.groups[k+4].sep != sepSpace {
		return -1
	}
	end := s.groups[k+3].end
	if s.is(end, isWord) || s.at(end, '.') && s.is(end+1, isWord) || s.at(end, '-') && s.is(end+1, isWord) {
		return -1
	}
	return k + 3
}

func (s *scanner) octet(start, end int) bool {
	d := s.text[start:end]
	return len(d) >= 1 && len(d) <= 3 && (len(d) == 1 || d[0] != '0') && prefix(d, len(d)) <= 255
}

// ipv6 reads an address in the forms of RFC 4291 section 2.2 from its first
// colon, with a zone (RFC 4007) if it has one.
func (s *scanner) ipv6(i int) int {
	start := s.runStart(i, isHex, 5)
	start = s.afterEscape(start)
	if i-start > 4 || start == i && !s.at(i+1, ':') {
		return i + 1
	}
	if !s.begins(start, isWord) || s.at(start-1, ':') || s.at(start-1, '.') || s.at(start-1, '-') {
		return i + 1
	}
	a := address{s: s, at: start}
	if !a.read() || !s.report(start, a.at, IP, a.score()) {
		return i + 1
	}
	return a.at
}

// address is the reading of one IPv6 address.
type address struct {
	s         *scanner
	at        int // where the reading is
	groups    int // of 16 bits
	written   int // groups that are written out, not elided
	firstLen  int // length of the first group
	longest   int // length of the longest group
	digit     bool
	elided    bool
	quadAtEnd bool
}

func (a *address) read() bool {
	s := a.s
	for a.groups <= 8 {
		if s.at(a.at, ':') && s.at(a.at+1, ':') && !a.elided {
			a.elided = true
			a.at += 2
			if !s.is(a.at, isHex) {
				break
			}
		}
		if !a.group() {
			return false
		}
		if a.quadAtEnd || !s.at(a.at, ':') {
			break
		}
		if !s.at(a.at+1, ':') {
			a.at++
		}
	}
	if a.elided && a.groups > 7 || !a.elided && a.groups != 8 {
		return false
	}
	if s.at(a.at, '%') && s.is(a.at+1, isAlnum) {
		a.at = s.runEnd(a.at+1, isAlnum, 16)
	}
	return !s.is(a.at, isWord) && !(s.at(a.at, ':') && s.is(a.at+1, isHex)) && !s.at(a.at, '.') || s.sentenceEnd(a.at)
}

// sentenceEnd reports whether the full stop at i ends a sentence.
func (s *scanner) sentenceEnd(i int) bool { return s.at(i, '.') && !s.is(i+1, isWord) }

// group reads one group of up to four hexadecimal digits, or a dotted quad.
func (a *address) group() bool {
	s, start := a.s, a.at
	end := s.runEnd(start, isHex, 5)
	if end == start || end > start+4 {
		return false
	}
	if s.at(end, '.') && s.is(end+1, isDigit) {
		return a.quad()
	}
	for _, c := range s.text[start:end] {
		a.digit = a.digit || class[c]&isDigit != 0
	}
	if a.groups == 0 && !a.elided {
		a.firstLen = end - start
	}
	a.longest = max(a.longest, end-start)
	a.at = end
	a.groups++
	a.written++
	return true
}

func (a *address) quad() bool {
	s, at := a.s, a.at
	for j := range 4 {
		if j > 0 {
			if !s.at(at, '.') {
				return false
			}
			at++
		}
		end := s.runEnd(at, isDigit, 4)
		if !s.octet(at, end) {
			return false
		}
		at = end
	}
	a.at, a.quadAtEnd, a.digit = at, true, true
	a.groups += 2
	a.written += 2
	return true
}

// score tells addresses from the other things that have colons: scope
// operators, byte dumps, clocks.
func (a *address) score() int {
	switch {
	case !a.elided && a.longest <= 2:
		return 300
	case !a.elided, a.quadAtEnd:
		return 900
	case !a.digit:
		return 100
	case a.written >= 3, a.firstLen >= 3:
		return 800
	}
	return 200
}
