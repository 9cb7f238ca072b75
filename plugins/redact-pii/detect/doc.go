// Package detect finds personal data and credentials in text, in one pass.
//
// # What it finds
//
// E-mail addresses, payment cards, US social security numbers, telephone
// numbers, IP addresses, IBANs, JSON Web Tokens, AWS access keys and secrets,
// GitHub, OpenAI and Slack tokens, and private keys in PEM armour. Where a
// format has a check digit or checksum (Luhn, ISO 7064 mod 97, CRC-32 of GitHub
// tokens) it decides; where a format is ambiguous, words that stand before the
// candidate, or the attribute key above it, do.
//
// # Cost
//
// A table of byte classes skips plain text at one step per byte. A candidate is
// looked at from its most telling byte ('@', ':', the first digit), with
// bounded look-behind and look-ahead; regions that could be read twice are
// remembered, so the work is linear in the text whatever it says. Scan does not
// allocate. There are no regular expressions and there is no backtracking.
//
// # Guarantees
//
// Findings are emitted in ascending order, do not overlap, lie inside the text
// and, if the text is valid UTF-8, on its borders. A finding never takes the
// letter of a JSON escape ("\n") without its backslash. Equal input gives equal
// findings. A [Detector] is immutable and safe for concurrent use.
package detect
