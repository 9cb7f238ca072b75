package detect

const (
	maxLocal  = 64  // octets before the '@' (RFC 5321 section 4.5.3.1.1)
	maxDomain = 253 // octets of a domain name
)

// email reads an address around the '@' at i: the mailbox forms of RFC 5322
// without quotes and comments, and letters beyond ASCII (RFC 6531) of the
// scripts that UTF-8 writes in two bytes.
func (s *scanner) email(i int) int {
	start := s.local(i)
	if start == i {
		return i + 1
	}
	end, tld := s.domain(i + 1)
	if end < 0 {
		return i + 1
	}
	score := 900
	switch {
	case fileSuffix(s.text[tld:end]):
		score = 200
	case string(s.text[start:i]) == "git":
		score = 300 // the login of a repository address, nobody's mailbox
	case end-tld > 6:
		score = 700
	}
	if !s.report(start, end, Email, score) {
		return i + 1
	}
	return end
}

// local returns the start of the mailbox name that ends before i, or i.
func (s *scanner) local(i int) int {
	stop := max(s.last, i-maxLocal)
	j := i
	for j > stop {
		if class[s.text[j-1]]&(isAlnum|isLocal) != 0 {
			j--
		} else if j-2 >= stop && twoByte(s.text[j-2], s.text[j-1]) {
			j -= 2
		} else {
			break
		}
	}
	s.work += i - j + 1
	j = s.afterEscape(j)
	for j < i && class[s.text[j]]&isLocal != 0 && s.text[j] != '_' {
		j++
	}
	return j
}

// twoByte reports whether a, b are the UTF-8 form of a letter from U+00C0 on.
func twoByte(a, b byte) bool { return a >= 0xc3 && a <= 0xdf && b >= 0x80 && b <= 0xbf }

// domain reads a domain name of at least two labels at i. It returns its end
// and the start of its top-level label, or -1.
func (s *scanner) domain(i int) (end, tld int) {
	end = -1
	limit := min(len(s.text), i+maxDomain)
	for label := i; ; {
		j := s.label(label, limit)
		if label > i {
			if e := s.topLevel(label, j); e > 0 {
				end, tld = e, label
			}
		}
		if j == label || j >= limit || s.text[j] != '.' {
			return end, tld
		}
		label = j + 1
	}
}

// label returns the end of the label of a domain name that begins at i.
func (s *scanner) label(i, limit int) int {
	j := i
	for j < limit {
		if class[s.text[j]]&isAlnum != 0 || s.text[j] == '-' {
			j++
		} else if j+1 < limit && twoByte(s.text[j], s.text[j+1]) {
			j += 2
		} else {
			break
		}
	}
	s.work += j - i + 1
	return j
}

// topLevel returns the end of the top-level domain that the label text[a:b] is
// or begins with, or -1: "com--" behind an address is a signature's dash.
func (s *scanner) topLevel(a, b int) int {
	if b-a < 2 || s.is(b, isWord) {
		return -1
	}
	if s.has(a, "xn--") {
		return b
	}
	end := s.runEnd(a, isLetter, 25)
	if end-a < 2 || end-a > 24 || end < b && s.text[end] != '-' {
		return -1
	}
	return end
}

// fileSuffix reports whether a top-level label is the suffix of a file name
// ("logo@2x.png"), and no domain that anybody has mail under.
func fileSuffix(tld []byte) bool {
	switch string(tld) {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "mjs", "ts", "tsx", "jsx", "json",
		"html", "htm", "xml", "yaml", "yml", "toml", "txt", "csv", "pdf", "go", "py", "rb", "java", "class",
		"exe", "dll", "so", "lock", "log", "tgz", "gz", "whl", "jar", "tar", "service", "local":
		return true
	}
	return false
}
