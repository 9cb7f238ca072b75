package plugintest

import (
	"slices"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// A StreamRecord is a record of a stream as [Host.StreamRecords] shows it. A slot that was
// erased is nil.
type StreamRecord struct {
	First, Last uint64
	Body        []byte
	Slots       [][]byte
}

// Streams is the host's side of the capability "stream", over the same handles.
func (h *Host) Streams() storage.Streams { return streams{h} }

// StreamRecords returns the records of a stream, oldest first.
func (h *Host) StreamRecords(key string) []StreamRecord {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.streams[key])
}

type streams struct{ h *Host }

func (s streams) Append(key []byte, first, last uint64, body, slots []uint32) error {
	return s.h.do("stream_append", func() error {
		r := StreamRecord{First: first, Last: last, Body: []byte{}}
		if !abi.ValidBlobKey(key) || first > last || len(slots) > abi.MaxSlots {
			return storage.Errno(abi.ErrnoInvalid)
		}
		for _, n := range body {
			b, ok := s.h.handles[n]
			if !ok {
				return storage.Errno(abi.ErrnoHandle)
			}
			if r.Body = append(r.Body, b...); len(r.Body) > abi.MaxBlob {
				return storage.Errno(abi.ErrnoTooBig)
			}
		}
		for _, n := range slots {
			b, ok := s.h.handles[n]
			switch {
			case !ok:
				return storage.Errno(abi.ErrnoHandle)
			case len(b) > abi.MaxSlot:
				return storage.Errno(abi.ErrnoInvalid)
			}
			r.Slots = append(r.Slots, append([]byte{}, b...))
		}
		list := s.h.streams[string(key)]
		if n := len(list); n > 0 && first <= list[n-1].Last {
			return storage.ErrExist
		} else if n > 0 && first != list[n-1].Last+1 {
			return storage.Errno(abi.ErrnoIO)
		}
		s.h.streams[string(key)] = append(list, r)
		return nil
	})
}

// at returns the record with the greatest first number up to the given one, or nil.
func (s streams) at(key []byte, number uint64) *StreamRecord {
	list := s.h.streams[string(key)]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].First <= number {
			return &list[i]
		}
	}
	return nil
}

func (s streams) Find(key []byte, number uint64) (found abi.Record, err error) {
	err = s.h.do("stream_find", func() error {
		r := s.at(key, number)
		if r == nil {
			return storage.ErrNoEntry
		}
		found = abi.Record{First: r.First, Last: r.Last, Body: uint32(len(r.Body)), Slots: uint32(len(r.Slots))}
		return nil
	})
	return found, err
}

func (s streams) Body(key []byte, first uint64) (handle, length uint32, err error) {
	err = s.h.do("stream_read", func() error {
		r := s.at(key, first)
		if r == nil || r.First != first {
			return storage.ErrNoEntry
		}
		handle, length = s.h.handle(r.Body), uint32(len(r.Body))
		return nil
	})
	return handle, length, err
}

// slot returns where a slot is; one that was erased is none.
func (s streams) slot(key []byte, first uint64, n int) (*[]byte, error) {
	r := s.at(key, first)
	if r == nil || r.First != first || n < 0 || n >= len(r.Slots) || r.Slots[n] == nil {
		return nil, storage.ErrNoEntry
	}
	return &r.Slots[n], nil
}

func (s streams) Slot(key []byte, first uint64, n int) (handle, length uint32, err error) {
	err = s.h.do("stream_read", func() error {
		b, err := s.slot(key, first, n)
		if err == nil {
			handle, length = s.h.handle(*b), uint32(len(*b))
		}
		return err
	})
	return handle, length, err
}

func (s streams) Erase(key []byte, first uint64, n int) error {
	return s.h.do("stream_erase", func() error {
		b, err := s.slot(key, first, n)
		if err == nil {
			*b = nil
		}
		return err
	})
}

func (s streams) List(prefix, cursor []byte, descending bool, out []byte) (n int, err error) {
	err = s.h.do("stream_list", func() error {
		n, err = writeKeys(s.h.streams, prefix, cursor, descending, out)
		return err
	})
	return n, err
}

// writeKeys is what both listings do.
func writeKeys[T any](all map[string]T, prefix, cursor []byte, descending bool, out []byte) (n int, err error) {
	if !abi.ValidBlobPrefix(prefix) || !abi.ValidBlobPrefix(cursor) || len(out) <= abi.MaxBlobKey {
		return 0, storage.Errno(abi.ErrnoInvalid)
	}
	var keys []string
	for k := range all {
		after := k > string(cursor)
		if descending {
			after = k < string(cursor) || len(cursor) == 0
		}
		if after && strings.HasPrefix(k, string(prefix)) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if descending {
		slices.Reverse(keys)
	}
	for _, key := range keys {
		if n+1+len(key) > len(out) {
			break
		}
		out[n] = byte(len(key))
		n += 1 + copy(out[n+1:], key)
	}
	return n, nil
}
