//go:build simtee

package main

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// A scenario is a conversation with an assistant. {email}, {card} and the other
// kinds stand for planted values, which must not survive.
type scenario struct {
	agent string
	tool  string
	turns []turn
}

type turn struct{ user, arguments, result, assistant string }

var scenarios = []scenario{
	{"order-support", "lookup_order", []turn{
		{"Hi, my order from last Tuesday still has not arrived. The confirmation went to {email}.", `{"email":"{email}"}`, `{"order":"A-20431","status":"in transit","carrier":"parcel"}`, "I found order A-20431. It is in transit and should reach you by Friday."},
		{"Can you charge the express fee to the same card? It is {card}.", `{"order":"A-20431","card":"{card}"}`, `{"charged":4.9,"currency":"EUR"}`, "Done: 4.90 EUR for express delivery on the card that you gave."},
		{"If nobody is home, the driver should call {phone}.", `{"order":"A-20431","note":"call {phone}"}`, `{"saved":true}`, "I have added the number to the delivery note."},
		{"Thanks. What is your return policy, in one sentence?", `{"topic":"returns"}`, `{"days":30}`, "You can send anything back within 30 days, unworn and with the label."},
		{"And the refund goes where?", `{"topic":"refunds"}`, `{"to":"original payment method"}`, "To the payment method that you used, usually within five working days."},
		{"Perfect, that is all.", `{"order":"A-20431"}`, `{"closed":true}`, "You are welcome. I am closing the case."},
	}},
	{"code-review", "read_file", []turn{
		{"Please review this deployment script before I merge it.", `{"path":"deploy.sh"}`, `{"content":"export OPENAI_API_KEY={key}\nmake release"}`, "Line 1 has a live API key in it. Rotate it now, and read it from the environment instead."},
		{"Oh no. Is that key in the history too?", `{"path":"deploy.sh","rev":"HEAD~3"}`, `{"content":"#!/bin/sh\nmake release"}`, "It came with the last commit only, so an amended commit plus rotation is enough."},
		{"Who should I tell?", `{"path":"SECURITY.md"}`, `{"content":"Write to {email} within one hour."}`, "The security file asks to write to the address there within one hour."},
		{"Can you draft the message?", `{"path":"template.txt"}`, `{"content":"Subject: exposed credential"}`, "Subject: exposed credential. An API key was committed to deploy.sh at 10:42 and has been rotated."},
		{"Good. Now the rest of the script, please.", `{"path":"deploy.sh"}`, `{"content":"make release && scp out/app app.internal:/srv"}`, "Quote the paths, and fail on the first error with set -eu."},
		{"Applied both, thanks.", `{"path":"deploy.sh"}`, `{"content":"set -eu"}`, "That looks right to me."},
	}},
	{"banking-help", "transfer_status", []turn{
		{"My transfer to {iban} seems stuck. Can you look?", `{"iban":"{iban}"}`, `{"state":"held","reason":"new payee"}`, "The transfer is held because the payee is new. You can release it in the app."},
		{"The app wants a code that never comes to {phone}.", `{"phone":"{phone}"}`, `{"sent":false}`, "The text message was not delivered. I have asked for a new one."},
		{"Can you send it by mail to {email} instead?", `{"email":"{email}"}`, `{"sent":true}`, "A code is on its way to your mailbox; it is good for ten minutes."},
		{"Got it, and released. How long does it take now?", `{"iban":"{iban}"}`, `{"state":"released"}`, "It was released and arrives today before six."},
		{"Could you raise my daily limit as well?", `{"limit":2500}`, `{"ok":true}`, "Your daily limit is 2,500 from now on."},
		{"That is all for today.", `{}`, `{}`, "Have a good day."},
	}},
	{"travel-desk", "search_flights", []turn{
		{"I need a flight from Lisbon to Oslo on the 14th, in the morning.", `{"from":"LIS","to":"OSL","date":"2026-12-14"}`, `{"flights":[{"no":"DY1815","dep":"07:05"},{"no":"TP752","dep":"09:40"}]}`, "There are two: DY1815 at 07:05 and TP752 at 09:40."},
		{"The later one. Ticket to {email}, please.", `{"flight":"TP752","email":"{email}"}`, `{"pnr":"QX7T2M"}`, "Booked as QX7T2M; the ticket is in your mailbox."},
		{"Pay with {card}.", `{"pnr":"QX7T2M","card":"{card}"}`, `{"paid":312.4}`, "312.40 EUR were charged."},
		{"For the visa form I also need my number: {ssn}. Is the format right?", `{"ssn":"{ssn}"}`, `{"valid":true}`, "Yes, the format is right. I do not store it."},
		{"What will the weather be like?", `{"city":"Oslo","date":"2026-12-14"}`, `{"temp_c":-3,"sky":"clear"}`, "Clear and about three degrees below zero. Take a warm coat."},
		{"Great, bye.", `{}`, `{}`, "Safe travels."},
	}},
	{"ops-copilot", "run_query", []turn{
		{"Why is checkout slow since noon?", `{"query":"p99 latency by service"}`, `{"checkout":1840,"cart":95}`, "Only checkout is slow: its p99 went from 210 to 1,840 ms at 12:04."},
		{"What was deployed then?", `{"query":"deploys since 12:00"}`, `{"deploys":[{"service":"checkout","by":"{email}"}]}`, "Checkout was deployed at 12:03 by the person in the list."},
		{"Show me the failing request.", `{"query":"slowest trace"}`, `{"client":"{ip}","header":"Authorization: Bearer {key}"}`, "The slowest one waits for a fraud check that times out after 1.5 seconds."},
		{"Roll it back.", `{"action":"rollback","service":"checkout"}`, `{"done":true}`, "Rolled back to the version of yesterday. The p99 is at 215 ms again."},
		{"Page the owner at {phone}.", `{"page":"{phone}"}`, `{"acknowledged":true}`, "The owner has acknowledged the page."},
		{"Write the summary.", `{"doc":"incident"}`, `{"saved":true}`, "Checkout was slow from 12:04 to 12:31 because of a fraud check without a fallback."},
	}},
	{"health-intake", "find_slot", []turn{
		{"I would like an appointment for a check-up next week.", `{"week":"2026-W49"}`, `{"slots":["Tue 09:20","Thu 16:00"]}`, "I can offer Tuesday at 9:20 or Thursday at 16:00."},
		{"Thursday. My insurance number is {ssn}.", `{"slot":"Thu 16:00","id":"{ssn}"}`, `{"booked":true}`, "Thursday at 16:00 is yours."},
		{"Remind me at {phone} the day before.", `{"phone":"{phone}"}`, `{"reminder":true}`, "You will get a reminder on Wednesday."},
		{"Do I have to come with an empty stomach?", `{"topic":"preparation"}`, `{"fasting":false}`, "No, you can eat as usual."},
		{"Please send the form to {email}.", `{"form":"intake","to":"{email}"}`, `{"sent":true}`, "The form is in your mailbox."},
		{"Thank you.", `{}`, `{}`, "See you on Thursday."},
	}},
}

