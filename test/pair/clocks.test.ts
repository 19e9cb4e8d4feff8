/** Clocks that are wrong, differ or are set: what they end (nothing), and what times exchanges are told with. */
import { describe, expect, it } from 'vitest';
import { Clocks, OWN_CLOCK } from '../../src/pair/clocks.js';
import { readdressed } from '../conformance/kinds/variation.js';
import { ack, client, fin, packetsOf, type Step, server } from '../support/conversation.js';
import { EngineRun, line, type Packet } from '../support/run-packets.js';

const SECOND = 1e9;
const YEAR = 365 * 86_400 * SECOND;

/** `[clock, time in seconds, the moment in seconds that is expected, now after it]` */
type Row = readonly [clock: number, time: number, moment: number, now: number];
const year = YEAR / SECOND;

describe('the moment of a packet', () => {
  it.each<[string, readonly Row[]]>([
    [
      'is its time where all clocks are one',
      [
        [0, 1, 1, 1],
        [1, 0.9, 0.9, 1],
        [0, 601, 601, 601],
        [1, 600, 600, 601],
      ],
    ],
    [
      'stands still at one a year ahead, and goes on',
      [
        [0, 1, 1, 1],
        [0, 1 + year, 1, 1],
        [0, 2, 2, 2],
        [0, 3 + year, 3, 3],
        [0, 4, 4, 4],
      ],
    ],
    [
      'goes on where the first one is a year ahead',
      [
        [0, year, year, year],
        [0, 1, year, year],
        [0, 2, year + 1, year + 1],
      ],
    ],
    [
      'goes on where the clock is set back',
      [
        [0, 100, 100, 100],
        [0, 60, 100, 100],
        [0, 75, 115, 115],
      ],
    ],
    [
      'is one for two clocks',
      [
        [0, 10, 10, 10],
        [1, 10 + year, 10, 10],
        [0, 12, 12, 12],
        [1, 13 + year, 13, 13],
        [0, 400, 400, 400],
        [1, 401 + year, 401, 401],
      ],
    ],
    [
      'is one for an interface that is first seen after a pause',
      [
        [0, 10, 10, 10],
        [1, 310, 10, 10],
        [0, 311, 11, 11],
        [1, 312, 12, 12],
      ],
    ],
    [
      'is what the own clock says while there are no packets',
      [
        [0, 10, 10, 10],
        [OWN_CLOCK, 400, 400, 400],
        [0, 401, 401, 401],
      ],
    ],
  ])('%s', (_, rows) => {
    const clocks = new Clocks();
    const found = rows.map(([clock, time]) => {
      const moment = clocks.moment(clock, time * SECOND);
      return [clock, time, moment / SECOND, clocks.now / SECOND];
    });
    expect(found).toEqual(rows);
  });

  it('is known of any number of clocks', () => {
    const clocks = new Clocks();
    clocks.moment(0, 0);
    for (let id = 0; id < 70; id++) expect(clocks.moment(id, id * YEAR)).toBe(0);
    for (let id = 0; id < 70; id++) expect(clocks.moment(id, id * YEAR + SECOND)).toBe(SECOND);
    expect(clocks.secondsAhead(69)).toBe(69 * year);
    expect(clocks.secondsAhead(1000)).toBe(0);
  });
});

const RAW = 12;
const conversation = (name: string, port: number, start: number, interval: number): Packet[] => {
  const steps: Step[] = [
    client(`GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`),
    server('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx'),
    fin('client'),
    fin('server'),
  ];
  const packets = packetsOf(steps, { clientIsn: port, serverIsn: port * 3, start, interval });
  return readdressed(packets, { client: '10.9.0.1', server: '10.9.0.2', clientPort: port });
};
const onAnother = (packets: readonly Packet[]): Packet[] =>
  packets.map((packet) => ({ ...packet, frame: packet.frame.subarray(14), linkType: RAW }));
const yearAhead = (packets: readonly Packet[]): Packet[] =>
  packets.map((packet) => ({ ...packet, time: packet.time + YEAR }));

function read(packets: readonly Packet[]) {
  const run = new EngineRun({ batch: 1 });
  for (const packet of packets) run.push(packet);
  return run.end();
}

describe('one packet a year ahead', () => {
  const [stray] = readdressed(packetsOf([ack('client')], { handshake: false }), { client: '10.9.0.9' });
  const [request] = conversation('stray', 50_001, 0, 0).slice(3);
  const whole = conversation('whole', 40_001, 0, 1e6);
  it.each<[string, Packet]>([
    ['an acknowledgement', stray!],
    ['a request', request!],
    ['of another interface', onAnother([request!])[0]!],
  ])('ends nothing: %s', (_, packet) => {
    for (let at = 0; at <= whole.length; at++) {
      const { exchanges, counters } = read([...whole.slice(0, at), ...yearAhead([packet]), ...whole.slice(at)]);
      const told = exchanges.filter(({ request: { target } }) => target === '/whole');
      expect(told.map((one) => [line(one), one.endTime - one.startTime])).toEqual([['GET /whole → 200 "x"', 1e6]]);
      expect(counters).toMatchObject({ flows_evicted: 0, flows_midstream: packet === stray ? 0 : 1 });
    }
  });

  it('is told with its own time', () => {
    const { exchanges } = read([...whole.slice(0, 4), ...yearAhead([request!]), ...whole.slice(4)]);
    const of = (target: string) => exchanges.find((one) => one.request.target === target)!;
    expect(of('/stray').timeBaseSeconds).toBe(1_700_000_000 + year);
    expect(of('/whole').timeBaseSeconds).toBe(1_700_000_000);
  });
});

describe('an interface whose clock is a year ahead', () => {
  const here = conversation('here', 40_001, 0, 0.5 * SECOND);
  const there = onAnother(yearAhead(conversation('there', 40_002, 0.1 * SECOND, 0.5 * SECOND)));
  it.each<[string, Packet[]]>([
    ['in turn', here.flatMap((packet, i) => [packet, there[i]!])],
    ['that one first', here.flatMap((packet, i) => [there[i]!, packet])],
    ['one behind the other', [...here, ...there]],
  ])('has its exchanges whole, and told with its times: %s', (_, packets) => {
    const told = read(packets).exchanges.map((one) => {
      const start = BigInt(one.timeBaseSeconds) * 1_000_000_000n + BigInt(one.startTime);
      return [line(one), start, one.endTime - one.startTime];
    });
    const base = 1_700_000_000_000_000_000n;
    expect(told.sort()).toEqual([
      ['GET /here → 200 "x"', base + 2_000_000_000n, 0.5 * SECOND],
      ['GET /there → 200 "x"', base + BigInt(YEAR) + 2_100_000_000n, 0.5 * SECOND],
    ]);
  });

  it('has what it waits for given up in its own time', () => {
    const asked = there.slice(0, 4);
    const later = (seconds: number) =>
      onAnother(yearAhead(conversation('later', 40_003, seconds * SECOND, 0.1 * SECOND)));
    const { exchanges } = read([...here.slice(0, 4), ...asked, ...later(299), ...later(303).slice(0, 1)]);
    expect(exchanges.map(line)).toContain('GET /there → nothing {no-response}');
    expect(exchanges.map(line)).toContain('GET /here → nothing {no-response}');
  });
});
