/** Heads: llhttp and the lenient parser agree on what is well-formed; the lenient one reads the rest. */
import { describe, expect, it } from 'vitest';
import { createHeadParser } from '../../../src/http/h1/head-parser.js';
import { HeadResult, MessageKind } from '../../../src/http/h1/parsed-head.js';
import { salvageHead } from '../../../src/http/h1/salvage-head.js';
import { HeaderList } from '../../../src/http/header-list.js';
import { Random, runSeed } from '../../support/random.js';

const parser = createHeadParser();
const parsed = parser.head;
const parseHead = (kind: MessageKind, bytes: Buffer, start: number, end: number): HeadResult =>
  parser.parse(kind, bytes, start, end);
const salvage = (kind: MessageKind, bytes: Buffer, start: number, end: number): HeadResult =>
  salvageHead(parsed, kind, bytes, start, end);

type Parse = typeof parseHead;

function read(parse: Parse, kind: MessageKind, bytes: Buffer, start: number, end: number) {
  const result = parse(kind, bytes, start, end);
  if (result !== HeadResult.complete) return { result };
  const text = bytes.toString('latin1', start, start + parsed.length);
  const spans = [...parsed.spans.subarray(0, parsed.headerCount * 4)];
  return {
    result,
    length: parsed.length,
    method: parsed.method,
    target: kind === MessageKind.request ? text.slice(parsed.targetStart, parsed.targetEnd) : '',
    status: parsed.status,
    reason: kind === MessageKind.response ? text.slice(parsed.reasonStart, parsed.reasonEnd).trimEnd() : '',
    version: [parsed.versionMajor, parsed.versionMinor],
    headers: new HeaderList(text, spans, parsed.isPlain).pairs(),
  };
}

describe('well-formed heads', () => {
  it('read the same by llhttp and by the lenient parser, and as they were made', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const token = () =>
      Array.from({ length: random.between(1, 12) }, () => random.pick([..."abcXYZ019-_.!#$%&'*+^`|~"])).join('');
    const value = () =>
      Array.from({ length: random.between(0, 3) }, () => random.pick(['a', 'b c', '"q;=,"', 'é', '\t', '1', ':/?']))
        .join('')
        .trim();
    for (let round = 0; round < 3000; round++) {
      const eol = random.chance(0.1) ? '\n' : '\r\n';
      const headers = Array.from({ length: random.between(0, 8) }, () => [`X-${token()}`, value()] as [string, string]);
      const version = random.pick(['1.1', '1.0']);
      const isRequest = random.chance(0.5);
      const method = random.pick(['GET', 'POST', 'OPTIONS', 'PATCH', 'M-SEARCH', 'PROPFIND']);
      const target = random.pick(['/', '/a/b?c=d&e=%20', '/a:b@c', 'http://h:1/x', '/~u!$()*+,;=']);
      const status = random.between(100, 599);
      const reason = random.pick(['OK', 'Not Found', '']);
      const startLine = isRequest ? `${method} ${target} HTTP/${version}` : `HTTP/${version} ${status} ${reason}`;
      const lines = headers.map(
        ([name, text]) => `${name}:${random.pick([' ', '', '  ', '\t'])}${text}${random.pick(['', ' '])}${eol}`,
      );
      const head = Buffer.from(`${startLine}${eol}${lines.join('')}${eol}`);
      const bytes = Buffer.concat([Buffer.from('before'), head, Buffer.from('GET / HTTP/1.1\r\n\r\n')]);
      const kind = isRequest ? MessageKind.request : MessageKind.response;
      const expected = {
        result: HeadResult.complete,
        length: head.length,
        method: isRequest ? method : '',
        target: isRequest ? target : '',
        status: isRequest ? 0 : status,
        reason: isRequest ? '' : reason,
        version: version.split('.').map(Number),
        headers,
      };
      const strict = read(parseHead, kind, bytes, 6, bytes.length);
      // llhttp refuses an empty value before a lone LF, which the lenient parser is there for.
      if (eol === '\r\n' || strict.result === HeadResult.complete) expect(strict, `SEED=${seed}`).toEqual(expected);
      expect(read(salvage, kind, bytes, 6, bytes.length), `SEED=${seed}`).toEqual(expected);
      // Any beginning of it is no head yet.
      const cut = random.between(1, head.length - 1);
      expect(parseHead(kind, bytes, 6, 6 + cut), `SEED=${seed}`).not.toBe(HeadResult.complete);
    }
  });
});

describe('what llhttp refuses', () => {
  const request = (text: string) => read(salvage, MessageKind.request, Buffer.from(text), 0, Buffer.byteLength(text));

  it.each([
    ['a method of no registry', 'FROBNICATE /x HTTP/1.1\r\nA: b\r\n\r\n', 'FROBNICATE', '/x'],
    ['a space in the target', 'GET /a b HTTP/1.1\r\nA: b\r\n\r\n', 'GET', '/a'],
    ['a line that is no field', 'GET /x HTTP/1.1\r\nA: b\r\nnonsense\r\n\r\n', 'GET', '/x'],
    ['white space before the colon', 'GET /x HTTP/1.1\r\nA : b\r\n\r\n', 'GET', '/x'],
    ['a later version', 'GET /x HTTP/1.9\r\nA: b\r\n\r\n', 'GET', '/x'],
  ])('%s', (_, text, method, target) => {
    expect(request(text)).toMatchObject({ result: HeadResult.complete, method, target, headers: [['A', 'b']] });
  });

  it('reads HTTP/0.9', () => {
    expect(request('GET /old\r\n')).toMatchObject({
      result: HeadResult.complete,
      version: [0, 9],
      target: '/old',
      length: 10,
    });
  });

  it.each(['nonsense\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/\r\n\r\n'])('is not for %j', (text) => {
    expect(request(text).result).toBe(HeadResult.invalid);
  });

  it('reads hostile lines in time linear in their length', () => {
    for (const line of [
      `GET ${'a '.repeat(60_000)}`,
      `GET /${' HTTP/1.1'.repeat(10_000)}x`,
      `GET ${' '.repeat(100_000)}x`,
    ]) {
      expect(request(`${line}\r\n\r\n`).result).toBe(HeadResult.invalid);
    }
  });
});
