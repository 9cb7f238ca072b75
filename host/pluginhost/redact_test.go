package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// redactOne loads one guest and gives it one batch.
func redactOne(t *testing.T, g *guest, texts ...string) ([]Edit, error) {
	t.Helper()
	return load(t, Options{}, g).Redact(t.Context(), fields(texts...))
}

// TestBadGuests: whatever a guest does, the request fails closed with a reason
// and nothing of a result, and the process goes on.
func TestBadGuests(t *testing.T) {
	reply := func(edits ...abi.Edit) *guest { return redactor("bad", abi.AppendReply(nil, 0, edits)) }
	code := func(locals uint32, code ...[]byte) *guest {
		return redactor("bad", noEdits).set(abi.ExportRdxRedact, locals, code...)
	}
	// alloc answers well while configuring, when the buffer is the smallest.
	alloc := func(then ...[]byte) *guest {
		return redactor("bad", noEdits).set(abi.ExportRdxAlloc, 0, localGet(0), i32Const(abi.Tail), []byte{0x46, opIf, typeI32},
			i32Const(atInput), elseOp, slices.Concat(then...), end)
	}
	recursion := redactor("bad", noEdits)
	recursion.funcs["zz"] = fn{typ: funcType{"", ""}, code: slices.Concat(callTo(4), callTo(4))}
	recursion.limits.Fuel = 0 // the default: enough to reach the bound of depth
	recursion.noExports = []string{"zz"}
	recursion.set(abi.ExportRdxRedact, 0, callTo(4), i64Const(0))
	for name, tc := range map[string]struct {
		guest *guest
		want  Reason
	}{
		"endless loop":       {code(0, endless, i64Const(0)), ReasonFuel},
		"endless alloc":      {alloc(endless, i32Const(16)), ReasonFuel},
		"fill bomb":          {code(0, []byte{opLoop, 0x40}, i32Const(0), i32Const(0), i32Const(8<<16), memoryFill, []byte{0x0c, 0, opEnd}, i64Const(0)), ReasonFuel},
		"trap":               {code(0, unreachable), ReasonTrap},
		"recursion":          {recursion, ReasonDepth},
		"memory bomb":        {code(0, []byte{opLoop, 0x40}, i32Const(1), memoryGrow, drop, []byte{0x0c, 0, opEnd}, i64Const(0)), ReasonFuel},
		"no buffer":          {alloc(i32Const(0)), ReasonAlloc},
		"unaligned buffer":   {alloc(i32Const(0x10008)), ReasonAlloc},
		"buffer at the end":  {alloc(i32Const(8<<16 - 16)), ReasonAlloc},
		"negative buffer":    {alloc(i32Const(-16)), ReasonAlloc},
		"failure":            {code(0, i64Const(0)), ReasonStatus},
		"failure in reply":   {redactor("bad", abi.AppendReply(nil, 7, nil)), ReasonStatus},
		"reply out of range": {code(0, i64Const(abi.Pack(8<<16-8, 16))), ReasonReply},
		"reply wraps":        {code(0, i64Const(abi.Pack(0xffff_fff0, 32))), ReasonReply},
		"reply too long":     {code(0, i64Const(abi.Pack(16, abi.MaxMessage+1))), ReasonReply},
		"reply of nothing":   {code(0, i64Const(abi.Pack(atReply, 0))), ReasonReply},
		"no magic":           {redactor("bad", make([]byte, 16)), ReasonReply},
		"count bomb":         {redactor("bad", u32s(abi.MagicReply, 0, 1<<28, 16)), ReasonReply},
		"count too small":    {redactor("bad", append(slices.Clone(noEdits), 0)), ReasonReply},
		"edit size":          {redactor("bad", u32s(abi.MagicReply, 0, 0, 20)), ReasonReply},
		"wrong field":        {reply(abi.Edit{Field: 2, End: 1}), ReasonReply},
		"wrong label":        {reply(abi.Edit{End: 1, Label: 2}), ReasonReply},
		"empty edit":         {reply(abi.Edit{Start: 1, End: 1}), ReasonReply},
		"negative length":    {reply(abi.Edit{Start: 3, End: 1}), ReasonReply},
		"out of bounds":      {reply(abi.Edit{End: 6}), ReasonReply},
		"huge offsets":       {reply(abi.Edit{Start: 0xffff_fff0, End: 0xffff_ffff}), ReasonReply},
		"mid rune start":     {reply(abi.Edit{Field: 1, Start: 1, End: 2}), ReasonReply},
		"mid rune end":       {reply(abi.Edit{Field: 1, Start: 0, End: 1}), ReasonReply},
		"overlap":            {reply(abi.Edit{End: 3}, abi.Edit{Start: 2, End: 4}), ReasonReply},
		"unsorted":           {reply(abi.Edit{Start: 2, End: 3}, abi.Edit{Start: 0, End: 1}), ReasonReply},
		"unsorted fields":    {reply(abi.Edit{Field: 1, End: 2}, abi.Edit{Field: 0, End: 1}), ReasonReply},
	} {
		t.Run(name, func(t *testing.T) {
			s := load(t, Options{Concurrency: 1}, tc.guest)
			const rounds = 2 // a failure leaves nothing behind that changes the next
			for range rounds {
				edits, err := s.Redact(t.Context(), fields("hello", "é"))
				var pe *PluginError
				if !errors.As(err, &pe) || pe.Plugin != "bad" || pe.Reason != tc.want || edits != nil {
					t.Fatalf("edits %v, error %v; want reason %s", edits, err, tc.want)
				}
			}
			c := s.Counters()["bad"]
			if c.Failures[tc.want] != rounds || c.Discarded != rounds || len(c.Edits) != 0 {
				t.Errorf("counters %+v", c)
			}
		})
	}
}

