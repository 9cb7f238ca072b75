package abi

import (
	"bytes"
	"slices"
	"strconv"
)

// ManifestSection is the name of the custom section that holds the manifest.
const ManifestSection = "notary.manifest"

// Bounds of a manifest.
const (
	// MaxManifest is the greatest length of a manifest in bytes.
	MaxManifest = 16 << 10
	// MaxLabels is the greatest number of labels.
	MaxLabels = 256
	// MaxName is the greatest length of a plugin's name in bytes.
	MaxName = 40
	// MaxLabel is the greatest length of a label in bytes.
	MaxLabel = 32
	// MaxVersion is the greatest length of a version in bytes.
	MaxVersion = 40
	// MaxMemoryPages is the greatest memory limit, in pages of 64 KiB.
	MaxMemoryPages = 4096
)

// WASI says what a module may import from [ImportWASI].
type WASI string

// The values of a manifest's wasi field.
const (
	// WASINone: nothing.
	WASINone WASI = "none"
	// WASIDeny: functions of [WASIFunctions], bound to a WASI that denies
	// everything: no files, arguments or environment, a clock that goes in
	// constant steps, random bytes that are zero, output that is dropped.
	WASIDeny WASI = "deny"
)

// Context says what a redactor looks at to answer for a field.
type Context string

// The values of a manifest's context field.
const (
	// ContextBatch, for which the manifest has no member: anything in the batch.
	ContextBatch Context = ""
	// ContextField: the field's text, key, role and format alone, neither its group nor
	// other fields. Of fields that have the same four, the host may give the redactor one.
	ContextField Context = "field"
)

// A Manifest is what a module says about itself, in the hashed bytes of the
// module. The host holds the module to it and grants nothing that it does not
// name.
type Manifest struct {
	// ABI is ABIRedactor or ABIStorage.
	ABI string
	// Capabilities of a storage adapter, sorted; a redactor has none.
	Capabilities []string
	// Context of a redactor; a storage adapter has none.
	Context Context
	// Endpoints are the names of those that an adapter with [CapabilityHTTP] asks, in
	// the order of their numbers: different, each [a-z0-9-]{1,40}. Without the
	// capability there are none.
	Endpoints []string
	Kind      Kind
	// Labels of a redactor's edits, in the order of their numbers.
	Labels []string
	Limits Limits
	// Name is the plugin's name: [a-z0-9-]{1,40}.
	Name string
	// Schema and SQL are the statements of an adapter with [CapabilitySQL]: those
	// that make its tables, which an operator runs, and those that it may have
	// executed, in the order of their numbers. Without the capability there are
	// none. See [ValidStatement].
	Schema, SQL []string
	// Version of the plugin: [0-9A-Za-z.+-]{1,40}.
	Version string
	WASI    WASI
}

// Limits are the bounds a module asks for. The host may set lower ones.
type Limits struct {
	// MemoryPages is the greatest size of the memory in pages of 64 KiB.
	MemoryPages uint32
}

// Marshal checks the manifest and returns its only encoding: compact JSON in
// ASCII with all keys, sorted at every level.
func (m *Manifest) Marshal() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, 256), `{"abi":"`...)
	b = append(b, m.ABI...)
	b = appendList(append(b, `","capabilities":`...), m.Capabilities)
	if m.Context != ContextBatch {
		b = append(append(append(b, `,"context":"`...), m.Context...), '"')
	}
	if m.has(CapabilityHTTP) {
		b = appendList(append(b, `,"endpoints":`...), m.Endpoints)
	}
	b = append(append(b, `,"kind":"`...), m.Kind...)
	b = appendList(append(b, `","labels":`...), m.Labels)
	b = append(b, `,"limits":{"memory_pages":`...)
	b = strconv.AppendUint(b, uint64(m.Limits.MemoryPages), 10)
	b = append(append(append(b, `},"name":"`...), m.Name...), `",`...)
	if m.has(CapabilitySQL) {
		b = append(appendList(append(b, `"schema":`...), m.Schema), ',')
		b = append(appendList(append(b, `"sql":`...), m.SQL), ',')
	}
	b = append(append(b, `"version":"`...), m.Version...)
	b = append(append(b, `","wasi":"`...), m.WASI...)
	b = append(b, `"}`...)
	if len(b) > MaxManifest {
		return nil, malformed("manifest of " + dec(len(b)) + " bytes, at most " + dec(MaxManifest))
	}
	return b, nil
}

