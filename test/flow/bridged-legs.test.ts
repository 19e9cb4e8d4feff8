/**
 * A host that publishes the port of a container and masquerades, as its sensor sees it: on its own interface what the client
 * sees; on the container's what the container sees; on the bridge between them requests as the container gets them and answers as
 * the client does, whose addresses are translated before the bridge shows them. Each ring comes a block at a time, in any order.
 */
import { describe, expect, it } from 'vitest';
import { type Addressing, readdressed } from '../conformance/kinds/variation.js';
import { ack, client, fin, packetsOf, type Step, server } from '../support/conversation.js';
import { Random, runSeed } from '../support/random.js';
import { EngineRun, line, type Packet } from '../support/run-packets.js';

/** Link types, by which the engine run knows interfaces: the host's, the container's, the bridge. */
const HOST = 1;
const CONTAINER = 12;
const BRIDGE = 101;

interface Connection {
  readonly port: number;
  /** In nanoseconds. */
  readonly start: number;
  readonly exchanges: number;
}

/** All packets of a connection, in the order of their times. */
function bridged({ port, start, exchanges }: Connection): Packet[] {
  const steps: Step[] = Array.from({ length: exchanges }, (_, i) => [
    client(`GET /${port}-${i} HTTP/1.1\r\nHost: a\r\n\r\n`),
    server(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`),
  ]).flat();
  const numbers = { clientIsn: port * 7919, serverIsn: port * 104_729 };
  const packets = packetsOf([...steps, fin('client'), fin('server'), ack('client')], numbers);
  const outside: Addressing = { client: '10.9.0.1', server: '10.9.0.254', clientPort: port, serverPort: 8080 };
  const masqueraded: Addressing = { client: '172.31.0.1', server: '172.31.0.2', clientPort: port };
  const answers: Addressing = { client: '10.9.0.1', server: '172.31.0.2', clientPort: port };
  const onHost = readdressed(packets, outside);
  const inside = readdressed(packets, masqueraded);
  const back = readdressed(packets, answers);
  return packets.flatMap((packet, i): Packet[] => {
    const time = start + packet.time;
    const views: [readonly Packet[], number][] = isOfServer(packet)
      ? [
          [inside, CONTAINER],
          [back, BRIDGE],
          [onHost, HOST],
        ]
      : [
          [onHost, HOST],
          [inside, BRIDGE],
          [inside, CONTAINER],
        ];
    return views.map(([view, linkType], k) => {
      const { frame } = view[i] as Packet;
      return { frame: linkType === HOST ? frame : frame.subarray(14), linkType, time: time + 2000 * k };
    });
  });
}

/** By the port that it comes from. */
const isOfServer = ({ frame }: { frame: Buffer }): boolean => frame.readUInt16BE(34) === 80;

const byTime = (packets: readonly Packet[]): Packet[] => packets.toSorted((a, b) => a.time - b.time);

/** Each ring's packets in blocks that `millis` close, and those that wait by their first packets. */
function inBlocks(packets: readonly Packet[], millis: number, random: Random): Packet[] {
  const nanos = millis * 1e6;
  const blocks = [HOST, CONTAINER, BRIDGE].flatMap((ring) => {
    const phase = random.next() * nanos;
    const slots = new Map<number, Packet[]>();
    for (const packet of packets.filter(({ linkType }) => linkType === ring)) {
      const slot = Math.ceil((packet.time - phase) / nanos);
      const block = slots.get(slot);
      if (block === undefined) slots.set(slot, [packet]);
      else block.push(packet);
    }
    return [...slots].map(([slot, block]) => ({ closed: slot * nanos + phase, block }));
  });
  blocks.sort((a, b) => a.closed - b.closed);
  const order: Packet[] = [];
  let now = 0;
  while (blocks.length > 0) {
    now = Math.max(now, blocks[0]?.closed ?? 0) + (random.chance(0.2) ? random.next() * nanos : 0);
    const ready = blocks.filter(({ closed }) => closed <= now);
    const next = ready.reduce((a, b) => ((a.block[0]?.time ?? 0) <= (b.block[0]?.time ?? 0) ? a : b));
    blocks.splice(blocks.indexOf(next), 1);
    order.push(...next.block);
  }
  return order;
}

function read(packets: readonly Packet[], keepDuplicates: boolean) {
  const run = new EngineRun({ batch: 1, keepDuplicates, linkTypes: [HOST, CONTAINER, BRIDGE] });
  for (const packet of packets) run.push(packet);
  const { exchanges, counters } = run.end();
  const told = exchanges.map((one) => {
    const { client: c, server: s, route } = one;
    return `${line(one)} · ${c.address}:${c.port} > ${s.address}:${s.port} ${route.place}`;
  });
  return { told: told.sort(), lost: [counters.gaps, counters.responses_unpaired] };
}

/** What a client of each connection would say, and what its container would. */
function expected(connections: readonly Connection[], keepDuplicates: boolean): string[] {
  return connections
    .flatMap(({ port, exchanges }) =>
      Array.from({ length: exchanges }, (_, i) => {
        const what = `GET /${port}-${i} → 200 "ok"`;
        const outer = `${what} · 10.9.0.1:${port} > 10.9.0.254:8080 outer`;
        return keepDuplicates ? [outer, `${what} · 172.31.0.1:${port} > 172.31.0.2:80 inner`] : [outer];
      }),
    )
    .flat()
    .sort();
}

describe.each([false, true])('a bridge that shows answers as the client gets them (duplicates kept: %s)', (isKept) => {
  it('in the order of time', () => {
    const one = { port: 40_000, start: 0, exchanges: 3 };
    expect(read(bridged(one), isKept)).toEqual({ told: expected([one], isKept), lost: [0, 0] });
  });

  it('in blocks of rings, however they come', () => {
    const random = new Random(runSeed());
    for (let turn = 0; turn < 20; turn++) {
      const connections = Array.from({ length: random.between(1, 4) }, (_, i) => ({
        port: 40_000 + i,
        start: random.between(0, 100e6),
        exchanges: random.between(1, 70),
      }));
      const packets = byTime(connections.flatMap(bridged));
      const reading = read(inBlocks(packets, random.pick([5, 60, 200]), random), isKept);
      expect(reading).toEqual({ told: expected(connections, isKept), lost: [0, 0] });
    }
  });
});

describe('many connections', () => {
  it('of which one interface shows all the first bytes before another one shows any', () => {
    const connections = Array.from({ length: 1500 }, (_, i) => ({ port: 20_000 + i, start: i * 1000, exchanges: 1 }));
    const packets = byTime(connections.flatMap(bridged));
    const order = [HOST, CONTAINER, BRIDGE].flatMap((ring) => packets.filter(({ linkType }) => linkType === ring));
    const { told } = read(order, false);
    const right = new Set(expected(connections, false));
    // Of a few buckets of the table there may be none left.
    expect(told.filter((one) => right.has(one)).length).toBeGreaterThan(0.98 * connections.length);
    expect(told.length).toBeLessThan(1.02 * connections.length);
  });
});
