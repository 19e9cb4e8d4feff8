/** The flow table against a Map, and the order in which it forgets. */
import { describe, expect, it } from 'vitest';
import { Segment } from '../../src/decode/segment.js';
import { type Flow, FlowPhase } from '../../src/flow/flow.js';
import { FlowTable } from '../../src/flow/flow-table.js';
import { ack, client, packetsOf, pause, server, syn } from '../support/conversation.js';
import { Random, runSeed } from '../support/random.js';
import { EngineRun, line } from '../support/run-packets.js';

/** Few addresses and ports, so that flows meet; both directions of each. */
function randomSegment(random: Random): { segment: Segment; key: string } {
  const segment = new Segment();
  const ends = [0, 1].map(() => ({
    words: [random.pick([-1, 0x20010db8]), 0, 0, random.between(1, 6)],
    port: random.between(1, 40),
  }));
  const [a, b] = ends as [(typeof ends)[0], (typeof ends)[0]];
  [segment.sourceWord0, segment.sourceWord1, segment.sourceWord2, segment.sourceWord3] = a.words as [
    number,
    number,
    number,
    number,
  ];
  [segment.destinationWord0, segment.destinationWord1, segment.destinationWord2, segment.destinationWord3] =
    b.words as [number, number, number, number];
  segment.sourcePort = a.port;
  segment.destinationPort = b.port;
  segment.tunnelId = random.between(0, 1);
  const key = ends.map(({ words, port }) => `${words.join('.')}:${port}`).sort();
  return { segment, key: `${key.join(' ')} ${segment.tunnelId}` };
}

describe('flow table', () => {
  it('agrees with a Map under random finding, adding and removing', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (const removal of [0.1, 0.5, 0.9]) {
      const table = new FlowTable(random.between(-(2 ** 31), 2 ** 31 - 1));
      const oracle = new Map<string, Flow>();
      for (let i = 0; i < 60_000; i++) {
        const { segment, key } = randomSegment(random);
        const known = oracle.get(key) ?? null;
        // Not by `expect`, which takes longer than all else here.
        if (table.find(segment) !== known) expect.fail(`finds another one, SEED=${seed}`);
        if (known === null) {
          oracle.set(key, table.insert(segment, 0, i));
        } else if (random.chance(removal)) {
          table.remove(known);
          oracle.delete(key);
        } else {
          table.setPhase(known, random.pick(Object.values(FlowPhase)), i);
        }
        if (table.size !== oracle.size) expect.fail(`holds ${table.size} of ${oracle.size}, SEED=${seed}`);
      }
      const phases = [...oracle.values()].map(({ phase }) => phase);
      for (const phase of Object.values(FlowPhase)) {
        expect(table.count(phase)).toBe(phases.filter((other) => other === phase).length);
      }
      // Forgetting empties it.
      for (let flow = table.evictee; flow !== null; flow = table.evictee) table.remove(flow);
      expect(table.size).toBe(0);
    }
  });

  it('forgets closed flows first, then those with but a SYN, then those nobody answered, then the least recently active', () => {
    const table = new FlowTable(1);
    const make = (port: number, phase: FlowPhase, time: number) => {
      const segment = new Segment();
      segment.sourcePort = port;
      const flow = table.insert(segment, 0, time);
      table.setPhase(flow, phase, time);
      return flow;
    };
    const quiet = make(1, FlowPhase.active, 0);
    const busy = make(2, FlowPhase.active, 1e9);
    const half = make(3, FlowPhase.embryonic, 2e9);
    const over = make(4, FlowPhase.closed, 3e9);
    const alone = make(5, FlowPhase.unanswered, 3e9);
    table.touch(quiet, 4e9);
    const order: (Flow | null)[] = [];
    for (let flow = table.evictee; flow !== null; flow = table.evictee) {
      order.push(flow);
      table.remove(flow);
    }
    expect(order.map((flow) => flow?.port0)).toEqual([over, half, alone, busy, quiet].map((flow) => flow.port0));
  });
});

describe('the cap on flows', () => {
  const request = client('GET / HTTP/1.1\r\n\r\n');
  const response = server('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');

  it('evicts half-open flows before live ones, and counts them', () => {
    const run = new EngineRun({ limits: { flows_max: 10 } });
    const live = packetsOf([request, response], { clientPort: 1 });
    for (const packet of live.slice(0, 4)) run.push(packet);
    for (let port = 100; port < 200; port++)
      for (const packet of packetsOf([syn('client')], { clientPort: port })) run.push(packet);
    run.push(live[4] as never);
    run.flush();
    expect(run.assembler.flowCount).toBe(10);
    const { exchanges, counters } = run.end();
    expect(exchanges.map(line)).toEqual(['GET / → 200']);
    expect(counters).toMatchObject({ flows_opened: 101, flows_evicted: 91 });
  });

  it('emits what an evicted flow had', () => {
    const run = new EngineRun({ limits: { flows_max: 2 } });
    for (const port of [1, 2, 3])
      for (const packet of packetsOf([request], { clientPort: port, start: port * 1e9 })) run.push(packet);
    const { exchanges, counters } = run.end();
    expect(exchanges.map(line)).toEqual(new Array(3).fill('GET / → nothing {no-response, unfinished}'));
    expect(counters.flows_evicted).toBe(1);
  });

  it('forgets a flow after its idle time', () => {
    const run = new EngineRun({ limits: { flow_idle_nanos: 20e9 }, batch: 1 });
    for (const packet of packetsOf([request, response], { clientPort: 1 })) run.push(packet);
    for (const packet of packetsOf([syn('client'), pause(30, ack('client'))], { clientPort: 2 })) run.push(packet);
    expect(run.assembler.flowCount).toBe(1);
    run.end();
  });
});
