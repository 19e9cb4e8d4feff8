/**
 * Batches that wait for the receiver: in memory, and on disk while it is away or memory runs short.
 *
 * in: batches as they close · out: the same, one at a time, oldest first; the oldest that no room is left for are lost
 *
 *     push → memory queue ───────────────→ next
 *                 └→ spilling → spool ──↗
 *
 * What is in the spool is older than what is queued, and comes first; before both come the held batches. The budget is kept
 * as long as no batch is larger than an eighth of it: one may be under way, one open, and half of it on the way to the disk.
 */
import type { Limits } from '../../limits.js';
import type { Books } from '../books.js';
import type { FoldedWarnings } from '../fold.js';
import type { Batch, BatchInHand } from './batch.js';
import { HeldBatches } from './held-batches.js';
import { MemoryQueue } from './memory-queue.js';
import type { Sender } from './sender.js';
import type { Spool } from './spool/spool.js';

export interface BacklogContext {
  sender: Pick<Sender, 'pack' | 'mayRepeat'>;
  spool: Spool | null;
  limits: Pick<Limits, 'queue_bytes_max'>;
  books: Books;
  warnings: FoldedWarnings;
  /** Bytes of the same budget that are held before they get here. */
  bytesAhead: () => number;
  /** A batch was given up to make room. */
  onEvicted: () => void;
  /** There may be something to send, or more room than before. */
  onChange: () => void;
}

export class Backlog {
  readonly #context: BacklogContext;
  readonly #queue = new MemoryQueue();
  readonly #held = new HeldBatches();
  /** On the way to the disk: a chain of writes, in order, and what is in it. */
  #spilling: Promise<void> = Promise.resolve();
  #spillingBatches = 0;
  #spillingBytes = 0;
  #spillingTraces = 0;
  #isReceiverAway = false;

  constructor(context: BacklogContext) {
    this.#context = context;
  }

  /** Traces held in memory. */
  get traces(): number {
    return this.#queue.traces + this.#spillingTraces + this.#held.traces;
  }

  /** Bytes held in memory. */
  get bytes(): number {
    return this.#queue.bytes + this.#spillingBytes + this.#held.bytes;
  }

  get isEmpty(): boolean {
    const { spool } = this.#context;
    return this.#queue.size + this.#spillingBatches + this.#held.size + (spool?.batches ?? 0) === 0;
  }

  /** Whether what is left at the end outlives this process. */
  get isDurable(): boolean {
    return this.#context.spool !== null;
  }

  push(batch: Batch): void {
    const entry = this.#queue.push(batch);
    this.makeRoom();
    entry.ready = this.#packed(batch).then((packed) => {
      if (this.#queue.replace(entry, packed)) this.makeRoom();
    });
  }

  /** While the receiver is away, whatever waits goes to disk. */
  noteReceiver(isAway: boolean): void {
    this.#isReceiverAway = isAway;
    if (isAway) this.makeRoom();
  }

  /** Keeps to the budget: to the spool where there is one and it keeps up, else the oldest are given up. */
  makeRoom(): void {
    const { spool, limits, onChange } = this.#context;
    const isAway = this.#isReceiverAway;
    if (spool !== null && (isAway || this.#queue.bytes > this.#room / 2)) {
      const bytesMax = isAway ? 0 : this.#room / 4;
      // No more than half of the budget: what is on the way to the disk cannot be given up.
      while (this.#queue.bytes > bytesMax && this.#spillingBytes < limits.queue_bytes_max / 2) {
        const batch = this.#queue.takeOldest();
        if (batch === null) break;
        this.#spill(spool, batch);
      }
    }
    this.#evict();
    onChange();
  }

  /** The oldest batch, left in place until it is done; null if none waits. One at a time. */
  async next(): Promise<BatchInHand | null> {
    const first = this.#held.peek();
    if (first !== null) return first;
    const { spool } = this.#context;
    while (spool !== null) {
      if (spool.batches > 0) {
        const spooled = await this.#nextSpooled(spool);
        if (spooled !== null) return spooled;
      } else if (this.#spillingBatches > 0) await this.#spilling;
      else break;
    }
    const entry = this.#queue.peek();
    if (entry === undefined) return null;
    entry.sending = true;
    await entry.ready;
    return {
      batch: entry.batch,
      isOnDisk: false,
      done: async () => void this.#queue.remove(entry),
      release: () => {
        entry.sending = false;
      },
    };
  }

  /**
   * Puts the halves of a batch in its place. What is on disk stays there until the last piece has had its outcome, so that
   * being killed loses none of them.
   */
  async split(item: BatchInHand, halves: readonly Batch[]): Promise<void> {
    this.#held.hold(halves, item.isOnDisk ? item.done : undefined);
    if (!item.isOnDisk) await item.done();
    this.makeRoom();
  }

  /** Nothing is sent any more: to disk what the disk takes, the rest is lost. */
  async close(): Promise<void> {
    const { spool, books, onChange } = this.#context;
    const pieces = this.#held.takeAll();
    const rest = [...pieces.batches, ...this.#queue.shrink(-1)];
    for (const batch of rest) {
      if (spool !== null) this.#spill(spool, batch);
      else books.accountLost(batch.count, batch.recovered);
    }
    await this.#spilling;
    await pieces.done();
    for (const batch of this.#queue.shrink(-1)) books.accountLost(batch.count, batch.recovered);
    await spool?.close();
    onChange();
  }

  /** What the queue may hold beside everything else in memory. */
  get #room(): number {
    const elsewhere = this.#context.bytesAhead() + this.#spillingBytes + this.#held.bytes;
    return Math.max(0, this.#context.limits.queue_bytes_max - elsewhere);
  }

  async #nextSpooled(spool: Spool): Promise<BatchInHand | null> {
    const spooled = await spool.peek();
    if (spooled === null) return null;
    const { batch } = spooled;
    if (this.#context.sender.mayRepeat(batch))
      return { batch, isOnDisk: true, done: () => spooled.remove(), release: () => spooled.release() };
    // At most once: were the sensor killed between sending and noting it, the next run would send it again.
    this.#held.hold([batch]);
    const removed = spooled.remove();
    this.makeRoom();
    await removed;
    return this.#held.peek();
  }

  #evict(): void {
    const { books, warnings, limits, onEvicted } = this.#context;
    for (const batch of this.#queue.shrink(this.#room)) {
      onEvicted();
      books.accountLost(batch.count, batch.recovered);
      warnings.warn(
        'evicted',
        { traces: batch.count, queueBytesMax: limits.queue_bytes_max },
        'the queue is full: its oldest batch is given up',
      );
    }
  }

  #spill(spool: Spool, batch: Batch): void {
    this.#spillingBatches++;
    this.#spillingBytes += batch.payload.length;
    this.#spillingTraces += batch.count;
    this.#spilling = this.#spilling.then(async () => {
      const taken = await spool.append(await this.#packed(batch));
      this.#spillingBatches--;
      this.#spillingBytes -= batch.payload.length;
      this.#spillingTraces -= batch.count;
      if (taken) return this.makeRoom();
      // Memory holds it for as long as there is room; the disk is asked again when the next batch comes.
      this.#queue.push(batch);
      this.#evict();
      this.#context.onChange();
    });
  }

  /** Packed, or as it is where packing fails. */
  #packed(batch: Batch): Promise<Batch> {
    return this.#context.sender.pack(batch).catch(() => batch);
  }
}
