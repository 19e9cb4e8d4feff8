/**
 * How many large answers are under way at once: one that is not read stays in memory as long as it waits.
 *
 * in: responses · out: each at its turn, until it has kept others waiting for too long; or each at once, and the oldest ended
 */
import type { ServerResponse } from 'node:http';

export class Slots {
  readonly #count: number;
  readonly #hold_millis: number;
  readonly #held = new Map<ServerResponse, NodeJS.Timeout>();
  readonly #waiting: {
    readonly response: ServerResponse;
    readonly begin: () => void;
    readonly give: (why: Error) => void;
  }[] = [];

  /** @param hold_millis how long one may be held at most */
  constructor(count: number, hold_millis: number) {
    this.#count = count;
    this.#hold_millis = hold_millis;
  }

  get held(): number {
    return this.#held.size;
  }

  /** Resolves at its turn, and rejects where its reader is gone by then; it is over when the response has been sent. */
  take(response: ServerResponse): Promise<void> {
    return new Promise((begin, give) => {
      this.#waiting.push({ response, begin, give });
      this.#next();
    });
  }

  #next(): void {
    while (this.#held.size < this.#count) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const { response, begin, give } = next;
      if (response.destroyed) give(new Error('its reader is gone'));
      else {
        this.#hold(response);
        begin();
      }
    }
  }

  #hold(response: ServerResponse): void {
    const timer = setTimeout(() => response.destroy(), this.#hold_millis).unref();
    this.#held.set(response, timer);
    const release = (): void => {
      if (!this.#held.delete(response)) return;
      clearTimeout(timer);
      this.#next();
    };
    response.once('finish', release);
    response.once('close', release);
  }
}

/** One after the other, as those that are ended meanwhile are not to keep a thread busy with what nobody gets. */
export class OneByOne {
  #turn: Promise<unknown> = Promise.resolve();

  /** Out: null where the response is over when its turn comes. */
  run<T>(response: ServerResponse, work: () => Promise<T>): Promise<T | null> {
    const done = this.#turn.then(() => (response.destroyed ? null : work()));
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** The latest so many: one more ends the oldest, as whoever reads slowly keeps nobody from reading. */
export class Latest {
  readonly #count: number;
  readonly #held = new Set<ServerResponse>();

  constructor(count: number) {
    this.#count = count;
  }

  admit(response: ServerResponse): void {
    this.#held.add(response);
    response.once('close', () => this.#held.delete(response));
    const [oldest] = this.#held;
    if (this.#held.size > this.#count) oldest?.destroy();
  }
}
