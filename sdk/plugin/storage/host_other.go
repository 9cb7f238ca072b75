//go:build !wasip1

package storage

import "github.com/veriproof/notary/sdk/plugin/abi"

// Blob returns a blob capability of which every call fails: outside the notary
// there is no storage. Tests give their adapter one of their own.
func Blob() Blobs { return noHost{} }

// Payload returns a payload capability of which every call fails.
func Payload() Payloads { return noHost{} }

// Stream returns a stream capability of which every call fails.
func Stream() Streams { return noStreams{} }

// SQL returns a database of which every call fails.
func SQL(int) Database { return noHost{} }

// HTTP returns endpoints of which every request fails.
func HTTP(int) Endpoints { return noHost{} }

type noHost struct{}

var errNoHost error = Errno(abi.ErrnoIO)

func (noHost) Put([]byte, []uint32, bool) error                { return errNoHost }
func (noHost) Get([]byte) (handle, length uint32, err error)   { return 0, 0, errNoHost }
func (noHost) List(_, _ []byte, _ bool, _ []byte) (int, error) { return 0, errNoHost }
func (noHost) Delete([]byte) error                             { return errNoHost }
func (noHost) Read(_, _ uint32, _ []byte) (int, error)         { return 0, errNoHost }
func (noHost) New([]byte) (uint32, error)                      { return 0, errNoHost }
func (noHost) Slice(_, _, _ uint32) (uint32, error)            { return 0, errNoHost }
func (noHost) Free(uint32) error                               { return errNoHost }
func (noHost) Exec(int, uint32, ...abi.SQLValue) (Rows, error) { return Rows{}, errNoHost }
func (noHost) Do(int, *abi.HTTPRequest) (*abi.HTTPResponse, error) {
	return nil, errNoHost
}

type noStreams struct{ noHost }

func (noStreams) Append([]byte, uint64, uint64, []uint32, []uint32) error { return errNoHost }
func (noStreams) Find([]byte, uint64) (abi.Record, error)                 { return abi.Record{}, errNoHost }
func (noStreams) Body([]byte, uint64) (handle, length uint32, err error)  { return 0, 0, errNoHost }
func (noStreams) Slot([]byte, uint64, int) (handle, length uint32, err error) {
	return 0, 0, errNoHost
}
func (noStreams) Erase([]byte, uint64, int) error { return errNoHost }
