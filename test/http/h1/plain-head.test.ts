/** Plain heads: what is read without llhttp says what llhttp says, of random heads and of what their bytes are mutated to. */
import { describe, expect, it } from 'vitest';
import { createHeadParser } from '../../../src/http/h1/head-parser.js';
import { ContentLength, HeadResult, MessageKind, ParsedHead } from '../../../src/http/h1/parsed-head.js';
import { PlainHeads } from '../../../src/http/h1/plain-head.js';
import { Random, runSeed } from '../../support/random.js';

const llhttp = createHeadParser(false);
const found = new ParsedHead(new Int32Array(4 * 64));
const plain = new PlainHeads(found);
const { request, response } = MessageKind;

/** What a head says, whichever way it was read. */
function said(head: ParsedHead, text: string) {
  const { length, method, status, versionMajor, versionMinor, malformed, isOverfull, headerCount } = head;
  const headers = Array.from({ length: headerCount }, (_, i) => [...head.spans.subarray(4 * i, 4 * i + 4)]);
  const names = headers.map(([from, to]) => text.slice(from, to).toLowerCase());
  const ofLength = names.filter((name) => name === 'content-length').length;
  return {
    ...{ length, method, status, versionMajor, versionMinor, malformed, isOverfull, headers },
    target: method === '' ? '' : text.slice(head.targetStart, head.targetEnd),
    reason: text.slice(head.reasonStart, head.reasonEnd),
    // llhttp's record says that there may be a coding, and gives no length where two names are as long as the header's.
    isCoded: head.mayBeCoded && names.includes('transfer-encoding'),
    contentLength: ofLength === 0 ? ContentLength.none : head.contentLength,
  };
}

/** Whether it was read; that it says the same then. */
function agrees(kind: MessageKind, head: string, what: string): boolean {
  // Neither a beginning nor what lies behind may matter.
  const bytes = Buffer.from(`ab:${head}GET / HTTP/1.1\r\n`, 'latin1');
  const end = 3 + Buffer.byteLength(head, 'latin1');
  if (!plain.read(kind, bytes, 3, end)) return false;
  expect(llhttp.parse(kind, bytes, 3, end), what).toBe(HeadResult.complete);
  const mine = said(found, head);
  const theirs = said(llhttp.head, head);
  if (theirs.contentLength === ContentLength.unclear) theirs.contentLength = mine.contentLength;
  expect(mine, what).toEqual(theirs);
  return true;
}

const ODD = [
  ...'\0\t\n\r\x1f !"#%/:;@HPT\\^`~\x7f\x80\xa0\xff',
  '\r\n',
  '\r\n ',
  ' HTTP/1.1\r\n',
  ': ',
  'chunked',
  '0',
];

describe('a plain head', () => {
  it('says what llhttp says, or nothing', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const text = (from: readonly string[], min: number, max: number) =>
      Array.from({ length: random.between(min, max) }, () => random.pick(from)).join('');
    let read = 0;
    const rounds = 20_000;
    for (let round = 0; round < rounds; round++) {
      const isRequest = random.chance(0.5);
      const method = random.pick([
        'GET',
        'POST',
        'PUT',
        'HEAD',
        'DELETE',
        'PATCH',
        'OPTIONS',
        'CONNECT',
        'GETS',
        'PRI',
      ]);
      const version = `HTTP/1.${random.pick(['0', '1', '1', '1', '2'])}`;
      const target = random.pick([
        '/',
        '/a/b?c=d&e=%20',
        '/a:b@c',
        '//h/x',
        '/?q=[a]|{b}',
        '*',
        'http://h/',
        '/a#b',
        '/~?',
      ]);
      const reason = random.pick(['OK', 'Not Found', 'a\tb ', '', ' x']);
      const line = isRequest ? `${method} ${target} ${version}` : `${version} ${random.between(99, 600)} ${reason}`;
      const fields = Array.from({ length: random.between(0, 6) }, () =>
        random.pick([
          () => `x-${text([...'abXY0-_.!~'], 0, 16)}:${text([' ', '\t'], 0, 2)}${text([...'abc 019";=,é'], 0, 20)}`,
          () =>
            `${random.pick(['Content-Length', 'CONTENT-LENGTH', 'content-lengtH'])}: ${random.pick(['0', '17', '017', '1a', '', '5 '])}`,
          () =>
            `Transfer-Encoding: ${random.pick(['chunked', 'CHUNKED', 'gzip', 'gzip, chunked', 'chunked ', 'identity'])}`,
          () => `Connection: ${random.pick(['close', 'keep-alive', 'Upgrade', 'a, b'])}`,
          () => `Upgrade: ${random.pick(['websocket', 'h2c'])}`,
          () =>
            random.pick([
              'Content-Lengths: 1',
              'Transfer-encodings: chunked',
              'Fourteen-chars: 3',
              'Seventeen--letter: c',
            ]),
        ])(),
      );
      let head = [line, ...fields, '', ''].join('\r\n');
      for (let left = random.pick([0, 0, 1, 2]); left > 0; left--) {
        const at = random.between(0, head.length);
        head = head.slice(0, at) + random.pick(ODD) + head.slice(at + random.between(0, 1));
      }
      if (agrees(isRequest ? request : response, head, `SEED=${seed} ${JSON.stringify(head)}`)) read++;
    }
    expect(read / rounds).toBeGreaterThan(0.1);
  });

  it.each([
    ['GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n', true],
    ['GET / HTTP/1.0\r\n\r\n', true],
    ['POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', true],
    ['POST /x HTTP/1.1\r\nContent-Length: 12\r\nA: b\tc; d="e"\r\n\r\n', true],
    ['HTTP/1.1 404 Not Found\r\nServer: s\r\nContent-Length: 0\r\n\r\n', true],
    // Not all here, or with an end that may be one of a folded value.
    ['GET / HTTP/1.1\r\nHost: h\r\n', false],
    ['GET / HTTP/1.1\r\nHost: h\r\n\r', false],
    ['GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n', false],
    ['GET / HTTP/1.1\nHost: h\n\n', false],
    ['GET  / HTTP/1.1\r\n\r\n', false],
    ['CONNECT h:1 HTTP/1.1\r\n\r\n', false],
    ['GET / RTSP/1.0\r\n\r\n', false],
    ['GET / HTTP/1.1\r\nA: \xe9\r\n\r\n', false],
    ['GET / HTTP/1.1\r\nA:\r\n\r\n', false],
    ['GET / HTTP/1.1\r\nA : b\r\n\r\n', false],
    ['POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n', false],
    ['POST / HTTP/1.1\r\nContent-Length: 1234567890123456\r\n\r\n', false],
    ['POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', false],
    ['HTTP/1.1 200\r\n\r\n', false],
    ['HTTP/1.1 200 \r\n\r\n', false],
    ['HTTP/2 200 OK\r\nServer: s\r\n\r\n', false],
  ])('%j: %s', (head, isRead) => {
    expect(agrees(head.startsWith('HTTP') ? response : request, head, head)).toBe(isRead);
  });

  it('has room for as many headers as its head, and leaves one with more alone', () => {
    const of = (count: number) => `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(count)}\r\n`;
    expect(agrees(request, of(63), 'room')).toBe(true);
    expect(agrees(request, of(64), 'no room')).toBe(false);
  });
});
