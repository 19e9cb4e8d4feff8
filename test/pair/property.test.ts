/**
 * Properties of the whole pure engine over random conversations (`random-conversation.ts` makes them):
 *
 * - However a connection is cut into segments, reordered within the window, repeated and overlapped, its exchanges come
 *   out byte for byte.
 * - Whatever packets are lost, each exchange is either as it was or marked, and what it shows was on the wire at that
 *   place: a body is a prefix of the true one, a response is one the server gave. Which request it answers cannot always
 *   be known when requests are lost too; then it may be a neighbour's, and the mark says so. Unmarked, it never is.
 *
 * `SEED=n` runs a seed again, `CASES=n` sets the number of cases.
 */
import { describe, expect, it } from 'vitest';
import { createCounters, DropReason, exchangesInFlight } from '../../src/counters.js';
import { bodyBytes } from '../../src/http/message-body.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { type Exchange, Mark, markNames } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';
import type { Trace } from '../../src/trace/trace.js';
import { Random, runSeed } from '../support/random.js';
import { tracesOf } from '../support/read-capture.js';
import { tcpBatch } from '../support/tcp-batch.js';
import {
  disturb,
  type ExpectedExchange,
  type Packet,
  type RandomConversation,
  randomConversation,
} from './random-conversation.js';

const CASES = Number(process.env.CASES ?? 5_000);
const SEED = runSeed();

/** Runs packets through the engine; checks what must hold of any run. */
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
  expect(assembler.pendingCount).toBe(0);
  expect(assembler.flowCount).toBe(0);
  return exchanges;
}

const NOTHING = Buffer.alloc(0);

/** An exchange as text that shows where two differ. */
function textOf(e: ExpectedExchange): string {
  const body = (bytes: Uint8Array) => `${bytes.length} ${Buffer.from(bytes).toString('latin1').slice(0, 40_000)}`;
  return JSON.stringify([
    e.method,
    e.target,
    e.requestHeaders,
    body(e.requestBody),
    e.requestTrailers,
    e.status,
    e.reason,
    e.responseHeaders,
    body(e.responseBody),
    e.responseTrailers,
  ]);
}

function seen(trace: Trace): ExpectedExchange {
  const { request, response } = trace;
  return {
    method: request.method,
    target: request.target,
    requestHeaders: request.headers,
    requestBody: Buffer.from(request.body.content),
    requestWireBody: NOTHING,
    requestTrailers: request.trailers,
    status: response?.status ?? 0,
    reason: response?.reason ?? '',
    responseHeaders: response?.headers ?? [],
    responseBody: Buffer.from(response?.body.content ?? []),
    responseWireBody: NOTHING,
    responseTrailers: response?.trailers ?? [],
  };
}

/** Each case that fails says with what seed it does again. */
async function each(check: (random: Random, conversation: RandomConversation) => void | Promise<void>): Promise<void> {
  for (let i = 0; i < CASES; i++) {
    const seed = (SEED + i) >>> 0;
    const random = new Random(seed);
    try {
      await check(random, randomConversation(random, seed));
    } catch (error) {
      throw new Error(`case of SEED=${seed} CASES=1: ${(error as Error).message}`, { cause: error });
    }
  }
}

describe(`random conversations, SEED=${SEED}`, () => {
  it(`come out byte for byte, ${CASES} times`, { timeout: 600_000 }, async () => {
    await each(async (random, conversation) => {
      const exchanges = run(disturb(random, conversation));
      const traces = await tracesOf(exchanges);
      expect(traces.map((trace) => textOf(seen(trace)))).toEqual(conversation.expected.map(textOf));
      expect(exchanges.map((exchange) => markNames(exchange.marks))).toEqual(exchanges.map(() => []));
    });
  });

  it(`with losses are as they were, or marked and true, ${CASES} times`, { timeout: 600_000 }, async () => {
    let whole = 0;
    let marked = 0;
    await each(async (random, conversation) => {
      const rate = random.pick([0.01, 0.05, 0.2]);
      const packets = disturb(random, conversation).filter(
        (_, i) => i < conversation.handshake || !random.chance(rate),
      );
      const exchanges = run(packets);
      const traces = await tracesOf(exchanges);
      const judge = (exchange: Exchange, i: number): void => {
        const trace = traces[i] as Trace;
        const truth = conversation.expected.find(({ target }) => target === exchange.request.target);
        if (truth === undefined) throw new Error(`a request for ${exchange.request.target}, which nobody sent`);
        if (exchange.marks === 0) {
          expect(textOf(seen(trace))).toBe(textOf(truth));
          whole++;
          return;
        }
        marked++;
        expect([trace.request.method, trace.request.headers]).toEqual([truth.method, truth.requestHeaders]);
        checkPrefix(exchange.request.body, truth, 'request');
        if (exchange.response === null) {
          expect(exchange.marks & Mark.noResponse).not.toBe(0);
        } else {
          const answer = whoseResponse(trace, conversation);
          expect([trace.response?.status, trace.response?.headers]).toEqual([answer.status, answer.responseHeaders]);
          // A receiver that lost a HEAD request cannot know that its response has no body, and takes what follows for one.
          const isBodiless = answer.method === 'HEAD' || answer.status === 304;
          if (answer === truth || !isBodiless) checkPrefix(exchange.response.body, answer, 'response');
        }
      };
      exchanges.forEach(judge);
    });
    // Both kinds must have come up, or this shows nothing.
    expect(whole).toBeGreaterThan(CASES / 10);
    expect(marked).toBeGreaterThan(CASES / 10);
  });
});

/** The exchange whose response this is, by the id that the generator put in both. */
function whoseResponse(trace: Trace, conversation: RandomConversation): ExpectedExchange {
  const id = trace.response?.headers.find(([name]) => name === 'X-Id')?.[1];
  const found = conversation.expected.find(({ responseHeaders }) => responseHeaders[0]?.[1] === id);
  if (found === undefined) throw new Error(`a response with id ${id}, which nobody sent`);
  return found;
}

/** The kept bytes stand at the beginning of the true body, as transferred. */
function checkPrefix(body: Exchange['request']['body'], truth: ExpectedExchange, side: 'request' | 'response'): void {
  const kept = Buffer.from(bodyBytes(body));
  const wire = side === 'request' ? truth.requestWireBody : truth.responseWireBody;
  expect(
    kept.equals(wire.subarray(0, kept.length)),
    `${side} body of ${truth.target} is a prefix of the true one`,
  ).toBe(true);
  // A lost FIN took a sequence number, as a byte does.
  expect(body.wireBytes).toBeLessThanOrEqual(wire.length + 1);
}
