package otlpwire

import "github.com/veriproof/notary/sdk/plugin/abi"

// A kind says what the payload of a field is.
type kind uint8

const (
	unknown kind = iota // not in the schema: dropped
	varint
	fixed32
	fixed64
	traceID // 16 bytes or none
	spanID  // 8 bytes or none
	text    // proto string
	blob    // AnyValue.bytes_value
	nested  // message
)

// A hook marks a field that the walk has to understand, beyond finding texts
// in it.
type hook uint8

const (
	noHook hook = iota
	resourceHook
	scopeHook
	recordHook
	recordAttribute
	resourceAttribute
	otherAttribute // its key decides the role of its value, no more
	traceIDHook
	startHook // also the one time of a log record
	endHook
	observedHook
	eventNameHook
	keyHook
	valueHook
)

type field struct {
	kind     kind
	wire     byte
	repeated bool
	number   uint8
	tag      byte  // on the wire, or noTag
	once     uint8 // which bit says that the field was there; those of a oneof share one
	hook     hook
	place    Place
	sub      *message
}

// noTag is the tag of a field that is unknown, or whose tag is longer than one byte.
const noTag = 0xff

// A message is what the walk knows about one message type in one place: the
// attributes of a span and those of an event are two messages with the same
// fields, so that the place of a text is a constant of the table.
type message struct {
	name   string
	fields [17]field // by field number
	oneof  bool      // at most one of the fields
	pair   bool      // KeyValue
	role   abi.Role  // of texts in it, unless an attribute's key says more
}

// A Place names where in the OTLP schema a text stands.
type Place uint8

// String returns the place's name, such as "span.attributes.value". Names are
// stable: they are part of the edit commitment.
func (p Place) String() string {
	if int(p) >= len(schemas.places) {
		return "unknown"
	}
	return schemas.places[p]
}

// schemas holds the two request types and the names of their places.
var schemas = newSchema()

type schema struct {
	traces, logs *message
	places       []string
}

func newSchema() *schema {
	s := &schema{places: []string{"unknown"}}
	s.traces = s.request("traces", s.span())
	s.logs = s.request("logs", s.logRecord())
	s.traces.seal()
	s.logs.seal()
	return s
}

// seal writes the field numbers into the fields, throughout.
func (m *message) seal() {
	for n := range m.fields {
		f := &m.fields[n]
		if f.kind == unknown {
			f.tag = noTag
			continue
		}
		if f.number != 0 {
			continue
		}
		f.number, f.tag = uint8(n), noTag
		if n < 16 {
			f.tag = byte(n)<<3 | f.wire
		}
		if !m.oneof {
			f.once = uint8(n)
		}
		if f.sub != nil {
			f.sub.seal()
		}
	}
}

// place returns the number of a name, the same one each time.
func (s *schema) place(name string) Place {
	for i, have := range s.places {
		if have == name {
			return Place(i)
		}
	}
	s.places = append(s.places, name)
	return Place(len(s.places) - 1)
}

func (s *schema) text(name string) field {
	return field{kind: text, wire: wireBytes, place: s.place(name)}
}

func (s *schema) texts(name string) field {
	f := s.text(name)
	f.repeated = true
	return f
}

func number(k kind) field {
	wires := map[kind]byte{varint: wireVarint, fixed32: wireFixed32, fixed64: wireFixed64}
	return field{kind: k, wire: wires[k]}
}

func id(k kind) field { return field{kind: k, wire: wireBytes} }

func one(m *message) field  { return field{kind: nested, wire: wireBytes, sub: m} }
func many(m *message) field { return field{kind: nested, wire: wireBytes, sub: m, repeated: true} }

func (f field) on(h hook) field { f.hook = h; return f }

// request describes ExportTraceServiceRequest and ExportLogsServiceRequest,
// whose upper levels have the same field numbers.
func (s *schema) request(name string, record *message) *message {
	scopes := &message{name: "scope", role: abi.RoleResource, fields: [17]field{
		1: one(s.scope()),
		2: many(record).on(recordHook),
		3: s.text("scope.schema_url"),
	}}
	resources := &message{name: "resource", role: abi.RoleResource, fields: [17]field{
		1: one(s.resource()),
		2: many(scopes).on(scopeHook),
		3: s.text("resource.schema_url"),
	}}
	return &message{name: name, fields: [17]field{1: many(resources).on(resourceHook)}}
}

