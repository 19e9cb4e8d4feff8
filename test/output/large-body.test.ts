import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeHarEntry } from '../../src/output/file/har.js';
import { encodeLarge } from '../../src/output/large-body.js';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { createOtlpEncoder } from '../../src/output/satellite/otlp/encoder.js';
import type { Trace } from '../../src/trace/trace.js';
import { sampleTrace, traceBody } from '../support/trace.js';

const encoder = createOtlpEncoder({ 'service.name': 'shop' }, { name: 'pcap-sensor', version: '0.1.0' });
const SLICE = 49_152;

/** Some bytes around the places where slices meet, in a body of otherwise plain text. */
function bodyWith(piece: Uint8Array, at: number, length: number): Buffer {
  const content = Buffer.alloc(length, 'a "quoted" line\n');
  content.set(piece.subarray(0, Math.max(0, length - at)), Math.min(at, length));
  return content;
}

const piece = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }).map((text) => new Uint8Array(Buffer.from(text))),
  fc.uint8Array({ minLength: 1, maxLength: 6 }),
);
const body = fc
  .record({
    piece,
    at: fc.constantFrom(SLICE, 2 * SLICE, 100_000).chain((edge) => fc.integer({ min: edge - 6, max: edge + 1 })),
    length: fc.constantFrom(10, SLICE, SLICE + 1, 100_000, 2 * SLICE + 2),
    truncated: fc.boolean(),
  })
  .map(({ piece, at, length, truncated }) => traceBody(bodyWith(piece, at, length), { truncated }));

const FORMATS: [string, (trace: Trace) => Buffer][] = [
  ['OTLP', encoder.encode],
  ['NDJSON', (trace) => Buffer.from(encodeNdjson(trace))],
  ['HAR', (trace) => Buffer.from(encodeHarEntry(trace))],
];

it.each(FORMATS)(
  'makes the bytes that encoding in one go makes: %s',
  async (_name, encode) => {
    await fc.assert(
      fc.asyncProperty(body, body, async (request, response) => {
        const trace = sampleTrace({ request: { body: request }, response: { body: response } });
        expect((await encodeLarge(trace, encode)).equals(encode(trace))).toBe(true);
      }),
      { numRuns: 100 },
    );
  },
  60_000,
);

it('takes for text what encoding in one go takes for text, where a truncated body ends in what is no character', async () => {
  const content = bodyWith(Uint8Array.of(0xc1, 0x80), 100_000 - 2, 100_000);
  const trace = sampleTrace({ response: null, request: { body: traceBody(content, { truncated: true }) } });
  for (const [, encode] of FORMATS) expect((await encodeLarge(trace, encode)).equals(encode(trace))).toBe(true);
});

it('gives others their turn', async () => {
  const trace = sampleTrace({ response: null, request: { body: traceBody(Buffer.alloc(2_000_000, 'x')) } });
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await encoder.encodeSliced(trace);
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(40);
});
