/**
 * Where `HeadParser.parse` says the parts of a head are: the same places as a simple line splitter finds, and nothing of an
 * earlier head in a later one.
 */
import { describe, expect, it } from 'vitest';
import { createHeadParser, HEAD_PARSE_BYTES_MAX } from '../../../src/http/h1/head-parser.js';
import { HEADERS_MAX } from '../../../src/http/h1/head-recorder.js';
import { ContentLength, HeadResult, MessageKind } from '../../../src/http/h1/parsed-head.js';
import { Random, runSeed } from '../../support/random.js';

const parser = createHeadParser();
const parsed = parser.head;
const parseHead = (kind: MessageKind, bytes: Buffer, start: number, end: number): HeadResult =>
  parser.parse(kind, bytes, start, end);

/** A well-formed head's spans as `parsed.spans` has them, found line by line. */
function splitSpans(head: string): number[] {
  const spans: number[] = [];
  for (let at = head.indexOf('\r\n') + 2; at < head.length - 2; ) {
    const end = head.indexOf('\r\n', at);
    const colon = head.indexOf(':', at);
    let value = colon + 1;
    while (value < end && (head[value] === ' ' || head[value] === '\t')) value++;
    spans.push(at, colon, ...(value < end ? [value, end] : NOWHERE));
    at = end + 2;
  }
  return spans;
}

/** It does not matter where an empty value is. */
const NOWHERE = [-1, -1];

function spansOf(): number[] {
  const spans = [...parsed.spans.subarray(0, parsed.headerCount << 2)];
  for (let i = 2; i < spans.length; i += 4) if (spans[i] === spans[i + 1]) spans.splice(i, 2, ...NOWHERE);
  return spans;
}

function parse(kind: MessageKind, text: string): HeadResult {
  const bytes = Buffer.from(text, 'latin1');
  return parseHead(kind, bytes, 0, bytes.length);
}

const TOKEN = [...'abcdefgXYZ019-_.!#$%&*+^`|~'];
const VALUE = [...'abc XYZ019"\t;=,:/?é~'];

