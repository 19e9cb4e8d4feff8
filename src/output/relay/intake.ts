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
import { withoutBodies } from '../without-bodies.js';
import type { Batch, BatchEncoder } from './batch.js';
import { Batcher } from './batcher.js';
import type { ByteAllowance } from './byte-allowance.js';
import type { Sender } from './sender.js';

export interface IntakeContext {
  sender: Pick<Sender, 'encoder'>;
  limits: Limits;
  books: Books;
  /** What may be sent in a minute; null for no limit. */
  allowance?: ByteAllowance | null;
  warnings: FoldedWarnings;
  onBatch: (batch: Batch) => void;
  /** What is held has changed: a trace with a large body has been measured, encoded or given up. */
  onEncoding: () => void;
}

export class Intake {
  readonly #context: IntakeContext;
  readonly #batcher: Batcher;
  /** Traces with large bodies, one being encoded a slice at a time, and those that wait for it. */
  #line: Promise<void> = Promise.resolve();
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
      const { queue_bytes_max } = this.#context.limits;
      if (bytes < encoder.sliced_bytes_min) this.#add(trace, encoder, encoder.encode(trace));
      else if (!this.isEncoding || this.#encodingBytes + bytes <= queue_bytes_max)
        this.#standInLine(trace, Math.min(bytes, queue_bytes_max));
      else this.#add(trace, encoder, encoder.encode(withoutBodies(trace)));
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

  /** One large body is encoded at a time: those that wait are in memory as they are, and not as text too. */
  #standInLine(trace: Trace, bytes: number): void {
    this.#encodingTraces++;
    this.#encodingBytes += bytes;
    this.#line = this.#line.then(() => this.#encodeSliced(trace, bytes));
  }

  async #encodeSliced(trace: Trace, bytes: number): Promise<void> {
    const { sender, limits, onEncoding } = this.#context;
    let charged = bytes;
    const charge = (newBytes: number): void => {
      this.#encodingBytes += newBytes - charged;
      charged = newBytes;
    };
    let encoder: BatchEncoder;
    let encoded: Buffer | null = null;
    try {
      do {
        encoder = sender.encoder;
        const others = this.#encodingBytes - charged + encoder.frameBytes;
        encoded = await encoder.encodeSliced(trace, {
          queueBytes: limits.queue_bytes_max,
          freeBytes: limits.queue_bytes_max - others,
          onMeasured: (measured) => {
            charge(measured);
            onEncoding();
          },
        });
        // The protocol may have been decided while it was being encoded.
      } while (encoder !== sender.encoder);
      // It is the batch's from here on, and must not be counted beside it.
      charge(0);
      this.#add(trace, encoder, encoded);
      if (this.#isClosing) this.flush();
    } catch (error) {
      this.#giveUp(error);
    }
    charge(0);
    this.#encodingTraces--;
    onEncoding();
  }

  /** What is too large for the queue by itself would be given up at once: it goes without its bodies. */
  #add(trace: Trace, encoder: BatchEncoder, encoded: Buffer): void {
    const isTooLarge = encoder.frameBytes + encoded.length > this.#context.limits.queue_bytes_max;
    const sent = isTooLarge ? encoder.encode(withoutBodies(trace)) : encoded;
    const { allowance = null, books } = this.#context;
    if (allowance !== null && !allowance.admit(sent.length)) {
      books.accountOverBytes();
      return;
    }
    this.#batcher.use(encoder);
    this.#batcher.add(sent);
  }

  #giveUp(reason: unknown): void {
    this.#context.books.accountLost(1);
    this.#context.warnings.warn('encode', { reason: String(reason) }, 'a trace cannot be encoded');
  }
}
