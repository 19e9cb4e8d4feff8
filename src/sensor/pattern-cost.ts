/**
 * Refuses patterns of the user's that take too long: RE2 is linear in the text, but a pattern that counts to thousands takes
 * microseconds for each byte, and so would each exchange. They are tried on text as it is common and as it is not, and measured
 * by the CPU time of this process.
 */
import type RE2 from 're2';
import { UsageError } from '../errors.js';
import { compileRe2 } from '../re2.js';

const SAMPLE_BYTES = 1024;
const SAMPLES: readonly Buffer[] = [
  '{"id":4711,"name":"item number 7","url":"https://shop.example/items/7?page=2","at":"2026-11-26T21:21:11Z"},',
  'Please enter your name to go on; the order 4711-0815 of 26.11.2026 is on its way to Main St. 7, Springfield. ',
  'a',
  'aB1-',
].map((text) => Buffer.alloc(SAMPLE_BYTES, text));
const KIBIBYTES = (SAMPLES.length * SAMPLE_BYTES) / 1024;
/** So often is measured what seems to take too long: the machine may have been busy. */
const ATTEMPTS = 5;
/** No machine is so many times busier in one moment than in the next. */
const HOPELESS = 100;
/** So small a part of what is allowed need not be measured any better. */
const ENOUGH_SHARE = 10;

/** A pattern, and the option that gave it: `--redact-pattern`. */
export interface GivenPattern {
  readonly option: string;
  readonly pattern: string;
}

/** How a pattern is used: each of its matches is looked for, or whether there is one. */
export type PatternUse = 'search' | 'test';

/**
 * Microseconds that all of them together take for a KiB of text, or less than they do where that is far below `most`.
 *
 * @throws UsageError that names the pattern that takes longest, where it is more than `most`
 */
export function checkPatternCost(patterns: readonly GivenPattern[], use: PatternUse, most: number): number {
  const enough = most / ENOUGH_SHARE / patterns.length;
  const costs = patterns.map((given) => ({ ...given, micros: microsPerKibibyte(given.pattern, use, enough) }));
  const sum = costs.reduce((total, { micros }) => total + micros, 0);
  if (sum <= most) return sum;
  const { option, pattern, micros } = costs.reduce((worst, one) => (one.micros > worst.micros ? one : worst));
  throw new UsageError(
    `${option} ${JSON.stringify(pattern)} takes ${Math.round(micros)} µs for a KiB of text, with all of its kind ${Math.round(sum)} µs, and ${most} µs are allowed; count to less in it, or match longer pieces`,
  );
}

/** The least that a pattern took; it need not be less than `enough`. */
function microsPerKibibyte(pattern: string, use: PatternUse, enough: number): number {
  const expression = compileRe2(pattern, use === 'search' ? 'g' : '');
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && least > enough; attempt++) {
    const start = process.cpuUsage();
    for (const sample of SAMPLES) {
      if (use === 'test') expression.test(sample);
      else searchAll(expression, sample);
    }
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / KIBIBYTES);
    if (least > enough * HOPELESS) break;
  }
  return least;
}

function searchAll(expression: RE2, sample: Buffer): void {
  expression.lastIndex = 0;
  for (let match = expression.exec(sample); match !== null; match = expression.exec(sample))
    if (match[0].length === 0) expression.lastIndex = match.index + 1;
}