// A plantedValue must not survive, and its label is to be found instead.
type plantedValue struct{ label, text string }

// Planted values, by kind. Each is invalid outside of examples: reserved domains
// and numbers, published test cards, invented keys. None says that it is an example
// ("AKIAIOSFODNN7EXAMPLE"): such keys are public, and redactors leave them alone.
var planted = map[string][]plantedValue{
	"email": {{"EMAIL", "ada.berg@example.com"}, {"EMAIL", "j.doe+orders@example.org"}, {"EMAIL", "marta@mail.example.net"}, {"EMAIL", "k_lindqvist@example.com"}},
	"card":  {{"CARD", "4111 1111 1111 1111"}, {"CARD", "5555-5555-5555-4444"}, {"CARD", "378282246310005"}},
	"phone": {{"PHONE", "+1 202-555-0143"}, {"PHONE", "+44 20 7946 0958"}, {"PHONE", "(415) 555-0132"}},
	"key": {
		{"OPENAI_KEY", "sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8xYz1Bc4De7Gh0Jk3Mn6Pq9St2Vw5Yz8AbT3BlbkFJq7Rt4Wx1Za"},
		{"GITHUB_TOKEN", "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"},
		{"AWS_KEY", "AKIAZ2Q7M5KXWBT3R6PD"},
	},
	"iban": {{"IBAN", "DE89 3704 0044 0532 0130 00"}, {"IBAN", "GB82WEST12345698765432"}, {"IBAN", "NO93 8601 1117 947"}},
	"ssn":  {{"SSN", "536-22-8726"}, {"SSN", "212-09-7694"}},
	"ip":   {{"IP", "203.0.113.77"}, {"IP", "2001:db8::8a2e:370:7334"}},
}

