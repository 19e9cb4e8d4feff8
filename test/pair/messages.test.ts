/** What a message is, where it ends, and which response answers which request: transcripts, each with its RFC section. */
import { describe, expect, it } from 'vitest';
import { DropReason } from '../../src/counters.js';
import { type Exchange, markNames } from '../../src/pair/exchange.js';
import { client, converse, fin, server, split } from '../support/conversation.js';

const get = (target: string, more = '') => client(`GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`);
const ok = (body: string, more = '') =>
  server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`);

describe('pairing', () => {
  it('pairs requests and responses of a persistent connection, RFC 9112 §9.3', () => {
    expect(converse([get('/1'), ok('one'), get('/2'), ok('two')]).lines).toEqual([
      'GET /1 → 200 "one"',
      'GET /2 → 200 "two"',
    ]);
  });

  it('pairs pipelined requests first in, first out, RFC 9112 §9.3.2', () => {
    const requests = client(['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    const { lines, counters } = converse([requests, ok('one'), ok('two'), ok('three')]);
    expect(lines).toEqual(['GET /1 → 200 "one"', 'GET /2 → 200 "two"', 'GET /3 → 200 "three"']);
    expect(counters).toMatchObject({ requests_seen: 3, responses_seen: 3, exchanges_seen: 3, responses_unpaired: 0 });
  });

  it('pairs pipelined responses that come in one segment', () => {
    const both = server('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nb');
    expect(converse([get('/1'), get('/2'), both]).lines).toEqual(['GET /1 → 200 "a"', 'GET /2 → 404 "b"']);
  });

  it('counts a response that nobody asked for: it was received before the next request was sent, RFC 9112 §9.2', () => {
    const { lines, counters } = converse([ok('who asked?'), get('/'), ok('yes')], { handshake: true });
    expect(lines).toEqual(['GET / → 200 "yes"']);
    expect(counters.responses_unpaired).toBe(1);
  });

  it('counts a response whose request was before the first packet seen, and pairs what follows', () => {
    const { lines, counters } = converse([ok('to whom?'), get('/'), ok('yes')], { handshake: false });
    expect(lines).toEqual(['GET / → 200 "yes" {midstream}']);
    expect(counters.responses_unpaired).toBe(1);
  });

  it('emits a request without a response when the server closes, RFC 9112 §9.5', () => {
    expect(converse([get('/'), fin('server')]).lines).toEqual(['GET / → nothing {no-response}']);
  });

  it('keeps the place of a dropped exchange in line', () => {
    const { lines, counters } = converse([get('/drop'), get('/keep'), ok('dropped'), ok('kept')], {
      admit: ({ request }) => (request.target === '/drop' ? DropReason.pathRule : DropReason.none),
    });
    expect(lines).toEqual(['GET /keep → 200 "kept"']);
    expect(counters).toMatchObject({ exchanges_seen: 2, exchanges_exported: 1, exchanges_dropped_path_rule: 1 });
  });

  it('frames the response to a dropped HEAD as one without a body', () => {
    const head = client('HEAD /drop HTTP/1.1\r\nHost: a\r\n\r\n');
    const { lines } = converse(
      [head, server('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n'), get('/keep'), ok('kept')],
      { admit: ({ request }) => (request.method === 'HEAD' ? DropReason.pathRule : DropReason.none) },
    );
    expect(lines).toEqual(['GET /keep → 200 "kept"']);
  });

  const dropping = {
    admit: ({ request }: Exchange) => (/drop/.test(request.target) ? DropReason.pathRule : DropReason.none),
  };

  it.each<[name: string, answer: string]>([
    [
      'interim ones before it',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 X\r\n\r\n',
    ],
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\nHTTP/1.1 500 X\r\n\r'],
    ['a length with blanks behind it', 'HTTP/1.1 200 OK\r\nContent-Length: 3 \t\r\n\r\nabc'],
    ['a length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\nabc'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 3\r\n\r\nabc'],
    ['chunks and a trailer', 'HTTP/1.1 200 OK\r\nTransfer-encodinG: Chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n'],
    ['an upgrade refused', 'HTTP/1.1 426 Upgrade Required\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\nz'],
  ])("finds the end of a dropped exchange's response with %s", (_, answer) => {
    const { lines, counters } = converse([get('/drop'), get('/keep'), server(answer), ok('kept')], dropping);
    expect(lines).toEqual(['GET /keep → 200 "kept"']);
    expect(counters).toMatchObject({ responses_unpaired: 0, messages_malformed: 0 });
  });

  it.each([
    ['101', 'GET /drop HTTP/1.1\r\nUpgrade: x\r\n\r\n', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['2xx to CONNECT', 'CONNECT drop:1 HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'],
  ])('reads no further behind a dropped exchange that ends HTTP by %s', (_, request, answer) => {
    const { lines, counters } = converse([client(request), server(answer), get('/x'), ok('y')], dropping);
    expect(lines).toEqual([]);
    expect(counters).toMatchObject({ flows_upgraded: 1, exchanges_seen: 1, responses_seen: 1 });
  });

  it('keeps the pairing when more requests wait than may, RFC 9112 §9.3.2', () => {
    const requests = Array.from({ length: 10 }, (_, i) => get(`/${i}`));
    const responses = Array.from({ length: 10 }, (_, i) => ok(`answer ${i}`));
    const { lines, counters } = converse([requests, responses], { limits: { pipeline_requests_max: 4 } });
    expect(lines).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((i) => `GET /${i} → nothing {no-response}`),
      ...[6, 7, 8, 9].map((i) => `GET /${i} → 200 "answer ${i}"`),
    ]);
    expect(counters.responses_unpaired).toBe(6);
  });

  it('stops pairing where far more requests wait than may', () => {
    const { lines } = converse(
      [Array.from({ length: 70 }, (_, i) => get(`/${i}`)), Array.from({ length: 70 }, () => ok('x'))],
      { limits: { pipeline_requests_max: 4 } },
    );
    expect(lines).toHaveLength(70);
    expect(lines.filter((text) => !text.includes('no-response'))).toEqual([]);
  });

  it('takes the side that sends the request for the client', () => {
    const { exchanges } = converse([
      server('GET /from-the-server HTTP/1.1\r\nHost: a\r\n\r\n'),
      client('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    ]);
    expect(exchanges[0]?.client).toEqual({ address: '10.9.0.2', port: 80 });
    expect(exchanges[0]?.server).toEqual({ address: '10.9.0.1', port: 40_000 });
  });

  it('waits for the end of a request that is answered early, RFC 9112 §9.3', () => {
    const { lines } = converse([
      client('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc'),
      server('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'),
      client('def'),
      get('/next'),
      ok('x'),
    ]);
    expect(lines).toEqual(['POST /up "abcdef" → 413 "no" {early-response}', 'GET /next → 200 "x"']);
  });
});

describe('interim and final responses', () => {
  const post = client('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');

  it('takes 100 for an announcement and the next response for the answer, RFC 9110 §15.2.1', () => {
    const { lines, counters } = converse([
      post,
      server('HTTP/1.1 100 Continue\r\n\r\n'),
      client('body'),
      server('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi'),
    ]);
    expect(lines).toEqual(['POST / "body" → 201 "hi"']);
    expect(counters.responses_seen).toBe(2);
  });

  it('takes a 417 instead of a 100 for the answer, RFC 9110 §10.1.1', () => {
    const { lines } = converse([post, server('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n'), fin('client')]);
    expect(lines).toEqual(['POST / → 417 {early-response}']);
  });

  it.each([1, 2, 3])('goes on with the next request instead of the body, cut behind its first %i bytes', (size) => {
    const refusal = server('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n');
    const next = 'POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';
    const { lines } = converse([post, refusal, client(next.slice(0, size)), client(next.slice(size)), ok('x')]);
    expect(lines).toEqual(['POST / → 417 {early-response}', 'POST /next "hi" → 200 "x"']);
  });

  it('skips any number of 103, RFC 8297', () => {
    const hints = server('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n');
    expect(converse([get('/'), hints, ok('page')]).lines).toEqual(['GET / → 200 "page"']);
  });

  it('has no body in an interim response whatever it says, RFC 9110 §15.2', () => {
    const liar = server('HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n');
    expect(converse([get('/'), liar, ok('page')]).lines).toEqual(['GET / → 200 "page"']);
  });
});

describe('messages without a body', () => {
  it.each([
    ['HEAD', '200 OK', 'RFC 9110 §9.3.2'],
    ['GET', '204 No Content', 'RFC 9110 §15.3.5'],
    ['GET', '304 Not Modified', 'RFC 9110 §15.4.5'],
  ])('%s → %s with a Content-Length, %s', (method, status) => {
    const { lines } = converse([
      client(`${method} /1 HTTP/1.1\r\nHost: a\r\n\r\n`),
      server(`HTTP/1.1 ${status}\r\nContent-Length: 1000\r\n\r\n`),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual([`${method} /1 → ${status.slice(0, 3)}`, 'GET /2 → 200 "two"']);
  });

  it.each(['chunked', 'gzip, chunked'])('HEAD with Transfer-Encoding: %s, RFC 9112 §6.3', (coding) => {
    const { lines } = converse([
      client('HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n'),
      server(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n`),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual(['HEAD /1 → 200', 'GET /2 → 200 "two"']);
  });
});

