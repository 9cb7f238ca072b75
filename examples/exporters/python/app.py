"""An application with OpenTelemetry for Python. Nothing in it is about a notary: to whom
it sends, whose certificate it trusts and what it says of itself is in the environment.

    pip install -r requirements.txt
    python app.py SESSION
"""

import sys

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("app")

session = sys.argv[1]
with tracer.start_as_current_span("invoke_agent support") as agent:
    agent.set_attribute("session.id", session)
    with tracer.start_as_current_span("chat") as chat:
        chat.set_attribute("session.id", session)
        chat.set_attribute("gen_ai.input.messages", "Please confirm to ada.berg@example.com.")
    agent.set_attribute("veriproof.session.end", True)
provider.shutdown()
