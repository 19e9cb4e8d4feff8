/**
 * Encoded traces into batches: a batch closes at a number of traces, at a number of encoded bytes, or at a
 * `flush`, whichever comes first.
 *
 * in: encoded traces · out: `Batch`es, uncompressed, to `onBatch`
 */
import type { Limits } from '../../limits.js';
import type { Batch, BatchEncoder } from './batch.js';

export interface BatcherContext {
  encoder: BatchEncoder;
  limits: Pick<Limits, 'batch_traces_max' | 'batch_bytes_max'>;
  onBatch: (batch: Batch) => void;
}

/** A receiver that does not take even this is not helped by smaller batches. */
const BATCH_BYTES_MIN = 4096;

export class Batcher {
  readonly #context: BatcherContext;
  #encoder: BatchEncoder;
  #bytesMax: number;
  #parts: Buffer[] = [];
  #count = 0;
  #bytes = 0;

  constructor(context: BatcherContext) {
    this.#context = context;
    this.#encoder = context.encoder;
    this.#bytesMax = context.limits.batch_bytes_max;
  }

  /** Traces of the open batch. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the open batch, at most. */
  get bytes(): number {
    return this.#bytes;
  }

  /** From the next trace on, takes what `encoder` encoded; closes the open batch if another one encoded that. */
  use(encoder: BatchEncoder): void {
    if (encoder === this.#encoder) return;
    this.flush();
    this.#encoder = encoder;
  }

  /** Adds a trace that the encoder in use has encoded. */
  add(encoded: Buffer): void {
    const { frameBytes, separatorBytes } = this.#encoder;
    // Close first where the trace would not fit, so that only a trace too large by itself makes a batch too large.
    if (this.#count > 0 && this.#bytes + separatorBytes + encoded.length > this.#bytesMax) this.flush();
    this.#bytes = this.#count === 0 ? frameBytes : this.#bytes + separatorBytes;
    this.#parts.push(encoded);
    this.#bytes += encoded.length;
    this.#count++;
    if (this.#count >= this.#context.limits.batch_traces_max || this.#bytes >= this.#bytesMax) this.flush();
  }

  /** Closes the open batch, if it holds anything. */
  flush(): void {
    if (this.#count === 0) return;
    const { protocol } = this.#encoder;
    const payload = this.#encoder.join(this.#parts);
    const batch: Batch = { protocol, count: this.#count, payload, coding: 'identity', recovered: false };
    this.#parts = [];
    this.#count = 0;
    this.#bytes = 0;
    this.#context.onBatch(batch);
  }

  /** From the next batch on, closes at so many bytes, if that is less than before. */
  shrinkTo(bytes: number): void {
    this.#bytesMax = Math.min(this.#bytesMax, Math.max(BATCH_BYTES_MIN, bytes));
  }
}
