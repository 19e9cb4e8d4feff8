/**
 * The framing of a body (RFC 9112 §6.3): a table, and that what the parser hints at is what the headers say.
 */
import { describe, expect, it } from 'vitest';
import {
  type BodyFraming,
  Framing,
  type FramingHints,
  isFramingPlain,
  requestFraming,
  responseFraming,
} from '../../../src/http/h1/body-framing.js';
import { createHeadParser } from '../../../src/http/h1/head-parser.js';
import { ContentLength, HeadResult, MessageKind } from '../../../src/http/h1/parsed-head.js';
import { salvageHead } from '../../../src/http/h1/salvage-head.js';
import { HeaderList } from '../../../src/http/header-list.js';
import { Random, runSeed } from '../../support/random.js';

const parser = createHeadParser();
const parsed = parser.head;

/** Hints that say nothing, so that the headers decide. */
const NO_HINTS: FramingHints = {
  contentLength: ContentLength.unclear,
  mayBeCoded: true,
  versionMajor: 1,
  versionMinor: 1,
};

/** Framing by hints, and by the headers alone; whether the hints sufficed. */
function framings(kind: MessageKind, lines: string, status = 200, method = 'GET') {
  const startLine = kind === MessageKind.request ? 'POST / HTTP/1.1' : `HTTP/1.1 ${status} X`;
  const bytes = Buffer.from(`${startLine}\r\n${lines}\r\n`, 'latin1');
  let result = parser.parse(kind, bytes, 0, bytes.length);
  if (result === HeadResult.invalid) result = salvageHead(parsed, kind, bytes, 0, bytes.length);
  if (result !== HeadResult.complete) return null;
  const headers = new HeaderList(bytes.toString('latin1'), [...parsed.spans.subarray(0, parsed.headerCount << 2)]);
  const framing = (hints: FramingHints): BodyFraming =>
    kind === MessageKind.request ? requestFraming(headers, hints) : responseFraming(headers, hints, status, method);
  return { hinted: framing(parsed), read: framing(NO_HINTS), isPlain: isFramingPlain(parsed) };
}

const none = { framing: Framing.none, length: 0, malformed: false };
const close = { framing: Framing.close, length: 0, malformed: false };
const chunked = { framing: Framing.chunked, length: 0, malformed: false };
const tunnel = { framing: Framing.tunnel, length: 0, malformed: false };
const bytes = (length: number) => ({ framing: Framing.length, length, malformed: false });
const both = { framing: Framing.chunked, length: 0, malformed: true };
const unknown = { framing: Framing.unknown, length: 0, malformed: true };
const unframed = { framing: Framing.unframed, length: 0, malformed: true };

describe('the framing of a request', () => {
  it.each<[lines: string, expected: BodyFraming, isPlain: boolean]>([
    ['', none, true],
    ['Content-Length: 0\r\n', none, true],
    ['Content-Length: 5\r\n', bytes(5), true],
    ['cOnTeNt-LeNgTh:5\r\n', bytes(5), true],
    ['Content-Length: 00005\r\n', bytes(5), true],
    ['Content-Length: 999999999999999\r\n', bytes(999_999_999_999_999), true],
    ['Content-Length: 1000000000000000\r\n', bytes(1e15), false],
    // Zeros in front say nothing, RFC 9110 §8.6; larger than arithmetic can trust: as much as it can.
    [`Content-Length: ${'0'.repeat(40)}3\r\n`, bytes(3), false],
    ['Content-Length: 99999999999999999999999\r\n', bytes(Number.MAX_SAFE_INTEGER), false],
    // Blanks behind the value belong to nobody (§5).
    ['Content-Length: 5 \r\n', bytes(5), false],
    ['Content-Length: \t 5\t \r\n', bytes(5), false],
    ['Content-Length:\r\n', { ...none, malformed: true }, false],
    ['Content-Length: \r\n', { ...none, malformed: true }, false],
    ['Content-Length: +5\r\n', { ...none, malformed: true }, false],
    ['Content-Length: -5\r\n', { ...none, malformed: true }, false],
    ['Content-Length: 0x5\r\n', { ...none, malformed: true }, false],
    ['Content-Length: 5 6\r\n', { ...none, malformed: true }, false],
    ['Content-Length:\r\n 5\r\n', bytes(5), false],
    // Item 5: a list of the same, and not of the same.
    ['Content-Length: 5\r\nContent-Length: 5\r\n', bytes(5), false],
    ['Content-Length: 5, 5\r\n', bytes(5), false],
    ['Content-Length: 5\r\nContent-Length: 6\r\n', unknown, false],
    ['Content-Length: 5, 6\r\n', unknown, false],
    // As long as the name, and another.
    ['Content-Lengti: 5\r\n', none, true],
    ['Content_Length: 5\r\n', none, true],
    ['X-Content-Leng: 5\r\n', none, true],
    ['Content_Length: 7\r\nContent-Length: 5\r\n', bytes(5), true],
    ['Content-Length: 5\r\nContent_Length: 7\r\n', bytes(5), true],
    ['Transfer-Encoding: chunked\r\n', chunked, false],
    ['TRANSFER-encoding: gzip, CHUNKED \r\n', chunked, false],
    ['Transfer-Encoding:\r\n chunked\r\n', chunked, false],
    // Item 3: it overrides the length.
    ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', both, false],
    ['Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', both, false],
    ['Transfer-Encoding: identity\r\nContent-Length: 5\r\n', bytes(5), false],
    // Item 4: a request has no other end than that of its chunks; §7.1: chunked has no parameters.
    ['Transfer-Encoding: chunked, gzip\r\n', unframed, false],
    ['Transfer-Encoding: foo\r\nContent-Length: 5\r\n', unframed, false],
    ['Transfer-Encoding: chunked ;q=1\r\n', both, false],
    // No white space that a list may have, RFC 9110 §5.6.3.
    ['Content-Length: \xa05\r\n', { ...none, malformed: true }, false],
    ['Transfer-Encoding: \x0bchunked\r\n', unframed, false],
    // Empty elements of a list are ignored, RFC 9110 §5.6.1.2.
    ['Transfer-Encoding: ,chunked ,\r\n', chunked, false],
    ['Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n', chunked, false],
    ['Transfer_Encoding: chunked\r\nContent-Length: 5\r\n', bytes(5), true],
    ['Transfer-Encoding : chunked\r\n', chunked, false],
    ['Content-Length : 5\r\n', bytes(5), false],
  ])('%j', (lines, expected, isPlain) => {
    expect(framings(MessageKind.request, lines)).toEqual({ hinted: expected, read: expected, isPlain });
  });
});

