package journal

import (
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Draft is an entry without its place in the journal.
type Draft struct {
	Kind    format.Kind
	Handle  receipt.Handle
	Part    uint32
	Segment uint64
	Body    Sealed
	// Framed says that Body stands behind format.Overhead bytes of room, in memory of
	// [Room]: the entry is completed in it, and a great body is not copied. When it is
	// durable the Writer gives the memory to others.
	Framed bool
}

// body is what the entry will have as its body.
func (d *Draft) body() Sealed {
	if d.Framed {
		return d.Body[format.Overhead:]
	}
	return d.Body
}

// encode returns the encoding of the draft's entry. All of it is public by design or
// ciphertext: headers, salted hashes, and bodies that a caller declared to be Sealed.
func (d *Draft) encode(e *format.Entry) Sealed {
	if d.Framed {
		return e.Frame(d.Body)
	}
	e.Body = d.Body
	if e.Body == nil {
		e.Body = []byte{}
	}
	return e.Append(make([]byte, 0, format.Overhead+len(e.Body)))
}
