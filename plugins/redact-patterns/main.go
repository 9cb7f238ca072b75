// Command redact-patterns is the notary's built-in redactor of what a customer
// describes by patterns of their own. Built for wasip1 it is a plugin; see
// README.md for its configuration and package dfa for what a pattern covers.
package main

import (
	"errors"
	"slices"
	"strconv"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/dfa"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func init() { redactor.Register(spec()) }

func main() {}

func spec() redactor.Spec { return redactor.Spec{Labels: labels, Configure: configure} }

// labels are those of the manifest. They are a closed list, since labels are
// measured with the module: text of a customer's choosing would not be.
var labels = []string{
	"CUSTOM", "NAME", "ADDRESS", "PHONE", "EMAIL", "DATE", "NATIONAL_ID", "PATIENT_ID", "EMPLOYEE_ID", "CUSTOMER_ID",
	"ACCOUNT", "CONTRACT", "INVOICE", "ORDER", "CASE", "TICKET", "AMOUNT", "PROJECT", "PRODUCT", "DEVICE", "VEHICLE", "LOCATION",
	"HOST", "PATH", "URL", "SECRET", "CODE",
	"PATTERN_1", "PATTERN_2", "PATTERN_3", "PATTERN_4", "PATTERN_5", "PATTERN_6", "PATTERN_7", "PATTERN_8",
}

// maxScore is the score of a pattern that its author is sure of.
const maxScore = 1000

// A rule is one pattern, as configured.
type rule struct {
	pattern string
	label   uint16
	score   uint16
}

// errNone keeps a redactor that finds nothing from being taken for one that
// protects.
var errNone = errors.New("redact-patterns: no patterns are configured")

// A refused pattern is told by its number, counted from 1, on top of firstCode.
type refused struct{ why *dfa.Error }

const firstCode = 1000

func (r *refused) Code() int32   { return firstCode + 1 + int32(r.why.Pattern) }
func (r *refused) Error() string { return "redact-patterns: " + r.why.Error() }
func (r *refused) Unwrap() error { return r.why }

func configure(text []byte) (redactor.Redactor, error) {
	rules, err := parse(text)
	if err != nil {
		return nil, err
	}
	patterns := make([]string, len(rules))
	for i := range rules {
		patterns[i] = rules[i].pattern
	}
	machine, err := dfa.Compile(patterns)
	var which *dfa.Error
	if errors.As(err, &which) {
		return nil, &refused{which}
	}
	if err != nil {
		return nil, err
	}
	return redactor.EachField(func(f *abi.Field, found redactor.Found) {
		for _, s := range machine.Scan(f.Text) {
			start, end := whole(f.Text, s.Start, s.End)
			if start < end {
				found(start, end, rules[s.Pattern].label, rules[s.Pattern].score)
			}
		}
	}), nil
}

func parse(text []byte) ([]rule, error) {
	var rules []rule
	err := config.Read(text, func(r *config.Reader, key string) {
		if key != "patterns" {
			r.Unknown(key)
			return
		}
		r.List(func() {
			one := rule{score: maxScore}
			r.Object(func(key string) {
				switch key {
				case "pattern":
					one.pattern = r.Text()
				case "label":
					name := r.Text()
					i := slices.Index(labels, name)
					if i < 0 {
						r.Fail("unknown label " + strconv.QuoteToASCII(name))
						i = 0
					}
					one.label = uint16(i)
				case "score":
					one.score = uint16(r.Int(1, maxScore))
				default:
					r.Unknown(key)
				}
			})
			if one.pattern == "" {
				r.Fail("an entry of patterns has no pattern")
			}
			if len(rules) == dfa.MaxPatterns {
				r.Fail("more than " + strconv.Itoa(dfa.MaxPatterns) + " patterns")
				return
			}
			rules = append(rules, one)
		})
	})
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, errNone
	}
	return rules, nil
}

// whole widens a span so that it takes no half of an escape: texts of AI sessions
// are often JSON within JSON, which has to stay valid, and in `\n` the n is no
// letter of a word.
func whole(text []byte, start, end int) (int, int) {
	for at := start - 1; at >= 0 && at >= start-5; at-- {
		if text[at] == '\\' && at+escape(text, at) > start {
			start = at
			break
		}
	}
	for at := end - 1; at >= start && at >= end-5; at-- {
		if text[at] == '\\' && at+escape(text, at) > end {
			end = at + escape(text, at)
			break
		}
	}
	return start, end
}

// escape returns the length of the JSON escape that begins at a position, or 0.
func escape(text []byte, at int) int {
	if text[at] != '\\' || at+1 == len(text) {
		return 0
	}
	before := at
	for before > 0 && text[before-1] == '\\' {
		before--
	}
	if (at-before)%2 == 1 {
		return 0 // the second half of an escaped backslash
	}
	if text[at+1] != 'u' {
		if text[at+1] < 0x80 {
			return 2
		}
		return 0
	}
	if at+6 > len(text) {
		return 0
	}
	for _, c := range text[at+2 : at+6] {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return 0
		}
	}
	return 6
}
