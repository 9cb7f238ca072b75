package telemetry

import "go.opentelemetry.io/otel/attribute"

// SessionID says of which session a span is, for spans that begin under no context of
// [Session.Attach].
func SessionID(id string) attribute.KeyValue { return keySession.String(id) }

// SessionEnd says that the span is the last of its session. [Session.End] sends one that
// has it.
func SessionEnd() attribute.KeyValue { return keyEnd.Bool(true) }

// Attributes of OpenTelemetry's semantic conventions for generative AI that a notary
// redacts, commits to and shows by name. Texts are redacted; models, numbers and
// names of tools are, too, if a redactor finds something in them.

// Operation says what was done: "chat", "invoke_agent", "execute_tool".
func Operation(name string) attribute.KeyValue {
	return attribute.String("gen_ai.operation.name", name)
}

// Provider says who runs the model: "openai", "azure.ai.openai", "anthropic".
func Provider(name string) attribute.KeyValue { return attribute.String("gen_ai.provider.name", name) }

// Model says which model was asked for.
func Model(name string) attribute.KeyValue { return attribute.String("gen_ai.request.model", name) }

// Input is the messages given to the model, as JSON or as text.
func Input(messages string) attribute.KeyValue {
	return attribute.String("gen_ai.input.messages", messages)
}

// Output is the messages that came back, as JSON or as text.
func Output(messages string) attribute.KeyValue {
	return attribute.String("gen_ai.output.messages", messages)
}

// SystemInstructions is what the model was told before the conversation, as JSON or as text.
func SystemInstructions(text string) attribute.KeyValue {
	return attribute.String("gen_ai.system_instructions", text)
}

// ResponseModel says which model answered.
func ResponseModel(name string) attribute.KeyValue {
	return attribute.String("gen_ai.response.model", name)
}

// ResponseID is the name that the model's provider gave the answer.
func ResponseID(id string) attribute.KeyValue { return attribute.String("gen_ai.response.id", id) }

// FinishReasons say why the model stopped, one for each answer.
func FinishReasons(reasons ...string) attribute.KeyValue {
	return attribute.StringSlice("gen_ai.response.finish_reasons", reasons)
}

// Agent is the name of the agent that was called.
func Agent(name string) attribute.KeyValue { return attribute.String("gen_ai.agent.name", name) }

// ToolDefinitions are the tools that the model was offered, as JSON.
func ToolDefinitions(definitions string) attribute.KeyValue {
	return attribute.String("gen_ai.tool.definitions", definitions)
}

// ToolCallID names one call of a tool.
func ToolCallID(id string) attribute.KeyValue { return attribute.String("gen_ai.tool.call.id", id) }

// ToolArguments are what the tool was called with, as JSON or as text.
func ToolArguments(arguments string) attribute.KeyValue {
	return attribute.String("gen_ai.tool.call.arguments", arguments)
}

// ToolResult is what the tool gave back, as JSON or as text.
func ToolResult(result string) attribute.KeyValue {
	return attribute.String("gen_ai.tool.call.result", result)
}

// Tool is the name of a tool that was called.
func Tool(name string) attribute.KeyValue { return attribute.String("gen_ai.tool.name", name) }

// InputTokens is how many tokens the model was given.
func InputTokens(n int) attribute.KeyValue { return attribute.Int("gen_ai.usage.input_tokens", n) }

// OutputTokens is how many tokens came back.
func OutputTokens(n int) attribute.KeyValue { return attribute.Int("gen_ai.usage.output_tokens", n) }

// ConversationID names the conversation within the application. It is a session's name
// for the notary where no session id is set.
func ConversationID(id string) attribute.KeyValue {
	return attribute.String("gen_ai.conversation.id", id)
}
