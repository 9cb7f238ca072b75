// Package scan is the one scanner that all guests of the comparison have: it finds
// badge numbers, B- and six digits.
package scan

// Scan reports each badge number, from left to right.
func Scan(text []byte, found func(start, end int)) {
	for i := 0; i+8 <= len(text); i++ {
		if text[i] != 'B' || text[i+1] != '-' {
			continue
		}
		end := i + 2
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		if end == i+8 {
			found(i, end)
			i = end - 1
		}
	}
}
