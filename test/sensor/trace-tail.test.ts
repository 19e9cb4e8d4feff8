/** Traces of a file that another thread redacts and encodes: the same lines in the same order, and none is lost in silence. */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { encodeNdjson } from '../../src/output/ndjson.js';
import type { TraceOutput } from '../../src/output/output.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { createRedactor, type RedactionSettings } from '../../src/redact/redactor.js';
import { TraceStage } from '../../src/sensor/trace-stage.js';
import { type EncodingThread, openEncodingThread, openTraceThread } from '../../src/sensor/trace-thread.js';
import { PRIVATE_RANGES } from '../../src/trace/address-range.js';
import { Routes } from '../../src/trace/route.js';
import { createDrafter } from '../../src/trace/trace-builder.js';
import { client, converse, server, split } from '../support/conversation.js';
import { recordingLog } from '../support/relay.js';

const REDACTION: RedactionSettings = {
  defaults: true,
  headers: [],
  queries: [],
  fields: [],
  patterns: [],
  bodies: true,
};
const DATA = { redaction: REDACTION, descriptors: null, yields: false };

type OpenEncoder = (ends: Parameters<typeof openEncodingThread>[0]['ends'], bytes: number) => EncodingThread;

/** `openEncoder`: undefined where there is one thread. */
function stageWith(openEncoder?: OpenEncoder) {
  const counters = createCounters();
  const { log, lines: logged } = recordingLog();
  const budget = new MemoryBudget(DEFAULT_LIMITS.memory_bytes_max);
  const written: string[] = [];
  const counted: number[] = [];
  let opened: EncodingThread | null = null;
  const output: TraceOutput = {
    accept: (trace) => void written.push(`${encodeNdjson(trace)}\n`),
    lines: {
      format: 'ndjson',
      bodyBytesMax: 3 << 20,
      accept(lines, traces) {
        const all = lines.toString('utf8').match(/[^\n]*\n/g) ?? [];
        expect(all.length).toBe(traces);
        counted.push(traces);
        written.push(...all);
      },
    },
    close: async () => {},
  };
  const stage = new TraceStage({
    draft: createDrafter({ ids: createTraceIds((bytes) => bytes.fill(0xab)), isLocal: () => true }),
    redact: createRedactor(REDACTION),
    smallBytesMax: DEFAULT_LIMITS.small_trace_bytes_max,
    describer: null,
    trustedProxies: PRIVATE_RANGES,
    openThread: (bytes) => openTraceThread(DATA, bytes),
    ...(openEncoder === undefined
      ? {}
      : {
          openEncoder: (...given: Parameters<OpenEncoder>) => {
            opened = openEncoder(...given);
            return opened;
          },
        }),
    output,
    watch: { share: null },
    routes: new Routes(20),
    limits: DEFAULT_LIMITS,
    budget,
    counters,
    log: log as never,
    isFile: true,
    tracesBefore: 3,
  });
  return { stage, counters, budget, written, counted, logged, opened: () => opened };
}

