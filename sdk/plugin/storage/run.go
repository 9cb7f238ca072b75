package storage

import "github.com/veriproof/notary/sdk/plugin/abi"

// An Instance runs an adapter natively, through the same messages as in the
// notary. It is used by one goroutine at a time, like a guest.
type Instance struct {
	machine machine
}

// Init configures an adapter natively and lets it make what its storage needs. An
// adapter that makes nothing answers [Code] 2.
func Init(spec Spec, config []byte) error {
	m := machine{spec: spec}
	if err := m.configure(config); err != nil {
		return err
	}
	return m.init()
}

// New configures an adapter natively and lets it make its storage ready.
func New(spec Spec, config []byte) (*Instance, error) {
	in := &Instance{machine: machine{spec: spec}}
	if err := in.machine.configure(config); err != nil {
		return nil, err
	}
	if err := in.machine.adapter.Migrate(); err != nil {
		return nil, err
	}
	return in, nil
}

// Put calls the adapter's Put.
func (in *Instance) Put(p *abi.Put) (abi.StoStatus, error) {
	request, err := abi.AppendPut(nil, p)
	if err != nil {
		return abi.StoBadRequest, err
	}
	status, _, err := abi.DecodeStoReply(in.machine.call(abi.OpPut, request))
	return status, err
}

// Get calls the adapter's Get; the item means something if the status is
// [abi.StoOK].
func (in *Instance) Get(s abi.Selector) (abi.Item, abi.StoStatus, error) {
	status, items, err := in.selected(abi.OpGet, s)
	if err != nil || len(items) != 1 {
		return abi.Item{}, status, err
	}
	return items[0], status, nil
}

// List calls the adapter's List.
func (in *Instance) List(s abi.Selector) ([]abi.Item, abi.StoStatus, error) {
	status, items, err := in.selected(abi.OpList, s)
	return items, status, err
}

// Delete calls the adapter's Delete.
func (in *Instance) Delete(s abi.Selector) (abi.StoStatus, error) {
	status, _, err := in.selected(abi.OpDelete, s)
	return status, err
}

func (in *Instance) selected(op abi.Op, s abi.Selector) (abi.StoStatus, []abi.Item, error) {
	return abi.DecodeStoReply(in.machine.call(op, abi.AppendSelector(nil, op, &s)))
}
