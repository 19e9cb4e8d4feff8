/**
 * The way into a relay: a trace is encoded when it comes, one with a large body a slice at a time, and joins the open batch.
 *
 * in: `Trace`s · out: `Batch`es to `onBatch`; what cannot be encoded is lost, and accounted
 */
import type { Limits } from '../../limits.js';
import type { Trace } from '../../trace/trace.js';
import type { Books } from '../books.js';
import type { FoldedWarnings } from '../fold.js';
import { bodyBytes } from '../large-body.js';
import type { Batch } from './batch.js';
import { Batcher } from './batcher.js';
import type { Sender } from './sender.js';

export interface IntakeContext {
  sender: Pick<Sender, 'encoder'>;
  limits: Limits;
  books: Books;
  warnings: FoldedWarnings;
  onBatch: (batch: Batch) => void;
  /** A trace with a large body has been encoded, or given up. */
  onEncoded: () => void;
}

export class Intake {
  readonly #context: IntakeContext;
  readonly #batcher: Batcher;
  /** Traces with large bodies, being encoded a slice at a time. */
  #encodingTraces = 0;
  #encodingBytes = 0;
  #isClosing = false;

  constructor(context: IntakeContext) {
    const { sender, limits, onBatch } = context;
    this.#context = context;
    this.#batcher = new Batcher({ encoder: sender.encoder, limits, onBatch });
  }

  get traces(): number {
    return this.#batcher.count + this.#encodingTraces;
  }

  get bytes(): number {
    return this.#batcher.bytes + this.#encodingBytes;
  }

  get isEncoding(): boolean {
    return this.#encodingTraces > 0;
  }

  /** Never throws: a trace that cannot be encoded costs that trace. */
  accept(trace: Trace): void {
    try {
      const { encoder } = this.#context.sender;
      const bytes = bodyBytes(trace);
      if (bytes < encoder.sliced_bytes_min) {
        this.#batcher.use(encoder);
        this.#batcher.add(encoder.encode(trace));
      } else if (this.#encodingBytes + bytes <= this.#context.limits.queue_bytes_max) {
        void this.#encodeSliced(trace, bytes);
      } else this.#giveUp('too many large bodies at once');
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Closes the open batch. */
  flush(): void {
    this.#batcher.flush();
  }

  /** Closes the open batch, and from here on that of each trace whose encoding has not ended yet. */
  close(): void {
    this.#isClosing = true;
    this.flush();
  }

  /** Later batches close at so many bytes, if that is less than before. */
  shrinkTo(bytes: number): void {
    this.#batcher.shrinkTo(bytes);
  }

  async #encodeSliced(trace: Trace, bytes: number): Promise<void> {
    const { sender } = this.#context;
    this.#encodingTraces++;
    this.#encodingBytes += bytes;
    try {
      const { encoder } = sender;
      const encoded = await encoder.encodeSliced(trace);
      const { encoder: encoderNow } = sender;
      this.#batcher.use(encoderNow);
      // The protocol may have been decided while it was being encoded.
      this.#batcher.add(encoderNow === encoder ? encoded : encoderNow.encode(trace));
      if (this.#isClosing) this.flush();
    } catch (error) {
      this.#giveUp(error);
    }
    this.#encodingTraces--;
    this.#encodingBytes -= bytes;
    this.#context.onEncoded();
  }

  #giveUp(reason: unknown): void {
    this.#context.books.accountLost(1);
    this.#context.warnings.warn('encode', { reason: String(reason) }, 'a trace cannot be encoded');
  }
}
