/**
 * Replacements to be made in a body, gathered by several passes and applied in one, all other bytes left as they are.
 *
 * A pass may look at a decoded form of the bytes (a JSON string within a string, a percent-encoded field): a `View`
 * carries where in the original each decoded byte came from.
 */

import { DEFAULT_LIMITS } from '../limits.js';

export interface View {
  readonly bytes: Buffer;
  /** Offset in the original of the first byte, where the view is a plain part of it. */
  readonly base: number;
  /** For each byte, and for the end, its offset in the original; null where the view is a plain part of it. */
  readonly origin: Int32Array | null;
}

/** A decoded view costs five times its size; what is larger is not decoded. */
export const DECODED_BYTES_MAX = DEFAULT_LIMITS.redaction_decoded_bytes_max;

/** What takes the place of a string, or of part of one. */
export const REDACTED = 'REDACTED';

const TEXT = Buffer.from(REDACTED);
/** What takes the place of a number, so that it stays one. */
const NUMBER = Buffer.from('0');

/** What replaced something, and under which name: the name's place in the original, or null where it had none. */
export interface Cause {
  readonly rule: string;
  readonly name: string | null;
}

/** A text that was replaced. */
export interface Replaced {
  readonly cause: Cause;
  readonly text: Buffer;
}

export interface Edits {
  readonly size: number;
  /** Whether no more causes are noted. */
  readonly isFull: boolean;
  /** The causes so far, each once, the first `redactions_max` of them. */
  readonly causes: readonly Cause[];
  /** Replaces the bytes from `start` to `end` of the view by `REDACTED`. */
  text(view: View, start: number, end: number, cause: Cause): void;
  /** Replaces a number by 0. */
  number(view: View, start: number, end: number, cause: Cause): void;
  /** Calls back with the place of each edit in the original, in order. */
  eachSpan(found: (start: number, end: number, isNumber: boolean) => void): void;
  /** Calls back with each text that `apply` replaces, and why; nothing where the causes of each are not kept. */
  eachReplaced(original: Buffer, found: (replaced: Replaced) => void): void;
  /** The original with every edit made; of edits that overlap, what is not yet replaced. */
  apply(original: Buffer, text?: Buffer): Buffer;
  /** The same, but with each byte that an edit covers masked, so that no length changes. */
  mask(original: Buffer): Buffer;
}

/** Three numbers an edit: start, end, and twice the place of its cause where it is kept, 1 more for a number. */
const FIELDS = 3;
/** As much as a typed array holds without memory of its own. */
const SPANS_MIN = 5;
/** Most texts have no edit, and get no room for any. */
const NO_SPANS = new Int32Array(0);

class EditList implements Edits {
  size = 0;
  readonly causes: Cause[] = [];
  #spans: Int32Array<ArrayBuffer> = NO_SPANS;
  #isSorted = true;
  #lastCause: Cause | null = null;
  /** The cause of each edit; null where they are not kept. */
  readonly #all: Cause[] | null;

  constructor(keepsCauses: boolean) {
    this.#all = keepsCauses ? [] : null;
  }

  get isFull(): boolean {
    return this.#all === null && this.causes.length >= DEFAULT_LIMITS.redactions_max;
  }

  text(view: View, start: number, end: number, cause: Cause): void {
    if (start >= end) return;
    this.#note(cause);
    this.#add(originOf(view, start), originOf(view, end), this.#place(cause));
  }

  number(view: View, start: number, end: number, cause: Cause): void {
    if (start >= end) return;
    this.#note(cause);
    this.#add(originOf(view, start), originOf(view, end), this.#place(cause) + 1);
  }

  eachSpan(found: (start: number, end: number, isNumber: boolean) => void): void {
    this.#sort();
    const spans = this.#spans;
    for (let at = 0; at < this.size * FIELDS; at += FIELDS)
      found(spans[at] as number, spans[at + 1] as number, ((spans[at + 2] as number) & 1) === 1);
  }

  eachReplaced(original: Buffer, found: (replaced: Replaced) => void): void {
    const all = this.#all;
    if (all === null) return;
    this.#sort();
    const spans = this.#spans;
    let done = 0;
    for (let at = 0; at < this.size * FIELDS; at += FIELDS) {
      const start = Math.max(done, spans[at] as number);
      const end = spans[at + 1] as number;
      if (end <= start) continue;
      // What reaches behind the one before it is part of that one.
      if (start === spans[at])
        found({ cause: all[(spans[at + 2] as number) >> 1] as Cause, text: original.subarray(start, end) });
      done = end;
    }
  }

  apply(original: Buffer, text: Buffer = TEXT): Buffer {
    this.#sort();
    const spans = this.#spans;
    const result = Buffer.allocUnsafe(original.length + this.size * text.length);
    let length = 0;
    let done = 0;
    for (let at = 0; at < this.size * FIELDS; at += FIELDS) {
      const start = spans[at] as number;
      const end = spans[at + 1] as number;
      if (end <= done) continue;
      if (start > done) length += copyInto(result, length, original, done, start);
      if (start >= done) {
        const replacement = ((spans[at + 2] as number) & 1) === 1 ? NUMBER : text;
        length += copyInto(result, length, replacement, 0, replacement.length);
      }
      done = end;
    }
    length += copyInto(result, length, original, done, original.length);
    return result.subarray(0, length);
  }

