package pluginhost

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// everyOther are n edits of one byte, each other byte.
func everyOther(n int) []abi.Edit {
	edits := make([]abi.Edit, n)
	for i := range edits {
		edits[i] = abi.Edit{Start: uint32(2 * i), End: uint32(2*i + 1)}
	}
	return edits
}

// TestT62OutputBomb: whatever a redactor answers, the host takes no more edits
// than the text has room for, and none that is not a range of it.
func TestT62OutputBomb(t *testing.T) {
	text := strings.Repeat("a", window)
	reply := func(edits ...abi.Edit) *guest {
		// The reply stands where it is not in the way of a whole batch.
		const at = 16 << 16
		b := abi.AppendReply(nil, 0, edits)
		g := redactor("bomb", nil).set(abi.ExportRdxRedact, 0, i64Const(abi.Pack(at, uint32(len(b)))))
		g.data = map[uint32][]byte{at: b}
		g.manifest.Limits.MemoryPages, g.pages = 64, 40
		return g
	}
	// Ten million edits, in memory that the guest takes for them.
	const bytes = 16 + 16*10_000_000
	huge := reply()
	huge.manifest.Limits.MemoryPages, huge.limits.Fuel = abi.MaxMemoryPages, 0 // taking so much memory costs
	huge.set(abi.ExportRdxRedact, 0, i32Const(bytes>>16+1), memoryGrow, drop, i64Const(abi.Pack(16, bytes)))
	for name, tc := range map[string]struct {
		guest *guest
		texts []string
		want  Reason
	}{
		"ten million edits":           {huge, []string{text}, ReasonReply},
		"ten million announced":       {redactor("bomb", u32s(abi.MagicReply, 0, 10_000_000, 16)), []string{text}, ReasonReply},
		"more edits than text allows": {reply(everyOther(abi.MaxEdits + 1)...), []string{text}, ReasonReply},
		"edits behind a short text":   {reply(everyOther(abi.MaxEdits)...), []string{"hello"}, ReasonReply},
		"overlapping":                 {reply(abi.Edit{End: 3}, abi.Edit{Start: 2, End: 4}), []string{text}, ReasonReply},
		"out of bounds":               {reply(abi.Edit{Start: window, End: window + 1}), []string{text}, ReasonReply},
		"in the middle of a rune":     {reply(abi.Edit{Start: 1, End: 2}), []string{"é"}, ReasonReply},
		"negative":                    {reply(abi.Edit{Start: 1<<32 - 1, End: 1}), []string{text}, ReasonReply},
	} {
		edits, err := load(t, Options{Concurrency: 1}, tc.guest).Redact(t.Context(), fields(tc.texts...))
		var pe *PluginError
		if !errors.As(err, &pe) || pe.Reason != tc.want || edits != nil {
			t.Errorf("%s: %d edits, %v; want reason %s", name, len(edits), err, tc.want)
		}
	}
	edits, err := load(t, Options{}, reply(everyOther(abi.MaxEdits)...)).Redact(t.Context(), fields(text))
	if err != nil || len(edits) != abi.MaxEdits {
		t.Errorf("as many edits as allowed: %d, %v", len(edits), err)
	}
	// A million in many batches: more is masked.
	const many = 1<<20/abi.MaxEdits + 1
	edits, err = load(t, Options{}, reply(everyOther(abi.MaxEdits)...)).Redact(t.Context(), fields(slices.Repeat([]string{text}, many)...))
	if err != nil || len(edits) < many || len(edits) > maxEdits {
		t.Errorf("a million edits: %d, %v", len(edits), err)
	}
}

// TestT63NoWayOut: a redactor that imports anything which does something is not
// loaded; what Go's runtime imports does nothing, and the same on every call
// (TestWASIDenies, TestStateDoesNotSurvive); an answer holds no text, so what
// replaces a value is the host's (TestReplacements of package session); and a
// redactor that answers differently for the same text is found by a double run
// (TestDoubleRun).
func TestT63NoWayOut(t *testing.T) {
	for module, names := range map[string][]string{
		abi.ImportWASI: {
			"sock_open", "sock_connect", "sock_accept", "sock_send", "sock_recv", "sock_shutdown",
			"path_open", "path_create_directory", "path_filestat_get", "path_unlink_file", "fd_read", "fd_pwrite", "fd_prestat_get", "fd_prestat_dir_name", "fd_readdir",
			"clock_res_get", "proc_raise", "thread-spawn",
		},
		"wasi_unstable": {"fd_write", "random_get", "clock_time_get"},
		abi.ImportSto:   {"blob_put", "blob_get", "blob_list", "blob_delete", "stream_append", "stream_find", "stream_read", "stream_erase", "stream_list"},
		"env":           {"memory", "abort", "emscripten_notify_memory_growth"},
		"host":          {"log"},
		"":              {""},
	} {
		for _, name := range names {
			for _, wasi := range []abi.WASI{abi.WASINone, abi.WASIDeny} {
				g := redactor("spy", noEdits)
				g.manifest.WASI = wasi
				g.imports = []fn{{name: module + "\x00" + name, typ: funcType{"", i32}}}
				s, err := Load(t.Context(), []Source{g.source()}, Options{})
				var refused *LoadError
				if !errors.As(err, &refused) || s != nil {
					t.Errorf("import %q.%q with wasi %s: %v", module, name, wasi, err)
				}
			}
		}
	}
	for _, name := range abi.WASIFunctions() {
		g := redactor("spy", noEdits)
		g.imports = []fn{{name: abi.ImportWASI + "\x00" + name, typ: wasiFunctions[name].typ}}
		if _, err := Load(t.Context(), []Source{g.source()}, Options{}); err == nil {
			t.Errorf("%s is importable without the manifest's word", name)
		}
	}
}
