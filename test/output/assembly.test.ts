/** Traces put together from what they are made of, where there is just no more room for it. */
import { describe, expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { NdjsonBytes } from '../../src/output/ndjson-bytes.js';
import type { Trace } from '../../src/trace/trace.js';
import { makeTrace } from '../redact/make-trace.js';

/** Characters of values that there is room for. */
const VALUES_MAX = 32 << 10;

function traceWith(targetLength: number, reason: string): Trace {
  const trace = makeTrace({});
  trace.request.target = `/${'a'.repeat(targetLength)}`;
  if (trace.response !== null) trace.response.reason = reason;
  return trace;
}

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
