package detect

import "hash/crc32"

// jwt reads a JSON Web Token (RFC 7519) or encrypted JWT (RFC 7516) from the J
// at i: "eyJ" is how base64url begins a JSON object.
func (s *scanner) jwt(i int) int {
	start := i - 2
	if start < s.last || !s.has(start, "eyJ") || !s.begins(start, isBase64u) {
		return i + 1
	}
	end := s.runEnd(start, isBase64u, len(s.text))
	if end-start < 10 || !s.at(end, '.') {
		return i + 1
	}
	payload := end + 1
	end = s.runEnd(payload, isBase64u, len(s.text))
	score := 800
	if s.has(payload, "eyJ") {
		score = MaxScore
	}
	if end-payload < 8 && !(s.at(payload, '.') && s.is(payload+1, isBase64u)) {
		return i + 1
	}
	end = s.moreParts(end)
	if !s.report(start, end, JWT, score) {
		return i + 1
	}
	return end
}

// moreParts returns the end of the parts behind a token's second. Three parts
// are signed, five are encrypted.
func (s *scanner) moreParts(end int) int {
	for range 3 {
		if !s.at(end, '.') || !s.is(end+1, isBase64u) {
			break
		}
		end = s.runEnd(end+1, isBase64u, len(s.text))
	}
	return end
}

const (
	// windowOverlap is how much of a long field two windows share (the host
	// cuts fields at 64 KiB).
	windowOverlap = 1024
	keyIDLength   = 20
	secretLength  = 40
	keyReach      = 256 // a secret stands within so many bytes of its key id
)

// tail handles a token that is longer than the overlap of two windows and
// began in the window before: its head was found there, its end is reported
// here. It returns where the pass begins.
func (s *scanner) tail() int {
	end := s.runEnd(0, isBase64u, len(s.text))
	if end < 8 || !s.at(end, '.') || s.has(0, "eyJ") {
		return 0
	}
	dot := end
	end = s.moreParts(end)
	if end < windowOverlap || end-dot < 22 || !s.report(0, end, JWT, 700) {
		return 0
	}
	return end
}

// awsKey reads an access key id from the A at i: four letters for its kind and
// sixteen characters of base32.
func (s *scanner) awsKey(i int) int {
	switch {
	case s.has(i, "AKIA"), s.has(i, "ASIA"), s.has(i, "ABIA"), s.has(i, "ACCA"):
	case s.has(i, "A3T") && s.is(i+3, isUpper|isDigit):
	default:
		return i + 1
	}
	end := s.runEnd(i, isAlnum, keyIDLength+1)
	if end != i+keyIDLength || s.is(end, isWord) || !s.begins(i, isWord) {
		return i + 1
	}
	if s.distinct(i+4, end) < 6 {
		return i + 1
	}
	for _, c := range s.text[i+4 : end] {
		if class[c]&isUpper == 0 && (c < '2' || c > '7') {
			return i + 1
		}
	}
	s.lastKey = end
	if !s.report(i, end, AWSKey, 900) {
		return i + 1
	}
	return end
}

// awsSecret reads a secret access key from start to s.base64, of which the
// first digit stands at i: forty characters of base64 beside a word or a key id
// that says so. Forty hexadecimal digits are a hash, not a key.
func (s *scanner) awsSecret(start, i int) bool {
	end := s.base64
	if s.runEnd(start, isBase64, i-start) != i || !s.begins(start, isBase64) || s.at(end, '=') || !s.mixed(start, end) {
		return false
	}
	switch {
	case s.lastKey >= 0 && start-s.lastKey <= keyReach:
		return s.report(start, end, AWSSecret, 900)
	case s.near(awsTopic, start):
		return s.report(start, end, AWSSecret, 800)
	case s.near(secretTopic, start):
		return s.report(start, end, AWSSecret, 700)
	}
	return false
}

// mixed reports whether text[a:b] has upper and lower case letters and digits,
// as random characters have.
func (s *scanner) mixed(a, b int) bool {
	var seen uint8
	for _, c := range s.text[a:b] {
		seen |= class[c]
	}
	s.work += b - a
	return seen&isUpper != 0 && seen&isLower != 0 && seen&isDigit != 0
}

// distinct counts the different characters of text[a:b]; placeholders
// ("xxxxxxxx") have few.
func (s *scanner) distinct(a, b int) int {
	var seen [4]uint64
	n := 0
	for _, c := range s.text[a:b] {
		if bit := uint64(1) << (c & 63); seen[c>>6]&bit == 0 {
			seen[c>>6] |= bit
			n++
		}
	}
	s.work += b - a
	return n
}

const (
	githubBody     = 36 // characters behind "ghp_"
	githubChecksum = 6  // of them, base62 of the CRC-32 of the others
	githubFine     = 82 // characters behind "github_pat_"
)

