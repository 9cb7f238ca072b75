// Package redactor is the kit for redactors written in Go.
//
// A redactor is a main package with an empty main function that registers what
// it does:
//
//	func init() {
//		redactor.Register(redactor.Spec{
//			Labels:    []string{"BADGE"},
//			Configure: func([]byte) (redactor.Redactor, error) { return redactor.EachField(badges), nil },
//		})
//	}
//
//	func main() {}
//
// Built for wasip1 with -buildmode=c-shared it exports rdx v1; built natively it
// is ordinary Go, and [New] runs the same code on the same bytes in a test.
//
// # What a redactor cannot do
//
// It has no clock, no random numbers, no files, no network, and its output goes
// nowhere. Whatever it keeps from one batch is gone in the next: the host puts
// the memory back. It does not write replacement text, it says where to edit.
//
// # Cost
//
// The kit decodes into memory that it reuses: a redactor that does not allocate
// costs no garbage collection. Expensive tables belong into Configure, which is
// part of the image that the host restores.
package redactor

import (
	"errors"
	"math"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// ErrSpec is returned by [New] for a [Spec] without labels or Configure.
var ErrSpec = errors.New("redactor: no labels, no Configure, or Register was called twice")

// A Redactor finds what is to be edited in a batch.
type Redactor interface {
	// Redact adds its edits for all fields, fields ascending and, in a field,
	// positions ascending without overlap. Fields are valid UTF-8 and belong to
	// the kit; Redact keeps none of them. An error fails the whole request.
	Redact(fields []abi.Field, edits *Edits) error
}

// A Spec says what a plugin does.
type Spec struct {
	// Labels are those of the manifest, in the same order: an edit names its
	// label by the index.
	Labels []string
	// Configure makes the redactor from the plugin's measured configuration,
	// which is empty if the operator gave none. It must refuse what it does not
	// understand; package config helps with that.
	Configure func(config []byte) (Redactor, error)
}

// A Coded is an error of Configure with a code of its own, which the plugin's README explains: all that an
// operator is told. Other errors have code 1.
type Coded interface {
	error
	Code() int32 // above 2
}

// Edits collects the edits of one batch.
type Edits struct {
	list []abi.Edit
}

// Add asks the host to replace bytes [start, end) of the text of a field. The
// label is an index into [Spec.Labels]; the score, 0 to 65535, is the
// redactor's confidence on its own scale.
func (e *Edits) Add(field, start, end int, label, score uint16) {
	e.list = append(e.list, abi.Edit{
		Field: narrow(field), Start: narrow(start), End: narrow(end), Label: label, Score: score,
	})
}

// narrow keeps a number that is out of range out of range, for the host to
// refuse.
func narrow(v int) uint32 {
	if v < 0 || v > math.MaxUint32 {
		return math.MaxUint32
	}
	return uint32(v)
}

// Reset forgets the edits and keeps their memory, for tests that call a
// Redactor themselves.
func (e *Edits) Reset() { e.list = e.list[:0] }

// Found takes one finding in a field; see [Edits.Add].
type Found func(start, end int, label, score uint16)

// EachField makes a redactor of a function that looks at one field at a time.
func EachField(find func(f *abi.Field, found Found)) Redactor {
	r := &eachField{find: find}
	r.found = func(start, end int, label, score uint16) { r.edits.Add(r.field, start, end, label, score) }
	return r
}

type eachField struct {
	find  func(*abi.Field, Found)
	found Found // made once: the hot path makes no closures
	edits *Edits
	field int
}

func (r *eachField) Redact(fields []abi.Field, edits *Edits) error {
	r.edits = edits
	for i := range fields {
		r.field = i
		r.find(&fields[i], r.found)
	}
	return nil
}

// machine is one instance: the guest has one, a test as many as it likes.
type machine struct {
	spec     Spec
	redactor Redactor
	fields   []abi.Field
	edits    Edits
	reply    []byte
}

// Statuses of a reply, and results of rdx_configure.
const (
	statusOK        = 0
	statusMalformed = 1 // the request or configuration is not understood
	statusFailed    = 2 // the redactor gave up
)

func (m *machine) configure(config []byte) error {
	if len(m.spec.Labels) == 0 || m.spec.Configure == nil {
		return ErrSpec
	}
	r, err := m.spec.Configure(config)
	if err != nil {
		return err
	}
	m.redactor = r
	// Room for an ordinary batch becomes part of the image, instead of being
	// allocated anew in every batch.
	m.fields = make([]abi.Field, 0, 1024)
	m.edits.list = make([]abi.Edit, 0, 1024)
	m.reply = make([]byte, 0, 32<<10)
	return nil
}

// redact answers one request; the reply is valid until the next call.
func (m *machine) redact(request []byte) []byte {
	m.edits.list, m.reply = m.edits.list[:0], m.reply[:0]
	status := m.serve(request)
	if status != statusOK {
		m.edits.list = m.edits.list[:0]
	}
	m.reply = abi.AppendReply(m.reply, status, m.edits.list)
	return m.reply
}

func (m *machine) serve(request []byte) uint32 {
	fields, err := abi.DecodeRequest(request, m.fields)
	if err != nil || m.redactor == nil {
		return statusMalformed
	}
	m.fields = fields
	if err := m.redactor.Redact(fields, &m.edits); err != nil {
		return statusFailed
	}
	return statusOK
}
