// Sends spans and log records to a notary with the stock exporters of OpenTelemetry
// for JavaScript: one session per protocol, js-grpc, js-proto and js-json.
//
//   node send.mjs GRPC-ENDPOINT HTTP-ENDPOINT CERTIFICATE-FILE < API-KEY
//
// It exits 0 if everything was acknowledged.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { LoggerProvider, BatchLogRecordProcessor } from '@opentelemetry/sdk-logs';
import * as grpc from '@opentelemetry/exporter-trace-otlp-grpc';
import * as proto from '@opentelemetry/exporter-trace-otlp-proto';
import * as json from '@opentelemetry/exporter-trace-otlp-http';
import * as grpcLogs from '@opentelemetry/exporter-logs-otlp-grpc';
import * as protoLogs from '@opentelemetry/exporter-logs-otlp-proto';
import * as jsonLogs from '@opentelemetry/exporter-logs-otlp-http';

const [grpcEndpoint, httpEndpoint, certificate] = process.argv.slice(2);
const key = readFileSync(0, 'utf8').trim();
const ca = readFileSync(certificate);

// What an exporter gives up on it only tells here.
let failures = 0;
const tell = (...args) => {
  failures++;
  console.error(...args);
};
const ignore = () => {};
diag.setLogger({ error: tell, warn: ignore, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.ERROR);

const { credentials, Metadata } = createRequire(createRequire(import.meta.url).resolve('@opentelemetry/exporter-trace-otlp-grpc'))('@grpc/grpc-js');
const metadata = new Metadata();
metadata.set('authorization', `Bearer ${key}`);
const overGRPC = { url: `https://${grpcEndpoint}`, credentials: credentials.createSsl(ca), metadata, compression: 'gzip' };
const overHTTP = (path) => ({ url: `https://${httpEndpoint}${path}`, headers: { 'x-api-key': key }, httpAgentOptions: { ca }, compression: 'gzip' });

const protocols = {
  'js-grpc': [new grpc.OTLPTraceExporter(overGRPC), new grpcLogs.OTLPLogExporter(overGRPC)],
  'js-proto': [new proto.OTLPTraceExporter(overHTTP('/v1/traces')), new protoLogs.OTLPLogExporter(overHTTP('/v1/logs'))],
  'js-json': [new json.OTLPTraceExporter(overHTTP('/v1/traces')), new jsonLogs.OTLPLogExporter(overHTTP('/v1/logs'))],
};

for (const [session, [spans, logs]] of Object.entries(protocols)) {
  const tracers = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(spans, { maxExportBatchSize: 8 })] });
  const loggers = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter: logs, maxExportBatchSize: 8, exportTimeoutMillis: 20000 })] });
  const tracer = tracers.getTracer('send');
  const logger = loggers.getLogger('send');
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
    span.end();
    logger.emit({
      eventName: 'gen_ai.client.inference.operation.details',
      body: { messages: [{ role: 'user', content: `call me at alan.turing${i}@example.com` }] },
      attributes: { 'session.id': session, i },
    });
  }
  await tracers.shutdown();
  await loggers.shutdown();
}
process.exit(failures ? 1 : 0);