// github reads a GitHub token from the underscore at i.
func (s *scanner) github(i int) int {
	if start := i - len("github_pat"); start >= s.last && s.has(start, "github_pat") && s.begins(start, isWord) {
		end := s.runEnd(i+1, isWord, 4*githubFine)
		if end-i-1 >= githubFine && s.distinct(i+1, end) >= 10 && s.report(start, end, GitHubToken, 900) {
			return end
		}
		return i + 1
	}
	start := i - 3
	if start < s.last || !s.has(start, "gh") || !s.begins(start, isWord) {
		return i + 1
	}
	switch s.text[i-1] {
	case 'p', 'o', 'u', 's', 'r':
	default:
		return i + 1
	}
	end := s.runEnd(i+1, isAlnum, 8*githubBody)
	if end-i-1 < githubBody || s.distinct(i+1, end) < 10 {
		return i + 1
	}
	score := 700
	if end-i-1 == githubBody && githubChecked(s.text[i+1:end]) {
		score = MaxScore
	}
	if !s.report(start, end, GitHubToken, score) {
		return i + 1
	}
	return end
}

// githubChecked reports whether the checksum of a token's body is right.
func githubChecked(body []byte) bool {
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := crc32.ChecksumIEEE(body[:githubBody-githubChecksum])
	for i := githubBody - 1; i >= githubBody-githubChecksum; i-- {
		if body[i] != base62[sum%62] {
			return false
		}
		sum /= 62
	}
	return true
}

// openAI reads an API key that begins at start with "sk-".
func (s *scanner) openAI(start int) int {
	body := start + len("sk-")
	end := s.runEnd(body, isBase64u, 512)
	score := 0
	switch n := end - body; {
	case n < 20 || s.distinct(body, end) < 10:
		return 0
	case s.holds(body, end, "T3BlbkFJ"):
		score = MaxScore
	case n >= 40 && (s.has(body, "proj-") || s.has(body, "svcacct-") || s.has(body, "admin-") || s.has(body, "None-")):
		score = 900
	case n == 48 && s.plain(body, end):
		score = 850
	case n >= 32 && s.plain(body, end):
		score = 600
	}
	if score == 0 || !s.report(start, end, OpenAIKey, score) {
		return 0
	}
	return end
}

// holds reports whether want occurs in text[a:b]; b-a is bounded by the caller.
func (s *scanner) holds(a, b int, want string) bool {
	for i := a; i+len(want) <= b; i++ {
		if s.text[i] == want[0] && s.has(i, want) {
			return true
		}
	}
	s.work += b - a
	return false
}

// plain reports whether text[a:b] is letters and digits, some of each.
func (s *scanner) plain(a, b int) bool {
	var seen, all uint8 = 0, isAlnum
	for _, c := range s.text[a:b] {
		seen |= class[c]
		if class[c]&isAlnum == 0 {
			all = 0
		}
	}
	s.work += b - a
	return all != 0 && seen&isDigit != 0 && seen&isLetter != 0
}

// slack reads a token whose prefix ends with the dash at i: xoxb-, xoxp- and
// their kin, xapp-, and the rotating tokens xoxe.xoxp- and xoxe-.
func (s *scanner) slack(start, i int) int {
	if !s.begins(start, isBase64u) {
		return 0
	}
	if s.has(start-len("xoxe."), "xoxe.") {
		start -= len("xoxe.")
	}
	end := s.runEnd(i+1, isAlnum|isURLSafe, 512)
	if start < s.last || end-i-1 < 16 || s.distinct(i+1, end) < 6 {
		return 0
	}
	if !s.numbered(i+1, end) || !s.report(start, end, SlackToken, 900) {
		return 0
	}
	return end
}

// numbered reports whether text[a:b] has at least four digits: Slack's tokens
// hold the numbers of a workspace and a user, their examples do not.
func (s *scanner) numbered(a, b int) bool {
	n := 0
	for _, c := range s.text[a:b] {
		n += int(class[c] & isDigit)
	}
	s.work += b - a
	return n >= 4
}

// slackHook reads the secret path of an incoming webhook; the host name before
// it stays.
func (s *scanner) slackHook(i int) int {
	const host = "hooks.slack.com"
	if !s.at(i-1, 'm') || !s.has(i-len(host), host) {
		return i + 1
	}
	start := i + 1
	for _, path := range [...]string{"services/", "workflows/", "triggers/"} {
		if s.has(start, path) {
			start += len(path)
			break
		}
	}
	if start == i+1 {
		return start
	}
	end := s.runEnd(start, isAlnum|isStd, 128)
	if end-start < 20 || !s.report(start, end, SlackToken, 900) {
		return i + 1
	}
	return end
}
