package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

func isTerminal(f *os.File) bool {
	return term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Styles, used on a terminal only.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (a *app) paint(style, text string) string {
	if !a.color {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (a *app) title(text string) {
	fmt.Fprintf(a.stdout, "\n%s\n", a.paint(bold, text))
}

// mark shows the status of a check or step.
func (a *app) mark(status string) string {
	switch status {
	case "pass", "ok", "verified", "genuine":
		return a.paint(green, status)
	case "fail", "failed", "unreadable":
		return a.paint(red, status)
	}
	return a.paint(yellow, status)
}

// A table prints aligned columns. A cell may be painted; its width is that of
// its text.
type table struct {
	rows  [][]string
	right map[int]bool // columns of numbers
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	var widths []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(c))
		}
	}
	for _, r := range t.rows {
		var b strings.Builder
		for i, c := range r {
			pad := strings.Repeat(" ", widths[i]-width(c))
			switch {
			case t.right[i]:
				c = pad + c
			case i < len(r)-1:
				c += pad
			}
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(c)
		}
		fmt.Fprintln(w, "  "+strings.TrimRight(b.String(), " "))
	}
}

// width counts the characters of a cell without its colour.
func width(s string) int {
	n := 0
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return n + utf8.RuneCountInString(s)
		}
		n += utf8.RuneCountInString(s[:i])
		_, s, _ = strings.Cut(s[i:], "m")
	}
}

func (a *app) json(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// digest is a long run of hex digits or base64url characters: nothing that a
// person would compare in full.
var digest = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{20,}\b|\b([A-Za-z0-9_-]{12})[A-Za-z0-9_-]{31}=?\b`)

// shortDigests cuts the digests in a line for a person.
func shortDigests(s string) string { return digest.ReplaceAllString(s, "$1$2…") }

// short shortens a hex value for a person.
func short(hex string) string {
	if len(hex) <= 12 {
		return hex
	}
	return hex[:12] + "…"
}