describe('the framing of a response', () => {
  it.each<[status: number, method: string, lines: string, expected: BodyFraming]>([
    [200, 'GET', '', close],
    [200, '', 'Content-Length: 5\r\n', bytes(5)],
    [200, 'HEAD', 'Content-Length: 5\r\n', none],
    [200, 'HEAD', 'Transfer-Encoding: chunked\r\n', none],
    [204, 'GET', 'Content-Length: 5\r\n', none],
    [304, 'GET', 'Content-Length: 5\r\n', none],
    [100, 'GET', 'Content-Length: 5\r\n', none],
    [103, 'CONNECT', '', none],
    [101, 'GET', 'Content-Length: 5\r\n', tunnel],
    [200, 'CONNECT', 'Content-Length: 5\r\n', tunnel],
    [299, 'CONNECT', 'Transfer-Encoding: chunked\r\n', tunnel],
    [407, 'CONNECT', 'Content-Length: 5\r\n', bytes(5)],
    [200, 'GET', 'Content-Length: x\r\n', unframed],
    [200, 'GET', 'Transfer-Encoding: chunked, gzip\r\n', close],
    [200, 'GET', 'Transfer-Encoding: gzip\r\nContent-Length: 5\r\n', unframed],
    [200, 'GET', 'Transfer-Encoding: xchunked\r\n', close],
    [200, 'HEAD', 'Transfer-Encoding: chunked;q=1\r\n', none],
  ])('%i to %j, %j', (status, method, lines, expected) => {
    expect(framings(MessageKind.response, lines, status, method)).toMatchObject({ hinted: expected, read: expected });
  });
});

const NAMES = ['Content-Length', 'content-length', 'Content_Length', 'Transfer-Encoding', 'TRANSFER-ENCODING', 'Host'];
const VALUES = ['0', '5', '05', ' 5', '5 ', '+5', '', '5, 5', '5,6', '999999999999999', '1000000000000000', '5\r\n 6'];
const CODINGS = ['chunked', 'Chunked', 'gzip, chunked', 'chunked, gzip', 'identity', 'é', 'a\r\n\tb'];

describe('the hints of the parser', () => {
  it('never say anything but what the headers say', () => {
    const seed = runSeed();
    const random = new Random(seed);
    let plain = 0;
    for (let round = 0; round < 5000; round++) {
      const lines = Array.from({ length: random.between(0, 4) }, () => {
        const blank = random.pick(['', ' ', '\t ']);
        return `${random.pick(NAMES)}:${blank}${random.pick(random.chance(0.8) ? VALUES : CODINGS)}\r\n`;
      }).join('');
      const kind = random.pick([MessageKind.request, MessageKind.response]);
      const status = random.pick([100, 101, 200, 204, 304, 500]);
      const found = framings(kind, lines, status, random.pick(['GET', 'HEAD', 'CONNECT', '']));
      expect(found, `SEED=${seed} ${JSON.stringify(lines)}`).not.toBeNull();
      expect(found?.hinted, `SEED=${seed} ${JSON.stringify(lines)}`).toEqual(found?.read);
      if (found?.isPlain) plain++;
    }
    expect(plain, 'heads whose hints suffice').toBeGreaterThan(500);
  });
});
