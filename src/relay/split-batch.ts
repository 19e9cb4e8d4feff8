/**
 * A batch the satellite finds too large, in two.
 *
 * in: a batch of two traces or more, uncompressed · out: its halves, which together hold the same traces in the same order
 *
 * The traces are found in the bytes, and copied as they are: parsed and spelled again, the integers of a levo entry that are
 * larger than 2^53 would come out as others (RFC 8259 §6). Where they lie is not kept with a batch, for the spool's may be an
 * earlier run's.
 */
import type { Batch } from './batch.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Where the first trace begins. In an OTLP request nothing before its spans can hold this: a quote in a string is escaped. */
const SPANS = '"spans":[';

/** Null where the payload is no such batch. */
export function splitBatch(batch: Batch): [Batch, Batch] | null {
  const { payload, count } = batch;
  const start = batch.protocol === 'levo' ? payload.indexOf('[') + 1 : payload.indexOf(SPANS) + SPANS.length;
  const firstCount = count >> 1;
  let seen = 1;
  let depth = 0;
  let middle = -1;
  for (let at = start; at < payload.length; at++) {
    const byte = payload[at] as number;
    if (byte === QUOTE) {
      at = stringEnd(payload, at);
    } else if (OPENING.has(byte)) {
      depth++;
    } else if (CLOSING.has(byte)) {
      depth--;
      if (depth >= 0) continue;
      if (middle < 0 || seen !== count) return null;
      const head = payload.subarray(0, start);
      const tail = payload.subarray(at);
      return [
        { ...batch, count: firstCount, payload: Buffer.concat([head, payload.subarray(start, middle), tail]) },
        { ...batch, count: count - firstCount, payload: Buffer.concat([head, payload.subarray(middle + 1)]) },
      ];
    } else if (byte === COMMA && depth === 0) {
      if (seen === firstCount) middle = at;
      seen++;
    }
  }
  return null;
}

/** The closing quote of the string that `at` opens; the end of `payload` if there is none. */
function stringEnd(payload: Buffer, at: number): number {
  for (let i = at + 1; i < payload.length; i++) {
    const byte = payload[i] as number;
    if (byte === BACKSLASH) i++;
    else if (byte === QUOTE) return i;
  }
  return payload.length;
}
