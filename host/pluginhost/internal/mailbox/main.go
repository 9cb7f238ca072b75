// Command mailbox is a redactor in Go that finds words with an '@' between letters.
package main

import (
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func init() { redactor.Register(redactor.Spec{Labels: []string{"EMAIL"}, Configure: configure}) }

func main() {}

func configure([]byte) (redactor.Redactor, error) {
	return redactor.EachField(func(f *abi.Field, found redactor.Found) {
		last := 0
		for i, c := range f.Text {
			if c != '@' || i < last {
				continue
			}
			start, end := i, i+1
			for start > last && part(f.Text[start-1]) {
				start--
			}
			for end < len(f.Text) && part(f.Text[end]) {
				end++
			}
			if start < i && end > i+1 {
				found(start, end, 0, 900)
				last = end
			}
		}
	}), nil
}

func part(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-'
}
