/**
 * Properties of HTTP/2 over conversations that Node's client and server had (`h2-conversation.ts`):
 *
 * - However a connection is cut into segments, reordered, repeated and overlapped, its exchanges come out byte for byte.
 * - Whatever packets are lost, and wherever it was joined, each exchange belongs to one stream: each of its fields is as it was sent
 *   or missing, its bodies are prefixes of the true ones, and what is incomplete is marked.
 *
 * `SEED=n` runs a seed again, `CASES=n` sets the number of cases of each; several are made of one conversation.
 */
import { describe, expect, it } from 'vitest';
import { createCounters, DropReason, exchangesInFlight } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { type Exchange, Mark, markNames } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';
import type { Trace } from '../../src/trace/trace.js';
import { Random, runSeed } from '../support/random.js';
import { tracesOf } from '../support/read-capture.js';
import { tcpBatch } from '../support/tcp-batch.js';
import { type Http2Conversation, haveConversation, packetsOf, type StreamTruth } from './h2-conversation.js';
import { disturb, type Packet } from './random-conversation.js';

const CASES = Number(process.env.CASES ?? 5000);
const CASES_A_CONVERSATION = 50;
const SEED = runSeed();

function run(packets: readonly Packet[]): Exchange[] {
  const counters = createCounters();
  const budget = new MemoryBudget(DEFAULT_LIMITS.memory_bytes_max);
  const exchanges: Exchange[] = [];
  const assembler = new ExchangeAssembler({
    limits: DEFAULT_LIMITS,
    counters,
    budget,
    interfaces: [{ id: 0, name: 'eth1', linkType: 1 }],
    hashSeed: SEED,
    hooks: { admit: () => DropReason.none, complete: (exchange) => exchanges.push(exchange) },
  });
  assembler.push(tcpBatch(packets, 40_000, 0));
  assembler.finish();
  expect(budget.used, 'bytes still accounted for at the end').toBe(0);
  expect(exchangesInFlight({ ...counters, exchanges_exported: exchanges.length }), 'exchanges in flight').toBe(0);
  return exchanges;
}

/** Where two of these differ, they show where. */
function textOf(one: Omit<StreamTruth, 'isReset'>): string {
  const { id, method, target, authority, status } = one;
  const body = (bytes: Buffer) => `${bytes.length} ${bytes.toString('latin1').slice(0, 40)} ${hashOf(bytes)}`;
  return JSON.stringify(
    [
      [id, method, target, authority, status],
      [one.requestHeaders, body(one.requestBody), one.requestTrailers],
      [one.responseHeaders, body(one.responseBody), one.responseTrailers],
    ],
    null,
    1,
  );
}

function hashOf(bytes: Buffer): number {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}

function seen({ network, request, response }: Trace): Omit<StreamTruth, 'isReset'> {
  return {
    id: network.streamId ?? -1,
    method: request.method,
    target: request.target,
    authority: request.authority,
    requestHeaders: request.headers,
    requestBody: Buffer.from(request.body.content),
    requestTrailers: request.trailers,
    status: response?.status ?? 0,
    responseHeaders: response?.headers ?? [],
    responseBody: Buffer.from(response?.body.content ?? []),
    responseTrailers: response?.trailers ?? [],
  };
}

