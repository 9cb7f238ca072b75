package pluginhost

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestRules: labels 0 and 1 of these guests are EMAIL and CARD.
func TestRules(t *testing.T) {
	const text = "secret-value tail"
	card := abi.Edit{End: 6, Label: 1, Score: 500}
	email := abi.Edit{Start: 4, End: 12, Label: 0, Score: 900}
	for name, tc := range map[string]struct {
		rules  map[string]Rule
		guests [][]abi.Edit
		want   []Edit
	}{
		"none": {nil, [][]abi.Edit{{card}}, []Edit{
			{Field: 0, Start: 0, End: 6, Label: "CARD", Plugin: "a", Score: 500, Action: Mask},
			{Field: 1, Start: 3, End: 9, Label: "CARD", Plugin: "a", Score: 500, Action: Mask},
		}},
		"residual follows the rule": {map[string]Rule{"CARD": {Action: DropRecord}}, [][]abi.Edit{{card}}, []Edit{
			{Field: 0, Start: 0, End: 6, Label: "CARD", Plugin: "a", Score: 500, Action: DropRecord},
			{Field: 1, Start: 3, End: 9, Label: "CARD", Plugin: "a", Score: 500, Action: DropRecord},
		}},
		"score of the threshold": {map[string]Rule{"CARD": {Threshold: 500}}, [][]abi.Edit{{card}}, []Edit{
			{Field: 0, Start: 0, End: 6, Label: "CARD", Plugin: "a", Score: 500},
			{Field: 1, Start: 3, End: 9, Label: "CARD", Plugin: "a", Score: 500},
		}},
		"under the threshold, and not searched for": {map[string]Rule{"CARD": {Threshold: 501}}, [][]abi.Edit{{card}}, nil},
		"any label": {map[string]Rule{AnyLabel: {Threshold: 501}}, [][]abi.Edit{{card}}, nil},
		"a label's own rule stands for itself": {map[string]Rule{AnyLabel: {Threshold: 501}, "CARD": {Action: DropField}}, [][]abi.Edit{{{Start: 0, End: 5, Label: 1, Score: 500}}}, []Edit{
			{Field: 0, Start: 0, End: 5, Label: "CARD", Plugin: "a", Score: 500, Action: DropField},
		}},
		"union takes the greatest action": {map[string]Rule{"CARD": {Action: DropField}, "EMAIL": {Action: Token}}, [][]abi.Edit{{card}, {email}}, []Edit{
			{Field: 0, Start: 0, End: 12, Label: "EMAIL", Plugin: "b", Score: 900, Action: DropField},
			{Field: 1, Start: 3, End: 9, Label: "CARD", Plugin: "a", Score: 500, Action: DropField},
		}},
		"mask is more than token": {map[string]Rule{AnyLabel: {Action: Token}, "CARD": {Action: Mask}}, [][]abi.Edit{{card}, {email}}, []Edit{
			{Field: 0, Start: 0, End: 12, Label: "EMAIL", Plugin: "b", Score: 900, Action: Mask},
			{Field: 1, Start: 3, End: 9, Label: "CARD", Plugin: "a", Score: 500, Action: Mask},
		}},
		"what scores too low takes no part in the union": {map[string]Rule{"CARD": {Action: DropRecord, Threshold: 501}}, [][]abi.Edit{{card}, {email}}, []Edit{
			{Field: 0, Start: 4, End: 12, Label: "EMAIL", Plugin: "b", Score: 900},
		}},
	} {
		var guests []*guest
		for i, edits := range tc.guests {
			guests = append(guests, redactor(string(rune('a'+i)), abi.AppendReply(nil, 0, edits)))
		}
		got, err := load(t, Options{Rules: tc.rules}, guests...).Redact(t.Context(), fields(text, "no secret here"))
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%s: edits %v, %v; want %v", name, got, err, tc.want)
		}
	}
}

