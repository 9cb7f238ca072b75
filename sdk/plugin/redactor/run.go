package redactor

import (
	"errors"
	"strconv"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// ErrRedact is wrapped when a redactor gives no valid answer: it returned an
// error, or its edits are not what the host would accept.
var ErrRedact = errors.New("redactor: no valid answer")

// An Instance runs a redactor natively, through the same messages as in the
// notary. It is used by one goroutine at a time, like a guest.
type Instance struct {
	machine machine
	request []byte
}

// New configures a redactor natively.
func New(spec Spec, config []byte) (*Instance, error) {
	in := &Instance{machine: machine{spec: spec}}
	if err := in.machine.configure(config); err != nil {
		return nil, err
	}
	return in, nil
}

// Redact returns the edits for a batch, after the checks that the host makes.
// The edits are valid until the next call.
func (in *Instance) Redact(fields []abi.Field) ([]abi.Edit, error) {
	request, err := abi.AppendRequest(in.request[:0], fields)
	if err != nil {
		return nil, err
	}
	in.request = request
	status, edits, err := abi.DecodeReply(in.machine.redact(request), abi.MaxEdits, nil)
	if err != nil {
		return nil, errors.Join(ErrRedact, err)
	}
	if status != statusOK {
		return nil, errors.Join(ErrRedact, errors.New("status "+strconv.Itoa(int(status))))
	}
	if err := abi.ValidateEdits(fields, edits, len(in.machine.spec.Labels)); err != nil {
		return nil, errors.Join(ErrRedact, err)
	}
	return edits, nil
}
