/**
 * Patterns of tokens, compiled to steps that are matched byte by byte and never go back: a literal, or a class with a
 * count (`[A-Za-z0-9_-]{20,64}`). A match ends where its last class ends: what follows must not belong to it.
 */

import { LETTER_OF } from './word-ends.js';

/** Where the last run of bytes of a set was, so that one in which many patterns may begin is read once. */
interface Run {
  readonly set: Uint8Array;
  /** Its letters, as `beginningLetters` has them. */
  readonly letters: number;
  /** The number of the search that the run is of. */
  search: number;
  start: number;
  end: number;
}

interface Step {
  /** 1 for each byte that belongs to it. */
  readonly set: Uint8Array;
  /** Of all steps with this set. */
  readonly run: Run;
  readonly min: number;
  readonly max: number;
}

export interface LookPattern {
  /** The bytes that each match begins with, which no step has: most places where one might begin differ soon. */
  readonly literal: Uint8Array;
  readonly steps: readonly Step[];
  /** The fewest bytes of a match. */
  readonly length: number;
}

const PIECE = /\[([^\]]+)\](?:\{(\d+)(?:,(\d+))?\})?|\\?([\s\S])/g;

export function compileLookPattern(source: string): LookPattern {
  const steps: Step[] = [];
  const literals: number[] = [];
  for (const [, members, min, max, literal] of source.matchAll(PIECE)) {
    if (literal !== undefined && steps.length === 0) {
      literals.push(literal.charCodeAt(0));
      continue;
    }
    const least = Number(min ?? 1);
    const run = runOf(members ?? escapeMember(literal as string));
    steps.push({ set: run.set, run, min: least, max: Number(max ?? least) });
  }
  const length = steps.reduce((sum, step) => sum + step.min, literals.length);
  return { literal: Uint8Array.from(literals), steps, length };
}

function escapeMember(literal: string): string {
  return literal === '-' ? '--' : literal;
}

const RUNS = new Map<string, Run>();

/** One a class: most patterns have the same few. */
function runOf(members: string): Run {
  let run = RUNS.get(members);
  if (run === undefined) {
    const set = makeSet(members);
    const letters = set.reduce((bits, isOne, byte) => bits | (isOne << (LETTER_OF[byte] as number)), 0);
    run = { set, letters, search: 0, start: 0, end: 0 };
    RUNS.set(members, run);
  }
  return run;
}

function makeSet(members: string): Uint8Array {
  const set = new Uint8Array(256);
  for (let i = 0; i < members.length; i++) {
    const from = members.charCodeAt(i);
    const isRange = members[i + 1] === '-' && i + 2 < members.length;
    const to = isRange ? members.charCodeAt(i + 2) : from;
    for (let byte = from; byte <= to; byte++) set[byte] = 1;
    if (isRange) i += 2;
  }
  return set;
}

/** A run as long as that is not read again for each match that may begin inside. */
const LOOP_BYTES_MAX = 8;

/** Where a match that begins at `start` ends, or -1. `search`: the number of the search, so that of each text it is another. */
export function matchLookPattern(
  { literal, steps }: LookPattern,
  bytes: Uint8Array,
  start: number,
  end: number,
  search: number,
): number {
  let at = start;
  for (let i = 0; i < literal.length; i++) if (bytes[at++] !== literal[i]) return -1;
  const lastStep = steps.length - 1;
  for (let i = 0; i < lastStep; i++) {
    const { set, run, min, max } = steps[i] as Step;
    const most = Math.min(end, at + max);
    const least = at + min;
    // Where a long one begins, others may begin inside.
    if (max > LOOP_BYTES_MAX) at = Math.min(most, runEnd(run, bytes, { start: at, end }, search));
    else while (at < most && (set[bytes[at] as number] as number) === 1) at++;
    if (at < least) return -1;
  }
  const { run, min, max } = steps[lastStep] as Step;
  const stop = runEnd(run, bytes, { start: at, end }, search);
  // More of the same, where the count is fixed, makes it something else.
  return stop - at < min || (min === max && stop - at > max) ? -1 : stop;
}

/** Where the run of bytes of a set ends. */
function runEnd(run: Run, bytes: Uint8Array, { start, end }: { start: number; end: number }, search: number): number {
  if (run.search === search && start >= run.start && start < run.end) return run.end;
  const { set } = run;
  let at = start;
  while (at < end && (set[bytes[at] as number] as number) === 1) at++;
  run.search = search;
  run.start = start;
  run.end = at;
  return at;
}

/** Whether the bytes that each match begins with stand at `at`. */
export function beginsLike({ literal }: LookPattern, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return false;
  return true;
}

/**
 * What the first three bytes of a match may be: a bit for each letter, by its number in the alphabet, and the lowest for all that is
 * none.
 */
export function beginningLetters({ literal, steps }: LookPattern): readonly [number, number, number] {
  const letters: number[] = [];
  for (let i = 0; i < literal.length && i < 3; i++) letters.push(1 << (LETTER_OF[literal[i] as number] as number));
  for (const { run, min, max } of steps) {
    for (let i = 0; i < min && letters.length < 3; i++) letters.push(run.letters);
    // More of it may follow, or the next.
    if (max > min || letters.length >= 3) break;
  }
  const [first = ANY, second = ANY, third = ANY] = letters;
  return [first, second, third];
}

const ANY = -1;

/** The first two bytes a match can begin with, each as `first << 8 | second`. */
export function beginnings({ literal, steps }: LookPattern): number[] {
  const [one, other] = literal;
  const first = one === undefined ? membersOf(steps[0] as Step) : [one];
  const second = other === undefined ? secondOf(literal.length, steps, first) : [other];
  return first.flatMap((from) => second.map((to) => (from << 8) | to));
}

function secondOf(literals: number, steps: readonly Step[], first: number[]): number[] {
  if (literals === 1) return membersOf(steps[0] as Step);
  return (steps[0] as Step).max > 1 ? first : membersOf(steps[1] as Step);
}

function membersOf({ set }: Step): number[] {
  const members: number[] = [];
  for (let byte = set.indexOf(1); byte >= 0; byte = set.indexOf(1, byte + 1)) members.push(byte);
  return members;
}
