package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// T60: whatever a guest does to go on for ever, the call fails, the instance is thrown away,
// and the next call finds another one. TestT60EndlessGuestsGiveWay has what the rest of the
// process sees of it.
func TestT60GuestsEnd(t *testing.T) {
	targets := make([]byte, 1<<12)
	table := slices.Concat([]byte{opLoop, 0x40}, i32Const(7), leb([]byte{0x0e}, len(targets)), targets, []byte{0, opEnd})
	recursion := func(locals uint32, code ...[]byte) *guest {
		g := redactor("bad", noEdits).set(abi.ExportRdxRedact, 0, callTo(4), i64Const(0))
		g.funcs["zz"] = fn{typ: funcType{"", ""}, locals: locals, code: slices.Concat(code...)}
		g.noExports = []string{"zz"}
		g.limits.Fuel = 0
		return g
	}
	for name, tc := range map[string]struct {
		guest *guest
		want  Reason
	}{
		"endless loop":   {redactor("bad", noEdits).set(abi.ExportRdxRedact, 0, endless, i64Const(0)), ReasonFuel},
		"huge br_table":  {redactor("bad", noEdits).set(abi.ExportRdxRedact, 0, table, i64Const(0)), ReasonFuel},
		"recursion":      {recursion(0, callTo(4)), ReasonDepth},
		"wide recursion": {recursion(0, callTo(4), callTo(4)), ReasonDepth},
		"with locals":    {recursion(1900, callTo(4)), ReasonDepth},
		"behind work":    {recursion(0, bytes.Repeat([]byte{0x01}, 4000), callTo(4)), ReasonDepth},
	} {
		t.Run(name, func(t *testing.T) {
			s := load(t, Options{Concurrency: 1}, tc.guest)
			for range 2 {
				edits, err := s.Redact(t.Context(), fields("text"))
				var pe *PluginError
				if !errors.As(err, &pe) || pe.Reason != tc.want || edits != nil {
					t.Fatalf("edits %v, error %v; want %s", edits, err, tc.want)
				}
			}
			if c := s.Counters()["bad"]; c.Discarded != 2 || len(s.plugins[0].pool.free) != 0 {
				t.Errorf("counters %+v, %d instances kept", c, len(s.plugins[0].pool.free))
			}
		})
	}
	loop := redactor("bad", noEdits)
	loop.funcs["begin"] = fn{code: endless}
	loop.start, loop.noExports = "begin", []string{"begin"}
	if _, err := Load(t.Context(), []Source{loop.source()}, Options{}); err == nil || !strings.Contains(err.Error(), "start function does not end") {
		t.Errorf("a start function that loops: %v", err)
	}
}

// T61: a guest that takes all the memory there is gets what its manifest asks for and no
// more, and no more than as many times that as the pool has instances, of which none stays
// large.
func TestT61MemoryBomb(t *testing.T) {
	const width, limit = 3, 16
	// Grows until it cannot, and fails if it has another size than the limit then.
	g := redactor("bomb", noEdits).set(abi.ExportRdxRedact, 0,
		[]byte{opLoop, 0x40}, i32Const(1), memoryGrow, i32Const(-1), []byte{0x47, 0x0d, 0, opEnd},
		memorySize, i32Const(limit), []byte{0x47, opIf, 0x40}, unreachable, end, i64Const(abi.Pack(atReply, 16)))
	s := load(t, Options{Concurrency: width}, g)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if _, err := s.Redact(t.Context(), fields("text")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	p := s.plugins[0]
	if n := len(p.pool.free); n > width || cap(p.pool.slots) != width {
		t.Errorf("%d instances kept, at most %d", n, width)
	}
	for _, in := range p.pool.free {
		if in.memory.Size() != uint32(len(p.image.memory)) {
			t.Errorf("an instance of %d bytes is kept", in.memory.Size())
		}
	}
	if c := s.Counters()["bomb"]; c.Discarded != 40 {
		t.Errorf("%d instances thrown away, want all 40", c.Discarded)
	}
}

// T64: nothing of one session is in another: 10,000 sessions, each with a canary, by guests
// that keep what they see wherever a guest can, and tell if anything is there when they are
// called.
func TestT64CanaryOverSessions(t *testing.T) {
	g := redactor("spy", oneEdit)
	g.globals = [][]byte{mutableI32, {typeI64, 1, 0x42, 0, opEnd}}
	g.data[atOther] = noEdits
	g.pages = 2
	const near, far = 1 << 13, 1<<16 + 1<<12 + 5
	// remembered: the globals or the bytes at near and far are not as they were.
	remembered := slices.Concat([]byte{0x23, 0}, i32Const(near), []byte{0x28, 2, 0}, []byte{0x72}, i32Const(far), []byte{0x28, 0, 0, 0x72},
		[]byte{0x23, 1, 0xa7, 0x72})
	length := localGet(1)
	keep := func(to int32) []byte { return slices.Concat(i32Const(to), localGet(0), length, []byte{0xfc, 10, 0, 0}) } // memory.copy
	g.set(abi.ExportRdxRedact, 0, remembered, ifI64, i64Const(abi.Pack(atReply, uint32(len(oneEdit)))), elseOp, packOther, end,
		keep(near), keep(far), length, []byte{0x24, 0}, localGet(0), []byte{0xad, 0x24, 1})
	s := load(t, Options{Concurrency: 2}, g)
	p := s.plugins[0]
	const sessions = 10_000
	var wg sync.WaitGroup
	for worker := range 2 {
		wg.Go(func() {
			for i := worker; i < sessions; i += 2 {
				edits, err := s.Redact(t.Context(), fields(fmt.Sprintf("canary-%05d of a session", i)))
				if err != nil || len(edits) != 0 {
					t.Errorf("session %d: edits %v, error %v: the guest remembers", i, edits, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, in := range p.pool.free {
		memory, _ := in.memory.Read(0, in.memory.Size())
		if bytes.Contains(memory, []byte("canary-")) || !bytes.Equal(memory, p.image.memory) {
			t.Error("an instance in the pool holds something of a session")
		}
		if in.globals[0].Get() != 0 || in.globals[1].Get() != 0 {
			t.Error("a global holds something of a session")
		}
	}
	if c := s.Counters()["spy"]; c.Calls != sessions || c.Discarded != 0 {
		t.Errorf("counters %+v", c)
	}
}

// T68: loading writes nothing anywhere that a later start would read: machine code on
// a disk would be the host's to change.
func TestT68NoCompilationCache(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "TMPDIR"} {
		t.Setenv(name, dir)
	}
	s := load(t, Options{}, redactor("a", noEdits))
	if _, err := s.Redact(t.Context(), fields("text")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != dir {
			t.Errorf("%s is written", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReloadsLeakNothing: sets that are loaded, used and closed leave no memory behind.
func TestReloadsLeakNothing(t *testing.T) {
	g := redactor("a", noEdits)
	g.manifest.Limits.MemoryPages, g.pages = 64, 64 // 4 MiB in each instance and in the image
	reload := func(n int) {
		for range n {
			s, err := Load(t.Context(), []Source{g.source()}, Options{Concurrency: 2})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Redact(t.Context(), fields("text")); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		debug.FreeOSMemory()
	}
	reload(10)
	before := residentMiB(t)
	reload(100)
	if after := residentMiB(t); after > before+64 {
		t.Errorf("%d MiB after 100 reloads, %d before: 100 images are 400", after, before)
	}
}

// residentMiB is the memory of this process, 0 where the system does not tell.
func residentMiB(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/statm")
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}
