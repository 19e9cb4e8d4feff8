/** HTTP/2 in clear, as transcripts: how it begins, what its frames say, and what is left of it where bytes are missing. */
import { describe, expect, it } from 'vitest';
import { DropReason } from '../../src/counters.js';
import { type Exchange, markNames } from '../../src/pair/exchange.js';
import { client, converse, fin, lost, pause, rst, type Step, server, split } from '../support/conversation.js';
import {
  block,
  data,
  END_STREAM,
  type Field,
  frame,
  GET,
  goAway,
  headers,
  indexed,
  literal,
  POST,
  PREFACE,
  reset,
  settings,
  status,
  Type,
} from '../support/h2-frames.js';
import { line } from '../support/run-packets.js';

const begin = [client(Buffer.concat([PREFACE, settings])), server(settings)];
const get = (stream: number, path: string) => client(headers(stream, GET(path), END_STREAM));
const ok = (stream: number, body: string) =>
  server(Buffer.concat([headers(stream, status(200)), data(stream, body, END_STREAM)]));
const streamOf = (exchange: Exchange | undefined) => exchange?.stream;

describe('a connection', () => {
  it('with prior knowledge has an exchange a stream, RFC 9113 §3.3', () => {
    const { lines, exchanges, counters } = converse([
      ...begin,
      client(Buffer.concat([headers(1, POST('/a', ['x', 'y'])), data(1, 'hel'), data(1, 'lo', END_STREAM)])),
      ok(1, 'answer'),
      get(3, '/b'),
      ok(3, ''),
    ]);
    expect(lines).toEqual(['POST /a "hello" → 200 "answer"', 'GET /b → 200']);
    const [first] = exchanges;
    expect(first).toMatchObject({ protocol: '2', stream: { id: 1, authority: 'a', scheme: 'http', error: null } });
    expect(first?.client).toMatchObject({ address: '10.9.0.1', port: 40_000 });
    expect(first?.request.headers.pairs()).toEqual([['x', 'y']]);
    expect(first?.response).toMatchObject({ reason: '', version: '2' });
    expect(counters).toMatchObject({ flows_h2: 1, requests_seen: 2, responses_seen: 2, responses_unpaired: 0 });
  });

  it('may begin with the server, and be cut anywhere', () => {
    const steps = [server(settings), client(PREFACE), client(settings), get(1, '/a'), ok(1, 'answer')];
    for (const size of [1, 2, 7, 10, 100]) {
      expect(converse(steps.flatMap((step) => split(step, size))).lines).toEqual(['GET /a → 200 "answer"']);
    }
  });

  it('interleaves its streams', () => {
    const { lines } = converse([
      ...begin,
      client(Buffer.concat([headers(1, POST('/1')), headers(3, POST('/3')), data(1, 'a'), data(3, 'b')])),
      client(Buffer.concat([data(3, 'd', END_STREAM), data(1, 'c', END_STREAM)])),
      server(Buffer.concat([headers(3, status(201)), headers(1, status(202)), data(3, 'x'), data(1, 'y')])),
      server(Buffer.concat([data(1, 'Y', END_STREAM), data(3, 'X', END_STREAM)])),
    ]);
    expect(lines).toEqual(['POST /1 "ac" → 202 "yY"', 'POST /3 "bd" → 201 "xX"']);
  });

  it('refers to fields sent before, whatever became of their stream', () => {
    const path = literal([':path', '/known'], true);
    const first = Buffer.concat([indexed(2), indexed(6), path]);
    const { lines } = converse([...begin, client(headers(1, first, END_STREAM)), ok(1, '')], {
      admit: () => DropReason.pathRule,
    });
    expect(lines).toEqual([]);
    const admit = ({ request }: Exchange) => (request.target === '/drop' ? DropReason.pathRule : DropReason.none);
    const inserting = Buffer.concat([
      block([':method', 'GET'], [':scheme', 'http'], [':path', '/drop']),
      literal(['a', 'b'], true),
    ]);
    const referring = Buffer.concat([GET('/keep'), indexed(62)]);
    const run = converse(
      [
        ...begin,
        client(headers(1, inserting, END_STREAM)),
        server(headers(1, Buffer.concat([status(200), literal(['c', 'd'], true)]), END_STREAM)),
        client(headers(3, referring, END_STREAM)),
        server(headers(3, Buffer.concat([status(200), indexed(62)]), END_STREAM)),
      ],
      { admit },
    );
    expect(run.lines).toEqual(['GET /keep → 200']);
    expect(run.exchanges[0]?.request.headers.pairs()).toEqual([['a', 'b']]);
    expect(run.exchanges[0]?.response?.headers.pairs()).toEqual([['c', 'd']]);
  });

  it('by the Upgrade of HTTP/1.1 answers its request on stream 1, RFC 7540 §3.2', () => {
    const upgrade = 'GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n';
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
    const steps = [
      client(upgrade),
      server(Buffer.concat([Buffer.from(switching), settings])),
      client(Buffer.concat([PREFACE, settings])),
      ok(1, 'first'),
      get(3, '/next'),
      ok(3, 'second'),
    ];
    const { lines, exchanges } = converse(steps);
    expect(lines).toEqual(['GET /up → 101 {upgraded}', 'GET /up → 200 "first"', 'GET /next → 200 "second"']);
    expect(exchanges.map((exchange) => [exchange.protocol, streamOf(exchange)?.id])).toEqual([
      ['1.1', undefined],
      ['2', 1],
      ['2', 3],
    ]);
    // One that was dropped stays dropped, and its connection is read.
    const admit = ({ request }: Exchange) => (request.target === '/up' ? DropReason.pathRule : DropReason.none);
    expect(converse(steps, { admit }).lines).toEqual(['GET /next → 200 "second"']);
    const refused = [client(upgrade), server('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno')];
    const again = [client('GET /1 HTTP/1.1\r\nHost: h\r\n\r\n'), server('HTTP/1.1 204 No\r\n\r\n')];
    expect(converse([...refused, ...again]).lines).toEqual(['GET /up → 200 "no"', 'GET /1 → 204']);
  });

  it('ends what is under way with it', () => {
    const steps = [
      ...begin,
      get(1, '/1'),
      get(3, '/3'),
      server(Buffer.concat([headers(3, status(200)), data(3, 'par')])),
    ];
    expect(converse([...steps, fin('server'), fin('client')]).lines).toEqual([
      'GET /1 → nothing {no-response}',
      'GET /3 → 200 "par" {aborted}',
    ]);
    expect(converse([...steps, rst('server')]).lines).toEqual([
      'GET /1 → nothing {aborted, no-response}',
      'GET /3 → 200 "par" {aborted}',
    ]);
    expect(converse(steps).lines).toEqual([
      'GET /1 → nothing {no-response, unfinished}',
      'GET /3 → 200 "par"… of 3 {unfinished}',
    ]);
  });
});