// TestFuelIsExact: the same call takes the same fuel, so a batch that passes
// once passes always.
func TestFuelIsExact(t *testing.T) {
	s := load(t, Options{}, redactor("a", oneEdit))
	p := s.plugins[0]
	var used []int64
	for range 3 {
		in, err := p.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := &call{}
		_, reason := in.exchange(withCall(t.Context(), c), abi.ExportRdxRedact, 1000, make([]byte, 64))
		used = append(used, 1000-in.left(c))
		p.release(in, reason != "")
	}
	if used[0] != 2 || used[1] != 2 || used[2] != 2 {
		t.Errorf("fuel used: %v, want 2 (one instruction in each of two functions) each time", used)
	}
}

// TestStateDoesNotSurvive: a guest tries to remember a call by every kind of
// state there is and to tell by an edit that it remembers.
func TestStateDoesNotSurvive(t *testing.T) {
	remember := slices.Concat(i32Const(8), i32Const(1), store8)
	tell := func(remembered []byte) []byte {
		return slices.Concat(remembered, ifI64, i64Const(abi.Pack(atReply, uint32(len(oneEdit)))), elseOp, packOther, end)
	}
	spy := func(locals uint32, code ...[]byte) *guest {
		g := redactor("spy", oneEdit)
		g.data[atOther] = noEdits
		return g.set(abi.ExportRdxRedact, locals, code...)
	}
	global := spy(0, tell([]byte{0x23, 0}), i32Const(1), []byte{0x24, 0})
	global.globals = [][]byte{mutableI32}
	clock := spy(1, tell(slices.Concat(i32Const(8), load8)), remember)
	clock.manifest.WASI = abi.WASIDeny
	clock.imports = []fn{{name: abi.ImportWASI + "\x00clock_time_get", typ: wasiFunctions["clock_time_get"].typ}}
	// The clock's third byte differs if the clock went on between calls.
	clock.set(abi.ExportRdxRedact, 0, i32Const(0), i64Const(0), i32Const(0), callTo(0), drop,
		i32Const(0), load8, i32Const(int32(byte((clockCall+clockStep)&0xff))), []byte{0x47}, tell(nil))
	for name, g := range map[string]*guest{
		"memory":      spy(0, tell(slices.Concat(i32Const(8), load8)), remember),
		"far memory":  spy(0, tell(slices.Concat(i32Const(8<<16-1), load8)), i32Const(8<<16-1), i32Const(1), store8),
		"global":      global,
		"memory size": spy(0, tell(slices.Concat(memorySize, i32Const(8), []byte{0x47})), i32Const(1), memoryGrow, drop),
		"clock":       clock,
	} {
		t.Run(name, func(t *testing.T) {
			s := load(t, Options{Concurrency: 1}, g)
			for i := range 50 {
				edits, err := s.Redact(t.Context(), fields("canary"))
				if err != nil || len(edits) != 0 {
					t.Fatalf("call %d: edits %v, error %v: the guest remembers", i, edits, err)
				}
			}
		})
	}
}

