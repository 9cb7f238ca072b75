package session

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/seal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Redactor finds what to mask in a batch of fields: the plugin set.
type Redactor interface {
	Redact(ctx context.Context, fields []pluginhost.Field) ([]pluginhost.Edit, error)
}

// A Log takes commitments: a commitlog.Log.
type Log interface {
	// Submit returns the C2SP tlog-proof of a commitment and its index, once a
	// signed checkpoint covers it. After an error it is submitted again.
	Submit(ctx context.Context, commitment [32]byte) (proof []byte, index uint64, err error)
}

// Options of a Notary. The fields up to Entry are required.
type Options struct {
	Store journal.Store
	// Redactor, which is nil exactly in mode none: then nothing looks at the texts, and
	// records are stored as they were sent.
	Redactor Redactor
	Log      Log
	Ring     *seal.Ring
	Key      ed25519.PrivateKey // signs positions and receipts
	Origin   receipt.Origin     // this epoch, as manifests name it
	// Entry is the body of entry 0. Heads and Lookup are filled in here.
	Entry format.EpochBody

	// Appraise decides whether to believe another epoch's journal, by its entry
	// 0: only then its receipts and fences count, and its open parts are sealed
	// on its behalf. nil believes none.
	Appraise func(*archive.Epoch) error
	// Scan reads storage at the start, with the options given, for who wants to see more of
	// it than the start does, such as what the log has of it. Of an error nothing is written
	// and nothing starts. nil is archive.Scan.
	Scan func(context.Context, journal.Store, archive.Options) (*archive.Archive, error)
	// Silence, if not 0, says that other notaries write to the storage, too. Then
	// an epoch is taken for dead when its head has not moved for so long, by this
	// notary's own clock; otherwise whatever has not ended is dead. All who share a
	// storage have the same Silence: each writes at least every third of it.
	Silence time.Duration
	// Shares returns the Silence of the notary that wrote an epoch, by its entry 0, or 0 if
	// that one does not share the storage. nil knows of none that does.
	Shares func(*archive.Epoch) time.Duration
	// Alive are epochs in the storage that this process still serves: a start
	// neither fences nor resumes them.
	Alive []receipt.Epoch
	// Fresh returns an error while the attestation has gone stale. nil never
	// does.
	Fresh func() error

	// Erasing is what notaries of one process share if they share a storage: epochs that
	// follow one another. nil makes one.
	Erasing ErasureLock

	// Waiting, if set, is called by Export with its context when all that is
	// left to do is to wait for storage, so that another export can have the
	// processor.
	Waiting func(context.Context)
	// Reserve, if set, is called by Export with the memory that the export will
	// need, before it is allocated. An error of it is the export's.
	Reserve func(ctx context.Context, bytes int64) error

	Walk otlpwire.Options
	// Linger is how long nothing must have come before a session is sealed that its
	// sender has ended in an export; 0 seals it at once.
	Linger time.Duration
	// Memory bounds what open parts, and those that were sealed a moment ago, take of it: keys,
	// trees, marks of records. Where it gets tight, parts of the tenant that has most are
	// sealed early. For a request of n records 4n KiB are enough, whatever their sessions.
	Memory     int64
	Idle       time.Duration
	MaxAge     time.Duration
	MaxBytes   int64
	WrapKeyAge time.Duration
	Checkpoint time.Duration
	// Copies asks what stands behind the storage for copies of keys that were destroyed.
	// The journal is told for each erasure. nil tells it nothing.
	Copies func(context.Context) Copies
	// Retention, if not 0, is how long after its sealing the key of a part is
	// destroyed, by the host's clock and unless its session is held; whichever epoch
	// received or sealed it.
	Retention time.Duration
	Journal   journal.Options
	// Now is the host's clock. It is used for idle times and for claims that
	// are marked as the host's; nothing is ordered by it.
	Now    func() time.Time
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	setDefault(&o.Idle, DefaultIdle)
	setDefault(&o.MaxAge, DefaultMaxAge)
	setDefault(&o.MaxBytes, DefaultMaxBytes)
	setDefault(&o.WrapKeyAge, DefaultWrapKeyAge)
	setDefault(&o.Checkpoint, DefaultCheckpoint)
	setDefault(&o.Memory, DefaultMemory)
	if o.Scan == nil {
		o.Scan = archive.Scan
	}
	if o.Shares == nil {
		o.Shares = func(*archive.Epoch) time.Duration { return 0 }
	}
	if o.Erasing == nil {
		o.Erasing = NewErasureLock()
	}
	if o.Fresh == nil {
		o.Fresh = func() error { return nil }
	}
	if o.Waiting == nil {
		o.Waiting = func(context.Context) {}
	}
	if o.Reserve == nil {
		o.Reserve = func(context.Context, int64) error { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