const exchangeOf = (target: string, status = '200 OK', body = '{"token":"tok-secret","n":1}', headers = ''): Exchange =>
  converse([
    client(`GET ${target} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret-token\r\n${headers}\r\n`),
    split(
      server(
        `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      ),
      60_000,
    ),
  ]).exchanges[0] as Exchange;

/** Some are large, some name no route or the same as others, some say more than columns do. */
const exchanges = (count: number): Exchange[] =>
  Array.from({ length: count }, (_, i) => {
    if (i % 101 === 50) return exchangeOf(`/large/${i}`, '200 OK', JSON.stringify({ password: 'p'.repeat(50_000) }));
    if (i % 7 === 3) return exchangeOf(`/missing-${i % 50}`, '404 Not Found');
    if (i % 11 === 5) return exchangeOf(`/e-${i % 40}/7`, '200 OK', '{}', 'Content-Type: application/json\r\n');
    if (i % 13 === 6) return exchangeOf(`/items/${i}?access_token=abc${i}&page=2`, '200 OK', '"\u0001\u0002 größe"');
    return exchangeOf(`/items/${i}`);
  });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** As a file is read: some at once, and then whatever there is to wait for. */
async function feed(stage: TraceStage, all: readonly Exchange[], atOnce: number): Promise<void> {
  for (let i = 0; i < all.length; i += atOnce) {
    for (const exchange of all.slice(i, i + atOnce)) stage.accept(exchange);
    await stage.room();
    await turn();
  }
}

async function linesOf(all: readonly Exchange[]) {
  const { stage, written, ...rest } = stageWith();
  await feed(stage, all, 40);
  await stage.finish(60_000);
  return { stage, written, ...rest };
}

const openEncoder: OpenEncoder = (ends, bytes) => openEncodingThread({ ...DATA, ends }, bytes);

describe('traces of a file in a second thread', () => {
  it('become the lines that one thread makes of them, in the same order', async () => {
    const expected = await linesOf(exchanges(240));
    const { stage, written, counted, counters, budget, opened } = stageWith(openEncoder);
    const all = exchanges(240);
    await feed(stage, all.slice(0, 20), 10);
    expect(await opened()?.started).toBe(true);
    await feed(stage, all.slice(20), 40);
    await stage.finish(60_000);
    expect(written).toEqual(expected.written);
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(220);
    expect(stage.redactions).toEqual(expected.stage.redactions);
    expect(counters).toEqual(expected.counters);
    expect(budget.used).toBe(0);
  });

  it('find room beyond that of a batch', async () => {
    const controls = '\u0001'.repeat(30_000);
    const all = () =>
      Array.from({ length: 24 }, (_, i) => exchangeOf(`/c/${i}`, '200 OK', i % 3 === 0 ? '1' : controls));
    const expected = await linesOf(all());
    const { stage, written, opened } = stageWith(openEncoder);
    const some = all();
    await feed(stage, some.slice(0, 4), 4);
    await opened()?.started;
    await feed(stage, some.slice(4), 20);
    await stage.finish(60_000);
    expect(written).toEqual(expected.written);
  });

  it('go on here, in order, when the rules change', async () => {
    const expected = await linesOf(exchanges(90));
    const { stage, written, opened } = stageWith(openEncoder);
    const all = exchanges(90);
    await feed(stage, all.slice(0, 10), 10);
    await opened()?.started;
    for (const exchange of all.slice(10, 40)) stage.accept(exchange);
    stage.use({
      redact: createRedactor({ ...REDACTION, fields: ['n'] }),
      openThread: (bytes) => openTraceThread(DATA, bytes),
      smallBytesMax: DEFAULT_LIMITS.small_trace_bytes_max,
      describer: null,
      trustedProxies: PRIVATE_RANGES,
    });
    await feed(stage, all.slice(40), 25);
    await stage.finish(60_000);
    expect(written.slice(0, 40)).toEqual(expected.written.slice(0, 40));
    expect(written.map((line) => /"target":"([^"]*)"/.exec(line)?.[1])).toEqual(
      expected.written.map((line) => /"target":"([^"]*)"/.exec(line)?.[1]),
    );
    expect([39, 61].map((i) => /\\"n\\":\d/.exec(written[i] as string)?.[0])).toEqual(['\\"n\\":1', '\\"n\\":0']);
  });

  it('are made here when the thread cannot start', async () => {
    const expected = await linesOf(exchanges(30));
    const { stage, written } = stageWith(() => ({
      started: Promise.resolve(false),
      encode: () => Promise.reject(new Error('there is none')),
      end() {},
    }));
    await feed(stage, exchanges(30), 5);
    await stage.finish(60_000);
    expect(written).toEqual(expected.written);
  });

  it('are counted and told of once where the thread ends under them, and those behind them are made here', async () => {
    let asked = 0;
    const { stage, written, counters, logged, budget } = stageWith(() => ({
      started: Promise.resolve(true),
      encode: () => {
        asked++;
        return Promise.reject(new Error('ERR_WORKER_OUT_OF_MEMORY'));
      },
      end() {},
    }));
    await feed(stage, exchanges(40), 10);
    await stage.finish(60_000);
    expect(asked).toBe(1);
    expect(counters.exchanges_dropped_undeliverable).toBe(10);
    expect(written.length).toBe(30);
    expect(logged.filter(({ message }) => message.includes('could not be encoded')).length).toBe(1);
    expect(budget.used).toBe(0);
  });
});