// TestInputIsWiped: after a batch no byte of it is left in the instance.
func TestInputIsWiped(t *testing.T) {
	s := load(t, Options{Concurrency: 1}, redactor("a", noEdits))
	if _, err := s.Redact(t.Context(), fields("canary-7f3a")); err != nil {
		t.Fatal(err)
	}
	in, err := s.plugins[0].acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.plugins[0].release(in, false)
	memory, _ := in.memory.Read(0, in.memory.Size())
	if strings.Contains(string(memory), "canary") {
		t.Error("the batch is still in the guest's memory")
	}
}

// TestDiscardedIsWiped: an instance that is not put back holds nothing of its last batch
// either. Here its memory is on the Go heap, where a view of it outlives it.
func TestDiscardedIsWiped(t *testing.T) {
	for name, code := range map[string][]byte{
		"trap":  slices.Concat(unreachable, i64Const(0)),
		"grown": slices.Concat(i32Const(1), memoryGrow, drop, i64Const(abi.Pack(atReply, uint32(len(noEdits))))),
	} {
		t.Run(name, func(t *testing.T) {
			p := load(t, Options{Concurrency: 1}, redactor("a", noEdits).set(abi.ExportRdxRedact, 0, code)).plugins[0]
			if err := p.image.close(); err != nil {
				t.Fatal(err)
			}
			p.image.file = nil
			in, err := p.acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ctx := withCall(t.Context(), &call{ctx: t.Context(), clock: clockCall})
			_, reason := in.exchange(ctx, abi.ExportRdxRedact, p.limits.Fuel, []byte("canary-7f3a"))
			memory, _ := in.memory.Read(0, in.memory.Size())
			if !bytes.Contains(memory, []byte("canary")) {
				t.Fatal("the batch is not where this test looks")
			}
			p.release(in, reason != "")
			if p.counters.Discarded != 1 || bytes.Contains(memory, []byte("canary")) {
				t.Errorf("%d instances thrown away, want 1; or the batch is still in memory", p.counters.Discarded)
			}
		})
	}
}

// TestTailIsZero: behind a request are zeros, also where the guest's buffer holds something
// else: what a guest answers does not depend on how far vectors read.
func TestTailIsZero(t *testing.T) {
	g := redactor("tail", oneEdit)
	g.data[atInput], g.data[atOther] = bytes.Repeat([]byte{0xff}, 1024), noEdits
	at := func(n byte) []byte { return slices.Concat(localGet(0), localGet(1), []byte{0x6a, 0x2d, 0, n}) }
	g.set(abi.ExportRdxRedact, 0, at(0), at(7), []byte{0x72}, at(abi.Tail-1), []byte{0x72},
		ifI64, i64Const(abi.Pack(atReply, uint32(len(oneEdit)))), elseOp, packOther, end)
	if edits, err := redactOne(t, g, "text"); err != nil || len(edits) != 0 {
		t.Errorf("edits %v, error %v: the tail is not zero", edits, err)
	}
}

