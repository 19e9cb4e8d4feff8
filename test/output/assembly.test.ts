/** Traces put together from what they are made of, where there is just no more room for it. */
import { describe, expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { NdjsonBytes } from '../../src/output/ndjson-bytes.js';
import type { Trace } from '../../src/trace/trace.js';
import { makeTrace } from '../redact/make-trace.js';
import { Random, runSeed } from '../support/random.js';

/** Characters of values that there is room for. */
const VALUES_MAX = 32 << 10;

function traceWith(targetLength: number, reason: string): Trace {
  const trace = makeTrace({});
  trace.request.target = `/${'a'.repeat(targetLength)}`;
  if (trace.response !== null) trace.response.reason = reason;
  return trace;
}

describe('a large body', () => {
  it('stands where it belongs, as JSON.stringify makes it, whatever its length', () => {
    const random = new Random(runSeed());
    const encoder = new NdjsonBytes();
    const pieces = ['{"id":12345,"name":"a thing"},', '\\"\n\t', 'é😀', '\u0001', 'plain text, and more of it. '];
    const body = (length: number): Buffer => {
      const some = pieces.slice(0, random.between(1, pieces.length));
      const text = Buffer.from(some.join('').repeat(Math.ceil(length / 4)));
      // To a character.
      let end = Math.min(length, text.length);
      while (((text[end] ?? 0) & 0xc0) === 0x80) end--;
      return text.subarray(0, end);
    };
    let encoded = 0;
    for (let i = 0; i < 60; i++) {
      const lengths = [0, 100, 32_767, 32_768, 32_769, 88_000, 90_000, random.between(30_000, 400_000)];
      const trace = makeTrace({ body: body(random.pick(lengths)) });
      const { response } = trace;
      if (response !== null) response.body = trace.request.body;
      trace.request.body = makeTrace({ body: body(random.pick(lengths)) }).request.body;
      const bytes = encoder.encode(trace);
      if (bytes < 0) continue;
      encoded++;
      const line = Buffer.alloc(bytes + 2, 'x');
      encoder.copy(line, 1, bytes);
      expect(line.toString()).toBe(`x${encodeNdjson(trace)}\nx`);
    }
    expect(encoded).toBeGreaterThan(30);
  });

  it('is no text that is not UTF-8', () => {
    expect(new NdjsonBytes().encode(makeTrace({ body: Buffer.alloc(100_000, 0xff) }))).toBe(-1);
  });
});

describe('the values of a trace', () => {
  it.each(['OK', 'caf\u00e9', '\u20ac', '\u{1f600}'])(
    'are whole, or made otherwise, at the end of their room: %s',
    (reason) => {
      const encoder = new NdjsonBytes();
      let encoded = 0;
      let others = 0;
      for (let length = VALUES_MAX - 400; length <= VALUES_MAX; length++) {
        const trace = traceWith(length, reason);
        const bytes = encoder.encode(trace);
        if (bytes < 0) {
          others++;
          continue;
        }
        encoded++;
        const line = Buffer.alloc(bytes);
        encoder.copy(line, 0, bytes);
        expect(line.toString()).toBe(`${encodeNdjson(trace)}\n`);
      }
      expect(Math.min(encoded, others)).toBeGreaterThan(32);
    },
  );
});
