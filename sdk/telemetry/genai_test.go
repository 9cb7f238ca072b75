package telemetry

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
)

// TestAttributeNames: setters write the keys and types of the semantic conventions, and of
// this notary, whose own attribute is one.
func TestAttributeNames(t *testing.T) {
	text := attribute.StringValue("v")
	for key, got := range map[attribute.Key]attribute.KeyValue{
		"session.id":                     SessionID("v"),
		"veriproof.session.end":          SessionEnd(),
		"gen_ai.operation.name":          Operation("v"),
		"gen_ai.provider.name":           Provider("v"),
		"gen_ai.request.model":           Model("v"),
		"gen_ai.response.model":          ResponseModel("v"),
		"gen_ai.response.id":             ResponseID("v"),
		"gen_ai.agent.name":              Agent("v"),
		"gen_ai.conversation.id":         ConversationID("v"),
		"gen_ai.system_instructions":     SystemInstructions("v"),
		"gen_ai.input.messages":          Input("v"),
		"gen_ai.output.messages":         Output("v"),
		"gen_ai.tool.name":               Tool("v"),
		"gen_ai.tool.definitions":        ToolDefinitions("v"),
		"gen_ai.tool.call.id":            ToolCallID("v"),
		"gen_ai.tool.call.arguments":     ToolArguments("v"),
		"gen_ai.tool.call.result":        ToolResult("v"),
		"gen_ai.usage.input_tokens":      InputTokens(7),
		"gen_ai.usage.output_tokens":     OutputTokens(7),
		"gen_ai.response.finish_reasons": FinishReasons("stop", "length"),
	} {
		want := text
		switch key {
		case "veriproof.session.end":
			want = attribute.BoolValue(true)
		case "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens":
			want = attribute.IntValue(7)
		case "gen_ai.response.finish_reasons":
			want = attribute.StringSliceValue([]string{"stop", "length"})
		}
		if got.Key != key || got.Value != want {
			t.Errorf("%s = %v, want %s = %v", got.Key, got.Value.AsInterface(), key, want.AsInterface())
		}
	}
}