func TestWASIDenies(t *testing.T) {
	// args_sizes_get, environ_sizes_get, random_get and fd_write all succeed
	// with nothing; proc_exit traps.
	g := redactor("go", noEdits)
	g.manifest.WASI = abi.WASIDeny
	for _, n := range abi.WASIFunctions() {
		g.imports = append(g.imports, fn{name: abi.ImportWASI + "\x00" + n, typ: wasiFunctions[n].typ})
	}
	index := func(n string) int { return slices.Index(abi.WASIFunctions(), n) }
	ok := []byte{opIf, 0x40, 0x00, opEnd} // trap on an errno
	g.set(abi.ExportRdxRedact, 0,
		i32Const(0), i32Const(4), callTo(index("args_sizes_get")), ok,
		i32Const(0), i32Const(4), callTo(index("environ_sizes_get")), ok,
		i32Const(8), i32Const(-1), store32, i32Const(8), i32Const(4), callTo(index("random_get")), ok,
		i32Const(8), load8, ok,
		i32Const(2), i32Const(16), i32Const(1), i32Const(32), callTo(index("fd_write")), ok,
		i32Const(2048), i32Const(4096), i32Const(1), i32Const(32), callTo(index("poll_oneoff")), ok,
		callTo(index("sched_yield")), ok,
		i64Const(abi.Pack(atReply, 16)))
	if _, err := redactOne(t, g, "x"); err != nil {
		t.Error(err)
	}
	g.set(abi.ExportRdxRedact, 0, i32Const(0), callTo(index("proc_exit")), i64Const(0))
	var pe *PluginError
	if _, err := redactOne(t, g, "x"); !errors.As(err, &pe) || pe.Reason != ReasonTrap {
		t.Errorf("proc_exit gives %v, want a trap", err)
	}
	g.set(abi.ExportRdxRedact, 0, []byte{opLoop, 0x40}, i32Const(0), i32Const(8<<16), callTo(index("random_get")), drop,
		[]byte{0x0c, 0, opEnd}, i64Const(0))
	if _, err := redactOne(t, g, "x"); !errors.As(err, &pe) || pe.Reason != ReasonFuel {
		t.Errorf("endless random_get gives %v, want fuel", err)
	}
}

// TestWithoutRedactors: a set that has none does nothing at all with the fields.
func TestWithoutRedactors(t *testing.T) {
	s := load(t, Options{})
	all := fields("a@example.org", strings.Repeat("x", 3*window))
	allocs := testing.AllocsPerRun(10, func() {
		if edits, err := s.Redact(t.Context(), all); err != nil || edits != nil {
			t.Errorf("%v, %v", edits, err)
		}
	})
	if allocs != 0 {
		t.Errorf("%.0f allocations", allocs)
	}
}

