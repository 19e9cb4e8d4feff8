/** What the capture lost: never spliced over, never guessed, and marked (`gap`, `midstream`). */
import { describe, expect, it } from 'vitest';
import { ack, client, converse, fin, late, lost, pause, rst, server, split } from '../support/conversation.js';

const get = (target: string) => client(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
const ok = (body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n';

describe('a stream first seen in its middle', () => {
  const midstream = { handshake: false };

  it('begins with a request', () => {
    const { lines, counters } = converse([get('/1'), ok('one'), get('/2'), ok('two')], midstream);
    expect(lines).toEqual(['GET /1 → 200 "one" {midstream}', 'GET /2 → 200 "two"']);
    expect(counters.flows_midstream).toBe(1);
  });

  it('begins with a response, which is counted', () => {
    const { lines, counters } = converse([ok('zero'), get('/1'), ok('one')], midstream);
    expect(lines).toEqual(['GET /1 → 200 "one" {midstream}']);
    expect(counters.responses_unpaired).toBe(1);
  });

  it('begins inside a response body', () => {
    const { lines } = converse(
      [server('rest of a body, HTTP/1.'), server('1 not here'), get('/1'), ok('one')],
      midstream,
    );
    expect(lines).toEqual(['GET /1 → 200 "one" {midstream}']);
  });

  it('begins inside a request body', () => {
    const { lines, counters } = converse([client('rest of an upload'), ok('thanks'), get('/1'), ok('one')], midstream);
    expect(lines.at(-1)).toBe('GET /1 → 200 "one" {midstream}');
    expect(counters.responses_unpaired).toBe(1);
  });

  it('reads nothing out of the middle of a segment that it began in: that may be a body', () => {
    const first = server('tail}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nzero');
    const { lines, counters } = converse([first, get('/1'), ok('one')], midstream);
    expect(lines).toEqual(['GET /1 → 200 "one" {midstream}']);
    expect(counters.responses_seen).toBe(1);
  });

  it('makes up no request out of the middle of a segment', () => {
    const { lines, counters } = converse(
      [client('tail of a body\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n'), ok('to the upload'), ok('one')],
      midstream,
    );
    expect(lines).toEqual([]);
    expect(counters.responses_unpaired).toBe(2);
  });

  it('takes nothing for a request that follows lost bytes in the same turn: it may be the body of what was lost', () => {
    const first = server('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n');
    const steps = [get('/1'), first, lost(client('x')), client('GET /2 HTTP/1.1\r\n\r\n'), ok('two')];
    expect(converse([...steps, get('/3'), ok('three')]).lines).toEqual(['GET /1 → 500', 'GET /3 → 200 "three" {gap}']);
  });

  it('believes no response that may answer a request sent before, where more come than were asked for', () => {
    const { lines } = converse([get('/2'), ok('one'), ok('two')], midstream);
    expect(lines.filter((text) => text.includes('200'))).toEqual([]);
  });

  it('takes a request that goes on as none could for text in a body', () => {
    const { lines, counters } = converse(
      [client('GET /text HTTP/1.1\r\nHost: a\r\n\r\n'), client('\n</body>\n'), ok('thanks'), get('/1'), ok('one')],
      midstream,
    );
    expect(lines).toEqual(['GET /1 → 200 "one"']);
    expect(counters.exchanges_dropped_doubtful).toBe(1);
  });

  it('takes a request without Host for text in a body, whatever answers that, RFC 9112 §3.2', () => {
    expect(converse([client('PUT /text HTTP/1.1\r\n\r\n'), ok('the upload'), fin('client')], midstream).lines).toEqual(
      [],
    );
  });

  it('takes a request that a response of the same side follows for text', () => {
    const text = client('PUT /text HTTP/1.1\r\nHost: a\r\n\r\n\nHTTP/1.1 200 OK\r\n\r\n');
    expect(converse([text, ok('the upload'), fin('client')], midstream).lines).toEqual([]);
  });

  it('takes a request that only a reset follows for text', () => {
    expect(converse([get('/text'), rst('server')], midstream).lines).toEqual([]);
  });

  it('is not taken for HTTP where nothing of it is', () => {
    const { lines, counters } = converse([client('\x01\x02\x03'), server('\x04\x05\x06')], midstream);
    expect(lines).toEqual([]);
    expect(counters.requests_seen).toBe(0);
  });

  it('searches a segment full of false starts in bounded steps', () => {
    const decoys = 'GET / HTTP/1.1\r\nno field\r\n'.repeat(2300);
    const { lines } = converse([client(`x${decoys}\r\n`), ok('zero'), get('/1'), ok('one')], midstream);
    expect(lines.at(-1)).toMatch(/^GET \/1 → /);
  });
});

describe('lost bytes of a response', () => {
  it.each([
    [
      'in the middle of a body of known length',
      [server(`${HEAD}abcd`), lost(server('efgh')), server('ijkl')],
      '"abcd"',
    ],
    ['at the start of a body', [server(HEAD), lost(server('abcd')), server('efghijkl')], '""'],
    ['at the end of a body, with the next message behind', [server(`${HEAD}abcd`), lost(server('efghijkl'))], '"abcd"'],
  ])('%s cost that body, not the connection', (_, response, kept) => {
    const { lines, counters } = converse([get('/1'), response, get('/2'), ok('two')]);
    expect(lines).toEqual([`GET /1 → 200 ${kept}… of 12 {gap}`, 'GET /2 → 200 "two"']);
    expect(counters.gaps).toBe(1);
  });

  it('in a chunk cost that chunk, RFC 9112 §7.1', () => {
    const { lines } = converse([
      get('/1'),
      server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nabcd'),
      lost(server('efgh')),
      server('ijkl\r\n3\r\nmno\r\n0\r\n\r\n'),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual(['GET /1 → 200 "abcd"… of 15 {gap}', 'GET /2 → 200 "two"']);
  });

  it('over a chunk boundary cost the rest of the message', () => {
    const { lines } = converse([
      get('/1'),
      server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd'),
      lost(server('\r\n4\r\nefgh')),
      server('\r\n0\r\n\r\n'),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual(['GET /1 → 200 "abcd"… of 4 {gap}', 'GET /2 → 200 "two" {gap}']);
  });

  it('in a body that runs to the FIN', () => {
    const { lines } = converse([
      get('/1'),
      server('HTTP/1.1 200 OK\r\n\r\nabcd'),
      lost(server('efgh')),
      server('ij'),
      fin('server'),
    ]);
    expect(lines).toEqual(['GET /1 → 200 "abcd"… of 10 {gap}']);
  });

  it('in a head cost that response', () => {
    const { lines, counters } = converse([
      get('/1'),
      server('HTTP/1.1 200 OK\r\nX: a'),
      lost(server('b\r\nContent-Length: 2\r\n')),
      server('\r\nhi'),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual(['GET /1 → nothing {gap, no-response}', 'GET /2 → 200 "two" {gap}']);
    expect(counters.exchanges_seen).toBe(2);
  });

  it('a whole response', () => {
    const { lines } = converse([get('/1'), lost(ok('one')), get('/2'), ok('two')]);
    expect(lines).toEqual(['GET /1 → nothing {gap, no-response}', 'GET /2 → 200 "two" {gap}']);
  });

  it('over the end of one message and the start of the next', () => {
    const next = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo';
    const { lines } = converse([
      get('/1'),
      get('/2'),
      server(`${HEAD}abcd`),
      lost(server(`efghijkl${next.slice(0, 10)}`)),
      server(next.slice(10)),
      get('/3'),
      ok('three'),
    ]);
    expect(lines[0]).toBe('GET /1 → 200 "abcd"… of 12 {gap}');
    expect(lines.slice(1).every((text) => text.includes('gap'))).toBe(true);
    expect(lines.join()).not.toMatch(/\/2 → 200|\/3 → 200 "two"/);
  });

  it('in a refusal to take a body leave the next request out of it, RFC 9110 §10.1.1', () => {
    const { lines } = converse([
      client('POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n'),
      server('HTTP/1.1 417 No\r\nTransfer-Encoding: chunked\r\n\r\n'),
      lost(server('5\r\nsorry\r\n')),
      server('2\r\nno\r\n0\r\n\r\n'),
      client('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n'),
      ok('two'),
      get('/3'),
      ok('three'),
    ]);
    expect(lines[0]).toMatch(/^POST \/1 → 417/);
    expect(lines.join()).not.toContain('GET /2 HTTP');
    expect(lines.at(-1)).toMatch(/^GET \/3 → 200 "three"/);
  });

  it('in the answer to an upgrade, and bytes behind it that are no HTTP: nothing more is read as HTTP', () => {
    const { lines } = converse([
      client('GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n'),
      lost(server('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n')),
      client('\0\0\x01'),
      client('GET /text HTTP/1.1\r\nHost: a\r\n\r\n'),
      server('\0\0\x02'),
      fin('client'),
    ]);
    expect(lines).toEqual(['GET /1 → nothing {gap, no-response, unfinished}']);
  });

  it('right at the end of the capture', () => {
    const { lines } = converse([get('/1'), server(`${HEAD}abcd`), lost(server('efghijkl')), ack('client')]);
    expect(lines).toEqual(['GET /1 → 200 "abcd"… of 12 {gap}']);
  });
});

describe('lost bytes of a request', () => {
  it('in a body of known length', () => {
    const { lines } = converse([
      client('POST /1 HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc'),
      lost(client('def')),
      client('ghi'),
      ok('one'),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual(['POST /1 "abc"… of 9 → 200 "one" {gap}', 'GET /2 → 200 "two"']);
  });

  it('a whole request: its response answers no other', () => {
    const { lines, counters } = converse([get('/1'), ok('one'), lost(get('/2')), ok('two'), get('/3'), ok('three')]);
    expect(lines).toEqual(['GET /1 → 200 "one"', 'GET /3 → 200 "three" {gap}']);
    expect(counters.responses_unpaired).toBe(1);
  });

  it('a whole request of a pipeline: nothing is paired by guess', () => {
    const { lines } = converse([get('/1'), lost(get('/2')), get('/3'), ok('one'), ok('two'), ok('three')]);
    expect(lines.filter((text) => text.includes('200') && !/\/(\d) → 200 "(one|three)"/.test(text))).toEqual([]);
    expect(lines).toEqual(['GET /1 → 200 "one"']);
  });

  it('the beginning of a method: what is left of it is none', () => {
    const { lines } = converse([
      client('GET /0 HTTP/1.1\r\nHo'),
      lost(client('st: a\r\n\r\n')),
      ok('zero'),
      get('/1'),
      lost(ok('one')),
      get('/2'),
      lost(ok('two')),
      lost(client('FR')),
      client('OBNICATE /3 HTTP/1.1\r\nHost: a\r\n\r\n'),
      ok('three'),
    ]);
    expect(lines.filter((text) => text.startsWith('OBNICATE'))).toEqual([]);
  });

  describe('of which more were answered than were seen', () => {
    const stray = ok('stray');
    const steps = [get('/1'), ok('one'), get('/2'), ok('two'), stray, get('/3'), ok('three'), stray, get('/4')];
    const answered = (...further: Parameters<typeof converse>[0]) =>
      converse([...steps, ...further]).lines.filter((text) => text.includes('200') && !/\/[12] /.test(text));

    it('is paired again behind a pause, with everything received on both sides: nothing is under way then', () => {
      expect(answered(ok('four'), pause(0.5, get('/5')), ok('five'), get('/6'), ok('six'))).toEqual([]);
      const [five, six] = answered(ok('four'), pause(1.5, get('/5')), ok('five'), get('/6'), ok('six'));
      expect([five, six]).toEqual(['GET /5 → 200 "five"', 'GET /6 → 200 "six"']);
    });

    it('is not where the server had not received all that was sent', () => {
      expect(answered(pause(2, get('/5')), ok('four'), get('/6'), ok('five'))).toEqual([]);
    });
  });

  it('the first segment of all', () => {
    const { lines } = converse([lost(get('/1')), ok('one'), get('/2'), ok('two')]);
    expect(lines).toEqual(['GET /2 → 200 "two" {gap}']);
  });
});

describe('how loss and lateness are distinguished', () => {
  const long = (count: number) => Array.from({ length: count }, () => server('x'.repeat(10)));
  const head = server('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');

  it('waits for a segment that its receiver has not acknowledged, until the stream timeout', () => {
    const late3 = pause(3, ack('server'));
    const missing = { ...server('missing...'), late: 203 };
    // No acknowledgement from the client proves anything.
    const { lines, counters } = converse([
      get('/1'),
      server('HTTP/1.1 200 OK\r\nContent-Length: 2010\r\n\r\n'),
      missing,
      long(200),
      late3,
      ack('server'),
    ]);
    expect(counters.gaps).toBe(0);
    expect(lines[0]).toMatch(/^GET \/1 → 200 "missing\.\.\.x+"$/);
  });

  it('gives it up after the stream timeout', () => {
    const { emittedAt, lines } = converse([
      get('/1'),
      server(`${HEAD}abcd`),
      lost(server('efgh')),
      server('ijkl', { acknowledges: 27 }),
      pause(4, ack('server')),
      pause(7, ack('server')),
      pause(1, ack('server')),
    ]);
    expect(lines).toEqual(['GET /1 → 200 "abcd"… of 12 {gap}']);
    expect(emittedAt[0]).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it('gives it up at once when the receiver has it and 128 packets have come since', () => {
    const { counters } = converse([get('/1'), head, lost(server('0123456789')), long(40), ack('client'), long(140)]);
    expect(counters).toMatchObject({ gaps: 1, gap_bytes: 10 });
  });

  it('gives it up after a few packets where the kernel has just said that it dropped some', () => {
    const steps = [get('/1'), lost(ok('one')), get('/2'), ok('two'), get('/3'), ok('three'), get('/4'), ok('four')];
    const waiting = converse(steps);
    expect(waiting.emittedAt.filter(Number.isFinite)).toEqual([]);
    const noted = converse(steps, { drops: 0 });
    expect(noted.emittedAt.filter(Number.isFinite)).toHaveLength(4);
    expect(noted.lines).toEqual(waiting.lines);
    // Drops of long ago say nothing.
    expect(converse(steps, { drops: -2e9 }).emittedAt.filter(Number.isFinite)).toEqual([]);
  });

  it('does not take a late segment for lost because its receiver has it', () => {
    const { counters } = converse([get('/1'), head, late(server('0123456789'), 60), long(40), ack('client'), long(40)]);
    expect(counters.gaps).toBe(0);
  });

  it('counts packets from when the receiver has it: what the network lost is sent again a while later', () => {
    const missing = late(server('0123456789'), 152);
    expect(converse([get('/1'), head, missing, long(150), ack('client'), ack('client')]).counters.gaps).toBe(0);
  });

  it('drops a segment that comes after it was given up, and never splices it in', () => {
    const { lines } = converse([
      get('/1'),
      server('HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabcdefghij'),
      late(server('0123456789'), 4),
      server('klmnopqrst'),
      ack('client'),
      pause(2, ack('client')),
      ack('client'),
      ack('client'),
    ]);
    expect(lines).toEqual(['GET /1 → 200 "abcdefghij"… of 30 {gap}']);
  });

  it('gives up the oldest when the reorder store is full', () => {
    const { counters, budgetPeak } = converse([get('/1'), head, lost(server('x'.repeat(10))), long(500)], {
      limits: { reorder_segments_max: 50 },
    });
    expect(counters.gaps).toBe(1);
    expect(budgetPeak).toBeLessThan(100_000);
  });
});

describe('lost acknowledgements and handshakes', () => {
  it('needs no handshake and no acknowledgements', () => {
    const bare = [get('/1'), ok('one')].map((step) => ({
      ...step,
      bare: true,
    }));
    expect(converse(bare, { handshake: false }).lines).toEqual(['GET /1 → 200 "one" {midstream}']);
  });

  it('sees one side only', () => {
    const { lines } = converse([get('/1'), lost(ok('one')), get('/2'), lost(ok('two'))], { handshake: false });
    expect(lines).toHaveLength(2);
    expect(lines.every((text) => text.includes('no-response'))).toBe(true);
  });

  it('reads requests cut into single bytes with one of them lost', () => {
    const bytes = split(client('POST /1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde'), 1);
    const steps = bytes.map((step, i) => (i === bytes.length - 3 ? lost(step) : step));
    expect(converse([steps, ok('one')]).lines).toEqual(['POST /1 "ab"… of 5 → 200 "one" {gap}']);
  });
});
