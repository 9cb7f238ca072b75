package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// modules are the built-in ones, which are built once.
var modules = struct {
	sync.Mutex
	built map[string][]byte
}{built: make(map[string][]byte)}

// withContext returns a built-in module whose manifest has the context.
func withContext(t *testing.T, name string, c abi.Context) []byte {
	t.Helper()
	modules.Lock()
	defer modules.Unlock()
	if modules.built[name] == nil {
		modules.built[name] = builtInModule(t, name)
	}
	m, err := abi.ReadManifest(modules.built[name])
	if err != nil {
		t.Fatal(err)
	}
	bare, err := abi.StripCustom(modules.built[name])
	if err != nil {
		t.Fatal(err)
	}
	m.Context = c
	module, err := abi.AppendManifest(bare, m)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// loadWith loads redact-pii and redact-secrets, each with a context.
func loadWith(t *testing.T, o Options, pii, secrets abi.Context) *Set {
	t.Helper()
	s, err := Load(t.Context(), []Source{
		{Name: "redact-pii", Kind: abi.KindRedactor, Module: withContext(t, "redact-pii", pii)},
		{Name: "redact-secrets", Kind: abi.KindRedactor, Module: withContext(t, "redact-secrets", secrets)},
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// asked is a budget that remembers the most that was asked for edits.
type asked struct{ edits int64 }

func (a *asked) reserving(ctx context.Context) context.Context {
	return Reserving(ctx, func(_, edits int64) error {
		a.edits = max(a.edits, edits)
		return nil
	})
}

// pieces are what texts are made of: things to find, in many spellings, and what is near them.
var pieces = []string{
	"ada@example.com", "4111 1111 1111 1111", "password", ": ", `="`, "hunter2xQ7", `\n`, "\n", `ada\u0040example.com`, `{"to":"`, `"}`, `,"n":4111111111111111}`,
	"postgres://admin:Tr0ub4dor3x@db.example.com/x", "Tr0ub4dor3x", "sk-ant-api03-", "AKIAIOSFODNN7EXAMPLE", "+1 202 555 0143", "phone ", "SSN ", "078-05-1120", "chat", "é", " ", "x", "\x1b[1m", `\u001b[0m`,
	`{"m":"{\"password\":\"Tr0ub4dor\\\"3xyzQQ77\"}"}`, strings.Repeat("prose and no more. ", 30), "-----BEGIN PRIVATE KEY-----\n", strings.Repeat("MIIEvQIBADANBgkq", 8),
}

// repeating draws the fields of a request in which texts stand many times, under several keys.
// There is not so much in them that there could be maxEdits findings.
func repeating(t *rapid.T) []Field {
	texts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "pieces"), "")
		if rapid.IntRange(0, 40).Draw(t, "long") == 0 {
			text = strings.Repeat(text+" ", 1+3*window/2/(1+len(text)))
		}
		return text
	}), 1, 6).Draw(t, "texts")
	var out []Field
	left := 4 * maxEdits
	for range rapid.IntRange(1, 30).Draw(t, "fields") {
		text := rapid.SampledFrom(texts).Draw(t, "text")
		if left -= len(text); left < 0 {
			break
		}
		out = append(out, Field{
			Text:  []byte(text),
			Key:   []byte(rapid.SampledFrom([]string{"", "user.phone", "password"}).Draw(t, "key")),
			Role:  rapid.SampledFrom([]abi.Role{abi.RoleOther, abi.RoleUser}).Draw(t, "role"),
			Group: uint32(len(out) / 4),
		})
	}
	return out
}

// TestAlikeAsEachByItself: what repeats gets the edits, the metrics and the room in the
// budget that it gets when each field is looked at by itself.
func TestAlikeAsEachByItself(t *testing.T) {
	o := Options{Rules: map[string]Rule{"EMAIL": {Action: Token}, "PHONE": {Action: DropField}, "CARD": {Action: DropRecord}}}
	type loaded struct {
		name     string
		together *Set
	}
	apart := loadWith(t, o, abi.ContextBatch, abi.ContextBatch)
	sets := []loaded{
		{"both", loadWith(t, o, abi.ContextField, abi.ContextField)},
		{"the first", loadWith(t, o, abi.ContextField, abi.ContextBatch)},
		{"the second", loadWith(t, o, abi.ContextBatch, abi.ContextField)},
	}
	counted := func(s *Set) string {
		var out []string
		for name, c := range s.Counters() {
			out = append(out, fmt.Sprint(name, c.Edits, c.Residual, c.Failures))
			s.redactors[slices.IndexFunc(s.redactors, func(p *plugin) bool { return p.name == name })].count(func(c *Counters) { *c = Counters{} })
		}
		return strings.Join(slices.Sorted(slices.Values(out)), " ")
	}
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		in := repeating(t)
		var room asked
		want, err := apart.Redact(room.reserving(context.Background()), in)
		if err != nil {
			t.Fatal(err)
		}
		found += len(want)
		metrics := counted(apart)
		for _, s := range sets {
			var other asked
			got, err := s.together.Redact(other.reserving(context.Background()), in)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: edits\n%+v, want\n%+v", s.name, got, want)
			}
			if m := counted(s.together); m != metrics {
				t.Fatalf("%s: counted %s, want %s", s.name, m, metrics)
			}
			if other != room {
				t.Fatalf("%s: room for %d bytes of edits, want %d", s.name, other.edits, room.edits)
			}
		}
	})
	if found == 0 {
		t.Error("nothing was ever found")
	}
}

