package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"github.com/transparency-dev/tessera"
)

// A Place is where one of Tessera's drivers keeps a log, one that this package does not
// bring along: those of clouds need the clouds' libraries, see host/commitlog/cloud.
type Place struct {
	// Name says to people where it is.
	Name string
	// Files reads what is there, before anything is written.
	Files Files
	// Driver makes the driver, which asks witnesses by this client and nobody else.
	Driver func(ctx context.Context, witnesses *http.Client) (tessera.Driver, error)
}

// Placed is a log in a [Place]. It implements [Log]. Several processes with a copy of the
// key share one, if the driver allows it: Tessera's for AWS and GCP do.
type Placed struct{ *tree }

var _ Log = (*Placed)(nil)

// OpenPlace opens the log in a place, whose signing key is in dir. Where there is no
// checkpoint it begins a log, and makes a key if there is none.
func OpenPlace(ctx context.Context, p Place, dir, origin string, o Options) (_ *Placed, err error) {
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	_, err = p.Files.ReadCheckpoint(ctx)
	exists := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: %w", ErrDirectory, p.Name, err)
	}
	key, err := loadOrMakeKey(dir, origin, exists)
	if err != nil {
		return nil, err
	}
	t, err := newTree(key, o, func() error { return nil })
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.cancel() // and with it what the driver runs
		}
	}()
	if exists {
		if t.signer.last, err = lastPublished(p.Files, p.Name, t.signed); err != nil {
			return nil, err
		}
	}
	driver, err := p.Driver(t.ctx, t.http())
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDirectory, p.Name, err)
	}
	if !exists {
		if err := t.create(driver, p.Files); err != nil {
			return nil, err
		}
		// Of several that begin it at once, with a key of its own each, the one has it whose
		// checkpoint was the first: the others' signers sign none over it.
		if t.signer.last, err = lastPublished(p.Files, p.Name, t.signed); err != nil {
			return nil, err
		}
	}
	if err := t.start(driver, remoteInterval); err != nil {
		return nil, err
	}
	return &Placed{t}, nil
}

// Close implements [Log]. Closing twice is harmless.
func (l *Placed) Close() error {
	_, err := l.stop()
	return err
}