func TestRedactRefusesInput(t *testing.T) {
	s := load(t, Options{Concurrency: 1}, redactor("a", oneEdit))
	if _, err := s.Redact(t.Context(), []Field{{Text: []byte("a\xff")}}); !errors.Is(err, ErrText) {
		t.Errorf("text that is not UTF-8: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Redact(ctx, fields("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var pe *PluginError
	if _, err := s.Redact(t.Context(), fields("x")); !errors.As(err, &pe) || pe.Reason != ReasonClosed {
		t.Errorf("closed set: %v", err)
	}
}

// TestRedact: offsets of a batch become offsets of the request, two redactors
// see the same text, and a value that was reported once goes everywhere.
func TestRedact(t *testing.T) {
	a := redactor("a", abi.AppendReply(nil, 0, []abi.Edit{{Start: 0, End: 6, Label: 1, Score: 9}}))
	b := redactor("b", abi.AppendReply(nil, 0, []abi.Edit{{Start: 4, End: 12}, {Field: 1, Start: 0, End: 1}}))
	s := load(t, Options{}, a, b)
	got, err := s.Redact(t.Context(), fields("secret-value tail", "x", "", "no secret- here, my-secret"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Edit{
		{Field: 0, Start: 0, End: 12, Label: "EMAIL", Plugin: "b"},
		{Field: 1, Start: 0, End: 1, Label: "EMAIL", Plugin: "b"},
		{Field: 3, Start: 3, End: 9, Label: "CARD", Plugin: "a", Score: 9},
		{Field: 3, Start: 20, End: 26, Label: "CARD", Plugin: "a", Score: 9},
	}
	if !slices.Equal(got, want) {
		t.Errorf("edits %v, want %v", got, want)
	}
	alone := load(t, Options{}, a)
	got, err = alone.Redact(t.Context(), fields("secret-value tail", "no secret here"))
	if err != nil {
		t.Fatal(err)
	}
	want = []Edit{
		{Field: 0, Start: 0, End: 6, Label: "CARD", Plugin: "a", Score: 9},
		{Field: 1, Start: 3, End: 9, Label: "CARD", Plugin: "a", Score: 9},
	}
	if !slices.Equal(got, want) {
		t.Errorf("edits %v, want %v", got, want)
	}
	if c := alone.Counters()["a"]; c.Edits["CARD"] != 2 || c.Residual["CARD"] != 1 || c.Calls != 1 || c.Bytes != 31 {
		t.Errorf("counters %+v", c)
	}
}

// TestSplit: every byte of every text is in a window, windows of one text
// overlap by close to 1 KiB, no batch is over 64 KiB, all lie on UTF-8 borders.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]string{"a", "é", "€", "😀", "a€"})
		size := rapid.SampledFrom([]int{0, 1, 1000, 40_000, window - 1, window, window + 1, 2 * window})
		var in []Field
		for range rapid.IntRange(0, 300).Draw(t, "short") { // elements of an array: each has the key of the whole
			in = append(in, Field{Text: []byte("a"), Key: bytes.Repeat([]byte("k"), maxKey)})
		}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			text := strings.Repeat(unit.Draw(t, "unit"), size.Draw(t, "size"))
			in = append(in, Field{Text: []byte(text), Key: []byte(strings.Repeat("€", size.Draw(t, "key")))})
		}
		covered := make([]int, len(in))
		for _, b := range split(in, nil) {
			total, keys := 0, 0
			for i, p := range b.pieces {
				text, key := b.text(i), in[p.field].shownKey()
				total, keys = total+len(text), keys+len(key)
				if p.start > covered[p.field] || p.start > 0 && covered[p.field]-p.start < overlap {
					t.Fatalf("window at %d of field %d, covered to %d", p.start, p.field, covered[p.field])
				}
				covered[p.field] = p.start + len(text)
				if string(text) != string(in[p.field].Text[p.start:covered[p.field]]) || len(key) > maxKey {
					t.Fatal("a window is not what stands there, or its key is too long")
				}
				if runeStart(in[p.field].Text, p.start) != p.start || runeStart(in[p.field].Text, covered[p.field]) != covered[p.field] {
					t.Fatal("a window cuts a rune")
				}
			}
			if total > window || total != b.bytes || keys > abi.MaxBatchKeys {
				t.Fatalf("batch of %d bytes, counted %d, and %d of keys", total, b.bytes, keys)
			}
		}
		for i := range in {
			if covered[i] != len(in[i].Text) {
				t.Fatalf("field %d: %d of %d bytes covered", i, covered[i], len(in[i].Text))
			}
		}
	})
}

