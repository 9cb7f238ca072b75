package otlpwire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/veriproof/notary/host/otlpwire"
)

const canary = "jo.canary@mail.example"

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func delimited(number protowire.Number, payload ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), cat(payload...))
}

func str(number protowire.Number, s string) []byte { return delimited(number, []byte(s)) }

func vint(number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
}

// inSpan wraps fields of a Span, inScope of ScopeSpans, inResource of
// ResourceSpans.
func inSpan(fields ...[]byte) []byte     { return inScope(delimited(2, fields...)) }
func inScope(fields ...[]byte) []byte    { return inResource(delimited(2, fields...)) }
func inResource(fields ...[]byte) []byte { return delimited(1, fields...) }

// inAttribute wraps fields of the AnyValue of a span's attribute.
func inAttribute(fields ...[]byte) []byte {
	return inSpan(delimited(9, str(1, "k"), delimited(2, fields...)))
}

// nest is an attribute of n arrays in each other.
func nest(n int) []byte {
	v := str(1, canary)
	for range n {
		v = delimited(5, delimited(1, v))
	}
	return inAttribute(v)
}

var id16, id8 = strings.Repeat("t", 16), strings.Repeat("s", 8)

var malformed = []struct {
	name  string
	bytes []byte
	want  error
	place string
}{
	{"a tag cut off", []byte{0x8a}, otlpwire.ErrTruncated, "traces"},
	{"a tag and no length", []byte{0x0a}, otlpwire.ErrTruncated, "traces"},
	{"a length cut off", []byte{0x0a, 0x80}, otlpwire.ErrTruncated, "traces"},
	{"a 1 GB claim", protowire.AppendVarint([]byte{0x0a}, 1<<30), otlpwire.ErrLength, "traces"},
	{"a length of 2^63", protowire.AppendVarint([]byte{0x0a}, 1<<63), otlpwire.ErrLength, "traces"},
	{"a length of 2^64-1", protowire.AppendVarint([]byte{0x0a}, 1<<64-1), otlpwire.ErrLength, "traces"},
	{"a text longer than its span, within the request", cat(inSpan([]byte{0x2a, 0x03, 'a'}), inSpan(str(5, canary))), otlpwire.ErrLength, "span"},
	{"a fixed64 cut off", inSpan([]byte{0x39, 1, 2, 3}), otlpwire.ErrTruncated, "span"},
	{"a fixed32 cut off in an unknown field", inSpan([]byte{0xfd, 0x01, 1}), otlpwire.ErrTruncated, "span"},
	{"a varint cut off", inSpan([]byte{0x30, 0x80}), otlpwire.ErrTruncated, "span"},
	{"a varint of eleven bytes", inSpan([]byte{0x30}, bytes.Repeat([]byte{0x80}, 10), []byte{0}), otlpwire.ErrVarint, "span"},
	{"a varint of 65 bits", inSpan([]byte{0x30}, bytes.Repeat([]byte{0xff}, 9), []byte{2}), otlpwire.ErrVarint, "span"},
	{"field number zero", inSpan([]byte{0x02, 0}), otlpwire.ErrTag, "span"},
	{"field number 2^29", inSpan(protowire.AppendVarint(nil, 1<<32), []byte{0}), otlpwire.ErrTag, "span"},
	{"a group in a known field", inSpan([]byte{0x2b, 0x2c}), otlpwire.ErrGroup, "span"},
	{"a group in an unknown field", inScope(protowire.AppendTag(nil, 99, protowire.StartGroupType), protowire.AppendTag(nil, 99, protowire.EndGroupType)), otlpwire.ErrGroup, "scope"},
	{"wire type 6", inSpan([]byte{0x2e}), otlpwire.ErrWireType, "span"},
	{"wire type 7", inSpan([]byte{0x2f}), otlpwire.ErrWireType, "span"},
	{"a name as a varint", inSpan(vint(5, 7)), otlpwire.ErrWireType, "span"},
	{"a kind as text", inSpan(str(6, canary)), otlpwire.ErrWireType, "span"},
	{"invalid UTF-8 in a name", inSpan(str(5, canary+"\xff")), otlpwire.ErrUTF8, "span"},
	{"a lone surrogate in a value", inAttribute(str(1, "\xed\xa0\x80")), otlpwire.ErrUTF8, "span.attributes"},
	{"invalid UTF-8 in a key", inSpan(delimited(9, str(1, "\xff"))), otlpwire.ErrUTF8, "span.attributes"},
	{"a short trace id", inSpan(str(1, canary[:15])), otlpwire.ErrIDLength, "span"},
	{"text for a span id", inSpan(str(2, canary)), otlpwire.ErrIDLength, "span"},
	{"a long parent id", inSpan(str(4, id8+"x")), otlpwire.ErrIDLength, "span"},
	{"text for a link's trace id", inSpan(delimited(13, str(1, canary))), otlpwire.ErrIDLength, "span.links"},
	{"text for a link's span id", inSpan(delimited(13, str(2, canary))), otlpwire.ErrIDLength, "span.links"},
	{"a name twice", inSpan(str(5, canary), str(5, "ok")), otlpwire.ErrDuplicate, "span"},
	{"a kind twice", inSpan(vint(6, 1), vint(6, 2)), otlpwire.ErrDuplicate, "span"},
	{"a trace id twice", inSpan(str(1, id16), str(1, id16)), otlpwire.ErrDuplicate, "span"},
	{"a status twice", inSpan(delimited(15), delimited(15)), otlpwire.ErrDuplicate, "span"},
	{"a resource twice", inResource(delimited(1), delimited(1)), otlpwire.ErrDuplicate, "resource"},
	{"a schema URL twice", inResource(str(3, "a"), str(3, "b")), otlpwire.ErrDuplicate, "resource"},
	{"a scope twice", inScope(delimited(1), delimited(1)), otlpwire.ErrDuplicate, "scope"},
	{"a key twice", inSpan(delimited(9, str(1, "a"), str(1, "b"))), otlpwire.ErrDuplicate, "span.attributes"},
	{"a value twice", inSpan(delimited(9, delimited(2), delimited(2))), otlpwire.ErrDuplicate, "span.attributes"},
	{"a string value twice", inAttribute(str(1, canary), str(1, "b")), otlpwire.ErrDuplicate, "span.attributes"},
	{"a oneof set twice", inAttribute(str(1, canary), vint(3, 1)), otlpwire.ErrDuplicate, "span.attributes"},
	{"arrays nested too deep", nest(40), otlpwire.ErrTooDeep, "span.attributes"},
	{"arrays nested 10,000 deep", nest(10_000), otlpwire.ErrTooDeep, "span.attributes"},
	{"too many spans", inScope(bytes.Repeat([]byte{0x12, 0}, otlpwire.DefaultRecords+1)), otlpwire.ErrTooMany, "scope"},
	{"too many links", inSpan(bytes.Repeat([]byte{0x6a, 0}, otlpwire.DefaultMessages+1)), otlpwire.ErrTooMany, "span.links"},
	{"too many elements of a repeated string", inResource(delimited(1, delimited(3, bytes.Repeat([]byte{0x1a, 0}, otlpwire.DefaultMessages+1)))), otlpwire.ErrTooMany, "resource.entity_refs"},
	{"too large", make([]byte, otlpwire.DefaultBytes+1), otlpwire.ErrTooLarge, "traces"},
}