  mask(original: Buffer): Buffer {
    const spans = this.#spans;
    const masked = Buffer.from(original);
    for (let at = 0; at < this.size * FIELDS; at += FIELDS)
      masked.fill('*', spans[at] as number, spans[at + 1] as number);
    return masked;
  }

  /** Keeps the cause of one edit. */
  #place(cause: Cause): number {
    return this.#all === null ? 0 : 2 * (this.#all.push(cause) - 1);
  }

  #note(cause: Cause): void {
    const { causes } = this;
    if (cause === this.#lastCause || causes.length >= DEFAULT_LIMITS.redactions_max) return;
    this.#lastCause = cause;
    for (const { rule, name } of causes) if (rule === cause.rule && name === cause.name) return;
    causes.push(cause);
  }

  #add(start: number, end: number, kind: number): void {
    const at = this.size * FIELDS;
    if (at === this.#spans.length) {
      const larger = new Int32Array(Math.max(this.#spans.length * 2, FIELDS * SPANS_MIN));
      larger.set(this.#spans);
      this.#spans = larger;
    }
    const spans = this.#spans;
    if (this.size > 0 && start < (spans[at - FIELDS] as number)) this.#isSorted = false;
    spans[at] = start;
    spans[at + 1] = end;
    spans[at + 2] = kind;
    this.size++;
  }

  #sort(): void {
    if (this.#isSorted) return;
    this.#spans = mergedRuns(this.#spans, this.size);
    this.#isSorted = true;
  }
}

/**
 * The edits in their order, of those that begin together the longer first: each pass over a text finds its own in order, so that
 * there are few runs to be merged.
 */
function mergedRuns(spans: Int32Array, size: number): Int32Array<ArrayBuffer> {
  let runs = runStarts(spans, size);
  let from = spans;
  let to = new Int32Array(size * FIELDS);
  let other: Int32Array<ArrayBuffer> | null = null;
  while (runs.length > 2) {
    const merged: number[] = [];
    for (let i = 0; i + 1 < runs.length; i += 2) {
      const start = runs[i] as number;
      const middle = runs[i + 1] as number;
      merge(from, to, start, middle, runs[i + 2] ?? middle);
      merged.push(start);
    }
    merged.push(size * FIELDS);
    runs = merged;
    const done = to;
    to = other ?? new Int32Array(size * FIELDS);
    other = done;
    from = done;
  }
  return other ?? Int32Array.from(spans);
}

/** Where runs begin that are in order already, and where the last one ends. */
function runStarts(spans: Int32Array, size: number): number[] {
  const starts = [0];
  for (let at = FIELDS; at < size * FIELDS; at += FIELDS) if (isBefore(spans, at, at - FIELDS)) starts.push(at);
  starts.push(size * FIELDS);
  return starts;
}

function isBefore(spans: Int32Array, one: number, other: number): boolean {
  const start = spans[one] as number;
  const otherStart = spans[other] as number;
  return start < otherStart || (start === otherStart && (spans[one + 1] as number) > (spans[other + 1] as number));
}

/** Merges the run from `start` to `middle` and the one from there to `end`; what is in either order stays in its own. */
function merge(from: Int32Array, to: Int32Array, start: number, middle: number, end: number): void {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at += FIELDS) {
    const isRight = left >= middle || (right < end && isBefore(from, right, left));
    const next = isRight ? right : left;
    for (let i = 0; i < FIELDS; i++) to[at + i] = from[next + i] as number;
    if (isRight) right += FIELDS;
    else left += FIELDS;
  }
}

/** `keepsCauses`: the cause of each edit is kept, for `eachReplaced`. */
export function createEdits(keepsCauses = false): Edits {
  return new EditList(keepsCauses);
}

/** Copies bytes of `from` to `at`; returns how many. */
export function copyInto(to: Buffer, at: number, from: Buffer, start: number, end: number): number {
  // A call into C++ costs more than a few bytes.
  if (end - start > COPIED_HERE_MAX) return from.copy(to, at, start, end);
  for (let i = start, next = at; i < end; i++) to[next++] = from[i] as number;
  return end - start;
}

const COPIED_HERE_MAX = 48;

/** The part of a view from `start` to `end`. */
export function part(view: View, start: number, end: number): View {
  const bytes = view.bytes.subarray(start, end);
  if (view.origin === null) return { bytes, base: view.base + start, origin: null };
  return { bytes, base: 0, origin: view.origin.subarray(start, end + 1) };
}

function originOf({ base, origin }: View, offset: number): number {
  return origin === null ? base + offset : (origin[offset] as number);
}
