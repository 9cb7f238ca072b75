package plugintest

import (
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// Host is the notary's side of the capabilities "blob", "stream" ([Host.Streams]),
// "payload" and "http", in memory. It is safe for concurrent use; handles of all callers
// share one table.
type Host struct {
	// Handlers answer the endpoints, by their numbers in the manifest.
	Handlers []http.Handler

	// Fault, if not nil, is asked before each call, by the name of the import
	// ("blob_put"), whether it fails.
	Fault func(call string) Fault

	mu      sync.Mutex
	objects map[string][]byte
	streams map[string][]StreamRecord
	handles map[uint32][]byte
	last    uint32
}

// Fault is how a host function fails.
type Fault int

// The ways to fail. In both the caller is told [abi.ErrnoIO].
const (
	NoFault Fault = iota
	// FailBefore fails without having done anything.
	FailBefore
	// FailAfter does its work and fails all the same: the answer was lost.
	FailAfter
)

// NewHost returns a host without objects.
func NewHost() *Host {
	return &Host{objects: map[string][]byte{}, streams: map[string][]StreamRecord{}, handles: map[uint32][]byte{}}
}

// Handle makes a handle for a request, as the notary does for its ciphertext.
func (h *Host) Handle(b []byte) uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.handle(slices.Clone(b))
}

func (h *Host) handle(b []byte) uint32 {
	h.last++
	h.handles[h.last] = b
	return h.last
}

// Bytes returns what a handle of a reply stands for.
func (h *Host) Bytes(handle uint32) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.handles[handle])
}

// EndCall forgets all handles, as the notary does after each call.
func (h *Host) EndCall() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.handles)
}

// Objects returns a copy of what is stored.
func (h *Host) Objects() map[string][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.objects)
}

// do runs one call under the lock and gives it the fault that is asked for.
func (h *Host) do(call string, work func() error) error {
	fault := NoFault
	if h.Fault != nil {
		fault = h.Fault(call)
	}
	if fault == FailBefore {
		return storage.Errno(abi.ErrnoIO)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	err := work()
	if fault == FailAfter {
		return storage.Errno(abi.ErrnoIO)
	}
	return err
}

// Put implements storage.Blobs.
func (h *Host) Put(key []byte, handles []uint32, replace bool) error {
	return h.do("blob_put", func() error {
		if !abi.ValidBlobKey(key) {
			return storage.Errno(abi.ErrnoInvalid)
		}
		var object []byte
		for _, n := range handles {
			b, ok := h.handles[n]
			if !ok {
				return storage.Errno(abi.ErrnoHandle)
			}
			if object = append(object, b...); len(object) > abi.MaxBlob {
				return storage.Errno(abi.ErrnoTooBig)
			}
		}
		if _, exists := h.objects[string(key)]; exists && !replace {
			return storage.ErrExist
		}
		h.objects[string(key)] = object
		return nil
	})
}

// Get implements storage.Blobs.
func (h *Host) Get(key []byte) (handle, length uint32, err error) {
	err = h.do("blob_get", func() error {
		b, ok := h.objects[string(key)]
		if !ok {
			return storage.ErrNoEntry
		}
		handle, length = h.handle(b), uint32(len(b))
		return nil
	})
	return handle, length, err
}

// List implements storage.Blobs.
func (h *Host) List(prefix, cursor []byte, descending bool, out []byte) (n int, err error) {
	err = h.do("blob_list", func() error {
		n, err = writeKeys(h.objects, prefix, cursor, descending, out)
		return err
	})
	return n, err
}

// Delete implements storage.Blobs.
func (h *Host) Delete(key []byte) error {
	return h.do("blob_delete", func() error {
		if _, ok := h.objects[string(key)]; !ok {
			return storage.ErrNoEntry
		}
		delete(h.objects, string(key))
		return nil
	})
}

// Read implements storage.Payloads.
func (h *Host) Read(handle, offset uint32, out []byte) (n int, err error) {
	err = h.do("payload_read", func() error {
		b, ok := h.handles[handle]
		if !ok {
			return storage.Errno(abi.ErrnoHandle)
		}
		if int64(offset) > int64(len(b)) {
			return storage.Errno(abi.ErrnoInvalid)
		}
		n = copy(out, b[offset:])
		return nil
	})
	return n, err
}

// New implements storage.Payloads.
func (h *Host) New(b []byte) (handle uint32, err error) {
	err = h.do("payload_new", func() error {
		handle = h.handle(slices.Clone(b))
		return nil
	})
	return handle, err
}

// Slice implements storage.Payloads.
func (h *Host) Slice(handle, offset, length uint32) (part uint32, err error) {
	err = h.do("payload_slice", func() error {
		b, ok := h.handles[handle]
		if !ok {
			return storage.Errno(abi.ErrnoHandle)
		}
		if uint64(offset)+uint64(length) > uint64(len(b)) {
			return storage.Errno(abi.ErrnoInvalid)
		}
		part = h.handle(b[offset : offset+length])
		return nil
	})
	return part, err
}

// Free implements storage.Payloads.
func (h *Host) Free(handle uint32) error {
	return h.do("payload_free", func() error {
		delete(h.handles, handle)
		return nil
	})
}
