package detect

// Bits of a byte's class.
const (
	isDigit = 1 << iota
	isUpper
	isLower
	isHexLetter
	isURLSafe // '-' and '_', the two that base64url adds to letters and digits
	isStd     // '+' and '/', the two of base64
	isLocal   // what else an e-mail address may hold before the '@'
	isUnderscore

	isLetter  = isUpper | isLower
	isAlnum   = isDigit | isLetter
	isWord    = isAlnum | isUnderscore
	isHex     = isDigit | isHexLetter
	isBase64  = isAlnum | isStd
	isBase64u = isAlnum | isURLSafe
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = isDigit
		case c >= 'A' && c <= 'Z':
			t[c] = isUpper
		case c >= 'a' && c <= 'z':
			t[c] = isLower
		}
	}
	for _, c := range "abcdefABCDEF" {
		t[c] |= isHexLetter
	}
	t['-'] |= isURLSafe
	t['_'] |= isURLSafe | isUnderscore
	t['+'] |= isStd
	t['/'] |= isStd
	for _, c := range "._%+-" {
		t[c] |= isLocal
	}
	return t
}()

// is reports whether there is a byte at i and it is in one of the classes.
func (s *scanner) is(i int, mask uint8) bool {
	return uint(i) < uint(len(s.text)) && class[s.text[i]]&mask != 0
}

// at reports whether there is a byte at i and it is c.
func (s *scanner) at(i int, c byte) bool {
	return uint(i) < uint(len(s.text)) && s.text[i] == c
}

// has reports whether want stands at i, which may lie outside the text.
func (s *scanner) has(i int, want string) bool {
	return i >= 0 && i <= len(s.text)-len(want) && string(s.text[i:i+len(want)]) == want
}

// runEnd returns the end of the run of bytes of the classes that begins at i,
// looking at limit bytes at most.
func (s *scanner) runEnd(i int, mask uint8, limit int) int {
	end := min(len(s.text), i+limit)
	j := i
	for j < end && class[s.text[j]]&mask != 0 {
		j++
	}
	s.work += j - i + 1
	return j
}

// runStart returns the start of the run of bytes of the classes that ends
// before i, looking back limit bytes at most, and never into a finding.
func (s *scanner) runStart(i int, mask uint8, limit int) int {
	stop := max(s.last, i-limit)
	j := i
	for j > stop && class[s.text[j-1]]&mask != 0 {
		j--
	}
	s.work += i - j + 1
	return j
}

// begins reports whether a token may begin at i: nothing stands before it, or a
// byte outside the classes, or the end of a JSON escape sequence, whose last
// letter looks like part of the token and is not.
func (s *scanner) begins(i int, mask uint8) bool {
	return i == 0 || !s.is(i-1, mask) || s.escapeEnd(i)
}

// escapeEnd reports whether a JSON escape sequence ends right before i. The
// texts of AI sessions are often JSON strings inside JSON, with "\n" spelled
// as a backslash and a letter.
func (s *scanner) escapeEnd(i int) bool {
	if i < 2 {
		return false
	}
	if s.text[i-2] == '\\' {
		switch s.text[i-1] {
		case 'n', 'r', 't', 'b', 'f':
			return true
		}
	}
	if i < 6 || s.text[i-6] != '\\' || s.text[i-5] != 'u' {
		return false
	}
	for _, c := range s.text[i-4 : i] {
		if class[c]&isHex == 0 {
			return false
		}
	}
	return true
}

// afterEscape moves start, which lies in a run of letters and digits, behind
// the escape sequence the run begins in, so that an edit cannot cut one in two.
func (s *scanner) afterEscape(start int) int {
	switch {
	case start == 0 || s.text[start-1] != '\\':
		return start
	case s.is(start, isAlnum) && s.escapeEnd(start+1):
		return start + 1
	case s.at(start, 'u') && s.escapeEnd(min(start+5, len(s.text))):
		return start + 5
	}
	return start
}
