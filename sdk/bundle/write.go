package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/veriproof/notary/sdk/receipt"
)

// Records yields disclosed records, each an encoded receipt.Opening, by rising leaf
// index, and ends with the error of yield if there is one. Each time it is called it
// yields the same; the bytes are used only until yield returns.
type Records func(yield func(index uint64, opening []byte) error) error

// Encode returns the bundle file, of at most MaxSize bytes. The same bundle gives the
// same bytes, always.
func (b *Bundle) Encode() ([]byte, error) {
	var out bytes.Buffer
	if err := b.write(&out, nil, MaxSize); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Write writes the bundle file, of at most MaxFileSize bytes, with records in place of
// b.Records, which must be nil if records is not. It calls records twice, once to name
// their digests and once to write them, and holds none of them: the memory that it takes
// is that of the largest record, and about 300 bytes for each. The bytes are those of
// Encode with the same records.
func (b *Bundle) Write(w io.Writer, records Records) error {
	return b.write(w, records, MaxFileSize)
}

func (b *Bundle) write(w io.Writer, records Records, limit int64) error {
	if err := b.complete(); err != nil {
		return fmt.Errorf("%w: %w", ErrBundle, err)
	}
	switch {
	case records == nil:
		records = b.ownRecords
	case b.Records != nil:
		return fmt.Errorf("%w: records are given twice", ErrBundle)
	}
	wr := &writer{w: w, limit: limit}
	walk := func(f func(name string, data []byte) error) error { return b.walk(records, f) }
	if err := walk(wr.measure); err != nil {
		return fmt.Errorf("%w: %w", ErrBundle, err)
	}
	list := listParts(wr.parts)
	if wr.size += sizeIn(manifestName, list) + endsSize(len(wr.parts)+1); wr.size > limit || len(list) > maxDataSize {
		return fmt.Errorf("%w: more than %d bytes", ErrBundle, limit)
	}
	if err := wr.member(entryOf(manifestName, list), list); err != nil {
		return err
	}
	if err := walk(wr.next); err != nil {
		return err
	}
	if wr.done != len(wr.parts) {
		return errors.New("bundle: fewer records the second time than the first")
	}
	_, err := w.Write(ends(wr.directory, wr.done+1, wr.offset, int64(len(wr.directory))))
	return err
}

// ownRecords yields the records that the bundle has in memory.
func (b *Bundle) ownRecords(yield func(uint64, []byte) error) error {
	for _, index := range slices.Sorted(maps.Keys(b.Records)) {
		if err := yield(index, b.Records[index]); err != nil {
			return err
		}
	}
	return nil
}

// walk calls f for each part but manifest.json, in the order of their names.
func (b *Bundle) walk(records Records, f func(name string, data []byte) error) error {
	fixed := b.fixedParts()
	i := 0
	for ; i < len(fixed) && fixed[i].name < recordsDir; i++ {
		if err := f(fixed[i].name, fixed[i].data); err != nil {
			return err
		}
	}
	next := uint64(0)
	err := records(func(index uint64, opening []byte) error {
		if index < next || index > maxRecord {
			return fmt.Errorf("record %d: indexes rise, and end at %d", index, uint64(maxRecord))
		}
		next = index + 1
		return f(recordName(index), opening)
	})
	for ; i < len(fixed) && err == nil; i++ {
		err = f(fixed[i].name, fixed[i].data)
	}
	return err
}

// A file is a part in memory.
type file struct {
	name string
	data []byte
}

// fixedParts are the parts that are no records, in order.
func (b *Bundle) fixedParts() []file {
	files := append(filled("", b.slots()), b.Sealer.files("")...)
	if b.Origin != nil {
		files = append(files, b.Origin.files(originDir)...)
	}
	slices.SortFunc(files, func(x, y file) int { return cmp.Compare(x.name, y.name) })
	return files
}

// A writer writes what it has measured.
type writer struct {
	w     io.Writer
	limit int64
	parts []measured
	size  int64 // of the file, but for manifest.json and the end

	offset    int64
	directory []byte
	done      int // parts that are written
	head      []byte
}

type measured struct {
	entry
	sum [sha256.Size]byte
}

// sizeIn is how many bytes a part takes of the file, headers included.
func sizeIn(name string, data []byte) int64 {
	return localSize + centralSize + 2*int64(len(name)) + int64(len(data))
}

// measure comes before anything is hashed for what is too large.
func (w *writer) measure(name string, data []byte) error {
	if len(w.parts)+2 > maxFiles {
		return fmt.Errorf("more than %d files", maxFiles)
	}
	if w.size += sizeIn(name, data); w.size > w.limit || len(data) > maxDataSize {
		return fmt.Errorf("more than %d bytes, with %s", w.limit, name)
	}
	// What is written must be read again as the same part; records have their numbers.
	if !strings.HasPrefix(name, recordsDir) && !new(Bundle).set(name, data) {
		return fmt.Errorf("%.200q cannot be the name of a part", name)
	}
	w.parts = append(w.parts, measured{entryOf(name, data), sha256.Sum256(data)})
	return nil
}

// next writes the next part, which must be the one that was measured.
func (w *writer) next(name string, data []byte) error {
	if w.done == len(w.parts) || w.parts[w.done].name != name || w.parts[w.done].sum != sha256.Sum256(data) {
		return fmt.Errorf("bundle: %s is another the second time than the first", name)
	}
	w.done++
	return w.member(w.parts[w.done-1].entry, data)
}

func (w *writer) member(e entry, data []byte) error {
	w.head = e.local(w.head[:0])
	w.directory = e.central(w.directory, w.offset)
	w.offset += e.length()
	if _, err := w.w.Write(w.head); err != nil {
		return err
	}
	_, err := w.w.Write(data)
	return err
}

// The text of manifest.json around its list of parts.
const (
	listHead = `{"format":"1","media_type":"` + MediaType + `","parts":[`
	listTail = `]}`
)

// appendListed appends what manifest.json says of the n-th part, counting from 0. Names of
// parts have no character that JSON would escape; of a file in which one has, the name is
// refused next.
func appendListed(b []byte, n int, name string, sum receipt.Hash) []byte {
	if n > 0 {
		b = append(b, ',')
	}
	b = append(append(append(b, `{"path":"`...), name...), `","sha256":"`...)
	return append(hex.AppendEncode(b, sum[:]), `"}`...)
}

// listParts makes manifest.json of the other parts, which are in order.
func listParts(parts []measured) []byte {
	list := append(make([]byte, 0, len(listHead)+len(parts)*128+len(listTail)), listHead...)
	for i := range parts {
		list = appendListed(list, i, parts[i].name, parts[i].sum)
	}
	return append(list, listTail...)
}
