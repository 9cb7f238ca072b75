import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;

/**
 * An application with OpenTelemetry for Java. Nothing in it is about a notary: to whom it
 * sends, whose certificate it trusts and what it says of itself is in the environment.
 */
public final class App {
  public static void main(String[] args) {
    String session = args[0];
    try (OpenTelemetrySdk sdk = AutoConfiguredOpenTelemetrySdk.initialize().getOpenTelemetrySdk()) {
      Tracer tracer = sdk.getTracer("app");
      Span agent = tracer.spanBuilder("invoke_agent support").setAttribute("session.id", session).startSpan();
      try (Scope scope = agent.makeCurrent()) {
        Span chat = tracer.spanBuilder("chat").setAttribute("session.id", session).startSpan();
        chat.setAttribute("gen_ai.input.messages", "Please confirm to ada.berg@example.com.");
        chat.end();
      }
      agent.setAttribute("veriproof.session.end", true);
      agent.end();
    } // closing sends what is left
  }
}
