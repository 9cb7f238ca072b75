package detect

// contextReach is how far before a candidate, in bytes, a word may stand and
// still speak for it.
const contextReach = 64

// topic is what a word before a candidate says about it.
type topic uint8

const (
	phoneTopic  topic = iota // names a telephone number
	callTopic                // speaks of reaching somebody
	cardTopic                // names a payment card
	ssnTopic                 // names a social security number
	taxTopic                 // names a tax or national id
	ipTopic                  // names a network address
	awsTopic                 // names AWS
	secretTopic              // names a secret
	idTopic                  // says that the number is somebody's handle for a thing
	otherTopic               // names some other number: versions, counts, times
	numTopics
)

const never = -1 << 30

// context remembers where words of each topic last ended. It reads a stretch
// of text only when a candidate asks for the words before it, and each byte at
// most once, so that plain text costs nothing and dense candidates stay linear.
type context struct {
	seen [numTopics]int
	read int // everything before this offset has been read or is out of reach
}

// reset begins a text; the words of its attribute key stand right before it.
func (c *context) reset(key []byte) {
	for i := range c.seen {
		c.seen[i] = never
	}
	c.read = 0
	if len(key) > 0 {
		key = key[max(0, len(key)-contextReach):]
		c.words(key, 0, len(key), true)
	}
}

// near reports whether the topic was named within reach before offset at, and
// no other number since. Offsets only grow in a pass.
func (s *scanner) near(t topic, at int) bool {
	if at > s.context.read {
		s.observe(at)
	}
	seen := s.context.seen[t]
	return at-seen <= contextReach && seen >= s.context.seen[otherTopic]
}

// observe reads the words before offset at.
func (s *scanner) observe(at int) {
	c := &s.context
	from := max(c.read, at-contextReach)
	c.words(s.text, from, at, false)
	s.work += at - from
	c.read = at
}

// words notes the topics of the words in text[from:to]. Words are runs of
// letters; an upper case letter after a lower case one begins a new word
// ("phoneNumber"). A word that began before from is passed over.
func (c *context) words(text []byte, from, to int, key bool) {
	if from > 0 {
		for from < to && class[text[from-1]]&isLetter != 0 && class[text[from]]&isLetter != 0 {
			from++
		}
	}
	var word uint64
	n := 0
	last := uint8(0) // class of the byte before
	for i := from; i < to; i++ {
		b := text[i]
		m := class[b]
		if m&isLetter == 0 || m&isUpper != 0 && last&isLower != 0 {
			if n > 1 {
				c.note(word, i, key)
			}
			word, n = 0, 0
		}
		if last = m; m&isLetter == 0 {
			continue
		}
		if n++; n <= wordLetters {
			word = word<<8 | uint64(b|0x20)
		}
	}
	if n > 1 {
		c.note(word, to, key)
	}
}

// note looks a word up and notes that its topic was named up to end.
func (c *context) note(word uint64, end int, key bool) {
	for h := wordHash(word); vocabulary[h].word != 0; h++ {
		if vocabulary[h].word == word {
			if key {
				end = 0
			}
			c.seen[vocabulary[h].topic] = end
			return
		}
	}
}

// wordLetters is how many letters of a word count: it is packed into 64 bits,
// and words that are longer are known by their beginning.
const wordLetters = 8

type vocabularyEntry struct {
	word  uint64
	topic topic
}

const vocabularyBits = 9

// vocabulary is a hash table with linear probing, some four times as large as
// what is in it; the entries behind the last slot stay free, so that probing
// needs no wrap.
var vocabulary = func() (t [1<<vocabularyBits + 64]vocabularyEntry) {
	for number, words := range [numTopics]string{
		phoneTopic: "phone phones telephon tel mobile cell cellphon fax whatsapp sms handy telefon telefono mobil " +
			"portable landline hotline",
		callTopic:   "call calls called contact dial reach reached ring callback",
		cardTopic:   "card cards visa masterca amex maestro diners discover jcb credit debit cc pan cardnumb",
		ssnTopic:    "ssn ssns social itin",
		taxTopic:    "tax taxpayer tin national",
		ipTopic:     "ip ips ipv host server address addr client peer gateway dns from",
		awsTopic:    "aws amazon",
		secretTopic: "secret secrets secretke",
		idTopic:     "id ids identifi",
		otherTopic: "order invoice version versions timestam trace span tokens count isbn tracking ticket sku serial build " +
			"release commit hash uuid guid index created updated epoch size bytes offset seed",
	} {
		var word uint64
		for _, c := range []byte(words + " ") {
			if c != ' ' {
				word = word<<8 | uint64(c)
				continue
			}
			h := wordHash(word)
			for t[h].word != 0 {
				h++
			}
			t[h] = vocabularyEntry{word, topic(number)}
			word = 0
		}
	}
	return t
}()

// wordHash is Fibonacci hashing.
func wordHash(word uint64) uint64 { return word * 0x9e3779b97f4a7c15 >> (64 - vocabularyBits) }