// TestRulesInJSON: the way back from what redactors see to the text makes no rule
// weaker, and a token is of the value, however it is written.
func TestRulesInJSON(t *testing.T) {
	run := func(rules map[string]Rule, text string, edits ...abi.Edit) []Edit {
		t.Helper()
		got, err := load(t, Options{Rules: rules}, redactor("a", abi.AppendReply(nil, 0, edits))).Redact(t.Context(), fields(text))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, spelling := range []string{`{"a":"jo@x.de"}`, `{"a":"j\u006f@x\u002ede"}`} {
		got := run(map[string]Rule{AnyLabel: {Action: Token}}, spelling, abi.Edit{Start: 6, End: 13})
		if len(got) != 1 || got[0].Value != "jo@x.de" || got[0].Start != 6 || got[0].End != len(spelling)-2 {
			t.Errorf("%s: %+v", spelling, got)
		}
	}
	for text, want := range map[string]string{`{"n":84736251}`: "84736251", `{"n": f(36251)`: "f(36251)", `{"n":84})>]}])}`: "84", `{"n":}}}}`: "}}}}"} {
		got := run(map[string]Rule{AnyLabel: {Action: Token}}, text, abi.Edit{Start: uint32(strings.Index(text, want)), End: uint32(len(text))})
		if len(got) != 1 || got[0].Value != want {
			t.Errorf("%s: a token of %+v, want %q", text, got, want)
		}
	}
	const number = `{"n":4111111111}`
	rules := map[string]Rule{"EMAIL": {Action: Token}, "CARD": {Action: DropRecord}}
	got := run(rules, number, abi.Edit{Start: 5, End: 8}, abi.Edit{Start: 8, End: 11, Label: 1})
	if len(got) != 1 || got[0].Action != DropRecord {
		t.Errorf("two findings in one number: %+v", got)
	}
	if got := run(rules, number, abi.Edit{Start: 3, End: 5, Label: 1}); len(got) != 1 || got[0].Action != DropRecord {
		t.Errorf("a finding that is no value, and drops the record: %+v", got)
	}
	if got := run(nil, number, abi.Edit{Start: 3, End: 5, Label: 1}); len(got) != 0 {
		t.Errorf("a finding that is no value: %+v", got)
	}
}

func TestRuleForNoLabel(t *testing.T) {
	_, err := Load(t.Context(), []Source{redactor("a", noEdits).source()}, Options{Rules: map[string]Rule{"EMIAL": {}, AnyLabel: {}}})
	if err == nil || !strings.Contains(err.Error(), `"EMIAL", which no redactor has; of those that begin like it there are: EMAIL`) || strings.Contains(err.Error(), "CARD") {
		t.Errorf("a rule for a label that there is not: %v", err)
	}
}

func TestHostNameIsTaken(t *testing.T) {
	_, err := Load(t.Context(), []Source{redactor(receipt.HostPlugin, noEdits).source()}, Options{})
	var refused *LoadError
	if !errors.As(err, &refused) {
		t.Errorf("a plugin with the host's name: %v", err)
	}
}

// TestDoubleRun: a redactor whose two instances disagree, as they never should,
// fails the request; one whose instances agree is run twice and works.
func TestDoubleRun(t *testing.T) {
	s := load(t, Options{DoubleRun: true, Concurrency: 1}, redactor("a", oneEdit))
	p := s.plugins[0]
	edits, err := s.Redact(t.Context(), fields("hello"))
	if err != nil || len(edits) != 1 || p.counters.Calls != 2 {
		t.Fatalf("edits %v, error %v after %d calls", edits, err, p.counters.Calls)
	}
	in, err := p.acquireFrom(t.Context(), p.twin)
	if err != nil {
		t.Fatal(err)
	}
	p.release(in, false)
	in.memory.WriteByte(atReply+16+14, 7) // the score of the edit in the twin's reply
	edits, err = s.Redact(t.Context(), fields("hello"))
	var pe *PluginError
	if !errors.As(err, &pe) || pe.Reason != ReasonDiffers || edits != nil {
		t.Errorf("edits %v, error %v; want reason %s", edits, err, ReasonDiffers)
	}
	// The image has been put back since.
	if _, err := s.Redact(t.Context(), fields("hello")); err != nil || p.counters.Failures[ReasonDiffers] != 1 {
		t.Errorf("afterwards: %v, counters %+v", err, p.counters)
	}
}

// TestRulesOfOverlaps: where values that were reported elsewhere overlap, the greatest of their actions holds.
func TestRulesOfOverlaps(t *testing.T) {
	edits := abi.AppendReply(nil, 0, []abi.Edit{{End: 8}, {Field: 1, End: 9, Label: 1}})
	for action, rules := range map[Action]map[string]Rule{DropRecord: {"CARD": {Action: DropRecord}}, DropField: {"EMAIL": {Action: DropField}}} {
		got, err := load(t, Options{Rules: rules}, redactor("a", edits)).Redact(t.Context(), fields("abcdef12", "12secret9", "x abcdef12secret9 y"))
		if err != nil || len(got) != 3 || got[2] != (Edit{Field: 2, Start: 2, End: 17, Label: "EMAIL", Plugin: "a", Action: action}) {
			t.Errorf("edits %+v, %v", got, err)
		}
	}
}

// TestThresholdInRules: what scores too low for a rule has taken the place of what a redactor would have found in it. A
// threshold in the redactor's own configuration has it looked for.
func TestThresholdInRules(t *testing.T) {
	const text = "api_key=abc123def456-AKIAQ7XNP3Y5W2JKLM4R"
	for config, want := range map[string]string{"": text, `{"labels":{"SECRET":{"threshold":1000}}}`: "api_key=abc123def456-[AWS_KEY]"} {
		s, err := Load(t.Context(), []Source{{Name: "redact-secrets", Kind: abi.KindRedactor, Module: builtInModule(t, "redact-secrets"), Config: []byte(config)}},
			Options{Rules: map[string]Rule{"SECRET": {Threshold: 1000}}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(t.Context())
		in := fields(text)
		edits, err := s.Redact(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got := mask(in, edits)[0]; got != want {
			t.Errorf("with %q: %s", config, got)
		}
	}
}
