package main

import (
	"errors"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

const example = `{
  "rules": [
    {"keys": ["gen_ai.request.model", "session.*"], "action": "allow"},
    {"keys": ["user.id"], "action": "token"},
    {"keys": ["http.request.header.*"], "action": "drop"},
    {"roles": ["user", "tool_result"], "when": {"key": "deployment.environment.name", "values": ["test"]}, "action": "allow"},
    {"roles": ["user", "tool_result"], "action": "deny"}
  ],
  "otherwise": "allow"
}`

// decisions runs a batch and returns the label of each field, or "".
func decisions(t *testing.T, settings string, batch []abi.Field) []string {
	t.Helper()
	in, err := redactor.New(spec(), []byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	edits, err := in.Redact(batch)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(batch))
	for _, e := range edits {
		if e.Start != 0 || int(e.End) != len(batch[e.Field].Text) {
			t.Errorf("field %d: only bytes %d to %d", e.Field, e.Start, e.End)
		}
		out[e.Field] = labels[e.Label]
	}
	return out
}

func field(key, text string, role abi.Role, group uint32) abi.Field {
	return abi.Field{Key: []byte(key), Text: []byte(text), Role: role, Group: group}
}

func TestDecisions(t *testing.T) {
	const env = "deployment.environment.name"
	batch := []abi.Field{
		field("gen_ai.request.model", "m", abi.RoleUser, 1),
		field("session.id", "s", abi.RoleAttribute, 1),
		field("user.id", "u", abi.RoleAttribute, 1),
		field("http.request.header.cookie", "c", abi.RoleAttribute, 1),
		field("gen_ai.prompt", "p", abi.RoleUser, 1),
		field("other", "o", abi.RoleAttribute, 1),
		field("gen_ai.prompt", "p", abi.RoleUser, 2),
		field(env, "test", abi.RoleAttribute, 2),
		field("gen_ai.prompt", "p", abi.RoleToolResult, 2),
		field(env, "prod", abi.RoleAttribute, 3),
		field("gen_ai.prompt", "p", abi.RoleUser, 3),
		field("gen_ai.prompt", "", abi.RoleUser, 3),
	}
	want := []string{"", "", "FIELD_TOKEN", "FIELD_DROPPED", "FIELD_DENIED", "", "", "", "", "", "FIELD_DENIED", ""}
	for i, got := range decisions(t, example, batch) {
		if got != want[i] {
			t.Errorf("field %d (%s): %q, want %q", i, batch[i].Key, got, want[i])
		}
	}
}

// TestStricterReading: where the condition's attribute is not to be seen, a rule
// that takes away applies and a rule that lets through does not.
func TestStricterReading(t *testing.T) {
	prompt := []abi.Field{field("gen_ai.prompt", "p", abi.RoleUser, 1), field("tier", "free", abi.RoleAttribute, 2)}
	for action, want := range map[string]string{"deny": "FIELD_DENIED", "drop": "FIELD_DROPPED", "token": "FIELD_TOKEN", "allow": ""} {
		settings := `{"rules":[{"roles":["user"],"when":{"key":"tier","values":["free"]},"action":"` + action + `"}]}`
		if got := decisions(t, settings, prompt)[0]; got != want {
			t.Errorf("%s: %q, want %q", action, got, want)
		}
	}
	settings := `{"rules":[{"roles":["user"],"when":{"key":"tier","values":["free"]},"action":"allow"}],"otherwise":"deny"}`
	if got := decisions(t, settings, prompt)[0]; got != "FIELD_DENIED" {
		t.Errorf("allowed without the attribute: %q", got)
	}
}

func TestUnknownRole(t *testing.T) {
	got := decisions(t, `{"rules":[{"roles":["other"],"action":"deny"}]}`, []abi.Field{field("k", "t", 99, 1)})
	if got[0] != "FIELD_DENIED" {
		t.Errorf("an unknown role is not treated as other: %q", got[0])
	}
}

func TestProperties(t *testing.T) {
	plugintest.Properties(t, spec(), []byte(`{"otherwise":"deny"}`), []string{"text"}, true)
}

func TestRefusedConfigurations(t *testing.T) {
	for _, text := range []string{
		`{"rule":[]}`,
		`{"rules":[{}]}`,
		`{"rules":[{"keys":[],"action":"deny"}]}`,
		`{"rules":[{"keys":[""],"action":"deny"}]}`,
		`{"rules":[{"keys":["a*b"],"action":"deny"}]}`,
		`{"rules":[{"keys":["a**"],"action":"deny"}]}`,
		`{"rules":[{"roles":["users"],"action":"deny"}]}`,
		`{"rules":[{"action":"mask"}]}`,
		`{"rules":[{"when":{"key":"a"},"action":"deny"}]}`,
		`{"rules":[{"when":{"values":["a"]},"action":"deny"}]}`,
		`{"rules":[{"key":["a"],"action":"deny"}]}`,
		`{"otherwise":"none"}`,
	} {
		if _, err := configure([]byte(text)); !errors.Is(err, config.ErrConfig) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{``, `{"otherwise":"allow"}`} {
		if _, err := configure([]byte(text)); !errors.Is(err, errNone) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
