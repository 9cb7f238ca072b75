package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/archive"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func sessionOpen(ctx context.Context, a *app, s *storage, o *sessionOptions, name string) error {
	if s.identity == nil {
		return usageError("session open: --identity is missing")
	}
	p, err := s.find(name)
	if err != nil {
		return err
	}
	opened, err := s.Open(ctx, p, s.identity)
	switch {
	case errors.Is(err, format.ErrKey):
		return hinted(err, "--identity wants the private key of one of those whom the session was encrypted to: recipients, when it was sent")
	case err != nil:
		return err
	}
	if o.json {
		return a.json(openedJSON(opened))
	}
	fmt.Fprintf(a.stdout, "session %s of tenant %s, part %d, %d leaves\n", printable(string(opened.Session)), opened.Tenant, p.ID.Part, p.Leaves)
	for i := range opened.Records {
		a.printRecord(i, &opened.Records[i].Record)
	}
	return nil
}

func openedJSON(o *archive.Opened) map[string]any {
	var records []map[string]any
	for i, r := range o.Records {
		edits, _ := receipt.DecodeEdits(r.Edits)
		m := map[string]any{"index": i, "kind": r.Kind.String(), "edits": edits}
		switch {
		case receipt.Dropped(edits):
			m["dropped"] = true
		case r.Kind == receipt.Closing:
			m["summary"] = json.RawMessage(r.Bytes)
		case r.Kind == receipt.Span:
			var s trace.Span
			if text, err := jsonOf(r.Bytes, &s); err == nil {
				m["span"] = json.RawMessage(text)
			}
		default:
			m["record"] = base64.StdEncoding.EncodeToString(r.Bytes)
		}
		records = append(records, m)
	}
	return map[string]any{
		"tenant": o.Tenant, "session": string(o.Session), "part": o.Part.ID.Part,
		"handle": o.Part.ID.Handle.String(), "records": records,
	}
}

func jsonOf(b []byte, m proto.Message) ([]byte, error) {
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, err
	}
	return protojson.Marshal(m)
}

// printRecord shows one record as a person would read it.
func (a *app) printRecord(index int, r *receipt.Record) {
	edits, _ := receipt.DecodeEdits(r.Edits)
	switch {
	case receipt.Dropped(edits):
		fmt.Fprintf(a.stdout, "\n%s\n", a.paint(bold, fmt.Sprintf("leaf %d: %s, dropped", index, r.Kind)))
		a.printEdits(new(table), edits)
		return
	case r.Kind == receipt.Closing:
		fmt.Fprintf(a.stdout, "\n%s\n  %s\n", a.paint(bold, fmt.Sprintf("leaf %d: summary", index)), r.Bytes)
		return
	case r.Kind == receipt.Log:
		fmt.Fprintf(a.stdout, "\n%s  %d bytes of OTLP\n", a.paint(bold, fmt.Sprintf("leaf %d: log record", index)), len(r.Bytes))
		return
	}
	var s trace.Span
	if err := proto.Unmarshal(r.Bytes, &s); err != nil {
		fmt.Fprintf(a.stdout, "\nleaf %d: %d bytes that are no span\n", index, len(r.Bytes))
		return
	}
	fmt.Fprintf(a.stdout, "\n%s\n", a.paint(bold, fmt.Sprintf("leaf %d: span %s", index, printable(s.Name))))
	var t table
	t.row("trace, span", hex.EncodeToString(s.TraceId)+" "+hex.EncodeToString(s.SpanId))
	t.row("started", time.Unix(0, int64(s.StartTimeUnixNano)).UTC().Format(time.RFC3339Nano)+", as the sender claims")
	attributes(&t, "", s.Attributes)
	for _, e := range s.Events {
		t.row("event "+printable(e.Name), "")
		attributes(&t, "  ", e.Attributes)
	}
	a.printEdits(&t, edits)
}

// printEdits ends a record's table.
func (a *app) printEdits(t *table, edits []receipt.Edit) {
	for _, e := range edits {
		t.row(a.paint(yellow, "redacted"), fmt.Sprintf("%s in %s, %d bytes, by %s", e.Label, e.Place, e.Length, e.Plugin))
	}
	t.print(a.stdout)
}

func attributes(t *table, indent string, list []*common.KeyValue) {
	for _, kv := range list {
		t.row(indent+printable(kv.Key), printable(valueText(kv.GetValue())))
	}
}

// valueText writes an attribute's value as a person would.
func valueText(v *common.AnyValue) string {
	switch x := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return x.StringValue
	case *common.AnyValue_IntValue:
		return strconv.FormatInt(x.IntValue, 10)
	case *common.AnyValue_BoolValue:
		return strconv.FormatBool(x.BoolValue)
	case *common.AnyValue_DoubleValue:
		return strconv.FormatFloat(x.DoubleValue, 'g', -1, 64)
	}
	b, err := protojson.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

// printable keeps what a sender wrote from driving the terminal: a character
// that is not to be seen becomes U+FFFD.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
