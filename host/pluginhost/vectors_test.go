package pluginhost

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
)

// sdkPlugin is the directory of ABI.md and its vectors.
const sdkPlugin = "../../sdk/plugin"

type knownAnswer struct {
	Name    string
	Request string // of requests
	Reply   string
	Bytes   string // of what is refused
}

type rdxVectors struct {
	Requests        []knownAnswer
	RefusedRequests []knownAnswer `json:"refused_requests"`
	Texts           []string
	RefusedReplies  []knownAnswer `json:"refused_replies"`
}

func readVectors(t *testing.T) *rdxVectors {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(sdkPlugin, "testdata", "rdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	v := new(rdxVectors)
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
	if len(v.Requests) < 8 || len(v.RefusedRequests) < 16 || len(v.RefusedReplies) < 18 {
		t.Fatalf("only %d, %d and %d vectors", len(v.Requests), len(v.RefusedRequests), len(v.RefusedReplies))
	}
	return v
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// guestIn loads the plugin in a directory of source.
func guestIn(t *testing.T, dir, config string) *plugin {
	t.Helper()
	module, err := build.Module(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := abi.ReadManifest(module)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(t.Context(), []Source{{Name: m.Name, Kind: m.Kind, Module: module, Config: []byte(config)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(t.Context()) })
	return s.plugins[0]
}

// answer gives the guest a request as it is, and returns its reply, or nil if it
// gave none.
func answer(t *testing.T, p *plugin, request []byte) []byte {
	t.Helper()
	in, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx := withCall(t.Context(), &call{ctx: t.Context(), clock: clockCall})
	packed, reason := in.exchange(ctx, abi.ExportRdxRedact, p.limits.Fuel, request)
	var reply []byte
	if reason == "" && packed != 0 {
		var view []byte
		if view, reason = in.reply(packed); reason == "" {
			reply = bytes.Clone(view)
		}
	}
	p.release(in, reason != "")
	if reason != "" {
		t.Errorf("the guest failed (%s)", reason)
	}
	return reply
}

// TestVectorsInWasm: a guest written in C from the header answers every vector to
// the byte, and refuses what a guest has to refuse.
func TestVectorsInWasm(t *testing.T) {
	v := readVectors(t)
	p := guestIn(t, filepath.Join(sdkPlugin, "testdata", "star"), "")
	for _, c := range v.Requests {
		if got, want := answer(t, p, unhex(t, c.Request)), unhex(t, c.Reply); !bytes.Equal(got, want) {
			t.Errorf("%s: reply\n%x, want\n%x", c.Name, got, want)
		}
	}
	refuses(t, p, v)
	if c := p.counters; c.Discarded > 0 {
		t.Errorf("%d instances were discarded", c.Discarded)
	}
}

// refuses gives a guest every malformed request.
func refuses(t *testing.T, p *plugin, v *rdxVectors) {
	t.Helper()
	for _, c := range v.RefusedRequests {
		reply := answer(t, p, unhex(t, c.Bytes))
		if reply == nil {
			continue
		}
		if status, _, err := abi.DecodeReply(reply, abi.MaxEdits, nil); err != nil || status == 0 {
			t.Errorf("%s: status %d, error %v; want a failure", c.Name, status, err)
		}
	}
}

// TestAssemblyScriptGuest: a guest made by yet another compiler refuses what a guest
// has to refuse, reads a later minor version, and finds what its vectors say.
func TestAssemblyScriptGuest(t *testing.T) {
	const dir = "../../examples/redactor-assemblyscript"
	p := guestIn(t, dir, "")
	v := readVectors(t)
	refuses(t, p, v)
	for _, c := range v.Requests { // none of them holds an order number
		if got := answer(t, p, unhex(t, c.Request)); !bytes.Equal(got, noEdits) {
			t.Errorf("%s: reply %x, want one without edits", c.Name, got)
		}
	}
	f, err := os.Open(filepath.Join(dir, "golden.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	golden, err := plugintest.ReadVectors(f)
	if err != nil || len(golden) < 8 {
		t.Fatalf("%d golden vectors, %v", len(golden), err)
	}
	for _, g := range golden {
		text := abi.Field{Text: []byte(g.Text)}
		request, err := abi.AppendRequest(nil, []abi.Field{text})
		if err != nil {
			t.Fatal(err)
		}
		_, edits, err := abi.DecodeReply(answer(t, p, request), abi.MaxEdits, nil)
		if err != nil || abi.ValidateEdits([]abi.Field{text}, edits, len(p.labels)) != nil {
			t.Fatalf("%s: edits %v, %v", g.Name, edits, err)
		}
		var got []plugintest.Span
		for _, e := range edits {
			got = append(got, plugintest.Span{Label: p.labels[e.Label], Text: g.Text[e.Start:e.End]})
		}
		if !slices.Equal(got, g.Spans) {
			t.Errorf("%s: found %+v, want %+v", g.Name, got, g.Spans)
		}
	}
	if c := p.counters; c.Discarded > 0 {
		t.Errorf("%d instances were discarded", c.Discarded)
	}
}

// TestRefusedReplies: no reply of the vectors that breaks a rule gets through.
func TestRefusedReplies(t *testing.T) {
	v := readVectors(t)
	for _, c := range v.RefusedReplies {
		s := load(t, Options{}, redactor("bad", unhex(t, c.Bytes)))
		if edits, err := s.Redact(t.Context(), fields(v.Texts...)); err == nil {
			t.Errorf("%s: accepted, edits %+v", c.Name, edits)
		}
	}
}
