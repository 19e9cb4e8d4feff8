/** What is sent is what `@opentelemetry/exporter-trace-otlp-http` sends for the same spans, byte for byte. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { expect, it } from 'vitest';
import { Batcher } from '../../../../src/output/relay/batcher.js';
import { createOtlpEncoder } from '../../../../src/output/satellite/otlp/encoder.js';
import { toReadableSpan } from '../../../../src/output/satellite/otlp/span.js';
import { startScriptedSatellite } from '../../../support/relay.js';
import { sampleTrace, traceBody } from '../../../support/trace.js';

const attributes = {
  'service.name': 'shop "quoted" "spans":[] \u2028 😀',
  'aws.ecs.task.arn': 'arn:x',
  'process.command_args': ['a', ''],
  'container.cpu': 0.25,
  'process.pid': 7,
};
const scope = { name: 'pcap-sensor', version: '0.1.0' };
const traces = [
  sampleTrace(),
  sampleTrace({ parentSpanId: '00f067aa0ba902b7', response: null, marks: ['no-response'] }),
  sampleTrace({
    kind: 'client',
    request: { method: 'BREW', body: traceBody(Buffer.from([0, 255, 128])) },
    response: { status: 503, body: traceBody('a "text" with \u2028 and 😀', { truncated: true }) },
  }),
];

it('sends the same bytes', async () => {
  const satellite = await startScriptedSatellite();
  const exporter = new OTLPTraceExporter({ url: `${satellite.url}/v1/traces` });
  const resource = resourceFromAttributes(attributes);
  await new Promise((resolve) =>
    exporter.export(
      traces.map((trace) => toReadableSpan(trace, resource, scope)),
      resolve,
    ),
  );
  await exporter.shutdown();
  await satellite.close();

  const payloads: string[] = [];
  const encoder = createOtlpEncoder(attributes, scope);
  const batcher = new Batcher({
    encoder,
    limits: { batch_traces_max: 10, batch_bytes_max: 1 << 20 },
    onBatch: (batch) => payloads.push(batch.payload.toString()),
  });
  for (const trace of traces) batcher.add(encoder.encode(trace));
  batcher.flush();
  expect(satellite.requests.map((request) => request.body)).toEqual(payloads);
});