async function each(check: (random: Random, conversation: Http2Conversation) => Promise<void>): Promise<void> {
  for (let done = 0; done < CASES; done += CASES_A_CONVERSATION) {
    const seed = (SEED + done) >>> 0;
    const random = new Random(seed);
    const conversation = await haveConversation(random);
    for (let i = 0; i < Math.min(CASES_A_CONVERSATION, CASES - done); i++) {
      try {
        await check(random, conversation);
      } catch (error) {
        throw new Error(`case ${i} of SEED=${seed} CASES=${i + 1}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
}

/** An exchange that says of itself that it is whole. */
const WHOLE = Mark.earlyResponse;

function expectWhole(trace: Trace, truth: StreamTruth): void {
  expect(textOf(seen(trace))).toBe(textOf(truth));
}

/** Whether `some` are among `all`, in that order. */
function areAmong(some: readonly (readonly string[])[], all: readonly (readonly string[])[]): boolean {
  let at = 0;
  return some.every(([name, value]) => {
    while (at < all.length && (all[at]?.[0] !== name || all[at]?.[1] !== value)) at++;
    return at++ < all.length;
  });
}

function expectTrue(trace: Trace, truth: StreamTruth): void {
  const one = seen(trace);
  expect([truth.method, '']).toContain(one.method);
  expect([truth.target, '']).toContain(one.target);
  // Where nobody knows it, the address stands for it.
  expect([truth.authority, '10.0.0.2:80']).toContain(one.authority);
  expect([truth.status, 0]).toContain(one.status);
  if (one.target === '' || (trace.response !== null && one.status === 0))
    expect(trace.marks).toContain('headers-unknown');
  expect(areAmong(one.requestHeaders, truth.requestHeaders), 'headers of the request').toBe(true);
  expect(areAmong(one.requestTrailers, truth.requestTrailers), 'trailers of the request').toBe(true);
  if (!truth.isReset) {
    if (!areAmong(one.responseHeaders, truth.responseHeaders))
      expect([one.responseHeaders, trace.marks], 'headers of the response').toEqual(truth.responseHeaders);
    expect(areAmong(one.responseTrailers, truth.responseTrailers), 'trailers of the response').toBe(true);
    expect(truth.responseBody.subarray(0, one.responseBody.length).equals(one.responseBody), 'response body').toBe(
      true,
    );
    expect(trace.response?.body.wireBytes ?? 0).toBeLessThanOrEqual(truth.responseBody.length);
  }
  expect(truth.requestBody.subarray(0, one.requestBody.length).equals(one.requestBody), 'request body').toBe(true);
}

describe(`conversations of HTTP/2, SEED=${SEED}`, () => {
  it(`come out byte for byte, ${CASES} times`, { timeout: 600_000 }, async () => {
    let count = 0;
    await each(async (random, conversation) => {
      const exchanges = run(disturb(random, packetsOf(random, conversation)));
      const traces = await tracesOf(exchanges);
      expect(traces.map(({ network }) => network.streamId).toSorted()).toEqual(
        [...conversation.streams.keys()].toSorted(),
      );
      for (const [i, trace] of traces.entries()) {
        const truth = conversation.streams.get(trace.network.streamId as number) as StreamTruth;
        if (truth.isReset) {
          expectTrue(trace, truth);
        } else {
          expectWhole(trace, truth);
          expect(markNames((exchanges[i] as Exchange).marks & ~WHOLE)).toEqual([]);
        }
        count++;
      }
    });
    expect(count).toBeGreaterThan(CASES);
  });

  it(`with losses, or joined later, are right or unknown, ${CASES} times`, { timeout: 600_000 }, async () => {
    let whole = 0;
    let marked = 0;
    await each(async (random, conversation) => {
      const { packets, handshake } = packetsOf(random, conversation);
      const joined = random.chance(0.3) ? random.between(handshake, packets.length) : 0;
      const rate = random.pick([0, 0.01, 0.05, 0.2]);
      const captured = disturb(random, { expected: [], packets, handshake }).filter(
        (_, i) => i >= joined && (i < handshake || !random.chance(rate)),
      );
      const exchanges = run(captured);
      for (const [i, trace] of (await tracesOf(exchanges)).entries()) {
        const truth = conversation.streams.get(trace.network.streamId as number);
        if (truth === undefined) throw new Error(`stream ${trace.network.streamId}, which nobody began`);
        expectTrue(trace, truth);
        // The first of a connection says that it was joined, and is whole all the same. One that was given up is whole where that
        // was lost, and its client has received a part of it.
        if (truth.isReset) continue;
        if (((exchanges[i] as Exchange).marks & ~(WHOLE | Mark.midstream)) === 0) {
          expectWhole(trace, truth);
          whole++;
        } else {
          marked++;
        }
      }
    });
    // Both kinds must have come up, or this shows nothing.
    expect(whole).toBeGreaterThan(CASES / 10);
    expect(marked).toBeGreaterThan(CASES / 10);
  });
});
