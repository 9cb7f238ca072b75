package detect

// dash examines a hyphen: the end of the prefix of a token, or PEM armour.
func (s *scanner) dash(i int) int {
	switch {
	case s.at(i-1, 'k') && s.has(i-2, "sk") && i-2 >= s.last && s.begins(i-2, isBase64u):
		return max(i+1, s.openAI(i-2))
	case s.has(i-4, "xox") && s.is(i-1, isLower), s.has(i-4, "xapp"):
		return max(i+1, s.slack(i-4, i))
	case !s.at(i+1, '-'):
		return i + 1
	}
	end := i + 2
	for s.at(end, '-') {
		end++
	}
	s.work += end - i
	switch start := end - len(armour); {
	case start < i:
	case s.has(end, "BEGIN "):
		return max(end, s.pem(start, end+len("BEGIN ")))
	case s.has(end, "END "):
		return max(end, s.pemTail(end+len("END ")))
	}
	return end
}

const (
	armour = "-----"
	// maxPEM is the greatest length of an armoured key; RSA with 16384 bits
	// and attributes stays below.
	maxPEM = 32 << 10
	// minPEM is the length of the shortest body that is a key rather than a
	// mention of the armour.
	minPEM = 24
)

// pem reads a private key in armour (RFC 7468, and the older forms of OpenSSL,
// OpenSSH and PGP) whose label begins at i; start is the first hyphen. Line
// ends may be real or spelled as escapes.
func (s *scanner) pem(start, i int) int {
	body := s.pemLabel(i)
	if body < 0 {
		return 0
	}
	bodyEnd, end := s.pemEnd(body)
	if end < 0 {
		// Cut off: take the lines that look like a key.
		bodyEnd = s.pemBody(body)
		end = bodyEnd
	}
	if bodyEnd-body < minPEM || !s.report(start, end, PrivateKey, MaxScore) {
		return 0
	}
	return end
}

// pemLabel reads a label that ends in PRIVATE KEY [BLOCK] and the hyphens
// behind it, and returns their end, or -1.
func (s *scanner) pemLabel(i int) int {
	const key, block = "PRIVATE KEY", " BLOCK"
	for j := i; j <= i+24; j++ {
		if s.at(j, 'P') && s.has(j, key) {
			j += len(key)
			if s.has(j, block) {
				j += len(block)
			}
			if s.has(j, armour) {
				return j + len(armour)
			}
			return -1
		}
		if !s.is(j, isAlnum) && !s.at(j, ' ') {
			return -1
		}
	}
	return -1
}

// pemEnd returns the start and end of the next END line for a private key
// within maxPEM bytes, or -1. What it has searched in vain it remembers, so that many BEGIN
// lines cost no more than one.
func (s *scanner) pemEnd(body int) (line, end int) {
	limit := min(len(s.text), body+maxPEM)
	j := max(body, s.noPEM)
	for ; j < limit; j++ {
		if s.text[j] != '-' || !s.has(j, armour) {
			continue
		}
		if s.has(j, armour+"END ") {
			if end := s.pemLabel(j + len(armour+"END ")); end >= 0 {
				s.work += j - body
				return j, end
			}
		}
		if s.has(j, armour+"BEGIN ") {
			break
		}
	}
	s.work += max(0, j-max(body, s.noPEM))
	s.noPEM = max(s.noPEM, j)
	return -1, -1
}

// pemBody returns the end of the base64 lines at i. Escaped line ends count as
// line ends.
func (s *scanner) pemBody(i int) int {
	j := i
	for j < len(s.text) {
		switch c := s.text[j]; {
		case class[c]&isBase64 != 0, c == '=', c == '\n', c == '\r', c == '\\':
			j++
			continue
		}
		break
	}
	s.work += j - i
	for j > i && (s.text[j-1] == '\n' || s.text[j-1] == '\r' || s.text[j-1] == '\\') {
		j--
	}
	return j
}

// pemTail handles an END line whose BEGIN line was in the window before: all
// of the text up to it must be base64.
func (s *scanner) pemTail(i int) int {
	end := s.pemLabel(i)
	start := i - len(armour+"END ")
	if s.noTail || end < 0 || s.last > 0 || start < minPEM || start > maxPEM {
		return 0
	}
	s.noTail = true // only the first END line can close what began outside
	if s.pemBody(0) < start-2 {
		return 0
	}
	if !s.report(0, end, PrivateKey, 900) {
		return 0
	}
	return end
}
