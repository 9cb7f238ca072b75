// Command custom-redactor is a redactor for medical record numbers of an invented
// hospital: eight digits of which the last is a check digit, behind the letters MRN or
// under an attribute key that says what they are.
//
// It shows what a customer's redactor is made of: a configuration that is refused if
// it is not understood, a look at the attribute key, a check that keeps other numbers
// out, and one pass over the text.
package main

import (
	"bytes"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func init() { redactor.Register(spec()) }

func main() {}

func spec() redactor.Spec {
	return redactor.Spec{Labels: []string{"MRN"}, Configure: configure}
}

const labelMRN = 0 // index into Labels

// Scores: how sure a finding is. The host does not act on them.
const (
	checked   = 1000 // the check digit is right
	unchecked = 600  // it is not, and the configuration says that it need not be
)

// configure reads {"keys": ["patient.mrn"], "check_digit": true}. Both are optional.
func configure(text []byte) (redactor.Redactor, error) {
	s := &scanner{checkDigit: true}
	err := config.Read(text, func(r *config.Reader, key string) {
		switch key {
		case "keys":
			r.List(func() { s.keys = append(s.keys, []byte(r.Text())) })
		case "check_digit":
			s.checkDigit = r.Bool()
		default:
			r.Unknown(key)
		}
	})
	if err != nil {
		return nil, err
	}
	return redactor.EachField(func(f *abi.Field, found redactor.Found) {
		s.scan(f.Text, s.named(f.Key), found)
	}), nil
}

type scanner struct {
	keys       [][]byte // attribute keys whose values are numbers without MRN before them
	checkDigit bool
}

func (s *scanner) named(key []byte) bool {
	for _, k := range s.keys {
		if bytes.Equal(k, key) {
			return true
		}
	}
	return false
}

// digits is the length of a record number.
const digits = 8

// scan reports every record number, from left to right. It looks at each byte once
// or twice, whatever the text is: a run of digits is skipped as a whole.
func (s *scanner) scan(text []byte, named bool, found redactor.Found) {
	for at := 0; at < len(text); {
		if !isDigit(text[at]) {
			at++
			continue
		}
		end := at
		for end < len(text) && isDigit(text[end]) {
			end++
		}
		if end-at == digits && (named || announced(text[:at])) {
			switch {
			case valid(text[at:end]):
				found(at, end, labelMRN, checked)
			case !s.checkDigit:
				found(at, end, labelMRN, unchecked)
			}
		}
		at = end
	}
}

// announced reports whether "MRN" stands right before, with at most two of space,
// colon, hash and hyphen in between.
func announced(before []byte) bool {
	for range 2 {
		if n := len(before); n > 0 && strings.IndexByte(" :#-", before[n-1]) >= 0 {
			before = before[:n-1]
		}
	}
	n := len(before)
	if n < 3 || !bytes.EqualFold(before[n-3:], []byte("MRN")) {
		return false
	}
	// Not the end of another word. The n of an escaped line break in JSON is no letter.
	before = before[:n-3]
	return len(before) == 0 || !isLetter(before[len(before)-1]) || bytes.HasSuffix(before, []byte(`\n`))
}

// valid checks the last digit: the weighted sum of all, weights 3 and 1 in turn, is a
// multiple of ten.
func valid(number []byte) bool {
	sum := 0
	for i, c := range number {
		d := int(c - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return sum%10 == 0
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
