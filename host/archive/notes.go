package archive

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"syscall"
	"time"

	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// ErrNotes says that notes cannot be gone on from: they are no notes, or storage is
// not any more what they were made of.
var ErrNotes = errors.New("notes of an interrupted scan")

// Notes are a file in which a scan keeps what it has read, without ciphertexts, so
// that another goes on where it was interrupted. The other checks chains and
// signatures of the notes again, and that storage still has the last entry that was
// noted of each epoch. What it does not do is read again the entries before.
//
// The file is a line that names the form, the time in 8 bytes of Unix seconds, and
// records, each of them u32 length || CRC-32C of what follows || entries, integers in
// big endian. A record is some chunks of an epoch that end with a signature. An entry is
// in its encoding, that of a segment without the body, but behind it a frame with the
// body up to the leaves. Records are appended. One that was cut off is dropped.
//
// Whoever can write the file decides what leaves of sessions the next scan sees: keep
// it where nobody else writes. Notes are for one scan at a time.
type Notes struct {
	// Since is when the notes were begun, and Reused how many entries the last scan
	// took from them.
	Since  time.Time
	Reused uint64

	file    *os.File
	w       *bufio.Writer
	records map[receipt.Epoch][]extent
	err     error
}

// An extent is where the entries of a record are in the file.
type extent struct {
	at int64
	n  uint32
}

const (
	notesForm  = "veriproof-notary/audit-notes/v1\n"
	notesStart = len(notesForm) + 8
	// maxNote bounds a record: chunks that are read together have at most a few bodies.
	maxNote = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenNotes opens the notes in a file, or begins them.
func OpenNotes(name string, now time.Time) (*Notes, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	n := &Notes{file: f, records: make(map[receipt.Epoch][]extent)}
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: another scan is using them", ErrNotes)
	}
	if err == nil {
		err = n.open(now)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return n, nil
}

func (n *Notes) open(now time.Time) error {
	head := make([]byte, notesStart)
	switch read, err := io.ReadFull(n.file, head); {
	case err == nil && string(head[:len(notesForm)]) != notesForm, err != nil && read > 0 && (read < len(notesForm) || string(head[:len(notesForm)]) != notesForm):
		return fmt.Errorf("%w: the file is something else", ErrNotes)
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		head = binary.BigEndian.AppendUint64([]byte(notesForm), uint64(now.Unix()))
		if _, err := n.file.WriteAt(head, 0); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	n.Since = time.Unix(int64(binary.BigEndian.Uint64(head[len(notesForm):])), 0)
	end, err := n.index()
	if err != nil {
		return err
	}
	if err := n.file.Truncate(end); err != nil {
		return err
	}
	_, err = n.file.Seek(end, io.SeekStart)
	n.w = bufio.NewWriterSize(n.file, 1<<20)
	return err
}

// index finds the whole records, and where they end.
func (n *Notes) index() (end int64, err error) {
	end = int64(notesStart)
	if _, err := n.file.Seek(end, io.SeekStart); err != nil {
		return 0, err
	}
	in := bufio.NewReaderSize(n.file, 1<<20)
	var head [8]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return end, ended(err)
		}
		size := binary.BigEndian.Uint32(head[:])
		if size < 17 || size > maxNote {
			return end, nil
		}
		raw := make([]byte, size)
		if _, err := io.ReadFull(in, raw); err != nil {
			return end, ended(err)
		}
		if crc32.Checksum(raw, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
			return end, nil
		}
		epoch := receipt.Epoch(raw[1:17]) // behind an entry's format
		n.records[epoch] = append(n.records[epoch], extent{end + 8, size})
		end += 8 + int64(size)
	}
}

// ended leaves out that a file ends.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

// Close writes what is not written yet.
func (n *Notes) Close() error { return errors.Join(n.err, n.w.Flush(), n.file.Close()) }

// appendNote appends an entry as notes have it.
func appendNote(b []byte, e *format.Entry) []byte {
	if e.Kind != format.KindSegment {
		return e.Append(b)
	}
	bare := *e
	bare.Body = nil
	b = bare.Append(b)
	s, err := format.ParseSegment(e.Body)
	if err != nil { // not of an entry that was taken over
		return binary.BigEndian.AppendUint32(b, 0)
	}
	body := e.Body[:len(e.Body)-len(s.Ciphertext)]
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
}

// parseNote reads an entry of a note, and returns what follows it.
func parseNote(b []byte) (e *format.Entry, rest []byte, err error) {
	e, rest, err = format.Decode(b)
	if err != nil || e.Kind != format.KindSegment {
		return e, rest, err
	}
	if len(rest) < 4 || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-4) {
		return nil, nil, fmt.Errorf("%w: entry %d is cut short", ErrNotes, e.Seq)
	}
	n := binary.BigEndian.Uint32(rest)
	e.Body = rest[4 : 4+n]
	return e, rest[4+n:], nil
}

// add notes entries of one epoch. That it cannot is said by Close: the scan goes on.
func (n *Notes) add(entries []byte) {
	if n.err != nil || len(entries) > maxNote {
		return
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(entries)))
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(entries, castagnoli))
	if _, n.err = n.w.Write(head); n.err == nil {
		_, n.err = n.w.Write(entries)
	}
}

// resume takes over what is noted of an epoch.
func (s *scanner) resume(ctx context.Context, e *Epoch, r *format.Reader) error {
	for _, x := range s.notes.records[e.ID] {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		raw := make([]byte, x.n)
		if _, err := s.notes.file.ReadAt(raw, x.at); err != nil {
			return fmt.Errorf("read notes: %w", err)
		}
		var group []*format.Entry
		for rest := raw; len(rest) > 0; {
			entry, after, err := parseNote(rest)
			if err == nil {
				group, err = s.entry(e, r, group, entry)
			}
			if err != nil {
				return fmt.Errorf("%w: epoch %v: %w", ErrNotes, e.ID, err)
			}
			s.notes.Reused++
			rest = after
		}
		if len(group) > 0 {
			return fmt.Errorf("%w: epoch %v: a record ends without a signature", ErrNotes, e.ID)
		}
	}
	if e.Next == 0 {
		return nil
	}
	last, err := Entry(ctx, s.a.store, e.ID, e.Next-1)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w: what was noted cannot be read again: %w", ErrNotes, err)
	}
	if last.Chain != e.Chain {
		return fmt.Errorf("%w: storage has another entry %d of epoch %v than was noted", ErrNotes, e.Next-1, e.ID)
	}
	return nil
}
