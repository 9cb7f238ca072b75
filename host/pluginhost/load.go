package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/host/stream"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Source is one plugin as the configuration names it.
type Source struct {
	// Name is the plugin's name, which its manifest has to repeat.
	Name string
	Kind abi.Kind
	// Module is the wasm binary with its manifest.
	Module []byte
	// Config is handed to the guest as it is. It is measured.
	Config []byte
	// SHA256 pins the module; nil pins nothing.
	SHA256 *[32]byte
	Limits Limits
}

// Options are what a set needs besides its plugins. What of it changes what becomes
// of the data, Rules and DoubleRun, is not part of the plugin set's digest: it
// stands in the notary's configuration file, whose digest is beside it in the
// runtime data.
type Options struct {
	// Rules say what becomes of the edits under a label, or under [AnyLabel]; a
	// label with neither is masked, whatever its score. Load refuses a label that
	// no redactor of the set has.
	Rules map[string]Rule
	// DoubleRun gives each batch to two instances of each redactor. If their edits
	// differ the request fails closed ([ReasonDiffers]).
	DoubleRun bool
	// BlobDir is the directory of the storage adapter's capabilities "blob" and "stream".
	// It is made if it does not exist.
	BlobDir string
	// Streams are options of the storage adapter's capability "stream".
	Streams stream.Options
	// Database is behind the storage adapter's capability "sql". It is the
	// caller's to close, after the set.
	Database Database
	// Endpoints are behind the storage adapter's capability "http", by the names in
	// its manifest: Load refuses an adapter that names another. They are the caller's
	// to close, after the set.
	Endpoints map[string]Endpoint
	// WithoutStorage loads a set to be looked at, and not to serve: the storage adapter
	// is configured, and neither given any storage nor asked to make it ready.
	WithoutStorage bool
	// Concurrency is the number of calls at a time in one redactor; 0 means
	// the number of processors.
	Concurrency int
	// StorageConcurrency is the number of calls at a time in the storage
	// adapter; 0 means 6.
	StorageConcurrency int
}

const (
	maxPlugins         = 16
	maxConfig          = 1 << 20
	defaultStorageSlot = 6 // three for what the journal writes, the others for who reads
)

// A Set is an ordered set of loaded and measured plugins: any number of
// redactors, and at most one storage adapter. It never changes; another set is
// another epoch. Its methods are safe for concurrent use.
type Set struct {
	plugins   []*plugin
	redactors []*plugin
	fieldwise int // how many of them are
	store     *Adapter
	dir       *blobDir
	streams   *stream.Dir

	closing  sync.Once
	closeErr error
}

// A plugin is one loaded module with its instances.
type plugin struct {
	name   string
	kind   abi.Kind
	labels []string
	// fieldwise: a redactor whose context is the field.
	fieldwise bool

	capabilities []string
	statements   []string
	needs        []string // names of endpoints

	limits    Limits
	digests   measurement
	runtime   wazero.Runtime
	compiled  wazero.CompiledModule
	mutable   []int
	image     image
	pool      *pool
	twin      *pool  // of the second run of each batch, or nil
	rules     []Rule // of a redactor, by label
	dir       *blobDir
	streams   *stream.Dir
	database  Database
	endpoints []endpoint

	mu       sync.Mutex
	counters Counters
}

