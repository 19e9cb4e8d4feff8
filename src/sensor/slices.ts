/**
 * Work of the capture's thread in slices, so that packets, timers and health checks have their turns however much comes at once:
 * a few hundred bytes may end a thousand exchanges whose bodies have long been there. Packets that wait come first: the kernel
 * drops what it has no room for, and this work can be done when the burst is over.
 *
 * in: pieces of work as they come · out: each of them done, at once or in a later turn of the event loop
 *
 * What waits is taken from the memory budget.
 */
import type { MemoryBudget } from '../memory-budget.js';

/** How long a turn may do such work, in milliseconds; the piece that it is at then is done to its end. */
const SLICE_MILLIS = 5;
/** How long it may rest for packets that wait. */
const REST_MILLIS = 50;
/** What may wait of the budget. */
const WAITING_SHARE = 1 / 8;
/** What one piece may take of the room that is left: small ones always find some. */
const PIECE_SHARE = 1 / 4;
/** What is for small pieces alone of the room for what waits: large ones never fill it, since packets are worth more than those. */
const SMALL_SHARE = 1 / 4;
/** From when on more should not come. */
const FULL_SHARE = 15 / 16;
const FULL_LEFT_BYTES = 1 << 17;
/** Until when. */
const DRAINED_SHARE = 7 / 8;
/** Bytes of a small piece, which is done rather than refused where there is no room for it to wait. */
const SMALL_BYTES = 4096;

interface Piece<T> {
  readonly work: T;
  readonly bytes: number;
}

export class Slices<T> {
  /** Whether packets wait. */
  isBehind = false;
  readonly #budget: MemoryBudget;
  readonly #now: () => number;
  readonly #perform: (work: T) => void;
  readonly #waiting: Piece<T>[] = [];
  /** Index of the next one in `#waiting`. */
  #next = 0;
  #heldBytes = 0;
  /** When this turn's work began; null where it has not. */
  #began: number | null = null;
  #restedSince = 0;
  #isScheduled = false;
  readonly #whenIdle: (() => void)[] = [];
  #drained: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;

  /** `perform` must not throw; `now` in milliseconds. */
  constructor(budget: MemoryBudget, now: () => number, perform: (work: T) => void) {
    this.#budget = budget;
    this.#now = now;
    this.#perform = perform;
  }

  /** Whether anything waits. */
  get isWaiting(): boolean {
    return this.#next < this.#waiting.length;
  }

  /** Does `work`, or lets it wait, when it takes `bytes`; false where there is neither time nor room for it. */
  accept(work: T, bytes: number): boolean {
    this.#schedule();
    if (!this.isBehind && !this.isWaiting && this.#hasTime()) {
      this.#perform(work);
      return true;
    }
    const kept = bytes > SMALL_BYTES ? this.#roomBytes * SMALL_SHARE : 0;
    const left = Math.min(this.#budget.room, this.#roomBytes - kept - this.#heldBytes);
    if (bytes <= left * PIECE_SHARE) {
      this.hold(work, bytes);
      return true;
    }
    if (bytes > SMALL_BYTES || !this.#hasTime()) return false;
    this.#perform(work);
    return true;
  }

  /**
   * Lets `work` wait, room or not: for what has nothing left that could be done without, and was in the budget until now. There is
   * no more of it than one batch of packets ends, as `drained` holds the next.
   */
  hold(work: T, bytes: number): void {
    this.#schedule();
    this.#hold(bytes);
    this.#waiting.push({ work, bytes });
  }

  /** A promise to wait for before there is more work, where that can wait; undefined while there is room. */
  drained(): Promise<void> | undefined {
    const room = this.#roomBytes;
    if (this.#heldBytes < Math.max(room * FULL_SHARE, room - FULL_LEFT_BYTES)) return undefined;
    this.#drained ??= createDrained();
    return this.#drained.promise;
  }

  /** Resolves when nothing waits. */
  async finish(): Promise<void> {
    this.isBehind = false;
    if (this.isWaiting) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  get #roomBytes(): number {
    return this.#budget.max * WAITING_SHARE;
  }

  /** Whether this turn may do more. */
  #hasTime(): boolean {
    const now = this.#now();
    this.#began ??= now;
    return now - this.#began < SLICE_MILLIS;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Behind the callbacks of this turn.
    setImmediate(() => {
      const isSpent = this.#began !== null && !this.#hasTime();
      this.#isScheduled = false;
      this.#began = null;
      if (!this.isWaiting) return;
      this.#schedule();
      if (isSpent) return;
      // Where packets wait for this work, it does not wait for them.
      const mayRest = this.isBehind && this.#drained === null;
      if (!mayRest || this.#now() - this.#restedSince > REST_MILLIS) this.#work();
    });
  }

  #work(): void {
    while (this.isWaiting && this.#hasTime()) {
      const { work, bytes } = this.#waiting[this.#next++] as Piece<T>;
      this.#hold(-bytes);
      this.#perform(work);
    }
    this.#restedSince = this.#now();
    // Each of those that still wait is moved once at most for each that is done.
    if (this.#next >= this.#waiting.length / 2) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    if (this.#heldBytes < this.#roomBytes * DRAINED_SHARE) {
      this.#drained?.resolve();
      this.#drained = null;
    }
    if (this.isWaiting) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#budget.add(bytes);
  }
}

function createDrained(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
