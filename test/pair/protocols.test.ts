/** What is on a connection instead of, before or besides HTTP/1, and messages that never end. */
import { describe, expect, it } from 'vitest';
import { client, converse, fin, pause, server, split } from '../support/conversation.js';
import { hex } from '../support/packets.js';

const get = (target: string) => client(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
const ok = (body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);

describe('other protocols', () => {
  it('counts TLS and holds nothing of it, RFC 8446 §5.1', () => {
    const hello = Buffer.concat([hex('16 03 01 02 00 01 00 01 fc 03 03'), Buffer.alloc(506)]);
    const { lines, counters, budgetPeak } = converse([
      client(hello),
      server(hex('16 03 03 00 7a')),
      client('GET / HTTP/1.1\r\n\r\n'),
    ]);
    expect(lines).toEqual([]);
    expect(counters).toMatchObject({ flows_tls: 1, flows_not_http: 0, requests_seen: 0, messages_malformed: 0 });
    expect(budgetPeak).toBeLessThan(4096);
  });

  it('knows TLS by its first two bytes, one at a time', () => {
    expect(converse([split(client(hex('16 03 01 02')), 1)]).counters.flows_tls).toBe(1);
  });

  it('counts HTTP/2 by its preface, RFC 9113 §3.4', () => {
    const preface = client('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    expect(converse([preface, server('\0\0\0\x04\0\0\0\0\0')]).counters).toMatchObject({
      flows_h2: 1,
      flows_not_http: 0,
    });
    expect(converse([split(preface, 3)]).counters.flows_h2).toBe(1);
  });

  it('counts what is neither, once a connection', () => {
    const { counters, lines } = converse([
      server('220 mail ESMTP\r\n'),
      client('EHLO x\r\n'),
      client('GET / HTTP/1.1\r\n\r\n'),
    ]);
    expect(lines).toEqual([]);
    expect(counters).toMatchObject({ flows_not_http: 1, requests_seen: 0 });
  });

  it('counts nothing for a connection without data', () => {
    expect(converse([fin('client'), fin('server')]).counters).toMatchObject({ flows_opened: 1, flows_not_http: 0 });
  });
});

describe('PROXY protocol', () => {
  const v1 = 'PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n';
  const v2 = Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    hex('21 11 000c c0000201 c0000202 dc04 01bb'),
  ]);
  const request = Buffer.from('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');

  it.each([
    ['version 1', Buffer.from(v1)],
    ['version 2', v2],
    ['version 2, local', Buffer.concat([v2.subarray(0, 12), hex('20 00 0000')])],
  ])('%s stands before the first request', (_, header) => {
    const { lines } = converse([client(Buffer.concat([header, request])), ok('one'), get('/2'), ok('two')]);
    expect(lines).toEqual(['GET /1 → 200 "one"', 'GET /2 → 200 "two"']);
  });

  it.each([
    ['version 1', Buffer.from(v1)],
    ['version 2', v2],
  ])('%s in a segment of its own', (_, header) => {
    expect(converse([client(header), client(request), ok('one')]).lines).toEqual(['GET /1 → 200 "one"']);
  });

  it.each([1, 5, 20])('version 1 in segments of %i bytes', (size) => {
    expect(converse([split(client(v1), size), client(request), ok('one')]).lines).toEqual(['GET /1 → 200 "one"']);
  });

  it.each([14, 20])('version 2 in segments of %i bytes', (size) => {
    expect(converse([split(client(v2), size), client(request), ok('one')]).lines).toEqual(['GET /1 → 200 "one"']);
  });
});

describe('messages that do not end', () => {
  const events = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

  it('keeps of server-sent events what the cap allows, and goes on following', () => {
    const { lines } = converse(
      [get('/events'), server(`${events}8\r\n12345678\r\n`), pause(1, server('0\r\n\r\n')), get('/2'), ok('two')],
      { limits: { body_bytes_max: 4 } },
    );
    expect(lines).toEqual(['GET /events → 200 "1234"… of 8', 'GET /2 → 200 "two"']);
  });

  it('gives a request whose head came slowly the whole time for its response', () => {
    const slow = split(client('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'), 10).map((step) => pause(6, step));
    expect(converse([slow, pause(3, ok('yes'))]).lines).toEqual(['GET /slow → 200 "yes"']);
  });

  it('marks what is under way when the capture ends', () => {
    expect(converse([get('/1')]).lines).toEqual(['GET /1 → nothing {no-response, unfinished}']);
    expect(converse([get('/1'), server('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')]).lines).toEqual([
      'GET /1 → 200 "half"… of 4 {unfinished}',
    ]);
  });
});

describe('memory', () => {
  it('sheds bodies before heads, and says so', () => {
    const { lines, counters } = converse(
      [
        get('/1'),
        server(`HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(50_000)}`),
        server('x'.repeat(10_000)),
        get('/2'),
        ok('two'),
      ],
      { limits: { memory_bytes_max: 30_000 } },
    );
    expect(lines).toEqual(['GET /1 → 200 ""… of 60000 {shed}', 'GET /2 → 200 "two"']);
    expect(counters).toMatchObject({ body_bytes_shed: 50_000, flows_evicted: 0 });
  });
});