func (s *schema) resource() *message {
	return &message{name: "resource", role: abi.RoleResource, fields: [17]field{
		1: s.attributes("resource.attributes", abi.RoleResource).on(resourceAttribute),
		2: number(varint),
		3: many(s.entityRef()),
	}}
}

func (s *schema) entityRef() *message {
	return &message{name: "resource.entity_refs", role: abi.RoleResource, fields: [17]field{
		1: s.text("resource.entity_refs.schema_url"),
		2: s.text("resource.entity_refs.type"),
		3: s.texts("resource.entity_refs.id_keys"),
		4: s.texts("resource.entity_refs.description_keys"),
	}}
}

func (s *schema) scope() *message {
	return &message{name: "scope", role: abi.RoleResource, fields: [17]field{
		1: s.text("scope.name"),
		2: s.text("scope.version"),
		3: s.attributes("scope.attributes", abi.RoleResource),
		4: number(varint),
	}}
}

func (s *schema) span() *message {
	return &message{name: "span", role: abi.RoleAttribute, fields: [17]field{
		1:  id(traceID).on(traceIDHook),
		2:  id(spanID),
		3:  s.text("span.trace_state"),
		4:  id(spanID),
		5:  s.text("span.name"),
		6:  number(varint),
		7:  number(fixed64).on(startHook),
		8:  number(fixed64).on(endHook),
		9:  s.attributes("span.attributes", abi.RoleAttribute).on(recordAttribute),
		10: number(varint),
		11: many(s.event()),
		12: number(varint),
		13: many(s.link()),
		14: number(varint),
		15: one(s.status()),
		16: number(fixed32),
	}}
}

func (s *schema) event() *message {
	return &message{name: "span.events", role: abi.RoleEvent, fields: [17]field{
		1: number(fixed64),
		2: s.text("span.events.name"),
		3: s.attributes("span.events.attributes", abi.RoleEvent).on(otherAttribute),
		4: number(varint),
	}}
}

func (s *schema) link() *message {
	return &message{name: "span.links", role: abi.RoleAttribute, fields: [17]field{
		1: id(traceID),
		2: id(spanID),
		3: s.text("span.links.trace_state"),
		4: s.attributes("span.links.attributes", abi.RoleAttribute),
		5: number(varint),
		6: number(fixed32),
	}}
}

func (s *schema) status() *message {
	return &message{name: "span.status", role: abi.RoleAttribute, fields: [17]field{
		2: s.text("span.status.message"),
		3: number(varint),
	}}
}

func (s *schema) logRecord() *message {
	return &message{name: "log", role: abi.RoleAttribute, fields: [17]field{
		1:  number(fixed64).on(startHook),
		2:  number(varint),
		3:  s.text("log.severity_text"),
		5:  one(s.anyValue("log.body", "log.body", "log.body.key", abi.RoleOther)),
		6:  s.attributes("log.attributes", abi.RoleAttribute).on(recordAttribute),
		7:  number(varint),
		8:  number(fixed32),
		9:  id(traceID).on(traceIDHook),
		10: id(spanID),
		11: number(fixed64).on(observedHook),
		12: s.text("log.event_name").on(eventNameHook),
	}}
}

// attributes describes a repeated KeyValue.
func (s *schema) attributes(name string, role abi.Role) field {
	key, value := name+".key", name+".value"
	return many(s.keyValue(name, key, s.anyValue(name, value, key, role), role))
}

func (s *schema) keyValue(name, key string, value *message, role abi.Role) *message {
	return &message{name: name, pair: true, role: role, fields: [17]field{
		1: s.text(key).on(keyHook),
		2: one(value).on(valueHook),
		3: number(varint),
	}}
}

// anyValue describes AnyValue, whose arrays and lists lead back to itself.
func (s *schema) anyValue(name, value, key string, role abi.Role) *message {
	v := &message{name: name, oneof: true, role: role}
	array := &message{name: name, role: role, fields: [17]field{1: many(v)}}
	list := &message{name: name, role: role, fields: [17]field{1: many(s.keyValue(name, key, v, role))}}
	v.fields = [17]field{
		1: s.text(value),
		2: number(varint),
		3: number(varint),
		4: number(fixed64),
		5: one(array),
		6: one(list),
		7: {kind: blob, wire: wireBytes, place: s.place(value)},
		8: number(varint),
	}
	return v
}
