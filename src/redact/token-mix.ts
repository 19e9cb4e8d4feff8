/** Digits and letters of both cases, which tokens have and words that marks join have not. */
import { isDigit } from './byte-text.js';

/** Of a longer token the beginning is judged. */
const MIXED_BYTES_MAX = 96;

/** Where the first digit, small letter and capital of what may be a token stand; at `end` where there is none. */
export interface Mix {
  start: number;
  digit: number;
  lower: number;
  upper: number;
  /** How far each was looked for, so that no byte is read twice where places ascend. */
  readonly seen: Int32Array;
}

const Kind = { digit: 0, lower: 1, upper: 2, none: 3 } as const;
const KINDS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (isDigit(byte)) return Kind.digit;
  if (byte >= 0x61) return Kind.lower;
  return byte >= 0x41 && byte <= 0x5a ? Kind.upper : Kind.none;
});

export function createMix(): Mix {
  return { start: -1, digit: 0, lower: 0, upper: 0, seen: new Int32Array(3) };
}

/** `start`: not before that of the last call. */
export function readMix(mix: Mix, bytes: Buffer, start: number, end: number): void {
  mix.start = start;
  mix.digit = firstOf(mix, Kind.digit, bytes, end);
  mix.lower = firstOf(mix, Kind.lower, bytes, end);
  mix.upper = firstOf(mix, Kind.upper, bytes, end);
}

function firstOf({ start, seen }: Mix, kind: number, bytes: Buffer, end: number): number {
  const limit = Math.min(end, start + MIXED_BYTES_MAX);
  let at = Math.max(start, seen[kind] as number);
  while (at < limit && (KINDS[bytes[at] as number] as number) !== kind) at++;
  seen[kind] = at;
  return at < limit ? at : end;
}

export function hasDigitOrBoth(bytes: Buffer, start: number, end: number): boolean {
  const mix = createMix();
  readMix(mix, bytes, start, end);
  return isMixed(mix, end, false);
}

/** Whether what ends at or before `end` can be mixed at all. */
export function mayBeMixed({ digit, lower, upper }: Mix, end: number): boolean {
  return digit < end || (lower < end && upper < end);
}

/** Whether there is a digit, or letters of both cases, where it is strict all of these: words joined by marks are no token. */
export function isMixed({ start, digit, lower, upper }: Mix, stop: number, isStrict: boolean): boolean {
  const hasBoth = lower < stop && upper < stop;
  return isStrict ? hasBoth && digit < stop : digit < stop || (hasBoth && stop - start >= 24);
}
