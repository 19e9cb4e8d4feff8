import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch, BatchEncoder } from '../../../src/output/relay/batch.js';
import { createLevoEncoder } from '../../../src/output/satellite/levo.js';
import { createOtlpEncoder } from '../../../src/output/satellite/otlp/encoder.js';
import { createProtobufEncoder } from '../../../src/output/satellite/otlp/protobuf-encoder.js';
import { splitBatch } from '../../../src/output/satellite/split-batch.js';
import { sampleTrace } from '../../support/trace.js';

const ENCODERS: readonly BatchEncoder[] = [
  createOtlpEncoder({ 'odd {"traceId":"': '{"traceId":"' }, { name: 'pcap-sensor', version: '0.1.0' }),
  createProtobufEncoder({ 'service.name': 'x' }, { name: 'pcap-sensor', version: '0.1.0' }),
  createLevoEncoder({ serviceName: '{"http_scheme":"', hostName: 'h', environment: 'e', sensorVersion: '0' }),
];

const batchOf = ({ protocol, join }: BatchEncoder, traces: readonly Buffer[]): Batch => ({
  protocol,
  count: traces.length,
  payload: join(traces),
  coding: 'identity',
  recovered: false,
});

const traceAt = (path: string): ReturnType<typeof sampleTrace> =>
  sampleTrace({ request: { path, target: path, headers: [['X', `${path}"\\{"traceId":"{"http_scheme":"`]] } });

describe.each(ENCODERS)('a batch of $protocol', (encoder) => {
  it('splits into the batches its halves would have made', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 9 }), (paths) => {
        const traces = paths.map((path) => encoder.encode(traceAt(path)));
        const middle = traces.length >> 1;
        expect(splitBatch(batchOf(encoder, traces))).toEqual([
          batchOf(encoder, traces.slice(0, middle)),
          batchOf(encoder, traces.slice(middle)),
        ]);
      }),
    );
  });

  it('is left alone where it is not what it says', () => {
    const whole = batchOf(encoder, [encoder.encode(traceAt('/a')), encoder.encode(traceAt('/b'))]);
    expect(splitBatch(whole)).not.toBeNull();
    expect(splitBatch({ ...whole, count: 3 })).toBeNull();
    expect(splitBatch({ ...whole, payload: Buffer.alloc(0) })).toBeNull();
    const { frameBytes } = encoder;
    for (let length = frameBytes; length < whole.payload.length - frameBytes; length += 7)
      expect(splitBatch({ ...whole, payload: whole.payload.subarray(0, length) })).toBeNull();
  });
});
