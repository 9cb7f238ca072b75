package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	logs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	traces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/veriproof/notary/sdk/receipt"
)

// A planter fills messages by reflection over their descriptors, so that a field
// that OTLP gets tomorrow is planted, too. Each string and bytes field gets a
// canary of its own that begins with the planter's mark, which no redactor
// knows; ids, whose length is fixed, get random bytes.
type planter struct {
	mark    string
	texts   map[string]string // canary to the field it stands in
	binary  map[string]string // the same of what is not UTF-8, which is never stored as sent
	ids     [][]byte
	visited map[protoreflect.FullName]bool // fields
}

func newPlanter() *planter {
	mark := []byte("zq")
	for _, b := range random(14) {
		mark = append(mark, "ghjkmnpqrstvwxyz"[b%16]) // no digits: nothing that looks like a number to redact
	}
	return &planter{mark: string(mark), texts: map[string]string{}, binary: map[string]string{}, visited: map[protoreflect.FullName]bool{}}
}

func (p *planter) canary(field protoreflect.FieldDescriptor) string {
	var number strings.Builder
	for _, c := range fmt.Sprint(len(p.texts) + len(p.binary)) {
		number.WriteByte("abcdefghij"[c-'0'])
	}
	return p.mark + " " + number.String() + " " + string(field.Name())
}

// maxDepth bounds AnyValues in AnyValues.
const maxDepth = 11

// fill sets every field of m. Of each oneof it takes the alternative number
// pick; lists get as many elements as their element has alternatives.
func (p *planter) fill(m protoreflect.Message, pick, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if one := fd.ContainingOneof(); one != nil && one.Fields().Get(pick%one.Fields().Len()) != fd {
			continue
		}
		if fd.Kind() == protoreflect.MessageKind && depth == maxDepth {
			continue
		}
		p.visited[fd.FullName()] = true
		if !fd.IsList() {
			m.Set(fd, p.value(m.NewField(fd), fd, pick, depth))
			continue
		}
		list := m.Mutable(fd).List()
		for k := range alternatives(fd.Message(), 3) {
			list.Append(p.value(list.NewElement(), fd, k, depth))
		}
	}
}

// value returns v filled, a value of field fd.
func (p *planter) value(v protoreflect.Value, fd protoreflect.FieldDescriptor, pick, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		p.fill(v.Message(), pick, depth+1)
		return v
	case protoreflect.StringKind:
		c := p.canary(fd)
		p.texts[c] = string(fd.FullName())
		return protoreflect.ValueOfString(c)
	case protoreflect.BytesKind:
		size := map[protoreflect.Name]int{"trace_id": 16, "span_id": 8, "parent_span_id": 8}[fd.Name()]
		if size == 0 {
			return protoreflect.ValueOfBytes(p.bytes(fd))
		}
		id := random(size)
		p.ids = append(p.ids, id)
		return protoreflect.ValueOfBytes(id)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	}
	return v // numbers say nothing
}

// bytes plants text for a redactor to read, or else what is no text.
func (p *planter) bytes(fd protoreflect.FieldDescriptor) []byte {
	c := p.canary(fd)
	if (len(p.texts)+len(p.binary))%2 == 0 {
		p.texts[c] = string(fd.FullName())
		return []byte(c)
	}
	p.binary[c] = string(fd.FullName())
	return append([]byte(c), 0xff)
}

// alternatives is how many elements it takes to show each alternative of the
// oneofs in a message and in the messages that it has one of.
func alternatives(md protoreflect.MessageDescriptor, depth int) int {
	n := 1
	if md == nil || depth == 0 {
		return n
	}
	for i := range md.Oneofs().Len() {
		n = max(n, md.Oneofs().Get(i).Fields().Len())
	}
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); !fd.IsList() && fd.ContainingOneof() == nil {
			n = max(n, alternatives(fd.Message(), depth-1))
		}
	}
	return n
}

// everyField lists the string and bytes fields reachable from a message.
func everyField(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool, into map[protoreflect.FullName]bool) {
	if seen[md.FullName()] {
		return
	}
	seen[md.FullName()] = true
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		switch fd.Kind() {
		case protoreflect.MessageKind:
			everyField(fd.Message(), seen, into)
		case protoreflect.StringKind, protoreflect.BytesKind:
			into[fd.FullName()] = true
		}
	}
}