func TestMalformed(t *testing.T) {
	for _, m := range malformed {
		t.Run(m.name, func(t *testing.T) {
			req, err := otlpwire.Walk(m.bytes, otlpwire.Traces, otlpwire.Limits{})
			if !errors.Is(err, m.want) {
				t.Fatalf("got %v, want %v", err, m.want)
			}
			if req != nil {
				t.Error("a refused request was returned")
			}
			var typed *otlpwire.Error
			if !errors.As(err, &typed) || typed.Place != m.place {
				t.Errorf("got %+v, want place %q", typed, m.place)
			}
			limit := m.want == otlpwire.ErrTooMany || m.want == otlpwire.ErrTooDeep || m.want == otlpwire.ErrTooLarge
			if typed.Limit() != limit {
				t.Errorf("Limit() = %v", typed.Limit())
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error holds text of the request: %v", err)
			}
		})
	}
}

// Every prefix of a request is an error or a request, and never a panic.
func TestTruncatedAnywhere(t *testing.T) {
	plain, _ := random(7, otlpwire.Traces)
	for n := range plain {
		compare(t, otlpwire.Traces, plain[:n])
	}
}

func TestUnknownSignal(t *testing.T) {
	if _, err := otlpwire.Walk(nil, 0, otlpwire.Limits{}); !errors.Is(err, otlpwire.ErrSignal) {
		t.Errorf("got %v", err)
	}
}

