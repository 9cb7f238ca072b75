package detect

// Label is a kind of finding.
type Label uint8

// The labels, in the order in which the plugin's manifest lists them: the
// number of a label is its index there.
const (
	Email Label = iota
	Card
	SSN
	Phone
	IP
	IBAN
	JWT
	AWSKey
	AWSSecret
	GitHubToken
	OpenAIKey
	SlackToken
	PrivateKey

	numLabels = int(PrivateKey) + 1
)

var labelNames = [numLabels]string{
	"EMAIL", "CARD", "SSN", "PHONE", "IP", "IBAN", "JWT",
	"AWS_KEY", "AWS_SECRET", "GITHUB_TOKEN", "OPENAI_KEY", "SLACK_TOKEN", "PRIVATE_KEY",
}

// String returns the label as it stands in the manifest, or "" for a number
// that is no label.
func (l Label) String() string {
	if int(l) >= numLabels {
		return ""
	}
	return labelNames[l]
}

// Labels returns the names of all labels; the index is the [Label].
func Labels() []string { return append([]string(nil), labelNames[:]...) }

// MaxScore is the score of a finding that a checksum has proved.
const MaxScore = 1000

// A Finding is one stretch of text to be redacted.
type Finding struct {
	// Start and End are byte offsets, Start < End.
	Start, End int
	Label      Label
	// Score is the confidence, 0 to [MaxScore].
	Score uint16
}

// A Detector finds the enabled labels whose score reaches their threshold.
type Detector struct {
	threshold [numLabels]uint16
}

// Scan calls emit for every finding in text. The attribute key the text stands
// under, if any, counts as words before the text: digits under the key
// "user.phone" are a telephone number. Scan keeps neither slice.
func (d *Detector) Scan(text, key []byte, emit func(Finding)) {
	s := scanner{text: text, threshold: &d.threshold, emit: emit}
	s.run(key)
}

// scanner is the state of one pass over one text.
type scanner struct {
	text      []byte
	threshold *[numLabels]uint16
	emit      func(Finding)

	last    int // end of the last finding: look-behind stops here
	context context
	groups  [maxGroups]group
	n       int // groups in use
	next    int // start of the group after the last one, or -1
	pending separator
	named   uint8 // what speaking found for the present run
	base64  int   // end of the base64 run that was last examined
	noPEM   int   // no END line begins before this offset
	noTail  bool
	lastKey int // end of the last AWS key id, or -1

	// work counts examined bytes beyond the main loop's one per byte, so that
	// a test can show that it stays linear without looking at a clock.
	work int
}

// trigger says for each byte whether a candidate may be told by it, and which.
const (
	skip = iota
	digitByte
	atByte
	colonByte
	dashByte
	underscoreByte
	slashByte
	jByte
	aByte
)

var trigger = func() (t [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		t[c] = digitByte
	}
	t['@'], t[':'], t['-'], t['_'] = atByte, colonByte, dashByte, underscoreByte
	t['/'], t['J'], t['A'] = slashByte, jByte, aByte
	return t
}()

// stride is how many bytes the pass looks at together while there is nothing
// to see.
const stride = 8

// run is the one pass. It decides by the neighbours of a telling byte whether
// to look closer, in place: a function call costs a guest as much as a dozen
// bytes.
func (s *scanner) run(key []byte) {
	s.context.reset(key)
	s.lastKey = -1
	text := s.text
	for i := s.tail(); i < len(text); {
		if i+stride <= len(text) {
			b := text[i : i+stride : i+stride]
			if trigger[b[0]]|trigger[b[1]]|trigger[b[2]]|trigger[b[3]]|
				trigger[b[4]]|trigger[b[5]]|trigger[b[6]]|trigger[b[7]] == skip {
				i += stride
				continue
			}
		}
		for end := min(i+stride, len(text)); i < end; {
			t := trigger[text[i]]
			if t == skip || i > 0 && !plausible(t, text[i-1], text[min(i+1, len(text)-1)]) {
				i++
				continue
			}
			i = s.candidate(t, i)
		}
	}
}

// plausible reports whether a telling byte between these two may belong to a
// candidate. At the last byte next is that byte itself, which does no harm.
func plausible(t, prev, next uint8) bool {
	switch t {
	case colonByte:
		return next == ':' || class[prev]&isHex != 0 && class[next]&isHex != 0
	case dashByte:
		return next == '-' || class[prev]&isLower != 0 && class[next]&isAlnum != 0
	case underscoreByte:
		return class[prev]&isLower != 0 && class[next]&isAlnum != 0
	case slashByte:
		return prev == 'm'
	case jByte:
		return prev == 'y'
	case aByte:
		return class[next]&(isUpper|isDigit) != 0
	case digitByte:
		return class[prev]&isDigit == 0
	}
	return true
}

// candidate examines what the byte at i may belong to and returns where the
// pass goes on, always behind i.
func (s *scanner) candidate(t uint8, i int) int {
	switch t {
	case digitByte:
		return s.number(i)
	case atByte:
		return s.email(i)
	case colonByte:
		return s.ipv6(i)
	case dashByte:
		return s.dash(i)
	case underscoreByte:
		return s.github(i)
	case slashByte:
		return s.slackHook(i)
	case jByte:
		return s.jwt(i)
	}
	return s.awsKey(i)
}

// report emits a finding if it reaches its threshold, and says whether it did,
// so that a reading with less evidence may give way to another.
func (s *scanner) report(start, end int, l Label, score int) bool {
	if score < int(s.threshold[l]) {
		return false
	}
	s.emit(Finding{Start: start, End: end, Label: l, Score: uint16(min(score, MaxScore))})
	s.last = end
	return true
}
