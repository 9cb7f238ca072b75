// An application with OpenTelemetry for .NET. Nothing in it is about a notary: to whom it
// sends is in the environment, and "notary proxy" does the rest.
using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Trace;

var session = args[0];
using var source = new ActivitySource("app");
using var provider = Sdk.CreateTracerProviderBuilder().AddSource("app").AddOtlpExporter().Build();
using (var agent = source.StartActivity("invoke_agent support"))
{
    agent?.SetTag("session.id", session);
    using (var chat = source.StartActivity("chat"))
    {
        chat?.SetTag("session.id", session);
        chat?.SetTag("gen_ai.input.messages", "Please confirm to ada.berg@example.com.");
    }
    agent?.SetTag("veriproof.session.end", true);
} // disposing of the provider sends what is left
