package dir

const hexDigits = "0123456789abcdef"

// objectPrefix is what all keys of a kind and epoch begin with.
func objectPrefix(kind byte, epoch [16]byte) []byte {
	b := append(make([]byte, 0, keyLength+1), kind, '-')
	for _, c := range epoch {
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return append(b, '-')
}

// keyLength is the length of an object's key.
const keyLength = 2 + 32 + 1 + 16

func objectKey(kind byte, epoch [16]byte, seq uint64) []byte {
	b := objectPrefix(kind, epoch)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[seq>>shift&15])
	}
	return b
}

// behind is a cursor right behind a key: smaller than it is all that is up to
// and including the key.
func behind(key []byte) []byte { return append(key, '-') }

// parseKey is the inverse of objectKey; ok is false for any other key.
func parseKey(key []byte) (epoch [16]byte, seq uint64, ok bool) {
	if len(key) != keyLength || key[1] != '-' || key[2+32] != '-' {
		return epoch, 0, false
	}
	if key[0] != entriesKind && key[0] != keysKind {
		return epoch, 0, false
	}
	for i := range epoch {
		hi, lo := nibble(key[2+2*i]), nibble(key[3+2*i])
		if hi > 15 || lo > 15 {
			return epoch, 0, false
		}
		epoch[i] = hi<<4 | lo
	}
	for _, c := range key[2+32+1:] {
		n := nibble(c)
		if n > 15 {
			return epoch, 0, false
		}
		seq = seq<<4 | uint64(n)
	}
	return epoch, seq, true
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
