package otlpwire_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/veriproof/notary/host/otlpwire"
)

// stricter are the reasons for which the walk may refuse what protobuf accepts.
var stricter = []error{
	otlpwire.ErrGroup, otlpwire.ErrWireType, otlpwire.ErrDuplicate, otlpwire.ErrIDLength,
	otlpwire.ErrTooMany, otlpwire.ErrTooDeep, otlpwire.ErrTooLarge,
}

func mayRefuse(t *testing.T, err, protoErr error) {
	t.Helper()
	var typed *otlpwire.Error
	if !errors.As(err, &typed) {
		t.Fatalf("untyped error: %v", err)
	}
	if protoErr != nil {
		return
	}
	for _, reason := range stricter {
		if errors.Is(err, reason) {
			return
		}
	}
	t.Fatalf("refused what protobuf accepts: %v", err)
}

// addRequests gives a fuzzer a signal and requests of it, whole and broken.
func addRequests(f *testing.F) {
	f.Helper()
	for seed := range uint64(4) {
		for _, sig := range []otlpwire.Signal{otlpwire.Traces, otlpwire.Logs} {
			plain, scrambled := random(seed, sig)
			f.Add(byte(sig), plain)
			f.Add(byte(sig), scrambled)
		}
	}
	for _, m := range malformed {
		if len(m.bytes) < 1<<10 { // large ones slow the fuzzer down
			f.Add(byte(otlpwire.Traces), m.bytes)
		}
	}
}

// FuzzWalk holds each walk to protobuf, and to walks of other kinds. A short run of it has to be told
// -fuzzminimizetime 1x, or all of it goes into making the first find smaller.
func FuzzWalk(f *testing.F) {
	addRequests(f)
	f.Fuzz(func(t *testing.T, sig byte, buf []byte) {
		compare(t, otlpwire.Signal(sig%2+1), buf)
		samePasses(t, otlpwire.Signal(sig%2+1), buf, otlpwire.Limits{})
		sameBlind(t, otlpwire.Signal(sig%2+1), buf, otlpwire.Limits{})
	})
}

// FuzzSplice sends edits of any kind: they are refused, or what comes out
// unmarshals.
func FuzzSplice(f *testing.F) {
	f.Add(uint64(1), 0, 0, 1, "[X]", byte(0))
	f.Add(uint64(2), 3, 1, 4, "", byte(2))
	f.Add(uint64(3), -1, 1<<40, -5, "\xff", byte(0))
	f.Add(uint64(4), 2, 0, 1, "[X]", byte(1))
	f.Fuzz(func(t *testing.T, seed uint64, text, start, end int, replacement string, drop byte) {
		plain, _ := random(seed%64, otlpwire.Traces)
		req, err := otlpwire.Walk(plain, otlpwire.Traces, otlpwire.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		edits := []otlpwire.Edit{
			{Text: text, Start: start, End: end, Replacement: replacement, Drop: otlpwire.Drop(drop % 3)},
			{Text: text, Start: end, End: end + 1, Replacement: replacement, Gap: true},
		}
		d, err := req.Splice(edits)
		var refused *otlpwire.EditError
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		assemble(t, otlpwire.Traces, req, d)
	})
}

// FuzzScan holds what the scan counts to a count by google's protowire, which goes
// through the same bytes by recursion along the descriptors.
func FuzzScan(f *testing.F) {
	addRequests(f)
	f.Fuzz(func(t *testing.T, b byte, buf []byte) {
		sig := otlpwire.Signal(b%2 + 1)
		got, err := otlpwire.Scan(buf, sig, otlpwire.Limits{})
		if err != nil {
			mayRefuse(t, err, proto.Unmarshal(buf, newRequest(sig)))
			return
		}
		want, err := counted(newRequest(sig).ProtoReflect().Descriptor(), buf, 0)
		if err != nil {
			t.Fatalf("accepted what is malformed: %v", err)
		}
		if got != want {
			t.Fatalf("counted %+v, want %+v", got, want)
		}
	})
}

// counted counts as Scan does.
func counted(m protoreflect.MessageDescriptor, buf []byte, depth int) (c otlpwire.Counts, err error) {
	c.Depth = depth
	for len(buf) > 0 {
		number, wire, n := protowire.ConsumeTag(buf)
		if n < 0 {
			return c, protowire.ParseError(n)
		}
		buf = buf[n:]
		fd := m.Fields().ByNumber(number)
		if fd == nil || wire != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, wire, buf); n < 0 {
				return c, protowire.ParseError(n)
			}
			buf = buf[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(buf)
		if n < 0 {
			return c, protowire.ParseError(n)
		}
		buf = buf[n:]
		text := fd.Kind() == protoreflect.StringKind || fd.Kind() == protoreflect.BytesKind
		if text && fd.IsList() || fd.Kind() == protoreflect.MessageKind {
			c.Messages++
		}
		if text && len(value) > 0 && !isID(fd) {
			c.Texts++
		}
		if fd.Kind() != protoreflect.MessageKind {
			continue
		}
		if fd.Name() == "spans" || fd.Name() == "log_records" {
			c.Records++
		}
		sub, err := counted(fd.Message(), value, depth+1)
		if err != nil {
			return c, err
		}
		c.Messages, c.Records, c.Texts, c.Depth = c.Messages+sub.Messages, c.Records+sub.Records, c.Texts+sub.Texts, max(c.Depth, sub.Depth)
	}
	return c, nil
}
