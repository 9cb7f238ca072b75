package dfa_test

import (
	"fmt"

	"github.com/veriproof/notary/sdk/plugin/dfa"
)

// A redactor compiles its patterns once, in Configure, and scans every text. Spans
// are in bytes, and tell the pattern that matched.
func Example() {
	labels := []string{"BADGE", "ROOM"}
	machine, err := dfa.Compile([]string{`\bB-[0-9]{5}\b`, `(?i)room [0-9]+[a-z]?`})
	if err != nil {
		fmt.Println(err)
		return
	}
	text := []byte("Badge B-20431 opens Room 17b, not B-204310.")
	for _, s := range machine.Scan(text) {
		fmt.Printf("%s %d-%d %s\n", labels[s.Pattern], s.Start, s.End, text[s.Start:s.End])
	}

	_, err = dfa.Compile([]string{"a*"})
	fmt.Println(err)
	// Output:
	// BADGE 6-13 B-20431
	// ROOM 20-28 Room 17b
	// dfa: pattern 0 matches the empty text
}
