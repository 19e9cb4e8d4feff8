/** Heads that streams repeat: what is known of them is what a parser that remembers nothing says, whoever shares a slot. */
import { describe, expect, it } from 'vitest';
import { createHeadParser, type HeadParser } from '../../../src/http/h1/head-parser.js';
import { HeadResult, MessageKind } from '../../../src/http/h1/parsed-head.js';
import { readRequest, readResponse } from '../../../src/http/h1/read-head.js';
import { MessageHead } from '../../../src/http/message-head.js';
import { Random, runSeed } from '../../support/random.js';

const fresh = createHeadParser();
const { request, response } = MessageKind;

/** What a message's head says; null where it is none that is all here. */
function said(parser: HeadParser, kind: MessageKind, text: string, slot?: number) {
  const bytes = Buffer.from(`ab${text}`, 'latin1');
  if (parser.parse(kind, bytes, 2, bytes.length, slot) !== HeadResult.complete) return null;
  const { known: _known, spans: _spans, ...parsed } = parser.head;
  const head = new MessageHead();
  (kind === request ? readRequest : readResponse)(head, parser.head, bytes, 2);
  const { headers, target, reason } = head;
  const names = ['host', 'content-length', 'transfer-encoding', 'x', 'cookie'];
  const values = names.map((name) => [headers.get(name), headers.getAll(name), headers.digest(name)]);
  const isRequest = kind === request;
  return {
    // Where the target or the reason is, another kind of message does not say.
    parsed: { ...parsed, ...(isRequest ? {} : { targetStart: 0, targetEnd: 0 }) },
    ...{ target, reason, pairs: headers.pairs(), size: headers.size, values },
    valuesAt: Array.from({ length: headers.size }, (_, i) => headers.valueAt(i)),
  };
}

describe('a head that is repeated', () => {
  it('says what it would say alone, in random streams that share slots', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const parser = createHeadParser();
    const sections = Array.from({ length: 12 }, (_, i) =>
      [
        `Host: h${i % 3}`,
        ...(i % 2 === 0 ? [`X: ${'v'.repeat(i)}  `] : []),
        ...(i % 5 === 0 ? ['Content-Length: 5'] : []),
        ...(i % 7 === 0 ? ['Transfer-Encoding: chunked'] : []),
        ...(i === 4 ? [`Cookie: ${'c'.repeat(1100)}`] : []),
        ...(i === 9 ? ['Cookie: \xe9', 'X:'] : []),
        '',
        '',
      ].join('\r\n'),
    );
    for (let round = 0; round < 5000; round++) {
      const kind = random.chance(0.5) ? request : response;
      const line =
        kind === request
          ? `${random.pick(['GET', 'POST', 'FROB'])} /${'p'.repeat(random.between(0, 4))} HTTP/1.${random.pick(['0', '1'])}\r\n`
          : `HTTP/1.1 ${random.pick(['200 OK', '404 Not Found', '200 Fine'])}\r\n`;
      let text = line + random.pick(sections);
      if (random.chance(0.05)) text = text.slice(0, random.between(1, text.length));
      if (random.chance(0.05)) {
        const at = random.between(0, text.length - 1);
        text = `${text.slice(0, at)}${random.pick(['x', ' ', '\r', ':', '\xff'])}${text.slice(at + 1)}`;
      }
      const behind = random.chance(0.3) ? 'GET / HTTP/1.1\r\n' : '';
      const slot = random.between(0, 3);
      const expected = said(fresh, kind, text + behind);
      expect(said(parser, kind, text + behind, slot), `SEED=${seed} ${JSON.stringify(text)}`).toEqual(expected);
    }
  });

  it('shares its list from the second time on, until another comes', () => {
    const parser = createHeadParser();
    const slot = parser.takeSlot();
    const listOf = (text: string) => {
      const bytes = Buffer.from(text);
      expect(parser.parse(request, bytes, 0, bytes.length, slot)).toBe(HeadResult.complete);
      return parser.head.known?.list ?? null;
    };
    expect(listOf('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')).toBeNull();
    const shared = listOf('GET /22 HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(shared?.isShared).toBe(true);
    expect(listOf('POST /333 HTTP/1.1\r\nHost: a\r\n\r\n')).toBe(shared);
    expect(shared?.text).toBe('Host: a\r\n\r\n');
    expect(listOf('GET /1 HTTP/1.1\r\nHost: b\r\n\r\n')).toBeNull();
    expect(listOf('GET /1 HTTP/1.1\r\nHost: b\r\n\r\n')?.pairs()).toEqual([['Host', 'b']]);
  });

  it('has the target of its own, the same text where that comes again too', () => {
    const parser = createHeadParser();
    const slot = parser.takeSlot();
    const head = new MessageHead();
    const targetOf = (target: string) => {
      const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      parser.parse(request, bytes, 0, bytes.length, slot);
      readRequest(head, parser.head, bytes, 0);
      return head.target;
    };
    for (const target of ['/a', '/a', '/a', '/b', '/b', '/', `/${'l'.repeat(300)}`, `/${'l'.repeat(300)}`, '/a', '/ab'])
      expect(targetOf(target)).toBe(target);
  });

  it('is noted now and then only, of a stream that repeats nothing', () => {
    const parser = createHeadParser();
    const slot = parser.takeSlot();
    const list = (id: number) => {
      const bytes = Buffer.from(`GET / HTTP/1.1\r\nX: ${id}\r\n\r\n`);
      parser.parse(request, bytes, 0, bytes.length, slot);
      return parser.head.known?.list ?? null;
    };
    for (let id = 0; id < 100; id++) expect(list(id)).toBeNull();
    const twice = Array.from({ length: 16 }, (_, id) => [list(1000 + id), list(1000 + id)][1] !== null);
    expect(twice.filter((isShared) => isShared).length).toBeGreaterThan(0);
    expect(list(7)).toBeNull();
    for (let i = 0; i < 10; i++) list(7);
    expect(list(7)?.pairs()).toEqual([['X', '7']]);
  });

  it('has slots of its own for as many streams as there are, and then those of earlier ones', () => {
    const parser = createHeadParser();
    const slots = Array.from({ length: 512 }, () => parser.takeSlot());
    expect(new Set(slots).size).toBe(512);
    expect(parser.takeSlot()).toBe(slots[0]);
  });
});