// TestUnion compares the union with a byte map.
func TestUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []Edit
		masked := map[[2]int]bool{}
		for range rapid.IntRange(0, 12).Draw(t, "n") {
			f, a, n := rapid.IntRange(0, 2).Draw(t, "field"), rapid.IntRange(0, 20).Draw(t, "start"), rapid.IntRange(1, 8).Draw(t, "len")
			in = append(in, Edit{Field: f, Start: a, End: a + n})
			for i := a; i < a+n; i++ {
				masked[[2]int{f, i}] = true
			}
		}
		for i, e := range union(in) {
			if i > 0 && e.Field == in[i-1].Field && e.Start < in[i-1].End {
				t.Fatal("edits overlap")
			}
			for at := e.Start; at < e.End; at++ {
				if !masked[[2]int{e.Field, at}] {
					t.Fatal("a byte that no edit covers is masked")
				}
				delete(masked, [2]int{e.Field, at})
			}
		}
		if len(masked) != 0 {
			t.Fatal("a byte that an edit covers is not masked")
		}
	})
}

func asTheyAre(edits []Edit) []Edit { return edits }

// TestResidual compares the index with a search for each value that any of two
// redactors reported, and for what their findings make together.
func TestResidual(t *testing.T) {
	s := load(t, Options{}, redactor("a", noEdits), redactor("b", noEdits))
	rapid.Check(t, func(t *rapid.T) {
		// Of few letters values begin everywhere, of many there is much between them.
		alphabet := []rune(rapid.SampledFrom([]string{"ab", "abcd", "abcdefghijklmnop 0123456789"}).Draw(t, "alphabet"))
		letters := rapid.StringOfN(rapid.SampledFrom(alphabet), 0, 60, -1)
		in := fields(letters.Draw(t, "f0"), letters.Draw(t, "f1"), letters.Draw(t, "f2"))
		var found [][]Edit
		for _, plugin := range []string{"a", "b"} {
			var reported []Edit
			for f := range in {
				if n := len(in[f].Text); n > 0 && rapid.Bool().Draw(t, "report") {
					a := rapid.IntRange(0, n-1).Draw(t, "start")
					reported = append(reported, Edit{Field: f, Start: a, End: rapid.IntRange(a+1, n).Draw(t, "end"), Plugin: plugin})
				}
			}
			found = append(found, reported)
		}
		for _, e := range slices.Concat(found...) { // one copy of each to some place
			other := in[rapid.IntRange(0, 2).Draw(t, "copied to")].Text
			if room := len(other) - (e.End - e.Start); room >= 0 {
				copy(other[rapid.IntRange(0, room).Draw(t, "copied at"):], slices.Clone(in[e.Field].Text[e.Start:e.End]))
			}
		}
		reported := slices.Concat(found[0], found[1], union(slices.Concat(found...)))
		masked := func(edits []Edit) (m [3][61]bool) {
			for _, e := range edits {
				for i := e.Start; i < e.End; i++ {
					m[e.Field][i] = true
				}
			}
			return m
		}
		want := masked(reported)
		for _, e := range reported {
			value := string(in[e.Field].Text[e.Start:e.End])
			for f := range in {
				for i := 0; len(value) >= minResidual && i+len(value) <= len(in[f].Text); i++ {
					if string(in[f].Text[i:i+len(value)]) == value {
						for k := range value {
							want[f][i+k] = true
						}
					}
				}
			}
		}
		all, err := s.combine(t.Context(), in, nil, slices.Values(slices.Concat(found...)), asTheyAre)
		if err != nil || masked(all) != want {
			t.Fatalf("error %v, masked %v, want %v", err, masked(all), want)
		}
	})
}

