/**
 * Requests that are under way at once, and bytes that were lost between them or came before the capture: which response
 * answers which request is told by what follows, and by nothing that a body holds.
 */
import { describe, expect, it } from 'vitest';
import { client, converse, fin, lost, rst, type Step, server } from '../support/conversation.js';

const get = (target: string, method = 'GET') => client(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
const ok = (body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const gets = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => get(`/${from + i}`));
const oks = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => ok(String(from + i)));
const over = [fin('client'), fin('server')];
const answered = (steps: readonly (Step | Step[])[], options = {}) =>
  converse(steps, options)
    .lines.filter((line) => line.includes('→ 200'))
    .map((line) => line.replace(/ \{.*/, ''));
const right = (...numbers: number[]) => numbers.map((n) => `GET /${n} → 200 "${n}"`);

describe('requests that overlap, behind a lost response', () => {
  const start = [...gets(1, 2), ok('1'), get('/3'), ok('2'), lost(ok('3'))];

  it('are counted back from the end, where both sides have closed', () => {
    expect(answered([...start, ...gets(4, 8), ...oks(4, 8), ...over])).toEqual(right(1, 2, 4, 5, 6, 7, 8));
  });

  it('are not answered by the first behind the loss, which may be the end of a body, where others find room there', () => {
    const long = lost(server(`HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n${'3'.repeat(30)}`));
    const steps = [...gets(1, 2), ok('1'), get('/3'), ok('2'), long, ...gets(4, 8), ...oks(4, 8), ...over];
    expect(answered(steps)).toEqual(right(1, 2, 5, 6, 7, 8));
  });

  it('are counted back from a reset that lacks nothing', () => {
    const reset = [rst('server')];
    expect(answered([...start, ...gets(4, 8), ...oks(4, 8), ...reset])).toEqual(right(1, 2, 4, 5, 6, 7, 8));
  });

  it('stay unanswered where the capture ends: others may be on their way', () => {
    expect(answered([...start, ...gets(4, 8), ...oks(4, 8)])).toEqual(right(1, 2));
  });

  it('stay unanswered where the last response says that it is the last', () => {
    const last = server('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n7');
    expect(answered([...start, ...gets(4, 8), ...oks(4, 6), last, ...over])).toEqual(right(1, 2));
  });

  it('stay unanswered where the last response was cut off', () => {
    const cut = server('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n8');
    expect(answered([...start, ...gets(4, 8), ...oks(4, 7), cut, rst('server')])).toEqual(right(1, 2));
  });

  it('are not answered by text in a body', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext';
    const length = String(text.length).length;
    const head = lost(server(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n${' '.repeat(length)}\r\n\r\n`));
    const steps = [
      ...gets(1, 2),
      ok('1'),
      get('/3'),
      ok('2'),
      head,
      server(text),
      ...gets(4, 8),
      ...oks(4, 8),
      ...over,
    ];
    expect(answered(steps)).toEqual(right(1, 2, 4, 5, 6, 7, 8));
  });
});

describe('requests that overlap, of a client that keeps to a number of its own', () => {
  /** Two under way: the next is sent when a response has come. */
  const turns = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => [ok(String(from + i)), get(`/${from + i + 2}`)]).flat();
  const start = [...gets(1, 2), ...turns(1, 5), lost(ok('6')), get('/8')];

  it('are answered as that allows, whatever the end', () => {
    const steps = [...start, ...turns(7, 11), ok('12'), ok('13')];
    expect(answered(steps)).toEqual(right(1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13));
  });
});

describe('responses to HEAD, whose length is of no body', () => {
  it('tell how far responses and requests are apart, and are read as what they are', () => {
    const head = server('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n');
    const start = [...gets(1, 2), ok('1'), get('/3'), ok('2'), lost(ok('3'))];
    const steps = [...start, get('/4'), get('/5', 'HEAD'), ...gets(6, 8), ok('4'), head, ...oks(6, 8), ...over];
    expect(answered(steps)).toEqual([...right(1, 2, 4), 'HEAD /5 → 200', ...right(6, 7, 8)]);
  });
});

describe('requests that overlap, behind a lost request', () => {
  it('are answered, when several are right behind each other and both sides have closed', () => {
    const steps = [...gets(1, 2), ok('1'), lost(get('/3')), ok('2'), ...gets(4, 8), ...oks(3, 8), ...over];
    expect(answered(steps)).toEqual(right(1, 2, 4, 5, 6, 7, 8));
  });
});

describe('a pipeline that is joined in the middle', () => {
  const midstream = { handshake: false };

  it('is counted back from its end, but for its first request, which may be text in a body', () => {
    const steps = [...gets(3, 4), ...oks(1, 3), ...gets(5, 8), ...oks(4, 8), ...over];
    expect(answered(steps, midstream)).toEqual(right(4, 5, 6, 7, 8));
  });

  it('believes no response that lasts as long as the connection and may have swallowed others', () => {
    const unseen = server('HTTP/1.1 200 OK\r\n\r\n');
    const steps = [get('/2'), unseen, ok('1'), ok('2'), ...over];
    expect(answered(steps, midstream)).toEqual([]);
  });

  it('believes no response behind which a reset acknowledges another that was not captured', () => {
    expect(answered([get('/2'), ok('1'), lost(ok('2')), rst('client')], midstream)).toEqual([]);
  });
});

describe('one request at a time, joined in the middle', () => {
  const midstream = { handshake: false };
  const turn = (n: number) => [get(`/${n}`), ok(String(n))];

  it('is answered in front of a lost response, but for the first, which may be text in a body', () => {
    const steps = [...[1, 2, 3].flatMap(turn), get('/4'), lost(ok('4')), ...[5, 6, 7, 8].flatMap(turn), ...over];
    expect(answered(steps, midstream)).toEqual(right(2, 3, 5, 6, 7, 8));
  });

  it('is answered in front of a lost request', () => {
    const steps = [...[1, 2, 3].flatMap(turn), lost(get('/4')), ok('4'), ...[5, 6, 7, 8].flatMap(turn), ...over];
    expect(answered(steps, midstream)).toEqual(right(2, 3, 5, 6, 7, 8));
  });

  it('is answered between lost responses', () => {
    const start = [ok('0'), ...turn(1), ...turn(2), get('/3'), lost(ok('3')), ...turn(4), ...turn(5)];
    const steps = [...start, get('/6'), lost(ok('6')), ...[7, 8, 9].flatMap(turn), ...over];
    expect(answered(steps, midstream)).toEqual(right(2, 4, 5, 7, 8, 9));
  });
});
