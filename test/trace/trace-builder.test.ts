/** Exchange → trace: exact times, cuts on character boundaries, codings. */
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeHarEntry } from '../../src/output/file/har.js';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import type { Trace } from '../../src/trace/trace.js';
import { createTraceBuilder } from '../../src/trace/trace-builder.js';
import { type ConversationOptions, client, converse, server, split } from '../support/conversation.js';

async function traceOf(response: string | Buffer, bodyBytesMax = 1e7, options: ConversationOptions = {}) {
  const { exchanges } = converse(
    [client('GET /p?q=1 HTTP/1.1\r\nHost: h\r\n\r\n'), split(server(response), 60_000)],
    options,
  );
  const ids = createTraceIds((bytes) => bytes.fill(0xab));
  const build = createTraceBuilder({ ids, bodyBytesMax, isLocal: (address) => address === '10.9.0.2' });
  return build(exchanges[0] as never);
}
const ok = (body: Buffer, headers = '') =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${headers}Content-Length: ${body.length}\r\n\r\n`), body]);

describe('bodies whose coding no header names', () => {
  const plain = Buffer.from('{"password":"hunter2!"}'.repeat(20));
  const zstd = Buffer.from('28b52ffd24ffffffffffffffff', 'hex');

  it.each<[string, Buffer]>([
    ['gzip', zlib.gzipSync(plain)],
    ['deflate', zlib.deflateSync(plain)],
  ])('are decoded where they begin by it: %s', async (coding, packed) => {
    const { response } = await traceOf(ok(packed, 'Content-Type: application/json\r\n'));
    expect(response?.body).toMatchObject({
      wireBytes: packed.length,
      bytes: plain.length,
      codingError: null,
      unlabelledCoding: coding,
    });
    expect(Buffer.from(response?.body.content ?? []).equals(plain)).toBe(true);
  });

  it('keep what they are where they only seem to be', async () => {
    for (const body of [Buffer.from('1f8b08000000', 'hex'), Buffer.from('789c6e6f7a6c6962', 'hex'), zstd]) {
      const { response } = await traceOf(ok(body));
      expect(response?.body).toEqual({
        wireBytes: body.length,
        bytes: body.length,
        truncated: false,
        content: new Uint8Array(body),
        codingError: null,
      });
    }
  });

  it('stay as they are where they are files', async () => {
    const packed = zlib.gzipSync(plain);
    const { response } = await traceOf(ok(packed, 'Content-Type: application/gzip\r\n'));
    expect(Buffer.from(response?.body.content ?? []).equals(packed)).toBe(true);
  });
});

describe('traces', () => {
  it('have times exact to the nanosecond, larger than a double holds', async () => {
    const trace = await traceOf(ok(Buffer.from('x')), 100, { start: 123_456_789, interval: 1 });
    // The request is the fourth packet, the response the fifth.
    expect(trace.startTimeUnixNano).toBe(1_700_000_000_123_456_793n);
    expect(trace).toMatchObject({
      durationNano: 1,
      timing: { requestEndNano: 0, responseStartNano: 1 },
      kind: 'server',
    });
  });

  it.each<[string, number, number, bigint, number]>([
    ['before 1970', -4_611_667_571_683_314_000, 5e8, 0n, 5e8],
    ['behind 2262', 9e18, 5e8, 2n ** 63n - 1n, 0],
    ['that ends behind 2262', 9_223_372_036, 1e18, 9_223_372_036_000_000_000n, 854_775_807],
    ['of a length no clock has', 0, 1e28, 0n, 2 ** 63],
    ['that is no time', Number.NaN, 5e8, 0n, 5e8],
  ])('say the nearest time there is of one %s', (_, timeBaseSeconds, endTime, start, duration) => {
    const { exchanges } = converse([client('GET / HTTP/1.1\r\nHost: h\r\n\r\n')]);
    const build = createTraceBuilder({
      ids: createTraceIds((bytes) => bytes.fill(1)),
      bodyBytesMax: 10,
      isLocal: () => true,
    });
    const [exchange] = exchanges;
    const trace = build({
      ...exchange,
      timeBaseSeconds,
      startTime: 0,
      requestEndTime: endTime,
      endTime,
    } as never) as Trace;
    expect(trace.startTimeUnixNano).toBe(start);
    expect(trace.durationNano).toBe(duration);
    for (const encoded of [encodeNdjson(trace), encodeHarEntry(trace)]) expect(() => JSON.parse(encoded)).not.toThrow();
    expect(JSON.parse(encodeNdjson(trace)).durationNano).toMatch(/^\d+$/);
    expect(JSON.parse(encodeNdjson(trace)).timing.requestEndNano).toMatch(/^\d+$/);
    expect(JSON.parse(encodeHarEntry(trace)).startedDateTime).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/);
  });

  it.each([
    ['aé', 2, 'a'],
    ['aé', 3, 'aé'],
    ['a€b', 3, 'a'],
    ['a€b', 4, 'a€'],
    ['😀😀', 7, '😀'],
    ['😀😀', 5, '😀'],
    ['😀', 3, ''],
    ['abc', 2, 'ab'],
  ])('cut %j to %i bytes on a character boundary', async (text, max, expected) => {
    for (const builderCaps of [true, false]) {
      const limits = builderCaps ? {} : { body_bytes_max: max };
      const { response } = await traceOf(ok(Buffer.from(text)), builderCaps ? max : 1000, { limits });
      expect(Buffer.from(response?.body.content ?? []).toString()).toBe(expected);
      if (!builderCaps) expect(response?.body.truncated).toBe(Buffer.byteLength(text) > max);
    }
  });

  it('decode content, count both lengths, and keep what cannot be decoded', async () => {
    const plain = Buffer.from('hello '.repeat(100));
    const packed = zlib.gzipSync(plain);
    const good = await traceOf(ok(packed, 'Content-Encoding: gzip\r\n'));
    expect(good.response?.body).toMatchObject({
      wireBytes: packed.length,
      bytes: 600,
      truncated: false,
      codingError: null,
    });
    expect(Buffer.from(good.response?.body.content ?? [])).toEqual(plain);
    const bad = await traceOf(ok(plain, 'Content-Encoding: gzip\r\n'));
    expect(bad.response?.body).toMatchObject({ wireBytes: 600, codingError: expect.stringMatching(/^gzip: /) });
    expect(Buffer.from(bad.response?.body.content ?? [])).toEqual(plain);
  });

  it('decode large content later, and the same', async () => {
    const plain = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251));
    const trace = await traceOf(ok(zlib.gzipSync(plain), 'Content-Encoding: gzip\r\n'));
    expect(Buffer.from(trace.response?.body.content ?? []).equals(plain)).toBe(true);
  });
});
