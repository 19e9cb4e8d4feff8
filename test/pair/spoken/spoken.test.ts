/**
 * Properties of the pure engine over conversations in which half of the bodies hold HTTP as text, with losses, in any
 * order, joined in the middle, on ports used again: whatever the capture has, a response is shown only at the request that
 * it answers, and nothing is shown that was not said.
 *
 * `SEED=n` runs the same conversations again, `EXCHANGES=n` sets how many exchanges. `npm run bench:conversations` counts
 * over hundreds of thousands and by what they have in common.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { runSeed } from '../../support/random.js';
import { FAULTS, type FaultKind, judge, randomTrial, type Trial } from './oracle.js';
import { shrink } from './shrink.js';
import { count, emptySum, type Sum, type Tally } from './tally.js';
import { transcript } from './transcript.js';

const EXCHANGES = Number(process.env.EXCHANGES ?? 4000);
const SEED = runSeed();

/**
 * Faults in a thousand exchanges that the engine may still have, and the percentage it has to answer of the exchanges
 * that were captured whole. Each only gets better, and the aim is 0 and 99.5.
 */
const FAULTS_MAX: Readonly<Record<FaultKind, number>> = {
  'wrong pair': 0.25,
  'made up': 1,
  'foreign bytes': 1,
  'unmarked damage': 0,
  'false mark': 8,
};
const ANSWERED_MIN = 84;

interface Run {
  sum: Sum;
  /** The first conversation in which each kind of fault came up. */
  first: Partial<Record<FaultKind, Trial>>;
}

function runAll(): Run {
  const tally: Tally = {};
  const first: Run['first'] = {};
  let said = 0;
  for (let seed = SEED; said < EXCHANGES; seed = (seed + 1) >>> 0) {
    const result = randomTrial(seed);
    count(tally, result);
    said += result.verdict.said;
    for (const { kind } of result.verdict.faults) first[kind] ??= result;
  }
  return { sum: tally.all?.all ?? emptySum(), first };
}

describe(`conversations that hold HTTP as text, SEED=${SEED}`, () => {
  let sum = emptySum();
  let first: Run['first'] = {};
  beforeAll(() => {
    ({ sum, first } = runAll());
  });

  it.each(FAULTS)('have next to no fault of the kind "%s"', (kind) => {
    const rate = (sum.faults[kind] / sum.said) * 1000;
    const example = first[kind];
    if (rate <= FAULTS_MAX[kind] || example === undefined) return;
    throw new Error(
      `${rate.toFixed(1)} in a thousand exchanges, over ${FAULTS_MAX[kind]}\n${transcript(shrink(example, kind))}`,
    );
  });

  it('are answered where all of their bytes were captured', () => {
    expect(sum.captured).toBeGreaterThan(EXCHANGES / 2);
    expect((sum.capturedAnswered / sum.captured) * 100).toBeGreaterThanOrEqual(ANSWERED_MIN);
  });
});

describe('the oracle', () => {
  /** A conversation of which all was captured, and at least two exchanges were shown as they were said. */
  function faultless(): Trial {
    for (let seed = 1; ; seed++) {
      const candidate = randomTrial(seed);
      const { exchanges, verdict, effects } = candidate;
      const isGood = verdict.faults.length === 0 && verdict.capturedWhole === exchanges.length && exchanges.length > 1;
      const hasBodies = exchanges.filter(({ response }) => response !== null && response.body.keptBytes > 0).length > 1;
      if (isGood && hasBodies && effects.lost.size === 0 && effects.skipped === 0) return candidate;
    }
  }

  const spoil: [FaultKind, (exchanges: Trial['exchanges']) => Trial['exchanges']][] = [
    ['wrong pair', ([a, b, ...rest]) => [{ ...a, response: b?.response }, b, ...rest] as Trial['exchanges']],
    [
      'made up',
      ([a, ...rest]) => [a, { ...a, request: { ...a?.request, target: '/text/' } }, ...rest] as Trial['exchanges'],
    ],
    ['made up', ([a, ...rest]) => [a, a, ...rest] as Trial['exchanges']],
    ['foreign bytes', (all) => all.map((exchange) => withBody(exchange, (bytes) => bytes.map((byte) => byte ^ 1)))],
    ['unmarked damage', (all) => all.map((exchange) => withBody(exchange, (bytes) => bytes.subarray(1, 1)))],
    ['unmarked damage', ([a, ...rest]) => [{ ...a, response: null }, ...rest] as Trial['exchanges']],
    ['false mark', ([a, ...rest]) => [{ ...a, marks: 2 }, ...rest] as Trial['exchanges']],
  ];

  it.each(spoil)('sees a fault of the kind "%s"', (kind, change) => {
    const { spoken, effects, packets, exchanges } = faultless();
    expect(judge(spoken, effects, packets, exchanges).faults).toEqual([]);
    expect(judge(spoken, effects, packets, change(exchanges)).faults.map((fault) => fault.kind)).toContain(kind);
  });

  it('plays the same conversation for the same seed', () => {
    const { packets } = randomTrial(7);
    expect(randomTrial(7).packets).toEqual(packets);
  });
});

function withBody(
  exchange: Trial['exchanges'][number],
  change: (bytes: Uint8Array) => Uint8Array,
): Trial['exchanges'][number] {
  const { response } = exchange;
  if (response === null || response.body.keptBytes === 0) return exchange;
  const bytes = change(Uint8Array.from(Buffer.concat(response.body.chunks)));
  const body = { ...response.body, chunks: [bytes], keptBytes: bytes.length, wireBytes: response.body.wireBytes };
  return { ...exchange, response: { ...response, body: { ...body, truncated: false } } };
}
