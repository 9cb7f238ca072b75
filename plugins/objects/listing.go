package objects

import (
	"bytes"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// Bounds of a listing in XML.
const (
	// ListingRoom is the memory that a reader of listings takes when it is made: a
	// page of names with what services say about each.
	ListingRoom = 384 << 10
	// MaxListing is the greatest listing that is read, in bytes.
	MaxListing = 8 << 20
	// MaxMark is the greatest mark by which a listing is continued.
	MaxMark = 1 << 10
	maxTag  = 64
)

// Tags are the names of elements in a service's listing.
type Tags struct {
	Root         string // of the document
	Item, Name   string // an object, and in it its name
	Group, Begin string // what names share up to a delimiter, and in it that
	Next         string // by which to continue; empty or absent: there is no more
}

// A ListingReader reads the XML of listings. It is no parser of XML: it knows start
// tags, end tags, and text with the five entities that XML has. A document that breaks
// off is refused. Attributes and all other elements are passed over; a name that is not
// of our alphabet, or that is encoded, is none of ours.
type ListingReader struct {
	tags     Tags
	payloads storage.Payloads
	room     []byte
}

// NewListingReader returns a reader. It is made in configure, so that its memory is
// part of the image.
func NewListingReader(tags Tags, payloads storage.Payloads) *ListingReader {
	return &ListingReader{tags: tags, payloads: payloads, room: make([]byte, ListingRoom)}
}

// Read reads the listing behind a handle, which it gives back.
func (r *ListingReader) Read(handle, length uint32, grouped bool) (*Page, abi.StoStatus) {
	if handle == 0 || length > MaxListing {
		return nil, abi.StoUnavailable
	}
	room := r.room
	if int(length) > len(room) {
		room = make([]byte, length)
	}
	n, err := r.payloads.Read(handle, 0, room[:length])
	if err != nil || n != int(length) {
		return nil, abi.StoUnavailable
	}
	if err := r.payloads.Free(handle); err != nil {
		return nil, abi.StoUnavailable
	}
	page, ok := r.tags.parse(room[:n], grouped)
	if !ok {
		return nil, abi.StoUnavailable
	}
	return page, abi.StoOK
}

// parse reads a listing: the names of objects, or of groups.
func (t *Tags) parse(text []byte, grouped bool) (*Page, bool) {
	outer, inner := t.Item, t.Name
	if grouped {
		outer, inner = t.Group, t.Begin
	}
	page := &Page{}
	inside, complete := false, false
	for {
		open := bytes.IndexByte(text, '<')
		if open < 0 {
			return page, complete
		}
		text = text[open+1:]
		end := bytes.IndexByte(text, '>')
		if end < 0 {
			return nil, false
		}
		tag, value := string(text[:min(end, maxTag)]), text[end+1:]
		text = value
		if open := bytes.IndexByte(value, '<'); open >= 0 {
			value = value[:open]
		}
		switch {
		case tag == outer:
			inside = true
		case tag == "/"+outer:
			inside = false
		case tag == "/"+t.Root:
			complete = true
		case tag == inner && inside && abi.ValidBlobPrefix(value):
			page.Names = append(page.Names, string(value))
		case tag == t.Next:
			if len(value) > MaxMark {
				return nil, false
			}
			page.Next = unescape(string(value))
		}
	}
}

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

func unescape(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	return entities.Replace(s)
}

// Element returns the text of the first element of a name that has no attributes, or "".
func Element(text []byte, name string) string {
	_, after, found := bytes.Cut(text, []byte("<"+name+">"))
	if !found {
		return ""
	}
	value, _, found := bytes.Cut(after, []byte("<"))
	if !found {
		return ""
	}
	return unescape(string(value))
}
