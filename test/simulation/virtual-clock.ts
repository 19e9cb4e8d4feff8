/**
 * Time that passes when the simulation says so: everything that waits, waits here, and what is due first happens first. Of
 * things due at once, what was asked for first.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Clock } from '../../src/output/clock.js';
import type { Random } from '../support/random.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly work: () => void;
  /** Nothing of a process happens after its death. */
  readonly process: { isDead: boolean };
  isCancelled: boolean;
}

export class VirtualClock {
  /** Milliseconds since the Unix epoch. */
  now = Date.parse('2026-01-01T00:00:00Z');
  readonly #random: Random;
  /** A binary heap: each is due before its children. */
  readonly #timers: Timer[] = [];
  #order = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  after(millis: number, work: () => void, process: { isDead: boolean } = { isDead: false }): () => void {
    const timer: Timer = {
      at: this.now + Math.max(0, millis),
      order: this.#order++,
      work,
      process,
      isCancelled: false,
    };
    this.#push(timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  /** Lets the next thing happen, and everything that follows from it at once; false if nothing is due by `deadline`. */
  async step(deadline: number): Promise<boolean> {
    for (;;) {
      const next = this.#timers[0];
      if (next === undefined || next.at > deadline) {
        this.now = Math.max(this.now, deadline);
        return false;
      }
      this.#pop();
      if (next.isCancelled || next.process.isDead) continue;
      this.now = next.at;
      next.work();
      await turn();
      return true;
    }
  }

  /** The clock of one process: what it waits for never comes once `isDead`. */
  of(process: { isDead: boolean }): Clock {
    const every = (millis: number, work: () => void): (() => void) => {
      let cancel = (): void => {};
      const again = (): void => {
        cancel = this.after(
          millis,
          () => {
            again();
            work();
          },
          process,
        );
      };
      again();
      return () => cancel();
    };
    return {
      now: () => this.now,
      random: () => this.#random.next(),
      after: (millis, work) => this.after(millis, work, process),
      every,
      sleep: (millis, signal) =>
        new Promise((resolve) => {
          if (signal.aborted) return resolve();
          const cancel = this.after(millis, () => done(), process);
          const done = (): void => {
            cancel();
            signal.removeEventListener('abort', done);
            resolve();
          };
          signal.addEventListener('abort', done);
        }),
    };
  }

  #push(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, timers[parent] as Timer)) break;
      timers[at] = timers[parent] as Timer;
      at = parent;
    }
    timers[at] = timer;
  }

  #pop(): void {
    const timers = this.#timers;
    const last = timers.pop() as Timer;
    if (timers.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && isBefore(timers[child + 1] as Timer, timers[child] as Timer)) child++;
      if (!isBefore(timers[child] as Timer, last)) break;
      timers[at] = timers[child] as Timer;
      at = child;
    }
    timers[at] = last;
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Until every promise that can resolve by itself has. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** gzip without a thread, which would end when it likes. */
export const gzipNow = {
  compress: async (bytes: Buffer): Promise<Buffer> => gzipSync(bytes, { level: 1 }),
  uncompress: async (bytes: Buffer): Promise<Buffer> => gunzipSync(bytes),
};