// TestSecretInValue: a value inside another one is searched for as well, whichever
// redactor reported it, with the greatest action that it had; and the secret of one that
// has a name before it.
func TestSecretInValue(t *testing.T) {
	s := load(t, Options{}, redactor("a", noEdits), redactor("b", noEdits))
	for _, c := range []struct {
		name, text string
		one, two   [2]int // reported
		elsewhere  string
		masked     string // of it
	}{
		{"inside another's", "line: secret-one end", [2]int{0, 20}, [2]int{6, 16}, "no secret-one here", "secret-one"},
		{"across another's border", "secret-one-two", [2]int{0, 10}, [2]int{7, 14}, "x secret-one x one-two", "secret-one one-two"},
		{"the same as another's", "secret-one", [2]int{0, 10}, [2]int{0, 10}, "no secret-one here", "secret-one"},
		{"a name and a password", "admin:hunter2x", [2]int{0, 14}, [2]int{}, "it is hunter2x ok", "hunter2x"},
		{"a colon in the password", "admin:hunter:2x", [2]int{0, 15}, [2]int{}, "it is hunter:2x ok", "hunter:2x"},
		{"an assignment", `password="hunter2x"`, [2]int{0, 19}, [2]int{}, "it is hunter2x ok", "hunter2x"},
		{"a short password", "admin:hunt", [2]int{0, 10}, [2]int{}, "no hunt here", ""},
		{"an address", "fe80:1234:5678::9", [2]int{0, 17}, [2]int{}, "x 1234:5678::9", ""},
		{"a time", "2026-11-29 10:20:30", [2]int{0, 19}, [2]int{}, "x 20:30 20:30", ""},
		{"what closes something around it", "84736251}]", [2]int{0, 10}, [2]int{}, "x 84736251 84736251}] 84736251}", "84736251 84736251}] 84736251"},
		{"a name, and that", "password=hunter2x)", [2]int{0, 18}, [2]int{}, "it is hunter2x ok", "hunter2x"},
		{"what closes something in it", "f(hunter2x)", [2]int{0, 11}, [2]int{}, "f(hunter2x f(hunter2x)", "f(hunter2x)"},
		{"a short one", "12345}", [2]int{0, 6}, [2]int{}, "no 12345 here", ""},
		{"nothing else", "}}}}}}", [2]int{0, 6}, [2]int{}, "no } here", ""},
		{"a sign before it", ":hunter2x}", [2]int{0, 10}, [2]int{}, "it is hunter2x", "hunter2x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := [][]Edit{{{End: c.one[1], Plugin: "a"}}, nil}
			if c.two[1] > 0 {
				found[1] = []Edit{{Start: c.two[0], End: c.two[1], Plugin: "b", Action: DropField}}
			}
			in := fields(c.text, c.elsewhere)
			edits, err := s.combine(t.Context(), in, nil, slices.Values(slices.Concat(found...)), asTheyAre)
			if err != nil {
				t.Fatal(err)
			}
			var masked []string
			for _, e := range edits {
				if e.Field == 1 {
					masked = append(masked, string(in[1].Text[e.Start:e.End]))
					if c.two[1] > 0 && strings.Contains(c.text[c.two[0]:c.two[1]], string(in[1].Text[e.Start:e.End])) && e.Action != DropField {
						t.Errorf("%v has not the action of its rule", e)
					}
				}
			}
			if got := strings.Join(masked, " "); got != c.masked {
				t.Errorf("masked %q, want %q", got, c.masked)
			}
		})
	}
}

