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
	next    int // where the group after the last one would be looked for
	base64  int // end of the base64 run that was last examined
	noPEM   int // no END line begins before this offset
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

func (s *scanner) run(key []byte) {
	s.context.reset(key)
	s.lastKey = -1
	text := s.text
	i := s.tail()
	for i < len(text) {
		t := trigger[text[i]]
		if t == skip {
			i++
			continue
		}
		i = s.candidate(t, i)
	}
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
