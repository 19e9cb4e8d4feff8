/**
 * The server names that TLS clients asked for, to say where traffic goes that cannot be read.
 *
 * in:  names, each time one is asked for · out: each once, the latest first
 *
 * When there are too many, the name that was not asked for the longest is evicted.
 */
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';

export class TlsNames {
  readonly #names = new Set<string>();
  readonly #max: number;
  readonly #counters: Counters;

  constructor(limits: Limits, counters: Counters) {
    this.#max = limits.tls_names_max;
    this.#counters = counters;
  }

  add(name: string): void {
    this.#names.delete(name);
    this.#names.add(name);
    if (this.#names.size <= this.#max) return;
    for (const oldest of this.#names) {
      this.#names.delete(oldest);
      break;
    }
    this.#counters.tls_names_evicted++;
  }

  latest(): string[] {
    return [...this.#names].reverse();
  }
}
