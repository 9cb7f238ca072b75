package ingest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/otlpwire"
)

// TestRefusedTextIsCleared: of a request that ends in an error nothing is left in the
// memory that the next one gets.
func TestRefusedTextIsCleared(t *testing.T) {
	const canary = "canary-0123456789"
	text := strings.Repeat(canary, 40) // of one buffer's size
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	io.WriteString(zip, text)
	zip.Close()
	cut := packed.Bytes()[:packed.Len()-4]
	s := &Server{cfg: Config{MaxRequest: 1 << 20}}
	for name, c := range map[string]struct {
		media, encoding string
		body            io.Reader
	}{
		"a connection that breaks":  {typeProtobuf, "", io.MultiReader(strings.NewReader(text), broken{})},
		"text behind which it does": {typeProtobuf, "", atOnce(text)},
		"JSON that ends early":      {typeJSON, "", strings.NewReader(`{"resourceSpans":[{"schemaUrl":"` + text + `"}`)},
		"gzip that ends early":      {typeProtobuf, "gzip", bytes.NewReader(cut)},
	} {
		t.Run(name, func(t *testing.T) {
			room := leaseOf(t, 1<<30)
			msg, err := s.readAll(c.body, room, 0)
			if err == nil {
				msg.zipped, msg.json = c.encoding == "gzip", c.media == typeJSON
				msg, err = s.unpack(otlpwire.Traces, room, msg, func() {})
			}
			if err == nil {
				t.Fatal("not refused")
			}
			memory := (*msg.buf)[:cap(*msg.buf)]
			if c.media == typeProtobuf && !bytes.Contains(memory, []byte(canary)) {
				t.Error("the text did not get there, so that this test shows nothing")
			}
			msg.free()
			if bytes.Contains(memory, []byte(canary)) {
				t.Error("text of a refused request is left in memory that is used again")
			}
		})
	}
}

// TestBase64IsCleared: bytes are decoded in their place, and of the text that is longer than they
// are nothing is left in memory that the next request gets.
func TestBase64IsCleared(t *testing.T) {
	text := []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"bytesValue":"` + strings.Repeat("Y2FuYXJ5", 100) + `"}}]}]}]}`)
	s := &Server{cfg: Config{MaxRequest: 1 << 20}}
	msg, err := s.unpack(otlpwire.Logs, leaseOf(t, 1<<30), &body{buf: &text, json: true}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	memory := (*msg.buf)[:cap(*msg.buf)]
	msg.free()
	if bytes.Contains(memory, []byte("FuYXJ5")) {
		t.Error("text of a request is left in memory that is used again")
	}
}

// broken is a connection that breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

// atOnce gives its text and an error with it.
type atOnce string

func (a atOnce) Read(b []byte) (int, error) { return copy(b, a), errors.New("broken") }
