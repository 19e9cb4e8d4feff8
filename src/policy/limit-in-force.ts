/**
 * The rate limit as it is just now: the settings' own, a part of a budget beside it, either, or neither.
 *
 * A limit that stays the same goes on counting. Another one begins anew but for what was kept in the last minute, which counts: however
 * often the limit changes, no minute has more than the highest of them.
 */
import { Allotment } from './allotment.js';
import { createOwnGrants } from './own-pace.js';
import { createCaptureTimePermits } from './permits.js';
import { createRateLimit, type RateLimit, type SeenTraffic } from './rate-limit.js';
import { createReservoirPermits } from './reservoir-permits.js';

export interface LimitContext {
  /** `wall` paces permits in real time; `capture` by the times given alone. */
  readonly pace: 'wall' | 'capture';
  readonly endpointsMax: number;
  readonly onEndpointEvicted: () => void;
}

const NOTHING_SEEN: SeenTraffic = { most: [], rest: { endpoints: 0, count: 0 }, kept: 0 };

export class LimitInForce {
  /** Null where everything is kept. */
  limit: RateLimit | null;
  readonly #context: LimitContext;
  readonly #grants = createOwnGrants();
  #perMinute: number;
  /** The part of a budget that others have parts of too. */
  #allotment: Allotment | null = null;

  /** `perMinute`: the settings' own; 0 for none. */
  constructor(perMinute: number, context: LimitContext) {
    this.#context = context;
    this.#perMinute = perMinute;
    this.limit = this.#create();
  }

  update(perMinute: number): void {
    if (perMinute === this.#perMinute) return;
    this.#perMinute = perMinute;
    // Permits of the old one that are out go back to nobody.
    void this.limit?.close();
    this.limit = this.#create();
  }

  /** See `Policy.allot`. */
  allot(perMinute: number | null, now: number): void {
    if (perMinute === null) this.#allotment = null;
    else {
      this.#allotment ??= new Allotment();
      this.#allotment.set(perMinute, now);
    }
    if (this.limit === null) this.limit = this.#create();
    else this.limit.share(this.#allotment);
  }

  takeSeen(max: number): SeenTraffic {
    return this.limit?.takeSeen(max) ?? NOTHING_SEEN;
  }

  async close(): Promise<void> {
    await this.limit?.close();
  }

  #create(): RateLimit | null {
    const { pace, endpointsMax, onEndpointEvicted } = this.#context;
    if (this.#perMinute === 0 && this.#allotment === null) return null;
    const createPermits = pace === 'wall' ? createReservoirPermits : createCaptureTimePermits;
    const settings = { perMinute: this.#perMinute, endpointsMax, grants: this.#grants };
    const limit = createRateLimit(settings, createPermits, onEndpointEvicted);
    limit.share(this.#allotment);
    return limit;
  }
}