describe('parse', () => {
  it('finds what a line splitter finds', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const text = (from: readonly string[], min: number, max: number) =>
      Array.from({ length: random.between(min, max) }, () => random.pick(from)).join('');
    for (let round = 0; round < 2000; round++) {
      const isRequest = random.chance(0.5);
      const method = random.pick(['GET', 'POST', 'DELETE', 'M-SEARCH']);
      const target = `/${text([...'abc/?&=%20;.~'], 0, 60)}`;
      const [status, reason] = [random.between(100, 999), text([...'aB c'], 0, 12).trim()];
      const minor = random.pick([0, 1]);
      const startLine = isRequest ? `${method} ${target} HTTP/1.${minor}` : `HTTP/1.${minor} ${status} ${reason}`;
      const lines = Array.from(
        { length: random.between(0, 40) },
        // No value ends with white space: whether that belongs to a value is for who reads it.
        () => `x${text(TOKEN, 0, 20)}:${text([' ', '\t'], 0, 2)}${text(VALUE, 0, 50).trim()}\r\n`,
      );
      const head = `${startLine}\r\n${lines.join('')}\r\n`;
      const before = text([...'ab\xff'], 0, 9);
      const bytes = Buffer.from(`${before}${head}${random.pick(['', '\xff\xfe', 'GET / HTTP/1.1\r\nA: b'])}`, 'latin1');
      const kind = isRequest ? MessageKind.request : MessageKind.response;
      const what = `SEED=${seed} ${JSON.stringify(head)}`;
      expect(parseHead(kind, bytes, before.length, bytes.length), what).toBe(HeadResult.complete);
      expect(spansOf(), what).toEqual(splitSpans(head));
      const reasonStart = reason === '' ? parsed.reasonStart : head.indexOf(' ', 9) + 1;
      expect(parsed, what).toMatchObject({
        length: head.length,
        versionMajor: 1,
        versionMinor: minor,
        malformed: false,
        isPlain: !head.includes('é'),
        ...(isRequest
          ? { method, status: 0, targetStart: method.length + 1, targetEnd: method.length + 1 + target.length }
          : { method: '', status, reasonStart, reasonEnd: reasonStart + reason.length }),
      });
    }
  });

  it('keeps nothing of an earlier head', () => {
    const full = 'HTTP/1.1 404 Not Here\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\nA: é\r\n\r\n';
    expect(parse(MessageKind.response, full)).toBe(HeadResult.complete);
    expect(parsed).toMatchObject({ isPlain: false, mayBeCoded: true, contentLength: 7, headerCount: 3 });

    expect(parse(MessageKind.response, 'HTTP/1.0 204\r\n\r\n')).toBe(HeadResult.complete);
    expect(parsed).toMatchObject({ isPlain: true, mayBeCoded: false, contentLength: ContentLength.none });
    expect(parsed).toMatchObject({ status: 204, reasonStart: 0, reasonEnd: 0, headerCount: 0, versionMinor: 0 });

    expect(parse(MessageKind.request, 'GET /x HTTP/1.1\r\nA:\r\n\r\n')).toBe(HeadResult.complete);
    expect(parsed).toMatchObject({ status: 0, reasonStart: 0, reasonEnd: 0, method: 'GET', versionMinor: 1 });
    expect(spansOf()).toEqual(splitSpans('GET /x HTTP/1.1\r\nA:\r\n\r\n'));
  });

  it.each([
    ['a head cut off', 'GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nA: é\r\nB: c'],
    ['a head it refuses', 'GET / HTTP/1.1\r\nContent-Length: 1\r\nA: é\r\nB\x00: d\r\n\r\n'],
    ['more headers than there may be', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(HEADERS_MAX + 1)}\r\n`],
  ])('begins anew behind %s', (_, text) => {
    expect(parse(MessageKind.request, text)).not.toBe(HeadResult.complete);
    const head = 'POST /y HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n';
    expect(parse(MessageKind.request, head)).toBe(HeadResult.complete);
    expect(parsed).toMatchObject({ isPlain: true, mayBeCoded: false, contentLength: 12, headerCount: 2 });
    expect(spansOf()).toEqual(splitSpans(head));
  });

  // The values it notes are in one piece each; folded ones are read by the salvage parser.
  it.each(['A: b\r\n c\r\n', 'A:\r\n b\r\n', 'Content-Length: 1\r\n\t2\r\n', 'Connection: a,\r\n close\r\n'])(
    'refuses a value that is folded, %j',
    (lines) => {
      expect(parse(MessageKind.request, `GET / HTTP/1.1\r\n${lines}\r\n`)).toBe(HeadResult.invalid);
      expect(parse(MessageKind.response, `HTTP/1.1 200 OK\r\n${lines}\r\n`)).toBe(HeadResult.invalid);
    },
  );

  it('notes as many headers as there may be', () => {
    const head = `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(HEADERS_MAX)}\r\n`;
    expect(parse(MessageKind.request, head)).toBe(HeadResult.complete);
    expect(spansOf()).toEqual(splitSpans(head));
  });

  it('reads a head as long as its memory, and none longer', () => {
    const around = 'GET / HTTP/1.1\r\nA: \r\n\r\n'.length;
    const fits = `GET / HTTP/1.1\r\nA: ${'x'.repeat(HEAD_PARSE_BYTES_MAX - around)}\r\n\r\n`;
    expect(parse(MessageKind.request, fits)).toBe(HeadResult.complete);
    expect(spansOf()).toEqual(splitSpans(fits));
    expect(parse(MessageKind.request, fits.replace('A: ', 'A: x'))).toBe(HeadResult.incomplete);
  });

  it.each<[head: string, version: [number, number], target: string]>([
    ['GET /a HTTP/1.0\r\n\r\n', [1, 0], '/a'],
    ['GET /a  HTTP/1.1\r\n\r\n', [1, 1], '/a'],
    ['GET   /a HTTP/1.1\r\n\r\n', [1, 1], '/a'],
    ['GET /a HTTP/2.0\r\n\r\n', [2, 0], '/a'],
    ['GET /HTTP/1.0 HTTP/1.1\r\n\r\n', [1, 1], '/HTTP/1.0'],
    ['CONNECT h:1 HTTP/1.0\r\n\r\n', [1, 0], 'h:1'],
    ['GET /a HTTP/1.1\r\n\n', [1, 1], '/a'],
  ])('reads the version of %j', (head, [major, minor], target) => {
    expect(parse(MessageKind.request, head)).toBe(HeadResult.complete);
    expect(parsed).toMatchObject({ versionMajor: major, versionMinor: minor });
    expect(head.slice(parsed.targetStart, parsed.targetEnd)).toBe(target);
  });

  it.each<[head: string, version: [number, number], status: number]>([
    ['HTTP/1.0 200 OK\r\n\r\n', [1, 0], 200],
    ['HTTP/1.1 200\r\n\r\n', [1, 1], 200],
    ['HTTP/2.0 200 OK\r\n\r\n', [2, 0], 200],
  ])('reads the version of %j', (head, [major, minor], status) => {
    expect(parse(MessageKind.response, head)).toBe(HeadResult.complete);
    expect(parsed).toMatchObject({ versionMajor: major, versionMinor: minor, status });
  });
});
