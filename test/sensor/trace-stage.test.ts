/** The last stages for one exchange: whatever goes wrong there costs that exchange, and nothing else. */
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { DEFAULT_LIMITS, sensorLimits } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import type { Exchange } from '../../src/pair/exchange.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { createRedactor, type RedactionSettings } from '../../src/redact/redactor.js';
import { TraceStage, type TraceStageContext } from '../../src/sensor/trace-stage.js';
import { type Answer, openTraceThread, type TraceThread } from '../../src/sensor/trace-thread.js';
import { PRIVATE_RANGES } from '../../src/trace/address-range.js';
import { asData } from '../../src/trace/sent-message.js';
import type { Trace, TraceResponse } from '../../src/trace/trace.js';
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
const ids = createTraceIds((bytes) => bytes.fill(0xab));
const MIB = 2 ** 20;
const DEFAULTS = {
  streamTimeoutSeconds: 10,
  responseTimeoutSeconds: 300,
  streamWindowSeconds: 60,
  streamMessages: 32,
  maxHttpLength: null,
  maxMemory: null,
};

interface StageOptions extends Partial<TraceStageContext> {
  readonly memoryBytes?: number;
}

function stageWith({ memoryBytes = 64 * MIB, ...change }: StageOptions = {}) {
  const counters = createCounters();
  const { log, lines } = recordingLog();
  const accepted: Trace[] = [];
  const budget = new MemoryBudget(memoryBytes);
  const stage = new TraceStage({
    draft: createDrafter({ ids, isLocal: () => true }),
    redact: createRedactor(REDACTION),
    smallBytesMax: DEFAULT_LIMITS.small_trace_bytes_max,
    describer: null,
    trustedProxies: PRIVATE_RANGES,
    openThread: (bytes) => openTraceThread({ redaction: REDACTION, descriptors: null, yields: false }, bytes),
    output: { accept: (trace) => void accepted.push(trace), close: async () => {} },
    watch: { share: null },
    routes: null,
    limits: DEFAULT_LIMITS,
    budget,
    counters,
    log: log as never,
    isFile: false,
    now: () => 0,
    ...change,
  });
  return { stage, counters, accepted, lines, budget };
}

const fails = (): never => {
  throw new RangeError('Invalid time value');
};

/** An exchange whose request has `body`, and whose response `answer`. */
function exchangeOf(body: Buffer, headers = '', path = '/p', answer = Buffer.from('ok')): Exchange {
  const head = `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n${headers}\r\n`;
  const answerHead = `HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n`;
  const { exchanges } = converse([
    split(client(Buffer.concat([Buffer.from(head), body])), 60_000),
    split(server(Buffer.concat([Buffer.from(answerHead), answer])), 60_000),
  ]);
  return exchanges[0] as Exchange;
}