// A sentSession is what its sender knows of a session, and an auditor has to find
// again.
type sentSession struct {
	name  string
	spans int
	// edits are how often planted values were said, by label.
	edits map[string]uint64
}

// plantIn replaces the placeholders of a text. Each time that a scenario comes
// round again it has the next values.
func plantIn(text string, n int) string {
	for kind, values := range planted {
		text = strings.ReplaceAll(text, "{"+kind+"}", values[(n/len(scenarios))%len(values)].text)
	}
	return text
}

// note counts the planted values in a text that is sent.
func (s *sentSession) note(text string) string {
	for _, values := range planted {
		for _, v := range values {
			if n := strings.Count(text, v.text); n > 0 {
				s.edits[v.label] += uint64(n)
			}
		}
	}
	return text
}

func (s *sentSession) text(key, text string) attribute.KeyValue {
	return attribute.String(key, s.note(text))
}

// talk plays session number n through a tracer: a root span, and a chat and a tool
// span for each turn, with gen_ai attributes and events as the semantic
// conventions have them. The last span to end carries the end mark.
func talk(ctx context.Context, tracer trace.Tracer, n int) *sentSession {
	scene := scenarios[n%len(scenarios)]
	s := &sentSession{name: fmt.Sprintf("%s-%04d", scene.agent, 1000+n), edits: make(map[string]uint64)}
	id := attribute.String("session.id", s.name)
	ctx, root := tracer.Start(ctx, "invoke_agent "+scene.agent, trace.WithAttributes(id,
		attribute.String("gen_ai.operation.name", "invoke_agent"), attribute.String("gen_ai.agent.name", scene.agent),
		attribute.String("gen_ai.conversation.id", s.name)))
	for i, t := range scene.turns {
		user, assistant := plantIn(t.user, n), plantIn(t.assistant, n)
		_, chat := tracer.Start(ctx, "chat demo-model", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(id,
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("gen_ai.provider.name", "demo"),
			attribute.String("gen_ai.request.model", "demo-model"),
			s.text("gen_ai.input.messages", message("user", user)),
			s.text("gen_ai.output.messages", message("assistant", assistant)),
			attribute.Int("gen_ai.usage.input_tokens", len(user)/4), attribute.Int("gen_ai.usage.output_tokens", len(assistant)/4)))
		chat.AddEvent("gen_ai.user.message", trace.WithAttributes(s.text("content", user)))
		chat.AddEvent("gen_ai.choice", trace.WithAttributes(attribute.Int("index", 0), s.text("message", assistant)))
		chat.End()
		_, tool := tracer.Start(ctx, "execute_tool "+scene.tool, trace.WithAttributes(id,
			attribute.String("gen_ai.operation.name", "execute_tool"), attribute.String("gen_ai.tool.name", scene.tool),
			s.text("gen_ai.tool.call.arguments", plantIn(t.arguments, n)), s.text("gen_ai.tool.call.result", plantIn(t.result, n))))
		if i == 2 {
			tool.SetStatus(codes.Error, s.note(plantIn("retried for {email}", n)))
		}
		tool.End()
		s.spans += 2
	}
	root.SetAttributes(attribute.Bool("veriproof.session.end", true))
	root.End()
	s.spans++
	return s
}

func message(role, text string) string {
	return fmt.Sprintf(`[{"role":%q,"parts":[{"type":"text","content":%q}]}]`, role, text)
}
