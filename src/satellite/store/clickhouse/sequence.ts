/**
 * The numbers of traces where many satellites write at once: by the time, and by the slot that a satellite holds (`lease.ts`).
 *
 *     units of ¼ µs since 2026, rounded down to 64, plus the slot        15 digits until 2033, exact in a double until 2097
 *
 * in: the time · out: numbers, each larger than the one before · pure
 *
 * A satellite gives 62,500 numbers a second. For more than that it runs ahead of the clock.
 */
export const SLOTS = 64;
const EPOCH_MILLIS = Date.UTC(2026, 0, 1);
const UNITS_A_MILLI = 4000;

/** The least number of a moment. */
export function seqAt(millis: number): number {
  return Math.max(0, Math.floor(((millis - EPOCH_MILLIS) * UNITS_A_MILLI) / SLOTS) * SLOTS);
}

/** When a number was given, in milliseconds since 1970. */
export const millisOf = (seq: number): number => EPOCH_MILLIS + seq / UNITS_A_MILLI;

/** Numbers of so many milliseconds. */
export const span = (millis: number): number => millis * UNITS_A_MILLI;

export class Sequence {
  readonly #slot: number;
  #last: number;

  /** @param last the greatest that was given before, by whoever */
  constructor(slot: number, last: number) {
    this.#slot = slot;
    this.#last = Math.floor(last / SLOTS) * SLOTS + slot;
  }

  next(nowMillis: number): number {
    this.#last = Math.max(this.#last + SLOTS, seqAt(nowMillis) + this.#slot);
    return this.#last;
  }
}
