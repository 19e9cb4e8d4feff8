/**
 * The memory of all captures together. What a capture may come to is set aside before it begins, so that one that has begun
 * is never cut short, and the process never grows beyond what it was allowed.
 */
export class MemoryLedger {
  readonly bytesMax: number;
  #reserved = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** Sets bytes aside; null where there are not as many. */
  reserve(bytes: number): Reservation | null {
    if (this.#reserved + bytes > this.bytesMax) return null;
    this.#reserved += bytes;
    let held = bytes;
    return {
      get bytes() {
        return held;
      },
      shrink: (to) => {
        const next = Math.min(held, Math.max(0, to));
        this.#reserved -= held - next;
        held = next;
      },
    };
  }
}

export interface Reservation {
  readonly bytes: number;
  /** Gives back what is beyond so many bytes; 0 for all. */
  shrink(to: number): void;
}
