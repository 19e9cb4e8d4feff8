/**
 * Patterns of tokens, compiled to steps that are matched byte by byte and never go back: a literal, or a class with a
 * count (`[A-Za-z0-9_-]{20,64}`). A match ends where its last class ends: what follows must not belong to it.
 */

/** Where the last run of bytes of a set was, so that one in which many patterns may begin is read once. */
interface Run {
  readonly set: Uint8Array;
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
    run = { set, search: 0, start: 0, end: 0 };
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

/** The first three bytes a match can begin with, the first one lowest. */
export function beginnings({ literal, steps }: LookPattern): number[] {
  const places = [...literal.subarray(0, BEGINNING_BYTES)].map((byte) => [byte]);
  for (const { set, min, max } of steps) {
    for (let i = 0; i < min && places.length < BEGINNING_BYTES; i++) places.push(membersOf(set));
    // More of it may follow, or the next.
    if (max > min || places.length === BEGINNING_BYTES) break;
  }
  const [first = ANY, second = ANY, third = ANY] = places;
  return first.flatMap((one) => second.flatMap((two) => third.map((three) => one | (two << 8) | (three << 16))));
}

const BEGINNING_BYTES = 3;
const ANY = [...new Uint8Array(256).keys()];

function membersOf(set: Uint8Array): number[] {
  return [...set.keys()].filter((byte) => set[byte] === 1);
}
