/**
 * `FUZZ_SECONDS=600 npx vitest run test/fuzz` for long; a few seconds in the normal suite. `FUZZ_SEED=n` runs one
 * round again.
 */
import { expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { fuzzRound } from './fuzz.js';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 5);
const ONE = process.env.FUZZ_SEED;
/** Only a hang takes this long: rounds take milliseconds. */
const HANG_SECONDS = 20;

it(
  `stands ${SECONDS} s of hostile input`,
  async () => {
    const start = Date.now();
    const first = ONE === undefined ? start >>> 0 : Number(ONE);
    let rounds = 0;
    do {
      const seed = (first + rounds) >>> 0;
      const began = Date.now();
      try {
        await fuzzRound(new Random(seed));
      } catch (error) {
        throw new Error(`FUZZ_SEED=${seed}: ${(error as Error).message}`, { cause: error });
      }
      expect(Date.now() - began, `FUZZ_SEED=${seed}: milliseconds of one round`).toBeLessThan(HANG_SECONDS * 1000);
      rounds++;
      if (rounds % 50 === 0) await new Promise(setImmediate);
    } while (ONE === undefined && Date.now() - start < SECONDS * 1000);
    process.stdout.write(`fuzz: ${rounds} rounds from FUZZ_SEED=${first}, nothing found\n`);
  },
  (SECONDS + 2 * HANG_SECONDS) * 1000,
);
