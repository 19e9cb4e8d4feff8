/** A batch of one trace without its bodies: what the encoder would have made of a trace that had lost them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch, BatchEncoder } from '../../../src/output/relay/batch.js';
import { bareBatch } from '../../../src/output/satellite/bare-batch.js';
import { createLevoEncoder } from '../../../src/output/satellite/levo.js';
import { createOtlpEncoder } from '../../../src/output/satellite/otlp/encoder.js';
import { withoutBodies } from '../../../src/output/without-bodies.js';
import type { Trace } from '../../../src/trace/trace.js';
import { sampleTrace } from '../../support/trace.js';

const OTLP = createOtlpEncoder({ 'service.name': 'x' }, { name: 'pcap-sensor', version: '0.1.0' });
const LEVO = createLevoEncoder({ serviceName: 's', hostName: 'h', environment: 'e', sensorVersion: '0' });

const batchOf = ({ protocol, join, encode }: BatchEncoder, trace: Trace): Batch => ({
  protocol,
  count: 1,
  payload: join([encode(trace)]),
  coding: 'identity',
  recovered: false,
});

/** JSON whose lists of attributes have no order. */
function parsed({ payload }: Batch): unknown {
  return JSON.parse(payload.toString(), (key, value) =>
    key === 'attributes' ? Object.fromEntries(value.map((one: { key: string }) => [one.key, one])) : value,
  );
}

const ODD = '"}},{"key":"http.request.body.content","value":{"stringValue":"\\"},"body":"';
const content = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.from(ODD)),
);

function traceWith(request: Buffer, response: Buffer | null, truncated: boolean, marks: string[]): Trace {
  const trace = sampleTrace({ request: { path: ODD, target: ODD, headers: [['Body', ODD]] } });
  Object.assign(trace.request.body, { content: request, truncated });
  if (response === null || trace.response === null) trace.response = null;
  else Object.assign(trace.response.body, { content: response, truncated });
  trace.marks = marks;
  return trace;
}

describe.each([OTLP, LEVO])('a batch of one trace: $protocol', (encoder) => {
  it('is what it would have been without bodies', () => {
    const marks = fc.constantFrom<string[][]>([], ['gap'], ['shed', 'gap']);
    fc.assert(
      fc.property(content, fc.option(content), fc.boolean(), marks, (request, response, truncated, list) => {
        fc.pre(request.length + (response?.length ?? 0) > 0);
        const trace = traceWith(request, response, truncated, [...list]);
        const bare = bareBatch(batchOf(encoder, trace));
        const expected = withoutBodies({ ...trace, marks: [...list] });
        if (!list.includes('shed')) expected.marks = ['shed', ...list];
        expect(bare).not.toBeNull();
        expect(parsed(bare as Batch)).toEqual(parsed(batchOf(encoder, expected)));
        // There is nothing more to take away.
        expect(bareBatch(bare as Batch)).toBeNull();
      }),
    );
  });

  it('is left alone without bodies, with another trace beside it, and where it is not what it says', () => {
    const none = batchOf(encoder, traceWith(Buffer.alloc(0), null, false, []));
    const whole = batchOf(encoder, traceWith(Buffer.from('a'), null, false, []));
    expect(bareBatch(none)).toBeNull();
    expect(bareBatch({ ...whole, count: 2 })).toBeNull();
    expect(bareBatch({ ...whole, payload: Buffer.from('[]') })).toBeNull();
  });
});