func appendList(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), s...), '"')
	}
	return append(b, ']')
}

func (m *Manifest) check() error {
	switch {
	case !ValidName(m.Name):
		return malformed("manifest: name is not [a-z0-9-]{1,40}")
	case !spelled(m.Version, MaxVersion, "0-9A-Za-z.+-"):
		return malformed("manifest: version is not [0-9A-Za-z.+-]{1,40}")
	case m.WASI != WASINone && m.WASI != WASIDeny:
		return malformed("manifest: wasi is neither none nor deny")
	case m.Limits.MemoryPages == 0 || m.Limits.MemoryPages > MaxMemoryPages:
		return malformed("manifest: memory_pages is not in 1 to " + dec(MaxMemoryPages))
	}
	switch m.Kind {
	case KindRedactor:
		return m.checkRedactor()
	case KindStorage:
		return m.checkStorage()
	}
	return malformed("manifest: kind is neither redactor nor storage")
}

func (m *Manifest) checkRedactor() error {
	switch {
	case m.ABI != ABIRedactor:
		return malformed("manifest: abi of a redactor is not " + ABIRedactor)
	case len(m.Capabilities) != 0:
		return malformed("manifest: a redactor has no capabilities")
	case m.Context != ContextBatch && m.Context != ContextField:
		return malformed("manifest: context is not " + string(ContextField))
	case len(m.Schema)+len(m.SQL) != 0:
		return malformed("manifest: a redactor has no statements")
	case len(m.Endpoints) != 0:
		return malformed("manifest: a redactor has no endpoints")
	case len(m.Labels) == 0 || len(m.Labels) > MaxLabels:
		return malformed("manifest: " + dec(len(m.Labels)) + " labels, not 1 to " + dec(MaxLabels))
	}
	seen := make(map[string]bool, len(m.Labels))
	for _, l := range m.Labels {
		if !spelled(l, MaxLabel, "0-9A-Z_") || seen[l] {
			return malformed("manifest: a label is not [0-9A-Z_]{1,32} or stands twice")
		}
		seen[l] = true
	}
	return nil
}

func (m *Manifest) checkStorage() error {
	switch {
	case m.ABI != ABIStorage:
		return malformed("manifest: abi of a storage adapter is not " + ABIStorage)
	case len(m.Labels) != 0:
		return malformed("manifest: a storage adapter has no labels")
	case m.Context != ContextBatch:
		return malformed("manifest: a storage adapter has no context")
	}
	for i, c := range m.Capabilities {
		if CapabilityImports(c) == nil || i > 0 && c <= m.Capabilities[i-1] {
			return malformed("manifest: capabilities are unknown or not sorted")
		}
	}
	if err := m.checkStatements(); err != nil {
		return err
	}
	return m.checkEndpoints()
}

func (m *Manifest) checkStatements() error {
	switch n, sql := len(m.SQL), m.has(CapabilitySQL); {
	case !sql && n+len(m.Schema) != 0:
		return malformed("manifest: statements without the capability " + CapabilitySQL)
	case sql && n == 0:
		return malformed("manifest: the capability " + CapabilitySQL + " without statements")
	case n > MaxStatements || len(m.Schema) > MaxStatements:
		return malformed("manifest: more than " + dec(MaxStatements) + " statements")
	}
	for _, list := range [...][]string{m.Schema, m.SQL} {
		for i, s := range list {
			if !ValidStatement(s) {
				return malformed("manifest: statement " + dec(i) + " is empty, longer than " + dec(MaxStatement) + ", or not printable ASCII without quotation mark and backslash")
			}
		}
	}
	return nil
}

func (m *Manifest) checkEndpoints() error {
	switch n, http := len(m.Endpoints), m.has(CapabilityHTTP); {
	case !http && n != 0:
		return malformed("manifest: endpoints without the capability " + CapabilityHTTP)
	case http && n == 0:
		return malformed("manifest: the capability " + CapabilityHTTP + " without endpoints")
	case n > MaxEndpoints:
		return malformed("manifest: " + dec(n) + " endpoints, at most " + dec(MaxEndpoints))
	}
	for i, e := range m.Endpoints {
		if !ValidName(e) || slices.Contains(m.Endpoints[:i], e) {
			return malformed("manifest: an endpoint is not [a-z0-9-]{1,40} or stands twice")
		}
	}
	return nil
}

