/**
 * What an attacker sends. In each capture there are also honest exchanges, and they come out; the memory budget is kept
 * to within a segment; and the work stays bounded (each of these takes a fraction of its time limit).
 */
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { createTraceBuilder } from '../../src/trace/trace-builder.js';
import {
  ack,
  type ConversationOptions,
  client,
  packetsOf,
  type Step,
  server,
  split,
  syn,
} from '../support/conversation.js';
import { ethernet, Flag, ipv4, tcp } from '../support/packets.js';
import { EngineRun, line, type Packet, type RunOptions } from '../support/run-packets.js';

const SECONDS = 120_000;
const HONEST = 'GET /honest → 200 "yes"';

/** A run with an honest exchange before, amid and after the attack, each on a connection of its own. */
class Siege {
  readonly run: EngineRun;
  #port = 60_000;
  #honest = 0;
  attackExchanges = 0;
  time = 0;

  constructor(options: RunOptions) {
    this.run = new EngineRun({ batch: 256, ...options }, ({ request }) => {
      if (request.target === '/honest') return true;
      this.attackExchanges++;
      return false;
    });
    this.honest();
  }

  honest(): void {
    this.#honest++;
    const steps = [
      client('GET /honest HTTP/1.1\r\nHost: a\r\n\r\n'),
      server('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes'),
    ];
    this.push(packetsOf(steps, { clientPort: this.#port++, start: this.time, interval: 1000 }));
  }

  /** An honest exchange that is attacked in the middle of its response. */
  honestAround(attack: () => void): void {
    this.#honest++;
    const steps = [
      client('GET /honest HTTP/1.1\r\nHost: a\r\n\r\n'),
      split(server('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes'), 40),
    ];
    const packets = packetsOf(steps, { clientPort: this.#port++, start: this.time, interval: 1000 });
    this.push(packets.slice(0, -1));
    attack();
    this.push(packets.slice(-1));
  }

  attack(steps: readonly (Step | Step[])[], options: ConversationOptions): void {
    this.push(packetsOf(steps, { start: this.time, interval: 1000, ...options }));
  }

  push(packets: readonly Packet[]): void {
    for (const packet of packets) {
      this.time = packet.time;
      this.run.push(packet);
    }
  }

  end(memoryMax = Number.POSITIVE_INFINITY) {
    this.honest();
    const result = this.run.end();
    expect(result.exchanges.map(line)).toEqual(new Array(this.#honest).fill(HONEST));
    expect(result.budgetPeak).toBeLessThan(memoryMax + 150_000);
    return result;
  }
}

/** A frame whose addresses and ports can be rewritten in place, for a great many of them. */
function template(flags: number, payload: Buffer): { frame: Buffer; aim(i: number): Buffer } {
  const frame = ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags }, payload)));
  return {
    frame,
    aim(i) {
      frame.writeUInt32BE(0x0b00_0000 + (i >>> 12), 26);
      frame.writeUInt16BE(1024 + (i & 0xfff), 34);
      frame.writeUInt32BE(Math.imul(i, 2_654_435_761) >>> 0, 38);
      return frame;
    },
  };
}

describe('hostile traffic', () => {
  it('a SYN flood of a million connections', { timeout: SECONDS }, () => {
    const siege = new Siege({ limits: { flows_max: 10_000 } });
    const flood = template(Flag.syn, Buffer.alloc(0));
    for (let i = 0; i < 1_000_000; i++) {
      siege.run.push({ frame: flood.aim(i), time: siege.time + i * 1000 });
      if (i === 500_000) expect(siege.run.assembler.flowCount).toBe(10_000);
      if (i % 250_000 === 100_000) siege.honest();
    }
    const { counters } = siege.end();
    expect(counters.flows_evicted).toBeGreaterThan(900_000);
  });

  it('two hundred thousand connections with half a request each', { timeout: SECONDS }, () => {
    const max = 20 << 20;
    const siege = new Siege({ limits: { flows_max: 20_000, memory_bytes_max: max } });
    const flood = template(Flag.ack, Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nX: '));
    for (let i = 0; i < 200_000; i++) {
      siege.run.push({ frame: flood.aim(i), time: siege.time + 1000 });
      if (i % 50_000 === 10_000) siege.honest();
    }
    const { counters } = siege.end(max);
    expect(counters.flows_evicted).toBeGreaterThan(100_000);
  });

  it.each<[string, Record<string, number>]>([
    ['a full table', { flows_max: 1000 }],
    ['a full budget', { memory_bytes_max: 2 << 20 }],
  ])('forged segments evict no connection that was answered, and shed none of its body: %s', (_, limits) => {
    const siege = new Siege({ limits });
    const data = template(Flag.ack, Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nX: '));
    const opening = template(Flag.syn, Buffer.alloc(0));
    for (let connection = 0; connection < 5; connection++)
      siege.honestAround(() => {
        for (let i = 0; i < 10_000; i++) {
          const flood = i % 2 === 0 ? data : opening;
          siege.run.push({ frame: flood.aim(connection * 10_000 + i), time: siege.time });
        }
      });
    const { counters } = siege.end();
    expect(counters.flows_evicted).toBeGreaterThan(10_000);
    expect(counters.body_bytes_shed).toBe(0);
  });

  it('heads that never end, on two thousand connections', { timeout: SECONDS }, () => {
    const max = 8 << 20;
    const siege = new Siege({ limits: { memory_bytes_max: max } });
    const piece = Buffer.from(`X-Pad: ${'x'.repeat(990)}\r\n`);
    for (let round = 0; round < 40; round++) {
      for (let flow = 0; flow < 2000; flow++) {
        const frame = ethernet(
          0x0800,
          ipv4(
            { protocol: 6, source: '10.8.0.1' },
            tcp(
              { from: 1000 + flow, sequence: round === 0 ? 0 : 16 + (round - 1) * piece.length },
              round === 0 ? Buffer.from('GET / HTTP/1.1\r\n') : piece,
            ),
          ),
        );
        siege.run.push({ frame, time: siege.time + 1000 });
      }
      siege.honest();
    }
    const { counters } = siege.end(max);
    expect(counters.flows_evicted).toBeGreaterThan(0);
  });

  it('requests with heads of 64 KiB that nobody answers', { timeout: SECONDS }, () => {
    const max = 8 << 20;
    const siege = new Siege({ limits: { memory_bytes_max: max } });
    const head = `GET /big HTTP/1.1\r\n${Array.from({ length: 64 }, (_, i) => `H${i}: ${'v'.repeat(1000)}\r\n`).join('')}\r\n`;
    for (let flow = 0; flow < 40; flow++) {
      siege.attack([Array.from({ length: 10 }, () => split(client(head), 16_000))].flat(), { clientPort: 2000 + flow });
      siege.honest();
    }
    siege.end(max);
    expect(siege.attackExchanges).toBe(400);
  });

  it('a chunked body of a gigabyte', { timeout: SECONDS }, () => {
    const siege = new Siege({ limits: { body_bytes_max: 100_000 } });
    siege.attack(
      [client('GET /endless HTTP/1.1\r\n\r\n'), server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')],
      { clientPort: 3000 },
    );
    // The same frame over and over, but for its sequence number.
    const chunk = Buffer.concat([Buffer.from('f000\r\n'), Buffer.alloc(0xf000, 'x'), Buffer.from('\r\n')]);
    const frame = ethernet(
      0x0800,
      ipv4(
        { protocol: 6, source: '10.9.0.2', destination: '10.9.0.1' },
        tcp({ from: 80, to: 3000, flags: Flag.ack, acknowledgement: 1001 }, chunk),
      ),
    );
    const start = 500_001 + 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'.length;
    const count = Math.ceil(2 ** 30 / 0xf000);
    for (let i = 0; i < count; i++) {
      frame.writeUInt32BE((start + i * chunk.length) >>> 0, 38);
      siege.run.push({ frame, time: siege.time + i * 1000 });
    }
    const { counters, budgetPeak } = siege.end();
    expect(counters.gaps).toBe(0);
    expect(budgetPeak).toBeLessThan(300_000);
    expect(siege.attackExchanges).toBe(1);
  });

  it('a gzip bomb of a hundred megabytes', { timeout: SECONDS }, async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(100 << 20));
    const run = new EngineRun();
    const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`);
    for (const packet of packetsOf([
      client('GET /bomb HTTP/1.1\r\n\r\n'),
      split(server(Buffer.concat([head, bomb])), 60_000),
    ]))
      run.push(packet);
    const { exchanges } = run.end();
    const build = createTraceBuilder({
      ids: createTraceIds((bytes) => bytes.fill(1)),
      bodyBytesMax: 1 << 20,
      isLocal: () => true,
    });
    const before = process.memoryUsage().rss;
    const trace = await build(exchanges[0] as never);
    expect(trace.response?.body).toMatchObject({ wireBytes: bomb.length, truncated: true, codingError: null });
    expect(trace.response?.body.content).toHaveLength(1 << 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  it('a hundred and fifty thousand segments of one byte', { timeout: SECONDS }, () => {
    const siege = new Siege({});
    const exchange = [
      split(client(`POST /slow HTTP/1.1\r\nContent-Length: 300\r\n\r\n${'x'.repeat(300)}`), 1),
      split(server(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12c\r\n${'y'.repeat(300)}\r\n0\r\n\r\n`), 1),
    ];
    for (let i = 0; i < 200; i++) siege.attack(exchange, { clientPort: 4000 + i });
    const { counters } = siege.end();
    expect(counters.packets_seen).toBeGreaterThan(140_000);
    expect(siege.attackExchanges).toBe(200);
  });

  it('a storm of acknowledgements of what was never sent', { timeout: SECONDS }, () => {
    const siege = new Siege({});
    const steps: Step[] = [client('GET /storm HTTP/1.1\r\n\r\n')];
    for (let i = 0; i < 30_000; i++)
      steps.push(ack('server', { acknowledges: (i * 7919) % 2 ** 31 }), ack('client', { acknowledges: i * 131 }));
    siege.attack(steps, { clientPort: 5000 });
    siege.attack([server('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')], { clientPort: 5000, handshake: false });
    siege.end();
    expect(siege.attackExchanges).toBe(1);
  });

  it('segments out of order that are never joined, on a thousand connections', { timeout: SECONDS }, () => {
    const max = 8 << 20;
    const siege = new Siege({ limits: { memory_bytes_max: max, reorder_segments_max: 64 } });
    for (let flow = 0; flow < 1000; flow++) {
      const holes = Array.from({ length: 100 }, (_, i) => client('x'.repeat(200), { at: 10 + i * 300 }));
      siege.attack([client('GET /'), holes], { clientPort: 6000 + flow });
      if (flow % 100 === 0) siege.honest();
    }
    const { counters } = siege.end(max);
    expect(counters.gaps).toBeGreaterThan(0);
  });

  it('ten thousand requests in a pipeline', { timeout: SECONDS }, () => {
    const siege = new Siege({});
    const count = 10_000;
    const requests = Array.from({ length: count }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
    const responses = Array.from({ length: count }, (_, i) => `HTTP/1.1 200 ${i}\r\nContent-Length: 1\r\n\r\nx`).join(
      '',
    );
    siege.attack([split(client(requests), 60_000), split(server(responses), 60_000)], { clientPort: 7000 });
    const { counters } = siege.end();
    expect(siege.attackExchanges).toBe(count);
    // Those that had to be given up are unanswered, and no other got their response.
    expect(counters.responses_unpaired).toBe(count - 1024);
  });

  it('a new SYN on the ports of a connection, again and again', { timeout: SECONDS }, () => {
    const siege = new Siege({});
    for (let i = 0; i < 20_000; i++) siege.attack([syn('client')], { clientPort: 8000, clientIsn: i * 100_003 });
    const { counters } = siege.end();
    expect(counters.flows_opened).toBeGreaterThan(20_000);
    expect(siege.run.assembler.flowCount).toBe(0);
  });

  it('segments full of false message starts', { timeout: SECONDS }, () => {
    const siege = new Siege({});
    const decoys = `x${'GET / HTTP/1.1\r\nno field\r\n'.repeat(2300)}\r\n`;
    siege.attack(
      Array.from({ length: 300 }, () => client(decoys)),
      { clientPort: 9000, handshake: false },
    );
    siege.end();
  });
});