// TestManyValues: of more different values than are looked for at a time, each is found
// elsewhere all the same.
func TestManyValues(t *testing.T) {
	s := load(t, Options{}, redactor("a", noEdits))
	var text []byte
	var edits []Edit
	in := make([]Field, 1)
	for i := 0; len(edits) < maxEntries/2; i++ {
		start := len(text)
		text = fmt.Appendf(text, "%07d-%07d", i, 7*i)
		edits = append(edits, Edit{Start: start, End: len(text), Plugin: "a"})
		if i%1000 == 0 {
			in = append(in, Field{Text: slices.Concat([]byte("it is "), text[start:])})
		}
	}
	in[0].Text = text
	if n := len(edits) * entriesOf(text[edits[0].Start:edits[0].End]); n < 2*maxEntries {
		t.Fatalf("%d entries are not too many", n)
	}
	all, err := s.combine(t.Context(), in, nil, slices.Values(edits), asTheyAre)
	if err != nil {
		t.Fatal(err)
	}
	all = all[slices.IndexFunc(all, func(e Edit) bool { return e.Field > 0 }):]
	for i, e := range all {
		if e.Field != i+1 || e.Start != len("it is ") || e.End != len(in[i+1].Text) {
			t.Fatalf("value %d: %+v", i, e)
		}
	}
	if len(all) != len(in)-1 {
		t.Errorf("%d values are found, want %d", len(all), len(in)-1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.combine(ctx, in, nil, slices.Values(edits), asTheyAre); !errors.Is(err, context.Canceled) {
		t.Errorf("when nobody waits: %v", err)
	}
}

// TestEditList: beyond the room, neighbours in a field become one; whatever was to go goes,
// with the greatest action, and nothing of another field.
func TestEditList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []Edit
		for field := range rapid.IntRange(1, 4).Draw(t, "fields") {
			at := 0
			for range rapid.IntRange(0, 60).Draw(t, "edits") {
				at += rapid.IntRange(0, 200).Draw(t, "gap")
				e := Edit{Field: field, Start: at, End: at + rapid.IntRange(1, 20).Draw(t, "length"), Plugin: "p"}
				e.Action = Action(rapid.IntRange(int(Token), int(DropRecord)).Draw(t, "action"))
				at, in = e.End, append(in, e)
			}
		}
		l := editList{most: rapid.IntRange(1, 80).Draw(t, "room")}
		for _, e := range in {
			l.add(e)
		}
		if len(l.edits) > max(l.most, 4) {
			t.Fatalf("%d edits of 4 fields, room for %d", len(l.edits), l.most)
		}
		if len(in) <= l.most && !slices.Equal(l.edits, in) {
			t.Fatal("there was room for all")
		}
		for _, e := range in {
			if !slices.ContainsFunc(l.edits, func(o Edit) bool {
				return o.Field == e.Field && o.Start <= e.Start && o.End >= e.End && o.Action >= e.Action
			}) {
				t.Fatalf("%+v is lost", e)
			}
		}
	})
}

// TestManySecrets: 4 MiB of different values, a hundred bytes each, take some tenths of a second
// to look for elsewhere. With an automaton of their bytes, a part of them at a time, it was twenty seconds.
func TestManySecrets(t *testing.T) {
	s := load(t, Options{}, redactor("a", noEdits))
	search := func(texts int) func() {
		in, edits := madeFindings(texts, 1<<18, 58, 100, 115)
		return func() {
			all, err := s.combine(t.Context(), in, nil, slices.Values(edits), asTheyAre)
			if err != nil || len(all) != len(edits) {
				t.Fatalf("%d edits of %d, %v", len(all), len(edits), err)
			}
		}
	}
	takesAtMost(t, 20, search(16), search(2)) // eight times the text, and as many values
}

// madeFindings returns texts of random letters, so many different ones, and an edit of so many bytes
// in every few of them, none of which is like another.
func madeFindings(texts, size, letters, length, every int) (in []Field, edits []Edit) {
	random := rand.New(rand.NewChaCha8([32]byte{1}))
	for field := range texts {
		text := make([]byte, size)
		for i := range text {
			text[i] = 'A' + byte(random.IntN(letters))
		}
		in = append(in, Field{Text: text})
		for i := 0; i+length <= len(text); i += every {
			edits = append(edits, Edit{Field: field, Start: i, End: i + length, Plugin: "a"})
		}
	}
	return in, edits
}

// takesAtMost fails if one takes over so many times what another does. Others may have the processor
// meanwhile: so it is tried several times, each by itself, and has to hold once.
func takesAtMost(t *testing.T, times float64, one, other func()) {
	t.Helper()
	took := func(f func()) float64 {
		begun := time.Now()
		f()
		return time.Since(begun).Seconds()
	}
	var tried []float64
	for len(tried) < 12 {
		ratio := took(one) / took(other)
		if ratio <= times {
			return
		}
		tried = append(tried, ratio)
	}
	t.Errorf("it takes %.1f times as long, at most %v would do", tried, times)
}