// has reports whether the manifest names a capability, and so what belongs to it.
func (m *Manifest) has(capability string) bool { return slices.Contains(m.Capabilities, capability) }

// ValidName reports whether name may be a plugin's name: [a-z0-9-]{1,40}.
func ValidName(name string) bool { return spelled(name, MaxName, "a-z0-9-") }

// spelled reports whether s has 1 to n bytes of the class, a list of ranges
// and single characters as in a regular expression, its hyphen last.
func spelled(s string, n int, class string) bool {
	if len(s) == 0 || len(s) > n {
		return false
	}
	for i := range len(s) {
		if !inClass(s[i], class) {
			return false
		}
	}
	return true
}

func inClass(c byte, class string) bool {
	for len(class) > 0 {
		if len(class) >= 3 && class[1] == '-' {
			if class[0] <= c && c <= class[2] {
				return true
			}
			class = class[3:]
			continue
		}
		if c == class[0] {
			return true
		}
		class = class[1:]
	}
	return false
}

// ParseManifest reads a manifest and refuses every encoding but the one that
// [Manifest.Marshal] gives, so that one manifest has one hash.
func ParseManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxManifest {
		return nil, malformed("manifest of " + dec(len(b)) + " bytes, at most " + dec(MaxManifest))
	}
	s := scanner{rest: b}
	m := &Manifest{}
	s.literal(`{"abi":`)
	m.ABI = s.text()
	s.literal(`,"capabilities":`)
	m.Capabilities = s.list()
	if s.has(`,"context":`) {
		m.Context = Context(s.text())
	}
	if m.has(CapabilityHTTP) {
		s.literal(`,"endpoints":`)
		m.Endpoints = s.list()
	}
	s.literal(`,"kind":`)
	m.Kind = Kind(s.text())
	s.literal(`,"labels":`)
	m.Labels = s.list()
	s.literal(`,"limits":{"memory_pages":`)
	m.Limits.MemoryPages = s.number()
	s.literal(`},"name":`)
	m.Name = s.text()
	if m.has(CapabilitySQL) {
		s.literal(`,"schema":`)
		m.Schema = s.list()
		s.literal(`,"sql":`)
		m.SQL = s.list()
	}
	s.literal(`,"version":`)
	m.Version = s.text()
	s.literal(`,"wasi":`)
	m.WASI = WASI(s.text())
	s.literal(`}`)
	if s.failed || len(s.rest) > 0 {
		return nil, malformed("manifest is not compact JSON with the keys abi, capabilities, [context,] [endpoints,] kind, labels, limits{memory_pages}, name, [schema, sql,] version, wasi in this order; wrong at byte " + dec(len(b)-len(s.rest)))
	}
	canonical, err := m.Marshal()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(canonical, b) {
		return nil, malformed("manifest is not in canonical form")
	}
	return m, nil
}

// A scanner reads the one JSON text a manifest can be. No JSON library: it
// would be half of a small guest, and would have to be held to the one form
// afterwards all the same.
type scanner struct {
	rest   []byte
	failed bool
}

func (s *scanner) literal(l string) {
	if !s.has(l) {
		s.failed = true
	}
}

// has steps over a literal, if it comes next.
func (s *scanner) has(l string) bool {
	if s.failed || len(s.rest) < len(l) || string(s.rest[:len(l)]) != l {
		return false
	}
	s.rest = s.rest[len(l):]
	return true
}

func (s *scanner) text() string {
	s.literal(`"`)
	n := bytes.IndexByte(s.rest, '"')
	if s.failed || n < 0 {
		s.failed = true
		return ""
	}
	t := string(s.rest[:n])
	s.rest = s.rest[n+1:]
	return t
}

func (s *scanner) list() []string {
	s.literal(`[`)
	var list []string
	for !s.failed && len(s.rest) > 0 && s.rest[0] != ']' {
		if len(list) > 0 {
			s.literal(`,`)
		}
		list = append(list, s.text())
	}
	s.literal(`]`)
	return slices.Clip(list)
}

func (s *scanner) number() uint32 {
	n := 0
	for n < len(s.rest) && n < 10 && '0' <= s.rest[n] && s.rest[n] <= '9' {
		n++
	}
	v, err := strconv.ParseUint(string(s.rest[:n]), 10, 32)
	if s.failed || err != nil {
		s.failed = true
		return 0
	}
	s.rest = s.rest[n:]
	return uint32(v)
}
