/** What goes to another thread in columns is what it was, whatever it is, and however much was sent before it. */
import { describe, expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { sentHeadOf } from '../../src/trace/sent-message.js';
import type { Trace } from '../../src/trace/trace.js';
import { BATCH_BYTES, outputOf, TraceBatchReader, TraceBatchWriter } from '../../src/trace/trace-batch.js';
import { createDrafter, finishSmall } from '../../src/trace/trace-builder.js';
import { client, converse, server, split } from '../support/conversation.js';
import { Random, runSeed } from '../support/random.js';
import { randomMessages } from '../support/random-messages.js';

const draft = createDrafter({ ids: createTraceIds((bytes) => bytes.fill(0xab)), isLocal: () => true });

function traceOf(exchange: Exchange): Trace {
  const trace = finishSmall(draft(exchange), { bodyBytesMax: 1 << 20 });
  if (trace === null) throw new Error('it takes long');
  return trace;
}

/** A trace, and the line that its twin becomes: one that is encoded has pairs in place of the head that was sent. */
interface Twins {
  readonly trace: Trace;
  readonly line: string;
}

/** Messages that are alike share their heads. */
function tracesOf(request: string | Buffer, response: string | Buffer, count = 1, change = (_: Trace) => {}): Twins[] {
  const steps = Array.from({ length: count }, () => [client(request), split(server(response), 60_000)]).flat();
  return converse(steps).exchanges.map((exchange) => {
    const [trace, twin] = [traceOf(exchange), traceOf(exchange)];
    change(trace);
    change(twin);
    return { trace, line: encodeNdjson(twin) };
  });
}

const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\nHost: h\r\n${headers}\r\n`;
const ok = (body = '', headers = ''): string =>
  `HTTP/1.1 200 OK\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

interface Read {
  readonly line: string;
  readonly isRedacted: boolean;
}

/** Both sides, with batches between them as threads take them. */
class Crossing {
  readonly read: Read[] = [];
  readonly batches: { count: number; others: number }[] = [];
  readonly #writer = new TraceBatchWriter();
  readonly #reader = new TraceBatchReader();

  add(trace: Trace, isRedacted = false): void {
    if (this.#writer.isFull(trace)) this.flush();
    this.#writer.add(trace, isRedacted);
  }

  flush(): void {
    const { batch: sent, moves } = this.#writer.take();
    const batch = structuredClone(sent, { transfer: moves });
    this.batches.push({ count: batch.count, others: batch.others.length });
    this.#reader.begin(batch);
    for (let i = 0; i < batch.count; i++) {
      const { trace, isRedacted } = this.#reader.read(batch);
      this.read.push({ line: encodeNdjson(trace), isRedacted });
    }
    outputOf(batch).fill(0xff);
    this.#writer.reuse(batch.memory);
  }
}

describe('traces in columns', () => {
  it('are what they were, of random messages', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const crossing = new Crossing();
    const expected: Read[] = [];
    let columns = 0;
    for (let i = 0; i < 150; i++) {
      const { request, response } = randomMessages(random);
      for (const { trace, line } of tracesOf(request, response, random.pick([1, 1, 3]))) {
        const isRedacted = random.chance(0.2);
        expected.push({ line, isRedacted });
        if (sentHeadOf(trace.request) !== null) columns++;
        crossing.add(trace, isRedacted);
        if (random.chance(0.05)) crossing.flush();
      }
    }
    crossing.flush();
    expect(crossing.read, `SEED=${seed}`).toEqual(expected);
    expect(columns).toBeGreaterThan(expected.length / 2);
    const others = crossing.batches.reduce((sum, batch) => sum + batch.others, 0);
    expect(others).toBeLessThan(expected.length / 2);
  });

  it('keep their heads apart when more are shared than both sides remember', () => {
    const crossing = new Crossing();
    const expected: string[] = [];
    const kinds = Array.from({ length: 300 }, (_, i) => tracesOf(get('/a', `X-Kind: ${i}\r\n`), ok('x'), 3));
    expect(kinds[0]?.map(({ trace }) => sentHeadOf(trace.request)?.list.isShared)).toContain(true);
    for (let round = 0; round < 3; round++)
      for (const kind of kinds) {
        const { trace, line } = kind[round] as Twins;
        expected.push(line);
        crossing.add(trace);
      }
    crossing.flush();
    expect(crossing.read.map(({ line }) => line)).toEqual(expected);
    expect(crossing.batches.every(({ others }) => others === 0)).toBe(true);
  });

  it('keep their words apart when more come than both sides remember', () => {
    const crossing = new Crossing();
    const expected: string[] = [];
    const [one] = tracesOf(get('/a'), ok()) as [Twins];
    for (let i = 0; i < 5000; i++) {
      const authority = `host-${i % 4500}`;
      one.trace.request.authority = authority;
      expected.push(one.line.replace('"authority":"h"', `"authority":"${authority}"`));
      crossing.add(one.trace);
    }
    crossing.flush();
    expect(crossing.read.map(({ line }) => line)).toEqual(expected);
    expect(crossing.batches.every(({ others }) => others === 0)).toBe(true);
  });

  it('go in as many batches as they need room for, and a body that has none in any goes beside them', () => {
    const crossing = new Crossing();
    const bodies = [1, 100, 200_000, 200_000, 600_000, 1].map((length) => 'x'.repeat(length));
    const heads = ['x'.repeat(9000), 'y'.repeat(15_000), 'z'.repeat(12_000)].flatMap((text) => Array(4).fill(text));
    const traces = [
      ...bodies.flatMap((body) => tracesOf(get('/a'), ok(body))),
      ...heads.flatMap((text, i) => tracesOf(get(`/b?${text}`, `X-${i}: ${text.slice(0, 4000)}\r\n`), ok())),
    ];
    const expected = traces.map(({ line }) => line);
    for (const { trace } of traces) crossing.add(trace);
    crossing.flush();
    expect(crossing.read.map(({ line }) => line)).toEqual(expected);
    expect(crossing.batches.length).toBeGreaterThan(3);
    expect(crossing.batches.reduce((sum, { others }) => sum + others, 0)).toBe(1);
    expect(BATCH_BYTES).toBeLessThan(1 << 20);
  });

  it('say nothing in fewer bits than it has', () => {
    const [plain] = tracesOf(get('/a?b=c'), ok()) as [Twins];
    const changes: ((trace: Trace) => void)[] = [
      ({ request }) => Object.assign(request, { target: '/ä', path: '/ä', query: '' }),
      ({ request }) => Object.assign(request, { target: '/€', path: '/€', query: '' }),
      ({ request }) => Object.assign(request, { target: '/a?', path: '/a', query: '' }),
      ({ request }) => Object.assign(request, { target: 'http://h/a', path: '/a', query: '' }),
      ({ request }) => Object.assign(request, { target: '/a', path: '/€', query: '' }),
      ({ request }) => Object.assign(request, { scheme: 'https', authority: '€:1', method: 'Ω' }),
      (trace) => Object.assign(trace, { marks: ['gap', 'aborted'], parentSpanId: '1234567812345678', kind: 'client' }),
      (trace) => Object.assign(trace, { startTimeUnixNano: 2n ** 63n - 1n, durationNano: Number(2n ** 63n - 1n) }),
      (trace) => Object.assign(trace, { response: null }),
      (trace) => Object.assign(trace, { redactions: [{ where: 'request.header.x', rule: 'x' }] }),
      (trace) => Object.assign(trace, { adjustedCount: 3, watchedShare: 0.5, window: 2 }),
      ({ network }) => Object.assign(network, { leg: 'inner', streamId: 3 }),
      ({ request }) => Object.assign(request, { trailers: [['a', 'b']] }),
      ({ request }) => Object.assign(request.body, { codingError: 'gzip: x', truncated: true }),
      ({ request }) => sentHeadOf(request)?.replace(0, '€'),
    ];
    for (const change of changes) {
      const [{ trace, line }] = tracesOf(get('/a?b=c'), ok(), 1, change) as [Twins];
      expect(line).not.toBe(plain.line);
      const crossing = new Crossing();
      crossing.add(trace);
      crossing.flush();
      expect(crossing.read).toEqual([{ line, isRedacted: false }]);
    }
  });
});