// plant returns a request of the given kind with everything planted.
func (p *planter) plant(t *testing.T, m proto.Message) []byte {
	t.Helper()
	p.fill(m.ProtoReflect(), 0, 0)
	want := make(map[protoreflect.FullName]bool)
	everyField(m.ProtoReflect().Descriptor(), map[protoreflect.FullName]bool{}, want)
	for field := range want {
		if !p.visited[field] {
			t.Fatalf("nothing is planted in %s", field)
		}
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A needle is a byte string that must not be found, and what it is.
type needle struct {
	what string
	text []byte
}

// needles are the encodings by which a secret could be in a file: as it is, as
// hexadecimal, as base64 in each of its three alignments.
func needles(what string, secret []byte) []needle {
	list := []needle{
		{what, secret},
		{what + " in hex", []byte(hex.EncodeToString(secret))},
		{what + " in upper-case hex", []byte(strings.ToUpper(hex.EncodeToString(secret)))},
	}
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(append(make([]byte, shift), secret...))
			// Leave out the characters that depend on the neighbours.
			from, to := (shift*8+5)/6, (shift+len(secret))*8/6
			list = append(list, needle{what + " in " + name, []byte(text[from:to])})
		}
	}
	return list
}

func found(haystack []byte, list []needle) (what []string) {
	for _, n := range list {
		if bytes.Contains(haystack, n.text) {
			what = append(what, n.what)
		}
	}
	return what
}

// TestNeedles: the search itself finds what it is to find.
func TestNeedles(t *testing.T) {
	secret := random(16)
	list := needles("it", secret)
	for shift := range 3 {
		hay := slices.Concat(random(3+shift), secret, random(20))
		for name, text := range map[string]string{
			"raw": string(hay), "hex": hex.EncodeToString(hay), "HEX": strings.ToUpper(hex.EncodeToString(hay)),
			"base64": base64.StdEncoding.EncodeToString(hay), "base64url": base64.URLEncoding.EncodeToString(hay),
		} {
			if len(found([]byte(text), list)) == 0 {
				t.Errorf("%s at %d is not found", name, shift)
			}
		}
	}
	if what := found(random(4096), list); what != nil {
		t.Errorf("found %v in noise", what)
	}
}

// pii is what the redactor knows and masks.
var pii = []string{"grace.h@example.org", "4111 1111 1111 1111", "AKIAZ2Q7M5KXWBT3R6PD", "DE89 3704 0044 0532 0130 00"}

// TestNoPlaintextAtRest (T54, T57): whatever a sender says, in any text place of OTLP, and
// whether his request is taken or not, no byte of it is in the data directory,
// in what the notary prints or logs, in its metrics or in its answers. The
// recipient's key gives it back, without what was redacted.
func TestNoPlaintextAtRest(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "limits: {request_bytes: 1MiB}"})
	p := m.start(t)
	c := m.connect(t, p)
	plants := newPlanter()
	session := plants.mark + " session"

	span := plants.plant(t, new(traces.ExportTraceServiceRequest))
	log := plants.plant(t, new(logs.ExportLogsServiceRequest))
	known := newSpan("chat", "content", strings.Join(pii, " and "), plants.mark+" key", "v")
	c.mustExport(t, span)
	c.mustExportLogs(t, log)
	c.mustExport(t, request(session, known, lastSpan(plants.mark+" last")))
	answers := c.provoke(t, plants, span, log)
	answers = append(answers, c.askAbout(t, session)...)
	c.logged(t, url.PathEscape(session))
	_, metrics := c.get(t, "/metrics")
	p.stop(t)

	var list []needle
	list = append(list, needles("a canary", []byte(plants.mark))...)
	for _, id := range append(plants.ids, known.TraceId, known.SpanId) {
		list = append(list, needles("an id", id)...)
	}
	for _, text := range append(slices.Clone(pii), m.apiKey, m.operator) {
		list = append(list, needles("a secret", []byte(text))...)
	}
	for name, b := range m.atRest(t) {
		for _, what := range found(b, list) {
			t.Errorf("%s is in %s", what, name)
		}
	}
	for name, text := range map[string]string{
		"standard output": p.stdout.String(), "the log": p.stderr.String(), "the metrics": string(metrics), "answers": strings.Join(answers, "\n"),
	} {
		for _, what := range found([]byte(text), list) {
			t.Errorf("%s is in %s", what, name)
		}
	}
	if !bytes.Contains(metrics, []byte("notary_records_total")) {
		t.Error("these are no metrics")
	}
	m.checkOpened(t, plants)
}

