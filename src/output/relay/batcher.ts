/**
 * Traces into batches: a batch closes at so many traces, at so many encoded bytes, or when it is told to, whichever
 * is first.
 *
 * in: `Trace`s · out: `Batch`es, uncompressed, to `onBatch`
 */
import type { Trace } from '../../trace/trace.js';
import type { Batch, BatchEncoder } from './batch.js';

export interface Batcher {
  add(trace: Trace): void;
  /** A trace that `by` has encoded already. */
  addEncoded(encoded: Buffer, by: BatchEncoder, trace: Trace): void;
  /** The one in use. */
  readonly encoder: BatchEncoder;
  /** Closes the open batch, if it holds anything. */
  flush(): void;
  /** From the next trace on, with this encoder; closes the open batch. */
  use(encoder: BatchEncoder): void;
  /** From the next batch on, closes at so many bytes, if that is less than before. */
  shrinkTo(bytes: number): void;
  /** Of the open batch. */
  readonly count: number;
  readonly bytes: number;
}

export interface BatcherOptions {
  encoder: BatchEncoder;
  batch_traces_max: number;
  batch_bytes_max: number;
  onBatch: (batch: Batch) => void;
}

/** Whoever takes not even this is not helped by smaller batches. */
const BATCH_BYTES_MIN = 4096;
const COMMA = Buffer.from(',');

export function createBatcher(options: BatcherOptions): Batcher {
  let { encoder } = options;
  let parts: Buffer[] = [];
  let count = 0;
  let bytes = 0;
  let bytesMax = options.batch_bytes_max;

  const flush = (): void => {
    if (count === 0) return;
    const payload = Buffer.concat([encoder.head, ...parts, encoder.tail], bytes);
    const batch: Batch = { protocol: encoder.protocol, count, payload, coding: 'identity', recovered: false };
    parts = [];
    count = 0;
    bytes = 0;
    options.onBatch(batch);
  };

  const append = (encoded: Buffer): void => {
    // Close first where the trace would not fit, so that only a trace too large by itself makes a batch too large.
    if (count > 0 && bytes + COMMA.length + encoded.length > bytesMax) flush();
    if (count === 0) bytes = encoder.head.length + encoder.tail.length;
    else {
      parts.push(COMMA);
      bytes += COMMA.length;
    }
    parts.push(encoded);
    bytes += encoded.length;
    count++;
    if (count >= options.batch_traces_max || bytes >= bytesMax) flush();
  };

  return {
    add: (trace) => append(encoder.encode(trace)),
    // The protocol may have been decided while it was being encoded.
    addEncoded: (encoded, by, trace) => append(by === encoder ? encoded : encoder.encode(trace)),
    get encoder() {
      return encoder;
    },
    flush,
    use(next) {
      flush();
      encoder = next;
    },
    shrinkTo(next) {
      bytesMax = Math.min(bytesMax, Math.max(BATCH_BYTES_MIN, next));
    },
    get count() {
      return count;
    },
    get bytes() {
      return bytes;
    },
  };
}
