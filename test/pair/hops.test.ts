/** A request on both sides of a proxy: what is told of once, and what is two. */
import { describe, expect, it } from 'vitest';
import { HeaderList } from '../../src/http/header-list.js';
import { merged, readdressed } from '../conformance/kinds/variation.js';
import { client, fin, packetsOf, type Step, server } from '../support/conversation.js';
import { EngineRun, line, type Packet, type RunOptions } from '../support/run-packets.js';

const ID = 'X-Request-Id: 7f';
const PARENT = 'Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const ask = (headers: string, target = '/a', method = 'GET') =>
  client(`${method} ${target} HTTP/1.1\r\nHost: a\r\n${headers === '' ? '' : `${headers}\r\n`}\r\n`);
const answer = (body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${body}`);
const END = [fin('client'), fin('server')];

/** A connection whose packets are `interval` nanoseconds apart from `start` on. */
const hop = (steps: readonly Step[], port: number, start: number, interval: number, linkType = 1): Packet[] =>
  readdressed(packetsOf([...steps, ...END], { clientIsn: port * 7919, serverIsn: port * 104_729, start, interval }), {
    client: '10.9.0.1',
    server: `10.9.0.${port}`,
    clientPort: 40_000 + port,
  }).map((packet) => ({ ...packet, linkType }));

function read(packets: readonly Packet[], options: RunOptions = {}) {
  const run = new EngineRun({ batch: 1, ...options });
  for (const packet of packets) run.push(packet);
  const { exchanges, counters } = run.end();
  const told = exchanges.map((one) => `${line(one)} · ${one.server.address} ${one.place ?? '-'}`);
  return { told, exchanges, counters };
}

/** The outer hop's answer comes 3 ms after its request, the inner one lies within. */
const outer = (headers: string, answered: Step[] = [answer('A')], linkType = 1) =>
  hop([ask(headers), ...answered], 3, 0, 3e6, linkType);
const inner = (headers: string, target = '/a', method = 'GET', start = 12.5e6) =>
  hop([ask(headers, target, method), answer('A')], 4, start, 0.2e6);
const dropped = (exchanges: { dropReason: number }[]) => exchanges.filter(({ dropReason }) => dropReason !== 0).length;

describe('both hops of a proxy', () => {
  it.each([ID, PARENT, `${ID}\r\n${PARENT}`])('are one exchange, the outer, by %j', (headers) => {
    const { told, exchanges } = read(merged(outer(headers), inner(headers)));
    expect(told).toEqual(['GET /a → 200 "A" · 10.9.0.3 outer', 'GET /a → 200 "A" · 10.9.0.4 inner']);
    expect(exchanges[1]?.dropReason).toBe(11);
    expect(dropped(exchanges)).toBe(1);
  });

  it('are one by the traceparent where the proxy writes another request id', () => {
    expect(
      dropped(read(merged(outer(`X-Request-Id: 1\r\n${PARENT}`), inner(`X-Request-Id: 2\r\n${PARENT}`))).exchanges),
    ).toBe(1);
  });

  it('are two, each by its name, where duplicates are kept', () => {
    const { told, exchanges } = read(merged(outer(ID), inner(ID)), { keepDuplicates: true });
    expect(told.sort()).toEqual(['GET /a → 200 "A" · 10.9.0.3 outer', 'GET /a → 200 "A" · 10.9.0.4 inner']);
    expect(dropped(exchanges)).toBe(0);
  });

  it('are one where the inner one is captured first, on another interface', () => {
    const first = inner(ID);
    const second = outer(ID);
    // Link type 12 is another interface; two rings are read one behind the other.
    const other = first.map((packet) => ({ ...packet, frame: packet.frame.subarray(14), linkType: 12 }));
    const { exchanges, told } = read([...second.slice(0, 1), ...other, ...second.slice(1)]);
    expect(told).toHaveLength(2);
    expect(dropped(exchanges)).toBe(1);
  });

  describe.each(['the outer', 'the inner'])('are one where a ring has all of %s first', (first) => {
    const RAW = 12;
    const onAnother = (packets: readonly Packet[]): Packet[] =>
      packets.map((packet) => ({ ...packet, frame: packet.frame.subarray(14), linkType: RAW }));
    const hops = [outer(ID), onAnother(inner(ID))];
    const packets = (first === 'the outer' ? hops : hops.toReversed()).flat();

    it.each<[string, Packet[]]>([
      ['as the capture ends', []],
      ['as time passes', hop([ask(''), answer('Z')], 9, 300e6, 1e6)],
    ])('%s', (_, behind) => {
      const { exchanges, told } = read([...packets, ...behind], { linkTypes: [1, RAW] });
      expect(told.filter((one) => one.startsWith('GET /a → 200 "A"'))).toEqual([
        'GET /a → 200 "A" · 10.9.0.3 outer',
        'GET /a → 200 "A" · 10.9.0.4 inner',
      ]);
      expect(dropped(exchanges)).toBe(1);
    });

    it('and are named where duplicates are kept', () => {
      const { exchanges, told } = read(packets, { linkTypes: [1, RAW], keepDuplicates: true });
      expect(told.sort()).toEqual(['GET /a → 200 "A" · 10.9.0.3 outer', 'GET /a → 200 "A" · 10.9.0.4 inner']);
      expect(dropped(exchanges)).toBe(0);
    });
  });

  it('are one each of three in a row', () => {
    const innermost = hop([ask(ID), answer('A')], 5, 12.9e6, 0.05e6);
    const { exchanges, told } = read(merged(outer(ID), inner(ID), innermost));
    expect(told[0]).toBe('GET /a → 200 "A" · 10.9.0.3 outer');
    expect(told).toHaveLength(3);
    expect(dropped(exchanges)).toBe(2);
  });

  it.each<[string, Packet[]]>([
    ['they have no id', merged(outer(''), inner(''))],
    ['their ids differ', merged(outer(ID), inner('X-Request-Id: 8a'))],
    ['their paths differ', merged(outer(ID), inner(ID, '/b'))],
    ['their methods differ', merged(outer(ID), inner(ID, '/a', 'DELETE'))],
    ['one begins when the other has ended', merged(outer(ID), inner(ID, '/a', 'GET', 30e6))],
    ['one ends behind the other', merged(outer(ID), inner(ID, '/a', 'GET', 14.1e6))],
    ['the outer is not answered', merged(outer(ID, []), inner(ID))],
  ])('are two where %s', (_, packets) => {
    const { told, exchanges } = read(packets);
    expect(told).toHaveLength(2);
    expect(dropped(exchanges)).toBe(0);
  });

  it('are two where only digests of their ids are the same', () => {
    const digests = new Map<number, string>();
    const alike = (): [string, string] => {
      for (let i = 0; ; i++) {
        const header = `X-Request-Id: ${i}`;
        const digest = new HeaderList(header, [0, 12, 14, header.length]).digest('x-request-id');
        const other = digests.get(digest);
        if (other !== undefined) return [other, header];
        digests.set(digest, header);
      }
    };
    const [one, other] = alike();
    const { exchanges } = read(merged(outer(one), inner(other)));
    expect(exchanges).toHaveLength(2);
    expect(dropped(exchanges)).toBe(0);
  });

  it('of one connection are two: a client that asks again', () => {
    const { exchanges } = read(hop([ask(ID), answer('A'), ask(ID), answer('B')], 3, 0, 1e6));
    expect(dropped(exchanges)).toBe(0);
    expect(exchanges).toHaveLength(2);
  });

  it('of more connections than proxies make of one are told of for themselves, and that is counted', () => {
    const asking = Array.from({ length: 20 }, (_, i) => hop([ask(ID)], 10 + i, 12e6 + i * 1e4, 0.1e6));
    const { exchanges, counters } = read(merged(outer(ID), ...asking, inner(ID, '/a', 'GET', 15e6)));
    expect(exchanges).toHaveLength(22);
    expect(counters.hops_evicted).toBeGreaterThan(0);
  });

  it('are told of for themselves where too many are under way, and that is counted', () => {
    const { exchanges, counters } = read(
      merged(outer(ID), inner(ID), hop([ask('X-Request-Id: 9'), answer('C')], 5, 12.4e6, 0.1e6)),
      {
        limits: { hops_max: 1 },
      },
    );
    expect(exchanges).toHaveLength(3);
    expect(dropped(exchanges)).toBe(0);
    expect(counters.hops_evicted).toBeGreaterThan(0);
  });
});

const CRLF2 = '\r\n\r\n';
/** What HAProxy says of a connection in front of the bytes that it passes on. */
const v1 = (source: string, port: number) => client(`PROXY TCP4 ${source} 10.9.0.3 ${port} 80\r\n`);
const v2 = (source: readonly number[], port: number) =>
  client(
    Buffer.from([
      ...Buffer.from(`${CRLF2}\0\r\nQUIT\n`, 'latin1'),
      ...[0x21, 0x11, 0, 12, ...source, 10, 9, 0, 3, port >> 8, port & 255, 0, 80],
    ]),
  );

describe('both hops of a proxy that speaks the PROXY protocol', () => {
  const twoOf = (header: Step): Packet[] =>
    merged(
      hop([ask('', '/a'), answer('A'), ask('', '/b'), answer('B')], 3, 0, 3e6),
      hop([header, ask('', '/a'), answer('A')], 4, 11e6, 0.4e6).slice(0, -2),
    );

  it.each<[string, Step]>([
    ['v1', v1('10.9.0.1', 40_003)],
    ['v2', v2([10, 9, 0, 1], 40_003)],
  ])('are one exchange, the outer, by the client that %s names', (_, header) => {
    const { told, exchanges } = read(twoOf(header));
    expect(told).toEqual([
      'GET /a → 200 "A" · 10.9.0.3 outer',
      'GET /a → 200 "A" · 10.9.0.4 inner',
      'GET /b → 200 "B" · 10.9.0.3 -',
    ]);
    expect(exchanges.map(({ dropReason }) => dropReason)).toEqual([0, 11, 0]);
  });

  it.each<[string, Step]>([
    ['another address', v1('10.9.0.2', 40_003)],
    ['another port', v1('10.9.0.1', 40_004)],
    ['nobody', client('PROXY UNKNOWN\r\n')],
  ])('are two where it names %s', (_, header) => {
    const { told, exchanges } = read(twoOf(header));
    expect(told.map((one) => one.slice(-1))).toEqual(['-', '-', '-']);
    expect(dropped(exchanges)).toBe(0);
  });

  it('are two, each by its name, where duplicates are kept', () => {
    const { told, exchanges } = read(twoOf(v1('10.9.0.1', 40_003)), { keepDuplicates: true });
    expect(told.sort()).toEqual([
      'GET /a → 200 "A" · 10.9.0.3 outer',
      'GET /a → 200 "A" · 10.9.0.4 inner',
      'GET /b → 200 "B" · 10.9.0.3 -',
    ]);
    expect(dropped(exchanges)).toBe(0);
  });

  it('are one each where the inner connection is joined in the middle, and its first exchange believed late', () => {
    const many = (port: number, start: number, interval: number, header: Step[]): Packet[] =>
      hop(
        [...header, ...Array.from({ length: 6 }, (_, i) => [ask(''), answer(String(i))]).flat()],
        port,
        start,
        interval,
      );
    const front = many(3, 0, 3e6, []);
    // The inner hop of each lies between the request and the response of the outer one.
    const steps = front.filter(({ frame }) => frame.includes('HTTP/1.1'));
    const back = many(4, 0, 0.1e6, [v1('10.9.0.1', 40_003)]).filter(({ frame }) => frame.length > 60);
    const requests = back.filter(({ frame }) => frame.includes('HTTP/1.1') || frame.includes('PROXY'));
    const header = { ...requests[0]!, time: steps[0]!.time + 0.1e6 };
    const within = requests.slice(1).map((packet, i) => ({
      ...packet,
      time: steps[i - (i % 2)]!.time + (i % 2 === 0 ? 0.2e6 : 0.4e6),
    }));
    const { exchanges, told } = read(merged(front, [header, ...within]));
    expect(told.filter((one) => one.endsWith('10.9.0.3 outer'))).toHaveLength(6);
    expect(dropped(exchanges)).toBe(6);
    expect(exchanges).toHaveLength(12);
  });
});