func (c *sender) mustExportLogs(t *testing.T, body []byte) {
	t.Helper()
	if _, err := c.call(t.Context(), exportLogs, body, "x-api-key", c.m.apiKey); err != nil {
		t.Fatalf("export of logs: %v", err)
	}
}

// atRest reads every file under the data directory.
func (m *machine) atRest(t *testing.T) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := filepath.WalkDir(m.path("data"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(path)
		// Names are at rest, too.
		files[path+" (its name)"] = []byte(path)
		return err
	})
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files at rest, %v", len(files), err)
	}
	return files
}

// provoke sends what is refused, with canaries in it, and returns what the
// notary said.
func (c *sender) provoke(t *testing.T, plants *planter, bodies ...[]byte) (answers []string) {
	t.Helper()
	send := func(want codes.Code, method string, body []byte, header ...string) {
		_, err := c.call(t.Context(), method, body, header...)
		if got := status.Code(err); got != want && want != codes.Unknown {
			t.Errorf("%s of %d bytes: %v, want %v", method, len(body), err, want)
		}
		answers = append(answers, fmt.Sprint(err))
	}
	good := []string{"authorization", "Bearer " + c.m.apiKey}
	for _, body := range bodies {
		for i := 1; i < 24; i++ {
			// Some cuts are valid protobuf again, and then they are taken.
			send(codes.Unknown, exportTraces, body[:len(body)*i/24], good...)
		}
		send(codes.Unauthenticated, exportTraces, body)
		send(codes.Unauthenticated, exportTraces, body, "authorization", "Bearer "+plants.mark)
		send(codes.Unauthenticated, exportTraces, body, "authorization", plants.mark)
		send(codes.Unauthenticated, exportTraces, body, "x-api-key", plants.mark)
		send(codes.Unimplemented, "/"+plants.mark+"/Export", body, good...)
		send(codes.Unknown, exportTraces, bytes.ReplaceAll(body, []byte(plants.mark[:4]), []byte("\xff\xfe\xfd\xfc")), good...)
		send(codes.ResourceExhausted, exportTraces, append(slices.Clone(body), bytes.Repeat(body, 1+(1<<20)/len(body))...), good...)
	}
	for _, body := range bodies {
		for i := 1; i < 24; i++ {
			answers = append(answers, c.postOTLP(t, "/v1/traces", "application/x-protobuf", body[:len(body)*i/24], c.m.apiKey))
		}
		answers = append(answers,
			c.postOTLP(t, "/v1/logs", "application/json", body, c.m.apiKey),
			c.postOTLP(t, "/v1/"+plants.mark, "application/json", body, c.m.apiKey),
			c.postOTLP(t, "/v1/traces", "text/"+plants.mark, body, c.m.apiKey),
			c.postOTLP(t, "/v1/traces", "application/json", fmt.Appendf(nil, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":%q,"kind":%q}]}]}]}`, plants.mark, plants.mark), c.m.apiKey),
			c.postOTLP(t, "/v1/traces", "application/x-protobuf", body, plants.mark),
			c.postOTLP(t, "/v1/traces", "application/x-protobuf", append(slices.Clone(body), bytes.Repeat(body, 1+(1<<20)/len(body))...), c.m.apiKey),
		)
	}
	deep := []byte(plants.mark)
	for range 200 { // an AnyValue in an array in an AnyValue …
		deep = nested(42, nested(10, deep))
	}
	attribute := nested(10, slices.Concat(nested(10, []byte(plants.mark)), nested(18, deep))) // KeyValue of a Resource
	send(codes.ResourceExhausted, exportTraces, nested(10, nested(10, attribute)), good...)
	return answers
}

// postOTLP sends a request over HTTP and returns all that the notary said.
func (c *sender) postOTLP(t *testing.T, path, media string, body []byte, key string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+c.p.ready.OTLPHTTP+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", media)
	r.Header.Set("X-Api-Key", key)
	resp, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.Status, resp.Header, string(answer))
}

// nested is a field of a message: its tag, a length and content.
func nested(tag byte, content []byte) []byte {
	b := []byte{tag}
	for n := len(content); ; n >>= 7 {
		if n < 0x80 {
			return append(append(b, byte(n)), content...)
		}
		b = append(b, byte(n)|0x80)
	}
}

// askAbout asks the control interface about sessions, with the canary in every
// place of the request.
func (c *sender) askAbout(t *testing.T, session string) (answers []string) {
	t.Helper()
	id := url.PathEscape(session)
	for _, q := range []struct{ method, path, token string }{
		{http.MethodGet, "/v1/sessions/" + id + "?tenant=acme", ""},
		{http.MethodGet, "/v1/sessions/" + id + "?tenant=acme", session},
		{http.MethodGet, "/v1/sessions/" + id + "x?tenant=acme", c.m.operator},
		{http.MethodGet, "/v1/sessions/" + id + "?tenant=" + url.QueryEscape(session), c.m.operator},
		{http.MethodGet, "/v1/sessions/" + id + "?tenant=acme&" + url.QueryEscape(session) + "=1", c.m.operator},
		{http.MethodGet, "/v1/sessions/" + id + "/bundle?tenant=acme&part=" + url.QueryEscape(session), c.m.operator},
		{http.MethodPost, "/v1/sessions/" + id + "/end?tenant=acme", c.m.operator},
		{http.MethodPost, "/v1/sessions/" + id + "x/end?tenant=acme", c.m.operator},
		{http.MethodDelete, "/v1/sessions/" + id, c.m.operator},
		{http.MethodGet, "/" + id, c.m.operator},
	} {
		_, body := c.ask(t, q.method, q.path, q.token)
		answers = append(answers, string(body))
	}
	return answers
}

// checkOpened: with the key, every canary that was text is there, in the parts
// of the sessions; what is binary was replaced, and no PII is left.
func (m *machine) checkOpened(t *testing.T, plants *planter) {
	t.Helper()
	var plain bytes.Buffer
	labels := make(map[string]uint64)
	m.audit(t, func(s *storage, _ map[string][]foundSpan) {
		for _, part := range s.Parts() {
			o, err := s.Open(t.Context(), part, s.identity)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range o.Records {
				if r.Kind == receipt.Log && proto.Unmarshal(r.Bytes, new(logsv1.LogRecord)) != nil {
					t.Error("a log record is none")
				}
				for _, b := range [][]byte{r.Resource, r.Scope, r.Bytes} {
					plain.Write(b)
				}
			}
			for label, n := range editsByLabel(o) {
				labels[label] += n
			}
		}
	})
	for _, canary := range slices.Sorted(maps.Keys(plants.texts)) {
		if !bytes.Contains(plain.Bytes(), []byte(canary)) {
			t.Errorf("the text of %s is lost: %s", plants.texts[canary], canary)
		}
	}
	for canary, field := range plants.binary {
		if bytes.Contains(plain.Bytes(), []byte(canary)) {
			t.Errorf("the bytes of %s, which no redactor can read, are stored", field)
		}
	}
	for _, id := range plants.ids {
		if !bytes.Contains(plain.Bytes(), id) {
			t.Error("an id is lost")
		}
	}
	for _, text := range pii {
		if bytes.Contains(plain.Bytes(), []byte(text)) {
			t.Errorf("%q is stored", text)
		}
	}
	if labels["EMAIL"] == 0 || labels["CARD"] == 0 || labels["IBAN"] == 0 || labels["BINARY"] == 0 {
		t.Errorf("edits by label: %v", labels)
	}
	t.Logf("%d texts, %d byte strings, %d ids planted; edits %v", len(plants.texts), len(plants.binary), len(plants.ids), labels)
}
