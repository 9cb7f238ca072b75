package session_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
)

// T67: all that a storage adapter is ever given, over the life of an epoch, is bytes
// of type Sealed, in which no word of the records, no session id and no tenant can be
// found, and numbers. The recipient finds every word in the same bytes, so it is the
// encryption that hides them.
func TestT67AdapterSeesCiphertext(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var seen bytes.Buffer
	segments := 0
	w.store.Inject(func(g journal.Group) journaltest.Fault {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range g.Entries {
			seen.Write(e)
		}
		for _, k := range g.Keys {
			seen.Write(k.ID.Handle[:])
			seen.Write(k.DEK)
		}
		for _, h := range g.Heads {
			seen.Write(h.Handle[:])
			if h.Kind == uint8(format.KindSegment) {
				segments++
			}
		}
		return 0
	})
	n := w.start()
	s := span("canary-name")
	s.Attributes = append(s.Attributes, text("canary-key", "canary-value "+secret))
	export(t, n, request("canary-session", s))
	export(t, n, request("canary-session", lastSpan("canary-last")))
	settled(t, n, "canary-session", 1)
	w.close(n)

	mu.Lock()
	defer mu.Unlock()
	if segments < 2 {
		t.Fatalf("the adapter was given %d segments", segments)
	}
	for _, word := range []string{"canary-name", "canary-key", "canary-value", "canary-last", "canary-session", "acme", secret, "SECRET", "session.id", "telemetry.sdk"} {
		for _, form := range []string{word, hex.EncodeToString([]byte(word)), base64.StdEncoding.EncodeToString([]byte(word)), strings.ToUpper(word)} {
			if bytes.Contains(seen.Bytes(), []byte(form)) {
				t.Errorf("the adapter was given %q", form)
			}
		}
	}
	var found strings.Builder
	for _, o := range w.opened() {
		for _, r := range o.Records {
			found.Write(r.Bytes)
		}
	}
	for _, word := range []string{"canary-name", "canary-key", "canary-value", "canary-last"} {
		if !strings.Contains(found.String(), word) {
			t.Errorf("%q is not in what the recipient opens", word)
		}
	}
	if strings.Contains(found.String(), secret) {
		t.Error("the recipient opens what was redacted")
	}

	// Bytes get to an adapter through one type, into which no slice of plaintext goes
	// by assignment.
	for _, typ := range []reflect.Type{reflect.TypeFor[journal.Group](), reflect.TypeFor[journal.WrappedKey]()} {
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Type == reflect.TypeFor[[]byte]() || f.Type.Kind() == reflect.String || f.Type == reflect.TypeFor[[][]byte]() {
				t.Errorf("%v.%s is of type %v", typ, f.Name, f.Type)
			}
		}
	}
}
