package dfa_test

import (
	"strings"
	"testing"
)

// Twenty are patterns as a customer writes them: numbers of people, cases and
// things with a prefix, hosts, amounts, names behind a title.
var twenty = []string{
	`\bEMP-\d{6}\b`, `\bCUST[0-9]{8}\b`, `\b[A-Z]{2}\d{2}-[A-Z]{3}-\d{4}\b`, `(?i)\bproject[ -](?:falcon|osprey|kestrel)\b`,
	`\bINV/20\d\d/\d{4,8}\b`, `\b[a-z0-9-]+\.corp\.example\.com\b`, `\bticket#\d{3,9}\b`, `\bMRN:? ?\d{7,10}\b`,
	`\bPO-[0-9A-F]{8}\b`, `(?i)\bpolicy no\.? ?\d{6,12}\b`, `\b(?:Dr|Mr|Mrs|Ms)\. [A-Z]\p{Ll}+\b`, `\bsrv-[a-z]{3}\d{2,4}\b`,
	`\b\d{3}-\d{3}-\d{3} [A-Z]\b`, `\bcase:[0-9a-f]{8}-[0-9a-f]{4}\b`, `\bVIN[: ][A-HJ-NPR-Z0-9]{17}\b`, `\bsku_[A-Za-z0-9]{10,16}\b`,
	`\b(?:EUR|USD|CHF) ?\d{1,3}(?:[.,]\d{3})*\b`, `\bbadge [0-9]{4}\b`, `/home/[a-z_][a-z0-9_-]{0,31}`, `\bT-[0-9]{4}-[0-9]{4}-[0-9]{4}\b`,
}

func prose() []byte {
	return []byte(strings.Repeat("The agent asked Dr. Meier about the shipment, and then it looked for ticket#48213 in the queue of srv-fra12. "+
		"Nothing was found; the answer of the tool had 14 rows, none of which was newer than Monday, so it wrote a summary in three sentences.\n", 300)[:64<<10])
}

func BenchmarkScan20(b *testing.B) {
	m := compile(b, twenty...)
	text := prose()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		m.Scan(text)
	}
}

func BenchmarkCompile20(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		compile(b, twenty...)
	}
}

func BenchmarkScanDense(b *testing.B) {
	m := compile(b, twenty...)
	text := []byte(strings.Repeat("EMP-123456 ", 5957))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m.Scan(text)
	}
}
