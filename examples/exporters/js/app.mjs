// An application with OpenTelemetry for JavaScript. Nothing in it is about a notary: to
// whom it sends, whose certificate it trusts and what it says of itself is in the
// environment, OTEL_EXPORTER_OTLP_ENDPOINT, _PROTOCOL, _CERTIFICATE and _HEADERS.
//
//   node app.mjs SESSION
//
// It sends 20 spans and 20 log records of one session, and exits 0 if everything was
// acknowledged. If not it says in one line why, the first time, and exits 1.
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { LoggerProvider, BatchLogRecordProcessor } from '@opentelemetry/sdk-logs';

const [session] = process.argv.slice(2);

// What an exporter gives up on it tells here, as JSON; some of it a shutdown tells, too.
let why;
const failed = ({ message, data = '' }) => {
  why ??= `${message} ${data}`;
};
const tell = (text) => {
  try {
    failed(JSON.parse(text));
  } catch {
    failed({ message: text });
  }
};
const ignore = () => {};
diag.setLogger({ error: tell, warn: ignore, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.ERROR);

const { OTEL_EXPORTER_OTLP_PROTOCOL: protocol = 'http/protobuf' } = process.env;
const kind = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' }[protocol];
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${kind}`);

const tracers = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(), { maxExportBatchSize: 8 })] });
const loggers = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(), maxExportBatchSize: 8, exportTimeoutMillis: 20000 })] });
const tracer = tracers.getTracer('app');
const logger = loggers.getLogger('app');
for (let i = 0; i < 20; i++) {
  logger.emit({
    eventName: 'gen_ai.client.inference.operation.details',
    body: { messages: [{ role: 'user', content: `call me at alan.turing${i}@example.com` }] },
    attributes: { 'session.id': session, i },
  });
}
await loggers.shutdown().catch(failed);
for (let i = 0; i < 20; i++) {
  const span = tracer.startSpan(`chat ${i}`, {
    attributes: {
      'session.id': session,
      'gen_ai.input.messages': JSON.stringify([{ role: 'user', content: `mail ada.lovelace${i}@example.com\nplease` }]),
      numbers: [1, 2.5],
      flag: true,
    },
  });
  span.addEvent('question', { to: `grace.hopper${i}@example.com` });
  if (i === 19) span.setAttribute('veriproof.session.end', true);
  span.end();
}
await tracers.shutdown().catch(failed);
if (why !== undefined) {
  console.error('not acknowledged:', why.replace(/[^\x21-\x7e]+/g, ' ').trim());
  process.exit(1);
}
process.exit(0);
