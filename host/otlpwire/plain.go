package otlpwire

import "github.com/veriproof/notary/sdk/plugin/abi"

// plainPair enters and walks what nearly all attributes are, a key and one string or number
// in the shortest encoding and with nothing to complain of. It does that in one go; otherwise
// it does nothing and returns false.
func (w *walker) plainPair(f *field, at span) bool {
	m, c := f.sub, &w.req.Counts
	b, v := w.buf[at.lo:at.hi], m.fields[2].sub
	if len(b) < 2 || b[0] != m.fields[1].tag || b[1] >= 0x80 || w.depth+2 > w.lim.Depth || c.Messages+2 > w.lim.Messages {
		return false
	}
	value := 2 + int(b[1])
	if len(b) < value+2 || b[value] != m.fields[2].tag {
		return false
	}
	name := b[2:value]
	head, ok := plainLength(b[value+1:])
	value += 1 + head
	if b = b[min(value, len(b)):]; !ok || len(b) < 2 {
		return false
	}
	var text []byte
	switch b[0] {
	case v.fields[1].tag:
		head, ok := plainLength(b[1:])
		if text = b[min(1+head, len(b)):]; !ok || !validUTF8(text) {
			return false
		}
	case v.fields[2].tag, v.fields[3].tag:
		if _, next, err := w.varint(at.lo+value+1, at.hi); err != nil || next != at.hi {
			return false
		}
	case v.fields[4].tag:
		if len(b) != 9 {
			return false
		}
	default:
		return false
	}
	listed := !w.unlisted()
	if !validUTF8(name) || listed && w.tight && cap(w.req.Texts)-len(w.req.Texts) < 2 {
		return false
	}
	c.Messages, c.Depth = c.Messages+2, max(c.Depth, w.depth+2)
	key := span{at.lo + 2, at.lo + 2 + len(name)}
	if len(name) > 0 {
		c.Texts++
		if listed {
			w.list(Text{Start: uint32(key.lo), End: uint32(key.hi), Place: m.fields[1].place, Role: m.role})
		}
	}
	if f.hook == recordAttribute || f.hook == resourceAttribute {
		w.attribute(f, key, span{at.lo + value, at.hi}, len(w.req.Texts))
	}
	if len(text) == 0 {
		return true
	}
	c.Texts++
	if listed {
		role := w.role
		if f.hook != noHook && !w.blind {
			role = roleOf(name, abi.RoleOther)
		}
		if role == abi.RoleOther {
			role = v.role
		}
		w.list(Text{
			Start: uint32(at.hi - len(text)), End: uint32(at.hi), KeyStart: uint32(key.lo), KeyEnd: uint32(key.hi), Place: v.fields[1].place, Role: role,
		})
	}
	return true
}

// list adds a text of the record or context that the walk is in.
func (w *walker) list(t Text) {
	t.Owner, t.Index = w.owner, w.index()
	w.req.Texts = append(w.req.Texts, t)
}

// unlisted reports whether texts are counted here, and no more.
func (w *walker) unlisted() bool { return w.blind && w.owner == OfRecord }

// plainLength reads a length of at most two bytes, the shortest that it has, and reports
// whether it is that of all that follows it. It returns how many bytes it takes.
func plainLength(b []byte) (size int, ok bool) {
	switch {
	case len(b) > 0 && b[0] < 0x80:
		return 1, len(b) == 1+int(b[0])
	case len(b) > 1 && b[1] < 0x80 && b[1] > 0:
		return 2, len(b) == 2+(int(b[0]&0x7f)|int(b[1])<<7)
	}
	return 0, false
}