// TestAlikeIsGivenOnce: a redactor whose context is the field gets one of the texts that are
// alike, and another one that beside it all of them.
func TestAlikeIsGivenOnce(t *testing.T) {
	one, all := redactor("one", noEdits), redactor("all", noEdits)
	one.manifest.Context = abi.ContextField
	s := load(t, Options{}, one, all)
	in := fields("chat", "", "model", "chat", "chat", "")
	in[4].Key = []byte("key")
	if _, err := s.Redact(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	c := s.Counters()
	if got := [2]uint64{c["one"].Bytes, c["all"].Bytes}; got != [2]uint64{13, 17} {
		t.Errorf("bytes of text %v, want [13 17]", got)
	}
}

// TestManyAlike: beyond the room for edits, repeated texts are masked as they are when each is
// looked at by itself; but for which neighbours become one, where only one of two redactors is
// given all.
func TestManyAlike(t *testing.T) {
	near := fields(strings.Repeat("ada@example.com, ", 90))
	far := fields(strings.Repeat("ada@example.com"+strings.Repeat(" prose", 30), 90))
	json := fields(`{"m":[` + strings.Repeat(`"ada@example.com 1",`, 90) + `0]}`)
	long := fields(strings.Repeat("ada@example.com"+strings.Repeat(" prose", 180), 90))
	for name, one := range map[string][]Field{"near": near, "far": far, "JSON": json, "long": long} {
		t.Run(name, func(t *testing.T) {
			in := slices.Repeat(one, maxEdits/80)
			var want []Edit
			for _, c := range [][2]abi.Context{{}, {abi.ContextField, abi.ContextField}, {abi.ContextField}, {1: abi.ContextField}} {
				got, err := loadWith(t, Options{}, c[0], c[1]).Redact(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = got
				}
				if len(got) > maxEdits+len(in) || c[0] == c[1] && !slices.Equal(got, want) {
					t.Errorf("%q: %d edits, %d when each is looked at; room for %d", c, len(got), len(want), maxEdits)
				}
				for i, text := range mask(in, got) {
					if strings.Contains(text, "ada") {
						t.Fatalf("%q: something is left in field %d", c, i)
					}
				}
			}
		})
	}
}

// TestCompare: fields are alike if text, key, role and format are the same, and the memory
// for that holds nothing afterwards.
func TestCompare(t *testing.T) {
	type identity struct {
		text, key string
		role      abi.Role
		format    abi.Format
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"", "a", "b", "ab", strings.Repeat("long ", 100)})
		in := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Field {
			return Field{
				Text: []byte(word.Draw(t, "text")), Key: []byte(word.Draw(t, "key")),
				Role: abi.Role(rapid.IntRange(0, 1).Draw(t, "role")), Format: abi.Format(rapid.IntRange(0, 1).Draw(t, "format")),
			}
		}), 0, 200).Draw(t, "fields")
		a := compare(in)
		slots := a.slots
		want := make(map[identity][]int)
		for i := range in {
			id := identity{string(in[i].Text), string(in[i].Key), in[i].Role, in[i].Format}
			if len(in[i].Text) == 0 {
				id.text = fmt.Sprint("empty ", i)
			}
			want[id] = append(want[id], i)
		}
		got := make(map[int][]int)
		for i := range in {
			if a.repeats(i) {
				continue
			}
			got[i] = slices.Sorted(a.all(i))
			if a.count(i) != len(got[i]) {
				t.Fatalf("field %d: %d are alike, counted %d", i, len(got[i]), a.count(i))
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d kinds of field, want %d", len(got), len(want))
		}
		for list := range maps.Values(want) {
			if !slices.Equal(got[list[0]], list) {
				t.Fatalf("like field %d are %v, want %v", list[0], got[list[0]], list)
			}
		}
		a.free()
		for _, s := range slots {
			if s != (slot{}) {
				t.Fatal("something is left in the table")
			}
		}
	})
}

// TestCompareFindsMost: in a request of many texts that are near to each other nearly all
// that are alike are found; and texts made for the hash, which differ where it does not look,
// cost no more looks than any, and stay by themselves.
func TestCompareFindsMost(t *testing.T) {
	const n = 1 << 14
	near, made := make([]Field, 2*n), make([]Field, n)
	for i := range n {
		near[i] = Field{Text: []byte("true"), Key: fmt.Append(nil, "key.", i)}
		if i%2 == 0 {
			near[i] = Field{Text: fmt.Append(bytes.Repeat([]byte("x"), 100), i)}
		}
		made[i] = Field{Text: bytes.Repeat([]byte("x"), 1000)}
		copy(made[i].Text[100:], fmt.Append(nil, i))
	}
	copy(near[n:], near[:n])
	for name, c := range map[string]struct {
		in          []Field
		least, most int
	}{
		"near": {near, n * 99 / 100, n},
		"made": {made, 0, 0},
	} {
		a := compare(c.in)
		repeats := 0
		for i := range c.in {
			if a.repeats(i) {
				repeats++
			}
		}
		if repeats < c.least || repeats > c.most {
			t.Errorf("%s: %d of %d fields are like another one, want %d to %d", name, repeats, len(c.in), c.least, c.most)
		}
		full := 0
		for _, s := range a.slots[:a.used] {
			if s.field != 0 {
				full++
			}
		}
		if name == "made" && full != maxProbes {
			t.Errorf("%d of them are in the table, want %d", full, maxProbes)
		}
		a.free()
	}
}