// Limits at their edges: what is as large as allowed passes.
func TestLimits(t *testing.T) {
	two := inScope(delimited(2), delimited(2)) // 4 messages: resource, scope, two spans
	for _, c := range []struct {
		name string
		lim  otlpwire.Limits
		want error
	}{
		{"exactly", otlpwire.Limits{Bytes: len(two), Messages: 4, Records: 2, Depth: 3}, nil},
		{"a byte less", otlpwire.Limits{Bytes: len(two) - 1}, otlpwire.ErrTooLarge},
		{"a message less", otlpwire.Limits{Messages: 3}, otlpwire.ErrTooMany},
		{"a record less", otlpwire.Limits{Records: 1}, otlpwire.ErrTooMany},
		{"a level less", otlpwire.Limits{Depth: 2}, otlpwire.ErrTooDeep},
		{"the depth cannot be raised", otlpwire.Limits{Depth: 1 << 20}, nil},
	} {
		if _, err := otlpwire.Walk(two, otlpwire.Traces, c.lim); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	_, err := otlpwire.Walk(two, otlpwire.Traces, otlpwire.Limits{Bytes: 5})
	if want := "request too large: over the 5 bytes of limits.request_bytes"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if _, err := otlpwire.Walk(nest(1000), otlpwire.Traces, otlpwire.Limits{Depth: 1 << 20}); !errors.Is(err, otlpwire.ErrTooDeep) {
		t.Errorf("a raised depth limit: got %v", err)
	}
}

// A scan costs no memory, and a refused bomb none but its error.
func TestScanDoesNotAllocate(t *testing.T) {
	bomb := inScope(bytes.Repeat([]byte{0x12, 0}, 1<<19))
	plain, _ := random(3, otlpwire.Traces)
	if n := testing.AllocsPerRun(10, func() {
		if _, err := otlpwire.Scan(plain, otlpwire.Traces, otlpwire.Limits{}); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a scan", n)
	}
	if n := testing.AllocsPerRun(10, func() {
		if _, err := otlpwire.Scan(bomb, otlpwire.Traces, otlpwire.Limits{}); err == nil {
			t.Fatal("half a million empty spans passed")
		}
	}); n > 1 {
		t.Errorf("%v allocations for a bomb", n)
	}
}

// T52: nesting beyond the limit is refused without recursion: nothing is allocated but
// the error, however deep it goes on.
func TestT52DepthBomb(t *testing.T) {
	deep := nest(10_000)
	if _, err := otlpwire.Walk(deep, otlpwire.Traces, otlpwire.Limits{}); !errors.Is(err, otlpwire.ErrTooDeep) {
		t.Errorf("got %v", err)
	}
	if n := testing.AllocsPerRun(10, func() {
		if _, err := otlpwire.Scan(deep, otlpwire.Traces, otlpwire.Limits{}); err == nil {
			t.Fatal("accepted")
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// T54: fields that the schema does not know, at every level, are gone from what is
// stored.
func TestT54UnknownFieldsAreDropped(t *testing.T) {
	unknown := cat(str(99, canary), str(1000, canary))
	b := cat(unknown, inResource(unknown,
		delimited(1, unknown, delimited(1, unknown, str(1, "k"), delimited(2, str(1, "v"), unknown)), delimited(3, str(1, "u"), unknown)),
		delimited(2, unknown, delimited(1, str(1, "scope"), unknown),
			delimited(2, str(5, "name"), unknown,
				delimited(9, str(1, "k"), unknown, delimited(2, unknown, delimited(5, unknown, delimited(1, str(1, "v"), unknown)))),
				delimited(11, str(2, "event"), unknown), delimited(13, str(3, "state"), unknown), delimited(15, str(2, "status"), unknown)))))
	req, err := otlpwire.Walk(b, otlpwire.Traces, otlpwire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := req.Splice(nil)
	if err != nil {
		t.Fatal(err)
	}
	out := cat(d.Resources[0], d.Scopes[0], d.Records[0].Bytes)
	if bytes.Contains(out, []byte(canary)) {
		t.Errorf("an unknown field came through: %q", out)
	}
	for _, kept := range []string{"name", "event", "state", "status", "scope", "u"} {
		if !bytes.Contains(out, []byte(kept)) {
			t.Errorf("%q got lost", kept)
		}
	}
}
