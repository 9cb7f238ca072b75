package endpoint

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/veriproof/notary/host/journal"
)

// A body is ciphertext in pieces, whose memory is the caller's again when the request is
// over. The transport may be reading it then: behind an answer that came before all was
// sent, or while it notices that nobody waits any more. So it reads no piece itself.
type body struct {
	parts  []journal.Sealed
	length int64

	mu   sync.Mutex
	over bool
}

var errOver = errors.New("the request is over")

func newBody(parts []journal.Sealed) *body {
	b := &body{parts: parts}
	for _, p := range parts {
		b.length += int64(len(p))
	}
	return b
}

// reader reads the body on behalf of who waits for the request.
func (b *body) reader() io.Reader {
	readers := make([]io.Reader, len(b.parts))
	for i, p := range b.parts {
		readers[i] = bytes.NewReader(p)
	}
	return io.MultiReader(readers...)
}

// lend returns a reader for the transport, of which nothing comes after takeBack.
func (b *body) lend() io.ReadCloser { return &lent{body: b, from: b.reader(), left: b.length} }

// takeBack waits for a read that is under way, and lets no other begin.
func (b *body) takeBack() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
}

type lent struct {
	body *body
	from io.Reader
	left int64
}

func (l *lent) Read(p []byte) (int, error) {
	l.body.mu.Lock()
	defer l.body.mu.Unlock()
	if l.body.over && l.left > 0 { // the transport looks for the end when all is sent
		return 0, errOver
	}
	n, err := l.from.Read(p)
	l.left -= int64(n)
	return n, err
}

func (l *lent) Close() error { return nil }
