package objects

const hexDigits = "0123456789abcdef"

const (
	epochDigits = 32
	placeDigits = 16
	nameLength  = 2 + epochDigits + 1 + placeDigits
)

// prefixOf is what all names of a kind and epoch begin with.
func prefixOf(kind byte, epoch [16]byte) string {
	b := append(make([]byte, 0, nameLength), kind, '-')
	for _, c := range epoch {
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return string(append(b, '-'))
}

func nameOf(kind byte, epoch [16]byte, seq uint64) string {
	return string(appendHex([]byte(prefixOf(kind, epoch)), ^seq, placeDigits))
}

func appendHex(b []byte, v uint64, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[v>>shift&15])
	}
	return b
}

// parseName is the inverse of nameOf; ok is false for any other name.
func parseName(name string) (epoch [16]byte, seq uint64, ok bool) {
	if len(name) != nameLength {
		return epoch, 0, false
	}
	epoch, ok = epochOf(name[:nameLength-placeDigits])
	for i := nameLength - placeDigits; i < nameLength; i++ {
		n := nibble(name[i])
		if n > 15 {
			return epoch, 0, false
		}
		seq = seq<<4 | uint64(n)
	}
	return epoch, ^seq, ok
}

// epochOf reads what prefixOf returns, of either kind.
func epochOf(prefix string) (epoch [16]byte, ok bool) {
	if len(prefix) != nameLength-placeDigits || prefix[1] != '-' || prefix[2+epochDigits] != '-' {
		return epoch, false
	}
	if prefix[0] != entriesKind && prefix[0] != keysKind {
		return epoch, false
	}
	for i := range epoch {
		hi, lo := nibble(prefix[2+2*i]), nibble(prefix[3+2*i])
		if hi > 15 || lo > 15 {
			return epoch, false
		}
		epoch[i] = hi<<4 | lo
	}
	return epoch, true
}

// nibble is the value of a lower case hexadecimal digit, or more than 15.
func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
