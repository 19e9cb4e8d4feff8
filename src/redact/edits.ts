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

/** A decoded view costs four times its size; what is larger is not decoded. */
export const DECODED_BYTES_MAX = DEFAULT_LIMITS.redaction_decoded_bytes_max;

/** What takes the place of a string, or of part of one. */
export const REDACTED = 'REDACTED';

const TEXT = Buffer.from(REDACTED);
/** What takes the place of a number, so that it stays one. */
const NUMBER = Buffer.from('0');

export interface Edits {
  readonly size: number;
  /** Replaces the bytes from `start` to `end` of the view by `REDACTED`. */
  text(view: View, start: number, end: number): void;
  /** Replaces a number by 0. */
  number(view: View, start: number, end: number): void;
  /** The original with every edit made; of edits that overlap, what is not yet replaced. */
  apply(original: Buffer): Buffer;
  /** The same, but with each byte that an edit covers masked, so that no length changes. */
  mask(original: Buffer): Buffer;
}

export function createEdits(): Edits {
  const spans: { start: number; end: number; by: Buffer }[] = [];

  function add(view: View, start: number, end: number, by: Buffer): void {
    if (start < end) spans.push({ start: originOf(view, start), end: originOf(view, end), by });
  }

  return {
    get size() {
      return spans.length;
    },
    text: (view, start, end) => add(view, start, end, TEXT),
    number: (view, start, end) => add(view, start, end, NUMBER),
    apply(original) {
      spans.sort((a, b) => a.start - b.start || b.end - a.end);
      const pieces: Buffer[] = [];
      let done = 0;
      for (const { start, end, by } of spans) {
        if (end <= done) continue;
        if (start > done) pieces.push(original.subarray(done, start));
        if (start >= done) pieces.push(by);
        done = end;
      }
      pieces.push(original.subarray(done));
      return Buffer.concat(pieces);
    },
    mask(original) {
      const masked = Buffer.from(original);
      for (const { start, end } of spans) masked.fill('*', start, end);
      return masked;
    },
  };
}

/** The part of a view from `start` to `end`. */
export function part(view: View, start: number, end: number): View {
  const bytes = view.bytes.subarray(start, end);
  if (view.origin === null) return { bytes, base: view.base + start, origin: null };
  return { bytes, base: 0, origin: view.origin.subarray(start, end + 1) };
}

/**
 * Decodes part of a view: `decode` copies runs that stand for themselves, and pushes each other byte with the offset in
 * `view` of what it was written as.
 */
export function decodedView(
  view: View,
  start: number,
  end: number,
  decode: (
    bytes: Buffer,
    start: number,
    end: number,
    copy: (from: number, to: number) => void,
    push: (byte: number, from: number) => void,
  ) => void,
): View {
  // An escape of n bytes stands for fewer.
  const bytes = Buffer.allocUnsafe(end - start);
  const origin = new Int32Array(end - start + 1);
  let length = 0;

  function copy(from: number, to: number): void {
    view.bytes.copy(bytes, length, from, to);
    if (view.origin === null) for (let i = from; i < to; i++) origin[length++] = view.base + i;
    else for (let i = from; i < to; i++) origin[length++] = view.origin[i] as number;
  }

  function push(byte: number, from: number): void {
    bytes[length] = byte;
    origin[length++] = originOf(view, from);
  }

  decode(view.bytes, start, end, copy, push);
  origin[length] = originOf(view, end);
  return { bytes: bytes.subarray(0, length), base: 0, origin: origin.subarray(0, length + 1) };
}

function originOf({ base, origin }: View, offset: number): number {
  return origin === null ? base + offset : (origin[offset] as number);
}
