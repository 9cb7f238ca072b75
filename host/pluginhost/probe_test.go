package pluginhost

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

func probe(t *testing.T, g *guest) *Probe {
	t.Helper()
	p, err := NewProbe(t.Context(), g.source())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(t.Context()) })
	return p
}

// TestProbe: a probe gives the edits of a set, the same fuel for the same batch,
// and more of it for more work.
func TestProbe(t *testing.T) {
	p := probe(t, redactor("a", oneEdit))
	batch := []abi.Field{{Text: []byte("xyz")}}
	first, err := p.Try(t.Context(), batch)
	if err != nil || !slices.Equal(first.Edits, []abi.Edit{{End: 1}}) || first.Fuel == 0 || first.Discarded {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := p.Try(t.Context(), batch)
	if err != nil || again.Fuel != first.Fuel {
		t.Errorf("fuel %d, then %d (%v)", first.Fuel, again.Fuel, err)
	}
	edits, err := p.Set().Redact(t.Context(), fields("xyz"))
	if err != nil || len(edits) != 1 {
		t.Errorf("the set gives %v, %v", edits, err)
	}
	if l := p.Limits(); l.Fuel != 1_000_000 || l.MemoryPages != 16 {
		t.Errorf("limits %+v", l)
	}
}

// TestProbeTellsWhy: an author learns which edit or which pointer is wrong, and
// that all fuel is gone.
func TestProbeTellsWhy(t *testing.T) {
	reply := func(e ...abi.Edit) *guest { return redactor("a", abi.AppendReply(nil, 0, e)) }
	for name, c := range map[string]struct {
		guest  *guest
		reason Reason
		want   string
	}{
		"edit behind the text": {reply(abi.Edit{End: 1}, abi.Edit{Start: 2, End: 9}), ReasonReply, "edit 1: range [2, 9) in a text of 3 bytes"},
		"unknown label":        {reply(abi.Edit{End: 1, Label: 7}), ReasonReply, "label 7 of 2"},
		"bad header":           {redactor("a", []byte("0123456789abcdef")), ReasonReply, "no reply header"},
		"pointer outside": {
			redactor("a", noEdits).set(abi.ExportRdxRedact, 0, i64Const(abi.Pack(1<<30, 16))), ReasonReply,
			"pointer 1073741824 and length 16",
		},
		"endless":  {redactor("a", noEdits).set(abi.ExportRdxRedact, 0, endless, i64Const(0)), ReasonFuel, "fuel"},
		"trap":     {redactor("a", noEdits).set(abi.ExportRdxRedact, 0, unreachable), ReasonTrap, "trap"},
		"gives up": {redactor("a", abi.AppendReply(nil, 5, nil)), ReasonStatus, "status"},
	} {
		p := probe(t, c.guest)
		trial, err := p.Try(t.Context(), []abi.Field{{Text: []byte("xyz")}})
		var pe *PluginError
		if !errors.As(err, &pe) || pe.Reason != c.reason || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s with %q", name, err, c.reason, c.want)
		}
		if c.reason == ReasonFuel && (trial.Fuel != trial.Budget || trial.Budget == 0) {
			t.Errorf("%s: fuel %d of %d", name, trial.Fuel, trial.Budget)
		}
	}
}

// TestProbeMalformed: bytes that are no request have to be refused by a status.
func TestProbeMalformed(t *testing.T) {
	for name, c := range map[string]struct {
		guest *guest
		ok    bool
	}{
		"status": {redactor("a", abi.AppendReply(nil, 1, nil)), true},
		"zero":   {redactor("a", noEdits).set(abi.ExportRdxRedact, 0, i64Const(0)), true},
		"answer": {redactor("a", noEdits), false},
		"trap":   {redactor("a", noEdits).set(abi.ExportRdxRedact, 0, unreachable), false},
	} {
		if err := probe(t, c.guest).TryMalformed(t.Context(), []byte("no request")); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProbeSeesGrowth: memory that grows in a batch costs the instance.
func TestProbeSeesGrowth(t *testing.T) {
	p := probe(t, redactor("a", noEdits).set(abi.ExportRdxRedact, 0, i32Const(1), memoryGrow, drop, i64Const(abi.Pack(atReply, 16))))
	trial, err := p.Try(t.Context(), nil)
	if err != nil || !trial.Discarded {
		t.Errorf("%+v, %v; want a discarded instance", trial, err)
	}
}

func TestProbeTakesRedactorsOnly(t *testing.T) {
	var load *LoadError
	_, err := NewProbe(t.Context(), Source{Name: "s", Kind: abi.KindStorage})
	if !errors.As(err, &load) {
		t.Errorf("error %v, want a LoadError", err)
	}
}
