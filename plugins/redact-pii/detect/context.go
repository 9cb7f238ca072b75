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

	noTopic = numTopics
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
// no other number since.
func (s *scanner) near(t topic, at int) bool {
	c := &s.context
	if at > c.read {
		from := max(c.read, at-contextReach)
		c.words(s.text, from, at, false)
		s.work += at - from
		c.read = at
	}
	return at-c.seen[t] <= contextReach && c.seen[t] >= c.seen[otherTopic]
}

// words notes the topics of the words in text[from:to]. Words are runs of
// letters; an upper case letter after a lower case one begins a new word
// ("phoneNumber").
func (c *context) words(text []byte, from, to int, key bool) {
	for i := from; i < to; {
		if class[text[i]]&isLetter == 0 || (i == from && i > 0 && class[text[i-1]]&isLetter != 0) {
			i++
			continue
		}
		end := wordEnd(text, i, to)
		if t := topicOf(text[i:end]); t != noTopic {
			c.seen[t] = end
			if key {
				c.seen[t] = 0
			}
		}
		i = end
	}
}

func wordEnd(text []byte, i, to int) int {
	j := i + 1
	for j < to && class[text[j]]&isLetter != 0 {
		if class[text[j]]&isUpper != 0 && class[text[j-1]]&isLower != 0 {
			break
		}
		j++
	}
	return j
}

// maxWord is the length in bytes of the longest word that has a topic.
const maxWord = 12

func topicOf(word []byte) topic {
	if len(word) < 2 || len(word) > maxWord {
		return noTopic
	}
	var lower [maxWord]byte
	for i, c := range word {
		lower[i] = c | 0x20
	}
	switch string(lower[:len(word)]) {
	case "phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "whatsapp", "sms",
		"handy", "telefon", "telefono", "mobil", "portable", "phones", "landline", "hotline":
		return phoneTopic
	case "call", "calls", "called", "contact", "dial", "reach", "reached", "ring", "callback":
		return callTopic
	case "card", "cards", "visa", "mastercard", "amex", "maestro", "diners", "discover", "jcb",
		"credit", "debit", "cc", "pan", "cardnumber":
		return cardTopic
	case "ssn", "ssns", "social", "itin":
		return ssnTopic
	case "tax", "taxpayer", "tin", "national":
		return taxTopic
	case "ip", "ips", "ipv", "host", "server", "address", "addr", "client", "peer", "gateway", "dns", "from":
		return ipTopic
	case "aws", "amazon":
		return awsTopic
	case "secret", "secrets", "secretkey":
		return secretTopic
	case "id", "ids", "identifier":
		return idTopic
	case "order", "invoice", "version", "versions", "timestamp", "trace", "span", "tokens", "count",
		"isbn", "tracking", "ticket", "sku", "serial", "build", "release", "commit", "hash",
		"uuid", "guid", "index", "created", "updated", "epoch", "size", "bytes", "offset", "seed":
		return otherTopic
	}
	return noTopic
}
