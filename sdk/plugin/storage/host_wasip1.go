package storage

import (
	"unsafe"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Blob returns the host's blob capability. A module that calls it imports
// blob_put, blob_get, blob_list and blob_delete.
func Blob() Blobs { return hostBlobs{} }

// Payload returns the host's payload capability. A module that calls it imports
// payload_read, payload_new, payload_slice and payload_free.
func Payload() Payloads { return hostPayloads{} }

// Stream returns the host's stream capability. A module that calls it imports
// stream_append, stream_find, stream_read, stream_erase and stream_list.
func Stream() Streams { return hostStreams{} }

// SQL returns the host's database, with room for so many bytes of a result. A
// module that calls it imports sql_exec. It is made in configure, so that its memory is
// part of the image.
func SQL(room int) Database {
	return &hostDatabase{params: make([]byte, 0, room), out: make([]byte, room)}
}

// HTTP returns the host's endpoints, with room for so many bytes of a request, and of
// the head of a response. A module that calls it imports http_do. It is made in
// configure, so that its memory is part of the image.
func HTTP(room int) Endpoints {
	return &hostEndpoints{request: make([]byte, 0, room), out: make([]byte, room)}
}

//go:wasmimport notary_sto_v1 http_do
func httpDo(endpoint uint32, request *byte, requestLen uint32, out *byte, outCap uint32) int64

//go:wasmimport notary_sto_v1 sql_exec
func sqlExec(statement uint32, params *byte, paramsLen uint32, out *byte, outCap, payloads uint32) int64

//go:wasmimport notary_sto_v1 blob_put
func blobPut(key *byte, keyLen uint32, handles *uint32, n, flags uint32) int32

//go:wasmimport notary_sto_v1 blob_get
func blobGet(key *byte, keyLen uint32) int64

//go:wasmimport notary_sto_v1 blob_list
func blobList(prefix *byte, prefixLen uint32, cursor *byte, cursorLen, flags uint32, out *byte, outCap uint32) int64

//go:wasmimport notary_sto_v1 blob_delete
func blobDelete(key *byte, keyLen uint32) int32

//go:wasmimport notary_sto_v1 stream_append
func streamAppend(key *byte, keyLen uint32, first, last uint64, handles *uint32, n, slots uint32) int32

//go:wasmimport notary_sto_v1 stream_find
func streamFind(key *byte, keyLen uint32, number uint64, out *byte) int32

//go:wasmimport notary_sto_v1 stream_read
func streamRead(key *byte, keyLen uint32, first uint64, slot uint32) int64

//go:wasmimport notary_sto_v1 stream_erase
func streamErase(key *byte, keyLen uint32, first uint64, slot uint32) int32

//go:wasmimport notary_sto_v1 stream_list
func streamList(prefix *byte, prefixLen uint32, cursor *byte, cursorLen, flags uint32, out *byte, outCap uint32) int64

//go:wasmimport notary_sto_v1 payload_read
func payloadRead(handle, offset uint32, out *byte, outCap uint32) int32

//go:wasmimport notary_sto_v1 payload_new
func payloadNew(ptr *byte, n uint32) int32

//go:wasmimport notary_sto_v1 payload_slice
func payloadSlice(handle, offset, n uint32) int32

//go:wasmimport notary_sto_v1 payload_free
func payloadFree(handle uint32) int32

// result splits what a host function returned.
func result(v int64) (int64, error) {
	if v < 0 {
		return 0, Errno(-v)
	}
	return v, nil
}

func size[T any](s []T) uint32 { return uint32(len(s)) }

type hostBlobs struct{}

func (hostBlobs) Put(key []byte, handles []uint32, replace bool) error {
	flags := uint32(1)
	if replace {
		flags = 2
	}
	_, err := result(int64(blobPut(unsafe.SliceData(key), size(key), unsafe.SliceData(handles), size(handles), flags)))
	return err
}

func (hostBlobs) Get(key []byte) (handle, length uint32, err error) {
	v, err := result(blobGet(unsafe.SliceData(key), size(key)))
	return uint32(v >> 32), uint32(v), err
}

func (hostBlobs) List(prefix, cursor []byte, descending bool, out []byte) (int, error) {
	flags := uint32(0)
	if descending {
		flags = 1
	}
	v, err := result(blobList(unsafe.SliceData(prefix), size(prefix), unsafe.SliceData(cursor), size(cursor), flags,
		unsafe.SliceData(out), size(out)))
	return int(v), err
}

func (hostBlobs) Delete(key []byte) error {
	_, err := result(int64(blobDelete(unsafe.SliceData(key), size(key))))
	return err
}

type hostPayloads struct{}

func (hostPayloads) Read(handle, offset uint32, out []byte) (int, error) {
	v, err := result(int64(payloadRead(handle, offset, unsafe.SliceData(out), size(out))))
	return int(v), err
}

func (hostPayloads) New(b []byte) (uint32, error) {
	v, err := result(int64(payloadNew(unsafe.SliceData(b), size(b))))
	return uint32(v), err
}

func (hostPayloads) Slice(handle, offset, length uint32) (uint32, error) {
	v, err := result(int64(payloadSlice(handle, offset, length)))
	return uint32(v), err
}

func (hostPayloads) Free(handle uint32) error {
	_, err := result(int64(payloadFree(handle)))
	return err
}

type hostDatabase struct{ params, out []byte }

func (d *hostDatabase) Exec(statement int, payloads uint32, params ...abi.SQLValue) (Rows, error) {
	d.params = abi.AppendSQL(d.params[:0], params...)
	v, err := result(sqlExec(uint32(statement), unsafe.SliceData(d.params), size(d.params), unsafe.SliceData(d.out), size(d.out), payloads))
	if err != nil {
		return Rows{}, err
	}
	values, err := abi.DecodeSQL(d.out[:uint32(v)])
	if err != nil {
		return Rows{}, Errno(abi.ErrnoInvalid)
	}
	return Rows{values, int(v >> 32)}, nil
}

type hostEndpoints struct{ request, out []byte }

func (e *hostEndpoints) Do(endpoint int, r *abi.HTTPRequest) (*abi.HTTPResponse, error) {
	e.request = abi.AppendHTTPRequest(e.request[:0], r)
	n, err := result(httpDo(uint32(endpoint), unsafe.SliceData(e.request), size(e.request), unsafe.SliceData(e.out), size(e.out)))
	if err != nil {
		return nil, err
	}
	response, err := abi.DecodeHTTPResponse(e.out[:n])
	if err != nil {
		return nil, Errno(abi.ErrnoInvalid)
	}
	return response, nil
}

type hostStreams struct{}

func (hostStreams) Append(key []byte, first, last uint64, body, slots []uint32) error {
	handles := append(append(make([]uint32, 0, len(body)+len(slots)), body...), slots...)
	_, err := result(int64(streamAppend(unsafe.SliceData(key), size(key), first, last, unsafe.SliceData(handles), size(handles), size(slots))))
	return err
}

func (hostStreams) Find(key []byte, number uint64) (abi.Record, error) {
	var out [abi.RecordSize]byte
	if _, err := result(int64(streamFind(unsafe.SliceData(key), size(key), number, &out[0]))); err != nil {
		return abi.Record{}, err
	}
	return abi.DecodeRecord(out[:])
}

func (hostStreams) Body(key []byte, first uint64) (handle, length uint32, err error) {
	v, err := result(streamRead(unsafe.SliceData(key), size(key), first, 0))
	return uint32(v >> 32), uint32(v), err
}

func (hostStreams) Slot(key []byte, first uint64, n int) (handle, length uint32, err error) {
	v, err := result(streamRead(unsafe.SliceData(key), size(key), first, uint32(n)+1))
	return uint32(v >> 32), uint32(v), err
}

func (hostStreams) Erase(key []byte, first uint64, n int) error {
	_, err := result(int64(streamErase(unsafe.SliceData(key), size(key), first, uint32(n)+1)))
	return err
}

func (hostStreams) List(prefix, cursor []byte, descending bool, out []byte) (int, error) {
	flags := uint32(0)
	if descending {
		flags = 1
	}
	v, err := result(streamList(unsafe.SliceData(prefix), size(prefix), unsafe.SliceData(cursor), size(cursor), flags,
		unsafe.SliceData(out), size(out)))
	return int(v), err
}