it('is joined where one side had ended', () => {
  const { lines } = converse([client('rest'), server('rest'), fin('server'), get(9, '/9'), fin('client')], {
    handshake: false,
  });
  expect(lines).toEqual(['GET /9 → nothing {midstream, no-response}']);
});

it('asks nothing of a server that has ended', () => {
  const { lines } = converse([...begin, fin('server'), get(1, '/1'), fin('client')]);
  expect(lines).toEqual(['GET /1 → nothing {no-response}']);
});

describe('frames', () => {
  it('have padding and priority, which are no content', () => {
    const padded = (content: Buffer, padding: number) =>
      Buffer.concat([Buffer.from([padding]), content, Buffer.alloc(padding)]);
    const priority = Buffer.concat([Buffer.from([0, 0, 0, 0, 16]), POST('/p')]);
    const { lines } = converse([
      ...begin,
      client(frame(Type.headers, 0x2c, 1, padded(priority, 7))),
      client(frame(Type.data, 0x08, 1, padded(Buffer.from('one'), 200))),
      client(frame(Type.data, 0x09, 1, padded(Buffer.alloc(0), 3))),
      server(frame(Type.headers, 0x0c, 1, padded(status(200), 1))),
      ...split(server(frame(Type.data, 0x09, 1, padded(Buffer.from('two'), 9))), 4),
    ]);
    expect(lines).toEqual(['POST /p "one" → 200 "two"']);
  });

  it('continue a head that is long', () => {
    const head = GET('/c', ['x', 'y'.repeat(100)]);
    const parts = [0, 10, 60].map((at, i, all) => head.subarray(at, all[i + 1]));
    const { lines, exchanges } = converse([
      ...begin,
      client(frame(Type.headers, END_STREAM, 1, parts[0])),
      client(frame(Type.continuation, 0, 1, parts[1])),
      client(frame(Type.continuation, 4, 1, parts[2])),
      ok(1, ''),
    ]);
    expect(lines).toEqual(['GET /c → 200']);
    expect(exchanges[0]?.request.headers.get('x')).toBe('y'.repeat(100));
  });

  it('of unknown types pass, and those that say nothing', () => {
    const nothing = [
      frame(Type.ping, 0, 0, '12345678'),
      frame(Type.priority, 0, 9, '12345'),
      frame(Type.windowUpdate, 0, 0, '1234'),
      frame(0x10, 0xff, 0, 'priority update'),
      frame(0xee, 0x55, 1, 'whatever'),
      frame(Type.settings, 1, 0),
    ];
    const { lines } = converse([
      ...begin,
      client(Buffer.concat([...nothing, headers(1, GET('/'), END_STREAM)])),
      ok(1, ''),
    ]);
    expect(lines).toEqual(['GET / → 200']);
  });

  it('say what has become of a response: 1xx before it, trailers behind it', () => {
    const { lines, exchanges, counters } = converse([
      ...begin,
      client(headers(1, POST('/t'))),
      server(Buffer.concat([headers(1, status(100)), headers(1, status(103, ['link', '<a>']))])),
      client(Buffer.concat([data(1, 'body'), headers(1, block(['x-sum', '1']), END_STREAM)])),
      server(
        Buffer.concat([headers(1, status(200)), data(1, 'ok'), headers(1, block(['grpc-status', '0']), END_STREAM)]),
      ),
    ]);
    expect(lines).toEqual(['POST /t "body" → 200 "ok"']);
    expect(exchanges[0]?.request.trailers).toEqual([['x-sum', '1']]);
    expect(exchanges[0]?.response?.trailers).toEqual([['grpc-status', '0']]);
    expect(counters.responses_seen).toBe(3);
  });

  it('give a stream up, by name: RST_STREAM, RFC 9113 §6.4', () => {
    const { lines, exchanges } = converse([
      ...begin,
      get(1, '/1'),
      client(reset(1, 8)),
      get(3, '/3'),
      server(Buffer.concat([headers(3, status(200)), data(3, 'par'), reset(3, 2)])),
      client(headers(5, POST('/5'))),
      server(Buffer.concat([headers(5, status(413), END_STREAM), reset(5, 0)])),
      get(7, '/7'),
      server(reset(7, 0x99)),
      // It was on its way when the client gave up.
      ok(1, 'late'),
      get(9, '/9'),
      ok(9, ''),
    ]);
    expect(lines).toEqual([
      'GET /3 → 200 "par"… of 3 {aborted}',
      'POST /5 ""… of 0 → 413 {aborted, early-response}',
      'GET /7 → nothing {aborted, no-response}',
      'GET /1 → 200 "late" {aborted}',
      'GET /9 → 200',
    ]);
    expect(exchanges.map((exchange) => streamOf(exchange)?.error)).toEqual([
      'INTERNAL_ERROR',
      null,
      '0x99',
      'CANCEL',
      null,
    ]);
  });

  it('of a stream that its client gave up are waited for for a second', () => {
    const steps = [...begin, get(1, '/1'), client(reset(1, 8))];
    const partly = server(Buffer.concat([headers(1, status(200)), data(1, 'par')]));
    const { lines, emittedAt } = converse([...steps, partly, pause(2, get(3, '/3')), ok(1, 'late'), ok(3, '')]);
    expect(lines).toEqual(['GET /1 → 200 "par"… of 3 {aborted}', 'GET /3 → 200']);
    expect(emittedAt[0]).toBeLessThan(3e9);
    const many = Array.from({ length: 40 }, (_, i) => [get(2 * i + 1, `/${i}`), client(reset(2 * i + 1, 8))]).flat();
    expect(converse([...begin, many, ok(79, 'one')]).lines.at(-1)).toBe('GET /38 → nothing {aborted, no-response}');
    expect(converse([...begin, many, ok(79, 'one')]).lines).toContain('GET /39 → 200 "one" {aborted}');
  });

  it('of a response whose end was lost are waited for no longer than for a missing segment', () => {
    const beats = Array.from({ length: 20 }, () => pause(1, server(settings)));
    const steps = [...begin, get(1, '/1'), server(Buffer.concat([headers(1, status(200)), data(1, 'par')]))];
    const { lines, emittedAt } = converse([
      ...steps,
      lost(server(data(1, 't', END_STREAM))),
      beats,
      get(3, '/3'),
      ok(3, ''),
    ]);
    expect(lines).toEqual(['GET /1 → 200 "par"… of 3 {gap}', 'GET /3 → 200']);
    expect(emittedAt[0]).toBeLessThan(15e9);
  });

  it('give up all streams behind one: GOAWAY, §6.8', () => {
    const { lines, exchanges } = converse([
      ...begin,
      get(1, '/1'),
      get(3, '/3'),
      get(5, '/5'),
      server(goAway(3, 0)),
      ok(1, 'one'),
      server(goAway(3, 11)),
      fin('server'),
      fin('client'),
    ]);
    expect(lines).toEqual([
      'GET /5 → nothing {aborted, no-response}',
      'GET /1 → 200 "one"',
      'GET /3 → nothing {aborted, no-response}',
    ]);
    expect(exchanges.map((exchange) => streamOf(exchange)?.error)).toEqual([
      'REFUSED_STREAM',
      null,
      'ENHANCE_YOUR_CALM',
    ]);
  });

  it('promise what nobody asked for: PUSH_PROMISE, §8.4', () => {
    const promise = Buffer.concat([Buffer.from([0, 0, 0, 2]), GET('/style.css')]);
    const { lines, exchanges } = converse([
      ...begin,
      get(1, '/'),
      server(Buffer.concat([frame(Type.pushPromise, 4, 1, promise), headers(1, status(200), END_STREAM)])),
      server(Buffer.concat([headers(2, status(200)), data(2, 'css', END_STREAM)])),
    ]);
    expect(lines).toEqual(['GET / → 200', 'GET /style.css → 200 "css" {pushed}']);
    expect(exchanges[1]?.client.port).toBe(40_000);
  });

  it('make tunnels: CONNECT, §8.5, and extended CONNECT, RFC 8441', () => {
    const { lines, exchanges } = converse([
      ...begin,
      client(headers(1, block([':method', 'CONNECT'], [':authority', 'db:5432']))),
      server(headers(1, status(200))),
      client(data(1, 'tunnelled', END_STREAM)),
      server(data(1, 'too', END_STREAM)),
      client(
        headers(3, block([':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':path', '/chat'])),
      ),
      server(headers(3, status(200))),
      client(reset(3, 8)),
    ]);
    expect(lines).toEqual([
      'CONNECT db:5432 ""… of 9 → 200 ""… of 3 {upgraded, early-response}',
      'CONNECT /chat ""… of 0 → 200 ""… of 0 {aborted, upgraded, early-response}',
    ]);
    expect(exchanges[1]?.request.headers.pairs()).toEqual([[':protocol', 'websocket']]);
  });

  it('that break the rules cost their message', () => {
    const { lines, counters } = converse([
      ...begin,
      client(headers(1, Buffer.concat([GET('/1'), Buffer.from([0x80])]), END_STREAM)),
      ok(1, ''),
      // A block that another frame interrupts, then one of a stream that has begun before.
      client(Buffer.concat([frame(Type.headers, END_STREAM, 3, GET('/3')), frame(Type.ping, 0, 0, '12345678')])),
      get(1, '/again'),
      get(5, '/5'),
      ok(5, ''),
    ]);
    expect(lines).toEqual([
      'GET /1 → 200 {malformed, headers-unknown}',
      'GET /5 → 200',
      'GET /3 → nothing {no-response, unfinished, malformed, headers-unknown}',
    ]);
    expect(counters.messages_malformed).toBe(2);
  });

  it('without what a head has to have are malformed, and nothing was lost: §8.3.1, §8.3.2', () => {
    const { lines } = converse([
      ...begin,
      client(headers(1, block([':method', 'GET'], [':scheme', 'http'], [':authority', 'a']), END_STREAM)),
      ok(1, '1'),
      client(headers(3, block([':method', 'GET'], [':path', '/3']), END_STREAM)),
      ok(3, '3'),
      get(5, '/5'),
      server(Buffer.concat([headers(5, block([':status', '99'])), data(5, '5', END_STREAM)])),
      get(7, '/7'),
      server(headers(7, block(['a', 'b']), END_STREAM)),
      client(headers(9, block([':method', 'CONNECT'], [':authority', 'b:443']))),
      server(headers(9, status(403), END_STREAM)),
      client(reset(9, 0)),
    ]);
    expect(lines).toEqual([
      'GET → 200 "1" {malformed}',
      'GET /3 → 200 "3" {malformed}',
      'GET /5 → 0 "5" {malformed}',
      'GET /7 → 0 {malformed}',
      'CONNECT b:443 ""… of 0 → 403 {aborted, early-response}',
    ]);
  });
});

describe('joined in the middle', () => {
  it('knows what the static table and literals say, and marks what it does not', () => {
    const path = literal([':path', '/known'], true);
    const { lines, exchanges, counters } = converse(
      [
        client(headers(9, Buffer.concat([indexed(3), indexed(6), indexed(62), literal(['x', 'y'])]), END_STREAM)),
        server(headers(9, Buffer.concat([indexed(8), indexed(70)]), END_STREAM)),
        client(headers(11, Buffer.concat([indexed(2), indexed(6), path, indexed(63)]), END_STREAM)),
        server(headers(11, indexed(13), END_STREAM)),
        client(headers(13, Buffer.concat([indexed(2), indexed(6), indexed(62)]), END_STREAM)),
        server(headers(13, indexed(99), END_STREAM)),
      ],
      { handshake: false },
    );
    expect(lines).toEqual([
      'POST → 200 {midstream, headers-unknown}',
      'GET /known → 404 {headers-unknown}',
      'GET /known → 0 {headers-unknown}',
    ]);
    expect(exchanges[0]?.request.headers.pairs()).toEqual([['x', 'y']]);
    expect(counters).toMatchObject({ requests_without_path: 1, flows_midstream: 1 });
  });

  it.each([
    ['the rest of a frame', Buffer.alloc(500, 'x')],
    ['what begins a request of HTTP/1', Buffer.from('GET is how the body goes on')],
  ])('is found behind %s', (_what, before) => {
    const { lines } = converse([client(before), server(before), get(9, '/a'), ok(9, 'answer')], { handshake: false });
    expect(lines).toEqual(['GET /a → 200 "answer" {midstream}']);
  });

  it('is found by the server, and waits for a request', () => {
    const { lines, counters } = converse([ok(7, 'late'), get(9, '/a'), ok(9, 'answer')], { handshake: false });
    expect(lines).toEqual(['GET /a → 200 "answer" {midstream}']);
    expect(counters.responses_unpaired).toBe(1);
  });

  it('cannot tell an interim head from the final one, nor trailers from a head, where the status is not known', () => {
    const unknown = (...fields: readonly Field[]) => Buffer.concat([indexed(70), block(...fields)]);
    const path = Buffer.concat([indexed(2), indexed(6), literal([':path', '/known'])]);
    const lines = (...responses: readonly Step[]) => {
      const { exchanges } = converse([client(headers(9, path, END_STREAM)), ...responses], { handshake: false });
      return exchanges.map((one) => [line(one), one.response?.headers.pairs(), one.response?.trailers]);
    };
    const marks = '{midstream, headers-unknown}';
    const lossMarks = '{midstream, gap, headers-unknown}';
    // An interim one, as a head with a status follows.
    expect(lines(server(headers(9, unknown(['a', 'b']))), ok(9, 'x'))).toEqual([
      [`GET /known → 200 "x" ${marks}`, [], []],
    ]);
    // The final one, as DATA follows.
    expect(lines(server(headers(9, unknown(['a', 'b']))), server(data(9, 'x', END_STREAM)))).toEqual([
      [`GET /known → 0 "x" ${marks}`, [['a', 'b']], []],
    ]);
    // Any of both twice, and the head or trailers behind a loss.
    expect(lines(server(headers(9, unknown(['a', 'b']))), server(headers(9, unknown(['c', 'd']), END_STREAM)))).toEqual(
      [[`GET /known → 0 ${lossMarks}`, [], []]],
    );
    expect(
      lines(
        server(frame(Type.ping, 0, 0, '12345678')),
        lost(ok(7, 'x')),
        server(headers(9, unknown(['c', 'd']), END_STREAM)),
      ),
    ).toEqual([[`GET /known → 0 ${lossMarks}`, [], []]]);
  });

  it('is found where its beginning was lost', () => {
    const { lines } = converse([
      lost(client(Buffer.concat([PREFACE, settings]))),
      server(settings),
      get(1, '/a'),
      ok(1, 'x'),
    ]);
    expect(lines).toEqual(['GET /a → 200 "x"']);
  });
});

describe('lost bytes', () => {
  const body = 'abcdefghijklmnopqrstuvwxyz';
  const parts = split(server(data(1, body)), 9 + 10);

  it('inside DATA cost those bytes and nothing else', () => {
    const { lines } = converse([
      ...begin,
      get(1, '/a'),
      server(Buffer.concat([headers(1, Buffer.concat([status(200), literal(['a', 'b'], true)]))])),
      parts[0] as (typeof parts)[0],
      ...parts.slice(1).map((part) => lost(part)),
      server(data(1, 'more', END_STREAM)),
      get(3, '/b'),
      server(headers(3, Buffer.concat([status(200), indexed(62)]), END_STREAM)),
    ]);
    expect(lines).toEqual(['GET /a → 200 "abcdefghij"… of 30 {gap}', 'GET /b → 200']);
  });

  it('inside a head cost what it said, and what was inserted', () => {
    const steps = split(client(headers(3, Buffer.concat([GET('/b'), literal(['a', 'b'], true)]), END_STREAM)), 50);
    const { lines, exchanges } = converse([
      ...begin,
      get(1, '/a'),
      ok(1, ''),
      steps[0] as (typeof steps)[0],
      lost(steps[1] as (typeof steps)[1]),
      ok(3, 'three'),
      client(headers(5, Buffer.concat([GET('/c'), indexed(62)]), END_STREAM)),
      ok(5, ''),
    ]);
    expect(lines).toEqual([
      'GET /a → 200',
      'GET /b → 200 "three" {gap, headers-unknown}',
      'GET /c → 200 {headers-unknown}',
    ]);
    expect(exchanges[2]?.request.headers.pairs()).toEqual([]);
  });

  it('that may have held frames cost the streams that were open, and no other', () => {
    const { lines, counters } = converse([
      ...begin,
      get(1, '/1'),
      get(3, '/3'),
      server(Buffer.concat([headers(1, status(200)), data(1, 'one')])),
      lost(server(Buffer.concat([data(1, '!', END_STREAM), headers(3, status(200), END_STREAM)]))),
      get(5, '/5'),
      ok(5, 'five'),
      pause(400, get(7, '/7')),
      ok(7, 'seven'),
    ]);
    expect(lines).toEqual([
      'GET /5 → 200 "five"',
      'GET /1 → 200 "one"… of 3 {gap}',
      'GET /3 → nothing {gap, no-response}',
      'GET /7 → 200 "seven"',
    ]);
    expect(counters.responses_unpaired).toBe(0);
  });

  it('that come twice cost a body that began between them its end', () => {
    const { lines } = converse([
      ...begin,
      get(1, '/1'),
      lost(server(frame(Type.ping, 0, 0, '12345678'))),
      server(Buffer.concat([headers(1, status(200)), data(1, 'one')])),
      lost(server(data(1, 'two'))),
      server(Buffer.concat([frame(Type.ping, 0, 0, '12345678'), data(1, 'three', END_STREAM)])),
    ]);
    expect(lines).toEqual(['GET /1 → 200 "one"… of 8 {gap}']);
  });

  it('of a request leave its response without one', () => {
    const { lines, counters } = converse([...begin, get(1, '/1'), ok(1, ''), lost(get(3, '/3')), ok(3, 'three')]);
    expect(lines).toEqual(['GET /1 → 200']);
    expect(counters.responses_unpaired).toBe(1);
  });

  it("of a response's head leave what is behind it", () => {
    const { lines } = converse([
      ...begin,
      get(1, '/1'),
      lost(server(headers(1, status(200)))),
      server(Buffer.concat([data(1, 'body'), headers(1, block(['grpc-status', '5']), END_STREAM)])),
    ]);
    expect(lines).toEqual(['GET /1 → 0 ""… of 4 {gap, headers-unknown}']);
  });

  it('are searched for frames inside segments too', () => {
    const long = data(1, 'x'.repeat(3000));
    const steps = split(
      server(Buffer.concat([long, data(1, 'y'.repeat(50)), headers(1, block(['t', '1']), END_STREAM)])),
      1000,
    );
    const { lines, exchanges } = converse([
      ...begin,
      get(1, '/1'),
      server(headers(1, status(200))),
      lost(steps[0] as (typeof steps)[0]),
      ...steps.slice(1),
      get(3, '/3'),
      ok(3, ''),
    ]);
    // Where the frame that was lost ended is not known, but two behind it are.
    expect(lines).toEqual(['GET /1 → 200 ""… of 50 {gap}', 'GET /3 → 200']);
    expect(exchanges[0]?.response?.trailers).toEqual([['t', '1']]);
  });
});

describe('what there may be too many of', () => {
  it('streams: the oldest ends as it is', () => {
    const { lines, counters } = converse([...begin, get(1, '/1'), get(3, '/3'), get(5, '/5'), ok(5, '')], {
      limits: { h2_streams_max: 2 },
    });
    expect(lines).toEqual([
      'GET /1 → nothing {no-response, unfinished}',
      'GET /5 → 200',
      'GET /3 → nothing {no-response, unfinished}',
    ]);
    expect(counters.streams_evicted).toBe(1);
  });

  it('resets in a row (CVE-2023-44487), among which an honest exchange is one', () => {
    const rapid = Buffer.concat(
      Array.from({ length: 10_000 }, (_, i) =>
        Buffer.concat([headers(3 + 2 * i, GET('/'), END_STREAM), reset(3 + 2 * i, 8)]),
      ),
    );
    const { exchanges, budgetPeak, counters } = converse([
      ...begin,
      get(1, '/honest'),
      ...split(client(rapid), 1400),
      ok(1, 'x'),
    ]);
    expect(counters).toMatchObject({ exchanges_seen: 10_001, streams_evicted: 0 });
    expect(exchanges.filter(({ request }) => request.target === '/honest').map(line)).toEqual([
      'GET /honest → 200 "x"',
    ]);
    expect(exchanges.filter(({ marks }) => markNames(marks).includes('aborted'))).toHaveLength(10_000);
    expect(budgetPeak).toBeLessThan(1 << 20);
  });

  it('CONTINUATION frames (CVE-2024-27316), and bytes of a head', () => {
    const more = frame(Type.continuation, 0, 1, block(['a', 'x'.repeat(1000)]));
    const steps = [
      client(frame(Type.headers, END_STREAM, 1, GET('/long'))),
      ...split(client(Buffer.concat(Array.from({ length: 5000 }, () => more))), 1400),
      client(frame(Type.continuation, 0, 1)),
      client(frame(Type.continuation, 4, 1)),
      ok(1, 'x'),
      get(3, '/honest'),
      ok(3, ''),
    ];
    const { lines, budgetPeak, counters } = converse([...begin, ...steps]);
    expect(lines).toEqual(['GET /long → 200 "x" {head-too-large, headers-unknown}', 'GET /honest → 200']);
    expect(budgetPeak).toBeLessThan(1 << 20);
    expect(counters.request_heads_too_large).toBe(1);
    const [head, rest] = [GET(`/${'x'.repeat(200)}`).subarray(0, 50), GET(`/${'x'.repeat(200)}`).subarray(50)];
    const long = [client(frame(Type.headers, END_STREAM, 1, head)), client(frame(Type.continuation, 4, 1, rest))];
    expect(converse([...begin, ...long, ok(1, '')], { limits: { head_bytes_max: 100 } }).lines).toEqual([
      'GET → 200 {head-too-large, headers-unknown}',
    ]);
  });

  it('references to a large field (CVE-2016-6581)', () => {
    const bomb = Buffer.concat([GET('/bomb'), literal(['a', 'x'.repeat(4000)], true), Buffer.alloc(16_000, 0xbe)]);
    const { lines, budgetPeak, exchanges } = converse([
      ...begin,
      ...split(client(headers(1, bomb, END_STREAM)), 1400),
      ok(1, ''),
      get(3, '/honest'),
      ok(3, ''),
    ]);
    expect(lines).toEqual(['GET /bomb → 200 {head-too-large}', 'GET /honest → 200']);
    expect(exchanges[0]?.request.headers.size).toBe(64);
    expect(budgetPeak).toBeLessThan(1 << 20);
  });

  it('losses, and GOAWAY, with streams open: each is told once', () => {
    const many = Buffer.concat(Array.from({ length: 500 }, (_, i) => headers(1 + 2 * i, GET('/'), END_STREAM)));
    const turns = Array.from({ length: 50 }, (_, i) => [
      lost(ok(1, 'x')),
      server(Buffer.concat([frame(Type.ping, 0, 0, '12345678'), goAway(900 - 2 * i, 0)])),
    ]);
    const { exchanges, counters } = converse([
      ...begin,
      client(many),
      ...turns,
      ok(3, 'x'),
      fin('server'),
      fin('client'),
    ]);
    expect(exchanges).toHaveLength(500);
    expect(exchanges.every(({ marks }) => markNames(marks).includes('gap'))).toBe(true);
    // Those behind the last GOAWAY that is looked at.
    expect(exchanges.filter(({ stream }) => stream?.error === 'REFUSED_STREAM')).toHaveLength(500 - 443);
    expect(counters.streams_evicted).toBe(0);
  });

  it.each([
    ['that are read', 63, []],
    ['that are too many in a row', 64, ['headers-unknown']],
  ] as const)('SETTINGS %s', (_what, before, marks) => {
    // The server lets the client's table have 64 KiB.
    const allow = server(frame(Type.settings, 0, 0, Buffer.from([0, 1, 0, 1, 0, 0])));
    // Those of the connection's beginning are behind a head of the server.
    const many = server(Buffer.concat(Array.from({ length: before }, () => settings)));
    const long = Buffer.concat([GET('/1'), literal(['x', 'v'.repeat(5000)], true)]);
    const { exchanges } = converse([
      ...begin,
      get(1, '/0'),
      ok(1, ''),
      many,
      allow,
      client(headers(3, long, END_STREAM)),
      client(headers(5, Buffer.concat([GET('/2'), indexed(62)]), END_STREAM)),
      ok(3, ''),
      ok(5, ''),
    ]);
    expect(markNames((exchanges[2] as Exchange).marks)).toEqual(marks);
  });

  it('frames that say nothing', () => {
    const flood = [
      frame(Type.settings, 0, 0),
      frame(Type.ping, 0, 0, '12345678'),
      data(1, ''),
      frame(Type.windowUpdate, 0, 1, '1234'),
    ];
    const bytes = Buffer.concat(Array.from({ length: 20_000 }, () => Buffer.concat(flood)));
    const { lines, budgetPeak } = converse([
      ...begin,
      client(headers(1, POST('/'))),
      ...split(client(bytes), 1400),
      client(data(1, 'x', END_STREAM)),
      ok(1, ''),
    ]);
    expect(lines).toEqual(['POST / "x" → 200']);
    expect(budgetPeak).toBeLessThan(1 << 16);
  });
});