const bodyless = (path: string): Exchange =>
  converse([client(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`), server('HTTP/1.1 204 No Content\r\n\r\n')])
    .exchanges[0] as Exchange;
const small = (path = '/p'): Exchange => exchangeOf(Buffer.from('{"a":1}'), '', path);
const large = (path = '/p'): Exchange => exchangeOf(Buffer.alloc(200_000, '{"password":"p","n":1},'), '', path);
const bomb = (coding: 'gzip' | 'br', path = '/p'): Exchange => {
  const body = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync }[coding](Buffer.alloc(20 * MIB));
  return exchangeOf(body, `Content-Encoding: ${coding}\r\n`, path);
};
const contentOf = (trace: Trace | undefined): string => Buffer.from(trace?.request.body.content ?? []).toString();

async function traceOf(exchange: Exchange): Promise<Trace> {
  const { stage, accepted } = stageWith({});
  stage.accept(exchange);
  await stage.finish(60_000);
  return accepted[0] as Trace;
}

/** A thread that never answers, until it is ended. */
function silentThread(): TraceThread {
  let end: () => void = () => {};
  return {
    started: Promise.resolve(),
    cpuMillis: () => null,
    finish: () =>
      new Promise((_, reject) => {
        end = () => reject(new Error('ended'));
      }),
    end: () => end(),
  };
}

describe('an exception costs one trace, which is counted, and is logged once', () => {
  it.each([
    ['bound:matches', 'x '.repeat(2000)],
    ['bound:work', '=%3D'.repeat(2000)],
  ])('counts what is replaced as it is beyond a bound: %s', async (rule, body) => {
    const { stage } = stageWith({ redact: createRedactor({ ...REDACTION, patterns: ['x'] }) });
    stage.accept(exchangeOf(Buffer.from(body)));
    await stage.finish(60_000);
    expect(stage.redactions.get(rule)).toBe(1);
  });

  it.each<[string, StageOptions, () => Exchange]>([
    ['built', { draft: fails }, small],
    ['redacted', { redact: fails }, small],
    [
      'redacted',
      {
        openThread: () =>
          answering({ step: 'redacted', error: new RangeError('x'), textsEvicted: 0, messagesUnfit: 0 }),
      },
      large,
    ],
    ['handed over', { output: { accept: fails, close: async () => {} } }, small],
    ['handed over', { output: { accept: fails, close: async () => {} } }, large],
  ])('%s', async (step, change, exchange) => {
    const { stage, counters, accepted, lines, budget } = stageWith(change);
    for (let i = 0; i < 3; i++) stage.accept(exchange());
    await stage.finish(60_000);
    expect(counters.exchanges_dropped_undeliverable).toBe(3);
    expect(accepted).toEqual([]);
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).toContain(`could not be ${step}`);
    expect(budget.used).toBe(0);
  });

  it('and those behind it go on', async () => {
    let calls = 0;
    const { stage, counters, accepted } = stageWith({
      redact: () => {
        if (calls++ === 0) fails();
      },
    });
    stage.accept(small());
    stage.accept(small());
    await stage.finish(60_000);
    expect(counters.exchanges_dropped_undeliverable).toBe(1);
    expect(accepted).toHaveLength(1);
  });
});

describe('other rules', () => {
  it('hold from the next trace on, small or large', async () => {
    const { stage, accepted } = stageWith();
    const use = (headers: readonly string[]) => {
      const redaction = { ...REDACTION, headers };
      stage.use({
        redact: createRedactor(redaction),
        smallBytesMax: DEFAULT_LIMITS.small_trace_bytes_max,
        describer: null,
        trustedProxies: PRIVATE_RANGES,
        openThread: (bytes) => openTraceThread({ redaction, descriptors: null, yields: false }, bytes),
      });
    };
    const batches = () =>
      accepted.map(({ request }) => `${request.path} ${request.headers.find(([name]) => name === 'X-Batch')?.[1]}`);
    const header = 'X-Batch: b-17\r\n';
    const body = Buffer.alloc(200_000, '{"n":1},');
    // The thread of the first stays open for a while.
    stage.accept(exchangeOf(body, header, '/large-1'));
    while (accepted.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stage.accept(exchangeOf(Buffer.alloc(0), header, '/small-1'));
    use(['x-batch']);
    stage.accept(exchangeOf(Buffer.alloc(0), header, '/small-2'));
    stage.accept(exchangeOf(body, header, '/large-2'));
    await stage.finish(60_000);
    expect(batches()).toEqual(['/large-1 b-17', '/small-1 b-17', '/small-2 REDACTED', '/large-2 REDACTED']);
  });
});

function answering(answer: Awaited<ReturnType<TraceThread['finish']>>): TraceThread {
  return { started: Promise.resolve(), cpuMillis: () => null, finish: async () => answer, end: () => {} };
}

describe('large traces', () => {
  it('are made in a thread, the same as small ones, while small ones pass them by', async () => {
    const { stage, accepted, budget } = stageWith();
    stage.accept(large('/large'));
    stage.accept(small('/small'));
    expect(accepted.map(({ request }) => request.path)).toEqual(['/small']);
    expect(budget.used).toBeGreaterThan(200_000);
    await stage.finish(60_000);
    expect(accepted.map(({ request }) => request.path)).toEqual(['/small', '/large']);
    const here = stageWith({ smallBytesMax: MIB });
    here.stage.accept(large('/large'));
    const response = asData(here.accepted[0]?.response as TraceResponse);
    expect(accepted[1]).toEqual({ ...here.accepted[0], request: expect.anything(), response });
    expect(contentOf(accepted[1])).toBe(contentOf(here.accepted[0]));
    expect(contentOf(accepted[1])).toContain('{"password":"REDACTED","n":1}');
    expect(budget.used).toBe(0);
  });

  it('of a file come in the order of their exchanges, and the file is read no more than some way ahead of them', async () => {
    const { stage, accepted, budget } = stageWith({ isFile: true });
    const paths = ['/1', '/2-large', '/3', '/4-large', '/5'];
    const pathsAccepted = () => accepted.map(({ request }) => request.path);
    for (const path of paths) stage.accept(path.endsWith('large') ? large(path) : small(path));
    expect(pathsAccepted()).toEqual(['/1']);
    while (stage.room() === undefined) {
      paths.push(`/${paths.length + 1}-large`);
      stage.accept(large(paths.at(-1)));
    }
    expect(paths.length).toBeGreaterThan(10);
    expect(budget.used).toBeLessThan(6 * MIB);
    await stage.room();
    expect(accepted.length).toBeLessThan(paths.length);
    await stage.finish(Number.POSITIVE_INFINITY);
    expect(pathsAccepted()).toEqual(paths);
    expect(accepted.some(({ marks }) => marks.length > 0)).toBe(false);
    expect(stage.room()).toBeUndefined();
    expect(budget.used).toBe(0);
  });

  it.each<[string, number, Exchange[]]>([
    ['memory is short', 3 * MIB, Array.from({ length: 4 }, () => large())],
    ['small ones are many', 128 * MIB, Array.from({ length: 1024 }, () => small())],
  ])('of a file are waited for sooner where %s', async (_, memoryBytes, behind) => {
    const { stage, budget } = stageWith({ isFile: true, memoryBytes });
    stage.accept(large());
    expect(stage.room()).toBeUndefined();
    for (const exchange of behind) stage.accept(exchange);
    expect(stage.room()).toBeInstanceOf(Promise);
    await stage.finish(Number.POSITIVE_INFINITY);
    expect(budget.used).toBe(0);
  });

  it.each(['gzip', 'br'] as const)('keep the beginning of a %s bomb', async (coding) => {
    const { stage, accepted, budget, lines } = stageWith({ memoryBytes: 128 * MIB });
    for (let i = 0; i < 3; i++) stage.accept(bomb(coding));
    await stage.finish(60_000);
    expect(lines).toEqual([]);
    const { content, truncated, codingError } = (accepted[2] as Trace).request.body;
    expect({ truncated, codingError }).toEqual({ truncated: true, codingError: null });
    expect(content).toEqual(new Uint8Array(65_536));
    expect(budget.used).toBe(0);
  });

  it('leave without their bodies where there is no memory for them, counted and marked', async () => {
    const { stage, accepted, counters, budget } = stageWith({ memoryBytes: 8 * MIB });
    budget.add(8 * MIB);
    stage.accept(large());
    stage.accept(bomb('gzip'));
    await stage.finish(60_000);
    expect(
      accepted.map(({ request, marks }) => [request.body.content.length, request.body.codingError, marks]),
    ).toEqual([
      [0, null, ['shed']],
      [0, 'budget', ['shed']],
    ]);
    expect((accepted[0] as Trace).request.body).toMatchObject({ wireBytes: 200_000, bytes: 200_000, truncated: true });
    expect((accepted[1] as Trace).request.body).toMatchObject({ bytes: 0, truncated: true });
    expect(counters.traces_over_budget).toBe(2);
    expect(budget.used).toBe(8 * MIB);
  });

  it('are whole by the caps of a run where several end at once, both bodies of one too', async () => {
    const limits = sensorLimits(DEFAULTS, 16_384 * MIB);
    const { stage, accepted, budget } = stageWith({ limits, memoryBytes: limits.memory_bytes_max });
    const body = Buffer.alloc(limits.body_bytes_max, 'lorem ipsum ');
    for (const path of ['/1', '/2', '/3']) stage.accept(exchangeOf(body, '', path));
    stage.accept(exchangeOf(body, '', '/both', body));
    await stage.finish(60_000);
    expect(accepted.map(({ request, marks }) => [request.path, request.body.content.length, marks])).toEqual(
      ['/1', '/2', '/3', '/both'].map((path) => [path, body.length, []]),
    );
    expect(accepted[3]?.response?.body).toMatchObject({ truncated: false, content: { length: body.length } });
    expect(budget.used).toBe(0);
  });

  it('are cut to what there is to wait in, of both bodies, counted and marked', async () => {
    const { stage, accepted, counters, budget } = stageWith({ memoryBytes: 8 * MIB });
    const body = Buffer.alloc(3 * MIB, 'lorem ipsum ');
    stage.accept(exchangeOf(body, '', '/first', body));
    stage.accept(exchangeOf(body, '', '/second', Buffer.from('ok')));
    expect(budget.used).toBeLessThan(2.3 * MIB);
    await stage.finish(60_000);
    const [first, second] = accepted as [Trace, Trace];
    expect(accepted.map(({ request, marks }) => [request.path, marks])).toEqual([
      ['/first', ['shed']],
      ['/second', ['shed']],
    ]);
    for (const cut of [first.request.body, first.response?.body]) {
      expect(cut).toMatchObject({ wireBytes: body.length, bytes: body.length, truncated: true, codingError: null });
      expect(cut?.content.length).toBeGreaterThan(0.3 * MIB);
    }
    // What a small trace would take is left for the beginning of the other one.
    expect(second.request.body.content.length).toBeGreaterThan(10_000);
    expect(body.subarray(0, second.request.body.content.length).equals(second.request.body.content)).toBe(true);
    expect(counters.traces_over_budget).toBe(2);
    expect(budget.used).toBe(0);
  });

  it('are cut to the memory that there is when none comes back', async () => {
    let time = 0;
    const { stage, accepted, budget } = stageWith({ memoryBytes: 16 * MIB, now: () => (time += 1000) });
    budget.add(13 * MIB);
    const body = Buffer.alloc(MIB, 'lorem ipsum ');
    stage.accept(exchangeOf(body));
    await stage.finish(60_000);
    const { content, truncated } = (accepted[0] as Trace).request.body;
    expect([truncated, accepted[0]?.marks]).toEqual([true, ['shed']]);
    expect(content.length).toBeGreaterThan(10_000);
    expect(body.subarray(0, content.length).equals(content)).toBe(true);
    expect(budget.used).toBe(13 * MIB);
  });

  it('are cut where the whole of the memory is too little, coded ones too', async () => {
    const { stage, accepted, budget } = stageWith({ memoryBytes: 2 * MIB });
    const body = Buffer.alloc(400_000, 'lorem ipsum ');
    stage.accept(exchangeOf(body));
    await stage.finish(60_000);
    // Random letters, so that the coded body is longer than what is decoded in one go.
    const letters = Buffer.from(Array.from({ length: 400_000 }, (_, i) => 97 + ((i * 7919 + (i >> 8) * 104_729) % 23)));
    stage.accept(exchangeOf(zlib.gzipSync(letters), 'Content-Encoding: gzip\r\n'));
    await stage.finish(60_000);
    const [plain, coded] = accepted as [Trace, Trace];
    expect(plain.request.body).toMatchObject({ wireBytes: 400_000, truncated: true, codingError: null });
    expect(plain.request.body.content.length).toBeGreaterThan(50_000);
    expect(body.toString().startsWith(contentOf(plain))).toBe(true);
    expect(coded.request.body).toMatchObject({ truncated: true, codingError: null });
    expect(coded.request.body.content.length).toBeGreaterThan(50_000);
    // A run of letters that goes on to the cut may be a secret, and is replaced.
    expect(contentOf(coded).slice(0, 20_000)).toBe(letters.toString('latin1', 0, 20_000));
    expect([plain.marks, coded.marks]).toEqual([['shed'], ['shed']]);
    expect(budget.used).toBe(0);
  });

  it('are waited for while those before them are finished, however slowly', async () => {
    let time = 0;
    const slow = (): TraceThread => {
      const thread = openTraceThread({ redaction: REDACTION, descriptors: null, yields: false }, 64 * MIB);
      return {
        ...thread,
        async finish(order) {
          const answer = await thread.finish(order);
          time += 9000;
          return answer;
        },
      };
    };
    const { stage, accepted, budget } = stageWith({ openThread: slow, now: () => time });
    const paths = ['/1', '/2', '/3', '/4'];
    for (const path of paths) stage.accept(large(path));
    await stage.finish(60_000);
    expect(accepted.map(({ request, marks }) => [request.path, request.body.content.length > 0, marks])).toEqual(
      paths.map((path) => [path, true, []]),
    );
    expect(budget.used).toBe(0);
  });

  it('leave without their bodies when they take too long, and the next ones get a thread of their own', async () => {
    let threads = 0;
    const { stage, accepted, counters, budget } = stageWith({
      limits: { ...DEFAULT_LIMITS, trace_millis_max: 1 },
      openThread: (bytes) =>
        threads++ === 0
          ? silentThread()
          : openTraceThread({ redaction: REDACTION, descriptors: null, yields: false }, bytes),
    });
    stage.accept(large('/slow'));
    await stage.finish(60_000);
    expect(accepted.map(({ request, marks }) => [request.path, request.body.content.length, marks])).toEqual([
      ['/slow', 0, ['overtime']],
    ]);
    expect(counters.traces_over_time).toBe(1);
    expect(threads).toBe(1);
    expect(budget.used).toBe(0);
  });

  it('take longer where the thread has to wait for a CPU', async () => {
    let asked = 0;
    const thread = (answer: Answer): TraceThread => {
      let done: (answer: Answer) => void = () => {};
      return {
        ...answering(answer),
        finish: () => new Promise((resolve) => (done = resolve)),
        // It has the CPU for a hundredth of a millisecond between two looks, and is done with its third.
        cpuMillis: () => {
          if (++asked === 4) done(answer);
          return asked / 100;
        },
      };
    };
    const whole = await traceOf(large('/slow'));
    const { stage, accepted, counters } = stageWith({
      limits: { ...DEFAULT_LIMITS, trace_millis_max: 1 },
      openThread: () => thread({ trace: whole, textsEvicted: 0, messagesUnfit: 0 }),
    });
    stage.accept(large('/slow'));
    await stage.finish(60_000);
    expect(accepted).toEqual([whole]);
    expect(counters.traces_over_time).toBe(0);
    expect(asked).toBe(4);
  });

  it('of a file are handed over while the thread has the next one', async () => {
    const whole = await traceOf(large('/p'));
    const events: string[] = [];
    const { stage, budget } = stageWith({
      isFile: true,
      memoryBytes: 256 * MIB,
      openThread: () => ({
        ...answering({ trace: whole, textsEvicted: 0, messagesUnfit: 0 }),
        finish: async ({ draft: { trace } }) => {
          events.push(`begun ${trace.request.path}`);
          return {
            trace: { ...whole, request: { ...whole.request, path: trace.request.path } },
            textsEvicted: 0,
            messagesUnfit: 0,
          };
        },
      }),
      output: { accept: ({ request }) => void events.push(`handed over ${request.path}`), close: async () => {} },
    });
    for (const path of ['/1', '/2', '/3']) stage.accept(large(path));
    await stage.finish(60_000);
    expect(events).toEqual(['begun /1', 'begun /2', 'handed over /1', 'begun /3', 'handed over /2', 'handed over /3']);
    expect(budget.used).toBe(0);
  });

  it('leave without their bodies when the thread ends under them', async () => {
    let threads = 0;
    const { stage, accepted, counters } = stageWith({
      openThread: (bytes) =>
        threads++ === 0
          ? {
              started: Promise.resolve(),
              cpuMillis: () => null,
              finish: () => Promise.reject(new Error('ERR_WORKER_OUT_OF_MEMORY')),
              end() {},
            }
          : openTraceThread({ redaction: REDACTION, descriptors: null, yields: false }, bytes),
    });
    stage.accept(large('/1'));
    stage.accept(large('/2'));
    await stage.finish(60_000);
    expect(accepted.map(({ request }) => request.body.content.length > 0)).toEqual([false, true]);
    expect(counters.traces_over_budget).toBe(1);
    expect(threads).toBe(2);
  });

  it('wait for no longer than the sensor has when it ends', async () => {
    const { stage, accepted } = stageWith({ openThread: silentThread });
    for (const path of ['/1', '/2']) stage.accept(large(path));
    await stage.finish(1);
    expect(accepted.map(({ request, marks }) => [request.path, marks])).toEqual([
      ['/1', ['overtime']],
      ['/2', ['shed']],
    ]);
  });

  it('wait for an output that is full', async () => {
    let drain: (() => void) | undefined;
    const accepted: Trace[] = [];
    const full = new Promise<void>((resolve) => {
      drain = resolve;
    });
    let isFull = true;
    let asked: () => void = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { stage } = stageWith({
      output: {
        accept: (trace) => void accepted.push(trace),
        close: async () => {},
        drained: () => {
          asked();
          return isFull ? full : undefined;
        },
      },
    });
    stage.accept(large());
    await isAsked;
    expect(accepted).toHaveLength(0);
    isFull = false;
    drain?.();
    await stage.finish(60_000);
    expect(accepted).toHaveLength(1);
  });
});

it('makes every trace in the thread where the patterns of the user are slow', async () => {
  const { stage, accepted } = stageWith({ smallBytesMax: 0, redact: fails });
  stage.accept(small());
  await stage.finish(60_000);
  expect(accepted.map(({ request }) => request.path)).toEqual(['/p']);
});

describe('what comes late in a turn that has made enough', () => {
  /** Each trace takes `millis`. */
  function slowStage(millis: number, change: StageOptions = {}) {
    let time = 0;
    return stageWith({
      now: () => time,
      redact: () => {
        time += millis;
      },
      ...change,
    });
  }

  it('waits for the next, in order and in the budget', async () => {
    const { stage, accepted, budget } = slowStage(2);
    for (let i = 0; i < 10; i++) stage.accept(small(`/${i}`));
    expect(accepted.map(({ request }) => request.path)).toEqual(['/0', '/1', '/2']);
    expect(budget.used).toBeGreaterThan(7 * 1024);
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(accepted).toHaveLength(6);
    await stage.finish(60_000);
    expect(accepted.map(({ request }) => request.path)).toEqual(Array.from({ length: 10 }, (_, i) => `/${i}`));
    expect(budget.used).toBe(0);
  });

  it('keeps its bodies where they are large, as those wait elsewhere', async () => {
    const { stage, accepted, budget } = slowStage(2);
    stage.notePackets(true);
    const body = Buffer.alloc(3 * MIB, 'lorem ipsum ');
    for (let i = 0; i < 2; i++) stage.accept(exchangeOf(body, '', `/${i}`));
    await stage.finish(60_000);
    expect(accepted.map(({ request, marks }) => [request.body.content.length, marks])).toEqual([
      [body.length, []],
      [body.length, []],
    ]);
    expect(budget.used).toBe(0);
  });

  it('waits while packets wait, and leaves without its bodies where there is no room for them', async () => {
    const { stage, accepted, counters, budget } = slowStage(2, { memoryBytes: MIB });
    stage.notePackets(true);
    const body = Buffer.alloc(30_000, 'lorem ipsum ');
    for (let i = 0; i < 8; i++) stage.accept(exchangeOf(body, '', `/${i}`));
    stage.accept(small('/small'));
    // An eighth of the budget, of which none takes more than a quarter of what is left.
    const shed = counters.traces_over_budget;
    expect(shed).toBeGreaterThan(0);
    expect(accepted).toEqual([]);
    expect(budget.used).toBeLessThan(MIB / 8);
    stage.notePackets(false);
    await stage.finish(60_000);
    expect(accepted).toHaveLength(9);
    expect(accepted.filter(({ marks }) => marks.includes('shed'))).toHaveLength(shed);
    expect(accepted.at(-1)).toMatchObject({ request: { path: '/small', body: { truncated: false } } });
    expect(budget.used).toBe(0);
  });

  it('waits, room or not, where it has nothing that it could leave without', async () => {
    const { stage, accepted, counters, budget } = slowStage(2, { memoryBytes: MIB });
    stage.notePackets(true);
    // More than an eighth of the budget can take.
    for (let i = 0; i < 500; i++) stage.accept(bodyless(`/${i}`));
    expect(accepted.length).toBeLessThan(4);
    expect(stage.room()).toBeDefined();
    stage.notePackets(false);
    await stage.finish(60_000);
    expect(new Set(accepted.map(({ request }) => request.path)).size).toBe(500);
    expect(accepted.filter(({ marks }) => marks.includes('shed'))).toEqual([]);
    expect(counters.traces_over_budget).toBe(0);
    expect(budget.used).toBe(0);
  });
});
