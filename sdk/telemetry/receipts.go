package telemetry

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/veriproof/notary/sdk/receipt"
)

// A Receipt is what the notary has signed about one part of a session, checked.
type Receipt struct {
	// JWS is the receipt as it was signed. Keep it ([Options.Receipts]): it can be
	// compared with a bundle's years later.
	JWS string
	// Manifest is what it says.
	Manifest *receipt.Manifest
	// LogIndex is where the log has the commitment, nil if that is not known.
	LogIndex *uint64

	key        ed25519.PublicKey // that has signed
	commitment receipt.Hash
}

// ErrReceipt: a receipt that the attested key has not signed, or that is not of the
// part that the notary, or the name of its file, says.
var ErrReceipt = errors.New("telemetry: the receipt does not hold")

// An Equivocation error says that there are two different receipts for one part of one
// session in one epoch. A part is sealed once, so the notary, or who has its key, has
// said two things. Both are signed: together they show that to anyone.
type Equivocation struct {
	Part receipt.PartID
	// Receipts are the two.
	Receipts [2]Receipt
	// Fields are the members of the manifest in which they differ, by their names in
	// JSON, with a dot between levels: "root", "host_clock.sealed_unix_nano".
	Fields []string
}

func (e *Equivocation) Error() string {
	return fmt.Sprintf("telemetry: two receipts for part %d of a session in epoch %v, which differ in %s: keep both, they show that the notary has said two things",
		e.Part.Part, e.Part.Epoch, strings.Join(e.Fields, ", "))
}

// CheckReceipt checks a receipt that comes from elsewhere, a bundle or a file, against the
// signing key of the epoch that sealed the part. It asks nobody. The key is that of
// an appraisal or a verified bundle: RuntimeData.SigningKey. The error is an [ErrReceipt].
func CheckReceipt(jws string, key ed25519.PublicKey) (Receipt, error) {
	manifest, m, err := receipt.Verify(jws, key)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return Receipt{JWS: jws, Manifest: m, key: key, commitment: receipt.Commitment(manifest)}, nil
}

// Compare says whether two receipts are of the same part: of one session, in one epoch,
// with one number. If they are, and do not state the same, the error is an
// [*Equivocation]. Both must come from [Session.Receipts], [ReadReceipts] or
// [CheckReceipt]: what nobody signed shows nothing.
func Compare(a, b Receipt) (samePart bool, err error) {
	if a.key == nil || b.key == nil {
		return false, fmt.Errorf("%w: it was not checked before it was compared, see CheckReceipt", ErrReceipt)
	}
	part := partOf(a.Manifest)
	if part != partOf(b.Manifest) {
		return false, nil
	}
	if fields := differences("", reflect.ValueOf(*a.Manifest), reflect.ValueOf(*b.Manifest)); fields != nil {
		return true, &Equivocation{part, [2]Receipt{a, b}, fields}
	}
	return true, nil
}

func partOf(m *receipt.Manifest) receipt.PartID {
	return receipt.PartID{Epoch: m.Origin.Epoch, Handle: m.Handle, Part: m.Part}
}

// differences names the members, by their JSON names, in which two structs differ.
func differences(prefix string, a, b reflect.Value) (names []string) {
	for i := range a.NumField() {
		name, x, y := prefix+a.Type().Field(i).Tag.Get("json"), a.Field(i), b.Field(i)
		switch {
		case x.Equal(y):
		case x.Kind() == reflect.Struct:
			names = append(names, differences(name+".", x, y)...)
		default:
			names = append(names, name)
		}
	}
	return names
}

// ReadReceipts returns the receipts of a part that a client kept in dir
// ([Options.Receipts]), each checked anew against key as [CheckReceipt] does, and asks
// nobody. There is one, unless the notary has said two things: then all are returned, with
// an [*Equivocation] error. A file that was changed is an [ErrReceipt], and is left out.
// If there is none, the error is an [fs.ErrNotExist].
func ReadReceipts(dir string, part receipt.PartID, key ed25519.PublicKey) ([]Receipt, error) {
	folder := partFolder(dir, part)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("telemetry: reading kept receipts: %w", err)
	}
	var out []Receipt
	var errs []error
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), extension) {
			continue // what a crash left of a file that was not whole
		}
		r, err := readReceipt(filepath.Join(folder, e.Name()), part, key)
		if err != nil {
			errs = append(errs, fmt.Errorf("kept as %s: %w", e.Name(), err))
			continue
		}
		if len(out) > 0 {
			if _, err := Compare(out[0], r); err != nil {
				errs = append(errs, err)
			}
		}
		out = append(out, r)
	}
	if len(out)+len(errs) == 0 {
		return nil, fmt.Errorf("telemetry: no receipt is kept in %s: %w", folder, fs.ErrNotExist)
	}
	return out, errors.Join(errs...)
}

func readReceipt(name string, part receipt.PartID, key ed25519.PublicKey) (Receipt, error) {
	f, err := os.Open(name)
	if err != nil {
		return Receipt{}, err
	}
	defer f.Close()
	jws, err := io.ReadAll(io.LimitReader(f, receipt.MaxReceipt+1))
	if err != nil {
		return Receipt{}, err
	}
	r, err := CheckReceipt(string(jws), key)
	if err != nil {
		return Receipt{}, err
	}
	if partOf(r.Manifest) != part {
		return Receipt{}, fmt.Errorf("%w: it is of another part", ErrReceipt)
	}
	if filename(r) != filepath.Base(name) {
		return Receipt{}, fmt.Errorf("%w: its commitment is not the one that names the file", ErrReceipt)
	}
	return r, nil
}

// extension is that of files with a compact JWS.
const extension = ".jws"

// partFolder is where receipts of a part are kept: two of them meet there, without an index.
func partFolder(dir string, p receipt.PartID) string {
	return filepath.Join(dir, fmt.Sprintf("%v-%v-%d", p.Epoch, p.Handle, p.Part))
}

func filename(r Receipt) string { return r.commitment.String() + extension }

// keep writes a receipt beside those of its part, and then compares all that are there. In
// this order, of two processes that keep two different receipts one at least sees both.
func keep(dir string, r Receipt) error {
	part := partOf(r.Manifest)
	folder := partFolder(dir, part)
	if err := write(folder, filename(r), r.JWS); err != nil {
		return fmt.Errorf("telemetry: keeping a receipt: %w", err)
	}
	_, err := ReadReceipts(dir, part, r.key)
	return err
}

// keepNew keeps those that are not as they were when last asked for, and goes on after an
// error: evidence of one part does not wait for another's.
func keepNew(dir string, before, now []Receipt) error {
	var errs []error
	for i, r := range now {
		if i >= len(before) || before[i].JWS != r.JWS {
			errs = append(errs, keep(dir, r))
		}
	}
	return errors.Join(errs...)
}

// write makes a file that is whole and durable when it has its name, and leaves one that
// already has it alone: a link, unlike a rename, replaces nothing.
func write(folder, name, data string) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), filepath.Join(folder, name)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(syncDir(folder), syncDir(filepath.Dir(folder)))
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