// Load checks, measures, compiles and configures the plugins, in this order
// for each: pin, manifest, static limits, exports and imports, compilation in
// memory, _initialize, configure. Errors are of type [*LoadError]; nothing
// stays loaded then.
func Load(ctx context.Context, sources []Source, o Options) (*Set, error) {
	s := &Set{}
	if len(sources) > maxPlugins {
		return nil, fmt.Errorf("pluginhost: %d plugins, at most %d", len(sources), maxPlugins)
	}
	for i := range sources {
		if err := s.add(ctx, &sources[i], o, abi.ExportStoMigrate); err != nil {
			return nil, errors.Join(&LoadError{sources[i].Name, err}, s.Close(ctx))
		}
	}
	if err := s.applyRules(o.Rules); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// errNothingToInit says that an adapter makes nothing.
var errNothingToInit = errors.New("the adapter needs nothing made")

// ErrStorageVersion: a storage adapter says that the storage was made for another version of
// it. Nothing was changed there.
var ErrStorageVersion = errors.New("the storage was made for another version of the adapter")

// Init lets a storage adapter make what its storage needs, and reports whether there
// is anything to make. It is what an operator asks for, once; [Load] never does it.
func Init(ctx context.Context, src Source, o Options) (bool, error) {
	s := &Set{}
	err := s.add(ctx, &src, o, abi.ExportStoInit)
	closed := s.Close(ctx)
	switch {
	case errors.Is(err, errNothingToInit):
		return false, closed
	case err != nil:
		return false, errors.Join(&LoadError{src.Name, err}, closed)
	}
	return true, closed
}

func (s *Set) add(ctx context.Context, src *Source, o Options, last string) error {
	for _, p := range s.plugins {
		if p.name == src.Name {
			return errors.New("the name stands twice in the plugin set")
		}
	}
	m, limits, err := inspect(src)
	if err != nil {
		return err
	}
	p := &plugin{
		name: src.Name, kind: src.Kind, labels: m.manifest.Labels, fieldwise: m.manifest.Context == abi.ContextField, capabilities: m.manifest.Capabilities, statements: m.manifest.SQL, needs: m.manifest.Endpoints,
		limits: limits, digests: measure(src, limits), mutable: m.mutableGlobals(),
	}
	if err := s.place(p, m.manifest.Capabilities, o); err != nil {
		return err
	}
	s.plugins = append(s.plugins, p)
	if err := p.compile(ctx, m); err != nil {
		return err
	}
	if o.WithoutStorage {
		last = ""
	}
	return p.setUp(ctx, src.Config, last)
}

// place gives the plugin its part in the set, and what it needs there.
func (s *Set) place(p *plugin, capabilities []string, o Options) error {
	if p.kind == abi.KindRedactor {
		p.pool = newPool(orDefault(o.Concurrency, runtime.GOMAXPROCS(0)))
		if o.DoubleRun {
			// Its own pool: whoever holds an instance of the one waits for the other
			// only, and never the other way round.
			p.twin = newPool(cap(p.pool.slots))
		}
		s.redactors = append(s.redactors, p)
		if p.fieldwise {
			s.fieldwise++
		}
		return nil
	}
	if s.store != nil {
		return fmt.Errorf("the set has a storage adapter already: %s", s.store.p.name)
	}
	p.pool = newPool(orDefault(o.StorageConcurrency, defaultStorageSlot))
	s.store = &Adapter{p: p}
	if o.WithoutStorage {
		return nil
	}
	var err error
	if p.endpoints, err = endpointsOf(p.needs, o.Endpoints); err != nil {
		return err
	}
	p.database = o.Database
	return s.openDir(p, capabilities, o)
}

// openDir opens the operator's directory for what the adapter may do in it.
func (s *Set) openDir(p *plugin, capabilities []string, o Options) (err error) {
	if o.BlobDir == "" {
		return nil
	}
	if slices.Contains(capabilities, abi.CapabilityBlob) {
		if s.dir, err = openBlobDir(o.BlobDir); err != nil {
			return err
		}
		p.dir = s.dir
	}
	if slices.Contains(capabilities, abi.CapabilityStream) {
		if s.streams, err = stream.Open(o.BlobDir, o.Streams); err != nil {
			return err
		}
		p.streams = s.streams
	}
	return nil
}

func orDefault(n, d int) int {
	if n > 0 {
		return n
	}
	return d
}

// inspect does everything that can be done without running the module.
func inspect(src *Source) (*module, Limits, error) {
	if !abi.ValidName(src.Name) {
		return nil, Limits{}, errors.New("the name is not [a-z0-9-]{1,40}")
	}
	if src.Name == receipt.HostPlugin {
		return nil, Limits{}, errors.New("the name is the host's own in edit lists; choose another")
	}
	if len(src.Config) > maxConfig {
		return nil, Limits{}, fmt.Errorf("configuration of %d bytes, at most %d", len(src.Config), maxConfig)
	}
	if got := measure(src, Limits{}).wasm; src.SHA256 != nil && got != *src.SHA256 {
		return nil, Limits{}, &PinError{Want: *src.SHA256, Got: got}
	}
	m, err := parseModule(src.Module)
	if err != nil {
		return nil, Limits{}, err
	}
	if err := m.check(src.Name, src.Kind); err != nil {
		return nil, Limits{}, err
	}
	limits, err := src.Limits.resolve(m)
	return m, limits, err
}

// compile makes machine code of the metered module. Core features 2.0 and
// nothing experimental; the compiler and never the interpreter, which would
// crawl; no cache on disk, which would be machine code under the control of
// whoever has the disk.
func (p *plugin) compile(ctx context.Context, m *module) error {
	cfg := wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(p.limits.MemoryPages).WithDebugInfoEnabled(false).WithCustomSections(false)
	p.runtime = wazero.NewRuntimeWithConfig(ctx, cfg)
	if m.manifest.WASI == abi.WASIDeny {
		if err := instantiateHost(ctx, p.runtime, abi.ImportWASI, wasiFunctions); err != nil {
			return errors.Join(errEngine, err)
		}
	}
	if p.kind == abi.KindStorage {
		if err := instantiateHost(ctx, p.runtime, abi.ImportSto, stoFunctions); err != nil {
			return errors.Join(errEngine, err)
		}
	}
	if err := instantiateYield(ctx, p.runtime); err != nil {
		return errors.Join(errEngine, err)
	}
	metered, err := m.Meter(metering)
	if err != nil {
		return err
	}
	compiled, err := p.runtime.CompileModule(ctx, metered)
	if err != nil {
		return fmt.Errorf("the module is not valid core WebAssembly 2.0: %w", err)
	}
	p.compiled = compiled
	return nil
}

// Close waits for calls under way and frees everything. Later calls fail with
// [ReasonClosed].
func (s *Set) Close(ctx context.Context) error {
	s.closing.Do(func() { s.closeErr = s.close(ctx) })
	return s.closeErr
}

func (s *Set) close(ctx context.Context) error {
	var errs []error
	for _, p := range s.plugins {
		p.pool.close(ctx)
		if p.twin != nil {
			p.twin.close(ctx)
		}
		if p.runtime != nil {
			errs = append(errs, p.runtime.Close(ctx))
		}
		errs = append(errs, p.image.close())
	}
	if s.dir != nil {
		errs = append(errs, s.dir.close())
	}
	if s.streams != nil {
		errs = append(errs, s.streams.Close())
	}
	return errors.Join(errs...)
}

// Store returns the storage adapter, or nil if the set has none.
func (s *Set) Store() *Adapter { return s.store }
