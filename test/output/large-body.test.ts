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

const CUT: [string, Buffer][] = [
  ['text', Buffer.alloc(500_000, 'a "quoted" é\n')],
  ['control characters', Buffer.alloc(500_000)],
  ['characters of four bytes', Buffer.alloc(500_000, '\u{1f600}')],
  ['binary', Buffer.alloc(500_000, Uint8Array.of(0xff, 0x00, 0x81))],
];

it.each(CUT)('leaves out what of a body takes more than is free, to a character: %s', async (_, content) => {
  for (const [, encode] of FORMATS)
    for (const freeBytes of [0, 60_000, 60_001, 60_002, 60_003, 400_000, 10_000_000]) {
      const trace = sampleTrace({ response: { body: traceBody(content) } });
      const bare = encode(sampleTrace({ response: { body: traceBody('') } })).length;
      let measured = 0;
      const onMeasured = (bytes: number): void => {
        measured = bytes;
      };
      const encoded = await encodeLarge(trace, encode, { queueBytes: 20_000_000, freeBytes, onMeasured });
      expect(measured).toBe(encoded.length);
      // The exchange itself is always there.
      expect(encoded.length).toBeLessThanOrEqual(Math.max(freeBytes, bare + 300));
      expect(encoded.toString()).not.toContain('\ufffd');
      expect(() => JSON.parse(encoded.toString())).not.toThrow();
      if (freeBytes === 10_000_000) expect(encoded.equals(encode(trace))).toBe(true);
      else expect(encoded.toString()).toMatch(/truncated.*shed/);
      if (freeBytes >= 60_000) expect(encoded.length).toBeGreaterThan(Math.min(freeBytes, 400_000) - 4000);
    }
});

it('cuts a body to the beginning of itself', async () => {
  const content = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `${i} "é"\n`).join(''));
  const room = { queueBytes: 1e6, freeBytes: 200_001 };
  const trace = sampleTrace({ response: { body: traceBody(content) } });
  const ndjson = await encodeLarge(trace, (one) => Buffer.from(encodeNdjson(one)), room);
  const { response, marks } = JSON.parse(ndjson.toString());
  expect(content.toString().startsWith(response.body.content)).toBe(true);
  expect(response.body).toMatchObject({ truncated: true, bytes: content.length, wireBytes: content.length });
  expect(marks).toContain('shed');
});

it('gives a short body what it needs and a long one the rest', async () => {
  const short = Buffer.alloc(80_000, 'r');
  const trace = sampleTrace({
    request: { body: traceBody(short) },
    response: { body: traceBody(Buffer.alloc(500_000, 0xff)) },
  });
  const room = { queueBytes: 1e6, freeBytes: 400_000 };
  const { request, response } = JSON.parse(
    (await encodeLarge(trace, (one) => Buffer.from(encodeNdjson(one)), room)).toString(),
  );
  expect(request.body).toMatchObject({ truncated: false, content: short.toString() });
  expect(response.body.truncated).toBe(true);
  expect(response.body.content.length).toBeGreaterThan(310_000);
});

it('gives escapes no more than half of a queue, and a body that base64 would fit in it what it takes', async () => {
  const room = { queueBytes: 400_000, freeBytes: 400_000 };
  const length = async (content: Buffer): Promise<number> =>
    (await encodeLarge(sampleTrace({ response: { body: traceBody(content) } }), encoder.encode, room)).length;
  expect(await length(Buffer.alloc(100_000))).toBeLessThan(204_000);
  expect(await length(Buffer.alloc(280_000, 0xff))).toBeGreaterThan(373_000);
});

it('gives others their turn', async () => {
  const trace = sampleTrace({ response: null, request: { body: traceBody(Buffer.alloc(2_000_000, 'x')) } });
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await encoder.encodeSliced(trace, { queueBytes: 1e9, freeBytes: 1e9 });
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(40);
});
