package audit

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	format "github.com/veriproof/notary/sdk/journal"
)

// ErrPositions says that a file is not a list of signed positions.
var ErrPositions = errors.New("not a list of signed positions")

// ReadPositions reads signed positions as senders keep them: lines of the
// response header veriproof-position-bin, with or without its name, or its
// values alone in base64, several to a line between commas. Empty lines and those
// that begin with # are left out. The name is that of the file, for people.
func ReadPositions(name string, r io.Reader) ([]Position, error) {
	var out []Position
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		if header, value, found := strings.Cut(text, ":"); found {
			if !strings.EqualFold(strings.TrimSpace(header), "veriproof-position-bin") {
				return nil, fmt.Errorf("%w: %s:%d: another header", ErrPositions, name, n)
			}
			text = value
		}
		for _, value := range strings.Split(text, ",") {
			raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(value), "="))
			if err != nil {
				return nil, fmt.Errorf("%w: %s:%d: %w", ErrPositions, name, n, err)
			}
			p, err := format.ParsePosition(raw)
			if err != nil {
				return nil, fmt.Errorf("%w: %s:%d: %w", ErrPositions, name, n, err)
			}
			out = append(out, Position{Position: *p, Source: fmt.Sprintf("%s:%d", name, n)})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrPositions, name, err)
	}
	return out, nil
}