describe('the end of HTTP on a connection', () => {
  it('101 ends it: the bytes are not parsed, RFC 9110 §7.8', () => {
    const { lines, counters } = converse([
      get('/ws', 'Connection: Upgrade\r\nUpgrade: raw\r\n'),
      server('HTTP/1.1 101 Switching Protocols\r\nUpgrade: raw\r\n\r\nGET /no HTTP/1.1\r\n\r\n'),
      client('GET /neither HTTP/1.1\r\n\r\n'),
    ]);
    expect(lines).toEqual(['GET /ws → 101 {upgraded}']);
    expect(counters).toMatchObject({ flows_upgraded: 1, requests_seen: 1, messages_malformed: 0 });
  });

  it.each(['200 Connection established', '204 Fine'])('2xx (%s) to CONNECT ends it, RFC 9110 §9.3.6', (status) => {
    const { lines, counters } = converse([
      client('CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n'),
      server(`HTTP/1.1 ${status}\r\nContent-Length: 7\r\n\r\n`),
      client('GET /inside HTTP/1.1\r\n\r\n'),
    ]);
    expect(lines).toEqual([`CONNECT b:443 → ${status.slice(0, 3)} {upgraded}`]);
    expect(counters.flows_upgraded).toBe(1);
  });

  it('4xx to CONNECT does not end it, RFC 9110 §9.3.6', () => {
    const { lines, counters } = converse([
      client('CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n'),
      server('HTTP/1.1 407 Who?\r\nContent-Length: 3\r\n\r\nwho'),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual(['CONNECT b:443 → 407 "who"', 'GET /2 → 200 "two"']);
    expect(counters.flows_upgraded).toBe(0);
  });

  it('frees what it held', () => {
    // The harness sees to it that the budget ends at zero; here it must be free before the connection ends.
    const upload = client(`POST /ws HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5000)}`);
    const { budgetPeak, emittedAt } = converse([upload, server('HTTP/1.1 101 Go\r\n\r\n'), client('frames')]);
    expect(budgetPeak).toBeGreaterThan(5000);
    expect(emittedAt[0]).toBeLessThan(Number.POSITIVE_INFINITY);
  });
});

describe('bodies', () => {
  it('runs to the FIN where nothing gives a length, RFC 9112 §6.3 item 8', () => {
    expect(converse([get('/'), server('HTTP/1.0 200 OK\r\n\r\none '), server('two'), fin('server')]).lines).toEqual([
      'GET / → 200 "one two"',
    ]);
  });

  it('takes data on the FIN itself, RFC 9293 §3.4', () => {
    expect(converse([get('/'), server('HTTP/1.0 200 OK\r\n\r\none '), fin('server', 'two')]).lines).toEqual([
      'GET / → 200 "one two"',
    ]);
  });

  it('says so when the connection closes before Content-Length bytes, RFC 9112 §8', () => {
    const cut = server('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    expect(converse([get('/'), cut, fin('server')]).lines).toEqual(['GET / → 200 "half" {aborted}']);
  });

  it('undoes chunks, ignores their extensions and keeps trailers, RFC 9112 §7.1', () => {
    const { lines, exchanges } = converse([
      get('/'),
      server(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n' +
          '5;name="a;b"\r\nhello\r\n1 \r\n,\r\nA\r\n wide worl\r\n1\r\nd\r\n0;last\r\nX-Sum: 1\r\nX-Sum:2 \r\n\r\n',
      ),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual(['GET / → 200 "hello, wide world"', 'GET /2 → 200 "two"']);
    expect(exchanges[0]?.response?.trailers).toEqual([
      ['X-Sum', '1'],
      ['X-Sum', '2'],
    ]);
    expect(exchanges[0]?.response?.body.wireBytes).toBe(17);
  });

  it('undoes the chunks of a request', () => {
    const { lines } = converse([
      client('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
      ok('x'),
    ]);
    expect(lines).toEqual(['POST / "abc" → 200 "x"']);
  });

  it('lets chunked win over Content-Length, RFC 9112 §6.3 item 3', () => {
    const both = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
    expect(converse([get('/'), server(both), get('/2'), ok('two')]).lines).toEqual([
      'GET / → 200 "hello" {malformed}',
      'GET /2 → 200 "two"',
    ]);
  });

  it.each([
    ['Content-Length: 2\r\nContent-Length: 2\r\n', ' "hi"'],
    ['Content-Length: 2, 2\r\n', ' "hi"'],
    ['Content-Length: 2\r\nContent-Length: 3\r\n', ' ""… of 0 {malformed}'],
  ])('reads %j, RFC 9112 §6.3 item 5', (lengths, read) => {
    expect(converse([get('/'), server(`HTTP/1.1 200 OK\r\n${lengths}\r\nhi`), get('/2'), ok('2')]).lines).toEqual([
      `GET / → 200${read}`,
      'GET /2 → 200 "2"',
    ]);
  });

  it('marks a chunk size that is none, and goes on at the next message', () => {
    const bad = server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nxyz\r\n');
    expect(converse([get('/'), bad, get('/2'), ok('two')]).lines).toEqual([
      'GET / → 200 "hi"… of 2 {malformed}',
      'GET /2 → 200 "two"',
    ]);
  });

  it('counts what is over the cap and does not keep it', () => {
    const { lines, exchanges } = converse([get('/'), ok('0123456789'), get('/2'), ok('2')], {
      limits: { body_bytes_max: 4 },
    });
    expect(lines).toEqual(['GET / → 200 "0123"… of 10', 'GET /2 → 200 "2"']);
    expect(exchanges[0]?.response?.body).toMatchObject({ wireBytes: 10, keptBytes: 4, truncated: true });
  });

  it('keeps a body of exactly the cap whole', () => {
    expect(converse([get('/'), ok('0123')], { limits: { body_bytes_max: 4 } }).lines).toEqual(['GET / → 200 "0123"']);
  });
});

describe('heads', () => {
  const headersOf = (head: string) => {
    const { exchanges } = converse([client(head), ok('')]);
    return exchanges[0]?.request.headers.pairs();
  };

  it('keeps every header, in order, repeats and case as sent, RFC 9110 §5.3', () => {
    expect(headersOf('GET / HTTP/1.1\r\nHost: a\r\nX-b: 1\r\nx-B: 2\r\nCookie: c\r\nX-b: 3\r\n\r\n')).toEqual([
      ['Host', 'a'],
      ['X-b', '1'],
      ['x-B', '2'],
      ['Cookie', 'c'],
      ['X-b', '3'],
    ]);
  });

  it('joins folded lines with one space, RFC 9112 §5.2', () => {
    expect(headersOf('GET / HTTP/1.1\r\nHost: a\r\nX-Long: one\r\n\t two  \r\n   three\r\nY: z\r\n\r\n')).toEqual([
      ['Host', 'a'],
      ['X-Long', 'one two three'],
      ['Y', 'z'],
    ]);
  });

  it('takes white space off values, empty ones included, RFC 9112 §5', () => {
    expect(headersOf('GET / HTTP/1.1\r\nHost:a\r\nA:  \t b c \t \r\nEmpty:\r\nBlank:   \r\n\r\n')).toEqual([
      ['Host', 'a'],
      ['A', 'b c'],
      ['Empty', ''],
      ['Blank', ''],
    ]);
  });

  it('reads a value in time that does not grow with the square of its blanks', () => {
    const blanks = ' '.repeat(50_000);
    const [, folded] = headersOf(`GET / HTTP/1.1\r\nHost: a\r\nX: a${blanks}b\r\n c\r\n\r\n`) ?? [];
    expect(folded).toEqual(['X', `a${blanks}b c`]);
  });

  it('reads UTF-8 values as such and keeps every byte of others, RFC 9110 §5.5', () => {
    expect(headersOf('GET / HTTP/1.1\r\nA: caf\xc3\xa9\r\nB: caf\xe9\r\n\r\n')).toEqual([
      ['A', 'café'],
      ['B', 'caf\xe9'],
    ]);
  });

  it.each(['GET / HTTP/1.1\n\n', 'GET / HTTP/1.1\n\r\n', 'GET / HTTP/1.1\r\n\n'])(
    'does not wait for more behind the empty line of %j',
    (request) => {
      expect(converse([client(request), ok('x'), get('/2'), ok('y')]).lines).toEqual([
        'GET / → 200 "x"',
        'GET /2 → 200 "y"',
      ]);
    },
  );

  it('takes a lone LF for a line end, RFC 9112 §2.2', () => {
    const { lines } = converse([
      client('GET / HTTP/1.1\nHost: a\n\n'),
      server('HTTP/1.1 200 OK\nContent-Length: 1\n\nx'),
    ]);
    expect(lines).toEqual(['GET / → 200 "x"']);
  });

  it('skips empty lines before a request, RFC 9112 §2.2', () => {
    expect(converse([client('\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'), ok('x')]).lines).toEqual(['GET / → 200 "x"']);
  });

  it.each(['http://b.example:8080/p?q', '*', '/a?b=%20#c', '/über'])(
    'keeps the target %s as sent, RFC 9112 §3.2',
    (target) => {
      const utf8 = Buffer.from(`OPTIONS ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(converse([client(utf8), ok('')]).exchanges[0]?.request.target).toBe(target);
    },
  );

  it('gives the version and the reason as sent', () => {
    const { exchanges } = converse([
      client('GET / HTTP/1.0\r\n\r\n'),
      server('HTTP/1.1 299 Rather Odd\r\nContent-Length: 0\r\n\r\n'),
    ]);
    expect(exchanges[0]).toMatchObject({ protocol: '1.0', response: { reason: 'Rather Odd', version: '1.1' } });
  });

  it.each([1, 2, 7])('reads messages that come in segments of %i bytes', (size) => {
    const request = 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\nT: v\r\n\r\n';
    const response = 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello';
    const { lines } = converse([split(client(request), size), split(server(response), size), get('/2'), ok('2')]);
    expect(lines).toEqual(['POST /a "wiki" → 200 "hello"', 'GET /2 → 200 "2"']);
  });

  it('cuts a head over the cap, says so, and pairs it and its neighbours', () => {
    const { lines, counters, exchanges } = converse(
      [split(client(`GET / HTTP/1.1\r\nX: ${'x'.repeat(5000)}\r\n\r\n`), 500), ok('1'), get('/2'), ok('2')],
      { limits: { head_bytes_max: 2000 } },
    );
    expect(lines).toEqual(['GET / → 200 "1" {head-too-large}', 'GET /2 → 200 "2"']);
    expect(exchanges.map(({ marks }) => markNames(marks))).toEqual([['head-too-large'], []]);
    expect(counters).toMatchObject({
      messages_malformed: 0,
      responses_unpaired: 0,
      request_heads_too_large: 1,
      response_heads_too_large: 0,
    });
  });

  const filler = (bytes: number) => `X: ${'x'.repeat(90)}\r\n`.repeat(Math.ceil(bytes / 95));

  it.each<[string, string, string]>([
    ['behind the cap', `POST /a HTTP/1.1\r\n${filler(5000)}content-length : 4\r\n\r\n`, 'wiki'],
    [
      'behind the cap',
      `POST /a HTTP/1.1\r\n${filler(5000)}Transfer-Encoding:chunked\r\n\r\n`,
      '4\r\nwiki\r\n0\r\n\r\n',
    ],
    ['in front of it', `POST /a HTTP/1.1\r\nContent-Length: 4\r\n${filler(5000)}\r\n`, 'wiki'],
    ['in front of one long header', `POST /a HTTP/1.1\r\nContent-Length: 4\r\nX: ${'x'.repeat(9000)}\r\n\r\n`, 'wiki'],
    ['behind a long target', `POST /${'a'.repeat(9000)} HTTP/1.1\r\nContent-Length: 4\r\n\r\n`, 'wiki'],
    [
      'on lines that end with LF',
      `POST /a HTTP/1.1\n${filler(5000).replaceAll('\r', '')}Content-Length: 4\n\n`,
      'wiki',
    ],
  ])('finds the end of a body whose head is over the cap by what stands %s', (_, head, body) => {
    for (const size of [1, 7, 500, 60_000]) {
      const { exchanges, counters } = converse([split(client(head + body), size), ok('1'), get('/2'), ok('2')], {
        limits: { head_bytes_max: 2000 },
      });
      expect(
        exchanges.map(({ request, response }) => [
          request.target.slice(0, 2),
          request.body.wireBytes,
          response?.status,
        ]),
      ).toEqual([
        ['/a', 4, 200],
        ['/2', 0, 200],
      ]);
      // In one segment it is read where it lies, as long as a segment can be.
      if (size < 60_000) expect(markNames(exchanges[0]?.marks ?? 0)).toContain('head-too-large');
      expect(counters).toMatchObject({ responses_unpaired: 0, request_heads_too_large: size < 60_000 ? 1 : 0 });
    }
  });

  it('cuts the head of a response, and counts it apart', () => {
    const head = `HTTP/1.1 200 OK\r\n${filler(5000)}Content-Length: 2\r\n\r\n`;
    const { lines, counters, exchanges } = converse([get('/1'), split(server(`${head}ok`), 500), get('/2'), ok('2')], {
      limits: { head_bytes_max: 2000 },
    });
    expect(lines).toEqual(['GET /1 → 200 "ok" {head-too-large}', 'GET /2 → 200 "2"']);
    expect(markNames(exchanges[0]?.marks ?? 0)).toEqual(['head-too-large']);
    expect(counters).toMatchObject({ request_heads_too_large: 0, response_heads_too_large: 1 });
  });

  it('gives the memory of a head over the cap back, and counts one that never ends', () => {
    const { counters } = converse(
      [split(client(`GET / HTTP/1.1\r\n${'Content-Length: 0\r\n'.repeat(50_000)}`), 1400)],
      { limits: { head_bytes_max: 2000 } },
    );
    // `converse` asserts that nothing of it is left in the budget.
    expect(counters).toMatchObject({ requests_seen: 0, request_heads_too_large: 1 });
  });

  it('reads a head with more headers than are noted, and what frames its body among the rest', () => {
    const many = 'a:\r\n'.repeat(20_000);
    for (const size of [1400, 60_000]) {
      const { exchanges, counters } = converse([
        split(client(`POST /1 HTTP/1.1\r\n${many}Content-Length: 4\r\n\r\nwiki`), size),
        ok('1'),
        get('/2'),
        ok('2'),
      ]);
      expect(
        exchanges.map(({ request, response }) => [request.target, request.body.wireBytes, response?.status]),
      ).toEqual([
        ['/1', 4, 200],
        ['/2', 0, 200],
      ]);
      expect(markNames(exchanges[0]?.marks ?? 0)).toEqual(['head-too-large']);
      expect(counters).toMatchObject({ request_heads_too_large: 1, responses_unpaired: 0 });
    }
  });
});
