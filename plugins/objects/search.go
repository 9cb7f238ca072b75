package objects

import (
	"encoding/binary"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// head returns the greatest seq of an epoch: that of its first name.
func (a *Adapter) head(place Place, kind byte, epoch [16]byte) (uint64, abi.StoStatus) {
	return a.least(place, kind, epoch, "", 0)
}

// floor returns the greatest seq up to a bound. In names that is the first one from a
// place on, which these services cannot be asked for: they list by prefix. So the
// names from there on are cut into prefixes: what shares all but two digits with the
// place is listed at once, and of what lies behind, the first name of each digit's range
// until there is one. A range that is far from the head is empty for small seqs.
func (a *Adapter) floor(place Place, kind byte, epoch [16]byte, seq uint64) (uint64, abi.StoStatus) {
	head, status := a.head(place, kind, epoch)
	if status != abi.StoOK || head <= seq {
		return head, status
	}
	target := ^seq
	digits := appendHex(nil, target, placeDigits)
	const near = placeDigits - 2
	at, status := a.least(place, kind, epoch, string(digits[:near]), target)
	if status != abi.StoNotFound {
		return at, status
	}
	for n := near - 1; n >= 0; n-- {
		for d := nibble(digits[n]) + 1; d < 16; d++ {
			at, status := a.least(place, kind, epoch, string(append(digits[:n:n], hexDigits[d])), 0)
			if status != abi.StoNotFound {
				return at, status
			}
		}
	}
	return 0, abi.StoNotFound
}

// least returns the seq of the first name whose place begins with the given digits and
// is not below the bound.
func (a *Adapter) least(place Place, kind byte, epoch [16]byte, digits string, bound uint64) (uint64, abi.StoStatus) {
	q := Query{Prefix: prefixOf(kind, epoch) + digits, Most: 1}
	if bound > 0 {
		q.Most = PageSize
	}
	var out uint64
	status := a.walk(place, &q, func(name string) bool {
		_, seq, ok := parseName(name)
		out = seq
		return !ok || ^seq < bound
	})
	return out, status
}

// walk calls f for each name of a listing until it returns false, and returns
// [abi.StoNotFound] if it never did.
func (a *Adapter) walk(place Place, q *Query, f func(name string) bool) abi.StoStatus {
	for {
		page, status := a.service.List(place, q)
		if status != abi.StoOK {
			return status
		}
		for _, name := range page.Names {
			if !f(name) {
				return abi.StoOK
			}
		}
		if q.Next = page.Next; q.Next == "" {
			return abi.StoNotFound
		}
		q.Most = PageSize
	}
}

// found is where a wrapped key stands.
type found struct {
	seq        uint64 // of the keys object
	object     Object
	start, end uint32 // of the record, header included
}

// find looks for a wrapped key, in the object that the hint points at and then in all
// others of the epoch, the youngest first. An erased key is not found, and not looked
// for any further.
func (a *Adapter) find(s *abi.Selector) (found, abi.StoStatus) {
	tried := false
	hint := uint64(0)
	if s.Seq > 0 {
		seq, status := a.floor(Keys, keysKind, s.Epoch, s.Seq)
		switch status {
		case abi.StoOK:
			if f, erased, status := a.search(s, seq); erased || status != abi.StoNotFound {
				return f, status
			}
			tried, hint = true, seq
		case abi.StoNotFound:
		default:
			return found{}, status
		}
	}
	var out found
	answer := abi.StoNotFound
	q := Query{Prefix: prefixOf(keysKind, s.Epoch), Most: PageSize}
	status := a.walk(Keys, &q, func(name string) bool {
		_, seq, ok := parseName(name)
		if !ok || tried && seq == hint {
			return true
		}
		var erased bool
		out, erased, answer = a.search(s, seq)
		return answer == abi.StoNotFound && !erased
	})
	if status == abi.StoOK {
		status = answer
	}
	return out, status
}

// search looks for a wrapped key in one object. An object that is no sequence of
// records cannot be said not to hold the key.
func (a *Adapter) search(s *abi.Selector, seq uint64) (f found, erased bool, status abi.StoStatus) {
	f.seq = seq
	if f.object, status = a.service.Read(Keys, nameOf(keysKind, s.Epoch, seq)); status != abi.StoOK {
		if status == abi.StoNotFound { // it was listed a moment ago
			status = abi.StoUnavailable
		}
		return f, false, status
	}
	var header [recordHeader]byte
	for f.end < f.object.Length {
		f.start = f.end
		n, err := a.payloads.Read(f.object.Handle, f.start, header[:])
		if err != nil {
			return f, false, storage.Status(err)
		}
		length := binary.LittleEndian.Uint32(header[52:])
		if n < recordHeader || uint64(f.start)+recordHeader+uint64(length) > uint64(f.object.Length) {
			return f, false, abi.StoUnavailable
		}
		f.end = f.start + recordHeader + length
		if [16]byte(header[:16]) != s.Epoch || [32]byte(header[16:48]) != s.Session || binary.LittleEndian.Uint32(header[48:]) != s.Part {
			continue
		}
		if length == 0 {
			return f, true, abi.StoNotFound
		}
		return f, false, abi.StoOK
	}
	if f.object.Handle != 0 {
		if err := a.payloads.Free(f.object.Handle); err != nil {
			return f, false, storage.Status(err)
		}
	}
	return f, false, abi.StoNotFound
}
